"""What differs from what an environment runs, or from a commit: what must be tested before it is deployed there."""

from collections.abc import Sequence

from atoll_control.deployment.history import History
from atoll_control.deployment.release import read_release
from atoll_control.deployment.server import Server
from atoll_control.deployment.settings import list_environments
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.inputs import CONTROL, image_names, read_inputs
from atoll_control.images.tracked import DIRTY, has_changed, is_commit
from atoll_control.projects import Project


class Since:
    """An environment's release, or a commit, that the work tree is compared with.

    What was tested and did not come up is not forgotten: it differs until the environment runs it.

    Raises:
        UserError: it is neither an environment nor a commit.
    """

    def __init__(self, checkout: Checkout, name: str) -> None:
        self._checkout = checkout
        if name in list_environments(checkout):
            runs = History(Server(checkout, name).folder / "history").current() or read_release(checkout, name)
            self._commits = {part: released.commit for part, released in runs.items()}
        elif is_commit(checkout, name):
            self._commits = dict.fromkeys(image_names(checkout), name)
        else:
            raise UserError(
                f"{name} is nothing to compare with.",
                "there is neither an environment nor a commit of that name.",
                f"name one of {', '.join(list_environments(checkout))}, or a commit such as origin/main.",
            )

    def project_differs(self, project: Project) -> bool:
        """Say whether the project, what it is installed from, or what its tests are, is not as it was."""
        tests = (f"code_locations/{project.name}/tests", "shared/atoll/tests/portable")
        return project.problem is not None or self._part_differs(project.name, tests)

    def library_differs(self, projects: Sequence[Project]) -> bool:
        """Say whether the library is another one than any of the projects has."""
        commits = {self._commits.get(project.name) for project in projects}
        return any(self._differs(commit, ["shared/atoll"]) for commit in commits)

    def control_differs(self) -> bool:
        """Say whether the command and the control plane are not as they were."""
        return self._part_differs(CONTROL, ["shared/atoll_control/tests"])

    def _part_differs(self, part: str, tests: Sequence[str]) -> bool:
        commit = self._commits.get(part)
        return self._differs(commit, read_inputs(self._checkout, part).pathspecs) or self._differs(commit, tests)

    def _differs(self, commit: str | None, pathspecs: Sequence[str]) -> bool:
        known = commit is not None and not commit.endswith(DIRTY)
        return not known or has_changed(self._checkout, commit, pathspecs)
