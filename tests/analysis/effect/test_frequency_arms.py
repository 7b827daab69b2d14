"""Member-weeks of an arm, by hand."""

import functools

import pandas as pd

from siyu_helpers.analysis.effect.frequency_arms import is_earning, read_arm
from siyu_helpers.analysis.effect.histories import read_histories, seconds
from siyu_helpers.analysis.effect.message_weeks import read_stays, weeks_of

DAY = functools.partial(pd.to_datetime, format="ISO8601")


def test_weeks_begin_after_the_lot_and_end_with_the_last_whole_week():
    """Joined on Wednesday 3 January 2024, left on Thursday 25; watched to Sunday 4 February: weeks of 8, 15, 22 and 29
    January, of which two were spent in the pool to their end."""
    orders = pd.DataFrame({"customer_id": [1, 1, 1], "amount": [10.0, 20.0, 40.0],
                           "ordered_at": DAY(["2024-01-01", "2024-01-16", "2024-01-30"])})  # fmt: skip
    stays = pd.DataFrame({"customer_id": [1], "joined_at": DAY(["2024-01-03"]), "left_at": DAY(["2024-01-25"])})
    sent = pd.DataFrame({"customer_id": 1, "sent_at": DAY(["2024-01-09", "2024-01-10", "2024-01-23"]),
                         "channel": "wecom", "opted_out": [False, False, True]})  # fmt: skip
    told = read_histories(orders, stays, "2024-02-04", gross_margin=0.5)
    pool = read_stays(stays, told, told.until)
    lot = pd.DataFrame({"customer_id": [1, 99], "at": seconds(pd.Series(DAY(["2024-01-03"] * 2)))})
    arm = read_arm(told, pool, weeks_of(sent, told, pool, "2024-02-04"), lot)
    assert arm.members == 1
    assert arm.age.tolist() == [0, 1, 2, 3]
    assert arm.inside.tolist() == [1, 1, 0, 0]
    assert arm.earned.tolist() == [0, 10, 0, 20]
    assert arm.messages.tolist() == [2, 0, 1, 0]
    assert arm.order_days.tolist() == [1, 1, 2, 2]
    assert arm.per_month == 30.4375 / 7
    assert not is_earning(arm, 91)  # one member shows no spread


def test_a_lot_of_nobody():
    orders = pd.DataFrame({"customer_id": [1], "amount": [1.0], "ordered_at": DAY(["2024-01-01"])})
    stays = pd.DataFrame({"customer_id": [], "joined_at": DAY([])})
    told = read_histories(orders, stays, "2024-02-04", gross_margin=0.5)
    pool = read_stays(stays, told, told.until)
    sent = pd.DataFrame({"customer_id": [], "sent_at": DAY([]), "channel": []}).astype({"channel": "str"})
    arm = read_arm(told, pool, weeks_of(sent, told, pool, "2024-02-04"), pd.DataFrame({"customer_id": [1], "at": [0]}))
    assert arm.members == 0
    assert arm.per_month == 0
