"""Definitions of a project, looked at in its own environment."""

import json
from pathlib import Path
from typing import Any

from atoll_control.environments import environment_problem
from atoll_control.errors import UserError
from atoll_control.process import capture
from atoll_control.projects import Project

# Import names and distribution names alike: what no idle code location and no control plane holds.
HEAVY = (
    "catboost duckdb gensim lightgbm matplotlib mlflow numpy pandas pandera polars pyarrow scikit-learn scipy seaborn "
    "sklearn statsmodels tensorflow torch xgboost"
).split()  # fmt: skip


def probe_definitions(project: Project) -> tuple[UserError | None, dict[str, Any]]:
    """Load the definitions in the project's environment; return what is wrong, or what they hold."""
    if problem := environment_problem(project):
        return problem, {}
    script = Path(__file__).parent / "probes" / "definitions.py"
    asked = {"name": project.name, "source": str(project.source), "lends": project.lends, "heavy": HEAVY}
    output = capture([project.python, script, json.dumps(asked)], cwd=project.folder)
    found = json.loads(output.stdout) if output.code == 0 else {"error": f"the interpreter ended with {output.code}"}
    if found["error"] is None:
        return None, found
    return UserError(
        f"the definitions of {project.name} do not load.",
        found["error"],
        f"mend it; the traceback: cd code_locations/{project.name} && .venv/bin/dg check defs",
    ), {}
