"""How tables become parquet: pandas, polars and Arrow."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from atoll.errors import UserError
from atoll.formats import Content

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 20
PREVIEW_WIDTH = 60


class PandasTable:
    """A pandas data frame. Labels of columns and rows come back as they were; missing values as some missing value."""

    kind = "pandas"

    def holds(self, value: object) -> bool:
        """Whether it is a data frame, and not of a subclass that knows more."""
        return _is_a(value, "pandas", "DataFrame")

    def dump(self, value: "pd.DataFrame") -> Content:
        """Prepare for storing; a plain RangeIndex takes no column."""
        _require_pyarrow()
        import pyarrow as pa

        if not value.columns.is_unique:
            raise _refuse("Two of its columns have the same name.", "Rename one of them.")
        if len(value) and value.shape[1] == 0:
            raise _refuse("It has rows and no column.", "Give it a column, for example with reset_index.")
        try:
            table = pa.Table.from_pandas(value)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise _refuse(_name_misfits(value), "Give each column one type, for example with astype.") from error
        stored = table.slice(0, 0).to_pandas()
        if not stored.columns.equals(value.columns) or stored.index.names != value.index.names:
            raise _refuse("Labels of its columns or of its index would change.", "Name columns and index with text.")
        return _content(table)

    def load(self, path: Path) -> "pd.DataFrame":
        """Read back."""
        return _read(path).to_pandas()


class PolarsTable:
    """A polars data frame."""

    kind = "polars"

    def holds(self, value: object) -> bool:
        """Whether it is a polars data frame."""
        return _is_a(value, "polars", "DataFrame")

    def dump(self, value: "pl.DataFrame") -> Content:
        """Prepare for storing."""
        import polars as pl

        misfits = [f"`{name}`" for name, kind in value.schema.items() if kind == pl.Object]
        if misfits:
            raise _refuse(f"Python objects are in {', '.join(misfits)}.", "Cast each column to a type of polars.")
        head = value[:PREVIEW_ROWS, :PREVIEW_COLUMNS]
        return Content(
            "data.parquet",
            value.write_parquet,
            rows=value.height,
            columns={name: str(kind) for name, kind in value.schema.items()},
            preview=_preview(head.columns, head.rows()),
        )

    def load(self, path: Path) -> "pl.DataFrame":
        """Read back."""
        import polars as pl

        return pl.read_parquet(path, hive_partitioning=False)


class ArrowTable:
    """A pyarrow table."""

    kind = "arrow"

    def holds(self, value: object) -> bool:
        """Whether it is a pyarrow table."""
        return _is_a(value, "pyarrow", "Table")

    def dump(self, value: "pa.Table") -> Content:
        """Prepare for storing."""
        return _content(value)

    def load(self, path: Path) -> "pa.Table":
        """Read back."""
        return _read(path)


def _content(table: "pa.Table") -> Content:
    import pyarrow.parquet as pq

    head = table.slice(0, PREVIEW_ROWS).select(range(min(table.num_columns, PREVIEW_COLUMNS)))
    return Content(
        "data.parquet",
        lambda path: pq.write_table(table, path),
        rows=table.num_rows,
        columns={field.name: str(field.type) for field in table.schema},
        preview=_preview(head.column_names, zip(*(_plain(column).to_pylist() for column in head.columns), strict=True)),
    )


def _plain(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Spare a preview what the standard library has no type for: nanoseconds and time zones."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_duration(column.type):
        return column.cast(pa.duration("us"), safe=False)
    return column.cast(pa.time64("us"), safe=False) if pa.types.is_time64(column.type) else column


def _preview(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Markdown table of the first rows."""
    names = list(names)
    lines: Iterable[Iterable[object]] = (names, ["---"] * len(names), *rows)
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= PREVIEW_WIDTH else text[: PREVIEW_WIDTH - 3] + "..."


def _read(path: Path) -> "pa.Table":
    """Read one file, and nothing out of the names of the folders it lies in."""
    _require_pyarrow()
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def _is_a(value: object, module: str, name: str) -> bool:
    """Compare types without importing: nobody holds a value of a library that is not loaded."""
    return type(value) is getattr(sys.modules.get(module), name, object())


def _refuse(why: str, how: str) -> UserError:
    return UserError("The table cannot be stored as parquet.", why, how)


def _name_misfits(frame: "pd.DataFrame") -> str:
    """Name the columns that Arrow cannot hold; not their values."""
    import pyarrow as pa

    names = []
    for name, column in frame.items():
        try:
            pa.Array.from_pandas(column)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            names.append(f"`{name}` ({column.dtype})")
    return f"Values of several types, or of one that parquet lacks, are in {', '.join(names) or 'the index'}."


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UserError(
            "Tables cannot be stored or loaded here.",
            f"The installed pyarrow does not fit the other packages: {error}.",
            "With numpy 1 (pandas before 2.2) add `pyarrow<26` to the project's dependencies, and run ./atoll sync.",
        ) from error
