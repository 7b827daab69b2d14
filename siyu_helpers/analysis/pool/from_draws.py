"""What the draws of a simulation say, as an Estimate: the draw in the middle and the quantiles around it.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from siyu_helpers.analysis.estimates import Estimate, Refused, Words


def median_of_draws(
    values: np.ndarray, unit: str, words: Words, level: float, function: Callable[..., Any]
) -> Estimate:
    """Median of the draws with their quantiles; without an interval where the draws do not differ.

    Example
    -------
    >>> found = median_of_draws(np.arange(101.0), "customers", Words("客户", "customers"), 0.9, median_of_draws)
    >>> round(found.value), round(found.low), round(found.high)
    (50, 5, 95)
    """
    values = np.asarray(values, dtype=float)
    low, value, high = np.quantile(values, [(1 - level) / 2, 0.5, (1 + level) / 2])
    if math.isclose(low, high, rel_tol=1e-12):
        return Estimate.exact(value, values.size, unit, words, function)
    return Estimate(value, low, high, level, values.size, unit, words, function)


def month_of_draws(
    months: np.ndarray, words: Words, level: float, function: Callable[..., Any], never: Refused
) -> Estimate | Refused:
    """Month at which something happens; draws in which it never does are infinite, and Refused if half of them are.

    Example
    -------
    >>> never = Refused("month", "none", 1, "没有。", "None.")
    >>> found = month_of_draws(np.array([2.0, 3.0, 4.0, math.inf]), Words("月", "month"), 0.9, month_of_draws, never)
    >>> found.value, found.high
    (4.0, inf)
    """
    ordered = np.sort(months)
    ends = ((1 - level) / 2, 0.5, (1 + level) / 2)
    low, value, high = (float(ordered[round(share * (len(ordered) - 1))]) for share in ends)
    if not math.isfinite(value):
        return never
    if low == high:
        return Estimate.exact(value, len(ordered), "months", words, function)
    return Estimate(value, low, high, level, len(ordered), "months", words, function)


def ends_of(estimate: Estimate) -> tuple[float, float]:
    """Ends of the interval; of a number without one, the number itself.

    Example
    -------
    >>> ends_of(Estimate.exact(3, 1, "customers", "counted", "f"))
    (3.0, 3.0)
    """
    return (estimate.value, estimate.value) if estimate.is_exact else (estimate.low, estimate.high)
