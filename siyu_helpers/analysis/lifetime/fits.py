"""The fitted model of purchases or of spend, and what all models share: maximising, standard errors, draws.

Every model is fitted on the scale of logarithms, on which its parameters have no bounds and their estimates come
closest to a normal distribution. A model hands over its log-likelihood with exact first and second derivatives, and
a matrix of plain combinations of the logarithms ("mean rate", "shape") whose range is bounded: a shape that runs off
to infinity means that customers do not differ, and stops at a bound that cannot be told from infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import digamma, gammaln, polygamma

from siyu_helpers.analysis.estimates import LEVEL, check_level

GAIN_AT_LEAST = 1.92  # of log-likelihood over no dropout: half the 95% point of chi-squared with one degree of freedom
SHAPES = (1e-4, 1e4)  # with a shape of 10,000 the customers differ by 1%: nobody can tell that from not at all

Derivatives = tuple[float, np.ndarray, np.ndarray]  # value, gradient, Hessian


@dataclass(frozen=True)
class Fit:
    """A model of purchases or spend with its parameters, how well they are known, and its forecasts.

    Parameters
    ----------
    model : str
        "bg_nbd", "mbg_nbd", "pareto_nbd" or "gamma_gamma".
    parameters : dict
        r, alpha, a, b (BG/NBD, MBG/NBD); r, alpha, s, beta (Pareto/NBD); p, q, v (Gamma-Gamma).
    standard_errors : dict
        From the observed information. NaN: the parameter is fixed by the limit without dropout. Infinite: the data do
        not bound it (see `at_limit`).
    log_likelihood, nbd_log_likelihood : float
        Of the fit, and of the NBD model in which nobody drops out (NaN for Gamma-Gamma).
    converged : bool
        The maximum was found: gradient zero, or pointing out of a bound.
    degenerate : bool
        No dropout can be identified: the log-likelihood is less than 1.92 above that of the NBD model, which is
        reported instead (a=0, b=1 or s=0, beta=1).
    grain : "day", "week" or None
        Unit of every time. None where the summary did not say.
    customers : int
        Customers the fit rests on.
    left_out : int
        Gamma-Gamma: customers without a repeat purchase or without positive repeat spend.
    at_limit : tuple of str
        Parameters that stopped at a bound, because the data show no difference between customers (large r, b, s, q),
        or no limit to it.
    log_covariance : array
        Of the logarithms of the parameters, in their order; zero rows for fixed ones.

    Notes
    -----
    `with_parameters` takes arrays too: with parameters of shape (draws, 1) each forecast has shape (draws, customers).
    """

    model: str
    parameters: Mapping[str, Any]
    standard_errors: Mapping[str, float]
    log_likelihood: float
    nbd_log_likelihood: float
    converged: bool
    degenerate: bool
    grain: str | None
    customers: int
    left_out: int = 0
    at_limit: tuple[str, ...] = ()
    log_covariance: np.ndarray = field(default=None, repr=False, compare=False)

    def intervals(self, level: float = LEVEL) -> pd.DataFrame:
        """Interval of each parameter, taken on the log scale and so always positive.

        Returns
        -------
        DataFrame, one row a parameter: value, value_low, value_high. Blank ends: fixed, not estimated. From 0 to
        infinity: the data do not bound it.
        """
        z = stats.norm.ppf((1 + check_level(level)) / 2)
        value, error = (pd.Series(dict(part), dtype=float) for part in (self.parameters, self.standard_errors))
        factor = np.exp(z * error / value.where(value > 0))
        return pd.DataFrame({"value": value, "value_low": value / factor, "value_high": value * factor})

    def expected_purchases(self, t: Any, customers: pd.DataFrame | None = None) -> Any:
        """Purchases expected in the next t, of a new customer or of each customer of a summary.

        Parameters
        ----------
        t : float or array
            Length of the forecast in the fit's grain (weeks or days), 0 or more.
        customers : DataFrame, optional
            Summary in the same grain; without it a new customer, whose first purchase is not counted.

        Returns
        -------
        New customer: a number, or an array like t. Otherwise an array with one value a row.

        Raises
        ------
        ValueError
            When the summary has another grain, t is negative or the fit is one of spend.
        """
        functions, options = _purchase_functions(self.model)
        t = np.asarray(t, dtype=float)
        if not (np.isfinite(t).all() and (t >= 0).all()):
            raise ValueError("t must be finite and 0 or more: it is the length of the forecast")
        if customers is None:
            expected = functions.expected_purchases_of_new(self.parameters, t, **options)
            return float(expected) if np.ndim(expected) == 0 else expected
        return functions.expected_purchases(self.parameters, t, *self._history(customers), **options)

    def probability_alive(self, customers: pd.DataFrame) -> np.ndarray:
        """Chance that each customer of a summary is still a customer at the end of the observation."""
        functions, options = _purchase_functions(self.model)
        return functions.probability_alive(self.parameters, *self._history(customers), **options)

    def expected_spend(self, customers: pd.DataFrame) -> np.ndarray:
        """Mean spend per purchase expected of each customer; who never came back gets the mean of all customers.

        Raises
        ------
        ValueError
            When the fit is not one of spend, or its mean is infinite (q of 1 or less: spend too skewed).
        """
        from siyu_helpers.analysis.lifetime import gamma_gamma

        if self.model != "gamma_gamma":
            raise ValueError("expected_spend needs a fit of spend: use fit_gamma_gamma")
        expected = gamma_gamma.expected_spend(self.parameters, *gamma_gamma.check_spend(customers))
        if not np.isfinite(expected).all():
            raise ValueError("the expected spend is infinite (q is 1 or less): spend is too skewed for Gamma-Gamma")
        return expected

    def draws(self, number: int, seed: int) -> dict[str, np.ndarray]:
        """Parameters drawn from their uncertainty: normal on the log scale around the fit, fixed ones repeated.

        Returns
        -------
        dict of arrays of length `number`. A drawn shape stays inside the bounds that hold for the fit.
        """
        names = list(self.parameters)
        values = np.array([self.parameters[name] for name in names])
        moved = np.flatnonzero(np.diag(self.log_covariance) > 0)
        drawn = np.tile(values, (number, 1))
        if len(moved):
            root = _root(self.log_covariance[np.ix_(moved, moved)])
            noise = np.random.default_rng(seed).standard_normal((number, len(moved))) @ root.T
            drawn[:, moved] = values[moved] * np.exp(_bounded(noise, [names[i] for i in moved], values[moved]))
        return {name: drawn[:, i] for i, name in enumerate(names)}

    def with_parameters(self, parameters: Mapping[str, Any]) -> Fit:
        """Return the same model with other parameters, such as one of `draws` or all of them as arrays (draws, 1)."""
        if set(parameters) != set(self.parameters):
            raise ValueError(f"a {self.model} fit has the parameters {', '.join(self.parameters)}")
        return replace(self, parameters={name: parameters[name] for name in self.parameters})

    def _history(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from siyu_helpers.analysis.lifetime.nbd import check_history

        grain = customers.attrs.get("grain")
        if grain is not None and self.grain is not None and grain != self.grain:
            raise ValueError(f"the model was fitted by {self.grain}, the summary is by {grain}: use the same grain")
        return check_history(customers)


def _purchase_functions(model: str) -> tuple[Any, dict[str, bool]]:
    """Return the module that forecasts with a model, and the options it takes."""
    from siyu_helpers.analysis.lifetime import bg_nbd, pareto_nbd  # they import this module

    if model == "pareto_nbd":
        return pareto_nbd, {}
    if model in ("bg_nbd", "mbg_nbd"):
        return bg_nbd, {"modified": model == "mbg_nbd"}
    raise ValueError("a fit of spend does not forecast purchases: use fit_bg_nbd, fit_mbg_nbd or fit_pareto_nbd")


def check_columns(summary: pd.DataFrame, names: tuple[str, ...]) -> list[np.ndarray]:
    """Return columns of a summary as finite floats, or raise ValueError that names the one at fault."""
    missing = [name for name in names if name not in summary]
    if missing:
        raise ValueError(f"summary has no column {', '.join(missing)}: make it with customer_lifetime.summarise")
    columns = [summary[name].to_numpy(dtype=float, na_value=np.nan) for name in names]
    for name, column in zip(names, columns, strict=True):
        if not np.isfinite(column).all():
            raise ValueError(f"{name} has empty or infinite values: leave these customers out of the summary")
    return columns


def check_grain(summary: pd.DataFrame, grain: str | None) -> str | None:
    """Return the grain of a summary, "day", "week" or None where neither it nor the caller says."""
    known = summary.attrs.get("grain")
    if grain is not None and known is not None and grain != known:
        raise ValueError(f"the summary is by {known}, not by {grain}: summarise again with the grain you want")
    grain = known if grain is None else grain
    if grain not in (None, "day", "week"):
        raise ValueError(f"grain must be 'day' or 'week', not {grain!r}")
    return grain


# --- derivatives ------------------------------------------------------------------------------------------------


def rising(value: float, counts: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Sum over customers of log(Gamma(value + count) / Gamma(value)), and its first two derivatives."""
    at = value + counts
    return (
        float(weights @ (gammaln(at) - gammaln(value))),
        float(weights @ (digamma(at) - digamma(value))),
        float(weights @ (polygamma(1, at) - polygamma(1, value))),
    )


def on_log_scale(values: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn derivatives by positive parameters into derivatives by their logarithms."""
    slope = values * gradient
    return slope, np.outer(values, values) * hessian + np.diag(slope)


# --- maximising -------------------------------------------------------------------------------------------------


class Maximum(NamedTuple):
    """Where a function is largest: the point, its derivatives, which coordinates are free, whether it is one."""

    point: np.ndarray
    value: float
    hessian: np.ndarray
    free: np.ndarray
    converged: bool


def maximise(function: Callable[[np.ndarray], Derivatives], start: np.ndarray, bounds: np.ndarray) -> Maximum:
    """Newton's method with a limited step inside bounds; every curvature is made to point downhill.

    Stops when a further step would raise the function by less than 1e-8, takes that step, and is then exact.
    """
    low, high = bounds
    point = np.clip(start, low, high)
    value, gradient, hessian = function(point)
    reach, idle = 2.0, 0
    for _ in range(200):
        free = _free(point, gradient, bounds)
        step, gain, concave = _newton(gradient, hessian, free)
        if gain < 1e-8 and concave:
            point = np.clip(point + step, low, high)
            value, gradient, hessian = function(point)
            free = _free(point, gradient, bounds)
            return Maximum(point, value, hessian, free, _newton(gradient, hessian, free)[2])
        longest = np.abs(step).max()
        if longest == 0 or idle == 5:  # a plain: nothing that the data could tell apart lies ahead
            break
        tried = np.clip(point + step * min(1.0, reach / longest), low, high)
        if gradient @ (tried - point) <= 0:  # a bound has bent the step: go straight uphill
            tried = np.clip(point + reach * gradient * free / np.abs(gradient * free).max(), low, high)
        found = function(tried)
        if found[0] >= value + 1e-4 * gradient @ (tried - point) - 1e-12 * abs(value):
            idle = idle + 1 if found[0] - value < 1e-9 else 0
            point, (value, gradient, hessian) = tried, found
            reach = min(2 * reach, 4.0)
        else:
            reach = min(reach, longest) / 4
        if reach < 1e-9:
            break
    free = _free(point, gradient, bounds)
    return Maximum(point, value, hessian, free, bool(np.abs(gradient * free).max() < 1e-5))


def _free(point: np.ndarray, gradient: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Tell which coordinates do not lean against a bound."""
    low, high = bounds
    return ~(((point <= low) & (gradient <= 0)) | ((point >= high) & (gradient >= 0)))


def _newton(gradient: np.ndarray, hessian: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Return the step in the free coordinates, what it promises, and whether the function is concave there."""
    step = np.zeros(len(gradient))
    if not free.any():
        return step, 0.0, True
    curvature, axes = np.linalg.eigh(-hessian[np.ix_(free, free)])
    floor = 1e-13 * np.abs(curvature).max() + 1e-300
    along = axes.T @ gradient[free]
    step[free] = axes @ (along / np.maximum(np.abs(curvature), floor))
    return step, float(gradient @ step) / 2, bool(curvature.min() > floor)


def best(function: Callable, starts: list[np.ndarray], bounds: np.ndarray, rough: Callable | None = None) -> Maximum:
    """Return the highest maximum found from several starts; where `rough` is given, from the maxima of `rough`.

    `rough` is the same function of part of the data: it tells quickly whether the starts lead to one hill or several.
    """
    if rough is not None:
        hills: list[np.ndarray] = []
        for start in starts:
            point = maximise(rough, start, bounds).point
            if all(np.abs(point - hill).max() > 0.5 for hill in hills):
                hills.append(point)
        starts = hills
    found = [maximise(function, start, bounds) for start in starts]
    return max(found, key=lambda maximum: (round(maximum.value, 6), maximum.converged))


def covariance(maximum: Maximum, combine: np.ndarray) -> np.ndarray:
    """Covariance of the logarithms of the parameters at a maximum found in their combinations.

    No standard deviation exceeds 10 (a factor of e^16 each way): beyond, the data say nothing at all.
    """
    spread = np.zeros_like(maximum.hessian)
    free = np.flatnonzero(maximum.free)
    if len(free):
        curvature, axes = np.linalg.eigh(-maximum.hessian[np.ix_(free, free)])
        spread[np.ix_(free, free)] = (axes / np.maximum(curvature, 0.01)) @ axes.T
    back = np.linalg.inv(combine)
    return back @ spread @ back.T


def errors(values: np.ndarray, spread: np.ndarray, unbounded: np.ndarray) -> np.ndarray:
    """Standard errors of parameters from the covariance of their logarithms (delta method)."""
    return np.where(unbounded, np.inf, values * np.sqrt(np.maximum(np.diag(spread), 0)))


def _root(matrix: np.ndarray) -> np.ndarray:
    """A square root of a covariance that may be singular, the same whatever the sign of its axes."""
    sizes, axes = np.linalg.eigh(matrix)
    return (axes * np.sqrt(np.maximum(sizes, 0))) @ axes.T


def _bounded(noise: np.ndarray, names: list[str], values: np.ndarray) -> np.ndarray:
    """Keep each drawn shape between its bounds; its partner moves along, so that the mean stays as drawn."""
    noise = noise.copy()
    for shape, partner in (("r", "alpha"), ("b", "a"), ("s", "beta"), ("q", "v")):
        if shape in names:
            at = names.index(shape)
            low, high = (math.log(bound / values[at]) for bound in SHAPES)
            surplus = noise[:, at] - np.clip(noise[:, at], min(low, 0), max(high, 0))
            for name in {shape, partner} & set(names):
                noise[:, names.index(name)] -= surplus
    return noise


def by_name(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    """Return parameters by name as plain floats."""
    return dict(zip(names, (float(value) for value in values), strict=True))


def among(names: tuple[str, ...], chosen: np.ndarray) -> tuple[str, ...]:
    """Return the names chosen."""
    return tuple(name for name, yes in zip(names, chosen, strict=True) if yes)
