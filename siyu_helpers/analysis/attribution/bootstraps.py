"""Bootstraps: how sure the credit of a channel is, under every rule, when the journeys might have been others.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import chains, removals, rules, shapley_values
from siyu_helpers.analysis.attribution.paths import Paths, encode
from siyu_helpers.analysis.attribution.resampling import distinct, draws_of
from siyu_helpers.analysis.estimates import LEVEL, Refused, check_level

METHODS = (*rules.RULES, "markov", "shapley")
OF = ("share", "conversions", "value")
DRAWS = 200
CONVERSIONS_AT_LEAST = 500  # with fewer, 90% intervals may cover 84% only, see notes of `bootstrap`
FEW = 5  # conversions credited to a channel; draws from fewer say too little of what else might have been
TIE = 1e-9  # of all credit; channels nearer than that share a rank

#: Conversions, nulls and value of draws (rows x draws)  ->  credit (draws x channels).
Credit = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def bootstrap(
    journeys: pd.DataFrame,
    method: str,
    draws: int = DRAWS,
    seed: int = 1,
    level: float = LEVEL,
    of: str = "share",
    **options: Any,
) -> pd.DataFrame:
    """Credit of each channel with its interval, and the ranks it might have, from journeys drawn anew.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys : DataFrame
        path, conversions, value, nulls, see `paths.encode`; hours_before_end for "time_decay".
    method : str
        A rule of `credit`, "markov" or "shapley".
    draws, seed : int
        How often all journeys are drawn anew, and the seed. The order of rows makes no difference, and neither do the
        names of channels (unless two channels agree in all their numbers).
    of : str
        "share" : of all conversions credited. "conversions" : their number. "value" : money. The last two are for as
        many journeys as were observed, and so hold for the share of these that convert, too.
    options
        Passed on to `credit`, `markov` or `shapley`.

    Returns
    -------
    DataFrame: channel, estimate, low, high, rank_low, rank_high. estimate: what the method itself says. low, high: the
    interval, from percentiles of the draws. rank_low, rank_high: between which ranks the channel lies (1: most credit;
    channels with equal credit share the better rank). Blank where nothing converts. attrs: method, of, level, draws
    (those in which something converted).

    Raises
    ------
    ValueError
        For an unknown method or option, or fewer than 20 draws.

    Notes
    -----
    Efron and Tibshirani (1993), chapter 13: percentile intervals. Journeys are taken to be independent of each other.
    Below 500 conversions the intervals can be too narrow, see `interval_gate`. Value varies between conversions of one
    path as attrs["value_variation"] of the table says, see `journeys` and `aggregate`; without it (a ready-made table
    of sums), every conversion of a path is taken to be worth the same and intervals of value are too narrow. Where
    single orders are worth very different amounts (lognormal, sigma 1.2), 90% intervals of value cover 83 to 89% with
    500 to 2,000 conversions. A channel credited with fewer than 5 conversions, or none, gets the limits of a Poisson
    count (Garwood 1936, Biometrika 28, 437-442) where these are wider: what nobody happened to do may still be done.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("ads", "wecom"), ("wecom",)], "conversions": [300, 400], "nulls": [900, 500]})
    >>> bootstrap(table, "first").round(2)
      channel  estimate   low  high  rank_low  rank_high
    0     ads      0.43  0.40  0.46         2          2
    1   wecom      0.57  0.54  0.60         1          1
    """
    order_log.one_of("method", method, METHODS)
    order_log.one_of("of", of, OF)
    check_level(level)
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 20:
        raise ValueError(f"draws must be a whole number, 20 or more, as 200 is; got {draws!r}")
    column = "value" if of == "value" else "conversions"
    said = _by_function(journeys, method, options)
    estimate = said[column].to_numpy(dtype=float)
    paths = encode(journeys)
    merged = distinct(paths, float(journeys.attrs.get("value_variation", 0.0)))
    credit = _credit(merged.paths, method, column, options)
    blocks = [credit(*drawn) for drawn in draws_of(merged, draws, seed, money=of == "value")]
    drawn = np.concatenate([block for block in blocks if block.size] or [np.empty((0, len(estimate)))])
    if of == "share":
        estimate, drawn = _as_share(estimate), _as_share(drawn)
    usable = drawn[np.isfinite(drawn).all(axis=1) & (drawn.sum(axis=1) > 0)]
    frame = pd.DataFrame({"channel": pd.Series(list(paths.channels), dtype="str"), "estimate": estimate})
    ends = _ends(estimate, usable, level)
    frame["low"], frame["high"] = _widened(*ends, said, of, level) if len(usable) else ends
    frame["rank_low"], frame["rank_high"] = _rank_ends(estimate, usable, level)
    frame.attrs = {"method": method, "of": of, "level": level, "draws": len(usable)}
    return frame


def interval_gate(journeys: pd.DataFrame, at_least: int = CONVERSIONS_AT_LEAST) -> Refused | None:
    """The warning that belongs beside intervals from too few conversions; None where there are enough.

    table (path)  ->  Refused or None

    Example
    -------
    >>> interval_gate(pd.DataFrame({"path": [("ads",)], "conversions": [230]})).reason_en
    'Only 230 journeys ended with an order; below 500 the intervals of credit can be too narrow...'
    """
    conversions = float(encode(journeys).conversions.sum())
    if conversions >= at_least:
        return None
    return Refused(
        "conversions",
        conversions,
        at_least,
        f"只有 {conversions:,.0f} 条有订单的路径，少于 {at_least:,} 条：归因的置信区间偏窄，实际的不确定性更大。",
        f"Only {conversions:,.0f} journeys ended with an order; below {at_least:,} the intervals of credit can be "
        "too narrow, and the true uncertainty larger.",
    )


def _by_function(journeys: pd.DataFrame, method: str, options: dict[str, Any]) -> pd.DataFrame:
    """The table of the public function itself, which also checks the options."""
    if method in ("markov", "shapley"):
        function = chains.markov if method == "markov" else shapley_values.shapley
        if unknown := sorted(set(options) - set(function.__annotations__) | {"journeys"} & set(options)):
            raise ValueError(f"method {method!r} has no option {unknown[0]!r}")
        return function(journeys, **options)
    return rules.credit(journeys, method, **options)


def _credit(paths: Paths, method: str, column: str, options: dict[str, Any]) -> Credit:
    """The method as a function of drawn numbers, for the given rows."""
    if method == "markov":
        return _of_markov(paths, column, **options)
    weights = shapley_values.weights(paths) if method == "shapley" else rules.weights(paths, method, **options)
    return lambda conversions, nulls, value: (weights @ (value if column == "value" else conversions)).T


def _of_markov(paths: Paths, column: str, order: int = 1, use_nulls: bool = True, removal: str = "to_null") -> Credit:
    which = OF[1:].index(column)

    def shared(effects: tuple[np.ndarray, np.ndarray], conversions: np.ndarray, value: np.ndarray) -> np.ndarray:
        return removals.shared(effects[which], (conversions, value)[which].sum(axis=0))

    if removal == "lose_paths":
        has = removals.presence(paths)
        return lambda bought, nulls, value: shared(
            tuple(effect.T for effect in removals.of_lost_paths(has, bought, value)), bought, value
        )
    steps = chains.steps_of(paths, order)
    counted = _counting(paths, steps, use_nulls)

    def credit(bought: np.ndarray, nulls: np.ndarray, value: np.ndarray) -> np.ndarray:
        counts = counted(bought, nulls, value)
        if order == 1 and removal == "to_null":
            return shared(removals.of_first_order(*counts), bought, value)
        single = [removals.of_chain(removals.Chain(steps, *one), removal) for one in zip(*counts, strict=True)]
        return shared(tuple(np.array(effects) for effects in zip(*single, strict=True)), bought, value)

    return credit


def _counting(paths: Paths, steps: chains.Steps, use_nulls: bool) -> Callable[..., tuple[np.ndarray, ...]]:
    """What `chains.chain_of` counts, for many draws at once: counts, conversions, nulls, value, draws first."""
    rows, states = len(paths.conversions), steps.states + 1
    distinct_steps, number = np.unique(steps.step, return_inverse=True)
    ones = np.ones(len(number))
    made = sparse.coo_array((ones, (number, paths.rows)), shape=(len(distinct_steps), rows)).tocsr()
    ended = sparse.coo_array((np.ones(rows), (steps.end, np.arange(rows))), shape=(states, rows)).tocsr()

    def counted(bought: np.ndarray, nulls: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, ...]:
        left = nulls if use_nulls else np.zeros_like(nulls)
        counts = np.zeros((bought.shape[1], states * steps.channels))
        counts[:, distinct_steps] = (made @ (bought + left)).T
        ends = ((ended @ numbers).T for numbers in (bought, left, value))
        return counts.reshape(len(counts), states, steps.channels), *ends

    return counted


def _as_share(credited: np.ndarray) -> np.ndarray:
    whole = credited.sum(axis=-1, keepdims=True)
    return np.divide(credited, whole, out=np.full_like(credited, np.nan), where=whole > 0)


def _ends(estimate: np.ndarray, drawn: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of the draws, widened to the estimate where that lies outside."""
    if not len(drawn):
        return np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0, method="weibull")
    return np.minimum(low, estimate), np.maximum(high, estimate)


def _widened(
    low: np.ndarray, high: np.ndarray, said: pd.DataFrame, of: str, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """For channels credited with few conversions, at least the limits of a Poisson count, in the unit asked for."""
    conversions, value = (said[name].to_numpy(dtype=float) for name in ("conversions", "value"))
    total = conversions.sum()
    unit = {"share": 1 / total, "conversions": 1.0, "value": value.sum() / total}[of]
    few = conversions < FEW
    above = stats.gamma.ppf((1 + level) / 2, conversions[few] + 1) * unit
    below = stats.gamma.ppf((1 - level) / 2, np.maximum(conversions[few], 1e-9)) * unit
    low, high = low.copy(), high.copy()
    low[few], high[few] = np.minimum(low[few], below), np.maximum(high[few], above)
    return (low, np.minimum(high, 1)) if of == "share" else (low, high)


def _rank_ends(estimate: np.ndarray, drawn: np.ndarray, level: float) -> tuple[Any, Any]:
    if not len(drawn):
        blank = pd.array([pd.NA] * len(estimate), dtype="Int64")
        return blank, blank
    low, high = np.quantile(_ranks(drawn), [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf").astype(
        int
    )
    rank = _ranks(estimate[None])[0]
    return pd.array(np.minimum(low, rank), dtype="Int64"), pd.array(np.maximum(high, rank), dtype="Int64")


def _ranks(credited: np.ndarray) -> np.ndarray:
    """Rank of each channel in each row, 1 for the most credit; equal credit, rounding aside, shares the better rank."""
    whole = credited.sum(axis=1, keepdims=True)
    return stats.rankdata(-np.round(credited / whole / TIE), method="min", axis=1).astype(int)
