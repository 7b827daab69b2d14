"""Person-time by hand; hazard ratios beside statsmodels; both biases, opposite in sign, where joining does nothing."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from siyu_helpers.analysis.effect import immortal
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.estimates import Refused

START = pd.Timestamp("2024-01-01")


def shop(orders, stays, until="2024-12-31"):
    log = pd.DataFrame(orders, columns=["customer_id", "ordered_at"]).assign(amount=9.0)
    log["ordered_at"] = pd.to_datetime(log["ordered_at"])
    members = pd.DataFrame(stays, columns=["customer_id", "joined_at"])
    members["joined_at"] = pd.to_datetime(members["joined_at"])
    return read_histories(log, members, until)


def random_people(seed, n=300):
    rng = np.random.default_rng(seed)
    stop = rng.integers(1, 40, n)
    exposed = rng.random(n) < 0.5
    since = np.where(exposed, (rng.random(n) * stop).astype(int), stop)
    return since, stop, rng.random(n) < 0.7, exposed


def loyal_and_not(seed, n=4000, days=365):
    """First orders on day 0. Who buys three times as often also joins three times as readily; joining does nothing."""
    rng = np.random.default_rng(seed)
    loyal = rng.random(n) < 0.5
    second = 1 + rng.geometric(np.where(loyal, 0.012, 0.004))
    joined = 1 + rng.geometric(np.where(loyal, 0.006, 0.002))
    orders = [(i, START) for i in range(n)]
    orders += [(i, START + pd.Timedelta(days=int(day))) for i, day in enumerate(second) if day < days]
    stays = [(i, START + pd.Timedelta(days=int(day))) for i, day in enumerate(joined) if day < days]
    return orders, stays, loyal


def test_person_time_by_hand():
    told = shop(
        [
            (1, "2024-12-01"),
            (1, "2024-12-06"),
            (1, "2024-12-21"),
            (2, "2024-12-11"),
            (3, "2024-12-31"),
            (3, "2024-12-31"),
        ],
        [(1, "2024-12-11"), (2, "2024-12-01")],
    )
    table = immortal.person_time(told).set_index("group")
    assert table["person_days"].to_dict() == {"never": 1.0, "before": 10.0, "after": 21.0 + 21.0}
    assert table["orders"].to_dict() == {"never": 1, "before": 1, "after": 1}
    assert table["customers"].to_dict() == {"never": 1, "before": 1, "after": 2}
    assert table.loc["after", "per_100_days"] == pytest.approx(100 / 42)


def test_person_time_leaves_nobody_and_nothing_out():
    orders, stays, _ = loyal_and_not(3, n=500)
    told = shop(orders, stays)
    table = immortal.person_time(told)
    assert table["person_days"].sum() == pytest.approx(((told.end - told.first_order) / 86_400).sum())
    assert table["orders"].sum() == len(told.time) - len(told.customers)
    rates = table.set_index("group")["per_100_days"]
    found = immortal.immortal_time(told)
    times = table.set_index("group")["person_days"]
    assert found["time_before_joining"].value == pytest.approx(times["before"] / (times["before"] + times["after"]))
    rest = table[table["group"] != "after"]
    outside = 100 * rest["orders"].sum() / rest["person_days"].sum()
    assert found["split_at_joining"].value == pytest.approx(rates["after"] / outside)


def test_mantel_haenszel_beside_statsmodels():
    since, stop, event, exposed = random_people(1)
    tables = []
    for day in range(1, stop.max() + 1):
        risk = stop >= day
        inside = risk & (since < day)
        hit = event & (stop == day)
        sides = [(int((hit & side).sum()), int((side & ~hit).sum())) for side in (inside, risk & ~inside)]
        if all(map(sum, sides)):
            tables.append(np.array(sides, dtype=float))
    ours, influence = immortal.mantel_haenszel(since, stop, event, exposed)
    assert ours == pytest.approx(StratifiedTable(tables).riskratio_pooled, rel=1e-9)
    assert influence.sum() == pytest.approx(0, abs=1e-9)


def test_influence_is_what_leaving_a_person_out_does():
    since, stop, event, exposed = random_people(2)
    ours, influence = immortal.mantel_haenszel(since, stop, event, exposed)
    moved = []
    for person in range(40):
        rest = np.arange(len(stop)) != person
        moved.append(
            np.log(ours) - np.log(immortal.mantel_haenszel(since[rest], stop[rest], event[rest], exposed[rest])[0])
        )
    assert np.corrcoef(moved, influence[:40])[0, 1] > 0.999
    assert np.abs(np.array(moved) / influence[:40] - 1).max() < 0.1


def test_both_biases_are_there_without_any_effect_and_point_in_opposite_directions():
    """As in published demonstrations of immortal time (Suissa 2008): something harmless protects, then harms."""
    orders, stays, loyal = loyal_and_not(7)
    found = immortal.immortal_time(shop(orders, stays))
    assert found["second_order_ever"].high < 0.75  # immortal time: who joined had waited
    assert found["second_order_split"].low > 1.1  # selection: the loyal join
    inside = []
    for kind in (True, False):
        chosen = {i for i, is_loyal in enumerate(loyal) if is_loyal == kind}
        told = shop([row for row in orders if row[0] in chosen], [row for row in stays if row[0] in chosen])
        inside.append(immortal.immortal_time(told)["second_order_split"])
    assert all(each.low < 1 < each.high for each in inside)  # beside customers of their own kind: nothing


def test_few_customers_and_no_second_orders_are_refused():
    few = shop([(i, START) for i in range(40)], [(1, "2024-02-01")])
    assert all(isinstance(each, Refused) for each in immortal.immortal_time(few).values())
    quiet = immortal.immortal_time(shop([(i, START) for i in range(80)], [(i, "2024-02-01") for i in range(40)]))
    assert isinstance(quiet["split_at_joining"], Refused)
    assert isinstance(quiet["second_order_ever"], Refused)
    assert quiet["time_before_joining"].value == pytest.approx(31 / 366)
    assert immortal.person_time(shop([], []))["orders"].sum() == 0
