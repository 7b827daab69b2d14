"""Scoring of a decision brief against what is true: rules under which it pays to write what one believes.

An interval is scored as Gneiting and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation",
Journal of the American Statistical Association 102, 359-378, section 6.2: its width, and 2 / alpha for each unit by
which it misses. A probability is scored by Brier's rule (1950, Monthly Weather Review 78, 1-3). Under both the best
answer, on average, is one's honest belief; points do not fall below zero, so for an interval this holds as long as
few of its misses are so large that they earn nothing (spread of the belief up to 0.27 of the orders without the pool).

The verdict is scored by the money it would have cost, the evidence by whether more was claimed than the brand's data
can carry. What the pool is worth is no result of the workbook's own model: the brand was simulated again without it.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from siyu_helpers.analysis.decision_brief import VERDICT_WORDS
from siyu_helpers.analysis.estimates import LEVEL, Words
from siyu_helpers.reporting import fit_views, words
from siyu_helpers.teaching.brief_form import (
    CHOICES,
    EVIDENCE_WORDS,
    ITEMS,
    POINTS,
    SAID,
    VERDICTS,
    complaints,
    filled,
    read_form,
)  # fmt: skip

HORIZON_DAYS = 90
#: The pool's first months, which the verdict, the probability and the money are about.
MONTHS = 24
#: Points of an evidence grade, as a share: by what the brand's data can carry, then by the grade that was claimed.
HONESTY = {
    "lot": {"strong": 1.0, "suggestive": 1.0, "not identified here": 0.6},
    "observed": {"strong": 0.5, "suggestive": 1.0, "not identified here": 0.7},
    "hidden": {"strong": 0.0, "suggestive": 0.4, "not identified here": 1.0},
}
SELECTION_WORDS = {
    "lot": Words(
        "一部分客户由抽签决定是否受邀，效果可以坐实", "some were invited by lot, so the effect can be settled"
    ),
    "observed": Words(
        "谁加入只取决于表里看得到的下单记录，可是从表里证明不了这一点",
        "who joins depends only on orders that the tables hold, which the tables cannot prove",
    ),
    "hidden": Words(
        "谁加入还取决于表里看不到的购买意愿，观察到的差别不是效果",
        "who joins also depends on an inclination that no table holds: the difference seen is not the effect",
    ),
}
#: An interval that scores so much has no points: for growth a share a year, for the gain in multiples of the orders
#: that joiners would have made without the pool.
NO_POINTS_AT = {"gain": 4.0, "growth": 0.8}
#: A pilot keeps so much of what a pool earns (the rest is lost waiting), and costs so much of what a pool costs.
PILOT_KEEPS, PILOT_COSTS = 0.75, 1 / 16
#: Putting the messages right first keeps so much of what the repaired pool earns or loses: it starts a quarter later.
FIX_KEEPS = 7 / 8
#: The least that is at stake, as a share of what the pool costs: a pool that just breaks even is no grave mistake.
LEAST_AT_STAKE = 0.25
TABLE_COLUMNS = ["item", "zh", "en", "answer_zh", "answer_en", "truth_zh", "truth_en", "points", "most",
                 "why_zh", "why_en"]  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """What is true of an invented brand, as far as the brief is about it.

    Parameters
    ----------
    gain : float
        Orders that joining added per joiner within ninety days.
    without : float
        Orders that these customers would have made in the same days without the pool.
    growth : float or None
        Growth of the paid acquisition cost a year, a share; None: too short to tell.
    net : float
        Contribution that would be lost without the pool, less what the pool costs; money over its first 24 months.
    costs : float
        What the pool costs over these months.
    messages : dict
        Promotions a month -> contribution of the brand, after message costs; empty where none are sent.
    sent : float
        Promotions a month that were sent.
    selection : "lot", "observed" or "hidden"
        What decides who joins; see `SELECTION_WORDS`.
    new_customers : int
        Who would not have come without the pool, such as friends and those who found the brand through it.
    brand : str
    """

    gain: float
    without: float
    growth: float | None
    net: float
    costs: float
    messages: Mapping[float, float]
    sent: float
    selection: str
    new_customers: int = 0
    brand: str = ""

    @property
    def pays(self) -> bool:
        """Whether the pool brought in more than it cost."""
        return self.net > 0

    @property
    def gain_from_messages(self) -> float:
        """Money that the best number of promotions would have added to that sent."""
        return max(self.messages.values()) - worth_of_messages(self, self.sent) if self.messages else 0.0

    @property
    def best_messages(self) -> float:
        """The number of promotions a month that leaves most; the smallest where several do."""
        return max(sorted(self.messages), key=self.messages.get) if self.messages else math.nan


def truth_of_world(told: Mapping[str, Any], costs: float, selection: str, brand: str = "") -> Truth:
    """The part of an invented brand's truth that a brief is about.

    Parameters
    ----------
    told : dict
        As `brand.truth()` returns it, of truth.yml.
    costs : float
        What the pool cost in all: the sum of pool_costs.
    selection : "lot", "observed" or "hidden"
    brand : str

    Raises
    ------
    ValueError
        The truth lacks what is asked, or nobody joined.
    """
    try:
        joining = told["average_treatment_effect_on_treated"][HORIZON_DAYS]["orders"]
        gain, without = joining["effect"], joining["without_pool"]
        growth, pool = told["cac_growth_observed"], told["pool"]
    except (KeyError, TypeError):
        raise ValueError("This brand's truth lacks what the exercise asks for; `siyu sample` makes it again.") from None
    if gain is None:
        raise ValueError("Nobody joined this brand's pool and was watched for ninety days: choose another number.")
    if selection not in HONESTY:
        raise ValueError(f"selection: {selection!r} is none of {', '.join(HONESTY)}.")
    sent = told.get("messages") or {}
    return Truth(
        float(gain), float(without), None if growth is None else float(growth), float(pool["contribution"]) - costs,
        float(costs),
        {float(number): float(money) for number, money in sent.get("contribution_by_messages_per_month", {}).items()},
        float(sent.get("sent_per_month", 0.0)), selection, int(pool["new_customers"]), brand,
    )  # fmt: skip


# --- the rules ---


def interval_score(low: float, high: float, truth: float, level: float = LEVEL) -> float:
    """How bad an interval is once the truth is known: its width, and 2 / (1 - level) for each unit of a miss.

    Example
    -------
    >>> interval_score(1.0, 3.0, 2.5), round(interval_score(1.0, 3.0, 3.5), 9)
    (2.0, 12.0)
    """
    miss = max(low - truth, truth - high, 0.0)
    return (high - low) + 2 / (1 - level) * miss


def brier_score(probability: float, happened: bool) -> float:
    """How bad a probability is once it is known what happened: the square of the difference to 1 or 0.

    Example
    -------
    >>> brier_score(0.5, True), brier_score(0.0, False)
    (0.25, 0.0)
    """
    return (probability - float(happened)) ** 2


def worth_of_verdicts(truth: Truth) -> dict[str, float]:
    """What each verdict would have been worth, in money over the pool's first 24 months.

    build : what the pool brings in less its cost. pilot : three quarters of that where the pool pays, less a sixteenth
    of its cost (a quarter of it for six of 24 months). fix first : the pool with the best number of promotions, begun a
    quarter later. do not, and cannot be judged : nothing.

    Example
    -------
    >>> truth = Truth(0.5, 1.5, 0.1, net=-100.0, costs=800.0, messages={}, sent=0.0, selection="observed")
    >>> worth_of_verdicts(truth)
    {'build': -100.0, 'pilot': -50.0, 'fix first': -87.5, 'do not': 0.0, 'cannot be judged': 0.0}
    """
    fixed = FIX_KEEPS * (truth.net + truth.gain_from_messages)
    pilot = PILOT_KEEPS * max(truth.net, 0.0) - PILOT_COSTS * truth.costs
    return dict(zip(VERDICTS, (truth.net, pilot, fixed, 0.0, 0.0), strict=True))


def worth_of_messages(truth: Truth, number: float) -> float:
    """Contribution of the brand at a number of promotions a month, on a line between those that were simulated.

    Beyond the last of them it goes on as if no more were sent.

    Example
    -------
    >>> truth = Truth(0.5, 1.5, 0.1, 0.0, 0.0, {0.0: 100.0, 4.0: 140.0}, sent=4.0, selection="observed")
    >>> worth_of_messages(truth, 1.0)
    110.0
    """
    known = sorted(truth.messages)
    if number <= known[0] or len(known) == 1:
        return truth.messages[known[0]]
    for before, after in itertools.pairwise(known):
        if number <= after:
            share = (number - before) / (after - before)
            return truth.messages[before] + share * (truth.messages[after] - truth.messages[before])
    return truth.messages[known[-1]]


def shares(form: Mapping[str, Any], truth: Truth) -> dict[str, float]:
    """How much of its points each answer of a form gets, from 0 to 1; an item that truth cannot tell is left out.

    Raises
    ------
    ValueError
        As `brief_form.read_form`.
    """
    said, found = read_form(form, items_of(truth)), {}
    worth = worth_of_verdicts(truth)
    stake = max(max(worth.values()) - min(worth.values()), LEAST_AT_STAKE * truth.costs)
    found["verdict"] = 1 - (max(worth.values()) - worth[said["verdict"]]) / stake if stake > 0 else 1.0
    found["gain"] = _interval_share(said["gain"], truth.gain, NO_POINTS_AT["gain"] * truth.without)
    if "growth" in said:
        found["growth"] = _interval_share(said["growth"], truth.growth, NO_POINTS_AT["growth"])
    found["probability"] = 1 - brier_score(said["probability"], truth.pays)
    found["evidence"] = HONESTY[truth.selection][said["evidence"]]
    if "messages" in said:
        most, least = max(truth.messages.values()), min(truth.messages.values())
        lost = most - worth_of_messages(truth, said["messages"])
        found["messages"] = 1 - lost / (most - least) if most > least else 1.0
    return {item: min(max(share, 0.0), 1.0) for item, share in found.items()}


def items_of(truth: Truth) -> tuple[str, ...]:
    """The items that are scored on a brand: all, less those that its truth cannot tell."""
    untold = {"growth": truth.growth is None, "messages": not truth.messages}
    return tuple(item for item in POINTS if not untold.get(item, False))


def _interval_share(answer: tuple[float, float, float], truth: float, no_points_at: float) -> float:
    score = interval_score(answer[1], answer[2], truth)
    return 1 - score / no_points_at if no_points_at > 0 else float(score == 0)


# --- the table ---


def score(form: Mapping[str, Any], truth: Truth, currency: str = "CNY") -> pd.DataFrame:
    """Score a decision brief: what was answered, what is true, how many points, and why.

    dict  ->  table (item)

    Parameters
    ----------
    form : dict
        See `brief_form.complaints`.
    truth : Truth
    currency : str
        In which the money of the explanations is.

    Returns
    -------
    DataFrame
        One row an item in the order of `POINTS`: item, zh, en (its name), answer_zh, answer_en, truth_zh, truth_en,
        points, most (how many there are), why_zh, why_en. The points of all items together are at most 100: an item
        that the truth cannot tell is left out, and its points go to the others in proportion.

    Raises
    ------
    ValueError
        As `brief_form.read_form`.

    Example
    -------
    >>> truth = Truth(0.5, 1.5, 0.1, net=-100.0, costs=800.0, messages={}, sent=0.0, selection="observed")
    >>> form = {"verdict": "do not", "gain": (0.5, 0.5, 0.5), "growth": (0.1, 0.1, 0.1), "probability": 0,
    ...         "evidence": "suggestive"}
    >>> total(score(form, truth)), total(score(form | {"verdict": "build", "evidence": "strong"}, truth))
    (100.0, 77.8)
    """
    said, found = read_form(form, items_of(truth)), shares(form, truth)
    whole = sum(POINTS[item] for item in found)
    rows = []
    for item, share in found.items():
        most = 100 * POINTS[item] / whole
        given = [_answer_text(item, said[item], lang, currency) for lang in words.LANGUAGES]
        true = [_truth_text(item, truth, lang, currency) for lang in words.LANGUAGES]
        rows.append((item, *ITEMS[item], *given, *true, most * share, most, *_why(item, said[item], truth, currency)))
    return pd.DataFrame(rows, columns=TABLE_COLUMNS)


def total(table: pd.DataFrame) -> float:
    """The points of a whole form, from 0 to 100, to one decimal."""
    return round(float(table["points"].sum()), 1)


def compare(forms: Mapping[str, Mapping[str, Any]], truth: Truth) -> pd.DataFrame:
    """Points of several forms side by side, best first: of teams, and of answers to compare them with.

    dict (name -> form)  ->  table (form)

    Returns
    -------
    DataFrame
        One row a form: name, points, and the points of each item in the order of `POINTS`. A form that is not complete
        comes last with blanks.
    """
    rows = []
    for name, form in forms.items():
        if complaints(form, items_of(truth)):
            rows.append({"name": str(name)})
            continue
        made = score(form, truth)
        rows.append({"name": str(name), "points": total(made)} | dict(zip(made["item"], made["points"], strict=True)))
    columns = ["name", "points", *items_of(truth)]
    return pd.DataFrame(rows, columns=columns).sort_values("points", ascending=False, kind="stable", ignore_index=True)


def rules() -> pd.DataFrame:
    """How each item is scored, in words: what a class reads before it fills in the form.

    table (item): item, zh, en (its name), most (points), rule_zh, rule_en
    """
    said = {name: RULES[name] for name in POINTS}
    rows = [(name, *ITEMS[name], POINTS[name], *said[name]) for name in POINTS]
    return pd.DataFrame(rows, columns=["item", "zh", "en", "most", "rule_zh", "rule_en"])


_PILOT = (f"{PILOT_KEEPS:.0%}", "1/16", f"{FIX_KEEPS:.1%}")
RULES = {
    "verdict": Words(
        f"按结论在真相下值多少钱计分：建，拿到私域的真实净值；先试点，净值为正时拿到它的 {_PILOT[0]}，另付全部费用的"
        f" {_PILOT[1]}；先修正，把消息改到最合适，再拿到 {_PILOT[2]}；不建、无法判断，都是零。比最好的少拿多少，"
        f"按全部可能的差距折成分数，差距至少按费用的 {LEAST_AT_STAKE:.0%} 算。",
        f"By what the verdict is worth under the truth: build, the pool's true net value; pilot, {_PILOT[0]} of it if "
        f"it is above zero, less {_PILOT[1]} of all costs; fix first, {_PILOT[2]} of it with the best number of "
        "promotions; do not and cannot be judged, nothing. What is lost against the best verdict counts as a share of "
        f"all that could be lost, but of no less than {LEAST_AT_STAKE:.0%} of the costs.",
    ),
    "gain": Words(
        "区间得分：区间的宽度，加上没有盖住真值时差多少的二十倍；等于“不加入时订单数的四倍”就是零分，越小分越高。",
        "Interval score: the width, and twenty times by how much the truth is missed; no points at four times the "
        "orders made without the pool, more the smaller it is.",
    ),
    "growth": Words(
        f"同样的区间得分；达到每年 {NO_POINTS_AT['growth']:.0%} 就是零分。",
        f"The same interval score; no points from {NO_POINTS_AT['growth']:.0%} a year on.",
    ),
    "probability": Words(
        "布里尔得分：（概率－结果）的平方，划算结果为一，不划算为零；平方是多少就扣几成。",
        "Brier score: the square of (probability - outcome), the outcome being one if the pool pays and zero if not; "
        "that share of the points is lost.",
    ),
    "evidence": Words(
        "看是不是说过了头：谁加入取决于看不见的购买意愿时，说“证据充分”得零分，说“无法判定”得满分；有抽签时反过来，说"
        "“无法判定”要扣分。",
        "By whether more is claimed than the data can carry: where who joins depends on what no table holds, strong "
        "has no points and not identified all; where some were invited by lot, not identified loses some.",
    ),
    "messages": Words(
        "按发这么多条、品牌少剩多少钱计分：和最合适的条数比，占最好与最差之差的几成就扣几成。",
        "By the money the brand is left with at that number: what is lost against the best number, as a share of the "
        "gap between the best and the worst.",
    ),
}


def _answer_text(item: str, answer: Any, lang: str, currency: str) -> str:
    if item in CHOICES:
        return SAID[item][answer].text(lang)
    if item in ("gain", "growth"):
        unit = {"gain": "orders per customer", "growth": "growth a year"}[item]
        return fit_views.in_unit(answer[0], answer[1:], unit, currency)[words.LANGUAGES.index(lang)]
    unit = {"probability": "probability", "messages": "messages a month"}[item]
    return words.value_text(answer, unit, lang, currency)


def _truth_text(item: str, truth: Truth, lang: str, currency: str) -> str:
    if item == "verdict":
        worth = worth_of_verdicts(truth)
        return VERDICT_WORDS[max(worth, key=worth.get)].text(lang)
    if item == "evidence":
        best = max(HONESTY[truth.selection], key=HONESTY[truth.selection].get)
        return EVIDENCE_WORDS[best].text(lang)
    if item == "probability":
        return Words("划算", "it pays").text(lang) if truth.pays else Words("不划算", "it does not pay").text(lang)
    number, unit = {
        "gain": (truth.gain, "orders per customer"),
        "growth": (truth.growth, "growth a year"),
        "messages": (truth.best_messages, "messages a month"),
    }[item]
    return words.value_text(number, unit, lang, currency)


def _why(item: str, answer: Any, truth: Truth, currency: str) -> Words:
    """One sentence on how the points of an item came about, with the figures behind them."""

    def money(value: float) -> Words:
        return Words(*(words.value_text(value, "money", lang, currency) for lang in words.LANGUAGES))

    if item == "verdict":
        worth = worth_of_verdicts(truth)
        return filled(
            Words("私域头二十四个月的净值是 {}；这个结论值 {}，最好的值 {}。",
                  "Over its first 24 months the pool was worth {}; this verdict is worth {}, the best one {}."),
            money(truth.net), money(worth[answer]), money(max(worth.values())),
        )  # fmt: skip
    if item in ("gain", "growth"):
        true = truth.gain if item == "gain" else truth.growth
        at = NO_POINTS_AT[item] * (truth.without if item == "gain" else 1.0)
        bad, wide = interval_score(answer[1], answer[2], true), answer[2] - answer[1]
        inside = Words("盖住了真值", "holds the truth") if bad == wide else Words("没有盖住真值", "misses the truth")
        return filled(
            Words("区间{}；宽 {}，区间得分 {}，到 {} 就是零分。",
                  "The interval {}; it is {} wide and scores {}, with no points from {} on."),
            inside, f"{wide:.3g}", f"{bad:.3g}", f"{at:.3g}",
        )  # fmt: skip
    if item == "probability":
        return filled(Words("差的平方是 {}。", "The square of the difference is {}."),
                       f"{brier_score(answer, truth.pays):.3g}")  # fmt: skip
    if item == "evidence":
        said = SELECTION_WORDS[truth.selection]
        return Words(f"{said.zh}。", f"{said.en[0].upper()}{said.en[1:]}.")
    lost = max(truth.messages.values()) - worth_of_messages(truth, answer)
    return filled(
        Words("品牌每月发 {}；按你的条数，比最合适的少剩 {}。",
              "The brand sends {}; at your number it is left with {} less than at the best one."),
        Words(*(words.value_text(truth.sent, "messages a month", lang, currency) for lang in words.LANGUAGES)),
        money(lost),
    )  # fmt: skip
