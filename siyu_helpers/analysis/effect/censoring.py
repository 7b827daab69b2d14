"""Comparators who join later: their follow-up ends, and those who stayed out count for them.

Who joins later is not like who does not: frequent customers join. The weekly chance of joining is therefore estimated
from what was known at the beginning of each week; a comparator who stayed out to the end of follow-up counts one over
the chance of that. Weights are never cut off: cutting them would bring back a part of the bias without a word. Where
they are extreme, `attrs["censoring"]` says so.

Opens no files and draws nothing. Robins and Finkelstein (2000), Biometrics 56, 779-788; Hernan and Robins (2020),
Causal Inference: What If, chapters 12 and 21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit

from siyu_helpers.analysis.effect.covariates import Category, covariate_columns
from siyu_helpers.analysis.effect.histories import DAY, NEVER, WEEK, Histories, last_order_before, monday_of
from siyu_helpers.analysis.effect.propensity import SeparatedError, fit_logit

if TYPE_CHECKING:
    from siyu_helpers.analysis.effect.trials import Drawn

CONTROLS = 5  # comparators a joiner that the chance of joining is fitted on: more hardly sharpen it
JOINERS_PER_COLUMN = (
    5  # covariates are taken in their order while there are that many joiners for each of their columns
)
BLOCK_WEEKS = 8
EXTREME = 50  # a comparator who counts for more than that many is called extreme
SURE = 1e-9  # nobody's chance to stay out of the pool for a week is smaller than this


class Hazard(NamedTuple):
    """Weekly chance of joining: a logit of the covariates; a constant for who has not ordered for a long time.

    slopes : column -> coefficient. out_of_reach : chance of those whose last order is more than reach_days ago.
    """

    names: tuple[str, ...]
    categories: dict[str, Category]
    intercept: float
    slopes: dict[str, float]
    reach_days: int
    out_of_reach: float


def weights(
    histories: Histories,
    drawn: Drawn,
    rows: Drawn,
    end: np.ndarray,
    names: tuple[str, ...],
    categories: dict[str, Category],
    reach_days: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Censoring weight of each row, and what to know about the weights.

    Parameters
    ----------
    histories : Histories
    drawn : Drawn
        Joiners and comparators of all weeks, on which the chance of joining is fitted.
    rows : Drawn
        Those of them that are in the trials.
    end : array of int
        End of follow-up of each row, in seconds.
    names, categories
        Covariates of the chance of joining.
    reach_days : int
        Longest recency of the eligible.

    Returns
    -------
    array of float, dict
        1 for joiners; 0 for comparators who joined before the end; for the others 1 / P(stay out to the end | history,
        week by week). The dict holds model ("logit", "constant" or "none": nobody ever joined), joined_later (share of
        comparators, counted by sampling weight), largest_weight and mean_weight of those followed to the end, adds_up
        (their weights over those of all comparators: near 1 where the chances are right), effective_n and
        effective_n_unweighted (Kish), and note_zh, note_en where weights are extreme.

    Notes
    -----
    A comparator did not join in the week of the trial, so the product begins with the next one. The chance of the last
    week counts in proportion to the part of it that belongs to the follow-up.
    """
    compared = rows.joined == 0
    short = compared & (histories.joined[rows.who] < end)
    weight = np.where(short, 0.0, 1.0)
    followed = np.flatnonzero(compared & ~short)
    hazard, model = fit_hazard(histories, drawn, names, categories, reach_days)
    if hazard is not None and len(followed):
        weight[followed] = np.exp(-log_staying(histories, hazard, *(a[followed] for a in (rows.who, rows.monday, end))))
    return weight, weight_facts(rows.weight[compared], weight[compared], model)


def fit_hazard(
    histories: Histories, drawn: Drawn, names: tuple[str, ...], categories: dict[str, Category], reach_days: int
) -> tuple[Hazard | None, str]:
    """Fit the weekly chance of joining on joiners and comparators of all weeks; None where nobody ever joined."""
    week, at = np.unique(drawn.monday, return_inverse=True)
    joiners, many = np.bincount(at, drawn.joined, len(week)), np.bincount(at, 1 - drawn.joined, len(week))
    used = np.minimum(many, CONTROLS * np.maximum(joiners, 1))
    rows = np.flatnonzero(drawn.serial <= used[at])
    joined = drawn.joined[rows].astype(float)
    weight = drawn.weight[rows] * np.where(joined == 1, 1.0, (many / np.maximum(used, 1))[at[rows]])
    rare = out_of_reach(histories, reach_days)
    if not joined.sum() and not rare:
        return None, "none"
    share = joined.sum() / max(weight.sum(), 1.0)
    constant = Hazard((), categories, float(_logit(share)), {}, reach_days, rare)
    columns, groups = covariate_columns(histories, drawn.who[rows], drawn.monday[rows], names, categories)
    kept, width = [], 0
    for name, its in groups.items():
        width += len(its)
        if joined.sum() < JOINERS_PER_COLUMN * width:
            break
        kept.append(name)
    slopes = [column for name in kept for column in groups[name]]
    if not slopes:
        return constant, "constant"
    try:
        found = fit_logit([columns[name] for name in slopes], joined, weight)
    except (SeparatedError, ValueError):
        return constant, "constant"
    fitted = dict(zip(slopes, found[1:].tolist(), strict=True))
    return Hazard(tuple(kept), categories, float(found[0]), fitted, reach_days, rare), "logit"


def out_of_reach(histories: Histories, reach_days: int) -> float:
    """Chance of joining in a week of customers whose last order is more than reach_days ago: joinings over weeks."""
    since = histories.joined.min(initial=NEVER)
    stop = np.minimum(np.append(histories.time[1:], 0), histories.end)
    last = np.append(histories.person[1:] != histories.person[:-1], True)[: len(histories.time)]
    stop = np.where(last, histories.end, stop)
    begin = np.maximum(histories.time + reach_days * DAY, since)
    stop = np.minimum(stop, histories.joined[histories.person])
    weeks = np.maximum(stop - begin, 0).sum() / WEEK
    who = np.flatnonzero(histories.joined < NEVER)
    monday = monday_of(histories.joined[who])
    before = last_order_before(histories, who, monday)
    joined = ((before > -NEVER) & (before < monday - reach_days * DAY)).sum()
    return float(min(joined / weeks, 1.0)) if weeks and joined else 0.0


def log_staying(
    histories: Histories, hazard: Hazard, who: np.ndarray, monday: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Log of the chance to stay out from the week after `monday` to `end`, of customers who did.

    One running sum a customer over the weeks; each row is the difference of two readings of it.
    """
    persons, row = np.unique(who, return_inverse=True)
    final = monday_of(end)
    part = (end - final) / WEEK
    later = np.flatnonzero(final > monday)  # others end within the week of the trial
    if not len(later):
        return np.zeros(len(who))
    opens = np.full(len(persons), NEVER)
    np.minimum.at(opens, row, monday + WEEK)
    closes = np.zeros(len(persons), dtype=np.int64)
    np.maximum.at(closes, row, final)
    begins, ends = _by_week(later, monday + WEEK), _by_week(later, final)
    running, at_start, at_end = np.zeros(len(persons)), np.zeros(len(who)), np.zeros(len(who))
    mondays = np.arange(monday[later].min() + WEEK, final[later].max() + 1, WEEK)
    for block in range(0, len(mondays), BLOCK_WEEKS):
        weeks = mondays[block : block + BLOCK_WEEKS]
        needed = [np.flatnonzero((opens <= now) & (closes >= now)) for now in weeks]
        places = np.concatenate(needed)
        found = chance(histories, hazard, persons[places], np.repeat(weeks, [len(its) for its in needed]))
        found = np.split(found, np.cumsum([len(its) for its in needed])[:-1])
        for now, its, chances in zip(weeks.tolist(), needed, found, strict=True):
            starting, stopping = begins.get(now, _NONE), ends.get(now, _NONE)
            at_start[starting] = running[row[starting]]
            of_week = np.zeros(len(persons))
            of_week[its] = chances
            at_end[stopping] = running[row[stopping]] + np.log1p(-of_week[row[stopping]] * part[stopping])
            running[its] += np.log1p(-chances)
    return at_end - at_start


_NONE = np.zeros(0, dtype=np.int64)


def _by_week(rows: np.ndarray, monday: np.ndarray) -> dict[int, np.ndarray]:
    """Rows by their Monday."""
    order = rows[np.argsort(monday[rows], kind="stable")]
    weeks, starts = np.unique(monday[order], return_index=True)
    return dict(zip(weeks.tolist(), np.split(order, starts[1:]), strict=True))


def chance(histories: Histories, hazard: Hazard, who: np.ndarray, monday: np.ndarray) -> np.ndarray:
    """Chance that customers outside the pool join in the week that begins at `monday`."""
    columns, _ = covariate_columns(histories, who, monday, hazard.names, hazard.categories)
    index = np.full(len(who), hazard.intercept)
    for name, slope in hazard.slopes.items():
        if slope:
            index += slope * columns[name]
    far = last_order_before(histories, who, monday) < monday - hazard.reach_days * DAY
    return np.minimum(np.where(far, hazard.out_of_reach, expit(index)), 1 - SURE)


def _logit(share: float) -> float:
    with np.errstate(divide="ignore"):
        return np.log(share) - np.log1p(-min(share, 1 - SURE))


def weight_facts(sampling: np.ndarray, weight: np.ndarray, model: str) -> dict[str, Any]:
    """Facts about the weights of comparators."""
    stayed, total = weight > 0, sampling.sum()
    if not stayed.any():
        return {"model": model, "joined_later": 1.0 if len(weight) else 0.0, "effective_n": 0.0}
    both, largest, mean = sampling * weight, float(weight.max()), float(weight[stayed].mean())
    told = {
        "model": model,
        "joined_later": float(sampling[~stayed].sum() / total),
        "largest_weight": largest,
        "mean_weight": mean,
        "adds_up": float(both.sum() / total),
        "effective_n": float(both.sum() ** 2 / (both**2).sum()),
        "effective_n_unweighted": float(sampling[stayed].sum() ** 2 / (sampling[stayed] ** 2).sum()),
    }
    if largest > EXTREME:
        told["note_zh"] = (
            f"有的对照几乎必然会加入，却一直没有加入：一位最多代表 {largest:,.0f} 位。"
            "权重未作截断，少数对照对结果影响很大。"
        )
        told["note_en"] = (
            f"Some comparators were almost sure to join and never did: one counts for as many as {largest:,.0f}. "
            "Weights were not cut off, so a few comparators weigh heavily."
        )
    return told
