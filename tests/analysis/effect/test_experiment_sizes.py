"""Sizes and powers against R's published examples, a rule of thumb, and experiments that are run a thousand times."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import experiment_sizes as sizes
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import Estimate, Refused

RUNS = 4000


def followed(repurchase=0.5, n=1000, kind="invitation", people_now=0, per_week=50.0, spend=None, joined=0.25):
    """A table with an exact share that came back."""
    back = (np.arange(n) < round(n * repurchase)).astype(float)
    table = pd.DataFrame({"repurchase": back, "orders": 2 * back})
    table["spend"] = 80 * back if spend is None else spend
    table["contribution"] = table["spend"] / 2
    table["joined"] = (np.arange(n) % 100 < joined * 100).astype(float)
    table.attrs = {
        "kind": kind,
        "horizon_days": 90,
        "people_now": people_now,
        "per_week": per_week,
        "weeks_counted": 26,
    }
    return table


def only(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_examples_of_r():
    # help(power.prop.test), R 4: n = 50, p1 = .50, p2 = .75 => power = 0.740; power = .90 => n = 76.7;
    # n = 50, p1 = .5, power = .90 => p2 = 0.8026. All at sig.level = 0.05, two groups of one size.
    half = followed(0.5)
    row = only(sizes.sample_sizes(half, 0.5, [0.5], 0.90, 0.95, 1.0), outcome="repurchase")
    assert (row["held_out"], row["others"], row["people"]) == (77, 77, 154)
    hundred = followed(0.5, people_now=100)
    row = only(sizes.power_by_weeks(hundred, 0.5, [0.5], 0.95, 1.0, [0]), outcome="repurchase")
    assert row["power"] == pytest.approx(0.740, abs=5e-4)
    row = only(sizes.detectable_effects(hundred, [0.5], 0.90, 0.95, 1.0), outcome="repurchase")
    assert row["effect_per_person"] + 0.5 == pytest.approx(0.8026, abs=5e-5)


def test_the_rule_of_sixteen_for_means():
    # Lehr (1992), Statistics in Medicine 11, 1099-1102: 16 s^2 / d^2 in each group, for power 0.8 at 5%; exactly 15.7.
    table = followed(0.5, spend=np.random.default_rng(1).gamma(2.0, 40.0, 1000))
    row = only(sizes.sample_sizes(table, 0.5, [0.1], 0.8, 0.95, 1.0), outcome="spend")
    lehr = (row["deviation"] / row["effect_per_person"]) ** 2
    assert row["held_out"] == pytest.approx(15.698 * lehr, rel=1e-3)


def significant(difference, variance, level):
    from scipy import stats

    return np.abs(difference) > stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)


@pytest.mark.parametrize(
    ("kind", "share", "take_up"), [("invitation", 0.5, 1.0), ("invitation", 0.1, 0.4), ("promotions", 0.2, 1.0)]
)
def test_the_planned_size_has_the_planned_power_for_shares(kind, share, take_up):
    """The experiment as planned, by lot: its interval leaves out 0 in 80 of 100 runs."""
    row = only(sizes.sample_sizes(followed(0.3, kind=kind), share, [0.2], 0.8, 0.90, take_up), outcome="repurchase")
    # Per joiner +20%: of those invited a share `take_up` joins, and orders with the chance of the others times 1.2.
    rng, without = np.random.default_rng(3), row["without"]
    joiners = rng.binomial(row["others"], take_up, RUNS)
    treated = rng.binomial(joiners, without * 1.2) + rng.binomial(row["others"] - joiners, without)
    a, b = treated / row["others"], rng.binomial(row["held_out"], without, RUNS) / row["held_out"]
    pooled = (treated + b * row["held_out"]) / row["people"]
    found = significant(a - b, pooled * (1 - pooled) * (1 / row["others"] + 1 / row["held_out"]), 0.90).mean()
    assert found == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / RUNS) + 0.01)
    if kind == "promotions":  # the rate seen today is that of people who do get promotions
        assert without * 1.2 == pytest.approx(0.3)


def test_the_planned_size_has_the_planned_power_for_skewed_money():
    spend = np.random.default_rng(5).lognormal(3, 1.0, 2000) * (np.arange(2000) % 3 == 0)
    row = only(sizes.sample_sizes(followed(0.5, 2000, spend=spend), 0.3, [0.3], 0.8, 0.90, 1.0), outcome="spend")
    rng, hits = np.random.default_rng(7), []
    for _ in range(600):
        held_out = rng.choice(spend, row["held_out"])
        others = rng.choice(spend, row["others"]) + row["effect_per_person"]
        variance = held_out.var() / len(held_out) + others.var() / len(others)
        hits.append(significant(others.mean() - held_out.mean(), variance, 0.90))
    assert np.mean(hits) == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 600) + 0.01)


def test_a_take_up_of_a_quarter_takes_sixteen_times_the_people():
    table = followed(0.3)
    of = [only(sizes.sample_sizes(table, 0.5, [0.1], take_up=t), outcome="spend")["held_out"] for t in (1.0, 0.25)]
    assert of[1] / of[0] == pytest.approx(16, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    st.floats(0.03, 0.9),
    st.floats(0.05, 0.5),
    st.sampled_from(["invitation", "holdout", "promotions"]),
    st.floats(0.2, 1.0),
)
def test_sizes_powers_and_smallest_effects_agree(base, share, kind, take_up):
    """With as many people as an effect needs, the power is that planned, and the smallest effect found is this one."""
    table = followed(base, kind=kind)
    for row in sizes.sample_sizes(table, share, [0.15], 0.8, 0.90, take_up).itertuples():
        if pd.isna(row.people):
            continue
        enough = followed(base, kind=kind, people_now=int(row.people))
        chance = only(sizes.power_by_weeks(enough, share, [0.15], 0.90, take_up, [0]), outcome=row.outcome)
        assert chance["power"] == pytest.approx(0.8, abs=0.02)
        least = only(sizes.detectable_effects(enough, [share], 0.8, 0.90, take_up), outcome=row.outcome)
        assert least["effect_per_person"] == pytest.approx(row.effect_per_person, rel=0.06)


def test_more_people_more_power_and_smaller_effects():
    table = followed(0.3, per_week=200.0)
    curve = sizes.power_by_weeks(table, 0.2, [0.1], take_up=1.0)
    for _, part in curve.groupby("outcome"):
        assert part["power"].dropna().is_monotonic_increasing
        assert part["weeks"].tolist() == list(sizes.WEEKS)
    least = sizes.detectable_effects(table, take_up=1.0)
    for _, part in least.groupby("outcome"):
        assert part["effect_per_person"].is_monotonic_decreasing
        assert (part["held_out"] + part["others"] == 50 * 26 * 4).all()


def test_the_effect_that_pays_is_one_of_those_to_find():
    table = followed(0.5)
    row = only(sizes.sample_sizes(table, 0.5, [], take_up=0.5, pays=4.0), aim="pays")
    assert (row["outcome"], row["effect_per_joiner"], row["effect_per_person"]) == ("contribution", 4.0, 2.0)
    assert row["relative_effect"] == pytest.approx(4 / 20)


def test_days_wait_for_people_and_then_for_the_horizon():
    row = only(sizes.sample_sizes(followed(0.5, per_week=70.0), 0.5, [0.5], 0.9, 0.95, 1.0), outcome="repurchase")
    assert (row["days_to_recruit"], row["days"], row["enough_now"]) == (16.0, 106.0, False)  # 154 people at 10 a day
    row = only(sizes.sample_sizes(followed(0.5, people_now=154), 0.5, [0.5], 0.9, 0.95, 1.0), outcome="repurchase")
    assert (row["days_to_recruit"], row["days"], row["enough_now"]) == (0.0, 90.0, True)
    row = only(sizes.sample_sizes(followed(0.5, per_week=0.0), 0.5, [0.5], 0.9, 0.95, 1.0), outcome="repurchase")
    assert math.isinf(row["days"])


def test_take_up_is_given_counted_or_not_known():
    assert sizes.take_up_of(followed(kind="promotions"))[0] == 1.0
    number, told = sizes.take_up_of(followed(kind="holdout"))
    assert number == told.value == 0.25
    assert told.low < 0.25 < told.high
    number, told = sizes.take_up_of(followed(kind="invitation"))
    assert number == 1.0
    assert isinstance(told, Refused)
    first_stage = Effect(0.3, 0.01, 0.28, 0.32, 0.9, 500)
    number, told = sizes.take_up_of(followed(), first_stage)
    assert (number, told.low) == (0.3, 0.28)
    assert sizes.take_up_of(followed(), told) == (0.3, told)
    with pytest.raises(ValueError, match="take_up"):
        sizes.take_up_of(followed(), 0.0)


@pytest.mark.parametrize("base", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["invitation", "holdout"])
def test_rates_at_the_edges_give_blanks_and_never_infinities(base, kind):
    table = followed(base, kind=kind)
    made = sizes.sample_sizes(table, 0.1, take_up=0.5, pays=3.0)
    numbers = made.drop(columns=["outcome", "aim", "enough_now", "held_out", "others", "people"]).to_numpy(float)
    assert not np.isinf(numbers).any()
    shares = made[made["outcome"] == "repurchase"]
    assert shares["people"].isna().all() or kind == "holdout"
    sizes.power_by_weeks(table, 0.1, take_up=0.5)
    sizes.detectable_effects(table, take_up=0.5)


def test_few_people_show_nothing_and_too_few_design_nothing():
    least = sizes.detectable_effects(followed(0.02, people_now=30), [0.1], take_up=1.0)
    assert least[least["outcome"] == "repurchase"]["held_out"].tolist() == [3]
    refused = sizes.base_rate(followed(0.5, n=99), "orders", 0.9)
    assert isinstance(refused, Refused)
    assert refused.seen == 99
    assert list(sizes.sample_sizes(followed(0.5, n=99), take_up=1.0).columns) == sizes.SIZE_COLUMNS


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.0}, {"power": 1.0}, {"power": 0.05}, {"level": 1.0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        sizes.sample_sizes(followed(), **wrong)


def test_base_rates_are_stated_with_their_interval():
    told = sizes.base_rate(followed(0.3), "repurchase", 0.9)
    assert isinstance(told, Estimate)
    assert told.low < 0.3 < told.high
    assert sizes.base_rate(followed(0.3), "spend", 0.9).is_exact
    assert not sizes.base_rate(followed(0.3), "spend", 0.9, interval=True).is_exact
