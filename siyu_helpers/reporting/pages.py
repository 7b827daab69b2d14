"""Pages: an executed notebook in, one self-contained HTML file per language out."""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import latex2mathml.converter
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from siyu_helpers.reporting import words
from siyu_helpers.reporting.ledger import COLUMNS
from siyu_helpers.reporting.loads import refuse_loads

TEMPLATES = Path(__file__).parent / "template"
HIDDEN_TAGS = {"parameters", "injected-parameters"}
LAST = float("inf")  # place of a finding that was given none
NEEDS = "needs-"  # a cell tagged "needs-spend" is shown only where the brand has that table
#: Layouts that a notebook may ask for in its metadata, siyu.layout: one sheet of paper, its front and its back.
LAYOUTS = ("", "brief")
#: Tags of a heading in a brief: its section spans both columns of the paper, or is left to the screen.
PLACES = ("wide", "screen")
#: Outputs that move: a page that has one carries the script of that name, any other page has no script at all.
SCRIPTS = ("slider", "filter")
#: The view of a widget, which needs a kernel: on a page there would be nothing but the widget's name.
WIDGET = "application/vnd.jupyter.widget-view+json"


class PageRenderer(IPythonRenderer):
    """Markdown to HTML as the pages need it: formulas as MathML, headings with anchors for the contents list."""

    def __init__(self) -> None:
        super().__init__(escape=True, exclude_anchor_links=True)
        self.contents: list[tuple[str, str]] = []
        self.title = ""
        self.shown = True  # False while a cell is read that this brand's page leaves out
        self.sections = self.parts = 0

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """A heading with its anchor: "s-3" for the third section of the notebook, "s-3-1" for the first part of it.

        Counted over the whole notebook, what this page leaves out included: the same section has the same anchor on
        the pages of every brand, so that another page can lead to it (`sections.link`).
        """
        if level == 1:
            self.title = text if self.shown else self.title
            return ""
        if level == 2:
            self.sections, self.parts = self.sections + 1, 0
            if self.shown:
                self.contents.append((f"s-{self.sections}", text))
            return f'<h2 id="s-{self.sections}">{text}</h2>\n'
        if level == 3:
            self.parts += 1
            return f'<h3 id="s-{self.sections}-{self.parts}">{text}</h3>\n'
        return f"<h{level}>{text}</h{level}>\n"

    def inline_math(self, body: str) -> str:
        return latex2mathml.converter.convert(body)

    def block_math(self, body: str) -> str:
        formula, label = latex2mathml.converter.convert(body, display="block"), escape(body, quote=True)
        return f'<div class="siyu-scroll" role="group" tabindex="0" aria-label="{label}">{formula}</div>'


@dataclass
class Page:
    """What a page shows, before it is written: lists of ready HTML pieces."""

    title: str = ""
    layout: str = ""
    contents: list[tuple[str, str]] = field(default_factory=list)
    findings: list[tuple[float, str]] = field(default_factory=list)  # place and HTML
    definitions: list[str] = field(default_factory=list)
    body: list[dict[str, str]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)  # cards that lead a brief
    decision: dict[str, Any] | None = None  # the verdict as data, for the index over all brands
    scripts: list[str] = field(default_factory=list)  # of the template's folder, such as "slider"

    @property
    def sections(self) -> list[dict[str, Any]]:
        """The body cut at its headings: pieces, and where a section stands on the paper of a brief."""
        found: list[dict[str, Any]] = [{"place": "intro", "pieces": []}]
        for piece in self.body:
            if piece["html"].startswith("<h2"):
                found.append({"place": piece.get("place", ""), "pieces": []})
            found[-1]["pieces"].append(piece)
        return found

    @property
    def has_ranges(self) -> bool:
        """Whether any number of the page has an interval: without one, nothing need be said of brackets."""
        return any(number["low"] is not None for number in self.numbers)


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with the workbook's own template, which loads nothing from outside the file."""

    template_name = "page"
    template_file = "index.html.j2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(extra_template_basedirs=[str(TEMPLATES)], **kwargs)

    def from_notebook_node(self, nb: NotebookNode, resources: dict | None = None, **kwargs: Any):
        """Export one language of an executed notebook; `resources["siyu"]` carries what the page says around it."""
        around = (resources or {})["siyu"]
        page = read_page(nb, around["lang"], self._highlight, around.get("tables"))
        resources = {**(resources or {}), "page": page, "words": words.page_words(around["lang"])}
        # Not HTMLExporter's own: it would parse the finished page again, to give pictures the alt text ours have.
        return super(HTMLExporter, self).from_notebook_node(nb, resources, **kwargs)

    def _highlight(self, source: str) -> str:
        from nbconvert.filters import Highlight2HTML

        return Highlight2HTML(pygments_lexer="python", parent=self)(source)


def read_page(nb: NotebookNode, lang: str, highlight: Any = escape, tables: Collection[str] | None = None) -> Page:
    """Sort an executed notebook's cells into what one language's page shows.

    Cells tagged with the other language, the parameters cells and everything written to stderr are left out; what
    went to stderr is kept in `warnings`. Left out, too, are widgets, which need a kernel, and cells tagged
    "needs-spend" where `tables`, the brand's, are given without it: a heading over nothing. Findings and definitions
    are collected for their boxes.
    """
    page, markdown = Page(layout=nb.metadata.get("siyu", {}).get("layout", "")), PageRenderer()
    if page.layout not in LAYOUTS:
        raise ValueError(f"the notebook's layout is {page.layout!r}: use one of {', '.join(map(repr, LAYOUTS))}")
    convert = MarkdownWithMath(renderer=markdown).render
    for cell in nb.cells:
        tags = set(cell.metadata.get("tags", []))
        if tags & HIDDEN_TAGS or (tags & set(words.LANGUAGES) and lang not in tags):
            continue
        needed = {tag.removeprefix(NEEDS) for tag in tags if tag.startswith(NEEDS)}
        markdown.shown = tables is None or needed <= set(tables)
        if cell.cell_type == "markdown":
            place = next((place for place in PLACES if place in tags), "")
            html = convert(cell.source).lstrip()  # also of what is left out: its headings count
            if markdown.shown:
                page.body.append({"kind": "text", "html": html, "place": place})
        elif cell.cell_type == "code" and markdown.shown:
            page.body.append({"kind": "code", "html": highlight(cell.source)})
            for output in cell.outputs:
                _read_output(page, output, lang)
    page.title, page.contents = markdown.title, markdown.contents
    page.findings.sort(key=lambda found: found[0])  # stable: those without a place keep the order of the page
    return page


def _read_output(page: Page, output: NotebookNode, lang: str) -> None:
    if output.output_type == "stream":
        if output.name == "stderr":
            page.warnings.append(output.text)
        else:
            page.body.append({"kind": "output", "html": f"<pre>{escape(output.text)}</pre>"})
        return
    marked = output.get("metadata", {}).get("siyu", {})
    if marked.get("lang", lang) != lang or (not marked and WIDGET in output.get("data", {})):
        return
    page.scripts += [marked["role"]] if marked.get("role") in SCRIPTS and marked["role"] not in page.scripts else []
    page.numbers += [n for n in marked.get("numbers", []) if n not in page.numbers]
    html = output.data["text/html"] if marked else f"<pre>{escape(output.data.get('text/plain', ''))}</pre>"
    if marked.get("role") == "definition":
        page.definitions.append(html)
        return
    page.decision = marked.get("decision", page.decision)
    if marked.get("role") == "verdict" and page.layout == "brief":
        page.verdicts.append(html)
        return
    page.body.append({"kind": "output", "html": html})
    if marked.get("role") == "finding":
        page.findings.append((marked.get("place", LAST), html))


def page_html(nb: NotebookNode, around: dict[str, Any]) -> str:
    """One language's page of an executed notebook, as a self-contained HTML file.

    Parameters
    ----------
    nb : NotebookNode
        The executed notebook.
    around : dict
        What the page says around the notebook: lang, brand (name), synthetic, level, parameters, provenance, links;
        tables: those the brand has.

    Raises
    ------
    ValueError
        The page would load something from outside itself.
    """
    html, _ = PageExporter().from_notebook_node(nb, resources={"siyu": around})
    refuse_loads(html)
    return html


def numbers_csv(numbers: list[dict[str, Any]], lang: str) -> str:
    """The numbers of a page as CSV text, one row a number, for Excel and for back-tests (write it as utf-8-sig)."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number in numbers:
        exact = number["low"] is None  # a count of what happened: no interval, so no level either
        told = {"definition": words.cell_text(number["definition"][lang]), "level": "" if exact else number["level"]}
        writer.writerow({**number, **told})
    return buffer.getvalue()
