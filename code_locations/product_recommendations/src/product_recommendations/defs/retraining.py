"""Retraining, every week and when the purchases have changed; switched on in the page."""

import dagster as dg

from atoll.automation import retraining

weekly_retraining, triggers = retraining(
    "weekly_retraining",
    trains="product_recommendations/model",
    target=dg.AssetSelection.all(),
    cron_schedule="0 3 * * 1",
    new_data=["product_recommendations/transactions", "product_recommendations/products"],
    cool_down_days=3,
    missed="skip",
)
