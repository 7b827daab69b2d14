"""Rows and names of page 07: claims, what they are worth, what follows by arithmetic, and what the brand's tables say.

Nothing here computes an estimate: results come in, and go out as rows that a strategist can read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.evidence_register import CLAIM_IDS, SOURCES, VERDICT_NAMES
from siyu_helpers.reporting import names
from siyu_helpers.reporting.concept_views import lesson_words, place
from siyu_helpers.reporting.fit_views import begun, in_unit, stated

MARKET = ("claims", "contradictions", "channel_definitions")

KINDS: names.Names = {
    "formula": ("公式", "formula"),
    "decision rule": ("决策规则", "decision rule"),
    "decision rule with number": ("带数字的决策规则", "decision rule with a number"),
    "warning": ("警告", "warning"),
    "claim with numbers": ("带数字的说法", "claim with numbers"),
    "case with numbers": ("带数字的案例", "case with numbers"),
    "concept with numbers": ("带数字的观念", "concept with numbers"),
    "claim": ("说法", "claim"),
    "case": ("案例", "case"),
    "edge case": ("例外情形", "edge case"),
    "use case": ("适用场景", "use case"),
    "contradiction": ("矛盾", "contradiction"),
    "metric": ("指标", "metric"),
    "method": ("方法", "method"),
    "concept": ("观念", "concept"),
    "definition": ("定义", "definition"),
    "taxonomy": ("分类", "taxonomy"),
    "metaphor": ("比喻", "metaphor"),
    "history": ("来历", "history"),
    "list": ("清单", "list"),
    "platform list": ("平台清单", "list of platforms"),
    "system": ("系统", "system"),
    "tool": ("工具", "tool"),
    "cost item": ("成本项", "cost item"),
    "source quality": ("来源质量", "quality of a source"),
}
#: Kinds as a reader chooses among them: eight instead of twenty-five.
GROUPS: names.Names = {
    **dict.fromkeys(("formula", "metric"), ("公式与指标", "formula, metric")),
    **dict.fromkeys(("decision rule", "decision rule with number"), ("决策规则", "decision rule")),
    "warning": ("警告", "warning"),
    **dict.fromkeys(
        ("claim with numbers", "case with numbers", "concept with numbers"), ("带数字的说法", "claim with numbers")
    ),
    **dict.fromkeys(("claim", "case", "edge case", "use case"), ("说法与案例", "claim, case")),
    **dict.fromkeys(("method", "system", "tool", "cost item"), ("方法与工具", "method, tool")),
    **dict.fromkeys(
        ("concept", "definition", "taxonomy", "metaphor", "history", "list", "platform list"),
        ("概念与定义", "concept, definition"),
    ),
    **dict.fromkeys(("contradiction", "source quality"), ("矛盾与来源", "contradiction, source")),
}
GRADES: names.Names = {
    "A": ("A 当事方文件", "A: own document"),
    "B": ("B 写明出处的转述", "B: named source"),
    "C": ("C 没有出处", "C: no source"),
    "D": ("D 没有出处，且有人得利或算不通", "D: no source, and a seller gains or the sum fails"),
    "ungraded": ("不评级", "not graded"),
}
SELLERS: names.Names = {
    "none": ("未见卖方", "no seller seen"),
    "publisher": ("发布方", "the publisher"),
    "named product": ("点名的产品", "a product named"),
}
#: What becomes of a claim on this brand's pages.
STATES: names.Names = {
    "here": ("表齐", "tables there"),
    "missing": ("缺表", "table missing"),
    "taught": ("只讲解", "explained only"),
    "untestable": ("无法检验", "cannot be tested"),
}

#: Rows of the table of ties: all ways of joining, and how often the customer had bought before.
TIES: names.Names = {
    "all": ("全部", "all"),
    "weak": ("弱：加入前下单不足两天", "weak: fewer than two days with an order before"),
    "strong": ("强：两天及以上", "strong: two days or more"),
    "other": ("其他", "other"),
    "unknown": ("未记录", "not recorded"),
}


#: What came out on this page for a claim that it works out itself.
OUTCOMES: names.Names = {
    "agrees": ("相符", "applies"),
    "disagrees": ("不符", "does not apply"),
    "cannot be told": ("说不清", "cannot be told"),
    "consistent": ("算得通", "consistent"),
    "cannot be": ("不成立", "does not hold"),
    "depends on": ("看条件", "depends"),
    "elsewhere": ("见右边的页面", "see the page named"),
    "none": ("不计算", "not computed"),
}


def outcomes(checked: Any, worked: Sequence[Any]) -> dict[str, str]:
    """Claim -> what this page found: by the brand's tables for a warning, by arithmetic for a figure."""
    found = {one.claim_id: one.verdict for one in worked}
    return found | {CLAIM_IDS[rule.key]: rule.agrees for rule in checked.results}


def named(checked: Any, claims: pd.DataFrame, agrees: str) -> Words | None:
    """Names of the warnings with this outcome, for a sentence; None where there is none."""
    return _names(claims, [CLAIM_IDS[rule.key] for rule in checked.results if rule.agrees == agrees])


def named_claims(worked: Sequence[Any], claims: pd.DataFrame, verdict: str) -> Words | None:
    """Names of the claims with figures that come to this verdict, for a sentence; None where there is none."""
    return _names(claims, [one.claim_id for one in worked if one.verdict == verdict])


def _names(claims: pd.DataFrame, ids: Sequence[str]) -> Words | None:
    if not ids:
        return None
    rows = claims.set_index("id").loc[list(ids)]
    return Words("、".join(rows["name_zh"]), "; ".join(rows["name_en"]))


def source_words(letters: str) -> tuple[str, str]:
    """The articles of a row, by their letters.

    >>> source_words("A;D")
    ('甲、丁', 'article A, article D')
    """
    named = [SOURCES[letter] for letter in letters.split(";") if letter in SOURCES]
    return ("、".join(name.zh[-1] for name in named), ", ".join(name.en for name in named))


def claim_rows(register: pd.DataFrame, found: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The register as a page shows it: claim, kind, grade, who gains, what becomes of it here, how and where.

    found : what this page works out itself, as `outcomes` gives it.
    """
    rows = []
    for row in register.to_dict("records"):
        lesson = lesson_words(row["page"])
        how = (
            row["how_zh"] + (f"（{lesson[0]}）" if lesson[0] else ""),
            row["how_en"] + (f" ({lesson[1]})" if lesson[1] else ""),
        )
        outcome = (found or {}).get(row["id"], "elsewhere" if row["status"] == "computed" else "none")
        rows.append({
            "claim": (f"{row['name_zh']}：{row['claim_zh']}", f"{row['name_en']}: {row['claim_en']}"),
            "name": (row["name_zh"], row["name_en"]), "kind": row["kind"], "sources": source_words(row["sources"]),
            "grade": row["grade"] or "ungraded", "seller": row["seller"], "state": _state(row), "outcome": outcome,
            "how": how, "where": place(row["page"], row["section"]),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _state(row: dict[str, Any]) -> str:
    if row["status"] != "computed":
        return row["status"]
    return "here" if row["testable_here"] else "missing"


def arithmetic_rows(worked: Sequence[Any], currency: str) -> pd.DataFrame:
    """Each claim with numbers: what is claimed, what follows, whether it can be, and what is missing."""
    rows = [
        {
            "claim": begun(one.claim),
            "follows": _follows(one, currency),
            "verdict": tuple(VERDICT_NAMES[one.verdict]),
            "reason": begun(one.reason),
            "missing": begun(one.missing),
        }
        for one in worked
    ]
    return pd.DataFrame(rows, columns=["claim", "follows", "verdict", "reason", "missing"])


def _follows(worked: Any, currency: str) -> tuple[str, str]:
    """The first three figures of a claim, each with the range that its assumptions leave."""
    named = [name for name in worked.figures if not name.endswith(("_least", "_most"))][:3]
    told = [_figure(worked.figures[name], worked.ends_of(name), currency) for name in named]
    return ("；".join(zh for zh, _ in told), "; ".join(en for _, en in told))


def _figure(figure: Estimate | Refused, ends: tuple[float, float] | None, currency: str) -> tuple[str, str]:
    if isinstance(figure, Refused):
        return stated(figure, currency)
    zh, en = in_unit(figure.value, ends, figure.unit, currency)
    return (f"{figure.definition_in('zh')}：{zh}", f"{figure.definition_in('en')}: {en}")


def contradiction_rows(register: pd.DataFrame) -> pd.DataFrame:
    """Both sides of each contradiction, who says what, and what settles it."""
    made = pd.DataFrame({"kind": list(zip(register["kind_zh"], register["kind_en"], strict=True))})
    made["topic"] = list(zip(register["topic_zh"], register["topic_en"], strict=True))
    for side in ("one", "other"):
        made[side] = [
            (f"{by_zh}：{zh}", f"{by_en[:1].upper()}{by_en[1:]}: {en}")
            for zh, en, by_zh, by_en in register[
                [f"{side}_zh", f"{side}_en", f"{side}_by_zh", f"{side}_by_en"]
            ].itertuples(index=False, name=None)
        ]
    made["settle"] = list(zip(register["settle_zh"], register["settle_en"], strict=True))
    made["where"] = [place(page, section) for page, section in zip(register["page"], register["section"], strict=True)]
    return made


def warning_figures(checked: Any, currency: str) -> pd.DataFrame:
    """Every figure behind the warnings: which warning, what is counted, the number with its interval."""
    rows = [
        {"claim": begun(rule.claim), "figure": begun(_meaning(figure)), "value": stated(figure, currency)}
        for rule in checked.results
        for figure in checked.figures[rule.key].values()
    ]
    return pd.DataFrame(rows, columns=["claim", "figure", "value"])


def _meaning(figure: Estimate | Refused) -> tuple[str, str]:
    if isinstance(figure, Refused):
        return (figure.reason_zh, figure.reason_en)
    return (figure.definition_in("zh"), figure.definition_in("en"))


def assumption_rows(table: pd.DataFrame, worked: Sequence[Any], currency: str) -> pd.DataFrame:
    """Every assumption of the computations: for which claim, what is assumed, its value and range."""
    claims = {one.key: begun(one.claim) for one in worked}
    rows = []
    for row in table.to_dict("records"):
        ends = None if pd.isna(row["low"]) else (row["low"], row["high"])
        rows.append({"claim": claims[row["key"]], "assumption": begun((row["assumption_zh"], row["assumption_en"])),
                     "value": in_unit(row["value"], ends, row["unit"], currency)})  # fmt: skip
    return pd.DataFrame(rows)
