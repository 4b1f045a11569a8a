"""How tables become parquet and come back: pandas, polars and Arrow."""

import itertools
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atoll.errors import UserError
from atoll.storage.canonical import canonicalize, restore
from atoll.storage.data_version import hash_table
from atoll.storage.formats import Content

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 20
PREVIEW_WIDTH = 60
# Reads and writes faster than snappy, and takes as little room.
COMPRESSION = "lz4"
MODULES = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}


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
        return _prepare(table)

    def load(self, path: Path) -> "pd.DataFrame":
        """Read back."""
        return read_table(path, self.kind)


class PolarsTable:
    """A polars data frame."""

    kind = "polars"

    def holds(self, value: object) -> bool:
        """Whether it is a polars data frame."""
        return _is_a(value, "polars", "DataFrame")

    def dump(self, value: "pl.DataFrame") -> Content:
        """Prepare for storing."""
        _require_pyarrow()
        import polars as pl

        misfits = [f"`{name}` ({kind})" for name, kind in value.schema.items() if not _has_arrow_type(value[name])]
        if misfits:
            raise _refuse(f"Arrow has no type for {', '.join(misfits)}.", "Cast each column to another type of polars.")
        return _prepare(value.to_arrow(compat_level=pl.CompatLevel.oldest()))

    def load(self, path: Path) -> "pl.DataFrame":
        """Read back."""
        return read_table(path, self.kind)


class ArrowTable:
    """A pyarrow table."""

    kind = "arrow"

    def holds(self, value: object) -> bool:
        """Whether it is a pyarrow table."""
        return _is_a(value, "pyarrow", "Table")

    def dump(self, value: "pa.Table") -> Content:
        """Prepare for storing."""
        if len(set(value.column_names)) < value.num_columns:
            raise _refuse("Two of its columns have the same name.", "Rename one of them.")
        return _prepare(value)

    def load(self, path: Path) -> "pa.Table":
        """Read back."""
        return read_table(path, self.kind)


def read_table(path: Path, writer: str, library: str | None = None, columns: Sequence[str] | None = None) -> Any:
    """Read a table from its file.

    Args:
        path: The file.
        writer: The library that wrote it: ``pandas``, ``polars`` or ``arrow``.
        library: The library to read it in; None is the writer's, or where that is not installed the first that is.
        columns: Only these columns, in this order, and with pandas its index.

    Raises:
        UserError: The library is not installed or not one of the three, there is no such column, or the library has no
            such value.
    """
    _require_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    reader = library or next(name for name in (writer, *MODULES) if find_spec(MODULES[name]))
    if reader not in MODULES:
        raise UserError(
            f"A table cannot be loaded in {reader}.",
            f"The libraries are {', '.join(MODULES)}.",
            "Ask for one of those, or leave it out.",
        )
    if not find_spec(MODULES[reader]):
        raise UserError(
            f"A table cannot be loaded in {reader}.",
            f"There is no {reader} in this environment.",
            'Add it to the project\'s dependencies and run ./atoll sync, or ask for library="arrow".',
        )
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = file.schema_arrow.names
        for name in columns or ():
            if name not in names:
                raise UserError(
                    f"The column `{name}` cannot be loaded.",
                    f"The table has {', '.join(names)}.",
                    "Name columns that it has.",
                )
        table = file.read(columns, use_pandas_metadata=reader == "pandas")
    if columns is not None:
        index = [name for name in table.column_names if reader == "pandas" and name not in columns]
        table = table.select([*columns, *index])
    if reader == writer:
        table = restore(table, _is_moment if reader == "pandas" else lambda kind: True)
    else:
        table = restore(table, lambda kind: False)
    if reader == "arrow":
        return table
    if reader == "polars":
        return _to_polars(table)
    try:
        return table.to_pandas()
    except pa.ArrowInvalid as error:
        raise UserError("The table cannot be loaded in pandas.", f"{error}.", 'Ask for library="arrow".') from error


def _to_polars(table: "pa.Table") -> "pl.DataFrame":
    """Polars drops the order of ordered categories, unless they are an Enum."""
    import polars as pl
    import pyarrow as pa

    frame = pl.DataFrame(table.replace_schema_metadata(None))
    ordered = {
        name: pl.Enum(column.chunk(0).dictionary.to_pylist())
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_dictionary(column.type) and column.type.ordered and frame.schema[name] == pl.Categorical
    }
    return frame.cast(dict(ordered))


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """First rows of a table's file as text, cut in rows, columns and cells: names of columns, and rows."""
    _require_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        batches = list(itertools.islice(file.iter_batches(PREVIEW_ROWS), 1))
        table = pa.Table.from_batches(batches, file.schema_arrow)
    names, rows = _head(table)
    return names, [[_cell(value) for value in row] for row in rows]


def _prepare(table: "pa.Table") -> Content:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = canonicalize(table)
        pq.ParquetWriter(pa.BufferOutputStream(), stored.schema).close()
    except pa.ArrowException as error:
        raise _refuse(f"{error}.", "Give each column a type and values that parquet has.") from error
    return Content(
        "data.parquet",
        lambda path: pq.write_table(
            stored,
            path,
            compression=COMPRESSION,
            use_dictionary=_choose_dictionaries(stored.schema),
            write_page_checksum=True,
        ),
        version=lambda: hash_table(stored),
        rows=stored.num_rows,
        columns={field.name: str(field.type) for field in stored.schema},
        preview=_preview(*_head(stored)),
    )


def _choose_dictionaries(schema: "pa.Schema") -> list[str] | bool:
    """Spare measurements and times the search for repeated values, which costs more than it gives."""
    import pyarrow as pa

    if any(pa.types.is_nested(kind) for kind in schema.types):
        return True
    return [field.name for field in schema if not pa.types.is_floating(field.type) and not _is_moment(field.type)]


def _head(table: "pa.Table") -> tuple[list[str], list[tuple[object, ...]]]:
    head = table.slice(0, PREVIEW_ROWS).select(range(min(table.num_columns, PREVIEW_COLUMNS)))
    columns = [_plain(column).to_pylist() for column in head.columns]
    return head.column_names, list(zip(*columns, strict=True))


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
    return "\n".join("| " + " | ".join(_cell(value).replace("|", "\\|") for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= PREVIEW_WIDTH else text[: PREVIEW_WIDTH - 3] + "..."


def _is_moment(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return pa.types.is_timestamp(kind) or pa.types.is_duration(kind)


def _is_a(value: object, module: str, name: str) -> bool:
    """Compare types without importing: nobody holds a value of a library that is not loaded."""
    return type(value) is getattr(sys.modules.get(module), name, object())


def _refuse(why: str, how: str) -> UserError:
    return UserError("The table cannot be stored as parquet.", why, how)


def _has_arrow_type(column: "pl.Series") -> bool:
    import polars as pl
    import pyarrow as pa

    try:
        column.clear().to_arrow(compat_level=pl.CompatLevel.oldest())
    except pa.ArrowException:
        return False
    return column.dtype != pl.Object


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
