"""Public facts: the committed tables say where they are from, and a broken one is refused with one clear error."""

import csv
import re

import pandas as pd
import pytest

from siyu_helpers.data import brands, cache, manifest, market, simulate
from siyu_helpers.data.contract import DataProblems

NAMES = (
    "filings", "cac_claims", "exchange_rates", "private_domain_benchmarks", "experiment_comparisons",
    "industry_parameters", "repurchase_cycle", "industries", "pool_assumptions", "channel_definitions", "claims",
    "contradictions", "glossary", "metrics",
)  # fmt: skip
OWN = cache.default_data_root() / "market"
FILING = {
    "company": "PDD", "period": "2018", "period_end": "2018-12-31", "field": "active_customers_m", "value": "418.5",
    "unit": "million", "definition": "active buyers", "grade": "A", "source": "release", "note": "",
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """A data root with a copy of the public facts."""
    (tmp_path / "market").mkdir()
    for name in NAMES:
        (tmp_path / "market" / f"{name}.csv").write_bytes((OWN / f"{name}.csv").read_bytes())
    return tmp_path


def write(root, rows, name="filings"):
    pd.DataFrame(rows).to_csv(root / "market" / f"{name}.csv", index=False)


def problems(root, name="filings"):
    with pytest.raises(DataProblems) as caught:
        market.load(name, root)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", NAMES)
def test_each_table_is_the_one_its_manifest_describes(name):
    stated = manifest.read(OWN / f"{name}.csv.yml")
    with (OWN / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    assert stated["sha256"] == cache.file_hash(OWN / f"{name}.csv")
    assert list(stated["columns"]) == lines[0] == list(market.load(name).columns)
    assert stated["rows"] == len(lines) - 1 == len(market.load(name))


def test_every_cell_has_its_source_and_grade():
    filings, claims = market.load("filings"), market.load("cac_claims")
    assert set(filings["grade"]) == set(claims["grade"]) == {"A", "B"}
    assert (filings["source"].str.len() > 20).all()
    assert (claims["claim_zh"].map(lambda text: bool(re.search(r"[\u4e00-\u9fff]", text)))).all()
    assert not claims["claim_zh"].str.contains("顾客").any()


def test_the_figures_of_the_bars_are_there_as_published():
    filings = market.load("filings").set_index(["company", "period", "field"])["value"].sort_index()
    # PDD release of 2020-03-11: 585.2 million active buyers; Form 20-F FY2019: RMB 27,174.249 million.
    assert filings["PDD", "2019", "active_customers_m"].item() == 585.2
    assert filings["PDD", "2019", "sales_marketing_rmb_m"].item() == 27174.249
    assert sorted(filings["JD.com", "2016", "sales_marketing_rmb_m"]) == [10158.686, 10573.024]


def test_exchange_rates_are_those_of_the_federal_reserve():
    rates = market.load("exchange_rates").set_index("year")["rmb_per_usd"]
    # G.5A release of 2021-01-04, line CHINA, P.R.: 2020 6.9042, 2019 6.9081, 2018 6.6090, 2017 6.7569
    assert rates[[2020, 2019, 2018, 2017]].tolist() == [6.9042, 6.9081, 6.6090, 6.7569]
    assert 2016 not in rates.index  # no release that covers it was read


def test_a_blank_stays_blank():
    claims = market.load("cac_claims").set_index("id")
    assert pd.isna(claims.at["cac20", "value_high"])
    assert claims.at["cac09", "trust_note"] == ""


def test_a_root_of_its_own_is_read_and_one_without_falls_back(root, tmp_path_factory):
    write(root, [FILING])
    assert market.folder(root) == root / "market"
    assert len(market.load("filings", root)) == 1
    assert market.folder(tmp_path_factory.mktemp("bare")) == OWN


def test_it_is_no_brand():
    assert "market" not in brands.list_brands()
    with pytest.raises(brands.UnknownBrandError, match="public facts"):
        brands.load("market")


def test_the_codebook_lists_it():
    assert "## market" in manifest.codebook()
    assert "exchange\\_rates" in manifest.codebook() or "exchange_rates" in manifest.codebook()


def test_a_name_that_is_not_there():
    with pytest.raises(ValueError, match="filings, cac_claims, exchange_rates"):
        market.load("filing")


@pytest.mark.parametrize(
    ("changes", "place", "wrong"),
    [
        ({"value": "four"}, "line 3, column value", "'four' is not a number"),
        ({"value": "inf"}, "line 3, column value", "is not a number"),
        ({"value": "-3"}, "line 3, column value", "is negative"),
        ({"unit": "thousand"}, "line 3, column unit", "is not the unit of active_customers_m"),
        ({"grade": "C"}, "line 3, column grade", "is not a grade"),
        ({"period_end": "Dec 2018"}, "line 3, column period_end", "is not a day"),
        ({"company": ""}, "line 3, column company", "The cell is empty"),
        ({"definition": ""}, "line 3, column definition", "The cell is empty"),
        ({"period": "2018"}, "line 3", "stands on an earlier line"),
    ],
)
def test_each_fault_is_told_with_its_place(changes, place, wrong, root):
    write(root, [FILING, FILING | {"period": "2019"} | changes])
    (told,) = problems(root)
    assert told.startswith(f"filings.csv, {place}")
    assert wrong in told


def test_all_faults_are_told_at_once(root):
    write(root, [FILING | {"grade": "Z"}, FILING | {"period": "2019", "value": "x"}])
    assert len(problems(root)) == 2


def test_a_restated_figure_is_no_repeat_and_a_loss_is_no_fault(root):
    loss = FILING | {"field": "net_profit_rmb_m", "unit": "RMB million", "value": "-12.5"}
    write(
        root, [FILING, FILING | {"definition": "active buyers, RESTATED"}, loss, FILING | {"period": "9", "value": ""}]
    )
    values = market.load("filings", root)["value"]
    assert values.iloc[2] == -12.5
    assert pd.isna(values.iloc[3])


def test_claims_and_rates_are_checked_too(root):
    claims = pd.read_csv(OWN / "cac_claims.csv", dtype=str, keep_default_na=False)
    claims.loc[0, "unit"], claims.loc[1, "value_low"], claims.loc[2, "id"] = "EUR", "300", "cac01"
    write(root, claims, "cac_claims")
    told = problems(root, "cac_claims")
    assert [next(i for i in (2, 3, 4) if f"line {i}" in one) for one in told] == [4, 2, 3]
    rates = pd.read_csv(OWN / "exchange_rates.csv", dtype=str, keep_default_na=False)
    rates.loc[0, "rmb_per_usd"] = "0"
    write(root, rates, "exchange_rates")
    assert "is no claim and no rate" in problems(root, "exchange_rates")[0]


def test_figures_of_private_domains_keep_their_source_and_say_what_they_were_compared_with():
    figures = market.load("private_domain_benchmarks").set_index("id")
    shown = figures[figures["measures"] != ""]
    assert set(shown["comparison"]) <= set(market.COMPARISONS)
    assert not (shown["comparison"] == "randomised").any()  # none was found: a page says so
    assert (shown["figure_high"] >= shown["figure_low"])[shown["figure_high"].notna()].all()
    assert pd.isna(figures.at["pd24", "figure_high"])  # "more than 50%" is open above
    assert figures.at["pd14", "figure_low"] == round((2.72 / 1.41 - 1) * 100)
    assert figures.at["pd41", "figure_low"] == 350 / 50
    assert (figures["trust_line"].str.len() > 5).all()
    text = "".join(figures["claim_zh"] + figures["entity_zh"])
    assert "顾客" not in text
    assert "成员" not in text


def test_figures_of_private_domains_are_those_collected():
    """The columns taken over are those of the collection the project started from, blanks at their ends aside."""
    figures = pd.read_csv(OWN / "private_domain_benchmarks.csv", dtype=str, keep_default_na=False)
    assert len(figures) == 76
    row = figures.set_index("id").loc["pd18"]
    assert (row["value"], row["unit"], row["sample_or_base"]) == ("30", "%", "joiners, before-after")
    assert not any((figures[column] != figures[column].str.strip()).any() for column in figures)


def test_experiments_and_what_adjusting_found_are_as_in_the_abstract():
    # arXiv 2201.07055, later version: "median RCT lifts are 29%, 18%, and 5%"; DML (SPSM) 83 (173), 58 (176), 24 (64).
    table = market.load("experiment_comparisons")
    columns = ["randomised_lift", "double_machine_learning_lift", "matching_lift"]
    assert table[columns].to_numpy().tolist() == [[29, 83, 173], [18, 58, 176], [5, 24, 64]]
    assert set(table["experiments"]) == {663}


@pytest.mark.parametrize(
    ("changes", "column", "wrong"),
    [
        ({"figure_unit": "percent"}, "figure_unit", "is not a unit of claims"),
        ({"comparison": "a/b test"}, "comparison", "is not a comparison"),
        ({"figure_low": "60", "figure_high": "50"}, "figure_low", "above its upper end"),
        ({"figure_low": ""}, "figure_low", "says what it measures"),
        ({"claim_zh": " "}, "claim_zh", "says what it measures"),
        ({"figure_low": "many"}, "figure_low", "is not a number"),
        ({"trust_line": ""}, "trust_line", "The cell is empty"),
    ],
)
def test_a_figure_that_cannot_be_shown_is_told(changes, column, wrong, root):
    figures = pd.read_csv(OWN / "private_domain_benchmarks.csv", dtype=str, keep_default_na=False)
    row = figures.index[figures["id"] == "pd25"][0]
    for name, value in changes.items():
        figures.loc[row, name] = value
    write(root, figures, "private_domain_benchmarks")
    (told,) = problems(root, "private_domain_benchmarks")
    assert told.startswith(f"private_domain_benchmarks.csv, line {row + 2}, column {column}")
    assert wrong in told


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n1,2,3,4\n"x'])
def test_a_file_that_is_no_table_is_refused_plainly(content, root):
    (root / "market" / "filings.csv").write_bytes(content)
    assert problems(root)


def test_missing_columns_and_files_are_named(root):
    write(root, [{column: value for column, value in FILING.items() if column != "grade"}])
    assert "column grade: The column is missing" in problems(root)[0]
    (root / "market" / "filings.csv").unlink()
    assert "The file is missing" in problems(root)[0]


def test_figures_of_trades_are_those_collected_and_blanks_stay_blank():
    parameters, cycles = (market.load(name).set_index("id") for name in ("industry_parameters", "repurchase_cycle"))
    assert (len(parameters), len(cycles)) == (245, 92)
    # Kantar Worldpanel, Brand Footprint: Nongfu Spring 3.5 (2017), Yili 7.8 (2015), Master Kong 9 (2013).
    assert parameters.loc["ip007", ["low", "typical", "high"]].tolist() == [3.5, 7.8, 9]
    assert parameters.at["ip200", "typical"] == -3.3  # a margin may be below zero
    blank = parameters.loc[["ip245"]]
    assert blank[["low", "typical", "high"]].isna().all(axis=None)
    assert blank["grade"].tolist() == [""]
    assert cycles.loc[["rc11", "rc12", "rc23", "rc40"], ["low", "typical", "high"]].isna().all(axis=None)
    for table in (parameters, cycles):
        figures = table[["low", "typical", "high"]].notna().any(axis=1)
        assert (figures == (table["grade"] != "")).all()


def test_a_row_on_sources_names_rows_that_exist_and_never_the_american_panel():
    facts = ("industry_parameters", "repurchase_cycle", "private_domain_benchmarks")
    known = {row["id"]: row for name in facts for row in market.load(name).to_dict("records")}
    for name in ("industries", "pool_assumptions"):
        for row in market.load(name).to_dict("records"):
            named = [known[source] for source in filter(None, row["sources"].split("; "))]
            if row["basis"] == "source":
                assert named
                assert not [fact["id"] for fact in named if fact.get("geography") == "USA"]
                assert row["grade"] == max(fact["grade"] for fact in named)
            else:
                assert row["grade"] == ""


def test_every_industry_that_the_articles_name_is_there():
    table = market.load("industries").drop_duplicates("industry").set_index("industry")
    assert table.index[table["article_view"] == "fit"].tolist() == [
        "training", "food", "daily_goods", "electronics", "toys", "clothing", "catering", "local_services",
        "culture_travel",
    ]  # fmt: skip
    assert table.index[table["article_view"] == "unfit"].tolist() == ["smart_toilet_seats"]
    # The recipes, not the brands' folders: on a fresh clone those are made by whoever needs them first.
    assert {recipe.industry for recipe in simulate.RECIPES.values()} <= set(table.index)
    assert brands.load("cdnow").config["industry"] in table.index
    text = "".join(market.load("industries")["note_zh"] + market.load("industries")["name_zh"])
    assert "顾客" not in text
    assert "成员" not in text


@pytest.mark.parametrize(
    ("name", "changes", "wrong"),
    [
        ("industries", {"low": "500"}, "line 2, column low: low, typical and high are not in this order"),
        ("industries", {"typical": ""}, "line 2, column typical: The cell is empty"),
        ("industries", {"basis": "guess"}, "line 2, column basis: 'guess' is not a basis"),
        ("industries", {"grade": "A"}, "line 2, column grade: An assumption has no grade"),
        ("industries", {"article_view": "perhaps"}, "line 2, column article_view: 'perhaps' is no view"),
        ("industries", {"unit": "weeks"}, "line 2, column unit: 'weeks' is not the unit of that metric"),
        ("industries", {"note_en": " "}, "line 2, column note_en: The cell is empty"),
        ("pool_assumptions", {"low": "-1"}, "line 2, column low: '-1' is negative"),
        ("pool_assumptions", {"basis": "source", "grade": "B"}, "line 2, column sources: The cell is empty"),
        ("pool_assumptions", {"basis": "source", "sources": "rc01"}, "line 2, column grade: The cell is empty"),
        ("repurchase_cycle", {"typical": "30"}, "line 2, column grade: The cell is empty"),
        ("repurchase_cycle", {"typical": "0", "grade": "B"}, "'0' is no claim"),
        ("industry_parameters", {"high": "3"}, "line 2, column low: low, typical and high are not in this order"),
        ("industry_parameters", {"id": "ip002"}, "line 3: The same id stands on an earlier line"),
        ("channel_definitions", {"source_001": "both"}, "line 2, column source_001: 'both' is no domain"),
        ("channel_definitions", {"control": "1.5"}, "line 2, column control: '1.5' is above 1"),
        ("channel_definitions", {"control_basis": "felt"}, "line 2, column control_basis: 'felt' is not a basis"),
    ],
)
def test_a_row_that_does_not_say_what_it_rests_on_is_told(name, changes, wrong, root):
    table = pd.read_csv(OWN / f"{name}.csv", dtype=str, keep_default_na=False)
    for column, value in changes.items():
        table.loc[0, column] = value
    write(root, table, name)
    (told,) = problems(root, name)
    assert wrong in told


def test_an_industry_without_a_metric_or_with_an_unknown_one_is_told(root):
    table = pd.read_csv(OWN / "industries.csv", dtype=str, keep_default_na=False)
    table.loc[0, "metric"] = "colour"
    write(root, table, "industries")
    told = problems(root, "industries")
    assert "'colour' is not a metric of industries" in told[0]
    assert "'training' lacks: cycle_days" in told[1]


def test_the_register_holds_every_claim_and_each_that_must_be_is_computed():
    claims = market.load("claims")
    assert claims["id"].tolist() == [f"cl{number:03d}" for number in range(1, 161)]
    assert set(claims["grade"]) <= {"", *market.CLAIM_GRADES}
    assert (claims.loc[claims["kind"].isin(market.COMPUTED_KINDS), "status"] == "computed").all()
    # A claim with a seller behind it starts at grade C.
    sold = claims[claims["seller"] != "none"]
    assert not sold["grade"].isin(["A", "B"]).any()
    assert len(sold) > 10


def test_contradictions_name_claims_that_exist():
    known = set(market.load("claims")["id"])
    named = market.load("contradictions")["claims"].map(lambda cell: [one.strip() for one in cell.split(";") if one])
    assert named.map(lambda ids: set(ids) <= known).all()
    assert named.map(bool).any()


def test_the_glossary_has_the_words_it_was_begun_with():
    glossary = market.load("glossary")
    assert len(glossary) >= 103
    assert {"私域流量", "公域流量", "复购率", "回购率", "客单价", "笔单价", "唤醒率", "盈亏平衡", "生存曲线"} <= set(
        glossary["term_zh"]
    )
    assert not glossary.duplicated("term_zh").any()
    assert not glossary.duplicated("term_en").any()
    assert set(glossary["theme"]) == set(market.THEMES)
    articles = glossary["sources"].map(lambda cell: cell.split(";"))
    assert {part for parts in articles for part in parts if len(part) == 1} == set(market.SOURCES)


@pytest.mark.parametrize(
    ("name", "changes", "wrong"),
    [
        ("claims", {"grade": "E"}, "line 2, column grade: 'E' is not a word of this column"),
        ("claims", {"sources": "A;Z"}, "line 2, column sources: 'A;Z' is not a word of this column"),
        ("claims", {"seller": "somebody"}, "line 2, column seller: 'somebody' is not a word of this column"),
        ("claims", {"needs": "orders;weather"}, "line 2, column needs: 'orders;weather' is not a word"),
        ("claims", {"function": ""}, "line 2, column function: The cell is empty, though the claim is computed"),
        ("claims", {"function": "os.remove"}, "line 2, column function: 'os.remove' is no function of this project"),
        ("claims", {"page": "page two"}, "line 2, column page: 'page two' is no page"),
        ("claims", {"section": ""}, "line 2, column section: The cell is empty, though the row names a page"),
        ("claims", {"claim_en": ""}, "line 2, column claim_en: The cell is empty"),
        ("claims", {"id": "cl002"}, "line 3: The same id stands on an earlier line"),
        ("contradictions", {"settle_zh": " "}, "line 2, column settle_zh: The cell is empty"),
        ("glossary", {"theme": "colours"}, "line 2, column theme: 'colours' is not a word of this column"),
        ("glossary", {"definition_en": ""}, "line 2, column definition_en: The cell is empty"),
        ("metrics", {"trap_zh": ""}, "line 2, column trap_zh: The cell is empty"),
        ("metrics", {"metric": "revenue", "variant": "net"}, "The same metric, variant stands on an earlier line"),
    ],
)
def test_a_row_of_words_that_says_too_little_is_told(name, changes, wrong, root):
    table = pd.read_csv(OWN / f"{name}.csv", dtype=str, keep_default_na=False)
    for column, value in changes.items():
        table.loc[0, column] = value
    write(root, table, name)
    (told,) = problems(root, name)
    assert wrong in told


def test_a_claim_that_must_be_computed_and_is_not_is_told(root):
    claims = pd.read_csv(OWN / "claims.csv", dtype=str, keep_default_na=False)
    assert claims.at[0, "kind"] == "formula"
    claims.loc[0, ["status", "function"]] = ["taught", ""]
    write(root, claims, "claims")
    assert "column status: 'taught', though a claim of this kind is to be computed" in problems(root, "claims")[0]
    claims.loc[0, "function"] = "siyu_helpers.analysis.revenue_identity.naive_formula"
    write(root, claims, "claims")
    assert "though the claim is not computed" in problems(root, "claims")[1]
