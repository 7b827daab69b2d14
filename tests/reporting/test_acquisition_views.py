"""Tables of the acquisition-cost page: cells against the analysis they come from, words against hand-made rows."""

import math

import numpy as np
import pandas as pd
import pytest
from spend_series import costs as invented_costs

from siyu_helpers.analysis import acquisition_cost, channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data import market
from siyu_helpers.reporting import acquisition_views as views
from siyu_helpers.reporting import names

CALLED = {"feed": ("信息流", "Feed"), "search": ("搜索", "Search")}
REFUSED = Refused("days", 10, 90, "太短。", "Too short.")


def worth(value, low=None, high=None):
    low, high = (value - 2 if low is None else low), (value + 2 if high is None else high)
    return Estimate(value, low, high, 0.9, 500, "money per customer", Words("手算", "by hand"), "by.hand")


@pytest.fixture(scope="module")
def responses():
    """Two channels that respond, and one with so few customers that hardly anything is known."""
    rng = np.random.default_rng(7)
    parts = [invented_costs(rng, customers=300, shocks=0.4, channel=name) for name in ("feed", "search")]
    return acquisition_cost.response(pd.concat([*parts, invented_costs(rng, customers=1, channel="thin")]))


@pytest.fixture(scope="module")
def filings():
    return market.load("filings")


def joined(responses, worths):
    best = acquisition_cost.best_spend(responses, worths, 1)
    return views.next_customer(responses, best, worths)


# --- the next customer ---


def test_each_cell_of_the_next_customer_is_what_the_analysis_says(responses):
    worths = {"feed": worth(80.0), "search": worth(20.0), "thin": REFUSED}
    table = joined(responses, worths).set_index("channel")
    best = acquisition_cost.best_spend(responses, worths, 1).set_index("channel")
    for channel in ("feed", "search"):
        for name, function in (
            ("elasticity", acquisition_cost.elasticity),
            ("average", acquisition_cost.average_cac),
            ("marginal", acquisition_cost.marginal_cac),
        ):
            number = function(responses, channel)
            cells = table.loc[channel, [name, f"{name}_low", f"{name}_high"]].tolist()
            assert cells == [number.value, number.low, number.high]
        assert table.loc[channel, "spend_now"] == best.loc[channel, "spend_now"]
    assert table.loc["feed", ["contribution", "contribution_low", "contribution_high"]].tolist() == [80, 78, 82]
    assert math.isnan(table.loc["thin", "contribution"])
    assert set(table["status"]) <= set(names.BEST_SPEND)
    assert table.loc["feed", "status"] in ("raise", "beyond_more")
    assert table.loc["search", "status"] in ("lower", "beyond_less")


def test_of_the_channels_that_do_not_pay_the_widest_gap_is_named(responses):
    marginal = {name: acquisition_cost.marginal_cac(responses, name) for name in ("feed", "search")}
    low = {name: worth(share * marginal[name].value) for name, share in (("feed", 0.5), ("search", 0.3))}
    worths = {**low, "thin": REFUSED}
    found = views.next_customer_extremes(joined(responses, worths), responses, worths, CALLED)
    assert set(found) == {"over"}
    assert found["over"]["over_channel"] == Words("搜索", "Search")
    assert found["over"]["over_marginal"] == marginal["search"]
    assert found["over"]["over_contribution"] is low["search"]
    assert (found["over"]["n_over"], found["over"]["n_channels"]) == ("2", "3")

    worths = {"feed": worth(3 * marginal["feed"].value), "search": worth(marginal["search"].value), "thin": REFUSED}
    found = views.next_customer_extremes(joined(responses, worths), responses, worths, {})
    assert set(found) == {"room"}  # search: the two intervals overlap
    assert found["room"]["n_room"] == "1"
    near = worth(0.98 * marginal["search"].value)  # worth less than it costs, but not clearly
    overlapping = {"feed": worth(3 * marginal["feed"].value), "search": near, "thin": REFUSED}
    assert set(views.next_customer_extremes(joined(responses, overlapping), responses, overlapping, {})) == {"room"}
    assert found["room"]["room_channel"] == Words("feed", "feed")  # a channel without a name goes by its key


def test_nothing_is_said_of_extremes_where_nothing_is_known(responses):
    worths = dict.fromkeys(responses["channel"], REFUSED)
    assert views.next_customer_extremes(joined(responses, worths), responses, worths, CALLED) == {}
    assert views.next_customer_extremes(pd.DataFrame(), responses, worths, CALLED) == {}


def test_a_brand_that_spent_nothing_has_a_table_without_rows():
    months = pd.period_range("2023-01", periods=14, freq="M").astype(str)
    costs = pd.DataFrame({"month": months, "channel": "feed", "spend": 0.0, "new_customers": 5})
    none = acquisition_cost.response(costs)
    table = joined(none, {})
    assert table.empty
    assert {"channel", "status", "spend_now", "elasticity", "average", "marginal", "contribution"} <= set(table.columns)


def test_worth_of_channels(responses):
    assert set(views.worth_by_channel(REFUSED, responses, 365).values()) == {REFUSED}
    assert set(views.worth_by_channel(REFUSED, responses, 365)) == {"feed", "search", "thin"}


# --- channels, domains, seasons ---


def totals(**cells):
    rows = [(name, cac, low, high) for name, (cac, low, high) in cells.items()]
    return pd.DataFrame(rows, columns=["channel", "cac", "cac_low", "cac_high"])


def month(**given):
    rows = [("2024-01", name, spend, customers) for name, (spend, customers) in given.items()]
    return pd.DataFrame(rows, columns=["month", "channel", "spend", "new_customers"])


def test_the_dearest_and_the_cheapest_channel_only_where_they_lie_apart():
    costs = month(feed=(900.0, 9), search=(4000.0, 400), notes=(5000.0, 100), direct=(0.0, 7))
    table = acquisition_cost.totals(costs, ["2024-01"], 0.9)
    found = views.channel_extremes(table, costs, ["2024-01"], CALLED)
    assert (found["dear_channel"].en, found["cheap_channel"].en) == ("Feed", "Search")
    assert (found["dear_cac"].value, found["cheap_cac"].value) == (100, 10)
    assert views.channel_extremes(totals(a=(9.0, 5, 15), b=(8.0, 4, 14)), costs, ["2024-01"], {}) == {}
    blank = totals(a=(9.0, 5, 15), b=(math.nan, math.nan, math.nan))
    assert views.channel_extremes(blank, costs, ["2024-01"], {}) == {}


def domains_compared(pool=True):
    """Domains by hand: 20 public customers of media spend 900, 40 of the pool, whose costs of 400 are charged to it."""
    charges = {"media": [0.0, 900.0]} | ({"private": [400.0, 900.0]} if pool else {})
    parts = [
        pd.DataFrame({"charge": charge, "domain": ["private", "public"], "spend": spend, "new_customers": [40, 20]})
        for charge, spend in charges.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    table["cac"] = (table["spend"] / table["new_customers"]).replace(0.0, math.nan)  # no cost is blank in that table
    table["cac_low"], table["cac_high"] = table["cac"] * 0.8, table["cac"] * 1.25
    table.attrs["definition"] = {charge: Words(f"按{charge}", f"by {charge}") for charge in charges}
    return table


def with_upstream(compared):
    """Half of the orders of the feed are closed by the pool, after one touch of each: a third of its spend moves."""
    journeys = pd.DataFrame({"path": [("feed",), ("feed", "wecom")], "conversions": [30, 30]})
    spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [900.0]})
    upstream = channel_attribution.upstream_spend(journeys, spend, {"feed": "public", "wecom": "private"})
    return channel_attribution.compare_domains_with_upstream(compared, upstream)


def test_the_domains_before_and_after_upstream_spend_is_shared():
    compared = domains_compared()
    before = views.domain_facts(compared, 0.9)
    assert {key: number.value for key, number in before.items()} == {"private_full": 10, "public_media": 45}
    assert before["private_full"].definition == Words("按private", "by private")
    after = views.domain_facts(with_upstream(compared), 0.9, "_shared")
    # 300 of the 900 go with the thirty orders that the pool closed: (400 + 300) / 40 and (900 - 300) / 20.
    assert {key: number.value for key, number in after.items()} == pytest.approx(
        {"private_full_shared": 17.5, "public_media_shared": 30.0}
    )
    assert after["private_full_shared"].definition.en.startswith("by private; media spend shared")
    assert after["private_full_shared"].definition.zh.startswith("按private；投放按")
    for number in after.values():
        assert number.low < number.value < number.high
        assert number.unit == "money per customer"
    assert not set(before) & set(after)  # both stand in one sentence


def test_of_domains_without_a_cost_nothing_is_said():
    assert views.domain_facts(domains_compared(pool=False), 0.9) == {}
    assert views.domain_facts(with_upstream(domains_compared(pool=False)), 0.9, "_shared") == {}
    assert views.domain_facts(domains_compared(), 0.9, "_shared") == {}  # nothing was shared yet


def test_rows_of_the_cost_before_and_after_sharing():
    rows = views.shared_rows(with_upstream(domains_compared())).set_index(["domain", "charge"])["cac"]
    assert rows.to_dict() == pytest.approx(
        {("private", "own"): 10, ("private", "shared"): 17.5, ("public", "own"): 45, ("public", "shared"): 30}
    )
    assert set(names.SHARED) == {"own", "shared"}


def test_without_pool_costs_the_rows_are_of_media_and_a_free_customer_costs_nothing():
    rows = views.shared_rows(with_upstream(domains_compared(pool=False))).set_index(["domain", "charge"])["cac"]
    assert rows["private", "own"] == 0  # blank in the cost table, yet 40 customers came without spend
    assert rows["private", "shared"] == pytest.approx(7.5)
    assert rows["public"].to_dict() == pytest.approx({"own": 45, "shared": 30})


def test_a_domain_that_costs_nothing_either_way_has_no_bars():
    compared = domains_compared(pool=False)
    semi = compared[:1].assign(domain="semi", new_customers=0)
    both = pd.concat([compared, semi], ignore_index=True)
    both.attrs = compared.attrs
    assert set(views.shared_rows(with_upstream(both))["domain"]) == {"private", "public"}


def test_members_of_a_domain_by_name():
    config = {"channels": {"feed": "public", "search": "public", "wecom": "private"}}
    assert views.domain_members(config, "public", CALLED) == Words("信息流、搜索", "Feed, Search")
    assert views.domain_members(config, "private", CALLED) == Words("wecom", "wecom")
    assert views.domain_members(config, "semi", CALLED) == Words("无", "none")


def test_the_season_s_ends():
    levels = pd.DataFrame({"month_of_year": range(1, 13), "level": [1.0] * 12, "low": 0.9, "high": 1.1})
    levels.loc[5, ["level", "low", "high"]] = [0.8, 0.7, 0.9]
    levels.loc[10, ["level", "low", "high"]] = [1.3, 1.2, 1.4]
    found = views.season_ends(levels)
    assert (found["low_month"], found["high_month"]) == ("6", "11")
    low, high = found["low_level"], found["high_level"]
    assert (low.value, low.low, low.high) == pytest.approx((-0.2, -0.3, -0.1))
    assert (high.value, high.low, high.high) == pytest.approx((0.3, 0.2, 0.4))
    assert views.season_ends(levels[:0]) == {}


def test_the_level_of_the_season_is_that_of_its_intervals():
    rng = np.random.default_rng(3)
    costs = invented_costs(rng, "month", number=36, customers=300)
    found = views.season_ends(acquisition_cost.seasonal_levels(costs, level=0.8))
    assert found["low_level"].level == 0.8


# --- change and plan ---


def test_the_largest_part_is_by_size_not_by_sign():
    before, after = month(feed=(1000.0, 10), search=(1000.0, 50)), month(feed=(1000.0, 10), search=(1000.0, 200))
    costs = pd.concat([before, after.assign(month="2025-01")])
    split = acquisition_cost.decompose_change(costs, ["2024-01"], ["2025-01"])
    found = views.largest_part(split, CALLED)
    by_hand = split.groupby("channel")["contribution"].sum()
    assert found["top_channel"] == Words(*CALLED[by_hand.abs().idxmax()])
    assert found["top_change"].value == by_hand[by_hand.abs().idxmax()] < 0


def test_growth_of_spend_between_two_years():
    costs = pd.concat([month(feed=(800.0, 5), search=(200.0, 5)), month(feed=(1500.0, 9)).assign(month="2025-01")])
    assert views.spend_growth(costs, (["2024-01"], ["2025-01"])).value == pytest.approx(0.5)
    assert isinstance(views.spend_growth(costs.assign(spend=0.0), (["2024-01"], ["2025-01"])), Refused)


def test_change_of_spend_under_a_plan():
    plan = pd.DataFrame({"channel": ["feed", "all"], "spend_now": [500.0, 1000.0], "spend_planned": [500.0, 1250.0]})
    assert views.planned_change(plan).value == pytest.approx(0.25)
    assert isinstance(views.planned_change(plan.assign(spend_now=0.0)), Refused)
    assert isinstance(views.planned_change(plan[:1]), Refused)


def test_quarters_that_are_not_whole_are_left_out():
    rows = [("2024-Q1", "feed"), ("2024-Q1", "search"), ("2024-Q2", "feed"), ("2024-Q3", "feed")]
    costs = pd.DataFrame(rows, columns=["quarter", "channel"]).assign(spend=9.0, new_customers=1, cac=9.0)
    costs.attrs["incomplete"] = ["2024-Q3"]
    whole = views.whole_periods(costs.sample(frac=1, random_state=2))
    assert sorted(zip(whole["at"], whole["period"], whole["channel"], strict=True)) == [
        (0, "2024-Q1", "feed"), (0, "2024-Q1", "search"), (1, "2024-Q2", "feed"),
    ]  # fmt: skip
    assert views.period_names(whole) == {0: "2024-Q1", 1: "2024-Q2"}


def test_past_and_forecast_follow_each_other():
    """A month that is both observed in part and forecast is drawn once, as forecast."""
    costs = pd.DataFrame({"month": ["2024-01", "2024-02", "2024-03"], "cac": [10.0, 12.0, 3.0]})
    ahead = pd.DataFrame({"month": ["2024-03", "2024-04"], "value": [13.0, 14.0], "low": 9.0, "high": 19.0})
    both = views.past_and_ahead(costs, ahead)
    assert both["month"].tolist() == ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert both["which"].tolist() == ["past", "past", "ahead", "ahead"]
    assert both["cac"].tolist() == [10, 12, 13, 14]
    assert both["low"].isna().tolist() == [True, True, False, False]
    assert views.month_names(costs, ahead) == dict(enumerate(both["month"]))


# --- payback ---


def paid_back():
    table = pd.DataFrame({"within_days": [30, 360, 365]})
    for name, values in (("contribution", [20.0, 49.0, 50.0]), ("cac", [40.0, 40.0, 40.0])):
        table = table.assign(**{name: values, f"{name}_low": np.subtract(values, 1), f"{name}_high": np.add(values, 1)})
    return table


def test_lines_of_payback():
    lines = views.payback_lines({"all": paid_back(), "paid": REFUSED})
    assert set(lines["which"]) == {"contribution_all", "cac_all"} <= set(names.PAYBACK_LINES)
    one = lines[lines["which"] == "contribution_all"]
    assert one["within_days"].tolist() == [30, 365]  # 360 and 365 are one point
    assert one[["value", "low", "high"]].to_numpy().tolist() == [[20, 19, 21], [50, 49, 51]]


def test_facts_of_payback_that_is_refused():
    found = views.payback_facts(REFUSED, 365, 1.0)
    assert set(found.values()) == {REFUSED}
    assert {"ratio", "months", "affordable"} <= set(found)


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        ((5.0, 4.0, 6.0), "which is less"),
        ((20.0, 19.0, 21.0), "which is more"),
        ((9.0, 7.0, 10.5), "told apart"),  # less, but the intervals overlap
        ((12.0, 10.5, 14.0), "told apart"),
    ],
)
def test_cost_against_what_it_may_be(actual, said):
    assert said in views.against(worth(10.0, 9.0, 11.0), worth(*actual)).en
    assert "cannot be compared" in views.against(REFUSED, worth(*actual)).en
    assert "cannot be compared" in views.against(worth(10.0), REFUSED).en


@pytest.mark.parametrize(
    ("months", "cac", "contribution", "days", "said"),
    [
        ((2.0, 2.0, 2.0), 40.0, 50.0, 365, "month 2"),
        ((2.0, 1.0, 4.0), 40.0, 50.0, 365, "month 2 (1 to 4)"),
        ((2.0, 1.0, math.inf), 40.0, 50.0, 365, "month 2 (1 or later)"),
        ((math.nan,) * 3, math.nan, 50.0, 365, "no spend"),
        ((math.nan,) * 3, 40.0, math.nan, math.nan, "fewer than 100 customers"),
        ((math.nan,) * 3, 40.0, 30.0, 365, "not within 365 days"),
        ((math.nan,) * 3, 40.0, 30.0, 90, "not yet, too early to tell"),
    ],
)
def test_payback_in_words(months, cac, contribution, days, said):
    ends = dict(zip(("payback_months", "payback_months_low", "payback_months_high"), months, strict=True))
    row = {"group": "feed", "cac": cac, "contribution": contribution, "within_days": days, "customers": 500, **ends}
    zh, en = views.payback_rows(pd.DataFrame([row]))["back"][0]
    assert en == said
    nobody = views.payback_rows(pd.DataFrame([row | {"customers": 0}]))["back"][0]
    assert (nobody[1] == "no customers") == (said == "no spend")
    assert not {"nan", "inf"} & set(zh.split())


# --- the profit formulas ---


def test_formulas_stand_side_by_side_factor_by_factor():
    source = acquisition_cost.source_identity(10_000, 0.05, 260, 250)
    table = views.identities_side_by_side({"source": source, "full": REFUSED})
    assert table["factor"].tolist() == [name for name in names.PROFIT_FACTORS if name in set(source["factor"])]
    by_hand = table.set_index("factor")
    # profit = 10,000 x 0.05 x (260 - 250) = 5,000; an order value higher by 1% gives 10,000 x 0.05 x 2.6 more
    assert by_hand.loc["average_order_value", "source"] == pytest.approx(1300)
    assert by_hand.loc["customer_acquisition_cost", "source"] == pytest.approx(-1250)
    assert by_hand.loc["traffic", "source_value"] == 10_000
    assert by_hand["full"].isna().all()
    assert views.identities_side_by_side({"source": REFUSED, "full": REFUSED}).empty
    assert views.profit_of(source).value == pytest.approx(5000)
    assert views.profit_of(REFUSED) is REFUSED


# --- the market ---


def test_market_rows_keep_blanks_and_say_why(filings):
    ratios = acquisition_cost.filings_ratios(filings)
    table = views.market_rows(ratios, acquisition_cost.churn_band(filings))
    assert len(table) == len(ratios)
    pd.testing.assert_series_equal(table["per_net_new"], ratios["per_net_new"])
    pdd = table[(table["company"] == "PDD") & (table["period"] == "2019")].iloc[0]
    assert pdd["place"] == ("拼多多 2019 年", "PDD 2019")
    assert pdd["churn_0"] == pytest.approx(pdd["per_net_new"])
    assert pdd["churn_30"] < pdd["churn_10"] < pdd["churn_0"]
    for row in table.itertuples():
        assert bool(row.guard) == bool(row.note[0]) == bool(row.note[1])
        if math.isnan(row.per_net_new):
            assert row.guard


def test_market_facts_are_the_slowest_and_the_fastest(filings):
    ratios = acquisition_cost.filings_ratios(filings)
    facts = views.market_facts(ratios)
    grown = acquisition_cost.filings_growth_table(ratios, "per_active")["growth_per_year"]
    assert facts["slow_growth"].value == pytest.approx(grown.min())
    assert facts["fast_growth"].value == pytest.approx(grown.max())
    assert facts["fast_name"].en == "PDD"
    assert facts["fast_span"] == Words("2017 至 2021 年", "2017 to 2021")


def test_what_the_market_bears_out_follows_from_the_figures(filings):
    figures = acquisition_cost.annual_figures(filings)
    ratios = acquisition_cost.filings_ratios(filings)
    assert "per buyer than in their early years" in views.market_ends(ratios, figures)["grew"].en
    assert views.market_ends(ratios, figures)["last_year"] == str(int(figures["year"].max()))
    jd = ratios["company"] == "JD.com"
    upside_down = ratios.assign(per_active=ratios["per_active"].where(~jd, 1 / ratios["per_active"]))
    assert "others less" in views.market_ends(upside_down, figures)["grew"].en


@pytest.fixture(scope="module")
def register(filings):
    claims, rates = market.load("cac_claims"), market.load("exchange_rates")
    return acquisition_cost.one_row_per_claim(acquisition_cost.claims_register(claims, filings, rates))


def test_every_claim_is_in_one_of_the_two_tables(register):
    checked, unchecked = views.claim_rows(register)
    assert len(checked) + len(unchecked) == len(register)
    assert set(unchecked["verdict_key"]) == {"cannot be checked"}
    assert "cannot be checked" not in set(checked["verdict_key"])
    for column in ("claim", "verdict", "reason"):
        for zh, en in [*checked[column], *unchecked[column]]:
            assert zh
            assert en
    assert checked["claim"].iloc[0][0].startswith(checked["platform_zh"].iloc[0])


def test_claims_that_this_data_set_made_itself_are_left_out():
    claims = market.load("cac_claims")
    kept = views.published(claims)
    assert 0 < len(claims) - len(kept) < 5
    assert "this data set" not in set(kept["publisher"])
    assert kept.index.tolist() == list(range(len(kept)))


def test_places_of_the_figures_nearest_to_the_claim(filings):
    """Alibaba FY2018 at 278.6 beside 250, JD.com 2013 at 33.5 beside 30: see test_claims.py for the figures."""
    found = views.claim_places(market.load("cac_claims"), filings)
    assert found["last_place"].en == "Alibaba FY2018"
    assert found["active_place"].en == "JD.com 2013"


def test_growth_of_the_claim_beside_the_filings(filings):
    beside = acquisition_cost.growth_beside(market.load("cac_claims"), filings)
    table = views.growth_rows(beside)
    assert table["series"].iloc[0] == ("流传的说法", "The claim")
    assert table["span"].iloc[0] == ("2013 至 2017", "2013 to 2017")
    assert len(table["series"].unique()) == len(table)


def test_orders_to_recover_are_spread_over_columns():
    recover = acquisition_cost.orders_to_recover([30, 250], 100, [0.2, 0.4])
    table = views.recovery_rows(recover)
    assert table.columns.tolist() == ["cac", "margin_20", "margin_40"]
    assert table[["margin_20", "margin_40"]].to_numpy().tolist() == [[2, 1], [13, 7]]
