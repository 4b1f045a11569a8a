import numpy as np
import pandas as pd
import pytest

from vehicle_prices.listings import ATTRIBUTES
from vehicle_prices.predictions import estimate_prices
from vehicle_prices.training import make_trainer


@pytest.fixture(scope="module", params=["gradient_boosting", "ridge"])
def model(request, split):
    return make_trainer(request.param, {"max_iter": 30}).train(split.training)


def test_every_listing_has_an_estimate_with_or_without_a_price(model, sample):
    estimates = estimate_prices(model, sample.drop(columns="price_usd"))
    assert estimates.index.equals(sample.index)
    assert np.isfinite(estimates[["estimate", "low", "high"]]).all(axis=None)


def test_one_vehicle_of_which_little_is_known_has_an_estimate(model):
    vehicle = dict.fromkeys(ATTRIBUTES) | {"model": "C-Class", "year": 2015, "state": "zz", "type": "hovercraft"}
    estimates = estimate_prices(model, pd.DataFrame([vehicle]))
    assert 1_000 < estimates["estimate"][0] < 100_000
    assert not estimates["in_range"][0]


def test_an_estimate_does_not_depend_on_the_other_rows(model, sample):
    pd.testing.assert_frame_equal(estimate_prices(model, sample).iloc[[5]], estimate_prices(model, sample.iloc[[5]]))


def test_years_and_readings_that_no_price_was_learnt_from_are_marked(model, sample):
    asked = sample.head(3).assign(year=[2015, 1950, 2015], odometer_mi=[50_000.0, 50_000.0, 900_000.0])
    assert estimate_prices(model, asked)["in_range"].tolist() == [True, False, False]


def test_an_older_car_that_was_driven_more_costs_less(model, sample):
    car = sample[sample["model"] == "c-class"].iloc[[0]]
    new, old = car.assign(year=2018, odometer_mi=10_000.0), car.assign(year=2006, odometer_mi=150_000.0)
    assert estimate_prices(model, old)["estimate"].iloc[0] < estimate_prices(model, new)["estimate"].iloc[0] / 2
