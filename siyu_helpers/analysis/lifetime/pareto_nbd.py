"""Pareto/NBD: customers buy at rates of their own and drop out for good at a moment of their own.

Rates of purchase are gamma (r, alpha), rates of dropping out gamma (s, beta) distributed over customers.

Schmittlein, Morrison and Colombo (1987), "Counting Your Customers", Management Science 33, 1-24. Fader and Hardie
(2005), "A Note on Deriving the Pareto/NBD Model and Related Expressions", brucehardie.com/notes/009.

The likelihood holds an integral over the unseen moment of dropout. It is usually written with hypergeometric
functions, which are slow, have no handy derivatives and fail for large frequencies; here it is summed over Gauss
nodes, and so are its derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import fits, nbd
from siyu_helpers.analysis.lifetime.fits import Derivatives, Fit
from siyu_helpers.analysis.lifetime.nbd import Histories

NAMES = ("r", "alpha", "s", "beta")
COMBINE = np.array([[1.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, -1], [0, 0, 1, 0]])  # rate, shape, dropout rate, its shape
RANGES = [(-16.0, 12.0), tuple(np.log(fits.SHAPES))]
STARTS = [(np.log(0.7), np.log(0.6)), (np.log(0.1), np.log(2)), (np.log(3), np.log(0.3))]
NODES = {count: np.polynomial.legendre.leggauss(count) for count in (12, 28)}
EASY = 6.0  # falls of the integrand, in powers of e, that the fewer nodes follow to 12 digits
DEEP = 40.0  # falls after which nothing is left of it: exp(-40) is 4e-18
CELLS_AT_ONCE = 1_000_000


def fit_pareto_nbd(summary: pd.DataFrame, grain: str | None = None) -> Fit | Refused:
    """Pareto/NBD: how often customers buy, and how soon they are gone.

    Summary, one row a customer -> Fit with r, alpha, s, beta. Parameters, returns and errors as
    `siyu_helpers.analysis.lifetime.bg_nbd.fit_bg_nbd`.

    Notes
    -----
    Schmittlein, Morrison and Colombo (1987); likelihood as in Fader and Hardie (2005).

    Example
    -------
    >>> weeks = pd.DataFrame({"frequency": [0, 1, 3, 0, 5, 2, 0, 1], "recency": [0, 4, 20, 0, 35, 9, 0, 30],
    ...                       "T": [39, 38, 37, 36, 38, 30, 29, 33]})
    >>> fit = fit_pareto_nbd(weeks, grain="week")
    >>> fit.degenerate, fit.parameters["s"], fit.parameters["beta"]
    (True, 0.0, 1.0)
    """
    return nbd.fit_with_dropout(summary, grain, "pareto_nbd", NAMES, log_likelihood, COMBINE, RANGES, STARTS)


class _Moments(NamedTuple):
    """Dropout between the last purchase and the end, one row a customer, relative to having stayed."""

    log_ratio: np.ndarray  # log of how many times likelier dropout is than staying
    slopes: np.ndarray  # its derivatives by r, alpha, s, beta
    cells: list[tuple[np.ndarray, ...]]  # rows, shares of the nodes and their features, for second derivatives


def log_likelihood(logs: np.ndarray, data: Histories) -> Derivatives:
    """Log-likelihood by the logarithms of r, alpha, s, beta, with its gradient and Hessian.

    Notes
    -----
    The likelihood of a customer is that of one who stayed, NBD times (beta / (beta + T))^s, times 1 + ratio, with
    ratio = s times the integral over the moment of dropout y, from the last purchase to T, of
    ((alpha + T) / (alpha + y))^(r + x) ((beta + T) / (beta + y))^s / (beta + y).
    """
    _, _, s, beta = values = np.exp(logs)
    value, slopes, hessian = nbd.log_likelihood(logs[:2], data)
    weight, late = data.weight, 1 / (beta + data.T)
    survival, growth = np.log(beta * late), 1 / beta - late
    value += s * (weight @ survival)
    gradient, second = np.zeros(4), np.zeros((4, 4))
    gradient[2:] = weight @ survival, s * (weight @ growth)
    second[2, 3] = second[3, 2] = weight @ growth
    second[3, 3] = -s * (weight @ (1 / beta**2 - late**2))

    moments = _dropout(values, data.frequency, data.recency, data.T)
    value += weight @ np.logaddexp(0, moments.log_ratio)
    gone = expit(moments.log_ratio)
    gradient += (weight * gone) @ moments.slopes
    # Second derivatives of log(1 + ratio): mean of slopes' products over the nodes, less the product of means.
    second -= moments.slopes.T @ (moments.slopes * (weight * gone**2)[:, None])
    for rows, shares, features in moments.cells:
        second += _curvature(values, data, rows, (weight * gone)[rows, None] * shares, features)
    gradient, second = fits.on_log_scale(values, gradient, second)
    gradient[:2] += slopes
    second[:2, :2] += hessian
    return value, gradient, second


def _curvature(values, data, rows, shares, features) -> np.ndarray:
    """Sum over customers and nodes of the second derivatives of the integrand, divided by the integrand."""
    r, alpha, s, beta = values
    by_r, by_a, by_s, by_b = features  # log((alpha + T)/(alpha + y)), 1/(alpha + y), log((beta + T)/...), 1/(beta + y)
    rx, observed = (r + data.frequency)[rows, None], data.T[rows, None]
    late_a, late_b = 1 / (alpha + observed), 1 / (beta + observed)
    flat = np.stack([by_r, rx * (late_a - by_a), by_s + 1 / s, s * (late_b - by_b) - by_b]).reshape(4, -1)
    second = (flat * shares.ravel()) @ flat.T
    second[0, 1] += np.vdot(shares, late_a - by_a)
    second[2, 3] += np.vdot(shares, late_b - by_b)
    second[1, 0], second[3, 2] = second[0, 1], second[2, 3]
    second[1, 1] += np.vdot(shares, rx * (by_a**2 - late_a**2))
    second[2, 2] -= shares.sum() / s**2
    second[3, 3] += np.vdot(shares, s * (by_b**2 - late_b**2) + by_b**2)
    return second


def _dropout(values: np.ndarray, frequency: np.ndarray, recency: np.ndarray, observed: np.ndarray) -> _Moments:
    """Sum the integral over the moment of dropout, and its first derivatives."""
    r, alpha, s, beta = values
    rows_of = _by_difficulty(r + frequency, alpha, s, beta, recency, observed)
    log_ratio, slopes, cells = np.empty(len(frequency)), np.empty((len(frequency), 4)), []
    for count, all_rows in rows_of.items():
        chunk = CELLS_AT_ONCE // count
        for rows in (all_rows[start : start + chunk] for start in range(0, len(all_rows), chunk)):
            rx, late = (r + frequency)[rows, None], observed[rows, None]
            moment, log_cell, length = _nodes(count, rx, alpha, s, beta, recency[rows, None], late)
            by_r, by_s = np.log((alpha + late) / (alpha + moment)), np.log((beta + late) / (beta + moment))
            by_a, by_b = 1 / (alpha + moment), 1 / (beta + moment)
            top = log_cell.max(axis=1, keepdims=True)
            shares = np.exp(log_cell - top)
            total = shares.sum(axis=1, keepdims=True)
            shares /= total
            with np.errstate(divide="ignore"):  # nobody drops out in no time
                log_ratio[rows] = np.log(s) + (np.log(length) + top + np.log(total))[:, 0]
            means = [np.einsum("ij,ij->i", shares, feature) for feature in (by_r, by_a, by_s, by_b)]
            rx, late_a, late_b = rx[:, 0], 1 / (alpha + late[:, 0]), 1 / (beta + late[:, 0])
            slopes[rows] = np.column_stack([
                means[0], rx * (late_a - means[1]), means[2] + 1 / s, s * late_b - (s + 1) * means[3]])  # fmt: skip
            cells.append((rows, shares, (by_r, by_a, by_s, by_b)))
    return _Moments(log_ratio, slopes, cells)


def _by_difficulty(rx, alpha, s, beta, recency, observed) -> dict[int, np.ndarray]:
    """Sort customers by how many nodes their integral needs: rows of those with few, rows of those with many."""
    near = min(alpha, beta)
    length = np.log((near + observed) / (near + recency))
    fall = length * (near + recency) * (rx / (alpha + recency) + (s + 1) / (beta + recency))
    easy = (fall < EASY) & (length < 2) & (rx + s < EASY)
    return {12: np.flatnonzero(easy), 28: np.flatnonzero(~easy)}


def _nodes(count: int, rx, alpha, s, beta, recency, observed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of dropout at Gauss nodes, the log of what each adds to the mean of the integrand, and its range.

    The nodes lie evenly by the logarithm of (the smaller of alpha and beta) + moment: there one factor falls like an
    exponential, the other has no singularity nearby. Where the integrand has fallen by exp(-40) they stop.
    """
    near = np.minimum(alpha, beta)
    length = np.log((near + observed) / (near + recency))
    steepness = (near + recency) * (rx / (alpha + recency) + (s + 1) / (beta + recency)) - 1
    length = np.minimum(length, DEEP / np.maximum(steepness, 1e-9))
    points, weights = NODES[count]
    moment = (near + recency) * np.exp(length * (points + 1) / 2) - near
    log_cell = np.log(weights / 2) + np.log((near + moment) / (beta + moment))
    log_cell = log_cell + rx * np.log((alpha + observed) / (alpha + moment))
    return moment, log_cell + s * np.log((beta + observed) / (beta + moment)), length


# --- forecasts --------------------------------------------------------------------------------------------------


def probability_alive(parameters: Mapping[str, Any], frequency: Any, recency: Any, observed: Any) -> np.ndarray:
    """Chance that customers have not dropped out by the end of observation.

    Parameters
    ----------
    parameters : r, alpha, s, beta
        Numbers, or arrays that broadcast against the customers, such as (draws, 1).
    frequency, recency, observed : arrays, one value a customer

    Notes
    -----
    Fader and Hardie (2005), see the head of this module: 1 / (1 + ratio), see `log_likelihood`.
    """
    values = [np.asarray(parameters[name], dtype=float) for name in NAMES]
    history = [np.asarray(column, dtype=float) for column in (frequency, recency, observed)]
    r, alpha, s, beta, x, recency, observed = np.broadcast_arrays(*values, *history)
    shape = x.shape
    columns = [column.reshape(-1, 1) for column in (r + x, alpha, s, beta, recency, observed)]
    log_ratio = np.empty(x.size)
    chunk = CELLS_AT_ONCE // 28
    for start in range(0, x.size, chunk):
        part = [column[start : start + chunk] for column in columns]
        _, log_cell, length = _nodes(28, *part)
        with np.errstate(divide="ignore"):  # log of 0: no dropout without time, nor where s is 0
            scale = np.log(part[2] * length)[:, 0]
        log_ratio[start : start + chunk] = scale + np.logaddexp.reduce(log_cell, axis=1)
    return expit(-log_ratio).reshape(shape)


def expected_purchases(
    parameters: Mapping[str, Any], t: Any, frequency: Any, recency: Any, observed: Any
) -> np.ndarray:
    """Purchases expected of customers in the t after the end of observation; arguments as `probability_alive`.

    Notes
    -----
    Fader and Hardie (2005): chance of being active x posterior mean rate x expected time until dropout within t.
    """
    r, alpha, s, beta = (np.asarray(parameters[name], dtype=float) for name in NAMES)
    frequency, observed = np.asarray(frequency, dtype=float), np.asarray(observed, dtype=float)
    alive = probability_alive(parameters, frequency, recency, observed)
    return alive * (r + frequency) / (alpha + observed) * _time_alive(s, beta + observed, t)


def expected_purchases_of_new(parameters: Mapping[str, Any], t: Any) -> np.ndarray:
    """Repeat purchases expected in the t after a first purchase; `t` a number or an array.

    Notes
    -----
    Schmittlein, Morrison and Colombo (1987); Fader and Hardie (2005): mean rate x expected time until dropout within t.
    """
    r, alpha, s, beta = (np.asarray(parameters[name], dtype=float) for name in NAMES)
    return r / alpha * _time_alive(s, beta, np.asarray(t, dtype=float))


def _time_alive(s: Any, scale: Any, t: Any) -> np.ndarray:
    """Time out of t that a customer stays, whose rate of dropping out is gamma (s, scale) distributed."""
    log_growth = np.log1p(t / scale)
    power = (s - 1) * log_growth
    small = np.abs(power) < 1e-8
    return scale * log_growth * np.where(small, 1 - power / 2, -np.expm1(-power) / np.where(small, 1.0, power))
