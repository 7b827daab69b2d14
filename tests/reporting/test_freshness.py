"""Freshness: what has changed is made again, what has not is left alone; in doubt it is made again."""

import shutil

import pytest
from tiny_pages import SAY, write_notebook

from siyu_helpers.reporting import freshness, workers
from siyu_helpers.reporting.freshness import Hashes, modules_used, parts, reasons


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library that a test may change."""
    copy = tmp_path / "siyu_helpers"
    shutil.copytree(freshness.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(freshness, "PACKAGE", copy)
    return copy


@pytest.fixture
def notebook(tmp_path):
    def write(*code):
        write_notebook(tmp_path / "notebooks", *code)
        return tmp_path / "notebooks" / "01_tiny.ipynb"

    return write


def used(notebook):
    found = modules_used(notebook, Hashes())
    return found and {path.relative_to(freshness.PACKAGE).as_posix() for path in found}


def touch(path):
    path.write_text(path.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")


def test_imports_are_followed_through_the_library(notebook):
    found = used(notebook(SAY))
    assert {"analysis/estimates.py", "data/brands.py", "data/reading.py", "reporting/pages.py", "__init__.py"} <= found
    assert not found & {"cli.py", "data/checkup.py", "reporting/render.py", "analysis/repurchase_cohorts.py"}
    assert "analysis/repurchase_cohorts.py" in used(
        notebook("from siyu_helpers.analysis import repurchase_cohorts as r")
    )
    assert "data/checkup.py" in used(notebook("import siyu_helpers.data.checkup"))


def test_relative_imports_and_imports_inside_functions_are_followed(library, notebook):
    analysis = library / "analysis"
    (analysis / "one.py").write_text("def late():\n    from .two import what\n    return what\n")
    (analysis / "two.py").write_text("from ..data import cdnow\nwhat = cdnow\n")
    found = used(notebook("from siyu_helpers.analysis.one import late"))
    assert {"analysis/one.py", "analysis/two.py", "data/cdnow.py"} <= found


@pytest.mark.parametrize(
    "code",
    [
        "%matplotlib inline",
        "!ls",
        "import importlib",
        "__import__('siyu_helpers.cli')",
        "from siyu_helpers.data import *",
        "exec('import x')",
        "def (",
    ],
)
def test_what_cannot_be_told_counts_as_everything(notebook, code):
    assert used(notebook(code)) is None


def test_only_the_ledger_imports_by_name_what_a_page_may_depend_on(notebook):
    """`ledger` looks up functions that are imported already; any other import by name would be missed."""
    by_name = {
        path.name
        for path in modules_used(notebook(SAY), Hashes())
        if "import_module" in path.read_text(encoding="utf-8")
    }
    assert by_name <= {"ledger.py"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("cli.py", []),
        ("data/checkup.py", []),
        ("analysis/repurchase_cohorts.py", []),
        ("reporting/template/index/all.html.j2", []),
        ("analysis/estimates.py", ["code"]),
        ("data/values.py", ["code"]),
        ("reporting/pages.py", ["code"]),
        ("reporting/template/page/index.html.j2", ["code"]),
        ("reporting/template/page/style.css", ["code"]),
    ],
)
def test_a_module_counts_for_the_pages_that_use_it(library, notebook, tmp_path, changed, expected):
    page, hashes = notebook(SAY), Hashes()
    before = parts(page, tmp_path / "brand", {}, hashes)
    touch(library / changed)
    assert freshness.causes(before, parts(page, tmp_path / "brand", {}, hashes)) == expected


def test_a_render_makes_again_what_uses_the_code_that_changed(go, write_brand, notebook, library, monkeypatch):
    monkeypatch.setattr(workers, "is_current", lambda code: True)  # the copy changes, not what the workers run
    write_brand()
    notebook(SAY)
    assert go()[0].status == "rendered"
    for changed, status in [
        ("cli.py", "unchanged"),
        ("data/checkup.py", "unchanged"),
        ("analysis/estimates.py", "rendered"),
        ("reporting/template/page/index.html.j2", "rendered"),
    ]:
        touch(library / changed)
        assert go()[0].status == status, changed


def test_a_page_that_leads_to_sections_of_others_depends_on_their_headings(notebook, tmp_path):
    for code, expected in ((SAY, []), ("from siyu_helpers.reporting import filters", ["code"])):
        page = notebook(code)
        write_notebook(tmp_path / "notebooks", SAY, stem="02_other")
        before = parts(page, tmp_path / "brand", {}, Hashes())
        write_notebook(tmp_path / "notebooks", stem="02_other")
        assert freshness.causes(before, parts(page, tmp_path / "brand", {}, Hashes())) == expected, code


def test_what_a_warm_process_holds_is_the_code_of_every_page(library):
    hashes = Hashes()
    before = freshness.preloaded(hashes)
    for other in ("cli.py", "data/checkup.py", "analysis/repurchase_cohorts.py", "reporting/charts/frame.py"):
        touch(library / other)
        assert freshness.preloaded(hashes) == before, other
    for held in ("reporting/making.py", "reporting/preload.py", "data/brands.py", "analysis/estimates.py"):
        touch(library / held)
        assert freshness.preloaded(hashes) != before, held
        before = freshness.preloaded(hashes)


def test_each_part_is_told_apart(notebook, tmp_path, monkeypatch):
    brand, hashes = tmp_path / "tiny", Hashes()
    brand.mkdir()
    for name in ("brand.yml", "orders.csv"):
        (brand / name).write_text("a")
    page = notebook(SAY)
    before = parts(page, brand, {"months": 6}, hashes)
    assert parts(page, brand, {"months": 6}, hashes) == before

    def changed(**given):
        return freshness.causes(before, parts(page, brand, {"months": 6, **given}, hashes))

    assert changed(months=7) == ["parameters"]
    for name in ("brand.yml", "orders.csv", "orders.csv.yml", "stray.xlsx", "../market/filings.csv"):
        file = brand / name
        file.parent.mkdir(exist_ok=True)
        old = file.read_bytes() if file.exists() else None
        file.write_text("b")
        assert changed() == ["data"], name
        file.write_bytes(old) if old else file.unlink()
        assert changed() == [], name
    notebook(SAY, "# changed")
    assert changed() == ["code"]
    notebook(SAY)
    monkeypatch.setattr(freshness, "version", lambda name: "0")
    hashes = Hashes()
    assert changed() == ["software"]


def test_a_page_that_is_not_as_it_was_written_is_not_fresh(tmp_path):
    (tmp_path / "a.html").write_text("whole")
    hashes, now = Hashes(), {"data": "1"}
    page = {"parts": now, "linked": True, "files": {"a.html": Hashes().of(tmp_path / "a.html")}}
    assert reasons(page, now, True, tmp_path, hashes) == []
    assert reasons(None, now, True, tmp_path, hashes) == ["new"]
    assert reasons(page, {"data": "2"}, True, tmp_path, hashes) == ["data"]
    assert reasons(page, now, False, tmp_path, hashes) == ["link"]
    assert reasons(page | {"files": {}}, now, True, tmp_path, hashes) == ["files"]
    (tmp_path / "a.html").write_text("wh0le")  # as long as before
    assert reasons(page, now, True, tmp_path, hashes) == ["files"]
    (tmp_path / "a.html").unlink()
    assert reasons(page, now, True, tmp_path, hashes) == ["files"]


def test_the_check_imports_nothing_that_draws_computes_or_runs_notebooks(tmp_path):
    import subprocess
    import sys

    call = (
        "import sys; from siyu_helpers.reporting.render import render; from siyu_helpers.reporting import terminal; "
        f"assert render(out={str(tmp_path / 'out')!r}, data_root={str(tmp_path)!r}) == []; "
        "print({name.split('.')[0] for name in sys.modules} & {'statsmodels', 'scipy', 'matplotlib', 'papermill', "
        "'nbconvert', 'nbformat', 'nbclient', 'IPython', 'zmq', 'seaborn'})"
    )
    said = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True)
    assert said.stdout.strip() == "set()", said.stderr
