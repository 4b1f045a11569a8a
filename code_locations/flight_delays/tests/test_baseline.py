import numpy as np
import pandas as pd
import pytest

from flight_delays.baseline import PRIOR_FLIGHTS, count_rates, guess

FLIGHTS = pd.DataFrame(
    {
        "carrier": ["AA", "AA", "AA", "B6"],
        "minute_of_day": [360.0, 419.0, 420.0, 360.0],
        "late": [True, False, True, False],
    }
)


def test_rates_are_by_carrier_and_hour_and_smoothed():
    rates = count_rates(FLIGHTS)
    assert rates[["carrier", "hour", "flights", "late"]].to_numpy().tolist() == [
        ["AA", 6, 2, 1],
        ["AA", 7, 1, 1],
        ["B6", 6, 1, 0],
    ]
    smoothed = [(late + PRIOR_FLIGHTS / 2) / (flights + PRIOR_FLIGHTS) for late, flights in ((1, 2), (1, 1), (0, 1))]
    assert rates["rate"].tolist() == pytest.approx(smoothed)


def test_a_carrier_or_hour_that_is_new_gets_the_rate_of_all():
    rates = count_rates(FLIGHTS)
    flights = pd.DataFrame({"carrier": ["AA", "UA", "B6"], "minute_of_day": [419.0, 360.0, 1_200.0]}, index=[7, 3, 5])
    assert guess(rates, flights).tolist() == pytest.approx([rates["rate"][0], 0.5, 0.5])


def test_guesses_rank_made_up_flights_better_than_chance(training_set, examples, weeks):
    week = examples[weeks[10]]
    guessed = guess(count_rates(training_set), week)
    late = week["late"].to_numpy()
    assert np.mean(guessed[late]) > np.mean(guessed[~late]) + 0.02
