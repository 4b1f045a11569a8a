"""Ridge regression of every item on all others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from product_recommendations.item_weights import ItemWeightsTrainer


@dataclass(frozen=True)
class ItemRidgeTrainer(ItemWeightsTrainer):
    """Solves the ridge regressions in closed form (Steck, 2019, "Embarrassingly shallow autoencoders for sparse data").

    Attributes:
        regularization: The ridge, in baskets.
    """

    regularization: float = 100.0

    def weigh(self, matrix: csr_array) -> NDArray[np.float64]:
        """Give -P / diag(P), where P is the inverse of X'X + `regularization` * I and X the baskets x items matrix.

        One thread is enough, and gives the same bits however many cores there are.
        """
        together = (matrix.T @ matrix).toarray().astype(np.float64)
        with threadpool_limits(1):
            inverse = np.linalg.inv(together + self.regularization * np.eye(len(together)))
        return -inverse / np.diag(inverse)
