from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # To start and to end the platform takes longer than most tests: what needs it running comes first, and then what
    # needs it at rest.
    mine = [item for item in items if HERE in item.path.parents]
    items[:] = [item for item in items if item not in mine] + sorted(mine, key=_rank)


def _rank(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    return 0 if "platform" in names else 1 if "idle_clone" in names else 2
