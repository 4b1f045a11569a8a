"""Trainers that learn how likely a flight is late, interchangeable by name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, SplineTransformer
from threadpoolctl import threadpool_limits

from atoll import UserError, logger
from flight_delays.features import CATEGORIES, NUMBERS
from flight_delays.history import HISTORY

SEED = 0
MEASURED = [*NUMBERS, *HISTORY]
INPUTS = [*CATEGORIES, *MEASURED]


class DelayModel:
    """A fitted scikit-learn pipeline, which knows until when it has learnt.

    Attributes:
        pipeline: What was fitted on `INPUTS`.
        learnt_until: The last scheduled departure among the flights that it was fitted on.
    """

    def __init__(self, pipeline: Pipeline, learnt_until: pd.Timestamp) -> None:
        """Take what was fitted."""
        self.pipeline = pipeline
        self.learnt_until = learnt_until

    @property
    def feature_names_in_(self) -> list[str]:
        """The columns that it was fitted on, which `predict` needs."""
        return list(self.pipeline.feature_names_in_)

    def get_params(self) -> dict[str, Any]:
        """Give the parameters of the estimator, by scikit-learn's names."""
        return self.pipeline[-1].get_params()

    def predict(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Predict the probability that each flight arrives more than 15 minutes late.

        Missing numbers and categories that were not seen in training are allowed.
        """
        with threadpool_limits(1):
            return self.pipeline.predict_proba(features[self.feature_names_in_])[:, 1]


class Trainer(ABC):
    """Trains a scikit-learn pipeline."""

    def __init__(self, **parameters: object) -> None:
        """Set parameters of the estimator, by scikit-learn's names.

        Raises:
            UserError: The estimator has no such parameter.
        """
        self.pipeline = self.build()
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
    def build(self) -> Pipeline:
        """Build the pipeline, not fitted."""

    def train(self, examples: pd.DataFrame) -> DelayModel:
        """Learn from `INPUTS` and `late`, one row a flight; on one thread, which gives the same bits every time.

        `sched_dep_time` says until when it has learnt.
        """
        with threadpool_limits(1):
            fitted = clone(self.pipeline).fit(examples[INPUTS], examples["late"])
        logger.info("trained", trainer=type(self).__name__, flights=len(examples))
        return DelayModel(fitted, examples["sched_dep_time"].max())


class GradientBoosting(Trainer):
    """Histogram gradient boosting with small trees: flights share the weather, and larger ones learn days by heart."""

    def build(self) -> Pipeline:
        """Build the pipeline, not fitted."""
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        columns = ColumnTransformer([("categories", encoder, CATEGORIES), ("numbers", "passthrough", MEASURED)])
        estimator = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=100,
            max_leaf_nodes=8,
            min_samples_leaf=100,
            l2_regularization=10,
            max_features=0.5,
            early_stopping=False,
            categorical_features=list(range(len(CATEGORIES))),
            random_state=SEED,
        )
        return make_pipeline(columns, estimator)


class LogisticRegressionOnSplines(Trainer):
    """Logistic regression on categories and on splines of the ranks of the numbers."""

    def build(self) -> Pipeline:
        """Build the pipeline, not fitted."""
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False)
        splines = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            QuantileTransformer(n_quantiles=100, random_state=SEED),
            SplineTransformer(n_knots=4, degree=2),
        )
        columns = ColumnTransformer([("categories", encoder, CATEGORIES), ("numbers", splines, MEASURED)])
        return make_pipeline(columns, LogisticRegression(C=0.1, max_iter=1000))


TRAINERS: Mapping[str, type[Trainer]] = {
    "gradient_boosting": GradientBoosting,
    "logistic_regression": LogisticRegressionOnSplines,
}


def make_trainer(name: str, parameters: Mapping[str, object]) -> Trainer:
    """Make a trainer by its name in `TRAINERS`.

    Raises:
        UserError: There is no such trainer, or it has no such parameter.
    """
    if name not in TRAINERS:
        raise UserError(
            f"There is no trainer `{name}`.",
            f"The trainers of this project are: {', '.join(TRAINERS)}.",
            "Name one of these as `trainer` in the configuration of the asset `model`.",
        )
    return TRAINERS[name](**parameters)
