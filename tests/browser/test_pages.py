"""The rendered pages as a reader meets them: in headless Chromium, both languages, desktop, phone and paper.

One brand, every notebook, rendered once for the whole module by the command the README gives.
"""

import json
import re
import subprocess
import sys

import pool_brands
import pytest
import spend_brands
from conftest import PROJECT

from siyu_helpers.reporting import indexes, records

pytestmark = pytest.mark.browser
BRAND = "cdnow"
PAGES = sorted(path.stem for path in (PROJECT / "notebooks").glob("[0-9]*.ipynb"))
LANGUAGES = ("zh", "en")
PICTURE = "figure:visible"  # of a slider's pictures one is shown
WIDTHS = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    command = [sys.executable, "-m", "siyu_helpers.cli", "render", BRAND, "--out", str(out)]
    # One page with another window first, so that the brand's index has numbers that moved.
    for given in (["--notebook", "02", "-p", "window_days=60"], []):
        run = subprocess.run([*command, *given], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
    return out


@pytest.fixture
def visit(opened, reports):
    """Open a page of the reports from disk."""
    return lambda path, width=1280: opened(reports / path, width)


def page_path(lang, stem):
    return f"{BRAND}/{lang}/{stem}.html"


EVERY_PAGE = pytest.mark.parametrize(("lang", "stem"), [(lang, stem) for stem in PAGES for lang in LANGUAGES])
# The brand has neither touches nor members: its pages on these have a worked example, or an experiment to run, in place
# of charts and numbers; the brief is a page of words and tables.
BRIEF = "06_decision_brief"
REGISTER = "07_evidence_register"  # a page of words and tables, too, but with numbers and links
STATED = [stem for stem in PAGES if stem not in ("03_channel_attribution", "04_pool_effect", BRIEF)]
EVERY_STATED_PAGE = pytest.mark.parametrize(("lang", "stem"), [(lang, stem) for stem in STATED for lang in LANGUAGES])
DRAWN = [stem for stem in STATED if stem != REGISTER]
EVERY_DRAWN_PAGE = pytest.mark.parametrize(("lang", "stem"), [(lang, stem) for stem in DRAWN for lang in LANGUAGES])
EVERY_PATH = [page_path(lang, stem) for stem in PAGES for lang in LANGUAGES] + ["index.html", f"{BRAND}/index.html"]


@pytest.mark.parametrize("path", EVERY_PATH)
def test_opens_offline_without_a_complaint_or_a_request(visit, path):
    page = visit(path)
    assert page.complaints == []
    outside = [url for url in page.requests if not url.startswith(("file://", "data:"))]
    assert outside == []
    assert len([url for url in page.requests if url.startswith("file://")]) == 1, "the page is one file"


#: The two long pages, at one width a language: axe takes six seconds on each.
LONG = ("00_concepts", REGISTER)
AXED = [
    (path, width)
    for path in EVERY_PATH
    for width in WIDTHS
    if not any(stem in path for stem in LONG) or ("/zh/" in path) == (width == "phone")
]


@pytest.mark.parametrize(("path", "width"), AXED)
def test_axe_finds_nothing_serious(visit, path, width):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(visit(path, WIDTHS[width])).response["violations"]
    serious = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


@EVERY_DRAWN_PAGE
def test_every_picture_has_alt_text_and_is_drawn(visit, lang, stem):
    page = visit(page_path(lang, stem))
    pictures = page.eval_on_selector_all("img", "all => all.map(i => [i.alt, i.naturalWidth, i.complete])")
    assert pictures
    for alt, width, complete in pictures:
        assert len(alt) > 20
        assert bool(re.search(r"[\u4e00-\u9fff]", alt)) == (lang == "zh"), alt
        assert width > 300
        assert complete


@pytest.mark.parametrize("path", EVERY_PATH)
def test_fits_a_phone(visit, path):
    page = visit(path, WIDTHS["phone"])
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"]


@EVERY_DRAWN_PAGE
def test_the_findings_come_first_and_the_code_is_hidden_until_asked_for(visit, lang, stem):
    page = visit(page_path(lang, stem))
    assert page.locator("#findings li").count() >= 1
    top = {name: page.locator(name).first.bounding_box()["y"] for name in ("h1", "#findings", "nav.contents", PICTURE)}
    assert top["h1"] < top["#findings"] < top["nav.contents"] < top[PICTURE]
    assert not page.locator(".code").first.is_visible()
    page.check("#show-code")
    assert page.locator(".code").first.is_visible()


@EVERY_STATED_PAGE
def test_every_number_leads_to_its_row_and_every_link_somewhere(visit, reports, lang, stem):
    page = visit(page_path(lang, stem))
    numbers = page.eval_on_selector_all("a.siyu-number", "all => all.map(a => a.getAttribute('href'))")
    assert numbers
    targets = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    for target in targets:
        if target.startswith("#"):
            assert page.locator(f"[id='{target[1:]}']").count() == 1, target
        else:
            assert (reports / BRAND / lang / target.partition("#")[0]).exists(), target
    assert (reports / BRAND / lang / f"{stem}.numbers.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@EVERY_PAGE
def test_one_language_to_a_page(visit, lang, stem):
    page = visit(page_path(lang, stem))
    assert page.get_attribute("html", "lang") == {"zh": "zh-CN", "en": "en"}[lang]
    # A Chinese term on an English page says what it is: the glossary gives both.
    page.eval_on_selector_all("main [lang|=zh]", "all => all.forEach(one => one.remove())" if lang == "en" else "0")
    text = page.inner_text("main")
    if lang == "en":
        assert not re.search(r"[\u4e00-\u9fff]", text)
    else:
        assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 300


@pytest.mark.parametrize("stem", PAGES)
def test_chinese_glyphs_are_drawn(visit, stem):
    """Two different characters have two different shapes; without a font both would be the same empty box."""
    page = visit(page_path("zh", stem))
    shapes = page.evaluate(
        """() => {
            const font = getComputedStyle(document.body).font;
            return ['购', '客', '域'].map(character => {
                const canvas = document.createElement('canvas');
                canvas.width = canvas.height = 40;
                const pen = canvas.getContext('2d');
                pen.font = font.replace(/^[\\d.]+px/, '24px');
                pen.fillText(character, 4, 30);
                return canvas.toDataURL();
            });
        }"""
    )
    assert len(set(shapes)) == 3


@EVERY_DRAWN_PAGE
def test_prints_on_a4_with_its_findings_and_no_cut_picture(visit, lang, stem, tmp_path):
    page = visit(page_path(lang, stem))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins, at 96 dots an inch
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    widths = page.eval_on_selector_all("figure img", "all => all.map(i => i.getBoundingClientRect().right)")
    assert max(widths) <= 681
    assert page.locator("#findings").is_visible()
    assert not page.locator(".switch").is_visible()
    pdf = page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")


@pytest.fixture(scope="module")
def full_pages(tmp_path_factory):
    """Pages of small brands with what the brand above lacks (spend, touches, a pool): stem -> folder of its pages."""
    of_spend, of_pool = (tmp_path_factory.mktemp(name) for name in ("spend", "pool"))
    made = spend_brands.with_touches(spend_brands.tables(pool=True))
    spend_brands.write(of_spend, made, **spend_brands.TOUCHED)
    pool_brands.write(of_pool, pool_brands.tables(name="sanli", customers=2500))
    folders = {}
    for root, stems in ((of_spend, ("01", "03")), (of_pool, ("04", "05", "06"))):
        out = tmp_path_factory.mktemp("full")
        command = [sys.executable, "-m", "siyu_helpers.cli", "render", "tiny", "--data", str(root), "--out", str(out)]
        asked = [part for stem in stems for part in ("--notebook", stem)]
        run = subprocess.run([*command, *asked], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        folders |= {stem: out / "tiny" for stem in FULL_PAGES if stem[:2] in stems}
    return folders


#: Pages of brands with spend, touches and a pool, with the least number of charts and of findings they have.
FULL_PAGES = {
    "01_acquisition_cost": (11, 3),
    "03_channel_attribution": (6, 6),
    "04_pool_effect": (7, 3),
    "05_industry_fit": (7, 4),
    BRIEF: (0, 1),
}


#: Each language and each width once: both are on every page of CDNOW already, and axe takes seconds.
ONCE = {"zh-phone": ("zh", WIDTHS["phone"]), "en-desktop": ("en", WIDTHS["desktop"])}


@pytest.mark.parametrize(("lang", "width"), ONCE.values(), ids=ONCE)
@pytest.mark.parametrize("stem", FULL_PAGES)
def test_the_pages_of_a_brand_with_spend_touches_and_a_pool(visit, full_pages, stem, lang, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(full_pages[stem] / lang / f"{stem}.html", width)
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(picture => picture.naturalWidth > 0 && picture.alt)")
    assert page.locator(".siyu-chart").count() >= FULL_PAGES[stem][0]
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("stem", ["03_channel_attribution", "04_pool_effect", "05_industry_fit"])
def test_full_pages_on_paper_and_in_one_language(visit, full_pages, stem, lang, tmp_path):
    """The widest charts and tables of the house: none is cut on A4, each has its text, every number its row."""
    page = visit(full_pages[stem] / lang / f"{stem}.html")
    for number in page.eval_on_selector_all("a.siyu-number", "all => all.map(a => a.getAttribute('href'))"):
        assert page.locator(f"[id='{number[1:]}']").count() == 1, number
    pictures = page.eval_on_selector_all("img", "all => all.map(i => i.alt)")
    # The brand's channels have no names of their own, so that keys stand in the Chinese texts too.
    assert all(len(alt) > 20 and bool(re.search(r"[\u4e00-\u9fff]", alt)) == (lang == "zh") for alt in pictures)
    assert lang == "zh" or not re.search(r"[\u4e00-\u9fff]", page.inner_text("main"))
    assert page.locator("#findings li").count() >= FULL_PAGES[stem][1]
    top = [page.locator(name).first.bounding_box()["y"] for name in ("h1", "#findings", "nav.contents", "figure")]
    assert top == sorted(top)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert max(page.eval_on_selector_all("figure img", "all => all.map(i => i.getBoundingClientRect().right)")) <= 681
    assert page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True).startswith(b"%PDF")


INDEXES = pytest.mark.parametrize("path", ["index.html", f"{BRAND}/index.html"])


def test_the_index_says_who_and_how_fresh_in_columns_or_on_a_phone_in_cards(visit):
    page = visit("index.html")
    assert page.inner_text("td.number >> nth=0") == "23,570"
    edges = page.eval_on_selector_all(".number", "all => all.map(e => getComputedStyle(e).textAlign)")
    assert set(edges) == {"right"}
    assert not page.locator(".label").first.is_visible()
    assert page.locator("thead").bounding_box()["height"] > 20
    phone = visit("index.html", WIDTHS["phone"])
    assert phone.locator(".label").first.is_visible()
    lines = phone.inner_text("tbody tr >> nth=0")
    for said in ("CDNOW", "数据期间", "1998-06-30", "客户 Customers", "23,570", "已是最新", "up to date"):
        assert said in lines


def test_the_numbers_that_moved_are_shown_in_both_languages(visit):
    page = visit(f"{BRAND}/index.html")
    for lang, title in (("zh-CN", "与上次相比变动的数字"), ("en", "Numbers that moved since the last run")):
        section = page.locator(f"section.moved[lang='{lang}']")
        assert section.locator("h2").inner_text() == title
        rows = section.locator("tbody tr")
        assert rows.count() == 1
        assert rows.locator("td.number").count() == 2
        assert "repurchased_within_window" in rows.inner_text()


@INDEXES
def test_an_index_prints_on_a4(visit, path, tmp_path):
    page = visit(path)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    widths = page.eval_on_selector_all("table", "all => all.map(t => t.getBoundingClientRect().right)")
    assert max(widths) <= 681
    assert page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True).startswith(b"%PDF")


def test_the_indexes_lead_to_every_page(visit):
    page = visit("index.html")
    page.click(f"a[href='{BRAND}/index.html']")
    for stem in PAGES:
        for lang in LANGUAGES:
            assert page.locator(f"a[href='{lang}/{stem}.html']").count() == 1
    page.click(f"a[href='en/{PAGES[0]}.html']")
    page.click("a[hreflang='zh']")
    assert "/zh/" in page.url


#: A brief's sheet of paper: A4 less its margins, 184 x 276 mm, at 96 dots an inch.
SHEET = {"width": 695, "height": 1043}


def check_sheet(page, tmp_path):
    """A brief is one sheet of A4 at 100%: the front, its back, nothing beyond the edges, the rest on the screen."""
    assert page.locator("#findings .siyu-verdict").count() == 1
    page.emulate_media(media="print")
    page.set_viewport_size(SHEET)
    front = page.evaluate("document.querySelector('.front').getBoundingClientRect().bottom + window.scrollY")
    assert front <= SHEET["height"], "the front is more than a page"
    beyond = page.eval_on_selector_all(
        "main *, footer *",
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML)",
    )
    assert beyond == []
    clipped = page.eval_on_selector_all(
        ".front *",
        "all => all.filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth"
        " && getComputedStyle(e).display !== 'inline').map(e => e.outerHTML)",
    )
    assert clipped == []
    for hidden in ("nav.contents", ".siyu-numbers", "#findings li"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for shown in ("#findings .siyu-verdict", ".front h2", "#definitions", "footer"):
        assert page.locator(shown).first.is_visible(), shown
    pdf = page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True, scale=1)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_brief_of_orders_alone_is_one_sheet(visit, lang, tmp_path):
    check_sheet(visit(page_path(lang, BRIEF)), tmp_path)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_brief_of_a_pool_brand_is_one_sheet(visit, full_pages, lang, tmp_path):
    check_sheet(visit(full_pages[BRIEF] / lang / f"{BRIEF}.html"), tmp_path)


def write_portfolio(out):
    """A folder of three brands with verdicts, in other orders by name, value and payback, and one without."""
    page = {"made": "2026-02-03T14:05:00+08:00", "until": "2024-12-31", "parameters": {}, "parts": {}, "linked": True}
    for id, verdict, value, payback in (
        ("a", "do_not", -90000.0, None), ("b", "build", 1200000.0, 13.0), ("c", "build", 85000.0, 9.0), ("d", "", 0, 0),
    ):  # fmt: skip
        decision = {"verdict": verdict, "words": {"zh": "结论", "en": "Verdict"}, "probability": 0.5, "currency": "CNY"}
        decision |= {"value": [value, value, value], "payback": payback and [payback] * 3, "evidence": ""}
        kept = {"brand": {"id": id, "name": id, "synthetic": True, "currency": "CNY", "customers": 10}, "checked": ""}
        kept["brand"] |= {"observed_from": "2024-01-01", "observed_until": "2024-12-31"}
        kept["notebooks"] = {}
        pages = {
            lang: page | {"files": {}, "older": [], "decision": decision if verdict else None} for lang in LANGUAGES
        }
        records.entry_of(kept, PAGES[0]).update(status="rendered", pages=pages)
        for lang in LANGUAGES:
            (out / id / lang).mkdir(parents=True)
            (out / id / lang / f"{PAGES[0]}.html").write_text("page")
        (out / id / "run.json").write_text(json.dumps(kept))
    indexes.write(out, [PROJECT / "notebooks" / f"{PAGES[0]}.ipynb"])


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_portfolio_is_sorted_by_keyboard_and_blanks_come_last(visit, tmp_path, width):
    from axe_playwright_python.sync_playwright import Axe

    write_portfolio(tmp_path)
    page = visit(tmp_path / "index.html", width)
    order = "all => all.map(row => row.querySelector('a').getAttribute('href')[0]).join('')"
    for column, first, second in ((2, "bcad", "acbd"), (3, "cbad", "bcad"), (1, "bcad", "abcd")):
        head = page.locator("thead th").nth(column)
        head.locator("button").focus()
        for key, found in (("Enter", first), ("Space", second)):
            page.keyboard.press(key)
            assert page.eval_on_selector_all("tbody tr", order) == found
            assert page.locator("[aria-sort$='ending']").count() == 1
        assert head.get_attribute("aria-sort") in ("ascending", "descending")
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    serious = [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert serious == []
