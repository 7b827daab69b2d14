"""Mirrored histograms: had joiners and comparators the same chances of joining?"""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts.colours import GRID, INK, SERIES
from siyu_helpers.reporting.charts.frame import Both, legend_above, need, one, plot, say_nothing_to_draw, show
from siyu_helpers.reporting.charts.numerals import axis_text, number_text
from siyu_helpers.reporting.ledger import Ledger

#: Inches of the axes: with their labels a phone shows them whole.
ACROSS, UP = 4.6, 2.6
#: Scores whose largest is so many times their smallest are drawn on a logarithmic axis.
LOGARITHMIC = 20


def overlap(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    low: str = "score_low",
    high: str = "score_high",
    joined: str = "share_treated",
    compared: str = "share_comparators_weighted",
    unweighted: str | None = "share_comparators",
    n: int,
    title_zh: str,
    title_en: str,
    x_words: Both = ("每周加入的概率（倾向得分）", "Weekly chance of joining (propensity score)"),
    joined_words: Both = ("加入者", "Joiners"),
    compared_words: Both = ("对照客户（加权后）", "Comparators, weighted"),
    unweighted_words: Both = ("对照客户（加权前）", "Comparators, before weighting"),
    source: str = "orders",
) -> None:
    """Show whether joiners and comparators had the same chances of joining: one above the line, the other below.

    table (one row per bin of the score, as `pool_effect.overlap` returns it)  ->  one picture per language

    Parameters
    ----------
    low, high : str
        Columns: the ends of a bin, from 0 to 1. Drawn on a logarithmic axis where they span more than twentyfold.
    joined, compared : str
        Columns: how many joiners lie in it, and how much weight of comparators, as counts or shares. Each is drawn as a
        share of its own total.
    unweighted : str or None
        Column of comparators before weighting, drawn as an outline; None: not drawn.
    n : int
        Rows or customers compared.
    """
    counts = {"joined": joined, "compared": compared} | ({"unweighted": unweighted} if unweighted else {})
    need(table, low, high, *counts.values())
    rows = table[[low, high, *counts.values()]].astype(float).set_axis(["low", "high", *counts], axis=1)
    rows = rows.sort_values("low", ignore_index=True)
    totals = rows[list(counts)].sum()
    if not (totals > 0).all():
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    rows[list(counts)] = rows[list(counts)] / totals
    said = {"joined": joined_words, "compared": compared_words, "unweighted": unweighted_words}
    said = {key: said[key] for key in counts}
    value_words = ("占各自的份额", "Share of each")
    show(
        ledger,
        lambda lang: _draw_overlap(rows, said, (x_words, value_words), lang),
        title=(title_zh, title_en),
        unit=("占各自的份额（%）", "Share of each, %"),
        n=int(n),
        note=None,
        alt=tuple(_overlap_alt(rows, said, x_words, lang) for lang in words.LANGUAGES),
        table=lambda lang: pd.DataFrame(
            {x_words[words.LANGUAGES.index(lang)]: [_bin(*ends) for ends in rows[["low", "high"]].to_numpy()]}
            | {
                both[words.LANGUAGES.index(lang)]: [number_text(share, "share", lang) for share in rows[key]]
                for key, both in said.items()
            }
        ),
        source=source,
    )


def _percent(share: float) -> str:
    """A chance with two digits at most.

    >>> _percent(0.0001), _percent(0.0034), _percent(0.25), _percent(1.0)
    ('0.01%', '0.34%', '25%', '100%')
    """
    return f"{float(f'{share * 100:.2g}'):g}%"


def _bin(low: float, high: float) -> str:
    return f"{_percent(low)}–{_percent(high)}"


def _draw_overlap(rows, said, axis_words, lang) -> Figure:
    figure, axes = plot(ACROSS, UP, fill=True)
    edges, logarithmic = _edges(rows)
    looks = {
        "joined": {"facecolor": SERIES[0], "edgecolor": "white", "linewidth": 0.6},
        "compared": {"facecolor": "white", "edgecolor": SERIES[1], "hatch": "//////", "linewidth": 0.8},
    }
    left, wide = edges[:, 0], edges[:, 1] - edges[:, 0]
    for key, sign in (("joined", 1), ("compared", -1)):
        axes.bar(left, sign * rows[key].fillna(0), width=wide, align="edge", **looks[key])
    handles = {key: Rectangle((0, 0), 1, 1, **look) for key, look in looks.items()}
    if "unweighted" in rows:
        heights = -rows["unweighted"].fillna(0).to_numpy()
        handles["unweighted"] = Line2D([], [], color=INK, linewidth=1.4)
        axes.plot(np.ravel(edges), np.repeat(heights, 2), color=INK, linewidth=1.4, zorder=3)
    axes.axhline(0, color=INK, linewidth=1, zorder=3)
    most = rows[list(said)].max().max() * 1.06
    axes.set(ylim=(-most, most), xlim=(edges.min(), edges.max()))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    percent = axis_text("share", lang, most)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda at, _: percent(abs(at), _)))
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(edges.min(), edges.max())
        axes.xaxis.set_major_locator(FixedLocator(_decades(edges.min(), edges.max())))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _percent(at)))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["right", "top"]].set_visible(False)
    axes.set_xlabel(one(axis_words[0], lang))
    axes.set_ylabel(one(axis_words[1], lang))
    legend_above(axes, [handles[key] for key in said], [one(both, lang) for both in said.values()], lang, ACROSS)
    return figure


def _edges(rows: pd.DataFrame) -> tuple[np.ndarray, bool]:
    """Ends of the bins, and whether the axis is logarithmic; a bin from zero is then as wide as the next."""
    edges = rows[["low", "high"]].to_numpy(copy=True)
    positive = edges[edges > 0]
    logarithmic = len(positive) > 0 and positive.max() / positive.min() >= LOGARITHMIC and (edges >= 0).all()
    if logarithmic and edges[0, 0] == 0:
        step = edges[1, 1] / edges[1, 0] if len(edges) > 1 else 10
        edges[0, 0] = edges[0, 1] / step
    return edges, logarithmic


def _decades(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis: powers of ten, and three times them where there are few.

    >>> _decades(0.0001, 0.3), _decades(0.02, 0.9)
    ([0.0001, 0.001, 0.01, 0.1], [0.03, 0.1, 0.3])
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    tens = [10.0**power for power in powers]
    inside = [float(f"{at:.3g}") for at in tens if low * 0.999 <= at <= high * 1.001]
    if len(inside) >= 3:
        return inside
    return [float(f"{at:.3g}") for ten in tens for at in (ten, 3 * ten) if low * 0.999 <= at <= high * 1.001]


def _overlap_alt(rows: pd.DataFrame, said: dict[str, Both], x_words: Both, lang: str) -> str:
    at = words.LANGUAGES.index(lang)
    common = number_text(float(rows[["joined", "compared"]].min(axis=1).sum()), "share", lang)
    raw = float(rows[["joined", "unweighted"]].min(axis=1).sum()) if "unweighted" in rows else math.nan
    told = []
    for key, both in said.items():
        most = rows.loc[rows[key].idxmax()]
        pair = (both[at], _bin(most["low"], most["high"]))
        told.append("{}最多在 {}".format(*pair) if lang == "zh" else "{}: most at {}".format(*pair))
    if lang == "zh":
        text = f"上下对照的直方图，横轴为{x_words[at]}，{len(rows)} 组。{'；'.join(told)}。两者重合 {common}"
        return text + (f"（加权前 {number_text(raw, 'share', lang)}）。" if not math.isnan(raw) else "。")
    text = f"Mirrored histograms of {x_words[at].lower()}, {len(rows)} bins. {'; '.join(told)}. In common {common}"
    return text + (f" (before weighting {number_text(raw, 'share', lang)})." if not math.isnan(raw) else ".")
