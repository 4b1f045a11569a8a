"""Features, and cars for training and test."""

import dagster as dg

from vehicle_prices.components.place import Place


def define_features(place: Place) -> dg.Definitions:
    """Define the features, the split by car and its check."""

    @place.asset(kinds={"pandas"})
    def features(vehicles):
        """What a model sees of a vehicle, one row a listing."""
        from vehicle_prices.features import build_features

        return build_features(vehicles)

    @place.asset(kinds={"pandas"})
    def training_set(features):
        """Cars to learn from: four in five, one row a car."""
        from vehicle_prices.split import split_cars

        return split_cars(features).training

    @place.asset(kinds={"pandas"})
    def test_set(features):
        """Cars kept for the evaluation: one in five, one row a car, the same ones every week."""
        from vehicle_prices.split import split_cars

        return split_cars(features).test

    @dg.asset_check(asset=test_set, additional_ins={"training_set": dg.AssetIn(training_set.key)}, blocking=True)
    def no_car_in_both(test_set, training_set):
        """No car is in the training set and in the test set, and each is there once."""
        shared = len(set(test_set["car"]) & set(training_set["car"]))
        repeated = int(test_set["car"].duplicated().sum() + training_set["car"].duplicated().sum())
        return dg.AssetCheckResult(
            passed=shared == 0 and repeated == 0,
            description=f"{len(training_set):,} cars to learn from, {len(test_set):,} for the test, {shared} in both.",
            metadata={"cars in both": shared, "repeated cars": repeated},
        )

    return dg.Definitions(assets=[features, training_set, test_set], asset_checks=[no_car_in_both])
