"""Exercises: an answer comes in, and what can be said about it goes out, without giving the right one away.

An exercise knows its right answer, how near one has to come, and the wrong answers that people commonly give, each
with what led to it. All of them are computed from the brand's tables: another brand, or other dates, and they move.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from siyu_helpers.analysis.estimates import Words

#: A number, the letter of a choice, names in order, or numbers by name (credit by channel).
Answer = float | str | tuple[str, ...] | Mapping[str, float]
Kind = Literal["right", "recognised", "not yet", "no answer"]

NO_ANSWER = Words("还没有作答。", "No answer yet.")
NOT_A_NUMBER = Words(
    "答案应当是一个数；这里得到的不是数，或者是空值。看看计算里是不是除以了零，或者把整列当成了一个数。",
    "The answer should be one number; this is none, or an empty one. Is there a division by zero, or a whole column "
    "where one number is meant?",
)
TEXT_FOR_NUMBER = Words(
    "答案应当是一个数；这里得到的是文字。去掉引号、逗号和百分号，写成数字。",
    "The answer should be one number; this is text. Write it as a number, without quotes, commas or a percent sign.",
)
MANY_FOR_ONE = Words(
    "答案应当是一个数；这里得到的是一串数或一张表。还差一步：选出要的那一个，或者加总、求平均。",
    "The answer should be one number; this is several, or a table. One step is missing: pick the one asked for, or add "
    "up, or take the mean.",
)
NOT_A_CHOICE = Words("答案应当是这些选项之一：{}。", "The answer should be one of: {}.")
NOT_NAMES = Words(
    "答案应当是一串名称，按题目要求的顺序排列，名称取自：{}。",
    "The answer should be a list of names in the order asked for, taken from: {}.",
)
NOT_BY_NAME = Words(
    "答案应当给这些名称各一个数：{}。",
    "The answer should give a number for each of: {}.",
)
PERCENT = Words(
    "数字对得上，单位不对：题目要的是比例（在零和一之间），这里给的是百分数。除以一百再试。",
    "The figure fits, the unit does not: a share between zero and one is asked for, this is a percentage. Divide by "
    "a hundred and try again.",
)
SHARE = Words(
    "数字对得上，单位不对：这里给的是比例，题目要的数是它的一百倍。",
    "The figure fits, the unit does not: this is a share, and a hundred times that is asked for.",
)
TOO_HIGH = Words("还不对：偏高。", "Not yet: too high.")
TOO_LOW = Words("还不对：偏低。", "Not yet: too low.")
NOT_YET = Words("还不对。", "Not yet.")


@dataclass(frozen=True)
class WrongAnswer:
    """An answer that is often given and is wrong: what comes out, and what led to it.

    Parameters
    ----------
    name : str
        Short name of the mistake, such as "zeros_for_unobserved_months".
    value : float, str, tuple of str or dict
        What the mistake gives on this brand; of the same kind as the right answer.
    explanation : Words
        What went wrong and what to do instead; it must not contain the right answer.
    """

    name: str
    value: Answer
    explanation: Words

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _plain(self.value))


@dataclass(frozen=True)
class Exercise:
    """One question of a lesson: its right answer and how others are answered.

    Parameters
    ----------
    key : str
        Name by which the notebook asks for the check.
    right : float, str, tuple of str or dict
        The right answer. A tuple is an order of names; a dict gives a number for each name.
    unit : str
        Unit code of the number as `reporting.words` knows it; "" for choices and names.
    tolerance : float
        How far from the right number an answer may be and still be right, in the unit of the answer.
    confirmation : Words
        Said to a right answer: what it means, in a sentence.
    hint : Words
        Said to an answer that is not recognised.
    wrong : tuple of WrongAnswer
        The common mistakes.
    choices : tuple of str
        What may be chosen, or the names to be put in order; empty for numbers.

    Raises
    ------
    ValueError
        Where the exercise could not tell its answers apart: a number without tolerance, a wrong answer that passes
        for right, two mistakes that give the same, a choice that is not among the choices.

    Example
    -------
    >>> zeros = WrongAnswer("counted_everybody", 0.30, Words("分母多了人", "the denominator has too many people"))
    >>> right, hint = Words("对", "Right"), Words("想想分母", "Who is counted?")
    >>> question = Exercise("share_back", 0.40, "share", 0.002, right, hint, (zeros,))
    >>> question.check(0.4011).kind, question.check(0.30).name, question.check(40).text.en[:19]
    ('right', 'counted_everybody', 'The figure fits, th')
    """

    key: str
    right: Answer
    unit: str
    tolerance: float
    confirmation: Words
    hint: Words
    wrong: tuple[WrongAnswer, ...] = ()
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "right", _plain(self.right))
        object.__setattr__(self, "choices", tuple(map(_name, self.choices)))
        if not isinstance(self.right, str | tuple) and not (self.tolerance > 0):
            raise ValueError(f"{self.key}: a number needs a tolerance above 0, in the unit of the answer")
        answers = [("right", self.right), *((mistake.name, mistake.value) for mistake in self.wrong)]
        for name, value in answers:
            if _complaint(self, value) is not None:
                raise ValueError(f"{self.key}: {name} is {value!r}, which is not an answer to this question")
        for at, (name, value) in enumerate(answers):
            same = next((other for other, given in answers[:at] if _distance(self, value, given) <= 1), None)
            if same is not None:
                raise ValueError(f"{self.key}: {name} and {same} give the same answer on these data")

    def check(self, answer: Any) -> "Reply":
        """What to say about an answer.

        answer  ->  Reply

        Parameters
        ----------
        answer : any
            What the student's cell computed; `...` and None are no answer. A table or column with one value counts
            as that value.

        Returns
        -------
        Reply
            kind "right", "recognised" (a common mistake, in `name`), "not yet" or "no answer"; text in both languages.
        """
        if answer is None or answer is Ellipsis:
            return Reply("no answer", "", NO_ANSWER)
        answer = _plain(answer)
        complaint = _complaint(self, answer)
        if complaint is not None:
            return Reply("not yet", "", complaint)
        if _distance(self, answer, self.right) <= 1:
            return Reply("right", "", self.confirmation)
        near = min(self.wrong, key=lambda mistake: _distance(self, answer, mistake.value), default=None)
        if near is not None and _distance(self, answer, near.value) <= 1:
            return Reply("recognised", near.name, near.explanation)
        return self._unit_slip(answer) or Reply("not yet", "", _joined(self._direction(answer), self.hint))

    def _unit_slip(self, answer: Answer) -> "Reply | None":
        """A percentage for a share, or the other way round."""
        if not isinstance(self.right, float | int):
            return None
        if self.unit in ("share", "probability") and _distance(self, answer / 100, self.right) <= 1:
            return Reply("recognised", "percent_for_share", PERCENT)
        if self.unit == "percentage points" and _distance(self, answer * 100, self.right) <= 1:
            return Reply("recognised", "share_for_percent", SHARE)
        return None

    def _direction(self, answer: Answer) -> Words:
        if isinstance(self.right, float | int):
            return TOO_HIGH if answer > self.right else TOO_LOW
        return NOT_YET


@dataclass(frozen=True)
class Reply:
    """What is said about an answer: its kind, the name of the mistake where one was recognised, and the text."""

    kind: Kind
    name: str
    text: Words


def _joined(first: Words, second: Words) -> Words:
    return Words(first.zh + second.zh, f"{first.en} {second.en}")


def _plain(answer: Any) -> Any:
    """A number out of numpy or pandas as a float, names as a tuple, a column by name as a dict."""
    if hasattr(answer, "to_dict") and hasattr(answer, "index") and getattr(answer, "ndim", 1) == 1 and len(answer) > 1:
        return {_name(name): value for name, value in answer.to_dict().items()}
    if hasattr(answer, "to_numpy") and getattr(answer, "size", 0) == 1:
        answer = answer.to_numpy()
    if hasattr(answer, "item") and getattr(answer, "size", 1) == 1:
        answer = answer.item()
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, float | int):
        return float(answer)
    if isinstance(answer, str):
        return answer.strip().lower()
    if isinstance(answer, Mapping):
        return {_name(name): value for name, value in answer.items()}
    if hasattr(answer, "__iter__"):
        return tuple(_name(name) for name in answer)
    return answer


def _name(name: Any) -> str:
    return str(name).strip().lower()


def _number(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def _complaint(exercise: Exercise, answer: Any) -> Words | None:
    """Why something is no answer to the question at all; None where it is one."""
    right = exercise.right
    if isinstance(right, str):
        wrong, said = answer not in exercise.choices, NOT_A_CHOICE
    elif isinstance(right, tuple):
        wrong, said = not isinstance(answer, tuple) or not set(answer) <= set(exercise.choices), NOT_NAMES
    elif isinstance(right, Mapping):
        wrong = not isinstance(answer, Mapping) or set(answer) != set(right) or not all(map(_number, answer.values()))
        return _filled(NOT_BY_NAME, right) if wrong else None
    else:
        return None if _number(answer) else _no_number(answer)
    return _filled(said, exercise.choices) if wrong else None


def _no_number(answer: Any) -> Words:
    if isinstance(answer, str):
        return TEXT_FOR_NUMBER
    return MANY_FOR_ONE if isinstance(answer, Mapping | tuple) else NOT_A_NUMBER


def _filled(said: Words, names: Any) -> Words:
    return Words(said.zh.format("、".join(names)), said.en.format(", ".join(names)))


def _distance(exercise: Exercise, one: Answer, other: Answer) -> float:
    """How far two answers are apart, in tolerances; names are the same or endlessly far."""
    if isinstance(exercise.right, str | tuple):
        return 0.0 if one == other else math.inf
    if isinstance(exercise.right, Mapping):
        return max(abs(one[name] - other[name]) for name in exercise.right) / exercise.tolerance
    # A hair above one tolerance is rounding of the sum, not of the answer.
    return abs(one - other) / exercise.tolerance * (1 - 1e-9)
