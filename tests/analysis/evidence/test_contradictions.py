"""Contradictions by hand, counts against a plain reading of the shipped file, and its sides against the register."""

import csv
import importlib
import json
import math
import re
from collections import Counter

import pandas as pd
import pytest
from conftest import PROJECT
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import contradictions as listed

MARKET = PROJECT / "data" / "raw" / "market"
CLAIMS = pd.DataFrame({
    "id": ["cl001", "cl002", "cl003"], "name_zh": ["甲说", "乙说", "丁说"], "name_en": ["One", "Two", "Three"],
    "sources": ["A", "B", "C;D"],
})  # fmt: skip


def table_of(*rows):
    """Contradictions from (kind, one, other, claims)."""
    made = [
        dict.fromkeys(listed.COLUMNS, "-")
        | {"id": f"cx{i:02d}", "kind": kind, "one_sources": one, "other_sources": other, "claims": claims}
        for i, (kind, one, other, claims) in enumerate(rows, 1)
    ]
    return pd.DataFrame(made, columns=list(listed.COLUMNS))


THREE = table_of(
    ("definition", "A", "C;D", "cl001;cl003"), ("arithmetic", "B", "arithmetic", "cl002"), ("fact", "D", "D", "cl003"),
)  # fmt: skip


@pytest.fixture(scope="module")
def shipped():
    return pd.read_csv(MARKET / "contradictions.csv")


def test_counts_by_hand():
    counts = {key: number.value for key, number in listed.contradiction_counts(THREE).items()}
    assert counts == {
        "contradictions": 3, "definition": 1, "fact": 1, "advice": 0, "arithmetic": 1, "between_articles": 2,
        "within_one": 1, "against_arithmetic": 1, "against_public_facts": 0, "claims_concerned": 3,
    }  # fmt: skip


def test_names_of_claims_and_of_who_says_what():
    made = listed.contradiction_register(THREE, CLAIMS)
    assert made["claim_names_zh"].tolist() == ["甲说；丁说", "乙说", "丁说"]
    assert made["one_by_zh"].tolist() == ["文章甲", "文章乙", "文章丁"]
    assert made["other_by_en"].tolist() == ["article C, article D", "arithmetic", "article D"]
    assert made["kind_zh"].tolist() == ["定义", "算术", "事实"]


def test_pairs_by_hand():
    made = listed.contradictions_between(THREE).set_index(["one", "other"])["contradictions"]
    assert made[made > 0].to_dict() == {("A", "C"): 1, ("A", "D"): 1, ("B", "arithmetic"): 1, ("D", "D"): 1}
    assert len(made) == 4 * 2 + 4 + 6  # four articles against two touchstones, themselves and one another


def test_arithmetic_takes_its_claims_only():
    assert listed.contradicted_by_arithmetic(THREE) == ["cl002"]


@settings(deadline=None)
@given(st.permutations(range(3)))
def test_the_order_of_rows_changes_no_number(order):
    shuffled = THREE.iloc[list(order)]
    assert listed.contradictions_between(shuffled).equals(listed.contradictions_between(THREE))
    assert {k: n.value for k, n in listed.contradiction_counts(shuffled).items()} == {
        k: n.value for k, n in listed.contradiction_counts(THREE).items()
    }


def test_nothing_listed_is_refused_not_zero():
    empty = THREE.iloc[:0]
    assert all(isinstance(number, Refused) for number in listed.contradiction_counts(empty).values())
    assert listed.contradicted_by_arithmetic(empty) == []
    assert listed.contradictions_between(empty)["contradictions"].sum() == 0
    assert listed.contradiction_register(empty, CLAIMS).empty
    assert listed.unresolved_contradictions(empty, CLAIMS).empty


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("opinion", "A", "B", "cl001")], "of kind 'opinion'"),
        ([("fact", "A", "E", "cl001")], "unknown side"),
        ([("fact", "arithmetic", "A", "cl001")], "one side articles only"),
        ([("fact", "A", "", "cl001")], "unknown side"),
    ],
)
def test_impossible_rows_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        listed.contradiction_counts(table_of(*rows))


def test_ids_and_claims_that_are_not_there():
    with pytest.raises(ValueError, match="cx01 concerns cl999"):
        listed.contradiction_register(table_of(("fact", "A", "B", "cl001;cl999")), CLAIMS)
    with pytest.raises(ValueError, match="cx01 is there twice"):
        listed.contradiction_counts(pd.concat([THREE, THREE]))
    with pytest.raises(ValueError, match="lacks kind"):
        listed.contradiction_counts(THREE.drop(columns="kind"))


def test_every_broken_promise_is_named():
    broken = table_of(("fact", "A", "arithmetic", "cl002;cl999")).assign(settle_zh=None, page="p", section="s")
    found = listed.unresolved_contradictions(broken, CLAIMS, ["-"], [("p", "s")])
    assert found["problem"].tolist() == [
        "settle_zh is blank", "there is no claim cl999", "none of its claims is from article A",
        "it is of kind arithmetic or held against arithmetic, but not both",
    ]  # fmt: skip
    assert listed.unresolved_contradictions(THREE, CLAIMS, ["-"], [("-", "-")]).empty


def test_the_shipped_list_is_whole(shipped):
    with open(MARKET / "contradictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(listed.COLUMNS)
    assert all(cell and cell == cell.strip() for row in rows for cell in row.values())
    assert [row["id"] for row in rows] == [f"cx{i:02d}" for i in range(1, len(rows) + 1)]
    assert not any("顾客" in cell for row in rows for cell in row.values())
    counts = listed.contradiction_counts(shipped)
    assert counts["contradictions"].value == len(rows) >= 17
    kinds = Counter(row["kind"] for row in rows)
    assert {kind: counts[kind].value for kind in listed.KINDS} == {kind: kinds[kind] for kind in listed.KINDS}
    assert counts["claims_concerned"].value == len({c for row in rows for c in re.findall(r"cl\d{3}", row["claims"])})


def test_the_shipped_list_agrees_with_the_register_of_claims(shipped):
    claims = pd.read_csv(MARKET / "claims.csv")
    pages = set(zip(shipped["page"], shipped["section"], strict=True))
    found = listed.unresolved_contradictions(shipped, claims, set(shipped["function"]), pages)
    assert found.empty, found.to_string()
    assert not listed.contradiction_register(shipped, claims)["claim_names_zh"].eq("").any()


def test_every_pointer_of_the_shipped_list_leads_somewhere(shipped):
    for door in ("concepts", "evidence_register"):
        pytest.importorskip(f"siyu_helpers.analysis.{door}")
    for page, section in set(zip(shipped["page"], shipped["section"], strict=True)):
        notebook = json.loads((PROJECT / "notebooks" / f"{page}.ipynb").read_text(encoding="utf-8"))
        texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        headings = {line.lstrip("# ").strip() for text in texts for line in text.splitlines() if line.startswith("##")}
        assert section in headings, f"{page} has no section {section!r}"
    for name in set(shipped["function"]):
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function, None)), f"there is no function {name}"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (f"{10_000 * 0.05 * 200 * 0.30:,.0f}", "× 30% is RMB 30,000"),
        (f"{10_000 * 0.05 * 200:,.0f}", "first orders are RMB 100,000"),
        (f"{2 * 250 * 8 * 60:,}", "Two people have 240,000 minutes a year, eight for each customer"),
        (f"{math.ceil(200_000 / 30_000)}", "it is under RMB 7 each"),
        (f"RMB {260 - 250} to RMB {260 * 1.1 - 250:.0f}", "profit per order from RMB 10 to RMB 36"),
    ],
)
def test_the_arithmetic_in_the_list_done_again(shipped, made, said):
    assert made in said
    assert said in " ".join(shipped.loc[shipped["kind"] == "arithmetic", "other_en"])


def test_the_arithmetic_on_registered_users_done_again(shipped):
    woken = (400 - 93.9) / 2
    assert woken > 150 > 93.9
    row = shipped.set_index("id").loc["cx34"]
    assert "93.9 million" in row["other_en"]
    assert "more than 150 million" in row["other_en"]
