"""Purchases of customers as the models see them, and the limit they share: NBD, in which nobody drops out.

Each customer buys at a rate of its own, spread over customers as a gamma distribution (Ehrenberg 1959). BG/NBD,
MBG/NBD and Pareto/NBD add that customers drop out; where the data do not show it, this limit is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import fits
from siyu_helpers.analysis.lifetime.fits import Derivatives, Fit

REPEATERS_AT_LEAST = 2
ROUGH_ROWS = 1_000  # distinct histories; with more, the starting points are compared on this many
RATES = (-25.0, 25.0)  # log of purchases per mean observation time
COLUMNS = ("frequency", "recency", "T")


class Histories(NamedTuple):
    """Distinct purchase histories, sorted by frequency, and how many customers have each; time in units of `unit`."""

    frequency: np.ndarray
    recency: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    counts: np.ndarray  # distinct frequencies, and how many customers have each
    count_weights: np.ndarray
    unit: float


def check_history(summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequency, recency and T of a summary as floats, or raise ValueError that says what cannot be."""
    frequency, recency, observed = fits.check_columns(summary, COLUMNS)
    if (frequency < 0).any() or (frequency != np.round(frequency)).any():
        raise ValueError("frequency must be whole and 0 or more: it counts repeat purchases")
    if (recency < 0).any() or (recency > observed * (1 + 1e-9)).any():
        raise ValueError("recency must lie between 0 and T: it is the time from the first to the last purchase")
    if ((frequency > 0) != (recency > 0)).any():
        raise ValueError("recency must be 0 exactly where frequency is 0: purchases of one day are one purchase")
    return frequency, np.minimum(recency, observed), observed


def histories(frequency: np.ndarray, recency: np.ndarray, observed: np.ndarray) -> Histories:
    """Sort customers, merge equal ones, and measure time in mean observation times: nothing depends on row order."""
    order = np.lexsort((observed, recency, frequency))
    rows = np.column_stack([frequency, recency, observed])[order]
    first = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
    weight = np.diff(np.append(np.flatnonzero(first), len(rows))).astype(float)
    rows = rows[first]
    unit = float(weight @ rows[:, 2] / weight.sum())
    counts, at = np.unique(rows[:, 0], return_inverse=True)
    return Histories(rows[:, 0].copy(), rows[:, 1] / unit, rows[:, 2] / unit, weight,
                     counts, np.bincount(at, weight), unit)  # fmt: skip


def part_of(data: Histories) -> Histories | None:
    """Return every n-th distinct history, or None where there are few: enough to compare starting points."""
    step = len(data.weight) // ROUGH_ROWS
    if step < 2:
        return None
    frequency, recency, observed, weight = (column[::step].copy() for column in data[:4])
    counts, at = np.unique(frequency, return_inverse=True)
    return Histories(frequency, recency, observed, weight, counts, np.bincount(at, weight), data.unit)


def log_likelihood(logs: np.ndarray, data: Histories) -> Derivatives:
    """Log-likelihood of the NBD model by the logarithms of r and alpha, with its derivatives.

    Notes
    -----
    Sum of log Gamma(r + x) / Gamma(r) + r log alpha - (r + x) log(alpha + T): the limit of Fader, Hardie and Lee
    (2005), equation 6, for a = 0.
    """
    r, alpha = np.exp(logs)
    value, by_r, by_rr = fits.rising(r, data.counts, data.count_weights)
    rx, late = r + data.frequency, alpha + data.T
    share, inverse = np.log(alpha / late), 1 / late
    customers = data.weight.sum()
    value += data.weight @ (r * share - data.frequency * np.log(late))
    weighted = data.weight @ np.column_stack([share, inverse, rx * inverse, rx * inverse**2])
    gradient = np.array([by_r + weighted[0], customers * r / alpha - weighted[2]])
    mixed = customers / alpha - weighted[1]
    hessian = np.array([[by_rr, mixed], [mixed, -customers * r / alpha**2 + weighted[3]]])
    return value, *fits.on_log_scale(np.array([r, alpha]), gradient, hessian)


def fit_with_dropout(
    summary: pd.DataFrame,
    grain: str | None,
    model: str,
    names: tuple[str, ...],
    likelihood: Callable[[np.ndarray, Histories], Derivatives],
    combine: np.ndarray,
    ranges: list[tuple[float, float]],
    dropout_starts: list[tuple[float, float]],
) -> Fit | Refused:
    """Fit a model of purchases and dropout, or its NBD limit where the data show no dropout.

    Parameters
    ----------
    names : the four parameters; alpha (and beta) are times.
    likelihood : log-likelihood by the logarithms of the four parameters, with its derivatives.
    combine : rows are combinations of the four logarithms, the first two log(r / alpha) and log r.
    ranges, dropout_starts : bounds and starting values of the last two combinations.
    """
    grain, columns = fits.check_grain(summary, grain), check_history(summary)
    repeaters = int((columns[0] > 0).sum())
    if repeaters < REPEATERS_AT_LEAST:
        return Refused(
            "customers with a repeat purchase",
            repeaters,
            REPEATERS_AT_LEAST,
            f"有复购的客户只有 {repeaters} 位，无法估计购买频率。",
            f"Only {repeaters} customers have bought again: the rate of purchase cannot be estimated.",
        )
    data = histories(*columns)
    limit = _maximise(log_likelihood, data, combine[:2, :2], [RATES, np.log(fits.SHAPES)], [(0.0, 0.0)])
    full = _maximise(likelihood, data, combine, [RATES, np.log(fits.SHAPES), *ranges],
                     [(limit.point[0] + 0.3, limit.point[1], *start) for start in dropout_starts])  # fmt: skip
    degenerate = bool(full.value < limit.value + fits.GAIN_AT_LEAST)
    units = data.unit ** np.isin(names, ("alpha", "beta"))
    constant = -float(data.count_weights @ data.counts) * math.log(data.unit)
    common = {
        "model": model,
        "nbd_log_likelihood": float(limit.value + constant),
        "degenerate": degenerate,
        "grain": grain,
        "customers": len(columns[0]),
    }
    if degenerate:
        return _limit_fit(limit, names, combine, units, constant, common)
    spread = fits.covariance(full, combine)
    values = np.exp(np.linalg.solve(combine, full.point)) * units
    unbounded = ~full.free @ (np.linalg.inv(combine).T != 0)  # a parameter that holds a combination at its bound
    return Fit(
        parameters=fits.by_name(names, values),
        standard_errors=fits.by_name(names, fits.errors(values, spread, unbounded)),
        log_likelihood=float(full.value + constant),
        converged=full.converged and limit.converged,
        at_limit=fits.among(names, unbounded),
        log_covariance=spread,
        **common,
    )


def _maximise(likelihood, data, combine, ranges, starts) -> fits.Maximum:
    """Maximise a log-likelihood over combinations of the logarithms of its parameters."""
    back = np.linalg.inv(combine)

    def of(rows):
        def function(point):
            value, gradient, hessian = likelihood(back @ point, rows)
            return value, back.T @ gradient, back.T @ hessian @ back

        return function

    part = part_of(data)
    starts = [np.array(start, dtype=float) for start in starts]
    starts[0][0] = starts[0][0] or math.log(data.count_weights @ data.counts / (data.weight @ data.T))
    return fits.best(of(data), starts, np.array(ranges).T, None if part is None else of(part))


def _limit_fit(limit, names, combine, units, constant, common) -> Fit:
    """Return the fit of the NBD limit in the parameters of the model that it is the limit of."""
    values = np.append(np.exp(np.linalg.solve(combine[:2, :2], limit.point)) * units[:2], (0.0, 1.0))
    spread = np.zeros((4, 4))
    spread[:2, :2] = fits.covariance(limit, combine[:2, :2])
    unbounded = np.array([*[not limit.free[1]] * 2, False, False])
    error = fits.errors(values, spread, unbounded)
    error[2:] = np.nan
    return Fit(
        parameters=fits.by_name(names, values),
        standard_errors=fits.by_name(names, error),
        log_likelihood=float(limit.value + constant),
        converged=limit.converged,
        at_limit=fits.among(names, unbounded),
        log_covariance=spread,
        **common,
    )
