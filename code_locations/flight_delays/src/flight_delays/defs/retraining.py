"""Retraining: each week that has arrived, and why; schedule and sensor are switched on in the page."""

import dagster as dg

from atoll.automation import retraining
from flight_delays.defs.evaluation import evaluation
from flight_delays.defs.monitoring import drifted
from flight_delays.defs.predictions import predictions
from flight_delays.defs.promotion import champion, held_out
from flight_delays.defs.training import baseline, model, training_set

weekly_retraining, triggers = retraining(
    "weekly_retraining",
    trains="flight_delays/model",
    target=dg.AssetSelection.assets(
        training_set, baseline, held_out, drifted, model, champion, predictions, evaluation
    ),
    triggered=dg.AssetSelection.assets(model),
    cron_schedule="0 3 * * 1",
    new_data=["flight_delays/held_out"],
    failed_checks=["flight_delays/drift:drift", "flight_delays/evaluation:decay"],
)
