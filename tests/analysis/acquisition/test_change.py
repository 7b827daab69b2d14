"""The split of a change in cost per customer: sums, hand arithmetic, Kitagawa's formula, pure changes, odd tables."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition import change, costs
from siyu_helpers.analysis.acquisition.change import change_estimates, decompose_change, decompose_funnel, waterfall
from siyu_helpers.analysis.estimates import Estimate, Refused

BEFORE, AFTER = ["2023-11", "2023-12"], ["2024-11"]


def table(**channels):
    """Cost table of two months from channel=(spend before, customers before, spend after, customers after)."""
    rows = []
    for channel, (spend0, n0, spend1, n1) in channels.items():
        rows += [("2023-11", channel, spend0, n0), ("2024-11", channel, spend1, n1)]
    return pd.DataFrame(rows, columns=["month", "channel", "spend", "new_customers"])


def split(**channels):
    return decompose_change(table(**channels), ["2023-11"], ["2024-11"])


def by_component(made):
    return made.groupby("component")["contribution"].sum().to_dict()


CELL = st.tuples(
    st.sampled_from(["2023-11", "2023-12", "2024-11"]),
    st.sampled_from("abcd"),
    st.integers(0, 10**9).map(lambda cents: cents / 100) | st.just(0.0),
    st.integers(0, 3_000),
)
CELLS = st.lists(CELL, min_size=1, max_size=12, unique_by=lambda cell: cell[:2])


@settings(max_examples=40, deadline=None)
@given(CELLS)
def test_contributions_sum_to_the_change_and_turn_with_the_periods(cells):
    costs = pd.DataFrame(cells, columns=["month", "channel", "spend", "new_customers"])
    before, after = [month for month in BEFORE if month in set(costs["month"])], AFTER
    if not before or not set(after) <= set(costs["month"]):
        return
    made = decompose_change(costs, before, after)
    sums = [costs[costs["month"].isin(months)][["spend", "new_customers"]].sum() for months in (before, after)]
    if not all(part["new_customers"] for part in sums):
        assert isinstance(made, Refused)
        return
    moved = sums[1]["spend"] / sums[1]["new_customers"] - sums[0]["spend"] / sums[0]["new_customers"]
    size = max(1.0, *(part["spend"] / part["new_customers"] for part in sums))
    assert abs(math.fsum(made["contribution"]) - moved) <= 1e-9 * size
    assert made["contribution"].map(math.isfinite).all()
    back = decompose_change(costs.sample(frac=1, random_state=1), after, before)
    swap = {"started": "stopped", "stopped": "started"}
    turned = {(swap.get(row.component, row.component), row.channel): -row.contribution for row in back.itertuples()}
    for row in made.itertuples():
        assert turned.pop((row.component, row.channel)) == pytest.approx(row.contribution, abs=1e-9 * size)
    assert not turned


def test_against_hand_arithmetic():
    """Shares 0.5, 0.5 -> 0.75, 0.25; costs 40, 60 -> 50, 80; totals 50 and 57.5, so the average cost is 53.75."""
    made = split(feed=(4000, 100, 15000, 300), search=(6000, 100, 8000, 100))
    assert made["channel"].tolist() == ["feed", "feed", "search", "search"]
    assert made["component"].tolist() == ["mix", "within", "mix", "within"]
    expected = [0.25 * (45 - 53.75), 0.625 * 10, -0.25 * (70 - 53.75), 0.375 * 20]
    assert made["contribution"].tolist() == pytest.approx(expected, abs=1e-12)
    assert made.attrs == {"before": 50.0, "after": 57.5, "customers": 600}


def test_sums_over_channels_are_kitagawas_two_components():
    """Kitagawa 1955, equation 8: sum of mean rate x change of share, and of mean share x change of rate, uncentred."""
    cells = {"feed": (5200, 130, 9900, 110), "search": (800, 40, 3300, 60), "notes": (7000, 30, 900, 9)}
    sums = by_component(split(**cells))
    n0, n1 = (sum(cell[i] for cell in cells.values()) for i in (1, 3))
    mix = within = 0
    for spend0, c0, spend1, c1 in cells.values():
        mix += (spend0 / c0 + spend1 / c1) / 2 * (c1 / n1 - c0 / n0)
        within += (c0 / n0 + c1 / n1) / 2 * (spend1 / c1 - spend0 / c0)
    assert sums == pytest.approx({"mix": mix, "within": within}, abs=1e-10)


def test_a_pure_change_of_mix_leaves_nothing_within_and_the_reverse():
    mix = by_component(split(feed=(1000, 100, 3000, 300), search=(3000, 100, 3000, 100)))
    assert mix == pytest.approx({"mix": -5.0, "within": 0.0}, abs=1e-12)
    price = by_component(split(feed=(1000, 100, 3000, 200), search=(3000, 100, 9000, 200)))
    assert price == pytest.approx({"mix": 0.0, "within": 10.0}, abs=1e-12)


def test_blended_cost_falls_though_every_channel_got_dearer():
    made = split(feed=(9000, 90, 5000, 40), retargeting=(200, 10, 1500, 60))
    assert (made[made["component"] == "within"]["contribution"] > 0).all()
    assert made["contribution"].sum() == pytest.approx(65 - 92)
    assert by_component(made) == pytest.approx({"mix": -45.0, "within": 18.0})


def test_more_of_a_cheap_channel_reads_as_a_fall_of_its_own():
    made = split(dear=(1000, 10, 1000, 10), cheap=(100, 10, 900, 90)).set_index(["component", "channel"])
    assert made.loc[("mix", "cheap"), "contribution"] < 0
    assert made.loc[("mix", "dear"), "contribution"] < 0


def test_channels_that_start_stop_or_bring_nobody():
    made = split(feed=(4000, 100, 4000, 100), begun=(0, 0, 500, 10), dropped=(900, 20, 0, 0), idle=(300, 0, 600, 0))
    average = (4900 / 120 + 4500 / 110) / 2
    found = made.set_index(["component", "channel"])["contribution"]
    assert found["started", "begun"] == pytest.approx(10 / 110 * (50 - average))
    assert found["stopped", "dropped"] == pytest.approx(-20 / 120 * (45 - average))
    assert found["spend_without_customers", "idle"] == pytest.approx(600 / 110 - 300 / 120)
    assert len(found) == 5  # feed has mix and within
    assert made["contribution"].sum() == pytest.approx(5100 / 110 - 5200 / 120, abs=1e-12)


def test_spend_that_only_later_brings_customers_is_its_own_component():
    found = split(feed=(4000, 100, 4000, 100), late=(500, 0, 500, 10)).set_index(["component", "channel"])
    assert found.loc[("spend_without_customers", "late"), "contribution"] == pytest.approx(-5.0)
    assert ("started", "late") in found.index


def test_a_channel_without_spend_counts_among_the_customers():
    made = split(feed=(4000, 100, 4000, 100), direct=(0, 100, 0, 300))
    assert made["contribution"].sum() == pytest.approx(10 - 20)
    assert by_component(made)["within"] == 0


def test_domains_weeks_and_the_names_of_the_columns():
    costs = table(feed=(4000, 100, 4000, 50), wecom=(0, 10, 0, 20)).rename(columns={"channel": "domain"})
    costs["week"] = costs.pop("month").map({"2023-11": "2023-W45", "2024-11": "2024-W45"})
    made = decompose_change(costs, ["2023-W45"], ["2024-W45"])
    assert list(made.columns) == ["component", "channel", "contribution"]
    assert set(made["channel"]) == {"feed", "wecom"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (["2023-11"], ["2025-01"], "no month '2025-01'"),
        ([], ["2024-11"], "before must be a list"),
        ("2023-11", ["2024-11"], "before must be a list"),
        (["2023-11", "2023-11"], ["2024-11"], "before names a month twice"),
        (["2023-11", "2024-11"], ["2024-11"], "overlap in '2024-11'"),
    ],
)
def test_wrong_lists_are_named(before, after, message):
    with pytest.raises(ValueError, match=message):
        decompose_change(table(feed=(1, 1, 1, 1)), before, after)


def test_duplicate_rows_and_tables_without_channels_are_errors():
    costs = table(feed=(10, 1, 10, 1))
    with pytest.raises(ValueError, match="occur twice"):
        decompose_change(pd.concat([costs, costs]), ["2023-11"], ["2024-11"])
    with pytest.raises(ValueError, match="needs a period and a channel"):
        decompose_change(costs.drop(columns="channel"), ["2023-11"], ["2024-11"])


def test_what_the_data_do_not_show_is_refused():
    costs = table(feed=(10, 1, 10, 0))
    assert "没有新客" in decompose_change(costs, ["2023-11"], ["2024-11"]).reason_zh
    blank = table(feed=(10, 1, 10, 1)).astype({"new_customers": "Int64"})
    blank.loc[0, "new_customers"] = pd.NA
    assert decompose_change(blank, ["2023-11"], ["2024-11"]).gate == "new customers"
    why = Refused("burn-in", "2023-11", "2024-01-01", "中途", "midway")
    blank.attrs = {"blank": {"2023-11": why}}
    assert decompose_change(blank, ["2023-11"], ["2024-11"]) == why
    part = table(feed=(10, 1, 10, 1))
    part.attrs = {"incomplete": ["2024-11"]}
    refused = decompose_change(part, ["2023-11"], ["2024-11"])
    assert refused.gate == "complete periods"
    assert set(change_estimates(part, ["2023-11"], ["2024-11"]).values()) == {refused}
    assert decompose_funnel(part.assign(impressions=1, clicks=1, visitors=1), ["2023-11"], ["2024-11"]) == refused
    bars = waterfall(refused)
    assert bars.empty
    assert bars.attrs["refused"] == refused


# --- the funnel ---


def funnel(**channels):
    """As `table`, with impressions, clicks, visitors of both months as three more pairs."""
    rows = []
    for channel, (first, second) in channels.items():
        rows += [("2023-11", channel, *first), ("2024-11", channel, *second)]
    return pd.DataFrame(
        rows, columns=["month", "channel", "spend", "new_customers", "impressions", "clicks", "visitors"]
    )


NUMBERS = st.tuples(*[st.integers(0, 10**6)] * 2, *[st.integers(0, 10**6) | st.none()] * 3)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.tuples(NUMBERS, NUMBERS), min_size=1))
def test_the_funnel_keeps_the_sum_of_every_channel(channels):
    made = funnel(**channels).astype(dict.fromkeys(("spend", "impressions", "clicks", "visitors"), float))
    plain, fine = (split(made, ["2023-11"], ["2024-11"]) for split in (decompose_change, decompose_funnel))
    if isinstance(plain, Refused):
        assert isinstance(fine, Refused)
        return
    size = max(1.0, plain.attrs["before"], plain.attrs["after"])
    assert abs(math.fsum(fine["contribution"]) - (plain.attrs["after"] - plain.attrs["before"])) <= 1e-9 * size
    for channel, part in plain.groupby("channel"):
        sums = fine[fine["channel"] == channel]["contribution"].sum()
        assert sums == pytest.approx(part["contribution"].sum(), abs=1e-8 * size)


@pytest.mark.parametrize(
    ("second", "moved"),
    [
        ((1000, 10, 10_000, 500, 400), "media_price"),
        ((500, 5, 10_000, 250, 200), "click_rate"),
        ((500, 5, 10_000, 500, 200), "visit_rate"),
        ((500, 5, 10_000, 500, 400), "conversion"),
    ],
)
def test_one_factor_alone_takes_the_whole_change(second, moved):
    made = decompose_funnel(funnel(feed=((500, 10, 10_000, 500, 400), second)), ["2023-11"], ["2024-11"])
    parts = made.set_index("component")["contribution"]
    assert parts.pop(moved) == pytest.approx(50.0)
    assert parts.tolist() == pytest.approx([0.0] * 4, abs=1e-12)


def test_channels_without_a_full_funnel_keep_their_within():
    made = decompose_funnel(
        funnel(
            feed=((500, 10, 10_000, 500, 400), (900, 12, 20_000, 800, 500)),
            search=((500, 10, None, 500, 400), (900, 12, 20_000, 800, 500)),
            notes=((500, 10, 10_000, 500, 0), (900, 12, 20_000, 800, 500)),
        ),
        ["2023-11"],
        ["2024-11"],
    )
    components = made.groupby("channel")["component"].agg(list)
    assert components["feed"] == ["mix", "media_price", "click_rate", "visit_rate", "conversion"]
    assert components["search"] == components["notes"] == ["mix", "within"]


def test_a_month_in_which_nothing_was_shown_does_not_hide_the_others():
    costs = funnel(feed=((500, 10, 10_000, 500, 400), (900, 12, 20_000, 800, 500)))
    idle = pd.DataFrame([("2023-12", "feed", 0.0, 1, None, None, None)], columns=costs.columns)
    made = decompose_funnel(pd.concat([costs, idle]), BEFORE, AFTER)
    assert "media_price" in set(made["component"])
    spent = idle.assign(spend=5.0)
    assert "within" in set(decompose_funnel(pd.concat([costs, spent]), BEFORE, AFTER)["component"])


# --- sentences and charts ---


def test_numbers_for_the_sentence():
    made = table(feed=(4000, 100, 4000, 100), begun=(0, 0, 500, 10), idle=(300, 0, 600, 0))
    found = change_estimates(made, ["2023-11"], ["2024-11"], level=0.8)
    assert (found["before"].value, found["after"].value) == pytest.approx((43.0, 5100 / 110))
    assert found["before"].level == 0.8
    assert found["before"].low < 43 < found["before"].high
    parts = [found[name] for name in change.COMPONENTS]
    assert all(isinstance(part, Estimate) and part.is_exact for part in parts)
    assert math.fsum(part.value for part in parts) == pytest.approx(found["change"].value, abs=1e-12)
    assert found["change_share"].value == pytest.approx(5100 / 110 / 43 - 1)
    assert found["change_share"].unit == "growth"
    assert found["change"].n == 210
    assert "2024-11 against 2023-11" in found["mix"].definition.en
    nothing = change_estimates(table(feed=(0, 10, 40, 10)), ["2023-11"], ["2024-11"])
    assert isinstance(nothing["change_share"], Refused)
    assert isinstance(nothing["before"], Refused)
    assert nothing["change"].value == 4.0


@pytest.mark.parametrize("by", ["component", "channel"])
def test_bars_meet(by):
    made = split(feed=(4000, 93, 4100, 71), begun=(0, 0, 500, 13), dropped=(900, 17, 0, 0), idle=(300, 0, 600, 0))
    bars = waterfall(made, by)
    assert bars["step"].iloc[[0, -1]].tolist() == ["before", "after"]
    assert bars["amount"].iloc[0] == round(5200 / 110, 2)
    assert bars["amount"].iloc[-1] == round(5200 / 84, 2)
    assert bars["start"].iloc[-2] + bars["amount"].iloc[-2] == pytest.approx(bars["end"].iloc[-2])
    assert bars["end"].iloc[-2] == bars["amount"].iloc[-1]
    steps = bars["step"].tolist()[1:-1]
    expected = ["mix", "within", "started", "stopped", "spend_without_customers"]
    assert steps == expected if by == "component" else set(steps) == {"feed", "begun", "dropped", "idle"}


def test_from_a_cost_table():
    orders = pd.DataFrame(
        {"customer_id": range(60), "amount": 9.0, "acquired_through": ["feed"] * 40 + ["direct"] * 20}
    )
    orders["ordered_at"] = pd.to_datetime(["2024-01-20", "2024-02-20"] * 30)
    spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-02-01"]), "channel": "feed", "spend": [600, 900]})
    made = costs.cost_table(spend, orders, "2024-02-29")
    parts = by_component(decompose_change(made, ["2024-01"], ["2024-02"]))
    assert parts == pytest.approx({"mix": 0.0, "within": 10.0})


def test_credit_split_among_channels_is_not_cut_to_whole_customers():
    """Attribution gives a channel parts of customers: 2.5 and 1.5 are 4, not 3."""
    made = table(feed=(100.0, 2.5, 90.0, 4.5), notes=(60.0, 1.5, 30.0, 1.5))
    found = decompose_change(made, ["2023-11"], ["2024-11"])
    assert found.attrs["before"] == 40.0
    assert math.fsum(found["contribution"]) == pytest.approx(120 / 6 - 160 / 4, abs=1e-9)
    assert change_estimates(made, ["2023-11"], ["2024-11"])["change"].n == 10


def test_months_may_be_written_otherwise():
    made = table(feed=(100.0, 2, 90.0, 4), notes=(60.0, 1, 30.0, 1))
    wanted = decompose_change(made, ["2023-11"], ["2024-11"])
    for kind in (pd.Period, pd.Timestamp):
        written = made.assign(month=[kind(month) for month in made["month"]])
        for lists in ((["2023-11"], ["2024-11"]), ([kind("2023-11")], [kind("2024-11")])):
            pd.testing.assert_frame_equal(decompose_change(written, *lists), wanted)


def test_rows_without_a_channel_are_refused():
    """Leaving them out would change the total that is split."""
    made = table(feed=(100.0, 2, 90.0, 4), notes=(60.0, 1, 30.0, 1))
    with pytest.raises(ValueError, match="row without channel"):
        decompose_change(made.assign(channel=[None, *made["channel"][1:]]), ["2023-11"], ["2024-11"])
