"""The register by hand on a few rows, and the project's own register against its notebooks and its code."""

import ast
import dis
import functools
import importlib
import inspect
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.evidence import register as reg
from siyu_helpers.data import market

PROJECT = Path(__file__).resolve().parents[3]
ROWS = 160


def claim(number, **given):
    """A whole row of the register; what is not given is right and dull."""
    texts = dict.fromkeys(reg.COLUMNS, "text") | {"sources": "A", "seller": "none", "grade": "C"}
    texts |= {"kind": "warning", "status": "computed", "function": "f", "page": "p", "section": "s", "needs": "orders"}
    return texts | {"id": f"cl{number:03d}"} | given


def small():
    """Five claims whose every count is plain: two documented, two sold, one against arithmetic."""
    explained = {"status": "taught", "function": "", "needs": ""}
    nowhere = {"status": "untestable", "function": "", "needs": "", "page": "", "section": ""}
    return pd.DataFrame([
        claim(1, kind="claim with numbers", sources="A;D", grade="A", needs="market"),
        claim(2, grade="B", sources="A", needs="orders;members"),
        claim(3, kind="claim", sources="D", grade="D", seller="publisher", needs="members;messages"),
        claim(4, kind="definition", sources="B", grade="", seller="named product", **explained),
        claim(5, kind="claim", sources="D", grade="D", **nowhere),
    ])  # fmt: skip


def test_what_a_brand_can_test_and_which_table_it_lacks():
    table = reg.register(small(), {"orders": object(), "members": object(), "messages": None})
    assert table["testable_here"].tolist()[:3] == [True, True, False]
    assert table["testable_here"].isna().tolist() == [False, False, False, True, True]
    assert table["missing"].tolist() == ["", "", "messages", "", ""]
    assert reg.register(small(), ["messages"])["missing"].tolist()[1:3] == ["orders;members", "members"]
    assert table["must_compute"].tolist() == [True, True, False, False, False]


def test_the_counts_are_those_counted_by_hand():
    counts = reg.register_counts(reg.register(small(), ["orders", "members"]))
    assert {key: number.value for key, number in counts.items()} == {
        "claims": 5, "computed": 3, "taught": 1, "untestable": 1, "must_compute": 2, "must_computed": 2,
        "asserted": 4, "documented": 2, "unsourced": 0, "doubted": 2, "with_seller": 2, "asserted_with_seller": 1,
        "market_only": 1, "testable_here": 2, "not_testable_here": 1,
    }  # fmt: skip
    assert {(number.unit, number.n, number.is_exact) for number in counts.values()} == {("claims", 5, True)}
    assert {number.function for number in counts.values()} == {
        "siyu_helpers.analysis.evidence.register.register_counts"
    }


def test_counts_by_a_column_keep_its_order_and_its_blanks():
    table = reg.register(small(), ["orders"])
    by_grade = reg.counts_by(table, "grade")
    assert by_grade["grade"].tolist() == ["A", "B", "D", ""]
    assert by_grade["claims"].tolist() == [1, 1, 2, 1]
    assert by_grade["testable_here"].tolist() == [1, 0, 0, 0]
    assert reg.counts_by(table, "kind")["kind"].tolist() == ["claim", "claim with numbers", "definition", "warning"]
    with pytest.raises(ValueError, match="column must be kind"):
        reg.counts_by(table, "name_en")


def test_what_the_articles_are_worth():
    worth = reg.source_worth(small(), contradicted=["cl001"]).set_index("source")
    assert worth["claims"].to_dict() == {"A": 2, "B": 1, "D": 3}
    assert worth["asserted"].to_dict() == {"A": 2, "B": 0, "D": 3}
    assert worth["documented"].to_dict() == {"A": 2, "B": 0, "D": 1}
    assert worth["with_numbers"].to_dict() == {"A": 1, "B": 0, "D": 1}
    assert worth["with_seller"].to_dict() == {"A": 0, "B": 1, "D": 1}
    # cl001 is named; cl005 is a D from which nobody gains, so that only arithmetic can have made it one
    assert worth["contradicted"].to_dict() == {"A": 1, "B": 0, "D": 2}
    assert worth.loc["D", "documented_share"] == pytest.approx(1 / 3)
    assert pd.isna(worth.loc["B", "documented_share"])  # nothing is asserted: no share, not zero
    assert worth.loc["B", "source_zh"] == "文章乙"
    with pytest.raises(ValueError, match="no claim cl999"):
        reg.source_worth(small(), ["cl999"])
    with pytest.raises(ValueError, match="sources names E"):
        reg.source_worth(pd.DataFrame([claim(1, sources="A;E")]))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"status": "taught", "function": "", "needs": ""}, "a warning must be computed, but the row says taught"),
        ({"status": "done"}, "status 'done' is none of"),
        ({"grade": "E"}, "grade 'E' is none of A, B, C, D"),
        ({"grade": None}, None),
        ({"seller": ""}, "seller '' is none of"),
        ({"how_zh": " "}, "how_zh is blank"),
        ({"sources": "000"}, "sources '000' names none of"),
        ({"needs": "invoices"}, "needs 'invoices' names a table"),
        ({"needs": ""}, "needs does not say from what"),
        ({"function": "g"}, "there is no function g"),
        ({"function": ""}, "there is no function (blank)"),
        ({"section": "S"}, "no page 'p' has the section 'S'"),
        ({"page": "", "section": ""}, "no page '' has the section ''"),
        ({"kind": "claim", "status": "taught"}, "taught, but names a function or a table"),
        ({"kind": "claim", "status": "untestable", "function": "", "needs": "", "page": "", "section": ""}, None),
        ({"grade": "B", "seller": "publisher"}, "grade B, although somebody gains"),
        ({}, None),
    ],
)
def test_every_broken_promise_is_named(wrong, problem):
    found = reg.unresolved(pd.DataFrame([claim(7, **wrong)]), {"f"}, {("p", "s")})
    if problem is None:
        assert found.empty
    else:
        assert found["id"].unique().tolist() == ["cl007"]
        assert found["problem"].str.contains(problem, regex=False).any()


def test_tables_that_cannot_be_the_register_are_refused():
    with pytest.raises(ValueError, match=r"lacks .*how_en"):
        reg.register(small().drop(columns="how_en"))
    with pytest.raises(ValueError, match="cl001 is there twice"):
        reg.register(pd.concat([small(), small()]))
    with pytest.raises(ValueError, match="needs names invoices"):
        reg.register(pd.DataFrame([claim(1, needs="invoices")]))


def test_nothing_in_the_register_is_refused_in_numbers_and_empty_in_tables():
    table = reg.register(small().head(0), [])
    assert all(isinstance(number, Refused) for number in reg.register_counts(table).values())
    assert reg.counts_by(table, "kind").empty
    assert reg.source_worth(small().head(0)).empty
    assert reg.unresolved(small().head(0)).empty


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(reg.STATUSES), st.sampled_from(reg.TABLES)), min_size=1, max_size=8),
    st.sets(st.sampled_from(reg.TABLES)),
    st.sets(st.sampled_from(reg.TABLES)),
)
def test_a_further_table_never_makes_a_claim_untestable(drawn, held, more):
    rows = pd.DataFrame([claim(i, status=status, needs=table) for i, (status, table) in enumerate(drawn)])
    fewer = reg.register_counts(reg.register(rows, held))
    richer = reg.register_counts(reg.register(rows.sample(frac=1, random_state=1), held | more))
    assert richer["testable_here"].value >= fewer["testable_here"].value
    for counts in (fewer, richer):
        assert counts["testable_here"].value + counts["not_testable_here"].value == counts["computed"].value
        assert sum(counts[status].value for status in reg.STATUSES) == counts["claims"].value == len(rows)


def test_every_number_and_every_column_has_its_words():
    counts = reg.register_counts(reg.register(small()))
    assert all(isinstance(number, Estimate) and isinstance(number.definition, Words) for number in counts.values())
    assert set(reg.WORTH) == set(reg.source_worth(small()).columns) - {"source", "source_zh", "source_en"}
    for words in (*reg.COUNTED.values(), *reg.WORTH.values()):
        assert not words.zh.endswith("。")
        assert "顾客" not in words.zh
        assert not words.en.endswith(".")


# The project's own register.


@pytest.fixture(scope="module")
def claims():
    return market.load("claims")


@functools.cache
def notebook(page):
    """English headings of a page or lesson, and the code of its cells."""
    path = PROJECT / "notebooks" / f"{page}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    headings = {line.lstrip("# ").strip() for text in texts for line in text.split("\n") if re.match("#{2,3} ", line)}
    return headings, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def function_at(dotted):
    """The public function of that name; None where there is none."""
    module, _, name = dotted.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError):
        return None
    return found if inspect.isfunction(found) and not name.startswith("_") else None


@functools.cache
def functions_behind(page):
    """Functions of this project that a page calls, directly or through functions that it calls."""
    code = notebook(page)[1]
    imports = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
    scope = {}
    exec(compile(ast.Module(imports, type_ignores=[]), page, "exec"), scope)
    waiting, found = list(called(compile(code, page, "exec"), scope)), set()
    while waiting:
        function = waiting.pop()
        if function not in found:
            found.add(function)
            waiting += called(function.__code__, function.__globals__)
    return found


def called(code, scope):
    """Functions of this project that a piece of code names, as itself or as what it takes from a module."""
    things, pieces = [], [code]
    while pieces:
        piece = pieces.pop()
        pieces += [const for const in piece.co_consts if inspect.iscode(const)]
        held = None
        for step in dis.get_instructions(piece):
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                held = scope.get(step.argval)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and inspect.ismodule(held):
                held = getattr(held, step.argval, None)
            elif step.opname not in ("CACHE", "PRECALL", "EXTENDED_ARG"):
                held = None
            things.append(held)
    for thing in list(things):  # tables of functions, and classes
        if isinstance(thing, dict):
            things += thing.values()
        elif isinstance(thing, tuple):
            things += thing
        elif inspect.isclass(thing) and ours(thing.__module__):
            things += vars(thing).values()
    functions = (inspect.unwrap(thing) for thing in things if callable(thing))
    return {function for function in functions if inspect.isfunction(function) and ours(function.__module__)}


def ours(module):
    return str(module).startswith("siyu_helpers.")


def test_the_register_has_its_rows_in_order(claims):
    assert claims["id"].tolist() == [f"cl{number:03d}" for number in range(1, ROWS + 1)]


def test_every_row_keeps_its_promise(claims):
    found = claims.fillna("")
    functions = {name for name in set(found["function"]) - {""} if function_at(name)}
    pages = set(found["page"]) - {""}
    sections = {(page, heading) for page in pages for heading in notebook(page)[0]}
    problems = reg.unresolved(claims, functions, sections)
    assert problems.empty, problems.to_string()


def test_every_page_calls_the_functions_that_the_register_says_it_does(claims):
    rows = claims.fillna("").query("status == 'computed'")
    pointers = zip(rows["id"], rows["function"], rows["page"], strict=True)
    lost = [(key, name, page) for key, name, page in pointers if function_at(name) not in functions_behind(page)]
    assert not lost


def test_a_page_does_not_call_what_another_page_is_for():
    """Else the test above could not fail."""
    attribution = function_at("siyu_helpers.analysis.channel_attribution.compare_rules")
    assert attribution in functions_behind("03_channel_attribution")
    assert attribution not in functions_behind("05_industry_fit")
    assert function_at("siyu_helpers.analysis.industry_fit.catchment") in functions_behind("05_industry_fit")
    assert function_at("siyu_helpers.analysis.industry_fit.catchments") is None


def test_few_claims_are_documented_and_every_claim_is_said_in_both_languages(claims):
    """The register must not flatter its sources: most of what they assert has no source at all."""
    counts = reg.register_counts(reg.register(claims))
    assert counts["documented"].value < counts["asserted"].value / 10
    assert counts["must_computed"].value == counts["must_compute"].value
    texts = claims[["name_zh", "claim_zh", "how_zh"]].stack()
    assert texts.str.contains(r"[\u4e00-\u9fff]").all()
    assert not texts.str.contains("顾客").any()
    assert not claims[["name_en", "claim_en", "how_en"]].stack().str.contains(r"[\u4e00-\u9fff]").any()
