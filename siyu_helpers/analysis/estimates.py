"""Estimates: a number with its interval, or the reason why there is none.

Every module of the analysis floor states its numbers as an `Estimate` or a `Refused`, so that the report can print
the interval, the definition and the function beside each of them. Also here: the intervals that several modules
share, and the counting that shows by simulation how often an interval contains the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.90  # coverage claimed by every interval unless its caller says otherwise
UNITS = ("share", "customers", "orders", "days", "money", "money per customer", "orders per customer")

# Bars for a 90% interval. 200 runs: mean 180, s.d. 4.2, so 168 to 190 holds for 99 of 100 correct methods.
# 60 runs: mean 54, s.d. 2.3, so 47 is three s.d. below.
QUICK_RUNS, QUICK_AT_LEAST = 60, 47
FULL_RUNS, FULL_BAR = 200, (168, 190)

MEAN_AT_LEAST = 100  # customers; with fewer, no interval for mean spend keeps its promise
BOOTSTRAP_AT_MOST = 5_000  # customers; above, the closed form gives the same interval at once
RESAMPLED_AT_ONCE = 200_000  # values: several resamples in one go where customers are few
RESAMPLES = 1_999  # (1,999 + 1) * 0.05 is whole, so the 5th percentile is one of the resamples


class Words(NamedTuple):
    """One text in both languages of the reports."""

    zh: str
    en: str

    def text(self, language: str) -> str:
        """Return the text in "zh" or "en"."""
        return getattr(self, _language(language))


def _language(language: str) -> str:
    if language not in Words._fields:
        raise ValueError(f"language must be 'zh' or 'en', not {language!r}")
    return language


def check_level(level: float) -> float:
    """Return the level, or raise ValueError when it is not strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.90; got {level!r}")
    return float(level)


@dataclass(frozen=True)
class Estimate:
    """A number, the interval it is stated with, and where it comes from.

    Parameters
    ----------
    value : float
        Always finite: where there is no value, return a `Refused`.
    low, high : float
        Ends of the interval. NaN in both: a count of what happened, which has no interval. An end may be infinite
        when the data do not bound it, such as a median whose upper limit has not been observed.
    level : float
        Coverage the interval claims, strictly between 0 and 1.
    n : int
        Number of units (customers, as a rule) the number rests on.
    unit : str
        "share", "customers", "orders", "days", "money", "money per customer", "orders per customer", ...
    definition : str or Words
        What the number means: window, denominator, refunds. `Words` where it is printed in both languages.
    function : str or callable
        The public function that made it; a callable becomes its dotted name.

    Raises
    ------
    ValueError
        When the value is not finite, the interval does not contain it, or the level or n is impossible.

    Example
    -------
    >>> Estimate(0.25, 0.2, 0.3, 0.9, 200, "share", "share of customers who came back", share)
    Estimate(value=0.25, low=0.2, high=0.3, level=0.9, n=200, unit='share',
             definition='share of customers who came back', function='siyu_helpers.analysis.estimates.share')
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    unit: str
    definition: str | Words
    function: str | Callable[..., Any]

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "level", check_level(self.level))
        object.__setattr__(self, "n", _whole(self.n))
        object.__setattr__(self, "function", dotted_name(self.function))
        if not math.isfinite(self.value):
            raise ValueError(f"value is {self.value}: an Estimate needs a finite value; return Refused instead")
        if math.isnan(self.low) != math.isnan(self.high):
            raise ValueError(f"interval has one end only: low={self.low}, high={self.high}")
        slack = 1e-9 * max(1.0, abs(self.value))
        if self.low > self.value + slack or self.high < self.value - slack:
            raise ValueError(f"interval {self.low} to {self.high} does not contain the value {self.value}")

    @classmethod
    def exact(
        cls, value: float, n: int, unit: str, definition: str | Words, function: str | Callable[..., Any]
    ) -> Estimate:
        """State a counted fact: a number without an interval, because nothing in it was estimated."""
        return cls(value, math.nan, math.nan, LEVEL, n, unit, definition, function)

    @property
    def is_exact(self) -> bool:
        """True for a counted fact, which has no interval."""
        return math.isnan(self.low)

    def definition_in(self, language: str) -> str:
        """Return the definition in "zh" or "en"; a plain text is the same in both."""
        _language(language)
        return self.definition.text(language) if isinstance(self.definition, Words) else self.definition


@dataclass(frozen=True)
class Refused:
    """A number that is not given, and why: the gate, what the data show and what they would have to show.

    Parameters
    ----------
    gate : str
        Short name of the rule, such as "observed long enough".
    seen, needed : float, int or str
        What the data have and what the rule asks for, in the same unit.
    reason_zh, reason_en : str
        One sentence for the strategist, in Chinese and in English.

    Example
    -------
    >>> Refused("customers", 12, 500, "客户太少。", "Too few customers.").reason("en")
    'Too few customers.'
    """

    gate: str
    seen: float | str
    needed: float | str
    reason_zh: str
    reason_en: str

    def reason(self, language: str) -> str:
        """Return the reason in "zh" or "en"."""
        return getattr(self, f"reason_{_language(language)}")


def dotted_name(function: str | Callable[..., Any]) -> str:
    """Return "package.module.name" of a function; a text is taken to be that name already."""
    return function if isinstance(function, str) else f"{function.__module__}.{function.__qualname__}"


def _whole(n: Any) -> int:
    if not (math.isfinite(n) and n == int(n) and n >= 0):
        raise ValueError(f"n must be a whole number, 0 or more; got {n!r}")
    return int(n)


def wilson(successes: Any, trials: Any, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Wilson intervals of shares, element by element.

    Parameters
    ----------
    successes, trials : array-like of int
        Counts of equal shape.
    level : float
        Coverage claimed. Wilson intervals are conservative for shares near 0 and 1.

    Returns
    -------
    low, high : arrays of float
        NaN where trials is 0: nobody was observed.

    Notes
    -----
    Wilson (1927), by `statsmodels.stats.proportion.proportion_confint`.

    Example
    -------
    >>> low, high = wilson([1, 0], [10, 10], level=0.90)
    >>> low.round(3), high.round(3)
    (array([0.023, 0.   ]), array([0.348, 0.213]))
    """
    successes, trials = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if ((successes < 0) | (successes > trials)).any():
        raise ValueError("successes must lie between 0 and trials")
    observed = np.where(trials > 0, trials, np.nan)
    low, high = proportion_confint(successes, observed, alpha=1 - check_level(level), method="wilson")
    # The formula gives 0 for none and 1 for all; rounding must not leave such a share outside its own interval.
    low, high = np.where(successes == 0, 0.0, low), np.where(successes == trials, 1.0, high)
    return tuple(np.where(trials > 0, np.clip(end, 0, 1), np.nan) for end in (low, high))


def share(
    successes: int,
    trials: int,
    level: float = LEVEL,
    definition: str | Words = "share",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.estimates.share",
    unit: str = "share",
) -> Estimate | Refused:
    """Share of trials that succeeded, with its Wilson interval.

    Returns
    -------
    Estimate, or Refused when there was no trial: a share of nobody is not zero.

    Example
    -------
    >>> share(30, 120, definition="customers with a second order / customers").value
    0.25
    """
    if trials == 0:
        return Refused("trials", 0, 1, "没有可以计算的对象，比例无从谈起。", "There is nobody to take a share of.")
    low, high = wilson(successes, trials, level)
    return Estimate(successes / trials, low, high, level, trials, unit, definition, function)


def mean_per_customer(
    values: Any,
    level: float = LEVEL,
    seed: int = 1,
    definition: str | Words = "mean per customer",
    function: str | Callable[..., Any] = "siyu_helpers.analysis.estimates.mean_per_customer",
    unit: str = "money per customer",
    at_least: int = MEAN_AT_LEAST,
) -> Estimate | Refused:
    """Mean over customers of a skewed quantity such as spend, with an interval that allows for the skewness.

    Parameters
    ----------
    values : array-like of float, one value a customer
        Customers who spent nothing count with 0. Never NaN. Their order does not matter.
    level : float
        Coverage claimed.
    seed : int
        Seed of the resampling.
    at_least : int
        Fewer customers than this are refused.

    Returns
    -------
    Estimate of the mean, or Refused when there are fewer than `at_least` customers. An infinite upper end means that
    too few customers differ from the rest to bound the mean. When all values are equal, so are the ends.

    Raises
    ------
    ValueError
        When a value is NaN or infinite.

    Notes
    -----
    Up to 5,000 customers the bootstrap-t over customers (Efron and Tibshirani 1993, section 12.5), above that Hall's
    closed form with the same correction for skewness (Hall 1992, J. R. Statist. Soc. B 54, 221-228). Preferred to the
    percentile and BCa bootstraps after simulating 90% intervals: with 100 customers and lognormal spend (sigma 1.5)
    those covered 79% and 81%, bootstrap-t 84%; where only a quarter of the customers spend, 79%, 81% and 86%. From 500
    customers on all cover 85 to 91%, bootstrap-t with misses that are more alike on the two sides. Where a quarter
    spend and sigma is 1, bootstrap-t covered 88.6%, 88.7% and 88.5% of 2,000 runs with 100, 400 and 1,000 customers.
    With 5,000 customers Hall's form covered 90.5% there, 88.8% with lognormal spend (sigma 1.5), 90.4% with gamma.

    Example
    -------
    >>> spend = mean_per_customer([0, 10, 20, 90] * 50, definition="spend of a customer in 90 days")
    >>> spend.value, round(spend.low, 1), round(spend.high, 1)
    (30.0, 25.9, 34.3)
    """
    spend = np.sort(np.asarray(values, dtype=float))
    n = len(spend)
    if not np.isfinite(spend).all():
        raise ValueError("values must be finite: leave out customers without a value, or give them their 0")
    if n < at_least:
        return Refused(
            "customers",
            n,
            at_least,
            f"只有 {n} 位客户，少于 {at_least} 位，人均值的误差范围不可靠。",
            f"Only {n} customers; below {at_least} the interval of a mean cannot be trusted.",
        )
    if spend[0] == spend[-1]:
        low = high = spend[0]
    elif n <= BOOTSTRAP_AT_MOST:
        low, high = _bootstrap_t(spend, check_level(level), seed)
    else:
        low, high = _hall(spend, check_level(level))
    return Estimate(spend.mean(), low, high, level, n, unit, definition, function)


def _bootstrap_t(values: np.ndarray, level: float, seed: int) -> tuple[float, float]:
    """Interval of a mean from the resampled distribution of (mean - true mean) / standard deviation."""
    rng = np.random.default_rng(seed)
    mean, deviation, n = values.mean(), values.std(), len(values)
    centred = values - mean
    shifts, spreads = np.empty(RESAMPLES), np.empty(RESAMPLES)
    at_once = max(1, RESAMPLED_AT_ONCE // n)
    for begin in range(0, RESAMPLES, at_once):
        drawn = centred[rng.integers(0, n, (min(at_once, RESAMPLES - begin), n))]
        part = slice(begin, begin + len(drawn))
        shifts[part], spreads[part] = drawn.mean(axis=1), drawn.std(axis=1)
    studentised = np.copysign(math.inf, shifts)
    np.divide(shifts, spreads, out=studentised, where=spreads > 0)
    studentised.sort()
    rank = max(1, math.floor((RESAMPLES + 1) * (1 - level) / 2 + 1e-9))
    return mean - studentised[-rank] * deviation, mean - studentised[rank - 1] * deviation


def _hall(values: np.ndarray, level: float) -> tuple[float, float]:
    mean, deviation = values.mean(), values.std()
    return hall(mean, deviation, (((values - mean) / deviation) ** 3).mean(), len(values), level)


def hall(mean: float, deviation: float, skewness: float, n: int, level: float) -> tuple[float, float]:
    """Interval of a mean from Hall's cubic transformation of t, which takes the skewness out.

    Parameters
    ----------
    mean, deviation, skewness : float
        Of the n values: mean, standard deviation (above 0) and third standardised moment.

    Notes
    -----
    Hall (1992), J. R. Statist. Soc. B 54, 221-228.

    Example
    -------
    >>> low, high = hall(30.0, 35.4, 1.07, 200, 0.90)
    >>> round(float(low), 1), round(float(high), 1)
    (26.1, 34.3)
    """
    z = stats.norm.ppf((1 + level) / 2) / math.sqrt(n)
    if abs(skewness) < 1e-6:  # the transformation tends to the identity
        return mean - z * deviation, mean + z * deviation
    ends = [3 / skewness * (np.cbrt(1 + skewness * (q - skewness / (6 * n))) - 1) for q in (z, -z)]
    return mean - deviation * ends[0], mean - deviation * ends[1]


@dataclass(frozen=True)
class Coverage:
    """How many of a number of simulated intervals contained the truth.

    Example
    -------
    >>> Coverage(182, 200).meets_bar(), Coverage(197, 200).meets_bar(), Coverage(197, 200).meets_bar(conservative=True)
    (True, False, True)
    """

    covered: int
    runs: int

    def meets_bar(self, conservative: bool = False) -> bool:
        """Return whether a 90% interval keeps its promise: 168 to 190 of 200 runs, or at least 47 of 60.

        conservative : for methods that cover too often by construction (Wilson, exact): no upper bar.
        """
        bars = {QUICK_RUNS: (QUICK_AT_LEAST, QUICK_RUNS), FULL_RUNS: FULL_BAR}
        if self.runs not in bars:
            raise ValueError(f"bars are set for {QUICK_RUNS} and {FULL_RUNS} runs, not for {self.runs}")
        low, high = bars[self.runs]
        return low <= self.covered <= (self.runs if conservative else high)


def coverage(
    simulate: Callable[[np.random.Generator], Any],
    interval: Callable[[Any], Estimate | tuple[float, float]],
    truth: float,
    runs: int,
    seed: int,
) -> Coverage:
    """Count how often an interval contains a truth that is known because the data are simulated.

    Parameters
    ----------
    simulate : callable
        Takes a numpy Generator, returns one data set. Each run has its own independent generator.
    interval : callable
        Takes the data set, returns an `Estimate` or its (low, high).
    truth : float
        What the interval is meant to contain.
    runs, seed : int
        Number of data sets, and the seed of them all.

    Raises
    ------
    ValueError
        When a run gives no interval (NaN, or `Refused`): leaving it out would flatter the method.

    Example
    -------
    Of 60 groups of 50 customers, each of whom comes back with probability 0.3:

    >>> coverage(lambda rng: rng.binomial(50, 0.3), lambda k: share(k, 50), truth=0.3, runs=60, seed=1)
    Coverage(covered=51, runs=60)
    """
    covered = 0
    for child in np.random.SeedSequence(seed).spawn(runs):
        found = interval(simulate(np.random.default_rng(child)))
        if isinstance(found, Refused):
            raise ValueError(f"a run was refused: {found.reason_en}")
        low, high = (found.low, found.high) if isinstance(found, Estimate) else found
        if math.isnan(low) or math.isnan(high):
            raise ValueError("a run gave no interval")
        covered += bool(low <= truth <= high)
    return Coverage(covered, runs)
