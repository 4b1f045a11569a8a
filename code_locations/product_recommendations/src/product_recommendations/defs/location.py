"""What the assets of this code location have in common."""

from datetime import timedelta

import dagster as dg

LOCATION = "product_recommendations"
OWNERS = ["team:data-science"]
WEEKLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))
