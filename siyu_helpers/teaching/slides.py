"""Slides: a lesson's executed notebook in, one self-contained file of reveal.js slides per language out.

A cell tagged "slide" begins a slide, "more" continues it; what trainers alone see becomes the speaker notes of the
slide before it. reveal.js comes from the package pyreveal, of which only the files are used.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from nbformat import NotebookNode

from siyu_helpers.reporting import pages
from siyu_helpers.teaching import sheets
from siyu_helpers.teaching.copies import timing
from siyu_helpers.teaching.sources import PARTS, Lesson, of_language, part_begun, tags

#: Claims that stand on one slide.
CARDS = 2
REVEAL = ("reset.css", "reveal.css", "reveal.js", "plugin/notes.js")


@dataclass
class Slide:
    """One slide: its pieces of HTML, what the trainer says, and its kind: "title", "text" or "shown" (outputs only).

    running : the headings that it stands under, where it does not begin with them itself.
    """

    kind: str
    running: str = ""
    pieces: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def slides(executed: NotebookNode, lesson: Lesson, lang: str) -> tuple[str, list[Slide], list[str]]:
    """The slides of a lesson in one language, with its title and the scripts that what they show needs.

    Parameters
    ----------
    executed : NotebookNode
        The lesson's notebook with its outputs, in both languages or this one.
    """
    found, scripts, title, under, clock = [Slide("title")], [], "", [], lesson.clock()
    waiting: list[str] = []  # the time of a part that began off the slides
    for cell in of_language(executed.cells, lang):
        marked, begun = tags(cell), _headings(cell, lang)
        if part := part_begun(cell, lang):
            when = timing(lesson.minutes[part], clock[part], lang)
            colon = "：" if lang == "zh" else ": "
            waiting.append(f"<p><em>{PARTS[part].text(lang)}{colon}{when}</em></p>")
        above = [] if part else under[:1] if begun else under
        under = [*above, *begun]
        if not marked & {"slide", "more", "trainer"}:
            continue
        heading, pieces, needed = sheets.cell_html(cell, lang)
        title = title or heading
        if "trainer" in marked:
            found[-1].notes += waiting + pieces
            waiting = []
            continue
        scripts += [name for name in needed if name not in scripts]
        kind = "text" if cell.cell_type == "markdown" else "shown"
        if "slide" in marked and not heading and pieces:
            found.append(Slide(kind, " · ".join(above), notes=waiting))
            waiting = []
        for piece in pieces:
            if kind == "shown" and _is_full(found[-1], piece):
                found.append(Slide(kind, " · ".join(above)))
            found[-1].pieces.append(piece)
    return title, found, scripts


def _is_full(slide: Slide, piece: str) -> bool:
    """Whether what a cell shows next needs a slide of its own: a second table or picture, a third claim."""
    there = "".join(slide.pieces)
    large = ("<table", "<figure")
    second = any(mark in piece for mark in large) and any(mark in there for mark in large)
    return second or ("siyu-case" in piece and there.count("<blockquote") >= CARDS)


def _headings(cell: Any, lang: str) -> list[str]:
    """The headings of parts and questions that a text holds; what trainers alone see does not count."""
    seen = cell.cell_type == "markdown" and "trainer" not in tags(cell)
    return re.findall(r"^###? (.+?) *$", cell.source, re.M) if seen else []


def slides_html(executed: NotebookNode, lesson: Lesson, lang: str, brand: dict[str, Any]) -> str:
    """One language's slides of a lesson as a self-contained HTML file.

    Parameters
    ----------
    executed, lesson, lang : as in `slides`
    brand : dict
        The brand's config: its name, and whether it is invented.

    Raises
    ------
    ValueError
        The file would load something from outside itself.
    """
    title, found, scripts = slides(executed, lesson, lang)
    reveal = {name.rpartition("/")[2]: _reveal(name) for name in REVEAL}
    own = {name: (pages.TEMPLATES / "page" / f"{name}.js").read_text(encoding="utf-8") for name in scripts}
    return sheets.fill(
        "slides.html.j2", lang=lang, title=title, slides=found, lesson=lesson, reveal=reveal, scripts=own,
        brand=sheets.brand_line(brand, lang),
    )  # fmt: skip


@cache
def _reveal(name: str) -> str:
    """One of reveal.js's files, so written that it can stand inside an HTML file."""
    content = files("pyreveal").joinpath("revealjs", "dist", *name.split("/")).read_text(encoding="utf-8")
    return re.sub(r"</(?=script)", r"<\\/", content, flags=re.I) if name.endswith(".js") else content
