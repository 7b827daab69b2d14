"""Accounts counted by hand and by brute force, the ban rate against Garwood's interval, odd tables."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate, Refused, coverage
from siyu_helpers.analysis.pool import accounts as acc

UNTIL = "2024-12-31"


def day(text):
    return pd.to_datetime(text, format="ISO8601")


def stays_of(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "joined_at", "left_at", "account_id"])
    return table.assign(joined_at=day(table["joined_at"]), left_at=day(table["left_at"]))


def accounts_from(*rows):
    table = pd.DataFrame(rows, columns=["account_id", "opened_at", "banned_at", "staff"])
    return table.assign(opened_at=day(table["opened_at"]), banned_at=day(table["banned_at"]))


MEMBERS = stays_of(
    (1, "2024-01-02", "2024-06-01 10:00", "a"),  # banned, found again
    (1, "2024-06-20", None, "b"),
    (2, "2024-01-03", "2024-06-01", "a"),  # only the day is noted; found again too late
    (2, "2024-09-20", None, "b"),
    (3, "2024-01-04", None, "a"),  # nobody noted that the ban took this one away
    (4, "2024-01-05", "2024-03-01", "a"),  # had left before
    (5, "2024-02-01", None, "b"),  # on both accounts: still held by the other one
    (5, "2024-02-01", "2024-06-01 10:00", "a"),
    (6, "2024-11-01", None, None),
    (7, "2025-03-01", None, "b"),  # after the last day
)
ACCOUNTS = accounts_from(
    ("b", "2024-02-01", None, "w2"),
    ("a", "2024-01-01", "2024-06-01 10:00", "w1"),
    ("c", "2025-02-01", None, "w3"),
)


def test_customers_on_each_account_by_hand():
    table = acc.accounts_of(MEMBERS, ACCOUNTS, UNTIL)
    assert table["account_id"].tolist() == ["a", "b"]
    assert table["live"].tolist() == [False, True]
    assert table["customers"].tolist() == [0, 3]
    assert table["customers_at_ban"].tolist()[0] == 4
    assert math.isnan(table["customers_at_ban"][1])
    assert table.attrs["customers_without_account"] == 2  # the sixth, and the third on a banned account
    assert table["months"][1] == pytest.approx((pd.Timestamp("2025-01-01") - pd.Timestamp("2024-02-01")).days / 30.4375)


def test_who_was_found_again_by_hand():
    rule = acc.banned_list(MEMBERS, ACCOUNTS, UNTIL)
    assert rule.figures["banned_accounts"].value == 1
    assert rule.figures["customers_at_bans"].value == 4
    assert rule.figures["recovered_after_ban"].value == 0.5
    assert rule.agrees == "cannot be told"


@pytest.mark.parametrize(("found_again", "agrees"), [(2, "agrees"), (38, "disagrees"), (20, "cannot be told")])
def test_the_rule_turns_with_the_share_found_again(found_again, agrees):
    first = [(i, "2024-01-02", "2024-06-01 10:00", "a") for i in range(40)]
    again = [(i, "2024-06-15", None, "b") for i in range(found_again)]
    assert acc.banned_list(stays_of(*first, *again), ACCOUNTS, UNTIL).agrees == agrees


def test_recovery_is_as_uncertain_as_there_are_few_bans():
    """One ban counts as one customer; four that differ: Wilson's interval by hand from their spread."""
    opened = accounts_from(
        *[(name, "2024-01-01", "2024-06-01", "w") for name in "abcd"], ("z", "2024-01-01", None, "w")
    )
    back = dict(zip("abcd", (2, 18, 10, 6), strict=True))
    first = [(f"{name}{i}", "2024-01-02", "2024-06-01", name) for name in "abcd" for i in range(20)]
    again = [(f"{name}{i}", "2024-06-15", None, "z") for name, many in back.items() for i in range(many)]
    found = acc.recovery_rate(stays_of(*first, *again), opened, UNTIL)
    one_by_one = acc.banned_list(stays_of(*first, *again), opened, UNTIL).figures["recovered_after_ban"]
    assert found.value == one_by_one.value == 36 / 80
    shares = np.array([2, 18, 10, 6]) / 20
    effective = 0.45 * 0.55 / (shares.var(ddof=1) / 4 * (stats.t.ppf(0.95, 3) / stats.norm.ppf(0.95)) ** 2)
    assert [found.low, found.high] == pytest.approx(
        [float(end) for end in acc.wilson(0.45 * effective, effective, 0.9)]
    )
    assert found.high - found.low > 2 * (one_by_one.high - one_by_one.low)
    single = acc.recovery_rate(stays_of(*first, *again), opened[opened["account_id"].isin(["b", "z"])], UNTIL)
    assert [single.low, single.high] == pytest.approx([float(end) for end in acc.wilson(0.9, 1, 0.9)])
    assert isinstance(acc.recovery_rate(MEMBERS, None, UNTIL), Refused)


def test_a_ban_too_near_the_last_day_does_not_count_as_lost():
    rule = acc.banned_list(MEMBERS[MEMBERS["joined_at"] < "2024-06-01"], ACCOUNTS, "2024-06-15")
    assert rule.figures["banned_accounts"].value == 1
    assert rule.figures["customers_at_bans"].value == 0
    assert isinstance(rule.figures["recovered_after_ban"], Refused)
    assert rule.agrees == "cannot be told"


def test_a_ban_after_the_last_day_is_not_known_yet():
    table = acc.accounts_of(MEMBERS, ACCOUNTS, "2024-05-31")
    assert table["live"].all()
    assert table["customers"].tolist() == [4, 1]
    assert acc.ban_rate(ACCOUNTS, "2024-05-31").value == 0


def test_neither_ids_nor_the_order_of_rows_matter():
    plain = acc.accounts_of(MEMBERS, ACCOUNTS, UNTIL).drop(columns=["account_id"])
    shuffled = MEMBERS.sample(frac=1, random_state=1), ACCOUNTS.iloc[::-1]
    pd.testing.assert_frame_equal(acc.accounts_of(*shuffled, UNTIL).drop(columns=["account_id"]), plain)
    renamed = {"a": 9, "b": 1, "c": 5}
    numbers = [table.assign(account_id=table["account_id"].map(renamed)) for table in (MEMBERS, ACCOUNTS)]
    pd.testing.assert_frame_equal(acc.accounts_of(*numbers, UNTIL).drop(columns=["account_id"]), plain)
    lazy = [pl.from_pandas(table).lazy() for table in numbers]
    pd.testing.assert_frame_equal(acc.accounts_of(*lazy, UNTIL).drop(columns=["account_id"]), plain)
    first, second = (acc.banned_list(*tables, UNTIL) for tables in ((MEMBERS, ACCOUNTS), lazy))
    assert first.figures == second.figures


def test_without_an_accounts_table_customers_are_counted_all_the_same():
    table = acc.accounts_of(MEMBERS, None, UNTIL)
    assert dict(zip(table["account_id"], table["customers"], strict=True)) == {"a": 1, "b": 3}
    assert table["opened_at"].isna().all()
    assert isinstance(acc.ban_rate(None, UNTIL), Refused)
    assert all(isinstance(one, Refused) for one in acc.banned_list(MEMBERS, None, UNTIL).figures.values())


def test_odd_tables():
    assert acc.accounts_of(None, None, UNTIL).empty
    assert acc.accounts_of(None, ACCOUNTS, UNTIL)["customers"].tolist() == [0, 0]
    no_account = MEMBERS.drop(columns="account_id")
    assert acc.accounts_of(no_account, None, UNTIL).attrs["customers_without_account"] == 5
    assert acc.accounts_of(no_account, ACCOUNTS, UNTIL)["customers"].tolist() == [0, 0]
    bare = ACCOUNTS[["account_id", "opened_at"]]
    assert acc.ban_rate(bare, UNTIL).value == 0
    assert acc.accounts_of(MEMBERS.iloc[:0], ACCOUNTS.iloc[:0], UNTIL).empty
    gone = acc.banned_list(MEMBERS, ACCOUNTS.assign(banned_at=day("2024-06-01 10:00")), UNTIL)
    assert gone.figures["banned_accounts"].value == 2
    assert acc.accounts_of(MEMBERS, ACCOUNTS.assign(banned_at=day("2024-06-01 10:00")), UNTIL)["customers"].sum() == 0
    unopened = ACCOUNTS.assign(opened_at=pd.NaT)
    assert isinstance(acc.ban_rate(unopened, UNTIL), Refused)
    with pytest.raises(ValueError, match="opened_at"):
        acc.accounts_of(MEMBERS, ACCOUNTS.drop(columns="opened_at"), UNTIL)


def test_members_now_by_brute_force():
    end = pd.Timestamp("2025-01-01")
    inside = {
        row.customer_id for row in MEMBERS.itertuples() if row.joined_at < end and not row.left_at < end
    }  # fmt: skip
    assert set(acc.members_now(MEMBERS, UNTIL)) == inside == {1, 2, 3, 5, 6}


def test_the_ban_rate_is_garwoods():
    opened = accounts_from(*[(i, "2023-01-01", None, None) for i in range(20)])
    opened.loc[:4, "banned_at"] = day("2023-07-02")
    found = acc.ban_rate(opened, "2024-12-31")
    months = (15 * 731 + 5 * 182) / (365.25 / 12)
    # Ends by definition: the rates under which five or more (fewer) bans have a chance of 5%.
    low, high = (-math.log1p(-end) * months for end in (found.low, found.high))
    assert stats.poisson.sf(4, low) == pytest.approx(0.05, abs=1e-6)
    assert stats.poisson.cdf(5, high) == pytest.approx(0.05, abs=1e-6)
    assert found.value == pytest.approx(1 - math.exp(-5 / months))
    assert found.n == 20


def test_no_ban_is_not_certainty():
    found = acc.ban_rate(accounts_from((1, "2024-01-01", None, None)), UNTIL)
    assert (found.value, found.low) == (0, 0)
    assert -math.log1p(-found.high) * 366 / (365.25 / 12) == pytest.approx(-math.log(0.05))  # rule of three, at 90%


def test_the_interval_contains_the_chance_it_was_made_with():
    def simulate(rng):
        opened = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 500, 30), unit="D")
        wait = rng.exponential(1 / 0.02, 30) * 365.25 / 12
        return pd.DataFrame(
            {"account_id": range(30), "opened_at": opened, "banned_at": opened + pd.to_timedelta(wait, unit="D")}
        )

    found = coverage(simulate, lambda made: acc.ban_rate(made, UNTIL), 1 - math.exp(-0.02), 60, 1)
    assert found.meets_bar(conservative=True), found


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_customers_of_live_accounts_by_brute_force(data):
    days = st.integers(0, 500)
    rows = data.draw(
        st.lists(st.tuples(st.integers(1, 6), days, st.one_of(st.none(), days), st.integers(1, 3)), max_size=12)
    )
    base = pd.Timestamp("2024-01-01")
    stays = stays_of(*[
        (who, base + pd.Timedelta(days=begin), None if length is None else base + pd.Timedelta(days=begin + length), at)
        for who, begin, length, at in rows
    ])  # fmt: skip
    stays["joined_at"], stays["left_at"] = (stays[name].astype("datetime64[us]") for name in ("joined_at", "left_at"))
    opened = accounts_from(*[(i, base, None, None) for i in (1, 2, 3)])
    end = pd.Timestamp("2025-01-01")
    expected = {
        at: len({who for who, begin, length, on in rows if on == at
                 and base + pd.Timedelta(days=begin) < end
                 and (length is None or base + pd.Timedelta(days=begin + length) >= end)})
        for at in (1, 2, 3)
    }  # fmt: skip
    table = acc.accounts_of(stays, opened, UNTIL)
    assert dict(zip(table["account_id"], table["customers"], strict=True)) == expected


def test_figures_are_estimates_with_words_in_both_languages():
    for one in acc.banned_list(MEMBERS, ACCOUNTS, UNTIL).figures.values():
        assert isinstance(one, Estimate)
        assert one.definition.en
        assert one.definition.zh.strip("。") == one.definition.zh != ""
        assert np.isfinite(one.value)
