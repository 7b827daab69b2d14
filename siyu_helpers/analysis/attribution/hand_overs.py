"""Hand-overs: how journeys pass from public to private channels and on to an order, who feeds the pool and who closes.

All of it is counted from the paths, nothing is credited and nothing is caused: a channel that comes before another
need not have led to it.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution.paths import Paths
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, wilson

START, ORDER, NULL, UNKNOWN = "(start)", "(order)", "(null)", "unknown"
ORDERS_AT_LEAST = 30  # orders; a share of fewer says next to nothing
ROLE_AT_LEAST = 0.05  # share of the ways into the pool from which on a channel is called a feeder

SHARES = ("opens", "feeds", "closes")
SHARE_WORDS = {
    "opens": Words(
        "有订单的路径中，首次触点为该渠道的占比", "share of the journeys with an order that begin with the channel"
    ),
    "feeds": Words(
        "有订单的路径中，凡先碰过私域以外、后来碰过私域的，进入私域前最后一个触点为该渠道的占比",
        "share of the journeys with an order that entered the pool from outside whose last touch before it was of "
        "the channel",
    ),
    "closes": Words(
        "有订单的路径中，末次触点为该渠道的占比", "share of the journeys with an order that end with the channel"
    ),
}


class _Lumped(NamedTuple):
    """Paths with the domain of each channel, and of each row its first and last touch."""

    paths: Paths
    domain: np.ndarray  # of each channel, as text
    unknown: list[str]
    first: np.ndarray  # code of the first touch of each row
    last: np.ndarray


def hand_over(journeys: pd.DataFrame, domains: dict[str, str]) -> pd.DataFrame:
    """Share of steps from each traffic domain to the next: public, semi-private, private, and on to an order or none.

    table (path)  ->  matrix (from x to)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys, see `journeys` or `read_paths`.
    domains : dict
        Channel -> "public", "semi" or "private", as in brand.yml. Other channels are "unknown".

    Returns
    -------
    DataFrame, rows "(start)", public, semi, private [, unknown], columns public, semi, private [, unknown], "(order)",
    "(null)" (no order). Rows add up to 1. They are the transitions of order 1 that the chain of channels has, added up
    by domain, so a step from one channel to another of the same domain, or to itself, counts as staying. A row
    without any touch is blank (NaN). attrs: unknown, the channels that `domains` does not name. The number behind each
    share is in `hand_over_counts`. Without journeys that ended without an order, "(null)" is 0 and the column "(order)"
    says nothing about success.

    Raises
    ------
    ValueError
        For a table that `encode` refuses, or a domain that is none of the three.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [1, 0], "nulls": [0, 3]})
    >>> hand_over(table, {"feed": "public", "wecom": "private"})
    to       public  semi  private  (order)  (null)
    from
    (start)     1.0   0.0     0.00      0.0    0.00
    public      0.0   0.0     0.25      0.0    0.75
    semi        NaN   NaN      NaN      NaN     NaN
    private     0.0   0.0     0.00      1.0    0.00
    """
    counts = hand_over_counts(journeys, domains)
    made = counts.pivot(index="from", columns="to", values="share")
    made = made.loc[counts["from"].unique(), counts["to"].unique()]
    made.attrs = {"unknown": counts.attrs["unknown"]}
    return made


def hand_over_counts(journeys: pd.DataFrame, domains: dict[str, str], level: float = LEVEL) -> pd.DataFrame:
    """The hand-over matrix with one row per cell: the number of steps, their share, and its interval.

    table (path)  ->  table (from x to)

    Parameters
    ----------
    journeys, domains
        As in `hand_over`.
    level : float
        Coverage claimed by the intervals.

    Returns
    -------
    DataFrame in the order of the matrix
        from, to : domains, "(start)", "(order)", "(null)".
        n : steps counted (a journey along a path counts as often as it was made; fractions are kept).
        share, share_low, share_high : n / all steps from there; NaN where there is none.
        journeys : how many journeys were ever there: the interval rests on them, since steps of one journey go
            together.
    attrs: unknown (channels that `domains` does not name), level.

    Notes
    -----
    Interval: Wilson's, with the number of steps divided by their design effect, as for clustered samples (Korn and
    Graubard 1998, Survey Methodology 24, 193-201); the variance is that of a ratio over journeys.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [30, 0], "nulls": [10, 60]})
    >>> counts = hand_over_counts(table, {"feed": "public", "wecom": "private"}).round(3)
    >>> counts[counts["from"] == "public"].iloc[:, 1:]
            to     n  share  share_low  share_high  journeys
    5   public   0.0    0.0      0.000       0.026     100.0
    6     semi   0.0    0.0      0.000       0.026     100.0
    7  private  40.0    0.4      0.323       0.482     100.0
    8  (order)   0.0    0.0      0.000       0.026     100.0
    9   (null)  60.0    0.6      0.518       0.677     100.0
    """
    check_level(level)
    lumped = _lump(journeys, domains)
    inner = [*order_log.DOMAINS, *([UNKNOWN] if lumped.unknown else [])]
    sources, targets = [START, *inner], [*inner, ORDER, NULL]
    steps, counted = _steps(lumped, inner), _row_counts(lumped)
    rows = []
    for place, source in enumerate(sources):
        block = steps[:, place * len(targets) : (place + 1) * len(targets)]
        n, total, spread, visited = _ratio(block, counted)
        low, high = _clustered_wilson(n, total, spread, visited, level)
        share = n / total if total else np.full(len(n), np.nan)
        rows.append(pd.DataFrame({"from": source, "to": targets, "n": n, "share": share, "share_low": low,
                                  "share_high": high, "journeys": visited}))  # fmt: skip
    made = pd.concat(rows, ignore_index=True)
    made.attrs = {"unknown": lumped.unknown, "level": level}
    return made


def hand_over_share(counts: pd.DataFrame, source: str, target: str) -> Estimate | Refused:
    """One cell of the hand-over matrix as a number for a sentence.

    table (from x to)  ->  Estimate of unit "share"

    Parameters
    ----------
    counts : DataFrame
        From `hand_over_counts`.
    source, target : str
        "(start)", "public", "semi", "private", "unknown"; and these or "(order)", "(null)".

    Returns
    -------
    Estimate, n the journeys that were ever there; Refused below 30 of them.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [30, 0], "nulls": [10, 60]})
    >>> hand_over_share(hand_over_counts(table, {"feed": "public", "wecom": "private"}), "private", "(order)").value
    0.75
    """
    found = counts[(counts["from"] == source) & (counts["to"] == target)]
    if found.empty:
        raise ValueError(f"the hand-over matrix has no cell from {source!r} to {target!r}; see its columns from and to")
    row = found.iloc[0]
    if row["journeys"] < ORDERS_AT_LEAST:
        return _too_few("journeys", row["journeys"], Words("条路径到过这里", "journeys were ever there"))
    zh, en = _state_words(source), _state_words(target)
    definition = Words(
        f"从{zh.zh}走出的每一步中，下一步是{en.zh}的占比（按路径一步一步计，同一域内再碰一次也算一步）",
        f"share of the steps from {zh.en} that lead to {en.en}; a further touch of the same domain is a step too",
    )
    ends, level = row[["share", "share_low", "share_high"]], counts.attrs.get("level", LEVEL)
    return Estimate(*ends, level, round(row["journeys"]), "share", definition, hand_over_share)


def feeders_and_closers(
    journeys: pd.DataFrame, domains: dict[str, str], level: float = LEVEL, at_least: float = ROLE_AT_LEAST
) -> pd.DataFrame:
    """Which channels begin the journey, which bring customers to the private pool, and which close the order.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys, domains
        As in `hand_over`. Journeys that ended without an order play no part.
    level : float
        Coverage claimed by the intervals.
    at_least : float
        A channel outside the pool that feeds this share or more is a feeder.

    Returns
    -------
    DataFrame, one row per channel of any path, in alphabetical order; NaN where there is nothing to take a share of
        channel, domain.
        opens, opens_low, opens_high : share of the journeys with an order that begin with the channel.
        feeds, feeds_low, feeds_high : of those that came to a private channel after touches elsewhere, the ones whose
            last touch before the first private one was of this channel. NaN for channels of the pool, which cannot
            feed it.
        closes, closes_low, closes_high : share of the journeys with an order that end with the channel.
        role : "feeder" where feeds is `at_least` or more; "closer" where the interval of closes lies above that of
            opens (both are of all journeys with an order); "both" where it is a feeder and a closer; "opener" where
            the interval of opens lies above and it is no feeder; "between" otherwise. Blank (None) without any order.
        n, n_fed : journeys with an order, and those of them that were fed (what the shares are of).
    attrs: unknown (channels that `domains` does not name; they count as outside the pool), level, at_least.

    Raises
    ------
    ValueError
        As `hand_over`.

    Notes
    -----
    Wilson intervals. A journey's first recorded touch need not be the first there was.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",), ("wecom",)], "conversions": [80, 20, 10]})
    >>> found = feeders_and_closers(table, {"feed": "public", "wecom": "private"}).round(2)
    >>> found[["channel", "opens", "feeds", "closes", "role", "n", "n_fed"]]
      channel  opens  feeds  closes    role      n  n_fed
    0    feed   0.91    1.0    0.18  feeder  110.0   80.0
    1   wecom   0.09    NaN    0.82  closer  110.0   80.0
    """
    check_level(level)
    lumped = _lump(journeys, domains)
    orders, size = lumped.paths.conversions, len(lumped.paths.channels)
    feeder = _feeder(lumped)
    fed = feeder >= 0
    private = lumped.domain == "private"
    counts = {
        "opens": (np.bincount(lumped.first, orders, size), orders.sum()),
        "feeds": (np.bincount(feeder[fed], orders[fed], size), orders[fed].sum()),
        "closes": (np.bincount(lumped.last, orders, size), orders.sum()),
    }
    made = pd.DataFrame({"channel": pd.Series(lumped.paths.channels, dtype="str"), "domain": lumped.domain})
    for name, (hits, trials) in counts.items():
        ends = (hits / trials if trials else np.full(size, np.nan), *_wilson(hits, trials, level))
        for end, numbers in zip(("", "_low", "_high"), ends, strict=True):
            made[f"{name}{end}"] = np.where(private, np.nan, numbers) if name == "feeds" else numbers
    made["role"] = pd.Series([_role(row, at_least) for _, row in made.iterrows()], dtype=object)
    made = made.assign(n=orders.sum(), n_fed=counts["feeds"][1])
    made.attrs = {"unknown": lumped.unknown, "level": level, "at_least": at_least}
    return made


def channel_share(roles: pd.DataFrame, channel: str, of: str = "feeds") -> Estimate | Refused:
    """What one channel opens, feeds to the pool or closes, as a number for a sentence.

    table (channel)  ->  Estimate of unit "share"

    Parameters
    ----------
    roles : DataFrame
        From `feeders_and_closers`.
    channel : str
    of : "opens", "feeds" or "closes"

    Returns
    -------
    Estimate, n the journeys the share is of; Refused below 30 of them, and for what a channel of the pool feeds.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [60, 20]})
    >>> roles = feeders_and_closers(table, {"feed": "public", "wecom": "private"})
    >>> channel_share(roles, "wecom", "closes").value
    0.75
    """
    order_log.one_of("of", of, SHARES)
    order_log.one_of("channel", channel, tuple(roles["channel"]))
    row = roles[roles["channel"] == channel].iloc[0]
    n = row["n_fed"] if of == "feeds" else row["n"]
    if n < ORDERS_AT_LEAST:
        return _too_few("orders", n, Words("笔订单", "orders"))
    if np.isnan(row[of]):
        zh, en = "私域渠道本身就在私域之内，谈不上引流。", "A channel of the pool is inside it and cannot feed it."
        return Refused("outside the pool", row["domain"], "public or semi", zh, en)
    ends, level = [row[f"{of}{end}"] for end in ("", "_low", "_high")], roles.attrs.get("level", LEVEL)
    return Estimate(*ends, level, round(n), "share", SHARE_WORDS[of], channel_share)


def paid_first_share(
    journeys: pd.DataFrame, domains: dict[str, str], paid: Collection[str], level: float = LEVEL
) -> Estimate | Refused:
    """Share of private orders whose journey began with a paid touch outside the pool.

    table (path)  ->  Estimate of unit "share"

    Parameters
    ----------
    journeys, domains
        As in `hand_over`.
    paid : names of channels
        The channels with spend; those of the private domain among them do not count as upstream.
    level : float

    Returns
    -------
    Estimate, n the journeys with an order whose last touch was of a private channel; Refused below 30 of them. A touch
    before the look-back window is not seen, so the share is a lower bound where journeys are long.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",), ("feed",)], "conversions": [45, 15, 40]})
    >>> paid_first_share(table, {"feed": "public", "wecom": "private"}, ["feed"]).value
    0.75
    """
    if isinstance(paid, str):
        raise ValueError(f"paid must be several names, such as [{paid!r}]")
    lumped = _lump(journeys, domains)
    upstream = np.isin(np.array(lumped.paths.channels, dtype=object), list(paid)) & (lumped.domain != "private")
    definition = Words(
        "末次触点在私域的订单中，首次触点是私域以外有投放费用的渠道的占比；归因窗口以前的触点看不到",
        "share of the orders closed in the pool whose first touch was of a channel with spend outside "
        "it; touches before the look-back window are not seen",
    )
    paid_first = _touched(lumped, lumped.first, upstream)
    closed = _touched(lumped, lumped.last, lumped.domain == "private")
    return _share(lumped, paid_first, closed, level, definition, paid_first_share)


def private_orders(
    journeys: pd.DataFrame, domains: dict[str, str], level: float = LEVEL
) -> dict[str, Estimate | Refused]:
    """How many orders the private domain closes, how many it touches at all, and how many of its orders came by others.

    table (path)  ->  "closed", "touched", "fed", each an Estimate of unit "share"

    Parameters
    ----------
    journeys, domains, level
        As in `hand_over_counts`.

    Returns
    -------
    dict, each Refused below 30 orders to take the share of
        closed : of all orders, those whose last touch was private.
        touched : of all orders, those with any private touch.
        fed : of the orders closed by a private touch, those with an earlier touch outside the pool.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom", "feed"), ("feed",)], "conversions": [40, 20, 40]})
    >>> found = private_orders(table, {"feed": "public", "wecom": "private"})
    >>> found["closed"].value, found["touched"].value, found["fed"].value
    (0.4, 0.6, 1.0)
    """
    lumped = _lump(journeys, domains)
    closed = _touched(lumped, lumped.last, lumped.domain == "private")
    every = np.ones(len(closed), dtype=bool)
    touched, outside = (_any_touch(lumped, its) for its in (lumped.domain == "private", lumped.domain != "private"))
    words = {
        "closed": Words(
            "有路径的订单中，末次触点在私域的占比",
            "share of the orders with a journey whose last touch was in the pool",
        ),
        "touched": Words("有路径的订单中，碰过私域的占比", "share of the orders with a journey that touched the pool"),
        "fed": Words(
            "末次触点在私域的订单中，此前碰过私域以外渠道的占比",
            "share of the orders closed in the pool that had an earlier touch outside it",
        ),
    }
    cases = {"closed": (closed, every), "touched": (touched, every), "fed": (closed & outside, closed)}
    return {name: _share(lumped, hit, of, level, words[name], private_orders) for name, (hit, of) in cases.items()}


# --- counting ---


def domains_of(channels: Collection[str], domains: dict[str, str]) -> np.ndarray:
    """Domain of each channel, "unknown" where it is not named.

    >>> domains_of(("feed", "sms"), {"feed": "public"}).tolist()
    ['public', 'unknown']
    """
    for channel, domain in domains.items():
        order_log.one_of(f"the domain of {channel!r}", domain, order_log.DOMAINS)
    return np.array([domains.get(channel, UNKNOWN) for channel in channels], dtype=object)


def _lump(journeys: pd.DataFrame, domains: dict[str, str]) -> _Lumped:
    paths = journey_paths.encode(journeys)
    domain = domains_of(paths.channels, domains)
    unknown = [name for name, its in zip(paths.channels, domain, strict=True) if its == UNKNOWN]
    return _Lumped(paths, domain, unknown, paths.codes[paths.starts[:-1]], paths.codes[paths.starts[1:] - 1])


def _row_counts(lumped: _Lumped) -> np.ndarray:
    """How many journeys each row stands for: first those with an order, then those without."""
    return np.concatenate([lumped.paths.conversions, lumped.paths.nulls])


def _steps(lumped: _Lumped, inner: list[str]) -> sparse.csr_array:
    """Steps of one journey of each row: rows as in `_row_counts`, columns (from x to) as in the hand-over matrix."""
    paths, size, width = lumped.paths, len(lumped.paths.conversions), len(inner) + 2
    place = {name: at for at, name in enumerate(inner)}
    state = np.array([place[its] for its in lumped.domain], dtype=np.int64)
    codes, rows = state[paths.codes], paths.rows
    follows = np.flatnonzero(np.diff(rows) == 0)  # a touch whose next one is of the same row
    every, end = np.arange(size), (state[lumped.last] + 1) * width + len(inner)
    cells = np.concatenate([state[lumped.first], (codes[follows] + 1) * width + codes[follows + 1]])
    units = np.concatenate([every, rows[follows]])
    cells = np.concatenate([cells, cells, end, end + 1])  # "(order)" stands before "(null)"
    units = np.concatenate([units, units + size, every, every + size])
    shape = (2 * size, (len(inner) + 1) * width)
    return sparse.coo_array((np.ones(len(cells)), (units, cells)), shape=shape).tocsr()


def _ratio(block: sparse.csr_array, counted: np.ndarray) -> tuple[np.ndarray, float, np.ndarray, float]:
    """Steps by target, steps in all, variance of each share over journeys, and the journeys that were there."""
    n, of_row = counted @ block, np.asarray(block.sum(axis=1)).ravel()
    total, visited = float(counted @ of_row), float(counted @ (of_row > 0))
    if not total:
        return np.asarray(n, dtype=float), total, np.zeros(block.shape[1]), visited
    share = n / total
    squares = counted @ block.multiply(block) - 2 * share * ((counted * of_row) @ block)
    spread = (squares + share**2 * (counted @ of_row**2)) / total**2
    return np.asarray(n, dtype=float), total, np.maximum(spread, 0), visited


def _clustered_wilson(
    n: np.ndarray, total: float, spread: np.ndarray, visited: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson intervals of shares whose trials come in clusters: as many trials as would give the same variance."""
    if not total:
        return np.full(len(n), np.nan), np.full(len(n), np.nan)
    share = n / total
    inside = (share > 0) & (share < 1) & (spread > 0)
    # Where all or none went there, no variance is seen: as many trials as journeys. Never more trials than steps.
    trials = np.where(inside, share * (1 - share) / np.where(inside, spread, 1), visited)
    trials = np.minimum(trials, total)
    return _wilson(share * trials, trials, level)


def _wilson(hits: np.ndarray, trials: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson interval of shares of possibly fractional counts, whose sums rounding must not carry over their total."""
    trials = np.broadcast_to(np.asarray(trials, dtype=float), np.shape(hits))
    hits = np.where(np.isclose(hits, trials, rtol=1e-12, atol=0), trials, hits)
    return wilson(np.minimum(hits, trials), trials, level)


def _feeder(lumped: _Lumped) -> np.ndarray:
    """Code of the last touch before the first private one, for each row; -1 where the row was not fed to the pool."""
    paths, rows = lumped.paths, lumped.paths.rows
    private = np.flatnonzero((lumped.domain == "private")[paths.codes])
    earliest = np.full(len(paths.conversions), -1)
    rows_there, at = np.unique(rows[private], return_index=True)
    earliest[rows_there] = private[at]
    fed = earliest > paths.starts[:-1]
    return np.where(fed, paths.codes[np.where(fed, earliest - 1, 0)] if len(paths.codes) else -1, -1)


def _role(row: pd.Series, at_least: float) -> str | None:
    if np.isnan(row["closes"]):
        return None
    closer = row["closes_low"] > row["opens_high"]
    if row["feeds"] >= at_least:  # blank for a channel of the pool, and where no journey was fed
        return "both" if closer else "feeder"
    if closer:
        return "closer"
    return "opener" if row["opens_low"] > row["closes_high"] else "between"


def _touched(lumped: _Lumped, touch: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return wanted[touch] if len(wanted) else np.zeros(len(lumped.paths.conversions), dtype=bool)


def _any_touch(lumped: _Lumped, wanted: np.ndarray) -> np.ndarray:
    paths = lumped.paths
    hits = wanted[paths.codes] if len(wanted) else np.zeros(0)
    return np.bincount(paths.rows, hits, minlength=len(paths.conversions)) > 0


def _share(
    lumped: _Lumped, hit: np.ndarray, of: np.ndarray, level: float, definition: Words, function: Callable[..., Any]
) -> Estimate | Refused:
    """Share of the orders of some rows that lie on others of them."""
    orders = lumped.paths.conversions
    trials, hits = float(orders[of].sum()), float(orders[hit & of].sum())
    if trials < ORDERS_AT_LEAST:
        return _too_few("orders", trials, Words("笔订单", "orders"))
    low, high = (float(end) for end in _wilson(np.array(hits), trials, level))
    return Estimate(hits / trials, low, high, level, round(trials), "share", definition, function)


def _too_few(gate: str, seen: float, what: Words) -> Refused:
    zh = f"只有 {seen:,.0f} {what.zh}，少于 {ORDERS_AT_LEAST}，算不出可用的占比。"
    en = f"Only {seen:,.0f} {what.en}, fewer than {ORDERS_AT_LEAST}: a share of so few says nothing."
    return Refused(gate, float(seen), ORDERS_AT_LEAST, zh, en)


def _state_words(state: str) -> Words:
    return {
        START: Words("起点", "the start"),
        "public": Words("公域触点", "a public touch"),
        "semi": Words("半公域触点", "a semi-public touch"),
        "private": Words("私域触点", "a touch of the pool"),
        UNKNOWN: Words("未归类渠道的触点", "a touch of an unknown domain"),
        ORDER: Words("下单", "an order"),
        NULL: Words("没有下单", "no order"),
    }[state]
