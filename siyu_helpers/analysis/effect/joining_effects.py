"""What joining the pool adds, from weekly trials: by outcome and horizon, month by month, for groups of customers.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing. Takes the tables of `trials.weekly_trials`;
the estimating is that of `estimators.average_treatment_effects`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect.estimators import average_treatment_effects, effects_by_trim, propensity_scores
from siyu_helpers.analysis.effect.results import Effect, combined, effect_of, relative
from siyu_helpers.analysis.estimates import LEVEL, Refused, Words

OUTCOMES = ("orders", "repurchase", "spend", "contribution", "referrals")
WEIGHTS = ["sampling_weight", "censor_weight"]
JOINERS_AT_LEAST = 50
METHODS = ("ra", "ipw", "aipw", "matching")
KEPT = (1.0, 0.99, 0.95)
MONTH = "orders_month_"

#: Groups that are looked at, named before anybody looked: how much a customer had bought, and how lately.
SEGMENTS = {
    "one_order": Words("加入前只下过一单", "one order before"),
    "two_or_three": Words("加入前下过两三单", "two or three orders before"),
    "four_or_more": Words("加入前下过四单及以上", "four or more orders before"),
    "recent": Words("两周内下过单", "last order within two weeks"),
    "not_recent": Words("两周以前下的单", "last order more than two weeks ago"),
}


def joining_effects(
    trials: pd.DataFrame,
    outcomes: Sequence[str] | None = None,
    method: str = "aipw",
    level: float = LEVEL,
    folds: int = 5,
    seed: int = 0,
    **options: Any,
) -> dict[str, Effect] | Refused:
    """What joining adds for those who joined, for each outcome of a table of trials.

    table (one joiner or comparator and week)  ->  dict outcome -> Effect

    Parameters
    ----------
    trials : DataFrame
        From `weekly_trials`.
    outcomes : sequence of str, optional
        Columns; by default those of `OUTCOMES` that are there and known, and orders month by month.
    method, folds, seed, **options
        See `average_treatment_effects`.

    Returns
    -------
    dict of Effect, or Refused with fewer than 50 joiners or comparators.

    Example
    -------
    >>> joining_effects(pd.DataFrame({"joined": [1, 0], "orders": [1.0, 0.0]})).gate
    'joiners'
    """
    few = smaller_side(trials)
    if few < JOINERS_AT_LEAST:
        return too_few_joiners(few)
    chosen = known_outcomes(trials) if outcomes is None else list(outcomes)
    found = average_treatment_effects(
        trials, chosen, "joined", trials.attrs["covariates"], method=method, estimand="ATT", weights=WEIGHTS,
        clusters="customer_id", level=level, folds=folds, seed=seed, **options,
    )  # fmt: skip
    # All outcomes are of the same rows and scores: what refuses one refuses all.
    refused = next((each for each in found.values() if isinstance(each, Refused)), None)
    return refused or found


def smaller_side(trials: pd.DataFrame) -> int:
    """Rows of the smaller side, joiners or comparators, of those that weigh anything."""
    if not len(trials):
        return 0
    weighs = (trials[[name for name in WEIGHTS if name in trials]] > 0).all(axis=1)
    return min(int((trials.loc[weighs, "joined"] == side).sum()) for side in (0, 1))


def known_outcomes(trials: pd.DataFrame) -> list[str]:
    """Outcomes of a table of trials that are recorded, and its orders and contribution month by month."""
    followed = trials[trials["censor_weight"] > 0]
    there = [name for name in OUTCOMES if name in trials and followed[name].notna().all()]
    money = "contribution_month_" if "contribution" in there else MONTH
    return there + [name for name in trials if name.startswith((MONTH, money))]


def too_few_joiners(seen: int) -> Refused:
    """Why nothing is estimated: too few joiners can be followed."""
    return Refused(
        "joiners",
        seen,
        JOINERS_AT_LEAST,
        f"下单后才加入、又观察满期的客户（或可比的对照）只有 {seen} 位，不到 {JOINERS_AT_LEAST} 位，不作估计。",
        f"Only {seen} customers joined after an order and can be followed to the end (or be compared); below "
        f"{JOINERS_AT_LEAST} nothing is estimated.",
    )


def nobody_joined() -> Refused:
    """Why nothing is estimated: no stay in the pool is recorded.

    >>> nobody_joined().gate
    'members'
    """
    return Refused(
        "members",
        0,
        1,
        "没有任何客户加入私域的记录（members 表）。",
        "No customer is recorded as having joined the pool (table members).",
    )


def effect_table(
    by_horizon: Mapping[int, Mapping[str, Effect] | Refused], outcomes: Sequence[str] = OUTCOMES
) -> pd.DataFrame:
    """Effects as a table: one row an outcome and horizon.

    Returns
    -------
    DataFrame
        horizon_days, outcome, value, low, high (what joining adds), without (mean of joiners had they not joined),
        relative, relative_low, relative_high (value / without; blank where without is not clearly above 0), joiners.

    Example
    -------
    >>> effect_table({30: too_few_joiners(3)}).empty
    True
    """
    rows = []
    for horizon, effects in by_horizon.items():
        if isinstance(effects, Refused):
            continue
        for outcome in (name for name in outcomes if name in effects):
            effect = effects[outcome]
            share = relative(effect) if has_base(effect) else None
            ends = (share.value, share.low, share.high) if share is not None else (math.nan,) * 3
            rows.append((horizon, outcome, effect.value, effect.low, effect.high, effect.without_treatment, *ends))
    names = ["horizon_days", "outcome", "value", "low", "high", "without", "relative", "relative_low", "relative_high"]
    return pd.DataFrame(rows, columns=names)


def has_base(effect: Effect) -> bool:
    """Whether the mean without treatment is clearly above 0, so that a ratio to it means something."""
    if effect.influence_without is None:
        return False
    return effect_of(effect.without_treatment, effect.influence_without, effect.level, effect.clusters).low > 0


def split_of_spend(effects: Mapping[str, Effect]) -> dict[str, Effect]:
    """Split what joining adds to spend into more orders and larger orders; the two add up to it exactly.

    Parameters
    ----------
    effects : dict
        With "orders" and "spend", estimated on one table.

    Returns
    -------
    dict
        more_orders : difference of orders times the mean of both order values. larger_orders : difference of order
        values times the mean of both numbers of orders. order_value : difference of spend per order.
        order_value_without : spend per order of joiners had they not joined. Empty where there are no orders.

    Notes
    -----
    The symmetric split of a product (Shapley value of two factors), see `decomposition`. Intervals by the delta method.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.results import effect_of
    >>> flat = np.zeros(2)
    >>> made = {name: effect_of(w - o, flat, n=2, with_treatment=w, without_treatment=o, influence_without=flat)
    ...         for name, w, o in (("orders", 3.0, 2.0), ("spend", 36.0, 20.0))}
    >>> {name: part.value for name, part in split_of_spend(made).items()}
    {'more_orders': 11.0, 'larger_orders': 5.0, 'order_value': 2.0, 'order_value_without': 10.0}
    """
    orders, spend = effects["orders"], effects["spend"]
    if min(orders.with_treatment, orders.without_treatment) <= 0:
        return {}
    means = [orders.with_treatment, orders.without_treatment, spend.with_treatment, spend.without_treatment]
    parts = [mean_with(orders), mean_without(orders), mean_with(spend), mean_without(spend)]
    rules = {
        "more_orders": lambda n1, n0, s1, s0: (n1 - n0) * (s1 / n1 + s0 / n0) / 2,
        "larger_orders": lambda n1, n0, s1, s0: (s1 / n1 - s0 / n0) * (n1 + n0) / 2,
        "order_value": lambda n1, n0, s1, s0: s1 / n1 - s0 / n0,
        "order_value_without": lambda n1, n0, s1, s0: s0 / n0,
    }
    return {name: combined(rule(*means), _gradient(rule, means), parts) for name, rule in rules.items()}


def by_month(effects: Mapping[str, Effect]) -> pd.DataFrame:
    """Effect on orders in each thirty days since joining: does the novelty wear off?

    Returns
    -------
    DataFrame
        month (from 1), value, low, high (orders per joiner in these thirty days), without.

    Example
    -------
    >>> by_month({}).columns.tolist()
    ['month', 'value', 'low', 'high', 'without']
    """
    rows = [
        (int(name.removeprefix(MONTH)), effect.value, effect.low, effect.high, effect.without_treatment)
        for name, effect in effects.items()
        if name.startswith(MONTH)
    ]
    return pd.DataFrame(rows, columns=["month", "value", "low", "high", "without"]).sort_values("month")


def fading(effects: Mapping[str, Effect]) -> Effect | None:
    """Effect on orders in the last thirty days less that in the first thirty; None with fewer than two months."""
    months = sorted((name for name in effects if name.startswith(MONTH)), key=lambda name: int(name.split("_")[-1]))
    if len(months) < 2:
        return None
    last, first = effects[months[-1]], effects[months[0]]
    return combined(last.value - first.value, [1, -1], [last, first])


def by_segment(trials: pd.DataFrame, outcome: str = "orders", level: float = LEVEL, seed: int = 0) -> pd.DataFrame:
    """Effect of joining within groups that were named in advance.

    table (one joiner or comparator and week)  ->  table (one group)

    Returns
    -------
    DataFrame
        segment, joiners, value, low, high, without; a group with fewer than 50 joiners has blanks. Several groups are
        compared at once: that one of them differs by chance is likelier than for a single comparison.

    Example
    -------
    >>> by_segment(pd.DataFrame({"joined": []})).empty
    True
    """
    names = ["segment", "joiners", "value", "low", "high", "without"]
    rows = []
    for segment, chosen in _segments(trials).items() if len(trials) else ():
        part = trials[chosen]
        part.attrs = dict(trials.attrs)
        found = joining_effects(part, [outcome], level=level, folds=1, seed=seed)
        numbers = (math.nan,) * 4
        if not isinstance(found, Refused):
            effect = found[outcome]
            numbers = (effect.value, effect.low, effect.high, effect.without_treatment)
        rows.append((segment, int((part["joined"] == 1).sum()), *numbers))
    return pd.DataFrame(rows, columns=names)


def specification_grid(
    trials: pd.DataFrame,
    outcome: str = "orders",
    methods: Sequence[str] = METHODS,
    kept: Sequence[float] = KEPT,
    level: float = LEVEL,
) -> pd.DataFrame:
    """The same effect by several estimators and trims: does the answer hang on a choice nobody would defend?

    table (one joiner or comparator and week)  ->  table (estimator x trim)

    Parameters
    ----------
    kept : sequence of float
        Trims: rows are dropped whose chance of joining is above that of this share of the joiners. 1: none is.

    Returns
    -------
    DataFrame
        method, kept, trim (highest chance kept), value, low, high, n_trimmed, effective_n. "ra" has no scores to trim
        and stands once. Empty with too few joiners.

    Example
    -------
    >>> specification_grid(pd.DataFrame({"joined": []})).empty
    True
    """
    names = ["method", "kept", "trim", "value", "low", "high", "n_trimmed", "effective_n"]
    few = smaller_side(trials)
    if few < JOINERS_AT_LEAST:
        return pd.DataFrame(columns=names)
    scores = propensity_scores(trials, "joined", trials.attrs["covariates"], weights=WEIGHTS)
    tops = [1.0 if share == 1 else float(np.quantile(scores[trials["joined"] == 1], share)) for share in kept]
    trims = [(0.0, top) for top in tops]
    given = (trials, outcome, "joined", trials.attrs["covariates"], methods, trims, WEIGHTS, "customer_id", level)
    found, rows = effects_by_trim(*given), []
    for (method, trim), effect in found.items():
        if not isinstance(effect, Refused):
            ends = (effect.value, effect.low, effect.high)
            rows.append((method, kept[trims.index(trim)], trim[1], *ends, effect.n_trimmed, effect.effective_n))
    return pd.DataFrame(rows, columns=names)


# --- parts ---


def mean_with(effect: Effect) -> Effect:
    """The mean with treatment as an Effect, so that functions of it have intervals."""
    return _mean(effect, effect.with_treatment, effect.influence + effect.influence_without)


def mean_without(effect: Effect) -> Effect:
    """The mean without treatment as an Effect."""
    return _mean(effect, effect.without_treatment, effect.influence_without)


def _mean(effect: Effect, value: float, influence: np.ndarray) -> Effect:
    return Effect(
        value, math.nan, math.nan, math.nan, effect.level, effect.n, estimand=effect.estimand, method=effect.method,
        influence=influence, clusters=effect.clusters,
    )  # fmt: skip


def _gradient(rule: Any, means: list[float]) -> list[float]:
    """Derivative of a rule by each of its means, from central differences."""
    slopes = []
    for at, mean in enumerate(means):
        step = 1e-6 * max(abs(mean), 1.0)
        ends = [rule(*means[:at], mean + sign * step, *means[at + 1 :]) for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return slopes


def _segments(trials: pd.DataFrame) -> dict[str, pd.Series]:
    """Which rows belong to which group, from what was known before the week."""
    days, recency = np.exp(trials["log_order_days"]).round(), trials["recency_days"]
    return {
        "one_order": days <= 1,
        "two_or_three": (days >= 2) & (days <= 3),
        "four_or_more": days >= 4,
        "recent": recency <= 14,
        "not_recent": recency > 14,
    }
