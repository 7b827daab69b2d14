"""Who came, who left and why: by brute force day by day, by hand, and against the life behind a simulated brand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from siyu_helpers.analysis.pool import pool_facts
from siyu_helpers.data.simulate import simulate

DAY = 86_400


def stays(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "joined_at", "left_at", "account_id"])
    return table.assign(joined_at=pd.to_datetime(table["joined_at"]), left_at=pd.to_datetime(table["left_at"]))


def second(text):
    return int(pd.Timestamp(text).timestamp())


@pytest.fixture(scope="module")
def brand():
    return simulate("xiaoman", customers=3000, seed=5, ban_chance=0.05, account_size=100)


def test_accounts_stay_with_their_customers_when_rows_without_a_customer_or_from_the_future_are_left_out():
    table = stays(
        (None, "2024-01-02", None, "nobody's"),
        (3, "2025-06-01", None, "future"),
        (2, "2024-01-03", None, "b"),
        (1, "2024-01-04", None, "a"),
    )
    table.index = [7, 5, 9, 3]  # as left over from a filter
    pool = pool_facts.read_pool(table, "2024-12-31")
    held = {pool.ids[row.person]: row.account for row in pool.stays.itertuples()}
    assert held == {2: "b", 1: "a"}


def test_inside_and_exits_by_brute_force():
    rng = np.random.default_rng(4)
    begin = rng.integers(0, 300, 120)
    start = pd.Timestamp("2024-01-01")
    table = pd.DataFrame({"customer_id": rng.integers(0, 30, 120), "joined_at": start + pd.to_timedelta(begin, "D")})
    length = pd.to_timedelta(rng.integers(1, 60, 120), "D")
    table["left_at"] = (table["joined_at"] + length).where(rng.random(120) < 0.9)
    pool = pool_facts.read_pool(table, "2024-12-31")
    days = [set() for _ in pool.ids]
    place = {name: at for at, name in enumerate(pool.ids)}
    for row in table.itertuples():
        last = row.left_at if pd.notna(row.left_at) else pd.Timestamp("2025-01-01")
        days[place[row.customer_id]] |= set(pd.date_range(row.joined_at, last, inclusive="left"))
    every = pd.date_range(start, "2024-12-31")
    person, moment = np.repeat(np.arange(len(days)), len(every)), np.tile(every, len(days))
    found = pool.inside(person, moment.astype("datetime64[s]").astype("int64"))
    assert found.tolist() == [day in days[who] for who, day in zip(person, moment, strict=True)]
    assert not pool.inside(np.array([-1]), np.array([second("2024-06-01")]))[0]
    gone = {(who, day + pd.Timedelta(days=1)) for who, its in enumerate(days) for day in its}
    gone = {(who, day) for who, day in gone if day not in days[who] and day <= every[-1]}
    left = pool_facts.exits(pool, None, {})
    assert {(row.person, pd.Timestamp(row.moment, unit="s")) for row in left.itertuples()} == gone
    assert pool.now() == sum(every[-1] in its for its in days)


def test_months_by_hand():
    pool = pool_facts.read_pool(
        stays((1, "2024-01-16", "2024-02-15", 7), (1, "2024-02-01", None, 8), (2, "2024-02-15", "2024-03-10", 7)),
        "2024-04-15",
    )
    assert (pool.window.en, pool.joiners.tolist()) == ("2024-02 to 2024-03", [1, 0])
    assert pool.member_months == pytest.approx(1 + 15 / 29 + 1 + 9 / 31)
    assert (pool.begin, pool.end) == (second("2024-02-01"), second("2024-04-01"))
    # Two accounts at once are one stay, of the account that held the customer last.
    assert pool.spans[["person", "account"]].values.tolist() == [[0, 8], [1, 7]]


def test_reasons_for_leaving_by_hand():
    table = stays(
        ("a", "2024-01-05", "2024-03-01 12:00", 7), ("b", "2024-01-05", "2024-03-10 09:00", 7),
        ("c", "2024-01-05", "2024-03-10 09:00", 8), ("d", "2024-01-05", "2024-03-10 09:00", 7),
        ("e", "2024-01-05", None, 8),
    )  # fmt: skip
    pool = pool_facts.read_pool(table, "2024-04-30")
    answered = pd.DataFrame({"person": [0, 3, 4], "second": [second("2024-03-01 11:55"), second("2024-03-07"), 0]})
    left = pool_facts.exits(pool, answered, {7: second("2024-03-10 08:59:30")})
    assert dict(zip(pool.ids[left["person"]], left["why"], strict=True)) == {
        "a": "opt-out", "b": "ban", "c": "other", "d": "ban",
    }  # fmt: skip


def test_reasons_for_leaving_are_those_of_the_life_behind_the_tables(brand):
    tables, life = brand.tables, brand.life
    until = brand.recipe.observed_until
    pool = pool_facts.read_pool(tables["members"], until)
    sent = pool_facts.sent_to_pool(tables["messages"], tables["members"], pool, until, 0.90)
    banned = pool_facts.ban_moments(tables["members"], tables["accounts"], until)
    left = pool_facts.exits(pool, sent.answered, banned)
    found = left["why"].value_counts()
    true = np.bincount(life.stays.why, minlength=4)
    assert found["opt-out"] == pytest.approx(true[2], rel=0.01)
    assert found["ban"] == pytest.approx(true[3], rel=0.02)
    assert found["other"] == pytest.approx(true[1], rel=0.04)
    assert len(left) == np.isfinite(life.stays.left).sum()


def test_promotions_are_counted_as_pandas_counts_them(brand):
    tables, until = brand.tables, brand.recipe.observed_until
    pool = pool_facts.read_pool(tables["members"], until)
    sent = pool_facts.sent_to_pool(tables["messages"], tables["members"], pool, until, 0.90)
    table = tables["messages"]
    table = table[(table["kind"] == "promotion") & (table["channel"] == "wecom") & (table["sent_at"] >= "2025-01-01")]
    # The message that a customer answers by leaving is sent minutes before: all of them reach somebody inside.
    assert (sent.channels, sent.promotions) == (["wecom"], len(table))
    assert sent.opt_outs[0] == pytest.approx(table["opted_out"].mean())
    assert sent.cost == pytest.approx(table["cost"].sum())


def test_hazards_have_the_exact_poisson_interval():
    # Garwood (1936), Biometrika 28, 437-442: 10 events, 95%: 4.80 to 18.39; none: 0 to 3.69.
    for events, low, high in ((10, 4.795, 18.390), (0, 0.0, 3.689)):
        found = pool_facts.hazard(events, 1000.0, 0.95)
        assert found == pytest.approx([1 - np.exp(-count / 1000) for count in (events, low, high)], abs=1e-6)
    assert pool_facts.hazard(3, 0.0, 0.9) is None


def test_monthly_means():
    counts = np.array([90.0, 110.0, 120.0, 80.0])
    low, high = stats.t.interval(0.9, 3, counts.mean(), stats.sem(counts))
    assert pool_facts.monthly_mean(counts, 0.9) == pytest.approx((100.0, low, high))
    assert pool_facts.monthly_mean(np.array([9.0]), 0.95)[1:] == pytest.approx((4.115, 17.085), abs=1e-3)
    assert pool_facts.monthly_mean(np.zeros(0), 0.9) is None
    low, high = pool_facts.monthly_mean(np.zeros(12), 0.9)[1:]
    assert low == 0 < high


def test_costs_by_item_and_month_by_hand():
    pool = pool_facts.read_pool(stays((1, "2024-01-01", None, 7)), "2024-03-31")
    rows = [("2023-12-01", "staff", 900.0), ("2024-01-01", "staff", 100.0), ("2024-01-01", "rent", 7.0)]
    rows += [("2024-03-01", "tools", 30.0), ("2024-03-01", "incentives", 5.0), ("2024-04-01", "staff", 100.0)]
    table = pd.DataFrame(rows, columns=["month", "item", "amount"]).assign(month=lambda t: pd.to_datetime(t["month"]))
    until = second("2024-03-31") // DAY
    money, months, total = pool_facts.costs_by_item(table, pool, until)
    assert money == {"staff": 100.0, "tools": 30.0, "content": 7.0, "incentives": 5.0}
    assert (len(months), total) == (2, 142.0)  # February has no row: it is not known, not free
    assert pool_facts.costs_by_item(table, None, until)[2] == 1042.0
    assert pool_facts.costs_by_item(None, pool, until) == ({}, [], 0.0)


def test_nobody_and_a_pool_that_opened_this_month():
    assert pool_facts.read_pool(None, "2024-03-31") is None
    assert pool_facts.read_pool(stays((1, "2024-05-01", None, 7)), "2024-03-31") is None
    young = pool_facts.read_pool(stays((1, "2024-03-10", None, 7)), "2024-03-20")
    assert (young.months, young.now(), young.window.en) == ([], 1, "no whole month")
