"""`./atoll run`: a run without the page, in the same instance."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clone import Clone, Finished
from waiting import LIMIT, wait_until


def summary_of(finished: Finished, code: int = 0) -> dict[str, Any]:
    assert finished.code == code, finished.text
    return json.loads(finished.stdout)


def start_run(clone: Clone, *arguments: str) -> tuple[subprocess.Popen[bytes], str, int]:
    """Start a headless run and wait until it computes; return the command, the run's id and its process."""
    before = set(clone.runs())
    command = subprocess.Popen(
        ["./atoll", "run", *arguments],
        cwd=clone.root,
        env=clone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: [run for run in set(clone.runs()) - before if computes(clone, run)], "a new run")
    (run,) = set(clone.runs()) - before
    return command, run, int(clone.runs()[run].tags["atoll/process"].partition(":")[0])


def computes(clone: Clone, run: str) -> bool:
    return clone.runs()[run].status.value == "STARTED"


def test_json_has_every_asset_check_and_headline_metric(headless_run):
    assert headless_run["success"]
    assert {asset["status"] for asset in headless_run["assets"]} == {"materialized"}
    rows = {asset["key"]: asset["rows"] for asset in headless_run["assets"]}
    assert rows["vehicle_prices/listings"] > rows["vehicle_prices/vehicles"] > 0
    assert all(check["passed"] for check in headless_run["checks"])
    (evaluation,) = (asset for asset in headless_run["assets"] if asset["key"] == "vehicle_prices/evaluation")
    assert 0 < evaluation["metrics"]["mae"] < evaluation["metrics"]["mae_baseline"]


def test_the_table_has_assets_checks_and_metrics_and_the_exit_code_is_0(clone, sample_runs):
    finished = clone.atoll("run", "product_recommendations", "--select", "evaluation")
    assert finished.code == 0, finished.text
    for word in ("seconds", "product_recommendations/evaluation", "materialized", "beats_popularity", "hit_rate"):
        assert word in finished.stdout
    assert "succeeded in" in finished.text


def test_one_asset_is_selected_by_its_name(clone, headless_run):
    summary = summary_of(clone.atoll("run", "vehicle_prices", "--select", "vehicles", "--json"))
    assert [asset["key"] for asset in summary["assets"]] == ["vehicle_prices/vehicles"]
    assert {check["asset"] for check in summary["checks"]} == {"vehicle_prices/vehicles"}


def test_what_is_made_on_the_sample_does_not_replace_what_is_made_from_everything(clone):
    def run(*options: str) -> dict[str, Any]:
        made = summary_of(clone.atoll("run", "vehicle_prices", "--select", "listings", "--json", *options))
        return {"run_id": made["run_id"], "rows": made["assets"][0]["rows"]}

    def current(profile: str) -> dict[str, Any]:
        pointer = Path(".atoll", "store", profile, "vehicle_prices", "listings", "all", "current.json")
        manifest = json.loads((clone.root / pointer).read_text())["manifest"]
        return {"run_id": manifest["run_id"], "rows": manifest["rows"]}

    everything = run("--full")
    assert current("full") == everything
    sample = run()
    assert current("sample") == sample
    assert current("full") == everything
    assert sample["rows"] < everything["rows"]


@pytest.mark.parametrize(
    ("arguments", "environment", "what", "why", "how"),
    [
        (
            ["vehicle_prices", "--select", "nothing"],
            {},
            "The selection `nothing` is empty.",
            "The assets are: champion, evaluation,",
            "Select such as `model`",
        ),
        (
            ["vehicle_prices", "--select", "model", "--partition", "2013-03-17"],
            {},
            "There is no partition 2013-03-17.",
            "No selected asset has partitions.",
            "Leave out --partition.",
        ),
        (
            ["vehicle_price"],
            {},
            "there is no code location vehicle_price.",
            "code_locations/ has aviation_data, flight_delays, operations, product_recommendations, vehicle_prices.",
            "name one of those: ./atoll list",
        ),
        (
            ["vehicle_prices"],
            {"ATOLL_PROFILE": "nonsense"},
            "The setting `profile` is not valid.",
            "It is set in the environment variable ATOLL_PROFILE.",
            "Correct it there: Input should be 'sample' or 'full'.",
        ),
    ],
)
def test_bad_input_ends_with_2_and_three_lines(clone, arguments, environment, what, why, how):
    before = set(clone.runs())
    refused = clone.atoll("run", *arguments, **environment)
    assert refused.code == 2, refused.text
    lines = refused.stderr.splitlines()
    assert lines[0] == f"what: {what}"
    assert lines[1].startswith(f"why:  {why}")
    assert lines[2].startswith(f"how:  {how}")
    assert len(lines) == 3
    assert set(clone.runs()) == before


def test_with_json_bad_input_is_json_too(clone):
    refused = clone.atoll("run", "vehicle_price", "--json")
    assert refused.code == 2
    assert json.loads(refused.stdout) == {
        "success": False,
        "what": "there is no code location vehicle_price.",
        "why": "code_locations/ has aviation_data, flight_delays, operations, product_recommendations, vehicle_prices.",
        "how": "name one of those: ./atoll list",
    }


def test_a_store_that_cannot_be_written_is_told_before_the_run(clone, tmp_path):
    (tmp_path / "file").touch()
    before = set(clone.runs())
    refused = clone.atoll("run", "vehicle_prices", ATOLL_STORE=str(tmp_path / "file" / "store"))
    assert refused.code == 2
    what, why, how = refused.stderr.splitlines()
    assert what == f"what: The store {tmp_path}/file/store cannot be written."
    assert why.startswith("why:  NotADirectoryError")
    assert "ATOLL_STORE" in how
    assert set(clone.runs()) == before


def test_a_run_whose_process_is_killed_has_failed_when_the_command_ends(idle_clone, headless_run):
    command, run, pid = start_run(idle_clone, "vehicle_prices", "--select", "model")
    os.kill(pid, signal.SIGKILL)
    assert command.wait(LIMIT) == 1
    assert idle_clone.runs()[run].status.value == "FAILURE"
    assert idle_clone.unfinished() == []


def test_ctrl_c_ends_the_run(idle_clone, headless_run):
    command, run, _ = start_run(idle_clone, "vehicle_prices")
    os.killpg(command.pid, signal.SIGINT)
    assert command.wait(LIMIT) == 1
    assert idle_clone.runs()[run].status.value in ("CANCELED", "FAILURE")
    assert idle_clone.unfinished() == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(clone):
    before = set(clone.runs())
    refused = clone.atoll("run", "vehicle_prices", "--select", "modle", "--dry-run")
    assert (refused.code, refused.stderr.splitlines()[0]) == (2, "what: The selection `modle` is empty.")
    planned = clone.atoll("run", "vehicle_prices", "--select", "model", "--full", "--dry-run")
    assert planned.code == 0
    assert planned.stderr == "would materialize vehicle_prices/model (profile full)\n"
    assert set(clone.runs()) == before
