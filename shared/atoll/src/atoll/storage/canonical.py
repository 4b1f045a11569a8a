"""The canonical Arrow form of a table: the same types, whoever wrote it."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# Keys of the metadata.
SCHEMA = b"atoll.schema"
CATEGORIES = b"atoll.categories"


def canonicalize(table: "pa.Table") -> "pa.Table":
    """Bring a table to canonical types; columns that have them already are not copied.

    Text, binary and lists get 64-bit offsets, times and durations microseconds (nanoseconds where those would lose
    something), dates days, decimals 38 digits, categories 32-bit codes; inside lists, structs and maps too. The
    metadata keeps what parquet would lose: the schema that the table came with, and categories.

    Raises:
        pyarrow.ArrowException: Values do not fit the canonical type.
    """
    import pyarrow as pa

    columns = [_canonicalize(column) for column in table.columns]
    fields = [pa.field(name, column.type) for name, column in zip(table.column_names, columns, strict=True)]
    metadata = dict(table.schema.metadata or {})
    if not pa.schema(fields, metadata).equals(table.schema, check_metadata=True):
        metadata[SCHEMA] = b64encode(table.schema.serialize())
    if categories := {
        name: column.unify_dictionaries().chunk(0).dictionary
        for name, column in zip(table.column_names, columns, strict=True)
        if pa.types.is_dictionary(column.type) and column.num_chunks
    }:
        metadata[CATEGORIES] = b64encode(_pack(categories))
    return pa.table(columns, pa.schema(fields, metadata)) if fields else table.replace_schema_metadata(metadata)


def restore(table: "pa.Table", types: "Callable[[pa.DataType], bool]") -> "pa.Table":
    """Give back what ``canonicalize`` took.

    Args:
        table: What was read; columns may be missing.
        types: Which types that a writer's column had it gets again; categories come back in any case.
    """
    import pyarrow as pa

    metadata = dict(table.schema.metadata or {})
    original = _unpack_schema(metadata.pop(SCHEMA, None)) or table.schema
    categories = _unpack(metadata.pop(CATEGORIES, None))
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        if field.name in categories:
            column = _categorize(column, categories[field.name], original.field(field.name).type)
        was = original.field(field.name)
        known = types(was.type)
        columns.append(_cast(column, was.type) if known else column)
        fields.append(was if known else pa.field(field.name, column.type))
    return pa.table(columns, pa.schema(fields, metadata)) if fields else table.replace_schema_metadata(metadata)


def _canonicalize(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    try:
        return _cast(column, canonical_type(column.type, "us"))
    except pa.ArrowInvalid:
        return _cast(column, canonical_type(column.type, "ns"))


def _cast(column: "pa.ChunkedArray", kind: "pa.DataType") -> "pa.ChunkedArray":
    import pyarrow as pa

    if column.type.equals(kind, check_metadata=True):
        return column
    if not pa.types.is_dictionary(column.type):
        return column.cast(kind)
    # Arrow's own cast drops the categories where there is no row.
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(kind.index_type), chunk.dictionary.cast(kind.value_type), ordered=kind.ordered
        )
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, kind)


def _categorize(column: "pa.ChunkedArray", categories: "pa.Array", was: "pa.DataType") -> "pa.ChunkedArray":
    """Give a column the categories that it had, where parquet brought others or none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.dictionary(pa.int32(), categories.type, was.ordered)
    if column.num_chunks and column.type == kind and all(part.dictionary.equals(categories) for part in column.chunks):
        return column
    options = pc.SetLookupOptions(value_set=categories, skip_nulls=True)
    codes = pc.call_function("index_in", [column.cast(categories.type)], options)
    chunks = codes.chunks or [pa.array([], pa.int32())]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(part, categories, ordered=was.ordered) for part in chunks])


def _pack(categories: "dict[str, pa.Array]") -> bytes:
    """Arrow's stream of one batch a column: they differ in length."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    for name, values in categories.items():
        batch = pa.record_batch([values], [name])
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _unpack(content: bytes | None) -> "dict[str, pa.Array]":
    import pyarrow as pa

    found = {}
    source = pa.BufferReader(b64decode(content or b""))
    while source.tell() < source.size():
        with pa.ipc.open_stream(source) as stream:
            batch = stream.read_next_batch()
            list(stream)
        found[batch.schema.names[0]] = batch.column(0)
    return found


def _unpack_schema(content: bytes | None) -> "pa.Schema | None":
    import pyarrow as pa

    return None if content is None else pa.ipc.read_schema(pa.py_buffer(b64decode(content)))


def canonical_type(kind: "pa.DataType", unit: str = "us") -> "pa.DataType":
    """Canonical form of an Arrow type.

    Args:
        kind: Any type; one that has no canonical form (numbers, extensions) is returned as it is.
        unit: Unit of times and durations.
    """
    import pyarrow as pa

    def inner(other: "pa.DataType") -> "pa.DataType":
        return canonical_type(other, unit)

    is_ = pa.types
    name = str(kind)
    if is_.is_string(kind) or name == "string_view":
        return pa.large_string()
    if is_.is_binary(kind) or name == "binary_view":
        return pa.large_binary()
    if is_.is_timestamp(kind):
        return pa.timestamp(unit, kind.tz)
    if is_.is_duration(kind):
        return pa.duration(unit)
    if is_.is_time(kind):
        return pa.time64(unit)
    if is_.is_date(kind):
        return pa.date32()
    if is_.is_decimal(kind):
        return pa.decimal128(38, kind.scale) if kind.precision <= 38 else pa.decimal256(76, kind.scale)
    if is_.is_dictionary(kind):
        return pa.dictionary(pa.int32(), inner(kind.value_type), kind.ordered)
    if is_.is_struct(kind):
        return pa.struct([pa.field(field.name, inner(field.type)) for field in kind])
    if is_.is_map(kind):
        return pa.map_(inner(kind.key_type), inner(kind.item_type))
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind) or "list_view<" in name[:16]:
        return pa.large_list(pa.field("item", inner(kind.value_type)))
    return kind
