"""Arrival: from the arrival of a week to what is made of it in another project; and the page with a year of weeks."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from atoll_control.clock import move_clock
from atoll_control.files import Checkout as Files
from atoll_control.instance import open_instance
from atoll_control.weeks import WEEK, end_of_week
from checkout import Checkout
from dev_session import DevSession
from figures import Figure

LOCATIONS = ("aviation_data", "flight_delays", "product_recommendations", "vehicle_prices")
FIRST = date(2013, 3, 10)
STAGES = {
    "landed upstream": "aviation_data/flights",
    "features downstream": "flight_delays/features",
    "champion evaluated": "flight_delays/evaluation",
    "model trained": "flight_delays/model",
}
PATIENCE = 300
NODES = "[...document.querySelectorAll('foreignObject')].filter(node => node.textContent).length"
MADE = """query($key: AssetKeyInput!, $weeks: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(partitions: $weeks, limit: 1) { timestamp } } } }"""


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Let weeks arrive one by one on a running platform; then have 53 weeks of everything, and open the graph."""
    checkout.use(own=LOCATIONS)
    plan = checkout.root / "arrivals.toml"
    weeks = [str(FIRST + number * WEEK) for number in range(rounds + 1)]
    # Three weeks to learn from are enough here, and are landed before anything is measured.
    never = [FIRST - number * WEEK for number in range(4, 11)]
    plan.write_text("".join(f"[[delivery]]\nweek = {week}\narrives = 2020-01-01\n\n" for week in never))
    checkout.environment |= {"AVIATION_DATA_ARRIVALS": str(plan), "ATOLL_AUTOMATION": "true"}
    figure = Figure("arrival", "A week arrives; and a year of weeks in the page")
    files = Files(checkout.root)
    move_clock(files, FIRST)
    with DevSession(checkout) as session:
        _wait(lambda: _find_made(session, "flight_delays/examples", [str(FIRST - WEEK)]))
        samples = [_let_arrive(session, files, week) for week in weeks][1:]
        for stage in STAGES:
            figure.add(f"from the arrival to: {stage}", "s", [sample[stage] for sample in samples])
        _pretend_a_year(session, files)
        figure.add("the graph of 4 locations and 53 weeks, until drawn", "s", _open_graph(session, rounds))
    return figure


def _let_arrive(session: DevSession, files: Files, week: str) -> dict[str, float]:
    begin = time.time()
    move_clock(files, end_of_week(week))
    return {stage: _wait(lambda key=key: _find_made(session, key, [week])) - begin for stage, key in STAGES.items()}


def _find_made(session: DevSession, key: str, weeks: list[str]) -> float | None:
    """Return when it was last made, in seconds of the epoch."""
    asset = session.page.ask(MADE, key={"path": key.split("/")}, weeks=weeks or None)["assetOrError"]
    found = asset.get("assetMaterializations", [])
    return float(found[0]["timestamp"]) / 1000 if found else None


def _wait(look: Callable[[], float | None]) -> float:
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing was seen in {PATIENCE} s")
        time.sleep(0.1)
    return found


def _pretend_a_year(session: DevSession, files: Files) -> None:
    """Report every week of every asset as made: what the page draws is the same, and nothing is computed."""
    from dagster import AssetKey, AssetMaterialization

    with open_instance(files) as instance:
        for assets in session.page.partitions().values():
            for path, partitions in assets.items():
                for partition in partitions or [None]:
                    instance.report_runless_asset_event(AssetMaterialization(AssetKey(list(path)), partition=partition))


def _open_graph(session: DevSession, rounds: int) -> list[float]:
    """Seconds until every asset is drawn, each time in a browser of its own with nothing cached."""
    assets = [path for found in session.page.partitions().values() for path in found]
    groups = {"_".join(path[:-1]) for path in assets}
    opened = ",".join(f"global@global:{group}" for group in sorted(groups))
    samples = []
    with sync_playwright() as playwright:
        for _ in range(rounds + 1):
            browser = playwright.chromium.launch(executable_path=_find_chromium(), args=["--no-sandbox"])
            page: Page = browser.new_page(viewport={"width": 1600, "height": 1600})
            begin = time.perf_counter()
            page.goto(f"{session.page.address}/asset-groups?expanded={opened}")
            _wait(lambda page=page: page.evaluate(NODES) >= len(assets) + len(groups) or None)
            samples.append(time.perf_counter() - begin)
            browser.close()
    return samples[1:]


def _find_chromium() -> str:
    return next(str(path) for name in ("chromium", "chromium-browser") if (path := Path("/usr/bin") / name).exists())
