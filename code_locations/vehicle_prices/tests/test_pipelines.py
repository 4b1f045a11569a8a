"""What a `defs.yaml` can say, and what is said of one that is not valid."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from pipelines import FILE, attributes, build

import vehicle_prices
from atoll import UserError
from atoll.code_location import definitions
from vehicle_prices.features import INPUTS
from vehicle_prices.training import TRAINERS
from vehicle_prices.vocabulary import Feature, TrainerName

SEDANS = FILE.parents[1] / "sedans" / "defs.yaml"


def test_the_vocabulary_is_what_there_is():
    assert list(TrainerName.__args__) == list(TRAINERS)
    assert list(Feature.__args__) == INPUTS


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Load the project with the file of its second pipeline changed; return what is said of it."""
    copied = Path(shutil.copytree(Path(vehicle_prices.__file__).parent, tmp_path / "vehicle_prices"))
    monkeypatch.setattr(vehicle_prices.defs, "__path__", [str(copied / "defs")])
    monkeypatch.setattr(vehicle_prices.defs, "__file__", str(copied / "defs" / "__init__.py"))

    def load(old: str, new: str) -> list[str]:
        file = copied / "defs" / "sedans" / "defs.yaml"
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        with pytest.raises(UserError) as raised:
            definitions(str(copied / "definitions.py"))
        return str(raised.value).splitlines()

    return load


@pytest.mark.parametrize(
    ("old", "new", "name", "why"),
    [
        (
            "trainer: ridge",
            "trainer: oracle",
            "trainer",
            "Input should be 'gradient_boosting' or 'ridge'; it is 'oracle'.",
        ),
        ("trainer: ridge", "trainr: ridge", "trainr", "There is no attribute of that name. The file has 1 more."),
        ("    - cylinders", "    - colour", "features.12", "Input should be 'model', 'condition', "),
        ("type: [sedan]", "maker: [sedan]", "source.segment.maker", "Input should be 'model', 'condition', "),
        ("type: [sedan]", "type: sedan", "source.segment.type", "Input should be a valid array; it is 'sedan'."),
        ("[model, condition]", "[price]", "gate.slices.0", "Input should be 'model', 'condition', "),
        ("neg_mean_absolute_error", "roc_auc", "gate.metric", "Input should be 'neg_mean_absolute_error'; it is "),
        ("slice_loss: 500", "slice_loss: much", "gate.slice_loss", "Input should be a valid number, unable to parse"),
        ("slice_loss: 500", "slice_loss: -5", "gate", "The gate's `slice_loss` is not valid. It is -5.0."),
        ("dropped: 0.4", "dropped: 40", "limits.dropped", "Input should be less than or equal to 1; it is 40."),
        ('"30 3 ', '"30 33 ', "retraining", "Found invalid cron schedule '30 33 * * 1'"),
        ("timezone: UTC", "timezone: Mars", "retraining", "Invalid execution timezone Mars"),
        ("name: sedans", "name: My sedans", "name", "String should match pattern '^[a-z][a-z0-9_]*$'; it is 'My "),
    ],
)
def test_a_file_that_is_not_valid_is_explained_with_its_line(broken, old, new, name, why):
    what, why_not, how = broken(old, new)
    # A fault of several attributes together is shown where they begin.
    line = SEDANS.read_text().partition(old if name not in ("gate", "retraining") else f"  {name}:")[0].count("\n") + 1
    assert what == f"defs/sedans/defs.yaml, line {line}: `{name}` is not valid."
    assert why_not.startswith(why)
    assert how == "Correct the file; `dg check yaml`, given its folder, shows the line."


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        ({}, {"alpha": 5.0, "tol": 0.1}),
        ({"parameters": {"alpha": 7.0}}, {"alpha": 7.0, "tol": 0.1}),
        ({"trainer": "gradient_boosting", "parameters": {"max_iter": 2}}, {"max_iter": 2, "tol": 1e-07}),
    ],
)
def test_the_configuration_of_the_run_wins_over_the_file(split, config, parameters):
    @dg.asset(key_prefix="vehicle_prices", group_name="vehicle_prices")
    def training_set():
        return split.training

    given = attributes(trainer="ridge", parameters={"alpha": 5.0, "tol": 0.1}, features=["model", "cylinders"])
    model = build(given).get_assets_def(["vehicle_prices", "model"])
    run_config = {"ops": {"vehicle_prices__model": {"config": config}}}
    made = dg.materialize([training_set, model], resources={"io_manager": dg.mem_io_manager}, run_config=run_config)
    trained = made.output_for_node("vehicle_prices__model")
    assert {name: trained.get_params()[name] for name in parameters} == parameters
    assert trained.feature_names_in_ == ["model", "cylinders"]


def test_a_key_is_made_of_the_name(broken):
    keys = build(attributes(name="vans")).resolve_asset_graph().materializable_asset_keys
    assert dg.AssetKey(["vehicle_prices", "vans", "model"]) in keys and len(keys) == 11
