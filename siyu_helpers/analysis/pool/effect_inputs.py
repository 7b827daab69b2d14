"""From the effect of joining to inputs of the model: orders without the pool, the gain, and how both fade.

Page 04 gives, for each thirty days since joining, the orders that joining added and those there would have been
without (intention to treat: customers who left since are counted in). The model starts both at joining and lets them
fade at a steady rate; here the starting values are chosen so that the whole horizon comes out as estimated.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats

from siyu_helpers.analysis.effect.joining_effects import MONTH, has_base, mean_without
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED, STRONG, SUGGESTIVE
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ASSUMED, ESTIMATED, Origin, Quantity, typical_of

DAYS_A_MONTH = 365.25 / 12
BLOCK = 30  # days of the months that the effects are by
MADE_BY = "siyu_helpers.analysis.pool.brand_inputs.brand_inputs"
DRAWS = 4_000
VALID_AT_LEAST = 0.95  # share of the draws in which a share kept exists: orders above zero in both halves
WIDEST = 0.35  # a monthly share kept whose interval is wider than this says next to nothing
STATED: dict[str, Quantity] = {"activity_kept": (0.80, 0.92, 1.0), "uplift_kept": (0.80, 0.95, 1.0)}
FACE_VALUE_SHARE = 0.5  # typical value of a gain that is not identified, over its estimate at face value
CORRELATION_AT_MOST, CORRELATION_AT_LEAST = 0.95, 0.05

Named = dict[str, tuple[Quantity, Origin]]


class EffectInputs(NamedTuple):
    """Inputs from the effect of joining: field -> (quantity, origin), their correlations, and the horizon used."""

    named: Named
    correlations: dict[tuple[str, str], float]
    horizon_days: int | None


def effect_inputs(
    effects: Mapping[int, Mapping[str, Effect] | Refused] | None,
    identified: str = NOT_IDENTIFIED,
    monthly_stay: float = 1.0,
    stated: Mapping[str, tuple[Quantity, Origin]] | None = None,
    seed: int = 0,
    late: Mapping[str, Effect | Refused] | None = None,
    late_days: int = 90,
) -> EffectInputs:
    """Orders without the pool, gain from joining, how both fade, and referrals, from the effects of the weekly trials.

    dict (horizon in days -> dict outcome -> Effect)  ->  EffectInputs

    Parameters
    ----------
    effects : dict
        From `joining_effects`; the longest horizon that is not Refused is used, with its months if it has them.
    identified : str
        Level of the verdict of page 04. Neither "strong" nor "suggestive": the gain, and referrals, are an assumption
        between none and the upper end of the estimate at face value.
    monthly_stay : float
        Share of the pool still there a month later: what of the fading is due to leaving.
    stated : dict, optional
        Assumptions for activity_kept and uplift_kept where they cannot be estimated; by default `STATED`.
    seed : int
    late : dict, optional
        Outcome -> Effect of joining on those who joined because of a lot (`Invitations.late`), where the verdict is the
        lot's: the gain, and referrals, are then the lot's and not those of the weekly trials, which a lot may
        contradict. How both fade still comes from the trials. Without effect where `identified` says that the lot left
        the answer open.
    late_days : int
        Horizon of the lot.

    Returns
    -------
    EffectInputs
        orders_per_month, uplift, activity_kept, uplift_kept, and referrals_per_month where referrals are recorded.
        Empty without a usable effect.

    Notes
    -----
    With W and A the orders without and added over K months of thirty days, and k the share kept a calendar month, a
    customer has sum (k^a + k^(a+1)) / 2, a = 0 .. K - 1, times the orders at joining in K calendar months; that sum is
    set to W and A x 30.4375 / 30. k: orders of the later half of the months over those of the earlier half. Intervals
    and correlations: 4,000 draws from the joint normal distribution of the months, whose covariance comes from their
    influence functions, each draw turned into inputs within the values they can take. A share kept whose interval is
    wider than 0.35, or that does not exist in one draw of twenty, is not estimated but assumed.

    Example
    -------
    >>> effect_inputs(None).named
    {}
    """
    horizon, found = _longest(effects)
    if found is None or not has_base(found["orders"]):
        return EffectInputs({}, {}, None)
    months = horizon // BLOCK
    monthly = [found.get(f"{MONTH}{number + 1}") for number in range(months)]
    if months < 2 or any(effect is None or effect.influence_without is None for effect in monthly):
        monthly = [found["orders"]]
    referrals = [found["referrals"]] if "referrals" in found else []
    parts = [mean_without(effect) for effect in monthly] + monthly + referrals
    drawn = joint_draws(parts, DRAWS, seed)
    many = len(monthly)
    fallbacks = _fallbacks(stated)
    made = started(
        drawn[:, :many], drawn[:, many : 2 * many], months, monthly_stay,
        {name: typical_of(quantity) for name, (quantity, _) in fallbacks.items()},
        drawn[:, 2 * many] if referrals else None,
    )  # fmt: skip
    if late is None or identified not in (STRONG, SUGGESTIVE):
        return _named(made, found["orders"], horizon, identified, fallbacks)
    return _with_lot(made, found["orders"], horizon, fallbacks, late, late_days / BLOCK, monthly_stay, seed)


def kept_a_month(later: np.ndarray, earlier: np.ndarray, lag_months: int) -> np.ndarray:
    """Share kept a calendar month, from orders of two equally long spans so many months of thirty days apart.

    NaN where there are no orders in either.

    Example
    -------
    >>> round(float(kept_a_month(np.array(0.5), np.array(1.0), 3)), 3)
    0.791
    """
    with np.errstate(all="ignore"):
        there = (np.asarray(later) > 0) & (np.asarray(earlier) > 0)
        ratio = np.where(there, later, 1.0) / np.where(there, earlier, 1.0)
        return np.where(there, ratio ** (DAYS_A_MONTH / BLOCK / lag_months), np.nan)


def months_of_ordering(kept: np.ndarray, months: int) -> np.ndarray:
    """Orders over so many months in units of those at the beginning, when a share is kept from month to month.

    Example
    -------
    >>> float(months_of_ordering(np.array(0.5), 2))
    1.125
    """
    kept = np.asarray(kept, dtype=float)
    return sum((kept**age + kept ** (age + 1)) / 2 for age in range(months))


def joint_draws(parts: list[Effect], draws: int, seed: int) -> np.ndarray:
    """Draws of effects of one table from their joint normal distribution; the first row is the estimates themselves.

    list of Effect  ->  array (1 + draws) x effects

    Example
    -------
    >>> from siyu_helpers.analysis.effect.results import effect_of
    >>> one = effect_of(2.0, np.array([0.1, -0.1] * 50))
    >>> drawn = joint_draws([one, one], 1000, seed=1)
    >>> drawn[0].tolist(), bool(np.allclose(drawn[:, 0], drawn[:, 1]))
    ([2.0, 2.0], True)
    """
    value = np.array([part.value for part in parts])
    influence = np.column_stack([part.influence for part in parts])
    if parts[0].clusters is not None:
        codes, names = np.unique(np.asarray(parts[0].clusters), return_inverse=True)[::-1]
        influence = np.column_stack([np.bincount(codes, column, len(names)) for column in influence.T])
    many = len(influence)
    covariance = influence.T @ influence * (many / max(many - 1, 1))
    spread, axes = np.linalg.eigh(covariance)
    normal = np.random.default_rng(seed).standard_normal((draws, len(value)))
    return np.vstack([value, value + normal * np.sqrt(np.maximum(spread, 0)) @ axes.T])


def started(
    without: np.ndarray,
    added: np.ndarray | None,
    months: int,
    stay: float,
    fallbacks: Mapping[str, float],
    referrals: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Inputs of the model from orders by month, draw by draw; the first draw is the estimate.

    Parameters
    ----------
    without, added : arrays draws x months (or draws x 1: the whole horizon)
        Orders of a joiner without the pool, and added by it. added None: nobody joined.
    months : int
        Months of thirty days that the horizon has.
    stay : float
        Share of the pool still there a month later.
    fallbacks : dict
        activity_kept, uplift_kept where they cannot be estimated; they are then absent from the result.
    referrals : array of draws, optional
        New customers that joining adds over the horizon, per joiner.

    Example
    -------
    >>> flat = np.ones((1, 6))
    >>> made = started(flat, 0.2 * flat, 6, 1.0, {"activity_kept": 0.9, "uplift_kept": 0.9})
    >>> {name: round(float(values[0]), 3) for name, values in made.items()}
    {'activity_kept': 1.0, 'uplift_kept': 1.0, 'orders_per_month': 1.015, 'uplift': 0.2}
    """
    scale = DAYS_A_MONTH / BLOCK
    found = {}
    active = _kept(without)
    if told := _tells(active):
        found["activity_kept"] = active = np.minimum(active, 1.0)
    else:
        active = np.full(len(without), fallbacks["activity_kept"])
    if added is not None:
        with np.errstate(invalid="ignore"):
            gain = _kept(added) / (active * stay)
        if told and _tells(gain):
            found["uplift_kept"] = gain = np.minimum(gain, 1.0)
        else:
            gain = np.full(len(without), fallbacks["uplift_kept"])
    orders = without.sum(axis=1) * scale / months_of_ordering(active, months)
    found["orders_per_month"] = orders
    if added is not None:
        gained = added.sum(axis=1) * scale / months_of_ordering(active * stay * gain, months)
        found["uplift"] = np.divide(gained, orders, out=np.full(len(orders), np.nan), where=orders > 0)
    if referrals is not None:
        found["referrals_per_month"] = referrals * scale / months_of_ordering(active * stay, months)
    return found


# --- parts ---


def _longest(effects) -> tuple[int, Mapping[str, Effect] | None]:
    usable = {
        int(days): found
        for days, found in (effects or {}).items()
        if not isinstance(found, Refused) and found and "orders" in found and int(days) >= BLOCK
    }
    horizon = max(usable, default=0)
    return horizon, usable.get(horizon)


def _fallbacks(stated: Mapping[str, tuple[Quantity, Origin]] | None) -> dict[str, tuple[Quantity, Origin]]:
    why = Words(
        "逐月效果误差太大或没有，保留比例无法估计",
        "the effects by month are too uncertain, or missing, to tell what share is kept",
    )
    found = {}
    for name, quantity in STATED.items():
        ends, origin = (stated or {}).get(name, (quantity, Origin(ASSUMED)))
        said = [f"{why.zh}；{origin.words.zh}", f"{why.en}; {origin.words.en}"] if origin.words.en else why
        found[name] = ends, Origin(origin.kind, Words(*said))
    return found


def _kept(orders: np.ndarray) -> np.ndarray:
    """Share kept a calendar month in each draw; all NaN where there are no months."""
    many = orders.shape[1]
    if many < 2:
        return np.full(len(orders), np.nan)
    half = many // 2
    return kept_a_month(orders[:, many - half :].sum(axis=1), orders[:, :half].sum(axis=1), many - half)


def _tells(kept: np.ndarray) -> bool:
    """Whether draws of a share kept narrow down what was possible anyway."""
    there = np.isfinite(kept)
    if not there[0] or there.mean() < VALID_AT_LEAST:
        return False
    low, high = np.quantile(kept[there], [0.05, 0.95])
    return min(high, 1.0) - min(low, 1.0) <= WIDEST


def _named(made: dict, effect: Effect, horizon: int, identified: str, fallbacks: Named) -> EffectInputs:
    window = Words(
        f"第 04 页的每周对照：加入后 {horizon} 天，{effect.n:,} 人次",
        f"weekly trials of page 04: {horizon} days since joining, {effect.n:,} entries of customers",
    )
    named, kept = dict(fallbacks), dict(made)
    for name, values in made.items():
        estimate = estimate_of(name, values, effect.level, effect.n)
        if name in fallbacks and estimate.value >= FIELDS[name].most:
            estimate = _not_surely_for_ever(estimate, fallbacks[name][0])
        named[name] = (estimate, Origin(ESTIMATED, window))
        if name in ("uplift", "referrals_per_month") and identified not in (STRONG, SUGGESTIVE):
            named[name] = _between_none_and_face_value(estimate, window)
            del kept[name]
    return EffectInputs(named, rank_correlations(kept), horizon)


def _with_lot(
    made: dict, effect: Effect, horizon: int, fallbacks: Named, late: Mapping[str, Effect | Refused], months: float,
    stay: float, seed: int,
) -> EffectInputs:  # fmt: skip
    """Gain and referrals as the lot has them; what it cannot tell is between none and the estimate at face value."""
    kept = {name: made.get(name, typical_of(fallbacks[name][0])) for name in fallbacks}
    active = kept["activity_kept"] * stay
    scale = DAYS_A_MONTH / BLOCK
    normal = np.concatenate([[0.0], np.random.default_rng([seed, 1]).standard_normal(DRAWS)])
    orders = made["orders_per_month"]
    per = {
        "uplift": ("orders", months_of_ordering(active * kept["uplift_kept"], round(months)) * orders),
        "referrals_per_month": ("referrals", months_of_ordering(active, round(months))),
    }
    by_trials = _named(made, effect, horizon, NOT_IDENTIFIED, fallbacks)
    named = dict(by_trials.named)
    for name, (outcome, base) in per.items():
        found = late.get(outcome)
        if name not in made or not isinstance(found, Effect) or not math.isfinite(found.standard_error):
            continue
        base = np.broadcast_to(base, orders.shape)
        values = np.full(len(orders), np.nan)
        np.divide((found.value + normal * found.standard_error) * scale, base, out=values, where=base > 0)
        if not math.isfinite(values[0]):
            continue
        words = Words(
            f"第 04 页的随机邀请：因邀请而加入的客户，{round(months) * BLOCK} 天，{found.n:,} 人",
            f"random invitation of page 04: those who joined because of it, {round(months) * BLOCK} days, "
            f"{found.n:,} persons",
        )
        named[name] = (estimate_of(name, values, found.level, found.n), Origin(ESTIMATED, words))
    return EffectInputs(named, by_trials.correlations, horizon)


def _not_surely_for_ever(found: Estimate, stated: Quantity) -> Estimate:
    """A share kept that is all of it: six months without a loss do not tell that there never will be one.

    Its lower end goes down to the typical value of the stated range, if it does not anyway.
    """
    return dataclasses.replace(found, low=min(found.low, typical_of(stated)))


def estimate_of(name: str, values: np.ndarray, level: float, n: int) -> Estimate:
    """An input from its draws, the first of which is the estimate, within the values it can take."""
    what = FIELDS[name]
    ends = np.quantile(values[np.isfinite(values)], [(1 - level) / 2, (1 + level) / 2])
    value, low, high = (float(np.clip(end, what.least, what.most)) for end in (values[0], *ends))
    return Estimate(value, min(low, value), max(high, value), level, n, what.unit, what.meaning, MADE_BY)


def _between_none_and_face_value(found: Estimate, window: Words) -> tuple[Quantity, Origin]:
    value = max(found.value, 0.0)
    told = f"{value:.0%}" if found.unit == "share" else f"{value:.3g}"
    words = Words(
        f"效果无法判定，从零取到表面估计的上限，典型值取表面估计（{told}）的一半；{window.zh}",
        f"the effect is not identified: from none to the upper end of the estimate at face value, typically half of it "
        f"({told}); {window.en}",
    )
    return (0.0, value * FACE_VALUE_SHARE, max(found.high, value)), Origin(ASSUMED, words)


def rank_correlations(drawn: Mapping[str, np.ndarray]) -> dict[tuple[str, str], float]:
    """Correlation of normal scores of the draws, for pairs that are clearly correlated.

    Example
    -------
    >>> rank_correlations({"uplift": np.arange(9.0), "margin": -np.arange(9.0) ** 3})
    {('uplift', 'margin'): -0.95}
    """
    names = [name for name in FIELDS if name in drawn]
    scores = []
    for name in names:
        values = np.asarray(drawn[name], dtype=float)
        values = np.where(np.isfinite(values), values, np.nanmedian(values))
        scores.append(stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values)))
    found = {}
    for one in range(len(names)):
        for other in range(one):
            spread = math.sqrt(float(scores[one] @ scores[one]) * float(scores[other] @ scores[other]))
            value = float(scores[one] @ scores[other]) / spread if spread > 0 else 0.0
            # A little nearer to 0, so that all of them can hold together in a matrix that has an inverse.
            if abs(value) >= CORRELATION_AT_LEAST:
                found[names[other], names[one]] = round(CORRELATION_AT_MOST * value, 3)
    return found
