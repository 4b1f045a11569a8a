import importlib

import dagster as dg
import pytest

from atoll import UserError
from atoll.io_manager import StoreIOManager

PRICES = """
    import dagster as dg

    @dg.asset(key_prefix="NAME")
    def prices():
        return [1, 2]

    flights = dg.AssetSpec(dg.AssetKey(["elsewhere", "flights"]), metadata={"atoll/contract": {}})

    @dg.asset(key_prefix="NAME", deps=[flights])
    def model(prices):
        return sum(prices)

    job = dg.define_asset_job("retrain", [prices, model])
    schedule = dg.ScheduleDefinition(job=job, cron_schedule="0 3 * * 1")
"""


def load(package, monkeypatch) -> dg.Definitions:
    monkeypatch.syspath_prepend(str(package.parent))
    return importlib.import_module(f"{package.name}.definitions").defs


def test_everything_in_the_defs_folder_is_loaded(location, monkeypatch):
    defs = load(location("loads_all", prices=PRICES.replace("NAME", "loads_all"), empty=""), monkeypatch)
    assert {key.to_user_string() for key in defs.resolve_asset_graph().materializable_asset_keys} == {
        "loads_all/prices",
        "loads_all/model",
    }
    assert defs.resolve_job_def("retrain").name == "retrain"
    assert [schedule.name for schedule in defs.schedules] == ["retrain_schedule"]


def test_the_store_and_the_in_process_executor_are_there(location, monkeypatch, store_folder):
    defs = load(location("has_store", prices=PRICES.replace("NAME", "has_store")), monkeypatch)
    assert isinstance(defs.resources["io_manager"], StoreIOManager)
    assert defs.executor is dg.in_process_executor
    job = defs.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process().output_for_node("has_store__model") == 3
    assert (store_folder / "sample" / "has_store" / "model" / "all" / "current.json").exists()


def test_what_a_project_names_itself_stays(location, monkeypatch):
    own = """
        import dagster as dg

        defs = dg.Definitions(resources={"io_manager": dg.mem_io_manager}, executor=dg.multiprocess_executor)
    """
    defs = load(location("own_things", own=own), monkeypatch)
    assert defs.resources["io_manager"] is dg.mem_io_manager
    assert defs.executor is dg.multiprocess_executor


@pytest.mark.parametrize(("prefix", "key"), [("'elsewhere'", "elsewhere/prices"), ("None", "prices")])
def test_a_key_that_does_not_start_with_the_locations_name_is_refused(location, monkeypatch, prefix, key):
    name = f"wrong_{key.partition('/')[0]}"
    package = location(
        name, prices=PRICES.replace('key_prefix="NAME"', f"key_prefix={prefix}").replace("(prices)", "()")
    )
    with pytest.raises(UserError) as caught:
        load(package, monkeypatch)
    assert str(caught.value) == (
        f"The key of the asset {key.replace('prices', 'model')} does not start with {name}/.\n"
        "Keys are global, and two projects may both have an asset of that name.\n"
        f'Give the asset key_prefix="{name}".'
    )


def test_an_asset_of_another_location_without_its_contract_is_refused(location, monkeypatch):
    source = PRICES.replace("NAME", "bare").replace('"atoll/contract": {}', "")
    with pytest.raises(UserError) as caught:
        load(location("bare", prices=source), monkeypatch)
    assert str(caught.value) == (
        "bare reads elsewhere/flights without its contract.\n"
        "Nothing says which partitions and columns that asset of another code location has.\n"
        'Take it: FLIGHTS = take("elsewhere/flights", "bare"), see docs/handover.md.'
    )


@pytest.mark.parametrize(("setting", "status"), [("true", "RUNNING"), ("false", "STOPPED")])
def test_automation_is_switched_by_the_settings(location, monkeypatch, setting, status):
    monkeypatch.setenv("ATOLL_AUTOMATION", setting)
    name = f"automated_{setting}"
    source = PRICES.replace("NAME", name).replace("deps=", "automation_condition=on_update(), deps=")
    defs = load(location(name, prices="    from atoll.automation.conditions import on_update\n" + source), monkeypatch)
    (sensor,) = defs.sensors
    assert (sensor.name, sensor.default_status.value) == ("default_automation_condition_sensor", status)


def test_a_location_without_a_defs_folder_is_explained(location, monkeypatch):
    package = location("no_defs")
    (package / "defs" / "__init__.py").unlink()
    (package / "defs").rmdir()
    with pytest.raises(UserError) as caught:
        load(package, monkeypatch)
    assert str(caught.value) == (
        f"The code location no_defs has no definitions.\nThere is no folder {package / 'defs'}.\n"
        "Make it, with one module of assets per noun."
    )


def test_a_setting_that_is_wrong_shows_when_definitions_are_loaded(location, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "huge")
    with pytest.raises(UserError, match=r"The setting `profile` is not valid\."):
        load(location("wrong_setting", prices=PRICES.replace("NAME", "wrong_setting")), monkeypatch)


def test_loading_brings_no_data_library_and_no_warning(location, run_python):
    source = PRICES.replace("NAME", "lean") + (
        "\n    from atoll import logger\n    from atoll.validation import schema_check\n"
        '\n    check = schema_check(prices, "lean.schemas:PRICES")\n'
    )
    location("lean", prices=source)
    heavy = ("pandas", "polars", "pyarrow", "numpy", "pandera", "fsspec", "upath", "matplotlib")
    done = run_python("-c", f"import lean.definitions, sys\nprint([name for name in {heavy} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr
    assert done.stderr == ""


PIPELINE = """
import dagster as dg
from atoll import UserError

class Pipeline(dg.Component, dg.Model, dg.Resolvable):
    weeks: int
    segment: dict[str, list[str]] = {}

    def build_defs(self, context):
        if self.weeks > 53:
            raise UserError("There are too many weeks.", f"There are {self.weeks}.", "Take fewer.")

        @dg.asset(key_prefix="NAME", metadata={"weeks": self.weeks})
        def model():
            return self.weeks

        @dg.asset_check(asset=model)
        def is_fresh():
            return dg.AssetCheckResult(passed=True)

        return dg.Definitions(assets=[model], asset_checks=[is_fresh])
"""


@pytest.fixture
def load_pipeline(location, monkeypatch):
    def load_file(name: str, *lines: str) -> dg.Definitions:
        package = location(name)
        (package / "pipeline.py").write_text(PIPELINE.replace("NAME", name))
        (package / "defs" / "weekly").mkdir()
        text = "\n".join([f"type: {name}.pipeline.Pipeline", "attributes:", *lines])
        (package / "defs" / "weekly" / "defs.yaml").write_text(text)
        return load(package, monkeypatch)

    return load_file


def test_a_pipeline_is_built_from_its_file_without_a_warning(load_pipeline, recwarn):
    defs = load_pipeline("built", "  weeks: 10")
    assert defs.resolve_asset_graph().get(dg.AssetKey(["built", "model"])).metadata["weeks"] == 10
    assert len(defs.get_repository_def().asset_checks_defs_by_key) == 1
    assert [
        warned.message for warned in recwarn if issubclass(warned.category, (dg.BetaWarning, dg.PreviewWarning))
    ] == []


@pytest.mark.parametrize(
    ("name", "lines", "place", "why"),
    [
        ("unread", ["  weeks: [10]"], "line 3: `weeks", "Input should be a valid integer."),
        (
            "misspelt",
            ["  segment: {}", "  week: 10"],
            "line 4: `week`",
            "There is no attribute of that name. The file ",
        ),
        ("missing", ["  segment: {}"], "line 2: `weeks`", "It is required, and not there."),
        (
            "nested",
            ["  weeks: 10", "  segment: {kind: van}"],
            "line 4: `segment",
            "Input should be a valid array; it is",
        ),
    ],
)
def test_a_file_that_is_not_valid_is_explained_with_its_line(load_pipeline, name, lines, place, why):
    with pytest.raises(UserError) as caught:
        load_pipeline(name, *lines)
    what, why_not, how = str(caught.value).splitlines()
    assert what.startswith(f"defs/weekly/defs.yaml, {place}") and what.endswith("` is not valid.")
    assert why_not.startswith(why)
    assert how == "Correct the file; `dg check yaml`, given its folder, shows the line."


def test_what_a_pipeline_refuses_itself_is_said_in_its_words(load_pipeline):
    with pytest.raises(UserError) as caught:
        load_pipeline("refused", "  weeks: 60")
    assert str(caught.value) == "There are too many weeks.\nThere are 60.\nTake fewer."


def test_another_error_stays_what_it_is(location, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        load(location("broken", prices="1 / 0"), monkeypatch)
