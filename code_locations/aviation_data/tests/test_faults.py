import polars as pl
import pytest

from atoll import UserError
from aviation_data.faults import apply_fault
from aviation_data.flights import clean_flights, name_flights


def test_without_a_fault_nothing_changes(delivered):
    assert apply_fault(delivered, None).equals(delivered)


def test_incomplete_leaves_out_a_fifteenth_of_the_arrivals_and_nothing_else(delivered):
    incomplete = apply_fault(delivered, "incomplete")
    arrivals = ["arr_time", "arr_delay", "air_time"]
    assert incomplete.drop(arrivals).equals(delivered.drop(arrivals))
    missing = incomplete["arr_delay"].null_count() - delivered["arr_delay"].null_count()
    assert 0.055 < missing / delivered["arr_delay"].count() < 0.08
    reported = incomplete["arr_delay"].is_not_null()
    assert incomplete.filter(reported).equals(delivered.filter(reported))


def test_corrupt_repeats_flights_turns_distances_negative_and_minutes_into_seconds(delivered, airports):
    corrupt = apply_fault(delivered, "corrupt")
    names = corrupt.select(name_flights()).to_series()
    assert 0.04 < (corrupt.height - delivered.height) / delivered.height < 0.06
    assert names.n_unique() == delivered.height
    assert 0.015 < (corrupt["distance"] < 0).mean() < 0.035
    assert corrupt["arr_delay"][: delivered.height].equals(delivered["arr_delay"] * 60)
    assert clean_flights(corrupt, airports).height == corrupt.height


@pytest.mark.parametrize("fault", ["incomplete", "corrupt"])
def test_a_fault_falls_on_the_same_flights_every_time(delivered, fault):
    names = name_flights()
    shuffled = delivered.sample(fraction=1, shuffle=True, seed=3)
    first, second = (apply_fault(table, fault).sort(names, maintain_order=True) for table in (delivered, shuffled))
    assert first.equals(second)


@pytest.mark.parametrize("fault", ["incomplete", "corrupt"])
def test_the_sample_has_its_share_of_a_fault(delivered, airports, fault):
    from aviation_data.flights import sample_flights

    faulty = sample_flights(clean_flights(apply_fault(delivered, fault), airports))
    sound = sample_flights(clean_flights(delivered, airports))
    if fault == "corrupt":
        assert faulty.filter(pl.col("distance") < 0).height > 5 and faulty.height - sound.height > 10
    else:
        assert 20 < faulty["arr_delay"].null_count() - sound["arr_delay"].null_count() < 80


def test_an_unknown_fault_is_refused(delivered):
    with pytest.raises(UserError) as raised:
        apply_fault(delivered, "lost")
    assert str(raised.value).splitlines() == [
        "There is no fault `lost`.",
        "The faults are incomplete, corrupt.",
        "Correct the plan of arrivals.",
    ]
