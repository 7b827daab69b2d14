"""The lot: as many as asked for, each set with the same chance, whatever customers are called; nobody twice."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis import win_back
from siyu_helpers.analysis.effect import experiment_lists as lists
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.estimates import Refused


def tables(n=200, seed=1, joined=40):
    rng = np.random.default_rng(seed)
    orders = pd.DataFrame({"customer_id": np.r_[np.arange(n), rng.integers(0, n, n)]})
    orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 365, 2 * n).round(4), "D")
    orders["amount"] = rng.gamma(2, 30, 2 * n).round(2)
    members = pd.DataFrame({"customer_id": np.arange(joined), "joined_at": pd.Timestamp("2024-06-01")})
    return orders, members


def told(orders=None, members=None, until="2024-12-31"):
    made = tables()
    return read_histories(made[0] if orders is None else orders, made[1] if members is None else members, until)


@settings(max_examples=12, deadline=None)
@given(st.integers(20, 120), st.floats(0.03, 0.97), st.integers(0, 10**6))
def test_the_share_is_exact_and_nobody_is_drawn_twice(n, share, seed):
    drawn = lists.holdout_list(told(*tables(n, seed % 7, joined=3)), "holdout", share, seed)
    many = round(len(drawn) * share) if isinstance(drawn, pd.DataFrame) else 0
    if isinstance(drawn, Refused):
        assert drawn.seen * min(share, 1 - share) <= 0.5
        return
    assert drawn["customer_id"].is_unique
    assert (drawn["arm"] == "not_invited").sum() == many == drawn.attrs["held_out"]
    assert np.allclose(
        drawn["probability"], np.where(drawn["arm"] == "not_invited", many / len(drawn), 1 - many / len(drawn))
    )
    assert not set(drawn["customer_id"]) & {0, 1, 2}  # members


def test_every_set_of_people_has_the_same_chance():
    """Three of six: each of the 20 sets in 1 of 20 lots (chi-squared with 19 degrees of freedom, 99.9%: 43.8)."""
    histories = told(*tables(9, joined=3))
    counts = {}
    for seed in range(1000):
        drawn = lists.holdout_list(histories, "holdout", 0.5, seed)
        key = tuple(sorted(drawn.loc[drawn["arm"] == "not_invited", "customer_id"]))
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 20
    assert sum((count - 50) ** 2 / 50 for count in counts.values()) < 43.8


def test_the_lot_is_the_same_in_any_order_of_rows_and_under_any_name():
    orders, members = tables()
    names = {number: f"c{(number * 7919) % 1009}" for number in range(200)}
    one = lists.holdout_list(told(), seed=5)
    shuffled = orders.sample(frac=1, random_state=1).assign(customer_id=lambda t: t["customer_id"].map(names))
    other = lists.holdout_list(told(shuffled, members.assign(customer_id=members["customer_id"].map(names))), seed=5)
    assert one.assign(customer_id=one["customer_id"].map(names)).equals(other)
    assert not one["arm"].equals(lists.holdout_list(told(), seed=6)["arm"])


def test_who_is_in_the_experiment_already_is_left_aside():
    first = lists.holdout_list(told(), share=0.2, seed=1)
    already = first["customer_id"].head(50)
    second = lists.holdout_list(told(), share=0.2, seed=1, without=already)
    assert not set(second["customer_id"]) & set(already)
    assert (second.attrs["eligible"], second.attrs["excluded"]) == (len(first), 50)
    refused = lists.holdout_list(told(), without=first["customer_id"])
    assert isinstance(refused, Refused)
    assert str(len(first)) in refused.reason_en


def test_ids_of_another_kind_in_the_table_of_assignments_do_no_harm():
    assert len(lists.holdout_list(told(), without=[10**9])) == len(lists.holdout_list(told()))
    orders, members = tables()
    text = told(orders.assign(customer_id="c" + orders["customer_id"].astype(str)), members.iloc[:0])
    assert "c7" not in set(lists.holdout_list(text, without=["c7", "nobody with so long a name"])["customer_id"])


def test_members_are_held_out_from_promotions_while_they_stay():
    _, members = tables()
    drawn = lists.holdout_list(told(), "promotions", 0.25, stays=members.assign(left_at=pd.NaT))
    assert set(drawn["customer_id"]) == set(range(40))
    assert sorted(set(drawn["arm"])) == ["no_promotions", "promotions"]
    left = members.assign(left_at=pd.to_datetime(["2024-07-01"] * 30 + [None] * 10))
    assert set(lists.holdout_list(told(), "promotions", 0.25, stays=left)["customer_id"]) == set(range(30, 40))


def test_the_win_back_list_is_that_of_the_page_on_repurchase():
    orders, _ = tables()
    listed = lists.win_back_list(told(), 90, 200, control=0.1, seed=2)
    page = win_back.dormant_customers(orders, "2024-12-31", 90, dormant_at_most_days=200).query("dormant")
    both = listed.merge(page, on="customer_id", how="outer")
    assert len(both) == len(listed) == len(page)
    assert (both["days_since_last_order"] == both["recency_days"]).all()
    assert np.allclose(both["past_spend"], both["monetary"])
    assert (listed["arm"] == "no_message").sum() == round(0.1 * len(listed))


def test_rows_of_assignments_are_those_of_the_contract():
    from siyu_helpers.data.contract import TABLES

    rows = lists.assignment_rows(lists.win_back_list(told(), 90), "win_back", pd.Timestamp("2025-01-01"))
    assert list(rows.columns) == [column.name for column in TABLES["assignments"].columns]
    assert set(rows["assigned_at"]) == {"2025-01-01 00:00:00"}


def test_balance_by_hand_and_over_many_lots():
    table = lists.lot_balance(lists.holdout_list(told(), share=0.5, seed=1))
    drawn = lists.holdout_list(told(), share=0.5, seed=1)
    held = drawn["arm"] == "not_invited"
    gap = drawn.loc[held, "orders"].mean() - drawn.loc[~held, "orders"].mean()
    assert table.set_index("what").at["orders", "difference"] == pytest.approx(gap / drawn["orders"].std())
    gaps = [lists.lot_balance(lists.holdout_list(told(), share=0.5, seed=s))["difference"].iloc[2] for s in range(40)]
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / np.sqrt(40)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match="share"):
        lists.holdout_list(told(), share=share)


def test_nobody_to_draw_is_told():
    orders, members = tables(5)
    assert lists.holdout_list(told(orders, members.iloc[:0], "2024-12-31"), share=0.01).seen == 5
    assert isinstance(lists.win_back_list(told(), 5000), Refused)
