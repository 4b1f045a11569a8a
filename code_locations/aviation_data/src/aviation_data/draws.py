"""Chance that is tied to a key."""

import hashlib

import polars as pl


def draw(keys: pl.Series, purpose: str) -> pl.Series:
    """Draw a number in [0, 1) for each key.

    The same key and purpose always give the same number, whatever other keys there are.

    Args:
        keys: Texts; they may repeat.
        purpose: What is drawn for; different purposes give independent numbers.

    Returns:
        One number a key, in the same order.
    """
    return pl.Series([_fraction(f"{purpose}:{key}") for key in keys], dtype=pl.Float64)


def _fraction(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48
