"""What moves on a page: a slider over ready pictures, a table that is filtered; with no script, on paper, on phones."""

import re

import moving_pages as tiny
import pandas as pd
import pytest

from siyu_helpers.reporting import filters, ledger, sections, sliders, terms

pytestmark = pytest.mark.browser
PHONE = 390
NAMES = {"formula": ("公式", "formula"), "warning": ("提醒", "warning")}
COLUMNS = {
    "claim": ("说法", "Claim", "text"),
    "kind": ("类别", "Kind", "text"),
    "grade": ("等级", "Grade", "text"),
    "how": ("怎样检验", "How it is tested", "text"),
    "where": ("见", "Where", "link"),
}
TERM = {
    "key": "churn", "term_zh": "流失率", "term_en": "leaving rate", "definition_zh": "一个月里离开的人占比",
    "definition_en": "share who leave in a month", "formula_zh": "离开的人 ÷ 月初的人",
    "formula_en": "left ÷ there at the start", "unit_zh": "%", "unit_en": "%",
    "page": "02_repurchase_cohorts", "section": "",
}  # fmt: skip


def register():
    """160 claims: every fourth a warning, grades in turn, one in five with a link."""
    rows = range(160)
    place = sections.link("02_repurchase_cohorts", "How soon do they come back?")
    long_en = "Compare the share with the one that the orders give, and say by how much they differ."
    return pd.DataFrame(
        {
            "claim_zh": [f"第 {row} 条说法" for row in rows],
            "claim_en": [f"Claim number {row}" for row in rows],
            "kind": ["formula" if row % 4 else "warning" for row in rows],
            "grade": ["ABCD"[row % 4] for row in rows],
            "how_zh": "把文中的占比与订单算出的占比对照，看相差多少，差在哪一步，再说明为什么。",
            "how_en": long_en,
            "where": [place if row % 5 == 0 else None for row in rows],
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page in both languages: language -> path."""
    shown, folder = [], tmp_path_factory.mktemp("moving")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ledger, "display", lambda data, metadata, raw: shown.append((data["text/html"], metadata["siyu"]))
        )
        book = tiny.ledger()
        terms.words_box(book, pd.DataFrame([TERM]))
        sliders.slide(book, tiny.pond, {"inflow": 100}, chart=tiny.pond_chart, **tiny.SLIDER)
        filters.show_filterable(
            book, register(), COLUMNS, choose=["kind", "grade"], names=NAMES, caption_zh="说法登记", caption_en="Claims"
        )
        book.where_from()
    for lang in ("zh", "en"):
        (folder / f"{lang}.html").write_text(tiny.page(shown, lang), encoding="utf-8")
    return {lang: folder / f"{lang}.html" for lang in ("zh", "en")}


def seen(page):
    """The pictures that a reader sees, by alt text."""
    return page.eval_on_selector_all("img", "all => all.filter(i => i.checkVisibility()).map(i => i.alt)")


@pytest.mark.parametrize(("lang", "width"), [("zh", PHONE), ("en", 1280)])
def test_opens_offline_fits_and_axe_finds_nothing(opened, made, lang, width):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(made[lang], width)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [f"file://{made[lang]}"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The rows are alike: axe need not look at all of them.
    page.get_by_label(re.compile("查找|Search")).fill("15")
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.inner_text("main").count("÷") == 1
    assert lang == "zh" or not re.search(r"[\u4e00-\u9fff]", page.inner_text("main"))


def test_the_slider_moves_by_keyboard_and_says_its_value(opened, made):
    page = opened(made["en"])
    slider = page.get_by_role("slider", name="Leave each month")
    assert slider.get_attribute("aria-valuetext") == "6.0%"
    (middle,) = seen(page)
    page.locator("summary").locator("visible=true").first.click()
    slider.focus()
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "2.0%"
    assert page.locator(".siyu-slider .said").inner_text() == "Leave each month: 2.0%"
    (first,) = seen(page)
    assert first != middle
    assert "1,076 customers" in first  # 100 * (1 - 0.98**12) / 0.02
    assert page.locator(".siyu-slider .siyu-sentence").locator("visible=true").inner_text().endswith("1,076 customers.")
    table = page.locator(".siyu-slider table").locator("visible=true")
    assert table.count() == 1, "the table that was opened stays open, for the value that is shown"
    assert "1,076 customers" in table.inner_text()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "4.0%"
    box = slider.bounding_box()
    assert box["height"] >= 44, "a finger's breadth"


def test_the_filter_counts_what_it_shows(opened, made):
    page = opened(made["zh"])
    rows = page.locator(".siyu-filter tbody").locator("visible=true")
    said = page.locator(".siyu-filter [role=status]")
    assert (rows.count(), said.inner_text()) == (160, "显示：160 / 160 行")
    page.get_by_label("类别").select_option("提醒")
    assert (rows.count(), said.inner_text()) == (40, "显示：40 / 160 行 · 提醒")
    page.get_by_label("查找").fill(" 第 15 ")
    assert said.inner_text() == "显示：2 / 160 行 · 提醒 · 第 15"  # of 15, 150 ... 159 the warnings are 152 and 156
    page.get_by_role("button", name="显示全部").click()
    assert rows.count() == 160
    links = page.eval_on_selector_all(".siyu-filter a", "all => all.map(a => a.getAttribute('href'))")
    assert links == ["02_repurchase_cohorts.html#s-2"] * 32


def test_without_a_script_nothing_is_empty_and_nothing_is_offered_that_does_not_work(opened, made):
    page = opened(made["en"], java_script_enabled=False)
    pictures = page.locator("img").locator("visible=true")
    assert pictures.count() == 1
    assert "in the end" in page.inner_text(".siyu-slider").lower()
    assert page.locator(".siyu-slider .said").inner_text() == "Leave each month: 6.0%"
    assert page.locator(".siyu-filter tbody").locator("visible=true").count() == 160
    assert page.locator("input, select, button").locator("visible=true").count() == 1, "only the switch for the code"


def test_on_a_phone_rows_are_cards_with_the_names_of_their_columns(opened, made):
    page = opened(made["en"], PHONE)
    row = page.locator(".siyu-filter tbody").first
    assert row.bounding_box()["width"] <= PHONE
    for said in ("Claim number 0", "Kind", "warning", "How it is tested", "Where", "How soon do they come back?"):
        assert said in row.inner_text()
    assert not page.locator(".siyu-filter thead").is_visible()
    assert not opened(made["en"]).locator(".siyu-filter .label").first.is_visible()


def test_on_paper_are_the_picture_and_the_rows_that_are_shown(opened, made, tmp_path):
    page = opened(made["zh"])
    page.get_by_label("等级").select_option("A")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert len(seen(page)) == 1
    assert page.locator(".siyu-slider .said").is_visible()
    assert page.locator("input, select, button").locator("visible=true").count() == 0
    assert page.locator(".siyu-filter tbody").locator("visible=true").count() == 40
    assert page.locator(".siyu-filter [role=status]").inner_text() == "显示：40 / 160 行 · A"
    assert page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True).startswith(b"%PDF")
