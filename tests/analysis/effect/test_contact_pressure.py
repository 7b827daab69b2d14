"""The opt-out curve against statsmodels and against what a brand was made with; messages per purchase."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from siyu_helpers.analysis.effect import contact_pressure as pressure
from siyu_helpers.analysis.effect.message_weeks import message_weeks
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import RECIPES, simulate


def made_weeks(rng, members=400, at_ten=0.003, power=0.8):
    """A row a member and week; whoever opts out gets nothing more."""
    rows = []
    for member in range(members):
        for _ in range(30):
            at = float(rng.choice([3.0, 8.0, 15.0, 40.0, 120.0]))
            sent = np.flatnonzero(rng.random(7) < at_ten * (at / 10) ** power)
            rows.append((member, sent[0] + 1 if len(sent) else 7, int(len(sent) > 0), at))
            if len(sent):
                break
    return pd.DataFrame(rows, columns=["customer_id", "messages", "opted_out", "pressure"])


def test_the_fit_is_that_of_statsmodels_with_errors_clustered_by_member():
    weeks = made_weeks(np.random.default_rng(1))
    x = sm.add_constant(np.log(weeks["pressure"] / 10))
    model = sm.GLM(weeks["opted_out"], x, family=sm.families.Poisson(), exposure=weeks["messages"])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": weeks["customer_id"]})
    curve = pressure.fit_curve(weeks)
    assert [curve.level, curve.power] == pytest.approx(fit.params.tolist(), abs=1e-8)
    # statsmodels also multiplies by (rows - 1) / (rows - parameters).
    correction = (len(weeks) - 1) / (len(weeks) - 2)
    assert curve.covariance * correction == pytest.approx(fit.cov_params().to_numpy(), rel=1e-6)


def test_a_simulated_brand_shows_the_curve_it_was_made_with():
    brand = simulate("sanli", customers=2500, seed=4)
    weeks = message_weeks(*(brand.tables[name] for name in ("messages", "orders", "members")), "2025-12-31")
    found = pressure.opt_out_curve(weeks, level=0.99)
    recipe = RECIPES["sanli"]
    for key, truth in (("opt_out_at_ten", recipe.opt_out), ("opt_out_power", recipe.opt_out_power)):
        assert found[key].low <= truth <= found[key].high
        assert found[key].high - found[key].low < truth  # and says something
    bands = pressure.opt_out_hazard(weeks)
    assert bands["messages"].sum() == weeks["messages"].sum()
    assert bands["per_thousand"].is_monotonic_increasing
    assert (bands["per_thousand_low"] <= bands["fitted"]).mean() > 0.7
    assert bands["opt_outs"].sum() == weeks["opted_out"].sum()


def test_bands_by_hand():
    weeks = pd.DataFrame({"customer_id": [1, 1, 2, 3], "messages": [10, 10, 20, 5], "opted_out": [0, 1, 0, 0],
                          "pressure": [4.9, 5.0, 9.9, 500.0]})  # fmt: skip
    found = pressure.opt_out_hazard(weeks)
    assert found[["pressure_from", "members", "messages", "opt_outs"]].to_numpy().tolist() == [
        [2, 1, 10, 0], [5, 2, 30, 1], [80, 1, 5, 0]]  # fmt: skip
    assert found["per_thousand"].tolist() == pytest.approx([0, 1000 / 30, 0])
    assert found["fitted"].isna().all()
    with pytest.raises(ValueError, match="ascending"):
        pressure.opt_out_hazard(weeks, bands=(5.0, 2.0))


def test_few_opt_outs_or_one_pressure_are_refused():
    weeks = made_weeks(np.random.default_rng(2), members=30, at_ten=0.0005)
    found = pressure.opt_out_curve(weeks)
    assert found["opt_out_power"].gate == "opt-outs"
    assert isinstance(found["opt_out_share"], Estimate)
    alike = made_weeks(np.random.default_rng(2)).assign(pressure=10.0)
    assert pressure.opt_out_curve(alike)["opt_out_power"].gate == "differences in pressure"
    nothing = pressure.opt_out_curve(weeks.iloc[:0])
    assert all(isinstance(one, Refused) for one in nothing.values())


def contacts(orders_each, messages_each, members=60):
    """Members since 2023; each sent and bought so many times in the 91 days to 31 March 2024."""
    day = pd.to_datetime
    stays = pd.DataFrame({"customer_id": range(members), "joined_at": day("2023-06-01")})
    spread = pd.date_range("2024-01-02", "2024-03-30", periods=90).normalize()
    orders = [(i, spread[k * 3], 9.0) for i in range(members) for k in range(orders_each[i % len(orders_each)])]
    sent = [(i, spread[k % 90], "wecom") for i in range(members) for k in range(messages_each)]
    return (pd.DataFrame(sent, columns=["customer_id", "sent_at", "channel"]),
            pd.DataFrame(orders, columns=["customer_id", "ordered_at", "amount"]), stays, "2024-03-31")  # fmt: skip


def test_two_visits_a_month_against_thirty_messages_are_fifteen_contacts_a_visit():
    found = pressure.contact_pressure(*contacts([6], 90))
    assert found["pressure"].value == found["median_pressure"].value == 15
    assert found["messages_per_month"].value == pytest.approx(90 / (91 / 30.4375))
    assert found["without_order"].value == 0


def test_the_member_in_the_middle_differs_from_the_mean():
    found = pressure.contact_pressure(*contacts([0, 0, 12], 30))
    assert found["pressure"].value == pytest.approx(30 / 4)
    assert found["median_pressure"].value == pytest.approx(30 / (91 / 30.4375) / 0.25)
    assert found["without_order"].value == pytest.approx(2 / 3)
    assert found["median_pressure"].low <= found["median_pressure"].value <= found["median_pressure"].high


def test_only_members_of_all_91_days_count_and_fifty_are_needed():
    messages, orders, stays, until = contacts([6], 30)
    late = stays.assign(joined_at=stays["joined_at"].where(stays["customer_id"] >= 20, pd.Timestamp("2024-02-01")))
    assert pressure.contact_pressure(messages, orders, late, until)["pressure"].gate == "members"
    none = pressure.contact_pressure(messages, orders.iloc[:0], stays, until)
    assert none["pressure"].gate == "purchases"
    assert math.isfinite(none["median_pressure"].value)
