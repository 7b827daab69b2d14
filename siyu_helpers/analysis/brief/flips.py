"""What would change the verdict: the value of each input at which it flips, and the evidence that would flip it.

An input moves with its uncertainty, all others stay, and every value tried meets the same random numbers. A verdict
turns where enough draws are above zero, that is, where one ordered draw is; that draw moves smoothly with the input,
so that its zero is found in a few steps.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.brief.decisions import (
    CANNOT_BE_JUDGED,
    EFFECT,
    RUNNING_COSTS,
    TOO_MANY,
    Decision,
    Grounds,
    at_face_value,
    checked_grounds,
    verdict_at,
)
from siyu_helpers.analysis.effect.verdicts import NOT_IDENTIFIED, STRONG
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Words
from siyu_helpers.analysis.pool.break_even import FURTHEST, FURTHEST_ELSE, moved
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs, draws_of, quantile_of, typical_of
from siyu_helpers.analysis.pool.value import flows

NAMES = ("uplift", "joiners_per_month", "orders_per_month", "order_value", "margin", "churn", "staff_cost")
DRAWS = 2_000
REACH = 10  # times the typical value: beyond it nobody pictures the input
PRECISION = 1e-6  # of what is searched
COLUMNS = ["input", "label_zh", "label_en", "unit", "now", "now_low", "now_high", "flips_at", "verdict_now",
           "verdict_then", "distance", "within"]  # fmt: skip


def flips(
    inputs: PoolInputs | None,
    grounds: Grounds,
    fixed_inputs: PoolInputs | None = None,
    names: Iterable[str] | None = None,
    months: int = 24,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> pd.DataFrame:
    """The value of each input at which the verdict changes, up or down, and how far it is from today's.

    PoolInputs, Grounds  ->  table (input x verdict that it turns into), nearest first

    Parameters
    ----------
    inputs : PoolInputs or None
        Of the pool as it would be run today. None: no rows.
    grounds : Grounds
        Of the decision, `decision.grounds`.
    fixed_inputs : PoolInputs, optional
        Of the pool after the leak is repaired; they move in proportion.
    names : fields, optional
        By default `NAMES`, those that can be pictured.
    months, draws, seed : int
        As in `pool_value`.
    level : float
        Of now_low and now_high.

    Returns
    -------
    DataFrame
        input, label_zh, label_en, unit. now : typical value; now_low, now_high : quantiles at the level (NaN: certain).
        flips_at : typical value at which the verdict turns; NaN where no value within ten times today's (or that the
        input can take) turns it. verdict_now, verdict_then. distance : |flips_at - now| / |now|; NaN where now is 0.
        within : flips_at lies between now_low and now_high.
        Sorted by distance, blanks last. No rows where nothing can be judged.

    Raises
    ------
    ValueError
        An unknown input; months, draws or seed that are not whole numbers.

    Example
    -------
    >>> inputs = PoolInputs(0, 0.5, 0.3, 200, 0.4, opening_members=1000, staff_cost=10_000)
    >>> known = Grounds("strong", frozenset({"uplift", "staff_cost"}))
    >>> found = flips(inputs, known, names=["uplift", "staff_cost"])
    >>> found[["input", "flips_at", "verdict_then"]].round(3).to_numpy().tolist()
    [['uplift', 0.25, 'do not'], ['staff_cost', 12000.0, 'do not']]
    """
    order_log.at_least_one("months", months)
    order_log.at_least_one("draws", draws)
    names = NAMES if names is None else tuple(names)
    if unknown := [name for name in names if name not in FIELDS]:
        raise ValueError(f"there is no input {unknown[0]!r}: use fields of PoolInputs")
    checked_grounds(grounds)
    if inputs is None or verdict_at(grounds, 1.0) == CANNOT_BE_JUDGED:
        return pd.DataFrame(columns=COLUMNS)
    pools = _pools(inputs, fixed_inputs, grounds)
    today = _ends(pools, months, draws, seed)
    chances = [float((values > 0).mean()) for values in today]
    now = verdict_at(grounds, chances[0], max(chances))
    rows = []
    for name in names:
        about = (name, *FIELDS[name].label, FIELDS[name].unit, *_now(inputs, name, level))
        found = _flips_of(name, pools, grounds, today, lambda pools: _ends(pools, months, draws, seed))
        rows += [(*about, at, now, then) for at, then in found or [(math.nan, "")]]
    return _nearest_first(pd.DataFrame(rows, columns=COLUMNS[:-2]))


def nearest_flips(found: pd.DataFrame, most: int = 3, level: float = LEVEL) -> dict[str, Estimate]:
    """The nearest flips as numbers of a page.

    table of `flips`  ->  dict: flip_<input>, now_<input> and gap_<input> (share) for the nearest inputs

    An input that flips both ways is stated by its nearer side.

    Example
    -------
    >>> inputs = PoolInputs(0, 0.5, 0.3, 200, 0.4, opening_members=1000, staff_cost=10_000)
    >>> known = Grounds("strong", frozenset({"uplift", "staff_cost"}))
    >>> {key: round(number.value, 3) for key, number in nearest_flips(flips(inputs, known, names=["uplift"])).items()}
    {'flip_uplift': 0.25, 'now_uplift': 0.3, 'gap_uplift': 0.167}
    """
    stated: dict[str, Estimate] = {}
    rows = found[found["flips_at"].notna()].drop_duplicates("input").head(most)
    for row in rows.itertuples():
        zh = f"{row.label_zh}变到此数，结论即改变；该项的不确定性随之移动，其他输入不变"
        en = f"{row.label_en.lower()} at which the verdict changes, its uncertainty moved along, all else as it is"
        stated[f"flip_{row.input}"] = Estimate.exact(row.flips_at, 0, row.unit, Words(zh, en), flips)
        ends = (row.now_low, row.now_high) if row.now_low <= row.now <= row.now_high else (math.nan, math.nan)
        stated[f"now_{row.input}"] = Estimate(
            row.now,
            *ends,
            level,
            0,
            row.unit,
            Words(f"{row.label_zh}，现在的取值", f"{row.label_en.lower()}, now"),
            flips,
        )
        if not math.isnan(row.distance):
            words = Words(f"{row.label_zh}离改变结论还有多远：变动 ÷ 现在的取值",
                          f"how far {row.label_en.lower()} is from the flip: change / value now")  # fmt: skip
            stated[f"gap_{row.input}"] = Estimate.exact(row.distance, 0, "share", words, flips)
    return stated


def evidence_flips(decision: Decision) -> pd.DataFrame:
    """What would change the verdict other than a figure: an experiment, a repair, a table that is not kept.

    Decision  ->  table (change of evidence)

    Returns
    -------
    DataFrame
        change, zh, en (sentences without figures), verdict_then. Only changes that would change the verdict, the
        probability staying what it is; where nothing can be judged, what has to be recorded (verdict_then blank).

    Example
    -------
    >>> from siyu_helpers.analysis.brief.decisions import decide
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> sound = pool_value(PoolInputs(100, 0.5, (0.2, 0.3, 0.4), 200, 0.4, staff_cost=5000))
    >>> decision = decide(sound, effect_level="", own={"staff_cost"}, frequency="in range")
    >>> evidence_flips(decision)[["change", "verdict_then"]].values.tolist()
    [['effect', 'build']]
    """
    old, rows = decision.grounds, []
    known = {"own": old.own | set(EFFECT), "given": old.given - set(EFFECT)}
    settled = old._replace(frequency="in range")
    changes = {
        "effect": old._replace(effect_level=STRONG, **known),
        "costs": old._replace(own=old.own | set(RUNNING_COSTS)),
    }
    if old.frequency in (TOO_MANY, "not settled"):
        changes["no_leak"] = settled if old.frequency == TOO_MANY else old._replace(frequency=TOO_MANY)
    changes["effect and costs"] = changes["effect"]._replace(own=known["own"] | set(RUNNING_COSTS))
    if decision.verdict == CANNOT_BE_JUDGED:
        known_now = old.own | old.given
        needs = {"effect recorded": EFFECT, "costs recorded": RUNNING_COSTS}
        rows = [(key, *_CHANGES[key], "") for key, names in needs.items() if not known_now.intersection(names)]
        return pd.DataFrame(rows, columns=["change", "zh", "en", "verdict_then"])
    now = decision.probability_now.value if decision.probability_now else None
    best = decision.probability.value if decision.probability else now
    for change, then_known in changes.items():
        repaired = change == "no_leak" and old.frequency == TOO_MANY
        then = verdict_at(then_known, best if repaired else now, best)
        if now is not None and then != decision.verdict and not (change == "effect and costs" and rows):
            rows.append((change, *_CHANGES["leak repaired" if repaired else change], then))
    return pd.DataFrame(rows, columns=["change", "zh", "en", "verdict_then"])


_CHANGES = {
    "effect recorded": Words(
        "记下谁在哪天加入（members 表），加入的效果能够估计",
        "who joined when is recorded (table members), so that the effect of joining can be estimated",
    ),
    "costs recorded": Words(
        "记下私域每月花多少钱（pool_costs 表）", "what a pool costs a month is recorded (table pool_costs)",
    ),
    "effect": Words(
        "实验证实加入的效果，而且与现在用的数字一样大",
        "an experiment establishes the effect of joining, as large as the figure used now",
    ),
    "costs": Words(
        "私域的运营费用记录下来，而且与现在假设的一样",
        "the pool's running cost is recorded, and is what is assumed now",
    ),
    "no_leak": Words(
        "随机抽签的实验坐实促销消息发得过多", "a random draw shows that too many promotions are sent",
    ),
    "leak repaired": Words(
        "促销消息降到合适的条数，退出随之减少，加入的效果不减",
        "promotions are cut to the right number, opt-outs fall with them and the effect holds",
    ),
    "effect and costs": Words(
        "加入的效果由实验证实，运营费用也有记录，而且都与现在用的数字一样",
        "the effect of joining is established and running costs are recorded, both as large as the figures used now",
    ),
}  # fmt: skip


# --- where the verdict turns ---


class _Turn(NamedTuple):
    """A threshold: how many draws must be above zero, whether the best of the pools counts, the verdicts about it."""

    draws: int
    best: bool
    met: str
    missed: str


def _pools(inputs: PoolInputs, fixed: PoolInputs | None, grounds: Grounds) -> tuple[PoolInputs, ...]:
    """The pool as it is, and those that count for whether it could pay: repaired, the effect at face value."""
    pools = (inputs,) if fixed is None else (inputs, fixed)
    if grounds.effect_level != NOT_IDENTIFIED:
        return pools
    return pools + tuple(at_face_value(pool) for pool in pools if "uplift" in pool.uncertain())


def _ends(pools: tuple[PoolInputs, ...], months: int, draws: int, seed: int) -> list[np.ndarray]:
    """Discounted net at the end of every draw, of each pool."""
    values = [flows(draws_of(pool, draws, seed), months)["cumulative"][-1] for pool in pools]
    return [np.broadcast_to(each, (draws,)) for each in values]  # a pool of certain inputs has one result


def _turns(grounds: Grounds, draws: int) -> list[_Turn]:
    needed = {
        math.floor(grounds.do_not_at * draws + 1e-9) + 1: True,  # must be more than the threshold
        math.ceil(grounds.build_at * draws - 1e-9): False,  # must reach it
    }
    found = []
    for count, best in needed.items():
        met, missed = (verdict_at(grounds, share / draws, share / draws) for share in (count, count - 1))
        if 1 <= count <= draws and met != missed:
            found.append(_Turn(count, best, met, missed))
    return found


def _flips_of(
    name: str,
    pools: tuple[PoolInputs, ...],
    grounds: Grounds,
    today: list[np.ndarray],
    ends: Callable[[tuple[PoolInputs, ...]], list[np.ndarray]],
) -> list[tuple[float, str]]:
    """Values of one input at which the verdict turns, with the verdict beyond."""
    typical = typical_of(getattr(pools[0], name))
    draws = len(today[0]) if any(pool.uncertain() for pool in pools) else 1  # without uncertainty they are all one
    known: dict[float, list[np.ndarray]] = {typical: today}

    def margin(to: float, turn: _Turn) -> float:
        """The ordered draw that decides: above zero where the threshold is met."""
        if to not in known:
            known[to] = ends(_moved_together(pools, name, typical, to))
        counted = known[to] if turn.best else known[to][:1]
        return max(_ordered(values[:draws], turn.draws) for values in counted)

    met, missed = [], []  # thresholds that today's value meets, and those that it misses, the lowest first
    for turn in sorted(_turns(grounds, draws)):
        (met if margin(typical, turn) > 0 else missed).append(turn)
    found = []
    for turn in met[-1:] + missed[:1]:  # the next verdict down and the next one up
        here = turn in met
        for end in _searched(name, typical):
            if end != typical and (margin(end, turn) > 0) != here:
                at = optimize.brentq(margin, typical, end, args=(turn,), xtol=PRECISION * max(abs(end), abs(typical)))
                found.append((float(at), turn.missed if here else turn.met))
                break
    return found


def _ordered(values: np.ndarray, place: int) -> float:
    """The draw of this place from the largest."""
    return float(np.partition(values, len(values) - place)[len(values) - place])


def _moved_together(pools: tuple[PoolInputs, ...], name: str, typical: float, to: float) -> tuple[PoolInputs, ...]:
    """The pools with an input moved; one that the repair had changed moves in proportion."""
    least, most = FIELDS[name].least, FIELDS[name].most
    found = []
    for pool in pools:
        own = typical_of(getattr(pool, name))
        found.append(moved(pool, name, min(max(to * own / typical if typical else to, least), most)))
    return tuple(found)


def _searched(name: str, typical: float) -> tuple[float, float]:
    """The smallest and largest value that is tried."""
    what = FIELDS[name]
    far = REACH * abs(typical) if typical else FURTHEST.get(what.unit, FURTHEST_ELSE)
    return max(what.least, -far), min(what.most, far)


def _now(inputs: PoolInputs, name: str, level: float) -> tuple[float, float, float]:
    quantity = getattr(inputs, name)
    if isinstance(quantity, float):
        return quantity, math.nan, math.nan
    low, high = quantile_of(name, quantity, np.array([(1 - level) / 2, (1 + level) / 2]))
    return typical_of(quantity), float(low), float(high)


def _nearest_first(table: pd.DataFrame) -> pd.DataFrame:
    base = table["now"].abs().where(table["now"] != 0)
    table["distance"] = (table["flips_at"] - table["now"]).abs() / base
    table["within"] = (table["flips_at"] >= table["now_low"]) & (table["flips_at"] <= table["now_high"])
    table = table.drop_duplicates(["input", "flips_at"])
    unreached = table["flips_at"].isna()
    order = table.assign(unreached=unreached).sort_values(["unreached", "distance"], kind="stable", na_position="last")
    return order[COLUMNS].reset_index(drop=True)
