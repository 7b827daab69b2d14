"""The articles' warnings on one brand's tables: each check from the tables it needs; one without them says so itself.

Discount dependence is in `pool.discounts`, product quality in `pool.product_quality`, bans in `pool.accounts` and
`pool.ban_risk`, too many messages in `pool.contact`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words
from siyu_helpers.analysis.evidence.awareness_ceiling import awareness_ceiling
from siyu_helpers.analysis.evidence.data_access import data_access
from siyu_helpers.analysis.evidence.kept_contacts import kept_contacts
from siyu_helpers.analysis.evidence.membership_gate import membership_gate
from siyu_helpers.analysis.evidence.one_time_buyers import one_time_buyers
from siyu_helpers.analysis.evidence.price_shock import price_shock
from siyu_helpers.analysis.evidence.pull_or_push import pull_or_push
from siyu_helpers.analysis.evidence.reach_overlap import reach_overlap
from siyu_helpers.analysis.evidence.traffic_anomalies import traffic_anomalies
from siyu_helpers.analysis.evidence.weak_ties import weak_ties
from siyu_helpers.analysis.pool.evidence import order_rows
from siyu_helpers.analysis.pool.rules import AGREEMENTS, RuleResult

REQUIRES = order_log.REQUIRES
TABLES = ("members", "accounts", "touchpoints", "spend", "messages", "assignments")
#: Columns of orders that the checks read, beside customer, moment and amount.
NUMBERS = ("refunded", "cost", "platform_fee")
TEXTS = ("acquired_through", "referrer_id")
#: Row of the register of claims that each check serves first.
CLAIM_IDS = {
    "membership_gate": "cl058", "pull_or_push": "cl108", "kept_contacts": "cl117", "traffic_anomalies": "cl118",
    "weak_ties": "cl119", "reach_overlap": "cl120", "awareness_ceiling": "cl121", "data_access": "cl122",
    "one_time_buyers": "cl124", "price_shock": "cl125",
}  # fmt: skip


@dataclass(frozen=True)
class WarningChecks:
    """All warnings checked for one brand, as `warning_checks` returns them.

    Parameters
    ----------
    results : list of RuleResult
        In the order of the register of claims.
    tables : dict
        Key of the check -> the table behind it, for charts; empty where the brand has no such tables.
    figures : dict
        Key of the check -> its figures.
    """

    results: list[RuleResult]
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    figures: Mapping[str, Mapping[str, Estimate | Refused]] = field(repr=False)


def warning_checks(
    orders: Any,
    tables: Mapping[str, Any],
    observed_until: order_log.DateLike,
    channels: Mapping[str, Any] | None = None,
    definitions: pd.DataFrame | None = None,
    gross_margin: float | None = None,
    history: Mapping[str, Any] | None = None,
    market_customers: float | None = None,
    level: float = LEVEL,
) -> WarningChecks:
    """Check every warning of the articles that the brand's tables can speak to.

    tables of a brand  ->  WarningChecks

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    tables : dict
        members, accounts, touchpoints, spend, messages, assignments: frames; None, or absent, where the brand has none.
    channels : dict, optional
        Channel -> its domain, or a mapping with it under "domain".
    definitions : DataFrame, optional
        channel_definitions of the market, for the scores of data access.
    gross_margin, history, level
        As in the functions of each check; history as `Brand.history` gives it.
    market_customers : float, optional
        See `awareness_ceiling`.

    Returns
    -------
    WarningChecks; what a check needs and the brand does not have makes its figures Refused, its agreement "cannot be
    told" and its table empty.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "ordered_at": [pd.Timestamp("2024-06-03")], "amount": [9.0]})
    >>> {rule.agrees for rule in warning_checks(log, {}, "2024-06-30").results}
    {'cannot be told'}
    """
    until, told = observed_until, dict(history or {})
    there = {name: tables.get(name) for name in TABLES}
    members, accounts, seen = there["members"], there["accounts"], there["touchpoints"]
    rows = order_rows(orders, until, NUMBERS, TEXTS)  # read once for all checks
    found = {
        "membership_gate": membership_gate(rows, members, until, level=level),
        "pull_or_push": pull_or_push(there["messages"], rows, members, until, there["assignments"], level=level),
        "kept_contacts": kept_contacts(members, rows, until, accounts, level=level),
        "traffic_anomalies": traffic_anomalies(seen, there["spend"], orders, until, level=level),
        "weak_ties": weak_ties(members, rows, until, accounts, level=level),
        "reach_overlap": reach_overlap(seen, until, there["messages"], level=level),
        "awareness_ceiling": awareness_ceiling(rows, members, until, market_customers, level=level, **told),
        "data_access": data_access(orders, until, channels, definitions),
        "one_time_buyers": one_time_buyers(rows, until, channels, level=level, **told),
        "price_shock": price_shock(rows, members, until, gross_margin),
    }
    return WarningChecks(
        [one.rule for one in found.values()],
        {key: one.table for key, one in found.items()},
        {key: one.figures for key, one in found.items()},
    )


def check_counts(results: list[RuleResult]) -> dict[str, Estimate]:
    """How many warnings agree with the brand's tables, disagree, or cannot be told.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "ordered_at": [pd.Timestamp("2024-06-03")], "amount": [9.0]})
    >>> {name: one.value for name, one in check_counts(warning_checks(log, {}, "2024-06-30").results).items()}
    {'warnings_checked': 10.0, 'warnings_agrees': 0.0, 'warnings_disagrees': 0.0, 'warnings_cannot_be_told': 10.0}
    """
    said = dict(zip(AGREEMENTS, (Words("相符", "agree"), Words("不符", "disagree"), Words("说不清", "cannot be told")),
                    strict=True))  # fmt: skip
    everything = Words("用本品牌的表核对的警告", "warnings checked on the brand's tables")
    found = {"warnings_checked": Estimate.exact(len(results), len(results), "claims", everything, warning_checks)}
    for agrees, words in said.items():
        many = sum(one.agrees == agrees for one in results)
        meaning = Words(f"其中{words.zh}的", f"of these, those that {words.en}")
        name = f"warnings_{agrees.replace(' ', '_')}"
        found[name] = Estimate.exact(many, len(results), "claims", meaning, warning_checks)
    return found
