"""From listings as they were typed to vehicles that a price can be learnt from."""

from typing import NamedTuple

import pandas as pd

from atoll import logger
from vehicle_prices.vocabulary import TEXTS

LOWEST_PRICE_USD = 500
HIGHEST_PRICE_USD = 200_000
ODOMETER_LIMIT_MI = 400_000
FIRST_YEAR = 1990


class Cleaned(NamedTuple):
    """What cleaning kept, and the number of listings that each rule dropped."""

    vehicles: pd.DataFrame
    dropped: dict[str, int]


def convert_types(listings: pd.DataFrame) -> pd.DataFrame:
    """Give every attribute its type.

    Text is stripped and in lower case, and missing when it is empty. `num_cylinders` is text in the source ("6",
    "other") and becomes the number `cylinders`, missing when it is no number.

    Args:
        listings: Listings, or vehicles that somebody asks a price for: the attributes are needed, a price is not.

    Returns:
        The same rows in the same order.
    """
    texts = {name: tidy(listings[name]) for name in TEXTS}
    numbers = {name: pd.to_numeric(listings[name]).astype(float) for name in ("year", "odometer_mi")}
    cylinders = pd.to_numeric(tidy(listings["num_cylinders"]), errors="coerce").astype(float)
    return listings.drop(columns="num_cylinders").assign(**texts, **numbers, cylinders=cylinders)


def is_in_range(vehicles: pd.DataFrame) -> pd.Series:
    """Say for each vehicle whether its year and odometer reading are ones that prices are learnt from."""
    return (vehicles["year"] >= FIRST_YEAR) & (vehicles["odometer_mi"] < ODOMETER_LIMIT_MI)


def clean(listings: pd.DataFrame) -> Cleaned:
    """Convert types and drop the listings that break a rule.

    Args:
        listings: What the connector returns.

    Returns:
        The vehicles, and how many listings each rule dropped; a listing counts for the first rule that it breaks.
    """
    vehicles = convert_types(listings)
    price, odometer = vehicles["price_usd"], vehicles["odometer_mi"]
    rules = {
        f"price under ${LOWEST_PRICE_USD:,}": price < LOWEST_PRICE_USD,
        f"price over ${HIGHEST_PRICE_USD:,}": price > HIGHEST_PRICE_USD,
        "no odometer reading": odometer.isna(),
        f"odometer at {ODOMETER_LIMIT_MI:,} miles or more": odometer >= ODOMETER_LIMIT_MI,
        f"year before {FIRST_YEAR}": vehicles["year"] < FIRST_YEAR,
    }
    kept = pd.Series(True, index=vehicles.index)
    dropped = {}
    for rule, broken in rules.items():
        dropped[rule] = int((kept & broken).sum())
        kept &= ~broken
        logger.info("dropped listings", rule=rule, rows=dropped[rule])
    logger.info("cleaned listings", rows=int(kept.sum()), dropped=sum(dropped.values()))
    return Cleaned(vehicles[kept].astype({"year": int}).reset_index(drop=True), dropped)


def tidy(column: pd.Series) -> pd.Series:
    """Strip text and put it in lower case; empty text is missing."""
    return column.astype(object).map(lambda text: str(text).strip().lower() or None, na_action="ignore")
