"""Cases: a published claim as a card that says how good its evidence is, for lessons to argue about."""

import os
from dataclasses import dataclass
from html import escape

import pandas as pd

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.data import market

GRADES = {
    "A": Words("A：当事方自己的公告或文件", "A: the party's own filing or document"),
    "B": Words("B：有名有姓的二手来源", "B: a named secondary source"),
    "C": Words("C：没有出处的说法", "C: asserted without a source"),
    "D": Words(
        "D：没有出处，而且与卖方利益或算术相冲突", "D: no source, and a seller's interest or arithmetic against it"
    ),
    "": Words("定义或方法，不评证据等级", "a definition or method, not graded"),
}
#: private_domain_benchmarks.csv grades by the page alone: a page that can be looked up is B, whoever wrote it. Who
#: gains stands on the card beside it.
FIGURE_GRADES = {
    "A": GRADES["A"],
    "B": Words("B：二手页面，有出处可查", "B: a secondary page that can be looked up"),
}
SELLERS = {
    "none": Words("没有看到卖方", "no seller in sight"),
    "publisher": Words("发表它的网站卖相关的工具或服务", "the site that published it sells a tool or service for it"),
    "named product": Words("它推荐的产品就是要卖的东西", "what it recommends is what is being sold"),
}
OWN_RESULTS = Words("公司说的是自己的成绩", "the company speaks of its own results")
#: Who gains from a figure, by the column evidence_kind.
FIGURE_SELLERS = {
    "vendor claim": Words("说这话的一方，卖的就是这类服务", "whoever says so sells such a service"),
    "data vendor": Words("说这话的一方，卖的就是数据", "whoever says so sells data"),
    "media or interview": Words(
        "媒体或采访转述，多是公司自己的说法", "passed on by media or in an interview, mostly in the company's own words"
    ),
    "anonymous or unsourced": Words("没有署名，看不出是谁说的", "no name to it: nobody can tell who says so"),
    "survey": Words("谁出钱做的调查，谁得利", "whoever paid for the survey"),
    "platform figure": Words("平台说的是自己的成绩", "the platform speaks of its own results"),
    "company release": OWN_RESULTS,
    "company presentation via press": OWN_RESULTS,
    "offering document": OWN_RESULTS,
    "filing/prospectus via press": OWN_RESULTS,
    "filing via machine digest": OWN_RESULTS,
    "audited filing via third party": OWN_RESULTS,
}
HEADS = {
    "grade": Words("证据等级", "Evidence"),
    "seller": Words("谁得利", "Who gains"),
    "source": Words("出处", "Source"),
    "how": Words("在这里怎么检验", "How it is tested here"),
}
ARTICLES = {"A": Words("文章甲", "article A"), "B": Words("文章乙", "article B"), "C": Words("文章丙", "article C"),
            "D": Words("文章丁", "article D")}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One claim: what is said, and what stands behind it, by the keys of `HEADS`."""

    id: str
    claim: Words
    grade: str
    lines: dict[str, Words]


def card(id: str, data_root: str | os.PathLike | None = None) -> Card:
    """The card of one published claim or figure.

    Parameters
    ----------
    id : str
        A line of claims.csv or of private_domain_benchmarks.csv.

    Raises
    ------
    ValueError
        There is no such line.
    """
    for name, made in (("claims", _of_claim), ("private_domain_benchmarks", _of_figure)):
        table = market.load(name, data_root).set_index("id")
        if id in table.index:
            return made(id, table.loc[id])
    raise ValueError(f"There is no claim {id!r} in claims.csv nor in private_domain_benchmarks.csv.")


def _of_claim(id: str, row: pd.Series) -> Card:
    named = [ARTICLES[letter] for letter in row["sources"].split(";")]
    source = Words("、".join(name.zh for name in named), ", ".join(name.en for name in named))
    lines = {
        "grade": GRADES[row["grade"]],
        "seller": SELLERS[row["seller"]],
        "source": source,
        "how": Words(row["how_zh"], row["how_en"]),
    }
    return Card(id, Words(row["claim_zh"], row["claim_en"]), row["grade"], lines)


def _of_figure(id: str, row: pd.Series) -> Card:
    source = ", ".join(part for part in (row["source_title"], row["publisher"], row["date"]) if part)
    lines = {
        "grade": FIGURE_GRADES[row["grade"]],
        "seller": FIGURE_SELLERS[row["evidence_kind"]],
        "source": Words(source, source),
    }
    if not row["claim_zh"]:
        raise ValueError(f"{id} of private_domain_benchmarks.csv has no claim in words: choose a line with claim_zh.")
    return Card(id, Words(row["claim_zh"], row["claim_en"]), row["grade"], lines)


def card_html(card: Card, lang: str) -> str:
    """A card in one language, as HTML; everything that comes from the tables is escaped."""
    rows = "".join(
        f"<dt>{HEADS[name].text(lang)}</dt><dd>{escape(text.text(lang))}</dd>" for name, text in card.lines.items()
    )
    return f'<blockquote class="siyu-case"><p>{escape(card.claim.text(lang))}</p><dl>{rows}</dl></blockquote>'
