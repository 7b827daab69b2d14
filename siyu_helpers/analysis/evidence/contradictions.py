"""Where the four articles contradict one another, themselves, arithmetic or public facts, and what settles it.

The table has one row per contradiction: what one side says, what the other says, and what data would decide or where
this workbook does. On which channels the articles differ, criterion by criterion, is `industry_fit.contradictions`.

Opens no files and draws nothing; the tables come from `data/raw/market/`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.evidence.register import SOURCES

REQUIRES: dict[str, list[str]] = {}
COLUMNS = (
    "id", "kind", "topic_zh", "topic_en", "one_zh", "one_en", "one_sources", "other_zh", "other_en", "other_sources",
    "settle_zh", "settle_en", "page", "section", "function", "claims",
)  # fmt: skip
#: What the two sides differ about.
KINDS = {
    "definition": Words("定义", "definition"),
    "fact": Words("事实", "fact"),
    "advice": Words("建议", "advice"),
    "arithmetic": Words("算术", "arithmetic"),
}
ARITHMETIC, PUBLIC_FACTS = "arithmetic", "public facts"
#: Who can be on a side: the articles by letter, and what they are held against.
SIDES = {**SOURCES, ARITHMETIC: Words("算术", "arithmetic"), PUBLIC_FACTS: Words("公开资料", "public facts")}

#: What each number of `contradiction_counts` counts.
COUNTED = {
    "contradictions": Words("列出的矛盾", "contradictions that are listed"),
    **{
        kind: Words(f"其中双方分歧在{words.zh}的", f"of them, those on which the two sides differ in {words.en}")
        for kind, words in KINDS.items()
    },
    "between_articles": Words("文章说法与文章说法相矛盾的", "contradictions between what articles say"),
    "within_one": Words(
        "双方都出自同一篇文章的：这篇文章自己就不一致",
        "contradictions of which both sides are found in one and the same article",
    ),
    "against_arithmetic": Words("文章说法与算术相矛盾的", "contradictions between an article and arithmetic"),
    "against_public_facts": Words("文章说法与公开资料相矛盾的", "contradictions between an article and public facts"),
    "claims_concerned": Words("牵涉其中的说法，重复的只计一次", "claims that are concerned, each counted once"),
}


def contradiction_register(contradictions: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    """The list of contradictions with the names of the claims that they concern, and of who says what.

    contradictions, claims  ->  table (one row per contradiction, in the same order)

    Parameters
    ----------
    contradictions : DataFrame
        `data/raw/market/contradictions.csv`: the columns `COLUMNS`.
    claims : DataFrame
        `data/raw/market/claims.csv`: id, name_zh, name_en.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`, blank cells as ""; then, each in zh and in en,
        kind_... : name of the kind. one_by_..., other_by_... : who is on each side. claim_names_... : names of the
        claims, "；" or "; " between them.

    Raises
    ------
    ValueError
        Columns are missing, an id is there twice, a kind or a side is unknown, or a claim is not in the register.

    Example
    -------
    >>> claims = pd.DataFrame({"id": ["cl001"], "name_zh": ["营收公式"], "name_en": ["Revenue formula"]})
    >>> row = dict.fromkeys(COLUMNS, "-") | {"kind": "arithmetic", "one_sources": "A", "other_sources": "arithmetic"}
    >>> made = contradiction_register(pd.DataFrame([row | {"claims": "cl001"}]), claims)
    >>> made[["one_by_en", "other_by_en", "claim_names_en"]].values.tolist()
    [['article A', 'arithmetic', 'Revenue formula']]
    """
    table, names = _checked(contradictions), _names(claims)
    for key, ids in zip(table["id"], table["claims"], strict=True):
        if lost := [claim for claim in _parts(ids) if claim not in names]:
            raise ValueError(f"{key} concerns {', '.join(lost)}, which the register of claims does not have")
    for language, comma, stop in (("zh", "、", "；"), ("en", ", ", "; ")):
        table[f"kind_{language}"] = [KINDS[kind].text(language) for kind in table["kind"]]
        for side in ("one", "other"):
            table[f"{side}_by_{language}"] = [
                comma.join(SIDES[source].text(language) for source in _parts(sources))
                for sources in table[f"{side}_sources"]
            ]
        table[f"claim_names_{language}"] = [
            stop.join(names[claim].text(language) for claim in _parts(ids)) for ids in table["claims"]
        ]
    return table


def contradiction_counts(contradictions: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """How many contradictions there are, of which kind, and how many articles contradict themselves.

    contradictions  ->  dict of Estimate, keys and definitions as in `COUNTED`

    Returns
    -------
    dict of Estimate, counted, unit "contradictions", n the contradictions in the table; of Refused where there is none.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "-") | {"kind": "advice", "one_sources": "D", "other_sources": "C;D"}
    >>> counts = contradiction_counts(pd.DataFrame([row]))
    >>> [counts[key].value for key in ("contradictions", "advice", "within_one", "against_arithmetic")]
    [1.0, 1.0, 1.0, 0.0]
    """
    table = _checked(contradictions)
    if table.empty:
        none = Refused("contradictions", 0, 1, "没有列出任何矛盾。", "No contradiction is listed.")
        return dict.fromkeys(COUNTED, none)
    sides = [set(_parts(one)) & set(_parts(other)) for one, other in _sides(table)]
    other = table["other_sources"]
    counted = {
        "contradictions": len(table),
        **{kind: int((table["kind"] == kind).sum()) for kind in KINDS},
        "between_articles": int((~other.isin([ARITHMETIC, PUBLIC_FACTS])).sum()),
        "within_one": sum(1 for both in sides if both),
        "against_arithmetic": int((other == ARITHMETIC).sum()),
        "against_public_facts": int((other == PUBLIC_FACTS).sum()),
        "claims_concerned": len({claim for ids in table["claims"] for claim in _parts(ids)}),
    }
    return {
        key: Estimate.exact(
            value,
            len(table),
            "claims" if key == "claims_concerned" else "contradictions",
            COUNTED[key],
            contradiction_counts,
        )
        for key, value in counted.items()
    }


def contradictions_between(contradictions: pd.DataFrame) -> pd.DataFrame:
    """How often each article is contradicted by each other, by itself, by arithmetic and by public facts.

    contradictions  ->  table (article x what it is held against)

    Returns
    -------
    DataFrame, articles in their order, then arithmetic and public facts
        one : an article, A to D. other : an article from `one` on (the same letter: it contradicts itself), or
        "arithmetic", "public facts". one_zh, one_en, other_zh, other_en : their names. contradictions : how many; 0
        where there is none. A contradiction with several articles on a side counts once for each pair of them, so
        that the column may add up to more than there are.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "-") | {"kind": "advice", "one_sources": "A", "other_sources": "C;D"}
    >>> made = contradictions_between(pd.DataFrame([row]))
    >>> made.loc[made["contradictions"] > 0, ["one", "other", "contradictions"]].values.tolist()
    [['A', 'C', 1], ['A', 'D', 1]]
    """
    table, order = _checked(contradictions), list(SIDES)
    pairs = [pair for pair in itertools.combinations_with_replacement(order, 2) if pair[0] in SOURCES]
    counted = dict.fromkeys(pairs, 0)
    for one, other in _sides(table):
        found = {tuple(sorted(pair, key=order.index)) for pair in itertools.product(_parts(one), _parts(other))}
        for pair in found:
            counted[pair] += 1
    rows = [
        (one, other, *(SIDES[side].text(language) for side in (one, other) for language in Words._fields), number)
        for (one, other), number in counted.items()
    ]
    return pd.DataFrame(rows, columns=["one", "other", "one_zh", "one_en", "other_zh", "other_en", "contradictions"])


def contradicted_by_arithmetic(contradictions: pd.DataFrame) -> list[str]:
    """Ids of the claims that arithmetic contradicts, in order; `register.source_worth` takes them.

    contradictions  ->  list of ids

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "-") | {"kind": "arithmetic", "one_sources": "A", "other_sources": "arithmetic"}
    >>> contradicted_by_arithmetic(pd.DataFrame([row | {"claims": "cl002;cl001"}]))
    ['cl001', 'cl002']
    """
    table = _checked(contradictions)
    held = table.loc[table["other_sources"] == ARITHMETIC, "claims"]
    return sorted({claim for ids in held for claim in _parts(ids)})


def unresolved_contradictions(
    contradictions: pd.DataFrame,
    claims: pd.DataFrame,
    functions: Collection[str] = (),
    sections: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Rows of the list that break its promise: a blank cell, a claim or an article that is not there, a lost pointer.

    contradictions, claims, names of functions that exist, (page, section) that exist  ->  table (problem)

    Parameters
    ----------
    contradictions : DataFrame
        `data/raw/market/contradictions.csv`.
    claims : DataFrame
        `data/raw/market/claims.csv`: id, name_zh, name_en, sources.
    functions : collection of str
        Dotted names that could be imported.
    sections : collection of (page, section)
        Headings of the pages in English.

    Returns
    -------
    DataFrame: id, problem (one sentence). Empty when every row keeps the promise.

    Example
    -------
    >>> claims = pd.DataFrame({"id": ["cl001"], "name_zh": ["营收"], "name_en": ["Revenue"], "sources": ["A"]})
    >>> row = dict.fromkeys(COLUMNS, "-") | {"kind": "fact", "one_sources": "A", "other_sources": "B"}
    >>> unresolved_contradictions(pd.DataFrame([row | {"claims": "cl001"}]), claims)["problem"].tolist()
    ['none of its claims is from article B', 'there is no function -', "no page '-' has the section '-'"]
    """
    table, names = _checked(contradictions), _names(claims)
    said = {key: set(_parts(sources)) for key, sources in zip(claims["id"], claims["sources"], strict=True)}
    known, headed, found = set(functions), set(sections), []
    for row in table.to_dict("records"):
        ids, letters = (
            _parts(row["claims"]),
            {*_parts(row["one_sources"]), *_parts(row["other_sources"])} & set(SOURCES),
        )
        absent = letters - set().union(*(said.get(claim, set()) for claim in ids))
        problems = [f"{column} is blank" for column in COLUMNS if not row[column]]
        problems += [f"there is no claim {claim}" for claim in ids if claim not in names]
        problems += [f"none of its claims is from article {letter}" for letter in sorted(absent)]
        if (row["kind"] == ARITHMETIC) != (row["other_sources"] == ARITHMETIC):
            problems.append("it is of kind arithmetic or held against arithmetic, but not both")
        if row["function"] not in known:
            problems.append(f"there is no function {row['function']}")
        if (row["page"], row["section"]) not in headed:
            problems.append(f"no page {row['page']!r} has the section {row['section']!r}")
        found += [(row["id"], problem) for problem in problems]
    return pd.DataFrame(found, columns=["id", "problem"], dtype="str")


def _checked(contradictions: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in COLUMNS if column not in contradictions.columns]
    if missing:
        raise ValueError(f"contradictions lacks {', '.join(missing)}: pass data/raw/market/contradictions.csv")
    table = contradictions[list(COLUMNS)].reset_index(drop=True)
    table = table.apply(lambda column: column.astype("str").where(column.notna(), "").str.strip())
    if table["id"].duplicated().any():
        raise ValueError(f"the contradiction {table.loc[table['id'].duplicated(), 'id'].iloc[0]} is there twice")
    for row in table.to_dict("records"):
        if row["kind"] not in KINDS:
            raise ValueError(f"{row['id']} is of kind {row['kind']!r}: use {', '.join(KINDS)}")
        one, other = _parts(row["one_sources"]), _parts(row["other_sources"])
        if not one or not other or set(one) - set(SOURCES) or set(other) - set(SIDES):
            raise ValueError(f"{row['id']} has an unknown side: use {', '.join(SIDES)}, one side articles only")
    return table


def _sides(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["one_sources"], table["other_sources"], strict=True))


def _names(claims: pd.DataFrame) -> dict[str, Words]:
    return {key: Words(zh, en) for key, zh, en in zip(claims["id"], claims["name_zh"], claims["name_en"], strict=True)}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in str(text).split(";") if part.strip()]
