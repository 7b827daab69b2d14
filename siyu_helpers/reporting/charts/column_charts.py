"""Upright charts: columns side by side, such as observed beside model, and layers of cohorts over time."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import GRID, INK, LINE, SERIES, sequence
from siyu_helpers.reporting.charts.frame import (
    Both,
    Names,
    drawn_name,
    in_order,
    interval_note,
    legend_above,
    name_of,
    need,
    notes,
    one,
    plot,
    say_nothing_to_draw,
    show,
    strip,
)
from siyu_helpers.reporting.charts.numerals import axis_text, number_text, unit_words
from siyu_helpers.reporting.ledger import Ledger

#: Inches of the axes: with their labels a phone shows them whole.
ACROSS, UP = 4.6, 2.5
#: More layers than this are shaded from old to new, with the first and the last named.
NAMED_LAYERS = 6


def columns(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str,
    series: Mapping[str, Both],
    n: int | str,
    title_zh: str,
    title_en: str,
    x_words: Both,
    y_words: Both,
    unit: str = "customers",
    ends: Mapping[str, tuple[str, str]] | None = None,
    model: Collection[str] = (),
    names: Names | None = None,
    source: str = "orders",
) -> None:
    """Show one, two or three series as columns side by side, such as customers observed and expected by frequency.

    table (one row per x, in the order drawn)  ->  one picture per language

    Parameters
    ----------
    x : str
        Column of the categories: 0, 1, ... "7+", or deciles.
    series : dict of column -> (zh, en)
        Columns drawn, with their names. A blank is a gap, never a column of height zero.
    ends : dict of column -> (low column, high column), optional
        Intervals, drawn as whiskers.
    model : columns
        Drawn hatched: not observed but computed.
    n : int or str
        Customers in all, or the column whose sum they are.
    names : dict of key -> (zh, en), optional
        Names of the categories.
    """
    ends = dict(ends or {})
    need(table, x, *series, *(column for pair in ends.values() for column in pair), n if isinstance(n, str) else None)
    values = table[list(series)].astype(float)
    if values.isna().all(axis=None):
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return

    def draw(lang: str) -> Figure:
        figure, axes = plot(ACROSS, UP, fill=True)
        wide = 0.8 / len(series)
        for i, column in enumerate(series):
            at = np.arange(len(table)) + (i - (len(series) - 1) / 2) * wide
            _columns_of(axes, at, table, column, ends.get(column), SERIES[i % len(SERIES)], wide, column in model)
            _values_above(axes, at, table, column, ends.get(column), unit, wide, lang)
        _axes_of_columns(axes, unit, lang)
        heads = [drawn_name(key, names, lang) for key in table[x]]
        _categories(axes, heads, lang)
        axes.set_xlabel(one(x_words, lang))
        axes.set_ylabel(one(y_words, lang))
        if len(series) > 1:
            handles = [_swatch(SERIES[i % len(SERIES)], column in model) for i, column in enumerate(series)]
            labels = [fonts.drawable(name_of(column, series, lang)) for column in series]
            legend_above(axes, handles, labels, lang, ACROSS)
        return figure

    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=unit_words(unit, y_words, ledger.currency),
        n=int(table[n].sum()) if isinstance(n, str) else int(n),
        note=notes(interval_note(ledger, "竖线", "Whisker") if ends else None),
        alt=tuple(
            _columns_alt(table, x, series, unit, (x_words, y_words), names, ledger.currency, lang)
            for lang in words.LANGUAGES
        ),
        table=lambda lang: _columns_table(table, x, series, ends, unit, x_words, names, ledger.currency, lang),
        source=source,
    )


def _swatch(colour: str, model: bool) -> Rectangle:
    how = {"facecolor": "white", "edgecolor": colour, "hatch": "//////"} if model else {"facecolor": colour}
    return Rectangle((0, 0), 1, 1, linewidth=0.9 if model else 0, **how)


def _columns_of(axes, at, table, column, ends, colour, wide, model) -> None:
    values = table[column].astype(float).to_numpy()
    seen = ~np.isnan(values)
    how = {"color": "white", "edgecolor": colour, "hatch": "//////", "linewidth": 0.9} if model else {"color": colour}
    axes.bar(at[seen], values[seen], width=wide * 0.92, **how)
    if ends:
        low, high = (table[end].astype(float).to_numpy() for end in ends)
        finite = seen & np.isfinite(low) & np.isfinite(high)
        axes.vlines(at[finite], low[finite], high[finite], color=INK, linewidth=1.3)


def _values_above(axes, at, table, column, ends, unit, wide, lang) -> None:
    """The numbers over their columns, where they all have room."""
    values = table[column].astype(float).to_numpy()
    top, known = np.nanmax(np.abs(values), initial=0), values[~np.isnan(values)]
    decimals = 0 if top >= 1000 or (known == np.round(known)).all() else 1 if top >= 10 else 2
    form = "{:.1%}" if unit == "share" else f"{{:,.{decimals}f}}"
    texts = ["" if math.isnan(v) else form.format(v) for v in values]
    if any(v != 0 and not set(text) & set("123456789") for v, text in zip(values, texts, strict=True) if text):
        return  # a small number must not read as zero
    room = wide * ACROSS / len(table)
    if max(fonts.width(text, 7, lang) for text in texts) > room * 1.02:
        return
    tops = values if not ends else np.fmax(values, table[ends[1]].astype(float).to_numpy())
    for place, top, text in zip(at, tops, texts, strict=True):
        if text and math.isfinite(top):
            axes.annotate(
                text, (place, max(top, 0)), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=7
            )


def _axes_of_columns(axes: Any, unit: str, lang: str) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0), high * 1.04 if high > 0 else 0)
    if low < 0:
        axes.axhline(0, color=LINE, linewidth=0.9)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, high - low)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)


def _categories(axes: Any, heads: list[str], lang: str) -> None:
    """Names below the columns, as many as fit: every one, every second, every third."""
    room = ACROSS / len(heads)
    broken = [fonts.wrap(head, max(room - 0.06, 0.3), 8.5, lang, lines=3) for head in heads]
    widest = max(fonts.width(line, 8.5, lang) for head in broken for line in head.split("\n"))
    whole = max(fonts.width(head, 8.5, lang) for head in heads)
    step, shown = 1, broken
    if widest > room or len(heads) > 12:
        # Quarters are named every year, months every quarter or half-year, so that the names are alike.
        steps = (1, 2, 4, 8, 16) if any("Q" in head for head in heads) else (1, 2, 3, 6, 12, 24, 36)
        least = (whole + 0.12) / room
        step, shown = next((step for step in steps if step >= least), math.ceil(least)), heads
    places = range(0, len(heads), step)
    axes.set_xticks(list(places), [fonts.plain(shown[at]) for at in places], fontsize=8.5)
    axes.set_xlim(-0.6, len(heads) - 0.4)
    axes.tick_params(axis="x", length=0 if step == 1 else 3)


def _columns_alt(table, x, series, unit, axis_words, names, currency, lang) -> str:
    (x_words, y_words), at = axis_words, words.LANGUAGES.index(lang)
    told = []
    for column in series:
        values = table[column].astype(float)
        if values.isna().all():
            continue
        ends = [
            (number_text(values.loc[i], unit, lang, currency), name_of(table.loc[i, x], names, lang))
            for i in (values.idxmax(), values.idxmin())
        ]
        name = name_of(column, series, lang)
        if lang == "zh":
            told.append(f"{name}：最高 {ends[0][0]}（{ends[0][1]}），最低 {ends[1][0]}（{ends[1][1]}）。")
        else:
            told.append(f"{name}: highest {ends[0][0]} ({ends[0][1]}), lowest {ends[1][0]} ({ends[1][1]}).")
    if lang == "zh":
        return f"柱状图，横轴为{x_words[at]}，纵轴为{y_words[at]}，{len(table)} 组。" + "".join(told)
    return f"Columns of {y_words[at].lower()} by {x_words[at].lower()}, {len(table)} places. " + " ".join(told)


def _columns_table(table, x, series, ends, unit, x_words, names, currency, lang) -> pd.DataFrame:
    made = {x_words[words.LANGUAGES.index(lang)]: [name_of(key, names, lang) for key in table[x]]}
    for column in series:
        name = name_of(column, series, lang)
        made[name] = [number_text(value, unit, lang, currency) for value in table[column]]
        for end, said in zip(
            ends.get(column, ()), {"zh": ("下限", "上限"), "en": ("lower end", "upper end")}[lang], strict=False
        ):
            made[f"{name} {said}"] = [number_text(value, unit, lang, currency) for value in table[end]]
    return pd.DataFrame(made)


def layers(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    group: str,
    n: int | str,
    title_zh: str,
    title_en: str,
    x_words: Both,
    y_words: Both,
    unit: str = "money",
    names: Names | None = None,
    complete: str | None = None,
    group_words: Both = words.PERIOD_AXIS["month"]["cohort"],
    source: str = "orders",
) -> None:
    """Show a total by period as layers of cohorts: the oldest at the bottom, each in its shade from old to new.

    table (one row per period and group)  ->  one picture per language

    Parameters
    ----------
    x, y, group : str
        Columns: the period, the amount and the cohort. Periods and cohorts are drawn in sorted order, or in that of
        `names`; a blank amount is no layer, never a layer of zero.
    n : int or str
        Customers in all, or the column whose sum they are.
    complete : str, optional
        Column that is False where the period is not over; such a period is hatched and the note says so.
    names : dict of key -> (zh, en), optional
        Names of the cohorts. Up to six are listed in a legend; of more, the first and the last are named.
    """
    need(table, x, y, group, complete, n if isinstance(n, str) else None)
    seen = table.dropna(subset=[y])
    if seen.empty:
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    if seen.duplicated([x, group]).any():
        raise ValueError("a cohort stands twice in a period: add up its amounts first")
    keys = in_order(sorted(seen[group].unique()), names)
    # A period in which nobody bought stays on the axis, empty.
    wide = seen.pivot(index=x, columns=group, values=y).astype(float).reindex(sorted(table[x].unique()))[keys]
    open_periods = set(table.loc[~table[complete].astype(bool), x]) if complete else set()
    colours = sequence(len(keys))

    def draw(lang: str) -> Figure:
        figure, axes = plot(ACROSS, UP + 0.3, fill=True)
        _stack(axes, wide, colours)
        _axes_of_columns(axes, unit, lang)
        for at, period in enumerate(wide.index):
            if period in open_periods:
                high = wide.loc[period].clip(lower=0).sum()
                axes.add_patch(
                    Rectangle(
                        (at - 0.5, 0), 1, high, fill=False, hatch="////", edgecolor="#9aa5ae", linewidth=0, alpha=0.6
                    )
                )
        _categories(axes, [fonts.drawable(period) for period in wide.index], lang)
        axes.set_xlabel(one(x_words, lang))
        axes.set_ylabel(one(y_words, lang))
        labels = [drawn_name(key, names, lang) for key in keys]
        if 1 < len(keys) <= NAMED_LAYERS:
            legend_above(axes, [_swatch(colour, False) for colour in colours], labels, lang, ACROSS)
        elif len(keys) > 1:
            strip(axes, colours, labels[0], labels[-1], lang)
        return figure

    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=unit_words(unit, y_words, ledger.currency),
        n=int(table[n].sum()) if isinstance(n, str) else int(n),
        note=("斜线：该期尚未过完", "Hatched: not over yet") if open_periods else None,
        alt=tuple(_layers_alt(wide, unit, y_words, names, ledger.currency, lang) for lang in words.LANGUAGES),
        table=lambda lang: _layers_table(wide, unit, (x_words, group_words), names, ledger.currency, lang),
        source=source,
    )


def _stack(axes: Any, wide: pd.DataFrame, colours: Any) -> None:
    """Columns on top of each other; what is negative, such as a month of refunds, goes down from zero."""
    above, below = np.zeros(len(wide)), np.zeros(len(wide))
    boxes, shades = [], []
    for key, colour in zip(wide.columns, colours, strict=True):
        for at, value in enumerate(wide[key]):
            if value > 0 or value < 0:  # neither blank nor nothing
                reached = above if value > 0 else below
                low, high = reached[at], reached[at] + value
                boxes.append([(at - 0.46, low), (at - 0.46, high), (at + 0.46, high), (at + 0.46, low)])
                shades.append(colour)
                reached[at] = high
    # All of them at once: a patch for each cohort in each month would take a second to draw.
    thin = 0.4 if len(wide.columns) <= 12 else 0
    axes.add_collection(PolyCollection(boxes, facecolors=shades, edgecolors="white", linewidths=thin))
    axes.set_ylim(min(below.min(), 0) * 1.05, (above.max() or 1) * 1.05)  # all free of charge: still an axis


def _layers_alt(wide: pd.DataFrame, unit: str, y_words: Both, names: Names | None, currency: str, lang: str) -> str:
    totals = wide.sum(axis=1, min_count=1).dropna()
    said = {at: number_text(totals[at], unit, lang, currency) for at in totals.index}
    high, low, last = totals.idxmax(), totals.idxmin(), totals.index[-1]
    largest = wide.loc[last].idxmax()
    name, amount = name_of(largest, names, lang), number_text(wide.at[last, largest], unit, lang, currency)
    first_group, last_group = (name_of(key, names, lang) for key in (wide.columns[0], wide.columns[-1]))
    if lang == "zh":
        return (
            f"堆叠柱状图，{wide.index[0]} 至 {wide.index[-1]}，{y_words[0]}，按 {len(wide.columns)} 个同期群分层"
            f"（{first_group} 至 {last_group}）。合计最高 {said[high]}（{high}），最低 {said[low]}（{low}）；"
            f"最后一期 {last} 合计 {said[last]}，其中最大的一层是 {name}，{amount}。"
        )
    return (
        f"Stacked columns, {wide.index[0]} to {wide.index[-1]}: {y_words[1].lower()}, in {len(wide.columns)} layers "
        f"({first_group} to {last_group}). Highest total {said[high]} ({high}), lowest {said[low]} ({low}); "
        f"the last, {last}, is {said[last]}, of which the largest layer, {name}, is {amount}."
    )


def _layers_table(wide, unit, heads, names, currency, lang) -> pd.DataFrame:
    at = words.LANGUAGES.index(lang)
    made = {heads[0][at]: [str(period) for period in wide.index]}
    for key in wide.columns:
        made[name_of(key, names, lang)] = [number_text(value, unit, lang, currency) for value in wide[key]]
    totals = wide.sum(axis=1, min_count=1)
    made[{"zh": "合计", "en": "Total"}[lang]] = [number_text(value, unit, lang, currency) for value in totals]
    return pd.DataFrame(made)
