"""Copies: a student's and a trainer's notebook in one language, made of a lesson's one source.

Answers stand between ### BEGIN SOLUTION and ### END SOLUTION, the markers of nbgrader. nbgrader itself was considered
and not used: it brings a server, a database and a grading workflow, of which a course whose checks are in the cell
needs nothing.
"""

import copy
import io
import json
import re
import tokenize
from pathlib import Path

from nbformat import NotebookNode

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.teaching.sources import BEGIN, END, Lesson, of_language, part_begun, tags

ANSWER_HERE = Words("在这里作答", "your answer here")
FOR_TRAINERS = Words("讲师提示", "For the trainer")
MINUTES = Words("{} 分钟", "{} min")
#: A comment in both languages: the Chinese, which has a Chinese character, and behind it the English, which has none.
BOTH = re.compile(r"#+ *(.*?[\u3400-\u9fff].*?) / ([^\u3400-\u9fff]+)")
SOLUTION = re.compile(rf"^([ \t]*){BEGIN}[^\n]*\n.*?^[ \t]*{END}[^\n]*$", re.M | re.S)


def student_copy(notebook: NotebookNode, lang: str, brand: str, data_root: str = "") -> NotebookNode:
    """A student's copy: one language, answers taken out, what only trainers see left out, checks kept.

    Parameters
    ----------
    notebook : NotebookNode
        The lesson's source, as `sources.read_lesson` returns it.
    lang : "zh" or "en"
    brand : str
        Folder of the brand that its parameters cell names.
    data_root : str
        Folder of brands in its parameters cell; "" is the project's own.
    """
    made = _one_language(notebook, lang, brand, data_root)
    made.cells = [cell for cell in made.cells if "trainer" not in tags(cell)]
    blank = rf"\1answer = ...  # {ANSWER_HERE.text(lang)}"
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.source = SOLUTION.sub(blank, cell.source)
    return made


def trainer_copy(notebook: NotebookNode, lesson: Lesson, lang: str, brand: str, data_root: str = "") -> NotebookNode:
    """A trainer's copy: one language, with the answers, the timing under each part's heading, and what to say.

    Parameters
    ----------
    notebook, lang, brand, data_root : as in `student_copy`
    lesson : Lesson
        Gives the minutes of each part.
    """
    made, clock = _one_language(notebook, lang, brand, data_root), lesson.clock()
    for cell in made.cells:
        if part := part_begun(cell, lang):
            heading, _, rest = cell.source.partition("\n")
            cell.source = f"{heading}\n\n*{timing(lesson.minutes[part], clock[part], lang)}*\n{rest}"
        elif cell.cell_type == "markdown" and "trainer" in tags(cell):
            lines = [f"**{FOR_TRAINERS.text(lang)}**", "", *cell.source.splitlines()]
            cell.source = "\n".join(f"> {line}".rstrip() for line in lines)
    return made


def timing(minutes: int, clock: tuple[int, int], lang: str) -> str:
    """How long a part takes and when it is on, from 0:00 at the beginning of the lesson.

    >>> timing(6, (3, 9), "en"), timing(30, (40, 70), "zh")
    ('6 min, 0:03–0:09', '30 分钟，0:40–1:10')
    """
    comma = "，" if lang == "zh" else ", "
    return MINUTES.text(lang).format(minutes) + comma + "–".join(f"{at // 60}:{at % 60:02d}" for at in clock)


def _one_language(notebook: NotebookNode, lang: str, brand: str, data_root: str) -> NotebookNode:
    """The notebook with one language's texts and comments and its parameters set; without outputs."""
    made = copy.deepcopy(notebook)
    made.cells = of_language(made.cells, lang)
    for cell in made.cells:
        if "tags" in cell.metadata:
            cell.metadata["tags"] = [tag for tag in cell.metadata["tags"] if tag != lang]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", []):
                cell.source = _with_values(cell.source, {"brand": brand, "lang": lang, "data_root": data_root})
            cell.source = comments_in(cell.source, lang)
    return made


def _with_values(source: str, values: dict[str, str]) -> str:
    """The parameters cell with other values; each stands on a line of its own."""
    for name, value in values.items():
        written = json.dumps(value, ensure_ascii=False)
        source = re.sub(
            rf'^{name} = "[^"\n]*"', lambda _, line=f"{name} = {written}": line, source, count=1, flags=re.M
        )
    return source


def comments_in(code: str, lang: str) -> str:
    """Code whose comments `# Chinese / English` are in one language; text in quotes stays as it is.

    >>> comments_in('a = "# 甲 / b"  # 品牌 / brand', "en")
    'a = "# 甲 / b"  # brand'
    """
    lines = code.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            found = BOTH.fullmatch(token.string)
            if found:
                lines[row - 1] = f"{lines[row - 1][:column]}# {found[1 if lang == 'zh' else 2].strip()}"
    return "\n".join(lines)


def write(made: NotebookNode, path: Path) -> None:
    """Write a copy as a notebook file: the same copy gives the same bytes."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(made) + "\n", encoding="utf-8", newline="\n")
