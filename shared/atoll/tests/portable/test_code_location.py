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
    defs = load(location(name, prices="    from atoll.automation import on_update\n" + source), monkeypatch)
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
