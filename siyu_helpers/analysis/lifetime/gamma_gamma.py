"""Gamma-Gamma: what a purchase of each customer is worth, drawing few purchases towards the mean of all customers.

Spend per purchase is gamma (p, rate of the customer), the rates gamma (q, v) distributed over customers; spend does
not depend on how often a customer buys.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value", brucehardie.com/notes/025.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import digamma, gammaln, polygamma

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.lifetime import fits
from siyu_helpers.analysis.lifetime.fits import Derivatives, Fit

NAMES = ("p", "q", "v")
COMBINE = np.array([[1.0, -1, 1], [1, 0, 0], [0, 1, 0]])  # p v / q is nearly the mean spend
BOUNDS = np.array([(-25.0, *np.log(fits.SHAPES[0]) * np.ones(2)), (25.0, *np.log(fits.SHAPES[1]) * np.ones(2))])
STARTS = [np.log((1, 3, 3)), np.log((1, 1, 1.5)), np.log((1, 30, 10))]
SPENDERS_AT_LEAST = 2
ROUGH_ROWS = 1_000


def fit_gamma_gamma(summary: pd.DataFrame, grain: str | None = None) -> Fit | Refused:
    """Gamma-Gamma: how spend per purchase differs between customers and within one.

    Summary, one row a customer -> Fit.

    Parameters
    ----------
    summary : DataFrame
        frequency (repeat purchases) and monetary_value (their mean amount). Rows without a repeat purchase or without
        positive spend are left out and counted in `.left_out`.
    grain : "day" or "week", optional
        Kept in the fit; spend does not depend on it.

    Returns
    -------
    Fit with p, q, v by maximum likelihood, or Refused when fewer than two customers have positive repeat spend. v is
    in the currency; p and q are the same in every currency.

    Raises
    ------
    ValueError
        When a value is empty or impossible, such as a negative mean.

    Notes
    -----
    Fader and Hardie (2013), equation 1a; standard errors from the analytic Hessian.

    Example
    -------
    >>> spend = pd.DataFrame({"frequency": [2, 1, 4, 3, 0, 6], "monetary_value": [30.0, 55, 42, 18, 0, 77]})
    >>> fit = fit_gamma_gamma(spend)
    >>> fit.customers, fit.left_out, fit.expected_spend(spend).round(0)
    (5, 1, array([...]))
    """
    grain = fits.check_grain(summary, grain)
    frequency, mean = check_spend(summary)
    kept = (frequency > 0) & (mean > 0)
    if kept.sum() < SPENDERS_AT_LEAST:
        return Refused(
            "customers with positive repeat spend",
            int(kept.sum()),
            SPENDERS_AT_LEAST,
            f"有复购金额的客户只有 {int(kept.sum())} 位，无法估计客单价的差异。",
            f"Only {int(kept.sum())} customers have positive repeat spend: differences in spend cannot be estimated.",
        )
    order = np.lexsort((mean[kept], frequency[kept]))
    frequency, mean = frequency[kept][order], mean[kept][order]
    unit = float(np.exp(np.log(mean).mean()))
    maximum = _maximise(frequency, mean / unit)
    spread = fits.covariance(maximum, COMBINE)
    values = np.exp(np.linalg.solve(COMBINE, maximum.point)) * (1, 1, unit)
    unbounded = ~maximum.free @ (np.linalg.inv(COMBINE).T != 0)
    return Fit(
        model="gamma_gamma",
        parameters=fits.by_name(NAMES, values),
        standard_errors=fits.by_name(NAMES, fits.errors(values, spread, unbounded)),
        log_likelihood=float(maximum.value - len(mean) * np.log(unit)),
        nbd_log_likelihood=np.nan,
        converged=maximum.converged,
        degenerate=False,
        grain=grain,
        customers=len(mean),
        left_out=len(summary) - len(mean),
        at_limit=fits.among(NAMES, unbounded),
        log_covariance=spread,
    )


def check_spend(summary: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return frequency and monetary_value of a summary as floats, or raise ValueError that says what cannot be."""
    frequency, mean = fits.check_columns(summary, ("frequency", "monetary_value"))
    if (frequency < 0).any() or (frequency != np.round(frequency)).any():
        raise ValueError("frequency must be whole and 0 or more: it counts repeat purchases")
    if (mean < 0).any():
        raise ValueError("monetary_value must be 0 or more: it is the mean amount of repeat purchases")
    return frequency, mean


def _maximise(frequency: np.ndarray, mean: np.ndarray) -> fits.Maximum:
    """Maximise the log-likelihood; starting points are compared on part of the customers where there are many."""
    back = np.linalg.inv(COMBINE)

    def of(x, spend):
        counts, at = np.unique(x, return_inverse=True)

        def function(point):
            value, gradient, hessian = log_likelihood(back @ point, counts, at, spend)
            return value, back.T @ gradient, back.T @ hessian @ back

        return function

    step = len(mean) // ROUGH_ROWS
    rough = None if step < 2 else of(frequency[::step], mean[::step])
    return fits.best(of(frequency, mean), [COMBINE @ start for start in STARTS], BOUNDS, rough)


def log_likelihood(logs: np.ndarray, counts: np.ndarray, at: np.ndarray, mean: np.ndarray) -> Derivatives:
    """Log-likelihood by the logarithms of p, q, v, with its gradient and Hessian.

    Parameters
    ----------
    counts : distinct numbers of repeat purchases
    at : for each customer, which of them is its own
    mean : its mean spend

    Notes
    -----
    Fader and Hardie (2013), equation 1a: log Gamma(px + q) - log Gamma(px) - log Gamma(q) + q log v + (px - 1) log m
    + px log x - (px + q) log(xm + v).
    """
    p, q, v = values = np.exp(logs)
    n, x, weights = len(mean), counts[at], np.bincount(at, minlength=len(counts)).astype(float)
    total = x * mean + v
    log_total, log_share = np.log(total), np.log(x * mean / total)
    px = p * counts
    by_counts = gammaln(px + q) - gammaln(px)
    slope_pq, slope_p, bend_pq, bend_p = digamma(px + q), digamma(px), polygamma(1, px + q), polygamma(1, px)
    value = weights @ by_counts + n * (q * np.log(v) - gammaln(q)) + p * (x @ log_share)
    value -= np.log(mean).sum() + q * log_total.sum()
    gradient = np.array([
        weights @ (counts * (slope_pq - slope_p)) + x @ log_share,
        weights @ slope_pq + n * (np.log(v) - digamma(q)) - log_total.sum(),
        n * q / v - ((p * x + q) / total).sum(),
    ])  # fmt: skip
    pq, pv, qv = weights @ (counts * bend_pq), -(x / total).sum(), n / v - (1 / total).sum()
    hessian = np.array([
        [weights @ (counts**2 * (bend_pq - bend_p)), pq, pv],
        [pq, weights @ bend_pq - n * polygamma(1, q), qv],
        [pv, qv, ((p * x + q) / total**2).sum() - n * q / v**2],
    ])  # fmt: skip
    return float(value), *fits.on_log_scale(values, gradient, hessian)


def expected_spend(parameters: Mapping[str, Any], frequency: Any, mean: Any) -> np.ndarray:
    """Mean spend per purchase expected of customers, infinite where the model has no mean.

    Parameters
    ----------
    parameters : p, q, v
        Numbers, or arrays that broadcast against the customers, such as (draws, 1).
    frequency, mean : arrays, one value a customer
        A customer without positive repeat spend gets the mean of all customers, p v / (q - 1).

    Notes
    -----
    Fader and Hardie (2013), equation 5: p (v + x m) / (p x + q - 1).
    """
    p, q, v = (np.asarray(parameters[name], dtype=float) for name in NAMES)
    mean = np.asarray(mean, dtype=float)
    x = np.where(mean > 0, np.asarray(frequency, dtype=float), 0.0)
    weight = p * x + q - 1
    return np.where(weight > 0, p * (v + x * mean) / np.where(weight > 0, weight, 1.0), np.inf)
