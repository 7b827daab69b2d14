"""Axes with a row for each name, the name before it and its number behind: what bars, dots and forests share."""

import math
from itertools import pairwise
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, GRID, INK, LINE
from siyu_helpers.reporting.charts.frame import WHOLE, Names, drawn_name, plot
from siyu_helpers.reporting.charts.numerals import number_text

#: Inches for the longest line of a name, and points of names, values and reasons.
NAME_ROOM, NAME, VALUE, REASON = 1.5, 9, 8.5, 7.8
#: An interval that reaches further than so many times the middle one's half-width is cut, with an arrow.
REACH = 4
#: How far the tip of an arrow stands from the end of the axis, as a share of it.
ROOM_OF_ARROW = 0.025


def plain_rows(
    table: pd.DataFrame, label: str, value: str, ends: tuple, group: str | None, n: str | None
) -> pd.DataFrame:
    """Plain rows: label, group, value, low, high, n, and what is refused; of numbers, Estimates and Refused alike."""
    low, high = ends
    made = []
    for row in table.to_dict("records"):
        cell, plain = row[value], {"label": row[label], "group": row[group] if group else "", "refused": None}
        if isinstance(cell, Refused):
            plain |= {"value": math.nan, "low": math.nan, "high": math.nan, "n": None, "refused": cell}
        elif isinstance(cell, Estimate):
            plain |= {"value": cell.value, "low": cell.low, "high": cell.high, "n": cell.n}
        else:
            known = cell if cell is not None and pd.notna(cell) and math.isfinite(cell) else math.nan
            plain |= {"value": known, "low": row[low] if low else math.nan, "high": row[high] if high else math.nan}
            plain |= {"n": row[n] if n else None}
        made.append(plain)
    frame = pd.DataFrame(made, columns=["label", "group", "value", "low", "high", "n", "refused"], dtype=object)
    return frame.astype({"value": float, "low": float, "high": float})


def row_head(rows: pd.DataFrame, label: Any, names: Names | None, lang: str) -> str:
    """A row's name with its n, where each of its values has the same."""
    sizes = {n for n in rows["n"] if n is not None and pd.notna(n)}
    name = fonts.wrap(drawn_name(label, names, lang), NAME_ROOM, NAME, lang, lines=2, even=True)
    return f"{name}\n(n={int(sizes.pop()):,})" if len(sizes) == 1 else name


def rows_plot(heads: list[str], texts: list[str], pitch: float, lang: str, snug: bool = False) -> tuple[Figure, Any]:
    """Axes with a row for each name, as wide as names and values leave room for on a phone.

    snug : rows as high as two neighbours need between them, not as high as the highest name.
    """
    beside = max(fonts.width(line, NAME, lang) for head in heads for line in head.split("\n"))
    behind = max((fonts.width(text, VALUE, lang) for text in texts), default=0)
    deep = [head.count("\n") + 1 for head in heads]
    lines = max(map(mean, pairwise(deep)), default=deep[0]) if snug else max(deep)
    pitch = max(pitch, 0.15 * lines + 0.06)
    figure, axes = plot(max(WHOLE - beside - behind - 0.35, 1.6), pitch * len(heads), fill=True)
    axes.set_yticks(range(len(heads)), [fonts.plain(head) for head in heads], fontsize=NAME, color=INK, linespacing=1.1)
    axes.set_ylim(len(heads) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    return figure, axes


def limits_of(rows: pd.DataFrame, zero: bool) -> tuple[float, float]:
    """Ends of the axis: of what is finite, with a little room, and room for arrows."""
    numbers = rows[["value", "low", "high"]].to_numpy(dtype=float)
    seen = numbers[np.isfinite(numbers)]
    low, high = float(seen.min()), float(seen.max())
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    span = high - low or abs(high) or 1.0
    below = 0 if zero and low == 0 else 0.06 * span
    above = 0 if zero and high == 0 and low < 0 else 0.06 * span
    below += 0.1 * span * np.isneginf(numbers).any()
    above += 0.1 * span * np.isposinf(numbers).any()
    return low - below, high + above


def half_width(bounds: np.ndarray) -> float:
    """Half the length of the middle one of the bounded intervals (rows of low and high); 0 where there is none."""
    lengths = bounds[:, 1] - bounds[:, 0]
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) / 2 if len(lengths) else 0.0


def reached(points: np.ndarray, bounds: np.ndarray) -> tuple[float, float]:
    """Ends of an axis: all points, and of the intervals what is not far longer than the others; with a little room.

    >>> reached(np.array([0.0, 1.0]), np.array([[0.5, 1.5], [0.5, 1.5], [-90.0, 90.0]]))
    (-2.25, 3.25)
    """
    points, reach = points[np.isfinite(points)], REACH * half_width(bounds)
    inside = bounds[np.isfinite(bounds)].clip(points.min() - reach, points.max() + reach)
    seen = np.r_[points, inside]
    room = 0.05 * (np.ptp(seen) or 1.0)
    return float(seen.min() - room), float(seen.max() + room)


def reached_by_ratio(points: np.ndarray, bounds: np.ndarray) -> tuple[float, float]:
    """Ends of an axis of ratios, as `reached` has them of differences; what is 0 or less is left out.

    >>> [round(end, 2) for end in reached_by_ratio(np.array([0.5, 1.0, 0.0]), np.array([[0.25, 4.0]]))]
    [0.22, 4.59]
    """
    points, bounds = (np.log(np.where(numbers > 0, numbers, np.nan)) for numbers in (points, bounds))
    left, right = np.exp(reached(points, bounds))
    return float(left), float(right)


def ratio_axis(axes: Any, ends: tuple[float, float]) -> None:
    """Make the horizontal axis one of ratios, with few, plain ticks."""
    axes.set_xscale("log")
    wide = ends[1] / ends[0]
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1,) if wide > 1000 else (1, 3) if wide > 30 else (1, 2, 5), numticks=12)
    )
    axes.xaxis.set_minor_locator(NullLocator())


def ratio_edges(ends: tuple[float, float]) -> tuple[float, float]:
    """Limits with which `whisker` has its arrows just inside of an axis of ratios."""
    inside = (ends[1] / ends[0]) ** ROOM_OF_ARROW
    left, right = ends[0] * inside, ends[1] / inside
    beyond = ROOM_OF_ARROW * (right - left) / (1 - 2 * ROOM_OF_ARROW)
    return left - beyond, right + beyond


def whisker(axes: Any, y: float, row: pd.Series, colour: str, limits: tuple[float, float]) -> None:
    """The interval: a cap at a finite end, an arrow at an infinite one, nothing at a blank one."""
    inside = ROOM_OF_ARROW * (limits[1] - limits[0])  # the tip of an arrow stays clear of names and values
    for end, edge, arrow in ((row["low"], limits[0] + inside, "<"), (row["high"], limits[1] - inside, ">")):
        if math.isnan(end):
            continue
        to = edge if math.isinf(end) else end
        axes.plot([row["value"], to], [y, y], color=colour, linewidth=1.4, zorder=2, solid_capstyle="butt")
        how = {"marker": arrow, "markersize": 5} if math.isinf(end) else {"marker": "|", "markersize": 6}
        axes.plot([to], [y], color=colour, clip_on=False, zorder=3, linestyle="none", markeredgewidth=1.4, **how)


def say_in_row(axes: Any, y: float, refused: Refused | None, lines: int, lang: str, beyond: float = 0) -> Any:
    """Why a row has no number, in words, up to `beyond` inches right of the axes; the table behind has all of it."""
    room = axes.get_window_extent().width / axes.figure.dpi - 0.1 + beyond
    return axes.text(
        0.015, y, fonts.plain(fonts.wrap(fonts.drawable(reason(refused, lang)), room, REASON, lang, lines=lines)),
        transform=axes.get_yaxis_transform(), va="center", fontsize=REASON, color=FAINT, linespacing=1.15,
    )  # fmt: skip


def reason(refused: Any, lang: str) -> str:
    """Why there is no number: the reason that was given, else that there is none."""
    return refused.reason(lang) if isinstance(refused, Refused) else {"zh": "不给出", "en": "not given"}[lang]


def end_text(end: float, unit: str, lang: str, currency: str) -> str:
    """An end of an interval as it stands in the table behind a picture; an infinite one in words."""
    return {"zh": "无界", "en": "not bounded"}[lang] if math.isinf(end) else number_text(end, unit, lang, currency)
