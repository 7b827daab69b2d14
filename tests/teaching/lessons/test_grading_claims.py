"""Lesson 11: grades by the rule in words, dormant customers by hand, and on each brand by another way of counting."""

import datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import grading_claims as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


def small_brand():
    """Data to 2025-12-31, so that the counting begins on 2024-12-31; asleep: last order not after 2024-12-01.

    1 back on day 90; 2 on day 91; 3 never; 4 on the list, back on day 1; 5 awake; 6 not yet a customer; 7 was sent a
    promotion too early and a service message: not on the list, never back.
    """
    orders = [(1, "2024-12-01"), (1, "2025-03-31"), (2, "2024-06-01"), (2, "2025-04-01"), (3, "2024-01-01"),
              (4, "2024-02-01"), (4, "2025-01-01"), (5, "2024-12-02"), (6, "2025-01-05"),
              (7, "2024-03-01")]  # fmt: skip
    messages = [(4, "2024-12-02", "promotion"), (5, "2024-12-20", "promotion"), (7, "2024-12-01", "promotion"),
                (7, "2024-12-15", "service"), (3, "2025-01-02", "promotion")]  # fmt: skip
    given = {
        "orders": pd.DataFrame(orders, columns=["customer_id", "ordered_at"]),
        "messages": pd.DataFrame(messages, columns=["customer_id", "sent_at", "kind"]),
    }
    for table, column in (("orders", "ordered_at"), ("messages", "sent_at")):
        given[table][column] = pd.to_datetime(given[table][column] + " 23:30")
    return SimpleNamespace(table=lambda name: given[name].copy(), observed_until=datetime.date(2025, 12, 31))


def test_sleepers_by_hand():
    """Not on the list: 1, 2, 3 and 7; of them 1 within ninety days: a quarter."""
    found = lesson.tables(small_brand())["sleepers"]
    assert found["on_list"].tolist() == [False, False, False, True, False]
    assert found["days_to_order"].fillna(-1).tolist() == [90, 91, -1, 1, -1]
    quiet = found[~found["on_list"]]
    assert (quiet["days_to_order"] <= 90).mean() == 1 / 4


def test_grades_follow_from_the_columns_handed_out(opened):
    """The rule in words: own document A, a named other B, else C, and D where somebody sells by it."""
    _, handed_out, made = opened
    grades = []
    for row in handed_out["claims"].itertuples():
        unnamed = "D" if row.seller != "none" else "C"
        grades.append("A" if row.own_document else "B" if row.named_source else unnamed)
    assert made["grades"].check(grades).kind == "right"
    assert set(grades) == {"A", "B", "C", "D"}
    assert "grade" not in handed_out["claims"]


def test_figures_marked_exact_are_in_the_text(opened):
    """A claim marked exact has two figures or a per cent sign; four articles say the one that is repeated."""
    claims = opened[1]["claims"].set_index("id")
    assert claims.loc[claims["exact"], "claim_en"].str.contains(r"RMB \d|%").all()
    assert not claims.loc[~claims["exact"], "claim_en"].str.contains(r"RMB \d|%").any()
    assert claims["articles"].to_dict() == {"cl009": 1, "pd49": 0, "cl008": 4, "cl022": 1, "pd57": 0}


def test_woken_by_hand(opened):
    """400 million less 93.9 are 306.1 asleep; half of them, 153.05, over 93.9 are 1.63: from the settings alone."""
    question = opened[2]["woken_over_active"]
    assert question.right == pytest.approx(153.05 / 93.9)
    told = lesson.SETTINGS
    asleep = told["registered"] - told["active"]
    assert question.check(told["told_rate"] * asleep / told["active"]).kind == "right"
    assert question.check(200 / 93.9).name == "everybody_asleep"
    assert question.check(306.1 / 93.9).name == "rate_left_out"


def test_back_anyway_counted_customer_by_customer(opened):
    brand, _, made = opened
    orders, messages = brand.table("orders"), brand.table("messages")
    begin = pd.Timestamp(brand.observed_until) - pd.Timedelta(365, unit="D")
    morning_after, month_ago = begin + pd.Timedelta(1, unit="D"), begin - pd.Timedelta(29, unit="D")
    before = orders[orders["ordered_at"] < morning_after]
    asleep = set(before["customer_id"]) - set(before.loc[before["ordered_at"] >= month_ago, "customer_id"])
    sent = messages[(messages["sent_at"] >= month_ago) & (messages["sent_at"] < morning_after)]
    listed = set(sent.loc[sent["kind"] == "promotion", "customer_id"])
    until = morning_after + pd.Timedelta(90, unit="D")
    back = set(orders.loc[(orders["ordered_at"] >= morning_after) & (orders["ordered_at"] < until), "customer_id"])
    question = made["back_anyway"]
    assert question.right == pytest.approx(len((asleep - listed) & back) / len(asleep - listed))
    assert question.check(len(asleep & listed & back) / len(asleep & listed)).name == "messages_take_the_credit"
