"""The verdict on a pool, by rules that are the same for every brand: build, pilot, fix first, do not, cannot be judged.

The rules are asked in order, and the first that fails gives the verdict; where all hold, the verdict is to build. What
is asked first is whether the brand's own figures can answer at all; then whether the pool could pay if everything that
was measured were true; then whether it leaks; and only then whether it pays surely enough, and on what evidence.

One account that holds most of the pool is no rule here: a second account costs little and can be opened while the pool
is built. It belongs to the next steps.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.brand_evidence import NOT_JOINED
from siyu_helpers.analysis.effect.verdict_words import LEVEL_WORDS
from siyu_helpers.analysis.effect.verdicts import LEVELS, NOT_IDENTIFIED
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Words, wilson
from siyu_helpers.analysis.pool.effect_inputs import FACE_VALUE_SHARE
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ASSUMED, PoolInputs, typical_of
from siyu_helpers.analysis.pool.value import PoolValue, flows

BUILD, PILOT, FIX_FIRST, DO_NOT, CANNOT_BE_JUDGED = VERDICTS = (
    "build", "pilot", "fix first", "do not", "cannot be judged",
)  # fmt: skip
VERDICT_WORDS = {
    BUILD: Words("建", "Build"),
    PILOT: Words("先试点", "Pilot"),
    FIX_FIRST: Words("先修正", "Fix first"),
    DO_NOT: Words("不建", "Do not build"),
    CANNOT_BE_JUDGED: Words("凭这些表无法判断", "Cannot be judged from these tables"),
}
BUILD_AT = 0.80  # probability that the pool pays, from which on it is built
DO_NOT_AT = 0.10  # probability up to which it is left, even if what was measured is all true
TOO_MANY = "too many"  # of `pool_effect.frequency_verdict`: a lot has settled that fewer promotions earn more
EFFECT = ("uplift",)
RUNNING_COSTS = ("staff_cost", "tool_cost", "content_cost", "service_cost")

RULES = {  # in the order asked: rule -> verdict where it fails, what is asked
    "own_figures": (CANNOT_BE_JUDGED, Words(
        "加入的效果或私域的运营费用，至少有一项来自本品牌的表，或由手工给定",
        "the effect of joining or the pool's running cost comes from the brand's own tables, or was given by hand",
    )),
    "could_pay": (DO_NOT, Words(
        "往好处估（效果无法判定时照表面估计全算，能修正的都已修正），期末净值为正的可能性值得一试",
        "read favourably (an effect that is not identified taken as measured, faults put right) the probability that "
        "the pool pays is worth a try",
    )),
    "no_leak": (FIX_FIRST, Words(
        "没有已经坐实、又能修正的毛病：促销消息并未多到得不偿失",
        "nothing is proven wrong that can be put right: promotions are not shown to be too many",
    )),
    "effect": (PILOT, Words(
        "加入的效果证据充分或有一定证据，或由手工给定",
        "the evidence for the effect of joining is strong or suggestive, or the effect was given by hand",
    )),
    "costs": (PILOT, Words(
        "私域的运营费用来自本品牌的表，或由手工给定",
        "the pool's running cost comes from the brand's own tables, or was given by hand",
    )),
    "pays": (PILOT, Words("期末净值为正的可能性够大", "the probability that the pool pays is high enough")),
}  # fmt: skip
BECAUSE = {  # what decided, in one sentence; "all": nothing failed
    "all": Words(
        "回本的把握够大，加入的效果和私域的费用都有据可查",
        "the pool is likely enough to pay, and both the effect of joining and its costs rest on evidence",
    ),
    "own_figures": Words(
        "表里看不到加入的效果，也没有私域的运营费用，算出来的只会是假设",
        "the tables show neither what joining does nor what the pool costs to run, so any value would be an assumption",
    ),
    "could_pay": Words(
        "即使往好处估，私域多带来的钱也很难盖过它的费用",
        "even read favourably, what the pool adds is very unlikely to cover what it costs",
    ),
    "no_leak": Words(
        "随机抽签的对照已坐实：促销消息发得过多，客户因此退出；先把条数降下来，再谈扩大",
        "a random draw has shown that too many promotions are sent and drive customers out; cut them before growing",
    ),
    "pays": Words(
        "可能回本，但把握还不够；先小规模做，到节点看数再决定",
        "the pool may pay, but not surely enough; start small and decide at a set date by the figures",
    ),
    "effect": Words(
        "账面上可能回本，但加入的效果还没有被证实；先做带对照的试点，把效果弄清楚",
        "the pool may pay on paper, but the effect of joining is not established; run a pilot with a control group",
    ),
    "costs": Words(
        "可能回本，但私域的运营费用没有记录，靠的是假设；先小规模做，把费用记下来",
        "the pool may pay, but its running cost is an assumption; start small and record what it costs",
    ),
}
CONDITIONAL = Words("；以手工给定的数字成立为前提", ", provided that the figures given by hand hold")
RULE_COLUMNS = ["rule", "zh", "en", "seen_zh", "seen_en", "needed_zh", "needed_en", "passed", "verdict"]


class Grounds(NamedTuple):
    """What a verdict rests on besides the probability, and the thresholds.

    effect_level : "strong", "suggestive", "not identified here" or "" (no members). own, given : fields of PoolInputs
    that come from the brand's own tables, and that were given by hand. frequency : of `frequency_verdict`. build_at,
    do_not_at : probabilities.
    """

    effect_level: str = ""
    own: frozenset[str] = frozenset()
    frequency: str = "not settled"
    given: frozenset[str] = frozenset()
    build_at: float = BUILD_AT
    do_not_at: float = DO_NOT_AT


@dataclass(frozen=True)
class Decision:
    """The verdict of the brief, and the rules that gave it.

    verdict : one of `VERDICTS`. probability : Estimate or None, that the pool pays; for "fix first" after the fix, for
    "do not" the best there is (repaired, the effect at face value). probability_now : as the pool is run today. Both
    are None where nothing can be judged. rule : the rule that decided, "all" where none failed. zh, en : why, in one
    sentence without figures. rules : DataFrame, one row a rule in the order asked: rule, zh, en (what is asked),
    seen_zh, seen_en, needed_zh, needed_en, passed (blank where it cannot be asked), verdict (where it fails).
    after_fix : the verdict once the leak is repaired, "" where there is none. grounds : Grounds.
    """

    verdict: str
    probability: Estimate | None
    probability_now: Estimate | None
    rule: str
    zh: str
    en: str
    rules: pd.DataFrame = field(repr=False, compare=False)
    after_fix: str = ""
    grounds: Grounds = field(default_factory=Grounds)

    @property
    def words(self) -> Words:
        """The verdict in words."""
        return VERDICT_WORDS[self.verdict]

    def text(self, language: str) -> str:
        """Return why, in "zh" or "en"."""
        return Words(self.zh, self.en).text(language)


def decide(
    result: PoolValue | None,
    *,
    effect_level: str,
    own: Iterable[str],
    frequency: str = "not settled",
    fixed_value: PoolValue | None = None,
    given: Iterable[str] = (),
    build_at: float = BUILD_AT,
    do_not_at: float = DO_NOT_AT,
    level: float = LEVEL,
) -> Decision:
    """Whether to build the pool, pilot it, fix it first or leave it, or that these tables cannot tell.

    PoolValue  ->  Decision (with a table of rules)

    Parameters
    ----------
    result : PoolValue or None
        Of the pool as it would be run today. None: it cannot be computed.
    effect_level : "strong", "suggestive", "not identified here", or "no members" ("")
        Of the verdict on the effect of joining, as `BrandEvidence.level`.
    own : names of fields of PoolInputs
        That come from the brand's own tables.
    frequency : str
        Of `pool_effect.frequency_verdict`; "too many" is a leak.
    fixed_value : PoolValue, optional
        Of the same pool after the leak is repaired, same draws and seed.
    given : names of fields
        Given by hand: they count as known, and the sentence says that the verdict depends on them.
    build_at, do_not_at : float
        Probabilities that the pool pays: from the first on it is built, up to the second it is not.
    level : float
        Of the interval of the probability, which is the error of the simulation alone.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        An unknown level or field, or thresholds out of order.

    Notes
    -----
    To pay is to have a discounted net value above zero at the end of the months. Where the effect is not identified,
    "do not" also asks what would be if it were as measured: the gain then certain (`at_face_value`). Raising an
    input that raises the value of every draw never turns build into pilot, or pilot into do not.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> sound = pool_value(PoolInputs(100, 0.5, (0.2, 0.3, 0.4), 200, 0.4, staff_cost=5000))
    >>> decide(sound, effect_level="strong", own={"uplift", "staff_cost"}).verdict
    'build'
    >>> decide(sound, effect_level="", own={"staff_cost"}).verdict, decide(None, effect_level="", own=()).verdict
    ('pilot', 'cannot be judged')
    """
    level_seen = "" if effect_level == NOT_JOINED else effect_level
    grounds = checked_grounds(Grounds(
        level_seen, frozenset(own), frequency, frozenset(given), float(build_at), float(do_not_at)
    ))  # fmt: skip
    now = paying(result, level) if result is not None else None
    fixed = paying(fixed_value, level, "fixed") if result is not None and fixed_value is not None else None
    best = _best([now, fixed, *_at_face_value([result, fixed_value], grounds, level)]) if now else None
    passed = asked(grounds, now.value if now else None, best.value if best else None)
    rule = deciding_rule(passed)
    verdict = RULES[rule][0] if rule in RULES else BUILD
    after_fix = ""
    if verdict == FIX_FIRST:
        after_fix = verdict_at(grounds._replace(frequency="in range"), (fixed or now).value, best.value)
    if verdict == CANNOT_BE_JUDGED:
        now = fixed = best = None  # a probability by assumptions alone is not stated
    probability = {FIX_FIRST: fixed or now, DO_NOT: best}.get(verdict, now)
    why = BECAUSE[rule]
    if grounds.given and verdict != CANNOT_BE_JUDGED:
        why = Words(why.zh + CONDITIONAL.zh, why.en + CONDITIONAL.en)
    rules = _rules_table(grounds, passed, now, best)
    return Decision(
        verdict, probability, now, rule, f"{why.zh}。", f"{why.en[0].upper()}{why.en[1:]}.", rules, after_fix, grounds
    )


def verdict_at(grounds: Grounds, probability: float | None, best: float | None = None) -> str:
    """The verdict at a probability that the pool pays, as it is and at best (leak repaired, effect at face value).

    Example
    -------
    >>> known = Grounds("strong", frozenset({"uplift", "staff_cost"}))
    >>> [verdict_at(known, probability) for probability in (0.10, 0.11, 0.79, 0.80)]
    ['do not', 'pilot', 'pilot', 'build']
    """
    rule = deciding_rule(asked(grounds, probability, best))
    return RULES[rule][0] if rule in RULES else BUILD


def asked(grounds: Grounds, probability: float | None, best: float | None = None) -> dict[str, bool | None]:
    """Which rules hold, in the order asked; None where a rule cannot be asked because there is no probability.

    Example
    -------
    >>> asked(Grounds("strong", frozenset({"uplift"})), 0.9)
    {'own_figures': True, 'could_pay': True, 'no_leak': True, 'effect': True, 'costs': False, 'pays': True}
    """
    known = grounds.own | grounds.given
    hoped = None if probability is None else max(probability, probability if best is None else best)
    identified = grounds.effect_level in LEVELS and grounds.effect_level != NOT_IDENTIFIED
    return {
        "own_figures": probability is not None and bool(known.intersection(EFFECT + RUNNING_COSTS)),
        "could_pay": None if hoped is None else hoped > grounds.do_not_at,
        "no_leak": grounds.frequency != TOO_MANY,
        "effect": identified or bool(grounds.given.intersection(EFFECT)),
        "costs": bool(known.intersection(RUNNING_COSTS)),
        "pays": None if probability is None else probability >= grounds.build_at,
    }


def deciding_rule(passed: dict[str, bool | None]) -> str:
    """The first rule that does not hold; "all" where all hold.

    The effect and the costs go before a probability that is too small for build: without them it says little.

    Example
    -------
    >>> deciding_rule({"own_figures": True, "could_pay": True, "no_leak": True, "effect": False, "pays": False})
    'effect'
    """
    return next((rule for rule, holds in passed.items() if not holds), "all")


def checked_grounds(grounds: Grounds) -> Grounds:
    """Return the grounds, or raise ValueError where a level, a field or a threshold cannot be.

    Example
    -------
    >>> checked_grounds(Grounds("strong")).build_at
    0.8
    """
    order_log.one_of("effect_level", grounds.effect_level, (*LEVELS, ""))
    unknown = sorted((grounds.own | grounds.given) - set(FIELDS))
    if unknown:
        raise ValueError(f"own or given names {unknown[0]!r}: use fields of PoolInputs")
    if not 0 <= grounds.do_not_at < grounds.build_at <= 1:
        raise ValueError(
            f"do_not_at={grounds.do_not_at!r}, build_at={grounds.build_at!r}: use probabilities, the first smaller"
        )
    return grounds


def paying(result: PoolValue, level: float = LEVEL, how: str = "now") -> Estimate:
    """Probability that the pool pays: share of the draws whose discounted net at the end is above zero.

    PoolValue  ->  Estimate (probability)

    The interval is Wilson's and covers the error of the simulation alone; what the inputs leave open is the probability
    itself. With certain inputs it is 0 or 1, without an interval.

    Parameters
    ----------
    result : PoolValue
    level : float
    how : "now", "fixed" or "face value"
        What the words say of the pool: as it is, with the leak repaired, with the effect taken at face value.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> paying(pool_value(PoolInputs(100, 0.5, 0.3, 200, 0.4, staff_cost=5000))).value
    1.0
    """
    order_log.one_of("how", how, tuple(HOW))
    return _share_above(np.asarray(result.values), result.months, level, HOW[how])


def at_face_value(inputs: PoolInputs) -> PoolInputs:
    """The inputs with the gain from joining taken for certain as it was measured.

    A gain that is not identified is a range between none and more than was measured, and its typical value half of
    that (`effect_inputs`); any other is taken at its typical value.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import Origin
    >>> at_face_value(PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, 0.4)).uplift
    0.2
    >>> at_face_value(PoolInputs(100, 0.5, (0.0, 0.2, 0.5), 200, 0.4, origins={"uplift": Origin(ASSUMED)})).uplift
    0.4
    """
    gain = inputs.uplift
    if isinstance(gain, tuple) and inputs.origin("uplift").kind == ASSUMED:
        return inputs.replaced(uplift=min(gain[1] / FACE_VALUE_SHARE, gain[2]))
    return inputs.replaced(uplift=typical_of(gain))


HOW = {
    "now": Words("", ""),
    "fixed": Words("，消息降到合适的条数之后", ", promotions cut to the right number"),
    "face value": Words("，加入的效果照表面估计全算", ", the effect taken as measured"),
}


def _best(found: list[Estimate | None]) -> Estimate:
    return max((each for each in found if each is not None), key=lambda each: each.value)


def _at_face_value(results: list[PoolValue | None], grounds: Grounds, level: float) -> list[Estimate]:
    """Where the effect is not identified its range reaches down to nothing: what if it were as measured?"""
    if grounds.effect_level != NOT_IDENTIFIED:
        return []
    found = []
    for result in results:
        if result is not None and "uplift" in result.inputs.uncertain():
            drawn = result.drawn | {"uplift": np.array([typical_of(at_face_value(result.inputs).uplift)])}
            values = flows(drawn, result.months)["cumulative"][-1]
            found.append(_share_above(values, result.months, level, HOW["face value"]))
    return found


def _share_above(values: np.ndarray, months: int, level: float, how: Words) -> Estimate:
    above, draws = int((values > 0).sum()), len(values)
    words = Words(
        f"私域 {months} 个月的折现净值为正的可能性{how.zh}：按各项输入的范围模拟，净值为正的次数 ÷ 模拟次数；"
        "这里的区间只是模拟误差",
        f"probability that the discounted net value over {months} months is above zero{how.en}: share of simulations "
        "over the ranges of the inputs; interval of the simulation's error alone",
    )
    if draws == 1:
        return Estimate.exact(float(above), 1, "probability", words, paying)
    low, high = (float(end) for end in wilson(above, draws, level))
    return Estimate(above / draws, low, high, level, draws, "probability", words, paying)


def thresholds(build_at: float = BUILD_AT, do_not_at: float = DO_NOT_AT) -> dict[str, Estimate]:
    """The two thresholds of the rules as numbers of a page.

    Example
    -------
    >>> {key: number.value for key, number in thresholds().items()}
    {'build_at': 0.8, 'do_not_at': 0.1}
    """
    words = {
        "build_at": Words(
            "概率不低于此数才建（本手册的约定）", "probability from which on it is built (our convention)"
        ),
        "do_not_at": Words(
            "概率不高于此数则不建（本手册的约定）", "probability up to which it is not built (our convention)"
        ),
    }
    values = {"build_at": build_at, "do_not_at": do_not_at}
    return {key: Estimate.exact(values[key], 0, "probability", words[key], thresholds) for key in words}


# --- the table of rules ---


def _rules_table(grounds: Grounds, passed: dict[str, bool | None], now, best) -> pd.DataFrame:
    seen, needed = _seen(grounds, now, best), _needed(grounds)
    rows = [(rule, *asks, *seen[rule], *needed[rule], passed[rule], verdict) for rule, (verdict, asks) in RULES.items()]
    return pd.DataFrame(rows, columns=RULE_COLUMNS)


def _seen(grounds: Grounds, now: Estimate | None, best: Estimate | None) -> dict[str, Words]:
    level = LEVEL_WORDS.get(grounds.effect_level, Words("没有私域客户", "nobody in a pool"))
    many = (
        Words("促销消息已坐实过多", "promotions shown to be too many")
        if grounds.frequency == TOO_MANY
        else Words("未坐实过多", "not shown to be too many")
    )
    return {
        "own_figures": _origins(grounds, EFFECT + RUNNING_COSTS),
        "could_pay": _percent(best),
        "no_leak": many,
        "pays": _percent(now),
        "effect": _given(grounds, EFFECT) or Words(level.zh, level.en[0].lower() + level.en[1:]),
        "costs": _origins(grounds, RUNNING_COSTS),
    }


def _needed(grounds: Grounds) -> dict[str, Words]:
    above, at_least = f"> {grounds.do_not_at:.0%}", f"≥ {grounds.build_at:.0%}"
    one, good = Words("至少一项", "at least one"), Words("至少有一定证据", "suggestive at least")
    no = Words("未坐实过多", "not shown to be too many")
    return {"own_figures": one, "could_pay": Words(above, above), "no_leak": no, "pays": Words(at_least, at_least),
            "effect": good, "costs": one}  # fmt: skip


def _percent(number: Estimate | None) -> Words:
    # Two digits after the point: a probability just short of a threshold must not read as if it had met it.
    text = "–" if number is None else f"{number.value:.2%}"
    return Words(text, text)


def _given(grounds: Grounds, names: tuple[str, ...]) -> Words | None:
    return Words("手工给定", "given by hand") if grounds.given.intersection(names) else None


def _origins(grounds: Grounds, names: tuple[str, ...]) -> Words:
    known = [FIELDS[name].label for name in names if name in grounds.own | grounds.given]
    if not known:
        return Words("都没有", "nothing")
    return Words("、".join(each.zh for each in known), ", ".join(each.en.lower() for each in known))
