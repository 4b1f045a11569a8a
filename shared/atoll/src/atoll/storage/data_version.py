"""Data versions: a hash of content that does not depend on who wrote it, nor on how it lies in memory."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# Rows that are hashed at a time: at fixed places, so that a table's chunks do not matter.
BLOCK = 1 << 16


def hash_json(value: object) -> str:
    """SHA-256 of a JSON-able value; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def hash_table(table: "pa.Table") -> str:
    """SHA-256 of names, types and values of a table in the canonical schema, in the order of columns and rows.

    Null and NaN differ, all NaN are one; what lies in memory under a null does not count. Categories count as their
    values, ordered ones also by their order. Beside the table one block of a column is held in memory at a time.
    """
    digest = hashlib.sha256(table.num_rows.to_bytes(8, "little"))
    for name, column in zip(table.column_names, table.columns, strict=True):
        header = json.dumps([name, _describe(column.type), _list_order(column)])
        digest.update(hashlib.sha256(header.encode()).digest())
        digest.update(_hash_column(column))
    return digest.hexdigest()


def _hash_column(column: "pa.ChunkedArray") -> bytes:
    digest = hashlib.sha256()
    for start in range(0, len(column), BLOCK):
        block = column.slice(start, BLOCK)
        _feed(digest, block.chunk(0) if block.num_chunks == 1 else block.combine_chunks())
    return digest.digest()


def _describe(kind: "pa.DataType") -> Any:
    """Type as JSON; categories as their values' type."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return [str(kind), _describe(kind.storage_type)]
    if pa.types.is_dictionary(kind):
        return _describe(kind.value_type)
    if pa.types.is_struct(kind):
        return ["struct", *([field.name, _describe(field.type)] for field in kind)]
    if pa.types.is_map(kind):
        return ["map", _describe(kind.key_type), _describe(kind.item_type)]
    return ["list", _describe(kind.value_type)] if pa.types.is_large_list(kind) else str(kind)


def _list_order(column: "pa.ChunkedArray") -> list[str] | None:
    """Categories in their order, where it has a meaning."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type) or not column.type.ordered:
        return None
    chunks = column.unify_dictionaries().chunks
    return [str(value) for value in chunks[0].dictionary] if chunks else []


def _feed(digest: Any, array: "pa.Array") -> None:
    """Hash an array: its length, what is null, and its values with a fixed value under each null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_ = pa.types
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if is_.is_dictionary(array.type):
        array = array.dictionary_decode()
    digest.update(len(array).to_bytes(8, "little"))
    if not len(array) or is_.is_null(array.type):
        return
    if array.null_count:
        digest.update(b"\1")
        digest.update(_read_values(array.is_valid().cast(pa.uint8())))
    else:
        digest.update(b"\0")
    if is_.is_struct(array.type):
        for child in array.flatten():
            _feed(digest, child)
    elif is_.is_map(array.type):
        entry = pa.struct([pa.field("key", array.type.key_type, False), pa.field("value", array.type.item_type)])
        _feed(digest, array.cast(pa.large_list(entry)))
    elif is_.is_large_list(array.type):
        _feed(digest, pc.call_function("list_value_length", [array]).fill_null(0))
        _feed(digest, array.flatten())
    elif is_.is_large_string(array.type) or is_.is_large_binary(array.type):
        _feed_bytes(digest, array.fill_null("" if is_.is_large_string(array.type) else b""))
    else:
        digest.update(_read_values(_settle(array)))


def _settle(array: "pa.Array") -> "pa.Array":
    """Give one form to what has several: bits, NaN, and what lies under a null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_ = pa.types
    if is_.is_boolean(array.type):
        array = array.cast(pa.uint8())
    elif is_.is_float16(array.type):
        array = array.cast(pa.float32())
    if is_.is_floating(array.type):
        nan = array.is_nan()
        if pc.call_function("any", [nan]).as_py():
            array = pc.call_function("if_else", [nan, pa.scalar(float("nan"), array.type), array])
    if not array.null_count:
        return array
    width = array.type.bit_width // 8
    plain = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64()}.get(width)
    return array.view(plain).fill_null(0) if plain else array.view(pa.binary(width)).fill_null(bytes(width))


def _read_values(array: "pa.Array") -> memoryview:
    """Memory of an array of fixed width without nulls."""
    width = array.type.bit_width // 8
    return memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]


def _feed_bytes(digest: Any, array: "pa.Array") -> None:
    """Hash lengths and bytes of text or binary without nulls."""
    import pyarrow.compute as pc

    digest.update(_read_values(pc.call_function("binary_length", [array])))
    _, offsets, values = array.buffers()
    ends = memoryview(offsets).cast("B").cast("q")
    if values is not None:
        digest.update(memoryview(values)[ends[array.offset] : ends[array.offset + len(array)]])
