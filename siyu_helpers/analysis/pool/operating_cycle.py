"""The operating cycle of a pool: how deep the money goes, and how long until it is back (the J-curve).

Opens no files and draws nothing.
"""

from __future__ import annotations

import numpy as np

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.from_draws import ends_of, median_of_draws
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult
from siyu_helpers.analysis.pool.value import PoolValue, flows

AT_ONCE = 3  # months: who is paid back within a quarter did not need a cycle


def operating_cycle(result: PoolValue) -> RuleResult:
    """How much money a pool ties up before it earns, at its deepest, and when it is back.

    PoolValue  ->  RuleResult

    Returns
    -------
    RuleResult "operating_cycle" with figures
        cycle_tied_up : most that the discounted net is below zero at the end of any month, 0 or more (money).
        cycle_turns : month by whose end it is deepest; 0 where it never is below zero. cycle_payback : as in
        `pool_value`. Medians and quantiles over the draws.
    agrees: "agrees" where the payback takes more than 3 months at the lower end, "disagrees" where at most 3 at the
        upper end; "cannot be told" else, also where the money does not come back within the months looked at.

    Example
    -------
    >>> from siyu_helpers.analysis.pool.inputs import PoolInputs
    >>> from siyu_helpers.analysis.pool.value import pool_value
    >>> rule = operating_cycle(pool_value(PoolInputs(100, 0.5, 0.2, 200, 0.4, staff_cost=4000), 24))
    >>> [round(rule.figures[f"cycle_{key}"].value) for key in ("tied_up", "turns", "payback")], rule.agrees
    ([10000, 5, 10], 'agrees')
    """
    cumulative = flows(result.drawn, result.months)["cumulative"]
    deepest = cumulative.min(axis=0)
    turns = np.where(deepest < 0, cumulative.argmin(axis=0) + 1.0, 0.0)
    figures = {
        "cycle_tied_up": median_of_draws(
            np.maximum(-deepest, 0.0), "money", _WORDS["cycle_tied_up"], result.level, operating_cycle
        ),
        "cycle_turns": median_of_draws(turns, "months", _WORDS["cycle_turns"], result.level, operating_cycle),
        "cycle_payback": result.payback,
    }
    agrees = _agrees(result.payback)
    key = "never" if isinstance(result.payback, Refused) else agrees
    return RuleResult("operating_cycle", _CLAIM, figures, agrees, _READING[key])


def _agrees(payback: Estimate | Refused) -> str:
    if isinstance(payback, Refused):
        return OPEN
    low, high = ends_of(payback)
    return AGREES if low > AT_ONCE else DISAGREES if high <= AT_ONCE else OPEN


_WORDS = {
    "cycle_tied_up": Words(
        "累计净值（折现）最低时为负多少：回本之前最多垫进去的钱",
        "how far the discounted net is below zero at its lowest: most money tied up before it comes back",
    ),
    "cycle_turns": Words("累计净值最低的月份，之后开始回升", "month in which the net since the start is lowest"),
}
_CLAIM = Words(
    "打造 IP 和私域一样有周期，要经营，不能急于收割",
    "building a personal brand, like a pool, has a cycle: it is operated, not harvested at once",
)
_READING = {
    AGREES: Words(
        "先投入、后回收：要准备好回本之前垫进去的钱，再决定开始",
        "money goes in before it comes back: have it ready for as long as that takes before starting",
    ),
    DISAGREES: Words("投入很快收回，不需要长周期", "the money is back soon: no long cycle is needed"),
    OPEN: Words("回本要多久，误差范围太宽，还看不出来", "how long it takes cannot be told within these intervals"),
    "never": Words(
        "在所看的时间之内回不了本：这不是周期的问题",
        "within the time looked at the money does not come back: no cycle helps",
    ),
}
