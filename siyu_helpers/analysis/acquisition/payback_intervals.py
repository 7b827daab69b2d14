"""Intervals of `payback`: of a contribution known by its sums, and of it set against a cost.

An estimate is a tuple (value, low, high) here; all three are NaN where there is none. Contribution and cost of the same
customers are taken as independent: given how many came, what they bring in does not hang on how many came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from siyu_helpers.analysis.estimates import hall

Interval = tuple[float, float, float]
NONE = (math.nan, math.nan, math.nan)


def mean(powers: Sequence[float], n: int, level: float) -> Interval:
    """Mean of n numbers from the sums of their first, second and third powers.

    Hall's interval for a skewed mean (1992, J. R. Statist. Soc. B 54, 221-228), as `estimates.mean_per_customer` has it
    above 5,000 customers. That one needs the customers one by one; sums can be added over months and channels.

    Example
    -------
    >>> import numpy as np
    >>> spend = np.array([0.0, 10.0, 20.0, 90.0] * 50)
    >>> [float(round(end, 1)) for end in mean([(spend**k).sum() for k in (1, 2, 3)], 200, 0.90)]
    [30.0, 26.1, 34.3]
    """
    average, square, cube = (float(power) / n for power in powers)
    variance = max(0.0, square - average**2)
    if variance <= 1e-12 * square:  # all alike, but for rounding
        return average, average, average
    deviation = math.sqrt(variance)
    skewness = (cube - 3 * average * square + 2 * average**3) / deviation**3
    low, high = hall(average, deviation, skewness, n, level)
    return average, float(low), float(high)


def difference(worth: Interval, cac: Interval) -> Interval:
    """Contribution - cost: the distances to the ends of both, squared and added (Zou and Donner 2008).

    Example
    -------
    >>> difference((50.0, 46.0, 55.0), (30.0, 27.0, 33.0))
    (20.0, 15.0, 25.8309...)
    """
    net = worth[0] - cac[0]
    below = math.hypot(worth[0] - worth[1], cac[2] - cac[0])
    return net, net - below, net + math.hypot(worth[2] - worth[0], cac[0] - cac[1])


def ratio(worth: Interval, cac: Interval) -> Interval:
    """Contribution / cost: an end is the multiple of the cost at which an end of the difference is 0.

    Donner and Zou (2012). So an end lies above 1 exactly when that of the difference lies above 0. Contribution may be
    negative; the cost is not, and its upper end is below twice its value, which holds from 7 customers on.

    Example
    -------
    >>> value, low, high = ratio((50.0, 46.0, 55.0), (30.0, 27.0, 33.0))
    >>> round(low, 3), round(high, 3), abs(difference((50.0, 46.0, 55.0), (30 * low, 27 * low, 33 * low))[1]) < 1e-9
    (1.468, 1.921, True)
    """
    if math.isnan(worth[0]) or math.isnan(cac[0]):
        return NONE
    ends = []
    for end, sign in ((worth[1], -1), (worth[2], 1)):
        far = cac[2] if (end >= 0) == (sign < 0) else cac[1]
        a, b, c = far * (2 * cac[0] - far), worth[0] * cac[0], end * (2 * worth[0] - end)
        ends.append((b + sign * math.sqrt(max(0.0, b**2 - a * c))) / a)
    return worth[0] / cac[0], ends[0], ends[1]
