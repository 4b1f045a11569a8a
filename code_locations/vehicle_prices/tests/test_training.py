import numpy as np
import pandas as pd
import pytest

from atoll import UserError
from vehicle_prices.features import CATEGORIES, NUMBERS
from vehicle_prices.training import TRAINERS, make_trainer

QUICK = {"gradient_boosting": {"max_iter": 30}, "ridge": {}}


@pytest.fixture(scope="module", params=sorted(TRAINERS))
def trained(request, split):
    return make_trainer(request.param, QUICK[request.param]).train(split.training)


def test_estimates_are_better_than_the_median_guess(trained, split):
    price = split.test["price_usd"]
    error = (trained.predict(split.test)["estimate"] - price).abs().mean()
    assert error < 0.7 * (split.training["price_usd"].median() - price).abs().mean()


def test_each_estimate_lies_in_its_interval(trained, split):
    prices = trained.predict(split.test)
    assert (prices["low"] < prices["estimate"]).all() and (prices["estimate"] < prices["high"]).all()


def test_the_interval_holds_about_nine_in_ten_unseen_prices(trained, split):
    prices = trained.predict(split.test)
    assert 0.8 < split.test["price_usd"].between(prices["low"], prices["high"]).mean() < 0.97


def test_unknown_categories_and_missing_numbers_have_an_estimate(trained, split):
    strange = split.test.head(4).assign(**dict.fromkeys(CATEGORIES, "never seen"), **dict.fromkeys(NUMBERS, np.nan))
    prices = trained.predict(strange)
    assert np.isfinite(prices).all(axis=None) and (prices > 0).all(axis=None)


def test_a_category_that_only_the_test_holds_changes_nothing_else(trained, split):
    two = split.test.head(2)
    changed = two.assign(paint_color=["never seen", two["paint_color"].iloc[1]])
    pd.testing.assert_frame_equal(trained.predict(changed).tail(1), trained.predict(two).tail(1))


def test_an_unknown_trainer_is_named():
    with pytest.raises(UserError) as raised:
        make_trainer("oracle", {})
    assert str(raised.value).splitlines() == [
        "There is no trainer `oracle`.",
        "The trainers of this project are: gradient_boosting, ridge.",
        "Name one of these as `trainer` in the configuration of the asset `model`.",
    ]


def test_an_unknown_parameter_is_named():
    with pytest.raises(UserError) as raised:
        make_trainer("ridge", {"depth": 3})
    what, why, how = str(raised.value).splitlines()
    assert what == "The trainer does not know the parameter depth."
    assert why == "It sets parameters of Ridge."
    assert how.startswith("Use one of: alpha, ")


def test_parameters_reach_the_estimator(split):
    weak, strong = (make_trainer("ridge", {"alpha": alpha}).train(split.training) for alpha in (1.0, 1e6))
    spread = [model.predict(split.test)["estimate"].std() for model in (weak, strong)]
    assert spread[1] < spread[0] / 10
