import os
import pty
import re
import sys
import threading

import dagster as dg
import pytest

from atoll import UserError, logger


def run_log(*assets: dg.AssetsDefinition) -> list[tuple[int, str | None, str]]:
    """Level, step and text of what the assets logged into the run."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(assets, instance=instance, raise_on_error=False)
        return [
            (entry.level, entry.step_key, entry.user_message)
            for entry in instance.all_logs(result.run_id)
            if not entry.is_dagster_event
        ]


def test_a_script_writes_one_readable_line_to_stderr(capsys):
    logger.info("cleaned listings", rows=6910, dropped=1643, make="vw golf", empty="", nothing=None)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d info     cleaned listings rows=6910 dropped=1643 make='vw golf' empty='' nothing=None\n",
        captured.err,
    )


def test_a_message_with_line_breaks_stays_one_line(capsys):
    logger.warning("first\nsecond", text="a\nb")
    assert capsys.readouterr().err.count("\n") == 1


def test_bound_values_are_on_every_line(capsys):
    log = logger.bind(model="ridge")
    log.info("trained")
    assert capsys.readouterr().err.endswith("info     trained model=ridge\n")


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_setting_says_from_which_level_on(capsys, monkeypatch, level, shown):
    monkeypatch.setenv("ATOLL_LOG_LEVEL", level)
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("x")
    assert capsys.readouterr().err.count("\n") == shown


def test_an_exception_comes_with_its_traceback(capsys):
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("training failed", fold=3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("error    training failed fold=3")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: bad"


def test_colours_are_for_terminals_only(run_python, tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("from atoll import logger\nlogger.info('x')\n")
    assert "\x1b" not in run_python(str(script)).stderr
    spoken: list[bytes] = []

    def read(descriptor: int) -> bytes:
        spoken.append(os.read(descriptor, 1024))
        return spoken[-1]

    monkeypatch.delenv("NO_COLOR", raising=False)
    pty.spawn([sys.executable, str(script)], read)
    assert b"\x1b[32minfo" in b"".join(spoken)


def test_an_assets_lines_reach_the_runs_log_once():
    @dg.asset
    def cleaned() -> None:
        logger.info("cleaned listings", rows=3)
        logger.warning("odd")
        logger.debug("unseen")

    assert run_log(cleaned) == [(20, "cleaned", "cleaned listings rows=3"), (30, "cleaned", "odd")]


def test_a_checks_lines_reach_the_runs_log():
    @dg.asset(check_specs=[dg.AssetCheckSpec("nothing", asset="cleaned")])
    def cleaned():
        yield dg.MaterializeResult()
        logger.info("checked")
        yield dg.AssetCheckResult(passed=True)

    assert run_log(cleaned) == [(20, "cleaned", "checked")]


def test_lines_from_an_assets_threads_reach_the_runs_log_with_its_name():
    @dg.asset
    def parallel() -> None:
        threads = [threading.Thread(target=logger.info, args=("part",), kwargs={"number": n}) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(run_log(parallel)) == [(20, "parallel", f"part number={n}") for n in range(5)]


def test_an_exception_in_an_asset_has_its_traceback_in_the_runs_log():
    @dg.asset
    def shaky() -> None:
        try:
            raise ValueError("bad")
        except ValueError:
            logger.exception("went on")

    ((level, step, text),) = run_log(shaky)
    assert (level, step) == (40, "shaky")
    assert text.startswith("went on\nTraceback (most recent call last):")
    assert text.endswith("ValueError: bad")


def test_an_assets_line_is_on_the_console_once(run_python, tmp_path):
    (tmp_path / "run.py").write_text(
        "import dagster as dg\nfrom atoll import logger\n\n@dg.asset\ndef a():\n    logger.info('only once')\n\n"
        "dg.materialize([a])\nlogger.info('after the run')\n"
    )
    errors = run_python("run.py").stderr
    assert errors.count("only once") == 1
    assert " - a - only once" in errors
    assert re.search(r"^\d\d:\d\d:\d\d info     after the run$", errors, re.MULTILINE)


def test_a_setting_that_is_wrong_is_told_by_the_first_line(monkeypatch):
    monkeypatch.setenv("ATOLL_LOG_LEVEL", "loud")
    with pytest.raises(UserError, match=r"The setting `log_level` is not valid\."):
        logger.info("x")


def test_the_logger_does_not_load_dagster(run_python):
    done = run_python("-c", "from atoll import logger\nimport sys\nlogger.info('x')\nprint('dagster' in sys.modules)")
    assert done.stdout == "False\n", done.stderr
