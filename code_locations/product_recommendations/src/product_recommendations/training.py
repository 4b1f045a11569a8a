"""Trainers that learn what goes with a basket, interchangeable by name."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Protocol

import pandas as pd

from atoll import UserError
from product_recommendations.item2vec import Item2VecTrainer
from product_recommendations.item_factors import ItemFactorsTrainer
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.recommendations import Model


class Trainer(Protocol):
    """What makes a model from baskets."""

    def train(self, baskets: pd.DataFrame) -> Model:
        """Learn from a basket table."""
        ...


TRAINERS: Mapping[str, Callable[..., Trainer]] = {
    "item_ridge": ItemRidgeTrainer,
    "item_factors": ItemFactorsTrainer,
    "item2vec": Item2VecTrainer,
}


def make_trainer(name: str, parameters: Mapping[str, object]) -> Trainer:
    """Make a trainer by its name in `TRAINERS`.

    Raises:
        UserError: There is no such trainer, or it has no such parameter, or a parameter is of another type.
    """
    if name not in TRAINERS:
        raise UserError(
            f"There is no trainer `{name}`.",
            f"The trainers of this project are: {', '.join(TRAINERS)}.",
            "Name one of these as `trainer` in the configuration of the asset `model`.",
        )
    defaults = {field.name: field.default for field in signature(TRAINERS[name]).parameters.values()}
    for parameter, value in parameters.items():
        if parameter not in defaults:
            raise UserError(
                f"The trainer {name} does not know the parameter `{parameter}`.",
                f"Its parameters are: {', '.join(defaults)}.",
                "Rename or remove it in the configuration of the asset.",
            )
        expected = type(defaults[parameter])
        if type(value) is not expected and (expected, type(value)) != (float, int):
            raise UserError(
                f"The parameter `{parameter}` of the trainer {name} is not valid.",
                f"It is of type {type(value).__name__}, not {expected.__name__}.",
                f"Correct it in the configuration of the asset; the default is {defaults[parameter]!r}.",
            )
    return TRAINERS[name](**parameters)
