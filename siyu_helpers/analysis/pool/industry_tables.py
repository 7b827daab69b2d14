"""What the industry table and the table of assumptions say about a pool, as inputs of its economics.

A brand's own figures come first; these stand in where it has none, each with where it comes from: a row that rests on
published figures, or a stated assumption.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.effect_inputs import months_of_ordering
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ASSUMED, INDUSTRY, Origin, Quantity, typical_of

CURRENCY = "CNY"  # of all money in the tables
MIDDLING_SHAREABILITY = 0.5  # of the customers whom the assumption about referrals is about
_REFERRAL = ("referrals_per_month", "referral_reward", "referral_joining_share")
INDUSTRY_COLUMNS = [
    "industry", "name_zh", "name_en", "metric", "low", "typical", "high", "basis", "note_zh", "note_en",
]  # fmt: skip
_ASSUMPTION_COLUMNS = ["input", "low", "typical", "high", "basis", "note_zh", "note_en"]
_TABLE = Words("行业表", "industry table")
_MARGIN = Words(
    "行业表的毛利率，减去假设的每笔其他费用",
    "gross margin of the industry table, less an assumed other cost of each order",
)
_REFERRAL_WORDS = Words(
    "假设的老带新，按行业的传播意愿折算", "assumed referrals, in proportion to the shareability of the industry"
)
_REFERRAL_VALUE_WORDS = Words(
    "假设被推荐的新客下一笔到一年的订单，按典型笔单价和毛利",
    "assumed: a referred customer makes from one order to a year's, at the typical order value and margin",
)
_SOURCED_WORDS = Words(
    "行业表中三个数都有公开出处的行 ÷ 全部行；其余为写明的假设",
    "rows of the industry table whose three figures all follow from published ones, over all rows; the others are "
    "stated assumptions",
)
_SOURCED_ASSUMPTIONS_WORDS = Words(
    "私域假设表中三个数都有公开出处的行 ÷ 全部行",
    "rows of the table of assumptions that rest on published figures, over all",
)
#: The numbers of data/raw/market/pool_assumptions.csv, for callers who hold no such table.
STATED: dict[str, tuple[float, float, float]] = {
    "share_affected": (0.5, 0.8, 1), "uplift": (0, 0.1, 0.3), "uplift_kept": (0.9, 0.97, 1),
    "activity_kept": (0.85, 0.93, 0.98), "moved_share": (0.1, 0.3, 0.6), "commission_saved": (0.014, 0.044, 0.133),
    "referrals_per_month": (0, 0.0005, 0.003), "referral_reward": (0, 10, 30),
    "referral_joining_share": (0.2, 0.5, 0.8), "recruiting_cost": (0, 3, 10), "incentive_cost": (1, 5, 15),
    "messages_per_month": (2, 4, 8), "message_cost": (0, 0, 0.045), "opt_out_per_message": (0.001, 0.005, 0.018),
    "churn": (0.005, 0.02, 0.05), "ban_probability": (0, 0.002, 0.01), "recovery": (0.1, 0.4, 0.7),
    "service_cost": (0.6, 1.3, 4.3), "staff_cost": (3100, 4250, 16000), "tool_cost": (300, 1000, 3000),
    "content_cost": (1000, 3000, 8000), "setup_cost": (0, 5000, 20000), "discount_rate": (0.1, 0.1, 0.1),
}  # fmt: skip
_NO_ROWS = Refused("rows", 0, 1, "表中没有行。", "The table has no rows.")


def stated_assumptions() -> pd.DataFrame:
    """The stated assumptions as a table, where the project's own is not at hand; what each rests on is in that table.

    nothing  ->  table (input): input, low, typical, high, basis, note_zh, note_en

    Example
    -------
    >>> stated_assumptions().set_index("input").loc["uplift", ["low", "typical", "high"]].tolist()
    [0.0, 0.1, 0.3]
    """
    rows = [(name, *ends, "assumption", "假设表", "table of assumptions") for name, ends in STATED.items()]
    return pd.DataFrame(rows, columns=_ASSUMPTION_COLUMNS)


def industry_inputs(
    industries: pd.DataFrame,
    assumptions: pd.DataFrame,
    industry: str | None,
    currency: str = CURRENCY,
    rate_per_cny: float | None = None,
) -> dict[str, tuple[Quantity, Origin]]:
    """What the tables say about a pool in an industry, for the inputs that a brand has no figures of its own for.

    industries.csv (industry x metric), pool_assumptions.csv (input)  ->  dict (field of PoolInputs -> value, origin)

    Parameters
    ----------
    industries, assumptions : DataFrame
        `data/raw/market/industries.csv` and `pool_assumptions.csv`.
    industry : str or None
        Key of the industry. None, or a key that the table lacks: the assumptions only.
    currency : str
        Of the brand. All money in the tables is CNY: for another currency it is converted at `rate_per_cny`, and left
        out where there is no rate, so that currencies are never mixed.
    rate_per_cny : float, optional
        How much of the brand's currency one CNY is, such as 0.145 for USD; not used for a brand in CNY.

    Returns
    -------
    dict
        Field -> (quantity, Origin). Kind "industry table" for rows that rest on sources, "assumed" for assumptions.
        Fields that are absent are not in the tables: joiners_per_month, and without an industry orders_per_month,
        order_value, margin and all of referral.

    Notes
    -----
    orders_per_month: such that the year that begins with joining has the orders_per_year, as customers lapse by the
    typical activity_kept; a twelfth of them where it is not in the tables. margin: gross margin less the costs of an
    added order, lowest less highest. referrals_per_month: the assumption times shareability over 0.5. referral_value:
    contribution of one order (low), of half a year's orders (typical), of a year's (high), never of less than one.

    Raises
    ------
    ValueError
        A table without its columns, an assumption about an unknown field, or a rate that is not above zero.

    Example
    -------
    >>> columns = ["industry", "name_zh", "name_en", "metric", "low", "typical", "high", "basis", "note_zh", "note_en"]
    >>> table = pd.DataFrame([["tea", "茶", "tea", "orders_per_year", 6, 12, 36, "source", "", ""]], columns=columns)
    >>> none = pd.DataFrame(columns=["input", "low", "typical", "high", "unit", "basis", "note_zh", "note_en"])
    >>> quantity, origin = industry_inputs(table, none, "tea")["orders_per_month"]
    >>> quantity, origin.kind
    ((0.5, 1.0, 3.0), 'industry table')
    """
    order_log.has_columns(list(industries.columns), INDUSTRY_COLUMNS)
    order_log.has_columns(list(assumptions.columns), _ASSUMPTION_COLUMNS)
    rate = _rate(currency, rate_per_cny)
    rows = industries[industries["industry"] == industry] if industry is not None else industries.iloc[:0]
    facts = {row["metric"]: _Row.of(row) for row in rows.to_dict("records")}
    assumed = {row["input"]: _Row.of(row) for row in assumptions.to_dict("records")}
    unknown = sorted(set(assumed) - set(FIELDS))
    if unknown:
        raise ValueError(f"pool_assumptions: {unknown[0]!r} is no field of PoolInputs; correct its name in input")
    found = {name: (row.ends, row.origin("假设表", "table of assumptions")) for name, row in assumed.items()}
    found |= _from_industry(facts, assumed.get("referrals_per_month"))
    found = _year_as_the_table_has_it(found)
    if "referral_value" not in found:
        found = {name: value for name, value in found.items() if name not in _REFERRAL}
    return _in_currency(found, rate)


def table_evidence(industries: pd.DataFrame, assumptions: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """How much of the industry table and of the assumptions rests on published figures.

    industries.csv, pool_assumptions.csv  ->  dict (share of rows with a source, of each table)

    Example
    -------
    >>> table_evidence(pd.DataFrame({"basis": ["source", "assumption"]}), pd.DataFrame({"basis": []}))[
    ...     "industry_rows_sourced"].value
    0.5
    """
    found: dict[str, Estimate | Refused] = {}
    for name, table, words in (
        ("industry_rows_sourced", industries, _SOURCED_WORDS),
        ("assumption_rows_sourced", assumptions, _SOURCED_ASSUMPTIONS_WORDS),
    ):
        count = int((table["basis"] == "source").sum())
        share = Estimate.exact(count / len(table), len(table), "share", words, table_evidence) if len(table) else None
        found[name] = share or _NO_ROWS
    return found


class _Row(NamedTuple):
    """One row of either table: its range, whether it rests on sources, and its note."""

    ends: Quantity
    sourced: bool
    note: Words

    @classmethod
    def of(cls, row: dict) -> _Row:
        ends = tuple(float(row[name]) for name in ("low", "typical", "high"))
        return cls(ends, row["basis"] == "source", Words(str(row["note_zh"]), str(row["note_en"])))

    def origin(self, zh: str, en: str) -> Origin:
        """Where the row is from: its table in words, then its note."""
        words = Words("：".join(filter(None, (zh, self.note.zh))), ": ".join(filter(None, (en, self.note.en))))
        return Origin(INDUSTRY if self.sourced else ASSUMED, words)


def _year_as_the_table_has_it(found: dict[str, tuple[Quantity, Origin]]) -> dict[str, tuple[Quantity, Origin]]:
    """The rate of ordering at joining from the mean of the year after it, in which customers lapse."""
    if "orders_per_month" not in found or "activity_kept" not in found:
        return found
    left = float(months_of_ordering(np.array(typical_of(found["activity_kept"][0])), 12)) / 12
    quantity, origin = found["orders_per_month"]
    words = Words(
        f"{origin.words.zh}；折成刚加入时的频率（一年里平均保留 {left:.0%}）",
        f"{origin.words.en}; as the rate at joining, of which {left:.0%} is left on average over a year",
    )
    return found | {"orders_per_month": (tuple(end / left for end in quantity), Origin(origin.kind, words))}


def _from_industry(facts: dict[str, _Row], referrals: _Row | None) -> dict[str, tuple[Quantity, Origin]]:
    """The inputs that follow from the rows of one industry; an input whose rows are missing is left out."""
    found: dict[str, tuple[Quantity, Origin]] = {}
    for name in ("order_value", "commission_saved", "activity_kept"):
        if name in facts:
            found[name] = facts[name].ends, facts[name].origin(*_TABLE)
    if "orders_per_year" in facts:
        row = facts["orders_per_year"]
        found["orders_per_month"] = tuple(end / 12 for end in row.ends), row.origin(*_TABLE)
    if "margin" in facts:
        row, costs = facts["margin"], facts["order_costs"].ends if "order_costs" in facts else (0.0, 0.0, 0.0)
        less = tuple(max(-1.0, end - cost) for end, cost in zip(row.ends, reversed(costs), strict=True))
        found["margin"] = (
            less,
            row.origin(*_MARGIN),
        )
    if (
        referrals is not None
        and "shareability" in facts
        and {"order_value", "orders_per_month", "margin"} <= set(found)
    ):
        ratio = [end / MIDDLING_SHAREABILITY for end in facts["shareability"].ends]
        scaled = tuple(end * share for end, share in zip(referrals.ends, ratio, strict=True))
        found["referrals_per_month"] = scaled, Origin(ASSUMED, _REFERRAL_WORDS)
        found["referral_value"] = _referral_value(found), Origin(ASSUMED, _REFERRAL_VALUE_WORDS)
    return found


def _referral_value(found: dict[str, tuple[Quantity, Origin]]) -> Quantity:
    orders = 12 * typical_of(found["orders_per_month"][0])
    per_order = typical_of(found["order_value"][0]) * typical_of(found["margin"][0])
    return tuple(sorted(per_order * max(1.0, part) for part in (1.0, orders / 2, orders)))


def _rate(currency: str, rate_per_cny: float | None) -> float | None:
    """How much of the currency one CNY is; None where nobody said."""
    if currency == CURRENCY or rate_per_cny is None:
        return 1.0 if currency == CURRENCY else None
    if not (math.isfinite(rate_per_cny) and rate_per_cny > 0):
        raise ValueError(f"rate_per_cny={rate_per_cny!r}: say how much of {currency} one CNY is, such as 0.145")
    return float(rate_per_cny)


def _in_currency(found: dict, rate: float | None) -> dict[str, tuple[Quantity, Origin]]:
    """The inputs with their money converted, or without their money where there is no rate."""
    is_money = {name: FIELDS[name].unit.startswith("money") for name in found}
    if rate is None:  # a reward without the value it buys would make every referral a loss
        return {name: value for name, value in found.items() if not is_money[name] and name not in _REFERRAL}
    return {
        name: (tuple(end * rate for end in ends) if is_money[name] and isinstance(ends, tuple) else ends, origin)
        for name, (ends, origin) in found.items()
    }
