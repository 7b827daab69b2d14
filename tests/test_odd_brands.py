"""Every notebook on brands that are small, empty-handed or odd: it says so in a sentence, it never crashes.

The cells run in this process, with a stand-in for the notebook's display, so that a brand costs a second and not six.
"""

import json
import re
import warnings

import pandas as pd
import pytest
import spend_brands
from conftest import HOSTILE, PROJECT

from siyu_helpers.reporting.parameters import parameters_of

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
HEAD = "order_id,customer_id,ordered_at,amount\n"


def rows(*orders):
    return HEAD + "".join(f"{number},{','.join(order)}\n" for number, order in enumerate(orders, 1))


ODD = {
    "one order": rows(("a", "2024-05-05", "10")),
    "ten customers who never return": rows(*((f"c{i}", f"2024-0{1 + i % 9}-10", "10") for i in range(10))),
    "one customer a hundred times": rows(
        *(("a", f"2024-{1 + i % 12:02d}-{1 + i // 12:02d}", "10") for i in range(100))
    ),
    "all on one day": rows(*((f"c{i % 40}", "2024-03-03 10:00:00", "10") for i in range(120))),
    "all amounts zero": rows(*((f"c{i % 60}", f"2024-{1 + i % 12:02d}-05", "0") for i in range(300))),
    "all on the last day": rows(*((f"c{i}", "2024-12-31 23:59:59", "10") for i in range(150))),
    "everybody returns next day": rows(
        *((f"c{i}", f"2024-01-{1 + day:02d}", "10") for i in range(200) for day in (0, 1))
    ),
}


def run(path, shown, **given):
    """Execute a notebook's code cells here; returns every output as (html, metadata)."""
    names = {name: parameter.default for name, parameter in parameters_of(path).items()} | given
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), str(path), "exec"), names)
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("orders", ODD.values(), ids=ODD)
def test_an_odd_brand_gets_a_page(path, orders, write_brand, data_root, shown):
    write_brand(orders=orders)
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    text = " ".join(re.sub(r"<img[^>]*>|<[^>]+>", " ", html) for html, _ in sent)
    assert not re.search(r"\b(nan|None|inf|NaT)\b", text), re.findall(r".{40}\b(?:nan|None|inf|NaT)\b.{20}", text)
    assert {metadata["lang"] for _, metadata in sent} == {"zh", "en"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("until", ["2024-01-01", "2024-06-15", "2024-12-31"])
def test_an_earlier_report_date_gets_a_page(path, until, write_brand, data_root, shown):
    write_brand()
    run(path, shown, brand="tiny", data_root=str(data_root), observed_until=until)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_truncated_history_gets_a_page(path, write_brand, data_root, shown):
    folder = write_brand()
    config = (folder / "brand.yml").read_text(encoding="utf-8")
    (folder / "brand.yml").write_text(config.replace("history: complete", "history: truncated"), encoding="utf-8")
    sent = run(path, shown, brand="tiny", data_root=str(data_root))
    if not path.stem.startswith("01"):  # the tiny brand has no spend, so that page does not speak of its customers
        assert any("does not show earlier orders" in html for html, meta in sent if meta["lang"] == "en")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_from_a_brand_never_become_markup(path, write_brand, data_root, shown):
    write_brand(name=HOSTILE, source=HOSTILE)
    for html, _ in run(path, shown, brand="tiny", data_root=str(data_root)):
        assert "<script" not in html
        assert "SECRETPERSON" not in html


# ---- brands with spend, on the page of acquisition cost --------------------------------------------------------------

COST_PAGE = PROJECT / "notebooks" / "01_acquisition_cost.ipynb"


def without(made, table, rows):
    """The tables, less the rows that a function marks."""
    return made | {table: made[table][~rows(made[table])]}


def unproductive():
    """Money goes to a channel that never brings anybody; customers come by others."""
    made = spend_brands.tables(months=26, paid=("feed",))
    return made | {"spend": made["spend"].assign(channel="notes")}


def channel_that_stops():
    """Monthly amounts; search ends in April 2024, and so do its customers."""
    made = spend_brands.tables(monthly=True)
    made = without(made, "spend", lambda spend: (spend["channel"] == "search") & (spend["date"] > "2024-04-30"))
    late = pd.Timestamp("2024-05-01")
    return without(made, "orders", lambda o: (o["acquired_through"] == "search") & (o["ordered_at"] >= late))


def nobody_new():
    """Spend goes on for two years; all new customers came in the first month."""
    return without(spend_brands.tables(months=24), "orders", lambda orders: orders["ordered_at"] >= "2023-02-01")


def spend_that_ends_early():
    """The table of spend ends half a year before the orders; no margin, no cost: no contribution."""
    return without(spend_brands.tables(months=26, pool=True), "spend", lambda spend: spend["date"] > "2024-08-31")


def unlabelled():
    """Orders that do not say which channel brought them."""
    made = spend_brands.tables(months=14)
    return made | {"orders": made["orders"].drop(columns="acquired_through")}


def free_of_charge():
    """A table of spend in which nothing was spent."""
    made = spend_brands.tables(months=14)
    return made | {"spend": made["spend"].assign(spend=0.0)}


OTHERWISE = {"observed_until": "2025-10-17", "lag_days": 30, "value_days": 90, "level": 0.8, "plan_change": -0.5}
WITH_SPEND = {
    "eleven months": (lambda: spend_brands.tables(months=11, customers=600, pool=True), {}, {}),
    "five months of one channel": (lambda: spend_brands.tables(5, 200, paid=("feed",)), {}, {}),
    "history too short to know who is new": (lambda: spend_brands.tables(11), {"history": "truncated"}, {}),
    "truncated, in dollars, other settings": (
        lambda: spend_brands.tables(pool=True), {"history": "truncated", "currency": "USD"}, OTHERWISE,
    ),
    "spend without customers": (unproductive, {}, {}),
    "a channel that stops": (channel_that_stops, {}, {}),
    "nobody new after a month": (nobody_new, {}, {}),
    "spend ends early, no margin": (spend_that_ends_early, {"gross_margin": None}, {}),
    "orders without channel": (unlabelled, {}, {}),
    "nothing spent": (free_of_charge, {}, {}),
}  # fmt: skip


# What a page must say of such a brand in English, and what it must not.
SAID = {
    "history too short to know who is new": ("does not show earlier orders", "no spend lately"),
    "truncated, in dollars, other settings": ("(USD)", "CNY"),
    "spend without customers": ("Spend without customers", "no spend lately"),
    "a channel that stops": ("no spend lately", "Channels started"),
    "nobody new after a month": ("Not stated", "no spend lately"),
    "spend ends early, no margin": ("contribution is not known", "Channels stopped"),
    "orders without channel": ("Unknown", "no spend lately"),
}


def visible(sent, lang):
    """Text of a page in one language, alternative texts of its pictures included."""
    html = " ".join(html for html, metadata in sent if metadata["lang"] == lang)
    html = re.sub(r'<img[^>]*?alt="([^"]*)"[^>]*>', r" \1 ", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("name", WITH_SPEND)
def test_an_odd_brand_with_spend_gets_a_page(name, data_root, shown, capfd):
    make, config, given = WITH_SPEND[name]
    spend_brands.write(data_root, make(), **config)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("error", FutureWarning)
        warnings.simplefilter("error", UserWarning)
        sent = run(COST_PAGE, shown, brand="tiny", data_root=str(data_root), **given)
    assert capfd.readouterr().err == ""
    for lang in ("zh", "en"):
        text = visible(sent, lang)
        blanks = r"\b(?:nan|None|inf|NaT|NA|Refused|Estimate)\b|&lt;NA&gt;|[-−]0(?:\.0+)?%?(?![\d.,%-])"
        assert not re.search(blanks, text), re.findall(rf".{{60}}(?:{blanks}).{{20}}", text)
        assert "SECRETPERSON" not in text
        assert len(text) > 5_000  # the market part is there in any case
    must, must_not = SAID.get(name, ("PDD", "SECRET"))
    text = visible(sent, "en")
    assert must in text
    assert must_not not in text
