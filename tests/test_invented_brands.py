"""The invented brands through the whole house: made, loaded, rendered in both languages, marked as invented."""

import functools
import html
import json
import re

import pytest
import yaml
from conftest import PROJECT
from notebook_cells import run, visible
from typer.testing import CliRunner

from siyu_helpers import cli
from siyu_helpers.analysis import pool_effect
from siyu_helpers.data import brands, samples
from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import files, truth
from siyu_helpers.reporting.charts import frame
from siyu_helpers.reporting.render import render


def stand_in(simulation):
    """A truth.yml as the pages read it, without living the world again: paid channels cause more than they close."""
    orders = simulation.tables["orders"].sort_values("ordered_at", kind="stable")
    first = orders.drop_duplicates("customer_id")
    lost = {}
    for name in simulation.recipe.channels:
        factor = 1.5 if name in simulation.recipe.paid_channels else 0.5
        brought, new = (int(factor * (table["acquired_through"] == name).sum()) for table in (orders, first))
        lost[name] = {"orders": brought, "share_of_orders": brought / len(orders), "new_customers": new}
    known = {"customers": len(first), "orders": len(orders), "orders_lost_without": lost}
    return yaml.safe_dump({files.MADE_BY: files.version()} | known)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory, home):
    """Every notebook on a small version of each brand, and CDNOW as it is; the records and the folder of the pages."""
    folder = tmp_path_factory.mktemp("invented")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_truth_yml", stand_in)
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
            said = "虚构品牌：数据由程序生成" if lang == "zh" else "Invented brand: the data were simulated"
            assert (said in page) == (record.brand != "cdnow"), (record.brand, lang)
            text = re.sub(r"<[^>]+>", " ", page)
            assert not re.search(r"\b(nan|inf|NaT)\b", text)


def headings(text):
    return {line.lstrip("# ") for line in text.splitlines() if line.startswith("##")}


def headings_of(stem, tag, lang):
    """Headings of a notebook in one language: those of cells with a tag that begins so, and those of all others."""
    cells = json.loads((PROJECT / "notebooks" / f"{stem}.ipynb").read_text("utf-8"))["cells"]
    tagged, others = set(), set()
    for cell in cells:
        if cell["cell_type"] == "markdown" and lang in cell["metadata"]["tags"]:
            needs = any(one.startswith(tag) for one in cell["metadata"]["tags"])
            (tagged if needs else others).update(headings("".join(cell["source"])))
    return tagged, others


def page_of(rendered, brand, lang, stem):
    """A page, its headings of second and third order, and its sentences."""
    page = (rendered[1] / "out" / brand / lang / f"{stem}.html").read_text("utf-8")
    shown = {html.unescape(re.sub(r"<[^>]+>", "", one)) for one in re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)}
    said = " ".join(re.findall(r'<p class="siyu-(?:finding|sentence)">(.*?)</p>', page))
    return page, shown, said


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_acquisition_cost_of_a_brand_with_spend_and_of_one_without(rendered, lang):
    """CDNOW has no spend: a plain sentence and the market part, and no heading over nothing."""
    of_spend, of_all = headings_of("01_acquisition_cost", "needs-spend", lang)
    assert len(of_spend) > 5
    assert len(of_all) > 3
    for brand in ("cdnow", *RECIPES):
        page, shown, said = page_of(rendered, brand, lang, "01_acquisition_cost")
        assert of_all <= shown
        assert of_spend & shown == (set() if brand == "cdnow" else of_spend)
        assert ("没有投放费用表" in said or "no table of spend" in said) == (brand == "cdnow")
        assert "163.0" in re.sub(r"<[^>]+>", " ", page)  # spend per net new buyer of PDD in 2019: the same everywhere


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_attribution_of_a_brand_with_touches_and_of_one_without(rendered, lang):
    """CDNOW has no touches: a plain sentence and the worked example, and no heading over nothing."""
    of_touches, of_all = headings_of("03_channel_attribution", "needs-touchpoints", lang)
    assert len(of_touches) > 5
    assert len(of_all) > 1
    for brand in ("cdnow", *RECIPES):
        page, shown, said = page_of(rendered, brand, lang, "03_channel_attribution")
        assert of_all <= shown
        assert of_touches & shown == (set() if brand == "cdnow" else of_touches)
        assert ("没有触点表" in said or "no table of touches" in said) == (brand == "cdnow")
        assert ("<figure" in page) == (brand != "cdnow")


@pytest.mark.parametrize(
    ("lang", "truth", "not_cause", "shared"),
    [
        ("zh", "这是虚构品牌，真值已知", "这是功劳，不是", "上游投放分摊前后"),
        (
            "en",
            "For this invented brand the truth is known",
            "This is credit, not",
            "before and after sharing upstream",
        ),
    ],
    ids=["zh", "en"],
)
def test_the_stories_of_attribution_are_told_of_every_invented_brand(rendered, lang, truth, not_cause, shared):
    """Credit beside the truth, with the caution; and page 01 shows the pool's cost before and after upstream spend."""
    for brand in RECIPES:
        said = re.sub(r"<[^>]+>", "", page_of(rendered, brand, lang, "03_channel_attribution")[2])
        for sentence in (truth, not_cause):
            assert sentence in said, (brand, sentence)
        assert shared in page_of(rendered, brand, lang, "01_acquisition_cost")[0], brand


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_effect_of_the_pool_for_brands_with_one_and_for_one_without(rendered, lang):
    """CDNOW has no pool: the question, what was published and the experiment to run, and no heading over nothing."""
    of_pool, of_all = headings_of("04_pool_effect", "needs-", lang)
    of_members, _ = headings_of("04_pool_effect", "needs-members", lang)
    assert len(of_members) > 3
    assert len(of_all) > 3
    for brand in ("cdnow", *RECIPES):
        page, shown, _ = page_of(rendered, brand, lang, "04_pool_effect")
        assert of_all <= shown
        assert not of_pool & shown if brand == "cdnow" else of_members <= shown
        assert "Gordon" in page  # experiments beside estimates from observation: the same everywhere
        assert "SECRET" not in page


UNTIL = "2025-12-31"


@pytest.mark.parametrize(
    ("name", "customers", "level", "held"),
    [("xiaoman", 4000, "suggestive", True), ("yunzuo", 5000, "not identified here", False)],
)
def test_what_is_said_of_the_pool_beside_what_is_true(name, customers, level, held):
    """Xiaoman's joining depends on what is recorded, so that weekly trials find its effect; Yunzuo's does not.

    The lesson: a narrow interval far from 0 is no evidence where what drives joining is in no table; the verdict knows,
    the interval does not. The usual figure is far above the truth of both.
    """
    made = simulate(name, customers=customers, seed=1)
    tables = made.tables
    orders, members = tables["orders"], tables["members"]
    more = {"customers": tables["customers"], "touchpoints": tables["touchpoints"]}
    trials = pool_effect.weekly_trials(orders, members, UNTIL, 90, controls_per_joiner=8, **more)
    effect = pool_effect.joining_effects(trials, ["orders"], folds=1)["orders"]
    true = truth.effect_of_joining(made.life)[90]["orders"]
    assert (effect.low <= true["effect"] <= effect.high) == held
    assert pool_effect.verdict_of_trials(**pool_effect.trial_evidence(trials, effect=effect)).level == level
    known = pool_effect.read_histories(orders, members, UNTIL)
    usual = pool_effect.members_against_others(known, 90)["orders_ratio"]
    assert usual.low - 1 > 1.5 * true["effect"] / true["without_pool"]


def test_sanli_is_found_to_send_too_many_messages():
    """Thirty a month are sent and six are best; a lot over promotions tells, at a tenth of the brand's size."""
    made = simulate("sanli", customers=4000, seed=1)
    tables, margin = made.tables, made.recipe.gross_margin
    orders, members = tables["orders"], tables["members"]
    trials = pool_effect.weekly_trials(orders, members, UNTIL, 180, controls_per_joiner=8, gross_margin=margin)
    stay = pool_effect.value_a_month(pool_effect.joining_effects(trials, ["contribution"], folds=1), 180)
    curve = pool_effect.frequency_curve(
        tables["messages"], orders, members, tables["assignments"], UNTIL, stay, gross_margin=margin, seed=1
    )
    assert pool_effect.frequency_verdict(curve) == "too many"
    best = pool_effect.best_frequency(curve)
    assert best["sent_per_month"].value == pytest.approx(30, abs=0.5)
    assert best["best_per_month"].high < 30
    assert best["gain_from_prudent"].low > 0


# ---- what to do about each of them: pages 05 and 06 ------------------------------------------------------------------

#: Customers of smaller brands on whom the verdicts of the full ones are reached, and the tables that it takes.
SMALLER = {
    "xiaoman": (5000, "orders", "members", "accounts", "assignments", "pool_costs"),
    "sanli": (3000, "orders", "members", "accounts", "assignments", "pool_costs", "messages"),
    "yunzuo": (2500, "orders", "members", "accounts", "pool_costs"),
}
# Brand -> verdict in Chinese and in English; the list. CDNOW is judged as it is.
VERDICTS = {
    "xiaoman": ("建", "Build"),
    "sanli": ("先修正", "Fix first"),
    "yunzuo": ("不建", "Do not"),
    "cdnow": ("凭这些表无法判断", "Cannot be judged from these tables"),
}


@pytest.fixture(scope="module")
def smaller(tmp_path_factory, home):
    """The brands at a part of their size, with that part of the costs that do not grow with it by themselves."""
    folder, write_table = tmp_path_factory.mktemp("smaller"), files._write_table

    def write(table, path, kept, part):
        if path.stem == "pool_costs":
            fixed = table["amount"].where(table["item"] == "incentives", (table["amount"] * part).round(2))
            table = table.assign(amount=fixed)
        if path.stem in kept:
            write_table(table, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_truth_yml", lambda made: yaml.safe_dump({files.MADE_BY: files.version()}))
        for name, (customers, *kept) in SMALLER.items():
            part = customers / RECIPES[name].customers
            patch.setattr(files, "_write_table", functools.partial(write, kept=kept, part=part))
            simulate(name, customers=customers, seed=1).write(folder / name)
    (folder / "cdnow").symlink_to(PROJECT / "data" / "raw" / "cdnow")
    return folder


def notebook(stem):
    return PROJECT / "notebooks" / f"{stem}.ipynb"


def verdict_cards(sent):
    """The verdict on the card of each language, and the record that the index gets."""
    cards = {metadata["lang"]: html for html, metadata in sent if metadata["role"] == "verdict"}
    records = [metadata["decision"] for _, metadata in sent if metadata.get("decision")]
    return cards, records[0]


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_on_each_brand_in_both_languages(name, smaller, shown):
    sent = run(notebook("06_decision_brief"), shown, brand=name, data_root=str(smaller), draws=1500)
    cards, record = verdict_cards(sent)
    assert record["verdict"] == VERDICTS[name][1].lower().removesuffix(" from these tables").replace(" ", "_")
    for at, lang in enumerate(("zh", "en")):
        assert VERDICTS[name][at] in re.sub(r"<[^>]+>", " ", cards[lang])
        assert "SECRET" not in visible(sent, lang)
    judged = name != "cdnow"
    assert (record["probability"] is not None) == judged == (record["value"] is not None)
    said = visible(sent, "en")
    if name == "sanli":
        assert "promotions" in cards["en"], "what is to be fixed"
    if name == "cdnow":
        assert "orders alone" in said, "what can be said all the same"
        assert "CNY" not in said, "the brand sells in dollars"


def test_other_inputs_make_another_verdict_and_are_called_given(smaller, shown, monkeypatch):
    """Staff at ten times the cost: Xiaoman is not built; where the page says the verdict turns, it turns."""
    monkeypatch.setattr(frame, "_png", lambda figure, box: ("", 600))  # nobody looks at the pictures here
    asked = {"brand": "xiaoman", "data_root": str(smaller), "draws": 1500, "staff_cost": "60000", "uplift": "0.05"}
    _, record = verdict_cards(run(notebook("06_decision_brief"), shown, **asked))
    assert record["verdict"] == "do_not"
    shown.clear()
    sent = run(notebook("05_industry_fit"), shown, **asked)
    for lang, label, given in (("zh", "人员费用", "给定"), ("en", "Staff", "given")):
        rows = re.findall(r"<tr>.*?</tr>", " ".join(html for html, meta in sent if meta["lang"] == lang), re.S)
        row = next(row for row in rows if label in row and "60,000" in row)
        assert given in row, row


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
