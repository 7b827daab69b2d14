"""Charts of effects, one row each: a forest of estimates, and the love plot of what was balanced before and after."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, GRID, INK, SERIES, TOTAL
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
from siyu_helpers.reporting.charts.numerals import axis_text, number_text, unit_words
from siyu_helpers.reporting.charts.row_axes import (
    NAME,
    VALUE,
    end_text,
    half_width,
    plain_rows,
    ratio_axis,
    ratio_edges,
    reached,
    reached_by_ratio,
    reason,
    rows_plot,
    say_in_row,
    whisker,
)
from siyu_helpers.reporting.ledger import Ledger

#: Inches: a row, and the longest line of a name; points of a mark.
ROW, NAMES, MARK = 0.25, 1.6, 5
#: Covariates of a love plot at most, and the difference that counts as balanced (Stuart 2010, Statistical Science 25).
SHOWN, BALANCED = 18, 0.1


def forest(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    value: str = "value",
    low: str = "low",
    high: str = "high",
    label: str = "label",
    group: str | None = None,
    n: int | str,
    title_zh: str,
    title_en: str,
    value_words: Both,
    unit: str = "number",
    names: Names | None = None,
    hollow: str | None = None,
    truth: float | str | None = None,
    truth_words: Both = ("真实效果", "True effect"),
    reference: float = 0.0,
    log: bool = False,
    marked: Any = None,
    label_words: Both = ("算法", "Estimate"),
    group_words: Both = ("分组", "Group"),
    source: str = "orders",
) -> None:
    """Show effects with their intervals, one row each around a line at zero: a forest plot.

    table (one row per label, and per group)  ->  one picture per language

    Parameters
    ----------
    value, low, high : str
        Columns of numbers; or `value` a column of `Estimate` and `Refused`, whose ends are then taken and whose reasons
        are printed. Blank is shown as not given, never as zero. An interval far longer than the others is cut with an
        arrow, its numbers still printed.
    label, group : str
        Columns: the name of a row, and optionally the section it stands in, such as the estimator of three trims.
    n : int or str
        Customers in all, or the column whose largest value they are: the rows rest on the same customers.
    unit : str
        "share", "number" or the unit of an Estimate.
    names : dict of key -> (zh, en), optional
        Names of labels and groups; their order is that of the rows. A blank label has the name of None.
    hollow : str, optional
        Column that is True where a figure is not an effect, such as a naive comparison: its mark is then hollow.
    truth, truth_words : float or str, and (zh, en), optional
        What is known to be true, of an invented brand: a number, or a column with one number a group. A diamond in a
        row of its own, with a dotted line through the rows it is to be held against.
    reference : float
        Where the line stands that the intervals are held against: 0 for a difference, 1 for a ratio.
    log : bool
        True draws the axis in ratios, with as much room from 0.5 to 1 as from 1 to 2; a value or an end of 0 or less
        is an arrow at its edge.
    marked : label, optional
        The row that is the reader's own, such as the brand among industries: a diamond, its name in bold.

    Raises
    ------
    ValueError
        A label comes twice in a group, a group has two truths, or a reference of 0 or less on an axis of ratios.
    """
    if log and reference <= 0:
        raise ValueError(f"reference={reference:g}: an axis of ratios needs a line above 0, such as 1")
    truth_column = truth if isinstance(truth, str) else None
    need(table, label, value, group, hollow, truth_column, n if isinstance(n, str) else None)
    low, high = (end if end in table.columns else None for end in (low, high))
    rows = plain_rows(table, label, value, (low, high), group, None)
    if rows["value"].isna().all():
        refused = [said for said in rows["refused"] if isinstance(said, Refused)]
        say_nothing_to_draw(ledger, title_zh, title_en, refused[0] if refused else table.attrs.get("refused"))
        return
    # Rows without a label, such as the estimate without a trim, have the name that None has in `names`.
    rows["label"] = pd.Series([None if pd.isna(key) else key for key in rows["label"]], dtype=object)
    rows["hollow"] = table[hollow].astype(bool).to_numpy() if hollow else False
    rows["truth"] = table[truth_column].to_numpy(dtype=float) if truth_column else np.nan if truth is None else truth
    lines = _lines(rows, names)
    ends = _ends(rows, reference, log)
    axis = (ends, reference, log, marked)
    cut = ((rows["low"] < ends[0]) | (rows["high"] > ends[1])).any()
    show(
        ledger,
        lambda lang: _draw_forest(rows, lines, axis, names, (unit, ledger.currency), (value_words, truth_words), lang),
        title=(title_zh, title_en),
        unit=unit_words(unit, value_words, ledger.currency),
        n=int(table[n].max()) if isinstance(n, str) else int(n),
        note=notes(
            interval_note(ledger, "横线", "Whisker") if rows["low"].notna().any() else None,
            ("箭头：区间伸到图外，数字见右", "arrow: the interval goes on, its numbers stand beside it")
            if cut
            else None,
            ("空心：只是对比，不是效果", "hollow: a comparison, not an effect") if rows["hollow"].any() else None,
            ("横轴为比例刻度", "axis in ratios") if log else None,
        ),
        alt=tuple(
            _forest_alt(rows, names, (unit, ledger.currency), (value_words, truth_words), reference, lang)
            for lang in words.LANGUAGES
        ),
        table=lambda lang: _forest_table(
            lines, names, (unit, ledger.currency), (label_words, group_words, value_words, truth_words), lang
        ),
        source=source,
    )


def _lines(rows: pd.DataFrame, names: Names | None) -> list[tuple[str, Any]]:
    """What stands in the picture from top to bottom: ("group", key), ("row", the row), ("truth", (number, first line)).

    The first line is that of the rows which the truth is held against.
    """
    if rows.duplicated(["label", "group"]).any():
        raise ValueError("a row of the forest stands in the table twice: give each label and group one value")
    lines: list[tuple[str, Any]] = []
    one_truth = rows["truth"].nunique() == 1 and rows["truth"].notna().all()
    for key in in_order(rows["group"], names):
        part, first = rows[rows["group"] == key], len(lines)
        truths = part["truth"].dropna().unique()
        if len(truths) > 1:
            raise ValueError("a group of the forest has two truths: give it the same in all of its rows")
        lines += [("group", key)] if key != "" else []
        by_label = {row["label"]: row for _, row in part.iterrows()}
        lines += [("row", by_label[label]) for label in in_order(part["label"], names)]
        lines += [("truth", (float(truths[0]), first))] if len(truths) and not one_truth else []
    return [*lines, ("truth", (float(rows["truth"].iloc[0]), 0))] if one_truth else lines


def _ends(rows: pd.DataFrame, reference: float, log: bool) -> tuple[float, float]:
    """Ends of the axis: the line, all values and truths, and of the intervals what is not far longer than the rest."""
    points, bounds = np.r_[rows["value"], rows["truth"], reference], rows[["low", "high"]].to_numpy(dtype=float)
    return reached_by_ratio(points, bounds) if log else reached(points, bounds)


def _draw_forest(rows, lines, axis, names, unit_currency, both_words, lang) -> Figure:
    ends, reference, log, marked = axis
    (unit, currency), (value_words, truth_words) = unit_currency, both_words
    heads, texts, decimals = [], [], None if log else _decimals(rows, unit)
    for kind, what in lines:
        name = {"group": "", "truth": one(truth_words, lang)}.get(kind)
        name = drawn_name(what["label"], names, lang) if name is None else name
        heads.append(fonts.wrap(name, NAMES, NAME, lang, lines=2, even=True))
        said = {"group": lambda _: "", "truth": lambda at: _short(at[0], unit, decimals)}
        texts.append(said[kind](what) if kind in said else _with_ends(what, unit, decimals, lang))
    figure, axes = rows_plot(heads, texts, ROW, lang, snug=True)
    if log:
        ratio_axis(axes, ends)
    axes.set_xlim(*ends)
    axes.axvline(reference, color=INK, linewidth=1, zorder=1.5)
    for y, (kind, what) in enumerate(lines):
        if kind == "group":
            _section(axes, y, drawn_name(what, names, lang), heads, lang)
        elif kind == "truth":
            at, first = what
            axes.plot([at, at], [first - 0.4, y], color=INK, linewidth=1, linestyle=(0, (1, 2)), zorder=2)
            axes.plot([at], [y], "D", color=INK, markersize=MARK + 1.5, clip_on=False, zorder=4)
        elif math.isnan(what["value"]):
            behind = max(fonts.width(text, VALUE, lang) for text in texts)
            said = say_in_row(axes, y, what["refused"], 1, lang, beyond=behind)
            said.set(bbox={"facecolor": "white", "linewidth": 0, "pad": 1}, zorder=5)
        else:
            _mark(axes, y, what, ends, log, own=marked is not None and what["label"] == marked)
        if kind == "row" and marked is not None and what["label"] == marked:
            axes.get_yticklabels()[y].set_weight("bold")
        _say(axes, y, texts[y])
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text(unit, lang, ends[1] - ends[0])))
    axes.set_xlabel(one(unit_words(unit, value_words, currency), lang))
    return figure


def _say(axes: Any, y: float, text: str) -> None:
    """Numbers behind a row, on the line of its name."""
    how = {"transform": axes.get_yaxis_transform(), "va": "center_baseline", "fontsize": VALUE}
    axes.text(1.02, y, fonts.plain(text), **how)


def _section(axes: Any, y: int, name: str, heads: list[str], lang: str) -> None:
    """The name of a section, from the left edge of the rows' names, under a line."""
    beside = max(fonts.width(line, NAME, lang) for head in heads for line in head.split("\n"))
    across = axes.get_window_extent().width / axes.figure.dpi
    how = {"transform": axes.get_yaxis_transform(), "clip_on": False}
    axes.text(
        -(beside + 0.05) / across, y + 0.1, fonts.plain(name), va="center_baseline", weight="bold", fontsize=NAME,
        zorder=5, bbox={"facecolor": "white", "linewidth": 0, "pad": 1}, **how,
    )  # fmt: skip
    if y:
        axes.plot([-(beside + 0.05) / across, 1], [y - 0.5, y - 0.5], color=GRID, linewidth=1, zorder=0, **how)


def _mark(axes: Any, y: float, row: pd.Series, ends: tuple[float, float], log: bool, own: bool) -> None:
    """A square with its interval, for the reader's own a diamond; an end or a value beyond the axis is an arrow."""
    cut = row.copy()
    cut["value"], beyond = max(row["value"], ends[0]), row["value"] < ends[0]
    cut["low"] = -math.inf if row["low"] < ends[0] else row["low"]
    cut["high"] = math.inf if row["high"] > ends[1] else row["high"]
    colour = FAINT if row["hollow"] else SERIES[1] if own else SERIES[0]
    whisker(axes, y, cut, colour, ratio_edges(ends) if log else ends)
    face = "white" if row["hollow"] else colour
    axes.plot(
        [cut["value"]], [y], "<" if beyond else "D" if own else "s", markersize=MARK + own, markerfacecolor=face,
        markeredgecolor=colour, markeredgewidth=1.2, zorder=4, clip_on=False,
    )  # fmt: skip


def _short(value: float, unit: str, decimals: int | None) -> str:
    """A number without its unit, which the axis names; percent keep their sign. Without decimals: two digits.

    >>> _short(0.0312, "share", 1), _short(-12.345, "money per customer", 2), _short(-0.001, "number", 2)
    ('3.1%', '-12.35', '0.00')
    >>> _short(0.0213, "number", None), _short(34.21, "number", None)
    ('0.021', '34')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    value = value * 100 if unit == "share" else value
    if decimals is None:
        decimals = min(max(1 - math.floor(math.log10(abs(value))), 0), 4) if value else 0
    said = f"{value:,.{decimals}f}"
    said = said if set(said) & set("123456789") else said.removeprefix("-")
    return f"{said}%" if unit == "share" else said


def _decimals(rows: pd.DataFrame, unit: str) -> int:
    """Digits behind the point, the same in all rows: as many as the intervals bear, of money two like its sentences."""
    if unit.startswith("money"):
        return 2 if rows["value"].abs().max() < 1000 else 0
    half = half_width(rows[["low", "high"]].to_numpy(dtype=float)) * (100 if unit == "share" else 1)
    needed = math.ceil(-math.log10(half / 3)) if half > 0 else 2
    return min(max(needed, 1 if unit == "share" else 0), 4)


def _with_ends(row: pd.Series, unit: str, decimals: int, lang: str) -> str:
    """The value with its interval in brackets."""
    if math.isnan(row["value"]):
        return ""
    said = _short(row["value"], unit, decimals)
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        return said
    low, high = (_short(end, unit, decimals) for end in (row["low"], row["high"]))
    return f"{said}（{low} 至 {high}）" if lang == "zh" else f"{said} ({low} to {high})"


def _forest_alt(rows, names, unit_currency, both_words, reference, lang) -> str:
    (unit, currency), (value_words, truth_words) = unit_currency, both_words
    known = rows.dropna(subset=["value"])
    at = words.LANGUAGES.index(lang)
    most, least = known.loc[known["value"].idxmax()], known.loc[known["value"].idxmin()]
    said = [(number_text(row["value"], unit, lang, currency), _row_name(row, names, lang)) for row in (most, least)]
    (high, high_name), (low, low_name) = said
    ranged = known[known[["low", "high"]].notna().all(axis=1)]
    around = int(((ranged["low"] <= reference) & (ranged["high"] >= reference)).sum())
    line_zh, line_en = ("零", "zero") if reference == 0 else (f" {reference:g}", f"{reference:g}")
    silent = [_row_name(row, names, lang) for _, row in rows[rows["value"].isna()].iterrows()]
    tested = ranged[ranged["truth"].notna()]
    hit = int(((tested["low"] <= tested["truth"]) & (tested["truth"] <= tested["high"])).sum())
    if lang == "zh":
        text = f"森林图，{len(rows)} 行，{value_words[at]}。最高 {high}（{high_name}），最低 {low}（{low_name}）。"
        text += f"{len(ranged)} 个区间中 {around} 个含{line_zh}。" if len(ranged) else ""
        text += f"{truth_words[at]}落在 {len(tested)} 个区间中的 {hit} 个之内。" if len(tested) else ""
        return text + (f"没有数字的：{'、'.join(silent)}。" if silent else "")
    text = f"Forest plot, {len(rows)} row{'s' if len(rows) > 1 else ''}: {value_words[at]}. "
    text += f"Highest {high} ({high_name}), lowest {low} ({low_name})."
    text += f" {around} of {len(ranged)} intervals contain {line_en}." if len(ranged) else ""
    text += f" {truth_words[at]} inside {hit} of {len(tested)} intervals." if len(tested) else ""
    return text + (f" Without a number: {'; '.join(silent)}." if silent else "")


def _row_name(row: pd.Series, names: Names | None, lang: str) -> str:
    parts = [name_of(key, names, lang) for key in (row["group"], row["label"]) if key != ""]
    return {"zh": "，", "en": ", "}[lang].join(parts)


def _forest_table(lines, names, unit_currency, heads, lang) -> pd.DataFrame:
    """As drawn: group, label, value, both ends; a truth is a row of its own."""
    (unit, currency), at, made, group = unit_currency, words.LANGUAGES.index(lang), [], ""
    label_words, group_words, value_words, truth_words = (both[at] for both in heads)
    low_words, high_words = {"zh": ("下限", "上限"), "en": ("lower end", "upper end")}[lang]
    for kind, what in lines:
        if kind == "group":
            group = name_of(what, names, lang)
        elif kind == "truth":
            made.append({label_words: truth_words, value_words: number_text(what[0], unit, lang, currency)})
        else:
            made.append({group_words: group, label_words: name_of(what["label"], names, lang)})
            made[-1][value_words] = number_text(what["value"], unit, lang, currency) or reason(what["refused"], lang)
            made[-1][low_words] = end_text(what["low"], unit, lang, currency)
            made[-1][high_words] = end_text(what["high"], unit, lang, currency)
    columns = [*([group_words] if group else []), label_words, value_words]
    if any(kind == "row" and not math.isnan(what["low"]) for kind, what in lines):
        columns += [low_words, high_words]
    return pd.DataFrame(made).reindex(columns=columns).fillna("")


def love(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    n: int,
    title_zh: str,
    title_en: str,
    covariate: str = "covariate",
    before: str = "smd_before",
    after: str = "smd_after",
    names: Names | None = None,
    shown: int = SHOWN,
    value_words: Both = ("标准化均值差", "Standardised mean difference"),
    before_words: Both = ("加权前", "Before weighting"),
    after_words: Both = ("加权后", "After weighting"),
    label_words: Both = ("加入前的特征", "Covariate before joining"),
    source: str = "orders",
) -> None:
    """Show how unlike joiners and comparators are in each covariate, before and after weighting: a love plot.

    table (one row per covariate, as `pool_effect.balance` returns it)  ->  one picture per language

    Parameters
    ----------
    covariate, before, after : str
        Columns: the covariate and its standardised mean difference before and after. Blank has no mark; an infinite
        one, where a covariate is constant in both groups but not the same, is an arrow at the edge.
    n : int
        Rows or customers compared.
    names : dict of key -> (zh, en), optional
        Names of the covariates. Rows are by the size of the difference before, whatever their order here.
    shown : int
        Rows at most; how many more there are, and how unlike at most, is said below the picture. A row that is still
        out of balance after weighting is shown before one that is not.

    Raises
    ------
    ValueError
        A covariate comes twice.
    """
    need(table, covariate, before, after)
    rows = pd.DataFrame({"key": table[covariate].to_numpy(), "before": table[before], "after": table[after]})
    rows = rows.astype({"before": float, "after": float}).reset_index(drop=True)
    if rows[["before", "after"]].isna().all(axis=None):
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    if rows["key"].duplicated().any():
        raise ValueError("a covariate stands in the table twice: give it one row")
    rows["rank"] = [str(key) for key in rows["key"]]
    sizes = rows.assign(size=rows["before"].abs().fillna(-1), off=rows["after"].abs().gt(BALANCED))
    by_size = sizes.sort_values(["size", "rank"], ascending=[False, True])
    kept = sizes.sort_values(["off", "size", "rank"], ascending=[False, False, True]).index[:shown]
    drawn, rest = by_size[by_size.index.isin(kept)], by_size[~by_size.index.isin(kept)]
    both = (before_words, after_words)
    show(
        ledger,
        lambda lang: _draw_love(drawn, names, both, value_words, lang),
        title=(title_zh, title_en),
        unit=value_words,
        n=int(n),
        note=notes(("虚线：±0.1，之内视为平衡", "dashed: ±0.1, balanced within"), _rest(rest)),
        alt=tuple(_love_alt(by_size, names, value_words, both, lang) for lang in words.LANGUAGES),
        table=lambda lang: pd.DataFrame(
            {
                label_words[words.LANGUAGES.index(lang)]: [name_of(key, names, lang) for key in by_size["key"]],
                **{
                    said[words.LANGUAGES.index(lang)]: [_difference(value) for value in by_size[column]]
                    for column, said in zip(("before", "after"), both, strict=True)
                },
            }
        ),
        source=source,
    )


def _rest(rest: pd.DataFrame) -> Both | None:
    """How many covariates are not drawn, and how unlike they are at most."""
    if rest.empty:
        return None
    most = [_difference(rest[column].abs().max()) or "0.00" for column in ("before", "after")]
    return (
        f"另有 {len(rest)} 个特征未画，差异不超过 {most[0]}（前）和 {most[1]}（后）",
        f"{len(rest)} more not drawn, at most {most[0]} before and {most[1]} after",
    )


def _difference(value: float) -> str:
    """A standardised difference with two decimals.

    >>> _difference(-0.004), _difference(0.126), _difference(float("inf")), _difference(float("nan"))
    ('0.00', '0.13', '∞', '')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return "" if math.isnan(value) else f"{value:.2f}".replace("-0.00", "0.00")


def _draw_love(
    rows: pd.DataFrame, names: Names | None, both: tuple[Both, Both], value_words: Both, lang: str
) -> Figure:
    heads = [fonts.wrap(drawn_name(key, names, lang), NAMES, NAME, lang, lines=2, even=True) for key in rows["key"]]
    texts = [f"{_difference(b) or '–'} → {_difference(a) or '–'}" for b, a in rows[["before", "after"]].to_numpy()]
    figure, axes = rows_plot(heads, texts, ROW, lang, snug=True)
    seen = rows[["before", "after"]].to_numpy()
    seen = np.r_[seen[np.isfinite(seen)], 1.6 * BALANCED, -1.6 * BALANCED]
    room = 0.06 * np.ptp(seen)
    left, right = seen.min() - room, seen.max() + room
    axes.set_xlim(left, right)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    for at in (-BALANCED, BALANCED):
        axes.axvline(at, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    looks = {"before": {"markerfacecolor": "white"}, "after": {"markerfacecolor": SERIES[0]}}
    how = {"marker": "o", "markersize": MARK + 0.5, "linestyle": "none", "color": SERIES[0], "markeredgewidth": 1.3}
    for y, row in enumerate(rows[["before", "after"]].to_dict("records")):
        ends = [min(max(value, left), right) for value in row.values() if not math.isnan(value)]
        axes.plot([min(ends, default=0), max(ends, default=0)], [y, y], color=TOTAL, linewidth=1.2, zorder=2)
        for column, value in row.items():
            if math.isinf(value):
                arrow = {"marker": ">" if value > 0 else "<", "zorder": 3}
                axes.plot([right - room / 2 if value > 0 else left + room / 2], [y], **how | looks[column] | arrow)
            elif not math.isnan(value):
                axes.plot([value], [y], **how | looks[column], clip_on=False, zorder=3 + (column == "after"))
        _say(axes, y, texts[y])
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text("number", lang, right - left)))
    axes.set_xlabel(one(value_words, lang))
    handles = [Line2D([], [], **how | look) for look in looks.values()]
    legend_above(axes, handles, [one(said, lang) for said in both], lang, 3.4)
    return figure


def _love_alt(rows, names, value_words, both, lang) -> str:
    at = words.LANGUAGES.index(lang)
    counts = [int(rows[column].abs().gt(BALANCED).sum()) for column in ("before", "after")]
    worst = []
    for column in ("before", "after"):
        sizes = rows[column].abs()
        key = rows["key"][sizes.idxmax()] if sizes.notna().any() else None
        worst.append(
            (_difference(rows[column][sizes.idxmax()]), name_of(key, names, lang)) if key is not None else ("", "")
        )
    (before, before_name), (after, after_name) = worst
    if lang == "zh":
        text = f"平衡性图，{len(rows)} 个特征，{value_words[at]}。{both[0][at]}有 {counts[0]} 个超出 ±0.1"
        text += f"，最大 {before}（{before_name}）" if before else ""
        text += f"；{both[1][at]}有 {counts[1]} 个超出"
        return text + (f"，最大 {after}（{after_name}）。" if after else "。")
    text = f"Love plot of {len(rows)} covariates: {value_words[at].lower()}. {both[0][at]}, {counts[0]} beyond ±0.1"
    text += f", the largest {before} ({before_name})" if before else ""
    text += f"; {both[1][at].lower()}, {counts[1]}"
    return text + (f", the largest {after} ({after_name})." if after else ".")
