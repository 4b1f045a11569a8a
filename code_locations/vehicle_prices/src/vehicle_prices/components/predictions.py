"""Batch predictions."""

import dagster as dg

from vehicle_prices.components.place import WEEKLY, Place


def define_predictions(place: Place) -> dg.Definitions:
    """Define the champion's predictions and their check."""

    @place.asset(deps=[dg.AssetKey([*place.prefix, "evaluation"])], kinds={"pandas"}, freshness_policy=WEEKLY)
    def predictions(champion, listings, training_set):
        """An estimate with a 90 % interval for every listing, also for those without a usable price.

        `in_range` says whether year and odometer reading are ones that prices are learnt from, `in_training` whether
        models learn from a price of this car: then the estimate flatters it. Made by the champion, and only when the
        evaluation of the newest model passes its checks.
        """
        from vehicle_prices.predictions import estimate_prices

        estimates = estimate_prices(champion, listings)
        known = listings[["listing", "car", "price_usd"]]
        table = known.join(estimates).assign(in_training=known["car"].isin(training_set["car"]))
        outside = table[~table["in_range"]]
        return dg.MaterializeResult(value=table, metadata={"out of range": len(outside)})

    @dg.asset_check(asset=predictions, blocking=True)
    def estimates_are_plausible(predictions):
        """Every estimate is a positive number of dollars inside its interval."""
        ordered = (0 < predictions["low"]) & (predictions["low"] <= predictions["estimate"])
        ordered &= (predictions["estimate"] <= predictions["high"]) & (predictions["high"] < float("inf"))
        wrong = int((~ordered).sum())
        return dg.AssetCheckResult(passed=wrong == 0, description=f"{wrong} of {len(predictions)} estimates are not.")

    return dg.Definitions(assets=[predictions], asset_checks=[estimates_are_plausible])
