"""The page in a browser, with the real firmware behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tools.panel.server import Exhibit, make_application
from tools.panel.tests.conftest import DRN, KEY
from tools.provision import service
from tools.simulate import SimulatedMeter

WIDTHS = (320, 768, 1440)


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedMeter]:
    """A blank meter: it shows a fault, and takes keys."""
    folder: Path = tmp_path_factory.mktemp("panel") / DRN
    folder.mkdir()
    service.write_settings(folder, {"impulses_per_kwh": 1000, "mqtt": None})
    with SimulatedMeter(folder) as meter:
        yield meter


@pytest.fixture(scope="module")
def panel_url(meter: SimulatedMeter) -> Iterator[str]:
    """Where the panel shows it."""
    name = "A customer with a very long name, as guest houses and churches have them"
    application = make_application([Exhibit(DRN, name, meter)], KEY)
    config = uvicorn.Config(application, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/?key={KEY}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def page(chromium: str, panel_url: str) -> Iterator[Page]:
    """The open page; anything it reports as an error fails the test."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(panel_url)
        yield page
        browser.close()
    assert errors == []


@pytest.fixture
def face(page: Page) -> Locator:
    """The meter's element."""
    return page.locator(f'[aria-label="Meter {DRN}"]')


def test_the_display_shows_what_the_firmware_shows(face: Locator, meter: SimulatedMeter) -> None:
    text = " ".join(" / ".join(meter.rows).split())
    expect(face.get_by_role("img", name="Display")).to_have_accessible_name(f"Display: {text}")


def test_clicked_keys_reach_the_firmware(face: Locator, meter: SimulatedMeter) -> None:
    for key in "47":
        face.get_by_role("button", name=key, exact=True).click()
    meter.wait_for_text("47")
    expect(face.locator(".lcd")).to_have_accessible_name("Display: 47 /")
    face.focus()
    face.press("8")
    meter.wait_for_text("478")


def test_the_load_is_set_by_mark_and_by_slider(face: Locator, meter: SimulatedMeter) -> None:
    face.locator(".mark", has_text="Kettle").click()
    meter.wait_for(lambda meter: meter.load_watts == 2000)
    expect(face.locator(".load-word")).to_have_text("2 kW")
    face.get_by_role("slider").fill("200")
    meter.wait_for(lambda meter: meter.load_watts == 10)
    expect(face.locator(".watts")).to_have_text("0")  # the load switch is open


def test_the_plug_is_pulled_and_put_back(face: Locator, meter: SimulatedMeter) -> None:
    face.get_by_role("button", name="Pull the plug").click()
    expect(face.locator(".state")).to_have_text("No mains power")
    assert not meter.powered
    face.get_by_role("button", name="Plug in again").click()
    expect(face.locator(".state")).to_have_text("Load switch open")
    meter.wait_for(lambda meter: meter.powered and any(meter.rows))


def test_time_runs_as_fast_as_chosen(face: Locator, meter: SimulatedMeter) -> None:
    face.get_by_role("button", name="×600").click()
    meter.wait_for(lambda meter: meter.time_lapse == 600)
    expect(face.get_by_role("button", name="×600")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
