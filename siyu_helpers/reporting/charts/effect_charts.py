"""Charts of an effect along an axis: before and after an event, and by number of messages."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, GRID, INK, SERIES
from siyu_helpers.reporting.charts.frame import (
    Both,
    interval_note,
    legend_above,
    need,
    notes,
    one,
    plot,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.numerals import axis_text, number_text, unit_words
from siyu_helpers.reporting.charts.row_axes import reached
from siyu_helpers.reporting.ledger import Ledger

#: Inches of the axes: with their labels a phone shows them whole. Points of a mark.
ACROSS, UP, MARK = 4.6, 2.6, 6


def event_study(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str = "event_time",
    value: str = "value",
    low: str = "low",
    high: str = "high",
    n: int | str,
    title_zh: str,
    title_en: str,
    x_words: Both,
    value_words: Both,
    unit: str = "number",
    event_words: Both = ("加入", "Joined"),
    before_words: Both = ("之前：应在零附近", "before: should lie near zero"),
    after_words: Both = ("之后：效果", "after: the effect"),
    source: str = "orders",
) -> None:
    """Show an effect by time since an event, a mark and its interval each: hollow before the event, filled after.

    table (one row per period before or since)  ->  one picture per language

    Parameters
    ----------
    x : str
        Column of whole periods since the event: below zero before it, 0 the period in which it happens. Where none is
        below zero, as for months since joining, there is neither an event's line nor a legend.
    value, low, high : str
        Columns of the effect and its ends. Blank has no mark; an infinite or very far end is an arrow.
    n : int or str
        Customers, stores or cities in all, or the column whose largest value they are.
    event_words, before_words, after_words : (zh, en)
        What happens at the line, and what the two kinds of marks are.

    Raises
    ------
    ValueError
        A period comes twice.
    """
    need(table, x, value, low, high, n if isinstance(n, str) else None)
    rows = table[[x, value, low, high]].astype(float).set_axis(["x", "value", "low", "high"], axis=1)
    rows = rows.replace({"value": [np.inf, -np.inf]}, np.nan).sort_values("x", ignore_index=True)
    if rows["value"].isna().all():
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    if rows["x"].duplicated().any():
        raise ValueError("a period stands in the table twice: give each one effect")
    ends = reached(np.r_[rows["value"], 0.0], rows[["low", "high"]].to_numpy())
    known = rows["value"].notna()
    cut = bool(((rows["low"] < ends[0]) | (rows["high"] > ends[1]))[known].any())
    said, on_axes = (event_words, before_words, after_words), (x_words, unit_words(unit, value_words, ledger.currency))
    show(
        ledger,
        lambda lang: _draw_events(rows, ends, unit, on_axes, said, lang),
        title=(title_zh, title_en),
        unit=on_axes[1],
        n=int(table[n].max()) if isinstance(n, str) else int(n),
        note=notes(
            interval_note(ledger, "竖线", "Whisker") if rows["low"].notna().any() else None,
            ("箭头：区间伸到图外", "arrow: the interval goes on") if cut else None,
        ),
        alt=tuple(_events_alt(rows, unit, (x_words, value_words), ledger.currency, lang) for lang in words.LANGUAGES),
        table=lambda lang: _listed(rows, unit, (x_words, value_words), ledger.currency, lang),
        source=source,
    )


def _draw_events(rows, ends, unit, axis_words, said, lang) -> Figure:
    event_words, before_words, after_words = said
    figure, axes = plot(ACROSS, UP, fill=True)
    axes.set(xlim=(rows["x"].min() - 0.6, rows["x"].max() + 0.6), ylim=ends)
    axes.axhline(0, color=INK, linewidth=1, zorder=1.5)
    leads = rows["x"] < 0
    how = {"color": SERIES[0], "markersize": MARK, "markeredgewidth": 1.3, "linestyle": "none", "zorder": 4}
    looks = ({"marker": "o", "markerfacecolor": "white"}, {"marker": "s"})
    for part, look in ((rows[leads], looks[0]), (rows[~leads], looks[1])):
        axes.plot(part["x"], part["value"], **how | look)
    for row in rows.dropna(subset=["value"]).to_dict("records"):
        _upright_whisker(axes, row, ends)
    if leads.any():
        axes.axvline(-0.5, color=FAINT, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        axes.annotate(
            one(event_words, lang), (-0.5, 1), (3, -2), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
            ha="left", va="top", fontsize=8.5, color=FAINT,
        )  # fmt: skip
        handles = [Line2D([], [], **how | look) for look in looks]
        legend_above(axes, handles, [one(both, lang) for both in (before_words, after_words)], lang, ACROSS)
    _finish(axes, unit, axis_words, lang)
    return figure


def _upright_whisker(axes: Any, row: dict[str, float], ends: tuple[float, float]) -> None:
    """The interval of a mark: a cap at an end, an arrow where it leaves the picture, nothing where it is blank."""
    inside = 0.03 * (ends[1] - ends[0])
    for end, edge, arrow in ((row["low"], ends[0] + inside, "v"), (row["high"], ends[1] - inside, "^")):
        if math.isnan(end):
            continue
        out = end < ends[0] or end > ends[1]
        to = edge if out else end
        axes.plot([row["x"]] * 2, [row["value"], to], color=SERIES[0], linewidth=1.4, zorder=2, solid_capstyle="butt")
        how = {"marker": arrow, "markersize": 5} if out else {"marker": "_", "markersize": 6, "markeredgewidth": 1.4}
        axes.plot([row["x"]], [to], color=SERIES[0], linestyle="none", zorder=3, **how)


def _finish(axes: Any, unit: str, axis_words: tuple[Both, Both], lang: str) -> None:
    """Ticks, grid and the words of both axes."""
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, high - low)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 3, 6, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text("number", lang, 1)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
    axes.set_xlabel(one(axis_words[0], lang))
    axes.set_ylabel(fonts.wrap(one(axis_words[1], lang), UP, 9.5, lang))


def _events_alt(rows, unit, both_words, currency, lang) -> str:
    (x_words, value_words), at = both_words, words.LANGUAGES.index(lang)
    known = rows.dropna(subset=["value"])
    leads, lags = known[known["x"] < 0], known[known["x"] >= 0]
    around = int(((leads["low"] <= 0) & (leads["high"] >= 0)).sum())
    away = int(((lags["low"] > 0) | (lags["high"] < 0)).sum())
    ends = [lags.iloc[end] for end in (0, -1)] if len(lags) else []
    ends = [(f"{row['x']:g}", number_text(row["value"], unit, lang, currency)) for row in ends]
    if lang == "zh":
        text = f"事件研究图，横轴为{x_words[at]}，纵轴为{value_words[at]}。"
        text += f"事件之前 {len(leads)} 期，{around} 个区间含零。" if len(leads) else ""
        text += f"第 {ends[0][0]} 期 {ends[0][1]}，第 {ends[1][0]} 期 {ends[1][1]}；" if ends else ""
        return text + (f"{len(lags)} 期中 {away} 期的区间不含零。" if ends else "")
    text = f"Effects by {x_words[at].lower()}: {value_words[at].lower()}."
    text += f" Before the event {len(leads)} periods, {around} of their intervals contain zero." if len(leads) else ""
    text += f" {ends[0][1]} in period {ends[0][0]}, {ends[1][1]} in period {ends[1][0]};" if ends else ""
    return text + (f" the intervals of {away} of {len(lags)} periods exclude zero." if ends else "")


def _listed(rows: pd.DataFrame, unit: str, both_words: tuple[Both, Both], currency: str, lang: str) -> pd.DataFrame:
    """The numbers behind the picture: x, value, ends."""
    at = words.LANGUAGES.index(lang)
    made = {both_words[0][at]: [f"{x:g}" for x in rows["x"]]}
    ends = {"zh": ("下限", "上限"), "en": ("lower end", "upper end")}[lang]
    for column, head in zip(("value", "low", "high"), (both_words[1][at], *ends), strict=True):
        made[head] = [_said(number, unit, lang, currency) for number in rows[column]]
    return pd.DataFrame(made)


def _said(number: float, unit: str, lang: str, currency: str) -> str:
    if math.isinf(number):
        return {"zh": "无界", "en": "not bounded"}[lang]
    return number_text(number, unit, lang, currency)


def frequency(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str,
    value: str = "value",
    low: str = "low",
    high: str = "high",
    present: Estimate | Refused | float | None = None,
    best: Estimate | Refused | float | None = None,
    n: int | str,
    title_zh: str,
    title_en: str,
    value_words: Both,
    x_words: Both = ("每月促销消息数", "Promotional messages a month"),
    unit: str = "money",
    present_words: Both = ("目前", "Now"),
    best_words: Both = ("最好", "Best"),
    source: str = "messages+orders",
) -> None:
    """Show what a number of messages a month brings, with its band: the present number and the best one marked.

    table (one row per number of messages)  ->  one picture per language

    Parameters
    ----------
    x, value, low, high : str
        Columns: messages a month, what a customer then brings and the ends of its interval.
    present, best : Estimate, Refused, float or None
        Messages sent at present (a square), and the number that brings most (a diamond); the interval of the best
        number is shaded. A Refused or None is not drawn.
    n : int or str
        Customers or months in all, or the column whose largest value they are.
    """
    need(table, x, value, low, high, n if isinstance(n, str) else None)
    rows = table[[x, value, low, high]].astype(float).set_axis(["x", "value", "low", "high"], axis=1)
    rows = rows.replace([np.inf, -np.inf], np.nan).sort_values("x", ignore_index=True)
    if rows["value"].isna().all():
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    marks = {"present": (*_bounds(present), present_words), "best": (*_bounds(best), best_words)}
    marks = {key: mark for key, mark in marks.items() if not math.isnan(mark[0])}
    shaded = "best" in marks and not math.isnan(marks["best"][1])
    on_axes = (x_words, unit_words(unit, value_words, ledger.currency))
    show(
        ledger,
        lambda lang: _draw_frequency(rows, marks, unit, on_axes, lang),
        title=(title_zh, title_en),
        unit=on_axes[1],
        n=int(table[n].max()) if isinstance(n, str) else int(n),
        note=notes(
            interval_note(ledger, "色带", "Band") if rows["low"].notna().any() else None,
            ("斜线：最好条数的区间", "hatched: interval of the best number") if shaded else None,
        ),
        alt=tuple(
            _frequency_alt(rows, marks, unit, (x_words, value_words), ledger.currency, lang) for lang in words.LANGUAGES
        ),
        table=lambda lang: _listed(rows, unit, (x_words, value_words), ledger.currency, lang),
        source=source,
    )


def _bounds(mark: Estimate | Refused | float | None) -> tuple[float, float, float]:
    """Value and ends of what is to be marked; blank where there is none."""
    if isinstance(mark, Estimate) and mark.low < mark.high:
        return mark.value, mark.low, mark.high
    mark = mark.value if isinstance(mark, Estimate) else mark  # counted, not estimated: no interval is said
    return (math.nan if mark is None or isinstance(mark, Refused) else float(mark)), math.nan, math.nan


def _draw_frequency(rows, marks, unit, axis_words, lang) -> Figure:
    figure, axes = plot(ACROSS, UP, fill=True)
    axes.fill_between(rows["x"], rows["low"], rows["high"], color=SERIES[0], alpha=0.18, linewidth=0)
    alone = {"marker": "o", "markersize": 3.5} if len(rows) < 3 else {}
    axes.plot(rows["x"], rows["value"], color=SERIES[0], linewidth=1.8, **alone)
    numbers = rows[["value", "low", "high"]].to_numpy()
    ends = reached(np.r_[rows["value"], 0.0], rows[["low", "high"]].to_numpy())
    left = min(rows["x"].min(), *(mark[0] for mark in marks.values()), math.inf)
    right = max(rows["x"].max(), *(mark[0] for mark in marks.values()), -math.inf)
    room = 0.03 * ((right - left) or 1.0)
    left, right = left - room, right + room
    axes.set(xlim=(left, right), ylim=(0 if np.nanmin(numbers) >= 0 else ends[0], ends[1]))
    if np.nanmin(numbers) < 0:
        axes.axhline(0, color=INK, linewidth=1, zorder=1.5)
    handles = [_mark_at(axes, rows.dropna(subset=["value"]), key, mark[0]) for key, mark in marks.items()]
    if "best" in marks and not math.isnan(marks["best"][1]):
        _, low, high, _ = marks["best"]
        look = {"facecolor": "#eef1f4", "hatch": "////", "edgecolor": "#c3cad1", "linewidth": 0, "zorder": 0}
        axes.axvspan(max(low, left), min(high, right), **look)
    _finish(axes, unit, axis_words, lang)
    if marks:
        legend_above(axes, handles, [_mark_text(*mark, lang) for mark in marks.values()], lang, ACROSS)
    return figure


def _mark_at(axes: Any, known: pd.DataFrame, key: str, at: float) -> Line2D:
    """A line at a number of messages and a mark on the curve, where the curve reaches that far; returns its sign."""
    line = {"color": INK, "linewidth": 0.9, "linestyle": (0, (1, 2)) if key == "present" else "-"}
    axes.axvline(at, zorder=1.5, **line)
    if not known["x"].min() <= at <= known["x"].max():
        return Line2D([], [], **line | {"linewidth": 1.4})
    how = {"color": INK, "linestyle": "none", "markersize": MARK + 0.5, "zorder": 5}
    how["marker"] = {"present": "s", "best": "D"}[key]
    axes.plot([at], [np.interp(at, known["x"], known["value"])], **how)
    return Line2D([], [], **how)


def _mark_text(at: float, low: float, high: float, said: Both, lang: str) -> str:
    """What a mark is and where it stands, with its interval.

    >>> _mark_text(2.04, 1.2, float("inf"), ("最好", "Best"), "en")
    'Best: 2.0 (1.2 or more)'
    """
    name = one(said, lang)
    if math.isnan(low):
        return f"{name}：{at:.1f}" if lang == "zh" else f"{name}: {at:.1f}"
    if math.isinf(high):
        return f"{name}：{at:.1f}（{low:.1f} 以上）" if lang == "zh" else f"{name}: {at:.1f} ({low:.1f} or more)"
    ends = f"{low:.1f} 至 {high:.1f}" if lang == "zh" else f"{low:.1f} to {high:.1f}"
    return f"{name}：{at:.1f}（{ends}）" if lang == "zh" else f"{name}: {at:.1f} ({ends})"


def _frequency_alt(rows, marks, unit, both_words, currency, lang) -> str:
    (x_words, value_words), at = both_words, words.LANGUAGES.index(lang)
    known = rows.dropna(subset=["value"])
    top, first, last = known.loc[known["value"].idxmax()], known.iloc[0], known.iloc[-1]
    said = [(f"{row['x']:g}", number_text(row["value"], unit, lang, currency)) for row in (top, first, last)]
    told = [_mark_text(*mark, lang) for mark in marks.values()]
    if lang == "zh":
        text = f"曲线图，横轴为{x_words[at]}，纵轴为{value_words[at]}。最高 {said[0][1]}（{said[0][0]}）；"
        text += f"{said[1][0]} 处为 {said[1][1]}，{said[2][0]} 处为 {said[2][1]}。"
        return text + (f"{'；'.join(told)}。" if told else "")
    text = f"Curve of {value_words[at].lower()} by {x_words[at].lower()}. Highest {said[0][1]} at {said[0][0]}; "
    text += f"{said[1][1]} at {said[1][0]}, {said[2][1]} at {said[2][0]}."
    return text + (f" {'; '.join(told)}." if told else "")
