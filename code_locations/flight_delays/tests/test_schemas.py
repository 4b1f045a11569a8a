import made_up
import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from flight_delays.outcomes import label_flights
from flight_delays.schemas import FEATURES, OUTCOMES


@pytest.fixture
def table(features, weeks):
    return features[weeks[3]]


def test_made_up_weeks_pass(features, outcomes):
    for week in features:
        FEATURES.validate(features[week], lazy=True)
        OUTCOMES.validate(outcomes[week], lazy=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "BOS"},
        {"minute_of_day": 1_440.0},
        {"distance": -5.0},
        {"recent_visib": 11.0},
        {"plane_age": 2_013.0},
        {"carrier": ""},
        {"flight_id": "same"},
        {"arr_delay": 3.0},
        {"distance": None},
    ],
)
def test_features_that_cannot_be_fail(table, changes):
    with pytest.raises(SchemaErrors):
        FEATURES.validate(table.assign(**changes), lazy=True)


def test_a_table_without_flights_fails(table):
    with pytest.raises(SchemaErrors):
        FEATURES.validate(table.head(0), lazy=True)


@pytest.mark.parametrize("changes", [{"state": "lost"}, {"late": pd.NA}, {"state": "cancelled"}, {"flight_id": "same"}])
def test_outcomes_that_contradict_each_other_fail(changes, weeks):
    table = label_flights(made_up.flights(weeks[0])).astype({"late": "boolean"})
    with pytest.raises(SchemaErrors):
        OUTCOMES.validate(table.assign(**changes).astype({"late": "boolean"}), lazy=True)
