"""Weights of items by the factors that they share."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from atoll import UserError
from product_recommendations.item_weights import ItemWeightsTrainer


@dataclass(frozen=True)
class ItemFactorsTrainer(ItemWeightsTrainer):
    """Cuts off a singular value decomposition.

    This is PureSVD (Cremonesi, Koren, Turrin, 2010, "Performance of recommender algorithms on top-n recommendation
    tasks"): a basket's scores are its projection on the strongest factors.

    Attributes:
        components: How many factors are kept.
        history_weight: See `ItemWeightsTrainer`; not the usual default, as these weights estimate no probability.
    """

    components: int = 32
    history_weight: float = field(default=2.0, kw_only=True)

    def weigh(self, matrix: csr_array) -> NDArray[np.float64]:
        """Give VV', where V (items x `components`) are the right singular vectors of the baskets x items matrix.

        ARPACK finds them exactly; the randomized solver, by default, does not. Their signs cancel out. A fixed start
        and one thread give the same bits however many cores there are.

        Raises:
            UserError: `components` is below 1, or not below the numbers of baskets and of items.
        """
        from sklearn.decomposition import TruncatedSVD  # here, so that other trainers do not wait for it

        baskets, items = matrix.shape
        if not 1 <= self.components < min(baskets, items):
            raise UserError(
                f"item_factors cannot keep {self.components} components.",
                f"It learns from {baskets} baskets and {items} items, and keeps fewer factors than either.",
                f"Set `components` to a number from 1 to {min(baskets, items) - 1}.",
            )
        decomposition = TruncatedSVD(self.components, algorithm="arpack", random_state=0)
        with threadpool_limits(1):
            vectors = decomposition.fit(matrix.astype(np.float64)).components_
            return vectors.T @ vectors
