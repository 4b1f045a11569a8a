"""Every sentence that `check` claims is broken on purpose, seen red with its cure, and mended."""

import json
import shlex
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atoll_control.claims import CLAIMS
from atoll_control.errors import UserError
from atoll_control.projects import discover_projects
from clone import Clone

PRICES = Path("code_locations", "vehicle_prices")
BASKETS = Path("code_locations", "product_recommendations")
FLIGHTS = Path("code_locations", "aviation_data")
CONTRACTS = Path("code_locations", "flight_delays", "src", "flight_delays", "contracts", "aviation_data")
PLANTED = "pandas-9.9.9.dist-info"
# They load every project, which takes longer than all other claims: looked at where they are to be seen broken.
LOADING = {"definitions", "contracts"}
# Resolving every lock takes long too. What breaks one of these claims touches what locks are made of.
NEAR_LOCKS = {"projects", "dagster"}


@dataclass(frozen=True)
class Break:
    """A deliberate break of one claim: what its problem says, and the beginning of the cure in it.

    `also` names claims that cannot hold then either: with a stale lock an environment cannot be at its lock.
    """

    id: str
    claim: str
    make: Callable[[Path], None]
    says: str
    cure: str
    also: Sequence[str] = field(default=())


def replace(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def edit(path: Path, old: str, new: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text, f"{old} is not in {path}"
        replace(root / path, text.replace(old, new))

    return make


def write(path: Path, text: str) -> Callable[[Path], None]:
    return lambda root: replace(root / path, text)


def remove(path: Path) -> Callable[[Path], None]:
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def downgrade(path: Path, package: str, version: str) -> Callable[[Path], None]:
    """Lock another version of a package, the way uv does it."""

    def make(root: Path) -> None:
        blocks = (root / path).read_text().split("[[package]]")
        (place,) = (n for n, block in enumerate(blocks) if block.startswith(f'\nname = "{package}"\n'))
        current = blocks[place].split('version = "')[1].split('"')[0]
        blocks[place] = blocks[place].replace(current, version)
        replace(root / path, "[[package]]".join(blocks))

    return make


def uninstall(location: Path, package: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (found,) = (root / location).glob(f".venv/lib/python*/site-packages/{package}-*.dist-info")
        shutil.rmtree(found)

    return make


def plant(root: Path) -> None:
    (packages,) = (root / ".venv").glob("lib/python*/site-packages")
    replace(packages / PLANTED / "METADATA", "Metadata-Version: 2.1\nName: pandas\nVersion: 9.9.9\n")


def definitions(location: Path) -> Path:
    return location / "src" / location.name / "definitions.py"


PLAIN = """import dagster as dg


@dg.asset(key_prefix={prefix!r})
def listings(): ...


defs = dg.Definitions(assets=[listings])
"""

BREAKS = [
    Break(
        "a folder that is no project",
        "projects",
        write(Path("code_locations/notes/ideas.txt"), "one day\n"),
        "code_locations/notes is not a project.",
        "add one, or move the folder out of code_locations/.",
    ),
    Break(
        "a name of Python's own library",
        "projects",
        write(Path("code_locations/json/pyproject.toml"), '[tool.dg.project]\nroot_module = "json"\n'),
        "json cannot be the name of a code location.",
        "choose another folder name.",
    ),
    Break(
        "a manifest that does not parse",
        "projects",
        write(PRICES / "pyproject.toml", "[project\n"),
        "its pyproject.toml does not parse",
        "mend that line of the file.",
        also=["derived files"],
    ),
    Break(
        "workspace.yaml with another interpreter",
        "derived files",
        edit(Path("workspace.yaml"), "vehicle_prices/.venv/bin/python", "vehicle_prices/.venv/bin/python3"),
        "workspace.yaml has drifted.",
        "./atoll sync",
    ),
    Break(
        "a project that dg does not know",
        "derived files",
        edit(Path("dg.toml"), '    {path = "code_locations/vehicle_prices"},\n', ""),
        "dg.toml has drifted.",
        "./atoll sync",
    ),
    Break(
        "a limit that is in no manifest",
        "derived files",
        edit(Path("deploy/compose.yaml"), "mem_limit: 1g", "mem_limit: 9g"),
        "compose.yaml has drifted.",
        "./atoll sync",
    ),
    Break(
        "a dependency of the control plane that is not locked",
        "locks",
        edit(Path("pyproject.toml"), '"atoll-control"]', '"atoll-control", "tomli"]'),
        "the lock uv.lock is not current.",
        "./atoll uv lock --project .",
    ),
    Break(
        "no lock of the library",
        "locks",
        remove(Path("shared/atoll/uv.lock")),
        "the lock shared/atoll/uv.lock is not current.",
        "./atoll uv lock --project shared/atoll",
    ),
    Break(
        "marks of a merge in a lock",
        "locks",
        edit(BASKETS / "uv.lock", "version = 1\n", "<<<<<<< HEAD\nversion = 1\n"),
        "its uv.lock does not parse",
        "git checkout HEAD -- code_locations/product_recommendations/uv.lock && ./atoll uv lock --project ",
        also=["definitions"],
    ),
    Break(
        "a dependency of a project that is not locked",
        "locks",
        edit(PRICES / "pyproject.toml", "dependencies = [", 'dependencies = [\n    "tomli",'),
        "the lock code_locations/vehicle_prices/uv.lock is not current.",
        "./atoll uv lock --project code_locations/vehicle_prices",
        also=["definitions"],
    ),
    Break(
        "a dependency of MLflow's server that is not locked",
        "locks",
        edit(Path("deploy/mlflow/pyproject.toml"), "dependencies = [", 'dependencies = ["tomli", '),
        "the lock deploy/mlflow/uv.lock is not current.",
        "./atoll uv lock --project deploy/mlflow",
    ),
    Break(
        "another Dagster in the library's lock",
        "dagster",
        downgrade(Path("shared/atoll/uv.lock"), "dagster", "1.13.26"),
        "shared/atoll/uv.lock has dagster 1.13.26.",
        "./atoll uv lock --project shared/atoll --upgrade-package dagster==",
    ),
    Break(
        "another Dagster in a project's lock",
        "dagster",
        downgrade(BASKETS / "uv.lock", "dagster", "1.13.26"),
        "code_locations/product_recommendations/uv.lock has dagster 1.13.26.",
        "./atoll uv lock --project code_locations/product_recommendations --upgrade-package dagster==",
        also=["definitions"],
    ),
    Break(
        "no tests",
        "tests",
        remove(PRICES / "tests"),
        "vehicle_prices has no tests.",
        "write one, then: ./atoll test vehicle",
    ),
    Break(
        "an import of another project",
        "imports",
        write(PRICES / "src/vehicle_prices/borrowed.py", "def borrow():\n    import product_recommendations.split\n"),
        "vehicle_prices/src/vehicle_prices/borrowed.py:2",
        "take the asset by its key instead",
    ),
    Break(
        "an import of another project in a test",
        "imports",
        write(BASKETS / "tests/test_borrowed.py", "import vehicle_prices.split\n"),
        "product_recommendations/tests/test_borrowed.py:1",
        "take the asset by its key instead",
    ),
    Break(
        "pandas beside the webserver",
        "control plane",
        plant,
        "the control plane has pandas installed.",
        "take it out of pyproject.toml",
    ),
    Break(
        "definitions that do not import",
        "definitions",
        write(definitions(PRICES), "import nothing_of_that_name\n"),
        "No module named 'nothing_of_that_name'",
        "mend it; the traceback: cd code_locations/vehicle_prices",
    ),
    Break(
        "an environment that is not at its lock",
        "definitions",
        uninstall(BASKETS, "threadpoolctl"),
        "the environment of product_recommendations is not there.",
        "./atoll sync product_recommendations",
    ),
    Break(
        "definitions that import pandas",
        "definitions",
        edit(PRICES / "src/vehicle_prices/components/place.py", "import dagster", "import pandas\nimport dagster"),
        "loading the definitions of vehicle_prices imports",
        "import it in the asset's body",
    ),
    Break(
        "a pipeline whose file is not valid",
        "definitions",
        edit(PRICES / "src/vehicle_prices/defs/sedans/defs.yaml", "trainer: ridge", "trainer: oracle"),
        "`trainer` is not valid. Input should be 'gradient_boosting' or 'ridge'; it is 'oracle'.",
        "mend it; the traceback: cd code_locations/vehicle_prices",
    ),
    Break(
        "a key without the location's name",
        "definitions",
        write(definitions(PRICES), PLAIN.format(prefix=[])),
        "the asset key listings of vehicle_prices does not start with the location's name.",
        'give the asset key_prefix="vehicle_prices".',
    ),
    Break(
        "a key in two locations",
        "definitions",
        write(definitions(BASKETS), PLAIN.format(prefix="vehicle_prices")),
        "the asset key vehicle_prices/listings is in product_recommendations and vehicle_prices.",
        "give each project's assets key_prefix=",
    ),
    Break(
        "a contract that was never fetched",
        "contracts",
        remove(CONTRACTS / "planes.json"),
        "flight_delays has no contract for aviation_data/planes.",
        "./atoll sync flight_delays",
        also=["definitions"],
    ),
    Break(
        "a contract that was extended",
        "contracts",
        edit(CONTRACTS / "planes.json", '"description": "', '"description": "Once: '),
        "the contract of flight_delays for aviation_data/planes is not current.",
        "./atoll sync flight_delays",
    ),
    Break(
        "a column that its lender took away",
        "contracts",
        edit(CONTRACTS / "planes.json", '"columns": {', '"columns": {\n  "wings": "int64",'),
        "aviation_data/planes breaks its contract with flight_delays. column `wings` is gone.",
        "give it back what code_locations/flight_delays/src/flight_delays/contracts/aviation_data/planes.json says",
    ),
    Break(
        "an asset that is no longer lent",
        "contracts",
        edit(FLIGHTS / "pyproject.toml", '"planes", ', ""),
        "flight_delays takes aviation_data/planes, which is not lent.",
        "lend it in [tool.atoll] of code_locations/aviation_data/pyproject.toml",
    ),
    Break(
        "an asset that is lent and does not exist",
        "contracts",
        edit(FLIGHTS / "pyproject.toml", '"planes", ', '"planes", "ships", '),
        "aviation_data/ships is lent and does not exist.",
        "Make it, or take it out of lends.",
    ),
]


@pytest.fixture
def breakable(clone: Clone) -> Iterator[Clone]:
    yield clone
    clone.restore()
    for planted in (clone.root / ".venv").glob(f"lib/python*/site-packages/{PLANTED}"):
        shutil.rmtree(planted)


def find_problems(clone: Clone, names: Collection[str]) -> dict[str, list[UserError]]:
    """Return which of these claims do not hold, with what breaks them."""
    projects = discover_projects(clone.checkout)
    claims = [claim for claim in CLAIMS if claim.name in names]
    found = {claim.name: list(claim.find_problems(clone.checkout, projects)) for claim in claims}
    return {name: problems for name, problems in found.items() if problems}


def test_every_claim_is_broken_at_least_once():
    assert {each.claim for each in BREAKS} == {claim.name for claim in CLAIMS}


def test_check_is_green_on_what_was_installed(clone):
    checked = clone.atoll("check")
    assert checked.code == 0, checked.text
    assert [line for line in checked.stdout.splitlines() if line.startswith("✓ ")] == [
        f"✓ {claim.sentence}" for claim in CLAIMS
    ]


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each.id.replace(" ", "-"))
def test_a_break_is_seen_with_its_cure_and_the_cure_mends_it(breakable, each):
    each.make(breakable.root)
    broken = {each.claim, *each.also}
    slow = LOADING if each.claim in NEAR_LOCKS else LOADING | {"locks"}
    problems = find_problems(breakable, broken | {claim.name for claim in CLAIMS} - slow)
    assert set(problems) == broken
    (problem,) = (found for found in problems[each.claim] if each.says in f"{found.what} {found.why}")
    assert problem.how.startswith(each.cure)
    if problem.how.startswith(("./atoll ", "uv ", "git ")):
        for command in problem.how.split(" && "):
            cured = breakable.run(*shlex.split(command), PATH=f"{breakable.uv_folder}:{breakable.environment['PATH']}")
            assert cured.code == 0, cured.text
        assert find_problems(breakable, [each.claim]) == {}


def test_check_ends_with_1_and_says_in_json_what_does_not_hold(breakable):
    remove(Path("workspace.yaml"))(breakable.root)
    checked = breakable.atoll("check", "--json")
    assert checked.code == 1
    report = json.loads(checked.stdout)
    assert [entry["sentence"] for entry in report] == [claim.sentence for claim in CLAIMS]
    assert [entry["claim"] for entry in report if not entry["holds"]] == ["derived files"]
    (entry,) = (entry for entry in report if not entry["holds"])
    assert entry["problems"] == [
        {
            "what": "workspace.yaml has drifted.",
            "why": "it does not say what the folders under code_locations/ say.",
            "how": "./atoll sync",
        }
    ]
