import json
import os
import signal
import subprocess
import sys

import dagster as dg
import pytest

from atoll.commands.execution import identify_process
from atoll.report import summarize

DEFS = """
    import os
    import time
    import dagster as dg
    from atoll import UserError, logger

    @dg.asset(key_prefix="toy", group_name="data")
    def prices():
        logger.info("read prices", rows=3)
        print("printed by the asset")
        return [1, 2, 3]

    @dg.asset_check(asset=prices, blocking=True)
    def positive(prices):
        bad = os.environ.get("TOY") == "bad"
        return dg.AssetCheckResult(passed=not bad, description="A price is negative." if bad else None)

    @dg.asset(key_prefix="toy", group_name="data")
    def model(prices):
        if os.environ.get("TOY") == "slow":
            logger.info("training")
            time.sleep(600)
        if os.environ.get("TOY") == "stuck":
            raise UserError("The model cannot be trained.", "There are no prices.", "Get some.")
        if os.environ.get("TOY") == "broken":
            raise ZeroDivisionError("by zero")
        return dg.MaterializeResult(
            value=sum(prices), metadata={"metric/mae": 1.5, "metric/n": 3, "metric/name": "ridge", "other": 1}
        )

    @dg.asset(key_prefix="toy", group_name="data")
    def evaluation(model):
        return {"mae": 1.5}

    @dg.asset(key_prefix="toy", partitions_def=dg.StaticPartitionsDefinition(["2013-03-01", "2013-03-02"]))
    def weekly(context: dg.AssetExecutionContext):
        return context.partition_key
"""


@pytest.fixture
def home(tmp_path, location, store_folder):
    location("toy", things=DEFS)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return str(tmp_path / "home")


@pytest.fixture
def materialize(run_python, home, tmp_path):
    """Run the command; gives exit code, what it wrote to stderr, and the summary if there is one."""

    def run(*arguments: str, **environment: str):
        summary = tmp_path / "summary.json"
        done = run_python(
            "-m", "atoll.commands.materialize", "toy.definitions", "--summary", str(summary), *arguments,
            **{"DAGSTER_HOME": home, **environment},
        )  # fmt: skip
        return done.returncode, done.stderr, json.loads(summary.read_text()) if summary.exists() else None

    return run


def read_run(home: str) -> dg.DagsterRun:
    with dg.DagsterInstance.from_config(home) as instance:
        (run,) = instance.get_runs()
        return run


def test_assets_and_checks_are_run_and_summed_up(materialize, home):
    code, errors, summary = materialize("--select", "group:data")
    assert code == 0, errors
    assert summary["success"]
    assert summary["error"] is None
    assert summary["seconds"] > 0
    assert [asset["key"] for asset in summary["assets"]] == ["toy/prices", "toy/model", "toy/evaluation"]
    model = summary["assets"][1]
    assert model.pop("seconds") >= 0
    assert model == {
        "key": "toy/model",
        "partition": None,
        "rows": None,
        "metrics": {"mae": 1.5, "n": 3},
        "status": "materialized",
        "error": None,
    }
    assert summary["checks"] == [
        {
            "asset": "toy/prices",
            "name": "positive",
            "passed": True,
            "blocking": True,
            "severity": "ERROR",
            "description": None,
        }
    ]
    run = read_run(home)
    assert run.run_id == summary["run_id"]
    assert run.job_name == "__ASSET_JOB"
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.remote_job_origin.repository_origin.get_label() == "__repository__@toy"
    assert run.tags["dagster/code_location"] == "toy"
    pid, _, ticks = run.tags["atoll/process"].partition(":")
    assert int(pid) != os.getpid()
    assert ticks.isdigit()


def test_progress_is_short_lines_in_order_and_not_dagsters_log(materialize):
    _, errors, _ = materialize("--select", "group:data")
    lines = [line.rpartition(", ")[0] if line.endswith(" s") else line for line in errors.splitlines()]
    assert [line for line in lines if line != "printed by the asset"] == [
        "info: read prices rows=3",
        "toy/prices",
        "toy/prices, check positive passed",
        "toy/model",
        "toy/evaluation",
    ]


def test_one_partition_of_one_asset_can_be_run(materialize, home):
    code, errors, summary = materialize("--select", "weekly", "--partition", "2013-03-02")
    assert code == 0, errors
    assert [(asset["key"], asset["partition"]) for asset in summary["assets"]] == [("toy/weekly", "2013-03-02")]
    assert read_run(home).tags["dagster/partition"] == "2013-03-02"
    assert "toy/weekly [2013-03-02], " in errors


def test_a_failed_blocking_check_fails_the_run_and_skips_the_rest(materialize):
    code, errors, summary = materialize("--select", "group:data", TOY="bad")
    assert code == 1
    assert not summary["success"]
    assert [asset["status"] for asset in summary["assets"]] == ["materialized", "skipped", "skipped"]
    assert summary["checks"][0]["passed"] is False
    assert summary["checks"][0]["description"] == "A price is negative."
    assert "toy/prices, check positive failed (ERROR)\n    A price is negative.\n" in errors


def test_a_user_error_in_an_asset_is_three_lines_everywhere(materialize):
    code, errors, summary = materialize("--select", "group:data", TOY="stuck")
    text = "The model cannot be trained.\nThere are no prices.\nGet some."
    assert code == 1
    assert summary["error"] == text
    assert {asset["key"]: (asset["status"], asset["error"]) for asset in summary["assets"]} == {
        "toy/prices": ("materialized", None),
        "toy/model": ("failed", text),
        "toy/evaluation": ("skipped", None),
    }
    assert "toy__model failed\n    The model cannot be trained.\n    There are no prices.\n    Get some.\n" in errors
    assert "Traceback" not in errors


def test_a_bug_in_an_asset_is_named(materialize):
    code, errors, summary = materialize("--select", "group:data", TOY="broken")
    assert code == 1
    assert summary["error"] == "ZeroDivisionError: by zero"
    assert "toy__model failed\n    ZeroDivisionError: by zero\n" in errors


@pytest.mark.parametrize(
    ("arguments", "environment", "what", "why"),
    [
        (["--select", "nope"], {}, "The selection `nope` is empty.", "The assets are: "),
        (["--select", "weekly"], {}, "A partition must be named.", "The asset toy/weekly has partitions: "),
        (["--select", "prices"], {"ATOLL_PROFILE": "huge"}, "The setting `profile` is not valid.", "It is set in "),
        (["--select", "prices"], {"ATOLL_STORE": "/dev/null"}, "The store /dev/null cannot be written.", ""),
        (["--select", "prices"], {"DAGSTER_HOME": ""}, "The Dagster instance cannot be used.", ""),
        (["--select", "prices"], {"DAGSTER_HOME": "/nowhere"}, "The Dagster instance cannot be used.", ""),
    ],
)
def test_what_the_user_can_mend_is_in_the_summary_with_exit_code_2(materialize, arguments, environment, what, why):
    code, errors, summary = materialize(*arguments, **environment)
    assert (code, errors) == (2, "")
    assert sorted(summary) == ["how", "success", "what", "why"]
    assert (summary["success"], summary["what"]) == (False, what)
    assert summary["why"].startswith(why)


def test_a_range_of_partitions_is_one_run_each_in_order(materialize):
    code, errors, summary = materialize("--select", "weekly", "--partition", "2013-03-01..2013-03-02")
    assert code == 0, errors
    assert [run["assets"][0]["partition"] for run in summary["runs"]] == ["2013-03-01", "2013-03-02"]
    assert summary["success"]
    assert "2013-03-02 (2 of 2)" in errors


def test_a_dry_run_resolves_the_selection_and_makes_nothing(materialize, store_folder):
    code, _, summary = materialize("--select", "prices,model", "--dry-run")
    assert code == 0
    assert summary == {
        "success": True,
        "profile": "sample",
        "runs": [{"partition": None, "assets": ["toy/model", "toy/prices"], "tags": {}}],
    }
    assert not any(store_folder.glob("**/toy"))


def test_a_plan_on_the_standard_output_has_what_a_run_of_the_page_needs(run_python, home):
    arguments = ("toy.definitions", "--select", "weekly", "--partition", "2013-03-02", "--dry-run", "--summary", "-")
    done = run_python("-m", "atoll.commands.materialize", *arguments, DAGSTER_HOME=home)
    assert done.returncode == 0, done.stderr
    run = {"partition": "2013-03-02", "assets": ["toy/weekly"], "tags": {"dagster/partition": "2013-03-02"}}
    assert json.loads(done.stdout) == {"success": True, "profile": "sample", "runs": [run]}


def test_a_report_of_runs_is_what_the_command_that_made_them_says(materialize, run_python, home):
    def report(*runs: str):
        done = run_python("-m", "atoll.commands.report", *runs, DAGSTER_HOME=home)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    _, _, summary = materialize("--select", "weekly", "--partition", "2013-03-01..2013-03-02")
    first, second = summary["runs"]
    assert report(first["run_id"]) == first
    assert report(first["run_id"], second["run_id"]) == summary


def test_a_module_that_is_not_there_is_explained(run_python, home):
    done = run_python("-m", "atoll.commands.materialize", "nowhere.definitions", DAGSTER_HOME=home)
    assert (done.returncode, done.stderr) == (
        2,
        "what: The module nowhere.definitions cannot be imported.\n"
        "why:  There is no module nowhere in this environment.\n"
        "how:  Name the module with `defs`, such as vehicle_prices.definitions, in its project's environment.\n",
    )


def test_definitions_that_do_not_import_are_explained_by_their_own_line(run_python, home, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "definitions.py").write_text("import json\n\njson.loads('{')\n")
    done = run_python(
        "-m", "atoll.commands.materialize", "broken.definitions", DAGSTER_HOME=home, PYTHONPATH=str(tmp_path)
    )
    what, why, _ = done.stderr.splitlines()
    assert done.returncode == 2
    assert what == "what: The definitions broken.definitions do not load."
    assert why.startswith("why:  JSONDecodeError: Expecting property name")
    assert why.endswith("definitions.py:3).")


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends(home, tmp_path, kind):
    process = subprocess.Popen(
        [sys.executable, "-m", "atoll.commands.materialize", "toy.definitions", "--select", "group:data"],
        cwd=tmp_path,
        env={**os.environ, "DAGSTER_HOME": home, "TOY": "slow", "PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    with process.stderr:
        assert any(line == "info: training\n" for line in iter(process.stderr.readline, ""))
        process.send_signal(kind)
        process.stderr.read()
    assert process.wait() == 1
    assert read_run(home).status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)


def test_a_process_is_identified_by_its_start_too():
    pid, _, ticks = identify_process().partition(":")
    assert int(pid) == os.getpid()
    assert ticks == "" or int(ticks) > 0
    assert identify_process() == identify_process()


def test_a_run_that_is_not_there_has_no_summary():
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(KeyError):
        summarize(instance, "nope")


def test_a_run_that_was_ended_from_outside_says_why():
    @dg.job
    def nothing(): ...

    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(nothing)
        instance.report_run_failed(run, "its container was killed: out of memory")
        summary = summarize(instance, run.run_id)
    assert (summary["success"], summary["error"]) == (False, "its container was killed: out of memory")
