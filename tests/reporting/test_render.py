"""The renderer: what it refuses, and what stands in the folder after every way a run can go wrong.

Notebooks here are tiny and made by the tests; the real ones are rendered in tests/browser.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from siyu_helpers.reporting import render as render_module
from siyu_helpers.reporting.parameters import ParameterError
from siyu_helpers.reporting.render import find_notebooks, render

SETUP = """\
from siyu_helpers.data import brands
from siyu_helpers.reporting.ledger import Ledger
from siyu_helpers.analysis.estimates import Estimate

shop = brands.load(brand, data_root or None)
ledger = Ledger(shop, "01_tiny", lang, level, observed_until)
"""
SAY = """\
count = Estimate.exact(months, 1, "orders", "x", "siyu_helpers.analysis.estimates.share")
ledger.say(zh="有 {count}", en="{count} seen", count=count, finding=True)
"""
PARAMETERS = """\
brand = "tiny"
lang = "both"
data_root = ""
observed_until = ""
level = 0.90
seed = 1
months = 6
"""


def write_notebook(folder, *code, stem="01_tiny"):
    folder.mkdir(exist_ok=True)
    cells = [
        {"cell_type": "markdown", "metadata": {"tags": ["zh"]}, "source": "# 一页", "id": "a"},
        {"cell_type": "markdown", "metadata": {"tags": ["en"]}, "source": "# One page", "id": "b"},
    ]
    for index, source in enumerate((PARAMETERS, SETUP, *code)):
        tags = {"tags": ["parameters"]} if index == 0 else {}
        cells.append(
            {
                "cell_type": "code",
                "metadata": tags,
                "source": source,
                "id": f"c{index}",
                "outputs": [],
                "execution_count": None,
            }
        )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{stem}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture
def go(tmp_path, data_root):
    """Render with the test's own folders."""

    def run(brands=None, **options):
        given = {"out": tmp_path / "out", "data_root": data_root, "notebook_folder": tmp_path / "notebooks", **options}
        return render(brands, **given)

    return run


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def pages_in(folder):
    return {
        name: data
        for name, data in contents(folder).items()
        if name.endswith((".html", ".csv")) and "index" not in name
    }


def test_both_languages_from_one_run_then_nothing_to_do(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    (record,) = go()
    assert (record.status, record.error, record.warnings) == ("rendered", "", [])
    made = contents(tmp_path / "out")
    assert {"index.html", "tiny/index.html", "tiny/run.json", "tiny/zh/01_tiny.html", "tiny/en/01_tiny.html",
            "tiny/zh/01_tiny.numbers.csv", "tiny/en/01_tiny.numbers.csv"} == set(made)  # fmt: skip
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


def test_what_a_killed_run_left_is_swept(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    running = tmp_path / "out" / f".rendering-{os.getpid()}-x"
    left = tmp_path / "out" / f".rendering-{gone.pid}-x"
    for folder in (left, running):
        folder.mkdir(parents=True)
    go()
    assert not left.exists()
    assert running.exists(), "another run that still goes on is left alone"


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


def test_an_export_that_fails_writes_neither_language(go, write_brand, tmp_path, monkeypatch):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    real = render_module.pages.page_html

    def fail(nb, around):
        if around["lang"] == "en":
            raise OSError(28, "No space left on device", "/somewhere")
        return real(nb, around)

    monkeypatch.setattr(render_module.pages, "page_html", fail)
    (record,) = go(force=True)
    assert "disk is not full" in record.error
    assert pages_in(tmp_path / "out") == before


def test_raw_identifiers_and_markup_never_reach_a_page(go, write_brand, tmp_path, home):
    from conftest import HOSTILE

    write_brand(name=HOSTILE, source=HOSTILE)
    show = "from IPython.display import display\ndisplay(shop.table('orders').head())\n" + SAY
    write_notebook(tmp_path / "notebooks", show)
    assert [r.status for r in go()] == ["rendered"]
    for name, data in contents(tmp_path / "out").items():
        assert b"SECRETPERSON" not in data, name
        assert b"ORDER-A" not in data, name
        if name.endswith(".html"):
            assert b"<script" not in data, name


def test_what_goes_to_stderr_is_told_not_shown(go, write_brand, tmp_path):
    write_brand()
    write_notebook(tmp_path / "notebooks", 'import sys\nprint("be " + "careful", file=sys.stderr)', SAY)
    (record,) = go()
    assert record.warnings == ["be careful\n"]
    assert "be careful" not in (tmp_path / "out/tiny/en/01_tiny.html").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_the_old_pages_and_no_kernel(go, write_brand, tmp_path, data_root, home):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    marker = tmp_path / "kernel.pid"
    slow = f"import os, time\nopen({str(marker)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    write_notebook(tmp_path / "notebooks", SAY, slow)
    call = (
        "import sys; from siyu_helpers.reporting.render import render; "
        f"r = render(out={str(tmp_path / 'out')!r}, data_root={str(data_root)!r}, "
        f"notebook_folder={str(tmp_path / 'notebooks')!r}); print(r[-1].status); sys.exit(130)"
    )
    process = subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        if marker.exists() and marker.read_text():
            break
        time.sleep(0.1)
    kernel = int(marker.read_text())
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert said.strip() == "interrupted"
    assert pages_in(tmp_path / "out") == before
    assert not list((tmp_path / "out").glob(".rendering*"))
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


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
    for broken in (
        "",
        "{",
        "{}",
        "[]",
        '{"brand": 1, "notebooks": {}}',
        '{"brand": {"name": "x"}, "notebooks": {"a": 1}}',
    ):
        (tmp_path / "out/tiny/run.json").write_text(broken)
        assert [r.status for r in go()] == ["unchanged", "rendered"]


def test_a_move_that_fails_brings_the_old_files_back(go, write_brand, tmp_path, monkeypatch):
    write_brand()
    write_notebook(tmp_path / "notebooks", SAY)
    go()
    before = pages_in(tmp_path / "out")
    real = os.replace

    def fail(source, target):
        if str(target).endswith("en/01_tiny.html") and ".before" not in str(source):
            raise PermissionError(1, "Operation not permitted", str(source), None, str(target))
        return real(source, target)

    monkeypatch.setattr(render_module.os, "replace", fail)
    (record,) = go(parameters={"months": "9"})
    assert "en/01_tiny.html" in record.error
    assert pages_in(tmp_path / "out") == before


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
