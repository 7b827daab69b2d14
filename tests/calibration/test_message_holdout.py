"""Do the 90% intervals of what a message adds contain the truth in 90 of 100 simulated lots?

Four in five of some 800 dormant customers are sent one or two messages. Orders in the window are Poisson with a rate
that differs widely between customers (gamma, shape 1/2), half as high again with messages; each order is lognormal. The
full runs print their count with `pytest -rP`.
"""

import functools

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import estimates
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.analysis.message_holdout import followed_after_dormancy, value_of_message

START = pd.Timestamp("2024-01-01")
CUSTOMERS, DORMANT, WINDOW, MARGIN, COST = 800, 60, 90, 0.5, 0.8
SHAPE, RATE, LIFT, SPEND = 0.5, 0.4, 1.5, 100.0

TRUTH = {
    "share_difference": (1 + RATE / SHAPE) ** -SHAPE - (1 + RATE * LIFT / SHAPE) ** -SHAPE,
    "orders_difference": RATE * (LIFT - 1),
    "revenue_difference": RATE * (LIFT - 1) * SPEND,
    "contribution_difference": MARGIN * RATE * (LIFT - 1) * SPEND,
    "net_value_per_customer": MARGIN * RATE * (LIFT - 1) * SPEND - COST * 1.5,
    "break_even_cost_per_message": MARGIN * RATE * (LIFT - 1) * SPEND / 1.5,
}


def lot_and_log(rng):
    """Orders, lot and messages; half of the customers order again before they can fall dormant, and so do so later."""
    ids = np.arange(CUSTOMERS)
    treated = rng.random(CUSTOMERS) < 0.8
    first = rng.integers(0, 60, CUSTOMERS)
    again = np.where(rng.random(CUSTOMERS) < 0.5, rng.integers(1, DORMANT, CUSTOMERS), 0)
    last = first + again
    rate = rng.gamma(SHAPE, RATE / SHAPE, CUSTOMERS) * np.where(treated, LIFT, 1.0)
    bought = rng.poisson(rate)
    who = np.repeat(ids, bought)
    when = last[who] + DORMANT + rng.integers(1, WINDOW + 1, len(who))
    spent = rng.lognormal(np.log(SPEND) - 0.5, 1.0, len(who))
    days = np.concatenate([first, last, when])
    orders = pd.DataFrame(
        {"customer_id": np.concatenate([ids, ids, who]), "ordered_at": START + pd.to_timedelta(days, unit="D"),
         "amount": np.concatenate([np.full(2 * CUSTOMERS, 50.0), spent])}
    )  # fmt: skip
    lot = pd.DataFrame(
        {"experiment": "e", "customer_id": ids, "assigned_at": START + pd.to_timedelta(first, unit="D"),
         "arm": np.where(treated, "sms", "none"), "probability": np.where(treated, 0.8, 0.2)}
    )  # fmt: skip
    mail = np.repeat(ids[treated], 1 + (rng.random(treated.sum()) < 0.5))
    sent = START + pd.to_timedelta(last[mail] + DORMANT + 1 + np.arange(len(mail)) % 5, unit="D")
    return orders, lot, pd.DataFrame({"customer_id": mail, "sent_at": sent, "channel": "sms", "cost": COST})


def intervals(orders, lot, sent):
    until = START + pd.Timedelta(days=250)  # so that some, dormant on day 160 or later, are not watched for 90 days
    followed = followed_after_dormancy(
        orders, until, lot, sent, "e", "sms", "none", DORMANT, window_days=WINDOW, gross_margin=MARGIN
    )
    return value_of_message(followed)


@functools.cache
def simulated(runs):
    """Every interval of every run; the runs are shared by the tests, the means of one side not judged here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimates, "RESAMPLES", 19)
        return [intervals(*lot_and_log(np.random.default_rng(seed))) for seed in np.random.SeedSequence(7).spawn(runs)]


@pytest.mark.parametrize("key", TRUTH)
def test_interval_of_what_messages_add(runs, key):
    found = [one[key] for one in simulated(runs)]
    result = Coverage(sum(one.low <= TRUTH[key] <= one.high for one in found), runs)
    print(f"{key}: {result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    assert result.meets_bar()


def test_no_effect_is_found_where_there_is_none_and_the_loyal_are_messaged_less(runs):
    """Customers who order often are seldom dormant: whoever was sent a message orders less, whatever it does."""

    def brand(rng):
        rate = rng.gamma(1.0, 1 / 20, CUSTOMERS)
        who, days = [], []
        for customer, own in enumerate(rate):
            times = np.cumsum(rng.exponential(1 / own, 60))
            mine = np.append(0, np.ceil(times[times < 300]))
            who.append(np.full(len(mine), customer))
            days.append(mine)
        who, days = np.concatenate(who), np.concatenate(days)
        at = START + pd.to_timedelta(days, unit="D")
        orders = pd.DataFrame({"customer_id": who, "ordered_at": at, "amount": 10.0})
        treated = rng.random(CUSTOMERS) < 0.5
        lot = pd.DataFrame(
            {"experiment": "e", "customer_id": np.arange(CUSTOMERS), "assigned_at": START,
             "arm": np.where(treated, "sms", "none"), "probability": 0.5}
        )  # fmt: skip
        gap = orders.sort_values(["customer_id", "ordered_at"]).groupby("customer_id")["ordered_at"].shift(-1)
        long = gap.isna() | (gap > orders["ordered_at"] + pd.Timedelta(days=DORMANT))
        sleeping = orders[long & treated[orders["customer_id"]]]
        sent = sleeping.assign(
            sent_at=sleeping["ordered_at"] + pd.Timedelta(days=DORMANT + 1), channel="sms", cost=COST
        )
        sent = sent[sent["sent_at"] <= START + pd.Timedelta(days=250)]
        return orders, lot, sent[["customer_id", "sent_at", "channel", "cost"]]

    covered, naive = 0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimates, "RESAMPLES", 19)
        for seed in np.random.SeedSequence(8).spawn(runs):
            orders, lot, sent = brand(np.random.default_rng(seed))
            found = intervals(orders, lot, sent)["orders_difference"]
            covered += found.low <= 0 <= found.high
            per_customer = orders.groupby("customer_id").size().reindex(range(CUSTOMERS), fill_value=0)
            messaged = per_customer.index.isin(sent["customer_id"])
            naive.append(per_customer[messaged].mean() - per_customer[~messaged].mean())
    print(f"{covered} of {runs}; messaged less not messaged, orders per customer: {np.mean(naive):.2f}")  # noqa: T201
    assert Coverage(covered, runs).meets_bar()
    assert np.mean(naive) < -3  # what a comparison of messaged with not messaged customers would have said
