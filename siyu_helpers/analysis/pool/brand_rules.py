"""All rules of the trade for one brand, each from the tables it needs; a rule without its tables says so itself.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import best_frequency, contact_pressure
from siyu_helpers.analysis.effect.brand_evidence import BrandEvidence
from siyu_helpers.analysis.effect.message_weeks import pool_channels
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused
from siyu_helpers.analysis.pool import contact
from siyu_helpers.analysis.pool.accounts import accounts_of, ban_rate, banned_list
from siyu_helpers.analysis.pool.bargain_hunters import bargain_hunters
from siyu_helpers.analysis.pool.brand_inputs import BrandInputs
from siyu_helpers.analysis.pool.capacity import capacity, capacity_rule, own_capacity
from siyu_helpers.analysis.pool.catchment import catchment
from siyu_helpers.analysis.pool.cycle_rule import cycle_rule
from siyu_helpers.analysis.pool.discounts import discounts
from siyu_helpers.analysis.pool.evidence import order_rows
from siyu_helpers.analysis.pool.free_channel import free_channel
from siyu_helpers.analysis.pool.harvest import harvest_or_cultivate
from siyu_helpers.analysis.pool.operating_cycle import operating_cycle
from siyu_helpers.analysis.pool.price_bands import price_bands
from siyu_helpers.analysis.pool.product_quality import product_quality
from siyu_helpers.analysis.pool.rules import RuleResult
from siyu_helpers.analysis.pool.stages import keep_fishing, stage_of, tap_closed
from siyu_helpers.analysis.pool.tolls import tolls
from siyu_helpers.analysis.pool.value import PoolValue

CLOSED_MONTHS = 24
#: Columns of orders that the rules read, beside customer, moment and amount.
NUMBERS = ("list_amount", "refunded", "cost", "platform_fee", "distance_km")
TEXTS = ("referrer_id", "acquired_through", "sold_through")


@dataclass(frozen=True)
class BrandRules:
    """Rules of the trade for one brand, as `rules_of_brand` returns them.

    Parameters
    ----------
    results : list of RuleResult
        In the order of the page.
    tables : dict
        Tables behind them, for charts: price_bands, catchment, discounts, tolls, product_quality, bargain_hunters,
        cycle, capacity, accounts, tap_closed. Empty tables where the brand has none.
    figures : dict
        Key of the rule -> all its figures, those the page may state in a sentence of its own.
    """

    results: list[RuleResult]
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    figures: Mapping[str, Mapping[str, Estimate | Refused]] = field(repr=False)


def rules_of_brand(
    orders: Any,
    tables: Mapping[str, Any],
    observed_until: order_log.DateLike,
    result: PoolValue | None,
    break_even: Estimate | Refused,
    own: BrandInputs,
    proof: BrandEvidence,
    reachable: Estimate | Refused | None = None,
    channels: Mapping[str, Any] | None = None,
    currency: str = "CNY",
    gross_margin: float | None = None,
    history: Mapping[str, Any] | None = None,
    level: float = LEVEL,
    seed: int = 0,
) -> BrandRules:
    """Compute every rule of the trade that the brand's tables can speak to.

    tables of a brand, PoolValue, break-even size, BrandInputs, BrandEvidence  ->  BrandRules

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    tables : dict
        members, touchpoints, messages, accounts, pool_costs: frames, None where the brand has none.
    result, break_even, own, proof
        From `pool_value`, `break_even_size`, `brand_inputs` and `brand_evidence`. result None: the pool's cost is not
        known, and rules that need it are left out.
    reachable : Estimate, optional
        Customers who could be asked to join: buyers of the last year (`triangle`).
    channels : dict
        Channel -> its domain, or a mapping with it under "domain".
    currency, gross_margin, history, level, seed
        As in the functions of each rule.

    Example
    -------
    See notebooks/05_industry_fit.ipynb.
    """
    members, until, told = tables["members"], observed_until, dict(history or {})
    rows = order_rows(orders, until, NUMBERS, TEXTS)  # read once for all rules
    domains = {name: _domain(kept) for name, kept in (channels or {}).items()}
    found = {
        "cycle": cycle_rule(rows, until, members, level=level, **told),
        "price_bands": price_bands(rows, until, tables["touchpoints"], currency=currency, level=level, **told),
        "catchment": catchment(rows, until, members, level=level, **told),
        "discounts": discounts(rows, until, domains, members, gross_margin=gross_margin, level=level, **told),
        "tolls": tolls(rows, until, level=level, **told),
        "product_quality": product_quality(rows, until, level=level, **told),
        "bargain_hunters": bargain_hunters(
            rows, until, members, tables["pool_costs"], gross_margin=gross_margin, level=level, **told
        ),
    }
    made = {key: evidence.table for key, evidence in found.items()}
    results = [evidence.rule for evidence in found.values()]
    figures = {key: evidence.figures for key, evidence in found.items()}
    held = own.facts["members_now"]
    today = held.value if isinstance(held, Estimate) else 0.0
    heads = capacity(**own_capacity(members, tables["accounts"], orders, until))
    made |= {
        "capacity": heads,
        "accounts": accounts_of(members, tables["accounts"], until),
        "tap_closed": pd.DataFrame(),
    }
    if result is not None:
        worked, monthly = _of_the_account(result, break_even, reachable, today, proof, seed, level)
        results += worked
        made["tap_closed"] = monthly
    results += [
        capacity_rule(heads),
        banned_list(members, tables["accounts"], until, level),
        _contact(orders, tables, until, proof, level),
    ]  # fmt: skip
    figures |= {rule.key: rule.figures for rule in results}
    figures["accounts"] = {"ban_rate": ban_rate(tables["accounts"], until, level)}
    return BrandRules(results, made, figures)


def _of_the_account(
    result: PoolValue, break_even: Estimate | Refused, reachable: Any, today: float, proof: BrandEvidence, seed: int,
    level: float,
) -> tuple[list[RuleResult], pd.DataFrame]:  # fmt: skip
    """Rules that follow from the pool's economics, and the pool with its tap closed."""
    stage = stage_of(break_even, None if isinstance(reachable, Refused) else reachable, today)
    months = min(result.months, CLOSED_MONTHS)
    closed = tap_closed(result.inputs, today, months, seed=seed, level=level)
    found = [stage.rule, keep_fishing(result.inputs, today), closed.rule, operating_cycle(result),
             free_channel(result.inputs, seed=seed, level=level)]  # fmt: skip
    best = best_frequency.best_frequency(proof.frequency)
    sent, prudent = best.get("sent_per_month"), best.get("prudent_per_month")
    if best_frequency.frequency_verdict(proof.frequency) == "too many" and isinstance(prudent, Estimate):
        fewer = result.inputs.typical()["messages_per_month"] * prudent.value / sent.value
        found.append(harvest_or_cultivate(result.inputs, fewer, seed=seed, level=level).rule)
    return found, closed.monthly


def _domain(kept: Any) -> str:
    return kept["domain"] if isinstance(kept, Mapping) else str(kept)


def _contact(
    orders: Any, tables: Mapping[str, Any], until: order_log.DateLike, proof: BrandEvidence, level: float
) -> RuleResult:
    """The rule on contact pressure, with the brand's messages where they are recorded."""
    verdict, best = best_frequency.frequency_verdict(proof.frequency), best_frequency.best_frequency(proof.frequency)
    pressures: Mapping[str, Estimate | Refused] = {}
    if tables["messages"] is not None and tables["members"] is not None:
        channels = pool_channels(tables["messages"], tables["members"], until)
        pressures = contact_pressure.contact_pressure(
            tables["messages"], orders, tables["members"], until, channels, level=level, known=proof.histories
        )
    return contact.contact_rule(pressures, verdict, best.get("best_per_month"))
