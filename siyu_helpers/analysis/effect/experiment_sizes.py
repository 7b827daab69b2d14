"""The statistics of an experiment about the pool: people needed, effects that would show, power by weeks of drawing.

Sizes and powers are those of statsmodels: two-sided tests of two shares or two means, at the level of all intervals of
the report (0.90: 5% on either side). What the tests start from is how the customers who could be drawn have fared
(`experiment_people.followed_eligible`).

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize
from statsmodels.stats.power import NormalIndPower, normal_sample_size_one_tail
from statsmodels.stats.proportion import power_proportions_2indep, samplesize_proportions_2indep_onetail

from siyu_helpers.analysis.effect.experiment_people import OUTCOMES
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import (
    LEVEL,
    MEAN_AT_LEAST,
    Estimate,
    Refused,
    Words,
    check_level,
    mean_per_customer,
)
from siyu_helpers.analysis.estimates import share as share_of

POWER = 0.8
RELATIVE_EFFECTS = (0.05, 0.10, 0.20)
SHARES = (0.05, 0.10, 0.20, 0.30, 0.50)
WEEKS = tuple(range(0, 53, 4))
AVAILABLE_WEEKS = 26  # of new customers, where nobody can be drawn at once
SIZE_COLUMNS = [
    "outcome", "aim", "relative_effect", "effect_per_joiner", "effect_per_person", "without", "deviation", "held_out",
    "others", "people", "days_to_recruit", "days", "enough_now",
]  # fmt: skip
DETECTABLE_COLUMNS = [
    "outcome", "share", "held_out", "others", "effect_per_person", "effect_per_joiner", "relative_effect",
]  # fmt: skip
POWER_COLUMNS = ["outcome", "relative_effect", "weeks", "people", "held_out", "power"]
KIND_WORDS = {
    "invitation": Words(
        "首单后满若干天、未进入私域的新客", "new customers outside the pool, some days after the first order"
    ),
    "holdout": Words("近期下过单、从未进入私域的客户", "customers with a recent order who were never in the pool"),
    "promotions": Words("在私域内、下过单的客户", "members of the pool who have ordered"),
}  # fmt: skip
UNITS = {"repurchase": "share", "orders": "orders per customer", "spend": "money per customer"}
NAMES = {
    "repurchase": Words("再次下单的客户占比", "share of customers who order again"),
    "orders": Words("人均订单数", "orders per customer"),
    "spend": Words("人均销售额", "spend per customer"),
    "contribution": Words("人均贡献毛利", "contribution per customer"),
}


def sample_sizes(
    followed: pd.DataFrame,
    share: float = 0.1,
    relative_effects: Sequence[float] = RELATIVE_EFFECTS,
    power: float = POWER,
    level: float = LEVEL,
    take_up: float | Estimate | Effect | None = None,
    pays: float | Estimate | None = None,
) -> pd.DataFrame:
    """People and days that each effect worth finding takes, for every outcome.

    table (one customer who would have been eligible)  ->  table (outcome x effect)

    Parameters
    ----------
    As in `holdout_design`.

    Returns
    -------
    DataFrame
        outcome; aim : "relative" or "pays". relative_effect, effect_per_joiner : what is to be found.
        effect_per_person : the same times the take-up, the difference between the groups. without : mean of those held
        out. deviation : standard deviation of the outcome. held_out, others, people : needed; blank where no number
        would do. days_to_recruit : until so many have been drawn at today's inflow, those there are counted at once.
        days : until the last has been followed. Infinite where nobody more comes. enough_now : whether those there are
        suffice. Outcomes that are not known, or that nobody has, have no rows.

    Notes
    -----
    Shares: `statsmodels.stats.proportion.samplesize_proportions_2indep_onetail`; means:
    `statsmodels.stats.power.normal_sample_size_one_tail`.

    Example
    -------
    >>> table = pd.DataFrame({"repurchase": [1.0, 0.0] * 500, "orders": [1.0, 0.0] * 500, "spend": [8.0, 0.0] * 500})
    >>> table["contribution"] = np.nan
    >>> table.attrs = {"kind": "invitation", "horizon_days": 90, "people_now": 0, "per_week": 20.0}
    >>> sample_sizes(table, 0.5, [0.5], 0.90, 0.95, take_up=1.0)[["outcome", "held_out", "days"]].to_numpy().tolist()
    [['repurchase', 77, 144], ['orders', 85, 150], ['spend', 85, 150]]
    """
    check_design(share, power, level)
    taken, _ = take_up_of(followed, take_up)
    rows = []
    for outcome, base, deviation in _known(followed, level):
        aims = [("relative", *from_relative(followed, base.value, relative, taken)) for relative in relative_effects]
        if outcome == "contribution" and pays is not None:
            aims.append(("pays", *_from_absolute(followed, base.value, number_of(pays), taken)))
        for aim, without, per_joiner in aims:
            row = {"outcome": outcome, "aim": aim, "relative_effect": per_joiner / without if without > 0 else np.nan,
                   "effect_per_joiner": per_joiner, "effect_per_person": per_joiner * taken, "without": without,
                   "deviation": deviation}  # fmt: skip
            first = first_arm(outcome, without, per_joiner * taken, deviation, share, power, level)
            rows.append(row | _schedule(followed, first, share))
    made = pd.DataFrame(rows, columns=SIZE_COLUMNS)
    made[["held_out", "others", "people"]] = made[["held_out", "others", "people"]].astype("Int64")
    made.attrs = dict(followed.attrs) | {"share": share, "power": power, "level": level, "take_up": taken}
    return made


def detectable_effects(
    followed: pd.DataFrame,
    shares: Sequence[float] = SHARES,
    power: float = POWER,
    level: float = LEVEL,
    take_up: float | Estimate | Effect | None = None,
    weeks: int = AVAILABLE_WEEKS,
) -> pd.DataFrame:
    """Return the smallest effects that the people there are would show, for each share held out.

    table (one customer who would have been eligible)  ->  table (outcome x share held out)

    Parameters
    ----------
    shares : list of float
        Shares held out.
    weeks : int
        For an invitation, which waits for new customers: weeks of them.
    Others as in `holdout_design`.

    Returns
    -------
    DataFrame
        outcome, share, held_out, others; effect_per_person, effect_per_joiner, relative_effect (per joiner, to what
        there would be without): the smallest found with that power. Blank where no possible effect would be found.

    Example
    -------
    >>> table = pd.DataFrame({"repurchase": [1.0, 0.0] * 500, "orders": 0.0, "spend": 0.0, "contribution": np.nan})
    >>> table.attrs = {"kind": "invitation", "horizon_days": 90, "people_now": 100, "per_week": 0.0}
    >>> found = detectable_effects(table, [0.5], 0.90, 0.95, take_up=1.0)
    >>> float(found["effect_per_person"].iloc[0].round(3))  # R: power.prop.test(n=50, p1=.5, power=.90), p2 = 0.8026
    0.303
    """
    taken, _ = take_up_of(followed, take_up)
    available = people_available(followed, weeks)
    rows = []
    for outcome, base, deviation in _known(followed, level):
        for share in shares:
            check_design(share, power, level)
            held_out = math.floor(available * share)
            least = _least_effect(followed, outcome, base.value, deviation, held_out, share, power, level, taken)
            without = _without(followed, base.value, least)
            rows.append({
                "outcome": outcome, "share": share, "held_out": held_out, "others": available - held_out,
                "effect_per_person": least, "effect_per_joiner": least / taken if taken > 0 else np.nan,
                "relative_effect": least / taken / without if taken > 0 and without > 0 else np.nan,
            })  # fmt: skip
    made = pd.DataFrame(rows, columns=DETECTABLE_COLUMNS)
    made.attrs = dict(followed.attrs) | {"power": power, "level": level, "take_up": taken, "people": available}
    return made


def power_by_weeks(
    followed: pd.DataFrame,
    share: float = 0.1,
    relative_effects: Sequence[float] = RELATIVE_EFFECTS,
    level: float = LEVEL,
    take_up: float | Estimate | Effect | None = None,
    weeks: Sequence[int] = WEEKS,
) -> pd.DataFrame:
    """Return the chance of finding each effect, by how many weeks people are drawn for.

    table (one customer who would have been eligible)  ->  table (outcome x effect x week)

    Parameters
    ----------
    weeks : list of int
        Weeks of drawing; the follow-up comes after them.
    Others as in `holdout_design`.

    Returns
    -------
    DataFrame
        outcome, relative_effect (per joiner), weeks, people (those there are, and the inflow of the weeks), held_out,
        power : blank where either group would have fewer than 2 people.

    Example
    -------
    >>> table = pd.DataFrame({"repurchase": [1.0, 0.0] * 500, "orders": 0.0, "spend": 0.0, "contribution": np.nan})
    >>> table.attrs = {"kind": "invitation", "horizon_days": 90, "people_now": 0, "per_week": 25.0}
    >>> chance = power_by_weeks(table, 0.5, [0.5], 0.95, take_up=1.0, weeks=[4])
    >>> float(chance["power"].iloc[0].round(3))  # R: power.prop.test(n=50, p1=.50, p2=.75), power = 0.740
    0.74
    """
    taken, _ = take_up_of(followed, take_up)
    rows = []
    for outcome, base, deviation in _known(followed, level):
        for relative in relative_effects:
            without, per_joiner = from_relative(followed, base.value, relative, taken)
            for week in weeks:
                people = followed.attrs["people_now"] + math.floor(followed.attrs["per_week"] * week)
                held_out = math.floor(people * share)
                chance = _power(outcome, without, per_joiner * taken, deviation, held_out, share, level)
                rows.append((outcome, relative, int(week), people, held_out, chance))
    made = pd.DataFrame(rows, columns=POWER_COLUMNS)
    made.attrs = dict(followed.attrs) | {"share": share, "level": level, "take_up": taken}
    return made


def _known(followed: pd.DataFrame, level: float) -> Iterator[tuple[str, Estimate, float]]:
    """Outcomes that are known and that anybody has, each with its base rate and standard deviation."""
    for outcome in OUTCOMES:
        base = base_rate(followed, outcome, level)
        if not isinstance(base, Refused) and base.value > 0:
            yield outcome, base, float(followed[outcome].std())


def take_up_of(
    followed: pd.DataFrame, take_up: float | Estimate | Effect | None = None, level: float = LEVEL
) -> tuple[float, Estimate | Refused]:
    """Share of people who join because of what they are offered, and how it is known.

    table (one customer who would have been eligible)  ->  number to reckon with, and Estimate (share) or Refused

    Where it is not known (Refused) the number is 1: effects are then per person invited, not per joiner.

    Example
    -------
    >>> table = pd.DataFrame({"joined": [1.0, 0.0, 0.0, 0.0] * 30})
    >>> table.attrs = {"kind": "holdout", "horizon_days": 90}
    >>> take_up_of(table)[0], take_up_of(table, 0.5)[0]
    (0.25, 0.5)
    """
    kind = followed.attrs["kind"]
    if take_up is not None:
        number = number_of(take_up)
        if not 0 < number <= 1:
            raise ValueError(f"take_up must lie above 0 and at most at 1, such as 0.25; got {number!r}")
        words = Words("给定：收到邀请的人中因此加入的比例", "as given: share of the invited who join because of it")
        if isinstance(take_up, Estimate):
            return number, take_up
        if isinstance(take_up, Effect):
            return number, take_up.estimate("share", words, take_up_of)
        return number, Estimate.exact(number, 0, "share", words, take_up_of)
    if kind == "promotions":
        words = Words("实验对象都已在私域内", "all who are drawn are in the pool already")
        return 1.0, Estimate.exact(1.0, len(followed), "share", words, take_up_of)
    joined = int(followed["joined"].sum()) if kind == "holdout" else 0
    if joined:
        days = followed.attrs["horizon_days"]
        words = Words(
            f"私域外的客户在 {days} 天内加入的比例；假定留白时都不会加入",
            f"share of customers outside the pool who join within {days} days; none of them would if held out",
        )
        return joined / len(followed), share_of(joined, len(followed), level, words, take_up_of)
    return 1.0, Refused(
        "take-up", "not known", "share of the invited who join",
        "不知道收到邀请的人中有多少会因此加入，以下效果都按每位受邀客户计，而不是每位加入者。",
        "How many of the invited would join is not known: effects are per person invited, not per joiner.",
    )  # fmt: skip


# --- what the tests start from ---


def base_rate(followed: pd.DataFrame, outcome: str, level: float, interval: bool = False) -> Estimate | Refused:
    """Mean of an outcome; with the interval of a skewed mean only where it is stated, because that is resampled."""
    n = len(followed)
    if n < MEAN_AT_LEAST:
        return Refused(
            "customers", n, MEAN_AT_LEAST,
            f"符合条件且跟踪满期的客户只有 {n} 位，少于 {MEAN_AT_LEAST} 位，无法设计实验。",
            f"Only {n} eligible customers could be followed; below {MEAN_AT_LEAST} no experiment can be designed.",
        )  # fmt: skip
    values = followed[outcome].to_numpy(dtype=float)
    if np.isnan(values).any():
        return Refused(
            "contribution", "neither costs nor margin", "costs of every order, or a gross margin",
            "订单没有逐单成本，也没有毛利率，贡献毛利不详。",
            "Neither the costs of every order nor a gross margin are known, so contribution is not.",
        )  # fmt: skip
    kind, name, days = KIND_WORDS[followed.attrs["kind"]], NAMES[outcome], followed.attrs["horizon_days"]
    words = Words(
        f"{name.zh}，{days} 天内，所有渠道；对象：{kind.zh}",
        f"{name.en} within {days} days, all channels; of {kind.en}",
    )
    unit = UNITS.get(outcome, "money per customer")
    if outcome == "repurchase":
        return share_of(int(values.sum()), n, level, words, base_rate)
    if interval:
        return mean_per_customer(values, level, 1, words, base_rate, unit)
    return Estimate.exact(float(values.mean()), n, unit, words, base_rate)


def people_available(followed: pd.DataFrame, weeks: int = AVAILABLE_WEEKS) -> int:
    """Those who can be drawn at once; where an experiment waits for new customers, those of some weeks."""
    return int(followed.attrs["people_now"] or math.floor(followed.attrs["per_week"] * weeks))


# --- effects, sizes and powers ---


def check_design(share: float, power: float, level: float) -> None:
    """Raise when the share held out, the power or the level can be no such thing."""
    check_level(level)
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, such as 0.1; got {share!r}")
    if not 1 - level < power < 1:
        raise ValueError(f"power must lie between {1 - level:.2f} and 1, such as 0.8; got {power!r}")


def number_of(value: float | Estimate | Effect) -> float:
    """Return the number of an Estimate, an Effect or a plain number."""
    return float(getattr(value, "value", value))


def _treated_now(followed: pd.DataFrame) -> bool:
    """Whether the rates of today are of people who get what the held-out would go without."""
    return followed.attrs["kind"] != "invitation"


def _without(followed: pd.DataFrame, base: float, per_person: float) -> float:
    """Mean of those held out, given the difference that the rest has over them."""
    return base - per_person if _treated_now(followed) else base


def from_relative(followed: pd.DataFrame, base: float, relative: float, taken: float) -> tuple[float, float]:
    """Mean without, and effect per joiner, of an effect that is a share of the mean without."""
    without = base / (1 + relative * taken) if _treated_now(followed) else base
    return without, without * relative


def _from_absolute(followed: pd.DataFrame, base: float, per_joiner: float, taken: float) -> tuple[float, float]:
    return _without(followed, base, per_joiner * taken), per_joiner


def arms(first: float, share: float) -> tuple[int, int, int]:
    """People held out, the others, and both together, rounded up."""
    held_out = math.ceil(first - 1e-9)
    others = math.ceil(first * (1 - share) / share - 1e-9)
    return held_out, others, held_out + others


def _schedule(followed: pd.DataFrame, first: float, share: float) -> dict[str, Any]:
    if math.isnan(first):
        blank = dict.fromkeys(("held_out", "others", "people"), pd.NA)
        return blank | {"days_to_recruit": np.nan, "days": np.nan, "enough_now": False}
    held_out, others, people = arms(first, share)
    days = days_to_recruit(followed, people)
    return {"held_out": held_out, "others": others, "people": people, "days_to_recruit": days,
            "days": days + followed.attrs["horizon_days"], "enough_now": days == 0}  # fmt: skip


def days_to_recruit(followed: pd.DataFrame, people: float) -> float:
    """Days until so many have been drawn at today's inflow; infinite where nobody more comes."""
    lacking = max(0.0, people - followed.attrs["people_now"])
    if not lacking:
        return 0.0
    per_week = followed.attrs["per_week"]
    return math.ceil(lacking / per_week * 7 - 1e-9) if per_week > 0 else math.inf


def first_arm(outcome, without, per_person, deviation, share, power, level) -> float:
    """People to hold out, as a real number; NaN where no number would do."""
    alpha, ratio = 1 - level, (1 - share) / share
    if outcome == "repurchase":
        treated = without + per_person
        if not (0 < without < 1 and 0 < treated < 1) or per_person == 0:
            return math.nan
        return float(samplesize_proportions_2indep_onetail(-per_person, treated, power, ratio, alpha))
    if not deviation > 0 or per_person == 0:
        return math.nan
    spread = deviation * math.sqrt(1 + 1 / ratio)  # of the difference, times the root of the first group's size
    return float(normal_sample_size_one_tail(abs(per_person), power, alpha / 2, spread))


def _power(outcome, without, per_person, deviation, held_out, share, level) -> float:
    alpha, ratio = 1 - level, (1 - share) / share
    if held_out < 2 or held_out * ratio < 2:
        return math.nan
    if outcome == "repurchase":
        treated = without + per_person
        if not (0 < without < 1 and 0 < treated < 1):
            return math.nan
        return float(power_proportions_2indep(-per_person, treated, held_out, ratio, alpha, return_results=False))
    if not deviation > 0:
        return math.nan
    return float(NormalIndPower().power(abs(per_person) / deviation, held_out, alpha, ratio))


def _least_effect(followed, outcome, base, deviation, held_out, share, power, level, taken) -> float:
    """Smallest difference between the groups that would be found with the power; NaN where none would."""
    if held_out < 2 or held_out * (1 - share) / share < 2:
        return math.nan
    if outcome != "repurchase":
        if not deviation > 0:
            return math.nan
        z = NormalIndPower().solve_power(None, held_out, 1 - level, power, (1 - share) / share)
        return float(z) * deviation
    most = base if _treated_now(followed) else 1 - base

    def lacking(per_person: float) -> float:
        without = _without(followed, base, per_person)
        return _power(outcome, without, per_person, deviation, held_out, share, level) - power

    ends = most * 1e-6, most * (1 - 1e-9)
    if base >= 1 or not lacking(ends[1]) >= 0:
        return math.nan
    return float(optimize.brentq(lacking, *ends, xtol=1e-10))
