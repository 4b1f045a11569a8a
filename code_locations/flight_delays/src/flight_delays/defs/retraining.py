"""Weekly retraining; switched on in the page."""

import dagster as dg

from atoll.schedules import weekly_schedule
from flight_delays.defs.evaluation import evaluation
from flight_delays.defs.predictions import predictions
from flight_delays.defs.promotion import champion, held_out
from flight_delays.defs.training import baseline, model, training_set

weekly_retraining = weekly_schedule(
    "weekly_retraining",
    target=dg.AssetSelection.assets(training_set, baseline, model, held_out, champion, predictions, evaluation),
    cron_schedule="0 3 * * 1",
    description="Retrains on Monday at 03:00 UTC, for every week that has ended and was never made.",
)
