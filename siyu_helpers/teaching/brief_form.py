"""The form of a decision brief: what a team fills in, read and held against what it should be.

>>> sorted(complaints({"verdict": "build"}, ("verdict", "probability")))
['probability']
"""

import math
from collections.abc import Mapping
from typing import Any

from siyu_helpers.analysis.decision_brief import VERDICT_WORDS
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.reporting import words

VERDICTS = tuple(VERDICT_WORDS)
EVIDENCE = ("strong", "suggestive", "not identified here")
EVIDENCE_WORDS = {name: Words(words.EVIDENCE[name]["zh"], words.EVIDENCE[name]["en"]) for name in EVIDENCE}
#: What is scored, and for how many points.
POINTS = {"verdict": 25, "gain": 20, "growth": 15, "probability": 15, "evidence": 15, "messages": 10}
NOT_SCORED = ("find_out", "trade_off")
ITEMS = {
    "verdict": Words("结论", "Verdict"),
    "gain": Words("每位加入者九十天内多下的订单", "Orders gained per joiner within ninety days"),
    "growth": Words("投放获客成本的年增速", "Growth of the paid acquisition cost a year"),
    "probability": Words("私域头二十四个月划算的概率", "Probability that the pool pays within its first 24 months"),
    "evidence": Words("加入的效果，证据有多强", "How strong the evidence for the effect of joining is"),
    "messages": Words("每月发几条促销消息", "Promotions to send a month"),
    "find_out": Words("下一步最想弄清的一个数（不计分）", "The one number to find out next (not scored)"),
    "trade_off": Words("课堂上争论过的取舍（不计分）", "What the team weighed (not scored)"),
}

CHOICES = {"verdict": VERDICTS, "evidence": EVIDENCE}
SAID = {"verdict": VERDICT_WORDS, "evidence": EVIDENCE_WORDS}
MISSING = Words("还缺“{}”。", "“{}” is still missing.")
NOT_ONE_OF = Words("“{}”应当是这些之一（写字母或文字）：{}。", "“{}” should be one of these, by letter or word: {}.")
NOT_AN_INTERVAL = Words(
    "“{}”应当是三个数（估计值，下限，上限），从下限到上限依次不减。",
    "“{}” should be three numbers (value, low, high), the value not outside low and high.",
)
NOT_A_SHARE = Words(
    "“{}”应当写成比例：百分之十五写 0.15。这里的数太大。",
    "“{}” should be a share: 15 percent is written 0.15. The number is too large.",
)
NOT_A_PROBABILITY = Words("“{}”应当在 0 和 1 之间。", "“{}” should be between 0 and 1.")
NOT_A_NUMBER_OF_MESSAGES = Words("“{}”应当是 0 到 60 之间的数。", "“{}” should be a number from 0 to 60.")
#: A form with a key that nobody asked for: usually a slip of the pen.
UNKNOWN = Words("没有“{}”这一项；有：{}。", "There is no “{}” on the form; there are: {}.")


def complaints(form: Mapping[str, Any], scored: tuple[str, ...] = tuple(POINTS)) -> dict[str, Words]:
    """What a form still lacks, or has in a way that cannot be read.

    dict  ->  dict (item -> Words), empty where the form is complete

    Parameters
    ----------
    form : dict
        verdict : letter or word of `decision_brief.VERDICTS`, in English or Chinese. gain, growth : (value, low, high)
        with 90% certainty; orders per joiner, and a share a year. probability : 0 to 1. evidence : letter or word of
        `EVIDENCE`. messages : promotions a month. find_out, trade_off : text, not scored. `...`, None and "" are
        missing.
    scored : tuple of str
        Items that are asked for.

    Example
    -------
    >>> found = complaints({"verdict": "b", "probability": 40}, ("verdict", "probability", "evidence"))
    >>> {item: said.en for item, said in found.items()}  # doctest: +ELLIPSIS
    {'probability': '“Probability that ...” should be between 0 and 1.', 'evidence': '“How ...” is still missing.'}
    """
    found = {}
    for item in scored:
        if (said := _complaint(item, form.get(item))) is not None:
            found[item] = said
    for item in form:
        if item not in ITEMS:
            found[str(item)] = filled(UNKNOWN, str(item), Words("、".join(ITEMS), ", ".join(ITEMS)))
    return found


def read_form(form: Mapping[str, Any], scored: tuple[str, ...] = tuple(POINTS)) -> dict[str, Any]:
    """A complete form with its answers as they are scored: words for letters, floats for numbers.

    Raises
    ------
    ValueError
        The form is not complete; the message says what is missing or cannot be read, in both languages.

    Example
    -------
    >>> read_form({"verdict": "先试点", "probability": 0.4}, ("verdict", "probability"))
    {'verdict': 'pilot', 'probability': 0.4}
    """
    found = complaints(form, scored)
    if found:
        raise ValueError(" ".join(f"{said.zh} {said.en}" for said in found.values()))
    return {item: _read(item, form[item]) for item in scored}


def _complaint(item: str, answer: Any) -> Words | None:
    if answer is None or answer is Ellipsis or (isinstance(answer, str) and not answer.strip()):
        return filled(MISSING, ITEMS[item])
    if item in CHOICES:
        if _choice(item, answer) is None:
            letters = [f"{chr(97 + at)} {name}" for at, name in enumerate(CHOICES[item])]
            zh = "、".join(f"{chr(97 + at)} {SAID[item][name].zh}" for at, name in enumerate(CHOICES[item]))
            return filled(NOT_ONE_OF, ITEMS[item], Words(zh, ", ".join(letters)))
        return None
    if item in ("gain", "growth"):
        ends = _three(answer)
        if ends is None or not ends[1] <= ends[0] <= ends[2]:
            return filled(NOT_AN_INTERVAL, ITEMS[item])
        return filled(NOT_A_SHARE, ITEMS[item]) if item == "growth" and abs(ends[0]) > 2 else None
    number = _number(answer)
    if item == "probability":
        return None if number is not None and 0 <= number <= 1 else filled(NOT_A_PROBABILITY, ITEMS[item])
    return None if number is not None and 0 <= number <= 60 else filled(NOT_A_NUMBER_OF_MESSAGES, ITEMS[item])


def _read(item: str, answer: Any) -> Any:
    if item in CHOICES:
        return _choice(item, answer)
    return _three(answer) if item in ("gain", "growth") else _number(answer)


def _choice(item: str, answer: Any) -> str | None:
    """The choice that a letter or word stands for, in either language."""
    if not isinstance(answer, str):
        return None
    text, names = answer.strip().lower().strip(".()（）。"), CHOICES[item]
    known = {chr(97 + at): name for at, name in enumerate(names)} | {name: name for name in names}
    known |= {said.text(lang).lower(): name for name, said in SAID[item].items() for lang in words.LANGUAGES}
    known |= {"not identified": EVIDENCE[2], "无法判定": EVIDENCE[2]} if item == "evidence" else {}
    return known.get(text)


def _three(answer: Any) -> tuple[float, float, float] | None:
    """Value, low and high of an answer: three numbers, or anything that has those names, such as an Estimate."""
    if all(hasattr(answer, name) for name in ("value", "low", "high")):
        answer = (answer.value, answer.low, answer.high)
    if isinstance(answer, str | Mapping) or not hasattr(answer, "__iter__"):
        return None
    ends = tuple(_number(end) for end in answer)
    return ends if len(ends) == 3 and None not in ends else None


def _number(answer: Any) -> float | None:
    if hasattr(answer, "value") and not callable(answer.value):
        answer = answer.value
    if isinstance(answer, bool | str):
        return None
    try:
        number = float(answer)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def filled(said: Words, *parts: Words | str) -> Words:
    """A sentence in both languages with its gaps filled."""
    both = [part if isinstance(part, Words) else Words(part, part) for part in parts]
    return Words(said.zh.format(*(part.zh for part in both)), said.en.format(*(part.en for part in both)))
