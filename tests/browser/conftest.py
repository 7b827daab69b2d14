"""One headless Chromium for all pages of a test run, and pages opened in it from disk, offline."""

import os
import shutil

import pytest

PLACES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
CHROMIUM = next((found for found in map(shutil.which, PLACES) if found), None)


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        message = (
            "SKIPPED: no Chromium or Chrome on this machine, so no page was looked at (Debian: chromium fonts-noto-cjk)"
        )
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Open a page from disk, offline; returns it with everything it complained about or asked for."""
    contexts = []

    def open_page(path, width=1280, **options):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, offline=True, reduced_motion="reduce", **options)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on(
            "console",
            lambda message: page.complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(f"file://{path}")
        contexts.append(context)
        return page

    yield open_page
    for context in contexts:
        context.close()
