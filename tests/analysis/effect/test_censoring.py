"""Censoring weights against products taken week by week, statsmodels, and brands whose chance of joining is known."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import censoring
from siyu_helpers.analysis.effect.covariates import categories_of, covariates_at
from siyu_helpers.analysis.effect.histories import DAY, NEVER, WEEK, monday_of, read_histories, seconds
from siyu_helpers.analysis.effect.trials import draw, weekly_trials
from siyu_helpers.data.simulate import simulate

START = pd.Timestamp("2024-01-01")  # a Monday
UNTIL = "2024-12-29"  # a Sunday
NAMES = ("recency", "frequency")


def brand(seed, customers=60, orders=200, weekly=0.03, reach_days=10**6, favour=0.0):
    """Orders at random moments; joining each week by lot, with a chance that depends on nothing but recency."""
    rng = np.random.default_rng(seed)
    at = START + pd.to_timedelta(np.sort(rng.uniform(0, 360, orders)) * DAY // 1, "s")
    log = pd.DataFrame({"customer_id": rng.integers(0, customers, orders), "ordered_at": at, "amount": 10.0})
    stays = []
    for customer, mine in log.groupby("customer_id")["ordered_at"]:
        for week in pd.date_range(START, "2024-12-23", freq="7D"):
            before = mine[mine < week]
            if not len(before):
                continue
            since = (week - before.max()) / pd.Timedelta(days=1)
            if since <= reach_days and rng.random() < weekly * math.exp(-favour * since):
                stays.append((customer, week + pd.Timedelta(seconds=int(rng.integers(0, WEEK)))))
                break
    stays = pd.DataFrame(stays, columns=["customer_id", "joined_at"])
    return log, stays.assign(joined_at=stays["joined_at"].astype("datetime64[s]"))


def hazard_of(told, **slopes):
    return censoring.Hazard(NAMES, categories_of(told, NAMES), -3.0, slopes, 100, 0.01)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 80))
def test_product_week_by_week(seed, horizon):
    log, stays = brand(seed, customers=8, orders=30)
    told = read_histories(log, stays, UNTIL)
    hazard = hazard_of(told, recency_days=-0.02, log_order_days=0.7)
    rng = np.random.default_rng(seed)
    who = rng.integers(0, len(told.customers), 12)
    monday = monday_of(told.first_order[who]) + WEEK * rng.integers(1, 20, 12)
    end = monday + rng.integers(0, WEEK, 12) + horizon * DAY
    found = censoring.log_staying(told, hazard, who, monday, end)
    for place in range(12):
        staying, week = 1.0, monday[place] + WEEK
        while week < end[place]:
            known = covariates_at(told, who[[place]], week, NAMES).loc[0]
            if known["recency_days"] > 100:
                chance = 0.01
            else:
                chance = 1 / (1 + math.exp(3 + 0.02 * known["recency_days"] - 0.7 * known["log_order_days"]))
            staying *= 1 - chance * min((end[place] - week) / WEEK, 1)
            week += WEEK
        assert math.exp(found[place]) == pytest.approx(staying, rel=1e-9)


def test_nothing_to_stay_out_of_within_the_week_of_the_trial():
    told = read_histories(*brand(1), UNTIL)
    monday = np.array([monday_of(told.first_order[0]) + WEEK])
    found = censoring.log_staying(told, hazard_of(told, recency_days=1.0), np.array([0]), monday, monday + 2 * DAY)
    assert found.tolist() == [0]


def everybody(log, stays):
    """All customer-weeks at risk, by loops: covariates on Monday, and whether joined in the week."""
    told = read_histories(log, stays, UNTIL)
    since, rows = int(monday_of(told.joined.min())), []
    for who in range(len(told.customers)):
        for week in range(since, told.end - WEEK + 1, WEEK):
            if told.first_order[who] < week <= told.joined[who]:
                rows.append((who, week, told.joined[who] < week + WEEK))
    who, week, joined = (np.array(its) for its in zip(*rows, strict=True))
    return told, covariates_at(told, who, week, NAMES), joined


def test_the_chance_of_joining_is_that_of_a_logit_on_all_customer_weeks(monkeypatch):
    """statsmodels' logit on every customer and week, where every comparator is taken."""
    monkeypatch.setattr(censoring, "CONTROLS", 10**6)
    log, stays = brand(2, weekly=0.08, favour=0.02)
    told, columns, joined = everybody(log, stays)
    theirs = sm.Logit(joined.astype(float), sm.add_constant(columns)).fit(disp=False)
    drawn = draw(told, 10**6, 10**5, seed=0)
    hazard, model = censoring.fit_hazard(told, drawn, NAMES, categories_of(told, NAMES), 10**5)
    assert model == "logit"
    assert hazard.intercept == pytest.approx(theirs.params["const"], rel=1e-4)
    assert hazard.slopes == pytest.approx(theirs.params.drop("const").to_dict(), rel=1e-4)


def test_a_sample_of_comparators_stands_for_all():
    """Sampled weeks, those without a joiner too, give the chance of all customer-weeks within sampling error."""
    log, stays = brand(3, customers=300, orders=900, weekly=0.02)
    told = read_histories(log, stays, UNTIL)
    drawn = draw(told, 20, 10**5, seed=0)
    hazard, _ = censoring.fit_hazard(told, drawn, NAMES, categories_of(told, NAMES), 10**5)
    who = np.arange(len(told.customers))
    monday = np.full(len(who), seconds(pd.Series([pd.Timestamp("2024-09-02")]))[0])
    there = told.first_order < monday
    chances = censoring.chance(told, hazard, who[there], monday[there])
    assert chances.mean() == pytest.approx(0.02, rel=0.15)


def test_weeks_without_a_joiner_count_too():
    """A chance that depends on nothing is joinings over customer-weeks, whoever was drawn."""
    log, stays = brand(6, weekly=0.01)
    told, _, joined = everybody(log, stays)
    hazard, model = censoring.fit_hazard(told, draw(told, 2, 10**5, seed=0), (), {}, 10**5)
    assert model == "constant"
    assert 1 / (1 + math.exp(-hazard.intercept)) == pytest.approx(joined.mean())


def test_customers_out_of_reach_join_at_their_own_rate():
    log, stays = brand(4, customers=40, orders=90, weekly=0.02)
    told, _, _ = everybody(log, stays)
    weeks = joinings = 0.0
    for who in range(len(told.customers)):
        mine = [*told.time[told.person == who].tolist(), NEVER]
        for begin, stop in itertools.pairwise(mine):
            begin = max(begin + 60 * DAY, told.joined.min())
            weeks += max(min(stop, told.joined[who], told.end) - begin, 0) / WEEK
        monday = monday_of(told.joined[who])
        before = [moment for moment in mine[:-1] if moment < monday]
        joinings += told.joined[who] < NEVER and bool(before) and max(before) < monday - 60 * DAY
    assert joinings > 0
    assert censoring.out_of_reach(told, 60) == pytest.approx(joinings / weeks)
    assert censoring.out_of_reach(told, 10**5) == 0


def test_weights_are_the_inverse_of_a_known_chance():
    """3% a week whatever the history: after 60 days the weight is near .97 to the power of the weeks."""
    trials = weekly_trials(*brand(5, customers=500, orders=1000), UNTIL, 60, covariates=("recency",))
    compared = trials[(trials["joined"] == 0) & (trials["censor_weight"] > 0)]
    weeks = (60 - (7 - compared["days_before"])) / 7
    ratio = compared["censor_weight"] * 0.97**weeks
    assert ratio.mean() == pytest.approx(1, abs=0.03)
    assert ratio.std() < 0.05
    told = trials.attrs["censoring"]
    assert told["adds_up"] == pytest.approx(1, abs=0.03)
    assert told["joined_later"] == pytest.approx(1 - 0.97 ** weeks.mean(), abs=0.03)
    assert told["largest_weight"] == compared["censor_weight"].max()
    assert "note_en" not in told


def test_those_who_stayed_stand_for_those_who_joined():
    """Where recent buyers join, those who stay out had not bought for longer; weights bring back the mean recency."""
    made = simulate("xiaoman", customers=2500, seed=11, selection="observed", effect_on_frequency=0, message_lift=0)
    given = (made.tables["orders"], made.tables["members"], "2025-12-31", 90)
    trials = weekly_trials(*given)
    compared = trials[trials["joined"] == 0]
    stayed, weight = compared["censor_weight"] > 0, compared["sampling_weight"]
    everybody = np.average(compared["log_recency"], weights=weight)
    plain = np.average(compared.loc[stayed, "log_recency"], weights=weight[stayed])
    weighted = np.average(compared["log_recency"], weights=weight * compared["censor_weight"])
    assert abs(weighted - everybody) < 0.2 * abs(plain - everybody)
    # And what they order: without an effect, later joiners' orders are known as well, from the table that ignores it.
    orders = weekly_trials(*given, censor="none").loc[compared.index, "orders"]
    everybody = np.average(orders, weights=weight)
    plain = np.average(orders[stayed], weights=weight[stayed])
    weighted = np.average(orders[stayed], weights=(weight * compared["censor_weight"])[stayed])
    assert plain < 0.93 * everybody
    # Over twelve such brands plain means were 28% too low, weighted ones 2.4% too high, one of them by up to 4.5%.
    assert weighted == pytest.approx(everybody, rel=0.06)


def test_weights_are_not_cut_off_but_extreme_ones_are_said():
    sampling, weight = np.ones(100), np.ones(100)
    weight[0], weight[1] = 80.0, 0.0
    told = censoring.weight_facts(sampling, weight, "logit")
    assert told["largest_weight"] == 80
    assert told["joined_later"] == 0.01
    assert "80" in told["note_en"]
    assert "80" in told["note_zh"]
    assert told["effective_n"] == pytest.approx(178**2 / (6400 + 98))
    assert told["effective_n_unweighted"] == 99


def test_no_one_joined_later():
    log = pd.DataFrame({"customer_id": [1, 2], "amount": 5.0, "ordered_at": START + pd.to_timedelta([0, 1], "D")})
    stays = pd.DataFrame({"customer_id": [1], "joined_at": [START + pd.Timedelta(days=9)]})
    trials = weekly_trials(log, stays, UNTIL, 30)
    assert trials.attrs["censoring"]["model"] == "constant"  # one joiner: no logit on any covariate
    assert trials["censor_weight"].between(1, 2).all()
    empty = weekly_trials(log, stays.iloc[:0], UNTIL, 30)
    assert empty.attrs["censoring"] == {"model": "none", "joined_later": 0.0, "effective_n": 0.0}


def test_all_comparators_join_later():
    log = pd.DataFrame({"customer_id": [1, 2], "amount": 5.0, "ordered_at": START + pd.to_timedelta([0, 1], "D")})
    stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": START + pd.to_timedelta([9, 16], "D")})
    trials = weekly_trials(log, stays, UNTIL, 30)
    assert trials["censor_weight"].to_list() == [1, 0, 1]
    assert trials["orders"].isna().to_list() == [False, True, False]
    assert trials.attrs["censoring"]["joined_later"] == 1


def test_a_covariate_that_gives_joining_away_falls_back_on_a_constant_chance():
    """All who ordered twice join at once: no logit exists."""
    day = pd.to_timedelta([0, 1, 2, 3, 4] * 12, "D")
    log = pd.DataFrame({"customer_id": np.arange(60), "amount": 5.0, "ordered_at": START + day})
    loyal = log[log["customer_id"] < 30]
    log = pd.concat([log, loyal.assign(ordered_at=START + pd.Timedelta(days=5))])
    stays = loyal[["customer_id"]].assign(joined_at=START + pd.Timedelta(days=9))
    trials = weekly_trials(log, stays, UNTIL, 30, covariates=("frequency",))
    assert trials["censor_weight"].between(1, math.inf, inclusive="left").all()
    assert trials["joined"].sum() == 30
