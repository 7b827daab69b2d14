"""Sections of the pages: which anchor a heading of a notebook has, so that one page can lead to a part of another.

A heading ## is the section "s-3" of its page, a heading ### the part "s-3-1" of it, counted over the notebook as it is
written: the same in both languages and for every brand, whatever a brand's page leaves out (`pages.PageRenderer`).
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from siyu_helpers.data.cache import PROJECT
from siyu_helpers.reporting import words

NOTEBOOKS = PROJECT / "notebooks"
#: What a link on a page may lead to: another page of the same brand and language, or a place on this one.
LINK = re.compile(r"([0-9]{2}_[a-z0-9_]+\.html)?(#[a-z0-9_-]+)?")


class Section(NamedTuple):
    """A place on a page: where a link leads, and what its heading says."""

    href: str
    zh: str
    en: str


def link(page: str, heading: str = "", folder: Path | str | None = None) -> Section:
    """Where a section of a page is, from its heading in either language.

    (page, heading)  ->  relative address for links between pages of one brand and language, and both headings

    Parameters
    ----------
    page : str
        Stem of the notebook, such as "04_pool_effect".
    heading : str
        Text of a heading ## or ### as the notebook has it; empty: the page as a whole, named by its title.
    folder : path, optional
        Where the notebooks are; by default the project's own.

    Raises
    ------
    ValueError
        The page has no such heading, or there is no such page.

    Example
    -------
    >>> link("02_repurchase_cohorts", "How soon do they come back?").href
    '02_repurchase_cohorts.html#s-2'
    """
    path = Path(folder or NOTEBOOKS) / f"{page}.ipynb"
    if not path.exists():
        raise ValueError(f"there is no page {page!r}: give the stem of a notebook, such as 04_pool_effect")
    found = headings(path)
    wanted = heading.strip()
    for section in found:
        if (not wanted and not section.href) or (wanted and wanted in (section.zh, section.en)):
            return section._replace(href=f"{page}.html{section.href}")
    raise ValueError(f"the page {page} has no heading {wanted!r}; it has {', '.join(repr(s.en) for s in found)}")


def headings(path: Path) -> list[Section]:
    """The title and every heading ## and ### of a notebook in order, with the anchors that its pages give them.

    Raises
    ------
    ValueError
        The two languages have headings of different levels, so that they cannot be paired.
    """
    return _headings(path, path.stat().st_mtime_ns)


@cache
def _headings(path: Path, changed: int) -> list[Section]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    zh, en = (_of_language(cells, lang) for lang in words.LANGUAGES)
    if [anchor for anchor, _ in zh] != [anchor for anchor, _ in en]:
        raise ValueError(f"{path.stem}: the headings of the two languages are not of the same levels")
    return [Section(anchor, text, other) for (anchor, text), (_, other) in zip(zh, en, strict=True)]


def _of_language(cells: list[dict[str, Any]], lang: str) -> list[tuple[str, str]]:
    found, sections, parts = [], 0, 0
    for cell in cells:
        tags = set(cell["metadata"].get("tags", []))
        if cell["cell_type"] != "markdown" or (tags & set(words.LANGUAGES) and lang not in tags):
            continue
        text = re.sub(r"^```.*?^```", "", "".join(cell["source"]), flags=re.M | re.S)
        for marks, said in re.findall(r"^(#{1,3})[ \t]+(.+?)[ \t#]*$", text, re.M):
            if len(marks) == 2:
                sections, parts = sections + 1, 0
            parts += len(marks) == 3
            anchor = ("", f"#s-{sections}", f"#s-{sections}-{parts}")[len(marks) - 1]
            found.append((anchor, said.strip()))
    return found
