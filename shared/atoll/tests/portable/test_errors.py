import pickle

import dagster as dg
import pytest

from atoll import UserError


def test_the_message_is_what_why_and_how_one_line_each():
    error = UserError("It\nbroke.", "Because  of that.", "Do this.")
    assert str(error) == "It broke.\nBecause of that.\nDo this."
    assert (error.what, error.why, error.how) == ("It broke.", "Because of that.", "Do this.")


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(UserError("a", "b", "c")))
    assert isinstance(error, UserError)
    assert (error.what, error.why, error.how) == ("a", "b", "c")


def test_an_error_without_dagster_is_a_plain_exception(run_python):
    code = "import sys\nfrom atoll import UserError\nerror = UserError('a', 'b', 'c')\n"
    done = run_python("-c", f"{code}print(type(error) is UserError, 'dagster' in sys.modules)")
    assert done.stdout == "True False\n", done.stderr


def test_a_subclass_stays_one_where_dagster_is_loaded():
    class Missing(UserError):
        pass

    error = Missing("a", "b", "c")
    assert isinstance(error, Missing)
    assert isinstance(error, dg.Failure)


def test_in_a_run_the_page_shows_the_three_lines_first():
    @dg.asset
    def broken():
        raise UserError("The data are gone.", "Somebody moved them.", "Move them back.")

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([broken], instance=instance, raise_on_error=False)
        failure = result.filter_events(lambda event: event.is_step_failure)[0].step_failure_data
    assert (
        failure.error.message == "atoll.errors.UserError: The data are gone.\nSomebody moved them.\nMove them back.\n"
    )
    assert failure.user_failure_data.description == "The data are gone.\nSomebody moved them.\nMove them back."
    assert failure.error.cause is None


def test_in_a_test_the_error_itself_is_raised():
    @dg.asset
    def broken():
        raise UserError("a", "b", "c")

    with pytest.raises(UserError, match="a\nb\nc"):
        dg.materialize([broken])


def test_a_retry_policy_is_kept():
    tries = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def shaky():
        tries.append(1)
        raise UserError("a", "b", "c")

    dg.materialize([shaky], raise_on_error=False)
    assert len(tries) == 2
