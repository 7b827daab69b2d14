"""What every picture has: title, unit, source and n on it, alt text, and its numbers as a table behind it.

`show` is the one way a picture reaches a page. The charts' own modules draw axes and hand them over.
"""

import base64
import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import alike, fonts
from siyu_helpers.reporting.charts.colours import FAINT, INK, LINE
from siyu_helpers.reporting.ledger import Ledger, table_html

DOTS = 180  # an inch: sharp on a phone and on paper
#: A picture wider than this many inches is scrolled on a phone, with a hint; its title stays within what is seen first.
WIDE, SEEN_FIRST = 6.5, 4.6
#: Inches: a picture that a phone shows whole, with letters that can be read.
WHOLE = 5.4
#: Source of a chart that shows no data, only what a model makes of its inputs: it has no n and no period.
MODEL = "model"
TITLE, FOOT = 11.5, 7.8  # points

Both = tuple[str, str]
Names = Mapping[Any, Both]


def plot(width: float, height: float, fill: bool = False) -> tuple[Figure, Any]:
    """A figure and its axes; `fill` gives the axes the whole size, with labels outside of it."""
    # Without pyplot: nothing keeps the figure once it is saved. At the dots of the file, so that one layout serves.
    figure = Figure(figsize=(width, height), dpi=DOTS)
    FigureCanvasAgg(figure)
    return figure, figure.add_axes((0, 0, 1, 1)) if fill else figure.subplots()


def one(both: Both, lang: str) -> str:
    """One language of our own words, as matplotlib must see it."""
    return fonts.plain(both[words.LANGUAGES.index(lang)])


def name_of(key: Any, names: Names | None, lang: str) -> str:
    """Name of a group in one language: as `names` has it; `Words` name themselves, any other key is its own name.

    >>> name_of("wecom", {"wecom": ("企业微信", "WeCom")}, "zh"), name_of("sms", {}, "zh")
    ('企业微信', 'sms')
    """
    said = (names or {}).get(key, key)
    return str(said[words.LANGUAGES.index(lang)]) if isinstance(said, tuple) else words.text_in(said, lang)


def drawn_name(key: Any, names: Names | None, lang: str) -> str:
    """Name of a group as it can be drawn, whatever the data call it; `fonts.plain` comes after breaking lines."""
    return fonts.drawable(name_of(key, names, lang))


def in_order(keys: Iterable[Any], names: Names | None) -> list[Any]:
    """Groups in the order in which they are named; those without a name after them, as they come.

    >>> in_order(["b", "x", "a", "b"], {"a": ("甲", "A"), "b": ("乙", "B")})
    ['a', 'b', 'x']
    """
    there = list(dict.fromkeys(keys))
    named = [key for key in names or {} if key in there]
    return [*named, *(key for key in there if key not in named)]


def need(table: pd.DataFrame, *columns: str | None) -> None:
    """Refuse a table without the columns that are to be drawn.

    Raises
    ------
    ValueError
        A column is missing.
    """
    missing = [column for column in columns if column and column not in table.columns]
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}")


def say_nothing_to_draw(ledger: Ledger, title_zh: str, title_en: str, refused: Any = None) -> None:
    """A chart without a single number is a sentence, not an empty frame; a table may say why in its `attrs`.

    refused : Refused, or a dict of them by group, of which the first is said.
    """
    if isinstance(refused, Mapping):
        refused = next(iter(refused.values()), None)
    for lang in ledger.languages:
        if isinstance(refused, Refused):
            title = {"zh": f"“{title_zh}”", "en": f"“{title_en}”"}[lang]
            text = f"{title}{colon(lang)}{words.PAGE['not_stated'][lang].lower()}{refused.reason(lang)}"
        else:
            text = {
                "zh": f"“{title_zh}”暂时没有可画的数字：数据还不够。",
                "en": f"“{title_en}” has nothing to show yet: the data do not reach far enough.",
            }[lang]
        ledger.emit(lang, "sentence", f'<p class="siyu-sentence"><em>{escape(text)}</em></p>')


def interval_note(ledger: Ledger, mark_zh: str, mark_en: str) -> Both:
    """What a band or a whisker is, with its level."""
    level = words.level_text(ledger.level)
    return f"{mark_zh}：{level} 区间", f"{mark_en}: {level} interval"


def notes(*some: Both | None) -> Both | None:
    """Several notes as one; none of them: no note."""
    said = [note for note in some if note]
    return ("；".join(note[0] for note in said), "; ".join(note[1] for note in said)) if said else None


def show(
    ledger: Ledger,
    draw: Callable[[str], Figure],
    *,
    title: Both,
    unit: Both,
    n: int,
    alt: Both,
    table: Callable[[str], pd.DataFrame],
    note: Both | None = None,
    source: str = "orders",
) -> None:
    """Draw, label and emit one chart for each language of the ledger: the one way a picture reaches a page.

    source : tables as `Ledger.source_note` takes them, or "model": computed from what the text assumes, of no sample.
    """
    frame = alike.next_frame()
    for lang in ledger.languages:
        at = words.LANGUAGES.index(lang)
        with warnings.catch_warnings(), matplotlib.rc_context(_style(lang)):
            # An empty box instead of a character is an error here, never a picture on a page.
            warnings.filterwarnings("error", message="Glyph .* missing")
            figure = draw(lang)
            if alike.measure(figure):
                return
            alike.fit(figure, frame)
            foot = [] if source == MODEL else [f"n = {n:,}"]
            foot += [f"{words.PAGE['unit'][lang]}{colon(lang)}{unit[at]}", *([note[at]] if note else [])]
            told = words.PAGE["model"][lang] if source == MODEL else ledger.source_note(source, lang)
            origin = f"{words.PAGE['source'][lang]}{colon(lang)}{fonts.drawable(told)}"
            box = _chrome(figure, lang, title[at], "  ·  ".join(foot), origin)
            picture, width = _png(figure, box)
        wide = " siyu-wide" if box.width > WIDE else ""
        caption = escape(title[at], quote=True)
        behind = table_html(
            table(lang), lang, f"{title[at]} ({unit[at]})" if lang == "en" else f"{title[at]}（{unit[at]}）"
        )
        html = (
            f'<figure><div class="siyu-chart{wide}" role="group" tabindex="0" aria-label="{caption}">'
            f'<img alt="{escape(alt[at], quote=True)}" width="{width}" src="data:image/png;base64,{picture}"></div>'
            f"<figcaption>{caption}</figcaption></figure>{words.swipe_hint(lang) if wide else ''}"
            f"<details><summary>{words.PAGE['table_behind'][lang]}</summary>{behind}</details>"
        )
        ledger.emit(lang, "chart", html)


def colon(lang: str) -> str:
    """A colon as the language writes it."""
    return "：" if lang == "zh" else ": "


def _style(lang: str) -> dict[str, Any]:
    return {
        "font.family": fonts.families(lang),
        "font.size": 9.5,
        "axes.labelcolor": FAINT,
        "axes.edgecolor": LINE,
        "text.color": INK,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "axes.unicode_minus": False,
        "hatch.linewidth": 1.2,
    }


def _chrome(figure: Figure, lang: str, title: str, foot: str, source: str) -> Bbox:
    """Title above; unit, n and source below: a chart pasted into a slide still says what it is. Returns its frame."""
    # Placed around what is drawn, in inches: a fraction of the figure would overlap the labels of a low chart.
    renderer = figure.canvas.get_renderer()
    drawn = figure.get_tightbbox(renderer)
    width, height = figure.get_size_inches()
    # A wide chart scrolls on a phone: its title is broken early enough to be read there without scrolling.
    room = SEEN_FIRST if drawn.width > WIDE else max(drawn.width, 4)
    above = figure.suptitle(
        fonts.plain(fonts.wrap(title, room, TITLE, lang, bold=True)),
        x=drawn.x0 / width, y=(drawn.y1 + 0.14) / height, ha="left", va="bottom", fontsize=TITLE, weight="bold",
    )  # fmt: skip
    below = figure.text(
        drawn.x0 / width, (drawn.y0 - 0.1) / height,
        "\n".join(fonts.plain(fonts.wrap(line, room, FOOT, lang)) for line in (foot, source)),
        ha="left", va="top", fontsize=FOOT, color=FAINT, linespacing=1.5,
    )  # fmt: skip
    texts = [text.get_window_extent(renderer).transformed(figure.dpi_scale_trans.inverted()) for text in (above, below)]
    # Measured once and given to the file: asking for "tight" would lay everything out twice more.
    return Bbox.union([drawn, *texts]).padded(0.06)


def _png(figure: Figure, box: Bbox) -> tuple[str, int]:
    """The picture in base64, and the width at which its letters have the size of the page's."""
    written = io.BytesIO()
    # Drawn once, within its frame; the dots are then taken from the canvas as they are.
    figure.savefig(io.BytesIO(), format="rgba", dpi=DOTS, bbox_inches=box)
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    # 256 colours are as many as eyes tell apart here: a third of the bytes, in half the time.
    picture = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The palette's lightest shade is nearly white, which would stand out on a white page.
    picture.putpalette([255 if shade >= 253 else shade for shade in picture.getpalette()])
    # No software name or date in the file: the same numbers give the same bytes.
    picture.save(written, format="png")
    return base64.b64encode(written.getvalue()).decode("ascii"), round(picture.width / DOTS * 100)


def strip(axes: Any, colours: Sequence[str], first: str, last: str, lang: str) -> None:
    """A small legend above the axes for many shades: the first name, the shades, the last name."""
    wide, right = 0.28, 1.0
    step = wide / len(colours)
    room = axes.get_window_extent().width / axes.figure.dpi
    end = right - fonts.width(last, 8.5, lang) / room - 0.02
    for at, colour in enumerate(colours):
        left = end - wide + at * step
        axes.add_patch(
            matplotlib.patches.Rectangle(
                (left, 1.045),
                step * 1.02,
                0.035,
                transform=axes.transAxes,
                facecolor=colour,
                linewidth=0,
                clip_on=False,
            )
        )
    how = {"transform": axes.transAxes, "va": "center", "fontsize": 8.5, "color": FAINT}
    axes.text(end - wide - 0.02, 1.0625, fonts.plain(first), ha="right", **how)
    axes.text(right, 1.0625, fonts.plain(last), ha="right", **how)


def legend_above(axes: Any, handles: Sequence[Any], labels: Sequence[str], lang: str, inches: float) -> None:
    """A legend over the axes, where it hides nothing, in as many columns as fit."""
    widths = [fonts.width(label, 8.5, lang) + 0.42 for label in labels]
    columns = len(labels) if sum(widths) <= inches else max(1, int(inches / max(widths)))
    axes.legend(
        handles, [fonts.plain(label) for label in labels], frameon=False, fontsize=8.5, ncols=columns,
        loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2, borderpad=0, handlelength=1.3, columnspacing=1.2,
    )  # fmt: skip
