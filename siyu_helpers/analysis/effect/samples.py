"""The rows of a table that an estimator uses: those with a weight, as arrays, ordered by fold.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import propensity
from siyu_helpers.analysis.estimates import Refused

Weights = str | Sequence[str] | np.ndarray | None


class Sample(NamedTuple):
    """Rows of positive weight, ordered by fold, as arrays."""

    rows: np.ndarray  # position of each in the table
    length: int  # rows of the table
    treated: np.ndarray
    weights: np.ndarray  # of mean 1
    edges: np.ndarray  # fold k: rows from edges[k] up to edges[k + 1]
    clusters: np.ndarray | None  # codes of all rows of the table


def sample_of(
    data: pd.DataFrame, treatment: str, weights: Weights, clusters: str | np.ndarray | None, folds: int, seed: int
) -> Sample:
    """Rows of positive weight as a Sample, folds drawn.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0, 0], "weight": [1, 0, 3]})
    >>> sample_of(trials, "joined", "weight", None, 1, 0).rows.tolist()
    [0, 2]
    """
    weight = weights_of(data, weights)
    rows = np.flatnonzero(weight > 0)
    treated = column_of(data, treatment, rows, "treatment")
    if not np.isin(treated, (0.0, 1.0)).all():
        raise ValueError(f"treatment {treatment!r} must be 0 or 1 in every row that has a weight")
    codes = None
    if clusters is not None:
        named = data[present(data, clusters)] if isinstance(clusters, str) else clusters
        if len(named) != len(data):
            raise ValueError("clusters must have one value a row")
        codes = pd.factorize(np.asarray(named), use_na_sentinel=False)[0]
    edges = np.array([0, len(rows)])
    if folds > 1 and len(rows):
        own = None if codes is None else pd.factorize(codes[rows])[0]
        fold = propensity.draw_folds(treated, own, folds, seed)
        order = np.argsort(fold, kind="stable")
        edges = np.unique(np.searchsorted(fold[order], np.arange(folds + 1)))
        rows, treated = rows[order], treated[order]
    scaled = weight[rows] / weight[rows].mean() if len(rows) else weight[rows]
    return Sample(rows, len(data), treated, scaled, edges, codes)


def weights_of(data: pd.DataFrame, weights: Weights) -> np.ndarray:
    """Weights of the rows from a column, a list of columns (multiplied) or an array; 1 each by default.

    Example
    -------
    >>> weights_of(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), ["a", "b"]).tolist()
    [3.0, 8.0]
    """
    if weights is None:
        return np.ones(len(data))
    if isinstance(weights, str):
        weights = [weights]
    if isinstance(weights, (list, tuple)) and all(isinstance(name, str) for name in weights):
        made = np.ones(len(data))
        for name in weights:
            made = made * data[present(data, name)].to_numpy(dtype=float)
    else:
        made = np.asarray(weights, dtype=float)
    if made.shape != (len(data),):
        raise ValueError("weights must have one value a row")
    if not (np.isfinite(made).all() and (made >= 0).all()):
        raise ValueError("weights must be finite and 0 or more: give rows that should not count the weight 0")
    return made


def column_of(data: pd.DataFrame, name: str, rows: np.ndarray, role: str) -> np.ndarray:
    """Return a number column at these rows, or raise ValueError when it is absent or blank somewhere.

    Example
    -------
    >>> column_of(pd.DataFrame({"orders": [1, 2]}), "orders", np.array([1]), "outcome").tolist()
    [2.0]
    """
    column = data[present(data, name)]
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise ValueError(f"{role} {name!r} is not a number column: turn its words into columns of 0 and 1")
    values = column.to_numpy(dtype=float, na_value=np.nan)[rows]
    blank = int((~np.isfinite(values)).sum())
    if blank:
        raise ValueError(
            f"{role} {name!r} is blank or infinite in {blank} rows that have a weight: give them weight 0, or leave "
            "the column out"
        )
    return values


def design(data: pd.DataFrame, covariates: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Ones and the standardised covariates at these rows.

    Example
    -------
    >>> design(pd.DataFrame({"age": [1.0, 3.0]}), ["age"], np.array([0, 1])).tolist()
    [[1.0, -1.0], [1.0, 1.0]]
    """
    columns = [column_of(data, name, rows, "covariate") for name in covariates]
    return propensity.design_of(columns).matrix if columns else np.ones((len(rows), 1))


def too_few(sample: Sample, at_least: int, inside: np.ndarray | None = None) -> Refused | None:
    """Refused when fewer persons than `at_least` are left on one side; None when there are enough.

    Example
    -------
    >>> sample = sample_of(pd.DataFrame({"joined": [1, 0, 0]}), "joined", None, None, 1, 0)
    >>> too_few(sample, 2).gate
    'treated'
    """
    for side, gate, zh, en in ((1, "treated", "已加入的", "treated"), (0, "comparators", "对照", "comparison")):
        chosen = (sample.treated == side) & (True if inside is None else inside)
        rows = sample.rows[chosen]
        seen = len(rows) if sample.clusters is None else len(np.unique(sample.clusters[rows]))
        if seen < max(at_least, 1):
            lost = "" if inside is None else "（去掉倾向得分超出范围的之后）"
            dropped = "" if inside is None else " once those with a score outside the trim are dropped"
            return Refused(
                gate, seen, at_least,
                f"{zh}客户只有 {seen} 位{lost}，少于 {at_least} 位，效果无法估计。",
                f"Only {seen} {en} customers{dropped}; an effect needs at least {at_least}.",
            )  # fmt: skip
    return None


def kish(weights: np.ndarray) -> float:
    """Return how many equally weighted rows would be as precise: (sum of weights)² / sum of squares; 0 without weight.

    Notes
    -----
    Kish (1965), Survey Sampling, section 11.7.

    Example
    -------
    >>> kish(np.array([1.0, 1.0, 2.0, 0.0]))
    2.6666666666666665
    """
    largest = np.abs(weights).max(initial=0.0)
    if largest == 0:
        return 0.0
    share = weights / largest  # weights of near certainty may be too large to be squared
    return float(share.sum() ** 2 / (share**2).sum())


def present(data: pd.DataFrame, name: str) -> str:
    """Return the name of a column, or raise ValueError when the table has no such column.

    Example
    -------
    >>> present(pd.DataFrame({"orders": [1]}), "orders")
    'orders'
    """
    order_log.has_columns([str(column) for column in data.columns], [name])
    return name
