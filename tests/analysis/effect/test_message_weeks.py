"""Weeks of members: who was in the pool, what they had ordered before, how many messages they were used to."""

import functools

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect import message_weeks as weeks
from siyu_helpers.data.simulate import simulate

DAY = functools.partial(pd.to_datetime, format="ISO8601")
UNTIL = "2024-12-31"


def orders_of(*rows):
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(
        ordered_at=lambda t: DAY(t["ordered_at"]), amount=9.0
    )


def stays_of(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "joined_at", "left_at"])
    return table.assign(joined_at=DAY(table["joined_at"]), left_at=DAY(table["left_at"]))


def sent_to(*rows, **more):
    table = pd.DataFrame(rows, columns=["customer_id", "sent_at", "opted_out"])
    return table.assign(sent_at=DAY(table["sent_at"]), channel="wecom", **more)


ORDERS = orders_of(("ana", "2024-01-03"), ("ana", "2024-01-03 20:00"), ("ana", "2024-04-01"), ("ben", "2024-01-05"))


def test_by_hand():
    """Ana's order of Monday 1 April is not history in that week; those of 3 January are one day, and 13 weeks later
    (from Monday 8 April) no longer counted. Dee has never ordered. Cy is no member; Ben has left."""
    stays = stays_of(("ana", "2024-01-10", None), ("ben", "2024-01-10", "2024-02-01"), ("dee", "2024-03-01", None))
    messages = sent_to(
        ("ana", "2024-04-01", False), ("ana", "2024-04-03", False), ("ana", "2024-04-08", True),
        ("ben", "2024-02-01", True), ("ben", "2024-02-09", False), ("cy", "2024-02-01", False),
        ("dee", "2024-03-05", False), ("dee", "2024-03-12", None),
    )  # fmt: skip
    found = weeks.message_weeks(messages, ORDERS, stays, UNTIL)
    assert found["customer_id"].tolist() == ["ben", "ana", "ana", "dee"] or found["customer_id"].tolist() == [
        "ana", "ana", "ben", "dee"]  # fmt: skip
    rows = {(who, str(week.date())): (many, out, days) for who, week, many, out, days in
            found[["customer_id", "week", "messages", "opted_out", "order_days"]].itertuples(index=False)}  # fmt: skip
    assert rows == {
        ("ana", "2024-04-01"): (2, 0, 1), ("ana", "2024-04-08"): (1, 1, 1), ("ben", "2024-01-29"): (1, 1, 1),
        ("dee", "2024-03-04"): (1, 0, 0),
    }  # fmt: skip
    assert found.attrs["unrecorded"] == 1
    assert found.attrs["not_members"] == 2


def test_dates_without_time_keep_the_message_that_made_a_member_leave():
    stays = stays_of(("ana", "2024-01-10", "2024-02-01"))
    assert len(weeks.message_weeks(sent_to(("ana", "2024-02-01 10:00", True)), ORDERS, stays, UNTIL)) == 1


def test_pressure_is_messages_a_month_over_days_with_an_order_a_month():
    assert weeks.pressure_of(30, 6) == pytest.approx(30 / (6 / 91 * 30.4375))
    assert weeks.pressure_of(30, 0) == weeks.pressure_of(30, 0.5) == 120


def test_a_newcomer_counts_with_the_mean_and_an_old_hand_with_the_own_number():
    """Ana is sent 1 message a week for 40 weeks, Ben 5: they end near 4.3 and 21.7 a month."""
    stays = stays_of(("ana", "2024-01-03", None), ("ben", "2024-01-03", None))
    monday = pd.date_range("2024-01-08", periods=40, freq="7D")
    rows = [("ana", at, False) for at in monday]
    rows += [("ben", at + pd.Timedelta(days=k), False) for at in monday for k in range(5)]
    found = weeks.message_weeks(sent_to(*rows), ORDERS, stays, "2024-10-13")
    by = {who: part.sort_values("week")["messages_per_month"].tolist() for who, part in found.groupby("customer_id")}
    month = 30.4375 / 7
    assert by["ana"][0] == by["ben"][0] == pytest.approx(3 * month)
    # Thirteen own weeks and one month at the mean of 3 a week.
    assert by["ana"][-1] == pytest.approx((13 * 1 + month * 3) / (13 + month) * month)
    assert by["ben"][-1] == pytest.approx((13 * 5 + month * 3) / (13 + month) * month)


def test_two_stays_of_one_person_are_kept_apart():
    stays = stays_of(("ana", "2024-01-10", "2024-02-01"), ("ana", "2024-06-01", None))
    messages = sent_to(("ana", "2024-01-20", False), ("ana", "2024-04-20", False), ("ana", "2024-06-20", False))
    found = weeks.message_weeks(messages, ORDERS, stays, UNTIL)
    assert found["week"].dt.month.tolist() == [1, 6]


def test_neither_ids_nor_the_order_of_rows_matter():
    brand = simulate("sanli", customers=150, seed=3)
    tables = {name: brand.tables[name] for name in ("messages", "orders", "members")}
    once = weeks.message_weeks(*tables.values(), "2025-12-31")
    renamed = {}
    for name, table in tables.items():
        other = "x" + (9**9 - table["customer_id"]).astype(str)
        renamed[name] = table.assign(customer_id=other).sample(frac=1, random_state=1)
    again = weeks.message_weeks(*renamed.values(), "2025-12-31")
    for name in ("messages", "order_days", "messages_per_month", "pressure"):
        np.testing.assert_array_equal(np.sort(once[name]), np.sort(again[name]))
    assert once.attrs == again.attrs


def test_the_pressure_of_the_simulator_is_found_again():
    """Orders of the 13 weeks before, and 30 messages a month, exactly as simulation/world.py counts them."""
    brand = simulate("sanli", customers=300, seed=5)
    found = weeks.message_weeks(*(brand.tables[n] for n in ("messages", "orders", "members")), "2025-12-31")
    assert found.attrs["messages_per_month"] == pytest.approx(30, rel=0.01)
    assert found["messages_per_month"].between(27, 33).all()
    assert found["messages"].sum() == (brand.tables["messages"]["kind"] == "promotion").sum()
    assert found["opted_out"].sum() == brand.tables["messages"]["opted_out"].sum() > 20


def test_pool_channels():
    brand = simulate("xiaoman", customers=300, seed=5)
    tables = (brand.tables[name] for name in ("messages", "members"))
    assert weeks.pool_channels(*tables, "2025-12-31") == ["wecom"]


def test_nothing_to_read():
    nobody, nothing = stays_of(), sent_to()
    for stays in (nobody, stays_of(("ana", "2024-01-10", None))):
        for messages in (nothing, sent_to(("zoe", "2024-02-01", False))):
            found = weeks.message_weeks(messages, ORDERS, stays, UNTIL)
            assert found.empty
            assert weeks.pool_channels(messages, stays, UNTIL) == []
