"""The cost table against a recount in plain Python, every variant and engine; cents; what it cannot know."""

import calendar
import datetime
import math
from collections import Counter
from fractions import Fraction

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import ENGINES
from scipy import stats

from siyu_helpers.analysis.acquisition import costs
from siyu_helpers.analysis.acquisition.costs import cac, compare_domains, cost_table, funnel_table
from siyu_helpers.analysis.acquisition.trends import trend
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data.simulate import RECIPES, simulate

COLUMNS = ["month", "channel", "spend", "new_customers", "cac", "cac_low", "cac_high"]
START = datetime.date(2023, 11, 20)
UNTIL = datetime.date(2024, 3, 10)
DOMAINS = {"feed": "public", "notes": "semi", "wecom": "private", "sms": "private"}
CHANNELS = ["feed", "notes", "wecom", None]


def moment(day, second=0):
    return datetime.datetime.combine(START + datetime.timedelta(days=day), datetime.time()) + datetime.timedelta(
        seconds=second
    )


def frame(rows, names, **dates):
    made = pd.DataFrame(rows, columns=names)
    for name in dates:
        made[name] = pd.to_datetime(made[name]).astype("datetime64[us]")
    return made


def brand(order_rows, spend_rows, pool_rows=(), member_rows=(), message_rows=()):
    """The tables of a brand from rows of small numbers; days count from 20 November 2023."""
    tables = {
        "orders": frame(
            [(who, moment(day, second), 10.0, CHANNELS[channel]) for who, day, second, channel in order_rows],
            ["customer_id", "ordered_at", "amount", "acquired_through"], ordered_at=1,
        ),
        "spend": frame(
            [(moment(day), ["feed", "notes", "sms"][channel], cents / 100) for day, channel, cents in spend_rows],
            ["date", "channel", "spend"], date=1,
        ),
        "pool_costs": frame(
            [(datetime.date(2023 + (10 + month) // 12, (10 + month) % 12 + 1, 1), item, cents / 100)
             for month, item, cents in pool_rows],
            ["month", "item", "amount"], month=1,
        ),
        "members": frame(
            [(who, moment(day), moment(day + stay) if stay else None) for who, day, stay in member_rows],
            ["customer_id", "joined_at", "left_at"], joined_at=1, left_at=1,
        ),
        "messages": frame(
            [(1, moment(day), "sms", cents / 100 if cents else None) for day, cents in message_rows],
            ["customer_id", "sent_at", "channel", "cost"], sent_at=1,
        ),
    }  # fmt: skip
    for column in ("spend", "amount", "cost"):
        for table in tables.values():
            if column in table:
                table[column] = table[column].astype(float)
    tables["orders"]["acquired_through"] = tables["orders"]["acquired_through"].astype("str")
    return tables


BRANDS = st.builds(
    brand,
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 115), st.sampled_from([0, 0, 60]), st.integers(0, 3)), max_size=25
    ),
    st.lists(st.tuples(st.integers(0, 115), st.integers(0, 2), st.integers(0, 99_999)), max_size=12),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["staff", "tools"]), st.integers(0, 99_999)), max_size=5),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 115), st.integers(0, 60)), max_size=10),
    st.lists(st.tuples(st.integers(0, 115), st.integers(0, 30)), max_size=6),
)


def minor(value):
    return 0 if value is None or pd.isna(value) else round(value * 10_000)


def month_of(date, lag=0):
    date = date - datetime.timedelta(days=lag)
    return f"{date.year}-{date.month:02d}"


def month_end(month):
    year, number = map(int, month.split("-"))
    return datetime.date(year, number, calendar.monthrange(year, number)[1])


def first_orders(orders):
    """Customer -> (day, moment, channel) of the first order by UNTIL; of several at a moment the first name."""
    firsts = {}
    for row in orders.itertuples():
        channel = "~" if pd.isna(row.acquired_through) else row.acquired_through  # sorts behind every name
        if row.ordered_at.date() <= UNTIL:
            firsts[row.customer_id] = min(
                firsts.get(row.customer_id, (row.ordered_at, channel)), (row.ordered_at, channel)
            )
    return {who: (at.date(), at, "unknown" if name == "~" else name) for who, (at, name) in firsts.items()}


def recount(tables, variant, lag, pool_costs_to):
    """(month, channel) -> [spend in minor units, new customers], in plain Python."""
    cells = {}

    def add(month, channel, money, customers):
        cell = cells.setdefault((month, channel), [0, 0])
        cell[0] += money
        cell[1] += customers

    for row in tables["spend"].itertuples():
        if row.date.date() <= UNTIL:
            add(month_of(row.date.date()), row.channel, minor(row.spend), 0)
    firsts = first_orders(tables["orders"])
    for day, _, channel in firsts.values():
        add(month_of(day, lag), channel, 0, 1)
    if variant == "new_customer":
        brought = Counter()
        for row in tables["orders"].itertuples():
            if row.ordered_at.date() <= UNTIL:
                channel = "unknown" if pd.isna(row.acquired_through) else row.acquired_through
                brought[month_of(row.ordered_at.date(), lag), channel] += 1
        for key, (money, customers) in list(cells.items()):
            if brought[key]:
                cells[key][0] = math.floor(Fraction(money * customers, brought[key]) + Fraction(1, 2))
    if variant == "fully_loaded":
        pool = Counter()
        for row in tables["pool_costs"].itertuples():
            if row.month.date() <= UNTIL:
                pool[month_of(row.month.date())] += minor(row.amount)
        for row in tables["messages"].itertuples():
            if row.sent_at.date() <= UNTIL:
                pool[month_of(row.sent_at.date())] += minor(row.cost)
        for month, money in pool.items():
            carriers = Counter()
            for who, (day, at, channel) in firsts.items():
                if month_of(day, lag) != month:
                    continue
                end = min(month_end(month) + datetime.timedelta(days=lag), UNTIL)
                stays = tables["members"][tables["members"]["customer_id"] == who]
                in_pool = any(
                    stay.joined_at.date() <= end and (pd.isna(stay.left_at) or stay.left_at >= at)
                    for stay in stays.itertuples()
                )
                carries = {"new_members": in_pool, "new_customers": True, "private": DOMAINS.get(channel) == "private"}
                carriers[channel] += carries[pool_costs_to]
            carriers = +carriers or Counter(pool=1)
            total = carriers.total()
            whole = {name: money * weight // total for name, weight in carriers.items()}
            rest = sorted(carriers, key=lambda name: (-(money * carriers[name] % total), name))
            for name in rest[: money - sum(whole.values())]:
                whole[name] += 1
            for name, part in whole.items():
                add(month, name, part, 0)
    return {key: cell for key, cell in sorted(cells.items()) if any(cell)}


@pytest.mark.parametrize(
    ("variant", "pool_costs_to"),
    [
        ("paid", None),
        ("new_customer", None),
        ("fully_loaded", "new_members"),
        ("fully_loaded", "new_customers"),
        ("fully_loaded", "private"),
    ],
)
@settings(max_examples=12, deadline=None)
@given(tables=BRANDS, lag=st.sampled_from([0, 7, 40]))
def test_table_equals_a_recount_in_plain_python(variant, pool_costs_to, tables, lag):
    loads = {name: tables[name] for name in ("pool_costs", "members", "messages")} if pool_costs_to else {}
    made = cost_table(
        tables["spend"], tables["orders"], UNTIL, variant=variant, domains=DOMAINS, lag_days=lag,
        pool_costs_to=pool_costs_to, **loads,
    )  # fmt: skip
    assert list(made.columns) == COLUMNS
    expected = recount(tables, variant, lag, pool_costs_to)
    assert list(zip(made["month"], made["channel"], strict=True)) == list(expected)
    assert [[minor(spend), n] for spend, n in zip(made["spend"], made["new_customers"], strict=True)] == list(
        expected.values()
    )
    for row in made.itertuples():
        if row.spend > 0 and row.new_customers > 0:
            assert row.cac == pytest.approx(row.spend / row.new_customers)
            assert row.cac_low < row.cac < row.cac_high
        else:
            assert np.isnan([row.cac, row.cac_low, row.cac_high]).all()


@pytest.mark.parametrize("by", [("quarter", "domain"), "channel", "month", ()])
@settings(max_examples=8, deadline=None)
@given(tables=BRANDS, lag=st.sampled_from([0, 7]))
def test_every_grain_adds_up_to_the_raw_sums(by, tables, lag):
    money = [row.spend for row in tables["spend"].itertuples() if row.date.date() <= UNTIL]
    pool = [row.amount for row in tables["pool_costs"].itertuples() if row.month.date() <= UNTIL]
    pool += [row.cost for row in tables["messages"].itertuples() if row.sent_at.date() <= UNTIL]
    channels = [channel for _, _, channel in first_orders(tables["orders"]).values()]
    paid = {row.channel for row in tables["spend"].itertuples() if row.spend > 0 and row.date.date() <= UNTIL}
    through_paid = sum(channel in paid for channel in channels) if paid else len(channels)
    loads = {name: tables[name] for name in ("pool_costs", "members", "messages")}
    keys = [by] if isinstance(by, str) else list(by)
    total = not {"channel", "domain"} & set(keys)
    for variant in ("paid", "fully_loaded", *(["blended"] if total else [])):
        loaded = variant == "fully_loaded"
        made = cost_table(
            tables["spend"], tables["orders"], UNTIL, by, variant, domains=DOMAINS, lag_days=lag,
            **(loads if loaded else {}),
        )  # fmt: skip
        assert sum(map(minor, made["spend"])) == sum(map(minor, money + (pool if loaded else [])))
        counted = through_paid if total and variant == "paid" else len(channels)
        assert made["new_customers"].sum() == counted
        assert made.attrs["unpaid_customers"] == len(channels) - counted
        assert list(made.columns) == [*keys, "spend", "new_customers", "cac", "cac_low", "cac_high"]
        assert not made.duplicated(keys).any() if keys else len(made) <= 1


# --- intervals ---


def one_month(customers, money, channel="feed"):
    orders = pd.DataFrame({"customer_id": range(customers), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-20")})
    spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": [channel], "spend": [float(money)]})
    return spend, orders.assign(acquired_through=channel)


def test_interval_of_the_worked_example():
    row = cost_table(*one_month(1200, 90_000), "2024-01-31").iloc[0]
    assert [round(row[name], 1) for name in ("cac", "cac_low", "cac_high")] == [75.0, 71.5, 78.7]


@pytest.mark.parametrize(
    ("n", "low", "high"),
    # Garwood 1936, Biometrika 28, table 1, as reprinted in Ulm 1990 (Am. J. Epidemiol. 131, 373-375): 95% limits.
    [(1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (20, 12.217, 30.888), (50, 37.111, 65.919)],
)
def test_interval_against_garwoods_table(n, low, high):
    row = cost_table(*one_month(n, 1000), "2024-01-31", level=0.95).iloc[0]
    assert 1000 / row["cac_high"] == pytest.approx(low, abs=6e-4)
    assert 1000 / row["cac_low"] == pytest.approx(high, abs=6e-4)


@pytest.mark.parametrize("mean", [2, 30, 400])
def test_interval_covers_the_true_cost_at_least_as_often_as_it_says(mean):
    """Exactly, by adding up the chances of all counts above 0: the interval holds the cost at the true mean."""
    counts = np.arange(1, 800)
    low, high = stats.chi2.ppf(0.05, 2 * counts) / 2, stats.chi2.ppf(0.95, 2 * counts + 2) / 2
    covered = stats.poisson.pmf(counts, mean)[(low <= mean) & (mean <= high)].sum() / stats.poisson.sf(0, mean)
    assert covered >= 0.90
    n = int(mean)
    row = cost_table(*one_month(n, 7000), "2024-01-31").iloc[0]
    assert (row["cac_low"], row["cac_high"]) == pytest.approx((7000 / high[n - 1], 7000 / low[n - 1]))


# --- variants ---


@pytest.fixture(scope="module")
def shop():
    """January 2024: 40 new through feed (10 orders of old customers too), 10 through WeCom, 5 direct; costs of 300."""
    rows = [(i, "2023-12-05", "feed") for i in range(100, 110)]
    rows += [(i, "2024-01-20", "feed") for i in range(40)] + [(i, "2024-01-21", "feed") for i in range(100, 110)]
    rows += [(i, "2024-01-20", "wecom") for i in range(40, 50)] + [(i, "2024-01-20", "direct") for i in range(50, 55)]
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "acquired_through"]).assign(amount=9.0)
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"])
    spend = pd.DataFrame({"date": pd.to_datetime(["2023-12-01", "2024-01-01"]), "channel": "feed", "spend": 2000.0})
    pool = pd.DataFrame({"month": pd.to_datetime(["2024-01-01"] * 2), "item": ["staff", "tools"], "amount": [200, 80]})
    messages = pd.DataFrame({"sent_at": pd.to_datetime(["2024-01-03"] * 400), "cost": 0.05, "channel": "sms"})
    members = pd.DataFrame({"customer_id": [0, 1, 2, 40, 100], "joined_at": pd.to_datetime(["2024-01-31"] * 5)})
    return {"spend": spend, "orders": orders, "pool_costs": pool, "messages": messages, "members": members}


def january(shop, variant, by=("month", "channel"), **options):
    made = cost_table(shop["spend"], shop["orders"], "2024-01-31", by, variant, domains=DOMAINS, **options)
    made = made[made["month"] == "2024-01"].drop(columns="month")
    keys = [name for name in ("channel", "domain") if name in made]
    return (
        made.set_index(keys[0])["spend"].to_dict() if keys else made.iloc[0][["spend", "new_customers", "cac"]].tolist()
    )


def test_the_variants_by_hand(shop):
    loads = {name: shop[name] for name in ("pool_costs", "messages", "members")}
    assert january(shop, "paid") == {"direct": 0, "feed": 2000, "wecom": 0}
    assert january(shop, "paid", "month") == [2000, 40, 50]
    assert january(shop, "blended", "month") == [2000, 55, 2000 / 55]
    assert january(shop, "new_customer") == {"direct": 0, "feed": 1600, "wecom": 0}  # 40 of 50 orders
    assert january(shop, "new_customer", "month") == [1600, 40, 40]
    assert january(shop, "fully_loaded", **loads) == {"direct": 0, "feed": 2225, "wecom": 75}  # members 3 to 1
    assert january(shop, "fully_loaded", pool_costs=shop["pool_costs"], messages=shop["messages"]) == {
        "direct": 27.2727, "feed": 2218.1818, "wecom": 54.5455,
    }  # fmt: skip
    assert january(shop, "fully_loaded", pool_costs_to="private", **loads) == {"direct": 0, "feed": 2000, "wecom": 300}
    assert january(shop, "fully_loaded", "month", **loads) == [2300, 55, 2300 / 55]
    assert january(shop, "paid", ("month", "domain")) == {"private": 0, "public": 2000, "unknown": 0}


def test_what_nobody_can_carry_stays_in_a_row_of_its_own(shop):
    loads = {name: shop[name] for name in ("pool_costs", "members")}
    late = shop["pool_costs"].assign(month=pd.Timestamp("2023-12-01"))
    made = cost_table(
        shop["spend"], shop["orders"], "2024-01-31", variant="fully_loaded", **(loads | {"pool_costs": late})
    )
    row = made[made["channel"] == "pool"].iloc[0]
    assert (row["month"], row["spend"], row["new_customers"]) == ("2023-12", 280, 0)
    assert np.isnan(row["cac"])
    made = cost_table(
        shop["spend"], shop["orders"], "2024-01-31", ("month", "domain"), "fully_loaded", domains=DOMAINS,
        **(loads | {"pool_costs": late}),
    )  # fmt: skip
    assert made[made["month"] == "2023-12"].set_index("domain")["spend"].to_dict() == {"private": 280, "public": 2000}


def test_members_are_those_in_the_pool_by_the_end_of_the_month_and_not_gone_before_the_first_order(shop):
    stays = [
        (0, "2024-01-31 23:00", None), (1, "2024-02-01 01:00", None), (2, "2023-06-01", "2024-01-19"),
        (3, "2023-06-01", "2024-01-20 00:00:01"), (40, "2023-06-01", None), (40, "2024-01-02", None),
        (50, "2023-06-01", "2023-07-01"), (50, "2024-01-25", "2024-01-26"),
    ]  # fmt: skip
    members = frame(stays, ["customer_id", "joined_at", "left_at"])
    members["joined_at"] = pd.to_datetime(members["joined_at"], format="ISO8601")
    members["left_at"] = pd.to_datetime(members["left_at"], format="ISO8601")
    options = {"pool_costs": shop["pool_costs"].iloc[:1], "members": members}
    assert january(shop, "fully_loaded", **options) == {"direct": 50, "feed": 2100, "wecom": 50}


def test_messages_without_a_cost_are_counted(shop):
    holed = shop["messages"].assign(cost=shop["messages"]["cost"].where(shop["messages"].index >= 7))
    made = cost_table(shop["spend"], shop["orders"], "2024-01-31", variant="fully_loaded", messages=holed)
    assert made.attrs["unpriced_messages"] == 7
    assert made["spend"].sum() == pytest.approx(4000 + 393 * 0.05)
    none = cost_table(
        shop["spend"], shop["orders"], "2024-01-31", variant="fully_loaded", messages=holed.drop(columns="cost")
    )
    assert (none.attrs["unpriced_messages"], none["spend"].sum()) == (400, 4000)


def test_domains_side_by_side(shop):
    loads = [shop[name] for name in ("pool_costs", "members", "messages")]
    made = compare_domains(shop["spend"], shop["orders"], "2024-01-31", DOMAINS, *loads, months=1)
    assert made.attrs["months"] == ["2024-01"]
    found = made.set_index(["charge", "domain"])
    assert found["spend"].to_dict() == {
        ("media", "private"): 0, ("media", "public"): 2000, ("media", "unknown"): 0,
        ("new_members", "private"): 75, ("new_members", "public"): 2225, ("new_members", "unknown"): 0,
        ("private", "private"): 300, ("private", "public"): 2000, ("private", "unknown"): 0,
    }  # fmt: skip
    assert found.loc[("private", "private"), "cac"] == 30
    assert set(made.attrs["definition"]) == {"media", "new_members", "private"}
    assert set(compare_domains(shop["spend"], shop["orders"], "2024-01-31", DOMAINS)["charge"]) == {"media"}
    both = compare_domains(shop["spend"], shop["orders"], "2024-01-31", DOMAINS)
    assert both.attrs["months"] == ["2023-12", "2024-01"]
    assert both.set_index("domain").loc["public", "new_customers"] == 50
    empty = compare_domains(shop["spend"], shop["orders"], "2023-12-20", DOMAINS)
    assert empty.empty
    assert empty.attrs["months"] == []


# --- what is not known, and what is not whole ---


def test_a_truncated_history_blanks_the_months_before_the_burn_in_ends(shop):
    options = {"observed_from": "2023-12-01", "history": "truncated", "burn_in_days": 40}
    made = cost_table(shop["spend"], shop["orders"], "2024-02-29", **options)
    assert made[made["month"] == "2023-12"]["new_customers"].isna().all()
    assert made[made["month"] == "2023-12"][["spend"]].to_numpy().tolist() == [[2000.0]]
    assert made[["cac", "cac_low", "cac_high"]].isna().all(axis=None)  # January begins before the burn-in ends too
    assert list(made.attrs["blank"]) == ["2023-12", "2024-01"]
    assert "2024-01-10" in made.attrs["blank"]["2024-01"].reason_en
    later = cost_table(shop["spend"], shop["orders"], "2024-02-29", **(options | {"burn_in_days": 31}))
    assert list(later.attrs["blank"]) == ["2023-12"]
    assert later.set_index(["month", "channel"])["new_customers"]["2024-01", "feed"] == 40
    lagged = cost_table(shop["spend"], shop["orders"], "2024-02-29", lag_days=9, **options)
    assert list(lagged.attrs["blank"]) == [
        "2023-11",
        "2023-12",
    ]  # its customers come until 9 January; January's from the 10th on
    part = cost_table(shop["spend"], shop["orders"], "2024-02-29", variant="new_customer", **options)
    assert part["spend"].isna().all()
    pooled = cost_table(
        shop["spend"], shop["orders"], "2024-02-29", variant="fully_loaded", pool_costs=shop["pool_costs"], **options
    )
    assert pooled.set_index(["month", "channel"])["spend"]["2024-01", "pool"] == 280
    whole = cost_table(shop["spend"], shop["orders"], "2024-02-29", (), **options)
    assert whole["new_customers"].isna().all()
    assert isinstance(whole.attrs["blank"]["all"], Refused)
    assert isinstance(cac(made), Refused)


def test_known_first_orders_make_the_burn_in_needless(shop):
    known = pd.DataFrame({"customer_id": range(100, 105), "first_order_at": pd.to_datetime(["2020-01-01"] * 5)})
    options = {"observed_from": "2023-12-01", "history": "truncated", "first_order_at": known}
    made = cost_table(shop["spend"], shop["orders"], "2024-01-31", **options).set_index(["month", "channel"])
    assert made["new_customers"].to_dict() == {
        ("2023-12", "feed"): 5, ("2024-01", "direct"): 5, ("2024-01", "feed"): 40, ("2024-01", "wecom"): 10,
    }  # fmt: skip
    assert made.attrs["blank"] == {}
    # Old customers' orders still count among all orders of the channel.
    part = cost_table(shop["spend"], shop["orders"], "2024-01-31", variant="new_customer", **options)
    assert part.set_index(["month", "channel"])["spend"].to_dict()["2024-01", "feed"] == 1600


@pytest.mark.parametrize(
    ("options", "incomplete"),
    [
        ({}, []),
        ({"observed_until": "2024-02-28"}, ["2024-02"]),
        ({"lag_days": 1}, ["2023-11", "2024-02"]),  # a customer of 1 December belongs to 30 November
        ({"lag_days": 31}, ["2023-10", "2023-11", "2024-01", "2024-02"]),
        ({"observed_from": "2023-12-02"}, ["2023-12"]),
        ({"observed_from": "2023-12-02", "lag_days": 1}, ["2023-11", "2024-02"]),
        ({"by": ("quarter", "channel")}, ["2023-Q4", "2024-Q1"]),
        ({"by": ()}, []),
        ({"by": (), "observed_from": "2023-12-02"}, ["all"]),
    ],
)
def test_months_not_covered_to_their_ends_are_named(options, incomplete):
    days = pd.date_range("2023-12-01", "2024-02-29")
    spend = pd.DataFrame({"date": days, "channel": "feed", "spend": 10.0})
    orders = pd.DataFrame(
        {"customer_id": range(len(days)), "ordered_at": days, "amount": 1.0, "acquired_through": "feed"}
    )
    made = cost_table(spend, orders, **({"observed_until": "2024-02-29"} | options))
    assert made.attrs["incomplete"] == incomplete


def test_spend_that_ends_early_or_begins_late_leaves_its_months_incomplete():
    days = pd.date_range("2023-12-01", "2024-02-29")
    orders = pd.DataFrame(
        {"customer_id": range(len(days)), "ordered_at": days, "amount": 1.0, "acquired_through": "feed"}
    )
    daily = pd.DataFrame({"date": days[5:-20], "channel": "feed", "spend": 10.0})
    assert cost_table(daily, orders, "2024-02-29").attrs["incomplete"] == ["2023-12", "2024-02"]
    monthly = pd.DataFrame({"date": pd.to_datetime(["2023-12-01", "2024-01-01"]), "channel": "feed", "spend": 10.0})
    assert cost_table(monthly, orders, "2024-02-29").attrs["incomplete"] == ["2024-02"]
    pool = pd.DataFrame({"month": ["2023-12", "2024-01"], "item": "staff", "amount": 5.0})
    spend = pd.DataFrame({"date": days, "channel": "feed", "spend": 10.0})
    made = cost_table(spend, orders, "2024-02-29", variant="fully_loaded", pool_costs=pool)
    assert made.attrs["incomplete"] == ["2024-02"]


def test_lag_sets_spend_against_the_customers_it_may_have_brought():
    spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-02-01"]), "channel": "feed", "spend": 100.0})
    orders = pd.DataFrame({"customer_id": range(3), "amount": 1.0, "acquired_through": "feed"})
    orders["ordered_at"] = pd.to_datetime(["2024-01-31 00:00", "2024-02-14 23:59", "2024-02-15 00:00"])
    made = cost_table(spend, orders, "2024-03-31", lag_days=14).set_index("month")
    assert made["new_customers"].to_dict() == {"2024-01": 2, "2024-02": 1}
    assert made.attrs["lag_days"] == 14
    assert "14 days after the spend" in made.attrs["definition"].en


# --- the funnel ---


def test_a_part_of_a_sum_is_not_the_sum(shop):
    spend = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=60), "channel": "feed", "spend": 10.0})
    spend = spend.assign(impressions=100, clicks=[*range(59), None])
    made = funnel_table(spend, shop["orders"], "2024-02-29").set_index(["month", "channel"])
    assert list(made.columns[-3:]) == ["impressions", "clicks", "visitors"]
    assert made.loc[("2024-01", "feed"), ["impressions", "clicks"]].tolist() == [3100, sum(range(31))]
    assert made.loc[("2024-02", "feed"), "impressions"] == 2900
    assert np.isnan(made.loc[("2024-02", "feed"), "clicks"])
    assert made["visitors"].isna().all()
    assert made.loc[("2024-01", "wecom"), ["impressions", "clicks"]].isna().all()
    whole = funnel_table(spend, shop["orders"], "2024-02-29", ())
    assert whole["impressions"].tolist() == [6000]
    weeks = funnel_table(spend, shop["orders"], "2024-02-29", ("week", "channel"))
    assert weeks["impressions"].sum() == 6000
    assert weeks.attrs["variant"] == "paid"


# --- engines, odd tables, wrong parameters ---


def held(engine, tables):
    """The same tables in another engine, in another order; DuckDB joins only what one connection holds."""
    mixed = {name: table.sample(frac=1, random_state=2).reset_index(drop=True) for name, table in tables.items()}
    if engine == "duckdb":
        connection = duckdb.connect()
        return {name: connection.from_arrow(pl.from_pandas(table).to_arrow()) for name, table in mixed.items()}
    return {name: ENGINES[engine](table) for name, table in mixed.items()}


@pytest.mark.parametrize("engine", ["polars", "polars lazy", "arrow", "duckdb", "ibis"])
def test_every_engine_gives_the_same_table(shop, engine):
    loads = ("pool_costs", "messages", "members")
    left = shop["members"].assign(left_at=pd.to_datetime([None, "2024-02-02", "2024-01-02", None, None]))
    mine = held(engine, shop | {"left": left})
    for variant in ("paid", "new_customer", "fully_loaded"):
        more = [{name: tables[name] for name in loads} if variant == "fully_loaded" else {} for tables in (mine, shop)]
        made = cost_table(mine["spend"], mine["orders"], "2024-01-31", variant=variant, **more[0])
        plain = cost_table(shop["spend"], shop["orders"], "2024-01-31", variant=variant, **more[1])
        pd.testing.assert_frame_equal(made, plain)
        assert made.attrs == plain.attrs
    options = {"variant": "fully_loaded", "pool_costs": mine["pool_costs"], "members": mine["left"]}
    made = cost_table(mine["spend"], mine["orders"], "2024-01-31", **options)
    plain = cost_table(
        shop["spend"], shop["orders"], "2024-01-31", variant="fully_loaded", pool_costs=shop["pool_costs"], members=left
    )
    pd.testing.assert_frame_equal(made, plain)


def test_empty_tables_and_orders_without_channels(shop):
    none = cost_table(shop["spend"].iloc[:0], shop["orders"].iloc[:0], "2024-01-31")
    assert none.empty
    assert list(none.columns) == COLUMNS
    assert cost_table(shop["spend"].iloc[:0], shop["orders"].iloc[:0], "2024-01-31", ()).empty
    lone = cost_table(shop["spend"].iloc[:0], shop["orders"], "2024-01-31")
    assert lone["cac"].isna().all()
    assert lone.attrs["incomplete"] == ["2023-12", "2024-01"]
    bare = cost_table(shop["spend"], shop["orders"].drop(columns="acquired_through"), "2024-01-31")
    assert set(bare["channel"]) == {"feed", "unknown"}
    only = cost_table(shop["spend"], shop["orders"].iloc[:0], "2024-01-31")
    assert only["new_customers"].tolist() == [0, 0]
    assert only["cac"].isna().all()
    for variant in ("new_customer", "fully_loaded"):
        loads = {name: shop[name].iloc[:0] for name in ("pool_costs", "messages", "members")}
        loads = loads if variant == "fully_loaded" else {}
        made = cost_table(shop["spend"], shop["orders"].iloc[:0], "2024-01-31", variant=variant, **loads)
        assert made["spend"].tolist() == [2000, 2000]


def test_duplicate_spend_rows_are_added_up_and_later_ones_left_out(shop):
    twice = pd.concat(
        [shop["spend"], shop["spend"].assign(spend=0.005), shop["spend"].assign(date=pd.Timestamp("2024-02-01"))]
    )
    made = cost_table(twice, shop["orders"], "2024-01-31")
    assert made["spend"].sum() == pytest.approx(4000.01, abs=1e-9)


def test_the_blended_cost_has_one_channel_for_all(shop):
    """The call that the issue's signature allows: one number a month, under the channel "all"."""
    by_month = cost_table(shop["spend"], shop["orders"], "2024-01-31", "month", "blended")
    table = cost_table(shop["spend"], shop["orders"], "2024-01-31", variant="blended")
    assert table["channel"].unique().tolist() == ["all"]
    pd.testing.assert_frame_equal(table.drop(columns="channel"), by_month, check_like=False)
    trend(table)  # takes it, and refuses for want of months only


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "loaded"}, "variant must be one of"),
        ({"by": ("month", "week")}, "one period at most"),
        ({"by": ("month", "month")}, "each name once"),
        ({"by": "day"}, "by must be one of"),
        ({"by": ("month", "domain")}, "needs domains"),
        ({"variant": "blended", "by": "domain", "domains": DOMAINS}, "'blended' has no domains: use 'paid'"),
        ({"level": 90}, "level must lie between 0 and 1"),
        ({"lag_days": -1}, "lag_days must be a whole number"),
        ({"domains": {"feed": "owned"}}, "the domain of 'feed'"),
        ({"history": "truncated"}, "needs observed_from"),
        ({"variant": "fully_loaded"}, "needs pool_costs or messages"),
        ({"pool_costs_to": "private"}, "goes with the variant 'fully_loaded'"),
        ({"by": "week"}, "written by the month"),
        ({"observed_until": "soon"}, "observed_until must be a date"),
    ],
)
def test_wrong_parameters_are_named(shop, options, message):
    with pytest.raises(ValueError, match=message):
        cost_table(shop["spend"], shop["orders"], **({"observed_until": "2024-01-31"} | options))


def test_wrong_loads_are_named(shop):
    options = {"variant": "fully_loaded", "pool_costs": shop["pool_costs"]}
    base = (shop["spend"], shop["orders"], "2024-01-31")
    with pytest.raises(ValueError, match="needs members"):
        cost_table(*base, pool_costs_to="new_members", **options)
    with pytest.raises(ValueError, match="needs domains"):
        cost_table(*base, pool_costs_to="private", **options)
    with pytest.raises(ValueError, match="pool_costs_to must be one of"):
        cost_table(*base, pool_costs_to="staff", **options)
    with pytest.raises(ValueError, match="cannot be by week"):
        cost_table(*base, by="week", **options)
    with pytest.raises(ValueError, match="same kind of frame"):
        cost_table(*base, members=pl.from_pandas(shop["members"]), **options)


def test_every_variant_and_charge_is_defined_in_both_languages():
    for words in (*costs.VARIANTS.values(), *costs.CHARGES.values()):
        assert words.zh
        assert words.en
    assert set(costs.VARIANTS) == {"paid", "blended", "new_customer", "fully_loaded"}


# --- a truncated export does not make a rise out of nothing ---


def test_a_truncated_copy_of_a_brand_with_flat_cost_shows_no_rise():
    """An export of three years from the middle of the life of a brand whose cost and spend never change."""
    flat = RECIPES["xiaoman"].with_channels(cost_inflation=0.0, spend_growth=0.0, visit_growth=0.0)
    made = simulate(flat.changed(history="truncated"), customers=6_000, seed=5)
    tables = (made.tables["spend"], made.tables["orders"], made.recipe.observed_until, ("month",))
    options = {"observed_from": made.recipe.observed_from}
    naive = cost_table(*tables, **options)
    honest = cost_table(*tables, history="truncated", **options)
    years = [[f"{year}-{month:02d}" for month in range(1, 13)] for year in (2023, 2024, 2025)]
    # Taken at face value the cost more than trebles in a year: its first customers are old ones.
    assert cac(naive, years[1][:2]).value > 3 * cac(naive, years[0][:2]).value
    assert cac(naive, years[1]).low > 1.3 * cac(naive, years[0]).high
    # With the burn-in the first year is blank and the others are alike.
    assert honest["new_customers"].isna().sum() == 12
    assert list(honest.attrs["blank"]) == years[0]
    before, after = cac(honest, years[1]), cac(honest, years[2])
    assert max(before.low, after.low) < min(before.high, after.high)
    assert abs(after.value / before.value - 1) < 0.1
    assert costs.years_apart(honest) == (years[1], years[2])
