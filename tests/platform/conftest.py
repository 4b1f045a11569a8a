from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the running platform comes first: it is started seldom, and does not run beside the others."""
    items.sort(key=lambda item: HERE in item.path.parents and "platform" not in getattr(item, "fixturenames", ()))
