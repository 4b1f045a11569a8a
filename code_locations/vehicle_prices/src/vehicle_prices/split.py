"""One row a car, and which cars are kept for the test."""

from typing import NamedTuple

import pandas as pd

from vehicle_prices.cars import draw

TEST_SHARE = 0.2


class Split(NamedTuple):
    """Cars to learn from and cars for the test, one row a car."""

    training: pd.DataFrame
    test: pd.DataFrame


def split_cars(features: pd.DataFrame) -> Split:
    """Keep the first listing of each car, and about one car in five for the test.

    A car that was posted often counts once, in training and in the test. Which cars are for the test is drawn for each
    car by itself: it is the same in the sample and in everything, and stays when listings are added.

    Args:
        features: Features with `listing` and `car`.
    """
    ordered = features.sort_values("listing", ignore_index=True)
    cars = ordered[~ordered["car"].duplicated()]
    for_test = draw(cars["car"], "split") < TEST_SHARE
    return Split(cars[~for_test].reset_index(drop=True), cars[for_test].reset_index(drop=True))
