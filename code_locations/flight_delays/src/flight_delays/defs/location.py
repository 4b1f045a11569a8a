"""What the assets of this code location have in common."""

from datetime import timedelta

import dagster as dg

from atoll.automation import at_rest
from flight_delays.defs.aviation import FLIGHTS

LOCATION = "flight_delays"
OWNERS = ["team:data-science"]
WEEKLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))

WEEKS = FLIGHTS.partitions_def
"""The weeks of the data."""

MODEL_WEEKS = dg.WeeklyPartitionsDefinition(start_date="2013-03-10", end_date="2014-01-05", timezone="America/New_York")
"""The weeks that have ten weeks before them to learn from; the last is that of the data."""

WEEK_HAS_COME = at_rest("aviation_data/flights", "aviation_data/weather")
"""Flights and weather come in one run: what reads one of them waits for the other, and is made with what reads both."""

WEEK_IS_DONE = at_rest(f"{LOCATION}/features", f"{LOCATION}/outcomes")
"""Features and outcomes come in one run: what follows one of them waits for the other, and is made once for both."""
