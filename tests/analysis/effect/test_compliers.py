"""Effects on compliers: two textbook results, two-stage least squares by matrices, and weak lots."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from siyu_helpers.analysis.effect.compliers import adjusted_difference, local_effect
from siyu_helpers.analysis.effect.results import combined, relative
from siyu_helpers.analysis.estimates import Refused

# NHEFS, Hernan and Robins, "Causal Inference: What If", chapter 16: rows with weight change and price known (causaldata
# 0.1.5, nhefs_complete), counted by the authors' instrument, a price of cigarettes in 1982 of 1.50 dollars or more:
# persons, mean change in kg, its standard deviation, quitters.
HIGH_PRICE, LOW_PRICE = (1435, 2.686018, 7.897848, 370), (41, 2.535729, 9.358993, 8)


def vitamin_a():
    """Sommer and Zeger (1991), as in Imbens and Rubin (1997), Ann. Statist. 25, table 1."""
    cells = [(0, 0, 0, 11514), (0, 0, 1, 74), (1, 0, 0, 2385), (1, 0, 1, 34), (1, 1, 0, 9663), (1, 1, 1, 12)]
    return pd.DataFrame(np.repeat([cell[:3] for cell in cells], [cell[3] for cell in cells], axis=0),
                        columns=["lot", "taken", "died"])  # fmt: skip


def weak_lot(rng, many=4_000, compliers=0.1, effect=1.0):
    lot = rng.integers(0, 2, many)
    kind = rng.random(many)
    taken = np.where(kind < compliers, lot, kind > 0.9)
    return pd.DataFrame({"lot": lot, "taken": taken.astype(float), "y": rng.normal(size=many) + effect * taken})


def test_vitamin_a():
    """Deaths in 1,000: 6.4 and 3.8 by the lot; 80.0% took it; 3.2 fewer among those who comply (s.e. 1.2).

    Mortality without vitamin A of the compliers: 4.5 in 1,000, against 14.1 of those who refused it (Imbens and Rubin).
    """
    found = local_effect(vitamin_a(), "died", "taken", "lot")
    assert_allclose([found.itt.without_treatment, found.itt.with_treatment], [0.00639, 0.00380], atol=1e-5)
    assert round(found.first_stage.value, 4) == 0.8000
    assert (round(found.late.value, 4), round(found.late.standard_error, 4)) == (-0.0032, 0.0012)
    assert round(found.late.without_treatment, 4) == 0.0045
    assert found.f_statistic > 10_000
    assert_allclose(found.anderson_rubin, (found.late.low, found.late.high), rtol=0.01)
    assert relative(found.late).value == pytest.approx(-0.72, abs=0.01)


def test_smoking_and_weight_by_the_price_of_cigarettes():
    """Section 16.2: 2.69 - 2.54 kg over 25.8% - 19.5% is 2.4 kg; the lot is so weak that it tells nothing (16.4).

    Within each side who quit gains here as much as who does not: the interval is only near the printed -36.5 to 41.3.
    """
    rows = []
    for instrument, (many, mean, spread, quitters) in ((1, HIGH_PRICE), (0, LOW_PRICE)):
        change = [*np.resize([mean + spread, mean - spread], many - 1), mean]  # both sides are odd
        rows += [(instrument, float(i < quitters), y) for i, y in enumerate(change)]
    found = local_effect(pd.DataFrame(rows, columns=["price", "quit", "kg"]), "kg", "quit", "price")
    assert round(found.itt.value, 2) == 0.15
    assert round(found.first_stage.value, 3) == 0.063
    assert round(found.itt.value / found.first_stage.value, 1) == 2.4
    assert found.f_statistic < 2
    assert isinstance(found.late, Refused)
    assert found.anderson_rubin == (-math.inf, math.inf)
    value, first = 2.4, found.first_stage.value
    wide = combined(value, [1 / first, -value / first], [found.itt, found.first_stage], level=0.95)
    assert_allclose((wide.low, wide.high), (-36.5, 41.3), rtol=0.25)


def test_two_stage_least_squares_by_matrices():
    """The instrumental variable estimator with heteroscedasticity-robust errors (White 1980)."""
    rng = np.random.default_rng(3)
    data = weak_lot(rng, compliers=0.5).assign(w=rng.choice([1.0, 2.0], 4_000))
    found = local_effect(data, "y", "taken", "lot", weights="w")
    ones, w = np.ones(len(data)), data["w"].to_numpy()
    z, x = np.column_stack([ones, data["lot"]]), np.column_stack([ones, data["taken"]])
    bread = np.linalg.inv((z * w[:, None]).T @ x)
    slopes = bread @ (z * w[:, None]).T @ data["y"].to_numpy()
    moments = z * (w * (data["y"].to_numpy() - x @ slopes))[:, None]
    error = np.sqrt((bread @ moments.T @ moments @ bread.T)[1, 1])
    assert found.late.value == pytest.approx(slopes[1])
    assert found.late.standard_error == pytest.approx(error, rel=1e-3)


def test_the_lots_error_is_welchs():
    data = weak_lot(np.random.default_rng(4), many=60)
    found = local_effect(data, "y", "lot", "lot")
    sides = [data.loc[data["lot"] == side, "y"] for side in (1, 0)]
    welch = np.sqrt(sum(side.var() / len(side) for side in sides))
    assert found.itt.standard_error == pytest.approx(welch)
    assert found.late.value == pytest.approx(found.itt.value)
    assert found.f_statistic == math.inf


def test_anderson_rubin_holds_what_is_not_rejected():
    found = local_effect(weak_lot(np.random.default_rng(5), compliers=0.06), "y", "taken", "lot")
    assert 1 < found.f_statistic < 60
    for end in found.anderson_rubin:
        left = found.itt.influence - end * found.first_stage.influence
        error = np.sqrt((left**2).sum() * len(left) / (len(left) - 1))
        z = (found.itt.value - end * found.first_stage.value) / error
        assert abs(z) == pytest.approx(stats.norm.ppf(0.95))


def test_below_an_f_of_ten_the_interval_is_anderson_rubins():
    for seed in range(30):
        found = local_effect(weak_lot(np.random.default_rng(seed), compliers=0.03), "y", "taken", "lot")
        if 3 < found.f_statistic < 10:
            break
    assert (found.late.low, found.late.high) == found.anderson_rubin
    assert "Anderson" in found.late.method
    assert found.late.low <= found.late.value <= found.late.high


def test_weak_lots_keep_their_promise():
    """Anderson-Rubin intervals with an expected F of 4: at least 82 of 100 (binomial, 90%, once in a hundred)."""
    ends = [local_effect(weak_lot(np.random.default_rng(seed), compliers=0.02), "y", "taken", "lot").anderson_rubin
            for seed in range(100)]  # fmt: skip
    assert sum(low <= 1.0 <= high for low, high in ends) >= 82


def test_adjustment_for_history_is_lins():
    """A regression on the lot, centred history and their products gives the same difference and HC2-like errors."""
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    lot, known = rng.integers(0, 2, 500).astype(float), rng.normal(size=(500, 2))
    y = lot * 0.5 + known @ [1.0, 2.0] * (1 + lot / 2) + rng.normal(size=500)
    found = adjusted_difference(y, lot, np.ones(500), known, 0.9)
    centred = known - known.mean(axis=0)
    fit = sm.OLS(y, np.column_stack([np.ones(500), lot, centred, centred * lot[:, None]])).fit(cov_type="HC2")
    assert found.value == pytest.approx(fit.params[1])
    # The regression takes the means of history for fixed; that they are drawn as well adds a little.
    assert fit.bse[1] * 0.98 < found.standard_error < fit.bse[1] * 1.25
    plain = local_effect(pd.DataFrame({"y": y, "lot": lot}), "y", "lot", "lot").itt
    assert found.standard_error < 0.7 * plain.standard_error


def test_a_lot_must_have_two_sides():
    data = weak_lot(np.random.default_rng(7), many=50)
    for wrong in (data.assign(lot=1), data.assign(lot=2.0), data.assign(lot=np.nan)):
        with pytest.raises(ValueError, match="instrument must be 0 or 1"):
            local_effect(wrong, "y", "taken", "lot")
    with pytest.raises(ValueError, match="no column 'arm'"):
        local_effect(data, "y", "taken", "arm")


def test_a_lot_that_moves_nobody_is_refused():
    data = weak_lot(np.random.default_rng(8)).assign(taken=0.0)
    found = local_effect(data, "y", "taken", "lot")
    assert found.late.gate == "first stage"
    assert found.f_statistic == 0.0
    assert found.late.reason("zh")


def test_a_lot_that_everybody_follows_alike_is_refused_however_the_sums_round():
    """Weighted means of the same share differ by a rounding error, whose F would pass for a strong lot."""
    data = weak_lot(np.random.default_rng(9)).assign(taken=1.0)
    data["weight"] = np.where(data["lot"] == 1, 1 / 0.9, 1 / 0.3)
    found = local_effect(data, "y", "taken", "lot", weights="weight")
    assert found.late.gate == "first stage"
