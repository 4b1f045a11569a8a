from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules in which the platform runs come first: it is started seldom, and does not run beside the others."""
    running = {item.path for item in items if "platform" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: HERE in item.path.parents and item.path not in running)
