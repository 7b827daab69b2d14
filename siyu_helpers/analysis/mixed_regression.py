"""Regression of a short series whose scatter is not known: one coefficient, averaged over what the scatter may be.

Months or cohorts are few, they resemble their neighbours, and they differ by more than the chance of their counts. The
two parameters of that scatter cannot be estimated well from a dozen points, and an interval that takes an estimate for
the truth is too short. So the coefficient is averaged over a grid of them, weighted by the restricted likelihood with
flat priors (Harville 1974, Biometrika 61, 383-385). Shared by the modules of this floor that follow a series in time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize, stats

# How strongly one point resembles the next, and how far points scatter beyond the chance of their counts, as a
# multiple of the scatter seen. Chosen by simulation, see the calibration tests of the modules that use them.
RESEMBLANCE = np.linspace(-0.4, 0.6, 6)
SCATTER = 2.5 * np.linspace(0, 1, 15) ** 1.5


class Mixture(NamedTuple):
    """A coefficient as a mixture of normal distributions, one for each pair of the grid.

    weight adds up to 1; value and error are the coefficient and its standard error given that pair. resemblance and
    scatter are the pair.
    """

    weight: np.ndarray
    value: np.ndarray
    error: np.ndarray
    resemblance: np.ndarray
    scatter: np.ndarray

    @property
    def mean(self) -> float:
        """The coefficient, averaged."""
        return float(self.weight @ self.value)

    def chance_above(self, threshold: float) -> float:
        """Chance that the coefficient lies above a threshold."""
        return float(self.weight @ stats.norm.sf((threshold - self.value) / self.error))

    def quantile(self, share: float) -> float:
        """The number below which the coefficient lies with this chance."""
        reach = 40 * (np.abs(self.value - self.mean).max() + self.error.max())
        return optimize.brentq(lambda x: 1 - self.chance_above(x) - share, self.mean - reach, self.mean + reach)

    def interval(self, level: float) -> tuple[float, float]:
        """The middle `level` of the mixture."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)


def averaged(
    series: np.ndarray,
    chance: np.ndarray,
    at: np.ndarray,
    design: np.ndarray,
    column: int = -1,
    resemblance: np.ndarray = RESEMBLANCE,
    scatter: np.ndarray = SCATTER,
) -> Mixture:
    """Generalised least squares with chance and autocorrelated scatter, averaged over a grid of the scatter.

    Parameters
    ----------
    series : array (n,)
        What is explained, such as a share or the logarithm of a cost.
    chance : array (n,)
        Variance of each point that is known from its count; 0 where none is.
    at : array (n,) of int
        When each point was, in periods; gaps are allowed. Points resemble each other as resemblance ** distance.
    design : array (n, k)
        Columns that explain; of full rank, k below n.
    column : int
        The column whose coefficient is asked for.
    resemblance, scatter : arrays
        The grid; scatter in multiples of the scatter that ordinary least squares leaves.

    Example
    -------
    >>> at = np.arange(24)
    >>> noise = np.random.default_rng(1).normal(0, 0.1, 24)
    >>> slope = averaged(0.5 * at / 12 + noise, np.full(24, 1e-4), at, np.column_stack([np.ones(24), at / 12]))
    >>> round(slope.mean, 2), [round(end, 2) for end in slope.interval(0.9)]
    (0.5, [0.45, 0.55])
    """
    explained, others = design[:, column], np.delete(design, column, axis=1)
    residual = series - design @ np.linalg.lstsq(design, series, rcond=None)[0]
    seen = max(np.sqrt(residual @ residual / (len(series) - design.shape[1])), 1e-6)
    # The other columns are taken out once, and one decomposition serves all scatters: with many columns far quicker
    # than a regression for each pair of the grid, and the same numbers.
    root = np.sqrt(np.maximum(chance, 1e-12 * seen**2))
    apart = linalg.qr(others / root[:, None])[0][:, others.shape[1] :]
    y, x = apart.T @ (series / root), apart.T @ (explained / root)
    distance = np.abs(np.subtract.outer(at, at))
    scatters, share_of_grid = (seen * scatter)[:, None], np.gradient(scatter)
    found = []
    for alike in resemblance:
        like = np.sign(alike) ** distance * np.abs(alike) ** distance / np.outer(root, root)
        own, turned = linalg.eigh(apart.T @ like @ apart)
        variance = 1 + scatters**2 * own
        u, v = turned.T @ x, turned.T @ y
        information = (u**2 / variance).sum(axis=1)
        value = (u * v / variance).sum(axis=1) / information
        left = ((v - value[:, None] * u) ** 2 / variance).sum(axis=1)
        likelihood = -(np.log(variance).sum(axis=1) + np.log(information) + left) / 2 + np.log(share_of_grid)
        found.append([likelihood, value, information**-0.5, np.full(len(value), alike), scatters[:, 0]])
    weight, *columns = np.concatenate(found, axis=1)
    weight = np.exp(weight - weight.max())
    return Mixture(weight / weight.sum(), *columns)
