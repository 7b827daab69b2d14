"""What a joiner is worth: by hand on a pool of three customers, and by brute force day by day."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import pool_worth as worth
from siyu_helpers.analysis.effect.results import Effect, Effects, effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused

EFFECT = Effect(90.0, 6.08, 80.0, 100.0, 0.9, 500)


def costs(**months):
    rows = [
        (f"{name[1:5]}-{name[5:]}-01", item, amount)
        for name, amounts in months.items()
        for item, amount in amounts.items()
    ]
    table = pd.DataFrame(rows, columns=["month", "item", "amount"])
    return table.assign(month=pd.to_datetime(table["month"]))


def stays(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "joined_at", "left_at"])
    for name in ("joined_at", "left_at"):
        table[name] = pd.to_datetime(table[name], format="mixed")
    return table


COSTS = costs(m202404={"staff": 500.0, "tools": 100.0}, m202405={"staff": 600.0})
STAYS = stays(
    ("a", "2024-04-01", None),
    ("b", "2024-04-16 18:00", "2024-05-16"),
    ("a", "2024-04-10", "2024-04-20"),
    ("c", "2024-05-01", None),
)


def test_months_by_hand():
    table = worth.pool_months(COSTS, STAYS, "2024-05-31")
    assert table["pool_cost"].tolist() == [600.0, 600.0]
    assert table["joiners"].tolist() == [2, 1]
    assert table["member_months"].tolist() == pytest.approx([1 + 15 / 30, 1 + 15 / 31 + 1])


def test_worth_by_hand():
    found = worth.worth_per_joiner(EFFECT, COSTS, STAYS, "2024-05-31", horizon_days=90)
    monthly = 1200 / (1.5 + 2 + 15 / 31)
    member = monthly * 90 / (365.25 / 12)
    expected = {
        "contribution_per_joiner": 90.0, "cost_months": 2, "pool_cost": 1200.0, "joiners": 3,
        "member_months": 3.5 + 15 / 31,
        "pool_cost_per_joiner": 400.0, "pool_cost_per_member_month": monthly, "pool_cost_per_member": member,
        "cost_per_member": member, "net_per_joiner": 90 - member, "return_per_money": 90 / member,
        "break_even_effect": member, "net_per_joiner_all_costs": 90 - 400.0,
    }  # fmt: skip
    assert tuple(found) == worth.KEYS
    for key, value in expected.items():
        assert found[key].value == pytest.approx(value), key
    assert (found["net_per_joiner"].low, found["net_per_joiner"].high) == pytest.approx((80 - member, 100 - member))
    assert found["return_per_money"].high == pytest.approx(100 / member)
    assert found["message_cost_per_member"].gate == "messages"
    assert found["payback_months"].gate == "effect"


def test_messages_to_joiners_are_charged_and_those_to_others_are_not():
    messages = pd.DataFrame({
        "customer_id": ["a", "a", "b", "z", "c"], "cost": [0.5, None, 0.25, 9.0, 9.0],
        "sent_at": pd.to_datetime(["2024-04-05", "2024-04-06", "2024-05-20", "2024-04-05", "2024-03-01"]),
    })  # fmt: skip
    found = worth.worth_per_joiner(EFFECT, COSTS, STAYS, "2024-05-31", messages=messages)
    text = found["message_cost_per_member"]
    assert text.value == pytest.approx(0.75 / (3.5 + 15 / 31) * 90 / (365.25 / 12))
    assert "1 messages without a cost" in text.definition.en
    assert found["net_per_joiner"].value == pytest.approx(90 - found["pool_cost_per_member"].value - text.value)


def test_months_that_are_cut_short_or_not_recorded_are_left_out():
    table = worth.pool_months(COSTS, STAYS, "2024-05-30")
    assert table["month"].tolist() == ["2024-04"]
    gap = costs(m202404={"staff": 1.0}, m202406={"staff": 1.0})
    table = worth.pool_months(gap, STAYS, "2024-06-30")
    assert table["month"].tolist() == ["2024-04", "2024-06"]
    assert table["joiners"].tolist() == [2, 0]
    assert worth.pool_months(gap, STAYS, "2024-06-30", months=1)["month"].tolist() == ["2024-06"]


@pytest.mark.parametrize("kind", [lambda t: t, pl.from_pandas, lambda t: pl.from_pandas(t).lazy()])
def test_every_kind_of_frame_gives_the_same(kind):
    one = worth.worth_per_joiner(EFFECT, COSTS, STAYS, "2024-05-31", messages=None)
    assert worth.worth_per_joiner(EFFECT, kind(COSTS), kind(STAYS), "2024-05-31") == one
    messages = pd.DataFrame({"customer_id": ["a"], "cost": [2.0], "sent_at": pd.to_datetime(["2024-04-05"])})
    cost = worth.worth_per_joiner(EFFECT, kind(COSTS), kind(STAYS), "2024-05-31", messages=kind(messages))
    assert cost["message_cost_per_member"].value == pytest.approx(2.0 / (3.5 + 15 / 31) * 90 / (365.25 / 12))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 120), st.one_of(st.none(), st.integers(0, 90))), max_size=8)
)
def test_time_in_the_pool_by_brute_force(rows):
    begin = pd.Timestamp("2024-03-01")
    times = [
        (who, begin + pd.Timedelta(days=day), pd.NaT if length is None else begin + pd.Timedelta(days=day + length))
        for who, day, length in rows
    ]
    made = stays(*times)
    made = made.astype({"customer_id": "int64", "joined_at": "datetime64[s]", "left_at": "datetime64[s]"})
    table = worth.pool_months(costs(m202404={"staff": 1.0}, m202406={"staff": 2.0}), made, "2024-06-30", None)
    for month, found in zip(("2024-04", "2024-06"), table.itertuples(), strict=True):
        days = pd.date_range(f"{month}-01", periods=30)
        inside = {
            (who, day) for who, start, end in times for day in days if start <= day and (pd.isna(end) or day < end)
        }
        assert found.member_months == pytest.approx(len(inside) / 30)
        firsts = {who: min(day for other, day, _ in rows if other == who) for who, _, _ in rows}
        assert found.joiners == sum(begin + pd.Timedelta(days=day) in days for day in firsts.values())


def part(value, error=1.0):
    return Effect(value, error, value - 1.645 * error, value + 1.645 * error, 0.9, 300)


def price(value):
    return Estimate.exact(value, 10, "money per customer", "cost", "f")


def test_payback_follows_the_fading_effect():
    fades = [part(30.0), part(20.0), part(10.0)]
    assert [worth.payback_months(fades, price(v)).value for v in (30.0, 45.0, 60.0)] == [1.0, 2.0, 3.0]
    assert worth.payback_months(fades, price(61.0)).gate == "payback"
    assert worth.payback_months({2: part(20.0), 1: part(30.0)}, price(45.0)).value == 2.0
    late = worth.payback_months(fades, price(45.0), price(27.0), horizon_days=90)  # 9 of messages in 30 days
    assert late.gate == "payback"
    assert worth.payback_months(fades, price(31.0), price(27.0), horizon_days=90).value == 2.0


def test_payback_has_the_interval_of_the_sum():
    wide = worth.payback_months([part(30.0, 8.0), part(30.0, 8.0), part(30.0, 8.0)], price(58.0))
    # not from one table: errors add up, 2 x 8 x 1.645 = 26 at two months: 34 to 86; 39 at three: 51 to 129
    assert (wide.value, wide.low) == (2.0, 2.0)
    assert math.isinf(wide.high)
    one = worth.payback_months([part(30.0, 8.0)] * 3, price(43.0))
    assert (one.low, one.value, one.high) == (1.0, 2.0, 3.0)


def test_effects_of_one_table_add_up_with_their_influence():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, 400)
    same = [effect_of(10.0, (noise - noise.mean()) / 400 * sign) for sign in (1, -1)]  # errors cancel
    made = Effects(**{**vars(same[0]), "parts": {1: same[0], 2: same[1]}})
    exact = worth.payback_months(made, price(19.999))
    assert (exact.low, exact.value, exact.high) == (2.0, 2.0, 2.0)


def test_what_is_missing_is_told():
    found = worth.worth_per_joiner(None, None, STAYS, "2024-05-31")
    assert all(isinstance(value, Refused) for value in found.values())
    found = worth.worth_per_joiner(EFFECT, COSTS, None, "2024-05-31")
    assert found["pool_cost"].gate == "pool_costs"
    found = worth.worth_per_joiner(
        EFFECT, COSTS, stays().astype({"joined_at": "datetime64[s]", "left_at": "datetime64[s]"}), "2024-05-31"
    )
    assert (found["joiners"].value, found["pool_cost_per_joiner"].gate) == (0, "members")
    free = worth.worth_per_joiner(EFFECT, costs(m202404={"staff": 0.0}), STAYS, "2024-05-31")
    assert free["return_per_money"].gate == "cost"
    assert free["net_per_joiner"].value == 90
    nan = Effect(math.nan, math.nan, math.nan, math.nan, 0.9, 0)
    assert worth.worth_per_joiner(nan, COSTS, STAYS, "2024-05-31")["net_per_joiner"].gate == "effect"
    for value in found.values():
        words = (value.reason_zh,) if isinstance(value, Refused) else value.definition
        assert "顾客" not in words[0]


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"months": 0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        worth.worth_per_joiner(EFFECT, COSTS, STAYS, "2024-05-31", **wrong)
