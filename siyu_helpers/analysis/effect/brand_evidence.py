"""The effect of joining for one brand, from its tables to the verdict, as pages 04 to 06 state it.

Pages that need the effect and not its story call `brand_evidence`; page 04 calls the steps one by one.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import (
    best_frequency,
    designs,
    histories,
    invitations,
    joining_effects,
    linkage,
    roll_outs,
    statements,
    trial_evidence,
    trials,
    verdicts,
)
from siyu_helpers.analysis.estimates import LEVEL, Refused

HORIZONS = (30, 90, 180)
NOT_JOINED = "no members"
#: What the economics of a pool take from the trials; orders also month by month.
OF_ECONOMICS = ("orders", "contribution", "referrals")


@dataclass(frozen=True)
class BrandEvidence:
    """What a brand's tables say of the effect of joining, as `brand_evidence` returns it.

    Parameters
    ----------
    histories : Histories
    trials, effects : dict
        Days of follow-up -> table of weekly trials, effects on each outcome (or Refused). Empty where nobody joined.
    verdicts : dict of design -> Verdict
    design : str
        The design whose verdict is stated.
    level : str
        "strong", "suggestive" or "not identified here"; "no members" where nobody joined.
    frequency : DataFrame or Refused
        What customers leave at each number of promotions a month.
    late : dict of Effect or Refused, or None
        Outcome -> effect on those who joined because a random draw invited them, where the verdict is that draw's.
    """

    histories: Any = field(repr=False)
    trials: Mapping[int, pd.DataFrame] = field(repr=False)
    effects: Mapping[int, Any] = field(repr=False)
    verdicts: Mapping[str, Any]
    design: str
    level: str
    frequency: pd.DataFrame | Refused = field(repr=False)
    late: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def identified(self) -> bool:
        """Whether the gain from joining may be stated as one."""
        return self.gain_level in (verdicts.STRONG, verdicts.SUGGESTIVE)

    @property
    def gain_level(self) -> str:
        """Level of the gain that the economics take: a roll-out by store confirms it, but does not measure it."""
        if self.design == "roll_out":
            trials_say = self.verdicts.get("weekly_trials")
            return verdicts.NOT_IDENTIFIED if trials_say is None else trials_say.level
        return self.level


def brand_evidence(
    orders: Any,
    tables: Mapping[str, Any],
    observed_until: order_log.DateLike,
    gross_margin: float | None = None,
    history: Mapping[str, Any] | None = None,
    horizon_days: int = 90,
    controls_per_joiner: int = 10,
    recency_at_most_days: int = 365,
    level: float = LEVEL,
    seed: int = 0,
    horizons: tuple[int, ...] = HORIZONS,
) -> BrandEvidence:
    """Find the effect of joining and how far it can be trusted, as page 04 does with the same parameters.

    orders, tables (name -> frame or None)  ->  BrandEvidence

    Parameters
    ----------
    orders : any frame that narwhals takes
    tables : dict
        members, customers, touchpoints, assignments, messages: frames, None where the brand has none.
    observed_until : date
    gross_margin, history
        As in `read_histories` and `weekly_trials`.
    horizon_days : int
        Follow-up of the verdict: 30, 90 or 180.
    controls_per_joiner, recency_at_most_days, level, seed
        As in `weekly_trials`.
    horizons : tuple of int
        Follow-ups to work out; `horizon_days` and 180 must be among them.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1], "ordered_at": pd.to_datetime(["2024-01-01"]), "amount": [10.0]})
    >>> brand_evidence(orders, {}, "2024-12-31").level
    'no members'
    """
    has = dict.fromkeys(("members", "customers", "touchpoints", "assignments", "messages")) | dict(tables)
    known = histories.read_histories(
        orders, has["members"], observed_until, gross_margin=gross_margin, customers=has["customers"],
        touchpoints=has["touchpoints"],
    )  # fmt: skip
    if not ever_joined(known):
        none = joining_effects.nobody_joined()
        return BrandEvidence(known, {}, {}, verdicts_by_design(none, none, None, None), "none", NOT_JOINED, none)
    tried = trials_by_horizon(known, horizons, controls_per_joiner, recency_at_most_days, seed, history or {})
    effects = effects_by_horizon(tried, level, seed, OF_ECONOMICS)
    lot = invitation_evidence(has, orders, observed_until, "", horizon_days, level, gross_margin)
    stores = roll_out_evidence(has, orders, observed_until, level, gross_margin)
    main = effects[horizon_days]
    refused = isinstance(main, Refused)
    proof = None if refused else trial_evidence.trial_evidence(tried[horizon_days], effect=main["orders"], level=level,
                                                               seed=seed)  # fmt: skip
    keyed = None if refused else linkage.linked_of(linkage.linked_share(orders, observed_until))
    ruled = verdicts_by_design(lot, stores, proof, keyed)
    late = lot if isinstance(lot, Refused) else lot.late["orders"]
    unlike = not refused and designs.contradicts(late, main["orders"])
    design = designs.design_of_verdict(ruled, unlike)
    curve = frequency_evidence(has, orders, observed_until, effects[180], gross_margin, level, seed, known)
    drawn = lot.late if design == "invitation" and not isinstance(lot, Refused) else None
    return BrandEvidence(known, tried, effects, ruled, design, ruled[design].level, curve, drawn)


def ever_joined(known: histories.Histories) -> bool:
    """Whether any customer with an order ever joined the pool."""
    return bool((known.joined < histories.NEVER).any())


def trials_by_horizon(
    known: histories.Histories, horizons: Iterable[int], controls_per_joiner: int, recency_at_most_days: int,
    seed: int, history: Mapping[str, Any],
) -> dict[int, pd.DataFrame]:  # fmt: skip
    """Weekly trials for each follow-up, all from histories read once.

    Histories  ->  dict (days -> table of `weekly_trials`)
    """
    return {
        days: trials.weekly_trials(
            None, None, None, days, controls_per_joiner=controls_per_joiner,
            recency_at_most_days=recency_at_most_days, seed=seed, histories=known, **history,
        )
        for days in horizons
    }  # fmt: skip


def effects_by_horizon(
    tables: Mapping[int, pd.DataFrame], level: float, seed: int, wanted: tuple[str, ...] = ()
) -> dict[int, Any]:
    """Effects at each follow-up; month by month only at the longest, which holds the others.

    dict (days -> table of `weekly_trials`)  ->  dict (days -> dict of Effect, or Refused)

    Parameters
    ----------
    tables, level, seed
        As in `joining_effects`.
    wanted : names of outcomes, optional
        Only these, of the months only those of orders. Each outcome is estimated by itself: the others change nothing.
    """
    longest = max(tables, default=0)
    return {
        days: joining_effects.joining_effects(table, _outcomes(table, days == longest, wanted), level=level, seed=seed)
        for days, table in tables.items()
    }


def _outcomes(table: pd.DataFrame, by_month: bool, wanted: tuple[str, ...]) -> list[str]:
    known = [name for name in joining_effects.known_outcomes(table) if by_month or "_month_" not in name]
    return [name for name in known if not wanted or name in wanted or name.startswith("orders_month_")]


def invitation_evidence(
    tables: Mapping[str, Any], orders: Any, observed_until: order_log.DateLike, experiment: str, horizon_days: int,
    level: float, gross_margin: float | None,
) -> Any:  # fmt: skip
    """What a random invitation says, or Refused: the experiment that is named, or the one that looks like one."""
    if tables["members"] is None:
        return joining_effects.nobody_joined()
    if tables["assignments"] is None:
        return Refused(
            "assignments", 0, 1, "没有抽签的记录（assignments 表）。", "No random draw is recorded (table assignments)."
        )
    found = invitations.find_invitation(tables["assignments"], tables["members"], experiment=experiment or None)
    if isinstance(found, Refused):
        return found
    return invitations.invitation_effects(
        orders, tables["assignments"], tables["members"], observed_until, found.experiment, found.invited_arm,
        found.not_invited_arm, horizon_days, gross_margin=gross_margin, level=level,
    )  # fmt: skip


def roll_out_evidence(
    tables: Mapping[str, Any], orders: Any, observed_until: order_log.DateLike, level: float,
    gross_margin: float | None,
) -> Any:  # fmt: skip
    """What a staggered roll-out by store says, or Refused."""
    if tables["members"] is None:
        return joining_effects.nobody_joined()
    if "store_id" not in order_log.lazy(orders).collect_schema().names():
        return designs.no_units()
    return roll_outs.roll_out(orders, tables["members"], observed_until, level=level, gross_margin=gross_margin)


def verdicts_by_design(lot: Any, stores: Any, proof: Any, linked: Any) -> dict[str, verdicts.Verdict]:
    """The verdict of each design that the data allow, from best to worst; at least that there is none."""
    found = {}
    if not isinstance(lot, Refused):
        found["invitation"] = verdicts.verdict_of_invitation(lot, linked=linked)
    if not isinstance(stores, Refused):
        found["roll_out"] = verdicts.verdict_of_roll_out(stores, linked=linked)
    if proof is not None:
        found["weekly_trials"] = verdicts.verdict_of_trials(**proof, linked=linked)
    return found or {"none": verdicts.verdict(None)}


def frequency_evidence(
    tables: Mapping[str, Any], orders: Any, observed_until: order_log.DateLike, effects: Any,
    gross_margin: float | None, level: float, seed: int, known: histories.Histories | None = None,
) -> pd.DataFrame | Refused:  # fmt: skip
    """What customers leave at each number of promotions a month; Refused without a lot, or without the pool's effect.

    tables, effects at 180 days (dict of Effect, or Refused)  ->  table of `frequency_curve`, or Refused
    """
    stay = statements.value_a_month(effects, HORIZONS[-1])
    if isinstance(stay, Refused):
        return stay
    if tables["messages"] is None:
        return Refused(
            "messages", 0, 1, "没有消息的记录（messages 表）。", "No messages are recorded (table messages)."
        )
    return best_frequency.frequency_curve(
        tables["messages"], orders, tables["members"], tables["assignments"], observed_until, stay,
        gross_margin=gross_margin, level=level, seed=seed, known=known,
    )  # fmt: skip
