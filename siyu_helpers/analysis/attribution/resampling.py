"""Resampling: journeys drawn anew from a table of journeys, by number, the same whatever the order of its rows.

Used by `bootstraps` and `chain_orders`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu_helpers.analysis.attribution.paths import Paths

CELLS = 4_000_000  # numbers drawn at a time: 32 MB


@dataclass(frozen=True)
class Distinct:
    """Journeys with equal rows added up, in an order that neither rows nor, ties aside, names of channels decide.

    spread : variance of the value of one conversion, along each path.
    """

    paths: Paths
    spread: np.ndarray


def distinct(paths: Paths, value_variation: float = 0.0) -> Distinct:
    """Add up equal rows (same touches, and same hours where they are kept).

    paths  ->  Distinct

    Parameters
    ----------
    value_variation : float
        Squared coefficient of variation of the value of conversions within one row, see `journeys`.

    Example
    -------
    >>> from siyu_helpers.analysis.attribution.paths import encode
    >>> table = pd.DataFrame({"path": [("b",), ("a", "b"), ("b",)], "conversions": [1, 2, 1], "value": [5.0, 8, 7]})
    >>> found = distinct(encode(table))
    >>> found.paths.conversions.tolist(), found.paths.value.tolist(), found.spread.tolist()
    ([2.0, 2.0], [12.0, 8.0], [1.0, 0.0])
    """
    group, first = _same(paths)
    summed = {name: np.bincount(group, getattr(paths, name), len(first)) for name in ("conversions", "value", "nulls")}
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(paths.conversions > 0, paths.value / paths.conversions, 0)
        # Rows of one path may differ in mean value: that is variation too. One conversion alone shows none.
        within = mean**2 * np.clip(paths.conversions - 1, 0, None) * value_variation
        squares = np.bincount(group, mean * paths.value + within, len(first))
        spread = (squares - summed["value"] ** 2 / summed["conversions"]) / summed["conversions"]
    spread = np.where(summed["conversions"] > 0, spread, 0)
    some = spread > 1e-9 * squares / np.maximum(summed["conversions"], 1)  # the rest is rounding
    lengths = paths.lengths[first]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    taken = np.arange(starts[-1]) + np.repeat(paths.starts[first] - starts[:-1], lengths)
    hours = None if paths.hours is None else paths.hours[taken]
    merged = Paths(paths.channels, paths.codes[taken], starts, **summed, hours=hours)
    return Distinct(merged, np.where(some, spread, 0.0))


def draws_of(
    journeys: Distinct, draws: int, seed: int, money: bool = True
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw all journeys anew, block by block  ->  conversions, nulls, value, each an array (rows x draws of the block).

    How often a path comes with an order, and how often without, is drawn from a Poisson distribution about what was
    observed; then each draw is scaled to the observed number of journeys, as if exactly so many had been drawn with
    replacement. Value is the number drawn times the mean value of the path, and a gamma-distributed variation about it
    where conversions of one path differ in value. money=False: value is not drawn, and all 0.
    """
    paths, rng = journeys.paths, np.random.default_rng(seed)
    rows, total = len(paths.conversions), paths.conversions.sum() + paths.nulls.sum()
    bought, left = (np.flatnonzero(numbers) for numbers in (paths.conversions, paths.nulls))
    mean = np.divide(paths.value, paths.conversions, out=np.zeros(rows), where=paths.conversions > 0)
    varied = np.flatnonzero(journeys.spread)
    shape = mean[varied] ** 2 / journeys.spread[varied]  # of the gamma distribution, per conversion
    size = max(1, CELLS // max(1, rows))
    for begin in range(0, draws, size):
        block = min(size, draws - begin)
        conversions, nulls = np.zeros((rows, block)), np.zeros((rows, block))
        conversions[bought] = rng.poisson(paths.conversions[bought, None], (len(bought), block))
        nulls[left] = rng.poisson(paths.nulls[left, None], (len(left), block))
        value = conversions * mean[:, None] if money else np.zeros((1, 1))
        if money and len(varied):
            value[varied] = rng.standard_gamma(shape[:, None] * conversions[varied]) * (mean[varied] / shape)[:, None]
        drawn = conversions.sum(axis=0) + nulls.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(drawn > 0, total / drawn, 0.0)
        conversions *= scale
        nulls *= scale
        yield conversions, nulls, (value * scale if money else np.broadcast_to(0.0, (rows, block)))


def _same(paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Group of equal rows that each row belongs to, and the first row of each group.

    A group is found touch by touch, as in a tree: rows stay together that came together and touch the same next.
    """
    symbols = _place_by_numbers(paths)[paths.codes].astype(np.int64)
    if paths.hours is not None:
        ages, distinct_ages = pd.factorize(paths.hours, sort=True)
        symbols = symbols * max(1, len(distinct_ages)) + ages
    step = int(symbols.max(initial=0)) + 1
    lengths, rows = paths.lengths, np.arange(len(paths.conversions))
    group, node, groups, touch = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64), 0, 0
    while len(rows):
        node, _ = pd.factorize(node * step + symbols[paths.starts[rows] + touch], sort=True)
        touch += 1
        ends = lengths[rows] == touch
        finished, found = pd.factorize(node[ends], sort=True)
        group[rows[ends]] = finished + groups
        groups += len(found)
        rows, node = rows[~ends], node[~ends]
    first = np.full(groups, len(group))
    np.minimum.at(first, group, np.arange(len(group)))
    return group, first


def _place_by_numbers(paths: Paths) -> np.ndarray:
    """Place of each channel in an order that its touches decide; only channels with equal numbers go by name."""
    n, opens, ends = len(paths.channels), paths.codes[paths.starts[:-1]], paths.codes[paths.starts[1:] - 1]
    keys = []
    for numbers in (paths.value, paths.nulls, paths.conversions):
        for at, weights in ((opens, numbers), (ends, numbers), (paths.codes, np.repeat(numbers, paths.lengths))):
            keys.append(np.round(np.bincount(at, weights, n), 6))
    return np.argsort(np.lexsort(keys))
