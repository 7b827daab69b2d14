"""Service messages and promotions: by hand, and by lot with a truth that is known by construction."""

import numpy as np
import pandas as pd
import pytest
from pool_orders import log
from statsmodels.stats import weightstats

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.evidence import pull_or_push as pull

UNTIL = "2024-12-31"
BEGIN = pd.Timestamp("2024-06-01")


def messages(*rows):
    table = pd.DataFrame(list(rows), columns=["customer_id", "sent_at", "kind", "read", "opted_out"])
    return table.assign(sent_at=pd.to_datetime(table["sent_at"], format="mixed"), channel="wecom")


def members(n, left=None):
    table = pd.DataFrame({"customer_id": range(n), "joined_at": pd.Timestamp("2024-05-01")})
    table["left_at"] = pd.NaT if left is None else np.where(left, np.datetime64("2024-07-01"), np.datetime64("NaT"))
    return table.astype({"left_at": "datetime64[us]"})


def test_rates_by_hand():
    sent = messages((0, "2024-06-01 10:00", "service", True, False), (0, "2024-06-20", "promotion", False, False),
                    (1, "2024-06-01", "promotion", True, True), (1, "2024-12-30", None, None, None))  # fmt: skip
    orders = log((0, "2024-06-08 23:00", 9.0), (0, "2024-06-28", 9.0), (1, "2024-05-31", 9.0))
    table = pull.pull_or_push(sent, orders, members(2), UNTIL).table.set_index("kind")
    assert table["messages"].to_dict() == {"service": 1, "promotion": 3}
    assert table["ordered"].to_dict() == {"service": 1, "promotion": 0}  # day 7 counts, day 8 does not
    assert table["opted_out"].to_dict() == {"service": 0, "promotion": 0.5}
    assert table["read"].to_dict() == {"service": 1, "promotion": 0.5}


def lot(rng, sells=0.0, drives_out=0.0, n=300):
    """Half get promotions: they order `sells` more on average, and so many of them leave."""
    with_promotions = np.arange(n) % 2 == 0
    drawn = pd.DataFrame({"experiment": "promotions", "customer_id": range(n), "assigned_at": BEGIN, "probability": 0.5,
                          "arm": np.where(with_promotions, "promotions", "none")})  # fmt: skip
    many = rng.poisson(1.0 + sells * with_promotions)
    orders = log(*((i, "2024-06-15", 9.0) for i in np.repeat(np.arange(n), many)), (0, "2024-01-01", 9.0))
    sent = messages(*((int(i), "2024-06-02", "promotion", True, False) for i in np.flatnonzero(with_promotions)),
                    *((i, "2024-06-02", "service", True, False) for i in range(n)))  # fmt: skip
    left = with_promotions & (rng.random(n) < drives_out)
    return sent, orders, members(n, left), UNTIL, drawn


@pytest.mark.parametrize(("sells", "drives_out", "agrees"), [
    (0.8, 0.0, "disagrees"), (0.0, 0.4, "agrees"), (0.8, 0.4, "cannot be told"), (0.0, 0.0, "cannot be told"),
])  # fmt: skip
def test_the_lot_decides(sells, drives_out, agrees):
    found = pull.pull_or_push(*lot(np.random.default_rng(2), sells, drives_out))
    assert found.rule.agrees == agrees
    assert ("both" in found.rule.reading.en) == (sells > 0 and drives_out > 0)
    assert found.figures["pull_lot_staying"].value == pytest.approx(-100 * drives_out, abs=8)


def test_what_promotions_add_is_the_difference_of_means_as_statsmodels_has_it():
    sent, orders, stays, until, drawn = lot(np.random.default_rng(2), 0.5)
    found = pull.pull_or_push(sent, orders, stays, until, drawn).figures["pull_lot_orders"]
    many = orders[orders["ordered_at"] >= BEGIN].groupby("customer_id").size().reindex(range(300)).fillna(0).to_numpy()
    sides = weightstats.CompareMeans(
        *(weightstats.DescrStatsW(many[drawn["arm"] == arm]) for arm in ("promotions", "none"))
    )
    ends = sides.tconfint_diff(alpha=0.10, usevar="unequal")
    assert found.value == pytest.approx(sides.d1.mean - sides.d2.mean)
    assert (found.low, found.high) == pytest.approx(ends, abs=0.03)


def test_without_a_lot_nothing_is_said_to_be_caused():
    sent, orders, stays, until, drawn = lot(np.random.default_rng(2))
    found = pull.pull_or_push(sent, orders, stays, until)
    assert isinstance(found.figures["pull_lot_orders"], Refused)
    assert isinstance(found.figures["pull_opt_out_gap"], Estimate)
    assert found.rule.agrees == "cannot be told"
    drawn["probability"] = np.linspace(0.3, 0.7, len(drawn))
    uneven = pull.pull_or_push(sent, orders, stays, until, drawn).figures["pull_lot_orders"]
    assert uneven.gate == "equal chances"
    late = drawn.assign(assigned_at=pd.Timestamp("2024-12-01"), probability=0.5)
    assert isinstance(pull.pull_or_push(sent, orders, stays, until, late).figures["pull_lot_orders"], Refused)


STRANGER = messages((5, "2024-06-01", "service", True, False))


@pytest.mark.parametrize(
    "given",
    [
        (None, members(2)),
        (messages(), members(2)),
        (messages(), None),
        (messages(), members(0)),
        (STRANGER, members(2)),
    ],
)
def test_odd_brands(given):
    found = pull.pull_or_push(given[0], log((0, "2024-01-01", 9.0)), given[1], UNTIL)
    assert all(isinstance(one, Refused) for one in found.figures.values())
    assert found.rule.agrees == "cannot be told"


def test_gaps_of_reading_ordering_and_leaving_by_hand():
    who = np.arange(400)
    sent = pd.DataFrame({"customer_id": who, "sent_at": pd.Timestamp("2024-06-01"), "channel": "wecom"})
    service = who < 200
    sent = sent.assign(
        kind=np.where(service, "service", "promotion"),
        read=np.where(service, who % 2 == 0, who % 4 == 0),  # 50% and 25%
        opted_out=np.where(service, False, who % 10 == 0),  # 0% and 10%
    )
    bought = np.where(service, who % 5 == 0, who % 2 == 0)  # 20% and 50%
    orders = pd.DataFrame({"customer_id": who[bought], "ordered_at": pd.Timestamp("2024-06-05"), "amount": 9.0})
    stays = pd.DataFrame({"customer_id": who, "joined_at": pd.Timestamp("2024-01-01")})
    found = pull.pull_or_push(sent, orders, stays, "2024-06-30").figures
    gaps = {key: found[f"pull_{key}_gap"].value for key in ("read", "ordered", "opt_out")}
    assert gaps == pytest.approx({"read": -25, "ordered": 30, "opt_out": 10})
    unread = pull.pull_or_push(sent.drop(columns="read"), orders, stays, "2024-06-30").figures
    assert unread["pull_read_gap"].gate == "data"
    assert unread["pull_ordered_gap"].value == pytest.approx(30)
