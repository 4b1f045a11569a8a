import pandas as pd

from vehicle_prices.cars import draw, number_cars


def posted(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["VIN", "model", "year", "odometer_mi", "price_USD"])


def test_listings_with_the_same_vin_are_of_one_car():
    listings = posted(
        ("A1", "c-class", 2014, 1234.0, 9), (" a1 ", "c-class", 2014, 99.0, 8), ("B2", "c-class", 2014, 5, 9)
    )
    assert number_cars(listings).tolist() == [0, 0, 1]


def test_cars_with_different_vins_stay_apart_however_alike_they_are():
    assert number_cars(posted(("A1", "c-class", 2014, 83_000.0, 9), ("B2", "c-class", 2014, 83_000.0, 9))).tolist() == [
        0,
        1,
    ]


def test_a_listing_without_a_vin_is_of_the_car_with_the_same_model_year_and_odometer_reading():
    listings = posted(
        (None, "c-class", 2014, 34_811.0, 100),
        ("A1", "c-class", 2014, 34_811.0, 200),
        (None, "c-class", 2014, 34_811.0, 300),
        (None, "c-class", 2015, 34_811.0, 100),
        (None, "c-class", 2014, 34_812.0, 100),
        (None, "e-class", 2014, 34_811.0, 100),
    )
    assert number_cars(listings).tolist() == [0, 0, 0, 1, 2, 3]


def test_without_vin_and_odometer_reading_the_price_must_agree_too():
    listings = posted(
        (None, "c-class", 2014, None, 100), (None, "c-class", 2014, None, 200), ("", "c-class", 2014, None, 100)
    )
    assert number_cars(listings).tolist() == [0, 1, 0]


def test_a_car_number_says_nothing_about_the_vin(source):
    codes = pd.factorize(source["VIN"])[0]
    disguised = pd.Series(codes, index=source.index).astype(str).where(source["VIN"].notna())
    assert number_cars(source.assign(VIN=disguised)).equals(number_cars(source))


def test_the_same_vin_never_has_two_cars(source):
    cars = number_cars(source)
    assert cars.groupby(source["VIN"]).nunique().max() == 1


def test_what_is_drawn_for_a_car_does_not_depend_on_the_others():
    many, few = pd.Series(range(1_000)), pd.Series([7, 7, 999])
    assert draw(few, "split").tolist() == draw(many, "split").loc[[7, 7, 999]].tolist()


def test_draws_are_uniform_and_independent_between_purposes():
    cars = pd.Series(range(10_000))
    split, sample = draw(cars, "split"), draw(cars, "sample")
    assert 0 <= split.min() and split.max() < 1
    assert abs(split.mean() - 0.5) < 0.01
    assert abs(split.corr(sample)) < 0.03
