"""Trainers that learn what goes with a basket, interchangeable by name."""

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from atoll import UserError
from product_recommendations.item2vec import Item2VecTrainer
from product_recommendations.item_factors import ItemFactorsTrainer
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.recommendations import Recommender


class Trainer(Protocol):
    """What makes a model from baskets and keeps it in a file."""

    def train(self, baskets: pd.DataFrame) -> Recommender:
        """Learn from a basket table."""
        ...

    def save(self, model: Any, path: Path) -> None:
        """Write the model to a file; the same model gives the same bytes."""
        ...

    def load(self, path: Path) -> Recommender:
        """Read a model back."""
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


def save_model(name: str, model: Recommender, folder: Path) -> Path:
    """Write a model to a file that is named after its trainer.

    Returns:
        The file's path, for `load_model`.
    """
    path = folder / f"{name}.npz"
    make_trainer(name, {}).save(model, path)
    return path


def load_model(path: Path) -> Recommender:
    """Read a model from a file that is named after its trainer."""
    return make_trainer(path.stem, {}).load(path)
