"""BG/NBD and MBG/NBD: customers buy at rates of their own and may drop out for good right after a purchase.

Rates are gamma (r, alpha), chances of dropping out beta (a, b) distributed over customers. In BG/NBD a customer can
drop out after each repeat purchase, in the modified MBG/NBD after the first purchase too. One formula serves both:
with k chances to drop out, k = x or x + 1 for x repeat purchases.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24, 275-284.
Batislam, Denizel and Filiztekin (2007), Int. J. of Research in Marketing 24, 201-209.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln, expit

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import fits, nbd
from siyu_helpers.analysis.lifetime.fits import Derivatives, Fit
from siyu_helpers.analysis.lifetime.nbd import Histories

NAMES = ("r", "alpha", "a", "b")
COMBINE = np.array([[1.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]])  # rate, shape, odds of dropout, b
RANGES = [(-16.0, 9.0), tuple(np.log(fits.SHAPES))]
STARTS = [(np.log(0.3), np.log(2)), (np.log(0.05), np.log(10)), (np.log(1.5), np.log(0.5))]
CELLS_AT_ONCE = 1_000_000  # numbers held at once while forecasting


def fit_bg_nbd(summary: pd.DataFrame, grain: str | None = None) -> Fit | Refused:
    """BG/NBD: how often customers buy, and after which purchase they are gone.

    Summary, one row a customer -> Fit.

    Parameters
    ----------
    summary : DataFrame
        frequency (repeat purchases), recency (time from first to last purchase), T (time from the first purchase to
        the end of observation); `customer_lifetime.summarise` makes it. Order of rows and columns does not matter.
    grain : "day" or "week", optional
        Unit of the times, where the summary has lost it (`summary.attrs["grain"]`).

    Returns
    -------
    Fit with r, alpha, a, b by maximum likelihood, or Refused when fewer than two customers have bought again.

    Raises
    ------
    ValueError
        When a value is empty or impossible, such as recency beyond T.

    Notes
    -----
    Fader, Hardie and Lee (2005), equation 6; standard errors from the analytic Hessian.

    Example
    -------
    >>> weeks = pd.DataFrame({"frequency": [0, 1, 3, 0, 5, 2, 0, 1], "recency": [0, 4, 20, 0, 35, 9, 0, 30],
    ...                       "T": [39, 38, 37, 36, 38, 30, 29, 33]})
    >>> fit = fit_bg_nbd(weeks, grain="week")
    >>> fit.degenerate, round(fit.parameters["r"], 2), round(fit.expected_purchases(52), 1)
    (True, 1.54, 2.2)
    """
    return nbd.fit_with_dropout(summary, grain, "bg_nbd", NAMES, log_likelihood, COMBINE, RANGES, STARTS)


def fit_mbg_nbd(summary: pd.DataFrame, grain: str | None = None) -> Fit | Refused:
    """MBG/NBD: as BG/NBD, but customers may be gone right after their first purchase.

    Summary, one row a customer -> Fit. Parameters, returns and errors as `fit_bg_nbd`.

    Notes
    -----
    Batislam, Denizel and Filiztekin (2007), see the head of this module.
    """

    def likelihood(logs: np.ndarray, data: Histories) -> Derivatives:
        return log_likelihood(logs, data, modified=True)

    return nbd.fit_with_dropout(summary, grain, "mbg_nbd", NAMES, likelihood, COMBINE, RANGES, STARTS)


def log_likelihood(logs: np.ndarray, data: Histories, modified: bool = False) -> Derivatives:
    """Log-likelihood by the logarithms of r, alpha, a, b, with its gradient and Hessian.

    Notes
    -----
    The likelihood of a customer is that of one who stayed times 1 + exp(z), with z the log odds of having dropped
    out. Only the first factor of a customer without a chance to drop out.
    """
    r, alpha, a, b = values = np.exp(logs)
    value, slopes, hessian = nbd.log_likelihood(logs[:2], data)
    gradient, second = np.zeros(4), np.zeros((4, 4))
    chances = data.counts + modified
    stayed, lost = (fits.rising(at, chances, data.count_weights) for at in (b, a + b))
    value += stayed[0] - lost[0]
    gradient[2:] = -lost[1], stayed[1] - lost[1]
    second[2:, 2:] = -lost[2]
    second[3, 3] += stayed[2]

    # The frequencies are sorted: in BG/NBD those who never bought again come first and have no chance to drop out.
    among = slice(0 if modified else np.searchsorted(data.frequency, 0.5), None)
    x, recency, late, weight = (column[among] for column in data[:4])
    late, early, rx, tried = 1 / (alpha + late), 1 / (alpha + recency), r + x, b + x + modified - 1
    log_ratio = np.log(early / late)
    z = np.log(a / tried) + rx * log_ratio
    gone = expit(z)
    value += weight @ np.logaddexp(0, z)
    by = np.column_stack([log_ratio, rx * (late - early), np.full(len(x), 1 / a), -1 / tried])
    weighted = weight * gone
    gradient += weighted @ by
    second += by.T @ (by * (weighted * (1 - gone))[:, None])
    second[0, 1] += weighted @ (late - early)
    second[1, 0] = second[0, 1]
    second[1, 1] += weighted @ (rx * (early**2 - late**2))
    second[2, 2] -= weighted.sum() / a**2
    second[3, 3] += weighted @ tried**-2.0
    gradient, second = fits.on_log_scale(values, gradient, second)
    gradient[:2] += slopes
    second[:2, :2] += hessian
    return value, gradient, second


# --- forecasts --------------------------------------------------------------------------------------------------


def probability_alive(
    parameters: Mapping[str, Any], frequency: Any, recency: Any, observed: Any, modified: bool = False
) -> np.ndarray:
    """Chance that customers have not dropped out by the end of observation.

    Parameters
    ----------
    parameters : r, alpha, a, b
        Numbers, or arrays that broadcast against the customers, such as (draws, 1).
    frequency, recency, observed : arrays, one value a customer
    modified : True for MBG/NBD
    """
    r, alpha, a, b = (np.asarray(parameters[name], dtype=float) for name in NAMES)
    x, recency, observed = (np.asarray(column, dtype=float) for column in (frequency, recency, observed))
    chances = x + modified
    with np.errstate(divide="ignore"):  # without dropout a is 0, and so are the odds
        z = np.log(a) - np.log(np.where(chances > 0, b + chances - 1, 1.0))
    z = z + (r + x) * np.log((alpha + observed) / (alpha + recency))
    return expit(-np.where(chances > 0, z, -np.inf))


def expected_purchases(
    parameters: Mapping[str, Any], t: Any, frequency: Any, recency: Any, observed: Any, modified: bool = False
) -> np.ndarray:
    """Purchases expected of customers in the t after the end of observation; arguments as `probability_alive`.

    Notes
    -----
    Fader, Hardie and Lee (2005), equation 10, as an integral over the chance of dropping out instead of the
    hypergeometric function, which fails for large frequencies and divides by a - 1.
    """
    r, alpha, a, b = (np.asarray(parameters[name], dtype=float) for name in NAMES)
    frequency, observed = np.asarray(frequency, dtype=float), np.asarray(observed, dtype=float)
    alive = probability_alive(parameters, frequency, recency, observed, modified)
    return alive * _while_alive(r + frequency, t / (alpha + observed), a, b, frequency + modified)


def expected_purchases_of_new(parameters: Mapping[str, Any], t: Any, modified: bool = False) -> np.ndarray:
    """Repeat purchases expected in the t after a first purchase; `t` a number or an array."""
    return expected_purchases(parameters, np.asarray(t, dtype=float), 0.0, 0.0, 0.0, modified)


def _while_alive(shape: Any, ratio: Any, a: Any, b: Any, chances: Any) -> np.ndarray:
    """Mean over chances p of dropping out, beta (a, b + chances), of (1 - (1 + p ratio)^-shape) / p.

    Customers with equal chances to drop out share the nodes of `_nodes`.
    """
    columns = np.broadcast_arrays(shape, ratio, a, b, chances)
    size = columns[0].shape
    shape, ratio, a, b, chances = (np.atleast_1d(column) for column in columns)
    taken = np.zeros(shape.shape)
    _, group = np.unique(chances[(0,) * (chances.ndim - 1)], return_inverse=True)
    order, ends = np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))
    for members in np.split(order, ends[:-1]) if len(order) else ():
        at = (..., members)
        first = (..., members[:1])
        p, weights = _nodes(a[first], b[first] + chances[first], float((shape[at] * ratio[at]).max(initial=1.0)))
        rows = max(1, int(CELLS_AT_ONCE / p.size))
        for some in (members[start : start + rows] for start in range(0, len(members), rows)):
            taken[..., some] = _taken(shape[..., some, None], ratio[..., some, None], p, weights)
    return np.maximum(shape * ratio - taken, 0.0).reshape(size)


def _taken(shape: np.ndarray, ratio: np.ndarray, p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over chances p of what dropout takes from shape * ratio, the purchases without it."""
    return ((shape * ratio + np.expm1(-shape * np.log1p(p * ratio)) / p) * weights).sum(axis=-1)


def _nodes(a: np.ndarray, b: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Chances p of dropping out, evenly by v = log(p / (1 - p)), and their weights under beta (a, b); nodes last.

    For analytic functions that vanish at both ends such a sum is as exact as the arithmetic. What is averaged
    vanishes like p below 1 / most and is constant near p = 1; the density falls like exp(-b v) there, so that the
    last node stands for a geometric series.
    """
    up, flat = a + 1, np.maximum(b, 1.0)
    low = np.log(up / flat) - np.maximum(32 / up, 8.5 * np.sqrt(1 / up + 1 / flat))
    low = np.minimum(low, -np.log(most) - 32 / up)
    high = np.log(up / b) + np.maximum(32 / b, 8.5 * np.sqrt(1 / up + 1 / b))
    high = np.maximum(np.minimum(high, 40.0), low + 1)
    steps = int(np.ceil(((high - low) / np.minimum(0.3, 0.5 * np.sqrt(1 / up + 1 / b))).max()))
    step = (high - low) / steps
    v = low[..., None] + step[..., None] * np.arange(steps + 1)
    log_p, log_kept = -np.logaddexp(0, -v), -np.logaddexp(0, v)
    weights = step[..., None] * np.exp(a[..., None] * log_p + b[..., None] * log_kept - betaln(a, b)[..., None])
    weights[..., -1] /= -np.expm1(-b * step)
    return np.exp(log_p), weights
