"""Rules of thumb of the trade as results: what is claimed, what the brand's figures are, and whether the two agree.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from siyu_helpers.analysis.estimates import Estimate, Refused, Words

AGREES, DISAGREES, OPEN = AGREEMENTS = ("agrees", "disagrees", "cannot be told")


@dataclass(frozen=True)
class RuleResult:
    """One rule of the trade, computed for a brand.

    Parameters
    ----------
    key : str
        Short name, such as "three_kilometres".
    claim : Words
        What the articles say, in a sentence.
    figures : dict of Estimate or Refused
        The brand's figures that bear on it; keys are unique over all rules, as each becomes a number of the page.
    agrees : "agrees", "disagrees" or "cannot be told"
    reading : Words
        What follows for the brand, in one sentence without figures.

    Raises
    ------
    ValueError
        agrees is none of the three.

    Example
    -------
    >>> claim, reading = Words("周期长则不宜", "long cycles do not fit"), Words("周期长", "it is long")
    >>> rule = RuleResult("cycle", claim, {}, "agrees", reading)
    >>> rule.agrees
    'agrees'
    """

    key: str
    claim: Words
    figures: Mapping[str, Estimate | Refused]
    agrees: str
    reading: Words

    def __post_init__(self) -> None:
        if self.agrees not in AGREEMENTS:
            raise ValueError(f"agrees={self.agrees!r}: use one of {AGREEMENTS}")
