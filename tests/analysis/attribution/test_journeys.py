"""Journeys against tables worked by hand, a plain loop over random tables, other engines, and sums that must fit."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from touch_logs import ENGINES

from siyu_helpers.analysis.attribution import paths
from siyu_helpers.analysis.attribution.journeys import FLOW_WORDS, flow_table, journeys, linked_share
from siyu_helpers.analysis.estimates import Refused

START = pd.Timestamp("2024-01-01")
LEFT_OUT = {
    "touches": [step for step in FLOW_WORDS if step.startswith("touches_") and step != "touches_read"],
    "orders": [step for step in FLOW_WORDS if step.startswith("orders_") and step != "orders_read"],
    "journeys": ["ended_earlier", "open_left_out", "only_direct", "converting", "null"],
}
LEFT_OUT["journeys"] = [f"journeys_{step}" for step in LEFT_OUT["journeys"]]


def at_days(days):
    return (START + pd.to_timedelta(np.round(np.asarray(days, dtype=float) * 86_400), "s")).astype("datetime64[us]")


def touched(*rows):
    """Touches from (visitor, days since 1 January 2024, channel, customer) rows."""
    frame = pd.DataFrame(list(rows), columns=["visitor_id", "days", "channel", "customer_id"])
    return frame.assign(touched_at=at_days(frame.pop("days")))


def ordered(*rows):
    """Orders from (customer, days since 1 January 2024, amount, refunded) rows."""
    frame = pd.DataFrame([(*row, 0.0)[:4] for row in rows], columns=["customer_id", "days", "amount", "refunded"])
    return frame.assign(ordered_at=at_days(frame.pop("days"))).astype({"amount": float, "refunded": float})


def of_ana(*touches):
    """Touches of the customer ana, from (days, channel)."""
    return touched(*[("v", day, channel, "ana") for day, channel in touches])


def told(made):
    """The table as {path: (conversions, value, nulls)}."""
    return {row.path: (row.conversions, row.value, row.nulls) for row in made.itertuples()}


def add_up(flow):
    for unit, parts in LEFT_OUT.items():
        total = flow["journeys_formed" if unit == "journeys" else f"{unit}_read"]
        assert sum(flow[part] for part in parts) == total, unit


# --- one journey per order ---


def test_the_touches_after_the_previous_order_and_in_the_window_are_the_journey_of_an_order():
    touches = of_ana((0, "a"), (10, "b"), (12, "c"), (13, "d"), (14, "e"), (15, "f"))
    made = journeys(touches, ordered(("ana", 13, 30), ("ana", 14.5, 50)), lookback_days=5)
    assert told(made) == {
        ("a",): (0, 0, 1),  # 13 days before the order
        ("b", "c", "d"): (1, 30, 0),  # d at the very moment of the order
        ("e",): (1, 50, 0),
        ("f",): (0, 0, 1),  # after the last order
    }
    assert list(made.columns) == ["path", "conversions", "value", "nulls"]
    assert made["conversions"].dtype == made["nulls"].dtype == np.int64
    add_up(made.attrs["flow"])


def test_the_window_is_whole_days_of_24_hours_and_includes_its_end():
    second = 1 / 86_400
    touches, orders = of_ana((1, "in"), (1 - second, "out")), ordered(("ana", 6, 30))
    assert told(journeys(touches, orders, 5)) == {("in",): (1, 30, 0), ("out",): (0, 0, 1)}
    assert told(journeys(touches, orders, 5 + second)) == {("out", "in"): (1, 30, 0)}


def test_orders_without_a_touch_of_their_own_are_counted_and_have_no_path():
    orders = ordered(("ana", 2, 10), ("ana", 2, 30), ("ana", 3, 7), ("ben", 2, 5), (None, 2, 9))
    made = journeys(of_ana((1, "a")), orders)
    assert told(made) == {("a",): (1, 30, 0)}  # of two orders at one moment the larger has the touches
    flow = made.attrs["flow"]
    assert (flow["orders_without_touch"], flow["orders_without_customer"], flow["orders_with_journey"]) == (3, 1, 1)
    assert linked_share(made).value == 1 / 5
    assert linked_share(made).is_exact
    add_up(flow)


def test_touches_without_an_order_are_one_journey_up_to_a_gap_or_an_order():
    touches = of_ana((0, "a"), (5, "b"), (10.1, "c"), (20, "d"), (31, "e"), (31.5, "f"))
    made = journeys(touches, ordered(("ana", 31.2, 8)), lookback_days=5)
    assert told(made) == {
        ("a", "b"): (0, 0, 1),
        ("c",): (0, 0, 1),
        ("d",): (0, 0, 1),
        ("e",): (1, 8, 0),
        ("f",): (0, 0, 1),
    }


def test_touches_before_the_visitor_was_known_count():
    touches = touched(("v", 0, "feed", None), ("v", 1, "wecom", "ana"), ("w", 1, "feed", None))
    made = journeys(touches, ordered(("ana", 2, 10)))
    assert told(made) == {("feed", "wecom"): (1, 10, 0), ("feed",): (0, 0, 1)}
    assert made.attrs["flow"]["visitors_linked"] == 1


# --- new customers ---


def test_of_new_customers_only_the_first_order_counts_and_touches_after_it_are_left_out():
    touches = of_ana((0, "a"), (10, "b"), (11, "c"), (12, "d"), (13, "e"))
    made = journeys(touches, ordered(("ana", 10, 30), ("ana", 12, 50)), 5, conversions_of="new_customers")
    assert told(made) == {("a",): (0, 0, 1), ("b",): (1, 30, 0)}
    flow = made.attrs["flow"]
    assert (flow["touches_after_order"], flow["orders_not_counted"]) == (3, 1)
    assert linked_share(made).n == 1
    add_up(flow)


def test_customers_who_are_old_or_may_be_are_left_out():
    touches = touched(
        ("u", 5, "a", "old"), ("v", 40, "b", "new"), ("w", 5, "c", None), ("x", 40, "d", None), ("y", 40, "e", "said"),
        ("z", 40, "f", "silent"),
    )  # fmt: skip
    orders = ordered(("old", 6, 10), ("old", 50, 10), ("new", 41, 20), ("said", 41, 30))
    how = {"conversions_of": "new_customers", "observed_from": START, "history": "truncated", "burn_in_days": 30}
    made = journeys(touches, orders, 10, **how)
    # what ended before new customers can be told apart is left out, with and without an order
    assert told(made) == {("b",): (1, 20, 0), ("d",): (0, 0, 1), ("e",): (1, 30, 0), ("f",): (0, 0, 1)}
    assert made.attrs["flow"]["touches_of_old_customers"] == made.attrs["flow"]["touches_ended_earlier"] == 1
    add_up(made.attrs["flow"])
    stated = pd.DataFrame({"customer_id": ["said", "silent", "new"], "first_order_at": at_days([-9, -9, 41])})
    made = journeys(touches, orders, 10, **how, first_order_at=stated)
    assert told(made) == {("a",): (1, 10, 0), ("b",): (1, 20, 0), ("c",): (0, 0, 1), ("d",): (0, 0, 1)}
    assert made.attrs["flow"]["touches_of_old_customers"] == 2
    add_up(made.attrs["flow"])


# --- one journey a person ---


def test_one_journey_a_person_is_worth_all_orders_and_what_lies_outside_is_counted():
    days = [(0, "a"), (10, "b"), (13, "c"), (20, "d"), (29, "e"), (31, "f")]
    touches = touched(
        *[("v", day, channel, "ana") for day, channel in days],
        ("w", 0, "a", None), ("w", 50, "b", None),
    )  # fmt: skip
    made = journeys(touches, ordered(("ana", 12, 30), ("ana", 30, 50)), 5, per="person")
    assert told(made) == {("b", "e"): (1, 80, 0), ("a", "b"): (0, 0, 1)}
    flow = made.attrs["flow"]
    assert (flow["touches_outside_window"], flow["touches_after_order"], flow["orders_with_journey"]) == (3, 1, 2)
    add_up(flow)
    made = journeys(touches, ordered(("ana", 12, 30), ("ana", 30, 50)), 5, per="person", conversions_of="new_customers")
    assert told(made) == {("b",): (1, 30, 0), ("a", "b"): (0, 0, 1)}
    add_up(made.attrs["flow"])


# --- the ends of the period ---


def test_only_journeys_that_end_in_the_period_are_kept_with_their_whole_path():
    touches = touched(
        ("v", 8, "a", "ana"), ("v", 11, "b", "ana"), ("w", 8, "c", None), ("w", 12, "d", None), ("x", 9.9, "e", None)
    )
    orders = ordered(("ana", 11, 30), ("ben", 5, 1), ("ben", 10, 1), (None, 5, 1), ("ana", 20, 5))
    made = journeys(touches, orders, ended_from="2024-01-11", observed_until="2024-01-13")
    assert told(made) == {("a", "b"): (1, 30, 0), ("c", "d"): (0, 0, 1)}
    flow, attrs = made.attrs["flow"], made.attrs
    assert (flow["journeys_ended_earlier"], flow["orders_ended_earlier"], flow["orders_without_touch"]) == (1, 2, 1)
    assert flow["orders_later"] == 1
    assert (attrs["first_day"], attrs["last_day"]) == ("2024-01-12", "2024-01-13")
    assert (attrs["ended_from"], attrs["observed_until"]) == ("2024-01-11", "2024-01-13")
    add_up(flow)


@pytest.mark.parametrize("per", ["order", "person"])
def test_journeys_to_which_an_order_may_still_come_are_counted_or_left_out(per):
    touches = touched(("v", 0, "a", None), ("w", 4.99, "b", None), ("x", 5, "c", None), ("y", 9, "d", "ana"))
    orders = ordered(("ana", 9, 30))
    made = journeys(touches, orders, 5, observed_until="2024-01-10", per=per)
    assert made.attrs["flow"]["journeys_null_open"] == 1
    assert made["nulls"].sum() == 3
    made = journeys(touches, orders, 5, observed_until="2024-01-10", open_journeys="left_out", per=per)
    assert told(made) == {("a",): (0, 0, 1), ("b",): (0, 0, 1), ("d",): (1, 30, 0)}
    assert made.attrs["flow"]["journeys_open_left_out"] == made.attrs["flow"]["touches_still_open"] == 1
    assert made.attrs["flow"]["journeys_null_open"] == 0
    add_up(made.attrs["flow"])
    assert journeys(touches, orders, 5, per=per).attrs["flow"]["journeys_null_open"] == 2  # to the last touch, day 9


# --- direct traffic, times, money ---


def test_direct_traffic_is_kept_or_left_out():
    touches = touched(
        ("v", 0, "direct", "ana"),
        ("v", 1, "a", "ana"),
        ("w", 1, "direct", "ben"),
        ("x", 1, "direct", None),
        ("y", 1, "a", None),
    )
    orders = ordered(("ana", 2, 10), ("ben", 2, 20))
    kept = {("direct", "a"): (1, 10, 0), ("direct",): (1, 20, 1), ("a",): (0, 0, 1)}
    assert told(journeys(touches, orders, direct="direct")) == kept
    made = journeys(touches, orders, direct="direct", direct_rule="drop_beside_others")
    assert told(made) == {("a",): (1, 10, 1), ("direct",): (1, 20, 1)}
    assert made.attrs["flow"]["touches_direct"] == 1
    made = journeys(touches, orders, direct=["direct", "bookmark"], direct_rule="drop")
    assert told(made) == {("a",): (1, 10, 1)}
    flow = made.attrs["flow"]
    assert (flow["touches_direct"], flow["journeys_only_direct"], flow["orders_only_direct"]) == (3, 2, 1)
    assert linked_share(made).value == 0.5
    add_up(flow)


def test_orders_known_to_the_minute_come_after_the_touches_of_that_minute():
    minute, second = 1 / 1440, 1 / 86_400
    touches = of_ana(*[(day + 2 * minute + 20 * second, "a") for day in range(20)])
    orders = ordered(*[("ana", day + 2 * minute, 10) for day in range(20)])
    made = journeys(touches, orders)
    assert (made.attrs["clock"], told(made)) == ("minute", {("a",): (20, 200, 0)})
    made = journeys(touches, orders, clock="exact")
    assert made.attrs["flow"]["orders_without_touch"] == 1  # the others take the touch of the day before
    assert journeys(touches, orders.head(19)).attrs["clock"] == "exact"
    whole = touches.assign(touched_at=touches["touched_at"].dt.floor("min"))
    assert journeys(whole, orders).attrs["clock"] == "exact"
    by_day = orders.assign(ordered_at=orders["ordered_at"].dt.date)
    made = journeys(touches, by_day, ages=True)
    assert (made.attrs["clock"], told(made)) == ("day", {("a",): (20, 200, 0)})
    assert made["hours_before_end"].tolist() == [(0.0,)]
    assert told(journeys(touches, orders, clock="day")) == {("a",): (20, 200, 0)}


def test_several_channels_at_one_moment_are_counted():
    touches = of_ana((1, "a"), (1, "b"), (1, "b"), (2, "b"), (2, "b"))
    made = journeys(touches, ordered(("ana", 1.5, 1), ("ana", 2, 1)), domains={"a": "private", "b": "public"})
    assert told(made) == {("b", "b", "a"): (1, 1, 0), ("b", "b"): (1, 1, 0)}
    assert made.attrs["flow"]["journeys_with_ties"] == 1


def test_value_is_net_of_refunds_never_below_zero_and_exact():
    touches = of_ana(*[(day, "a") for day in range(4)])
    orders = ordered(("ana", 0, 0.1), ("ana", 1, 0.2), ("ana", 2, 10, 4), ("ana", 3, 5, 9))
    made = journeys(touches, orders)
    assert told(made) == {("a",): (4, 6.3, 0)}
    assert made.attrs["refunds"] == "net"
    assert told(journeys(touches, orders, refunds="gross")) == {("a",): (4, 15.3, 0)}
    assert journeys(touches, orders.drop(columns="refunded")).attrs["refunds"] == "none"


def test_variation_of_value_is_pooled_within_paths():
    touches = of_ana((0, "a"), (1, "a"), (2, "b"), (3, "b"), (4, "b"), (5, "c"))
    orders = ordered(*[("ana", day, amount) for day, amount in enumerate([10, 30, 10, 20, 30, 99])])
    # a: mean 20, squares 200; b: mean 20, squares 200; c alone says nothing. 400 / (400 x 1 + 400 x 2)
    for ages in (False, True):
        assert journeys(touches, orders, ages=ages).attrs["value_variation"] == pytest.approx(400 / 1200, abs=1e-15)
    assert "value_variation" not in journeys(touches, orders.tail(1)).attrs


def test_ages_are_hours_to_the_order_or_to_the_last_touch():
    touches = of_ana((0, "a"), (1, "b"), (10, "a"), (11, "b"), (20, "c"), (20.5, "c"))
    made = journeys(touches, ordered(("ana", 1.5, 10), ("ana", 11.5, 20)), ages=True)
    assert list(made.columns) == ["path", "conversions", "value", "nulls", "hours_before_end"]
    assert made["path"].tolist() == [("a", "b"), ("c", "c")]
    assert made["hours_before_end"].tolist() == [(36.0, 12.0), (12.0, 0.0)]
    assert made["conversions"].tolist() == [2, 0]
    paths.encode(made)


# --- the flow, and what cannot be ---


def test_the_flow_table_is_in_reading_order_and_has_words_for_every_step():
    made = journeys(of_ana((0, "a")), ordered(("ana", 1, 1)))
    table = flow_table(made)
    assert table["step"].tolist() == list(FLOW_WORDS)
    assert set(table["unit"]) == {"touches", "orders", "journeys", "paths", "visitors"}
    assert table.set_index("step")["count"].to_dict() == made.attrs["flow"]
    for function in (flow_table, linked_share):
        with pytest.raises(ValueError, match="make it from touchpoints and orders with journeys"):
            function(made.rename(columns=str).pipe(lambda f: pd.DataFrame(f.to_dict("list"))))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lookback_days": 0}, "lookback_days must be a number of days above 0"),
        ({"lookback_days": float("nan")}, "lookback_days must be a number of days above 0"),
        ({"lookback_days": "90"}, "lookback_days must be a number of days above 0"),
        ({"per": "orders"}, "per must be one of 'order', 'person'; got 'orders'; did you mean 'order'"),
        ({"conversions_of": "new"}, "conversions_of must be one of"),
        ({"direct_rule": "dropp"}, "did you mean 'drop'"),
        ({"direct_rule": "drop"}, "needs direct, the name of the channel"),
        ({"direct": "b", "domains": {"a": "public"}}, "direct must be one of 'a'"),
        ({"clock": "hour"}, "clock must be one of"),
        ({"refunds": "yes"}, "refunds must be one of"),
        ({"history": "half"}, "history must be one of"),
        ({"open_journeys": "null"}, "did you mean 'nulls'"),
        ({"observed_until": "soon"}, "observed_until must be a date"),
        ({"ended_from": "soon"}, "ended_from must be a date"),
        ({"conversions_of": "new_customers", "history": "truncated"}, "needs observed_from"),
    ],
)
def test_impossible_parameters_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        journeys(of_ana((0, "a")), ordered(("ana", 1, 1)), **wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="amount"), "there is no column 'amount'"),
        (lambda f: f.assign(ordered_at=f["ordered_at"].astype(str)), "ordered_at must hold dates"),
        (lambda f: f.assign(amount=np.nan), "1 orders have no amount"),
        (lambda f: f.assign(ordered_at=pd.NaT), "1 orders have no ordered_at"),
        (lambda f: f.assign(customer_id=7), "customer_id is text in one table and a number in another"),
    ],
)
def test_orders_that_cannot_be_read_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        journeys(of_ana((0, "a")), change(ordered(("ana", 1, 1))))


@pytest.mark.parametrize("bring", [lambda f: f, pl.from_pandas])
@pytest.mark.parametrize("ages", [False, True])
def test_tables_without_rows_give_a_table_without_rows(bring, ages):
    touches, orders = of_ana((0, "a")), ordered(("ana", 1, 1))
    for few, bought in ((touches.head(0), orders), (touches.head(0), orders.head(0))):
        for per, of in itertools.product(["order", "person"], ["all_orders", "new_customers"]):
            made = journeys(bring(few), bring(bought), per=per, conversions_of=of, ages=ages)
            assert made.empty
            assert list(made.columns)[:4] == ["path", "conversions", "value", "nulls"]
            assert len(paths.encode(made).conversions) == 0
            add_up(made.attrs["flow"])
    assert isinstance(linked_share(journeys(touches, orders.head(0))), Refused)
    assert told(journeys(bring(touches), bring(orders.head(0)), ages=ages)) == {("a",): (0, 0, 1)}
    assert journeys(touches, orders, ended_from="2025-01-01", ages=ages).empty


def test_long_paths_and_many_channels_are_told_apart():
    rng = np.random.default_rng(1)
    sequences = [tuple(rng.choice(40, rng.integers(1, 60))) for _ in range(40)] * 2
    sequences += [(*path[:-1], 40) for path in sequences]
    rows = [
        (f"v{i}", at / 24, f"c{step:02d}", None) for i, path in enumerate(sequences) for at, step in enumerate(path)
    ]
    made = journeys(touched(*rows), ordered())
    expected = Counter(tuple(f"c{step:02d}" for step in path) for path in sequences)
    assert dict(zip(made["path"], made["nulls"], strict=True)) == expected
    assert made["path"].tolist() == sorted(expected)


# --- random tables: a plain loop, sums, engines, order of rows ---

HOURS = 24
CUSTOMERS = [None, "ana", "ben", "cy"]
TOUCHES = st.lists(
    st.tuples(
        st.sampled_from("uvwxyz"), st.integers(0, 11 * HOURS), st.sampled_from(["a", "b", "direct"]),
        st.sampled_from([None, *CUSTOMERS]),
    ),
    max_size=25,
)  # fmt: skip
ORDERS = st.lists(
    st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, 11 * HOURS), st.integers(0, 9), st.integers(0, 9)), max_size=8
)
HOW = st.fixed_dictionaries(
    {
        "lookback_days": st.sampled_from([1, 2.5, 90]),
        "observed_until": st.sampled_from([None, "2024-01-08"]),
        "ended_from": st.sampled_from([None, "2024-01-05"]),
        "per": st.sampled_from(["order", "person"]),
        "conversions_of": st.sampled_from(["all_orders", "new_customers"]),
        "direct_rule": st.sampled_from(["keep", "drop_beside_others", "drop"]),
        "open_journeys": st.sampled_from(["nulls", "left_out"]),
        "burn_in_days": st.sampled_from([0, 3]),
    }
)


def made_of(rows, orders, how, bring=lambda frame: frame, ages=False):
    touches = touched(*[(visitor, hour / HOURS, channel, who) for visitor, hour, channel, who in rows])
    bought = ordered(*[(who, hour / HOURS, amount, back) for who, hour, amount, back in orders])
    history = {"history": "truncated", "observed_from": "2024-01-01"} if how["burn_in_days"] else {}
    return journeys(bring(touches), bring(bought), **how, **history, direct="direct", clock="exact", ages=ages)


def owners(rows):
    """Touches by person: {customer or (visitor,): [(hour, channel)]}, ties by frequency and name."""
    frequency, found = Counter(channel for _, _, channel, _ in rows), defaultdict(list)
    for visitor, hour, channel, who in rows:
        if who is None:
            moments = defaultdict(set)
            for other, when, _, name in rows:
                if other == visitor and name is not None:
                    moments[when].add(name)
            tells = {when: min(names) for when, names in moments.items() if len(names) == 1}
            later = [when for when in tells if when >= hour]
            who = tells[min(later) if later else max(tells)] if tells else (visitor,)
        found[who].append((hour, channel))
    return {who: sorted(own, key=lambda t: (t[0], -frequency[t[1]], t[1])) for who, own in found.items()}


def split(own, gap):
    """Touches without order, cut where more than a gap lies between two."""
    parts = []
    for touch in own:
        if parts and touch[0] - parts[-1][-1][0] <= gap:
            parts[-1].append(touch)
        else:
            parts.append([touch])
    return parts


def plain_journeys(own, bought, counted, how):
    """(touches, value or None, end) of one person, whose orders are (hour, worth), the larger first."""
    gap, new = how["lookback_days"] * HOURS, how["conversions_of"] == "new_customers"
    if how["per"] == "person":
        if not counted:
            return [(own, None, own[-1][0])]
        last = counted[-1][0]
        inside = [t for t in own if any(hour - gap <= t[0] <= hour for hour, _ in counted)]
        return [(inside, sum(worth for _, worth in counted), last)] if inside else []
    found, since = [], -1
    for hour, worth in counted:
        before = [t for t in own if since < t[0] <= hour]
        inside = [t for t in before if t[0] >= hour - gap]
        found += [(part, None, part[-1][0]) for part in split([t for t in before if t[0] < hour - gap], gap)]
        found += [(inside, worth, hour)] if inside else []
        since = hour
    rest = [t for t in own if t[0] > since] if not (new and bought) else []
    return found + [(part, None, part[-1][0]) for part in split(rest, gap)]


def plainly(rows, orders, how):
    """{(path, hours): [conversions, value, nulls]} by loops over persons, orders and touches."""
    end = 8 * HOURS if how["observed_until"] else None
    rows = [row for row in rows if end is None or row[1] < end]
    orders = [row for row in orders if row[0] is not None and (end is None or row[1] < end)]
    new = how["conversions_of"] == "new_customers"
    since = how["burn_in_days"] * HOURS if new and how["burn_in_days"] else -1
    start = max(since, 4 * HOURS if how["ended_from"] else -1)
    limit = end if end is not None else max((row[1] for row in rows), default=0)
    table = defaultdict(lambda: [0, 0, 0])
    for who, own in owners(rows).items():
        worths = [(hour, max(amount - back, 0), back - amount) for name, hour, amount, back in orders if name == who]
        bought = [(hour, worth) for hour, worth, _ in sorted(worths, key=lambda order: (order[0], order[2]))]
        if new and bought and bought[0][0] < since:
            continue
        for touches, worth, last in plain_journeys(own, bought, bought[:1] if new else bought, how):
            is_open = worth is None and last >= limit - how["lookback_days"] * HOURS
            if last < start or (is_open and how["open_journeys"] == "left_out"):
                continue
            others = [t for t in touches if t[1] != "direct"]
            if how["direct_rule"] == "drop" or (how["direct_rule"] == "drop_beside_others" and others):
                touches = others
            if touches:
                cell = table[tuple(c for _, c in touches), tuple(float(last - h) for h, _ in touches)]
                cell[2 if worth is None else 0] += 1
                cell[1] += worth or 0
    return dict(table)


def random_tables(rng):
    """Two hundred touches and sixty orders over ten days, many of them of the same persons at the same hours."""
    rows = [
        (f"v{rng.integers(60)}", int(rng.integers(264)), str(rng.choice(["a", "b", "direct"])), name)
        for name in rng.choice([None, None, *range(30)], 200)
    ]
    orders = [
        (name, int(rng.integers(264)), int(rng.integers(10)), int(rng.integers(10)))
        for name in rng.choice([None, *range(30)], 60)
    ]
    return [(*row[:3], None if row[3] is None else f"c{row[3]}") for row in rows], [
        (None if order[0] is None else f"c{order[0]}", *order[1:]) for order in orders
    ]


@pytest.mark.parametrize("seed", range(30))
def test_a_plain_loop_over_many_persons_gives_the_same(seed):
    rng = np.random.default_rng(seed)
    how = {
        "lookback_days": [1, 2.5, 90][rng.integers(3)],
        "observed_until": [None, "2024-01-08"][rng.integers(2)],
        "ended_from": [None, "2024-01-05"][rng.integers(2)],
        "per": ["order", "person"][rng.integers(2)],
        "conversions_of": ["all_orders", "new_customers"][rng.integers(2)],
        "direct_rule": ["keep", "drop_beside_others", "drop"][rng.integers(3)],
        "open_journeys": ["nulls", "left_out"][rng.integers(2)],
        "burn_in_days": [0, 3][rng.integers(2)],
    }
    same_as_plain(*random_tables(rng), how)


@given(TOUCHES, ORDERS, HOW)
@settings(max_examples=30, deadline=None)
def test_a_plain_loop_gives_the_same_table_and_the_flow_adds_up(rows, orders, how):
    same_as_plain(rows, orders, how)


def same_as_plain(rows, orders, how):
    made, aged, plain = made_of(rows, orders, how), made_of(rows, orders, how, ages=True), plainly(rows, orders, how)
    keys = zip(aged["path"], aged["hours_before_end"], strict=True)
    assert dict(zip(keys, aged[["conversions", "value", "nulls"]].to_numpy().tolist(), strict=True)) == plain
    assert_frame_equal(paths.aggregate(aged.drop(columns="hours_before_end")), made)
    assert aged.attrs == made.attrs
    flow, summed = made.attrs["flow"], made.sum(numeric_only=True)
    add_up(flow)
    assert (flow["touches_read"], flow["orders_read"]) == (len(rows), len(orders))
    assert (flow["journeys_converting"], flow["journeys_null"]) == (summed["conversions"], summed["nulls"])
    lengths = made["path"].map(len).astype(int)
    assert flow["touches_converting"] + flow["touches_null"] == (lengths * (made["conversions"] + made["nulls"])).sum()
    assert flow["paths_distinct"] == len(made)
    if how["per"] == "order":
        assert flow["orders_with_journey"] == flow["journeys_converting"]
    paths.encode(made)


@given(TOUCHES, ORDERS, HOW, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_and_the_names_of_persons_do_not_matter(rows, orders, how, random):
    made = made_of(rows, orders, how)
    called = dict(zip(["ana", "ben", "cy"], random.sample(["p", "q", "r"], 3), strict=True)) | {None: None}
    devices = dict(zip("uvwxyz", random.sample("123456", 6), strict=True))
    others = [(devices[visitor], hour, channel, called[who]) for visitor, hour, channel, who in rows]
    bought = [(called[who], *rest) for who, *rest in orders]
    random.shuffle(others)
    random.shuffle(bought)
    again = made_of(others, bought, how)
    assert_frame_equal(again, made)
    assert again.attrs == made.attrs


@given(TOUCHES, ORDERS, HOW)
@settings(max_examples=25, deadline=None)
def test_the_names_of_channels_do_not_matter(rows, orders, how):
    rows = list({(row[0], row[1], row[3]): row for row in rows}.values())
    hours = Counter(row[1] for row in rows)
    rows = [row for row in rows if hours[row[1]] == 1]  # of two channels at one moment the name may decide
    names = {"a": "z", "b": "(start)", "direct": "direct"}
    made = made_of(rows, orders, how)
    again = made_of([(visitor, hour, names[channel], who) for visitor, hour, channel, who in rows], orders, how)
    renamed = made.assign(path=[tuple(names[step] for step in path) for path in made["path"]])
    assert_frame_equal(again, paths.aggregate(renamed) if len(renamed) else made)
    assert again.attrs == made.attrs


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_table(engine):
    rng = np.random.default_rng(1)
    rows = [
        (f"v{rng.integers(40)}", rng.integers(0, 240), rng.choice(["a", "b", "direct"]), rng.choice([None, *CUSTOMERS]))
        for _ in range(200)
    ]
    orders = [
        (rng.choice(CUSTOMERS), rng.integers(0, 240), rng.integers(1, 900) / 100, rng.random()) for _ in range(60)
    ]
    how = {"lookback_days": 2, "burn_in_days": 0, "direct_rule": "drop", "conversions_of": "all_orders"}
    made, again = made_of(rows, orders, how), made_of(rows, orders, how, ENGINES[engine])
    assert_frame_equal(again, made)
    assert again.attrs == made.attrs
    stated = pd.DataFrame({"customer_id": ["ana", "ben"], "first_order_at": at_days([-9, 3])})
    history = {"history": "truncated", "observed_from": "2024-01-01", "conversions_of": "new_customers"}
    touches, bought = touched(*rows), ordered(*orders)
    bring = ENGINES[engine]
    made = journeys(touches, bought, 2, **history, first_order_at=stated)
    again = journeys(bring(touches), bring(bought), 2, **history, first_order_at=bring(stated))
    assert_frame_equal(again, made)
    assert again.attrs == made.attrs


# --- tables as an outsider makes them ---


@pytest.mark.parametrize("customer", [7, "ana"])
def test_touches_that_name_nobody_stand_beside_any_orders(customer):
    made = journeys(touched(("v", 1, "feed", None), ("v", 2, "sms", None)), ordered((customer, 3, 10)))
    assert told(made) == {("feed", "sms"): (0, 0, 1)}


@pytest.mark.parametrize("bring", [lambda frame: frame, pl.from_pandas])
def test_tables_without_rows_need_no_types(bring):
    touchpoints, orders = of_ana((1, "feed")), ordered(("ana", 2, 10))
    no_touches = bring(pd.DataFrame(columns=["visitor_id", "touched_at", "channel", "customer_id"]))
    no_orders = bring(pd.DataFrame(columns=["customer_id", "ordered_at", "amount"]))
    assert journeys(no_touches, orders).empty
    assert journeys(no_touches, no_orders).empty
    assert told(journeys(touchpoints, no_orders)) == {("feed",): (0, 0, 1)}


def test_times_of_different_zones_are_not_compared():
    touchpoints, orders = of_ana((1.0, "feed")), ordered(("ana", 1.1, 10))
    far = touchpoints.assign(touched_at=touchpoints["touched_at"].dt.tz_localize("Asia/Shanghai"))
    same = orders.assign(ordered_at=orders["ordered_at"].dt.tz_localize("Asia/Shanghai"))
    assert told(journeys(far, same)) == {("feed",): (1, 10, 0)}
    for other in (orders, orders.assign(ordered_at=orders["ordered_at"].dt.tz_localize("UTC"))):
        with pytest.raises(ValueError, match=r"touched_at in Asia/Shanghai, ordered_at in (no time zone|UTC)"):
            journeys(far, other)


@pytest.mark.parametrize("customers", [["ana", 7], [7, "ana"]])
def test_ids_of_two_kinds_in_one_column_are_refused_without_naming_them(customers):
    touchpoints = touched(("v", 1, "feed", "ana"), ("w", 1, "feed", "ana")).assign(customer_id=customers)
    with pytest.raises(ValueError, match="of the touches holds texts and numbers side by side") as told_of:
        journeys(touchpoints, ordered(("ana", 2, 10)))
    assert "ana" not in str(told_of.value)


def test_touches_that_never_name_a_customer_are_journeys_without_an_order():
    """The column customer_id is optional in the contract: an export of visits often has none."""
    touchpoints = pd.DataFrame({"visitor_id": ["v", "w"], "channel": ["feed", "feed"]})
    touchpoints["touched_at"] = pd.to_datetime(["2024-01-01", "2024-01-02"])
    for customer in ("ana", 7):
        orders = pd.DataFrame({"customer_id": [customer], "amount": [9.0], "ordered_at": pd.Timestamp("2024-01-03")})
        made = journeys(touchpoints, orders)
        assert made.to_dict("list") == {"path": [("feed",)], "conversions": [0], "value": [0.0], "nulls": [2]}
        assert made.attrs["flow"]["orders_without_touch"] == 1
