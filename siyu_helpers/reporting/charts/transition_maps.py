"""Heat map of transitions: from which touch to which next touch, drawn so that a phone shows all of it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from siyu_helpers.reporting import names as page_names
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, INK
from siyu_helpers.reporting.charts.frame import (
    WHOLE,
    Both,
    Names,
    drawn_name,
    in_order,
    name_of,
    one,
    plot,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.heatmaps import coloured_cells
from siyu_helpers.reporting.charts.numerals import number_text
from siyu_helpers.reporting.ledger import Ledger

#: Inches: the longest line of a row's name and of a column's, and a cell at least and at most.
ROW_NAME, COLUMN_NAME, SMALL, LARGE = 1.35, 1.75, 0.235, 0.6
#: Points of names and numbers; the angle of the columns' names.
NAME, NUMBER, SLANT = 8.5, 8, 62


def transitions(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    n: int,
    title_zh: str,
    title_en: str,
    names: Names | None = None,
    domains: Mapping[Any, str] | None = None,
    smallest: float = 0.01,
    before_words: Both = ("从", "From"),
    after_words: Both = ("到", "to"),
    value_words: Both = ("从该渠道出发，下一步去哪里（%）", "% of the next steps from the row's channel"),
    source: str = "touchpoints+orders",
) -> None:
    """Show where journeys go next: rows the touch, columns the next touch or the end, in whole percent.

    table (touch x next touch, as `channel_attribution.transition_matrix` returns it)  ->  one picture per language

    Parameters
    ----------
    table : DataFrame
        Its index and its columns are channels and states such as the start and the order; shares (0.2 is 20%). Blank
        where there is no such step, which stays blank.
    n : int
        Journeys in all.
    names : dict of key -> (zh, en), optional
        Names of channels and states; their order is that of rows and columns.
    domains : dict of channel -> domain, optional
        Channels are put together by domain, with a line between domains; states keep their places.
    smallest : float
        A smaller share is coloured but not printed.

    Raises
    ------
    ValueError
        A row or a column comes twice.
    """
    if table.isna().all(axis=None):
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    if not table.index.is_unique or not table.columns.is_unique:
        raise ValueError("a step stands in the table twice: add up its journeys first")
    rows, columns = (_by_domain(in_order(keys, names), domains or {}) for keys in (table.index, table.columns))
    cells = table.astype(float).reindex(index=rows, columns=columns)
    cells = cells.rename_axis(index=None, columns=None)
    show(
        ledger,
        lambda lang: _draw(cells, names, domains or {}, smallest, (before_words, after_words), lang),
        title=(title_zh, title_en),
        unit=value_words,
        n=int(n),
        note=(f"空格：不到 {smallest:.0%} 或没有", f"empty: below {smallest:.0%}, or none"),
        alt=tuple(_alt(cells, names, value_words, lang) for lang in words.LANGUAGES),
        table=lambda lang: _table(cells, names, (before_words, after_words), lang),
        source=source,
    )


def _by_domain(keys: list[Any], domains: Mapping[Any, str]) -> list[Any]:
    """Channels by domain, in the places that channels have: what has no domain, such as the start, stays where it is.

    >>> _by_domain(["(start)", "wecom", "feed", "(order)"], {"wecom": "private", "feed": "public"})
    ['(start)', 'feed', 'wecom', '(order)']
    """
    order = list(page_names.DOMAINS)
    ranks = {key: order.index(domains[key]) if domains[key] in order else len(order) for key in keys if key in domains}
    channels = iter(sorted(ranks, key=ranks.get))
    return [next(channels) if key in domains else key for key in keys]


def _draw(cells, names, domains, smallest, axis_words, lang) -> Figure:
    shown = cells.to_numpy() * 100
    printed = ~np.isnan(shown) & (shown >= smallest * 100)
    labels = np.where(printed, np.vectorize(lambda v: f"{v:.0f}" if math.isfinite(v) else "")(shown), "")
    even = lang == "zh"
    rows = [fonts.wrap(drawn_name(key, names, lang), ROW_NAME, NAME, lang, lines=2, even=even) for key in cells.index]
    heads = [fonts.wrap(drawn_name(key, names, lang), COLUMN_NAME, NAME, lang, lines=1) for key in cells.columns]
    beside = max(fonts.width(line, NAME, lang) for row in rows for line in row.split("\n"))
    cell = _cell(heads, WHOLE - beside - 0.15, lang)
    high = max(min(cell, 0.34), 0.26, 0.14 * max(row.count("\n") + 1 for row in rows) + 0.03)
    figure, axes = plot(cell * len(heads), high * len(rows), fill=True)
    coloured_cells(axes, shown, labels, NUMBER)
    axes.set_yticks(
        np.arange(len(rows)) + 0.5, [fonts.plain(row) for row in rows], fontsize=NAME, color=INK, linespacing=1.15
    )
    slanted = {"rotation": SLANT, "ha": "left", "va": "center", "rotation_mode": "anchor", "color": INK}
    axes.set_xticks(np.arange(len(heads)) + 0.5, [fonts.plain(head) for head in heads], fontsize=NAME, **slanted)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=2)
    corner = f"{one(axis_words[0], lang)} ↓ {one(axis_words[1], lang)} →"
    over = 0.06 / (high * len(rows))
    axes.text(-0.01, 1 + over, corner, fontsize=NAME, color=FAINT, ha="right", va="bottom", transform=axes.transAxes)
    for keys, line in ((list(cells.index), axes.axhline), (list(cells.columns), axes.axvline)):
        for at in range(1, len(keys)):
            if domains.get(keys[at]) != domains.get(keys[at - 1]):
                line(at, color=INK, linewidth=0.9)
    return figure


def _cell(heads: list[str], room: float, lang: str) -> float:
    """Inches of a cell, so that the cells and the slanted names that lean out over the last of them fit."""
    lean = math.cos(math.radians(SLANT))
    # The name of column i begins in its middle and ends `lean` times its length further right.
    sizes = [(room - lean * fonts.width(head, NAME, lang)) / (at + 0.5) for at, head in enumerate(heads)]
    return min(max(min(*sizes, room / len(heads)), SMALL), LARGE)


def _alt(cells: pd.DataFrame, names: Names | None, value_words: Both, lang: str) -> str:
    """The commonest next step of each row."""
    told = []
    for key, row in cells.iterrows():
        if row.notna().any():
            to = row.idxmax()
            pair = (name_of(key, names, lang), name_of(to, names, lang), number_text(row[to], "share", lang))
            told.append("{}到{} {}".format(*pair) if lang == "zh" else "{} to {} {}".format(*pair))
    if lang == "zh":
        return (
            f"转移热力图，{len(cells)} 行 {len(cells.columns)} 列：{value_words[0]}。"
            f"每行最常见的下一步：{'；'.join(told)}。"
        )
    return (
        f"Heat map of transitions, {len(cells)} rows and {len(cells.columns)} columns: {value_words[1]}. "
        f"Commonest next step of each row: {'; '.join(told)}."
    )


def _table(cells: pd.DataFrame, names: Names | None, axis_words: tuple[Both, Both], lang: str) -> pd.DataFrame:
    made = cells.apply(lambda column: [number_text(value, "share", lang) for value in column])
    made = made.set_axis([name_of(key, names, lang) for key in cells.columns], axis=1)
    corner = " → ".join(said[words.LANGUAGES.index(lang)] for said in axis_words)
    made.insert(0, corner, [name_of(key, names, lang) for key in cells.index], allow_duplicates=True)
    return made
