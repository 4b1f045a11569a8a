"""The weeks that a model learns from."""

from collections.abc import Mapping

import pandas as pd

from atoll import UserError, logger
from flight_delays.features import give_days

WEEKS = 10


def join_weeks(examples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the examples of a rolling window.

    Args:
        examples: Examples by week, named by its Sunday; a week that has not arrived is left out.

    Returns:
        The rows of all weeks in order, with the columns `week` and `day` (in New York).

    Raises:
        UserError: There is no week at all.
    """
    if not examples:
        raise UserError(
            "There is nothing to learn from.",
            f"None of the {WEEKS} weeks before was materialized.",
            "Materialize flight_delays/examples of earlier weeks first.",
        )
    weeks = [examples[week].assign(week=week) for week in sorted(examples)]
    logger.info("joined weeks", weeks=len(weeks), rows=sum(map(len, weeks)))
    table = pd.concat(weeks, ignore_index=True)
    return table.assign(day=give_days(table["sched_dep_time"]))
