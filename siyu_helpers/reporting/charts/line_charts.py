"""Curves: one line a group, with interval bands; many cohorts as thin lines from light (old) to dark (new)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, GRID, SERIES, sequence
from siyu_helpers.reporting.charts.frame import (
    Both,
    Names,
    drawn_name,
    in_order,
    interval_note,
    name_of,
    need,
    one,
    plot,
    say_nothing_to_draw,
    show,
    strip,
)
from siyu_helpers.reporting.charts.numerals import PERCENT, axis_text, number_text, unit_words
from siyu_helpers.reporting.ledger import Ledger


def curves(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    title_zh: str,
    title_en: str,
    x_words: Both,
    y_words: Both,
    n: str | int,
    group: str | None = None,
    low: str | None = None,
    high: str | None = None,
    steps: bool = False,
    as_share: bool = True,
    x_days: int = 1,
    unit: str | None = None,
    names: Names | None = None,
    old_to_new: bool = False,
    markers: bool = True,
    dashed: Collection[Any] = (),
    like: Mapping[Any, Any] | None = None,
    x_names: Mapping[Any, str] | None = None,
    x_as_share: bool = False,
    line_at: float | None = None,
    line_words: Both | None = None,
    group_words: Both = ("分组", "Group"),
    source: str = "orders",
) -> None:
    """Show one or several curves with their interval bands.

    table (one row per x, and per group)  ->  one picture per language

    Parameters
    ----------
    x, y, low, high, group : str
        Columns of the table; blank y is a gap in the line, never zero.
    n : str or int
        Column that counts the customers, whose largest value is printed as n; or that number.
    steps : bool
        True draws a staircase, as for a Kaplan-Meier curve.
    as_share : bool
        True prints the vertical axis in percent, from zero.
    x_days : int
        Days of one step of x, where x counts blocks of days: the axis then shows the day on which each begins.
    unit : str, optional
        Unit of y: "share", "number", or an Estimate's such as "money per customer"; without it `as_share` decides.
        Of "probability" the axis goes from 0 to 100%.
    names : dict of key -> (zh, en), optional
        Names of the groups; their order is the legend's. Without it a group's own text, sorted.
    old_to_new : bool
        True draws the groups, cohorts in order of time, as thin lines from light (old) to dark (new), without bands.
        More groups than colours are always drawn so.
    markers : bool
        False draws lines without dots, except where a point has blanks on both sides.
    dashed : groups
        Drawn dashed: the model, beside what was observed.
    like : dict of group -> group, optional
        A group that takes the colour of another, such as the cost beside the contribution of the same customers.
    x_names : dict of x -> text, optional
        What stands at the points of the axis, and in the table behind, instead of the number: cohorts, dates.
    x_as_share : bool
        True prints the horizontal axis in percent.
    line_at, line_words : float and (zh, en), optional
        Where a vertical line stands, in the units of the axis, and what begins or ends there.
    group_words : (zh, en)
        Head of the groups' column in the table behind.
    """
    need(table, x, y, group, low, high, n if isinstance(n, str) else None)
    if table[y].isna().all():
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    unit = unit or ("share" if as_share else "number")
    table = table.assign(**{x: table[x] * x_days})
    groups = _groups(table, group, names)
    old_to_new = old_to_new or len(groups) > len(SERIES)
    if old_to_new:
        low = high = None

    def draw(lang: str) -> Figure:
        figure, axes = plot(5.4, 3.3)
        colours = sequence(len(groups)) if old_to_new else SERIES
        own = [key for key, _ in groups if key not in (like or {})]
        colour_of = dict(zip(own, colours, strict=False))
        for key, rows in groups:
            colour = colour_of[(like or {}).get(key, key)]
            how = {"linewidth": 1.1 if old_to_new else 1.8, "linestyle": (0, (4, 2)) if key in dashed else "-"}
            if not steps and key not in dashed:
                how |= _dots(rows[y], markers and not old_to_new)
            _curve(axes, rows, (x, y, low, high), colour, steps, fonts.plain(drawn_name(key, names, lang)), how)
        _axes_of_curves(axes, unit, lang, len(groups) > 1 and not old_to_new)
        if old_to_new and len(groups) > 1:
            strip(axes, colours, *(drawn_name(groups[end][0], names, lang) for end in (0, -1)), lang)
        if line_at is not None:
            _upright(axes, line_at, line_words, lang)
        if x_names:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: fonts.plain(x_names.get(round(at), ""))))
        if x_as_share:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _share(at)))
        axes.set_xlabel(one(x_words, lang))
        axes.set_ylabel(one(y_words, lang))
        return figure

    x_texts = {value: _share(value) for value in table[x]} if x_as_share else x_names
    told = [(key, rows.assign(**{x: rows[x].map(x_texts)}) if x_texts else rows) for key, rows in groups]
    rows = _rows_to_list(told, x, steps)
    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=unit_words(unit, y_words, ledger.currency),
        n=int(table[n].max()) if isinstance(n, str) else int(n),
        note=interval_note(ledger, "色带", "Band") if low else None,
        alt=_curve_alt(told, (x, y), (x_words, y_words), unit, names, ledger.currency),
        table=_wide_table(rows, (x, y), unit, names, group_words, ledger.currency)
        if len(groups) > len(SERIES)
        else _curve_table(
            rows, (group, x, y, low, high), (group_words, x_words, y_words), unit, names, ledger.currency
        ),
        source=source,
    )


def _groups(table: pd.DataFrame, group: str | None, names: Names | None) -> list[tuple[Any, pd.DataFrame]]:
    """The lines in the order of the legend; a line without a single number is left out."""
    if group is None:
        return [("", table)]
    apart = dict(iter(table.groupby(group, sort=True)))
    return [(key, apart[key]) for key in in_order(apart, names)]


def _dots(values: pd.Series, every: bool) -> dict[str, Any]:
    """Dots at every point, or only at those that no line would show: blanks on both sides."""
    seen = values.notna().to_numpy()
    alone = seen & ~np.r_[False, seen[:-1]] & ~np.r_[seen[1:], False]
    if every:
        return {"marker": "o", "markersize": 3.5}
    return {"marker": "o", "markersize": 3, "markevery": np.flatnonzero(alone).tolist()} if alone.any() else {}


def _curve(axes: Any, rows: pd.DataFrame, columns: tuple, colour: str, steps: bool, label: str, how: dict) -> None:
    x, y, low, high = columns
    how = how | {"drawstyle": "steps-post"} if steps else how
    axes.plot(rows[x], rows[y], color=colour, label=label, **how)
    if low and high:
        axes.fill_between(
            rows[x].astype(float), rows[low].astype(float), rows[high].astype(float),
            color=colour, alpha=0.18, linewidth=0, step="post" if steps else None,
        )  # fmt: skip


def _axes_of_curves(axes: Any, unit: str, lang: str, legend: bool) -> None:
    low, top = axes.get_ylim()
    if axes.dataLim.y0 >= -1e-9:
        axes.set_ylim(bottom=0)
    else:
        axes.axhline(0, color=FAINT, linewidth=0.9, zorder=1.5)
    whole = unit not in PERCENT and top - min(low, 0) >= 4
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], min_n_ticks=4, integer=whole))
    if unit == "probability":
        axes.set_ylim(0, 1.02)
    if unit in PERCENT:
        top = axes.get_ylim()[1]
    axes.yaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, top)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 3, 6, 10], integer=True))
    axes.margins(x=0.02)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    sns.despine(ax=axes)
    if legend:
        # A veil behind the names: where lines fill the axes, some run below them.
        axes.legend(fontsize=8.5, framealpha=0.8, edgecolor="none")


def _upright(axes: Any, at: float, said: Both | None, lang: str) -> None:
    """A vertical line with its words above the axes, where they cross no curve."""
    axes.axvline(at, color=FAINT, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    left, right = axes.get_xlim()
    if said:
        late = at > (left + right) / 2
        axes.text(
            at, 1.01, one(said, lang), transform=axes.get_xaxis_transform(),
            ha="right" if late else "left", va="bottom", fontsize=8.5, color=FAINT,
        )  # fmt: skip


def _curve_alt(groups, columns, axis_words, unit, names, currency) -> Both:
    (x, y), (x_words, y_words) = columns, axis_words
    seen = [(key, rows.dropna(subset=[y])) for key, rows in groups]
    seen = [(key, rows) for key, rows in seen if len(rows)]
    make = _alt_of_many if len(seen) > len(SERIES) else _alt_of_few
    told = [make(seen, x, y, unit, names, lang, currency) for lang in words.LANGUAGES]
    return (
        f"曲线图，横轴为{x_words[0]}，纵轴为{y_words[0]}。" + "".join(told[0]),
        f"Curve of {y_words[1].lower()} by {x_words[1].lower()}. " + " ".join(told[1]),
    )


def _alt_of_few(seen, x, y, unit, names, lang, currency) -> list[str]:
    """Where each line begins and where it ends."""
    sentences = []
    for key, rows in seen:
        ends = [rows.iloc[0], rows.iloc[-1]]
        said = [_said(end[y], unit, lang, currency) for end in ends]
        at = [_at(end[x]) for end in ends]
        name = name_of(key, names, lang)
        if lang == "zh":
            label = f"{name}：" if name else ""
            sentences.append(f"{label}横轴 {at[0]} 处为 {said[0]}，横轴 {at[1]} 处为 {said[1]}。")
        else:
            label = f"{name}: " if name else ""
            sentences.append(f"{label}{said[0]} at {at[0]}, {said[1]} at {at[1]}.")
    return sentences


def _alt_of_many(seen, x, y, unit, names, lang, currency) -> list[str]:
    """The highest and the lowest point of all lines."""
    every = pd.concat([rows.assign(**{"": [key] * len(rows)}) for key, rows in seen], ignore_index=True)
    ends = [every.loc[every[y].idxmax()], every.loc[every[y].idxmin()]]
    (high, high_name, high_at), (low, low_name, low_at) = (
        (_said(end[y], unit, lang, currency), name_of(end[""], names, lang), _at(end[x])) for end in ends
    )
    first, last = (name_of(seen[end][0], names, lang) for end in (0, -1))
    if lang == "zh":
        return [
            f"{len(seen)} 条曲线，{first} 至 {last}，颜色由浅到深。",
            f"最高 {high}（{high_name}，横轴 {high_at}），最低 {low}（{low_name}，横轴 {low_at}）。",
        ]
    return [
        f"{len(seen)} lines, {first} to {last}, from light to dark.",
        f"Highest {high} ({high_name}, at {high_at}), lowest {low} ({low_name}, at {low_at}).",
    ]


def _at(value: Any) -> str:
    """A point of the axis in words: its number, or its name."""
    return value if isinstance(value, str) else f"{value:g}"


def _share(value: float) -> str:
    """A share at a point of the axis.

    >>> _share(0.05), _share(0.125), _share(0.0), _share(1.0)
    ('5%', '12.5%', '0%', '100%')
    """
    return f"{round(100 * value, 6):.3g}%"


def _said(value: float, unit: str, lang: str, currency: str) -> str:
    # Of a plain number the axis says what it counts.
    return "" if pd.isna(value) else f"{value:,.2f}" if unit == "number" else number_text(value, unit, lang, currency)


#: Days a reader asks about; a daily curve has hundreds of rows, too many to print.
DAYS_LISTED = (0, 7, 14, 30, 60, 90, 120, 180, 270, 365, 545, 730, 1095, 1460, 1825)


def _rows_to_list(groups: list[tuple[Any, pd.DataFrame]], x: str, steps: bool) -> list[tuple[Any, pd.DataFrame]]:
    """All rows of a short table; of a staircase the value on the days a reader asks about, and on the last day."""
    if not steps:
        return groups
    parts = []
    for key, rows in groups:
        days = [day for day in DAYS_LISTED if rows[x].min() <= day < rows[x].max()] + [rows[x].max()]
        at = rows[x].searchsorted(days, side="right") - 1
        parts.append((key, rows.iloc[at].assign(**{x: days})))
    return parts


def _curve_table(rows, columns, axis_words, unit, names, currency) -> Callable[[str], pd.DataFrame]:
    group, x, y, low, high = columns
    listed = pd.concat([part for _, part in rows])
    keys = [key for key, part in rows for _ in range(len(part))]

    def made(lang: str) -> pd.DataFrame:
        at = words.LANGUAGES.index(lang)
        ends = {"zh": ("下限", "上限"), "en": ("lower end", "upper end")}[lang]
        heads = {"group": axis_words[0][at], y: axis_words[2][at], low: ends[0], high: ends[1]}
        text = {heads["group"]: [name_of(key, names, lang) for key in keys]} if group else {}
        text |= {axis_words[1][at]: [_at(value) for value in listed[x]]}
        for column in (y, low, high):
            if column:
                text[heads[column]] = [_said(value, unit, lang, currency) for value in listed[column]]
        return pd.DataFrame(text)

    return made


def _wide_table(rows, columns, unit, names, group_words, currency) -> Callable[[str], pd.DataFrame]:
    """Many groups: a row each, x across."""
    x, y = columns

    def made(lang: str) -> pd.DataFrame:
        lines = []
        for key, part in rows:
            head = {group_words[words.LANGUAGES.index(lang)]: name_of(key, names, lang)}
            lines.append(
                head | {at: _said(value, unit, lang, currency) for at, value in zip(part[x], part[y], strict=True)}
            )
        wide = pd.DataFrame(lines)
        first, *others = wide.columns
        return (
            wide[[first, *sorted(others)]].fillna("").rename(columns=lambda name: _at(name) if name != first else name)
        )

    return made
