"""Handouts: what students hold in their hands: a sheet or two of A4 with the concept, the questions and room to write.

Nothing of it is computed, and it holds no answer: only texts tagged "handout" come here.
"""

import re
from typing import Any

from nbformat import NotebookNode

from siyu_helpers.teaching import sheets
from siyu_helpers.teaching.sources import Lesson, of_language, part_begun, questions, tags, text

#: Lines to write on: behind a question with a checked answer, the team's task, and each point of the debrief. With
#: many questions there are fewer, so that two sheets do.
LINES = {"question": 3, "team": 4, "debrief": 1}
FEWER = {"question": 2, "team": 3, "debrief": 1}
MANY = 4
#: Lines of text and to write on that two sheets hold in letters of the usual size, and letters in a line of text.
ROOM, WIDE = 84, {"zh": 46, "en": 92}


def handout_html(notebook: NotebookNode, lesson: Lesson, lang: str, brand: dict[str, Any], terms: Any = None) -> str:
    """One language's handout of a lesson as a self-contained HTML file, made for A4.

    Parameters
    ----------
    notebook : NotebookNode
        The lesson's source, as `sources.read_lesson` returns it.
    brand : dict
        The brand's config: its name, and whether it is invented.
    terms : table, optional
        The glossary (term_zh, term_en, definition_zh, definition_en): those of its terms that the handout uses are
        explained in its last line.
    """
    cells = [cell for cell in of_language(notebook.cells, lang) if "trainer" not in tags(cell)]
    asked, pieces, title, part = questions(cells), [], "", ""
    lines = FEWER if len(asked) >= MANY else LINES
    for at, cell in enumerate(cells):
        part = part_begun(cell, lang) or part
        if "handout" not in tags(cell) or cell.cell_type != "markdown":
            continue
        heading, found, _ = sheets.cell_html(cell, lang)
        title = title or heading
        pieces += [_with_lines(html, part, at in asked, lines) for html in found]
    plain = "\n".join(text(cell) for cell in cells if "handout" in tags(cell))
    return sheets.fill(
        "handout.html.j2", lang=lang, title=title, pieces=pieces, lesson=lesson, dense=lines_taken(pieces, lang) > ROOM,
        brand=sheets.brand_line(brand, lang), terms=terms_used(plain, terms, lang),
    )  # fmt: skip


def _with_lines(html: str, part: str, question: bool, lines: dict[str, int]) -> str:
    """A piece of the handout with lines to write on where something is asked."""
    if question or part == "team":
        return f'<section class="question">{html}{_lines(lines["question" if question else "team"])}</section>'
    return html.replace("</li>", f"{_lines(lines['debrief'])}</li>") if part == "debrief" else html


def _lines(number: int) -> str:
    return '<div class="line" aria-hidden="true"></div>' * number


def lines_taken(pieces: list[str], lang: str) -> float:
    """About how many lines of text the pieces of a handout fill; a line to write on is as high as one and a half.

    >>> lines_taken(["<h2>Concept</h2><p>A word.</p>", '<p>Yes?</p><div class="line"></div>'], "en")
    6.0
    """
    taken = 0.0
    for block in re.findall(r"<(?:p|li|h2|h3)\b.*?(?=<(?:p|li|h2|h3)\b|$)", "".join(pieces), re.S):
        plain = re.sub(r"<math.*?</math>|<[^>]+>", "", block, flags=re.S).strip()
        taken += -(-len(plain) // WIDE[lang]) + 3 * block.count("<math") * ('display="block"' in block)
        taken += 1.5 * block.count('class="line"') + (1.5 if block.startswith("<h") else 0)
    return taken


def terms_used(plain: str, terms: Any, lang: str, most: int = 5) -> list[tuple[str, str]]:
    """Terms of the glossary that a text uses, in the order in which it uses them, with their definitions.

    plain : the text in one language. terms : the glossary, or None. most : at most so many.
    """
    if terms is None:
        return []
    places = {}
    for row in terms.to_dict("records"):
        name = str(row[f"term_{lang}"])
        short = re.split(r"[（(/]", name)[0].strip()
        found = re.search(re.escape(short) if lang == "zh" else rf"\b{re.escape(short)}s?\b", plain, re.I)
        if short and found:
            places.setdefault(found.start(), (short, str(row[f"definition_{lang}"])))
    return [places[place] for place in sorted(places)][:most]
