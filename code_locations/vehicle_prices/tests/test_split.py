from vehicle_prices.cleaning import clean
from vehicle_prices.features import build_features
from vehicle_prices.split import split_cars


def test_no_car_is_in_both_and_each_is_there_once(listings):
    features = build_features(clean(listings).vehicles)
    training, test = split_cars(features)
    assert not set(training["car"]) & set(test["car"])
    assert set(training["car"]) | set(test["car"]) == set(features["car"])
    assert training["car"].is_unique and test["car"].is_unique
    assert 0.17 < len(test) / (len(test) + len(training)) < 0.23


def test_the_first_listing_of_a_car_stands_for_it(split, sample):
    first = clean(sample).vehicles.groupby("car")["listing"].min()
    for cars in split:
        assert cars["listing"].tolist() == first[cars["car"]].tolist()


def test_the_split_does_not_depend_on_the_order_of_the_rows(sample, split):
    features = build_features(clean(sample).vehicles)
    again = split_cars(features.sample(frac=1, random_state=5))
    assert again.training.equals(split.training) and again.test.equals(split.test)


def test_a_car_is_on_the_same_side_in_the_sample_and_in_everything(listings, split):
    everything = split_cars(build_features(clean(listings).vehicles))
    assert set(split.test["car"]) <= set(everything.test["car"])
    assert set(split.training["car"]) <= set(everything.training["car"])


def test_a_car_keeps_its_side_when_one_of_its_listings_goes(sample, split):
    features = build_features(clean(sample).vehicles)
    first = set(split.training["listing"]) | set(split.test["listing"])
    fewer = split_cars(features[~features["listing"].isin(first)])
    assert len(fewer.training) > 50 and len(fewer.test) > 10
    assert set(fewer.training["car"]) <= set(split.training["car"])
    assert set(fewer.test["car"]) <= set(split.test["car"])
