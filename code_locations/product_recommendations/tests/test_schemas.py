import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from product_recommendations import schemas

TIMES = ["2017-01-01 12:00", "2017-01-01 12:00", "2017-12-31 09:30"]
TRANSACTIONS = pd.DataFrame(
    {
        "household_id": [1, 1, 2],
        "basket_id": [10, 10, 20],
        "product_id": [5, 6, 5],
        "quantity": [1, 0, 89_638],
        "transaction_timestamp": pd.Series(TIMES, dtype="datetime64[ns]"),
    }
)


def test_sound_transactions_pass():
    schemas.TRANSACTIONS.validate(TRANSACTIONS, lazy=True)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (TRANSACTIONS.drop(columns="quantity"), "column_in_dataframe"),
        (TRANSACTIONS.assign(price=1.0), "column_in_schema"),
        (TRANSACTIONS.assign(quantity=[1.5, 1.0, 1.0]), "dtype('int64')"),
        (TRANSACTIONS.assign(quantity=[-1, 1, 1]), "in_range(0, 100000)"),
        (TRANSACTIONS.assign(product_id=[5, 5, 5]), "multiple_fields_uniqueness"),
        (TRANSACTIONS.assign(household_id=[1, 2, 2]), "one_household_id_per_basket"),
        (
            TRANSACTIONS.assign(transaction_timestamp=TRANSACTIONS["transaction_timestamp"] + pd.Timedelta(days=400)),
            "in_range(2017-01-01 00:00:00, 2018-01-02 00:00:00)",
        ),
    ],
)
def test_broken_transactions_are_refused(broken, check):
    with pytest.raises(SchemaErrors) as error:
        schemas.TRANSACTIONS.validate(broken, lazy=True)
    assert check in set(error.value.failure_cases["check"])


def test_fuel_by_volume_is_refused_in_cleaned_baskets(baskets):
    schemas.BASKETS.validate(baskets, lazy=True)
    with pytest.raises(SchemaErrors, match="in_range"):
        schemas.BASKETS.validate(baskets.assign(quantity=89_638), lazy=True)


def test_a_catalogue_in_which_many_products_have_no_type_is_refused():
    products = pd.DataFrame(
        {
            "product_id": range(1, 101),
            "department": "GROCERY",
            "product_category": "BACON",
            "product_type": pd.Series(["PREMIUM"] * 99 + [None], dtype="str"),
        }
    )
    with pytest.raises(SchemaErrors, match="few_without_type"):
        schemas.PRODUCTS.validate(products, lazy=True)
