import os
import subprocess
import sys

import pytest

from atoll import UserError
from product_recommendations.features import count_purchases, encode_queries
from product_recommendations.training import TRAINERS, load_model, make_trainer, save_model

TRAIN = """
import hashlib, sys
from pathlib import Path
from product_recommendations.cleaning import clean_baskets
from product_recommendations.connector import read_products, read_transactions
from product_recommendations.training import TRAINERS, make_trainer, save_model
baskets, _ = clean_baskets(read_transactions(sample=True), read_products())
for name in TRAINERS:
    path = save_model(name, make_trainer(name, {}).train(baskets), Path(sys.argv[1]))
    print(name, hashlib.sha256(path.read_bytes()).hexdigest())
"""
SMALL = {"item_ridge": {}, "item_factors": {"components": 4}, "item2vec": {}}


@pytest.mark.parametrize("name", TRAINERS)
def test_a_model_comes_back_from_its_file_as_it_was(name, baskets, tmp_path):
    model = make_trainer(name, SMALL[name]).train(baskets)
    loaded = load_model(save_model(name, model, tmp_path))
    queries = encode_queries(baskets, count_purchases(baskets), model.items)
    assert type(loaded) is type(model)
    assert (loaded.score(queries) == model.score(queries)).all()


@pytest.mark.parametrize("name", TRAINERS)
def test_a_model_holds_no_household(name, baskets, tmp_path):
    renamed = baskets.assign(household_id=baskets["household_id"] + 777_000)
    files = [
        save_model(name, make_trainer(name, SMALL[name]).train(table), tmp_path).read_bytes()
        for table in (baskets, renamed)
    ]
    assert files[0] == files[1]


def test_the_same_baskets_give_the_same_file_in_every_process(tmp_path):
    printed = []
    for seed, threads in (("1", "1"), ("2", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", TRAIN, str(tmp_path)]
        printed.append(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert printed[0] == printed[1]
    assert [line.split()[0] for line in printed[0].splitlines()] == list(TRAINERS)


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
