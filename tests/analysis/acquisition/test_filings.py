"""What platforms spend per buyer: published ratios, hand arithmetic, series that must not be chained, and guards."""

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition import filings as module
from siyu_helpers.analysis.estimates import Estimate, Refused

FILE = Path(__file__).resolve().parents[3] / "data" / "raw" / "market" / "filings.csv"
SPEND, BUYERS = module.SPEND, module.BUYERS


@pytest.fixture(scope="module")
def filings():
    return pd.read_csv(FILE)


def row(period, field, value, company="Acme", definition="annual active buyers", end="12-31"):
    year = period[-4:]
    return (company, period, f"{year}-{end}", field, value, "spend" if field == SPEND else definition)


def facts(*rows):
    return pd.DataFrame(rows, columns=["company", "period", "period_end", "field", "value", "definition"])


def cell(table, company, period, column="per_net_new"):
    found = table[(table["company"] == company) & (table["period"] == period)]
    assert len(found) == 1, f"{company} {period}: {len(found)} rows"
    return found[column].iloc[0]


def test_exactly_the_columns_of_the_issue(filings):
    assert list(module.filings_ratios(filings).columns) == ["company", "period", "per_net_new", "per_active", "guard"]


@pytest.mark.parametrize(
    ("company", "period", "bar"),
    [("PDD", "2018", 77.4), ("PDD", "2019", 163.0), ("JD.com", "2013", 87.9), ("JD.com", "2014", 81.5),
     ("JD.com", "2015", 132.5), ("JD.com", "2016", 147.7)],
)  # fmt: skip
def test_the_bars(company, period, bar, filings):
    assert round(cell(module.filings_ratios(filings), company, period), 1) == bar


def test_by_hand(filings):
    ratios = module.filings_ratios(filings)
    # Form 20-F FY2018-19 and releases: 39,780 RMB million; 552 and 654 million active consumers.
    assert cell(ratios, "Alibaba", "FY2019") == pytest.approx(39780 / (654 - 552))
    assert cell(ratios, "Alibaba", "FY2019", "per_active") == pytest.approx(39780 / 654)
    assert cell(ratios, "JD.com (restated)", "2016") == pytest.approx(10158.686 / (226.6 - 155.0))
    assert cell(ratios, "Vipshop", "2021", "per_active") == pytest.approx(5089.213 / 93.9)


def test_the_two_bases_of_jd_are_two_series(filings):
    ratios = module.filings_ratios(filings)
    assert ratios.loc[ratios["company"] == "JD.com", "period"].tolist() == ["2012", "2013", "2014", "2015", "2016"]
    restated = ratios[ratios["company"] == "JD.com (restated)"]
    assert restated["period"].tolist() == ["2015", "2016", "2019", "2021"]
    assert cell(ratios, "JD.com (restated)", "2019", "guard") == "not known"


@pytest.mark.parametrize("with_restated_rows", [True, False])
def test_a_count_that_would_let_them_be_chained_does_not(with_restated_rows, filings):
    """With a count for 2017 a chained series would have a ratio of 2017 under the original name: 14,918 / 73.4."""
    count = ("JD.com", "2017", "2017-12-31", BUYERS, 300.0, "annual active customer accounts")
    doctored = pd.concat([filings[list(module.NEEDED)], facts(count)], ignore_index=True)
    if not with_restated_rows:
        doctored = doctored[~doctored["definition"].str.contains("RESTATED")]
    ratios = module.filings_ratios(doctored)
    assert "2017" not in set(ratios.loc[ratios["company"] == "JD.com", "period"])
    assert cell(ratios, "JD.com (restated)", "2017") == pytest.approx(14918.107 / (300.0 - 226.6))
    assert module.growth(ratios, "JD.com", "per_active", "2012", "2019").gate == "years"


@pytest.mark.parametrize(
    "later",
    [
        row("2019", BUYERS, 150.0, definition="users of the whole ecosystem"),
        row("2019", BUYERS, 150.0, definition="active customers in the QUARTER (not annual)"),
        row("2019", "active_customers_m_lower_bound", 150.0),
        row("2019", "active_customers_m_approx", 150.0),
        row("TTM Sep 2019", BUYERS, 150.0),
        row("Q4 2019", BUYERS, 150.0),
        row("2019", BUYERS, math.nan),
        row("2019", BUYERS, 150.0, end="03-31"),
    ],
)
def test_what_is_not_the_same_annual_count_is_never_divided_by(later):
    before = (row("2018", BUYERS, 100.0), row("2018", SPEND, 500.0), row("2019", SPEND, 900.0))
    # The same table with an honest count gives 900 / 50, so the refusal is the definition's doing.
    assert cell(module.filings_ratios(facts(*before, row("2019", BUYERS, 150.0))), "Acme", "2019") == 18.0
    assert module.filings_ratios(facts(*before, later))["per_net_new"].isna().all()


def test_rounded_and_remarks_in_brackets_are_no_other_definition():
    table = facts(
        row("2018", BUYERS, 100.0, definition="annual active buyers (core)"), row("2019", SPEND, 900.0),
        row("2019", BUYERS, 150.0, definition="annual active buyers, rounded"),
    )  # fmt: skip
    assert cell(module.filings_ratios(table), "Acme", "2019") == 18.0


@pytest.mark.parametrize(
    ("after", "guard"),
    [(102.9, "stalled"), (103.1, ""), (97.1, "stalled"), (96.9, "shrinking"), (100.0, "stalled"), (140.0, "")],
)
def test_the_saturation_guard_stops_at_three_percent(after, guard):
    table = facts(row("2018", BUYERS, 100.0), row("2019", BUYERS, after), row("2019", SPEND, 900.0))
    ratios = module.filings_ratios(table)
    assert cell(ratios, "Acme", "2019", "guard") == guard
    assert math.isnan(cell(ratios, "Acme", "2019")) == (guard != "")
    assert cell(ratios, "Acme", "2019", "per_active") == pytest.approx(900 / after)


def test_first_year_and_gap_are_told_apart():
    table = facts(
        *(row(year, field, 100.0 + int(year)) for year in ("2015", "2016", "2018") for field in (SPEND, BUYERS))
    )
    guards = module.filings_ratios(table, stalled_below=0).set_index("period")["guard"].to_dict()
    assert guards == {"2015": "first year", "2016": "", "2018": "not known"}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed):
    table = pd.read_csv(FILE)
    shuffled = table.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(module.filings_ratios(shuffled), module.filings_ratios(table))


def test_nothing_is_infinite_and_a_missing_company_leaves_the_others(filings):
    whole = module.filings_ratios(filings)
    less = module.filings_ratios(filings[filings["company"] != "PDD"])
    assert "PDD" not in set(less["company"])
    assert len(less) == len(whole) - (whole["company"] == "PDD").sum()
    numbers = whole[["per_net_new", "per_active"]].stack().dropna()
    assert ((numbers > 0) & (numbers < 1e6)).all()
    assert whole.loc[whole["guard"] != "", "per_net_new"].isna().all()
    assert whole.loc[whole["guard"] == "", "per_net_new"].notna().all()


def test_every_company_has_a_row_or_a_reason(filings):
    ratios, left = module.filings_ratios(filings), module.left_out(filings)
    there = {company.removesuffix(" (restated)") for company in ratios["company"]}
    assert there | set(left["company"]) == set(filings["company"])
    assert there.isdisjoint(left["company"])
    why = left.set_index("company")["why_en"]
    assert "US dollars" in why["TAL Education"]
    assert "enrolments" in why["New Oriental"]
    assert "daily users" in why["Kuaishou"]
    assert set(ratios.attrs["left_out"]) == set(left["company"])


def test_an_empty_table_and_broken_ones():
    assert module.filings_ratios(facts()).empty
    assert module.churn_band(facts()).empty
    with pytest.raises(ValueError, match="lacks definition"):
        module.filings_ratios(facts().drop(columns="definition"))
    with pytest.raises(ValueError, match="two values"):
        module.filings_ratios(facts(row("2018", SPEND, 1.0), row("2018", SPEND, 2.0)))
    with pytest.raises(ValueError, match="not a number"):
        module.filings_ratios(facts(row("2018", SPEND, "a lot")))
    with pytest.raises(ValueError, match="stalled_below"):
        module.filings_ratios(facts(), stalled_below=3)
    twice = facts(row("2018", SPEND, 5.0), row("2018", SPEND, 5.0), row("2018", BUYERS, 2.0))
    assert cell(module.filings_ratios(twice), "Acme", "2018", "per_active") == 2.5


def test_the_churn_band_by_hand(filings):
    band = module.churn_band(filings).set_index(["company", "period", "churn"])["per_gross_new"]
    assert band["Alibaba", "FY2017", 0.3] == pytest.approx(16314 / (31 + 0.3 * 423))
    ratios = module.filings_ratios(filings)
    assert band["PDD", "2019", 0.0] == cell(ratios, "PDD", "2019")
    assert (band.unstack().diff(axis=1).iloc[:, 1:] < 0).all(axis=None)  # whoever is replaced makes a buyer cheaper


def test_churn_gives_a_shrinking_platform_its_gross_adds():
    table = facts(row("2018", BUYERS, 100.0), row("2019", BUYERS, 95.0), row("2019", SPEND, 500.0))
    band = module.churn_band(table, churn=(0.0, 0.07, 0.3)).set_index("churn")["per_gross_new"]
    assert math.isnan(band[0.0])
    assert math.isnan(band[0.07])  # 2 of 100 gross adds are below the guard
    assert band[0.3] == pytest.approx(500 / 25)
    with pytest.raises(ValueError, match="shares"):
        module.churn_band(table, churn=(30,))


def test_saturation_splits_the_ratio_exactly(filings):
    table = module.saturation(filings).dropna(subset=["per_net_new"])
    assert (table["per_active"] / table["added_share"] - table["per_net_new"]).abs().max() < 1e-9


def test_pooled_years_bridge_counts_that_were_not_published(filings):
    # JD.com 2017 to 2019: 14,918.107 + 19,236.740 + 22,234 over 362.0 - 226.6
    found = module.pooled(filings, "JD.com (restated)", "2017", "2019")
    assert found.value == pytest.approx((14918.107 + 19236.74 + 22234) / (362.0 - 226.6))
    assert isinstance(module.pooled(filings, "JD.com", "2015", "2017"), Refused)  # would chain two bases
    assert isinstance(module.pooled(filings, "JD.com (restated)", "2018", "2019"), Refused)  # no count of 2017
    with pytest.raises(ValueError, match="in order"):
        module.pooled(filings, "PDD", "2019", "2018")


def test_estimates_for_sentences(filings):
    ratios = module.filings_ratios(filings)
    found = module.ratio(ratios, "PDD", "2018")
    assert isinstance(found, Estimate)
    assert (round(found.value, 1), found.unit, found.is_exact) == (77.4, "RMB per buyer", True)
    assert "拼多多 2018 年" in found.definition.zh
    stalled = module.ratio(ratios, "JD.com (restated)", "2019")
    assert isinstance(stalled, Refused)
    assert "not known" in stalled.reason_en
    assert isinstance(module.ratio(ratios, "PDD", "1999"), Refused)
    with pytest.raises(ValueError, match="per_net_new"):
        module.ratio(ratios, "PDD", "2018", "cac")


def test_growth_a_year_by_hand(filings):
    ratios = module.filings_ratios(filings)
    expected = ((50673 / 726) / (11307 / 423)) ** (1 / 4) - 1
    assert module.growth(ratios, "Alibaba").value == pytest.approx(expected)
    assert module.growth(ratios, "JD.com", "per_net_new", "2013", "2016").value == pytest.approx(
        (147.66793 / 87.85475) ** (1 / 3) - 1, abs=1e-5
    )
    assert isinstance(module.growth(ratios, "Vipshop"), Refused)
    assert module.growth_table(ratios.iloc[:0]).empty
