"""Indexes: what they say of each brand and page is what run.json and the files say, and nothing of it is markup."""

import json
import re

import pytest
from tiny_pages import SAY, write_notebook

from siyu_helpers.reporting import indexes, moved, records

STEMS = ("01_tiny", "02_more")


@pytest.fixture
def place(tmp_path):
    """A folder of pages, and the notebooks they are of."""
    for stem in STEMS:
        write_notebook(tmp_path / "notebooks", SAY, stem=stem)
    (tmp_path / "out").mkdir()
    return tmp_path


def notebooks(place):
    return [place / "notebooks" / f"{stem}.ipynb" for stem in STEMS]


def page(**given):
    usual = {"made": "2026-02-03T14:05:00+08:00", "until": "2024-12-31", "parameters": {}, "parts": {}, "linked": True}
    return usual | {"files": {}, "older": []} | given


def write_brand(place, id="tiny", name="小满", pages=None, status="rendered", **facts):
    folder = place / "out" / id
    pages = {"01_tiny": {"zh": page(), "en": page()}} if pages is None else pages
    brand = {"id": id, "name": name, "synthetic": True, "currency": "CNY", "customers": 23570}
    brand |= {"observed_from": "2024-01-01", "observed_until": "2024-12-31", **facts}
    kept = {"brand": brand, "checked": "2026-02-04T09:30:00+08:00", "notebooks": {}}
    folder.mkdir()
    for stem, languages in pages.items():
        records.entry_of(kept, stem).update(status=status, pages=languages)
        for lang in languages:
            (folder / lang).mkdir(exist_ok=True)
            (folder / lang / f"{stem}.html").write_text("page")
    (folder / "run.json").write_text(json.dumps(kept), encoding="utf-8")


def written(place, id=None):
    assert indexes.write(place / "out", notebooks(place)) == []
    return (place / "out" / (f"{id}/index.html" if id else "index.html")).read_text(encoding="utf-8")


def test_a_brand_in_the_index_over_all(place):
    write_brand(place, name={"zh": "小满", "en": "Xiaoman"})
    html = written(place)
    for said in ("小满", "已是最新", "虚构品牌", "生成于", "Xiaoman", "up to date", "Invented brand", "23,570"):
        assert said in html, said
    for said in ("2024-01-01 –", "2026-02-03", "2026-02-04 09:30", 'href="tiny/index.html"'):
        assert said in html, said
    assert "failed" not in html.split("<main>")[1]
    write_brand(place, "real", synthetic=False, customers=None, pages={})
    assert written(place).count("Invented brand") == 1


@pytest.mark.parametrize(
    ("older", "said", "not_said"),
    [
        (["data"], "made from older data", "older code"),
        (["code"], "made by older code", "older data"),
        (["software"], "made by older code", "up to date"),
        (["data", "code"], "made from older data", "up to date"),
        (["files"], "a file is missing or was altered", "up to date"),
        (["link"], "up to date", "older"),
    ],
)
def test_one_language_that_was_left_behind_is_marked(place, older, said, not_said):
    write_brand(place, pages={"01_tiny": {"zh": page(), "en": page(older=older)}})
    for html in (written(place), written(place, "tiny")):
        main = html.split("<main>")[1]
        assert said in main
        assert not_said not in main
    assert ("English page only" in main) == (older != ["link"])


def test_a_failed_run_is_marked_on_both_indexes(place):
    write_brand(place, status="failed")
    for html in (written(place), written(place, "tiny")):
        assert "最近一次生成失败，这里是上一次的页面" in html
        assert "up to date" not in html
    write_brand(place, "first", pages={"01_tiny": {}}, status="failed")
    assert "failed; there is no page yet" in written(place, "first")


def test_a_page_without_a_record_is_listed_and_marked(place):
    write_brand(place, pages={})
    (place / "out/tiny/zh").mkdir()
    (place / "out/tiny/zh/02_more.html").write_text("page")
    html = written(place, "tiny")
    assert 'href="zh/02_more.html"' in html
    assert "a file is missing or was altered" in html


def test_pages_of_different_days_show_first_and_last(place):
    other = page(made="2026-01-01T00:00:00+00:00", until="2024-06-30", parameters={"months": "<i>7"})
    write_brand(place, pages={"01_tiny": {"zh": page()}, "02_more": {"en": other}})
    assert "2026-01-01 – 2026-02-03" in written(place)
    assert '数据截至 <span lang="en">Data until</span> 2024-06-30 – 2024-12-31' in written(place)
    assert "months=&lt;i&gt;7" in written(place, "tiny")


def test_numbers_that_moved_in_both_languages_escaped(place):
    write_brand(place)
    row = moved.Moved(
        "01_tiny", "count", "moved", "data", "customers", "customers", "CNY", "CNY",
        1000, None, None, 23570, None, None, "<i>口径", "<b>meaning", "2026-02-03T14:05:00", "2026-02-04T09:30:00",
    )  # fmt: skip
    (place / "out/tiny/moved.csv").write_text(moved.to_csv([row]), encoding="utf-8-sig")
    html = written(place, "tiny")
    zh, en = html.split('<section class="moved"')[1:]
    for said in ("与上次相比变动的数字", "&lt;i&gt;口径", "1,000 位客户", "23,570 位客户", "数据有变动"):
        assert said in zh
    for said in ("Numbers that moved since the last run", "&lt;b&gt;meaning", "23,570 customers", "the data changed"):
        assert said in en
    assert "Pages of 2026-02-04 09:30 against 2026-02-03 14:05" in en


def test_names_from_data_are_escaped(place):
    write_brand(place, name={"zh": '<script>"x', "en": "url(x) @import <base href=x>"})
    for html in (written(place), written(place, "tiny")):
        assert '<script>"x' not in html
        assert "&lt;script&gt;&#34;x" in html
        assert "<base" not in html


def test_what_cannot_be_written_is_told_and_the_others_are_written(place, monkeypatch):
    write_brand(place)
    write_brand(place, "other")
    real = indexes.write_whole

    def refuse(path, text):
        if path.parent.name == "other":
            raise PermissionError(13, "Permission denied", str(path))
        real(path, text)

    monkeypatch.setattr(indexes, "write_whole", refuse)
    ((brand, error),) = indexes.write(place / "out", notebooks(place))
    assert (brand, error.errno) == ("other", 13)
    assert (place / "out/tiny/index.html").exists()
    assert (place / "out/index.html").exists()


DECISION = {
    "verdict": "build", "words": {"zh": "建", "en": "Build"}, "probability": 0.934, "value": [412345.6, -2000.0, 9e5],
    "payback": [13.0, 11.0, "inf"], "evidence": "suggestive", "currency": "CNY", "months": 24.0,
}  # fmt: skip


def decided(place, id, decision=DECISION, **given):
    """A brand with a decision brief; `given` goes into the record of its Chinese page."""
    both = {lang: page(decision=decision) for lang in ("zh", "en")}
    both["zh"] |= given
    write_brand(place, id, name=id, pages={"02_more": both})


def row_of(html, id):
    (row,) = [row for row in html.split("<tr>") if f'href="{id}/index.html"' in row]
    return " ".join(re.sub(r"<[^>]+>", " ", row.split("</tr>")[0]).split()), row


def test_a_line_of_the_portfolio_says_what_was_decided(place):
    decided(place, "one")
    write_brand(place, "two")
    html = written(place)
    told, row = row_of(html, "one")
    for said in ("建 Build", "CNY 412,346 -2,000 – 900,000", "24 个月 24 months", "13 11 – ∞", "93%",
                 "有一定证据 suggestive"):  # fmt: skip
        assert said in told, said
    assert 'href="one/zh/02_more.html"' in row
    assert 'href="one/en/02_more.html"' in row
    assert re.findall(r'data-sort="([^"]*)"', row) == [
        "one", "0", "412345.6", "13.0", "0.934", "1", "2024-12-31", "23570", "0",
    ]  # fmt: skip
    blank, row = row_of(html, "two")
    assert "未生成 not rendered" in blank
    assert re.findall(r'data-sort="([^"]*)"', row)[1:6] == [""] * 5
    assert "converts nothing" not in html


def test_a_verdict_of_other_inputs_or_other_data_says_so(place):
    decided(place, "given", parameters={"uplift": "<i>0.05"}, made="2026-03-01T00:00:00+08:00")
    told, _ = row_of(written(place), "given")
    assert "另给参数 parameters given uplift=&lt;i&gt;0.05" in told
    decided(place, "older", older=["data"])
    assert row_of(written(place), "older")[0].count("made from older data") == 2  # beside the verdict, and the state


def test_a_probability_of_something_else_says_of_what(place):
    decided(place, "one")
    decided(
        place, "two", decision=DECISION | {"probability_of": {"zh": "减发之后划算", "en": "That it pays after the fix"}}
    )
    assert "93% 减发之后划算 That it pays after the fix" in row_of(written(place), "two")[0]


def test_the_newest_verdict_counts_and_leads_only_to_pages_that_say_it(place):
    newer = DECISION | {"verdict": "do_not", "words": {"zh": "不建", "en": "Do not"}}
    pages = {"zh": page(decision=newer, made="2026-03-01T00:00:00+08:00"), "en": page(decision=DECISION)}
    write_brand(place, "both", pages={"02_more": pages})
    told, row = row_of(written(place), "both")
    assert "不建" in told
    assert "Build" not in told
    assert 'href="both/en/02_more.html"' not in row


def test_a_page_that_is_gone_has_no_verdict(place):
    decided(place, "gone")
    for lang in ("zh", "en"):
        (place / f"out/gone/{lang}/02_more.html").unlink()
    assert "not rendered" in row_of(written(place), "gone")[0]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "build",
        DECISION | {"verdict": []},
        DECISION | {"value": [None, 1, 2]},
        DECISION | {"customer": "SECRET7"},
    ],
)
def test_a_record_that_someone_has_edited_is_no_verdict(place, wrong):
    decided(place, "edited", decision=wrong)
    html = written(place)
    assert "not rendered" in row_of(html, "edited")[0]
    assert "SECRET7" not in html


def test_words_of_a_verdict_are_escaped_and_currencies_kept_apart(place):
    decided(place, "one", decision=DECISION | {"words": {"zh": "<img src=x>", "en": '"><b>'}})
    decided(place, "zero", decision=DECISION | {"currency": "EUR", "value": None})
    assert "converts nothing" not in written(place)
    decided(place, "two", decision=DECISION | {"currency": "USD"})
    html = written(place)
    assert "<img" not in html
    assert "&#34;&gt;&lt;b&gt;" in html
    assert 'data-group="CNY"' in html
    assert 'data-group="USD"' in html
    assert "converts nothing" in html


def test_figures_read_the_same_in_both_languages():
    assert indexes._figure(None, "value", "CNY") == {"sort": "", "text": "", "ends": ""}
    assert indexes._figure([float("inf"), 11.0, "inf"], "payback", "CNY")["sort"] == "Infinity"
    assert indexes._figure([-0.2, None, None], "value", "EUR") == {"sort": "-0.2", "text": "EUR 0", "ends": ""}
    assert indexes._figure([-12.4, -1500.0, 0.4], "value", "EUR")["ends"] == "-1,500 – 0"


def test_hundreds_of_brands_have_a_line_each(place):
    for number in range(300):
        decided(place, f"b{number:03d}")
    html = written(place)
    assert html.count('<th scope="row"') == 300
    assert html.count("<script>") == 1
