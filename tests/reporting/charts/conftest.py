"""What the tests of all charts share: the pictures at the moment they are saved, and how to read a page's piece."""

import html
import re

import pytest
from matplotlib.text import Text

from siyu_helpers.data import brands
from siyu_helpers.reporting.charts import frame
from siyu_helpers.reporting.ledger import Ledger

HOSTILE = ("$x^2$ <script>alert(1)</script>", "小满🍼\u202e & {key}")


@pytest.fixture
def drawn(monkeypatch):
    """The figures as they are saved, each with its `texts`."""
    figures = []
    save = frame._png

    def keep(figure, box):
        figure.texts_seen = [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        figure.box_seen = box
        figures.append(figure)
        return save(figure, box)

    monkeypatch.setattr(frame, "_png", keep)
    return figures


@pytest.fixture
def book():
    """A ledger of the public brand, in the language asked for."""
    return lambda lang="both": Ledger(brands.load("cdnow"), "02_repurchase_cohorts", lang)


@pytest.fixture
def read():
    """Alt text and table of a chart's HTML: (alt, list of rows of cells, the head first)."""

    def both(piece):
        alt = html.unescape(re.search(r'<img alt="([^"]*)"', piece).group(1))
        rows = re.findall(r"<tr>(.*?)</tr>", piece)
        cells = [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]
        return alt, cells

    return both


@pytest.fixture
def complete(shown, drawn):
    """Check what every picture must have: title, unit, source and n on it, and nothing cut off; both languages."""

    def check(title_zh, title_en, n, width=5.6):
        assert len(shown) == len(drawn) == 2
        for (piece, metadata), figure, title in zip(shown, drawn, (title_zh, title_en), strict=True):
            said = "\n".join(figure.texts_seen).replace("\n", " ")
            assert title in said
            assert f"n = {n:,}" in said
            assert {"zh": "单位：", "en": "Unit: "}[metadata["lang"]] in said
            assert "orders.csv" in said
            assert "<script>alert" not in piece
            assert figure.box_seen.width <= width, "wider than a phone shows whole"
            extents = figure.get_tightbbox(figure.canvas.get_renderer())
            assert extents.width <= figure.box_seen.width + 0.01, "something is cut off"
            assert extents.height <= figure.box_seen.height + 0.01, "something is cut off"

    return check


@pytest.fixture
def hostile():
    """Two names that data may bring."""
    return HOSTILE
