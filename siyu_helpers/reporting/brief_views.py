"""Rows and words of page 06: the brief on one page, from what the analysis floor decided.

Nothing here computes an estimate: results come in, and go out as rows and names that a strategist can read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from siyu_helpers.analysis import industry_fit
from siyu_helpers.analysis.decision_brief import VERDICT_WORDS
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import fit_views, words

SHOWN_FLIPS = 4
SHORT_RULES = {
    "own_figures": Words("有本品牌自己的数", "figures of the brand's own"),
    "could_pay": Words("值得一试", "worth a try"),
    "no_leak": Words("没有待修正的毛病", "nothing to put right"),
    "effect": Words("效果有证据", "evidence for the effect"),
    "costs": Words("费用有记录", "costs on record"),
    "pays": Words("把握够大", "likely enough to pay"),
}
RULE_PARTS = {"zh": ("看到的：", "要求：", "；", "（{}）"), "en": ("seen: ", "asked for: ", "; ", " ({})")}
begun = fit_views.begun


def number_rows(numbers: Sequence[Any], currency: str) -> pd.DataFrame:
    """The numbers of the brief: label, number with its interval, and what stands beside it."""
    rows = []
    for number in numbers:
        beside = ("", "")
        if isinstance(number.beside, Estimate):
            told = fit_views.stated(number.beside, currency)
            beside = (f"{number.beside_label.zh}：{told[0]}", f"{number.beside_label.en}: {told[1]}")
        note = tuple(number.note)
        rows.append(
            {
                "label": tuple(number.label),
                "value": _why_none(number.value) if isinstance(number.value, Refused)
                else fit_views.stated(number.value, currency),
                "beside": tuple(f"{one}{'；' if at == 0 and one and two else '; ' if one and two else ''}{two}"
                                for at, (one, two) in enumerate(zip(beside, note, strict=True))),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["label", "value", "beside"])


def _why_none(refused: Refused) -> tuple[str, str]:
    """Why there is no number, as a cell of a table: the reason without what follows from it."""
    return (refused.reason_zh.rstrip("。").rsplit("，", 1)[0], refused.reason_en.rstrip(".").split(", so ")[0])


def numbers_of(numbers: Sequence[Any]) -> dict[str, Estimate]:
    """The Estimates of the brief by key, as the ledger records them."""
    kept = {number.key: number.value for number in numbers}
    kept |= {number.beside_key: number.beside for number in numbers if number.beside is not None}
    return {key: number for key, number in kept.items() if isinstance(number, Estimate)}


def filled(text: Words, figures: Mapping[str, Estimate | Refused], currency: str) -> tuple[str, str]:
    """A sentence with its figures put in, in both languages.

    >>> share = Estimate.exact(0.1, 10, "share", "held out", "f")
    >>> filled(Words("留出 {out}", "hold out {out}"), {"out": share}, "CNY")
    ('留出 10.0%', 'hold out 10.0%')
    """
    told = {key: fit_views.stated(number, currency) for key, number in figures.items()}
    return tuple(text.text(lang).format(**{key: both[at] for key, both in told.items()})
                 for at, lang in enumerate(words.LANGUAGES))  # fmt: skip


def step_rows(steps: Sequence[Any], currency: str) -> pd.DataFrame:
    """What to do: action, owner, date, money, and the figure to look at."""
    rows = []
    for step in steps:
        budget = tuple(step.budget_words)
        if isinstance(step.budget, Estimate):
            told = fit_views.stated(step.budget, currency)
            budget = (f"{budget[0]} {told[0]}", f"{budget[1]}: {told[1]}")
        rows.append(
            {
                "action": begun(filled(step.action, step.figures, currency)),
                "owner": tuple(step.owner),
                "due": fit_views.in_unit(step.due_weeks, None, "weeks", currency),
                "budget": begun(budget),
                "check": begun(filled(step.check, step.figures, currency)),
            }
        )
    return pd.DataFrame(rows, columns=["action", "owner", "due", "budget", "check"])


def step_numbers(steps: Sequence[Any]) -> dict[str, Estimate]:
    """The Estimates of the steps by key."""
    kept = {}
    for step in steps:
        kept |= {key: number for key, number in step.figures.items() if isinstance(number, Estimate)}
        if isinstance(step.budget, Estimate):
            kept[f"budget_{step.key}"] = step.budget
    return kept


def flip_rows(found: pd.DataFrame, verdicts: Mapping[str, Words], currency: str) -> pd.DataFrame:
    """Where each input turns the verdict: now, at what value, into what, and how far that is."""
    rows = []
    for row in found[found["flips_at"].notna()].head(SHOWN_FLIPS).to_dict("records"):
        rows.append(
            {
                "input": (row["label_zh"], row["label_en"]),
                "now": fit_views.in_unit(row["now"], None, row["unit"], currency),
                "flips_at": fit_views.in_unit(row["flips_at"], None, row["unit"], currency),
                "verdict": tuple(verdicts[row["verdict_then"]]),
                "distance": row["distance"],
            }
        )
    return pd.DataFrame(rows, columns=["input", "now", "flips_at", "verdict", "distance"])


def link_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The weakest links: what is weak and why it matters, and what would strengthen it."""
    rows = table.to_dict("records")
    return pd.DataFrame(
        {
            "link": [(f"{row['zh']}：{row['why_zh']}", f"{row['en']}: {row['why_en']}") for row in rows],
            "stronger": [begun((row["stronger_zh"], row["stronger_en"])) for row in rows],
        }
    )


def evidence_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Changes of evidence and the verdict that each would lead to; blank where that is open."""
    named = {**VERDICT_WORDS, "": Words("可以判断", "Can be judged")}
    return pd.DataFrame(
        {
            "change": [begun((row["zh"], row["en"])) for row in table.to_dict("records")],
            "verdict": [tuple(named[name]) for name in table["verdict_then"]],
        }
    )


def days_covered(shop: Any, until: Any) -> int:
    """Days of orders that the brand's tables cover."""
    return (until - shop.observed_from).days + 1


def experiments(has: Mapping[str, Any]) -> int:
    """How many experiments with a random draw the tables record."""
    drawn = has["assignments"]
    return 0 if drawn is None else int(drawn.select("experiment").unique().collect().height)


def largest_account(has: Mapping[str, Any], until: Any) -> Estimate | Refused:
    """Share of the pool that hangs on its largest account."""
    held = industry_fit.accounts_of(has["members"], has["accounts"], until)
    return industry_fit.concentration(held["customers"].tolist())["largest_account_share"]


def rule_rows(decision: Any) -> pd.DataFrame:
    """The rules of the verdict in the order asked."""
    passed = {True: ("通过", "met"), False: ("未通过", "not met"), None: ("无从判断", "cannot be asked")}
    rules = decision.rules
    return pd.DataFrame(
        {
            "rule": [begun(both) for both in zip(rules["zh"], rules["en"], strict=True)],
            "seen": [begun(both) for both in zip(rules["seen_zh"], rules["seen_en"], strict=True)],
            "needed": [begun(both) for both in zip(rules["needed_zh"], rules["needed_en"], strict=True)],
            "passed": [passed[None if held is None or held != held else bool(held)] for held in rules["passed"]],
        }
    )


def why(decision: Any) -> Words:
    """Why the verdict is what it is, in one sentence."""
    return Words(decision.zh, decision.en)


def rule_words(decision: Any) -> Words:
    """The rule that decided, with what was seen and what is asked for; that all are met, where they are."""
    rules = decision.rules
    row = rules[rules["rule"] == decision.rule]
    if row.empty:
        needed = rules.iloc[-1]
        return Words(f"各条规则全部通过（可能性的要求：{needed['needed_zh']}）",
                     f"All rules are met (probability asked for: {needed['needed_en']})")  # fmt: skip
    row, said = row.iloc[0], []
    for lang, (seen, needed, apart, mark) in RULE_PARTS.items():
        # A probability stands behind the rule anyway; what is wrong says by itself what was asked for.
        parts = [] if "%" in row[f"seen_{lang}"] or "–" in row[f"seen_{lang}"] else [seen + row[f"seen_{lang}"]]
        parts += [] if decision.rule == "no_leak" else [needed + row[f"needed_{lang}"]]
        said.append(SHORT_RULES[decision.rule].text(lang) + mark.format(apart.join(parts)))
    return Words(f"未通过的规则：{said[0]}", f"Rule not met: {said[1]}")
