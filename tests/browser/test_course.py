"""The course as a room sees it: every slide and handout of every lesson in headless Chromium, network off."""

import re
import subprocess
import sys

import pytest
from training import COURSE, LANGUAGES, STEMS

pytestmark = pytest.mark.browser
#: Each lesson in one language, in turn, in `make test`; in the other with `-m "browser and full"`: both are made of the
#: same cells, and a deck takes seconds.
EVERY = pytest.mark.parametrize(
    ("stem", "lang"),
    [
        pytest.param(stem, lang, marks=() if (at + turn) % 2 == 0 else pytest.mark.full)
        for at, stem in enumerate(STEMS)
        for turn, lang in enumerate(LANGUAGES)
    ],
)
#: The smallest letters of a slide, in the pixels of a screen of 1280 by 720.
SMALLEST = 22


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The whole course, made by the command the README gives."""
    folder = tmp_path_factory.mktemp("course") / "out"
    run = subprocess.run(
        [sys.executable, "-m", "siyu_helpers.cli", "course", "--out", str(folder)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture
def visit(browser, out):
    """Open a file of the course from disk, offline; returns the page with what it complained about or asked for."""
    contexts = []

    def open_page(path, query=""):
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.asked = [], []
        page.route("**", lambda route: route.continue_() if route.request.url.startswith("file://") else route.abort())
        page.on(
            "console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"file://{out / path}{query}")
        if "/slides/" in path:
            page.wait_for_function("window.deck && window.deck.isReady()")
        return page

    yield open_page
    for context in contexts:
        context.close()


def pages_of(pdf):
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@EVERY
def test_slides_open_offline_and_every_one_fits(visit, stem, lang):
    page = visit(f"{lang}/slides/{stem}.html")
    sheets = page.evaluate(
        """() => Array.from({length: deck.getTotalSlides()}, (_, at) => {
          deck.slide(at);
          const sheet = deck.getCurrentSlide().querySelector(".sheet");
          const shown = [...sheet.querySelectorAll("p, li, h1, h2, h3, td, dd, img")];
          return {
            fitted: sheet.dataset.fitted, text: sheet.innerText.slice(0, 60),
            over: sheet.scrollHeight - sheet.clientHeight, wide: sheet.scrollWidth - sheet.clientWidth,
            letters: parseFloat(getComputedStyle(sheet).fontSize),
            blank: !sheet.innerText.trim() && !sheet.querySelector("img"),
            cut: shown.some((one) => one.getBoundingClientRect().right > 1281
              || one.getBoundingClientRect().bottom > 721),
            undrawn: [...sheet.querySelectorAll("img")].some((one) => !one.naturalWidth),
          };
        })"""
    )
    wrong = [
        sheet
        for sheet in sheets
        if sheet["fitted"] != "yes" or max(sheet["over"], sheet["wide"]) > 0 or sheet["letters"] < SMALLEST
        or sheet["blank"] or sheet["cut"] or sheet["undrawn"]
    ]  # fmt: skip
    assert wrong == []
    assert len(sheets) >= 6
    assert page.complaints == []
    assert page.asked == [page.url.partition("#")[0]], "the slides are one file"


@EVERY
def test_a_handout_opens_offline_and_prints_on_two_sheets_at_most(visit, stem, lang):
    page = visit(f"{lang}/handout/{stem}.html")
    assert page.complaints == []
    assert page.asked == [page.url]
    assert 1 <= pages_of(page.pdf(prefer_css_page_size=True)) <= 2
    page.set_viewport_size({"width": 673, "height": 900})  # 178 mm
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    cut = "[...document.querySelectorAll('.siyu-scroll')].filter((one) => one.scrollWidth > one.clientWidth).length"
    assert page.evaluate(cut) == 0, "a formula is cut off"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_slides_are_turned_by_keys_and_printed_one_to_a_page(visit, lang):
    stem = STEMS[0]
    page = visit(f"{lang}/slides/{stem}.html")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("deck.getState().indexh") == 2
    page.keyboard.press("Home")
    assert page.evaluate("deck.getState().indexh") == 0
    number = page.evaluate("deck.getTotalSlides()")
    printed = visit(f"{lang}/slides/{stem}.html", "?print-pdf")
    printed.wait_for_selector(".pdf-page")
    assert pages_of(printed.pdf(prefer_css_page_size=True, print_background=True)) == number


def test_speaker_notes_open_from_disk_and_follow_the_slides(visit):
    page = visit(f"zh/slides/{STEMS[0]}.html")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    notes = opened.value
    notes.wait_for_function("document.querySelectorAll('iframe').length === 2")
    page.wait_for_timeout(1000)
    page.keyboard.press("ArrowRight")
    notes.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.innerText.includes('0:00')")
    assert page.complaints == []


@pytest.mark.parametrize("path", ["index.html", "zh/guide.html", "en/guide.html"])
@pytest.mark.parametrize("width", [1280, 390])
def test_index_and_guides_open_offline_and_are_as_wide_as_the_screen(visit, path, width):
    page = visit(path)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.complaints == []
    assert page.asked == [page.url]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all(COURSE.lessons[stem].number in page.inner_text("main") for stem in STEMS)


def test_axe_finds_nothing_serious(visit):
    from axe_playwright_python.sync_playwright import Axe

    for path in ("index.html", "zh/guide.html", f"en/handout/{STEMS[0]}.html"):
        found = Axe().run(visit(path)).response["violations"]
        serious = [f"{v['id']}: {v['nodes'][0]['html'][:90]}" for v in found if v["impact"] in ("serious", "critical")]
        assert serious == [], path
