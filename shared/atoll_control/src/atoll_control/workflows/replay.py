"""`replay`: weeks of history arrive one by one, and the running platform does the rest."""

import time
from collections.abc import Sequence

from atoll_control.console import BAD, GOOD, err, say, show_table
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Page
from atoll_control.places import find_place
from atoll_control.projects import select_projects
from atoll_control.weeks import Partitions, end_of_week, find_outcomes, select_weeks

POLL = 1.0


def replay(
    checkout: Checkout,
    location: str,
    first: str,
    last: str,
    *,
    full: bool,
    dry_run: bool,
    environment: str | None = None,
) -> int:
    """Move the clock to the end of each week, wait until the platform rests, and show what became of the weeks.

    Returns:
        0 when every asset of every week was made in every location that has that week, else 1.
    """
    place = find_place(checkout, environment)
    select_projects(checkout, [location])
    profile = place.choose_profile(full=full)
    page = place.page()
    if not all(known.loaded or known.error for known in page.locations()):
        raise UserError("the platform is not ready.", "it is still starting.", "wait a moment, then this again.")
    partitions = page.partitions()
    weeks = select_weeks(partitions, location, first, last)
    if not any(sensor.running for sensor in page.sensors() if sensor.location == location):
        raise UserError(
            f"nothing in {location} would notice that a week arrives.",
            "none of its sensors is running.",
            "switch them on in the page under Automation, "
            f"or write automation = true into {place.settings} and start again.",
        )
    if dry_run:
        for week in weeks:
            say(f"would move the clock to {end_of_week(week)}, the end of week {week}")
        return 0
    with err.status("what has arrived until now"):
        _wait_until_it_rests(page, time.time())
    try:
        for week in weeks:
            began = time.time()
            place.move_clock(end_of_week(week), profile)
            with err.status(f"week {week}"):
                _wait_until_it_rests(page, began)
            _tell(page, partitions, week, time.time() - began)
    finally:
        place.move_clock(end_of_week(week))
    return _show(page, partitions, weeks)


def _wait_until_it_rests(page: Page, since: float) -> None:
    """Wait until no run is active, and every running sensor has looked after the last one and asked for nothing."""
    while True:
        if page.patiently(page.active_runs):
            since = time.time()
        # One of them may have asked for a run since.
        elif _all_looked(page, since) and not page.patiently(page.active_runs):
            return
        time.sleep(POLL)


def _all_looked(page: Page, since: float) -> bool:
    return all(sensor.looked > since for sensor in page.patiently(page.sensors) if sensor.running)


def _tell(page: Page, partitions: Partitions, week: str, seconds: float) -> None:
    found = list(find_outcomes(page, partitions, [week]))
    states = "; ".join(f"{outcome.location} {outcome}" for outcome in found)
    say(f"{week}  {states}; {seconds:.0f} s", GOOD if all(outcome.good for outcome in found) else BAD)


def _show(page: Page, partitions: Partitions, weeks: Sequence[str]) -> int:
    """Show all weeks once more: one that came late was made after its turn."""
    found = {(outcome.week, outcome.location): outcome for outcome in find_outcomes(page, partitions, weeks)}
    locations = sorted({location for _, location in found})
    rows = []
    for week in weeks:
        outcomes = [found.get((week, location)) for location in locations]
        good = all(outcome.good for outcome in outcomes if outcome)
        rows.append((GOOD if good else BAD, week, *(str(outcome or "") for outcome in outcomes)))
    show_table(("", "week", *locations), rows)
    return 0 if all(outcome.good for outcome in found.values()) else 1
