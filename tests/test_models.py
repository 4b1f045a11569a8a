"""`./atoll models`: what it says before anything was judged."""

import pytest


@pytest.mark.parametrize(
    ("profile", "how"),
    [
        ("full", "./atoll run aviation_data --full, or name another profile: --profile sample"),
        ("sample", "./atoll run aviation_data, or name another profile: --profile full"),
    ],
)
def test_a_location_without_a_registered_model_is_explained(clone, profile, how):
    refused = clone.atoll("models", "aviation_data", "--profile", profile)
    assert (refused.code, refused.stderr.splitlines()) == (
        2,
        [
            "what: aviation_data has no registered model.",
            f"why:  Nothing has reached the gate yet in the profile {profile}.",
            f"how:  {how}",
        ],
    )


def test_a_rollback_without_a_registered_model_is_explained(clone):
    refused = clone.atoll("models", "rollback", "vehicle_prices", "--to", "1")
    assert (refused.code, refused.stderr.splitlines()) == (
        2,
        [
            "what: vehicle_prices has no registered model.",
            "why:  Nothing has reached the gate yet in the profile full.",
            "how:  ./atoll run vehicle_prices --full",
        ],
    )


def test_an_unknown_location_is_explained(clone):
    refused = clone.atoll("models", "ships")
    assert (refused.code, refused.stderr.splitlines()[0]) == (2, "what: there is no code location ships.")
