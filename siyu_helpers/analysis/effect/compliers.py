"""What treatment adds for those who take it because of a lot: intention to treat, first stage, and their ratio.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.results import Effect, combined, effect_of
from siyu_helpers.analysis.estimates import LEVEL, Refused, check_level

ROUNDING = 1e-9  # of a share
STRONG_F = 10.0  # first-stage F from which on the delta method's interval is used (Staiger and Stock 1997)


@dataclass(frozen=True)
class LocalEffect:
    """A lot, who followed it, and what it and membership add.

    itt : Effect of the lot on the outcome. first_stage : Effect of the lot on treatment received (a share or dose).
    late : Effect of treatment on compliers: itt / first_stage; without_treatment is the mean of the compliers had they
    not been treated. Refused where the first stage cannot be told from 0 at this level: the data then do not bound it.
    f_statistic : of the first stage. anderson_rubin : (low, high) that holds however weak the first stage; an end is
    infinite where the data do not bound it. Below F of 10 late has this interval, from 10 on the delta method's.
    """

    itt: Effect
    first_stage: Effect
    late: Effect | Refused
    f_statistic: float
    anderson_rubin: tuple[float, float]


def local_effect(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    instrument: str,
    weights: str | None = None,
    level: float = LEVEL,
    complier: str | None = None,
) -> LocalEffect:
    """Intention to treat, first stage and the effect on compliers, from one row a person.

    table (one person)  ->  LocalEffect

    Parameters
    ----------
    data : DataFrame
    outcome, treatment, instrument : str
        Columns, numbers without blanks. treatment: received, 0 to 1. instrument: drawn by lot, 0 or 1.
    weights : str, optional
        Column, such as 1 / probability of the arm.
    level : float
    complier : str, optional
        Column with treatment as 0 or 1, for the compliers' mean without it; by default `treatment` where it is 0 or 1.

    Raises
    ------
    ValueError
        For a missing column, or an instrument that is not 0 and 1 with two persons each.

    Example
    -------
    Vitamin A in Sumatra, death within a year by assignment and supplement taken (Imbens and Rubin 1997, Ann. Statist.
    25, 305-327, table 1): 0.32 percentage points fewer deaths among the children who comply.

    >>> cells = [(0, 0, 0, 11514), (0, 0, 1, 74), (1, 0, 0, 2385), (1, 0, 1, 34), (1, 1, 0, 9663), (1, 1, 1, 12)]
    >>> rows = [(z, d, y) for z, d, y, many in cells for _ in range(many)]
    >>> found = local_effect(pd.DataFrame(rows, columns=["lot", "taken", "died"]), "died", "taken", "lot")
    >>> round(found.itt.value, 4), round(found.first_stage.value, 2), round(found.late.value, 4)
    (-0.0026, 0.8, -0.0032)
    """
    check_level(level)
    order_log.has_columns(list(data.columns), [name for name in (outcome, treatment, instrument, weights) if name])
    lot = data[instrument].to_numpy(dtype=float)
    if not (np.isin(lot, (0, 1)).all() and min((lot == 1).sum(), (lot == 0).sum()) >= 2):
        raise ValueError("the instrument must be 0 or 1, with two persons of each at least")
    weight = data[weights].to_numpy(dtype=float) if weights else np.ones(len(data))
    received, values = data[treatment].to_numpy(dtype=float), data[outcome].to_numpy(dtype=float)
    itt = difference(values, lot, weight, level, "ITT", "difference of means")
    first = difference(received, lot, weight, level, "first stage", "difference of means")
    strength = f_statistic(first)
    ends = _anderson_rubin(itt, first, level)
    # A lot that everybody follows alike leaves a first stage of rounding errors, whose F may be anything.
    if abs(first.value) < ROUNDING or not strength > stats.norm.ppf((1 + level) / 2) ** 2:
        return LocalEffect(itt, first, _weak(strength), strength, ends)
    value = itt.value / first.value
    late = combined(value, [1 / first.value, -value / first.value], [itt, first], level,
                    estimand="LATE", method="two-stage least squares")  # fmt: skip
    binary = received if complier is None else data[complier].to_numpy(dtype=float)
    late = _with_base(late, values, binary, lot, weight)
    if strength < STRONG_F:
        late = replace(late, low=ends[0], high=ends[1], method="two-stage least squares, Anderson-Rubin interval")
    return LocalEffect(itt, first, late, strength, ends)


def adjusted_difference(values, lot, weight, known: np.ndarray, level: float) -> Effect:
    """Difference of the arms' regressions on centred covariates, at their mean (Lin 2013)."""
    centred = known - weight @ known / weight.sum()
    spread = np.sqrt(weight @ centred**2 / weight.sum())
    centred = centred[:, spread > 1e-12] / spread[spread > 1e-12]
    design = np.column_stack([np.ones(len(lot)), centred])
    fitted, moves = {}, {}
    for side in (1, 0):
        mine = np.where(lot == side, weight, 0.0)
        root = np.sqrt(mine)
        fit = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
        fitted[side] = design @ fit
        many = (lot == side).sum()
        freed = many / max(many - design.shape[1], 1)
        moves[side] = mine * (values - fitted[side]) / mine.sum() * math.sqrt(freed)
    apart, influence = mean(fitted[1] - fitted[0], weight)
    base, base_moves = mean(fitted[0], weight)
    return effect_of(apart, moves[1] - moves[0] + influence, level, n=len(lot), estimand="ITT",
                     method="Lin's adjustment", with_treatment=base + apart, without_treatment=base,
                     influence_without=moves[0] + base_moves)  # fmt: skip


def mean(values: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Weighted mean and its influence function."""
    total = weight.sum()
    mean = float(weight @ values / total)
    return mean, weight * (values - mean) / total


def difference(values, lot, weight, level: float, estimand: str, method: str) -> Effect:
    """Mean of the drawn less that of the others."""
    (high, up), (low, down) = (mean(values, np.where(lot == side, weight, 0.0)) for side in (1, 0))
    # Each side's variance with its own n - 1, as for two samples.
    spread = [many / (many - 1) for many in ((lot == 1).sum(), (lot == 0).sum())]
    scale = math.sqrt((len(lot) - 1) / len(lot))
    up, down = up * math.sqrt(spread[0]) * scale, down * math.sqrt(spread[1]) * scale
    return effect_of(high - low, up - down, level, n=len(lot), estimand=estimand, method=method, with_treatment=high,
                     without_treatment=low, influence_without=down)  # fmt: skip


def f_statistic(first: Effect) -> float:
    """Squared ratio of the first stage to its standard error; 0 without any, infinite where it is certain."""
    if first.standard_error > 0:
        return float((first.value / first.standard_error) ** 2)
    return 0.0 if first.value == 0 else math.inf


def _anderson_rubin(itt: Effect, first: Effect, level: float) -> tuple[float, float]:
    """Effects that the data do not reject: those b for which itt - b x first stage is within z standard errors of 0."""
    z = float(stats.norm.ppf((1 + level) / 2))
    scale = len(itt.influence) / (len(itt.influence) - 1)
    yy, dd, yd = (float(a @ b) * scale for a, b in ((itt.influence, itt.influence), (first.influence, first.influence),
                                                    (itt.influence, first.influence)))  # fmt: skip
    # (itt - b first)^2 <= z^2 (yy - 2 b yd + b^2 dd), a parabola in b
    square = first.value**2 - z**2 * dd
    linear = itt.value * first.value - z**2 * yd
    root = linear**2 - square * (itt.value**2 - z**2 * yy)
    if not square > 0:  # two rays, or every number: no end
        return -math.inf, math.inf
    reach = math.sqrt(max(root, 0.0))
    return float(linear - reach) / square, float(linear + reach) / square


def _with_base(late: Effect, values, received, lot, weight) -> Effect:
    """The effect with the compliers' mean without treatment, where received is 0 or 1."""
    if not np.isin(received, (0, 1)).all():
        return late
    (drawn, _), (other, _) = (mean((1 - received) * values, np.where(lot == side, weight, 0.0)) for side in (1, 0))
    share = difference(received, lot, weight, late.level, "first stage", "")
    base = (other - drawn) / share.value
    gap = difference((1 - received) * values, lot, weight, late.level, "", "")
    influence = (-gap.influence - base * share.influence) / share.value
    return replace(late, without_treatment=base, with_treatment=base + late.value, influence_without=influence)


def _weak(strength: float) -> Refused:
    return Refused(
        "first stage", round(strength, 2), "different from 0",
        "邀请没有让加入私域的人明显增多，无法由此推算加入的效果。",
        "The invitation did not clearly bring more people into the pool: the effect of joining cannot be told from it.",
    )  # fmt: skip
