"""Flow pictures: which channels open the journeys, which stand last before their end, and how they end."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from siyu_helpers.reporting import names as page_names
from siyu_helpers.reporting import words
from siyu_helpers.reporting.charts import fonts
from siyu_helpers.reporting.charts.colours import FAINT, INK, LINE, SERIES
from siyu_helpers.reporting.charts.frame import (
    Both,
    Names,
    drawn_name,
    legend_above,
    name_of,
    need,
    notes,
    one,
    plot,
    say_nothing_to_draw,
    show,
)
from siyu_helpers.reporting.ledger import Ledger

#: Inches: the picture without its title, a node, the gap below it, and the room for the last names,
#: which are channels or outcomes.
ACROSS, HIGH, NODE, GAP, BEHIND = 5.25, 4.3, 0.13, 0.09, (1.1, 0.72)
#: Inches below which a ribbon is drawn paler: there are many, and none of them matters.
FAINT_BELOW = 0.035
#: Points of the names beside the nodes, and inches of one line of them.
NAME, LINE_HIGH = 8.2, 0.135
#: A channel with less than this share of the journeys in a column is drawn together with others.
SMALLEST = 0.03
#: Colour and hatching of a domain: the hatching tells them apart on grey paper.
LOOKS = {"public": (SERIES[0], ""), "semi": (SERIES[1], "/////"), "private": (SERIES[2], "xxxxx")}
#: What is drawn that is no channel: the two ends, journeys the table lumps, and a lane past a column.
ORDER, NO_ORDER, REST, LANE = ("end", "order"), ("end", "none"), ("rest", ""), "lane"
HEADS = (("首次触点", "First touch"), ("第二个触点", "Second touch"), ("第三个触点", "Third touch"))
LAST, OUTCOME = ("末次触点", "Last touch"), ("结果", "Outcome")
#: Said under the picture where touches are left out: with two columns, all but the first and the last.
NOT_DRAWN = ("中间的触点不画", "touches in between are not drawn")
SOME_NOT_DRAWN = ("更长的路径略去中间触点", "longer journeys: touches in between left out")
#: Said on the ribbons that run past a column.
PASSING = ("没有更多触点", "no further touch")
#: What the shares are of: journeys with an order, or all of them.
UNIT = (("占下单路径的 %", "% of journeys with an order"), ("占全部路径的 %", "% of all journeys"))
REST_WORDS, ELSEWHERE = ("其他路径", "Other journeys"), ("其他", "Other")
Node = tuple[str, Any]
Namer = Callable[[Node, str], str]


def flows(
    ledger: Ledger,
    table: pd.DataFrame,
    *,
    n: int,
    title_zh: str,
    title_en: str,
    names: Names | None = None,
    domains: Mapping[Any, str] | None = None,
    domain_names: Names = page_names.DOMAINS,
    path: str = "path",
    orders: str = "conversions",
    nulls: str | None = None,
    rest: tuple[float, float] = (0, 0),
    steps: int = 2,
    most: int = 5,
    order_words: Both = ("下单", "Order"),
    null_words: Both = ("未下单", "No order"),
    value_words: Both | None = None,
    source: str = "touchpoints+orders",
) -> None:
    """Show how journeys run from their first touch to their last and to an order, ribbons as wide as they are common.

    table (one row per path, as `channel_attribution.journeys` returns it, or its commonest rows)
    ->  one picture per language

    Parameters
    ----------
    n : int
        Journeys in all.
    path, orders, nulls : str
        Columns: the channels in order (tuple), the journeys along it that ended with an order and, where they are to
        be shown, those that ended without one.
    rest : (with order, without)
        Journeys that the table leaves out; they run through as one grey ribbon.
    steps : 2, 3 or 4
        Columns of touches: the first, then the second and third, then the last. Touches of one channel in a row are
        one; of a longer journey the touches in between are left out; a shorter one runs past the columns it lacks. Two
        are read at a glance on a phone, with four few see more than the commonest.
    most : int
        Channels named in a column; smaller ones are drawn together, by domain where that is large enough.
    value_words : (zh, en), optional
        What the unit line says, where the shares are of something else.
    names, domain_names : dict of key -> (zh, en)
        Names of channels and domains. domains : dict of channel -> "public", "semi", "private"; it gives the colour.

    Raises
    ------
    ValueError
        For less than two or more than four columns; the outcome, shown where there are `nulls`, is one of them.
    """
    need(table, path, orders, nulls)
    if steps not in (2, 3, 4) or (nulls and steps == 4):
        raise ValueError(f"steps is {steps}: a flow picture has 2 to 4 columns, the outcome among them")
    counted = _counted(table, path, orders, nulls, rest)
    total = sum(counted.values())
    if not total > 0:
        say_nothing_to_draw(ledger, title_zh, title_en, table.attrs.get("refused"))
        return
    routes = _routes(counted, dict(domains or {}), steps, most)
    named = {ORDER: order_words, NO_ORDER: null_words, REST: REST_WORDS}
    called = _namer(names, domain_names, named)
    left_out = any(len(touches) > steps for touches, _ in counted)
    show(
        ledger,
        lambda lang: _draw(routes, total, dict(domains or {}), domain_names, called, steps, lang),
        title=(title_zh, title_en),
        unit=value_words or UNIT[bool(nulls)],
        n=int(n),
        note=notes(
            ("同一渠道连续的触点合为一个", "touches of one channel in a row are one"),
            (NOT_DRAWN if steps == 2 else SOME_NOT_DRAWN) if left_out else None,
        ),
        alt=tuple(_alt(routes, total, called, steps, lang) for lang in words.LANGUAGES),
        table=lambda lang: _table(routes, total, called, steps, lang),
        source=source,
    )


def _namer(names: Names | None, domain_names: Names, named: Mapping[Node, Both]) -> Namer:
    """What a node is called in a language: channels and domains as the caller has them, ends in the chart's words."""

    def called(node: Node, lang: str) -> str:
        kind, key = node
        if kind == "channel":
            return name_of(key, names, lang)
        if kind != "other":
            return named[node][words.LANGUAGES.index(lang)]
        other = ELSEWHERE[words.LANGUAGES.index(lang)]
        domain = name_of(key, domain_names, lang) if key else ""
        return f"{other}{domain}" if lang == "zh" or not domain else f"{other} {domain.lower()}"

    return called


def _counted(table: pd.DataFrame, path: str, orders: str, nulls: str | None, rest: tuple) -> Counter:
    """Journeys by (touches without repeats in a row, end)."""
    counted: Counter = Counter()
    for column, end in ((orders, ORDER), (nulls, NO_ORDER)):
        if column is None:
            continue
        for touches, journeys in zip(table[path], table[column].astype(float), strict=True):
            if journeys > 0 and len(touches):
                once = tuple(t for i, t in enumerate(touches) if i == 0 or t != touches[i - 1])
                counted[once, end] += journeys
    for journeys, end in zip(rest, (ORDER, NO_ORDER), strict=True):
        if journeys > 0:
            counted[(REST,), end] += journeys
    return counted


def _routes(counted: Counter, domains: dict, steps: int, most: int) -> Counter:
    """Journeys by route: the node in each column, None where the journey runs past it, and its end."""
    placed: Counter = Counter()
    for (touches, end), journeys in counted.items():
        # A journey of one touch has that touch first and last: both columns hold all journeys.
        between = touches[1 : steps - 1] if len(touches) >= steps else touches[1:-1]
        shown = (touches[0], *between, *(None,) * (steps - 2 - len(between)), touches[-1])
        placed[(*shown, end)] += journeys
    total = sum(placed.values())
    drawn_as = [_lumped(placed, column, domains, SMALLEST * total, most) for column in range(steps)]
    routes: Counter = Counter()
    for route, journeys in placed.items():
        nodes = tuple(None if key is None else drawn_as[at][key] for at, key in enumerate(route[:-1]))
        routes[(*nodes, route[-1])] += journeys
    return routes


def _lumped(placed: Counter, column: int, domains: dict, least: float, most: int) -> dict[Any, Node]:
    """The node of each channel in a column: its own, or one it shares with other small ones."""
    sizes: Counter = Counter()
    for route, journeys in placed.items():
        if route[column] is not None:
            sizes[route[column]] += journeys
    nodes: dict[Any, Node] = {REST: REST} if REST in sizes else {}
    sizes.pop(REST, None)
    ranked = sorted(sizes, key=lambda key: (-sizes[key], str(key)))
    nodes |= {key: ("channel", key) for key in ranked[:most] if sizes[key] >= least}
    small: dict[Any, list] = {}
    for key in ranked:
        if key not in nodes:
            small.setdefault(domains.get(key, ""), []).append(key)
    scattered = [key for keys in small.values() if sum(sizes[key] for key in keys) < least for key in keys]
    for domain, keys in [*((d, k) for d, k in small.items() if k[0] not in scattered), ("", scattered)]:
        shared = ("channel", keys[0]) if len(keys) == 1 else ("other", domain)
        nodes |= dict.fromkeys(keys, shared)
    return nodes


def _domain(node: Node, domains: dict) -> str:
    kind, key = node
    return domains.get(key, "") if kind == "channel" else key if kind == "other" else ""


def _look(node: Node, domains: dict) -> tuple[str, str]:
    if node == ORDER:
        return INK, ""
    return LOOKS.get(_domain(node, domains), (LINE if node in (NO_ORDER, REST) else FAINT, ""))


def _links(routes: Counter) -> tuple[list[Counter], list[Counter]]:
    """Sizes of the nodes of each column, and of the links to the next; a lane past a column is a node of its own."""
    columns = len(next(iter(routes)))
    sizes, links = [Counter() for _ in range(columns)], [Counter() for _ in range(columns - 1)]
    for route, journeys in routes.items():
        laned = []
        for at, node in enumerate(route):
            if node is None:
                before = next(route[i] for i in range(at - 1, -1, -1) if route[i] is not None)
                after = next(route[i] for i in range(at + 1, columns) if route[i] is not None)
                node = (LANE, (before, after))
            laned.append(node)
            sizes[at][node] += journeys
        for at in range(columns - 1):
            links[at][laned[at], laned[at + 1]] += journeys
    return sizes, links


def _column_order(sizes: list[Counter], domains: dict) -> list[list[Node]]:
    """Nodes of each column from top to bottom: public, semi-public, private, the rest, then the lanes past it."""
    everywhere: Counter = Counter()
    for column in sizes:
        everywhere.update(column)
    ranks = {domain: at for at, domain in enumerate(LOOKS)}

    def place(node: Node) -> tuple:
        if node[0] == LANE:
            return (9, *place(node[1][0])[:3], *place(node[1][1])[:3])
        kind = {"channel": 0, "other": 1, "rest": 2, "end": 3}[node[0]]
        domain = 8 if node == REST else ranks.get(_domain(node, domains), 7)
        return (domain, kind, node == NO_ORDER, -everywhere[node], str(node[1]))

    return [sorted(column, key=place) for column in sizes]


def _places(sizes: list[Counter], order: list[list[Node]], total: float) -> tuple[list[dict], float]:
    """Top and bottom of each node, in inches from the top, and inches of the whole picture."""
    gaps = max(sum(_gap(node) > 0 for node in column) for column in order)
    scale = (HIGH - GAP * gaps) / total
    places = []
    for column, nodes in zip(sizes, order, strict=True):
        top, placed = 0.0, {}
        for node in nodes:
            placed[node] = (top, top + column[node] * scale)
            top = placed[node][1] + _gap(node)
        places.append(placed)
    return places, scale


def _gap(node: Node) -> float:
    """Lanes lie side by side as one bundle."""
    return 0.0 if node[0] == LANE else GAP


def _draw(
    routes: Counter, total: float, domains: dict, domain_names: Names, called: Namer, steps: int, lang: str
) -> Figure:
    sizes, links = _links(routes)
    # Where every journey ends with an order, a column that says so would only take room.
    ends = any(route[-1] == NO_ORDER for route in routes)
    sizes, links = (sizes, links) if ends else (sizes[:-1], links[:-1])
    order = _column_order(sizes, domains)
    places, scale = _places(sizes, order, total)
    figure, axes = plot(ACROSS, HIGH, fill=True)
    axes.set(xlim=(0, ACROSS), ylim=(HIGH, 0))
    axes.set_axis_off()
    behind, last = BEHIND[ends], len(sizes) - 1
    pitch = (ACROSS - NODE - behind) / last
    for at, between in enumerate(links):
        _ribbons(axes, between, places[at], places[at + 1], scale, (at * pitch + NODE, (at + 1) * pitch), domains)
    for at, placed in enumerate(places):
        _nodes(axes, placed, at * pitch, domains)
        room = (pitch - NODE if at < last else behind) - 0.1
        _say_nodes(axes, placed, sizes[at], total, (at * pitch + NODE + 0.04, room), called, lang)
        _say_passing(axes, placed, (at * pitch + NODE + 0.04, room), lang)
        axes.text(at * pitch, -0.08, one(_heads(steps)[at], lang), fontsize=8.5, color=FAINT, va="bottom")
    _legend(axes, {_domain(node, domains) for column in order for node in column}, domain_names, lang)
    return figure


def _legend(axes: Any, seen: set[str], domain_names: Names, lang: str) -> None:
    seen_in_order = [domain for domain in LOOKS if domain in seen]
    if seen_in_order:
        labels = [drawn_name(domain, domain_names, lang) for domain in seen_in_order]
        legend_above(axes, [_swatch(LOOKS[domain]) for domain in seen_in_order], labels, lang, ACROSS)
        axes.get_legend().set_bbox_to_anchor((0, 1 + 0.25 / HIGH))


def _say_passing(axes: Any, placed: dict, where: tuple[float, float], lang: str) -> None:
    """What the bundle of lanes past a column is, where it is high enough for words."""
    x, room = where
    lanes = [place for node, place in placed.items() if node[0] == LANE]
    if lanes and lanes[-1][1] - lanes[0][0] > 2 * LINE_HIGH:
        text = fonts.wrap(one(PASSING, lang), room, 7.8, lang)
        axes.text(x, (lanes[0][0] + lanes[-1][1]) / 2, text, fontsize=7.8, va="center", path_effects=[_halo()])


def _halo() -> withStroke:
    """White around letters that stand on ribbons."""
    return withStroke(linewidth=1.6, foreground="#ffffffcc")


def _heads(steps: int) -> list[Both]:
    return [*HEADS[: steps - 1], LAST, OUTCOME]


def _swatch(look: tuple[str, str]) -> Rectangle:
    colour, hatch = look
    return Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor="white", hatch=hatch, linewidth=0)


def _nodes(axes: Any, placed: dict, left: float, domains: dict) -> None:
    for node, (top, bottom) in placed.items():
        if node[0] != LANE:
            colour, hatch = _look(node, domains)
            # The white of the hatching is what tells domains apart without colours.
            axes.add_patch(
                Rectangle((left, top), NODE, max(bottom - top, 0.012), facecolor=colour, edgecolor="white",
                          hatch=hatch, linewidth=0)
            )  # fmt: skip


def _ribbons(axes: Any, links: Counter, left: dict, right: dict, scale: float, across: tuple, domains: dict) -> None:
    """Ribbons of one gap between columns, each leaving and arriving where the ones above it end."""
    begin, end = across
    leaving, arriving = ({node: top for node, (top, _) in side.items()} for side in (left, right))
    tops: dict[tuple, list[float]] = {}
    rank = {side: {node: at for at, node in enumerate(places)} for side, places in (("l", left), ("r", right))}
    for (a, b), size in sorted(links.items(), key=lambda item: (rank["l"][item[0][0]], rank["r"][item[0][1]])):
        tops[a, b] = [leaving[a], 0.0, size * scale]
        leaving[a] += size * scale
    for a, b in sorted(links, key=lambda pair: (rank["r"][pair[1]], rank["l"][pair[0]])):
        tops[a, b][1] = arriving[b]
        arriving[b] += tops[a, b][2]
    paths, colours = [], []
    for (a, _), (start, stop, wide) in tops.items():
        # A lane goes on through the column that it passes, which has no node there.
        paths.append(_ribbon(begin - (NODE if a[0] == LANE else 0), begin, end, start, stop, wide))
        colour, _ = _look(a[1][0] if a[0] == LANE else a, domains)
        colours.append(to_rgba(colour, 0.3 if wide > FAINT_BELOW else 0.13))
    # All of them at once: one patch each would take longer than the rest of the picture.
    ribbons = PathCollection(paths, facecolors=colours, linewidths=0)
    ribbons.set_in_layout(False)  # inside the axes: its extent need not be measured
    axes.add_collection(ribbons, autolim=False)


def _ribbon(x0: float, begin: float, x1: float, start: float, stop: float, wide: float) -> Path:
    middle = (begin + x1) / 2
    points = [
        (x0, start), (begin, start), (middle, start), (middle, stop), (x1, stop),
        (x1, stop + wide), (middle, stop + wide), (middle, start + wide), (begin, start + wide), (x0, start + wide),
        (x0, start),
    ]  # fmt: skip
    c, to = Path.CURVE4, Path.LINETO
    return Path(points, [Path.MOVETO, to, c, c, c, to, c, c, c, to, Path.CLOSEPOLY])


def _say_nodes(axes: Any, placed: dict, sizes: Counter, total: float, where: tuple, called: Namer, lang: str) -> None:
    """Names and shares beside the nodes of a column, moved apart where the nodes are thin."""
    x, room = where
    nodes = [node for node in placed if node[0] != LANE]
    said = [f"{fonts.drawable(called(node, lang))} {_percent(sizes[node] / total)}" for node in nodes]
    said = [fonts.wrap(text, room, NAME, lang, lines=3, even=lang == "zh") for text in said]
    high = [LINE_HIGH * (text.count("\n") + 1) for text in said]
    middles = _apart([sum(placed[node]) / 2 for node in nodes], high)
    for text, y in zip(said, middles, strict=True):
        axes.text(
            x, y, fonts.plain(text), va="center", fontsize=NAME, linespacing=1.1,
            path_effects=[_halo()],
        )  # fmt: skip


def _apart(middles: Sequence[float], high: Sequence[float]) -> list[float]:
    """Middles of labels moved as little down, then up, as none needs to touch the next or leave the picture."""
    placed = [max(middle, -0.02 + size / 2) for middle, size in zip(middles, high, strict=True)]
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + (high[at - 1] + high[at]) / 2)
    if placed:
        placed[-1] = min(placed[-1], HIGH - high[-1] / 2 + 0.05)
    for at in range(len(placed) - 2, -1, -1):
        placed[at] = min(placed[at], placed[at + 1] - (high[at] + high[at + 1]) / 2)
    return placed


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"


def _common(routes: Counter) -> list[tuple[tuple, float]]:
    """Routes from the commonest to the rarest, those without a name for a touch after the others."""
    return sorted(routes.items(), key=lambda item: (item[0][0] == REST, -item[1], str(item[0])))


def _alt(routes: Counter, total: float, called: Namer, steps: int, lang: str) -> str:
    sizes, _ = _links(routes)
    zh = lang == "zh"
    told = []
    for at in (0, steps - 1):
        top = [node for node, _ in sorted(sizes[at].items(), key=lambda item: (-item[1], str(item[0])))]
        top = [node for node in top if node[0] == "channel"][:3]
        listed = [f"{called(node, lang)} {sizes[at][node] / total:.1%}" for node in top]
        told.append(f"{one(_heads(steps)[at], lang)}{'：' if zh else ': '}{('、' if zh else ', ').join(listed)}")
    walked = [(route, journeys) for route, journeys in _common(routes) if route[0] != REST][:3]
    journeys = [f"{_route(route, called, lang)} {size / total:.1%}" for route, size in walked]
    ended = sizes[-1][ORDER] / total
    if zh:
        text = f"流向图，从左到右 {steps} 列触点。{'；'.join(told)}。最常见的路径：{'；'.join(journeys)}。"
        ends = f"结果：{called(ORDER, lang)} {ended:.1%}、{called(NO_ORDER, lang)} {1 - ended:.1%}。"
    else:
        text = (
            f"Flow picture, from left to right {steps} columns of touches. {'; '.join(told)}. "
            f"Commonest journeys: {'; '.join(journeys)}."
        )
        ends = f" Outcome: {called(ORDER, lang)} {ended:.1%}, {called(NO_ORDER, lang)} {1 - ended:.1%}."
    return text + ends if NO_ORDER in sizes[-1] else text


def _route(route: tuple, called: Namer, lang: str) -> str:
    touched = [node for node in route if node is not None]
    if len(touched) == 3 and touched[0] == touched[1]:
        touched = touched[1:]  # first and last touch are one
    return " → ".join(called(node, lang) for node in touched)


def _table(routes: Counter, total: float, called: Namer, steps: int, lang: str) -> pd.DataFrame:
    """The commonest routes as they are drawn, and what is left."""
    listed = _common(routes)[:20]
    left = total - sum(size for _, size in listed)
    heads = {"zh": ("路径（如图所示）", "路径数", "占比"), "en": ("Journey, as drawn", "Journeys", "Share")}[lang]
    rows = [(_route(route, called, lang), size) for route, size in listed]
    if left > 1e-9 * total:
        rows.append(({"zh": "其余", "en": "All others"}[lang], left))
    return pd.DataFrame([(name, f"{size:,.0f}", f"{size / total:.1%}") for name, size in rows], columns=list(heads))
