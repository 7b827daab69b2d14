"""Messages as arrays, the rule by which a lot is found, and shares of messages with intervals that count customers."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.effect.message_log import clustered_share, find_message_lot, read_messages
from siyu_helpers.analysis.estimates import Refused, wilson

DAY = pd.to_datetime


def sent_to(customers, channel="sms", at="2024-02-01", **more):
    return pd.DataFrame({"customer_id": list(customers), "sent_at": DAY(at), "channel": channel, **more})


def lot(name, arms, at="2024-01-01"):
    rows = [(name, who, arm) for arm, customers in arms.items() for who in customers]
    return pd.DataFrame(rows, columns=["experiment", "customer_id", "arm"]).assign(assigned_at=DAY(at), probability=0.5)


def test_only_messages_asked_for_and_blanks_stay_blank():
    messages = pd.concat(
        [sent_to([1, 2], kind="promotion", read=[True, None], opted_out=[False, True]),
         sent_to([3], kind="service"), sent_to([4], kind=None), sent_to([None], kind="promotion"),
         sent_to([5], channel="wecom", kind="promotion"), sent_to([6], at="2025-01-01", kind="promotion")]
    )  # fmt: skip
    found = read_messages(messages, "2024-12-31", "sms")
    assert found["customer_id"].tolist() == [1, 2, 4]
    assert found["read"].fillna(-1).tolist() == [1, -1, -1]
    assert found["opted_out"].fillna(-1).tolist() == [0, 1, -1]
    assert found["cost"].isna().all()
    assert len(read_messages(messages, "2024-12-31", None, None)) == 5


def test_polars_gives_the_same():
    messages = sent_to([1, 2], read=[True, None], cost=[0.1, 0.2])
    pd.testing.assert_frame_equal(
        read_messages(pl.from_pandas(messages), "2024-12-31"), read_messages(messages, "2024-12-31")
    )


def test_a_message_without_a_date_is_an_error():
    with pytest.raises(ValueError, match="sent_at is blank"):
        read_messages(sent_to([1, 2], at=["2024-01-01", None]), "2024-12-31")


def test_the_lot_is_the_one_whose_arms_were_sent_different_numbers():
    other = lot("invitation", {"invited": range(0, 20, 2), "not": range(1, 20, 2)})
    ours = lot("wake up", {"text": range(10), "none": range(10, 20)})
    found = find_message_lot(pd.concat([other, ours]), sent_to(list(range(10)) * 3), "2024-12-31", "sms")
    assert (found["experiment"], found["message_arms"], found["holdout_arm"]) == ("wake up", ["text"], "none")
    assert found["messages_per_customer"] == {"text": 3.0, "none": 0.0}


def test_arms_with_several_numbers_are_all_kept_most_messages_first():
    ours = lot("levels", {"few": range(10), "many": range(10, 20), "none": range(20, 30)})
    messages = sent_to([*range(10), *list(range(10, 20)) * 4])
    assert find_message_lot(ours, messages, "2024-12-31")["message_arms"] == ["many", "few"]


@pytest.mark.parametrize("stray", [1, 2])
def test_a_few_stray_messages_do_no_harm_more_do(stray):
    ours = lot("l", {"text": range(10), "none": range(10, 20)})
    found = find_message_lot(ours, sent_to([*range(10), *range(10, 10 + stray)]), "2024-12-31")
    assert isinstance(found, Refused) == (stray > 1)


def test_messages_before_the_lot_do_not_count():
    ours = lot("l", {"text": range(10), "none": range(10, 20)}, at="2024-06-01")
    messages = pd.concat([sent_to(range(10, 20)), sent_to(range(10), at="2024-07-01")])
    assert find_message_lot(ours, messages, "2024-12-31")["holdout_arm"] == "none"


def test_no_lot():
    for assignments in (None, lot("l", {"text": range(10)}), lot("l", {"a": range(5), "b": range(5, 10)})):
        assert find_message_lot(assignments, sent_to(range(10)), "2024-12-31").gate == "a lot"


def test_one_message_a_customer_gives_wilsons_interval():
    events = np.array([1] * 30 + [0] * 70)
    value, low, high = clustered_share(events, np.ones(100), np.arange(100))
    expected = wilson(30 * 0.99, 99)  # the variance of clusters has n - 1 below it
    assert value == 0.3
    assert (low, high) == pytest.approx([float(end) for end in expected])


def test_messages_that_are_alike_count_once_a_customer():
    """Four copies of every message: the interval is as wide as that of a quarter of them."""
    once = clustered_share([1] * 30 + [0] * 70, np.ones(100), np.arange(100))
    copies = clustered_share(([1] * 30 + [0] * 70) * 4, np.ones(400), np.tile(np.arange(100), 4))
    assert copies == pytest.approx(once)


def test_nothing_seen_has_no_share_and_no_event_an_upper_end():
    assert all(math.isnan(x) for x in clustered_share([], [], []))
    assert clustered_share([0, 0], [500, 500], ["a", "b"])[2] > 0.5
    assert clustered_share([0, 0], [500, 500], ["a", "b"], once=True)[2] < 0.01


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), max_size=30))
def test_a_share_lies_in_its_interval(rows):
    events = [min(event, trials) for event, trials, _ in rows]
    value, low, high = clustered_share(events, [trials for _, trials, _ in rows], [who for *_, who in rows])
    assert math.isnan(value) or 0 <= low <= value <= high <= 1
