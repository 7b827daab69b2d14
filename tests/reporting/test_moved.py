"""Numbers that moved: every difference is found, none is invented, and why is said."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_pages import SAY, write_notebook

from siyu_helpers.reporting import moved

TOLD = {"notebook": "02_x", "cause": "data", "run_before": "a", "run_after": "b"}
MEANING = {"zh": "口径", "en": "=meaning"}


def number(key="a", value=0.5, low=None, high=None, unit="share"):
    return {"key": key, "value": value, "low": low, "high": high, "unit": unit, "definition": MEANING}


def compared(old, new, currencies=("CNY", "CNY")):
    return moved.compare({row["key"]: row | {"definition": "x"} for row in old}, new, currencies, **TOLD)


def test_equal_numbers_say_nothing():
    rows = [number(), number("b", 3.0, 2.0, "inf"), number("c", 1e-12)]
    assert compared([number(), number("b", 3.0, 2.0, float("inf")), number("c", 1e-12)], rows) == []
    assert compared([number(value=0.5 * (1 + 1e-12))], rows[:1]) == []


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (number(value=0.5), number(value=0.51), "moved"),
        (number(low=0.1, high=0.9), number(low=0.2, high=0.9), "moved"),
        (number(), number(low=0.2, high=0.9), "moved"),
        (number(low=0.1, high=5.0, unit="days"), number(low=0.1, high="inf", unit="days"), "moved"),
        (number(value=0.5), number(value=0.5 * (1 + 1e-6)), "digits"),
        (number(value=10.001, unit="money"), number(value=10.002, unit="money"), "digits"),
    ],
)
def test_each_difference_is_told(old, new, change):
    (row,) = compared([old], [new])
    assert row.change == change
    assert (row.notebook, row.key, row.cause) == ("02_x", "a", "data")


def test_added_gone_and_another_unit_or_currency():
    rows = compared([number("gone", 7, unit="days")], [number("new", 0.25)])
    assert [(row.key, row.change, row.before, row.after) for row in rows] == [
        ("new", "added", None, 0.25),
        ("gone", "gone", 7, None),
    ]
    assert moved.shown(rows[0], "en")["before"] == "not there"
    assert moved.shown(rows[1], "zh")["after"] == "本次没有"
    (row,) = compared([number(value=5, unit="money")], [number(value=5, unit="money")], ("CNY", "USD"))
    shown = moved.shown(row, "en")
    assert (shown["before"], shown["after"]) == ("CNY 5.00", "$5.00")


def test_a_row_in_words():
    (row,) = compared([number(value=0.2, low=0.1, high=0.3)], [number(value=0.25, low=0.2, high=0.3)])
    assert moved.shown(row, "zh") == {
        "key": "a", "definition": "口径", "before": "20.0%（10.0% 至 30.0%）", "after": "25.0%（20.0% 至 30.0%）",
        "note": "", "why": "数据有变动",
    }  # fmt: skip
    (row,) = compared([number()], [number(value=0.5 * (1 + 1e-6))])
    assert "digits not shown" in moved.shown(row, "en")["note"]


@given(
    st.lists(
        st.tuples(st.text(), st.floats(allow_nan=False), st.none() | st.floats(allow_nan=False)), max_size=4
    )
)  # fmt: skip
def test_what_is_written_is_what_is_read(tmp_path_factory, values):
    """Whatever a definition says, also what a spreadsheet would run."""
    folder = tmp_path_factory.mktemp("moved")
    rows = [
        moved.Moved(
            "02_x", f"k{place}", "moved", "data", "days", "days", "CNY", "CNY", value, low, low, value, low, low,
            text.replace("\r", "").replace("\x00", "").removeprefix("'"), "=1+1", "a", "b",
        )
        for place, (text, value, low) in enumerate(values)
    ]  # fmt: skip
    text = moved.to_csv(rows)
    assert not any(row["definition_en"].startswith("=") for row in csv.DictReader(io.StringIO(text)))
    (folder / moved.FILE).write_text(text, encoding="utf-8-sig", newline="\n")
    assert moved.read(folder) == rows


def test_a_carriage_return_does_not_end_a_row(tmp_path):
    (row,) = compared([number(key="a")], [number(key="a", value=0.9)])
    rows = [replace(row, definition_en="\r=1+1\r\n"), replace(row, key="b")]
    (tmp_path / moved.FILE).write_text(moved.to_csv(rows), encoding="utf-8-sig", newline="\n")
    assert moved.read(tmp_path) == [replace(row, definition_en=" =1+1 \n"), replace(row, key="b")]


@pytest.mark.parametrize("damage", ["", "x", "notebook,key\n02_x,a\n", "\x00", "x" * 200_000])
def test_a_damaged_file_is_no_numbers(tmp_path, damage):
    (tmp_path / moved.FILE).write_text(damage)
    assert moved.read(tmp_path) == []


def rows_of(out):
    return [(row.key, row.change, row.before, row.after, row.cause) for row in moved.read(out / "tiny")]


def test_a_render_says_which_numbers_moved_and_why(go, write_brand, tmp_path):
    folder, out, notebooks = write_brand(), tmp_path / "out", tmp_path / "notebooks"
    write_notebook(notebooks, SAY)
    assert go()[0].moved == 0
    assert rows_of(out) == []

    (record,) = go(parameters={"months": "7"})
    assert record.moved == 1
    assert rows_of(out) == [("count", "moved", 6.0, 7.0, "parameters")]
    index = (out / "tiny/index.html").read_text(encoding="utf-8")
    for said in ("与上次相比变动的数字", "Numbers that moved since the last run", "6 笔订单", "7 orders"):
        assert said in index
    assert "other parameters" in index
    assert "orders seen &lt;b&gt;" in index
    assert (out / "tiny/moved.csv").read_bytes().startswith(b"\xef\xbb\xbfnotebook,key,change,cause,")

    # Nothing had changed: neither a forced run nor the other language alone wipes away what moved before.
    go(parameters={"months": "7"}, force=True)
    go(parameters={"months": "7"}, force=True, languages=["en"])
    assert rows_of(out) == [("count", "moved", 6.0, 7.0, "parameters")]

    orders = (folder / "orders.csv").read_text(encoding="utf-8")
    (folder / "orders.csv").write_text(orders + "ORDER-C,SECRETPERSON0001,2024-12-01,5\n", encoding="utf-8")
    write_notebook(notebooks, SAY.replace("count", "seen").replace("(months", "(shop.scan('orders').collect().height"))
    (record,) = go()
    assert record.moved == 2
    assert rows_of(out) == [
        ("seen", "added", None, 91.0, "data+code+parameters"),
        ("count", "gone", 7.0, None, "data+code+parameters"),
    ]
    write_notebook(notebooks, SAY.replace("count", "seen").replace("(months", "(91"))
    assert go()[0].moved == 0
    assert rows_of(out) == []
    assert "Numbers that moved" not in (out / "tiny/index.html").read_text(encoding="utf-8")


def test_numbers_that_someone_edited_are_not_compared(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    for lang in ("zh", "en"):
        numbers = tmp_path / f"out/tiny/{lang}/01_tiny.numbers.csv"
        numbers.write_text(numbers.read_text(encoding="utf-8-sig").replace("6.0", "5"), encoding="utf-8-sig")
    (record,) = go()
    assert (record.status, record.moved) == ("rendered", 0)
