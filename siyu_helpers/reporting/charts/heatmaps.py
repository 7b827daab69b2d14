"""Heat maps: a cohort grid by age, and a matrix of movements from one segment to another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import INK, SHADE
from siyu_helpers.reporting.charts.frame import (
    Both,
    Names,
    drawn_name,
    in_order,
    name_of,
    need,
    one,
    plot,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.numerals import number_text
from siyu_helpers.reporting.ledger import Ledger

#: A grid wider than this many inches is coloured only: its numbers would be too small to read.
WIDEST_WITH_NUMBERS = 8.6


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
    cohort_words: Both = words.PERIOD_AXIS["month"]["cohort"],
    age_words: Both = words.PERIOD_AXIS["month"]["age"],
    unit_words: Both | None = None,
) -> None:
    """Show a cohort grid as a heat map: rows cohorts, columns age, blank where nobody has been observed that long.

    grid (cohort x age, long, as `repurchase_cohorts.cohort_grid` returns it)  ->  one picture per language

    Parameters
    ----------
    measure, unit : str
        Column of the grid, and what it is: "share", printed in percent, "money", per customer acquired, or "number",
        such as orders per customer.
    first_age : int
        First age shown; 1 leaves out age 0, in which everybody is active by definition.
    age_days : int
        Days of one age on each customer's own clock; the axis then shows the day on which each begins.
    unit_words : (zh, en), optional
        What the unit line says; needed for "number".
    """
    need(grid, "cohort", "age", "customers", "complete", measure)
    shown = grid[grid["age"] >= first_age].dropna(subset=[measure])
    if shown.empty:
        say_nothing_to_draw(ledger, title_zh, title_en, grid.attrs.get("refused"))
        return
    shown = shown.assign(age=shown["age"] * age_days)
    values = shown.pivot(index="cohort", columns="age", values=measure)
    complete = shown.pivot(index="cohort", columns="age", values="complete").astype("boolean").fillna(True).astype(bool)
    sizes = shown.drop_duplicates("cohort").set_index("cohort")["customers"]

    def draw(lang: str) -> Figure:
        *size, annotated = _heat_size(values, unit)
        figure, axes = plot(*size)
        rows = [f"{cohort}  (n={sizes[cohort]:,})" for cohort in values.index]
        _heat(axes, values.set_axis(rows), complete.to_numpy(), unit, annotated)
        axes.set_ylabel(one(cohort_words, lang))
        axes.set_xlabel(one(age_words, lang))
        return figure

    note = ("斜线：该期尚未过完，数字还会上升", "Hatched: not over yet, the number can still rise")
    units = {
        "share": ("占同期群客户的 %", "% of the cohort's customers"),
        "money": (f"{words.currency_name(ledger.currency)}/人", f"{ledger.currency} per customer"),
        "number": ("每位客户", "per customer"),
    }
    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=unit_words or units[unit],
        n=int(sizes.sum()),
        note=note if not complete.to_numpy().all() else None,
        alt=_heat_alt(values, age_words, unit),
        table=_grid_table(shown, measure, unit),
    )


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
    high = 0.4 * rows if rows <= 15 else max((0.2 if not annotated else 0.24) * rows, 6)
    return 1.5 + max(wide, 2.4), 0.7 + min(high, 14), annotated


def _heat(axes: Any, values: pd.DataFrame, complete: np.ndarray, unit: str, annotated: bool) -> None:
    shown = values.to_numpy(dtype=float) * (100 if unit == "share" else 1)
    mesh = coloured_cells(axes, shown, _labels(values, unit) if annotated else None)
    for row, column in zip(*np.nonzero(~complete & ~np.isnan(shown)), strict=True):
        axes.add_patch(
            Rectangle((column, row), 1, 1, fill=False, hatch="////", edgecolor="#9aa5ae", linewidth=0, alpha=0.6)
        )
    rows, columns = values.shape
    across = range(0, columns, 1 if annotated else max(1, -(-columns // 14)))
    down = range(0, rows, max(1, round(rows / 40)))
    axes.set_xticks([at + 0.5 for at in across], [f"{values.columns[at]}" for at in across])
    axes.set_yticks([at + 0.5 for at in down], [f"{values.index[at]}" for at in down])
    # Rows closer than letters are high would touch.
    axes.tick_params(axis="y", labelsize=9.5 if rows <= 15 else 8.5)
    if not annotated:
        _colour_bar(axes, mesh, unit)


def coloured_cells(axes: Any, shown: np.ndarray, labels: np.ndarray | None, points: float = 8.5) -> Any:
    """Coloured cells from white (zero) to the darkest shade, with their labels; a blank cell stays white and empty."""
    rows, columns = shown.shape
    top = np.nanmax(shown)
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(shown), cmap=sns.light_palette(SHADE, as_cmap=True), vmin=0, vmax=top if top > 0 else 1,
        linewidth=0 if labels is None else 1.5, edgecolors="white",
    )  # fmt: skip
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for (row, column), label in np.ndenumerate(labels) if labels is not None else ():
        if label:
            said = axes.text(column + 0.5, row + 0.5, label, ha="center", va="center", fontsize=points, color=INK)
            said.set_in_layout(False)  # inside the axes: its extent need not be measured
    return mesh


def _colour_bar(axes: Any, mesh: Any, unit: str) -> None:
    """What the shades mean, above the first columns: seen on a phone without scrolling."""
    high = axes.get_window_extent().height / axes.figure.dpi
    place = axes.inset_axes((0, 1 + 0.12 / high, 0.5, 0.11 / high))
    bar = axes.figure.colorbar(mesh, cax=place, orientation="horizontal", ticklocation="top")
    bar.outline.set_linewidth(0)
    bar.locator = sns.mpl.ticker.MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
    bar.formatter = (lambda value, _: f"{value:,g}%") if unit == "share" else (lambda value, _: f"{value:,g}")
    bar.ax.tick_params(length=2, labelsize=8.5, pad=2)
    bar.update_ticks()


def _cell(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:,.2f}"


def _heat_alt(values: pd.DataFrame, age_words: Both, unit: str) -> Both:
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

    def end(value: float) -> str:
        return "" if pd.isna(value) else f"{value * 100:.1f}" if unit == "share" else f"{value:,.2f}"

    def table(lang: str) -> pd.DataFrame:
        text = [_cell(value, unit) for value in shown[measure]]
        if f"{measure}_low" in shown:
            ends = zip(shown[f"{measure}_low"], shown[f"{measure}_high"], strict=True)
            ends = [f" ({end(low)}–{end(high)})" if end(low) or end(high) else "" for low, high in ends]
            text = [value + interval for value, interval in zip(text, ends, strict=True)]
        wide = shown.assign(text=text).pivot(index="cohort", columns="age", values="text").fillna("")
        return wide.rename_axis({"zh": "同期群", "en": "Cohort"}[lang]).reset_index()

    return table


#: What stands in the cells of a matrix, by unit.
MOVED = {
    "share": ("占之前所在分组客户的 %", "% of the customers of the group before"),
    "customers": ("客户数", "customers"),
}


def matrix(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    n: int,
    title_zh: str,
    title_en: str,
    before_words: Both = ("之前", "Before"),
    after_words: Both = ("之后", "After"),
    value_words: Both | None = None,
    unit: str = "share",
    names: Names | None = None,
    sizes: Mapping[Any, int] | None = None,
    source: str = "orders",
) -> None:
    """Show who moved where: rows the group before, columns the group after, the number in each cell.

    table (group before x group after, as `segments.movement` returns it)  ->  one picture per language

    Parameters
    ----------
    table : DataFrame
        Its index and its columns are the groups. A blank cell stays blank, never zero.
    n : int
        Customers in all.
    unit : "share" or "customers"
        A share, of the customers of the row, is printed in percent without its sign; customers as whole numbers.
    value_words : (zh, en), optional
        What the unit line says, where the share is of something else.
    names : dict of key -> (zh, en), optional
        Names of the groups; their order is that of the rows and columns. At most nine groups can be read.
    sizes : dict or Series of key -> int, optional
        Customers of each group before, printed behind its name.
    """
    if table.isna().all(axis=None):
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    value_words = value_words or MOVED[unit]
    if not table.index.is_unique or not table.columns.is_unique:
        raise ValueError("a group stands in the matrix twice: add up its customers first")
    cells = table.astype(float).reindex(index=in_order(table.index, names), columns=in_order(table.columns, names))
    cells = cells.rename_axis(index=None, columns=None)

    def draw(lang: str) -> Figure:
        return _draw_matrix(cells, unit, names, sizes, (before_words, after_words), lang)

    def behind(lang: str) -> pd.DataFrame:
        made = cells.apply(lambda column: [number_text(value, unit, lang) for value in column])
        made = made.set_axis([name_of(key, names, lang) for key in cells.columns], axis=1)
        at = words.LANGUAGES.index(lang)
        corner = f"{before_words[at]} → {after_words[at]}"
        made.insert(0, corner, [name_of(key, names, lang) for key in cells.index], allow_duplicates=True)
        return made

    same = any(key in cells.columns and not np.isnan(cells.at[key, key]) for key in cells.index)
    show(
        ledger,
        draw,
        title=(title_zh, title_en),
        unit=value_words,
        n=int(n),
        note=("粗框：留在原分组", "Framed: stayed in the group") if same else None,
        alt=tuple(_matrix_alt(cells, unit, names, value_words, lang) for lang in words.LANGUAGES),
        table=behind,
        source=source,
    )


def _draw_matrix(
    cells: pd.DataFrame,
    unit: str,
    names: Names | None,
    sizes: Mapping[Any, int] | None,
    axis_words: tuple[Both, Both],
    lang: str,
) -> Figure:
    shown = cells.to_numpy() * (100 if unit == "share" else 1)
    decimals = 1 if unit == "share" else 0
    labels = np.where(np.isnan(shown), "", np.vectorize(f"{{:,.{decimals}f}}".format)(shown))
    rows = [fonts.wrap(drawn_name(key, names, lang), 1.25, 9, lang, lines=3, even=True) for key in cells.index]
    if sizes is not None:
        rows = [
            f"{row}\n(n={int(sizes[key]):,})" if key in sizes else row
            for key, row in zip(cells.index, rows, strict=True)
        ]
    columns = [drawn_name(key, names, lang) for key in cells.columns]
    cell = max(0.44, 0.1 + max(fonts.width(label, 8.5, lang) for label in labels.ravel()))
    longest = max(fonts.width(word, 8.5, lang) for name in columns for word in (name.split() if lang == "en" else name))
    room = max(cell, min(longest + 0.06, 0.62))
    # Inches left beside the names of the rows for a picture that a phone shows whole.
    cell = max(cell, min(room, (5.4 - 1.5) / len(columns)))
    heads = [fonts.wrap(name, cell - 0.05, 8.5, lang, even=True) for name in columns]
    slanted = longest > cell - 0.05 or max(head.count("\n") for head in heads) > 2
    high = max(0.38, 0.15 * max(row.count("\n") + 1 for row in rows) + 0.07)
    figure, axes = plot(cell * len(columns), high * len(rows), fill=True)
    coloured_cells(axes, shown, labels)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [fonts.plain(row) for row in rows], fontsize=9)
    if slanted:
        heads = [fonts.wrap(name, 2, 8.5, lang, lines=1) for name in columns]
    how = {"rotation": 58, "ha": "left", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(np.arange(len(columns)) + 0.5, [fonts.plain(head) for head in heads], fontsize=8.5, **how)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set_ylabel(one(axis_words[0], lang))
    axes.set_xlabel(one(axis_words[1], lang))
    for row, key in enumerate(cells.index):
        if key in cells.columns and labels[row, cells.columns.get_loc(key)]:
            at = cells.columns.get_loc(key)
            axes.add_patch(Rectangle((at + 0.03, row + 0.03), 0.94, 0.94, fill=False, edgecolor=INK, linewidth=1.3))
    return figure


def _matrix_alt(cells: pd.DataFrame, unit: str, names: Names | None, value_words: Both, lang: str) -> str:
    flat = cells.stack().dropna()

    def said(pair: Sequence[Any]) -> tuple[str, str, str]:
        return number_text(flat[pair], unit, lang), name_of(pair[0], names, lang), name_of(pair[1], names, lang)

    (high, high_from, high_to), (low, low_from, low_to) = said(flat.idxmax()), said(flat.idxmin())
    stayed = [(key, cells.at[key, key]) for key in cells.index if key in cells.columns]
    stayed = [(name_of(key, names, lang), number_text(v, unit, lang)) for key, v in stayed if not np.isnan(v)]
    if lang == "zh":
        kept = "；".join(f"{name} {text}" for name, text in stayed)
        return (
            f"流转矩阵，{len(cells)} 行 {len(cells.columns)} 列，格内为{value_words[0]}。"
            f"最高 {high}（{high_from} 到 {high_to}），"
            f"最低 {low}（{low_from} 到 {low_to}）。" + (f"留在原分组：{kept}。" if kept else "")
        )
    kept = "; ".join(f"{name} {text}" for name, text in stayed)
    return (
        f"Matrix of {len(cells)} rows and {len(cells.columns)} columns: {value_words[1]}. Highest {high} "
        f"({high_from} to {high_to}), lowest {low} ({low_from} to {low_to})." + (f" Stayed: {kept}." if kept else "")
    )
