"""Exact splits: how much of the change of a product, or of a sum of products, comes from each factor.

Revenue = visitors x conversion x orders per buyer x average order value; cost per new customer = sum over channels of
(share of new customers x cost per customer). Such a change is split here without a remainder, by the logarithmic mean
Divisia index, method I (LMDI-I; Ang 2005, Energy Policy 33, 867-871). Of the exact splits it is the one that treats
all factors alike, gives the same answer with the periods swapped (sign turned), and adds up over groups.

What is split is counted history. Nothing in it is estimated, so contributions carry no interval. A contribution is
arithmetic, not a cause: that conversion "gave" 10,000 does not say what raised it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

NEW_GROUP, VANISHED_GROUP = "new group", "vanished group"
SPLIT_COLUMNS = ["component", "before", "after", "contribution"]
GROUP_COLUMNS = ["group", "component", "contribution"]
WATERFALL_COLUMNS = ["step", "kind", "amount", "start", "end"]


def lmdi(before: Mapping[str, float], after: Mapping[str, float]) -> pd.DataFrame:
    """Split the change of a product into what each of its factors contributed.

    factors of two periods  ->  table (factor)

    Parameters
    ----------
    before, after : mapping from the factor's name to its value
        The same names in both; finite and not negative.

    Returns
    -------
    DataFrame, one row per factor, in the order of `before`
        component, before, after : the factor and its two values.
        contribution : L(V1, V0) * ln(after / before), where V is the product of all factors and L the logarithmic
            mean; in the unit of the product. They add up to V1 - V0.

    Raises
    ------
    ValueError
        When names differ, there are no factors, or a value is negative, blank or infinite.

    Notes
    -----
    Zero has no logarithm; the limit is taken (Ang, Zhang and Choi 1998, Energy 23; Ang and Liu 2007, Energy
    Policy 35, 238-246): the factor that is zero in one period takes the whole change, several of them in equal parts,
    and where the product is zero in both periods nothing changed. That is arithmetic at its edge: where a factor
    rose from zero, say so beside it.

    Example
    -------
    Twice the buyers at the same spend; then half the spend as well:

    >>> lmdi({"buyers": 100, "spend": 20}, {"buyers": 200, "spend": 20})["contribution"].tolist()
    [2000.0, 0.0]
    >>> lmdi({"buyers": 100, "spend": 20}, {"buyers": 200, "spend": 10}).round(2)
      component  before  after  contribution
    0    buyers     100    200       1386.29
    1     spend      20     10      -1386.29
    """
    if not before or set(before) != set(after):
        raise ValueError("before and after must have the same factors, at least one")
    names = list(before)
    _check_factors([before[name] for name in names] + [after[name] for name in names])
    contributions = _split([float(before[name]) for name in names], [float(after[name]) for name in names])
    rows = [(name, before[name], after[name], part) for name, part in zip(names, contributions, strict=True)]
    return pd.DataFrame(rows, columns=SPLIT_COLUMNS)


def lmdi_by_group(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Split the change of a sum of products into factors within groups, and groups that came or went.

    factors by group, two periods  ->  table (group x component)

    Parameters
    ----------
    before, after : DataFrame, one row per group, the index its name; one column per factor
        A group's product is its part of the total: with the columns `share` of new customers and `cost` per customer,
        the total is the blended cost. A group is absent from a period when it has no row there, or when its product
        is plainly nothing: one factor 0 and another blank, such as no customers and hence no cost per customer.

    Returns
    -------
    DataFrame with group, component, contribution; groups in the order of `before`, then those only in `after`
        component : a factor for groups present in both periods; "new group" or "vanished group" for the others, with
            all that the group adds or takes away, because a factor cannot be compared with one that was not there.
        contribution : in the unit of the total. All add up to the change of the total. Sum over groups for the effect
            of a factor (`share`: the mix of channels; `cost`: cost within channels), over components for a group's.

    Raises
    ------
    ValueError
        When columns differ, a group occurs twice, or a value is negative, infinite, or blank beside factors above 0.

    Notes
    -----
    LMDI-I over sub-categories (Ang 2005); zero factors as in `lmdi`.

    Example
    -------
    Cost per new customer rises from 50 to 66: feed ads got dearer, search was dropped, notes were begun:

    >>> columns = ["share", "cost"]
    >>> before = pd.DataFrame([[0.5, 60.0], [0.5, 40.0]], columns=columns, index=["feed", "search"])
    >>> after = pd.DataFrame([[0.8, 75.0], [0.2, 30.0]], columns=columns, index=["feed", "notes"])
    >>> split = lmdi_by_group(before, after)
    >>> split.round(2)
        group       component  contribution
    0    feed           share         20.34
    1    feed            cost          9.66
    2  search  vanished group        -20.00
    3   notes       new group          6.00
    >>> float(split["contribution"].sum().round(9))
    16.0
    """
    if set(before.columns) != set(after.columns) or not len(before.columns):
        raise ValueError("before and after must have the same columns, one per factor")
    for frame in (before, after):
        if frame.index.has_duplicates:
            raise ValueError("a group occurs twice in one period: add its rows up first")
    factors = list(before.columns)
    then = dict(_present(before, factors))
    now = dict(_present(after, factors))
    rows = []
    for group in [*then, *(group for group in now if group not in then)]:
        if group not in now:
            rows.append((group, VANISHED_GROUP, -math.prod(then[group])))
        elif group not in then:
            rows.append((group, NEW_GROUP, math.prod(now[group])))
        else:
            parts = _split(then[group], now[group])
            rows += [(group, factor, part) for factor, part in zip(factors, parts, strict=True)]
    return pd.DataFrame(rows, columns=GROUP_COLUMNS).astype({"contribution": float})


def as_ratios(contributions: Iterable[float], before: float, after: float) -> np.ndarray:
    """Turn contributions to a change into factors whose product is after / before (multiplicative LMDI-I).

    Parameters
    ----------
    contributions : numbers from `lmdi` or `lmdi_by_group`, as they are or summed over groups
    before, after : float
        The two totals, above 0.

    Returns
    -------
    array, one ratio each: exp(contribution / L(after, before)). 1.10 means that this component alone would have
    raised the total by 10%.

    Example
    -------
    >>> split = lmdi({"buyers": 100, "spend": 20}, {"buyers": 200, "spend": 10})
    >>> as_ratios(split["contribution"], 2000, 2000)
    array([2. , 0.5])
    """
    if not (before > 0 and after > 0 and math.isfinite(before) and math.isfinite(after)):
        raise ValueError("a ratio needs totals above 0 in both periods")
    mean = _logarithmic_mean(float(before), float(after), _log_ratio(float(before), float(after)))
    return np.exp(np.asarray(list(contributions), dtype=float) / mean)


def rounded_to_sum(values: Iterable[float], digits: int = 2) -> list[float]:
    """Round numbers so that they still add up to their rounded sum (largest remainder).

    Parameters
    ----------
    values : numbers, finite
    digits : int
        Places after the decimal point; 2 for cents.

    Returns
    -------
    list of float, each less than one unit of the last place from its number. Of equal remainders the one that comes
    first is rounded up.

    Example
    -------
    >>> rounded_to_sum([33.335, 33.335, 33.33])
    [33.34, 33.33, 33.33]
    """
    numbers = [float(value) for value in values]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("values must be finite to be rounded to their sum")
    scale = 10**digits
    return [unit / scale for unit in _whole_units(numbers, scale, round(math.fsum(numbers) * scale))]


def waterfall(
    before: float,
    contributions: Mapping[str, float] | pd.Series,
    digits: int = 2,
    names: tuple[str, str] = ("before", "after"),
) -> pd.DataFrame:
    """Lay a split change out as the bars of a waterfall chart, rounded so that the bars meet.

    contributions  ->  table (bar)

    Parameters
    ----------
    before : float
        The total of the first period.
    contributions : mapping or Series from component to contribution
        They add up to the change of the total.
    digits : int
        Places after the decimal point; 2 for cents.
    names : (str, str)
        What the first and the last bar are called.

    Returns
    -------
    DataFrame, one row per bar, in order
        step : name of the bar.
        kind : "total" (first and last bar) or "change".
        amount : its height, signed; rounded, and the changes add up to the difference of the totals to the digit.
        start, end : where the bar begins and ends; a total begins at 0.

    Example
    -------
    >>> waterfall(100.0, {"buyers": 30.004, "spend": -5.0})
         step   kind  amount  start    end
    0  before  total   100.0    0.0  100.0
    1  buyers change    30.0  100.0  130.0
    2   spend change    -5.0  130.0  125.0
    3   after  total   125.0    0.0  125.0
    """
    parts = dict(contributions)
    scale = 10**digits
    first, last = round(float(before) * scale), round(math.fsum([before, *parts.values()]) * scale)
    changes = _whole_units([float(part) for part in parts.values()], scale, last - first)
    level, rows = first, [(names[0], "total", first, 0, first)]
    for name, change in zip(parts, changes, strict=True):
        rows.append((name, "change", change, level, level + change))
        level += change
    rows.append((names[1], "total", level, 0, level))
    table = pd.DataFrame(rows, columns=WATERFALL_COLUMNS)
    table[["amount", "start", "end"]] = table[["amount", "start", "end"]] / scale
    return table


def _whole_units(numbers: list[float], scale: int, total: int) -> list[int]:
    """Numbers times `scale` as whole numbers that add up to `total`; the largest remainders are rounded up."""
    units = [number * scale for number in numbers]
    whole = [math.floor(unit) for unit in units]
    each, up = divmod(total - sum(whole), len(units)) if units else (0, 0)
    by_remainder = sorted(range(len(units)), key=lambda i: whole[i] - units[i])
    for place, i in enumerate(by_remainder):
        whole[i] += each + (place < up)
    return whole


def _split(before: list[float], after: list[float]) -> list[float]:
    """Contributions of the factors of one product."""
    first, last = math.prod(before), math.prod(after)
    if not (math.isfinite(first) and math.isfinite(last)):
        raise ValueError("the product of the factors is too large for a number: use larger units")
    gone = [i for i, value in enumerate(before if first == 0 else after) if value == 0]
    if first == 0 or last == 0:
        share = (last - first) / len(gone) if gone else 0.0
        return [share if i in gone else 0.0 for i in range(len(before))]
    logs = [_log_ratio(x0, x1) for x0, x1 in zip(before, after, strict=True)]
    mean = _logarithmic_mean(first, last, math.fsum(logs))
    parts = [mean * log for log in logs]
    # What rounding left over, some 1e-16 of the total, goes to the largest part, so that the parts sum to the change.
    largest = max(range(len(parts)), key=lambda i: abs(parts[i]))
    parts[largest] += (last - first) - math.fsum(parts)
    return parts


def _log_ratio(before: float, after: float) -> float:
    """ln(after / before), also where the two are almost equal."""
    if 0.5 <= after / before <= 2:
        return math.log1p((after - before) / before)
    return math.log(after) - math.log(before)


def _logarithmic_mean(first: float, last: float, log_ratio: float) -> float:
    """L(last, first) = (last - first) / ln(last / first), and `first` where they are equal."""
    if log_ratio == 0:
        return first
    return first * math.expm1(log_ratio) / log_ratio if abs(log_ratio) < 1 else (last - first) / log_ratio


def _present(frame: pd.DataFrame, factors: list[str]) -> list[tuple[str, list[float]]]:
    """(group, its factors) of the groups that are there in this period."""
    found = []
    for group, row in zip(frame.index, frame[factors].to_numpy(dtype=float), strict=True):
        values = row.tolist()
        if any(math.isnan(value) for value in values) and 0 in values:
            continue  # no customers, hence no cost per customer: the group is not there
        _check_factors(values)
        found.append((group, values))
    return found


def _check_factors(values: list[float]) -> None:
    if not all(math.isfinite(value) and value >= 0 for value in map(float, values)):
        raise ValueError("factors must be finite and not negative: a blank or negative one has no logarithm")
