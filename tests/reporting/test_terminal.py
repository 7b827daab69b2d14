"""Terminal: a table that fits, an estimate that is not more than it is, plain lines where there is no terminal."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from siyu_helpers.reporting import terminal
from siyu_helpers.reporting.records import RunRecord


def record(brand="tiny", notebook="02_repurchase_cohorts", **given):
    return RunRecord(brand, notebook, ["zh", "en"], **given)


def said(records, width=80, out="reports"):
    from pathlib import Path

    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    terminal.summary(records, Path(out), console)
    return console.file.getvalue()


def test_a_narrow_terminal_shows_names_rather_than_times():
    text = said([record("xiaoman", status="rendered", seconds=12.34, cell_seconds=10.0)], width=40)
    assert "xiaoman" in text
    assert max(cell_len(line) for line in text.split("\n\n")[0].splitlines()) <= 40


def test_the_table_fits_eighty_columns_also_in_chinese():
    text = said(
        [
            record("xiaoman", status="rendered", seconds=12.34, cell_seconds=10.0, moved=1234),
            record("a_brand_with_a_long_name_of_forty_letters", status="unchanged"),
            record("yunzuo", "01_复购与客户生命周期价值的完整说明", status="failed", error="why [b] it failed"),
            record("sanli", status="interrupted", error="stopped"),
        ],
        out="报告",
    )
    table, rest = text.split("\n\n", 1)
    assert max(cell_len(line) for line in table.splitlines()) <= 80
    assert "10.0 s  2.3 s  1,234 moved  zh, en" in table
    column = {cell_len(line[: line.index(state)]) for line in table.splitlines()
              for state in ("rendered", "unchanged", "failed", "interrupted") if f" {state}" in line}  # fmt: skip
    assert len(column) == 1, "the columns stand below each other"
    assert "why [b] it failed" in rest
    assert "1 rendered, 1 unchanged, 1 failed, 1 interrupted. Open 报告/index.html" in rest
    assert "报告/xiaoman/index.html" in rest


def test_nothing_found_is_said():
    assert "siyu new" in said([])


@pytest.mark.parametrize(
    ("given", "jobs", "expected"),
    [
        ([], 1, None),
        ([{"status": "waiting"}], 1, None),
        ([{"status": "waiting", "expected": 5.0}], 1, 5),
        ([{"status": "waiting", "expected": 5.0}, {"status": "waiting", "expected": 3.0}], 2, 5),
        ([{"status": "waiting", "expected": 5.0}, {"status": "waiting"}], 1, 10),
        ([{"status": "rendered", "seconds": 2.0}, {"status": "waiting"}], 1, 2),
        ([{"status": "rendered", "seconds": 2.0}, {"status": "failed", "seconds": 90.0}, {"status": "waiting"}], 1, 2),
        ([{"status": "running", "expected": 1.0}], 1, 0),
        ([{"status": "rendered", "seconds": 2.0}], 1, 0),
    ],
)
def test_the_time_left(given, jobs, expected):
    records = [record(**one) for one in given]
    gone = [3.0 if one.status == "running" else 0.0 for one in records]
    assert terminal.seconds_left(records, gone, jobs) == expected


def tell(console):
    with terminal.Telling(console, jobs=2) as telling:
        for brand in ("a", "b"):
            telling(record(brand))
        telling(record("c", status="unchanged"))
        telling(record("a", status="running", expected=9.0))
        telling(record("a", status="rendered", seconds=1.5))
        telling(record("b", status="failed", seconds=0.5))


def test_no_bar_where_there_is_no_terminal():
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    tell(console)
    text = console.file.getvalue()
    assert text.splitlines() == [
        "   rendered  a  02_repurchase_cohorts  1.5 s",
        "     failed  b  02_repurchase_cohorts  0.5 s",
    ]
    assert "\x1b" not in text


def test_a_bar_on_a_terminal_that_leaves_nothing_behind():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    tell(console)
    text = console.file.getvalue()
    assert "/2" in text
    assert text.rstrip().endswith("\x1b[2K"), "the bar is taken away"
