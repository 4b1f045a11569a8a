"""Which listings are of one car, and chance that is tied to a car."""

import hashlib

import pandas as pd


def number_cars(listings: pd.DataFrame) -> pd.Series:
    """Number the car that each listing is of, in the order in which the cars first appear.

    Listings with the same VIN are of one car. A listing without a VIN is taken to be of the same car as the others of
    the same model, year and odometer reading (of the first one, if their VINs differ); where there is no reading, of
    the same model, year and price. Two different cars can agree in these, rarely, and then mostly at a round reading:
    they become one group, which costs a row, while the opposite mistake would let a test car be seen in training.

    Args:
        listings: Source rows with `VIN`, `model`, `year`, `odometer_mi` and `price_USD`.

    Returns:
        One integer a row, from 0. It says nothing about the VIN: it depends on the order of the rows alone.
    """
    vin = listings["VIN"].str.strip().str.upper().replace("", pd.NA)
    price_without_reading = listings["price_USD"].where(listings["odometer_mi"].isna())
    likeness = [listings["model"], listings["year"], listings["odometer_mi"], price_without_reading]
    alike = listings.groupby(likeness, dropna=False, sort=False).ngroup()
    vin_of_alike = vin.groupby(alike).first()
    identity = vin.fillna(alike.map(vin_of_alike)).fillna(alike)
    return pd.Series(pd.factorize(identity)[0], index=listings.index, name="car")


def draw(cars: pd.Series, purpose: str) -> pd.Series:
    """Draw a number in [0, 1) for each car.

    The same car and purpose always give the same number, whatever other cars there are: a car that is in the test set
    of the sample is in the test set of everything, and stays there when listings are added.

    Args:
        cars: Car numbers; they may repeat.
        purpose: What is drawn for; different purposes give independent numbers.

    Returns:
        One number a row of `cars`.
    """
    numbers = {car: _fraction(f"{purpose}:{car}") for car in cars.unique()}
    return cars.map(numbers).astype(float)


def _fraction(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48
