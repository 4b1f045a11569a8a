"""What the assets of this code location have in common."""

from datetime import timedelta

import dagster as dg

LOCATION = "aviation_data"
OWNERS = ["team:data-engineering"]
WEEKS = dg.WeeklyPartitionsDefinition(start_date="2012-12-30", end_date="2014-01-05", timezone="America/New_York")
WEEKLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))
YEARLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=366), fail_window=timedelta(days=400))
