"""The invented brands through the whole house: made, loaded, rendered in both languages, marked as invented."""

import html
import json
import re

import pytest
from conftest import PROJECT
from typer.testing import CliRunner

from siyu_helpers import cli
from siyu_helpers.data import brands, samples
from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import files
from siyu_helpers.reporting.render import render


@pytest.fixture(scope="module")
def rendered(tmp_path_factory, home):
    """Every notebook on a small version of each brand, and CDNOW as it is; the records and the folder of the pages."""
    folder = tmp_path_factory.mktemp("invented")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
        for name in RECIPES:
            simulate(name, customers=600, seed=4).write(folder / "raw" / name)
    (folder / "raw" / "cdnow").symlink_to(PROJECT / "data" / "raw" / "cdnow")
    records = render(out=folder / "out", data_root=folder / "raw")
    return records, folder


def test_all_four_brands_get_pages_in_both_languages(rendered):
    records, folder = rendered
    assert {record.brand for record in records} == {"cdnow", *RECIPES}
    assert {record.status for record in records} == {"rendered"}, [record.error for record in records]
    assert [record.warnings for record in records if record.warnings] == []
    for record in records:
        for lang in ("zh", "en"):
            page = (folder / "out" / record.brand / lang / f"{record.notebook}.html").read_text("utf-8")
            said = "虚构品牌" if lang == "zh" else "Invented brand"
            assert (said in page) == (record.brand != "cdnow"), (record.brand, lang)
            text = re.sub(r"<[^>]+>", " ", page)
            assert not re.search(r"\b(nan|inf|NaT)\b", text)


def headings(text):
    return {line.lstrip("# ") for line in text.splitlines() if line.startswith("##")}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_acquisition_cost_of_a_brand_with_spend_and_of_one_without(rendered, lang):
    """CDNOW has no spend: a plain sentence and the market part, and no heading over nothing."""
    _, folder = rendered
    cells = json.loads((PROJECT / "notebooks" / "01_acquisition_cost.ipynb").read_text("utf-8"))["cells"]
    written = [cell for cell in cells if cell["cell_type"] == "markdown" and lang in cell["metadata"]["tags"]]
    of_spend, of_all = set(), set()
    for cell in written:
        (of_spend if "needs-spend" in cell["metadata"]["tags"] else of_all).update(headings("".join(cell["source"])))
    assert len(of_spend) > 5
    assert len(of_all) > 3
    for brand in ("cdnow", *RECIPES):
        page = (folder / "out" / brand / lang / "01_acquisition_cost.html").read_text("utf-8")
        shown = {html.unescape(re.sub(r"<[^>]+>", "", one)) for one in re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)}
        assert of_all <= shown
        assert of_spend & shown == (set() if brand == "cdnow" else of_spend)
        said = " ".join(re.findall(r'<p class="siyu-(?:finding|sentence)">(.*?)</p>', page))
        assert ("没有投放费用表" in said or "no table of spend" in said) == (brand == "cdnow")
        assert "163.0" in re.sub(r"<[^>]+>", " ", page)  # spend per net new buyer of PDD in 2019: the same everywhere


def test_a_second_run_makes_nothing(rendered):
    _, folder = rendered
    again = render(out=folder / "out", data_root=folder / "raw")
    assert {record.status for record in again} == {"unchanged"}


def test_the_index_says_period_and_customers_of_each(rendered):
    _, folder = rendered
    index = re.sub(r"<[^>]+>", " ", (folder / "out" / "index.html").read_text("utf-8"))
    for name in RECIPES:
        brand = brands.load(name, folder / "raw")
        customers = brand.table("orders")["customer_id"].nunique()
        assert f"{customers:,}" in index
        assert brand.config["name"]["zh"] in index
    assert index.count("2025-12-31") >= 3
    assert "23,570" in index


def test_the_command_makes_them_once(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_make", lambda name, root: simulate(name, customers=60, seed=1).write(root / name))
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    call = ["sample", "sanli", "--data", str(tmp_path)]
    first, second = (CliRunner().invoke(cli.app, call) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "sanli: made" in first.output
    assert "sanli: unchanged" in second.output
    assert CliRunner().invoke(cli.app, ["sample", "acme", "--data", str(tmp_path)]).exit_code == 2
    (tmp_path / "yunzuo").mkdir()
    (tmp_path / "yunzuo" / "orders.csv").write_text("mine")
    refused = CliRunner().invoke(cli.app, ["sample", "yunzuo", "--data", str(tmp_path)])
    assert refused.exit_code == 1
    assert "not simulated" in refused.output


def test_whoever_asks_for_one_that_is_not_made_yet_is_told_how(tmp_path):
    with pytest.raises(brands.UnknownBrandError, match="`siyu sample xiaoman` makes it"):
        brands.load("xiaoman", tmp_path)
    assert set(brands.INVENTED) == set(RECIPES)
