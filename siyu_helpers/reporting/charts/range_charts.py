"""Ranges: one row a channel with a mark for each rule, alone or beside what is known to be true."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, GRID, INK, LINE, SERIES, TOTAL
from siyu_helpers.reporting.charts.frame import (
    WHOLE,
    Both,
    Names,
    drawn_name,
    in_order,
    name_of,
    need,
    notes,
    one,
    plot,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.charts.numerals import axis_text, number_text
from siyu_helpers.reporting.ledger import Ledger

#: Shapes of the rules in their order, told apart without colours.
MARKS = ("<", ">", "^", "o", "s", "D", "P", "X", "v", "p", "*", "h")
#: Inches: the longest line of a name, a mark with its surroundings, a row at least; points: names, values, a mark.
NAME_ROOM, ASIDE, ROW = 1.35, 0.078, 0.3
NAME, VALUE, MARK = 9, 8.5, 5.6
#: Marks at one place are stacked at most so many high: up to as many rows, and in a longer picture.
STACKED, ROWS, STACKED_LONG = 5, 15, 3
RANGE_WORDS = ("最低–最高", "lowest–highest")


def ranges(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    label: str = "channel",
    group: str = "rule",
    value: str = "share",
    n: int,
    title_zh: str,
    title_en: str,
    value_words: Both = ("占订单的份额", "Share of orders"),
    names: Names | None = None,
    group_names: Names | None = None,
    interval_of: Any = None,
    low: str = "low",
    high: str = "high",
    order: Sequence[Any] | None = None,
    label_words: Both = ("渠道", "Channel"),
    source: str = "touchpoints+orders",
) -> None:
    """Show how much depends on the rule: a line from the lowest to the highest share, with a mark for each rule.

    table (one row per channel and rule)  ->  one picture per language

    Parameters
    ----------
    label, group, value : str
        Columns: the channel, the rule and its share (0.2 is 20%). A blank share has no mark.
    n : int
        Journeys or orders in all.
    names, group_names : dict of key -> (zh, en)
        Names of channels and rules. Shapes and colours of the rules go by their order in `group_names`, so that a rule
        looks the same in all charts of a page; at most twelve.
    interval_of : rule, optional
        The rule whose interval, columns `low` and `high`, is drawn as a pale bar.
    order : channels, optional
        Rows from top to bottom; without it, by the middle of their range, largest first.

    Raises
    ------
    ValueError
        A channel and rule come twice, there are more than twelve rules, or `interval_of` is none of them.
    """
    columns = _columns(label, group, value, (low, high) if interval_of is not None else None, None)
    _show_ranges(
        ledger, table, columns, n, (title_zh, title_en), value_words, (names, group_names), interval_of, order,
        None, label_words, source,
    )  # fmt: skip


def against(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    truth: str,
    label: str = "channel",
    group: str = "rule",
    value: str = "share",
    n: int,
    title_zh: str,
    title_en: str,
    truth_words: Both = ("真实增量", "True incremental share"),
    value_words: Both = ("占订单的份额", "Share of orders"),
    names: Names | None = None,
    group_names: Names | None = None,
    order: Sequence[Any] | None = None,
    label_words: Both = ("渠道", "Channel"),
    source: str = "touchpoints+orders",
) -> None:
    """Show the credit that each rule gives beside the truth: marks of the rules, and a black bar where the truth is.

    table (one row per channel and rule)  ->  one picture per language

    Parameters
    ----------
    truth : str
        Column: the true share of the channel, the same in all of its rows; below zero where a channel costs orders,
        blank where it is not known.
    truth_words : (zh, en)
        What the truth is called.

    Everything else as in `ranges`.

    Raises
    ------
    ValueError
        A channel has two truths, or as in `ranges`.
    """
    columns = _columns(label, group, value, None, truth)
    _show_ranges(
        ledger, table, columns, n, (title_zh, title_en), value_words, (names, group_names), None, order,
        truth_words, label_words, source,
    )  # fmt: skip


def _columns(label: str, group: str, value: str, ends: tuple[str, str] | None, truth: str | None) -> dict[str, str]:
    """Columns of the chart -> columns of the table."""
    columns = {"label": label, "group": group, "value": value}
    columns |= {"low": ends[0], "high": ends[1]} if ends else {}
    return columns | ({"truth": truth} if truth else {})


def _show_ranges(
    ledger, table, columns, n, title, value_words, both_names, interval_of, order, truth_words, label_words, source
) -> None:
    need(table, *columns.values())
    rows = pd.DataFrame({ours: table[theirs].to_numpy() for ours, theirs in columns.items()})
    for column in {"value", "low", "high", "truth"} & set(rows):
        rows[column] = rows[column].astype(float).where(lambda x: np.isfinite(x))
    if rows["value"].isna().all():
        say_nothing_to_draw(ledger, *title, table.attrs.get("refused"))
        return
    group_names = both_names[1]
    rules = in_order(rows["group"], group_names)
    _check(rows, rules, interval_of)
    labels = _ordered(rows, order)
    looks = _looks(rules, group_names)
    picture = (rows, labels, rules, looks, both_names, interval_of, truth_words)
    barred = (
        interval_of is not None and rows.loc[rows["group"] == interval_of, ["low", "high"]].notna().all(axis=1).any()
    )
    show(
        ledger,
        lambda lang: _draw(*picture, value_words, lang),
        title=title,
        unit=tuple(f"{said}{after}" for said, after in zip(value_words, ("（%）", ", %"), strict=True)),
        n=int(n),
        note=notes(_bar_note(ledger, interval_of, group_names) if barred else None),
        alt=tuple(_alt(*picture, value_words, lang) for lang in words.LANGUAGES),
        table=lambda lang: _table(*picture, label_words, lang),
        source=source,
    )


def _bar_note(ledger: Ledger, rule: Any, names: Names | None) -> Both:
    level = words.level_text(ledger.level)
    return (
        f"浅色条：{name_of(rule, names, 'zh')}的 {level} 区间",
        f"pale bar: {level} interval of {name_of(rule, names, 'en')}",
    )


def _check(rows: pd.DataFrame, rules: list, interval_of: Any) -> None:
    if rows.duplicated(["label", "group"]).any():
        raise ValueError("a row of the chart stands in the table twice: give each channel and rule one share")
    if len(rules) > len(MARKS):
        raise ValueError(f"{len(rules)} rules cannot be told apart: draw at most {len(MARKS)}")
    if interval_of is not None and interval_of not in rules:
        raise ValueError(f"interval_of is {interval_of!r}, which is none of the rules of the table")
    if "truth" in rows and (rows.groupby("label")["truth"].nunique() > 1).any():
        raise ValueError("a channel has two truths in the table: give it the same in all of its rows")


def _ordered(rows: pd.DataFrame, order: Sequence[Any] | None) -> list[Any]:
    there = list(dict.fromkeys(rows["label"]))
    if order is not None:
        return [*(key for key in order if key in there), *(key for key in there if key not in list(order))]
    ends = rows.groupby("label", sort=False)["value"].agg(["min", "max"])
    middles = ends.sum(axis=1, min_count=1).fillna(-np.inf)
    return sorted(there, key=lambda key: (-middles[key], -ends["max"].fillna(-np.inf)[key], str(key)))


def _looks(rules: list, names: Names | None) -> dict[Any, tuple[str, str]]:
    """Shape and colour of each rule, by its place among all that have a name."""
    known = [*(names or {}), *(rule for rule in rules if rule not in (names or {}))]
    known = known if len(known) <= len(MARKS) else rules
    return {rule: (MARKS[known.index(rule)], SERIES[known.index(rule) % len(SERIES)]) for rule in rules}


def _draw(rows, labels, rules, looks, both_names, interval_of, truth_words, value_words, lang) -> Figure:
    names, group_names = both_names
    heads = [
        fonts.wrap(drawn_name(key, names, lang), NAME_ROOM, NAME, lang, lines=2, even=lang == "zh") for key in labels
    ]
    by_label = dict(iter(rows.groupby("label", sort=False)))
    beside = max(fonts.width(line, NAME, lang) for head in heads for line in head.split("\n"))
    texts = [_range_text(by_label[key], lang) for key in labels]
    truths = [_truth_text(by_label[key], lang) for key in labels]
    behind = max(fonts.width(text, VALUE, lang, bold=True) for text in [*texts, *truths])
    across = max(WHOLE - beside - behind - 0.3, 1.6)
    left, right = _limits(rows)
    most = STACKED if len(labels) <= ROWS else STACKED_LONG
    stacks = [_stacked(by_label[key], rules, (right - left) / across, most) for key in labels]
    # Only names, values and marks that need room get it: eight rules that agree are a low row too.
    heights = [
        max(ROW, 0.15 * (head.count("\n") + 1) + 0.06, 0.3 + 0.06 if truth else 0, ASIDE * _levels(stack) + 0.12)
        for head, truth, stack in zip(heads, truths, stacks, strict=True)
    ]
    middles = np.cumsum(heights) - np.array(heights) / 2
    figure, axes = plot(across, sum(heights), fill=True)
    axes.set(xlim=(left, right), ylim=(sum(heights), 0))
    for y, text, truth in zip(middles, texts, truths, strict=True):
        _say_values(axes, y, text, truth)
    _lines(axes, stacks, middles)
    _marks(axes, stacks, middles, looks)
    _bars(axes, [by_label[key] for key in labels], middles, looks, interval_of)
    _truths(axes, [by_label[key] for key in labels], middles, heights)
    for y in np.cumsum(heights)[:-1]:
        axes.axhline(y, color=GRID, linewidth=0.7, zorder=0)
    _axes_of_ranges(axes, middles, heads, (left, right), value_words, lang)
    _legend(axes, looks, group_names, truth_words if "truth" in rows else None, (beside, across, behind), lang)
    return figure


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: zero and all that is drawn, with a little room."""
    numbers = rows[[column for column in ("value", "low", "high", "truth") if column in rows]].to_numpy(dtype=float)
    low, high = min(np.nanmin(numbers), 0.0), max(np.nanmax(numbers), 0.0)
    span = high - low or 1.0
    return low - 0.04 * span, high + 0.04 * span


def _stacked(rows: pd.DataFrame, rules: list, per_inch: float, most: int) -> dict[Any, tuple[float, int]]:
    """The share of each rule and how many marks above (below) the line it stands, so that none hides another."""
    shares = rows.dropna(subset=["value"]).set_index("group")["value"]
    placed: dict[Any, tuple[float, int]] = {}
    levels = sorted(range(-(most // 2), most // 2 + 1), key=lambda level: (abs(level), level))
    for rule in sorted(shares.index, key=lambda rule: (shares[rule], rules.index(rule))):
        room = {
            level: min((abs(shares[rule] - x) / per_inch for x, at in placed.values() if at == level), default=math.inf)
            for level in levels
        }
        free = [level for level in levels if room[level] >= ASIDE]
        placed[rule] = (shares[rule], free[0] if free else max(levels, key=room.get))
    return placed


def _levels(stack: dict) -> int:
    return 2 * max((abs(level) for _, level in stack.values()), default=0) + 1


def _lines(axes: Any, stacks: list[dict], middles: Any) -> None:
    """From the lowest to the highest share of each row."""
    for stack, y in zip(stacks, middles, strict=True):
        shares = [share for share, _ in stack.values()]
        if shares:
            axes.plot([min(shares), max(shares)], [y, y], color=TOTAL, linewidth=1.3, zorder=2, solid_capstyle="butt")


def _marks(axes: Any, stacks: list[dict], middles: Any, looks: dict) -> None:
    for rule, (shape, colour) in looks.items():
        seen = [(*stack[rule], y) for stack, y in zip(stacks, middles, strict=True) if rule in stack]
        if seen:
            shares, levels, rows = map(np.array, zip(*seen, strict=True))
            # All marks of a rule at once: forty channels with eight rules would take half a second one by one.
            axes.plot(
                shares, rows + levels * ASIDE, shape, color=colour, markersize=_size(shape), markeredgecolor="white",
                markeredgewidth=0.4, zorder=4, clip_on=False,
            )  # fmt: skip


def _size(shape: str) -> float:
    """Points of a mark: crosses have less ink than what is filled."""
    return {"P": 6.8, "X": 6.4, "D": 5.0}.get(shape, MARK)


def _bars(axes: Any, parts: list[pd.DataFrame], middles: Any, looks: dict, interval_of: Any) -> None:
    """The interval of one rule, pale, behind its mark."""
    if interval_of is None:
        return
    for rows, y in zip(parts, middles, strict=True):
        for low, high in rows.loc[rows["group"] == interval_of, ["low", "high"]].dropna().to_numpy(dtype=float):
            how = {"color": looks[interval_of][1], "alpha": 0.25, "linewidth": 0, "zorder": 1}
            axes.add_patch(Rectangle((low, y - 0.1), high - low, 0.2, **how))


def _truths(axes: Any, parts: list[pd.DataFrame], middles: Any, heights: list[float]) -> None:
    for rows, y, high in zip(parts, middles, heights, strict=True):
        for truth in rows["truth"].dropna().iloc[:1] if "truth" in rows else ():
            half = high / 2 - 0.035
            axes.plot([truth, truth], [y - half, y + half], color="white", linewidth=4.6, zorder=2.5)
            how = {"color": INK, "linewidth": 2.8, "zorder": 3, "solid_capstyle": "butt"}
            axes.plot([truth, truth], [y - half, y + half], **how)


def _range_text(rows: pd.DataFrame, lang: str) -> str:
    """Lowest and highest share; one number where the rules agree."""
    shares = rows["value"].dropna()
    if shares.empty:
        return {"zh": "不给出", "en": "not given"}[lang]
    low, high = (_tenths(end).rstrip("%") for end in (shares.min(), shares.max()))
    if low == high:
        return f"{high}%"
    return f"{low}–{high}%" if float(low) >= 0 else {"zh": f"{low}% 至 {high}%", "en": f"{low}% to {high}%"}[lang]


def _tenths(share: float) -> str:
    """A share with one decimal; what rounds to zero has no sign, a blank stays blank.

    >>> _tenths(-0.0004), _tenths(-0.0312), _tenths(float("nan"))
    ('0.0%', '-3.1%', '')
    """
    return "" if math.isnan(share) else f"{share:.1%}".replace("-0.0%", "0.0%")


def _truth_text(rows: pd.DataFrame, lang: str) -> str:
    if "truth" not in rows:
        return ""
    known = rows["truth"].dropna()
    return _tenths(known.iloc[0]) if len(known) else {"zh": "不知道", "en": "not known"}[lang]


def _say_values(axes: Any, y: float, text: str, truth: str) -> None:
    how = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": VALUE}
    axes.text(1.02, y - (0.075 if truth else 0), fonts.plain(text), **how)
    if truth:
        axes.text(1.02, y + 0.075, fonts.plain(truth), weight="bold", **how)


def _axes_of_ranges(axes: Any, middles: Any, heads: list[str], limits: tuple, value_words: Both, lang: str) -> None:
    left, right = limits
    axes.set_yticks(middles, [fonts.plain(head) for head in heads], fontsize=NAME, color=INK, linespacing=1.1)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(axis_text("share", lang, right - left)))
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
    axes.set_xlabel(one(value_words, lang))


def _legend(axes: Any, looks: dict, names: Names | None, truth_words: Both | None, widths: tuple, lang: str) -> None:
    """The rules over the whole picture, in as many columns as fit; what stands behind the rows says so in its head."""
    beside, across, behind = widths
    edge = {"linestyle": "none", "markeredgecolor": "white", "markeredgewidth": 0.4}
    handles = [
        Line2D([], [], marker=shape, color=colour, markersize=_size(shape) + 0.5, **edge)
        for shape, colour in looks.values()
    ]
    labels = [drawn_name(rule, names, lang) for rule in looks]
    if truth_words:
        handles.append(Line2D([], [], marker="|", color=INK, linestyle="none", markersize=11, markeredgewidth=2.8))
        labels.append(one(truth_words, lang))
    room = beside + across + behind
    columns = _fitting([fonts.width(label, VALUE, lang) + 0.36 for label in labels], room)
    high = axes.get_ylim()[0]
    how = {"ha": "right", "va": "bottom", "fontsize": 7.8, "color": FAINT, "transform": axes.transAxes}
    heads = [(one(RANGE_WORDS, lang), "normal"), *([(one(truth_words, lang), "bold")] if truth_words else [])]
    for line, (said, weight) in enumerate(reversed(heads)):
        axes.text(1.02 + behind / across, 1 + (0.04 + 0.14 * line) / high, fonts.plain(said), weight=weight, **how)
    over = 0.12 + 0.14 * len(heads)
    axes.legend(
        handles, [fonts.plain(label) for label in labels], frameon=False, fontsize=VALUE, ncols=columns,
        loc="lower left", bbox_to_anchor=(-(beside + 0.05) / across, 1 + over / high), borderaxespad=0,
        borderpad=0, handlelength=1.1, handletextpad=0.45, columnspacing=1.1, labelspacing=0.35,
    )  # fmt: skip


def _fitting(widths: list[float], room: float) -> int:
    """Columns of a legend that is filled downwards, each as wide as its widest entry, with hardly a gap at its end."""
    for deep in range(1, len(widths)):
        columns = -(-len(widths) // deep)
        if sum(max(part) for part in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def _ends(rows: pd.DataFrame, labels: list, both_names: tuple, lang: str) -> dict[Any, tuple]:
    """Of each channel with a share: lowest and highest share, each with the rule that gives it."""
    ends = {}
    for key in labels:
        shares = rows[(rows["label"] == key) & rows["value"].notna()].set_index("group")["value"]
        if len(shares):
            low, high = shares.idxmin(), shares.idxmax()
            ends[key] = (shares[low], shares[high], *(name_of(rule, both_names[1], lang) for rule in (low, high)))
    return ends


def _alt(rows, labels, rules, looks, both_names, interval_of, truth_words, value_words, lang) -> str:
    ends = _ends(rows, labels, both_names, lang)
    first = next(key for key in labels if key in ends)
    widest = max(ends, key=lambda key: ends[key][1] - ends[key][0])
    called = {key: name_of(key, both_names[0], lang) for key in labels}

    def said(key: Any) -> str:
        low, high, low_rule, high_rule = ends[key]
        if number_text(low, "share", lang) == number_text(high, "share", lang):
            return f"{called[key]} {number_text(low, 'share', lang)}"
        if lang == "zh":
            return f"{called[key]} {_tenths(low)}（{low_rule}）至 {_tenths(high)}（{high_rule}）"
        return f"{called[key]} {_tenths(low)} ({low_rule}) to {_tenths(high)} ({high_rule})"

    if lang == "zh":
        text = f"区间图，{len(labels)} 个渠道，{len(rules)} 种规则，{value_words[0]}。最大的渠道：{said(first)}"
        text += "，区间也最宽。" if first == widest else f"。最取决于规则的：{said(widest)}。"
    else:
        text = f"Ranges of {len(labels)} channels under {len(rules)} rules: {value_words[1].lower()}. "
        text += f"Largest channel: {said(first)}"
        text += ", also the widest range." if first == widest else f". Most dependent on the rule: {said(widest)}."
    return text if truth_words is None else text + _truth_alt(rows, ends, called, truth_words, lang)


def _truth_alt(rows: pd.DataFrame, ends: dict, called: dict, truth_words: Both, lang: str) -> str:
    """Which channels every rule credits with too much, and with too little."""
    truths = rows.dropna(subset=["truth"]).groupby("label", sort=False)["truth"].first()
    known = [key for key in ends if key in truths]
    # As they are read: what differs in digits that are not shown is not wrong.
    over = [key for key in known if round(truths[key], 3) < round(ends[key][0], 3)]
    under = [key for key in known if round(truths[key], 3) > round(ends[key][1], 3)]
    between = len(known) - len(over) - len(under)

    def listed(keys: list) -> str:
        ranked = sorted(keys, key=lambda key: -max(ends[key][0] - truths[key], truths[key] - ends[key][1]))
        told = [f"{called[key]} {_tenths(truths[key])}" for key in ranked[:4]]
        if lang == "zh":
            return ("、".join(told) + (f"等 {len(keys)} 个" if len(keys) > 4 else "")) or "没有"
        return (", ".join(told) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")) or "none"

    name = truth_words[words.LANGUAGES.index(lang)]
    if lang == "zh":
        return f"{name}低于全部规则的：{listed(over)}；高于全部规则的：{listed(under)}；落在规则之间的有 {between} 个。"
    return f" {name} below every rule: {listed(over)}; above every rule: {listed(under)}; between the rules: {between}."


def _table(rows, labels, rules, looks, both_names, interval_of, truth_words, label_words, lang) -> pd.DataFrame:
    """One row a channel: its share under each rule, the interval where one is drawn, and the truth."""
    (names, group_names), at = both_names, words.LANGUAGES.index(lang)
    values = rows.pivot(index="label", columns="group", values="value").reindex(index=labels, columns=rules)
    # Beside a truth that was simulated, finer digits would be noise.
    said = _tenths if truth_words is not None else lambda value: number_text(value, "share", lang)
    made = {label_words[at]: [name_of(key, names, lang) for key in labels]}
    for rule in rules:
        made[name_of(rule, group_names, lang)] = [said(value) for value in values[rule]]
    if interval_of is not None:
        of = rows[rows["group"] == interval_of].set_index("label").reindex(labels)
        head = name_of(interval_of, group_names, lang)
        for end, words_of in (("low", ("下限", "lower end")), ("high", ("上限", "upper end"))):
            made[f"{head} {words_of[at]}"] = [number_text(value, "share", lang) for value in of[end]]
    if truth_words is not None:
        truths = rows.groupby("label")["truth"].first().reindex(labels)
        made[truth_words[at]] = [said(value) for value in truths]
    return pd.DataFrame(made)
