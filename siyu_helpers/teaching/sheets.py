"""Sheets: what slides, handouts and the trainer's guide share: cells as HTML, filled templates, nothing loaded."""

import re
from pathlib import Path
from typing import Any

import jinja2
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.reporting import pages, words
from siyu_helpers.reporting.loads import refuse_loads
from siyu_helpers.teaching.formulas import broken_formulas

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "template"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
#: The fixed words of what is handed out.
WORDS = {
    "minutes": Words("{} 分钟", "{} minutes"),
    "invented": Words("虚构品牌，数据由程序生成", "Invented brand, simulated data"),
    "title": Words("私域流量课程", "Course on private-domain traffic"),
    "name": Words("姓名", "Name"),
    "date": Words("日期", "Date"),
    "terms": Words("术语", "Terms"),
    "tracks": Words("课程安排", "Tracks"),
    "lessons": Words("全部课程", "Lessons"),
    "lesson": Words("课", "Lesson"),
    "guide": Words("讲师手册", "Trainer's guide"),
    "whole": Words("课时 {} 分钟，安排 {} 分钟", "{} minutes of lessons in {} minutes"),
    "missing": Words("还没有生成", "not made yet"),
    "student": Words("学员版", "Student's copy"),
    "trainer": Words("讲师版", "Trainer's copy"),
    "slides": Words("幻灯片", "Slides"),
    "handout": Words("讲义", "Handout"),
    "whom": Words(
        "发给学员的只有学员版和讲义；讲师版、幻灯片的备注和讲师手册里有答案。",
        "Students get the student's copy and the handout only: the trainer's copy, the notes of the slides and the "
        "trainer's guide hold the answers.",
    ),
    "keys": Words(
        "幻灯片：方向键翻页，S 打开讲师备注，F 全屏，O 总览；网址末尾加 ?print-pdf 后打印。",
        "Slides: arrow keys turn them, S opens the speaker notes, F fills the screen, O gives an overview; to print, "
        "add ?print-pdf to the address.",
    ),
    "notebooks": Words(
        "笔记本用 JupyterLab 打开（make lab），运行时要有生成好的虚构品牌（siyu sample）。",
        "Open the notebooks in JupyterLab (make lab); they need the invented brands (siyu sample).",
    ),
    "mistakes": Words("常见错误", "Common mistakes"),
    "held_on": Words("品牌", "Brand"),
    "part": Words("环节", "Part"),
    "time": Words("时间", "Time"),
    "length": Words("长度", "Length"),
}


def said(name: str, lang: str) -> str:
    """One of the fixed words in one language."""
    return WORDS[name].text(lang)


def brand_line(brand: Any, lang: str) -> str:
    """The brand's name, and that it is invented where it is.

    brand : the brand's config, a dictionary.
    """
    name = words.text_in(brand["name"], lang)
    return f"{name} · {said('invented', lang)}" if brand["synthetic"] else name


def cell_html(cell: Any, lang: str) -> tuple[str, list[str], list[str]]:
    """What a cell shows in one language, as a page would show it: its title, its pieces, the scripts they need.

    A text is one piece, without its level-1 heading, which is the title; of code the outputs are taken. Links to the
    last table of a page and the table behind a chart, which there is no room for, are left out.
    """
    if cell.cell_type == "code":
        kept = [output for output in cell.outputs if output.output_type != "stream" or output.name != "stderr"]
        cell = NotebookNode({**cell, "outputs": kept})
    cell = NotebookNode({**cell, "metadata": NotebookNode()})
    page = pages.read_page(new_notebook(cells=[cell]), lang)
    found = [piece["html"] for piece in page.body if piece["kind"] != "code"] + page.definitions
    return page.title, [broken_formulas(_bare(html)) for html in found if html.strip()], page.scripts


def _bare(html: str) -> str:
    html = re.sub(r"<details>.*?</details>", "", html, flags=re.S)
    html = re.sub(r'<a class="siyu-number" href="#[^"]*">(.*?)</a>', r"\1", html, flags=re.S)
    return re.sub(r'(<h[23]) id="[^"]*"', r"\1", html)


def fill(template: str, **content: Any) -> str:
    """A template of this course filled in; raises ValueError where the file would load anything from outside itself."""
    html = ENVIRONMENT.get_template(template).render(said=said, brand_line=brand_line, **content)
    refuse_loads(html)
    return html
