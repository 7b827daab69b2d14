"""Nearest-neighbour matching: each treated row beside the comparators most like it, with replacement.

By default rows are matched on two numbers, the index of the propensity model and the outcome that a linear model
expects on the side matched from, each over its standard deviation: with 30 covariates nobody has a close neighbour in
all of them, and a match on these two is right when either model is (Antonelli et al. 2018). What a match leaves
different is taken out by regression (Abadie and Imbens 2011).

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import spatial

from siyu_helpers.analysis.effect import propensity

if TYPE_CHECKING:
    from siyu_helpers.analysis.effect.estimators import Model
    from siyu_helpers.analysis.effect.results import Effect

MATCH_ON = ("double_score", "score", "covariates")
NEIGHBOURS = 4
ALIKE = 3  # rows of one side, itself included, from which the spread of outcomes at a row is taken
DIGITS = 9  # of a standardised coordinate; rows that agree in them are at the same place
TIED = 1e-7  # difference in distance below which two places are equally near


class Places(NamedTuple):
    """Where the rows that may be matched lie, each place once."""

    tree: spatial.cKDTree
    place: np.ndarray  # of each row
    mass: np.ndarray  # of each place: sum of its rows' weights, which have mean 1


class Matches(NamedTuple):
    """Pairs of a row asked for and a place among its nearest; the masses of its places."""

    asked: np.ndarray
    place: np.ndarray
    total: np.ndarray  # of each row asked for


class Side(NamedTuple):
    """What one side was found to have, had all the estimand is about been on it."""

    imputed: np.ndarray  # outcome of each row on this side: its own, or that of its matches
    expected: np.ndarray  # by the linear model that corrects the matches
    used: np.ndarray  # how much each row of this side serves others, in the unit of the target
    squares: np.ndarray  # sum of squares of what `used` is the sum of


def matched_effects(
    model: Model,
    values: dict[str, np.ndarray],
    level: float,
    neighbours: int = NEIGHBOURS,
    match_on: str = "double_score",
    correct_bias: bool = True,
) -> dict[str, Effect]:
    """Effects on several outcomes by nearest neighbours, with replacement.

    Parameters
    ----------
    model : estimators.Model
        Rows, scores and designs; made by `average_treatment_effect(..., method="matching")`, the way in.
    values : dict of name -> array
        Outcomes of the model's rows.
    neighbours : int
        Nearest rows of the other side to average over, those at the same distance as the last one too. A row counts by
        its weight (of mean 1): the nearest are taken until together they stand for so many.
    match_on : "double_score", "score" or "covariates"
        double_score: index of the propensity model and expected outcome. score: the propensity score. covariates: all
        outcome covariates, by Mahalanobis distance.
    correct_bias : bool
        Correct for what matches leave different, by linear regression on the outcome covariates among the matched.

    Returns
    -------
    dict of Effect. Without clusters the standard error is Abadie and Imbens', and influence is scaled to it. With
    clusters it is that of the influence itself, rows' residuals from the linear model times how often they serve: the
    nearest rows of one's side may be one's own, and would hide the luck that they share.

    Notes
    -----
    Abadie and Imbens (2006), Econometrica 74, 235-267, theorems 6 and 7; (2011), JBES 29, 1-11. Antonelli, Cefalu,
    Palmer and Agniel (2018), Biometrics 74, 1171-1179. That scores were estimated is not allowed for: for the ATE that
    is on the safe side (Abadie and Imbens 2016, Econometrica 84, 781-807).

    Example
    -------
    >>> import pandas as pd
    >>> from siyu_helpers.analysis.effect.estimators import average_treatment_effect
    >>> trials = pd.DataFrame({"joined": [1, 0] * 20, "orders": [3, 1, 2, 2] * 10, "recency": [5, 6, 6, 5] * 10})
    >>> average_treatment_effect(trials, "orders", "joined", ["recency"], method="matching", neighbours=1).value
    1.0
    """
    if match_on not in MATCH_ON:
        raise ValueError(f"match_on must be one of {', '.join(MATCH_ON)}; got {match_on!r}")
    if neighbours < 1 or neighbours != int(neighbours):
        raise ValueError(f"neighbours must be a whole number, 1 or more; got {neighbours!r}")
    found, cache = {}, {}
    for name, value in values.items():
        arms = (0,) if model.estimand == "ATT" else (0, 1)
        sides = [_side(model, value, arm, neighbours, match_on, correct_bias, cache) for arm in arms]
        found[name] = _stated(model, value, sides, level, cache)
    return found


def _coordinates(model: Model, value: np.ndarray, arm: int, match_on: str) -> np.ndarray:
    """Where each row lies, in units of a standard deviation."""
    inside, weights = model.inside, model.sample.weights
    if match_on == "covariates":
        columns = model.regressing[:, 1:]
        centred = columns - np.average(columns, axis=0, weights=weights)
        covariance = (centred * weights[:, None]).T @ centred / weights.sum()
        size, axes = np.linalg.eigh(covariance)
        kept = size > propensity.REDUNDANT * size[-1]
        return np.round(centred @ (axes[:, kept] / np.sqrt(size[kept])), DIGITS)
    if match_on == "score":
        columns = [propensity.probability(model.index, model.link)]
    else:
        columns = [model.index, model.predicted(value, arm)]
    spread = [column[inside].std() for column in columns]
    scaled = [column / (size if size > 0 else 1.0) for column, size in zip(columns, spread, strict=True)]
    return np.round(np.column_stack(scaled), DIGITS)


def places_of(coordinates: np.ndarray, weights: np.ndarray) -> Places:
    """Put rows that lie at one place together, and make a tree of the places.

    Example
    -------
    >>> places_of(np.array([[0.0], [1.0], [0.0]]), np.ones(3)).mass.tolist()
    [2.0, 1.0]
    """
    order = np.lexsort(coordinates.T)
    lying = coordinates[order]
    new = np.append(True, (np.diff(lying, axis=0) != 0).any(axis=1))
    place = np.empty(len(coordinates), dtype=int)
    place[order] = np.cumsum(new) - 1
    # Without balancing, a place that holds many rows of the plane's cut does not slow the building of the tree.
    tree = spatial.cKDTree(lying[new], balanced_tree=False, compact_nodes=False)
    return Places(tree, place, np.bincount(place, weights))


def nearest(places: Places, asked: np.ndarray, neighbours: float) -> Matches:
    """Nearest places of each row asked for, until they stand for `neighbours` rows; ties with the last one included.

    Parameters
    ----------
    places : Places
        As `places_of` makes.
    asked : array of rows x coordinates
    neighbours : float
        Mass to reach; where all places together have less, all are taken.

    Example
    -------
    >>> found = nearest(places_of(np.array([[0.0], [1.0], [2.0], [9.0]]), np.ones(4)), np.array([[1.0], [8.0]]), 2)
    >>> sorted(zip(found.asked.tolist(), found.place.tolist()))
    [(0, 0), (0, 1), (0, 2), (1, 2), (1, 3)]
    """
    many, left, reach = len(places.mass), np.arange(len(asked)), min(int(np.ceil(neighbours)) + 2, len(places.mass))
    pairs, total = [(left[:0], left[:0])], np.zeros(len(asked))
    while len(left):
        distance, place = places.tree.query(asked[left], k=np.arange(1, reach + 1))
        mass = np.cumsum(places.mass[place], axis=1)
        last = np.minimum((mass < neighbours - 1e-9).sum(axis=1), reach - 1)
        farthest = distance[np.arange(len(left)), last] + TIED
        within = distance <= farthest[:, None]
        done = (~within[:, -1]) | (reach == many)
        row, column = np.nonzero(within[done])
        pairs.append((left[done][row], place[done][row, column]))
        total[left[done]] = (places.mass[place] * within).sum(axis=1)[done]
        left, reach = left[~done], min(4 * reach, many)
    return Matches(np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs]), total)


def _side(model, value, arm, neighbours, match_on, correct_bias, cache) -> Side:
    """Impute what rows of the other side would have had on this one."""
    sample, n = model.sample, len(value)
    pool = np.flatnonzero(model.inside & (sample.treated == arm))
    other = np.flatnonzero(model.inside & (sample.treated != arm))
    if ("matches", arm) not in cache or match_on == "double_score":
        lying = _coordinates(model, value, arm, match_on)
        places = places_of(lying[pool], sample.weights[pool] / sample.weights[pool].mean())
        cache["matches", arm] = lying, places, nearest(places, lying[other], neighbours)
    _, places, matches = cache["matches", arm]
    weights = sample.weights[pool] / sample.weights[pool].mean()
    share = model.target[other][matches.asked] / matches.total[matches.asked]
    used, squares = np.zeros(n), np.zeros(n)
    used[pool] = np.bincount(matches.place, share, len(places.mass))[places.place] * weights
    squares[pool] = np.bincount(matches.place, share**2, len(places.mass))[places.place] * weights**2
    expected = _expected(model.regressing, value, used if used.any() else sample.weights * (sample.treated == arm))
    correction = expected if correct_bias else np.zeros(n)
    at_place = np.bincount(places.place, weights * (value - correction)[pool], len(places.mass))
    imputed = value.copy()
    sums = np.bincount(matches.asked, at_place[matches.place], len(other))
    imputed[other] = sums / matches.total + correction[other]
    return Side(imputed, expected, used, squares)


def _expected(design: np.ndarray, value: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Outcome by a linear model fitted with these weights (0 for rows that are not to be used)."""
    rows = np.flatnonzero(weights)
    part, weight = design[rows], weights[rows]
    inverse = propensity.pseudo_inverse((part * weight[:, None]).T @ part)
    return design @ (inverse @ ((weight * value[rows]) @ part))


def _spread(model: Model, value: np.ndarray, arm: int, rows: np.ndarray, lying: np.ndarray) -> np.ndarray:
    """Variance of the outcome at a row's place, from the nearest rows of its own side (itself included)."""
    pool = np.flatnonzero(model.inside & (model.sample.treated == arm))
    places = places_of(lying[pool], np.ones(len(pool)))
    found = nearest(places, lying[rows], ALIKE)
    centred = value[pool] - value[pool].mean()
    sums = [np.bincount(found.asked, np.bincount(places.place, part)[found.place], len(rows))
            for part in (centred, centred**2)]  # fmt: skip
    several = np.maximum(found.total - 1, 1)
    return np.maximum(sums[1] - sums[0] ** 2 / found.total, 0.0) / several


def _stated(model: Model, value: np.ndarray, sides: list, level: float, cache: dict) -> Effect:
    """Put the effect together: mean difference, Abadie and Imbens' variance, influence scaled to it."""
    target, mass, treated = model.target, model.target.sum(), model.sample.treated
    without, with_ = sides[0].imputed, sides[1].imputed if len(sides) > 1 else value
    means = [float(target @ column / mass) for column in (without, with_)]
    variance = target**2 @ (with_ - without - (means[1] - means[0])) ** 2
    influence = [np.zeros(len(value)), target * (value - means[1])]
    for arm, side in enumerate(sides):
        own = target * (treated == arm)
        more = side.used**2 + 2 * own * side.used - side.squares
        rows = np.flatnonzero(more > 0)
        variance += more[rows] @ _spread(model, value, arm, rows, cache["matches", arm][0])
        # The target's share of the model, and the residual of each row of this side as often as it is used.
        centre, weight = target @ side.expected / mass, side.used + own
        residual = value - side.expected
        influence[arm] = target * (side.expected - centre) + weight * (residual - weight @ residual / weight.sum())
    whole = influence[1] - influence[0]
    squares = float(whole @ whole)
    scaled = model.sample.clusters is None and squares > 0
    factor = np.sqrt(variance / squares) / mass if scaled else 1 / mass
    return model.stated(means[1], means[0], influence[1] * factor, influence[0] * factor, level,
                        sides[0].used + target * (treated == 0))  # fmt: skip
