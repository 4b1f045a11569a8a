"""`up`: an environment of the server, from its release, settings and secrets to a page with every location loaded."""

from atoll_control.backup.leftovers import mend_leftovers
from atoll_control.console import say
from atoll_control.deployment.lock import held
from atoll_control.deployment.plan import tell_plan
from atoll_control.deployment.preparation import prepare, require_derived
from atoll_control.deployment.reconciliation import reconcile
from atoll_control.deployment.release import plan_release, release_file
from atoll_control.deployment.secrets import require_own
from atoll_control.deployment.server import Server
from atoll_control.docker import require_engine
from atoll_control.files import Checkout
from atoll_control.projects import discover_projects


def up(checkout: Checkout, name: str, *, dry_run: bool) -> int:
    """Start an environment, of the last build where its release says nothing; return 1 when a part does not come up."""
    server = Server(checkout, name)
    projects = [project for project in discover_projects(checkout) if not project.problem]
    require_derived(checkout, projects)
    require_own(server.secrets)
    release, added = plan_release(checkout, name)
    if dry_run:
        if added:
            file = release_file(checkout, name).relative_to(checkout.root)
            say(f"would write {file} with the last build of {', '.join(added)}")
        tell_plan(server, projects, release)
        say(f"would run it at {server.address}")
        return 0
    require_engine()
    with held(server, "up"):
        mend_leftovers(server)
        prepare(server, projects, release, added)
        well = reconcile(server, projects, release, "up", "")
    _tell_addresses(server)
    return 0 if well else 1


def _tell_addresses(server: Server) -> None:
    login = server.secrets / "login"
    say(f"\n  page   {server.address}\n  mlflow {server.address}/mlflow/\n  store  {server.address}/store/")
    say(f"  login  {login.relative_to(server.checkout.root)}")
    if server.certificate:
        say(f"  trust  {server.certificate.relative_to(server.checkout.root)} (who signed the page's certificate)")
    say("")
