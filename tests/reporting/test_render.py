"""The renderer: what it refuses, and what stands in the folder after every way a run can go wrong.

Notebooks here are tiny and made by the tests; the real ones are rendered in tests/browser.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tiny_pages import SAY, contents, pages_in, write_notebook

from siyu_helpers.reporting import publishing, records
from siyu_helpers.reporting.parameters import ParameterError
from siyu_helpers.reporting.render import find_notebooks, render


def test_both_languages_from_one_run_then_nothing_to_do(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go()
    assert (record.status, record.error, record.warnings) == ("rendered", "", [])
    made = contents(tmp_path / "out")
    of_pages = {f"tiny/{lang}/01_tiny{end}" for lang in ("zh", "en") for end in (".html", ".numbers.csv")}
    assert set(made) == {"index.html", "tiny/index.html", "tiny/run.json", "tiny/moved.csv", *of_pages}
    assert "6 笔订单" in made["tiny/zh/01_tiny.html"].decode()
    assert made["tiny/en/01_tiny.numbers.csv"].startswith(b"\xef\xbb\xbfkey,value,low,high,level,unit,n,")
    assert '"tiny/zh' not in made["index.html"].decode()

    (again,) = go()
    assert again.status == "unchanged"
    assert pages_in(tmp_path / "out") == {k: v for k, v in made.items() if k in pages_in(tmp_path / "out")}
    (other,) = go(parameters={"months": "7"})
    assert other.status == "rendered"
    assert b"7 orders" in contents(tmp_path / "out")["tiny/en/01_tiny.html"]
    (forced,) = go(parameters={"months": "7"}, force=True)
    assert forced.status == "rendered"


def test_a_changed_input_is_rendered_again(go, write_brand, tmp_path):
    folder = write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    with (folder / "orders.csv").open("a") as file:
        file.write("ORDER-C-1,SECRETPERSON0001,2024-12-01,5\n")
    assert [record.status for record in go()] == ["rendered"]


def test_one_language_writes_that_language(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go(languages=["en"])
    assert (tmp_path / "out/tiny/en/01_tiny.html").exists()
    assert not (tmp_path / "out/tiny/zh").exists()
    assert "中文" not in (tmp_path / "out/tiny/en/01_tiny.html").read_text(encoding="utf-8")


def test_the_other_language_is_marked_when_it_is_left_behind(go, write_brand, tmp_path):
    folder, index = write_brand(), tmp_path / "out/tiny/index.html"
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    with (folder / "orders.csv").open("a") as file:
        file.write("ORDER-C-1,SECRETPERSON0001,2024-12-01,5\n")
    (record,) = go(languages=["zh"])
    assert record.status == "rendered"
    assert "made from older data" in index.read_text(encoding="utf-8")
    assert "English page only" in index.read_text(encoding="utf-8")
    assert go(languages=["zh"])[0].status == "unchanged"
    assert "made from older data" in index.read_text(encoding="utf-8")
    assert go()[0].status == "rendered"
    assert "older" not in index.read_text(encoding="utf-8").split("<main>")[1]
    assert [go(languages=[lang])[0].status for lang in ("zh", "en")] == ["unchanged", "unchanged"]


def test_two_languages_asked_for_one_after_the_other_end_up_linked(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    assert [go(languages=[lang])[0].status for lang in ("zh", "en")] == ["rendered", "rendered"]
    assert [record.status for record in go()] == ["rendered"], "the first page has no link to the second yet"
    for lang, other in (("zh", "en"), ("en", "zh")):
        assert f'hreflang="{other}"' in (tmp_path / f"out/tiny/{lang}/01_tiny.html").read_text(encoding="utf-8")
    assert [record.status for record in go()] == ["unchanged"]


def test_a_page_that_cannot_be_published_leaves_room_for_saying_so(go, write_brand, tmp_path, monkeypatch):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    monkeypatch.setattr(publishing, "publish", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    seen = {}
    go(progress=lambda record: seen.update({record.status: list((tmp_path / "out").glob(".rendering-*/*"))}))
    assert seen["failed"] == []


def test_two_threads_render_at_the_same_time(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    main = sys.modules["__main__"]
    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(lambda name: go(out=tmp_path / name), ("one", "two")))
    assert [record.error or record.status for (record,) in told] == ["rendered", "rendered"]
    assert sys.modules["__main__"] is main


def test_what_changes_while_a_page_is_made_is_not_published(go, write_brand, tmp_path):
    folder = write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    change = f"open({str(folder / 'orders.csv')!r}, 'a').write('ORDER-C-1,SECRETPERSON0001,2024-12-01,5\\n')"
    write_notebook(tmp_path / "notebooks", SAY, change)
    (record,) = go()
    assert record.status == "failed"
    assert "the data changed while the page was made; run it again" in record.error
    assert pages_in(tmp_path / "out") == before


def test_ctrl_c_while_a_page_is_moved_into_place_is_no_rendered_page(go, write_brand, tmp_path, monkeypatch):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publishing, "publish", stop)
    (record,) = go(parameters={"months": "7"})
    assert (record.status, record.moved) == ("interrupted", 0)
    assert pages_in(tmp_path / "out") == before
    assert not list((tmp_path / "out").glob(".*"))


def test_brands_and_notebooks_are_told_of_in_order_whatever_ends_first(go, write_brand, tmp_path):
    for brand in ("b_quick", "a_slow"):
        write_brand(brand)
    slow = "import time\nif brand == 'a_slow':\n    time.sleep(1.5)"
    for stem in ("02_more", "01_tiny"):
        write_notebook(tmp_path / "notebooks", SAY, slow, stem=stem)
    told = []
    records = go(jobs=2, progress=lambda record: told.append((record.status, record.brand, record.notebook)))
    pairs = [(brand, stem) for brand in ("a_slow", "b_quick") for stem in ("01_tiny", "02_more")]
    assert [(record.brand, record.notebook) for record in records] == pairs
    assert {record.status for record in records} == {"rendered"}
    assert told[:4] == [("waiting", *pair) for pair in pairs]
    ends = [one for one in told if one[0] == "rendered"]
    assert ends[0][1] == "b_quick"
    assert all(told.index(("running", *pair)) < told.index(("rendered", *pair)) for pair in pairs)
    told.clear()
    go(progress=lambda record: told.append(record.status))
    assert told == ["unchanged"] * 4


def test_pages_are_the_same_however_they_are_made(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    made = []
    for options in ({}, {"jobs": 1, "force": True}, {"plain": True, "force": True}):
        go(**options)
        made.append(pages_in(tmp_path / "out"))
    assert made[0] == made[1] == made[2]


def test_a_notebook_that_raises_leaves_the_old_pages(go, write_brand, tmp_path):
    write_brand()
    write_brand("other")
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    write_notebook(tmp_path / "notebooks", SAY, 'if brand == "other":\n    raise KeyError("no such column")')
    records = go()
    assert {r.brand: r.status for r in records} == {"other": "failed", "tiny": "rendered"}
    assert "KeyError" in records[0].error
    after = pages_in(tmp_path / "out")
    assert {k: v for k, v in after.items() if k.startswith("other")} == {
        k: v for k, v in before.items() if k.startswith("other")
    }
    assert "the last run failed" in (tmp_path / "out/other/index.html").read_text(encoding="utf-8")
    assert not list((tmp_path / "out").glob(".rendering*"))
    # A failed page is tried again, even though nothing changed since.
    write_notebook(tmp_path / "notebooks", SAY)
    assert [r.status for r in go()] == ["rendered", "rendered"]


def test_a_killed_kernel_fails_its_page_only(go, write_brand, tmp_path):
    write_brand()
    write_brand("other")
    write_notebook(tmp_path / "notebooks", 'import os\nif brand == "other":\n    os.kill(os.getpid(), 9)', SAY)
    records = go()
    assert {r.brand: r.status for r in records} == {"other": "failed", "tiny": "rendered"}
    assert "kernel died" in records[0].error
    assert set(pages_in(tmp_path / "out")) == {
        f"tiny/{lang}/01_tiny{end}" for lang in ("zh", "en") for end in (".html", ".numbers.csv")
    }


def test_a_cell_that_hangs_is_stopped(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", "import time\ntime.sleep(600)", SAY)
    (record,) = go(cell_timeout=3)
    assert record.status == "failed"
    assert "longer than 3 s" in record.error
    assert pages_in(tmp_path / "out") == {}


def test_a_brand_that_cannot_be_read_leaves_the_others_whole(go, write_brand, tmp_path):
    write_brand()
    write_brand("broken", orders="order_id,customer_id,ordered_at,amount\nA1,SECRETPERSON,2024-01-05,lots\n")
    write_notebook(tmp_path / "notebooks", SAY)
    records = go(["broken", "tiny"])
    assert [r.status for r in records] == ["failed", "rendered"]
    assert "orders.csv" in records[0].error
    assert "amount" in records[0].error
    assert "SECRETPERSON" not in records[0].error
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["index.html", "tiny"]


def test_a_brand_that_cannot_be_read_leaves_nothing(go, write_brand, tmp_path):
    write_brand("broken", orders="order_id,customer_id,ordered_at,amount\nA1,SECRETPERSON,2024-01-05,lots\n")
    write_notebook(tmp_path / "notebooks", SAY)
    assert [r.status for r in go(["broken"])] == ["failed"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"parameters": {"monts": "3"}}, "did you mean months"),
        ({"parameters": {"months": "three"}}, "whole number"),
        ({"notebooks": ["09"]}, "no notebook"),
        ({"languages": ["fr"]}, "zh or en"),
        ({"brands": ["tiny", "missing"]}, "no brand missing"),
        ({"brands": ["../tiny"]}, "tiny"),
        ({"data_root": "/nowhere/at/all"}, "no folder"),
        ({"jobs": 0}, "use 1 or more"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_runs(go, write_brand, tmp_path, options, said):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    with pytest.raises(ParameterError, match=said):
        go(**options)
    assert not (tmp_path / "out").exists()


def test_a_report_date_outside_the_export_fails_with_its_reason(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go(parameters={"observed_until": "2025-06-30"})
    assert "covers 2024-01-01 to 2024-12-31" in record.error


def test_raw_identifiers_and_markup_never_reach_a_page(go, write_brand, tmp_path, home):
    from conftest import HOSTILE

    write_brand(name=HOSTILE, source=HOSTILE)
    show = "from IPython.display import display\ndisplay(shop.table('orders').head())\n" + SAY
    write_notebook(tmp_path / "notebooks", show)
    assert [r.status for r in go()] == ["rendered"]
    for name, data in contents(tmp_path / "out").items():
        assert b"SECRETPERSON" not in data, name
        assert b"ORDER-A" not in data, name
        if name.endswith(".html"):  # the index over all brands has a script of its own, which sorts
            assert data.count(b"<script") == (name == "index.html"), name
            assert b"<script>alert" not in data, name


def test_what_goes_to_stderr_is_told_not_shown(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", 'import sys\nprint("be " + "careful", file=sys.stderr)', SAY)
    (record,) = go()
    assert record.warnings == ["be careful\n"]
    assert "be careful" not in (tmp_path / "out/tiny/en/01_tiny.html").read_text(encoding="utf-8")


def test_what_is_written_down_of_a_failure_quotes_no_data(go, write_brand, tmp_path):
    folder = write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    write_notebook(tmp_path / "notebooks", SAY, 'import sys\nprint("SECRET" + "PERSON0001", file=sys.stderr)')
    go()
    write_notebook(tmp_path / "notebooks", SAY, 'raise KeyError("SECRET" + "PERSON0001")')
    (record,) = go()
    assert "SECRETPERSON0001" in record.error
    orders = (folder / "orders.csv").read_text(encoding="utf-8")
    (folder / "orders.csv").write_text(orders + orders.splitlines()[1] + "\n", encoding="utf-8")
    (record,) = go()
    assert "ORDER-A-0000" in record.error
    for name, data in contents(tmp_path / "out").items():
        assert b"SECRETPERSON" not in data, name
        assert b"ORDER-A" not in data, name
    assert "siyu check tiny" in (tmp_path / "out/tiny/run.json").read_text(encoding="utf-8")


def test_one_brand_cannot_break_the_indexes_of_the_others(go, write_brand, tmp_path):
    write_brand("tiny", name="url(x) @import <base href=x>")
    write_brand("other")
    write_notebook(tmp_path / "notebooks", SAY)
    assert [r.status for r in go()] == ["rendered", "rendered"]
    for broken in ("{", '{"brand": 1, "notebooks": {}}'):
        (tmp_path / "out/tiny/run.json").write_text(broken)
        assert [r.status for r in go()] == ["unchanged", "rendered"]


def test_a_page_that_was_cut_or_lost_its_numbers_is_made_again(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    (tmp_path / "out/tiny/en/01_tiny.numbers.csv").unlink()
    assert [r.status for r in go()] == ["rendered"]
    (tmp_path / "out/tiny/zh/01_tiny.html").write_text("")
    assert [r.status for r in go()] == ["rendered"]
    assert [r.status for r in go()] == ["unchanged"]


def test_a_folder_with_braces_is_a_folder(write_brand, tmp_path, data_root):
    write_brand()
    folder = tmp_path / "nb {brand} {x}"
    write_notebook(folder, SAY)
    (record,) = render(["tiny"], out=tmp_path / "out {y}", data_root=data_root, notebook_folder=folder)
    assert (record.status, record.error) == ("rendered", "")


def test_a_text_is_one_brand_one_notebook_one_language(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go("tiny", notebooks="01", languages="en")
    assert (record.brand, record.languages) == ("tiny", ["en"])


def test_notebooks_are_found_by_number_or_stem(tmp_path):
    for stem in ("01_one", "02_two"):
        write_notebook(tmp_path, stem=stem)
    assert [p.stem for p in find_notebooks(["02"], tmp_path)] == ["02_two"]
    assert [p.stem for p in find_notebooks(["01_one.ipynb", "02_two"], tmp_path)] == ["01_one", "02_two"]
    assert [p.stem for p in find_notebooks(None, tmp_path)] == ["01_one", "02_two"]


SCENARIO = """\
uplift = ""  # 订单增幅 / gain in orders, empty: the brand's own; a number or low,typical,high from -1 to 10
staff_cost = ""  # 人员费用 / staff a month, empty: the brand's own; a number or low,typical,high, 0 or more
"""
DECIDE = """\
from siyu_helpers.reporting.parameters import quantities
given = quantities(uplift=uplift, staff_cost=staff_cost)
record = {"verdict": "pilot", "words": {"zh": "先试点", "en": "Pilot"}, "probability": 0.6, "value": [10.0, -5.0, 25.0]}
record |= {"payback": None, "evidence": "", "currency": shop.config["currency"], "months": 24}
ledger.verdict(record, zh="依据 {given}", en="Given {given}", given=str(given))
"""


def test_a_scenario_reaches_the_notebook_the_page_and_the_index(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", DECIDE, stem="06_tiny")
    path = tmp_path / "notebooks/06_tiny.ipynb"
    made = json.loads(path.read_text("utf-8"))
    made["cells"][2]["source"] += SCENARIO
    made["metadata"]["siyu"] = {"layout": "brief"}
    path.write_text(json.dumps(made), encoding="utf-8")
    asked = {"uplift": "0.02, 0.05,0.1", "staff_cost": 8000}
    (record,) = go(parameters=asked)
    assert record.status == "rendered", record.error
    page = (tmp_path / "out/tiny/en/06_tiny.html").read_text("utf-8")
    assert "Given {&#x27;uplift&#x27;: (0.02, 0.05, 0.1), &#x27;staff_cost&#x27;: 8000.0}" in page
    assert '<div class="siyu-verdict pilot">' in page
    assert "<td>0.02,0.05,0.1</td>" in page
    assert "-p uplift=0.02,0.05,0.1 -p staff_cost=8000" in page
    kept = records.read(tmp_path / "out/tiny")["notebooks"]["06_tiny"]["pages"]
    assert kept["zh"]["decision"] == kept["en"]["decision"]
    assert kept["en"]["decision"]["value"] == [10.0, -5.0, 25.0]
    index = (tmp_path / "out/index.html").read_text("utf-8")
    for said in ("先试点", "Pilot", "CNY 10", "-5 – 25", "60%", "uplift=0.02,0.05,0.1, staff_cost=8000"):
        assert said in index, said
    (again,) = go(parameters={"uplift": [0.02, 0.05, 0.1], "staff_cost": "8000.0"})
    assert again.status == "unchanged", "the same inputs, written another way"
    (other,) = go()
    assert other.status == "rendered"
    assert "uplift" not in (tmp_path / "out/index.html").read_text("utf-8")
    assert "not given" in (tmp_path / "out/tiny/en/06_tiny.html").read_text("utf-8")
