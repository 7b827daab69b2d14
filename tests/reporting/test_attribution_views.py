"""Tables and words of the attribution page: cells against the analysis they come from, words against hand-made rows."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import attribution_views as views
from siyu_helpers.reporting import names

CALLED = {"feed": ("信息流", "Feed"), "wecom": ("企业微信", "WeCom")}
RULED = views.rule_names("live", CALLED)
DOMAINS = {"feed": "public", "live": "public", "wecom": "private"}
LIVE = {"live": ("直播", "Live shows")}
HOURS = pd.Series([(50.0, 2.0), (1.0,), (1.0,)], dtype=object)
REFUSED = Refused("orders", 0, 1, "没有订单。", "No orders.")


def share(value, unit="share"):
    return Estimate(value, math.nan, math.nan, 0.9, 100, unit, Words("手算", "by hand"), "by.hand")


@pytest.fixture
def journeys():
    """Ten orders: 6 along feed > wecom, 3 wecom alone, 1 live alone; 90 journeys without an order."""
    return pd.DataFrame(
        {"path": [("feed", "wecom"), ("wecom",), ("live",)], "conversions": [6, 3, 1], "value": [600.0, 150.0, 50.0],
         "nulls": [30, 20, 40]}
    )  # fmt: skip


@pytest.fixture
def compared(journeys):
    return channel_attribution.compare_rules(journeys, ["first", "last", "linear"])


@pytest.fixture
def nothing(journeys):
    """The same journeys, none of which ended with an order."""
    return channel_attribution.compare_rules(journeys.assign(conversions=0, value=0.0), ["first", "last"])


# --- names ---


def test_a_channel_without_a_name_goes_by_its_key():
    assert views.name_of("feed", CALLED) == Words("信息流", "Feed")
    assert views.name_of("live", CALLED) == Words("live", "live")


@pytest.mark.parametrize("rule", channel_attribution.RULE_WORDS)
def test_a_rule_is_small_in_a_sentence_unless_it_is_a_person(rule):
    assert views.rule_of(rule, RULED).en[0].isupper() == (rule in ("markov", "shapley"))
    assert views.rule_of(rule, RULED).zh == RULED[rule][0]


def test_the_rule_that_passes_over_direct_traffic_calls_it_as_the_brand_does():
    named = views.rule_names("direct", {"direct": ("自然到店", "Walk-in")})
    assert named["last_non"] == ("末次触点，跳过自然到店", "Last touch other than walk-in")
    assert views.rule_names("wecom", CALLED)["last_non"][1].endswith("WeCom")
    assert set(named) == set(channel_attribution.RULE_WORDS)
    assert named["first"] == tuple(channel_attribution.RULE_WORDS["first"])


@pytest.mark.parametrize(
    ("channels", "zh", "en"),
    [([], "", ""), (["feed"], "信息流", "Feed"), (["feed", "wecom"], "信息流、企业微信", "Feed and WeCom"),
     (["feed", "live", "wecom"], "信息流、live、企业微信", "Feed, live and WeCom")],
)  # fmt: skip
def test_channels_in_a_row(channels, zh, en):
    assert views.listed(channels, CALLED) == Words(zh, en)


def test_whether_all_numbers_are_known():
    numbers = {"one": share(0.1), "other": REFUSED}
    assert not views.all_known(numbers)
    assert views.all_known(numbers, "one")
    assert not views.all_known(numbers, "one", "other")


def test_states_are_drawn_from_start_to_end():
    called = list(views.state_names(CALLED))
    assert called[0] == "(start)"
    assert called[1:3] == list(CALLED)
    assert set(called[3:]) == set(names.STATES) - {"(start)"}


# --- journeys ---


def test_journeys_are_counted_with_and_without_an_order(journeys):
    assert views.counts(journeys) == (10, 100)
    assert views.counts(journeys[:0]) == (0, 0)


def test_the_flow_leaves_out_steps_that_held_nothing_and_indents_parts():
    days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05"])
    touches = pd.DataFrame(
        {"visitor_id": [1, 1, 2], "touched_at": days, "channel": ["feed", "wecom", "feed"],
         "customer_id": pd.array([7, 7, None], dtype="Int64")}
    )  # fmt: skip
    orders = pd.DataFrame({"order_id": [1], "customer_id": [7], "ordered_at": [days[1]], "amount": [9.0]})
    made = channel_attribution.journeys(touches, orders, observed_until="2024-01-31")
    rows, flow = views.flow_rows(made), channel_attribution.flow_table(made).set_index("step")["count"]
    assert (flow["touches_read"], flow["touches_converting"], flow["touches_null"]) == (3, 2, 1)
    told = [(words[1].removeprefix("– "), count) for words, count in zip(rows["step"], rows["count"], strict=True)]
    assert told == [(channel_attribution.FLOW_WORDS[step].en, count) for step, count in flow.items() if count]
    heads = {channel_attribution.FLOW_WORDS[step].zh for step in ("touches_read", "orders_read", "journeys_formed")}
    assert heads <= {words[0] for words in rows["step"]}
    parts = [words for words in rows["step"] if words[0][0] == "　"]
    assert parts == [words for words in rows["step"] if words[1].startswith("– ")]
    assert 5 <= len(parts) < len(rows)


def test_a_path_is_text_in_both_languages(journeys):
    rows = views.path_rows(channel_attribution.commonest_paths(journeys), CALLED)
    assert rows["path"].iloc[0] == ("信息流 › 企业微信", "Feed › WeCom")
    assert rows["path"].iloc[2] == ("live", "live")
    assert rows["conversions"].tolist() == [6, 3, 1]


# --- the worked example ---


def test_the_example_gives_one_order_under_every_rule():
    """Counted by hand: three touches, 14, 7 and 0 days before; only Markov sees the two who did not buy.

    One in two who touch the advertisement first go on; without the account or WeCom no order is left.
    """
    rows = views.example_rows(views.example()).set_index("rule")
    assert set(rows.columns) == set(views.EXAMPLE_CHANNELS)
    assert rows.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(rows)))
    assert rows.loc["first", "ads"] == rows.loc["last", "wecom"] == 1
    assert rows.loc["position"].to_dict() == pytest.approx({"ads": 0.4, "account": 0.2, "wecom": 0.4})
    assert rows.loc["linear"].to_numpy() == pytest.approx(np.full(3, 1 / 3))
    # Half as much for each week before the order: 1/4, 1/2, 1.
    assert rows.loc["time_decay"].to_dict() == pytest.approx({"ads": 1 / 7, "account": 2 / 7, "wecom": 4 / 7})
    # P = 1/3 x 1/2 + 1/3 x 1/2... = 1/3; without the account or WeCom 0, without the advertisement 1/6.
    assert rows.loc["markov"].to_dict() == pytest.approx({"ads": 0.2, "account": 0.4, "wecom": 0.4})


# --- rules ---


def test_shares_are_the_credit_of_each_rule_most_first(journeys, compared):
    wide = views.share_rows(compared)
    assert wide.columns.tolist() == ["channel", "first", "last", "linear"]
    assert wide["channel"].tolist()[-1] == "live"
    for rule in ("first", "last", "linear"):
        credit = channel_attribution.credit(journeys, rule).set_index("channel")["conversions"] / 10
        assert wide.set_index("channel")[rule].to_dict() == pytest.approx(credit.to_dict())


def test_direct_traffic_is_passed_over_only_where_there_is_any(journeys):
    assert views.rule_options(journeys, 7, "direct") == {"half_life_days": 7}
    assert views.rule_options(journeys, 3, "live") == {"half_life_days": 3, "ignored": "live"}
    timed = journeys.assign(hours_before_end=HOURS)
    rules = set(channel_attribution.compare_rules(timed, **views.rule_options(timed, 7, "live"))["rule"])
    assert rules - set(channel_attribution.compare_rules(timed)["rule"]) == {"last_non"}


def test_each_rule_compared_is_explained_with_its_options(journeys):
    timed = journeys.assign(hours_before_end=HOURS)
    rows = views.rule_rows(channel_attribution.compare_rules(timed, half_life_days=11, ignored="live"), LIVE)
    said = rows.set_index("rule")["meaning"]
    assert set(said.index) == {"first", "last", "last_non", "linear", "position", "time_decay", "markov", "shapley"}
    assert "11" in said["time_decay"][0]
    assert "11" in said["time_decay"][1]
    assert "直播" in said["last_non"][0]
    assert "Live shows" in said["last_non"][1]
    assert all(zh and en and zh != en for zh, en in said)


def test_the_interval_stands_on_the_rows_of_markov_alone(journeys):
    compared = channel_attribution.compare_rules(journeys)
    sure = channel_attribution.bootstrap(journeys, "markov", draws=60, seed=1)
    both = views.with_interval(compared, sure)
    assert len(both) == len(compared)
    markov = both[both["rule"] == "markov"].set_index("channel")
    assert markov[["low", "high"]].to_dict() == sure.set_index("channel")[["low", "high"]].to_dict()
    assert both.loc[both["rule"] != "markov", ["low", "high"]].isna().all(axis=None)


def test_markov_s_table_has_share_interval_ranks_and_removal_effect(journeys):
    sure = channel_attribution.bootstrap(journeys, "markov", draws=60, seed=1)
    effects = channel_attribution.removal_effects(journeys)
    rows = views.markov_rows(sure, effects)
    assert rows["channel"].tolist() == ["wecom", "feed", "live"]
    assert rows["estimate"].is_monotonic_decreasing
    assert rows["removal_effect"].tolist() == effects.set_index("channel")["removal_effect"][rows["channel"]].tolist()
    assert (rows["estimate_low"] <= rows["estimate"]).all()
    assert rows["ranks"].iloc[0] == ("第 1", "1")
    assert rows["ranks"].iloc[1:].map(lambda words: words[1]).str.fullmatch(r"[23]|2 to 3").all()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(1.0, 1.0, ("第 1", "1")), (2.0, 10.0, ("第 2 至 10", "2 to 10")), (math.nan, math.nan, ("", ""))],
)
def test_ranks_in_words(low, high, said):
    sure = pd.DataFrame(
        {"channel": ["feed"], "estimate": 0.5, "low": 0.4, "high": 0.6, "rank_low": low, "rank_high": high}
    )
    effects = pd.DataFrame({"channel": ["feed"], "removal_effect": 0.5})
    assert views.markov_rows(sure, effects)["ranks"].tolist() == [said]


def test_the_channel_that_moves_most_and_whether_that_matters(compared, nothing):
    most = views.widest(compared, "direct", ["feed", "live"])
    said = views.range_words(most, CALLED, RULED)
    # feed has 6 of 10 first touches and no last one; wecom moves as far, but nobody pays for it.
    assert said == {
        "channel": Words("信息流", "Feed"),
        "lowest_rule": Words("末次触点", "last touch"),
        "highest_rule": Words("首次触点", "first touch"),
        "among": Words("投放渠道", "the paid channels"),
    }
    assert (most["lowest"].value, most["highest"].value) == pytest.approx((0, 0.6))
    assert views.matters(most)
    assert views.widest(compared, "direct", [])["channel"] == "wecom"  # equal spreads: the one with more credit
    assert views.widest(compared, "direct", ["live"])["among"].en == "all channels"  # one paid channel is no range
    unknown = views.widest(nothing, "direct", ["feed", "live"])
    assert views.range_words(unknown, CALLED, RULED) == {}
    assert not views.matters(unknown)
    alone = channel_attribution.compare_rules(pd.DataFrame({"path": [("feed",)], "conversions": [9]}))
    assert views.range_words(views.widest(alone, "direct", []), CALLED, RULED) == {}  # no rule differs from another


@pytest.mark.parametrize(("spread", "matters"), [(0.099, False), (0.10, True), (0.5, True)])
def test_a_tenth_of_all_orders_matters(spread, matters):
    assert views.matters({"spread": share(spread)}) == matters


def test_that_direct_traffic_loses_by_the_rule_that_passes_it_over_is_no_finding():
    table = pd.DataFrame({"path": [("feed", "direct"), ("wecom",)], "conversions": [9, 1]})
    compared = channel_attribution.compare_rules(table, ["last", "last_non", "linear"], ignored="direct")
    assert channel_attribution.channel_facts(compared, "direct")["lowest_rule"] == "last_non"
    direct = compared[compared["channel"] == "direct"]
    found = views.widest(direct, "direct", [])
    assert (found["channel"], found["lowest_rule"], found["lowest"].value) == ("direct", "linear", 0.45)
    # The rule counts for every other channel: the feed closes nine of ten only there.
    assert views.widest(compared, "direct", [])["highest_rule"] == "last_non"


def test_intervals_of_every_rule_are_those_of_its_own_bootstrap(journeys):
    timed = journeys.assign(hours_before_end=HOURS)
    compared = channel_attribution.compare_rules(timed, ["first", "time_decay", "markov"], half_life_days=2)
    drawn = {"draws": 60, "seed": 3, "level": 0.8}
    markov = channel_attribution.bootstrap(timed, "markov", **drawn)
    ends = views.intervals(timed, compared, markov, drawn)
    assert set(ends) == {"first", "time_decay", "markov"}
    own = channel_attribution.bootstrap(timed, "time_decay", half_life_days=2, **drawn)
    pd.testing.assert_frame_equal(ends["time_decay"], own)
    wide = views.share_rows(compared, ends).set_index("channel")
    for rule in ends:
        told = wide.loc[own["channel"], [f"{rule}_low", f"{rule}_high"]].to_numpy()
        assert told == pytest.approx(ends[rule].set_index("channel").loc[own["channel"], ["low", "high"]].to_numpy())
        assert (wide[f"{rule}_low"] <= wide[rule]).all()


def test_each_definition_of_removal_is_a_column_that_adds_up(journeys):
    rows = views.removal_rows(journeys).set_index("channel")
    assert rows.columns.tolist() == list(views.REMOVALS)
    assert rows.sum().to_numpy() == pytest.approx(np.ones(3))
    assert rows["to_null"].is_monotonic_decreasing
    # Orders that touched feed, wecom, live: 6, 9, 1 of ten.
    assert rows["lose_paths"].to_dict() == pytest.approx({"wecom": 9 / 16, "feed": 6 / 16, "live": 1 / 16})
    empty = views.removal_rows(journeys.assign(conversions=0, value=0.0))
    assert empty[list(views.REMOVALS)].isna().all(axis=None)


@pytest.mark.parametrize("name", names.STATES)
def test_a_channel_called_as_a_state_cannot_be_drawn(journeys, name):
    assert views.drawable(journeys)
    assert not views.drawable(pd.DataFrame({"path": [("feed",), ("feed", name)]}))


def shares(**rules):
    """Table of `compare_rules` by hand: rule -> shares of feed, wecom."""
    rows = [(channel, rule, value) for rule, its in rules.items() for channel, value in zip(CALLED, its, strict=True)]
    table = pd.DataFrame(rows, columns=["channel", "rule", "share"])
    return table.assign(conversions=table["share"] * 100, value=0.0)


def test_the_leader_is_named_only_where_every_rule_agrees():
    always = views.leader(shares(first=(0.6, 0.4), last=(0.7, 0.3)), CALLED)
    assert always["always"]
    assert always["said"]["leader"].en == "Feed"
    assert (always["said"]["least"].value, always["said"]["greatest"].value) == pytest.approx((0.6, 0.7))
    either = views.leader(shares(first=(0.6, 0.4), last=(0.3, 0.7)), CALLED)
    assert not either["always"]
    assert set(either["said"]["leaders"].en.split(" or ")) == {"Feed", "WeCom"}
    assert set(either["said"]["leaders"].zh.split("或")) == {"信息流", "企业微信"}


def test_two_that_share_the_first_place_under_every_rule_are_both_named():
    tied = views.leader(shares(first=(0.5, 0.5), last=(0.5, 0.5)), CALLED)
    assert not tied["always"]
    assert set(tied["said"]["leaders"].en.split(" or ")) == {"Feed", "WeCom"}


def test_nobody_leads_without_orders_or_without_another_channel(nothing):
    assert views.leader(nothing, CALLED) == {}
    alone = channel_attribution.compare_rules(pd.DataFrame({"path": [("feed",)], "conversions": [9]}), ["first"])
    assert views.leader(alone, CALLED) == {}


def test_the_order_of_the_chain_in_words():
    chosen = pd.DataFrame({"order": [1, 2, 3], "chosen": [False, True, False], "difference": [-0.02, 0.0, -0.5]})
    assert views.chosen_order(chosen) == 2
    lost = views.order_rows(chosen)["lost"]
    assert lost.tolist() == [20, 0, 500]
    assert not np.signbit(lost).any()  # no "-0.00" in the table


# --- domains ---


@pytest.fixture
def by_domain(journeys):
    repeated = journeys.assign(conversions=[6, 30, 1])
    both = {"new_customers": journeys, "all_orders": repeated}
    return {of: channel_attribution.compare_rules(table, ["first", "markov"]) for of, table in both.items()}


def test_domains_stand_in_rows_with_one_column_for_each_rule(by_domain):
    rows = views.domain_rows(by_domain, DOMAINS).set_index("domain")
    assert rows.columns.tolist() == ["first", "markov"]
    assert rows.index.tolist() == [
        ("新客首单：公域", "First orders: Public"), ("新客首单：私域", "First orders: Private"),
        ("全部订单：公域", "All orders: Public"), ("全部订单：私域", "All orders: Private"),
    ]  # fmt: skip
    assert rows["first"].tolist() == pytest.approx([0.7, 0.3, 7 / 37, 30 / 37])
    assert rows["markov"].iloc[:2].sum() == pytest.approx(1)
    unlisted = views.domain_rows(by_domain, {"feed": "public"})
    assert ("新客首单：未知", "First orders: Unknown") in unlisted["domain"].tolist()


def test_domains_that_nobody_touched_are_not_drawn(journeys):
    matrix = channel_attribution.hand_over(journeys, DOMAINS)
    assert "semi" in matrix.index
    drawn = views.known_domains(matrix)
    assert set(matrix.index) - set(drawn.index) == {"semi"}
    assert set(matrix.columns) - set(drawn.columns) <= {"semi"}
    pd.testing.assert_frame_equal(drawn, matrix.loc[drawn.index, drawn.columns])


def test_the_pool_s_share_over_the_rules(by_domain):
    found = views.pool_shares(by_domain, DOMAINS)
    assert list(found) == ["new_low", "new_high", "all_low", "all_high"]
    rows = views.domain_rows(by_domain, DOMAINS).set_index("domain")
    for key, kind in (("new", "First orders"), ("all", "All orders")):
        mine = next(row for name, row in rows.iterrows() if name[1] == f"{kind}: Private")
        assert (found[f"{key}_low"].value, found[f"{key}_high"].value) == pytest.approx((mine.min(), mine.max()))


def ends(new_low, new_high, all_low, all_high):
    values = {"new_low": new_low, "new_high": new_high, "all_low": all_low, "all_high": all_high}
    return {name: share(value) if isinstance(value, float) else value for name, value in values.items()}


def test_the_pool_lives_on_repeats_only_where_every_rule_says_so():
    assert views.repeats_more(ends(0.04, 0.11, 0.29, 0.32))
    assert not views.repeats_more(ends(0.04, 0.31, 0.29, 0.32))
    assert not views.repeats_more(ends(0.0, 0.0, 0.0, 0.0))
    assert not views.repeats_more(ends(0.04, REFUSED, 0.29, 0.32))
    assert not views.repeats_more(ends(0.04, 0.11, REFUSED, REFUSED))


def test_whether_there_is_a_pool_to_speak_of():
    assert views.has_pool(ends(0.0, 0.0, 0.0, 0.1))
    assert not views.has_pool(ends(0.0, 0.0, 0.0, 0.0))
    assert not views.has_pool(ends(REFUSED, REFUSED, REFUSED, REFUSED))


@pytest.mark.parametrize(
    ("numbers", "little"),
    [((0.0, 0.04, 0.0, 0.049), True), ((0.0, 0.04, 0.0, 0.05), False), ((0.0, 0.2, 0.0, 0.01), False),
     ((REFUSED, REFUSED, REFUSED, REFUSED), False)],
)  # fmt: skip
def test_how_the_sentence_on_the_pool_begins(numbers, little):
    assert ("little" in views.pool_opening(ends(*numbers)).en) == little
    assert bool(views.pool_opening(ends(*numbers)).zh) == little


def test_roles_by_domain_then_by_last_touches():
    roles = pd.DataFrame(
        {"channel": ["b", "a", "w", "x", "s"], "domain": ["public", "public", "private", "unknown", "semi"],
         "closes": [0.2, 0.2, 0.3, 0.0, 0.3], "role": ["feeder", "closer", "closer", "between", "both"]}
    )  # fmt: skip
    assert views.role_rows(roles)["channel"].tolist() == ["a", "b", "s", "w", "x"]
    made = channel_attribution.feeders_and_closers(
        pd.DataFrame({"path": [("feed", "wecom"), ("live",)], "conversions": [60, 40], "nulls": [9, 9]}), DOMAINS
    )
    assert set(views.role_rows(made)["role"]) <= set(names.ROLES)
    # Too few to tell is a blank that has a name, and no "nan" in the table.
    assert views.role_rows(roles.assign(role=[np.nan, "closer", None, "between", "both"]))["role"].tolist()[1] is None
    assert None in names.ROLES


def test_every_step_to_joining_has_a_name():
    times = pd.DataFrame(
        [(step, group) for step, group in names.JOINING], columns=["step", "group"]
    ).assign(customers=1)  # fmt: skip
    rows = views.time_rows(times)
    assert rows["step"].tolist() == list(names.JOINING.values())
    assert {step for step, _ in names.JOINING} == set(channel_attribution.JOINING_STEPS)
    assert {group for _, group in names.JOINING} == set(channel_attribution.JOINING_GROUPS)


# --- money ---


def test_the_days_of_the_last_months_as_journeys_takes_them():
    assert views.ends(("2024-01-01", "2024-12-31")) == {"ended_from": "2024-01-01", "observed_until": "2024-12-31"}
    assert views.ends(REFUSED) == {}


def facts(lowest, highest, channel="feed"):
    return {
        "channel": channel, "cac_lowest": lowest, "cac_highest": highest, "cac_lowest_rule": "first",
        "cac_highest_rule": "last",
    }  # fmt: skip


def test_the_cost_that_depends_most_on_the_rule_in_words():
    said = views.cost_words(facts(share(20.0), share(50.0)), CALLED, RULED)
    assert said["cost_channel"].zh == "信息流"
    assert (said["cost_low_rule"].en, said["cost_high_rule"].en) == ("first touch", "last touch")
    assert views.cost_words(facts(share(11.57), share(11.57)), CALLED, RULED) == {}  # every rule says the same
    for unknown in (facts(REFUSED, REFUSED, None), facts(share(2.0), REFUSED), facts(REFUSED, share(2.0))):
        assert views.cost_words(unknown, CALLED, RULED) == {}


def test_each_cost_stands_beside_its_rule():
    cost = pd.DataFrame(
        {"channel": ["feed", "live"], "cac_lowest": [9.5, 1234.4], "cac_lowest_rule": ["first", "markov"],
         "cac_highest": [99.99, math.nan], "cac_highest_rule": ["last_non", None]}
    )  # fmt: skip
    rows = views.cost_rows(cost, RULED)
    assert rows["lowest"].tolist() == [
        ("9.50（首次触点）", "9.50 (first touch)"),
        (f"1,234（{RULED['markov'][0]}）", "1,234 (Markov)"),
    ]
    assert rows["highest"].tolist() == [
        ("99.99（末次触点，跳过live）", "99.99 (last touch other than live)"),
        ("没有上限", "no limit"),
    ]
    assert rows["cac_lowest"].tolist() == cost["cac_lowest"].tolist()


@pytest.mark.parametrize(
    ("twice", "parts", "too_much"),
    [(1.7, (1.2, 1.4), True), (1.7, (0.9, 1.4), False), (0.8, (1.2, 1.4), False)],
)
def test_platforms_claim_too_much_only_where_every_part_says_so(twice, parts, too_much):
    numbers = {f"part_{at}": share(value, "times") for at, value in enumerate(parts)}
    assert views.claims_too_much(share(twice, "times"), numbers) == too_much
    assert not views.claims_too_much(REFUSED, numbers)
    assert not views.claims_too_much(share(twice, "times"), numbers | {"more": REFUSED})


def test_a_warning_is_a_plain_sentence():
    assert views.reason(REFUSED) == Words("没有订单。", "No orders.")


def test_bars_of_the_cost_before_and_after_sharing():
    charged = pd.DataFrame(
        {"domain": ["private", "public", "semi"], "cost_last_touch": [0.0, 50.0, math.nan],
         "cost_last_touch_low": [math.nan, 40.0, math.nan], "cost_last_touch_high": [math.nan, 60.0, math.nan],
         "cost_shared": [9.0, 42.0, math.nan], "cost_shared_low": [7.0, 35.0, math.nan],
         "cost_shared_high": [11.0, 51.0, math.nan]}
    )  # fmt: skip
    bars = views.shared_bars(charged).set_index(["domain", "count"])
    assert set(bars.index.get_level_values("domain")) == {"private", "public"}  # nothing is known of the third
    assert bars.loc[("private", "cost_last_touch"), "cost"] == 0  # a known zero stays a bar
    assert bars.loc[("public", "cost_shared"), ["cost", "low", "high"]].tolist() == [42, 35, 51]
    assert set(bars.index.get_level_values("count")) == set(names.UPSTREAM)


@pytest.mark.parametrize(("number", "zero"), [(share(0.0), True), (share(0.01), False), (REFUSED, False)])
def test_a_refused_number_is_not_zero(number, zero):
    assert views.is_zero(number) == zero


def test_every_column_of_claims_is_there():
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    touches = pd.DataFrame({"visitor_id": [1, 2], "touched_at": days, "channel": "feed", "customer_id": [1, 2]})
    orders = pd.DataFrame({"order_id": [1, 2], "customer_id": [1, 2], "ordered_at": days, "amount": 9.0})
    made = channel_attribution.journeys(touches, orders, observed_until="2024-01-02", ages=True)
    spend = pd.DataFrame({"date": days, "channel": "feed", "spend": 5.0, "claimed_conversions": 3.0})
    claims = channel_attribution.claimed_against_orders(spend, orders, "2024-01-01", "2024-01-02", journeys=made)
    assert set(views.CLAIM_COLUMNS) <= set(claims.columns)
    assert set(claims["channel"]) == {"feed", *names.ALL}
