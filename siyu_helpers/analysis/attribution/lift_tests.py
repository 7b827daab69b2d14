"""Lift tests: credit corrected by what an experiment found the channel to cause, its standard error carried through.

Credit shares out the orders there were; a lift test counts those that would not be there without the channel. Where a
channel was tested, the ratio of the two in the days of the test corrects its credit in all other days, as far as the
channel works then as it did in the test.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import money, rules, spend_periods
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = {"brand.yml": ["lift_tests"], "touchpoints": ["visitor_id", "touched_at", "channel"]}
KEYS = ("channel", "from", "until", "of", "incremental", "standard_error")
OF = ("new_customers", "orders")
CREDITED_AT_LEAST = 30  # conversions credited in the days of the tests; with fewer a ratio to them is too loose
COLUMNS = [
    "channel", "rule", "tests", "credited", "credited_low", "credited_high", "incremental", "incremental_low",
    "incremental_high", "factor", "factor_low", "factor_high", "conversions", "calibrated", "calibrated_low",
    "calibrated_high", "is_calibrated",
]  # fmt: skip


def usable_tests(
    tests: Sequence[dict], conversions_of: str, observed_from: order_log.DateLike, observed_until: order_log.DateLike
) -> list[dict]:
    """The lift tests that journeys of these conversions, in these days, can be held against.

    lift_tests of brand.yml  ->  list of those that count the same thing, wholly within the days, by first day

    Parameters
    ----------
    tests : list of dict
        As in brand.yml: channel, from, until, of, incremental, standard_error.
    conversions_of : str
        "new_customers", or "orders" (also "all_orders").
    observed_from, observed_until : date
        Days that touches and orders cover, both included.

    Example
    -------
    >>> test = {"channel": "feed", "from": "2024-03-01", "until": "2024-03-31", "of": "orders", "incremental": 9.0}
    >>> test["standard_error"] = 2.0
    >>> [len(usable_tests([test], "orders", begin, "2024-12-31")) for begin in ("2024-01-01", "2024-03-15")]
    [1, 0]
    """
    of = "orders" if conversions_of == "all_orders" else conversions_of
    order_log.one_of("conversions_of", of, OF)
    first, last = (order_log.day_number(day, "the day") for day in (observed_from, observed_until))
    found = [test for test in map(_checked, tests) if test["of"] == of]
    found = [test for test in found if first <= _days(test)[0] and _days(test)[1] <= last]
    return sorted(found, key=lambda test: (_days(test), test["channel"]))


def calibrate(
    journeys: pd.DataFrame,
    tests: Sequence[dict],
    windows: Sequence[pd.DataFrame],
    rule: str = "markov",
    level: float = LEVEL,
    draws: int = 200,
    seed: int = 1,
    **options: Any,
) -> pd.DataFrame:
    """Credit of each channel, corrected by its lift tests: credited conversions x (incremental / credited in the test).

    table (path), lift tests, tables (path) of their days  ->  table (channel)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys of the whole period.
    tests : list of dict
        Of brand.yml, see `usable_tests`.
    windows : list of DataFrame, one a test, in the same order
        Tables of journeys that end in the days of each test: `journeys(..., ended_from=test["from"],
        observed_until=test["until"])` with everything else as for the whole period. A table that states other days, or
        other conversions than the test, is refused.
    rule, options
        A rule of `credit`, "markov" or "shapley", and its options.
    level, draws, seed
        Of the intervals, see `bootstrap`.

    Returns
    -------
    DataFrame, one row per channel of any path or test, in alphabetical order
        channel, rule. tests : how many the channel has.
        credited (_low, _high) : conversions the rule gives it in the days of its tests. incremental (_low, _high) :
        conversions the tests found it to cause. Both add up over the tests of a channel: days that two tests have in
        common count twice, on both sides. factor (_low, _high) : incremental / credited; several tests are
        weighted by what they know. conversions : credit in the whole period. calibrated (_low, _high) : conversions x
        factor. is_calibrated : whether it is; a channel without a usable test keeps its credit, without an interval.
        Blank (NaN) where there is no test, or too little credit in its days. Calibrated conversions do not add up to
        the orders there were: credit does, causes do not.
        `attrs`: rule, level, conversions_of, first_day, last_day, refused (list of channel, zh, en).

    Raises
    ------
    ValueError
        For a test without a needed key, or windows that do not fit the tests.

    Notes
    -----
    Factor: Fieller (1954), J. R. Statist. Soc. B 16, 175-185, for two independent numbers; of several tests, for the
    ratio of their sums weighted by credited / variance (the inverse variance of the single ratios). Calibrated
    conversions: delta method; credit in the test's days is part of the credit of the whole period and varies with it.
    The error of the credit is its bootstrap error, that of the test its standard error. That both rest on some of the
    same orders is not used: it would make the intervals narrower.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [400, 200], "nulls": [9000, 900]})
    >>> march = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [100, 50], "nulls": [2000, 200]})
    >>> test = {"channel": "feed", "from": "2024-03-01", "until": "2024-03-31", "of": "orders", "incremental": 80.0}
    >>> found = calibrate(table, [test | {"standard_error": 10.0}], [march], "linear")
    >>> found[["channel", "credited", "incremental", "factor", "conversions", "calibrated"]]
      channel  credited  incremental  factor  conversions  calibrated
    0    feed      50.0         80.0     1.6        200.0       320.0
    1   wecom       NaN          NaN     NaN        400.0       400.0
    """
    tests = [_checked(test) for test in tests]
    _fit(journeys, tests, windows)
    z = stats.norm.ppf((1 + check_level(level)) / 2)
    whole = _credited(journeys, rule, draws, seed, level, options)
    within = [_credited(window, rule, draws, seed, level, options) for window in windows]
    channels = sorted(set(whole.index) | {test["channel"] for test in tests})
    period = spend_periods.period_of(journeys)
    rows, refused = [], []
    for channel in channels:
        of_period = whole.loc[channel] if channel in whole.index else pd.Series({"estimate": 0.0, "error": 0.0})
        mine = [_measured(test, credited, period) for test, credited in zip(tests, within, strict=True)
                if test["channel"] == channel]  # fmt: skip
        row = {"channel": channel, "tests": len(mine), "conversions": of_period["estimate"]}
        row |= _sums(mine, z) | _calibrated(mine, of_period["estimate"], of_period["error"], z)
        if mine and not row["is_calibrated"]:
            refused.append({"channel": channel} | _too_little(row["credited"]))
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["rule"] = pd.Series([rule] * len(table), dtype="str")
    table = table.astype({"channel": "str", "is_calibrated": bool, "tests": "int64"} | dict.fromkeys(_NUMBERS, float))
    table.attrs = {
        "rule": rule, "level": float(level), "conversions_of": spend_periods.conversions_of(journeys),
        "first_day": period[0], "last_day": period[1], "refused": refused,
    }  # fmt: skip
    return table


_NUMBERS = [name for name in COLUMNS if name not in ("channel", "rule", "tests", "is_calibrated")]


def calibrated_cac(
    calibrated: pd.DataFrame,
    spend: Any,
    first_day: order_log.DateLike | None = None,
    last_day: order_log.DateLike | None = None,
) -> pd.DataFrame:
    """What a customer or order costs that would not be there without the channel: spend / calibrated conversions.

    table (channel), spend  ->  table (channel), paid channels only

    Parameters
    ----------
    calibrated : DataFrame
        As `calibrate` returns it.
    spend, first_day, last_day
        As in `attributed_cost`; the days are those of the journeys unless given.

    Returns
    -------
    DataFrame, in the order of spend, largest first (equal ones by name)
        channel, spend, conversions. credited_cac : spend / credit. calibrated : conversions the channel causes. cac
        (_low, _high) : spend / calibrated. cac_high is infinite where the effect may be 0; all three are blank (NaN)
        where the channel has no usable test; cac and cac_high where no effect was found. An average over the period,
        not the cost of one more.
        `attrs`: those of `calibrate`, unit, spend_from, spend_until.

    Notes
    -----
    Spend has no error, so that Fieller's interval is the reciprocal of that of the conversions.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [400, 200], "nulls": [9000, 900]})
    >>> march = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [100, 50], "nulls": [2000, 200]})
    >>> test = {"channel": "feed", "from": "2024-03-01", "until": "2024-03-31", "of": "orders", "incremental": 80.0}
    >>> found = calibrate(table, [test | {"standard_error": 10.0}], [march], "linear")
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [6400.0]})
    >>> calibrated_cac(found, spend)[["channel", "credited_cac", "cac"]].round(2)
      channel  credited_cac   cac
    0    feed          32.0  20.0
    """
    stated = pd.DataFrame()
    stated.attrs = calibrated.attrs
    first, last = spend_periods.period_of(stated, first_day, last_day)
    table = spend_periods.spend_by_channel(spend, first, last).merge(calibrated, on="channel", how="left")
    known = table["is_calibrated"].eq(True)
    low, high, middle = (table[name].where(known) for name in ("calibrated_low", "calibrated_high", "calibrated"))
    table["credited_cac"] = table["spend"] / table["conversions"].where(table["conversions"] > 0)
    table["cac"] = table["spend"] / middle.where(middle > 0)
    table["cac_low"] = table["spend"] / high.where(high > 0)
    table["cac_high"] = (table["spend"] / low.where(low > 0)).mask((low <= 0) & (middle > 0), np.inf)
    table = table.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)
    unit = "money per customer" if calibrated.attrs.get("conversions_of") == "new_customers" else "money"
    table = table[["channel", "spend", "conversions", "credited_cac", "calibrated", "cac", "cac_low", "cac_high"]]
    table.attrs = calibrated.attrs | {"unit": unit, "spend_from": first, "spend_until": last}
    return table


def calibration_facts(calibrated: pd.DataFrame, channel: str) -> dict[str, Estimate | Refused]:
    """What the lift tests of one channel found beside its credit, for a sentence.

    Returns
    -------
    dict of Estimate or Refused: credited, incremental (both in the days of the tests), factor (times), calibrated
    (in the whole period), conversions (credit in the whole period, without interval).

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed",), ("wecom",)], "conversions": [400, 200], "nulls": [9000, 900]})
    >>> test = {"channel": "feed", "from": "2024-03-01", "until": "2024-03-31", "of": "orders", "incremental": 80.0}
    >>> found = calibrate(table, [test | {"standard_error": 10.0}], [table.assign(conversions=100)], "last")
    >>> facts = calibration_facts(found, "feed")
    >>> facts["factor"].value, facts["calibrated"].value
    (0.8, 320.0)
    """
    order_log.one_of("channel", channel, tuple(calibrated["channel"]))
    row = calibrated[calibrated["channel"] == channel].iloc[0]
    customers = calibrated.attrs.get("conversions_of") == "new_customers"
    words = _fact_words(customers, rules.RULE_WORDS[calibrated.attrs["rule"]])
    level, unit, facts = calibrated.attrs["level"], "new customers" if customers else "orders", {}
    for name, its_unit in (("credited", unit), ("incremental", unit), ("factor", "times"), ("calibrated", unit)):
        ends = row[name], row[f"{name}_low"], row[f"{name}_high"]
        facts[name] = _no_test(channel, calibrated.attrs)
        if np.isfinite(ends).all():
            n = max(round(row["incremental" if name == "incremental" else "credited"]), 0)
            facts[name] = Estimate(*ends, level, n, its_unit, words[name], calibration_facts)
    n = round(row["conversions"])
    facts["conversions"] = Estimate.exact(row["conversions"], n, unit, words["conversions"], calibration_facts)
    return facts


def calibrated_cost(costs: pd.DataFrame, channel: str) -> Estimate | Refused:
    """Cost of one conversion that the channel causes, with its interval; open above where the effect may be 0.

    costs : table of `calibrated_cac`.

    Example
    -------
    >>> costs = pd.DataFrame({"channel": ["feed"], "calibrated": 320.0, "cac": 20.0, "cac_low": 16.0, "cac_high": 27.0})
    >>> costs.attrs = {"unit": "money", "level": 0.9}
    >>> calibrated_cost(costs, "feed").high
    27.0
    """
    order_log.one_of("channel", channel, tuple(costs["channel"]))
    row = costs[costs["channel"] == channel].iloc[0]
    if not np.isfinite([row["cac"], row["cac_low"]]).all():
        return _no_test(channel, costs.attrs)
    customers = costs.attrs["unit"] == "money per customer"
    zh, en = ("新客", "new customer") if customers else ("订单", "order")
    words = Words(
        f"渠道投放费用÷校准后的增量{zh}数（没有该渠道就不会有的{zh}）",
        f"media spend / {en}s that would not be there without the channel (credit calibrated by its lift tests)",
    )
    ends = row["cac"], row["cac_low"], row["cac_high"]
    return Estimate(*ends, costs.attrs["level"], round(row["calibrated"]), costs.attrs["unit"], words, calibrated_cost)


def cost_in_test(test: dict, level: float = LEVEL) -> Estimate | Refused:
    """Media spend for each customer (or order) that a lift test found the channel to cause, in the days of the test.

    lift test of brand.yml  ->  Estimate of unit "money per customer", or "money" where the test counts orders

    Parameters
    ----------
    test : dict
        See `usable_tests`; with spend, what the channel cost in the days of the test.
    level : float

    Returns
    -------
    Estimate: spend / incremental, n the customers or orders caused. The interval is spend over the normal interval of
    the increment; open above (infinite) where that begins at 0 or below. Refused where the test states no spend, or
    found no positive effect. No rule of attribution is in it, and nothing is carried over to other days.

    Raises
    ------
    ValueError
        For a test without a needed key.

    Example
    -------
    >>> test = {"channel": "feed", "from": "2024-03-01", "until": "2024-03-31", "of": "orders", "incremental": 80.0}
    >>> cost_in_test(test | {"standard_error": 10.0, "spend": 1600.0}).value
    20.0
    """
    z = stats.norm.ppf((1 + check_level(level)) / 2)
    test = _checked(test)
    if test.get("spend") is None:
        zh, en = "这次增量实验没有写明实验期间的投放费用（spend）。", "The lift test does not state its spend."
        return Refused("spend of the lift test", "missing", "a number", zh, en)
    spend, found, half = float(test["spend"]), float(test["incremental"]), z * float(test["standard_error"])
    if not found > 0:
        zh, en = "这次增量实验没有测到正的增量。", "The lift test found no positive effect."
        return Refused("increment", found, "above 0", zh, en)
    customers = test["of"] == "new_customers"
    zh, en = ("新客", "new customers") if customers else ("订单", "orders")
    words = Words(
        f"实验期间该渠道的投放费用÷实验测得的增量{zh}（没有该渠道就不会有的{zh}）",
        f"media spend of the channel in the days of the test / {en} that the test found would not be there without it",
    )
    high = spend / (found - half) if found > half else math.inf
    unit = "money per customer" if customers else "money"
    return Estimate(spend / found, spend / (found + half), high, level, round(found), unit, words, cost_in_test)


def fieller(top: float, top_error: float, bottom: float, bottom_error: float, z: float) -> tuple[float, float]:
    """Ends of the interval of top / bottom, two independent numbers with their standard errors.

    NaN in both where the bottom may be 0 at this level: the interval has no ends then.

    Notes
    -----
    Fieller (1954), J. R. Statist. Soc. B 16, 175-185.

    Example
    -------
    >>> low, high = fieller(80, 10, 50, 5, 1.645)
    >>> round(low, 3), round(high, 3)
    (1.215, 2.074)
    >>> fieller(80, 10, 50, 40, 1.645)
    (nan, nan)
    """
    if not abs(bottom) > z * bottom_error:
        return math.nan, math.nan
    ratio, g = top / bottom, (z * bottom_error / bottom) ** 2
    half = z / abs(bottom) * math.sqrt(top_error**2 * (1 - g) + (ratio * bottom_error) ** 2)
    return (ratio - half) / (1 - g), (ratio + half) / (1 - g)


# --- tests ---


class _Measured(NamedTuple):
    """One test beside the credit in its days: numbers, their standard errors, and the part inside the period."""

    incremental: float
    error: float
    credited: float
    credited_error: float
    inside: float


def _checked(test: dict) -> dict:
    for key in KEYS:
        if test.get(key) is None:
            raise ValueError(f"a lift test has no {key!r}: it needs {', '.join(KEYS)}")
    order_log.one_of("of of a lift test", test["of"], OF)
    numbers = float(test["incremental"]), float(test["standard_error"])
    if not np.isfinite(numbers).all() or not numbers[1] > 0:
        raise ValueError("a lift test needs a finite incremental and a standard_error above 0")
    if _days(test)[0] > _days(test)[1]:
        raise ValueError("a lift test ends before it begins: correct from and until")
    return test


def _days(test: dict) -> tuple[int, int]:
    return order_log.day_number(test["from"], "from"), order_log.day_number(test["until"], "until")


def _fit(journeys: pd.DataFrame, tests: list[dict], windows: Sequence[pd.DataFrame]) -> None:
    """Raise where the windows are not those of the tests."""
    if isinstance(windows, pd.DataFrame) or len(windows) != len(tests):
        raise ValueError("windows must be a list with one table of journeys for each lift test, in the same order")
    for test, window in zip(tests, windows, strict=True):
        begin, end = _days(test)
        stated = spend_periods.period_of(window)
        first, last = (at if day is None else order_log.day_number(day, "the day of the window")
                       for day, at in zip(stated, (begin, end), strict=True))  # fmt: skip
        if first < begin or last > end:
            raise ValueError(
                f"journeys of {stated[0]} to {stated[1]} are no match for a lift test of {test['from']} to "
                f"{test['until']}: make them with ended_from and observed_until set to the days of the test"
            )
        for table in (journeys, window):
            if "conversions_of" in table.attrs and spend_periods.conversions_of(table) != test["of"]:
                raise ValueError(
                    f"the lift test counts {test['of']}, the journeys {table.attrs['conversions_of']}: leave the test "
                    "out with usable_tests, or make journeys of what it counts"
                )


def _credited(
    journeys: pd.DataFrame, rule: str, draws: int, seed: int, level: float, options: dict[str, Any]
) -> pd.DataFrame:
    """Credit of each channel and its standard error, from the width of its bootstrap interval."""
    found = money.interval_of(journeys, rule, "conversions", draws, seed, level, options).set_index("channel")
    width = (found["high"] - found["low"]).fillna(0.0)
    return found.assign(error=width / (2 * stats.norm.ppf((1 + level) / 2)))[["estimate", "error"]].fillna(0.0)


def _measured(test: dict, credited: pd.DataFrame, period: tuple[str | None, str | None]) -> _Measured:
    begin, end = _days(test)
    first = begin if period[0] is None else max(begin, order_log.day_number(period[0], "first_day"))
    last = end if period[1] is None else min(end, order_log.day_number(period[1], "last_day"))
    inside = max(last - first + 1, 0) / (end - begin + 1)
    known = test["channel"] in credited.index
    numbers = credited.loc[test["channel"]] if known else {"estimate": 0.0, "error": 0.0}
    return _Measured(float(test["incremental"]), float(test["standard_error"]), float(numbers["estimate"]),
                     float(numbers["error"]), inside)  # fmt: skip


def _sums(mine: list[_Measured], z: float) -> dict[str, float]:
    """Credit and increment of all tests of a channel, with normal intervals."""
    if not mine:
        return dict.fromkeys([name for name in COLUMNS if name.startswith(("credited", "incremental"))], np.nan)
    found = {}
    for name, error in (("credited", "credited_error"), ("incremental", "error")):
        total = sum(getattr(test, name) for test in mine)
        half = z * math.sqrt(sum(getattr(test, error) ** 2 for test in mine))
        found |= {name: total, f"{name}_low": total - half, f"{name}_high": total + half}
    return found | {"credited_low": max(found["credited_low"], 0.0)}


def _calibrated(mine: list[_Measured], conversions: float, error: float, z: float) -> dict[str, Any]:
    """Factor, and credit of the period times factor, with intervals; credit as it is where there is no usable test."""
    plain = {"factor": np.nan, "factor_low": np.nan, "factor_high": np.nan, "calibrated": conversions,
             "calibrated_low": np.nan, "calibrated_high": np.nan, "is_calibrated": False}  # fmt: skip
    if not mine or sum(test.credited for test in mine) < CREDITED_AT_LEAST:
        return plain
    incremental, found_error, credited, credited_error, inside = np.array(mine).T
    weight = _weights(incremental, found_error, credited, credited_error)
    top, bottom = float(weight @ incremental), float(weight @ credited)
    top_error, bottom_error = (math.sqrt(weight**2 @ its**2) for its in (found_error, credited_error))
    low, high = fieller(top, top_error, bottom, bottom_error, z)
    if math.isnan(low):
        return plain
    ratio = conversions / bottom
    shared = float((weight * credited_error**2) @ inside)
    spread = max(error**2 - 2 * ratio * shared + (ratio * bottom_error) ** 2, 0.0) / bottom**2
    half = z * math.sqrt((ratio * top_error) ** 2 + top**2 * spread)
    numbers = top / bottom, low, high, top * ratio, top * ratio - half, top * ratio + half, True
    return dict(zip(plain, numbers, strict=True))


def _weights(
    incremental: np.ndarray, error: np.ndarray, credited: np.ndarray, credited_error: np.ndarray
) -> np.ndarray:
    """Weight of each test in the sums whose ratio is the factor: credited / variance, as for inverse variances."""
    if len(credited) == 1:
        return np.ones(1)
    known = credited / error**2
    # One factor for all: weights by each test's own would favour those that happened to find little.
    first = (known @ incremental) / (known @ credited)
    return credited / (error**2 + (first * credited_error) ** 2)


# --- words ---


def _too_little(credited: float) -> dict[str, str]:
    return {
        "zh": f"增量实验期间该规则只给该渠道分到 {credited:,.0f} 个转化，不足以校准。",
        "en": f"In the days of the lift tests the rule credits the channel with {credited:,.0f} conversions only: too "
        "few to calibrate by.",
    }


def _no_test(channel: str, attrs: dict[str, Any]) -> Refused:
    for entry in attrs.get("refused", []):
        if entry["channel"] == channel:
            return Refused("credited in the test", "too few", CREDITED_AT_LEAST, entry["zh"], entry["en"])
    return Refused(
        "lift test",
        "none usable",
        1,
        "该渠道没有可用的增量实验，或实验没有测到正的增量，不能据此校准。",
        "The channel has no usable lift test, or the test found no positive effect: it cannot be calibrated.",
    )


def _fact_words(customers: bool, rule: Words) -> dict[str, Words]:
    zh, en = ("新客", "new customers") if customers else ("订单", "orders")
    return {
        "credited": Words(
            f"增量实验期间记到该渠道的{zh}（{rule.zh}）",
            f"{en} credited to the channel in the days of the test ({rule.en})",
        ),
        "incremental": Words(
            f"增量实验测得：没有该渠道就不会有的{zh}",
            f"{en} that the lift test found would not be there without the channel",
        ),
        "factor": Words(
            f"增量{zh}÷同期记到该渠道的{zh}（{rule.zh}）",
            f"{en} that would not be there without the channel / {en} credited to it in the same days ({rule.en})",
        ),
        "calibrated": Words(
            f"全部日期记到该渠道的{zh}×（增量÷同期的功劳）（{rule.zh}）；设比例不变",
            f"{en} credited to the channel in all days x caused / credited in the test ({rule.en}), if the ratio holds",
        ),
        "conversions": Words(
            f"全部日期记到该渠道的{zh}（{rule.zh}）", f"{en} credited to the channel in all days ({rule.en})"
        ),
    }  # fmt: skip
