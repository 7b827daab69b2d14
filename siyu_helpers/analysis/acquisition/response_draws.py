"""Draws that carry the uncertainty of a response into what is computed from it: best spend and spend plans."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.acquisition.responses import SHARES, Evidence
from siyu_helpers.analysis.estimates import Estimate, Refused

DRAWS = 4_999


def check_table(responses: pd.DataFrame) -> None:
    """ValueError unless this is what `response` returned."""
    if "evidence" not in responses.attrs:
        raise ValueError("this is not the table that response() returned: its attrs are missing; call response() again")


def of_channel(given: Any, channel: str, what: str) -> Estimate | Refused:
    """What was given for a channel: one Estimate for all, or a dict."""
    if isinstance(given, dict):
        if channel not in given:
            raise ValueError(f"{what} lacks the channel {channel!r}: give an Estimate or a Refused for it")
        given = given[channel]
    if not isinstance(given, (Estimate, Refused)):
        raise ValueError(f"{what} of {channel!r} must be an Estimate or a Refused; got {type(given).__name__}")
    return given


def elasticities(proof: Evidence, rng: np.random.Generator) -> np.ndarray:
    """Draws of the elasticity."""
    return np.interp(rng.uniform(size=DRAWS), SHARES, proof.quantiles)


def customers(proof: Evidence, rng: np.random.Generator) -> np.ndarray:
    """Draws of the expected number of new customers of the last periods: chance in their count, and what wanders.

    Counts with Jeffreys' prior; Bayes' and Garwood's intervals then differ by less than one customer.
    """
    drawn = rng.gamma(proof.recent_customers + 0.5, size=DRAWS)
    if math.isnan(proof.wander):
        return drawn
    return drawn * np.exp(rng.normal(0, proof.wander, DRAWS))


def numbers(estimate: Estimate, rng: np.random.Generator) -> np.ndarray:
    """Draws of an Estimate: two halves of normal distributions that have its ends as their quantiles."""
    if estimate.is_exact:
        return np.full(DRAWS, estimate.value)
    away = rng.normal(size=DRAWS) / stats.norm.ppf((1 + estimate.level) / 2)
    return estimate.value + away * np.where(away < 0, estimate.value - estimate.low, estimate.high - estimate.value)


def _quantile(drawn: np.ndarray, share: float) -> float:
    """Quantile of draws of which some may be infinite: between two infinite ones it is infinite."""
    below, above = (np.quantile(drawn, share, method=side) for side in ("lower", "higher"))
    return float(above if below == above or math.isinf(above) else np.quantile(drawn, share))


def ends(lower: np.ndarray, upper: np.ndarray, value: float, level: float) -> tuple[float, float]:
    """Middle `level` of draws; between two sets of draws, from the low end of the lower to the high end of the upper.

    The value, found at the middle of everything, is always within.
    """
    low, high = _quantile(lower, (1 - level) / 2), _quantile(upper, (1 + level) / 2)
    return (float(low), float(high)) if math.isnan(value) else (min(float(low), value), max(float(high), value))
