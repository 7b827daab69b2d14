"""Lesson 01: scores and classes by hand arithmetic, shares by counting another way on each brand."""

import pandas as pd
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import public_and_private as lesson


def answers(name):
    brand = brands.load(name)
    handed_out = lesson.tables(brand)
    return brand, handed_out, {made.key: made for made in lesson.exercises(brand, handed_out)}


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    return answers(request.param)


def test_scores_by_hand(opened):
    """Official account: control 0.5, reach 0.5, repeat use 0.75, data 0.75, list 0.5 in channel_definitions.csv;
    weights 3, 1, 2, 1, 3: (1.5 + 0.5 + 1.5 + 0.75 + 1.5) / 10 = 0.575, between one third and two thirds."""
    _, handed_out, made = opened
    row = handed_out["channels"].set_index("channel").loc["official_account"]
    assert row.tolist() == [0.5, 0.5, 0.75, 0.75, 0.5]
    assert made["score_of_account"].right == pytest.approx(0.575)
    assert made["class_of_account"].right == "b"


def test_order_by_hand(opened):
    """Text messages (3 + 0.5 + 1.5 + 0.5 + 2.25) / 10 = 0.775 before WeCom (2.25 + 0.75 + 2 + 0.75 + 1.5) / 10 = 0.725;
    with equal weights 0.70 and 0.75, the other way round."""
    question = opened[2]["order_of_channels"]
    assert question.right == ("sms", "wecom", "official_account", "moments", "xiaohongshu_account")
    assert question.check(["wecom", "sms", *question.right[2:]]).name == "equal_weights"


def test_own_orders_counted_by_name(opened):
    """Of the channels of these brands, by the marks of the file, only these four reach two thirds."""
    brand, _, made = opened
    brought = brand.table("orders")["acquired_through"]
    own = sum((brought == name).sum() for name in ("wecom", "wechat_group", "mini_program", "sms"))
    assert made["orders_through_own_channels"].right == pytest.approx(own / len(brought))


def test_first_channel_is_that_of_the_first_order(opened):
    brand, handed_out, _ = opened
    given = brand.table("orders")
    earliest = given.loc[given.groupby("customer_id")["ordered_at"].idxmin()].set_index("customer_id")
    ours = handed_out["orders"].groupby("customer")["first_brought_by"].agg(["nunique", "first"])
    assert (ours["nunique"] == 1).all()
    assert (ours["first"] == earliest["acquired_through"].reindex(ours.index)).mean() > 0.999


def test_reached_twice_customer_by_customer(opened):
    """A loop over sets instead of the group-by of the notebook and the library."""
    brand, handed_out, made = opened
    begin = pd.Timestamp(brand.observed_until) - pd.Timedelta(days=89)
    assert handed_out["contacts"]["day"].between(begin, pd.Timestamp(brand.observed_until)).all()
    days = {}
    for customer, day in zip(handed_out["contacts"]["customer"], handed_out["contacts"]["day"], strict=True):
        days.setdefault(customer, set()).add(day)
    pool = handed_out["pool"]
    there = [row.customer for row in pool.itertuples() if row.joined < begin and pd.isna(row.left)]
    twice = sum(len(days.get(customer, ())) >= 2 for customer in there)
    assert made["reached_twice"].right == pytest.approx(twice / len(there))
    assert made["reached_twice"].check(twice / len(pool)).kind != "right"
