"""Rules every notebook keeps, so that the pages made from it can be trusted and read."""

import ast
import json
import re

import pytest
from conftest import PROJECT

from siyu_helpers.reporting.ledger import placeholders
from siyu_helpers.reporting.parameters import STANDARD, parameters_of

NOTEBOOKS = sorted((PROJECT / "notebooks").rglob("*.ipynb"))
NUMBERED = [path for path in NOTEBOOKS if path.parent.name == "notebooks"]


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return cell["metadata"].get("tags", [])


def pairs_of_markdown(cells):
    """Each Chinese cell with the English cell right behind it; raises where one stands alone."""
    texts = [cell for cell in cells if cell["cell_type"] == "markdown"]
    order = [next((tag for tag in tags(cell) if tag in ("zh", "en")), None) for cell in texts]
    if order != ["zh", "en"] * (len(order) // 2):
        raise AssertionError(f"Markdown cells must come in pairs tagged zh, en; found {order}")
    return list(zip(texts[::2], texts[1::2], strict=True))


def sentences(code):
    """The (zh, en) texts of every call in a cell that gives both."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            given = {word.arg: word.value for word in node.keywords}
            if {"zh", "en"} <= set(given):
                yield ast.literal_eval(given["zh"]), ast.literal_eval(given["en"])


def structure(text):
    """What both languages of a cell must share: heading level, formulas but for their words, number of bold leads."""
    text = re.sub(r"\\text\{[^}]*\}", r"\\text{}", text)
    return re.findall(r"^#+", text, re.M), re.findall(r"\$\$[^$]+\$\$|\$[^$]+\$", text), text.count("**")


def test_there_are_notebooks():
    assert NUMBERED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestEveryNotebook:
    def test_is_committed_without_outputs(self, path):
        notebook = load(path)
        assert "papermill" not in notebook["metadata"]
        for index, cell in enumerate(notebook["cells"]):
            assert not cell.get("outputs"), f"cell {index} carries outputs: clear them before committing"
            assert cell.get("execution_count") is None, f"cell {index} carries an execution count"
            assert "papermill" not in cell["metadata"]
            assert "injected-parameters" not in tags(cell)

    def test_defines_nothing_and_keeps_cells_short(self, path):
        for index, cell in enumerate(load(path)["cells"]):
            if cell["cell_type"] != "code":
                continue
            # A line a parameter: as long as there are things to ask for.
            most = 60 if "parameters" in tags(cell) else 15
            lines = [line for line in source(cell).splitlines() if line.strip()]
            assert len(lines) <= most, f"cell {index} has {len(lines)} lines"
            made = [
                n
                for n in ast.walk(ast.parse(source(cell)))
                if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Lambda))
            ]
            assert not made, f"cell {index} defines something: put it into the library"

    def test_pairs_its_texts(self, path):
        for zh, en in pairs_of_markdown(load(path)["cells"]):
            assert structure(source(zh)) == structure(source(en)), source(en)[:60]
            assert re.search(r"[\u4e00-\u9fff]", source(zh))
            assert not re.search(r"[\u4e00-\u9fff]", source(en))

    def test_uses_the_same_keys_in_both_languages(self, path):
        for cell in load(path)["cells"]:
            if cell["cell_type"] == "code":
                for zh, en in sentences(source(cell)):
                    assert placeholders(zh) == placeholders(en), en

    def test_types_no_number_into_its_text(self, path):
        for cell in load(path)["cells"]:
            if cell["cell_type"] == "markdown":
                # The number of another page of the workbook is its name, and formulas may count.
                text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|\bpages? \d\d\b|\d\d 页", "", source(cell), flags=re.S)
                assert not re.search(r"\d", text), f"a typed number in: {text[:80]}"


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
class TestEveryNumberedNotebook:
    def test_begins_its_parameters_with_the_standard_six(self, path):
        known = parameters_of(path)
        assert tuple(known)[:6] == STANDARD
        assert known["data_root"].default == ""
        assert known["lang"].default == "both"
        for name, parameter in known.items():
            assert re.search(r"[\u4e00-\u9fff]", parameter.meaning("zh")), f"{name}: no meaning in Chinese"
            assert re.fullmatch(r"[\x20-\x7e]+", parameter.meaning("en")), f"{name}: no meaning in English"

    def test_imports_the_module_of_its_stem(self, path):
        stem = path.stem.split("_", 1)[1]
        code = "\n".join(source(cell) for cell in load(path)["cells"] if cell["cell_type"] == "code")
        assert re.search(rf"\bfrom siyu_helpers\.analysis import .*\b{stem}\b", code)
        assert (PROJECT / "siyu_helpers" / "analysis" / f"{stem}.py").exists()
        assert (PROJECT / "tests" / "analysis" / f"test_{stem}.py").exists()

    def test_ends_with_where_each_number_comes_from(self, path):
        assert source(load(path)["cells"][-1]).strip() == "ledger.where_from()"

    def test_states_findings_and_definitions(self, path):
        code = "\n".join(source(cell) for cell in load(path)["cells"] if cell["cell_type"] == "code")
        assert re.search(r"finding=(True|\d)", code)
        assert "ledger.define(" in code


def test_the_rules_can_fail():
    """The checks above see what they are meant to see."""
    alone = [{"cell_type": "markdown", "metadata": {"tags": ["zh"]}, "source": "字"}]
    with pytest.raises(AssertionError, match="pairs"):
        pairs_of_markdown(alone)
    assert structure("## A\n$x$") != structure("# A\n$x$")
    assert list(sentences('ledger.say(zh="{a}", en="{b}")')) == [("{a}", "{b}")]
