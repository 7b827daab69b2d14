"""What can be said of the effect of joining: strong, suggestive or not identified here, and the rules that say so.

The rules are the same for every brand and are shown with what was seen. Only a lot can make a verdict strong. Without
one, an effect has to hold against everything that could be tested, and a test too weak to fail is not a test passed: a
small brand whose placebo shows nothing, because it cannot, is not identified here.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.invitations import Invitations
from siyu_helpers.analysis.effect.linkage import LINKED_AT_LEAST
from siyu_helpers.analysis.effect.placebos import without_placebo_gap
from siyu_helpers.analysis.effect.results import Effect, combined
from siyu_helpers.analysis.effect.sensitivity import Sensitivity
from siyu_helpers.analysis.effect.staggered import GroupTime
from siyu_helpers.analysis.effect.verdict_words import BUT, HOW, LEVEL_WORDS, NEXT, OUTCOMES, RULES
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

STRONG, SUGGESTIVE, NOT_IDENTIFIED = LEVELS = ("strong", "suggestive", "not identified here")
FINDINGS = ("more", "less", "none", "open")

JOINERS_AT_LEAST = COMPARATORS_AT_LEAST = 100
BALANCED_BELOW = 0.1  # standardised mean difference
FIRST_STAGE_ABOVE = 10  # F statistic
LOT_P_AT_LEAST = 0.001  # sides as uneven as this, or persons as different, happen once in a thousand lots
LEADS_P_AT_LEAST = 0.10
UNITS_AT_LEAST = 10  # stores or cities on either side of a roll-out, together
WORTH_NOTICING = 0.20  # of what there would be without joining: an effect beyond it must be excluded to say "none"
SEES_AT_MOST = 0.30  # of the mean without joining: half the width of the interval of the gap carried on, see below
TIMES_AT_LEAST = 1.0  # as strong as the strongest recorded trait
REASONS_GIVEN = 2
COLUMNS = ["rule", "zh", "en", "seen", "needed", "passed", "because_zh", "because_en"]


@dataclass(frozen=True)
class Verdict:
    """A verdict in words, and the rules that led to it.

    level : "strong", "suggestive" or "not identified here". finding : "more", "less", "none" (what could still be there
    is too small to matter) or "open". zh, en : one or two sentences. rules : DataFrame, one row a rule: rule, zh, en
    (what is asked), seen, needed (texts), passed, because_zh, because_en (what it means when it fails).
    """

    level: str
    finding: str
    zh: str
    en: str
    rules: pd.DataFrame = field(repr=False, compare=False)

    def text(self, language: str) -> str:
        """Return the verdict in "zh" or "en"."""
        return Words(self.zh, self.en).text(language)


def verdict(design: str | None, outcome: str = "orders", **evidence: Any) -> Verdict:
    """The verdict for the best design the data allow.

    Parameters
    ----------
    design : str or None
        "invitation", "roll_out", "weekly_trials" as in `designs`; "members_against_others" or None: no design at all.
    outcome : str
    **evidence
        Arguments of `verdict_of_invitation`, `verdict_of_roll_out` or `verdict_of_trials`.

    Example
    -------
    >>> verdict(None).text("en")
    'Not identified here: the data allow no comparison but members against others. A random invitation or holdout would
    answer the question, if it can be made large enough.'
    """
    if design in (None, "members_against_others"):
        rules = [_rule("design", "–", "–", False)]
        return _stated(NOT_IDENTIFIED, "open", outcome, "weekly_trials", rules, WORTH_NOTICING)
    order_log.one_of("design", design, tuple(_OF_DESIGN))
    return _OF_DESIGN[design](outcome=outcome, **evidence)


def verdict_of_invitation(
    found: Invitations | Refused,
    outcome: str = "orders",
    linked: Estimate | Refused | float | None = None,
    worth_noticing: float = WORTH_NOTICING,
) -> Verdict:
    """Strong, if a lot decided who was invited, the lot holds, the invitation was followed and the answer is clear.

    Invitations  ->  Verdict

    Parameters
    ----------
    found : Invitations or Refused
    outcome : str
    linked : Estimate or float, optional
        Share of revenue with a customer key. Below 80% the verdict is at best suggestive.
    worth_noticing : float
        An effect on a joiner beyond this share of the mean without joining must be excluded before "no effect" is said.

    Example
    -------
    >>> verdict_of_invitation(Refused("lot", 0, 1, "没有抽签。", "There was no lot.")).level
    'not identified here'
    """
    effect = found if isinstance(found, Refused) else found.itt.get(outcome)
    if not isinstance(effect, Effect):
        return _without_effect(effect, outcome, "invitation")
    # An invitation moves the mean only through those who follow it.
    margin = worth_noticing * abs(effect.without_treatment) * abs(found.joined.value)
    finding = _finding(effect.low, effect.high, margin)
    drawn = min(found.balance_p_value, found.share_p_value)
    rules = [
        _rule("lot", _p_text(drawn), f"p ≥ {LOT_P_AT_LEAST:g}", drawn >= LOT_P_AT_LEAST),
        _rule("first_stage", f"F = {found.f_statistic:.3g}", f"F > {FIRST_STAGE_ABOVE}",
              found.f_statistic > FIRST_STAGE_ABOVE),
        _rule("answer", _interval(effect), _needed_answer(margin), finding != "open"),
    ]  # fmt: skip
    level = STRONG if all(rule["passed"] for rule in rules) else NOT_IDENTIFIED
    rules += _linked_rule(linked)
    if level == STRONG and not rules[-1]["passed"]:
        level = SUGGESTIVE
    return _stated(level, finding, outcome, "invitation", rules, worth_noticing)


def verdict_of_roll_out(
    found: GroupTime | Refused,
    outcome: str = "orders",
    linked: Estimate | Refused | float | None = None,
    worth_noticing: float = WORTH_NOTICING,
) -> Verdict:
    """At best suggestive: stores must have moved alike before they opened, and the effect must outlast a drift.

    GroupTime  ->  Verdict. Arguments as of `verdict_of_invitation`; outcome names what the panel held.

    The differences between periods before the opening are carried on over the mean time since: what is left of the
    effect after that drift must still have its sign.

    Example
    -------
    >>> verdict_of_roll_out(Refused("units", 1, 4, "门店太少。", "Too few stores.")).finding
    'open'
    """
    if isinstance(found, Refused):
        return _without_effect(found, outcome, "roll_out")
    effect, units = found.simple, int(found.facts.get("units", 0))
    margin = worth_noticing * abs(effect.without_treatment)
    finding = _finding(effect.low, effect.high, margin)
    left = _without_drift(found)
    chance = found.pretrend.p_value if found.pretrend is not None else math.nan
    rules = [
        _rule("units", f"{units}", f"≥ {UNITS_AT_LEAST}", units >= UNITS_AT_LEAST),
        _rule("leads", _p_text(chance), f"p ≥ {LEADS_P_AT_LEAST:g}", chance >= LEADS_P_AT_LEAST),
        _rule("answer", _interval(effect), _needed_answer(margin), finding != "open"),
        _rule("survives_leads", _interval(left), _needed_answer(margin), _survives(finding, effect, left, margin)),
    ]
    level = SUGGESTIVE if all(rule["passed"] for rule in rules) else NOT_IDENTIFIED
    return _stated(level, finding, outcome, "roll_out", rules + _linked_rule(linked), worth_noticing)


def verdict_of_trials(
    effect: Effect | Refused,
    joiners: int,
    placebo: Effect | Refused,
    placebo_bias: Effect | Refused,
    balance: pd.DataFrame,
    grid: pd.DataFrame,
    sensitivity: Sensitivity,
    outcome: str = "orders",
    linked: Estimate | Refused | float | None = None,
    bound: Effect | Refused | None = None,
    worth_noticing: float = WORTH_NOTICING,
) -> Verdict:
    """At best suggestive: joiners beside comparators of like history, if every test that could fail has held.

    Parameters
    ----------
    effect : Effect or Refused
        The main estimate on `outcome`.
    joiners : int
        Joiners it is about.
    placebo, placebo_bias : Effect or Refused
        Of `placebos`, on the same trials; the bias in the unit of the outcome.
    balance : DataFrame
        Of `balance`, with smd_after.
    grid : DataFrame
        Other estimators and trims: value, low, high.
    sensitivity : Sensitivity
        Of `sensitivity_of`.
    linked : Estimate or float, optional
        Share of revenue with a customer key. Below 80%, `bound` must have the same sign as the effect.
    bound : Effect or Refused, optional
        Of `linked_bound`.
    worth_noticing : float
        "No effect" is said only if one beyond this share of the mean without joining is excluded, whatever the placebo
        may have missed.

    Example
    -------
    >>> none = Refused("joiners", 3, 50, "加入者只有 3 位。", "Only 3 joiners.")
    >>> empty = pd.DataFrame()
    >>> print(verdict_of_trials(none, 3, none, none, empty, empty, Sensitivity("", none, none, none, empty)).en)
    Not identified here: Only 3 joiners. A random invitation or holdout would answer the question, if it can be made
    large enough.
    """
    if isinstance(effect, Refused):
        return _without_effect(effect, outcome, "weekly_trials")
    margin = worth_noticing * abs(effect.without_treatment)
    finding = _finding(effect.low, effect.high, margin)
    gaps = balance["smd_after"].abs() if len(balance) else pd.Series(dtype=float)
    worst = float(gaps.max()) if len(gaps) and gaps.notna().all() else math.nan
    rules = [
        _rule("joiners", f"{joiners}", f"≥ {JOINERS_AT_LEAST}", joiners >= JOINERS_AT_LEAST),
        _rule("comparators", f"{effect.effective_n:.0f}", f"≥ {COMPARATORS_AT_LEAST}",
              effect.effective_n >= COMPARATORS_AT_LEAST),
        _rule("balance", f"{worst:.2f}", f"< {BALANCED_BELOW}", worst < BALANCED_BELOW),
        _rule("answer", _interval(effect), _needed_answer(margin), finding != "open"),
        *_placebo_rules(effect, placebo, placebo_bias, finding, margin),
        _grid_rule(grid, finding),
        *_sensitivity_rule(sensitivity, finding),
    ]  # fmt: skip
    shown = _linked_rule(linked)
    if shown and not shown[0]["passed"]:
        there = isinstance(bound, Effect)
        same = there and _finding(min(bound.low, effect.low), effect.high, margin) == finding
        seen = _interval(bound) if there else "–"
        rules.append(_rule("survives_unlinked", seen, _needed_answer(margin), same and finding != "open"))
    level = SUGGESTIVE if all(rule["passed"] for rule in rules) else NOT_IDENTIFIED
    return _stated(level, finding, outcome, "weekly_trials", rules + shown, worth_noticing)


def best_of(*verdicts: Verdict) -> Verdict:
    """The verdict that says most; of equals the one given first, so give the better design first.

    A lot that was too small to answer does not take back what weekly trials say.

    Example
    -------
    >>> best_of(verdict(None), verdict(None)).level
    'not identified here'
    """
    return min(verdicts, key=lambda each: LEVELS.index(each.level))


# --- the rules ---


def _finding(low: float, high: float, margin: float) -> str:
    """What an interval says: more, less, none (all within the margin) or open."""
    if low > 0 or high < 0:
        return "more" if low > 0 else "less"
    return "none" if margin > 0 and -margin <= low and high <= margin else "open"


def _survives(finding: str, effect: Effect, left: Effect | None, margin: float) -> bool:
    """Whether the finding is the same over the interval of the effect and that of what is left of it."""
    if left is None or finding == "open":
        return False
    return _finding(min(effect.low, left.low), max(effect.high, left.high), margin) == finding


def _placebo_rules(effect: Effect, placebo, bias, finding: str, margin: float) -> list[dict]:
    for found in (placebo, bias):
        if not isinstance(found, Effect):
            return [_untested("placebo", found)]
    left = without_placebo_gap(effect, bias)
    # Held against what is usual and not against the effect: hidden selection makes the effect large as well.
    base, reach = effect.without_treatment, (bias.high - bias.low) / 2
    blur = reach / base if base > 0 else math.inf
    return [
        _rule("placebo", _interval(placebo), "0", placebo.low <= 0 <= placebo.high),
        _rule("placebo_power", f"± {blur:.0%}", f"≤ ± {SEES_AT_MOST:.0%}", blur <= SEES_AT_MOST),
        _rule("survives_placebo", _interval(left), _needed_answer(margin), _survives(finding, effect, left, margin)),
    ]


def _grid_rule(grid: pd.DataFrame, finding: str) -> dict:
    """All estimators and trims on the same side; those about the same customers with a stretch that all share.

    A trim changes whom the effect is about, so that intervals of different trims need not overlap.
    """
    if not len(grid) or not grid[["value", "low", "high"]].notna().all(axis=None):
        return _rule("grid", "–", "–", False)
    same = grid.groupby(grid["kept"] if "kept" in grid else np.ones(len(grid)))
    shared = bool((same["low"].max() <= same["high"].min()).all())
    one_side = finding == "none" or (grid["value"] > 0).all() or (grid["value"] < 0).all()
    seen = f"{grid['value'].min():.3g} … {grid['value'].max():.3g}"
    needed = {"more": "> 0", "less": "< 0"}.get(finding, "∩ ≠ ∅")
    return _rule("grid", seen, needed, bool(shared and one_side))


def _sensitivity_rule(sensitivity: Sensitivity, finding: str) -> list[dict]:
    """An effect must withstand a hidden trait as strong as the strongest recorded; none has nothing to withstand."""
    if finding in ("none", "open"):
        return []
    times = sensitivity.times_as_strong
    if isinstance(times, Refused):
        return [_rule("sensitivity", "–", f"≥ {TIMES_AT_LEAST:g}", False)]
    return [_rule("sensitivity", f"{times.value:.2f}", f"≥ {TIMES_AT_LEAST:g}", times.value >= TIMES_AT_LEAST)]


def _linked_rule(linked: Estimate | Refused | float | None) -> list[dict]:
    """Share of revenue with a customer key; nothing where it was not given."""
    if linked is None:
        return []
    if isinstance(linked, Refused):
        return [_rule("linked", "–", f"≥ {LINKED_AT_LEAST:.0%}", False)]
    share = linked.value if isinstance(linked, Estimate) else float(linked)
    return [_rule("linked", f"{share:.0%}", f"≥ {LINKED_AT_LEAST:.0%}", share >= LINKED_AT_LEAST)]


def _without_drift(found: GroupTime) -> Effect | None:
    """The effect of a roll-out less the drift before the openings, carried on over the mean time since."""
    leads = [part for time, part in found.dynamic.parts.items() if time < 0 and math.isfinite(part.standard_error)]
    lags = found.group_time[found.group_time["event_time"] >= 0]
    whole = (lags["units"]).sum()
    if not leads or not whole:
        return None
    periods = float((lags["units"] * (lags["event_time"] + 1)).sum() / whole)
    drift = sum(lead.value for lead in leads) / len(leads)
    slopes = [1.0, *[-periods / len(leads)] * len(leads)]
    return combined(found.simple.value - periods * drift, slopes, [found.simple, *leads])


def _rule(name: str, seen: str, needed: str, passed: bool) -> dict:
    asked, because = RULES[name]
    values = (name, asked.zh, asked.en, seen, needed, bool(passed), because.zh, because.en)
    return dict(zip(COLUMNS, values, strict=True))


def _untested(name: str, refused: Refused | None) -> dict:
    """A rule that fails because it could not be tested: the reason is why, not what a failed test would mean."""
    rule = _rule(name, "–", "–", False)
    if isinstance(refused, Refused):
        rule |= {"because_zh": refused.reason_zh.rstrip("。"), "because_en": refused.reason_en.rstrip(".")}
        rule |= {"seen": str(refused.seen), "needed": str(refused.needed)}
    return rule


def _p_text(chance: float) -> str:
    return "–" if math.isnan(chance) else f"p = {chance:.3g}"


def _interval(effect: Effect | None) -> str:
    return "–" if effect is None else f"{effect.value:.3g} ({effect.low:.3g}, {effect.high:.3g})"


def _needed_answer(margin: float) -> str:
    return f"≠ 0 | ± {margin:.3g}"


# --- the words ---


def _without_effect(refused: Refused | None, outcome: str, design: str) -> Verdict:
    return _stated(NOT_IDENTIFIED, "open", outcome, design, [_untested("effect", refused)], WORTH_NOTICING)


def _stated(level: str, finding: str, outcome: str, design: str, rules: list[dict], worth: float) -> Verdict:
    what = OUTCOMES.get(outcome, Words(outcome, outcome))
    table = pd.DataFrame(rules, columns=COLUMNS)
    said = (
        _not_identified(table, design) if level == NOT_IDENTIFIED else _identified(level, finding, design, what, worth)
    )
    if level == SUGGESTIVE and design == "invitation":
        said = Words(f"{said.zh}但{RULES['linked'][1].zh}。", f"{said.en} But {RULES['linked'][1].en}.")
    label = LEVEL_WORDS[level]
    return Verdict(level, finding, f"{label.zh}：{said.zh}", f"{label.en}: {said.en}", table)


def _not_identified(rules: pd.DataFrame, design: str) -> Words:
    failed = rules[~rules["passed"] & (rules["rule"] != "linked")].head(REASONS_GIVEN)
    next_step = NEXT["larger lot" if failed["rule"].tolist() == ["answer"] and design == "invitation" else "lot"]
    return Words(
        "；".join(failed["because_zh"]) + f"。{next_step.zh}",
        "; ".join(failed["because_en"]) + f". {next_step.en}",
    )


def _identified(level: str, finding: str, design: str, what: Words, worth: float) -> Words:
    """The sentence of a verdict that says something."""
    how = HOW[design]
    if finding == "none":
        return Words(
            f"{how.zh}，没有发现加入私域对{what.zh}有影响；"
            f"幅度超过原有水平 {worth:.0%} 的影响可以排除。{BUT[design].zh}",
            f"{how.en}, and no effect of joining on {what.en} was found; one of more than {worth:.0%} of what there "
            f"would be without joining is ruled out.{BUT[design].en}",
        )
    up, sure = finding == "more", level == STRONG
    return Words(
        f"{how.zh}，加入私域{'' if sure else '很可能'}{'提高' if up else '降低'}了{what.zh}。{BUT[design].zh}",
        f"{how.en}, and joining {'' if sure else 'probably '}{'raised' if up else 'lowered'} {what.en}."
        f"{BUT[design].en}",
    )


_OF_DESIGN = {
    "invitation": verdict_of_invitation,
    "roll_out": verdict_of_roll_out,
    "weekly_trials": verdict_of_trials,
}
