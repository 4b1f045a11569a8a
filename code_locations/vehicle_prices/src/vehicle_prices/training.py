"""Trainers that learn prices, interchangeable by name."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, SplineTransformer
from threadpoolctl import threadpool_limits

from atoll import UserError, logger
from vehicle_prices.features import CATEGORIES, INPUTS, NUMBERS

SEED = 0
FOLDS = 5
COVERAGE = 0.9


@dataclass(frozen=True)
class PriceModel:
    """An estimator of the logarithm of the price, and how far off it is on cars that it has not seen.

    Attributes:
        estimator: Fitted on the features; predicts log US dollars.
        low_error: The log price of a car is above the estimate by less than this in 5 % of cars.
        high_error: The log price of a car is above the estimate by more than this in 5 % of cars.
    """

    estimator: Pipeline
    low_error: float
    high_error: float

    @property
    def feature_names_in_(self) -> list[str]:
        """The columns that it was fitted on, which `predict` needs."""
        return list(self.estimator.feature_names_in_)

    def get_params(self) -> dict[str, Any]:
        """Give the parameters of the estimator, by scikit-learn's names."""
        return self.estimator[-1].get_params()

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Estimate the asking price of each row, in US dollars: `estimate`, and `low` to `high` holds 90 % of prices.

        Missing values and categories that were not seen in training are allowed. On one thread: on a busy machine
        several wait for each other at every tree.
        """
        with threadpool_limits(1):
            log_price = self.estimator.predict(features[self.feature_names_in_])
        bounds = {"estimate": 0.0, "low": self.low_error, "high": self.high_error}
        return pd.DataFrame({name: np.exp(log_price + error) for name, error in bounds.items()}, features.index)


class Trainer(ABC):
    """Trains a scikit-learn pipeline on the logarithm of the price.

    The interval is that of the errors on cars that were left out of training in one of five folds: from their 5 % to
    their 95 % quantile. It carries no formal guarantee; the evaluation measures how many prices it holds.
    """

    def __init__(self, features: Collection[str] = INPUTS, /, **parameters: object) -> None:
        """Set the features to learn from, and parameters of the estimator, by scikit-learn's names.

        Raises:
            UserError: The estimator has no such parameter.
        """
        self.inputs = [name for name in INPUTS if name in features]
        self.pipeline = self.build(
            [name for name in CATEGORIES if name in features], [name for name in NUMBERS if name in features]
        )
        estimator = self.pipeline[-1]
        unknown = sorted(set(parameters) - set(estimator.get_params()))
        if unknown:
            raise UserError(
                f"The trainer does not know the parameter {', '.join(unknown)}.",
                f"It sets parameters of {type(estimator).__name__}.",
                f"Use one of: {', '.join(sorted(estimator.get_params()))}.",
            )
        estimator.set_params(**parameters)

    @abstractmethod
    def build(self, categories: Sequence[str], numbers: Sequence[str]) -> Pipeline:
        """Build the pipeline, not fitted."""

    def train(self, cars: pd.DataFrame) -> PriceModel:
        """Learn from features and `price_usd`, one row a car.

        One thread is enough for so few rows, and gives the same bits on every machine of a kind.
        """
        inputs, log_price = cars[self.inputs], np.log(cars["price_usd"].to_numpy())
        with threadpool_limits(1):
            errors = np.empty(len(cars))
            for seen, unseen in KFold(FOLDS, shuffle=True, random_state=SEED).split(inputs):
                fold = clone(self.pipeline).fit(inputs.iloc[seen], log_price[seen])
                errors[unseen] = log_price[unseen] - fold.predict(inputs.iloc[unseen])
            fitted = clone(self.pipeline).fit(inputs, log_price)
        low, high = np.quantile(errors, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        logger.info("trained", trainer=type(self).__name__, cars=len(cars), interval=f"{low:+.3f} to {high:+.3f}")
        return PriceModel(fitted, float(low), float(high))


class GradientBoosting(Trainer):
    """Histogram gradient boosting on the absolute error, which prices typed wrongly sway less than the squared one."""

    def build(self, categories: Sequence[str], numbers: Sequence[str]) -> Pipeline:
        """Build the pipeline, not fitted."""
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        columns = ColumnTransformer([("categories", encoder, categories), ("numbers", "passthrough", numbers)])
        estimator = HistGradientBoostingRegressor(
            loss="absolute_error",
            learning_rate=0.05,
            max_iter=300,
            min_samples_leaf=10,
            early_stopping=False,
            categorical_features=list(range(len(categories))),
            random_state=SEED,
        )
        return make_pipeline(columns, estimator)


class RidgeRegression(Trainer):
    """Ridge regression on categories and on splines of the numbers."""

    def build(self, categories: Sequence[str], numbers: Sequence[str]) -> Pipeline:
        """Build the pipeline, not fitted."""
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False)
        splines = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), SplineTransformer(n_knots=6))
        columns = ColumnTransformer([("categories", encoder, categories), ("numbers", splines, numbers)])
        return make_pipeline(columns, Ridge(random_state=SEED))


TRAINERS: Mapping[str, type[Trainer]] = {"gradient_boosting": GradientBoosting, "ridge": RidgeRegression}


def make_trainer(name: str, parameters: Mapping[str, object], features: Collection[str] = INPUTS) -> Trainer:
    """Make a trainer by its name in `TRAINERS`; `features` are those of `INPUTS` that it learns from.

    Raises:
        UserError: There is no such trainer, or it has no such parameter.
    """
    if name not in TRAINERS:
        raise UserError(
            f"There is no trainer `{name}`.",
            f"The trainers of this project are: {', '.join(TRAINERS)}.",
            "Name one of these as `trainer` in the configuration of the asset `model`.",
        )
    return TRAINERS[name](features, **parameters)
