"""Staggered roll-outs: the published minimum-wage table, brute force, errors against hand work, and what is refused."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from siyu_helpers.analysis.effect import staggered as module
from siyu_helpers.analysis.effect.results import combined, relative
from siyu_helpers.analysis.effect.staggered import GroupTime, staggered
from siyu_helpers.analysis.estimates import Refused

NAMES = ("unit", "period", "began", "y")
MPDTA = Path(__file__).parents[2] / "published" / "mpdta.csv"

# R package did 2.x, vignette "Introduction to DiD with Multiple Time Periods" (bcallaway11.github.io/did), never
# treated, no covariates. Its standard errors are of a bootstrap; the closed form's are in `CLOSED_FORM`.
PUBLISHED = {
    (2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373, (2004, 2007): -0.1008,
    (2006, 2004): 0.0065, (2006, 2005): -0.0028, (2006, 2006): -0.0046, (2006, 2007): -0.0412,
    (2007, 2004): 0.0305, (2007, 2005): -0.0027, (2007, 2006): -0.0311, (2007, 2007): -0.0261,
}  # fmt: skip
DYNAMIC = {-3: 0.0305, -2: -0.0006, -1: -0.0245, 0: -0.0199, 1: -0.0510, 2: -0.1373, 3: -0.1008}
GROUP = {2004: -0.0797, 2006: -0.0229, 2007: -0.0261}

# diff-diff 3.13.0 (PyPI), CallawaySantAnna(control_group=...), no covariates: value and closed-form standard error.
CLOSED_FORM = {
    "never": {
        "simple": (-0.039951, 0.012034), 0: (-0.019932, 0.011826), 1: (-0.050957, 0.016893), -1: (-0.024459, 0.014236),
        3: (-0.100811, 0.034359), (2004, 2006): (-0.137259, 0.036436), (2006, 2004): (0.006520, 0.023327),
        (2007, 2007): (-0.026054, 0.016655),
    },
    "not_yet": {
        "simple": (-0.039764, 0.012052), 0: (-0.018922, 0.012045), 1: (-0.053589, 0.016946), -1: (-0.024269, 0.014464),
        3: (-0.100811, 0.034359), (2004, 2004): (-0.019372, 0.022310), (2006, 2006): (0.004661, 0.016336),
    },
}  # fmt: skip


def minimum_wage():
    wide = pd.read_csv(MPDTA)
    long = wide.melt(["county", "first_treated"], var_name="period", value_name="y").astype({"period": int})
    return long.rename(columns={"county": "unit", "first_treated": "began"})


def panel_of(rng, units=12, periods=6, groups=(0, 3, 5), effect=0.0):
    began = np.array([groups[i % len(groups)] for i in range(units)])
    frame = pd.DataFrame(list(itertools.product(range(units), range(1, periods + 1))), columns=["unit", "period"])
    frame["began"] = began[frame["unit"]]
    since = frame["period"] - frame["began"]
    treated = (frame["began"] > 0) & (since >= 0)
    frame["y"] = rng.normal(size=len(frame)) + frame["unit"] / 5 + effect * treated * (since + 1)
    frame["w"] = 1.0 + frame["unit"] % 4
    return frame


@pytest.fixture(scope="module")
def wages():
    return staggered(minimum_wage(), *NAMES)


# --- published ---


def test_published_group_time_effects(wages):
    table = wages.group_time.set_index(["first_treated", "period"])["value"].round(4)
    assert table.to_dict() == PUBLISHED


def test_published_aggregates(wages):
    assert round(wages.simple.value, 4) == -0.0400
    assert (round(wages.dynamic.value, 4), round(wages.group.value, 4)) == (-0.0772, -0.0310)
    assert {e: round(part.value, 4) for e, part in wages.dynamic.parts.items()} == DYNAMIC
    assert {g: round(part.value, 4) for g, part in wages.group.parts.items()} == GROUP
    # Bootstrap errors of the vignette: 0.0203 overall and 0.0163 at event time 1.
    assert_allclose([wages.dynamic.standard_error, wages.dynamic[1].standard_error], [0.0203, 0.0163], rtol=0.05)


def test_published_test_of_the_leads(wages):
    """The vignette prints 0.16812, Wald's test by chi-squared; ours allows for 500 counties with F."""
    test, units = wages.pretrend, 500
    assert (test.leads, test.of) == (5, "group-time")
    wald = test.statistic * 5 * (units - 1) / (units - 5) * units / (units - 1)
    assert round(stats.chi2.sf(wald, 5), 5) == 0.16812
    assert test.p_value == pytest.approx(0.168, abs=0.01)


@pytest.mark.parametrize("control", CLOSED_FORM)
def test_closed_form_of_another_package(control):
    found = staggered(minimum_wage(), *NAMES, control=control)
    cells = found.group_time.set_index(["first_treated", "period"])
    for key, expected in CLOSED_FORM[control].items():
        part = cells.loc[key] if isinstance(key, tuple) else found.simple if key == "simple" else found.dynamic[key]
        assert_allclose((part.value, part.standard_error), expected, rtol=0.002, atol=1e-6)


def test_the_jackknife_says_the_same_where_counties_are_many(wages):
    found = staggered(minimum_wage(), *NAMES, errors="jackknife")
    assert found.simple.standard_error == pytest.approx(wages.simple.standard_error, rel=0.03)
    assert found.dynamic[0].standard_error == pytest.approx(wages.dynamic[0].standard_error, rel=0.03)


# --- against brute force ---


@pytest.mark.parametrize("control", module.CONTROLS)
@pytest.mark.parametrize("weights", [None, "w"])
def test_every_cell_and_aggregate_by_hand(control, weights):
    """Loops over groups and periods, as the formulas are printed."""
    frame = panel_of(np.random.default_rng(1), effect=1.0)
    found = staggered(frame, *NAMES, control=control, weights=weights)
    wide, began = frame.pivot(index="unit", columns="period", values="y"), frame.groupby("unit")["began"].first()
    weight = frame.groupby("unit")["w"].first() if weights else began * 0 + 1.0
    cells = {}
    for group, period in itertools.product((3, 5), range(2, 7)):
        base = group - 1 if period >= group else period - 1
        compared = began == 0
        if control == "not_yet":
            compared |= (began > max(period, base)) & (began != group)
        change = wide[period] - wide[base]
        mine = began == group
        cells[group, period] = np.average(change[mine], weights=weight[mine]) - np.average(
            change[compared], weights=weight[compared]
        )
    table = found.group_time.set_index(["first_treated", "period"])["value"]
    assert_allclose(table.loc[list(cells)], list(cells.values()))
    size = {group: weight[began == group].sum() for group in (3, 5)}
    after = [(g, t) for g, t in cells if t >= g]
    by_hand = sum(size[g] * cells[g, t] for g, t in after) / sum(size[g] for g, t in after)
    assert found.simple.value == pytest.approx(by_hand)
    first = (size[3] * cells[3, 3] + size[5] * cells[5, 5]) / (size[3] + size[5])
    assert found.dynamic[0].value == pytest.approx(first)
    assert found.dynamic.value == pytest.approx(np.mean([found.dynamic[e].value for e in range(4)]))
    assert found.group[5].value == pytest.approx(np.mean([cells[5, 5], cells[5, 6]]))
    overall = (size[3] * found.group[3].value + size[5] * found.group[5].value) / (size[3] + size[5])
    assert found.group.value == pytest.approx(overall)
    assert found.simple.with_treatment - found.simple.without_treatment == pytest.approx(found.simple.value)


def test_the_closed_form_is_the_derivative_by_the_weights():
    """Influence of a unit: weight times the derivative of the result by it, here by small steps."""
    frame = panel_of(np.random.default_rng(2))
    plain = staggered(frame, *NAMES, weights="w", control="not_yet", errors="influence")
    step, slopes = 1e-5, {"simple": [], "dynamic": [], "group": [], "e1": []}
    for unit in range(12):
        ends = []
        for sign in (1, -1):
            moved = frame.assign(w=frame["w"] * (1 + sign * step * (frame["unit"] == unit)))
            ends.append(staggered(moved, *NAMES, weights="w", control="not_yet", errors="influence"))
        for name, values in slopes.items():
            one, two = ((end.dynamic[1] if name == "e1" else getattr(end, name)).value for end in ends)
            values.append((one - two) / (2 * step))
    for name, values in slopes.items():
        part = plain.dynamic[1] if name == "e1" else getattr(plain, name)
        assert_allclose(np.sort(part.influence), np.sort(values), atol=1e-8)


def test_the_jackknife_is_leaving_out_one_store_after_the_other():
    frame = panel_of(np.random.default_rng(3), units=13)
    found = staggered(frame, *NAMES, weights="w")
    left = [staggered(frame[frame["unit"] != unit], *NAMES, weights="w").simple.value for unit in range(13)]
    error = np.sqrt(12 / 13 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert found.simple.standard_error == pytest.approx(error)
    kish = (frame.groupby("unit")["w"].first().sum()) ** 2 / (frame.groupby("unit")["w"].first() ** 2).sum()
    reach = stats.t.ppf(0.95, kish - 1) * error
    assert (found.simple.high - found.simple.low) / 2 == pytest.approx(reach)


def test_copies_of_a_store_in_one_cluster_add_nothing():
    frame = panel_of(np.random.default_rng(4))
    twice = pd.concat([frame, frame.assign(unit=frame["unit"] + 100)]).assign(city=lambda f: f["unit"] % 100)
    one, two = staggered(frame, *NAMES), staggered(twice, *NAMES, clusters="city")
    assert_allclose((one.simple.value, one.simple.low), (two.simple.value, two.simple.low))
    apart = staggered(twice, *NAMES)
    assert apart.simple.standard_error < 0.8 * two.simple.standard_error
    closed = [staggered(data, *NAMES, clusters=name, errors="influence").simple.standard_error
              for data, name in ((frame, None), (twice, "city"))]  # fmt: skip
    assert closed[0] == pytest.approx(closed[1])


# --- what it is for ---


def test_two_way_fixed_effects_are_biased_where_effects_grow_and_this_is_not():
    """No noise at all: the effect grows by 1 a period, and the regression says that there is hardly any."""
    rows = []
    for unit, period in itertools.product(range(12), range(1, 11)):
        began = 3 if unit < 6 else 7
        since = period - began
        rows.append((unit, period, began, unit / 3 + period**2 / 10 + (since + 1 if since >= 0 else 0)))
    frame = pd.DataFrame(rows, columns=["unit", "period", "began", "y"])
    treated = (frame["period"] >= frame["began"]).astype(float)

    def within(values):
        values = pd.Series(values).reset_index(drop=True)
        of_unit = values.groupby(frame["unit"]).transform("mean")
        return values - of_unit - values.groupby(frame["period"]).transform("mean") + values.mean()

    regression = (within(treated) @ within(frame["y"])) / (within(treated) @ within(treated))
    found = staggered(frame, *NAMES, control="not_yet")
    true = {e: e + 1 for e in range(4)}  # to compare with there are stores until period 6 only
    assert {e: round(part.value, 9) for e, part in found.dynamic.parts.items() if e >= 0} == true
    assert found.simple.value == pytest.approx(2.5)
    truth = (frame["y"] - frame["unit"] / 3 - frame["period"] ** 2 / 10)[treated > 0].mean()
    assert truth > 3.5
    assert regression < 0.3 * truth


def test_functions_of_the_effects_keep_their_errors():
    found = staggered(panel_of(np.random.default_rng(5), units=30, effect=1.0), *NAMES)
    growth = combined(found.dynamic[1].value - found.dynamic[0].value, [1, -1], [found.dynamic[1], found.dynamic[0]])
    assert growth.value == pytest.approx(1.0, abs=4 * growth.standard_error)
    assert relative(found.simple).value == pytest.approx(found.simple.value / found.simple.without_treatment)


# --- who is counted ---


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_neither_rows_nor_names_matter(seed, random):
    frame = panel_of(np.random.default_rng(seed), units=9)
    names = random.sample([f"store {i}" for i in range(100)], 9)
    other = frame.assign(unit=frame["unit"].map(dict(enumerate(names)))).sample(frac=1, random_state=seed)
    one, two = (staggered(data, *NAMES, weights="w") for data in (frame, other))
    assert (one.simple.value, one.simple.low, one.dynamic.high) == (two.simple.value, two.simple.low, two.dynamic.high)
    pd.testing.assert_frame_equal(one.group_time, two.group_time)


def test_blank_and_late_beginnings_are_never():
    frame = panel_of(np.random.default_rng(6))
    expected = staggered(frame, *NAMES).simple.value
    blank = frame.assign(began=frame["began"].where(frame["began"] > 0))
    late = frame.assign(began=frame["began"].where(frame["began"] > 0, 99))
    assert staggered(blank, *NAMES).simple.value == expected
    assert staggered(late, *NAMES).simple.value == expected


def test_stores_left_out_are_counted():
    frame = panel_of(np.random.default_rng(7), units=14)
    frame.loc[frame["unit"] == 1, "began"] = 1
    frame.loc[(frame["unit"] == 2) & (frame["period"] == 4), "y"] = np.nan
    frame = frame[(frame["unit"] != 3) | (frame["period"] < 6)]
    found = staggered(frame, *NAMES)
    facts = found.facts
    assert (facts["units"], facts["units_dropped_first_period"], facts["units_dropped_unbalanced"]) == (11, 1, 2)
    same = staggered(frame[~frame["unit"].isin([1, 2, 3])], *NAMES)
    assert found.simple.value == same.simple.value


def test_a_single_store_in_a_group_has_no_error_of_its_own():
    frame = panel_of(np.random.default_rng(8), units=10, groups=(0, 3))
    frame.loc[frame["unit"] == 1, "began"] = 5
    found = staggered(frame, *NAMES)
    alone = found.group_time["first_treated"] == 5
    assert found.group_time.loc[alone, ["standard_error", "low", "high"]].isna().all(axis=None)
    assert found.group_time.loc[~alone, ["standard_error", "low", "high"]].notna().all(axis=None)
    assert np.isfinite([found.simple.low, found.group.high]).all()


def test_without_stores_that_never_begin_comparisons_end_with_the_last_two():
    frame = panel_of(np.random.default_rng(9), units=10, groups=(2, 3, 4, 5, 6))
    found = staggered(frame, *NAMES, control="not_yet")
    assert found.group_time["period"].max() == 5
    assert isinstance(staggered(frame, *NAMES), Refused)  # nobody never begins


# --- what is refused ---


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (lambda f: f[f["unit"] < 7], "units"),
        (lambda f: f.assign(began=0), "treated units"),
        (lambda f: f.assign(began=3), "never treated units"),
        (lambda f: f.iloc[:0], "units"),
        (lambda f: f.assign(y=np.nan), "units"),
    ],
)
def test_too_little_is_refused(change, gate):
    found = staggered(change(panel_of(np.random.default_rng(0))), *NAMES)
    assert isinstance(found, Refused)
    assert found.gate == gate


def test_one_large_store_is_refused():
    frame = panel_of(np.random.default_rng(0)).assign(w=lambda f: np.where(f["unit"] == 0, 100.0, 1.0))
    assert staggered(frame, *NAMES, weights="w").gate == "effective units"


def test_all_at_once_is_refused():
    found = staggered(panel_of(np.random.default_rng(0)).assign(began=3), *NAMES, control="not_yet")
    assert found.gate == "different beginnings"
    assert "同一期" in found.reason("zh")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: pd.concat([f, f[:1]]), "twice in a period"),
        (lambda f: f.assign(began=f["period"]), "the same on every row"),
        (lambda f: f.assign(w=0.0), "weights must be numbers above 0"),
        (lambda f: f.assign(period=f["period"].astype(str)), "must hold numbers"),
        (lambda f: f.drop(columns="w"), "there is no column 'w'"),
        (lambda f: f.assign(period=f["period"].where(f["period"] > 1)), "must be filled in"),
    ],
)
def test_errors_say_what_to_do(change, told):
    with pytest.raises(ValueError, match=told):
        staggered(change(panel_of(np.random.default_rng(0))), *NAMES, weights="w")


def test_parameters_out_of_their_values():
    frame = panel_of(np.random.default_rng(0))
    for wrong in ({"control": "nevr"}, {"level": 1.5}, {"errors": "none"}):
        with pytest.raises(ValueError, match="must"):
            staggered(frame, *NAMES, **wrong)


def test_constant_outcomes_have_no_error_and_no_nan():
    found = staggered(panel_of(np.random.default_rng(0)).assign(y=1.0), *NAMES)
    assert isinstance(found, GroupTime)
    assert (found.simple.low, found.simple.value, found.simple.high) == (0.0, 0.0, 0.0)
    assert found.pretrend is None
