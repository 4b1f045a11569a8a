import pickle

import pytest

from atoll import UserError
from product_recommendations.training import TRAINERS, make_trainer

SMALL = {"item_ridge": {}, "item_factors": {"components": 4}, "item2vec": {}}


@pytest.mark.parametrize("name", TRAINERS)
def test_a_model_holds_no_household(name, baskets):
    renamed = baskets.assign(household_id=baskets["household_id"] + 777_000)
    one, other = (pickle.dumps(make_trainer(name, SMALL[name]).train(table)) for table in (baskets, renamed))
    assert one == other


@pytest.mark.parametrize("name", TRAINERS)
def test_a_model_knows_when_its_newest_basket_was(name, baskets):
    assert make_trainer(name, SMALL[name]).train(baskets).until == baskets["time"].max()


@pytest.mark.parametrize(
    ("name", "parameters", "lines"),
    [
        (
            "forest",
            {},
            [
                "There is no trainer `forest`.",
                "The trainers of this project are: item_ridge, item_factors, item2vec.",
                "Name one of these as `trainer` in the configuration of the asset `model`.",
            ],
        ),
        (
            "item_ridge",
            {"alpha": 1.0},
            [
                "The trainer item_ridge does not know the parameter `alpha`.",
                "Its parameters are: regularization, history_weight, prior_visits, minimum_baskets.",
                "Rename or remove it in the configuration of the asset.",
            ],
        ),
        (
            "item2vec",
            {"epochs": "many"},
            [
                "The parameter `epochs` of the trainer item2vec is not valid.",
                "It is of type str, not int.",
                "Correct it in the configuration of the asset; the default is 5.",
            ],
        ),
        (
            "item2vec",
            {"scoring": "magic"},
            [
                "item2vec cannot score by `magic`.",
                "Vectors are compared in two ways only.",
                "Set `scoring` to one of: cosine, probability.",
            ],
        ),
    ],
)
def test_a_wrong_configuration_is_explained(name, parameters, lines):
    with pytest.raises(UserError) as error:
        make_trainer(name, parameters)
    assert str(error.value).splitlines() == lines


def test_a_whole_number_may_stand_for_a_real_one():
    assert make_trainer("item_ridge", {"regularization": 50}) == TRAINERS["item_ridge"](regularization=50.0)
