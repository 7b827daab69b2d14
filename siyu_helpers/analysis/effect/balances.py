"""Do comparators look like the treated once they are weighted, and are there any to weight?

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect import propensity
from siyu_helpers.analysis.effect.estimators import TRIM, balancing_weights, propensity_scores
from siyu_helpers.analysis.effect.samples import Weights, column_of, kish, weights_of
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

BALANCED_BELOW = 0.1  # standardised difference, in absolute value
BINS = 30
BALANCE_COLUMNS = [
    "covariate",
    "smd_before",
    "smd_after",
    "variance_ratio_before",
    "variance_ratio_after",
    "mean_treated",
    "mean_comparison_before",
    "mean_comparison_after",
]
OVERLAP_COLUMNS = [
    "score_low",
    "score_high",
    "treated",
    "comparators",
    "share_treated",
    "share_comparators",
    "share_comparators_weighted",
]


def balance(
    data: pd.DataFrame,
    treatment: str,
    covariates: Sequence[str],
    weights: Weights = None,
    sampling_weights: Weights = None,
) -> pd.DataFrame:
    """How far comparators differ from the treated in each covariate, before and after weighting.

    table (one row and moment)  ->  table (covariate)

    Parameters
    ----------
    data : DataFrame
        Such as `weekly_trials` makes.
    treatment : str
        Column of 0 and 1.
    covariates : list of str
        Number columns.
    weights : column, list of columns (multiplied) or array, optional
        Final weights, such as `balancing_weights` gives: what "after" means. Rows of weight 0 are left out. None: every
        row counts as before.
    sampling_weights : the same, optional
        How many each row stands for: what "before" means. None: 1 each.

    Returns
    -------
    DataFrame
        covariate; smd_before, smd_after: mean of the treated less mean of comparators, in standard deviations (below
        0.1 in absolute value is called balanced); variance_ratio_before, variance_ratio_after: variance of the treated
        over that of comparators, empty where comparators do not vary; mean_treated, mean_comparison_before,
        mean_comparison_after.

    Raises
    ------
    ValueError
        For absent or blank columns, or where one side has no row of positive weight.

    Notes
    -----
    The deviation is the root of the mean variance of both sides before weighting (sampling weights respected), the same
    before and after, so that a change is one of means and not of the yardstick (Stuart 2010, Statistical Science 25,
    1-21). Where neither side varies it is that of all rows. Weighted variances as in Austin (2009), Statistics in
    Medicine 28, 3083-3107.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "orders_before": [3, 5, 1, 3, 5]})
    >>> made = balance(trials, "joined", ["orders_before"], weights=np.array([1, 1, 0, 1, 1]))
    >>> made[["smd_before", "smd_after", "mean_treated", "mean_comparison_after"]].round(3).iloc[0].tolist()
    [0.577, 0.0, 4.0, 4.0]
    """
    before = weights_of(data, sampling_weights)
    after = before if weights is None else weights_of(data, weights)
    rows = np.flatnonzero((before > 0) | (after > 0))
    treated = column_of(data, treatment, rows, "treatment") == 1
    before, after = before[rows], after[rows]
    for side in (treated, ~treated):
        if not (before[side].sum() > 0 and after[side].sum() > 0):
            raise ValueError("balance needs treated rows and comparators of positive weight")
    made = []
    for name in covariates:
        values = column_of(data, name, rows, "covariate")
        (mean_1, var_1), (mean_0, var_0) = (_moments(values[side], before[side]) for side in (treated, ~treated))
        (then_1, then_var_1), (then_0, then_var_0) = (_moments(values[s], after[s]) for s in (treated, ~treated))
        deviation = np.sqrt((var_1 + var_0) / 2) or np.sqrt(_moments(values, before)[1]) or 1.0
        made.append((name, (mean_1 - mean_0) / deviation, (then_1 - then_0) / deviation, _ratio(var_1, var_0),
                     _ratio(then_var_1, then_var_0), mean_1, mean_0, then_0))  # fmt: skip
    return pd.DataFrame(made, columns=BALANCE_COLUMNS).astype(dict.fromkeys(BALANCE_COLUMNS[1:], float))


def _moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Weighted mean and variance; variance 0 for a single row and for values equal but for rounding."""
    total = weights.sum()
    mean = float(weights @ values / total)
    freedom = total - (weights**2).sum() / total
    variance = float(weights @ (values - mean) ** 2 / freedom) if freedom > 1e-12 * total else 0.0
    return mean, variance if variance > (1e-10 * max(abs(mean), np.abs(values).max())) ** 2 else 0.0


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else np.nan


def balance_facts(table: pd.DataFrame, below: float = BALANCED_BELOW) -> dict[str, Estimate | Refused]:
    """What a sentence says about a table of balance.

    Parameters
    ----------
    table : DataFrame
        As `balance` makes.
    below : float
        Absolute standardised difference from which a covariate is called unbalanced.

    Returns
    -------
    dict : largest_before, largest_after (largest absolute standardised difference, in standard deviations);
    unbalanced_before, unbalanced_after (share of covariates at or above `below`). Refused for an empty table.

    Example
    -------
    >>> table = pd.DataFrame({"smd_before": [0.5, -0.05], "smd_after": [0.02, -0.04]})
    >>> {key: fact.value for key, fact in balance_facts(table).items()}
    {'largest_before': 0.5, 'unbalanced_before': 0.5, 'largest_after': 0.04, 'unbalanced_after': 0.0}
    """
    facts: dict[str, Estimate | Refused] = {}
    for when, zh, en in (("before", "加权之前", "before weighting"), ("after", "加权之后", "after weighting")):
        sizes = table[f"smd_{when}"].abs()
        if not len(sizes):
            refused = Refused("covariates", 0, 1, "没有可以比较的特征。", "There is no covariate to compare.")
            facts[f"largest_{when}"] = facts[f"unbalanced_{when}"] = refused
            continue
        largest = Words(
            f"各特征标准化均值差绝对值的最大值（{zh}），以标准差计",
            f"largest absolute standardised mean difference of a covariate, {en}, in standard deviations",
        )
        many = Words(
            f"标准化均值差绝对值不小于 {below:g} 的特征占全部特征的比例（{zh}）",
            f"covariates with an absolute standardised mean difference of {below:g} or more, {en}",
        )
        facts[f"largest_{when}"] = Estimate.exact(sizes.max(), len(sizes), "standard deviations", largest, balance)
        facts[f"unbalanced_{when}"] = Estimate.exact((sizes >= below).mean(), len(sizes), "share", many, balance)
    return facts


def overlap(
    data: pd.DataFrame,
    treatment: str,
    covariates: Sequence[str],
    link: str = "logit",
    weights: Weights = None,
    trim: tuple[float, float] | None = TRIM,
    bins: int = BINS,
) -> pd.DataFrame:
    """Count treated and comparators by their chance of treatment: a histogram for a chart.

    table (one row and moment)  ->  table (class of scores)

    Parameters
    ----------
    data, treatment, covariates, link, weights, trim
        As in `average_treatment_effect`.
    bins : int
        Classes, of equal width in the logarithm of the odds: weekly chances of joining crowd together near 0.

    Returns
    -------
    DataFrame
        score_low, score_high; treated, comparators (rows); share_treated, share_comparators (of their weights),
        share_comparators_weighted (under `balancing_weights`; 0 everywhere when none is left within the trim). Empty
        when one side is absent or the covariates give treatment away. attrs: treated_outside, treated_rows,
        comparator_rows, effective_comparators, for `overlap_facts`.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0, 0, 0, 1, 1, 1, 0], "vip": [0] * 4 + [1] * 4})
    >>> overlap(trials, "joined", ["vip"], bins=2).round(3)[["score_low", "score_high", "treated", "comparators"]]
       score_low  score_high  treated  comparators
    0       0.25        0.50        1            3
    1       0.50        0.75        3            1
    """
    weight = weights_of(data, weights)
    rows = np.flatnonzero(weight > 0)
    treated = column_of(data, treatment, rows, "treatment") == 1
    try:
        if treated.all() or not treated.any():
            return _empty_overlap()
        score = propensity_scores(data, treatment, covariates, link, weights)[rows]
        final = balancing_weights(data, treatment, covariates, link, weights, trim=trim)[rows]
    except propensity.SeparatedError:
        return _empty_overlap()
    low, high = score[~treated].min(), score[~treated].max()
    kept = np.clip(score, 1e-9, 1 - 1e-9)
    odds = np.log(kept / (1 - kept))
    begin, end = odds.min(), odds.max()
    edges = np.linspace(begin, end if end > begin else begin + 1e-6, bins + 1)
    place = np.clip(np.searchsorted(edges, odds, side="right") - 1, 0, bins - 1)
    at = {"score_low": 1 / (1 + np.exp(-edges[:-1])), "score_high": 1 / (1 + np.exp(-edges[1:]))}
    at |= {"treated": np.bincount(place[treated], minlength=bins)}
    at |= {"comparators": np.bincount(place[~treated], minlength=bins)}
    for name, side, mass in (("share_treated", treated, weight[rows]), ("share_comparators", ~treated, weight[rows]),
                             ("share_comparators_weighted", ~treated, final)):  # fmt: skip
        counted = np.bincount(place[side], mass[side], bins)
        at[name] = counted / (counted.sum() or 1.0)
    made = pd.DataFrame(at)[OVERLAP_COLUMNS]
    made.attrs = {"treated_outside": float(((score < low) | (score > high))[treated].mean()),
                  "treated_rows": int(treated.sum()), "comparator_rows": int((~treated).sum()),
                  "effective_comparators": kish(final[~treated])}  # fmt: skip
    return made


def _empty_overlap() -> pd.DataFrame:
    made = pd.DataFrame(columns=OVERLAP_COLUMNS, dtype=float)
    return made.astype({"treated": int, "comparators": int})


def overlap_facts(table: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """What a sentence says about overlap.

    Parameters
    ----------
    table : DataFrame
        As `overlap` makes, with its attrs.

    Returns
    -------
    dict : treated_outside (share of treated rows whose chance is below the smallest or above the largest of
    comparators), effective_comparators (so many equally weighted comparators would be as precise), effective_share
    (that, of the comparators' rows). Refused where there was nothing to compare.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0, 0, 0, 1, 1, 1, 0], "vip": [0] * 4 + [1] * 4})
    >>> round(overlap_facts(overlap(trials, "joined", ["vip"]))["effective_comparators"].value, 3)
    1.714
    """
    keys = ("treated_outside", "effective_comparators", "effective_share")
    if not len(table):
        refused = Refused("overlap", 0, 1, "没有可以相比的两组客户。", "There are no two groups to compare.")
        return dict.fromkeys(keys, refused)
    known, many = table.attrs, table.attrs["comparator_rows"]
    outside = Words(
        "倾向得分超出对照客户得分范围的已加入客户，占全部已加入客户的比例",
        "treated rows whose chance of treatment lies outside that of comparators, of all treated rows",
    )
    effective = Words(
        "有效样本量：多少位权重相同的对照客户能达到同样的精度（Kish）",
        "effective sample size: so many equally weighted comparators would be as precise (Kish)",
    )
    share = Words("对照客户的有效样本量除以对照客户数", "effective sample size of comparators over their number")
    return {
        "treated_outside": Estimate.exact(known["treated_outside"], known["treated_rows"], "share", outside, overlap),
        "effective_comparators": Estimate.exact(known["effective_comparators"], many, "customers", effective, overlap),
        "effective_share": Estimate.exact(known["effective_comparators"] / many, many, "share", share, overlap),
    }


def effective_sample_size(weights: np.ndarray) -> float:
    """Return how many equally weighted rows would be as precise: (sum of weights)² / sum of squares.

    Parameters
    ----------
    weights : array of float
        0 or more; rows of weight 0 change nothing.

    Returns
    -------
    float : 0 when nothing has weight.

    Notes
    -----
    Kish (1965), Survey Sampling, section 11.7.

    Example
    -------
    >>> effective_sample_size(np.array([1, 1, 1, 3])), effective_sample_size(np.array([]))
    (3.0, 0.0)
    """
    return kish(np.asarray(weights, dtype=float))
