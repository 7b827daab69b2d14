"""Charts of one row a name: values with their intervals, and the steps from one total to another."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, FALL, INK, RISE, SERIES, TOTAL
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
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.numerals import axis_text, number_text, signed_text, unit_words
from siyu_helpers.reporting.charts.row_axes import (
    NAME,
    NAME_ROOM,
    VALUE,
    end_text,
    limits_of,
    plain_rows,
    reason,
    row_head,
    rows_plot,
    say_in_row,
    whisker,
)
from siyu_helpers.reporting.ledger import Ledger

#: Hatching of bars and shapes of dots by group: on grey paper their colours are one.
HATCHES, DOTS = ("", "////", "xxxx", "...."), ("o", "s", "^", "D")


def bars(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    label: str,
    value: str,
    n: int | str,
    title_zh: str,
    title_en: str,
    value_words: Both,
    unit: str = "share",
    low: str | None = None,
    high: str | None = None,
    group: str | None = None,
    names: Names | None = None,
    label_words: Both = ("分组", "Group"),
    group_words: Both = ("算法", "Way of counting"),
    dots: bool = False,
    zero: bool = True,
    source: str = "orders",
) -> None:
    """Show one value for each name as a horizontal bar or dot, with its interval as a whisker.

    table (one row per label, and per group)  ->  one picture per language

    Parameters
    ----------
    label, group : str
        Columns: the name of a row, and optionally what is drawn side by side in it, such as before and after.
    label_words, group_words : (zh, en)
        What these two are called in the table behind the picture.
    value : str
        Column of numbers, or of `Estimate` and `Refused` as the analysis floor gives them: an Estimate brings its ends
        and its n, a Refused is shown in words. Blank is shown as not known, never as zero.
    low, high : str, optional
        Columns of the ends. An infinite end is an arrow to the edge, a blank one is left open.
    n : int or str
        Customers in all, or the column whose sum they are; then each row's n stands behind its name, as it does where
        the values are Estimates.
    unit : str
        "share", "number" or the unit of an Estimate.
    names : dict of key -> (zh, en), optional
        Names of labels and groups; their order is that of the rows.
    dots, zero : bool
        Dots instead of bars; with zero=False their axis need not begin at zero, as for a trend.
    """
    need(table, label, value, low, high, group, n if isinstance(n, str) else None)
    rows = plain_rows(table, label, value, (low, high), group, n if isinstance(n, str) else None)
    if rows["value"].isna().all():
        refused = [said for said in rows["refused"] if isinstance(said, Refused)]
        say_nothing_to_draw(ledger, title_zh, title_en, refused[0] if refused else table.attrs.get("refused"))
        return
    if rows.duplicated(["label", "group"]).any():
        raise ValueError("a row of the chart stands in the table twice: give each label and group one value")
    labels, groups = in_order(rows["label"], names), in_order(rows["group"], names)

    def draw(lang: str) -> Figure:
        return _draw_bars(rows, labels, groups, names, (unit, ledger.currency), dots, zero, value_words, lang)

    has_ends = rows["low"].notna().any() or rows["high"].notna().any()
    endless = np.isinf(rows[["low", "high"]].to_numpy(dtype=float)).any()
    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=unit_words(unit, value_words, ledger.currency),
        n=int(table[n].sum()) if isinstance(n, str) else int(n),
        note=notes(
            interval_note(ledger, "横线", "Whisker") if has_ends else None,
            ("箭头：数据定不出这一端", "arrow: the data do not bound this end") if endless else None,
        ),
        alt=tuple(_bars_alt(rows, labels, names, unit, value_words, ledger.currency, lang) for lang in words.LANGUAGES),
        table=lambda lang: _bars_table(
            rows, (labels, groups), names, unit, (label_words, group_words, value_words), ledger.currency, lang
        ),
        source=source,
    )


def _draw_bars(rows, labels, groups, names, unit_currency, dots, zero, value_words, lang) -> Figure:
    unit, currency = unit_currency
    heads = [row_head(rows[rows["label"] == label], label, names, lang) for label in labels]
    texts = {at: number_text(row["value"], unit, lang, currency) for at, row in rows.iterrows()}
    pitch = 0.36 if len(groups) == 1 else 0.25 * len(groups) + 0.12
    figure, axes = rows_plot(heads, list(texts.values()), pitch, lang)
    left, right = limits_of(rows, zero or not dots)
    axes.set_xlim(left, right)
    thick = 0.62 / len(groups)
    for at, row in rows.iterrows():
        place = groups.index(row["group"])
        y = labels.index(row["label"]) + (place - (len(groups) - 1) / 2) * thick * 1.12
        colour = _of(SERIES, place)
        if math.isnan(row["value"]):
            say_in_row(axes, y, row["refused"], 1 if len(groups) > 1 else 2, lang)
            continue
        if dots:
            axes.plot([row["value"]], [y], _of(DOTS, place), color=colour, markersize=5.5, clip_on=False, zorder=3)
        else:
            axes.barh(y, row["value"], height=thick, **_bar_look(place))
        whisker(axes, y, row, colour if dots else INK, (left, right))
        axes.text(1.02, y, fonts.plain(texts[at]), transform=axes.get_yaxis_transform(), va="center", fontsize=VALUE)
    if left < 0 < right:
        axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, right - left)))
    axes.set_xlabel(one(value_words, lang))
    if len(groups) > 1:
        handles = [_handle(place, dots) for place in range(len(groups))]
        legend_above(axes, handles, [drawn_name(key, names, lang) for key in groups], lang, 3.4)
    return figure


def _of(looks: Sequence[str], place: int) -> str:
    return looks[place % len(looks)]


def _bar_look(place: int) -> dict[str, Any]:
    """How the bars of the group at this place look: the white of the hatching is seen without colours too."""
    look = {"facecolor": _of(SERIES, place), "alpha": 0.6, "linewidth": 0}
    return look | ({"edgecolor": "white", "hatch": _of(HATCHES, place)} if _of(HATCHES, place) else {})


def _handle(place: int, dots: bool) -> Any:
    if dots:
        return Line2D([], [], marker=_of(DOTS, place), color=_of(SERIES, place), linestyle="none", markersize=5.5)
    return Rectangle((0, 0), 1, 1, **_bar_look(place))


def _row_name(row: pd.Series, names: Names | None, lang: str) -> str:
    name = name_of(row["label"], names, lang)
    group = name_of(row["group"], names, lang)
    return (f"{name}，{group}" if lang == "zh" else f"{name}, {group}") if group else name


def _bars_alt(rows, labels, names, unit, value_words, currency, lang) -> str:
    known = rows.dropna(subset=["value"])
    high, low = known.loc[known["value"].idxmax()], known.loc[known["value"].idxmin()]
    (top, top_name), (least, least_name) = (
        (number_text(row["value"], unit, lang, currency), _row_name(row, names, lang)) for row in (high, low)
    )
    silent = [_row_name(row, names, lang) for _, row in rows[rows["value"].isna()].iterrows()]
    if lang == "zh":
        missing = f"没有数字的：{'、'.join(silent)}。" if silent else ""
        return (
            f"横条图，{len(labels)} 行，{value_words[0]}。最高 {top}（{top_name}），"
            f"最低 {least}（{least_name}）。{missing}"
        )
    missing = f" Without a number: {'; '.join(silent)}." if silent else ""
    return (
        f"Horizontal bars, {len(labels)} row{'s' if len(labels) > 1 else ''}: {value_words[1]}. "
        f"Highest {top} ({top_name}), lowest {least} ({least_name}).{missing}"
    )


def _bars_table(rows, orders, names, unit, heads, currency, lang) -> pd.DataFrame:
    at = words.LANGUAGES.index(lang)
    (labels, groups), (label_words, group_words, value_words) = orders, heads
    order = {(label, group): (labels.index(label), groups.index(group)) for label in labels for group in groups}
    rows = rows.iloc[sorted(range(len(rows)), key=lambda i: order[rows["label"].iloc[i], rows["group"].iloc[i]])]
    text: dict[Any, list[str]] = {label_words[at]: [name_of(key, names, lang) for key in rows["label"]]}
    if len(groups) > 1:
        text[group_words[at]] = [name_of(key, names, lang) for key in rows["group"]]
    text[value_words[at]] = [
        number_text(value, unit, lang, currency) or reason(refused, lang)
        for value, refused in zip(rows["value"], rows["refused"], strict=True)
    ]
    for column, head in (("low", ("下限", "lower end")), ("high", ("上限", "upper end"))):
        if rows[column].notna().any():
            text[head[at]] = [end_text(end, unit, lang, currency) for end in rows[column]]
    if rows["n"].notna().any():
        text["n"] = ["" if n is None or pd.isna(n) else f"{int(n):,}" for n in rows["n"]]
    return pd.DataFrame(text)


def waterfall(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    n: int,
    title_zh: str,
    title_en: str,
    value_words: Both,
    names: Names | None = None,
    step: str = "step",
    amount: str = "amount",
    unit: str = "money",
    step_words: Both = ("因素", "Factor"),
    source: str = "orders",
) -> None:
    """Show how a total became another: a bar for each, and between them what each factor added or took.

    table (bar, as `decomposition.waterfall` and `revenue_identity` return it)  ->  one picture per language

    Parameters
    ----------
    step, amount : str
        Columns: the name of a bar and its height. The first and the last row are the totals, the rows between them
        signed changes. A blank change is shown as not known and moves nothing.
    names : dict of key -> (zh, en)
        Names of the steps, the totals among them, such as the two periods.

    Raises
    ------
    ValueError
        The changes do not add up: the split is not exact.
    """
    need(table, step, amount)
    heights = table[amount].astype(float).to_list()
    if len(table) < 3 or math.isnan(heights[0]) or math.isnan(heights[-1]) or all(map(math.isnan, heights[1:-1])):
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    start, *moves, end = heights
    gap = end - start - sum(move for move in moves if not math.isnan(move))
    if not abs(gap) <= 1e-6 * max(1.0, abs(start), abs(end)):
        raise ValueError(f"the changes leave {gap:g} of {start:g} to {end:g} unexplained: pass an exact split")
    keys = table[step].to_list()
    show(
        ledger,
        lambda lang: _draw_waterfall(keys, heights, names, (unit, ledger.currency), value_words, lang),
        title=(title_zh, title_en),
        unit=unit_words(unit, value_words, ledger.currency),
        n=int(n),
        note=("横轴不从零开始", "The axis does not begin at zero") if _floor(start, end, moves) else None,
        alt=tuple(_waterfall_alt(keys, heights, names, unit, ledger.currency, lang) for lang in words.LANGUAGES),
        table=lambda lang: pd.DataFrame(
            {
                step_words[words.LANGUAGES.index(lang)]: [name_of(key, names, lang) for key in keys],
                value_words[words.LANGUAGES.index(lang)]: _step_texts(heights, unit, lang, ledger.currency),
            }
        ),
        source=source,
    )


def _levels(start: float, moves: list[float]) -> list[float]:
    """The total before the first factor and after each; a blank moves nothing."""
    return [start, *(start + np.cumsum(np.nan_to_num(moves)))]


def _floor(start: float, end: float, moves: list[float]) -> float:
    """Where the axis begins: at zero, unless the steps would be too small to see beside the totals."""
    reached = [*_levels(start, moves), end]
    low, high = min(reached), max(reached)
    if low <= 0 or high - low > 0.12 * high:
        return 0.0
    return max(low - 1.5 * (high - low), 0.0) if high > low else 0.0


def _draw_waterfall(keys, heights, names, unit_currency, value_words, lang) -> Figure:
    (unit, currency), (start, *moves, end) = unit_currency, heights
    heads = [drawn_name(key, names, lang) for key in keys]
    heads = [fonts.wrap(head, NAME_ROOM, NAME, lang, lines=3, even=True) for head in heads]
    texts = _step_texts(heights, unit, lang, currency)
    figure, axes = rows_plot(heads, texts, 0.36, lang)
    levels, floor = _levels(start, moves), _floor(start, end, moves)
    low, high = min(*levels, floor), max(*levels, floor)
    room = 0.04 * ((high - low) or 1)
    axes.set_xlim(low - (room if low < 0 else 0), high + room)
    last = len(heads) - 1
    for y, total in ((0, start), (last, end)):
        axes.barh(y, total - floor, left=floor, height=0.62, color=TOTAL, linewidth=0)
    for i, move in enumerate(moves):
        if not math.isnan(move):
            axes.barh(i + 1, move, left=levels[i], height=0.62, color=RISE if move >= 0 else FALL, linewidth=0)
    for y, level in enumerate(levels):
        axes.plot([level, level], [y - 0.31, y + 1.31], color=FAINT, linewidth=0.8, zorder=3)
    for y, text in enumerate(texts):
        weight = "bold" if y in (0, last) else "normal"
        axes.text(
            1.02, y, fonts.plain(text), transform=axes.get_yaxis_transform(), va="center", fontsize=VALUE, weight=weight
        )
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, high - low)))
    axes.set_xlabel(one(value_words, lang))
    return figure


def _step_texts(heights: list[float], unit: str, lang: str, currency: str) -> list[str]:
    """The totals as they are, the changes with their sign, a blank in words."""
    start, *moves, end = heights
    texts = [reason(None, lang) if math.isnan(move) else signed_text(move, unit, lang, currency) for move in moves]
    return [number_text(start, unit, lang, currency), *texts, number_text(end, unit, lang, currency)]


def _waterfall_alt(keys, heights, names, unit, currency, lang) -> str:
    named = [name_of(key, names, lang) for key in keys]
    texts = _step_texts(heights, unit, lang, currency)
    change = signed_text(heights[-1] - heights[0], unit, lang, currency)
    steps = [f"{name} {text}" for name, text in zip(named[1:-1], texts[1:-1], strict=True)]
    if lang == "zh":
        return f"瀑布图，{named[0]} {texts[0]}，{named[-1]} {texts[-1]}，变动 {change}。{'；'.join(steps)}。"
    return f"Waterfall from {texts[0]} ({named[0]}) to {texts[-1]} ({named[-1]}), change {change}. {'; '.join(steps)}."
