import pandas as pd
import pytest

from product_recommendations.cleaning import clean_baskets

NOON = pd.Timestamp("2017-05-01 12:00")
PRODUCTS = pd.DataFrame(
    [
        (1, "GROCERY", "ICE CREAM", "PREMIUM"),
        (2, "GROCERY", "BACON", "PREMIUM"),
        (3, "GROCERY", "BACON", "PREMIUM"),
        (4, "MISCELLANEOUS", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED"),
        (5, "MISCELLANEOUS", None, None),
        (6, "COUPON", "COUPONS/STORE & MFG", "COUPONS/STORE & MFG"),
        (7, "CHEF SHOPPE", None, "INSTORE CUT FRUIT"),
    ],
    columns=["product_id", "department", "product_category", "product_type"],
)


def shop(*lines):
    rows = [(9, basket, product, quantity, NOON) for basket, product, quantity in lines]
    columns = ["household_id", "basket_id", "product_id", "quantity", "transaction_timestamp"]
    return pd.DataFrame(rows, columns=columns)


def test_an_item_is_a_type_within_its_category():
    baskets, _ = clean_baskets(shop((1, 1, 1), (1, 2, 1)), PRODUCTS)
    assert baskets["item"].tolist() == ["BACON: PREMIUM", "ICE CREAM: PREMIUM"]


def test_products_of_one_item_become_one_row_with_their_quantities_added_up():
    baskets, dropped = clean_baskets(shop((1, 2, 1), (1, 3, 4)), PRODUCTS)
    assert baskets.to_dict("records") == [
        {
            "household_id": 9,
            "basket_id": 1,
            "time": NOON,
            "item": "BACON: PREMIUM",
            "department": "GROCERY",
            "quantity": 5,
        }
    ]
    assert sum(dropped.values()) == 0


def test_a_type_without_category_takes_its_department():
    baskets, _ = clean_baskets(shop((1, 7, 1)), PRODUCTS)
    assert baskets["item"].tolist() == ["CHEF SHOPPE: INSTORE CUT FRUIT"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ((1, 99, 1), "product is not in the catalogue or has no type"),
        ((1, 5, 1), "product is not in the catalogue or has no type"),
        ((1, 4, 89_638), "fuel, sold by volume"),
        ((1, 6, 1), "coupon, gift card or store supply"),
        ((1, 1, 0), "nothing changed hands (quantity 0)"),
    ],
)
def test_each_rule_drops_its_line_and_counts_it(line, rule):
    baskets, dropped = clean_baskets(shop(line, (2, 1, 1)), PRODUCTS)
    assert baskets["basket_id"].tolist() == [2]
    assert {name: count for name, count in dropped.items() if count} == {rule: 1}


def test_a_line_that_breaks_two_rules_is_counted_once():
    _, dropped = clean_baskets(shop((1, 4, 0)), PRODUCTS)
    assert sum(dropped.values()) == 1


def test_the_order_of_lines_does_not_matter():
    lines = shop((2, 1, 1), (1, 3, 2), (1, 2, 1), (1, 1, 1))
    pd.testing.assert_frame_equal(clean_baskets(lines, PRODUCTS)[0], clean_baskets(lines[::-1], PRODUCTS)[0])
