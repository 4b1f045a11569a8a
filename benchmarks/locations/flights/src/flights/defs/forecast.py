"""Six assets, from the raw table to the published evaluation."""

import dagster as dg

LOCATION = "flights"


@dg.asset(key_prefix=LOCATION)
def raw():
    """All flights."""
    from flights.work import extract

    return extract()


@dg.asset(key_prefix=LOCATION)
def arrived(raw):
    """Flights that arrived."""
    from flights.work import clean

    return clean(raw)


@dg.asset(key_prefix=LOCATION)
def features(arrived):
    """What is known before departure, and the target."""
    from flights.work import build_features

    return build_features(arrived)


@dg.asset(key_prefix=LOCATION)
def model(features):
    """The model."""
    from flights.work import train

    return train(features)


@dg.asset(key_prefix=LOCATION)
def evaluation(model, features):
    """The mean absolute error."""
    from flights.work import evaluate

    return evaluate(model, features)


@dg.asset(key_prefix=LOCATION)
def published(evaluation):
    """The evaluation, published."""
    from flights.work import publish

    result = publish(evaluation)
    return dg.MaterializeResult(value=result, metadata={"metric/mae": result["mae"]})
