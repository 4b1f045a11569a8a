"""`deploy`: what runs becomes what the release file says, one code server after the other and without a gap."""

from collections.abc import Sequence

from atoll_control.backup.leftovers import mend_leftovers
from atoll_control.deployment.lock import held
from atoll_control.deployment.plan import tell_plan
from atoll_control.deployment.preparation import prepare, require_derived
from atoll_control.deployment.reconciliation import reconcile
from atoll_control.deployment.release import require_complete
from atoll_control.deployment.secrets import require_own
from atoll_control.deployment.server import Server
from atoll_control.docker import require_engine
from atoll_control.files import Checkout
from atoll_control.projects import Project, discover_projects


def deploy(checkout: Checkout, name: str, *, reason: str, dry_run: bool) -> int:
    """Make an environment what its release file says; return 1 when a part does not come up, which stays as it was."""
    server = Server(checkout, name)
    projects = [project for project in discover_projects(checkout) if not project.problem]
    require_derived(checkout, projects)
    require_own(server.secrets)
    if dry_run:
        tell_plan(server, projects, require_complete(checkout, name))
        return 0
    require_complete(checkout, name)
    require_engine()
    with held(server, "deploy"):
        return deploy_held(server, projects, verb="deploy", reason=reason)


def deploy_held(server: Server, projects: Sequence[Project], *, verb: str, reason: str) -> int:
    """Do that for whoever holds the environment's lock."""
    release = require_complete(server.checkout, server.name)
    mend_leftovers(server)
    prepare(server, projects, release, [])
    return 0 if reconcile(server, projects, release, verb, reason) else 1
