"""The register of claims: what the four articles say, how well it is backed, and what of it a brand's tables can test.

A claim is "computed" when some function works it out, "taught" when a page or a lesson only explains it, "untestable"
when no data that a brand has would decide it. Grades are those of what is asserted: A the party's own filing or
document, B a named secondary source, C no source, D no source and somebody sells what it recommends, or arithmetic
contradicts it. A definition or a method asserts nothing about the world and has no grade.

Opens no files and draws nothing; the tables come from `data/raw/market/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES: dict[str, list[str]] = {}
COLUMNS = (
    "id", "kind", "name_zh", "name_en", "sources", "claim_zh", "claim_en", "seller", "grade", "status", "function",
    "page", "section", "needs", "how_zh", "how_en",
)  # fmt: skip
#: Kinds that say something a computer can be asked; every one of them must be computed.
KINDS_TO_COMPUTE = (
    "formula", "decision rule", "decision rule with number", "warning", "claim with numbers", "case with numbers",
    "concept with numbers",
)  # fmt: skip
STATUSES = COMPUTED, TAUGHT, UNTESTABLE = ("computed", "taught", "untestable")
GRADES = ("A", "B", "C", "D")
DOCUMENTED = GRADES[:2]
SELLERS = NOBODY, PUBLISHER, PRODUCT = ("none", "publisher", "named product")
#: The articles, by the letter in the column sources.
SOURCES = {letter: Words(f"文章{zh}", f"article {letter}") for letter, zh in zip("ABCD", "甲乙丙丁", strict=True)}
#: Tables of a brand that a test may need; "market" stands for public facts or arithmetic, which are always there.
MARKET = "market"
TABLES = (
    "orders", "customers", "spend", "touchpoints", "members", "accounts", "assignments", "messages", "pool_costs",
)  # fmt: skip

#: What each number of `register_counts` counts.
COUNTED = {
    "claims": Words("收录的说法，四篇文章合计", "claims in the register, the four articles together"),
    "computed": Words("有函数可以计算的说法", "claims that some function works out"),
    "taught": Words("只讲解、不计算的说法", "claims that are explained but not computed"),
    "untestable": Words("无法检验的说法，理由逐条写明", "claims that cannot be tested, each with its reason"),
    "must_compute": Words(
        "公式、决策规则、警告以及带数字的说法和案例，按规定必须计算",
        "formulas, decision rules, warnings, and claims or cases with numbers, all of which must be computed",
    ),
    "must_computed": Words("必须计算的说法中，已有函数计算的", "of those that must be computed, those that are"),
    "asserted": Words(
        "对现实有所断言、因而有证据等级的说法（定义、方法、工具不算）",
        "claims that assert something about the world and so have a grade (no definitions, methods or tools)",
    ),
    "documented": Words(
        "有断言的说法中，证据等级为 A 或 B 的：当事方文件，或写明出处的转述",
        "assertions of grade A or B: the party's own document, or a named secondary source",
    ),
    "unsourced": Words("有断言的说法中，没有出处、等级为 C 的", "assertions of grade C: no source is given"),
    "doubted": Words(
        "有断言的说法中，等级为 D 的：没有出处，并且有人靠它卖东西，或者与算术矛盾",
        "assertions of grade D: no source, and somebody sells what it recommends or arithmetic contradicts it",
    ),
    "with_seller": Words(
        "背后有人得利的说法：发布方或文中点名的产品靠它卖东西",
        "claims from which somebody gains: the publisher, or a named product, sells by them",
    ),
    "asserted_with_seller": Words("有断言、背后又有人得利的说法", "assertions from which somebody gains"),
    "market_only": Words(
        "靠公开资料或算术就能检验、不需要品牌数据的说法",
        "computed claims that take public facts or arithmetic, and no table of a brand",
    ),
    "testable_here": Words(
        "本品牌现有的表就能检验的说法（含不需要品牌数据的）",
        "computed claims for which this brand has every table (those that take none included)",
    ),
    "not_testable_here": Words(
        "有函数计算、但本品牌缺少所需的表的说法",
        "computed claims for which this brand lacks a table",
    ),
}  # fmt: skip

#: What each column of `source_worth` means.
WORTH = {
    "claims": Words(
        "该篇文章的说法，几篇共有的各计一次", "claims of the article; one that several share counts for each"
    ),
    "with_numbers": Words(
        "其中带数字的说法、案例、规则和概念", "of them, claims, cases, rules and concepts with numbers"
    ),
    "asserted": Words("其中对现实有所断言、因而有证据等级的", "of them, those that assert something and have a grade"),
    "documented": Words("断言中证据等级为 A 或 B 的", "of the assertions, those of grade A or B"),
    "documented_share": Words("证据等级为 A 或 B 的÷有断言的", "assertions of grade A or B ÷ assertions"),
    "with_seller": Words("其中背后有人得利的", "of them, those from which somebody gains"),
    "seller_share": Words("背后有人得利的÷全部说法", "those from which somebody gains ÷ claims"),
    "contradicted": Words("其中与算术矛盾的", "of them, those that arithmetic contradicts"),
    "computed": Words("其中有函数可以计算的", "of them, those that some function works out"),
}


def register(claims: pd.DataFrame, tables_of_brand: Mapping[str, Any] | Iterable[str] = ()) -> pd.DataFrame:
    """The register with what follows for one brand: which claims its tables can test, and which table is missing.

    claims  ->  table (one row per claim, in the same order)

    Parameters
    ----------
    claims : DataFrame
        `data/raw/market/claims.csv`: the columns `COLUMNS`, blank cells NaN or "".
    tables_of_brand : dict or names
        The tables that the brand has; of a dict, those that are not None.

    Returns
    -------
    DataFrame
        All columns of claims, blank cells as ""; then
        must_compute : the kind is one of `KINDS_TO_COMPUTE`. asserted : has a grade. has_seller : somebody gains.
        missing : tables that the test needs and the brand lacks, separated by ";".
        testable_here : True where the claim is computed and nothing is missing; blank (NA) where it is not computed.

    Raises
    ------
    ValueError
        Columns are missing, an id is there twice, or a row needs a table that no brand can have.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "") | {"id": "cl001", "kind": "warning", "status": "computed", "grade": "C"}
    >>> row |= {"needs": "orders;members", "seller": "none"}
    >>> register(pd.DataFrame([row]), ["orders"])[["id", "must_compute", "missing", "testable_here"]]
          id  must_compute  missing  testable_here
    0  cl001          True  members          False
    """
    table = _checked(claims)
    there = set(_names(tables_of_brand)) | {MARKET}
    needed = [_parts(needs) for needs in table["needs"]]
    unknown = sorted({name for names in needed for name in names} - {MARKET, *TABLES})
    if unknown:
        raise ValueError(f"needs names {', '.join(unknown)}: use {', '.join(TABLES)} or {MARKET}")
    missing = [";".join(name for name in names if name not in there) for names in needed]
    computed = table["status"] == COMPUTED
    table = table.assign(
        must_compute=table["kind"].isin(KINDS_TO_COMPUTE),
        asserted=table["grade"].isin(GRADES),
        has_seller=~table["seller"].isin(("", NOBODY)),
        missing=pd.Series(missing, index=table.index, dtype="str"),
    )
    return table.assign(testable_here=(table["missing"] == "").astype("boolean").where(computed, pd.NA))


def register_counts(table: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """How many claims there are, how many are computed, how many are documented, how many this brand can test.

    table of `register`  ->  dict of Estimate, keys and definitions as in `COUNTED`

    Returns
    -------
    dict of Estimate, counted, unit "claims", n the claims in the table; of Refused where there is none.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "") | {"id": "cl001", "kind": "warning", "status": "computed", "grade": "C"}
    >>> counts = register_counts(register(pd.DataFrame([row]), ["orders"]))
    >>> [counts[key].value for key in ("claims", "must_computed", "documented", "testable_here")]
    [1.0, 1.0, 0.0, 1.0]
    """
    if table.empty:
        none = Refused("claims", 0, 1, "没有收录任何说法。", "There is no claim in the register.")
        return dict.fromkeys(COUNTED, none)
    computed, here = table["status"] == COMPUTED, table["testable_here"].fillna(False).astype(bool)
    chosen = {
        "claims": pd.Series(True, index=table.index),
        **{status: table["status"] == status for status in STATUSES},
        "must_compute": table["must_compute"],
        "must_computed": table["must_compute"] & computed,
        "asserted": table["asserted"],
        "documented": table["grade"].isin(DOCUMENTED),
        "unsourced": table["grade"] == "C",
        "doubted": table["grade"] == "D",
        "with_seller": table["has_seller"],
        "asserted_with_seller": table["has_seller"] & table["asserted"],
        "market_only": computed & ~table["needs"].map(lambda needs: bool(set(_parts(needs)) - {MARKET})),
        "testable_here": here,
        "not_testable_here": computed & ~here,
    }
    return {
        key: Estimate.exact(int(rows.sum()), len(table), "claims", COUNTED[key], register_counts)
        for key, rows in chosen.items()
    }


def counts_by(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Claims by kind, grade, status, seller or page: how many, how many computed, how many this brand can test.

    table of `register`  ->  table (one row per value of the column)

    Parameters
    ----------
    table : DataFrame
    column : "kind", "grade", "status", "seller" or "page"

    Returns
    -------
    DataFrame
        The column; claims, computed, taught, untestable, testable_here : counts. Most claims first, then by name;
        grades and statuses in their own order, and only those that occur. "" is a row too: no grade, no page.

    Raises
    ------
    ValueError
        For another column.

    Example
    -------
    >>> rows = [dict.fromkeys(COLUMNS, "") | {"id": name, "kind": "claim", "grade": grade, "status": "computed"}
    ...         for name, grade in (("cl001", "C"), ("cl002", "B"), ("cl003", "C"))]
    >>> counts_by(register(pd.DataFrame(rows)), "grade")[["grade", "claims", "computed"]]
      grade  claims  computed
    0     B       1         1
    1     C       2         2
    """
    if column not in ("kind", "grade", "status", "seller", "page"):
        raise ValueError(f"column must be kind, grade, status, seller or page; got {column!r}")
    counted = pd.DataFrame({
        column: table[column],
        "claims": 1,
        **{status: (table["status"] == status).astype(int) for status in STATUSES},
        "testable_here": table["testable_here"].fillna(False).astype(int),
    }).groupby(column, as_index=False).sum()  # fmt: skip
    own = {"grade": GRADES, "status": STATUSES, "seller": SELLERS}.get(column)
    if own:
        rank = counted[column].map({value: place for place, value in enumerate(own)}).fillna(len(own))
        return counted.assign(_rank=rank).sort_values("_rank", ignore_index=True).drop(columns="_rank")
    return counted.sort_values(["claims", column], ascending=[False, True], ignore_index=True)


def unresolved(
    claims: pd.DataFrame, functions: Collection[str] = (), sections: Collection[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Rows of the register that break its promise: a pointer that leads nowhere, or a claim that must be computed.

    claims, names of functions that exist, (page, section) that exist  ->  table (one row per problem)

    Parameters
    ----------
    claims : DataFrame
        `data/raw/market/claims.csv`.
    functions : collection of str
        Dotted names that could be imported.
    sections : collection of (page, section)
        Headings of the pages in English, such as ("07_evidence_register", "All claims").

    Returns
    -------
    DataFrame: id, problem (one sentence). Empty when every row keeps the promise.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "text") | {"id": "cl001", "kind": "warning", "sources": "A", "seller": "none"}
    >>> row |= {"grade": "C", "status": "taught", "function": "", "needs": ""}
    >>> unresolved(pd.DataFrame([row]))["problem"].tolist()
    ['a warning must be computed, but the row says taught', "no page 'text' has the section 'text'"]
    """
    table, known, headed = _checked(claims), set(functions), set(sections)
    found = []
    for row in table.to_dict("records"):
        found += [(row["id"], problem) for problem in (*_wrong_words(row), *_lost_pointers(row, known, headed))]
    return pd.DataFrame(found, columns=["id", "problem"], dtype="str")


def source_worth(claims: pd.DataFrame, contradicted: Collection[str] = ()) -> pd.DataFrame:
    """What each article is worth as a source: how much it claims, how little of it is backed, and who gains.

    claims  ->  table (one row per article)

    Parameters
    ----------
    claims : DataFrame
        `data/raw/market/claims.csv`, or a table of `register`.
    contradicted : collection of str
        Ids of claims that arithmetic contradicts. A row of grade D from which nobody gains is one in any case: by the
        rule of the grades, nothing else could have made it a D.

    Returns
    -------
    DataFrame, article A to D, and only those that occur
        source; source_zh, source_en; the columns of `WORTH`. A claim that two articles share counts for both. The
        shares are blank (NaN) where there is nothing to take a share of. Counted, so without intervals.

    Raises
    ------
    ValueError
        An id of `contradicted` is not in the register, or sources names no article.

    Example
    -------
    >>> row = dict.fromkeys(COLUMNS, "") | {"id": "cl001", "kind": "claim with numbers", "sources": "A;D"}
    >>> row |= {"seller": "publisher", "grade": "D", "status": "computed"}
    >>> source_worth(pd.DataFrame([row]))[["source", "claims", "asserted", "documented", "with_seller"]]
      source  claims  asserted  documented  with_seller
    0      A       1         1           0            1
    1      D       1         1           0            1
    """
    table = register(claims)
    unknown = sorted(set(contradicted) - set(table["id"]))
    if unknown:
        raise ValueError(f"the register has no claim {', '.join(unknown)}: give ids of its rows")
    each = table.assign(source=table["sources"].map(_parts)).explode("source").dropna(subset="source")
    strange = sorted(set(each["source"]) - set(SOURCES))
    if strange:
        raise ValueError(f"sources names {', '.join(strange)}: use {', '.join(SOURCES)}")
    against = each["id"].isin(list(contradicted)) | ((each["grade"] == "D") & ~each["has_seller"])
    counted = pd.DataFrame({
        "source": each["source"],
        "claims": 1,
        "with_numbers": each["kind"].str.contains("with number").astype(int),
        "asserted": each["asserted"].astype(int),
        "documented": each["grade"].isin(DOCUMENTED).astype(int),
        "with_seller": each["has_seller"].astype(int),
        "contradicted": against.astype(int),
        "computed": (each["status"] == COMPUTED).astype(int),
    }).groupby("source", as_index=False).sum()  # fmt: skip
    counted["documented_share"] = counted["documented"] / counted["asserted"].where(counted["asserted"] > 0)
    counted["seller_share"] = counted["with_seller"] / counted["claims"]
    for language in Words._fields:
        names = {source: words.text(language) for source, words in SOURCES.items()}
        counted[f"source_{language}"] = counted["source"].map(names).astype("str")
    return counted[["source", "source_zh", "source_en", *WORTH]]


def _wrong_words(row: dict[str, str]) -> list[str]:
    """What a row says that the register does not know, or does not say although it must."""
    found = []
    for column, allowed in (("status", STATUSES), ("seller", SELLERS), ("grade", ("", *GRADES))):
        if row[column] not in allowed:
            found.append(f"{column} {row[column]!r} is none of {', '.join(filter(None, allowed))}")
    if row["kind"] in KINDS_TO_COMPUTE and row["status"] != COMPUTED:
        found.append(f"a {row['kind']} must be computed, but the row says {row['status']}")
    if row["grade"] == "B" and row["seller"] not in ("", NOBODY):
        found.append("grade B, although somebody gains by it: C or D, or A where the party's own document says it")
    found += [
        f"{column} is blank"
        for column in ("name_zh", "name_en", "sources", "claim_zh", "claim_en", "how_zh", "how_en")
        if not row[column]
    ]
    if not set(_parts(row["sources"])) <= set(SOURCES):
        found.append(f"sources {row['sources']!r} names none of {', '.join(SOURCES)}")
    if not set(_parts(row["needs"])) <= {MARKET, *TABLES}:
        found.append(f"needs {row['needs']!r} names a table that no brand has")
    return found


def _lost_pointers(row: dict[str, str], functions: set[str], sections: set[tuple[str, str]]) -> list[str]:
    """Pointers of a row that lead nowhere: to a function, to a section, or to no table at all."""
    found, computed, placed = [], row["status"] == COMPUTED, row["status"] != UNTESTABLE or row["page"]
    if computed and not row["needs"]:
        found.append("computed, but needs does not say from what")
    if computed and row["function"] not in functions:
        found.append(f"there is no function {row['function'] or '(blank)'}")
    if not computed and (row["function"] or row["needs"]):
        found.append(f"{row['status']}, but names a function or a table")
    if placed and (row["page"], row["section"]) not in sections:
        found.append(f"no page {row['page']!r} has the section {row['section']!r}")
    return found


def _checked(claims: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in COLUMNS if column not in claims.columns]
    if missing:
        raise ValueError(f"claims lacks {', '.join(missing)}: pass data/raw/market/claims.csv")
    if claims["id"].duplicated().any():
        raise ValueError(f"the claim {claims.loc[claims['id'].duplicated(), 'id'].iloc[0]} is there twice: keep one")
    texts = {column: claims[column].astype("str").where(claims[column].notna(), "").str.strip() for column in COLUMNS}
    return claims.assign(**texts).reset_index(drop=True)


def _names(tables: Mapping[str, Any] | Iterable[str]) -> list[str]:
    return [name for name, kept in tables.items() if kept is not None] if isinstance(tables, Mapping) else list(tables)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
