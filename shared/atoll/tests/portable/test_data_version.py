"""Data versions of Arrow tables, and what they depend on."""

import math
import struct
import tracemalloc

import pytest

pa = pytest.importorskip("pyarrow")

from atoll.storage.canonical import canonicalize  # noqa: E402
from atoll.storage.data_version import BLOCK, hash_json, hash_table  # noqa: E402


def version_of(*arrays, names=None) -> str:
    return hash_table(canonicalize(pa.table(list(arrays), names=names or [f"c{n}" for n in range(len(arrays))])))


def bits(*patterns: int):
    """Doubles of these bits."""
    buffer = pa.py_buffer(struct.pack(f"<{len(patterns)}Q", *patterns))
    return pa.Array.from_buffers(pa.float64(), len(patterns), [None, buffer])


def masked(kind, valid: int, values: bytes):
    """Eight values with this validity; what lies under a null is what ``values`` says."""
    return pa.Array.from_buffers(kind, 8, [pa.py_buffer(bytes([valid])), pa.py_buffer(values)])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array([1, 2]), pa.array([2, 1])),
        (pa.array([1, 2]), pa.array([1, 3])),
        (pa.array([1, 2]), pa.array([1, 2], pa.int32())),
        (pa.array([1, 2]), pa.array([1, 2], pa.uint64())),
        (pa.array([1, 2]), pa.array([1, 2], pa.timestamp("us"))),
        (pa.array([1, 2], pa.timestamp("us")), pa.array([1, 2], pa.timestamp("us", "UTC"))),
        (pa.array([0, None]), pa.array([0, 0])),
        (pa.array([0, None]), pa.array([None, 0])),
        (pa.array([1.0, None]), pa.array([1.0, math.nan])),
        (pa.array(["a", ""]), pa.array(["", "a"])),
        (pa.array(["a", None]), pa.array(["a", ""])),
        (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
        (pa.array(["a"]), pa.array([b"a"])),
        (pa.array([[1], [2]]), pa.array([[1, 2], []])),
        (pa.array([[], None], pa.list_(pa.int64())), pa.array([None, []], pa.list_(pa.int64()))),
        (pa.array([[None], []], pa.list_(pa.int64())), pa.array([[], [None]], pa.list_(pa.int64()))),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}])),
        (pa.array([{"a": None}], pa.struct({"a": pa.int64()})), pa.array([None], pa.struct({"a": pa.int64()}))),
        (pa.nulls(2), pa.nulls(3)),
        (pa.nulls(2), pa.nulls(2, pa.int64())),
        (pa.array([True, False]), pa.array([False, True])),
        (pa.array([], pa.int64()), pa.array([], pa.int32())),
    ],
    ids=repr,
)
def test_different_columns_have_different_versions(first, second):
    assert version_of(first) != version_of(second)


def test_names_and_order_of_columns_count():
    one, two = pa.array([1]), pa.array([2])
    versions = [
        version_of(one, two, names=["a", "b"]),
        version_of(two, one, names=["b", "a"]),
        version_of(one, two, names=["b", "a"]),
        version_of(one, names=["a"]),
        version_of(),
    ]
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array(["a", None], pa.string()), pa.array(["a", None], pa.large_string())),
        (pa.array([b"a", None], pa.binary()), pa.array([b"a", None], pa.large_binary())),
        (pa.array([[1], None], pa.list_(pa.int64())), pa.array([[1], None], pa.large_list(pa.int64()))),
        (pa.array([[1], None], pa.list_(pa.int64(), 1)), pa.array([[1], None], pa.list_(pa.int64()))),
        (pa.array([2_000_000], pa.timestamp("ns", "UTC")), pa.array([2_000], pa.timestamp("us", "UTC"))),
        (pa.array([2], pa.timestamp("s")), pa.array([2_000], pa.timestamp("ms"))),
        (pa.array([86_400_000], pa.date64()), pa.array([1], pa.date32())),
        (pa.array([2], pa.time32("s")), pa.array([2_000_000_000], pa.time64("ns"))),
        (pa.array([2], pa.duration("s")), pa.array([2_000_000_000], pa.duration("ns"))),
        (pa.array([2], pa.decimal128(5, 2)), pa.array([2], pa.decimal256(38, 2))),
        (pa.array(["a", "b", "a"]).dictionary_encode(), pa.array(["a", "b", "a"])),
        (
            pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), ["a", "b"]),
            pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.uint32()), ["b", "a"]),
        ),
        (pa.array([None, "x"]), pa.chunked_array([pa.array([None], pa.string()), pa.array(["x"])])),
        (bits(0x7FF8000000000000, 0), bits(0xFFF8000000000001, 0)),
        (masked(pa.int8(), 0b10111101, b"12345678"), masked(pa.int8(), 0b10111101, b"1x3456y8")),
        (
            masked(pa.int8(), 0b11111111, b"12345678"),
            pa.Array.from_buffers(pa.int8(), 8, [None, pa.py_buffer(b"12345678")]),
        ),
    ],
    ids=repr,
)
def test_the_same_values_have_the_same_version(first, second):
    assert version_of(first) == version_of(second)


def test_the_order_of_ordered_categories_counts():
    def make(indices, categories, ordered):
        return pa.DictionaryArray.from_arrays(pa.array(indices), categories, ordered=ordered)

    first, second = make([0, 1], ["a", "b"], True), make([1, 0], ["b", "a"], True)
    assert version_of(first) != version_of(second)
    assert version_of(first) != version_of(make([0, 1], ["a", "b"], False))
    assert version_of(first) == version_of(pa.chunked_array([first[:1], first[1:]]))


def test_text_and_lists_under_nulls_do_not_count():
    offsets, valid = pa.py_buffer(struct.pack("<4q", 0, 1, 3, 4)), pa.py_buffer(b"\5")
    text = [
        pa.Array.from_buffers(pa.large_string(), 3, [valid, offsets, pa.py_buffer(values)])
        for values in (b"axxb", b"ayzb")
    ]
    lists = [
        pa.Array.from_buffers(pa.large_list(pa.int64()), 3, [valid, offsets], children=[pa.array(values)])
        for values in ([1, 8, 8, 2], [1, 9, 7, 2])
    ]
    structs = [
        pa.Array.from_buffers(pa.struct({"a": pa.int64()}), 3, [valid], children=[pa.array(values)])
        for values in ([1, 8, 2], [1, 9, 2])
    ]
    assert version_of(text[0]) == version_of(text[1]) == version_of(pa.array(["a", None, "b"]))
    assert version_of(lists[0]) == version_of(lists[1]) == version_of(pa.array([[1], None, [2]]))
    assert version_of(structs[0]) == version_of(structs[1]) == version_of(pa.array([{"a": 1}, None, {"a": 2}]))


@pytest.mark.parametrize("rows", [BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_blocks_are_at_fixed_places(rows):
    whole = pa.array([None if n % 7 == 0 else n for n in range(rows)])
    chunks = pa.chunked_array([whole[:5], whole[5 : BLOCK - 3], whole[BLOCK - 3 :]])
    assert version_of(whole) == version_of(chunks)
    changed = whole.fill_null(1)
    assert version_of(whole) != version_of(changed)


def test_a_table_without_nulls_is_not_copied():
    table = canonicalize(pa.table({"number": pa.array(range(1_000_000)), "text": pa.array(["abc"] * 1_000_000)}))
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    peak = pool.max_memory()
    tracemalloc.start()
    hash_table(table)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert pool.max_memory() == peak or pool.max_memory() < before + 10_000_000


def test_the_order_of_keys_in_json_does_not_count():
    assert hash_json({"a": 1, "b": [1, None]}) == hash_json({"b": [1, None], "a": 1})
    assert hash_json({"a": 1}) != hash_json({"a": 1.0})
    assert hash_json([1, 2]) != hash_json([2, 1])
