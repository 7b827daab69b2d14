"""The articles' figures, worked out: each claim with numbers, what follows from it, and what it leaves open.

The calculations stand in `sales_arithmetic` and `contact_arithmetic`; further cases are computed elsewhere: 15 accounts
and 30,000 customers in `pool.capacity`, two visits against thirty messages in `pool.contact`, the rise from 30 to 250
RMB in `acquisition.claims`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.analysis.evidence.arithmetic import VERDICT_NAMES, VERDICTS, Arithmetic
from siyu_helpers.analysis.evidence.contact_arithmetic import (
    added_contacts,
    content_engagement,
    dormant_base,
    followers,
    menu_steps,
    wake_up_plausibility,
)
from siyu_helpers.analysis.evidence.sales_arithmetic import (
    breadth,
    brushing_cost,
    keyword_price,
    mall_sales,
    meal_sales,
    second_home,
)

#: In the order in which a page shows them: what cannot be, then reach, then sales and cost.
CALCULATIONS: tuple[Callable[..., Arithmetic], ...] = (
    wake_up_plausibility, dormant_base, menu_steps, added_contacts, content_engagement, followers,
    keyword_price, mall_sales, breadth, second_home, meal_sales, brushing_cost,
)  # fmt: skip


def claim_arithmetic() -> list[Arithmetic]:
    """All claims with numbers, worked out at the assumptions stated in each.

    Returns
    -------
    list of Arithmetic, one a claim, in the order of `CALCULATIONS`.

    Example
    -------
    >>> [worked.key for worked in claim_arithmetic() if worked.verdict == "cannot be"]
    ['dormant_base', 'brushing_cost']
    """
    return [calculation() for calculation in CALCULATIONS]


def verdict_counts(worked: list[Arithmetic]) -> dict[str, Estimate]:
    """How many claims are consistent, cannot be, or depend on what is not said.

    Example
    -------
    >>> {name: number.value for name, number in verdict_counts([menu_steps(), brushing_cost()]).items()}
    {'arithmetic_claims': 2.0, 'arithmetic_consistent': 1.0, 'arithmetic_cannot_be': 1.0, 'arithmetic_depends_on': 0.0}
    """
    everything = Words("按自身数字核算过的说法", "claims worked out from their own numbers")
    found = {"arithmetic_claims": Estimate.exact(len(worked), len(worked), "claims", everything, claim_arithmetic)}
    for verdict in VERDICTS:
        said = VERDICT_NAMES[verdict]
        words = Words(f"其中结论为“{said.zh}”的", f"of these, found to be '{said.en}'")
        many = sum(one.verdict == verdict for one in worked)
        name = f"arithmetic_{verdict.replace(' ', '_')}"
        found[name] = Estimate.exact(many, len(worked), "claims", words, claim_arithmetic)
    return found


def assumption_table(worked: list[Arithmetic]) -> pd.DataFrame:
    """Every assumption behind the calculations, one a row.

    list of Arithmetic  ->  table (claim x assumption)

    Returns
    -------
    DataFrame: key, assumption_zh, assumption_en, unit, low, value, high; low and high are blank (NaN) where the number
    is the claim's own or was given, and not a range.

    Example
    -------
    >>> assumption_table([menu_steps()])[["key", "low", "value", "high"]].values.tolist()
    [['menu_steps', 0.3, 0.5, 0.8]]
    """
    rows = [
        (one.key, *taken.words, taken.unit, taken.low if taken.is_range else None, taken.value,
         taken.high if taken.is_range else None)
        for one in worked for taken in one.assumptions
    ]  # fmt: skip
    columns = ["key", "assumption_zh", "assumption_en", "unit", "low", "value", "high"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(("low", "value", "high"), "float64"))
