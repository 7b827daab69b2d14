"""Sections: a heading's anchor is the same in both languages, for every brand, and where another page looks for it."""

import json
import re

import pytest
from conftest import PROJECT
from nbformat import read

from siyu_helpers.reporting import pages, sections

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))


def write(folder, *texts):
    """A notebook of Markdown cells, each given as (text, *tags)."""
    cells = [{"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": text} for text, *tags in texts]
    path = folder / "08_x.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8")
    return path


TEXTS = [
    ("# 页", "zh"), ("# Page", "en"),
    ("## 花费\n\n### 哪个渠道", "zh", "needs-spend"), ("## Cost\n\n### Which channel", "en", "needs-spend"),
    ("文字\n\n## 回来", "zh"), ("text\n\n## Return", "en"),
    ("### 何时", "zh"), ("### When", "en"),
    ("```\n## no heading\n```", "zh"), ("```\n## no heading\n```", "en"),
    ("### 谁？ ", "zh"), ("### Who?", "en"),
]  # fmt: skip


def ids(notebook, lang, tables=None):
    """Anchor -> text of the headings on a page."""
    body = "".join(piece["html"] for piece in pages.read_page(notebook, lang, tables=tables).body)
    return dict(re.findall(r'<h[23] id="(.*?)">(.*?)</h[23]>', body))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_to_the_headings_of_the_pages(path):
    """What reads the notebook's source agrees with what makes the page, heading by heading."""
    notebook = read(path, as_version=4)
    found = sections.headings(path)
    for lang in ("zh", "en"):
        from_page = ids(notebook, lang)
        assert list(from_page) == [section.href[1:] for section in found[1:]]
        for section in found[1:]:
            assert pages.PageRenderer().text(getattr(section, lang)) == from_page[section.href[1:]]


def test_what_a_brand_lacks_does_not_move_the_other_anchors(tmp_path):
    notebook = read(write(tmp_path, *TEXTS), as_version=4)
    for lang, second in (("zh", "回来"), ("en", "Return")):
        every, fewer = ids(notebook, lang, ("spend",)), ids(notebook, lang, ("orders",))
        assert list(every) == ["s-1", "s-1-1", "s-2", "s-2-1", "s-2-2"]
        assert fewer == {anchor: text for anchor, text in every.items() if anchor.startswith("s-2")}
        assert fewer["s-2"] == second
        assert pages.read_page(notebook, lang, tables=("orders",)).contents == [("s-2", second)]


def test_a_heading_is_found_in_either_language(tmp_path):
    write(tmp_path, *TEXTS)
    wanted = {"Cost": "#s-1", "哪个渠道": "#s-1-1", "Return": "#s-2", "When": "#s-2-1", "谁？": "#s-2-2", "": ""}
    for heading, anchor in wanted.items():
        assert sections.link("08_x", heading, tmp_path).href == f"08_x.html{anchor}"
    assert sections.link("08_x", "", tmp_path)[1:] == ("页", "Page")
    assert sections.link("08_x", "When", tmp_path).zh == "何时"


def test_a_notebook_that_changed_is_read_again(tmp_path):
    path = write(tmp_path, *TEXTS)
    assert len(sections.headings(path)) == 6
    write(tmp_path, *TEXTS[:2])
    assert len(sections.headings(path)) == 1


def test_what_is_not_there_is_refused(tmp_path):
    write(tmp_path, *TEXTS)
    with pytest.raises(ValueError, match=r"no heading 'no heading'.*'Return'"):
        sections.link("08_x", "no heading", tmp_path)
    with pytest.raises(ValueError, match="no page '09_y'"):
        sections.link("09_y", "", tmp_path)
    write(tmp_path, ("## 一", "zh"), ("### One", "en"))
    with pytest.raises(ValueError, match="not of the same levels"):
        sections.link("08_x", "One", tmp_path)
