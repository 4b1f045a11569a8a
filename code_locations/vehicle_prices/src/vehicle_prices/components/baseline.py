"""The baseline."""

import dagster as dg

from vehicle_prices.components.place import Place


def define_baseline(place: Place) -> dg.Definitions:
    """Define what a model must be better than."""

    @place.asset(kinds={"pandas"})
    def median_price(training_set):
        """The baseline: the median price of the training cars, guessed for every car."""
        price = float(training_set["price_usd"].median())
        return dg.MaterializeResult(value=price, metadata={"median price, US dollars": price})

    return dg.Definitions(assets=[median_price])
