"""What is known of households and items before the test: feature and baseline."""

import dagster as dg

from product_recommendations.defs.location import LOCATION, OWNERS


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def household_history(training_baskets):
    """In how many of its training baskets each household had each item."""
    from product_recommendations.features import count_purchases

    return count_purchases(training_baskets)


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def popularity(training_baskets):
    """The baseline: the items that most training baskets hold, recommended to everybody."""
    from product_recommendations.popularity import count_baskets

    return count_baskets(training_baskets)
