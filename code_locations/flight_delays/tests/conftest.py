from collections.abc import Callable
from datetime import date, timedelta

import made_up
import pandas as pd
import pytest

from flight_delays.features import build_features
from flight_delays.history import add_weekly_history
from flight_delays.outcomes import join_outcomes, label_flights
from flight_delays.window import join_weeks

FIRST = date(2012, 12, 30)
WEEKS = [str(FIRST + timedelta(weeks=number)) for number in range(53)]


@pytest.fixture(scope="session")
def weeks() -> list[str]:
    return WEEKS


@pytest.fixture(scope="session")
def build() -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Builds features of a week from its flights and weather."""
    planes, airports = made_up.planes(), made_up.airports()
    return lambda flights, weather: build_features(flights, weather, planes, airports)


@pytest.fixture(scope="session")
def features(build) -> dict[str, pd.DataFrame]:
    return {week: build(made_up.flights(week), made_up.weather(week)) for week in WEEKS[:12]}


@pytest.fixture(scope="session")
def outcomes() -> dict[str, pd.DataFrame]:
    return {week: label_flights(made_up.flights(week)) for week in WEEKS[:12]}


@pytest.fixture(scope="session")
def examples(features, outcomes) -> dict[str, pd.DataFrame]:
    return {week: join_outcomes(features[week], outcomes[week]) for week in features}


@pytest.fixture(scope="session")
def training_set(examples) -> pd.DataFrame:
    """What the model of the eleventh week learns from."""
    return add_weekly_history(join_weeks({week: examples[week] for week in WEEKS[:10]}))
