"""What follows from a claim's own numbers: its figures, the assumptions they take, and whether the claim can be so.

Nothing here is estimated. A claim gives some numbers, the rest is assumed and stated; figures are computed at the
typical value of each assumption, and beside them the least and the most that the ranges allow. Opens no files and
draws nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from siyu_helpers.analysis.estimates import Estimate, Refused, Words

CONSISTENT, CANNOT_BE, DEPENDS = VERDICTS = ("consistent", "cannot be", "depends on")
VERDICT_NAMES = {
    CONSISTENT: Words("算得通", "consistent"),
    CANNOT_BE: Words("不成立", "cannot be"),
    DEPENDS: Words("看条件", "depends"),
}
#: A number that is known, or (low, typical, high) where it is assumed.
Range = float | Sequence[float]


class Assumption(NamedTuple):
    """A number that the claim does not give: what it is, its typical value, and the range it is looked at over."""

    words: Words
    value: float
    low: float
    high: float
    unit: str

    @property
    def is_range(self) -> bool:
        """Whether it is a range, and not one number."""
        return self.low < self.high


@dataclass(frozen=True)
class Arithmetic:
    """One claim, worked out.

    Parameters
    ----------
    key : str
        Short name, such as "keyword_price": also the function that made it, and the beginning of its figures' keys.
    claim_id : str
        Row of the register of claims, such as "cl032"; where one calculation serves several, the first of them.
    claim : Words
        What is claimed.
    figures : dict of Estimate or Refused
        What follows: exact numbers, with ..._least and ..._most beside those that take an assumed range.
    assumptions : tuple of Assumption
        What had to be assumed.
    verdict : "consistent", "cannot be" or "depends on"
    reason : Words
        Why, in one sentence without figures.
    missing : Words
        What would have to be known to settle it.

    Raises
    ------
    ValueError
        For another verdict, or a figure whose key does not begin with that of the claim.

    Example
    -------
    >>> both = Words("一", "one")
    >>> Arithmetic("menu_steps", "cl024", both, {}, (), "consistent", both, both).verdict
    'consistent'
    """

    key: str
    claim_id: str
    claim: Words
    figures: Mapping[str, Estimate | Refused]
    assumptions: tuple[Assumption, ...]
    verdict: str
    reason: Words
    missing: Words

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict={self.verdict!r}: use one of {VERDICTS}")
        if strange := [name for name in self.figures if not name.startswith(f"{self.key}_")]:
            raise ValueError(f"figures must be named {self.key}_...; got {strange}")

    def ends_of(self, name: str) -> tuple[float, float] | None:
        """Least and most of a figure over the ranges assumed; None where it takes no range."""
        ends = [self.figures.get(f"{name}_{end}") for end in ("least", "most")]
        return tuple(end.value for end in ends) if all(isinstance(end, Estimate) for end in ends) else None


def assumed(
    name: str, quantity: Range, unit: str, words: Words, above: float = -math.inf, at_most: float = math.inf
) -> Assumption:
    """Return a number or (low, typical, high) as an Assumption.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    quantity : float or (low, typical, high)
    unit : str
    words : Words
        What it is.
    above, at_most : float
        It must be larger than `above` and no larger than `at_most`.

    Raises
    ------
    ValueError
        Not one number or three in order, not finite, or out of bounds.

    Example
    -------
    >>> assumed("read_rate", (0.1, 0.2, 0.4), "share", Words("阅读率", "read rate"), 0, 1).high
    0.4
    """
    three = [quantity] * 3 if isinstance(quantity, (int, float)) else list(quantity)
    if len(three) != 3 or not all(isinstance(end, (int, float)) and math.isfinite(end) for end in three):
        raise ValueError(f"{name} must be a number or (low, typical, high); got {quantity!r}")
    low, value, high = (float(end) for end in three)
    if not low <= value <= high:
        raise ValueError(f"{name} must be in order (low, typical, high); got {quantity!r}")
    if not (low > above and high <= at_most):
        limit = f" and at most {at_most:g}" if math.isfinite(at_most) else ""
        raise ValueError(f"{name} must be above {above:g}{limit}; got {quantity!r}")
    return Assumption(words, value, low, high, unit)


def spanned(
    key: str,
    formula: Callable[..., float],
    takes: Sequence[Assumption],
    unit: str,
    words: Words,
    function: Callable[..., Any],
) -> dict[str, Estimate | Refused]:
    """A figure at the typical assumptions, with the least and the most that their ranges allow.

    Parameters
    ----------
    key : str
        Of the figure; the ends are key_least and key_most, and are left out where nothing is a range.
    formula : callable
        Takes the assumptions as numbers, in their order. It must rise or fall throughout in each of them: then its
        extremes lie at corners of the ranges.
    takes : sequence of Assumption
    unit, words, function
        Of the Estimate.

    Returns
    -------
    dict of Estimate; Refused where the formula gives no finite number (a divisor that may be zero).

    Example
    -------
    >>> share, people = (Words("占比", "share"), Words("人数", "people"))
    >>> takes = [assumed("share", (0.1, 0.2, 0.4), "share", share)]
    >>> found = spanned("readers", lambda share: 1_000 * share, takes, "people", people, spanned)
    >>> {name: figure.value for name, figure in found.items()}
    {'readers': 200.0, 'readers_least': 100.0, 'readers_most': 400.0}
    """
    ends = {"": words}
    corners = [formula(*(one.value for one in takes))]
    if any(one.is_range for one in takes):
        corners += [formula(*corner) for corner in itertools.product(*(sorted({o.low, o.high}) for o in takes))]
        ends |= {
            "_least": Words(f"{words.zh}（各项假设取使其最小的一端）", f"{words.en} (least over the ranges assumed)"),
            "_most": Words(f"{words.zh}（各项假设取使其最大的一端）", f"{words.en} (most over the ranges assumed)"),
        }
    values = (corners[0], min(corners), max(corners))
    return {
        f"{key}{end}": figure(value, unit, said, function)
        for (end, said), value in zip(ends.items(), values, strict=False)
    }


def figure(value: float, unit: str, words: Words, function: Callable[..., Any] | str) -> Estimate | Refused:
    """A number that follows from a claim: exact, resting on one claim; Refused where there is no finite one."""
    if not math.isfinite(value):
        return Refused(
            "arithmetic", "no finite number", "a divisor above 0",
            f"“{words.zh}”除数为零，没有这个数。", f"There is no such number, its divisor being zero: {words.en}.",
        )  # fmt: skip
    return Estimate.exact(value, 1, unit, words, function)
