"""Held-out rows that are small enough to be judged by hand."""

import math

from atoll.promotion.gate import Gate, HeldOut

# Three days of two rows each; as scores of rows, days have the means 3, 4 and 5.
DAYS = ["mon", "mon", "tue", "tue", "wed", "wed"]
BETTER = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0]
NOTHING = [0.0] * 6
# Student's t with 2 degrees of freedom has 95 % below this.
QUANTILE = 2.91998558
REACH = QUANTILE / math.sqrt(3)
MEAN = Gate("mean", slice_rows=2, beat_baseline=False)


def scores(challenger=BETTER, champion=NOTHING, **more) -> HeldOut:
    return HeldOut(**{"truth": NOTHING, "challenger": challenger, "champion": champion, "units": DAYS, **more})


def classes(**more) -> HeldOut:
    """Six rows in three days, each with both classes: the challenger is right about all, the champion about half."""
    made = {"truth": [0, 1] * 3, "challenger": [0.1, 0.9, 0.2, 0.8, 0.3, 0.7], "champion": [0.5] * 6, "units": DAYS}
    return HeldOut(**{**made, **more})


def condition(judgement, what):
    return next(row for row in judgement.figures["conditions"] if row["what"].startswith(what))
