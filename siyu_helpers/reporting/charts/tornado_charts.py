"""Tornado: how far each uncertain input moves a result by itself, one bar an input, the widest on top."""

from collections.abc import Mapping
from typing import Any

import matplotlib.patches
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, INK, SERIES
from siyu_helpers.reporting.charts.frame import (
    Both,
    Names,
    colon,
    drawn_name,
    legend_above,
    name_of,
    need,
    notes,
    one,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.numerals import axis_text, number_text, unit_words
from siyu_helpers.reporting.charts.row_axes import NAME, rows_plot
from siyu_helpers.reporting.ledger import Ledger

#: Inches: a row, the longest line of a name; half the height of a bar in rows; points of the inputs' values.
ROW, NAMES, HALF, END = 0.32, 1.55, 0.27, 7.8
ENDS = ("low", "high")
#: How the ends of an input are told apart, with and without colours.
LOOKS = {
    "low": {"facecolor": "white", "edgecolor": SERIES[1], "hatch": "////", "linewidth": 1.0},
    "high": {"facecolor": SERIES[0], "edgecolor": SERIES[0], "linewidth": 1.0},
}


def tornado(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    base: float,
    n: int,
    title_zh: str,
    title_en: str,
    names: Names | None = None,
    units: Mapping[Any, str] | None = None,
    unit: str = "money",
    shown: int = 10,
    value_words: Both = ("净值", "Net value"),
    base_words: Both = ("都取典型值", "All at their typical values"),
    low_words: Both = ("该项取低值", "Input at its low end"),
    high_words: Both = ("该项取高值", "Input at its high end"),
    label_words: Both = ("投入或假设", "Input"),
    source: str = "orders",
) -> None:
    """Show what a result becomes when one input is low or high and all others typical, the widest swing on top.

    table (one row per input, as `PoolValue.tornado` has it)  ->  one picture per language

    Parameters
    ----------
    table : DataFrame
        input, input_low, input_high, value_low, value_high: the input's ends and the result at each. A row with a
        blank result is left out. Rows are ordered by their swing, those alike by their place in the table.
    base : float
        The result at typical values: the line that the bars leave.
    n : int
        Customers or draws that the inputs rest on.
    names : dict of input -> (zh, en), optional
    units : dict of input -> unit of an Estimate, optional
        How the values of an input read in the table behind; on the picture they are bare, shares in percent.
    unit : str
        Unit of the result.
    shown : int
        Inputs drawn at most; how many more there are, and how much they move at most, is said below the picture.

    Raises
    ------
    ValueError
        A column is missing, or an input comes twice.
    """
    need(table, "input", "input_low", "input_high", "value_low", "value_high")
    rows = table.dropna(subset=["value_low", "value_high"]).reset_index(drop=True)
    if rows.empty:
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    if rows["input"].duplicated().any():
        raise ValueError("an input stands in the tornado twice: give it one row")
    rows["swing"] = rows[["value_low", "value_high"]].assign(base=base).agg(lambda x: x.max() - x.min(), axis=1)
    rows = rows.sort_values("swing", ascending=False, kind="stable", ignore_index=True)
    drawn, rest, units = rows.head(shown), rows.iloc[shown:], units or {}
    ends_words, currency = (low_words, high_words), ledger.currency
    show(
        ledger,
        lambda lang: _draw(drawn, base, (names, units), (unit, currency), (value_words, base_words, *ends_words), lang),
        title=(title_zh, title_en),
        unit=unit_words(unit, value_words, currency),
        n=int(n),
        note=notes(
            ("条端的数字是该项的取值", "figures at the ends of bars: the input's values"),
            _rest(rest, unit, currency) if len(rest) else None,
        ),
        alt=tuple(_alt(rows, base, (names, units), (unit, currency), value_words, lang) for lang in words.LANGUAGES),
        table=lambda lang: _table(
            rows, (names, units), (unit, currency), (label_words, value_words, *ends_words), lang
        ),
        source=source,
    )


def _rest(rest: pd.DataFrame, unit: str, currency: str) -> Both:
    most = rest["swing"].iloc[0]
    zh, en = (number_text(most, unit, lang, currency) for lang in words.LANGUAGES)
    return f"另有 {len(rest)} 项未画，每项最多变动 {zh}", f"{len(rest)} more not drawn, each moves it by {en} at most"


def _bare(value: float, unit: str, lang: str, currency: str) -> str:
    """A value of an input without its unit, which its name says; percent keep their sign.

    >>> _bare(0.05, "share", "en", "CNY"), _bare(12000.0, "money a month", "zh", "CNY"), _bare(190.4, "x", "en", "CNY")
    ('5.0%', '12,000', '190')
    """
    if unit in ("share", "probability") or unit in words.GROWTH:
        return number_text(value, "share", lang, currency)
    return number_text(value, "number", lang, currency)


def _draw(rows, base, names_units, unit_currency, said_words, lang) -> Figure:
    (names, units), (unit, currency) = names_units, unit_currency
    value_words, base_words, low_words, high_words = said_words
    heads = [fonts.wrap(drawn_name(key, names, lang), NAMES, NAME, lang, lines=2, even=True) for key in rows["input"]]
    figure, axes = rows_plot(heads, [], ROW, lang, snug=True)
    told = [
        [fonts.plain(_bare(row[f"input_{end}"], units.get(row["input"], "number"), lang, currency)) for end in ENDS]
        for _, row in rows.iterrows()
    ]
    axes.set_xlim(*_limits(axes, rows, base, told, lang))
    for y, (_, row) in enumerate(rows.iterrows()):
        _bar(axes, y, [row[f"value_{end}"] for end in ENDS], base, told[y])
    axes.axvline(base, color=INK, linewidth=1.1, zorder=4)
    left, right = axes.get_xlim()
    if left < 0 < right and base != 0:
        axes.axvline(0, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, right - left)))
    axes.set_xlabel(one(unit_words(unit, value_words, currency), lang))
    handles = [matplotlib.patches.Patch(**LOOKS[end]) for end in ENDS]
    handles.append(matplotlib.lines.Line2D([], [], color=INK, linewidth=1.1))
    at = words.LANGUAGES.index(lang)
    middle = f"{base_words[at]}{colon(lang)}{number_text(base, unit, lang, currency)}"
    room = axes.get_window_extent().width / figure.dpi
    legend_above(axes, handles, [low_words[at], high_words[at], middle], lang, room)
    return figure


def _limits(axes, rows, base, told, lang) -> tuple[float, float]:
    """Ends of the axis: all results and the base, with room for the inputs' values beyond the bars."""
    seen = rows[["value_low", "value_high"]].to_numpy().ravel()
    low, high = min(seen.min(), base), max(seen.max(), base)
    inches = axes.get_window_extent().width / axes.figure.dpi
    wide = max(fonts.width(text, END, lang) for texts in told for text in texts) + 0.1
    span = (high - low) or abs(base) or 1.0
    room = span * wide / max(inches - 2 * wide, 0.5)
    return low - room, high + room


def _bar(axes: Any, y: int, values: list[float], base: float, texts: list[str]) -> None:
    """Two pieces from the base; one above the other where both ends move the result the same way."""
    same_way = (values[0] - base) * (values[1] - base) > 0
    for place, (end, value, text) in enumerate(zip(ENDS, values, texts, strict=True)):
        height = HALF if same_way else 2 * HALF
        bottom = y - HALF + (place * HALF if same_way else 0)
        box = matplotlib.patches.Rectangle((base, bottom), value - base, height, zorder=3, **LOOKS[end])
        axes.add_patch(box)
        # Where nothing moves, the low end stands on the left and the high end on the right.
        right = value > base or (value == base and end == "high")
        axes.annotate(
            text, (value, bottom + height / 2), ((1, -1)[not right] * 3, 0), textcoords="offset points",
            ha="left" if right else "right", va="center", fontsize=END if not same_way else END - 1, color=INK,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6, "alpha": 0.85}, zorder=2,
        )  # fmt: skip


def _alt(rows, base, names_units, unit_currency, value_words, lang) -> str:
    (names, units), (unit, currency), at = names_units, unit_currency, words.LANGUAGES.index(lang)
    typical, told = number_text(base, unit, lang, currency), []
    for _, row in rows.head(3).iterrows():
        of = units.get(row["input"], "number")
        ends = [number_text(row[f"input_{end}"], of, lang, currency) for end in ENDS]
        values = [number_text(row[f"value_{end}"], unit, lang, currency) for end in ENDS]
        name = name_of(row["input"], names, lang)
        if lang == "zh":
            told.append(f"{name}取 {ends[0]} 时为 {values[0]}，取 {ends[1]} 时为 {values[1]}")
        else:
            told.append(f"{name} at {ends[0]}: {values[0]}, at {ends[1]}: {values[1]}")
    if lang == "zh":
        return f"龙卷风图，{len(rows)} 项，{value_words[at]}。都取典型值时为 {typical}。{'；'.join(told)}。"
    rows_said = f"{len(rows)} input{'s' if len(rows) > 1 else ''}"
    return f"Tornado of {rows_said}: {value_words[at].lower()}, {typical} at typical values. {'; '.join(told)}."


def _table(rows, names_units, unit_currency, heads, lang) -> pd.DataFrame:
    (names, units), (unit, currency), at = names_units, unit_currency, words.LANGUAGES.index(lang)
    label, value, *ends = (both[at] for both in heads)
    made: dict[str, list[str]] = {label: [name_of(key, names, lang) for key in rows["input"]]}
    for end, head in zip(ENDS, ends, strict=True):
        made[head] = [
            number_text(given, units.get(key, "number"), lang, currency)
            for key, given in zip(rows["input"], rows[f"input_{end}"], strict=True)
        ]
        then = f"{value}（{head}）" if lang == "zh" else f"{value} ({head[:1].lower()}{head[1:]})"
        made[then] = [number_text(result, unit, lang, currency) for result in rows[f"value_{end}"]]
    return pd.DataFrame(made)
