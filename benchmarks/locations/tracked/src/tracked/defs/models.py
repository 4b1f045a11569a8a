"""The same model, tracked and not."""

import dagster as dg

LOCATION = "tracked"


@dg.asset(key_prefix=LOCATION, group_name=LOCATION)
def examples():
    """200,000 rows to learn from."""
    from tracked.training import make_examples

    return make_examples()


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"mlflow"})
def model(examples):
    """A model, kept in MLflow's format and tracked."""
    from tracked.training import train

    return dg.MaterializeResult(value=train(examples), metadata={"metric/rows": len(examples)})


@dg.asset(key_prefix=LOCATION, group_name=LOCATION)
def untracked(examples):
    """The same model in a list, which makes it a value like any other."""
    from tracked.training import train

    return dg.MaterializeResult(value=[train(examples)], metadata={"metric/rows": len(examples)})
