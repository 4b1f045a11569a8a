"""`check`: hold a checkout against what it claims, without starting anything."""

from atoll_control.claims import CLAIMS
from atoll_control.console import BAD, GOOD, err, out, show_json, show_problem
from atoll_control.files import Checkout
from atoll_control.projects import discover_projects


def check(checkout: Checkout, *, as_json: bool) -> int:
    """Show each claim and what breaks it; return 1 when one does not hold."""
    projects = discover_projects(checkout)
    report = []
    for claim in CLAIMS:
        with err.status(claim.sentence):
            problems = list(claim.find_problems(checkout, projects))
        report.append(
            {
                "claim": claim.name,
                "sentence": claim.sentence,
                "holds": not problems,
                "problems": [{"what": p.what, "why": p.why, "how": p.how} for p in problems],
            }
        )
        if not as_json:
            out.print(f"{BAD if problems else GOOD} {claim.sentence}")
            for problem in problems:
                show_problem(problem, out)
    if as_json:
        show_json(report)
    return 0 if all(entry["holds"] for entry in report) else 1
