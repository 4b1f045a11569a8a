"""Segments of the listings."""

from collections.abc import Collection, Mapping

import pandas as pd

from atoll import UserError
from vehicle_prices.cleaning import tidy
from vehicle_prices.vocabulary import Attribute


def select_segment(
    listings: pd.DataFrame, segment: Mapping[Attribute, Collection[str]], where: str = "defs.yaml"
) -> pd.DataFrame:
    """Keep the listings of a segment.

    Args:
        listings: Listings as the source has them.
        segment: For an attribute, the texts of the listings that are kept, as cleaning writes them: stripped and in
            lower case. Empty: all are kept.
        where: The file that names the segment.

    Returns:
        Those listings, numbered anew.

    Raises:
        UserError: No listing has one of the texts.
    """
    kept = pd.Series(True, index=listings.index)
    for name, wanted in segment.items():
        texts = tidy(listings[name])
        unknown = sorted(set(wanted) - set(texts.dropna()))
        if unknown:
            raise UserError(
                f"There is no segment with {name} {', '.join(unknown)}.",
                f"The listings have: {', '.join(sorted(texts.dropna().unique()))}.",
                f"Name one of these as `source.segment.{name}` in {where}.",
            )
        kept &= texts.isin(wanted)
    return listings[kept].reset_index(drop=True)
