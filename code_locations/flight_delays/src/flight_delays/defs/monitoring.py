"""What is a reason to train again: inputs that have moved, and a champion that has decayed."""

from atoll.automation import on_update
from atoll.monitoring import decay, drift
from flight_delays.defs.evaluation import evaluation
from flight_delays.defs.location import WEEK_IS_DONE
from flight_delays.defs.promotion import CONTEST, champion, held_out
from flight_delays.defs.training import model, training_set

# The weather, and what the airlines have planned.
COLUMNS = [
    "carrier",
    "origin",
    "minute_of_day",
    "distance",
    "plane_seats",
    "temp",
    "humid",
    "wind_speed",
    "pressure",
    "recent_precip",
    "recent_visib",
]

drifted, no_drift = drift(held_out, training_set, COLUMNS, units="day", automation_condition=on_update() & WEEK_IS_DONE)

no_decay = decay(evaluation, model, champion, held_out, CONTEST)
