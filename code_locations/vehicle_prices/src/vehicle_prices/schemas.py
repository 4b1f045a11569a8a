"""What tables must look like, for checks that block what is downstream."""

from pandera import Check, Column, DataFrameSchema

from vehicle_prices.cleaning import FIRST_YEAR, HIGHEST_PRICE_USD, LOWEST_PRICE_USD, ODOMETER_LIMIT_MI

_TEXT = Column(str)
_TEXT_OR_MISSING = Column(str, nullable=True)
_STATE = Column(str, Check.str_matches(r"^[a-z]{2}$"))

_ALWAYS_STATED = ["model", "condition"]
_SOMETIMES_STATED = ["fuel", "transmission", "drive", "size", "type", "paint_color", "title_status"]
_TEXTS = {
    **dict.fromkeys(_ALWAYS_STATED, _TEXT),
    **dict.fromkeys(_SOMETIMES_STATED, _TEXT_OR_MISSING),
    "state": _STATE,
}

LISTINGS = DataFrameSchema(
    {
        "listing": Column(int, Check.ge(0), unique=True),
        "car": Column(int, Check.ge(0)),
        "price_usd": Column(int, Check.ge(0)),
        "year": Column(int, Check.in_range(1900, 2030)),
        "odometer_mi": Column(float, Check.ge(0), nullable=True),
        "num_cylinders": _TEXT_OR_MISSING,
        **_TEXTS,
    },
    strict=True,
    checks=Check(lambda listings: len(listings) > 0, error="there are no listings"),
)
"""Listings from the connector. A column more, such as a VIN or a description, is refused."""

VEHICLES = DataFrameSchema(
    {
        "listing": Column(int, Check.ge(0), unique=True),
        "car": Column(int, Check.ge(0)),
        "price_usd": Column(int, Check.in_range(LOWEST_PRICE_USD, HIGHEST_PRICE_USD)),
        "year": Column(int, Check.in_range(FIRST_YEAR, 2030)),
        "odometer_mi": Column(float, Check.in_range(0, ODOMETER_LIMIT_MI, include_max=False)),
        "cylinders": Column(float, Check.in_range(3, 12), nullable=True),
        **_TEXTS,
    },
    strict=True,
    checks=Check(lambda vehicles: len(vehicles) > 0, error="no vehicle was left"),
)
"""Vehicles from cleaning: every price, year and odometer reading follows the rules."""
