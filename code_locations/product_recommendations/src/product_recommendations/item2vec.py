"""Word2Vec over baskets."""

from dataclasses import dataclass, replace
from typing import Literal, get_args
from zlib import crc32

import numpy as np
import pandas as pd
from gensim.models import Word2Vec
from numpy.typing import NDArray

from atoll import UserError, logger
from product_recommendations.features import Queries
from product_recommendations.recommendations import Model

Scoring = Literal["cosine", "probability"]


@dataclass(frozen=True)
class Item2Vec(Model):
    """Scores items by vectors; knows nothing of households.

    Attributes:
        vectors: items x dimensions, of an item in the basket.
        contexts: items x dimensions, of a candidate.
        counts: In how many training baskets the item is.
    """

    trainer: "Item2VecTrainer"
    vectors: NDArray[np.float32]
    contexts: NDArray[np.float32]
    counts: NDArray[np.float32]

    def score_by(self, scoring: Scoring) -> "Item2Vec":
        """Give the same vectors with another scoring."""
        return replace(self, trainer=replace(self.trainer, scoring=scoring))

    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item for each basket.

        A vector times a context estimates the logarithm of P(candidate | basket) over the noise, and the noise is the
        candidate's count to the power `noise_exponent` (Levy, Goldberg, 2014, "Neural word embedding as implicit matrix
        factorization"). Cosines leave the noise out, and so forget how frequent an item is; "probability" puts it back.
        """
        if self.trainer.scoring == "cosine":
            directions = self.vectors / np.linalg.norm(self.vectors, axis=1, keepdims=True)
            return (queries.baskets @ directions) @ directions.T
        sizes = np.maximum(queries.baskets.sum(axis=1), 1)[:, None]
        means = (queries.baskets @ self.vectors) / sizes
        return (means @ self.contexts.T + self.trainer.noise_exponent * np.log(self.counts)).astype(np.float32)


@dataclass(frozen=True)
class Item2VecTrainer:
    """Trains gensim's Word2Vec: a basket is a sentence, its items are words (Barkan, Koenigstein, 2016, "Item2Vec").

    The whole basket is the context of each of its items.

    Attributes:
        dimensions: Of a vector.
        epochs: Passes over the baskets.
        negative: Noise items per item.
        noise_exponent: Of an item's count, in how often it is drawn as noise.
        skip_gram: Skip-gram, as in the paper, rather than CBOW, which is ten times faster.
        minimum_baskets: Items in fewer training baskets are left out.
        scoring: "cosine" compares the candidate's vector with those of the basket, as Word2Vec is mostly used;
            "probability" estimates how likely the candidate is, see `Item2Vec.score`.
        seed: Of the vectors' start and of the noise.
    """

    dimensions: int = 64
    epochs: int = 5
    negative: int = 5
    noise_exponent: float = 0.75
    skip_gram: bool = False
    minimum_baskets: int = 10
    scoring: Scoring = "cosine"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse another scoring."""
        if self.scoring not in get_args(Scoring):
            raise UserError(
                f"item2vec cannot score by `{self.scoring}`.",
                "Vectors are compared in two ways only.",
                f"Set `scoring` to one of: {', '.join(get_args(Scoring))}.",
            )

    def train(self, baskets: pd.DataFrame) -> Item2Vec:
        """Learn from a basket table; one worker and a hash of its own give the same bits in every process."""
        sentences = [list(items) for _, items in baskets.groupby("basket_id")["item"] if len(items) > 1]
        words = Word2Vec(
            sentences,
            vector_size=self.dimensions,
            epochs=self.epochs,
            negative=self.negative,
            ns_exponent=self.noise_exponent,
            sg=int(self.skip_gram),
            min_count=self.minimum_baskets,
            window=max(map(len, sentences)),
            shrink_windows=False,
            sample=0,
            seed=self.seed,
            workers=1,
            hashfxn=_hash,
        )
        keyed = words.wv
        logger.info("trained item2vec", baskets=len(sentences), items=len(keyed))
        return Item2Vec(
            items=np.array(keyed.index_to_key, dtype=np.str_),
            trainer=self,
            until=baskets["time"].max(),
            vectors=keyed.vectors,
            contexts=words.syn1neg,
            counts=np.array([keyed.get_vecattr(item, "count") for item in keyed.index_to_key], dtype=np.float32),
        )


def _hash(text: str) -> int:
    return crc32(text.encode())
