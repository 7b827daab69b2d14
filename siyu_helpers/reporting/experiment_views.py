"""Rows and words of page 04 about the experiments that could be run, and about the figures that others published.

Nothing here computes an estimate: results come in, and go out as rows and names that a strategist can read.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.reporting import names


def own_figures(apart: Mapping[str, Any], around: Mapping[str, Any], main: Any) -> dict[str, dict[str, Any]]:
    """The brand's own figures of the kinds that are published: counted as the trade counts, and corrected."""
    naive = pool_effect.as_change(around["all_ratio"])
    return {
        "orders_change": {"naive": naive, "corrected": pool_effect.stated_relative(main, "orders", 0)},
        "spend_multiple": {"naive": apart["spend_ratio"]},
    }


def published_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Published figures as a reader meets them, the brand's own beside them."""
    return pd.DataFrame(
        {
            **{
                name: list(zip(table[f"{name}_zh"], table[f"{name}_en"], strict=True))
                for name in ("who", "what", "why")
            },
            "naive": [_own(row, "naive") for row in table.to_dict("records")],
            "corrected": [_own(row, "corrected") for row in table.to_dict("records")],
        }
    )


def _own(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    value = row[f"own_{name}"]
    if math.isnan(value):
        return ("", "")
    if row["figure_unit"] == "share":
        return (f"{value:+.0%}", f"{value:+.0%}")
    return (f"{value:.1f} 倍", f"{value:.1f} times")


def study_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Outcomes of the study, named."""
    return table.assign(outcome=list(zip(table["outcome_zh"], table["outcome"], strict=True)))


PLANS: names.Names = {
    "new": ("新客首单两周后，随机邀请一半", "Half of new customers invited by lot, two weeks after the first order"),
    "outside": ("现有的非私域客户，随机邀请一半", "Half of today's customers outside the pool invited by lot"),
    "holdout": ("照常运营，随机留出一部分人暂不引导加入", "Business as usual; a random part is not asked to join"),
    "promotions": ("私域里随机留出一部分人不发促销", "Part of the pool sent no promotions, by lot"),
}


def plans(known: Any, days: int, share: float, take_up: float, lot: Any, main: Any, level: float) -> dict[str, Any]:
    """The experiments that could be run; all but the first only where there is a pool."""
    took = take_up if isinstance(lot, Refused) else lot.joined
    given = {
        "horizon_days": days,
        "level": level,
        "outcomes": ("repurchase",),
        "effect": None if isinstance(main, Refused) else main.get("contribution"),
    }
    found = {"new": pool_effect.holdout_design(known, "invitation", 0.5, take_up=took, **given)}
    if pool_effect.ever_joined(known):
        found["outside"] = pool_effect.holdout_design(known, "holdout", 0.5, take_up=took, **given)
        found["holdout"] = pool_effect.holdout_design(known, "holdout", share, **given)
        found["promotions"] = pool_effect.holdout_design(known, "promotions", share, **given)
    return found


def plan_rows(found: Mapping[str, Any]) -> pd.DataFrame:
    """What each experiment could show."""
    rows = []
    for kind, plan in found.items():
        facts = plan["facts"]
        keys = ("people_now", "people_per_week", "take_up", "smallest_effect", "days_needed_20")
        values = [getattr(facts[key], "value", math.nan) for key in keys]
        rows.append((PLANS[kind], *values[:1], round(values[1]) if values[1] == values[1] else math.nan, *values[2:]))
    table = pd.DataFrame(rows, columns=["kind", "now", "per_week", "take_up", "smallest", "days"])
    return table.assign(smallest=table["smallest"].where(table["smallest"] <= 1))


def power_rows(found: Mapping[str, Any]) -> pd.DataFrame:
    """The chance of finding an effect on orders, by weeks of drawing, for the invitation."""
    table = found["new"]["power"]
    table = table[(table["outcome"] == "repurchase") & table["power"].notna()]
    return table.sort_values(["relative_effect", "weeks"]).assign(
        effect=[f"+{value:.0%}" for value in table.sort_values(["relative_effect", "weeks"])["relative_effect"]]
    )


POWER_CHART: dict[str, Any] = {
    "x": "weeks",
    "y": "power",
    "low": None,
    "high": None,
    "group": "effect",
    "unit": "share",
    "x_words": ("抽签进行的周数（此后另加观察期）", "Weeks of drawing (the follow-up comes after them)"),
    "y_words": ("看得出来的可能性", "Chance of finding it"),
    "group_words": ("相对提升", "Relative gain"),
}


def people_followed(found: Mapping[str, Any]) -> int:
    """Customers behind the base rates of the planned invitation."""
    return int(getattr(found["new"]["facts"]["people_followed"], "value", 0))


def plan_facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of the sentence on the invitation of new customers."""
    facts = found["new"]["facts"]
    return {"taken": facts["take_up"], "per_week": facts["people_per_week"], "smallest": facts["smallest_effect"]}


def can_be_seen(found: Mapping[str, Any]) -> bool:
    """Whether half a year of inviting new customers would show an effect of a doubling or less."""
    smallest = found["new"]["facts"]["smallest_effect"]
    return isinstance(smallest, Estimate) and smallest.value <= 1
