from pathlib import Path

import pandas as pd
import pytest

from vehicle_prices.cleaning import clean
from vehicle_prices.features import build_features
from vehicle_prices.listings import find_source, read_listings, sample_listings
from vehicle_prices.split import Split, split_cars


@pytest.fixture(scope="session")
def source_path() -> Path:
    return find_source()


@pytest.fixture(scope="session")
def source(source_path: Path) -> pd.DataFrame:
    """The data package's table as it is, with VIN and description."""
    return pd.read_csv(source_path, dtype={"VIN": str, "num_cylinders": str})


@pytest.fixture(scope="session")
def listings(source_path: Path) -> pd.DataFrame:
    return read_listings(source_path)


@pytest.fixture(scope="session")
def sample(listings: pd.DataFrame) -> pd.DataFrame:
    return sample_listings(listings)


@pytest.fixture(scope="session")
def split(sample: pd.DataFrame) -> Split:
    return split_cars(build_features(clean(sample).vehicles))
