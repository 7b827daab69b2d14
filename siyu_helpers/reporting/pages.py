"""Pages: an executed notebook in, one self-contained HTML file per language out; and the index pages over them."""

import csv
import io
import json
import re
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import latex2mathml.converter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from siyu_helpers.reporting import words
from siyu_helpers.reporting.ledger import COLUMNS

TEMPLATES = Path(__file__).parent / "template"
HIDDEN_TAGS = {"parameters", "injected-parameters"}


class PageRenderer(IPythonRenderer):
    """Markdown to HTML as the pages need it: formulas as MathML, headings with anchors for the contents list."""

    def __init__(self) -> None:
        super().__init__(escape=True, exclude_anchor_links=True)
        self.contents: list[tuple[str, str]] = []
        self.title = ""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if level == 1:
            self.title = text
            return ""
        anchor = f"s-{len(self.contents) + 1}"
        if level == 2:
            self.contents.append((anchor, text))
            return f'<h2 id="{anchor}">{text}</h2>\n'
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
    contents: list[tuple[str, str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    body: list[dict[str, str]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with the workbook's own template, which loads nothing from outside the file."""

    template_name = "page"
    template_file = "index.html.j2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(extra_template_basedirs=[str(TEMPLATES)], **kwargs)

    def from_notebook_node(self, nb: NotebookNode, resources: dict | None = None, **kwargs: Any):
        """Export one language of an executed notebook; `resources["siyu"]` carries what the page says around it."""
        around = (resources or {})["siyu"]
        page = read_page(nb, around["lang"], self._highlight)
        resources = {**(resources or {}), "page": page, "words": words.page_words(around["lang"])}
        return super().from_notebook_node(nb, resources, **kwargs)

    def _highlight(self, source: str) -> str:
        from nbconvert.filters import Highlight2HTML

        return Highlight2HTML(pygments_lexer="python", parent=self)(source)


def read_page(nb: NotebookNode, lang: str, highlight: Any = escape) -> Page:
    """Sort an executed notebook's cells into what one language's page shows.

    Cells tagged with the other language, the parameters cells and everything written to stderr are left out; what
    went to stderr is kept in `warnings`. Findings and definitions are collected for the boxes they belong to.
    """
    page, markdown = Page(), PageRenderer()
    convert = MarkdownWithMath(renderer=markdown).render
    for cell in nb.cells:
        tags = set(cell.metadata.get("tags", []))
        if tags & HIDDEN_TAGS or (tags & set(words.LANGUAGES) and lang not in tags):
            continue
        if cell.cell_type == "markdown":
            page.body.append({"kind": "text", "html": convert(cell.source)})
        elif cell.cell_type == "code":
            page.body.append({"kind": "code", "html": highlight(cell.source)})
            for output in cell.outputs:
                _read_output(page, output, lang)
    page.title, page.contents = markdown.title, markdown.contents
    return page


def _read_output(page: Page, output: NotebookNode, lang: str) -> None:
    if output.output_type == "stream":
        if output.name == "stderr":
            page.warnings.append(output.text)
        else:
            page.body.append({"kind": "output", "html": f"<pre>{escape(output.text)}</pre>"})
        return
    marked = output.get("metadata", {}).get("siyu", {})
    if marked.get("lang", lang) != lang:
        return
    page.numbers += [n for n in marked.get("numbers", []) if n not in page.numbers]
    html = output.data["text/html"] if marked else f"<pre>{escape(output.data.get('text/plain', ''))}</pre>"
    if marked.get("role") == "definition":
        page.definitions.append(html)
        return
    page.body.append({"kind": "output", "html": html})
    if marked.get("role") == "finding":
        page.findings.append(html)


def page_html(nb: NotebookNode, around: dict[str, Any]) -> str:
    """One language's page of an executed notebook, as a self-contained HTML file.

    Parameters
    ----------
    nb : NotebookNode
        The executed notebook.
    around : dict
        What the page says around the notebook: lang, brand (name), synthetic, level, parameters, provenance, links.

    Raises
    ------
    ValueError
        The page would load something from outside itself.
    """
    html, _ = PageExporter().from_notebook_node(nb, resources={"siyu": around})
    refuse_loads(html)
    return html


STYLE_LOADS = re.compile(r"url\(\s*[\"']?(?!data:|#)[^)]|@import\b", re.IGNORECASE)
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href", "ping"}


class _Loads(HTMLParser):
    """Collects the markup that would make a browser fetch; text, whatever it says, is not markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attributes:
            target = (value or "").strip()
            fetches = name in LOADING or (name == "href" and tag not in ("a", "area"))
            outside = fetches and target and not target.startswith(("data:", "#"))
            refresh = tag == "meta" and name == "http-equiv" and target.lower() == "refresh"
            if outside or refresh or (name == "style" and STYLE_LOADS.search(target)):
                self.found.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = self.in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self.in_style and (load := STYLE_LOADS.search(data)):
            self.found.append(load.group())


def refuse_loads(html: str) -> None:
    """Refuse a page that would load anything from outside the file.

    >>> refuse_loads('<img src="https://example.org/a.png">')
    Traceback (most recent call last):
    ValueError: the page would load something from outside itself: <img src="https://example.org/a.png">
    """
    parser = _Loads()
    parser.feed(html)
    parser.close()
    if parser.found:
        raise ValueError(f"the page would load something from outside itself: {parser.found[0][:80]}")


def numbers_csv(numbers: list[dict[str, Any]], lang: str) -> str:
    """The numbers of a page as CSV text, one row a number, for Excel and for back-tests (write it as utf-8-sig)."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number in numbers:
        exact = number["low"] is None  # a count of what happened: no interval, so no level either
        row = {**number, "definition": _cell(number["definition"][lang]), "level": "" if exact else number["level"]}
        writer.writerow(row)
    return buffer.getvalue()


def _cell(text: str) -> str:
    # A spreadsheet runs a cell that begins like a formula; a leading apostrophe makes it text.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def index_html(kind: str, **content: Any) -> str:
    """An index page: of one brand ("brand") or over all brands ("all"), both languages on it.

    Raises
    ------
    ValueError
        The page would load something from outside itself.
    """
    loader = FileSystemLoader([TEMPLATES, TEMPLATES / "page"])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    html = environment.get_template(f"index/{kind}.html.j2").render(words=words.PAGE, text_in=words.text_in, **content)
    refuse_loads(html)
    return html


def notebook_titles(notebook: Path) -> dict[str, str]:
    """The H1 of a notebook in each language, read from its paired Markdown cells."""
    titles = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        found = re.match(r"# (.+)", "".join(cell["source"]))
        for lang in set(cell["metadata"].get("tags", [])) & set(words.LANGUAGES):
            if cell["cell_type"] == "markdown" and found:
                titles.setdefault(lang, found.group(1).strip())
    return {lang: titles.get(lang, notebook.stem) for lang in words.LANGUAGES}
