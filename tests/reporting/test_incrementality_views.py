"""Truth and lift tests as page 03 takes them: cells against the analysis, words against hand-made rows."""

import datetime
import math

import pandas as pd
import pytest

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.reporting import attribution_views
from siyu_helpers.reporting import incrementality_views as views

CALLED = {"feed": ("信息流", "Feed"), "wecom": ("企业微信", "WeCom")}
RULED = attribution_views.rule_names("direct", CALLED)
DAYS = {"from": datetime.date(2024, 3, 1), "until": datetime.date(2024, 3, 31)}


def share(value, unit="share"):
    return Estimate(value, math.nan, math.nan, 0.9, 100, unit, Words("手算", "by hand"), "by.hand")


@pytest.fixture
def compared():
    """Ten orders: 6 along feed > wecom, 3 wecom alone, 1 live alone; 90 journeys without an order."""
    table = pd.DataFrame(
        {"path": [("feed", "wecom"), ("wecom",), ("live",)], "conversions": [6, 3, 1], "value": [600.0, 150.0, 50.0],
         "nulls": [30, 20, 40]}
    )  # fmt: skip
    return channel_attribution.compare_rules(table, ["first", "last", "linear"])


KNOWN = {
    "customers": 20, "orders": 40,
    "orders_lost_without": {
        "feed": {"orders": 30, "share_of_orders": 0.75, "new_customers": 7, "contribution": 1.0},
        "live": {"orders": 2, "share_of_orders": 0.05, "new_customers": 1, "contribution": 1.0},
        "wecom": {"orders": 8, "share_of_orders": 0.2, "new_customers": 2, "contribution": 1.0},
        "referral": {"orders": 10, "share_of_orders": 0.25, "new_customers": 3, "contribution": 1.0},
    },
}  # fmt: skip


@pytest.mark.parametrize(("of", "feed"), [("new_customers", 7 / 20), ("all_orders", 0.75)])
def test_truth_of_what_the_page_attributes(compared, of, feed):
    against = views.against_truth(compared, KNOWN, of)
    shares = against.set_index(["channel", "rule"])
    assert shares["incremental_share"]["feed", "last"] == pytest.approx(feed)
    # Ten of the orders have a journey: both shares are of all orders, so that they can be compared.
    base = views.base_of(KNOWN, of)
    assert base == {"new_customers": 20, "all_orders": 40}[of]
    assert shares["share"]["wecom", "last"] == pytest.approx(9 / base)


def test_channels_that_nobody_touched_are_named_and_get_no_blame(compared):
    against = views.against_truth(compared, KNOWN, "new_customers")
    assert set(views.seen(against)["channel"]) == {"feed", "live", "wecom"}
    never = views.unseen(against, CALLED)
    assert (never["never"], never["largest"]) == (Words("referral", "referral"), Words("referral", "referral"))
    assert never["largest_lost"].value == pytest.approx(3 / 20)
    worst = channel_attribution.channel_against_truth(views.seen(against), "last", "under")
    said = views.truth_words(channel_attribution.truth_facts(against), worst, CALLED, RULED)
    assert said["worst"].en == "Feed"  # last touch gives it nothing; 7 of 20 would be lost
    assert said["nearest_rule"].en in ("first touch", "linear")
    known = KNOWN | {"orders_lost_without": {k: v for k, v in KNOWN["orders_lost_without"].items() if k != "referral"}}
    assert views.unseen(views.against_truth(compared, known, "new_customers"), CALLED) == {}


def test_nothing_is_said_of_truth_where_there_is_no_credit():
    rules = {
        "nearest_rule": "last",
        "farthest_rule": "first",
        "nearest_error": share(0.1),
        "farthest_error": share(0.2),
    }
    under = {"channel": "feed", "difference": share(-0.1)}
    assert views.truth_words(rules, under, CALLED, RULED)
    assert views.truth_words(rules | {"nearest_rule": None}, under, CALLED, RULED) == {}
    assert views.truth_words(rules, under | {"channel": None}, CALLED, RULED) == {}
    assert (
        views.truth_words(rules, under | {"difference": share(0.1)}, CALLED, RULED) == {}
    )  # no channel gets too little
    assert (
        views.truth_words(rules | {"farthest_error": share(0.1)}, under, CALLED, RULED) == {}
    )  # all rules are as far off


def test_the_window_of_a_lift_test_holds_its_days_and_no_others():
    days = pd.to_datetime(["2024-01-10", "2024-02-10", "2024-03-10"])
    touches = pd.DataFrame({"visitor_id": [1, 2, 3], "touched_at": days, "channel": "feed", "customer_id": [1, 2, 3]})
    orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": [1, 2, 3], "ordered_at": days, "amount": 9.0})
    test = {"from": "2024-02-01", "until": "2024-02-29"}
    made = views.window(touches, orders, test, "new_customers", {"lookback_days": 30, "observed_until": "2024-12-31"})
    assert made["conversions"].sum() == 1
    assert (made.attrs["first_day"], made.attrs["last_day"]) == ("2024-02-10", "2024-02-10")


def lift_tests(*tests, **more):
    return [
        DAYS | {"channel": channel, "of": "orders", "incremental": incremental, "standard_error": error} | more
        for channel, incremental, error in tests
    ]


def calibrated(*tests):
    """Credit of feed and wecom, calibrated by tests of 31 days: (channel, increment, standard error)."""
    table = pd.DataFrame(
        {"path": [("feed",), ("wecom",)], "conversions": [400, 400], "value": [1.0, 1.0], "nulls": [9000, 9000]}
    )
    windows = [table.assign(conversions=100, nulls=2000)] * len(tests)
    return channel_attribution.calibrate(table, lift_tests(*tests), windows, "last", draws=50, seed=1)


@pytest.mark.parametrize(
    ("tests", "kind", "channel"),
    [
        ([("feed", 60.0, 5.0), ("wecom", 30.0, 5.0)], "differs", "WeCom"),  # the credit of both is 100
        ([("feed", 30.0, 5.0), ("wecom", 60.0, 5.0)], "differs", "Feed"),
        ([("feed", 5.0, 9.0), ("wecom", 250.0, 5.0)], "differs", "WeCom"),
        ([("feed", 5.0, 9.0), ("wecom", 98.0, 9.0)], "no effect seen", "Feed"),
        ([("feed", -40.0, 9.0)], "no effect seen", "Feed"),
        ([("feed", 98.0, 9.0)], "agrees", "Feed"),
    ],
)
def test_the_lift_test_that_says_most(tests, kind, channel):
    found = views.tested(calibrated(*tests), CALLED, lift_tests(*tests, spend=500.0))
    said = found["said"]
    assert (found["kind"], said["tested_channel"].en) == (kind, channel)
    assert said["test_credited"].value == pytest.approx(100)
    incremental = {CALLED[name][1]: value for name, value, _ in tests}[channel]
    assert said["test_incremental"].value == incremental
    assert (said["test_from"], said["test_until"]) == ("2024-03-01", "2024-03-31")
    # A factor, or a cost, of an effect that may be none would be read as one.
    assert ("test_factor" in said) == ("caused_cost" in found) == (kind != "no effect seen")
    verdict = {True: views.UNDERSTATED, False: views.OVERSTATED}[incremental > 100]
    assert said.get("verdict") == (verdict if kind == "differs" else None)
    if "caused_cost" in found:
        assert found["caused_cost"].value == pytest.approx(500 / incremental)
    assert kind in views.KINDS


def test_without_a_test_nothing_is_said():
    assert views.tested(calibrated(), CALLED, []) == {}


def test_a_test_that_cannot_calibrate_says_why():
    hidden = calibrated(("referral", 50.0, 5.0))
    assert views.tested(hidden, CALLED, lift_tests(("referral", 50.0, 5.0))) == {}
    why = views.why_not(hidden)
    assert why.zh
    assert why.en[0].isupper()
    few = calibrated(("feed", 50.0, 5.0))
    few.attrs["refused"] = [{"channel": "feed", "zh": "太少。", "en": "Too few."}]
    assert views.why_not(few) == Words("太少。", "Too few.")


def test_a_row_for_each_tested_channel_with_its_cost_and_the_truth():
    both = [("feed", 50.0, 2.0), ("wecom", 80.0, 2.0)]
    tests = [test | {"spend": spend} for test, spend in zip(lift_tests(*both), (500.0, 400.0), strict=True)]
    rows = views.tested_rows(calibrated(*both), tests, KNOWN, "all_orders", 0.9).set_index("channel")
    assert rows["cost"].to_dict() == pytest.approx({"feed": 10.0, "wecom": 5.0})
    assert (rows["cost_low"] < rows["cost"]).all()
    assert rows["truth"].to_dict() == {"feed": 30, "wecom": 8}
    assert views.truth_column(KNOWN)
    real = views.tested_rows(calibrated(*both), lift_tests(*both), None, "all_orders", 0.9)
    assert real[["cost", "truth"]].isna().all(axis=None)  # a real brand, tests that do not say what was spent
    assert views.truth_column(None) == {}


def test_of_several_lift_tests_a_channel_none_has_the_cost():
    twice = [("feed", 50.0, 2.0), ("feed", 60.0, 2.0)]
    tests = lift_tests(*twice, spend=500.0)
    rows = views.tested_rows(calibrated(*twice), tests, KNOWN, "all_orders", 0.9)
    assert rows["cost"].isna().all()
    assert "caused_cost" not in views.tested(calibrated(*twice), CALLED, tests)


def test_days_of_several_tests_run_from_the_first_to_the_last():
    late = {"from": datetime.date(2024, 6, 1), "until": datetime.date(2024, 6, 30)}
    twice = [("feed", 50.0, 2.0), ("feed", 60.0, 2.0)]
    first, second = lift_tests(*twice)
    for given in ([first, second | late], [second | late, first]):
        said = views.tested(calibrated(*twice), CALLED, given)["said"]
        assert (said["test_from"], said["test_until"]) == ("2024-03-01", "2024-06-30")


@pytest.mark.parametrize(("lost", "inside"), [(200, True), (390, False)])
def test_whether_the_calibrated_number_holds_the_truth(lost, inside):
    """Credit 400 in all; the test finds half of it: about 200 are caused."""
    made = calibrated(("feed", 50.0, 4.0))
    known = {"orders_lost_without": {"feed": {"orders": lost}}}
    said = views.truth_inside(made, known, "all_orders", CALLED)
    assert said["truth_channel"].en == "Feed"
    assert (said["truth_count"].value, said["credited_count"].value) == pytest.approx((lost, 400))
    assert said["calibrated_count"].value == pytest.approx(200)
    assert ("contains" in said["verdict_inside"].en) == inside
    assert ("没有" in said["verdict_inside"].zh) != inside
    assert views.truth_inside(made, {"orders_lost_without": {}}, "all_orders", CALLED) == {}
    assert views.truth_inside(calibrated(), known, "all_orders", CALLED) == {}
