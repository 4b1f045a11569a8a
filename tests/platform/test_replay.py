"""`./atoll replay`: what it refuses; what it does is in test_loop."""

FIRST, LAST = "2013-03-03", "2013-04-14"


def test_a_replay_with_sensors_switched_off_or_of_unknown_weeks_is_refused(platform):
    def refuse(*arguments: str) -> str:
        refused = platform.clone.atoll("replay", *arguments)
        assert refused.code == 2, refused.text
        return refused.stderr.splitlines()[0]

    assert refuse("aviation_data", "--from", FIRST, "--to", LAST) == (
        "what: nothing in aviation_data would notice that a week arrives."
    )
    assert (
        refuse("aviation_data", "--from", "2013-03-04", "--to", LAST) == "what: aviation_data has no week 2013-03-04."
    )
    assert refuse("aviation_data", "--from", LAST, "--to", FIRST) == "what: there is no week to replay."
    assert refuse("vehicle_prices", "--from", FIRST, "--to", LAST) == f"what: vehicle_prices has no week {FIRST}."


def test_a_replay_without_the_platform_is_refused(idle_clone):
    refused = idle_clone.atoll("replay", "aviation_data", "--from", FIRST, "--to", LAST)
    assert (refused.code, refused.stderr.splitlines()) == (
        2,
        [
            "what: the platform does not run.",
            "why:  a replay needs its sensors and its daemon.",
            "how:  ./atoll dev in another terminal, then this again.",
        ],
    )
