"""What the small models of the concepts share: what each returns, what a slider moves, how a number is checked.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words


class Model(NamedTuple):
    """What a small model found: a table to draw, and the figures that a page states, by key."""

    table: pd.DataFrame
    figures: dict[str, Estimate | Refused]


class Slider(NamedTuple):
    """The parameter of a model that a reader moves: its name, its values in order, its label, its unit.

    values : the same for every reader, so that one picture a value can be drawn beforehand. unit : as
    `reporting.words.value_text` reads it.
    """

    parameter: str
    values: tuple[float, ...]
    label: Words
    unit: str


def number(name: str, value: float, least: float = 0.0, most: float = math.inf) -> float:
    """Return a parameter as a float, or raise ValueError when it is none or outside its range.

    Example
    -------
    >>> number("leaving", 0.05, most=1)
    0.05
    """
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not (math.isfinite(found) and least <= found <= most):
        bounds = f"{least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
        bounds = "any number" if math.isinf(least) and math.isinf(most) else bounds
        raise ValueError(f"{name} must be a number, {bounds}; got {value!r}")
    return found


def stated(value: float, unit: str, words: Words, function: Callable[..., Any], n: float = 1) -> Estimate:
    """State what a model works out: exact, as its parameters are given numbers; n is what it is worked out for.

    Example
    -------
    >>> stated(0.25, "share", Words("占比", "share"), number).is_exact
    True
    """
    return Estimate.exact(value, max(0, round(n)), unit, words, function)
