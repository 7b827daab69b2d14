"""Upstream: what orders closed in the private pool cost once the media spend that led to them is charged to the pool.

Last touch gives the pool customers for whom an earlier public touch carried the cost. Here the spend of each channel
is spread over the orders it had a share in, and every order's part goes to the channel that closed it. This moves cost
by a convention, the rule; it does not say what the spend caused, nor what would have been spent without the pool.

Used by notebooks 01_acquisition_cost and 03_channel_attribution. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm
from statsmodels.stats.rates import confint_poisson

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_sums import with_cac
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution import rules, spend_periods
from siyu_helpers.analysis.attribution.hand_overs import domains_of
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, wilson

ORDERS_AT_LEAST = 30  # orders closed in the pool; a cost per order of fewer is not stated
SHARED = "_shared"  # ending of a charge that has the upstream spend in it

ENDS = ("", "_low", "_high")
UNKNOWN = "unknown"
NUMBERS = ["conversions", "media_spend", "lent_spend", "upstream_spend"]
NUMBERS += [f"{name}{end}" for name in ("shared_spend", "cost_last_touch", "cost_shared") for end in ENDS]


class _Carried(NamedTuple):
    """Which orders carry how much of whose spend. Channels: of any path, or with spend, in alphabetical order."""

    channels: list[str]
    domain: np.ndarray  # of each channel
    spend: np.ndarray  # of each channel, money
    orders: np.ndarray  # of each row of the table of journeys
    last: np.ndarray  # of each row: place of the channel of its last touch
    shares: sparse.csr_array  # channels x rows: share of one order
    credit: np.ndarray  # of each channel: orders, by those shares


def upstream_spend(
    journeys: pd.DataFrame,
    spend: Any,
    domains: dict[str, str],
    rule: str = "linear_unique",
    first_day: order_log.DateLike | None = None,
    last_day: order_log.DateLike | None = None,
    by: str = "domain",
    level: float = LEVEL,
    **options: Any,
) -> pd.DataFrame:
    """What the orders of each domain cost at last touch, and what they cost with the media spend that led to them.

    table (path), spend (channel x day or month)  ->  table (domain, or channel)

    The spend of a channel is spread over the orders it had a share in, by those shares; what an order carries is
    charged to the channel, and the domain, of its last touch.

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys, see `journeys`: of new customers for a cost per new customer, of all orders for one per
        order. Journeys without an order carry nothing.
    spend : any frame that narwhals takes
        date, channel, spend; see `cost_table`. It must cover the days; those of monthly spend must be whole months.
    domains : dict
        Channel -> "public", "semi" or "private"; other channels are "unknown".
    rule : str
        How an order is shared out over the channels of its path, see `credit`; options are those of the rule.
    first_day, last_day : date
        Days on which the journeys ended, both included: where the table does not say so. Spend of these days counts,
        without them all spend. Touches may be earlier than the spend, by the look-back window.
    by : "domain" or "channel"
    level : float
        Coverage claimed by the intervals. They show chance in how many orders came along each path; the spend is held.

    Returns
    -------
    DataFrame, one row per domain (public, semi, private, and unknown where there is one) or channel (alphabetical);
    money in the currency of the spend
        domain, or channel and domain.
        conversions : orders closed there (last touch).
        media_spend : spend of its own channels. lent_spend : the part of it that orders closed elsewhere carry.
        upstream_spend : spend of other domains (by "channel": of other channels) that orders closed here carry.
        shared_spend, _low, _high : all that orders closed here carry. The sum over rows is the spend of all channels
            with any order; of the others the spend is in attrs, and nowhere else but in media_spend.
        cost_last_touch, _low, _high : media_spend / conversions. cost_shared, _low, _high : shared_spend /
            conversions. NaN where nothing was closed; ends are NaN where the cost is 0 because nothing was spent.
    attrs
        spend_without_conversion : {channel: money} of channels with spend in no path with an order.
        carried : {closing domain: {spent domain: [share, low, high]}}, shares of all the spent domain's spend; what
            no order carries stays at home.
        unknown : channels that `domains` does not name. rule, options, level, first_day, last_day.

    Raises
    ------
    ValueError
        For an unknown rule or option, blank or negative spend, spend that does not cover the days of the journeys, or
        a domain that is none of the three.

    Notes
    -----
    Variance by the influence of each journey (delta method), the number of journeys along a path being Poisson. Shares
    have Wilson's interval with the number of trials of that variance (Korn and Graubard 1998, Survey Methodology 24,
    193-201), costs a normal one of their logarithm; cost_last_touch has the exact Poisson interval. Nothing is drawn,
    so the numbers depend neither on a seed nor on the order or names of rows.

    Example
    -------
    Feed cost 900. Of its 60 orders, 30 were closed in the pool and shared with it: 15 of feed's 45 shares.

    >>> table = pd.DataFrame({"path": [("feed",), ("feed", "wecom")], "conversions": [30, 30]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [900.0]})
    >>> cost = upstream_spend(table, spend, {"feed": "public", "wecom": "private"})
    >>> cost.loc[[0, 2], ["domain", "conversions", "media_spend", "shared_spend", "cost_shared"]]
        domain  conversions  media_spend  shared_spend  cost_shared
    0   public         30.0        900.0         600.0         20.0
    2  private         30.0          0.0         300.0         10.0
    """
    order_log.one_of("by", by, ("domain", "channel"))
    check_level(level)
    span = spend_periods.period_of(journeys, first_day, last_day)
    found = _carried(journeys, spend, domains, rule, span, options)
    groups = _domains_there(found) if by == "domain" else found.channels
    belongs = found.domain if by == "domain" else np.array(found.channels, dtype=object)
    made = pd.DataFrame([_row(found, belongs == group, level) for group in groups], columns=NUMBERS, dtype=float)
    made.insert(0, by, pd.Series(groups, dtype="str"))
    if by == "channel":
        made.insert(1, "domain", found.domain)
    barren = np.flatnonzero((found.credit <= 0) & (found.spend > 0))
    made.attrs = {
        "spend_without_conversion": {found.channels[at]: float(found.spend[at]) for at in barren},
        "carried": _carried_shares(found, level),
        "unknown": [name for name, its in zip(found.channels, found.domain, strict=True) if its == UNKNOWN],
        "rule": rule,
        "options": {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()},
        "level": float(level),
        "first_day": span[0],
        "last_day": span[1],
    }
    return made


def pool_upstream(
    journeys: pd.DataFrame,
    spend: Any,
    domains: dict[str, str],
    rule: str = "linear_unique",
    level: float = LEVEL,
    first_day: order_log.DateLike | None = None,
    last_day: order_log.DateLike | None = None,
    **options: Any,
) -> dict[str, Estimate | Refused]:
    """What the pool's orders cost at last touch, and with the media spend upstream, as numbers for sentences.

    table (path), spend  ->  dict of Estimate or Refused

    Parameters
    ----------
    As in `upstream_spend`.

    Returns
    -------
    dict, all Refused below 30 orders closed in the pool; the spend is held in the intervals
        orders : orders (new customers, where the journeys are theirs) whose last touch was private. Counted.
        cost_last_touch : media spend of private channels / those orders. Interval: exact Poisson, of their number.
        cost_shared : all media spend that those orders carry / those orders.
        money : media spend outside the pool that they carry.
        outside_share : that money / all media spend of the days outside the pool, spend without an order included.
            Both are Refused where there is none.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed",), ("feed", "wecom")], "conversions": [30, 30]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [900.0]})
    >>> found = pool_upstream(table, spend, {"feed": "public", "wecom": "private"})
    >>> round(found["outside_share"].value, 3), found["cost_last_touch"].value, found["cost_shared"].value
    (0.333, 0.0, 10.0)
    """
    check_level(level)
    found = _carried(journeys, spend, domains, rule, spend_periods.period_of(journeys, first_day, last_day), options)
    pool = found.domain == "private"
    row = dict(zip(NUMBERS, _row(found, pool, level), strict=True))
    closed, outside = row["conversions"], float(found.spend[~pool].sum())
    names = ("orders", "cost_last_touch", "cost_shared", "money", "outside_share")
    if closed < ORDERS_AT_LEAST:
        return dict.fromkeys(names, _too_few(closed))
    lent = _share_carried(found, pool, ~pool, level)
    clause = rules.definition(rule, **options)
    new = spend_periods.conversions_of(journeys) == "new_customers"
    what = Words("新客", "new customers") if new else Words("订单", "orders")
    zh, en = f"分摊规则：{clause.zh}；只是记账口径，不说明因果", f"rule: {clause.en}; a way of booking, not a cause"
    words = {
        "orders": Words(f"末次触点在私域的{what.zh}数", f"{what.en} whose last touch was in the pool"),
        "cost_last_touch": Words(
            f"私域渠道自身的投放费用÷末次触点在私域的{what.zh}数",
            f"media spend of the pool's own channels / {what.en} whose last touch was in the pool",
        ),
        "cost_shared": Words(
            f"末次触点在私域的{what.zh}所承担的全部投放费用÷这些{what.zh}数（{zh}）",
            f"media spend carried by {what.en} whose last touch was in the pool / these {what.en} ({en})",
        ),
        "money": Words(
            f"末次触点在私域的{what.zh}所承担的、花在私域以外的投放费用（{zh}）",
            f"media spend outside the pool that {what.en} whose last touch was in the pool carry ({en})",
        ),
        "outside_share": Words(
            f"末次触点在私域的{what.zh}所承担的私域以外的投放费用÷私域以外的全部投放费用（{zh}）",
            f"media spend outside the pool that {what.en} whose last touch was in the pool carry / all media spend "
            f"outside it ({en})",
        ),
    }
    ends = {
        "orders": (closed, np.nan, np.nan),
        "cost_last_touch": [row[f"cost_last_touch{end}"] for end in ENDS],
        "cost_shared": [row[f"cost_shared{end}"] for end in ENDS],
        "money": [part * outside for part in lent],
        "outside_share": lent,
    }
    count, each = ("new customers", "money per customer") if new else ("orders", "money")
    units = dict(zip(names, (count, each, each, "money", "share"), strict=True))
    made: dict[str, Estimate | Refused] = {
        name: Estimate(*ends[name], level, round(closed), units[name], words[name], pool_upstream)
        for name in names
        if name not in ("money", "outside_share") or outside > 0
    }
    return {name: made.get(name, _no_spend()) for name in names}


def compare_domains_with_upstream(compared: pd.DataFrame, upstream: pd.DataFrame) -> pd.DataFrame:
    """The cost of a new customer by domain, with each domain charged the media spend upstream of its customers.

    table (charge x domain), table (domain)  ->  table (charge x domain), every charge followed by its shared one

    Parameters
    ----------
    compared : DataFrame
        From `acquisition_cost.compare_domains`: charge, domain, spend, new_customers, cac, cac_low, cac_high.
    upstream : DataFrame
        From `upstream_spend` by domain, of the journeys of new customers in the same months. Only its shares are used:
        the part of each domain's media spend that orders closed in each other domain carry. The two tables count new
        customers differently (there by `acquired_through` of the first order, here by the last touch), and the shares
        carry over as far as the two agree: a customer without a recorded touch, such as one sent by a friend, counts
        there and carries nothing here.

    Returns
    -------
    DataFrame with the columns of `compared`. After each charge comes "<charge>_shared", "media_shared" after "media",
    with the same customers and the spend plus the media spend taken over, less that handed on. Their sum is that of
    the charge. A domain's spend of which no order carries any stays with it. cac_low, cac_high: the exact Poisson ends
    of the number of customers and those of the shares taken together on the log scale; shares of several domains are
    taken to be off in the same direction, so the interval is conservative.

    Raises
    ------
    ValueError
        When `upstream` is not by domain or has lost its attrs, or `compared` has no charge "media".

    Notes
    -----
    Ends of a ratio from the ends of its parts: Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.

    Example
    -------
    >>> compared = pd.DataFrame({"charge": "media", "domain": ["private", "public"], "spend": [0.0, 900.0]})
    >>> compared = compared.assign(new_customers=[40, 20], cac=[float("nan"), 45.0], cac_low=30.0, cac_high=60.0)
    >>> table = pd.DataFrame({"path": [("feed",), ("feed", "wecom")], "conversions": [30, 30]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [900.0]})
    >>> upstream = upstream_spend(table, spend, {"feed": "public", "wecom": "private"})
    >>> compare_domains_with_upstream(compared, upstream).iloc[2:, :5].round(2)
             charge   domain  spend  new_customers   cac
    2  media_shared  private  300.0             40   7.5
    3  media_shared   public  600.0             20  30.0
    """
    carried = upstream.attrs.get("carried")
    if carried is None or "domain" not in upstream.columns or "channel" in upstream.columns:
        raise ValueError("upstream must come from upstream_spend(..., by='domain'), with its attrs as they are")
    media = compared[compared["charge"] == "media"].set_index("domain")["spend"]
    if media.empty:
        raise ValueError("compared has no charge 'media': take the table of compare_domains as it is")
    level = compared.attrs.get("level", LEVEL)
    moved = {domain: _taken_over(domain, media, carried) for domain in set(compared["domain"])}
    parts = []
    for charge, rows in compared.groupby("charge", sort=False):
        ends = [rows["domain"].map({domain: ends[at] for domain, ends in moved.items()}) for at in range(3)]
        own = rows["spend"].astype(float) - rows["domain"].map(media).fillna(0.0).astype(float)
        shared = rows.assign(charge=f"{charge}{SHARED}", spend=own + ends[0].astype(float))
        parts += [rows, _with_ends(shared, own + ends[1], own + ends[2], level)]
    made = pd.concat(parts, ignore_index=True)
    made.attrs = compared.attrs | {"rule": upstream.attrs["rule"]}
    return made


def cost_with_upstream(compared: pd.DataFrame, domain: str, charge: str = "media_shared") -> Estimate | Refused:
    """One cost per new customer of `compare_domains_with_upstream`, as a number for a sentence.

    table (charge x domain)  ->  Estimate of unit "money per customer"

    Parameters
    ----------
    compared : DataFrame
        From `compare_domains_with_upstream`.
    domain, charge : str
        Of the row: charge "media_shared" for media alone, "private_shared" with all of the pool's costs.

    Returns
    -------
    Estimate, n the new customers; Refused where there is no spend, or no new customer.

    Example
    -------
    >>> compared = pd.DataFrame({"charge": ["media_shared"], "domain": "private", "spend": 300.0, "new_customers": 40})
    >>> cost_with_upstream(compared.assign(cac=7.5, cac_low=5.5, cac_high=10.0), "private").value
    7.5
    """
    order_log.one_of("charge", charge, tuple(dict.fromkeys(compared["charge"])))
    rows = compared[(compared["charge"] == charge) & (compared["domain"] == domain)]
    if rows.empty or rows["cac"].isna().all():
        zh, en = "没有投放费用，或没有新客，算不出获客成本。", "There is no spend, or no new customer: no cost of each."
        return Refused("spend and new customers", "none", "both", zh, en)
    row, own = rows.iloc[0], charge.removesuffix(SHARED)
    base = compared.attrs.get("definition", {}).get(own, Words("获客成本", "cost per new customer"))
    part = rules.RULE_WORDS.get(compared.attrs.get("rule", ""), Words("", ""))
    more = Words("", "")
    if charge != own:
        more = Words(
            f"；另计这些客户此前在其他域触点所分摊的投放费用（{part.zh}），并减去转出的部分",
            f"; with the media spend of other domains that these customers carry ({part.en}), less what is handed on",
        )
    words = Words(f"{base.zh}{more.zh}", f"{base.en}{more.en}")
    ends, level = (row["cac"], row["cac_low"], row["cac_high"]), compared.attrs.get("level", LEVEL)
    return Estimate(*ends, level, int(row["new_customers"]), "money per customer", words, cost_with_upstream)


# --- what the orders carry ---


def _carried(
    journeys: pd.DataFrame,
    spend: Any,
    domains: dict[str, str],
    rule: str,
    span: tuple[str | None, str | None],
    options: dict[str, Any],
) -> _Carried:
    """Shares of each path's order, and the spend, over one list of channels: those of paths, and those with spend."""
    paths = journey_paths.encode(journeys)
    shares = rules.weights(paths, rule, **options).tocoo()
    paid = spend_periods.spend_by_channel(spend, *span)
    money = dict(zip(paid["channel"], paid["spend"], strict=True))
    channels = sorted(set(paths.channels) | set(money))
    place = np.array([channels.index(name) for name in paths.channels], dtype=np.int64)
    shape = (len(channels), len(paths.conversions))
    shares = sparse.coo_array((shares.data, (place[shares.row], shares.col)), shape=shape).tocsr()
    last = place[paths.codes[paths.starts[1:] - 1]]
    spent = np.array([money.get(name, 0.0) for name in channels])
    return _Carried(
        channels, domains_of(channels, domains), spent, paths.conversions, last, shares, shares @ paths.conversions
    )


def _moved(found: _Carried, closing: np.ndarray, spending: np.ndarray) -> tuple[float, np.ndarray]:
    """Spend of some channels that the orders closed by some channels carry, and how one more order would change it."""
    spread = (found.credit > 0) & spending
    rate = np.divide(found.spend, found.credit, out=np.zeros(len(found.spend)), where=spread)  # money an order's share
    here = closing[found.last].astype(float) if len(found.last) else np.zeros(0)
    taken = found.shares @ (found.orders * here)  # orders by channel, of those closed here
    part = np.divide(taken, found.credit, out=np.zeros(len(found.spend)), where=spread)
    influence = here * (found.shares.T @ rate) - found.shares.T @ (rate * part)
    return float((found.spend * part).sum()), influence


def _share_carried(
    found: _Carried, closing: np.ndarray, spending: np.ndarray, level: float
) -> tuple[float, float, float]:
    """Share of the spend of some channels that the orders closed by some channels carry, with its interval.

    The rest is carried by other orders, or by none where no order had a share in a channel.
    """
    everything = float(found.spend[spending].sum())
    able = float(found.spend[spending & (found.credit > 0)].sum())
    if not able:
        return (0.0, 0.0, 0.0) if everything else (np.nan, np.nan, np.nan)
    money, influence = _moved(found, closing, spending)
    share = min(money / able, 1.0)
    variance = float(found.orders @ influence**2) / able**2
    touched = spending & (found.spend > 0)
    trials = float(found.orders @ (np.asarray(found.shares[touched].sum(axis=0)).ravel() > 0))
    if 0 < share < 1 and variance > 0:  # else no variance is seen: as many trials as orders with a share in the spend
        trials = share * (1 - share) / variance
    low, high = (float(end) for end in wilson(share * trials, trials, level))
    return tuple(end * able / everything for end in (share, min(low, share), max(high, share)))


def _row(found: _Carried, closing: np.ndarray, level: float) -> list[float]:
    """The numbers of one domain or channel, in the order of NUMBERS."""
    every = np.ones(len(found.channels), dtype=bool)
    here = closing[found.last].astype(float) if len(found.last) else np.zeros(0)
    closed, media = float(found.orders @ here), float(found.spend[closing].sum())
    shared, influence = _moved(found, closing, every)
    upstream, lent = _moved(found, closing, ~closing)[0], _moved(found, ~closing, closing)[0]
    total = float(found.spend.sum())
    ends = [part * total for part in _share_carried(found, closing, every, level)] if total else [0.0, np.nan, np.nan]
    ends[0] = shared
    return [closed, media, lent, upstream, *ends, *_cost_last_touch(media, closed, level),
            *_cost_shared(shared, closed, influence, here, found.orders, level)]  # fmt: skip


def _cost_last_touch(media: float, closed: float, level: float) -> tuple[float, float, float]:
    if closed <= 0:
        return np.nan, np.nan, np.nan
    if media <= 0:
        return 0.0, np.nan, np.nan
    fewest, most = (float(end) for end in confint_poisson(closed, 1, method="exact-c", alpha=1 - level))
    return media / closed, media / most, media / fewest


def _cost_shared(
    shared: float, closed: float, influence: np.ndarray, here: np.ndarray, orders: np.ndarray, level: float
) -> tuple[float, float, float]:
    if closed <= 0:
        return np.nan, np.nan, np.nan
    if shared <= 0:
        return 0.0, np.nan, np.nan
    cost = shared / closed
    relative = influence / shared - here / closed  # of one more order on the logarithm of the cost
    spread = float(np.exp(norm.ppf((1 + level) / 2) * np.sqrt(orders @ relative**2)))
    return cost, cost / spread, cost * spread


def _domains_there(found: _Carried) -> list[str]:
    return [*order_log.DOMAINS, *([UNKNOWN] if UNKNOWN in set(found.domain) else [])]


def _carried_shares(found: _Carried, level: float) -> dict[str, dict[str, list[float]]]:
    """{closing domain: {spent domain: [share, low, high]}}, for domains with spend; each spent domain adds up to 1."""
    names = _domains_there(found)
    made: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for spent in names:
        spending = found.domain == spent
        if not found.spend[spending].sum():
            continue
        for closing in names:
            if closing != spent:
                made[closing][spent] = list(_share_carried(found, found.domain == closing, spending, level))
        away, low, high = _share_carried(found, ~spending, spending, level)
        made[spent][spent] = [1 - away, 1 - high, 1 - low]
    return made


# --- taken over into the cost table of notebook 01 ---


def _taken_over(
    domain: str, media: pd.Series, carried: dict[str, dict[str, list[float]]]
) -> tuple[float, float, float]:
    """Media spend of all domains that one domain carries: value, low, high. Spend nobody knows of stays at home."""
    ends = [0.0, 0.0, 0.0]
    for spent, money in media.items():
        known = any(spent in row for row in carried.values())
        stays = [1.0] * 3 if spent == domain else [0.0] * 3
        parts = carried.get(domain, {}).get(spent, [0.0] * 3) if known else stays
        ends = [end + float(money) * part for end, part in zip(ends, parts, strict=True)]
    return ends[0], ends[1], ends[2]


def _with_ends(shared: pd.DataFrame, low: pd.Series, high: pd.Series, level: float) -> pd.DataFrame:
    """Add the cost and its ends: those of the customers and those of the spend, together on the log scale."""
    made = with_cac(shared, level)
    known = made["cac"].notna()
    cac, spend = made["cac"][known], made["spend"][known]
    with np.errstate(divide="ignore"):  # a low end of 0 stays 0
        below = np.hypot(np.log(cac / made["cac_low"][known]), np.log(spend / low[known]))
        above = np.hypot(np.log(made["cac_high"][known] / cac), np.log(high[known] / spend))
    made.loc[known, "cac_low"], made.loc[known, "cac_high"] = cac * np.exp(-below), cac * np.exp(above)
    return made


# --- what is said where there is no number ---


def _too_few(closed: float) -> Refused:
    zh = f"末次触点在私域的订单只有 {closed:,.0f} 笔，少于 {ORDERS_AT_LEAST} 笔，算不出可用的每单费用。"
    en = f"Only {closed:,.0f} orders had a private last touch, fewer than {ORDERS_AT_LEAST}: no cost of each is given."
    return Refused("orders closed in the pool", float(closed), ORDERS_AT_LEAST, zh, en)


def _no_spend() -> Refused:
    zh, en = "这段时间里私域之外没有投放费用。", "There was no media spend outside the pool in these days."
    return Refused("spend outside the pool", 0, "> 0", zh, en)
