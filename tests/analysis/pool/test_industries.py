"""The map of industries: hand arithmetic, what must follow from what, and a brand placed on it."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool import industries
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.data import market

TABLE, ASSUMPTIONS = market.load("industries"), market.load("pool_assumptions")
DRAWS = 200
BRAND = Words("某品牌", "a brand")


@pytest.fixture(scope="module")
def fitted():
    return industries.fit(TABLE, ASSUMPTIONS, draws=DRAWS)


def industry_of(article_view="", key="tea", **metrics):
    rows = [
        (key, "茶", "tea", article_view, metric, *[value] * 3, "source", "A", "", "")
        for metric, value in metrics.items()
    ]
    names = "industry name_zh name_en article_view metric low typical high basis grade note_zh note_en"
    return pd.DataFrame(rows, columns=names.split())


def assumed(**inputs):
    rows = [(name, *[value] * 3, "assumption", "", "") for name, value in inputs.items()]
    return pd.DataFrame(rows, columns=["input", "low", "typical", "high", "basis", "note_zh", "note_en"])


TEA = {"orders_per_year": 12, "order_value": 100, "margin": 0.5, "order_costs": 0.1, "commission_saved": 0.05}
REST = {"uplift": 0.2, "moved_share": 0.5, "churn": 0.1, "staff_cost": 5000, "incentive_cost": 3}


def test_two_months_by_hand():
    """1,000 customers; 100 leave and 100 join at 3 each; 1 order a month of 100 at a contribution of 40.

    Added 1,000 x .2 x 40 = 8,000 and saved 1,000 x .5 x 5 = 2,500 a month; spent 5,300 a month and 3,000 to start.
    """
    row = industries.fit(industry_of(**TEA), assumed(**REST), members=1000, months=2, draws=3, intake=0.1).iloc[0]
    assert row["fit"] == row["low"] == row["high"] == pytest.approx(21_000 / 13_600)
    assert row["needed_uplift"] == pytest.approx((13_600 - 5_000) / 80_000)
    assert (row["earned"], row["cost"]) == pytest.approx((10.5, 6.8))
    assert row["verdict"] == "carries a pool"


def test_two_months_by_hand_where_customers_lapse():
    """Of buying half is kept a month, of the uplift 0.8: means 775 and 448.75 buying, 730 and 362.8 with the uplift.

    Orders of the first year: 0.75 + 0.375 + .. = 1.5 x (1 - 1/2^12), so that it is 1 a month at joining.
    """
    tea = TEA | {"orders_per_year": 1.5 * (1 - 0.5**12)}
    fading = REST | {"activity_kept": 0.5, "uplift_kept": 0.8}
    row = industries.fit(industry_of(**tea), assumed(**fading), members=1000, months=2, draws=3, intake=0.1).iloc[0]
    assert row["fit"] == pytest.approx(((730 + 362.8) * 0.2 * 40 + (775 + 448.75) * 2.5) / 13_600)
    assert row["needed_uplift"] == pytest.approx((13_600 - (775 + 448.75) * 2.5) / ((730 + 362.8) * 40))
    assert row["verdict"] == "does not"


def test_at_the_needed_uplift_the_pool_just_earns_its_costs():
    size = {"members": 1000, "draws": 3}
    needed = industries.fit(industry_of(**TEA), assumed(**REST), **size)["needed_uplift"].iloc[0]
    again = industries.fit(industry_of(**TEA), assumed(**REST | {"uplift": needed}), **size)["fit"].iloc[0]
    assert needed > 0
    assert again == pytest.approx(1)


def test_the_map_of_the_committed_tables(fitted):
    assert len(fitted) == TABLE["industry"].nunique() >= 17
    assert (fitted["low"] <= fitted["fit"]).all()
    assert (fitted["fit"] <= fitted["high"]).all()
    assert fitted["needed_uplift"].is_monotonic_increasing
    # Published staffing ratios alone give 0.65 to 43 a customer and month (facts on private-domain cost).
    assert fitted["cost"].between(0.65, 43).all()
    row = fitted.set_index("industry")
    assert row.at["smart_toilet_seats", "verdict"] == "does not"
    assert row.at["smart_toilet_seats", "needed_uplift"] > 1  # orders would have to more than double
    assert not row.at["smart_toilet_seats", "disagreement"]
    assert row.at["electronics", "disagreement"]
    assert row.at["training", "needed_uplift"] < 0.1 < row.at["catering", "needed_uplift"]
    assert set(fitted["grade"]) <= {"A", "B", "assumption"}
    assert fitted["drivers"].map(len).eq(2).all()
    assert (
        not fitted.drop(columns="article_view")
        .isin([""])
        .drop(columns=["disagreement_zh", "disagreement_en"])
        .any()
        .any()
    )


def test_same_seed_same_numbers_and_the_order_of_rows_does_not_matter(fitted):
    shuffled = industries.fit(TABLE.sample(frac=1, random_state=2), ASSUMPTIONS.iloc[::-1], draws=DRAWS)
    pd.testing.assert_frame_equal(fitted, shuffled[fitted.columns])
    other = industries.fit(TABLE, ASSUMPTIONS, seed=1, draws=DRAWS)
    assert np.allclose(
        other.set_index("industry")["fit"], fitted.set_index("industry")["fit"][other["industry"]], rtol=0.2
    )
    assert not other["fit"].equals(fitted["fit"])


@pytest.mark.parametrize(
    ("metric", "factor", "sign"),
    [("margin", 1.2, 1), ("orders_per_year", 1.5, 1), ("order_value", 1.5, 1), ("order_costs", 1.5, -1)],
)
def test_more_earned_carries_more(metric, factor, sign, fitted):
    ends = ["low", "typical", "high"]
    changed = TABLE.copy()
    changed.loc[changed["metric"] == metric, ends] *= factor
    after = industries.fit(changed, ASSUMPTIONS, draws=DRAWS).set_index("industry")
    before = fitted.set_index("industry").loc[after.index]
    assert ((after["fit"] - before["fit"]) * sign > 0).all()
    assert ((after["needed_uplift"] - before["needed_uplift"]) * sign <= 0).all()


@pytest.mark.parametrize("cost", ["staff_cost", "service_cost", "incentive_cost"])
def test_more_spent_carries_less(cost, fitted):
    dearer = ASSUMPTIONS.copy()
    dearer.loc[dearer["input"] == cost, ["low", "typical", "high"]] *= 1.5
    after = industries.fit(TABLE, dearer, draws=DRAWS).set_index("industry")["fit"]
    assert (after < fitted.set_index("industry")["fit"][after.index]).all()


@pytest.mark.parametrize("leaving", ["churn", "ban_probability", "opt_out_per_message"])
def test_where_a_customer_earns_more_than_they_cost_losing_them_carries_less(leaving):
    """Where they cost more than they earn it is the other way round, so this is about tea alone."""
    rest = REST | {"messages_per_month": 2, "churn": 0.05}
    kept, lost = (
        industries.fit(industry_of(**TEA), assumed(**rest | {leaving: rate}), draws=3)["fit"].iloc[0]
        for rate in (0.05, 0.1)
    )
    assert lost < kept


def test_shareability_counts_only_through_the_assumed_referrals(fitted):
    loud = TABLE.copy()
    loud.loc[loud["metric"] == "shareability", ["low", "typical", "high"]] = 1.0
    assert (
        industries.fit(loud, ASSUMPTIONS, draws=DRAWS)["fit"].sort_values().to_numpy() >= fitted["fit"].sort_values()
    ).all()
    silent = ASSUMPTIONS[ASSUMPTIONS["input"] != "referrals_per_month"]
    two = [table[table["industry"].isin(["toys", "pets"])] for table in (TABLE, loud)]
    one, other = (industries.fit(table, silent, draws=DRAWS)[["industry", "fit"]] for table in two)
    pd.testing.assert_frame_equal(one, other)


def test_odd_tables_leave_blanks_and_no_traceback():
    lacking = industries.fit(industry_of("fit", orders_per_year=12, order_value=100), assumed(**REST), draws=5)
    row = lacking.iloc[0]
    assert np.isnan(row["fit"])
    assert (row["verdict"], row["disagreement"], row["drivers"]) == ("cannot be told", False, ())
    free = industries.fit(industry_of(**TEA), assumed(uplift=0.2), draws=5)  # no cost is stated
    assert free["verdict"].tolist() == ["cannot be told"]
    losing = industries.fit(industry_of(**TEA | {"margin": 0.05}), assumed(uplift=0.2, staff_cost=99_999), draws=5)
    assert losing["needed_uplift"].isna().all()  # an order loses money: no gain would do
    assert losing["fit"].iloc[0] < 0
    assert isinstance(industries.industry_figures(losing, "tea")["needed_uplift"], Refused)
    assert industries.fit(TABLE.iloc[:0], ASSUMPTIONS).empty
    with pytest.raises(ValueError, match="members must be a whole number"):
        industries.fit(TABLE, ASSUMPTIONS, members=0)
    with pytest.raises(ValueError, match="no column 'article_view'"):
        industries.fit(TABLE.drop(columns="article_view"), ASSUMPTIONS)


def test_a_brand_is_placed_by_its_own_inputs_at_the_same_size():
    """1 order a month of 40 x .5 and a gain of .25 is 5 a month, against 3 a month of staff; nobody joins or leaves."""
    inputs = PoolInputs(99, orders_per_month=1, uplift=0.25, order_value=40, margin=0.5, staff_cost=30_000)
    fitted = industries.fit(TABLE, ASSUMPTIONS, draws=200, intake=0)
    placed = industries.place_brand(fitted, inputs, BRAND, served=10_000)
    row = placed[placed["is_brand"]].iloc[0]
    assert row["fit"] == pytest.approx(50_000 / 30_000)
    assert row["needed_uplift"] == pytest.approx(0.15)
    assert len(placed) == len(fitted) + 1
    assert placed["needed_uplift"].is_monotonic_increasing
    assert (row["name_zh"], row["name_en"], row["industry"], row["grade"]) == ("某品牌", "a brand", "", "")
    others = placed[~placed["is_brand"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(others[["industry", "fit", "verdict"]], fitted[["industry", "fit", "verdict"]])
    # The same staff serve 5,000 customers today: a pool of 10,000 takes twice as many.
    grown = industries.place_brand(fitted, inputs, BRAND, served=5000)
    assert grown.loc[grown["is_brand"], "fit"].item() == pytest.approx(50_000 / 60_000)
    # By default they serve the pool that the brand itself gets to: 24 months of 99 joiners, of whom nobody leaves.
    own = industries.place_brand(fitted, inputs, BRAND)
    assert own.loc[own["is_brand"], "fit"].item() == pytest.approx(50_000 / (30_000 * 10_000 / (24 * 99)))
    closed = industries.place_brand(fitted, inputs.replaced(joiners_per_month=0), BRAND)
    assert closed.loc[closed["is_brand"], "fit"].item() == pytest.approx(50_000 / 30_000)
    with pytest.raises(ValueError, match="served=0"):
        industries.place_brand(fitted, inputs, BRAND, served=0)
    with pytest.raises(ValueError, match="not a table of fit"):
        industries.place_brand(pd.DataFrame(), inputs, BRAND)


def test_a_leaky_brand_is_placed_with_the_joiners_that_refill_it():
    # Half of the pool leaves a month and as many come: with its own intake it keeps its 10,000, in a map without any
    # intake it empties, 10,000 x (1 + 1/2) / 2 in the first month and so on.
    inputs = PoolInputs(500, orders_per_month=1, uplift=0.25, order_value=40, margin=0.5, staff_cost=3_000, churn=0.5)
    fitted, found = industries.fit(TABLE, ASSUMPTIONS, draws=5, intake=0), {}
    for own in (False, True):
        placed = industries.place_brand(fitted, inputs, BRAND, served=1_000, own_intake=own)
        found[own] = placed.loc[placed["is_brand"], "fit"].item()
        assert placed.loc[~placed["is_brand"], "fit"].tolist() == fitted["fit"].tolist()
    months = fitted.attrs["months"]
    assert found[True] == pytest.approx(50_000 / 30_000)
    assert found[False] == pytest.approx(50_000 / 30_000 * 0.75 * 2 * (1 - 0.5**months) / months)
    nobody = industries.place_brand(fitted, inputs.replaced(joiners_per_month=0), BRAND, served=1_000, own_intake=True)
    assert nobody.loc[nobody["is_brand"], "fit"].item() == pytest.approx(found[False])


def test_a_brand_with_estimates_has_an_interval_and_one_without_costs_none(fitted):
    words = Words("订单增幅", "gain in orders")
    gain = Estimate(0.25, 0.05, 0.45, 0.9, 1000, "share", words, "x.y")
    staff = Estimate(30_000, 20_000, 40_000, 0.9, 24, "money a month", words, "x.y")
    inputs = PoolInputs(99, orders_per_month=1, uplift=gain, order_value=40, margin=0.5, staff_cost=staff)
    placed = industries.place_brand(fitted, inputs, BRAND, served=10_000, cycle_days=30.0)
    figures = industries.industry_figures(placed, "")
    assert figures["fit"].low < 1 < figures["fit"].value < figures["fit"].high
    assert figures["fit"].n == DRAWS
    assert placed.loc[placed["is_brand"], "verdict"].item() == "depends"
    assert set(placed.loc[placed["is_brand"], "drivers"].item()) == {"uplift", "staff_cost"}
    free = industries.place_brand(fitted, inputs.replaced(staff_cost=0), BRAND)
    assert isinstance(industries.industry_figures(free, "")["fit"], Refused)


def test_electronics_is_on_the_list_and_the_arithmetic_says_otherwise(fitted):
    rule = industries.article_list_rule(fitted)
    assert rule.agrees == "disagrees"
    assert rule.figures["industries_named"].value == 10  # nine fit, one unfit
    disagreeing = fitted.loc[fitted["disagreement"], "article_view"]
    assert rule.figures["industries_disagreeing"].value == len(disagreeing)
    assert set(disagreeing) == {"fit"}
    assert rule.figures["electronics_fit"].high < 1
    rich = industry_of("fit", "electronics", **TEA | {"order_value": 10_000})
    assert industries.article_list_rule(industries.fit(rich, assumed(**REST), draws=5)).agrees == "agrees"
    unfit = industries.fit(industry_of("unfit", **TEA | {"order_value": 10_000}), assumed(**REST), draws=5)
    assert unfit["disagreement_en"].tolist() == ["the articles call it unfit, the arithmetic carries it"]


def test_the_words_are_in_both_languages(fitted):
    for column in ("name", "verdict", "drivers", "article"):
        assert fitted[f"{column}_zh"].str.contains(r"[\u4e00-\u9fff]").all()
        assert not fitted[f"{column}_en"].str.contains(r"[\u4e00-\u9fff]").any()
    assert not fitted["drivers_zh"].str.contains("成员|顾客").any()
