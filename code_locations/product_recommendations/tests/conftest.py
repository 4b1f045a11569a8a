import numpy as np
import pandas as pd
import pytest

from atoll.testing import store_at

SHELF = [*"abcdefghij", "milk", "pasta", "sauce"]


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory):
    """Every test works on the sample, in a store of its own."""
    with store_at(tmp_path_factory.mktemp("store")):
        yield


@pytest.fixture(scope="session")
def baskets():
    """400 baskets of 20 households from September on: most hold milk, pasta comes with sauce, household 7 buys j."""
    draw = np.random.default_rng(1)
    rows = []
    for basket in range(400):
        household = basket % 20 + 1
        items = set(draw.choice(SHELF[:9], 2, replace=False))
        items |= {"milk"} if draw.random() < 0.7 else set()
        items |= {"pasta", "sauce"} if draw.random() < 0.2 else set()
        items |= {"j"} if household == 7 else set()
        time = pd.Timestamp("2017-09-01") + pd.Timedelta(hours=6 * basket)
        rows += [(household, 1000 + basket, time, item, "GROCERY", 1) for item in sorted(items)]
    return pd.DataFrame(rows, columns=["household_id", "basket_id", "time", "item", "department", "quantity"])
