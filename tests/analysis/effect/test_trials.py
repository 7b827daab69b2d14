"""Weekly trials against plain loops over customers and weeks, and against every change that must not matter."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import ENGINES

from siyu_helpers.analysis.effect.covariates import covariates_at
from siyu_helpers.analysis.effect.histories import read_histories, seconds
from siyu_helpers.analysis.effect.trials import LEADING, sample_flow, weekly_trials
from siyu_helpers.data.simulate import simulate

START = pd.Timestamp("2024-01-03")  # a Wednesday
UNTIL = pd.Timestamp("2024-05-20")  # a Monday: the last week is cut short
RECENCY = 40
DAYS = (UNTIL - START).days + 3  # some come after the last day
PLAIN = ("recency", "frequency", "tenure")

SEEDS = st.integers(0, 10**6)


def brand(seed, customers=14, orders=40, stays=9):
    """Orders and stays of a small brand, many of them alike; some of both are of nobody else or come too late."""
    rng = np.random.default_rng(seed)
    day = np.where(rng.random(orders) < 0.6, rng.integers(0, 60, orders), rng.integers(0, DAYS + 1, orders))
    who, second = rng.integers(0, customers, orders), rng.choice([0, 0, 40_000, 86_399], orders)
    bought = orders_of(list(zip(who, day, second, rng.integers(0, 4, orders), strict=True)))
    day = np.where(rng.random(stays) < 0.8, rng.integers(0, 90, stays), rng.integers(0, DAYS + 1, stays))
    joined = stays_of(
        list(zip(rng.integers(0, customers + 2, stays), day, rng.choice([0, 50_000], stays), strict=True))
    )
    return bought, joined


def moments(days, of_day):
    return START + pd.to_timedelta(list(days), "D") + pd.to_timedelta(list(of_day), "s")


def orders_of(rows):
    customer, day, second, amount = zip(*rows, strict=True)
    frame = pd.DataFrame({"customer_id": customer, "ordered_at": moments(day, second), "amount": amount})
    frame["amount"] = frame["amount"] * 12.5
    return frame.assign(cost=frame["amount"] / 2, platform_fee=0.5)


def stays_of(rows):
    customer, day, second = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame({"customer_id": customer, "joined_at": moments(day, second)})


def monday(moment):
    return moment.normalize() - pd.Timedelta(days=moment.day_of_week)


def eligible_by_hand(orders, stays, horizon):
    """(Monday, customer, joins) of everybody eligible in every week with a joiner, by the words of the docstring."""
    end = UNTIL + pd.Timedelta(days=1)
    orders, stays = orders[orders["ordered_at"] < end], stays[stays["joined_at"] < end]
    first = stays.groupby("customer_id")["joined_at"].min()
    found = []
    for week in pd.date_range(monday(START), UNTIL, freq="7D"):
        over = week + pd.Timedelta(days=7)
        if over + pd.Timedelta(days=horizon) > end:
            continue
        rows = []
        for customer, mine in orders.groupby("customer_id"):
            before = mine["ordered_at"][mine["ordered_at"] < week]
            joined = first.get(customer, pd.Timestamp.max)
            if len(before) and joined >= week and before.max() >= week - pd.Timedelta(days=RECENCY):
                rows.append((week, customer, int(joined < over)))
        if any(joins for _, _, joins in rows):
            found += rows
    return sorted(found), first, orders


def trials_of(orders, stays, horizon, **given):
    return weekly_trials(orders, stays, UNTIL, horizon, **({"recency_at_most_days": RECENCY} | given))


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.sampled_from([10, 30, 75]), st.sampled_from(["ipcw", "none"]))
def test_as_plain_loops_find_them(seed, horizon, censor):
    orders, stays = brand(seed)
    expected, first, seen = eligible_by_hand(orders, stays, horizon)
    trials = trials_of(orders, stays, horizon, covariates=PLAIN, controls_per_joiner=100, censor=censor)
    made = zip(trials["week"], trials["customer_id"], trials["joined"], strict=True)
    assert sorted(made) == expected
    assert (trials["sampling_weight"] == 1).all()
    for row in trials.itertuples():
        joined = first.get(row.customer_id, pd.Timestamp.max)
        if row.joined:
            assert row.time_zero == joined
        else:
            week = (trials["week"] == row.week) & (trials["joined"] == 1)
            assert row.time_zero in set(trials.loc[week, "time_zero"])
        end = row.time_zero + pd.Timedelta(days=horizon)
        mine = seen[seen["customer_id"] == row.customer_id]
        after = mine[(mine["ordered_at"] >= row.time_zero) & (mine["ordered_at"] < end)]
        between = (mine["ordered_at"] >= row.week) & (mine["ordered_at"] < row.time_zero)
        assert row.orders_before == between.sum()
        assert row.days_before == (row.time_zero - row.week) / pd.Timedelta(days=1)
        if not row.joined and censor == "ipcw" and joined < end:
            assert row.censor_weight == 0
            assert math.isnan(row.orders)
            assert math.isnan(row.spend)
            assert math.isnan(row.repurchase)
            continue
        assert row.censor_weight >= 1 if not row.joined and censor == "ipcw" else row.censor_weight == 1
        assert (row.orders, row.repurchase) == (len(after), float(len(after) > 0))
        assert row.spend == pytest.approx(after["amount"].sum())
        assert row.contribution == pytest.approx((after["amount"] - after["cost"] - after["platform_fee"]).sum())
        for month in range(horizon // 30):
            begin = row.time_zero + pd.Timedelta(days=30 * month)
            block = (mine["ordered_at"] >= begin) & (mine["ordered_at"] < begin + pd.Timedelta(days=30))
            assert getattr(row, f"orders_month_{month + 1}") == block.sum()


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.sampled_from([1, 2, 3]))
def test_weights_of_a_week_add_up_to_its_risk_set(seed, controls):
    orders, stays = brand(seed)
    expected, _, _ = eligible_by_hand(orders, stays, 20)
    trials = trials_of(orders, stays, 20, covariates=PLAIN, controls_per_joiner=controls)
    at_risk = pd.Series([week for week, _, _ in expected], dtype="datetime64[s]").value_counts().sort_index()
    weights = trials.groupby("week")["sampling_weight"].sum()
    assert not trials.duplicated(["week", "customer_id"]).any()
    everybody = trials.groupby("week")["joined"].agg(lambda joined: (joined == 1).all())
    for week, size in at_risk.items():
        only_joiners = everybody.loc[week] and not any(day == week and not joins for day, _, joins in expected)
        assert weights.loc[week] == pytest.approx(trials.loc[trials["week"] == week].shape[0] if only_joiners else size)
    many, joiners = trials.groupby("week")["joined"].count(), trials.groupby("week")["joined"].sum()
    assert (many <= joiners * (1 + controls)).all()


@settings(max_examples=15, deadline=None)
@given(SEEDS, SEEDS)
def test_neither_ids_nor_order_of_rows_matter(seed, mixing):
    orders, stays = brand(seed)
    rng = np.random.default_rng(mixing)
    called = dict(enumerate(f"id{its:02d}" for its in rng.permutation(30).tolist()))
    renamed, gone = (table.assign(customer_id=table["customer_id"].map(called)) for table in (orders, stays))
    renamed, gone = (table.iloc[rng.permutation(len(table))] for table in (renamed, gone))
    one, other = (trials_of(*tables, 20, controls_per_joiner=1) for tables in ((orders, stays), (renamed, gone)))
    pd.testing.assert_frame_equal(
        one.drop(columns="customer_id"), other.drop(columns="customer_id"), check_exact=False, rtol=1e-9
    )
    assert one.attrs == other.attrs


@pytest.fixture(scope="module")
def shop():
    made = simulate("xiaoman", customers=700, seed=3, selection="observed")
    return {name: made.tables[name] for name in ("orders", "members", "customers", "touchpoints")}


@pytest.fixture(scope="module")
def ninety(shop):
    return weekly_trials(shop["orders"], shop["members"], "2025-12-31", 90, customers=shop["customers"])


@pytest.mark.parametrize("engine", ["polars lazy", "duckdb"])
def test_every_engine_gives_the_same_table(shop, ninety, engine):
    keep = ["customer_id", "ordered_at", "amount", "refunded", "list_amount", "cost", "platform_fee", "referrer_id"]
    columns = {"orders": [*keep, "acquired_through"], "members": ["customer_id", "joined_at"],
               "customers": ["customer_id", "city_tier"]}  # fmt: skip
    plain = {name: shop[name][its].astype({c: str for c in its if c in ("acquired_through", "city_tier")})
             for name, its in columns.items()}  # fmt: skip
    made = {name: ENGINES[engine](table) for name, table in plain.items()}
    found = weekly_trials(made["orders"], made["members"], "2025-12-31", 90, customers=made["customers"])
    pd.testing.assert_frame_equal(found, ninety, check_dtype=False, rtol=1e-9)
    assert found.attrs == ninety.attrs


def test_columns_and_facts_that_others_rely_on(ninety):
    outcomes = ["orders", "repurchase", "spend", "contribution", "referrals"]
    outcomes += [f"{name}_month_{k}" for name in ("orders", "contribution") for k in (1, 2, 3)]
    facts = ninety.attrs
    everything = [name for its in facts["groups"].values() for name in its]
    assert facts["covariates"] == everything
    assert list(ninety) == [
        *LEADING,
        *(name for name in ninety if name in {*everything, *facts["constant"]}),
        *outcomes,
        "orders_before",
        "days_before",
    ]
    assert facts["outcomes"] == outcomes
    assert ninety[everything].notna().all(axis=None)
    assert (ninety[everything].std() > 0).all()
    assert str(ninety["week"].dtype) == str(ninety["time_zero"].dtype) == "datetime64[s]"
    assert (ninety["week"].dt.day_of_week == 0).all()
    assert ninety["week"].is_monotonic_increasing
    assert (facts["horizon_days"], facts["censor"], facts["refunds"], facts["contribution"]) == (
        90,
        "ipcw",
        "net",
        "costs",
    )
    assert facts["pool_since"] >= "2024-01-01"
    assert pd.io.json.ujson_dumps(facts)  # plain numbers, texts, lists and dicts only


def test_covariates_are_those_of_the_monday(shop, ninety):
    told = read_histories(shop["orders"], shop["members"], "2025-12-31", customers=shop["customers"])
    place = pd.Series(np.arange(len(told.customers)), index=told.customers)
    some = ninety.sample(300, random_state=1)
    found = covariates_at(told, place.loc[some["customer_id"]].to_numpy(), seconds(some["week"]))
    pd.testing.assert_frame_equal(found, some[list(found)].reset_index(drop=True))


def test_one_reading_serves_all_horizons_and_the_lots_are_the_same(shop, ninety):
    told = read_histories(shop["orders"], shop["members"], "2025-12-31", customers=shop["customers"])
    again = weekly_trials(None, None, None, 90, histories=told)
    pd.testing.assert_frame_equal(again, ninety)
    month = weekly_trials(None, None, None, 30, histories=told)
    common = ["customer_id", "week", "joined", "time_zero", "sampling_weight"]
    shared = month[month["week"] <= ninety["week"].max()]
    pd.testing.assert_frame_equal(shared[common].reset_index(drop=True), ninety[common])
    other = weekly_trials(None, None, None, 90, histories=told, seed=1)
    assert not other["customer_id"].equals(ninety["customer_id"])


def test_flow_adds_up(shop, ninety):
    flow = sample_flow(ninety).set_index("step")["count"]
    out = ["without_order", "joined_before_first_order", "first_order_in_week", "out_of_reach", "not_followed"]
    assert flow["members"] == shop["members"]["customer_id"].nunique()
    assert flow["members"] - flow[out].sum() == flow["joiners"] == (ninety["joined"] == 1).sum()
    compared = ninety[ninety["joined"] == 0]
    assert flow["comparators"] == len(compared)
    assert flow["comparator_customers"] == compared["customer_id"].nunique()
    assert flow["censored"] == (compared["censor_weight"] == 0).sum() > 0
    assert flow["weeks"] == ninety["week"].nunique()
    assert flow["without_order"] > 0
    assert flow["not_followed"] > 0
    with pytest.raises(ValueError, match="weekly_trials"):
        sample_flow(pd.DataFrame())


def test_everybody_who_was_left_out_is_counted_under_one_reason():
    log = orders_of(
        [(1, 0, 0, 1), (2, 30, 0, 1), (3, 20, 0, 1), (4, 0, 0, 1), (5, 120, 0, 1), (6, 0, 0, 1), (6, 20, 0, 1)]
    )
    joined = {1: 8, 2: 10, 3: 22, 4: 100, 5: 135, 6: 1, 7: 3, 8: 500}  # days; 7 has no order, 8 joins after the data
    stays = stays_of([(who, day, 10) for who, day in joined.items()])
    flow = trials_of(log, stays, 30).attrs["flow"]
    assert flow["members"] == 7
    assert [flow[name] for name in ("without_order", "joined_before_first_order", "first_order_in_week")] == [1, 1, 2]
    assert [flow[name] for name in ("out_of_reach", "not_followed", "joiners")] == [1, 1, 1]


def test_joining_again_does_not_make_a_second_trial():
    log = orders_of([(1, 0, 0, 1), (2, 0, 0, 1)])
    trials = trials_of(log, stays_of([(1, 8, 0), (1, 20, 0), (1, 8, 0)]), 30)
    assert trials["joined"].sum() == 1
    assert trials.loc[trials["joined"] == 1, "time_zero"].item() == START + pd.Timedelta(days=8)


def test_dates_without_a_time():
    log = orders_of([(1, 0, 0, 1), (1, 8, 0, 1), (2, 0, 0, 1)])
    log["ordered_at"] = log["ordered_at"].dt.date
    stays = stays_of([(1, 8, 0)])
    stays["joined_at"] = stays["joined_at"].dt.date
    trials = trials_of(log, stays, 30, covariates=("recency",))
    assert trials["days_before"].to_list() == [3, 3]  # 11 January 2024, a Thursday
    assert trials["orders"].to_list() == [1, 0]  # an order of the day of joining comes after it


def test_a_stated_first_order_counts_for_tenure_only():
    log = orders_of([(1, 0, 0, 1), (2, 0, 0, 1)])
    stays = stays_of([(1, 8, 0)])
    old = pd.DataFrame({"customer_id": [1, 9], "first_order_at": pd.to_datetime(["2023-01-01", "2020-01-01"])})
    given = {"observed_from": START, "history": "truncated"}
    plain = trials_of(log, stays, 30, covariates=PLAIN, **given)
    told = trials_of(log, stays, 30, covariates=PLAIN, **given, first_order_at=old)
    assert plain["tenure_weeks_0_1"].to_list() == [1, 1]
    assert told["tenure_weeks_0_1"].to_list() == [0, 1]
    assert told["recency_days"].equals(plain["recency_days"])
    assert (plain.attrs["history"], told.attrs["history"]) == ("truncated", "complete")


NOBODY = stays_of([])


@pytest.mark.parametrize(
    ("stays", "horizon"),
    [
        (NOBODY, 30),
        (stays_of([(77, 10, 0)]), 30),  # has no order
        (stays_of([(1, 10, 0)]), 300),  # nobody is observed for so long
        (stays_of([(1, 2, 0)]), 30),  # joins in the week of the first order
    ],
)
def test_nobody_eligible_gives_an_empty_table_with_all_columns(stays, horizon):
    log = orders_of([(1, 0, 0, 1), (2, 0, 0, 1)])
    empty = trials_of(log, stays, horizon)
    full = trials_of(log, stays_of([(1, 10, 0)]), 30)
    assert len(empty) == 0
    assert [name for name in empty if not name[-1].isdigit()] == [name for name in full if not name[-1].isdigit()]
    assert (empty.dtypes[LEADING] == full.dtypes[LEADING]).all()
    assert empty.attrs["covariates"] == []
    assert empty.attrs["flow"]["joiners"] == 0
    assert len(sample_flow(empty)) == len(sample_flow(full))


def test_money_that_is_not_known_stays_blank_and_a_margin_gives_it():
    log = orders_of([(1, 0, 0, 1), (1, 20, 0, 2), (2, 0, 0, 1)]).drop(columns=["cost", "platform_fee"])
    stays = stays_of([(1, 8, 0)])
    bare = trials_of(log, stays, 30, covariates=PLAIN)
    assert bare["contribution"].isna().all()
    assert bare["contribution_month_1"].isna().all()
    assert bare["spend"].to_list() == [25, 0]
    assert "referrals" not in bare
    assert trials_of(log, stays, 30, gross_margin=0.4)["contribution"].to_list() == [10, 0]


def test_friends_brought_within_the_horizon_count():
    log = orders_of([(1, 0, 0, 1), (2, 0, 0, 1), (3, 20, 0, 1), (3, 25, 0, 1), (4, 80, 0, 1), (5, 4, 0, 1)])
    log["referrer_id"] = [None, None, 1, 1, 1, 1]
    trials = trials_of(log, stays_of([(1, 8, 0)]), 30)
    assert trials.set_index("customer_id")["referrals"].to_dict() == {1: 1, 2: 0, 5: 0}


@pytest.mark.parametrize(
    "wrong",
    [{"horizon_days": 0}, {"controls_per_joiner": 0}, {"censor": "ipwc"}, {"recency_at_most_days": -1},
     {"covariates": ("recancy",)}, {"refunds": "none"}],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(wrong):
    given = {"horizon_days": 30} | wrong
    with pytest.raises(ValueError, match=next(iter(wrong)) + "|recency"):
        weekly_trials(orders_of([(1, 0, 0, 1)]), NOBODY, UNTIL, **given)
