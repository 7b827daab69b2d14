"""Charts of the workbook: the only module that imports matplotlib.

Each function takes a small table as the analysis floor returns it and shows one picture per language, with title,
unit, source and n on it, alt text for those who cannot see it, and the numbers behind it as a table.
"""

import base64
import io
import warnings
from collections.abc import Callable
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
import seaborn as sns
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from siyu_helpers.reporting import words
from siyu_helpers.reporting.ledger import Ledger, table_html

INK, FAINT, ACCENT = "#1f2933", "#5b6671", "#0b6e75"
# The darkest shade of a heat map: ink stays readable on it.
SHADE = "#4fa9af"
# Okabe and Ito's colours, darkened where they would fade on white: told apart with colour-blind eyes too.
SERIES = ["#0b6e75", "#b8500b", "#4a4e9c", "#8a6d00", "#a03070", "#3d7d2e", "#555f6b", "#7a2b1e"]
DOTS = 180  # an inch: sharp on a phone and on paper
CHINESE_FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC"]


@cache
def chinese_font() -> str:
    """Name of a font with Chinese glyphs: the system's own where there is one, else the one in the mplfonts package."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    for name in CHINESE_FONTS:
        if name in installed:
            return name
    # Found by path: importing mplfonts would read and change matplotlib's own configuration.
    package = Path(next(iter(find_spec("mplfonts").submodule_search_locations)))
    file = package / "fonts" / "NotoSansCJKsc-Regular.otf"
    font_manager.fontManager.addfont(str(file))
    return "Noto Sans CJK SC"


def cohort_heatmap(
    ledger: Ledger,
    grid: pd.DataFrame,
    *,
    title_zh: str,
    title_en: str,
    measure: str = "retention",
    unit: str = "share",
    first_age: int = 1,
    age_days: int = 1,
    cohort_words: tuple[str, str] = words.PERIOD_AXIS["month"]["cohort"],
    age_words: tuple[str, str] = words.PERIOD_AXIS["month"]["age"],
) -> None:
    """Show a cohort grid as a heat map: rows cohorts, columns age, blank where nobody has lived it yet.

    grid (cohort x age, long, as `repurchase_cohorts.cohort_grid` returns it)  ->  one picture per language

    Parameters
    ----------
    measure, unit : str
        Column of the grid, and what it is: "share", printed in percent, or "money", per customer acquired.
    first_age : int
        First age shown; 1 leaves out age 0, in which everybody is active by definition.
    age_days : int
        Days of one age on each customer's own clock; the axis then shows the day on which each begins.
    """
    shown = grid[grid["age"] >= first_age].dropna(subset=[measure])
    if shown.empty:
        _say_nothing_to_draw(ledger, title_zh, title_en)
        return
    shown = shown.assign(age=shown["age"] * age_days)
    values = shown.pivot(index="cohort", columns="age", values=measure)
    complete = shown.pivot(index="cohort", columns="age", values="complete").astype("boolean").fillna(True).astype(bool)
    sizes = shown.drop_duplicates("cohort").set_index("cohort")["customers"]

    def draw(lang: str) -> Figure:
        *size, annotated = _heat_size(values, unit)
        figure, axes = plt.subplots(figsize=size)
        rows = [f"{cohort}  (n={sizes[cohort]:,})" for cohort in values.index]
        _heat(axes, values.set_axis(rows), complete.to_numpy(), unit, annotated)
        axes.set_ylabel(_one(cohort_words, lang))
        axes.set_xlabel(_one(age_words, lang))
        return figure

    note = ("斜线：该期尚未过完，数字还会上升", "Hatched: not over yet, the number can still rise")
    units = {
        "share": ("占同期群客户的 %", "% of the cohort's customers"),
        "money": (f"{words.currency_name(ledger.currency)}/人", f"{ledger.currency} per customer"),
    }
    _show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=units[unit],
        n=int(sizes.sum()),
        note=note if not complete.to_numpy().all() else None,
        alt=_heat_alt(values, age_words, unit),
        table=_grid_table(shown, measure, unit),
    )


def _say_nothing_to_draw(ledger: Ledger, title_zh: str, title_en: str) -> None:
    """A chart without a single number is a sentence, not an empty frame."""
    for lang in ledger.languages:
        text = {
            "zh": f"“{title_zh}”暂时没有可画的数字：观察时间还不够。",
            "en": f"“{title_en}” has nothing to show yet: nobody has been observed that long.",
        }[lang]
        ledger.emit(lang, "sentence", f'<p class="siyu-sentence"><em>{escape(text)}</em></p>')


#: A grid wider than this many inches is coloured only: its numbers would be too small to read.
WIDEST_WITH_NUMBERS = 8.6


def _labels(values: pd.DataFrame, unit: str) -> np.ndarray:
    """What stands in the cells: percent with one decimal, money with as many as its size needs."""
    shown = values.to_numpy(dtype=float) * (100 if unit == "share" else 1)
    top = np.nanmax(np.abs(shown))
    decimals = 1 if unit == "share" or 1 <= top < 1000 else 2 if top < 1 else 0
    return np.where(np.isnan(shown), "", np.vectorize(f"{{:,.{decimals}f}}".format)(shown))


def _heat_size(values: pd.DataFrame, unit: str) -> tuple[float, float, bool]:
    """Width and height in inches, and whether the numbers fit into the cells."""
    rows, columns = values.shape
    cell = max(0.4, 0.12 + 0.075 * max(len(label) for label in _labels(values, unit).ravel()))
    annotated = cell * columns <= WIDEST_WITH_NUMBERS
    wide = cell * columns if annotated else min(0.16 * columns, 9)
    high = 0.4 * rows if rows <= 15 else max(0.17 * rows, 6)
    return 1.5 + max(wide, 2.4), 0.7 + min(high, 14), annotated


def _heat(axes: Any, values: pd.DataFrame, complete: np.ndarray, unit: str, annotated: bool) -> None:
    shown = values.to_numpy(dtype=float) * (100 if unit == "share" else 1)
    sns.heatmap(
        pd.DataFrame(shown, index=values.index, columns=values.columns),
        annot=_labels(values, unit) if annotated else False, fmt="", cmap=sns.light_palette(SHADE, as_cmap=True),
        vmin=0, vmax=np.nanmax(shown) or 1, linewidths=1.5 if annotated else 0, linecolor="white",
        cbar=not annotated, ax=axes, annot_kws={"size": 8.5, "color": INK},
        cbar_kws={"format": (lambda value, _: f"{value:,g}%") if unit == "share" else (lambda value, _: f"{value:,g}")},
        xticklabels=1 if annotated else max(1, -(-values.shape[1] // 14)),
        yticklabels=max(1, round(values.shape[0] / 40)),
    )  # fmt: skip
    for row, column in zip(*np.nonzero(~complete & ~np.isnan(shown)), strict=True):
        axes.add_patch(
            plt.Rectangle((column, row), 1, 1, fill=False, hatch="////", edgecolor="#9aa5ae", linewidth=0, alpha=0.6)
        )
    axes.tick_params(length=0)
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)
    axes.set_xticklabels(axes.get_xticklabels(), rotation=0)


def _cell(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:,.2f}"


def _heat_alt(values: pd.DataFrame, age_words: tuple[str, str], unit: str) -> tuple[str, str]:
    flat = values.stack().dropna()
    ends = {
        name: (_cell(value, unit), *at)
        for name, at, value in (("high", flat.idxmax(), flat.max()), ("low", flat.idxmin(), flat.min()))
    }
    (high, high_cohort, high_age), (low, low_cohort, low_age) = ends["high"], ends["low"]
    first, last = values.index[0], values.index[-1]
    return (
        f"热力图，{len(values)} 个同期群（{first} 至 {last}），横轴为{age_words[0]}。"
        f"最高 {high}（{high_cohort}，横轴 {high_age}），最低 {low}（{low_cohort}，横轴 {low_age}）。",
        f"Heat map of {len(values)} cohorts, {first} to {last}, by {age_words[1].lower()}. "
        f"Highest {high} (cohort {high_cohort}, at {high_age}), lowest {low} (cohort {low_cohort}, at {low_age}).",
    )


def _grid_table(shown: pd.DataFrame, measure: str, unit: str) -> Callable[[str], pd.DataFrame]:
    """The cells in words, with their intervals where the grid has them."""

    def table(lang: str) -> pd.DataFrame:
        text = [_cell(value, unit) for value in shown[measure]]
        if f"{measure}_low" in shown:
            ends = zip(shown[f"{measure}_low"], shown[f"{measure}_high"], strict=True)
            text = [
                f"{value} ({low * 100:.1f}–{high * 100:.1f})" for value, (low, high) in zip(text, ends, strict=True)
            ]
        wide = shown.assign(text=text).pivot(index="cohort", columns="age", values="text").fillna("")
        return wide.rename_axis({"zh": "同期群", "en": "Cohort"}[lang]).reset_index()

    return table


def curves(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    title_zh: str,
    title_en: str,
    x_words: tuple[str, str],
    y_words: tuple[str, str],
    n: str,
    group: str | None = None,
    low: str | None = None,
    high: str | None = None,
    steps: bool = False,
    as_share: bool = True,
    x_days: int = 1,
) -> None:
    """Show one or several curves with their interval bands.

    table (one row per x, and per group)  ->  one picture per language

    Parameters
    ----------
    x, y, low, high, group : str
        Columns of the table; blank y is a gap in the line, never zero.
    n : str
        Column that counts the customers; its largest value is printed as n.
    steps : bool
        True draws a staircase, as for a Kaplan-Meier curve.
    as_share : bool
        True prints the vertical axis in percent, from zero.
    x_days : int
        Days of one step of x, where x counts blocks of days: the axis then shows the day on which each begins.
    """
    if table[y].isna().all():
        _say_nothing_to_draw(ledger, title_zh, title_en)
        return
    table = table.assign(**{x: table[x] * x_days})
    groups = [("", table)] if group is None else list(table.groupby(group, sort=True))

    def draw(lang: str) -> Figure:
        figure, axes = plt.subplots(figsize=(5.4, 3.3))
        for (name, rows), colour in zip(groups, SERIES * len(groups), strict=False):
            _curve(axes, rows, (x, y, low, high), colour, steps, plain(drawable(name)))
        _axes_of_curves(axes, as_share, len(groups) > 1)
        axes.set_xlabel(_one(x_words, lang))
        axes.set_ylabel(_one(y_words, lang))
        return figure

    band = (f"色带：{words.level_text(ledger.level)} 区间", f"Band: {words.level_text(ledger.level)} interval")
    _show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=y_words,
        n=int(table[n].max()),
        note=band if low else None,
        alt=_curve_alt(groups, x, y, x_words, y_words, as_share),
        table=_curve_table(
            _rows_to_list(table, group, x, steps), (group, x, y, low, high), (x_words, y_words), as_share
        ),
    )


def _curve(axes: Any, rows: pd.DataFrame, names: tuple, colour: str, steps: bool, label: str) -> None:
    x, y, low, high = names
    how = {"drawstyle": "steps-post"} if steps else {"marker": "o", "markersize": 3.5}
    axes.plot(rows[x], rows[y], color=colour, linewidth=1.8, label=label, **how)
    if low and high:
        axes.fill_between(
            rows[x].astype(float), rows[low].astype(float), rows[high].astype(float),
            color=colour, alpha=0.18, linewidth=0, step="post" if steps else None,
        )  # fmt: skip


def _axes_of_curves(axes: Any, as_share: bool, legend: bool) -> None:
    axes.set_ylim(bottom=0)
    whole_steps = matplotlib.ticker.MaxNLocator(nbins=6, steps=[1, 2, 5, 10], min_n_ticks=4, integer=not as_share)
    axes.yaxis.set_major_locator(whole_steps)
    if as_share:
        decimals = 0 if axes.get_ylim()[1] >= 0.05 else 1
        axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1, decimals=decimals))
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(nbins=8, steps=[1, 2, 3, 6, 10], integer=True))
    axes.margins(x=0.02)
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    sns.despine(ax=axes)
    if legend:
        axes.legend(frameon=False, fontsize=8.5)


def _curve_alt(groups, x, y, x_words, y_words, as_share) -> tuple[str, str]:
    sentences_zh, sentences_en = [], []
    for name, rows in groups:
        seen = rows.dropna(subset=[y])
        if seen.empty:
            continue
        ends = [seen.iloc[0], seen.iloc[-1]]
        said = [f"{end[y]:.1%}" if as_share else f"{end[y]:,.2f}" for end in ends]
        at = [f"{end[x]:g}" for end in ends]
        label_zh, label_en = (f"{name}：", f"{name}: ") if name else ("", "")
        sentences_zh.append(f"{label_zh}横轴 {at[0]} 处为 {said[0]}，横轴 {at[1]} 处为 {said[1]}。")
        sentences_en.append(f"{label_en}{said[0]} at {at[0]}, {said[1]} at {at[1]}.")
    return (
        f"曲线图，横轴为{x_words[0]}，纵轴为{y_words[0]}。" + "".join(sentences_zh),
        f"Curve of {y_words[1].lower()} by {x_words[1].lower()}. " + " ".join(sentences_en),
    )


#: Days a reader asks about; a daily curve has hundreds of rows, too many to print.
DAYS_LISTED = (0, 7, 14, 30, 60, 90, 120, 180, 270, 365, 545, 730, 1095, 1460, 1825)


def _rows_to_list(table: pd.DataFrame, group: str | None, x: str, steps: bool) -> pd.DataFrame:
    """All rows of a short table; of a staircase the value on the days a reader asks about, and on the last day."""
    if not steps:
        return table
    parts = []
    for _, rows in [("", table)] if group is None else table.groupby(group, sort=True):
        days = [day for day in DAYS_LISTED if day < rows[x].max()] + [rows[x].max()]
        at = rows[x].searchsorted(days, side="right") - 1
        parts.append(rows.iloc[at].assign(**{x: days}))
    return pd.concat(parts)


def _curve_table(rows: pd.DataFrame, columns, axis_words, as_share: bool) -> Callable[[str], pd.DataFrame]:
    group, x, y, low, high = columns

    def made(lang: str) -> pd.DataFrame:
        at, form = words.LANGUAGES.index(lang), "{:.1%}" if as_share else "{:,.2f}"
        ends = {"zh": ("下限", "上限"), "en": ("lower end", "upper end")}[lang]
        named = {group: ("分组", "Group")[at], x: axis_words[0][at], y: axis_words[1][at], low: ends[0], high: ends[1]}
        text = {named[x]: [f"{value:g}" for value in rows[x]]}
        if group:
            text = {named[group]: rows[group].astype(str)} | text
        for column in (y, low, high):
            if column:
                text[named[column]] = ["" if pd.isna(value) else form.format(value) for value in rows[column]]
        return pd.DataFrame(text)

    return made


def plain(text: Any) -> str:
    """Text from data as matplotlib must see it: a dollar sign is a character, not the start of a formula.

    >>> print(plain("$x$"))
    \\$x\\$
    """
    return str(text).replace("$", r"\$")


@cache
def _glyphs() -> frozenset[int]:
    files = [font_manager.findfont(name) for name in ("DejaVu Sans", chinese_font())]
    return frozenset().union(*(font_manager.get_font(file).get_charmap() for file in files))


def drawable(text: Any) -> str:
    """Text from data with a box for each character that no font here has, such as an emoji in a brand's name.

    >>> drawable("小满 🍼")
    '小满 □'
    """
    return "".join(c if ord(c) in _glyphs() else "□" for c in str(text) if c.isprintable())


def _one(both: tuple[str, str], lang: str) -> str:
    return plain(both[words.LANGUAGES.index(lang)])


def _show(
    ledger: Ledger, draw: Callable[[str], Figure], *, title, unit, n, alt, table, note=None, source="orders"
) -> None:
    """Draw, label and emit one chart for each language of the ledger: the one way a picture reaches a page."""
    for lang in ledger.languages:
        at = words.LANGUAGES.index(lang)
        with warnings.catch_warnings(), plt.rc_context(_style(lang)):
            # An empty box instead of a character is an error here, never a picture on a page.
            warnings.filterwarnings("error", message="Glyph .* missing")
            figure = draw(lang)
            foot = [f"n = {n:,}", f"{words.PAGE['unit'][lang]}{_colon(lang)}{unit[at]}"]
            foot += [note[at]] if note else []
            origin = f"{words.PAGE['source'][lang]}{_colon(lang)}{drawable(ledger.source_note(source, lang))}"
            _chrome(figure, title[at], "  ·  ".join(foot), origin)
            wide = " siyu-wide" if figure.get_size_inches()[0] > 6.5 else ""
            picture, width = _png(figure)
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


def _colon(lang: str) -> str:
    return "：" if lang == "zh" else ": "


def _style(lang: str) -> dict[str, Any]:
    families = [chinese_font(), "DejaVu Sans"] if lang == "zh" else ["DejaVu Sans", chinese_font()]
    return {
        "font.family": families,
        "font.size": 9.5,
        "axes.labelcolor": FAINT,
        "axes.edgecolor": "#b4bcc4",
        "text.color": INK,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "axes.unicode_minus": False,
        "hatch.linewidth": 1.2,
    }


def _chrome(figure: Figure, title: str, foot: str, source: str) -> None:
    """Title above; unit, n and source below: a chart pasted into a slide still says what it is."""
    # Placed around what is drawn, in inches: a fraction of the figure would overlap the labels of a low chart.
    figure.canvas.draw()
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    # A wide chart scrolls on a phone: its title is broken early enough to be read there without scrolling.
    columns = min(drawn.width, 4.6) * 13
    figure.suptitle(
        _wrap(plain(title), int(columns * 0.92)), x=drawn.x0 / width, y=(drawn.y1 + 0.14) / height,
        ha="left", va="bottom", fontsize=11.5, weight="bold",
    )  # fmt: skip
    below = "\n".join(_wrap(plain(line), int(columns * 1.5)) for line in (foot, source))
    figure.text(
        drawn.x0 / width, (drawn.y0 - 0.1) / height, below,
        ha="left", va="top", fontsize=7.8, color=FAINT, linespacing=1.5,
    )  # fmt: skip


def _wrap(text: str, width: int) -> str:
    """Break a line at `width` columns; a Chinese character takes two and may be broken after."""
    lines, used = [""], 0.0
    for piece in _pieces(text):
        wide = sum(2 if ord(character) > 0x2E80 else 1.15 for character in piece)
        if used + wide > width and lines[-1]:
            lines.append("")
            used = 0.0
            piece = piece.lstrip()
        lines[-1] += piece
        used += wide
    return "\n".join(lines)


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for character in text:
        if character == " " or ord(character) > 0x2E80:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _png(figure: Figure) -> tuple[str, int]:
    """The picture in base64, and the width at which its letters have the size of the page's."""
    buffer = io.BytesIO()
    # No software name or date in the file: the same numbers give the same bytes.
    figure.savefig(buffer, format="png", dpi=DOTS, bbox_inches="tight", pad_inches=0.06, metadata={"Software": None})
    plt.close(figure)
    picture = buffer.getvalue()
    width = int.from_bytes(picture[16:20], "big")  # of the PNG header
    return base64.b64encode(picture).decode("ascii"), round(width / DOTS * 100)
