"""What finding out is worth: which uncertain input of a pool to measure before deciding to run it.

Opens no files and draws nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu_helpers.analysis.pool.value import PoolValue

COLUMNS = ["input", "expected_value", "share_of_total"]
KNOTS = 4  # of the cubic spline, at evenly spaced quantiles of the input
ROUNDING = 1e-9  # of the mean distance of the value from zero: a smaller worth is that of rounding
DRAWS_PER_TERM = 20  # fewer draws than this for each coefficient, and the spline gets fewer


def value_of_information(result: PoolValue) -> pd.DataFrame:
    """What it is worth, at most, to know an uncertain input before deciding whether to run the pool.

    PoolValue  ->  table (uncertain input), most valuable first

    Parameters
    ----------
    result : PoolValue
        As `pool_value` returns it; 10,000 draws give steady figures.

    Returns
    -------
    DataFrame
        input : field of PoolInputs. expected_value : expected value of knowing it exactly, money over the months of the
        result; 0 where no value of it would change the decision. share_of_total : of what knowing everything would be
        worth; 0 where that is 0. They need not add up to 1: inputs matter together.
        No rows where all inputs are certain. attrs: "evpi" (money: what knowing everything is worth), "value" (money:
        mean value of the pool), both float.

    Notes
    -----
    The decision is to run the pool or not, worth V or 0; today's choice is the better by the mean, max(0, E V). Knowing
    x first is worth E max(0, E(V | x)) - max(0, E V). E(V | x) is the cubic spline regression of the V of the draws on
    the x of the draws, as in Strong, Oakley and Brennan (2014), Medical Decision Making 34, 311-326, and Strong and
    Oakley (2013), Medical Decision Making 33, 755-766. An input that is correlated with others tells of them as well.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> inputs = PoolInputs(100, 0.5, (0.0, 0.1, 0.3), 200, (0.38, 0.4, 0.42), staff_cost=5_000)
    >>> found = value_of_information(pool_value(inputs, draws=2_000))
    >>> found["input"].tolist(), bool(found["share_of_total"][0] > 0.9)
    (['uplift', 'margin'], True)
    """
    values = np.asarray(result.values, dtype=float)
    now = max(0.0, float(values.mean()))
    nothing = ROUNDING * float(np.abs(values).mean())
    everything = _beyond(float(np.maximum(values, 0).mean()), now, nothing)
    rows = []
    for name in result.inputs.uncertain():
        expected = conditional_mean(result.drawn[name], values)
        worth = min(_beyond(float(np.maximum(expected, 0).mean()), now, nothing), everything)
        rows.append((name, worth, worth / everything if everything else 0.0))
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(
        "expected_value", ascending=False, kind="stable", ignore_index=True
    )
    table.attrs = {"evpi": everything, "value": float(values.mean())}
    return table


def _beyond(informed: float, now: float, nothing: float) -> float:
    """How much more the informed choice is worth; 0 where only rounding tells the two apart."""
    return informed - now if informed - now > nothing else 0.0


def conditional_mean(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of the values given x, at each x: least squares on a cubic spline.

    Parameters
    ----------
    x, values : arrays of equal length

    Returns
    -------
    array, of the same mean as the values; that mean throughout where x does not vary

    Example
    -------
    >>> x = np.linspace(-1, 1, 200)
    >>> bool(np.allclose(conditional_mean(x, x**3 - x), x**3 - x))
    True
    """
    x, values = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    if len(x) != len(values) or x.min() == x.max():
        return np.full(len(values), values.mean())
    at = 2 * (x - x.min()) / (x.max() - x.min()) - 1
    terms = max(1, min(3 + KNOTS, len(x) // DRAWS_PER_TERM))
    knots = np.unique(np.quantile(at, np.linspace(0, 1, max(0, terms - 3) + 2)[1:-1]))
    basis = [at**power for power in range(min(terms, 3) + 1)] + [np.maximum(at - knot, 0) ** 3 for knot in knots]
    design = np.column_stack(basis)
    return design @ np.linalg.lstsq(design, values, rcond=None)[0]
