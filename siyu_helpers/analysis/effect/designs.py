"""Which designs a brand's data allow for the question whether joining causes repurchase, and which is the best of them.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing. The order is that of what a design can rule
out: a lot rules out every difference between people, a staggered roll-out those that do not change with time, weekly
trials only those that the data show, and members against others none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.effect.verdicts import LEVELS, Verdict
from siyu_helpers.analysis.estimates import Refused, Words

DESIGNS = {
    "invitation": Words("随机邀请或随机留白", "random invitation or holdout"),
    "roll_out": Words("门店或城市分批上线", "staggered roll-out by store or city"),
    "weekly_trials": Words("每周对照", "weekly trials"),
    "members_against_others": Words("已加入的比未加入的", "members against others"),
}
RULES_OUT = {
    "invitation": Words("平均而言，抽签以外的一切差别", "on average, every difference but the draw itself"),
    "roll_out": Words("不随时间变化的差别", "differences that do not change with time"),
    "weekly_trials": Words("数据里看得见的差别", "differences that the data show"),
    "members_against_others": Words("什么差别也排除不了", "nothing"),
}
USABLE = Words("可以用", "usable")
BEST = Words("可以用，是其中最可信的", "usable, and the most trustworthy of these")
TO_CORRECT = Words("只用来说明要纠正什么", "only to show what needs correcting")


def no_units() -> Refused:
    """Why there is no staggered roll-out: orders name no store.

    >>> no_units().gate
    'units'
    """
    return Refused(
        "units",
        0,
        2,
        "订单里没有门店（store_id），看不出是否分批上线。",
        "Orders name no store (store_id), so no store-by-store roll-out can be seen.",
    )


def designs(invitation: Any, roll_out: Any, weekly_trials: Any) -> pd.DataFrame:
    """The designs from best to worst: whether the data allow each, why not, and which is chosen.

    results of the designs  ->  table (one design)

    Parameters
    ----------
    invitation, roll_out, weekly_trials
        What each design gave: anything but a Refused means that it can be used.

    Returns
    -------
    DataFrame
        design : key of `DESIGNS`. usable, chosen : bool; the first usable one is chosen, and members against others
        never. zh, en : why.

    Notes
    -----
    The ladder of evidence is that of Hernan and Robins (2020), Causal Inference: What If, chapters 2, 3 and 22.

    Example
    -------
    >>> none = Refused("lot", 0, 1, "没有抽签。", "There was no lot.")
    >>> table = designs(none, none, {"orders": 0.5})
    >>> table[["design", "usable", "chosen"]]
                       design  usable  chosen
    0              invitation   False   False
    1                roll_out   False   False
    2           weekly_trials    True    True
    3  members_against_others    True   False
    """
    found = {"invitation": invitation, "roll_out": roll_out, "weekly_trials": weekly_trials}
    usable = {name: not isinstance(result, Refused) for name, result in found.items()}
    best = next((name for name, is_usable in usable.items() if is_usable), None)
    rows = []
    for name, result in found.items():
        said = (BEST if name == best else USABLE) if usable[name] else None
        zh, en = (said.zh, said.en) if said else (result.reason_zh, result.reason_en)
        rows.append((name, usable[name], name == best, zh, en))
    rows.append(("members_against_others", True, False, TO_CORRECT.zh, TO_CORRECT.en))
    return pd.DataFrame(rows, columns=["design", "usable", "chosen", "zh", "en"])


def chosen_design(table: pd.DataFrame) -> str | None:
    """The design that `designs` chose; None where none is usable.

    >>> chosen_design(designs(*[Refused("lot", 0, 1, "无", "none")] * 3)) is None
    True
    """
    chosen = table.loc[table["chosen"], "design"]
    return None if chosen.empty else str(chosen.iloc[0])


def contradicts(lot: Effect | Refused, other: Effect | Refused) -> bool:
    """Whether a lot and another design cannot both be right: their intervals have nothing in common.

    >>> from siyu_helpers.analysis.effect.results import Effect
    >>> contradicts(Effect(0.1, 0.1, 0.0, 0.2, 0.9, 9), Effect(0.5, 0.1, 0.4, 0.6, 0.9, 9))
    True
    """
    if isinstance(lot, Refused) or isinstance(other, Refused):
        return False
    return lot.low > other.high or lot.high < other.low


def design_of_verdict(verdicts: Mapping[str, Verdict], contradicted: bool = False) -> str | None:
    """Which design's verdict the page states: that which says most, and of equals the better design.

    A good design with too few people may leave open what a weaker one answers; it is then beside it on the page.

    Parameters
    ----------
    verdicts : dict
        Design -> Verdict, from best to worst.
    contradicted : bool
        True where a lot contradicts weekly trials: the lot is then believed, whatever the trials say.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.verdicts import verdict
    >>> design_of_verdict({"weekly_trials": verdict(None)})
    'weekly_trials'
    """
    left = [name for name in verdicts if not (contradicted and name == "weekly_trials" and len(verdicts) > 1)]
    return min(left, key=lambda name: LEVELS.index(verdicts[name].level), default=None)
