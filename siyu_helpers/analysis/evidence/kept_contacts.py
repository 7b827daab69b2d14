"""How long contacts stay in the pool, by the way they came in, and whether those who stay still buy.

A stay begins with joining and ends with leaving; whom a ban of the account took out did not leave of his own will and
is watched up to the ban, no further. Opens no files and draws nothing. Members may be any frame that narwhals takes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.effect.histories import DAY, seconds
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share, wilson
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import CUSTOMERS_AT_LEAST, Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.pool_facts import ban_moments, read_pool
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES | {"members": ["customer_id", "joined_at", "left_at"]}
DAYS = (30, 90, 180, 365)
YEAR, BUYING_DAYS = 365, 180
OTHER = "other"
NEAR_A_BAN = DAY
HALF = 0.5
CURVE_COLUMNS = ["entry", "customers", *(f"kept_{days}{end}" for days in DAYS for end in ("", "_low", "_high"))]
CLAIM = Words("用户不会因为被你圈起来就成了你的用户", "users are not yours because you have fenced them in")


class FirstStays(NamedTuple):
    """First stay of each customer: id, entry ("" where not recorded), joined (second), days watched, whether left."""

    customer: np.ndarray
    entry: np.ndarray
    joined: np.ndarray
    watched: np.ndarray
    left: np.ndarray
    leaving_recorded: bool


def first_stays(members: Any, accounts: Any, observed_until: order_log.DateLike) -> FirstStays | None:
    """Read the first stay of each customer and how long it was watched; None where nobody ever joined.

    members (one stay), accounts (one account)  ->  FirstStays

    Parameters
    ----------
    members : any frame that narwhals takes, or None
        customer_id, joined_at [left_at, entry, account_id].
    accounts : frame of the same kind, or None
        account_id, opened_at [banned_at]. A stay that ends within a day of the ban of its account ends for that reason:
        it is watched up to then and has not been left.
    observed_until : date

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.to_datetime(["2024-01-01"] * 2)})
    >>> stays["left_at"] = pd.to_datetime(["2024-01-11", None])
    >>> found = first_stays(stays, None, "2024-01-31")
    >>> found.watched.tolist(), found.left.tolist()
    ([10, 31], [True, False])
    """
    if members is None:
        return None
    end = (order_log.day_number(observed_until, "observed_until") + 1) * DAY
    frame = order_log.lazy(touches.typed_if_empty(members, joined_at="datetime64[us]", left_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    dates = [name for name in ("joined_at", "left_at") if name in kinds.names()]
    names = [name for name in ("entry", "account_id") if name in kinds.names()]
    home = frame.filter(~nw.col("customer_id").is_null()).select(
        "customer_id", *(order_log.as_moment(name, kinds).alias(name) for name in dates), *names
    )
    home = home.collect("pandas").to_native()
    home = home[home["joined_at"].notna()]
    home["joined"], home["left"] = seconds(home["joined_at"]), np.iinfo(np.int64).max
    recorded = "left_at" in dates
    if recorded and (gone := home["left_at"].notna().to_numpy()).any():
        home.loc[gone, "left"] = seconds(home.loc[gone, "left_at"])
    home["entry"] = home["entry"].astype(object).where(home["entry"].notna(), "").map(str) if "entry" in home else ""
    home["account_id"] = home["account_id"].astype(object) if "account_id" in home else None
    home = home[home["joined"] < end].sort_values(["joined", "left", "entry"], kind="stable")
    home = home.drop_duplicates("customer_id")
    if home.empty:
        return None
    bans = ban_moments(members, accounts, observed_until)
    ban = home["account_id"].map(bans).astype(float).to_numpy() if bans else np.full(len(home), math.nan)
    joined, left = home["joined"].to_numpy(), home["left"].to_numpy()
    left_seen = left < end
    by_ban = left_seen & (np.abs(left - np.nan_to_num(ban, nan=-1e18)) <= NEAR_A_BAN)
    last = np.maximum(np.where(left_seen, left, end), joined)
    watched = (last - joined) // DAY
    return FirstStays(
        home["customer_id"].to_numpy(), home["entry"].to_numpy(dtype=object), joined, watched, left_seen & ~by_ban,
        recorded,
    )  # fmt: skip


def kept_after(watched: np.ndarray, left: np.ndarray, days: int, level: float = LEVEL) -> tuple[float, float, float]:
    """Share of contacts still there after so many days, with its interval (Kaplan-Meier).

    days watched and whether left, one a customer  ->  value, low, high

    Parameters
    ----------
    watched : array of int
        Whole days from joining to leaving, or to when watching stopped.
    left : array of bool
    days : int
        Still there at the end of this many days: who left on day `days` or before is not.

    Returns
    -------
    NaN three times where nobody was watched so long and somebody may still leave.

    Notes
    -----
    Greenwood's variance with the log(-log) interval (Kalbfleisch and Prentice 2002, section 1.4), as
    `repurchase_cycle.time_to_next_order`. Where nobody has left, or nobody is left, Wilson's interval of those at risk.

    Example
    -------
    >>> [round(end, 3) for end in kept_after(np.array([10, 20, 30, 40]), np.array([True, False, True, False]), 30)]
    [0.375, 0.029, 0.761]
    """
    order_log.at_least_one("days", days)
    watched, left = np.asarray(watched, dtype=np.int64), np.asarray(left, dtype=bool)
    reached = int(watched.max()) if len(watched) else -1
    leaving = np.bincount(np.clip(watched[left], 0, days + 1), minlength=days + 2)[: days + 1]
    gone = np.bincount(np.clip(watched, 0, days + 1), minlength=days + 2)[: days + 1]
    at_risk = len(watched) - np.concatenate([[0], np.cumsum(gone)[:-1]])
    there = at_risk > 0
    steps = 1 - leaving[there] / at_risk[there]
    kept = float(np.prod(steps))
    if (reached < days and kept > 0) or not len(watched):
        return math.nan, math.nan, math.nan
    still = int(at_risk[there][-1])
    if kept in (0.0, 1.0):
        low, high = wilson(still if kept else 0, still, level)
        return kept, float(low), float(high)
    variance = float((leaving[there] / (at_risk[there] * np.maximum(at_risk[there] - leaving[there], 1))).sum())
    reach = stats.norm.ppf((1 + check_level(level)) / 2) * math.sqrt(variance) / abs(math.log(kept))
    return kept, kept ** math.exp(reach), kept ** math.exp(-reach)


def kept_curve(stays: FirstStays | None, min_customers: int = CUSTOMERS_AT_LEAST, level: float = LEVEL) -> pd.DataFrame:
    """Share of contacts still in the pool 30, 90, 180 and 365 days after joining, by entry.

    FirstStays (customer)  ->  table (entry), the first row for all

    Parameters
    ----------
    stays : FirstStays, or None
    min_customers : int
        Entries with fewer customers are taken together as "other".
    level : float

    Returns
    -------
    DataFrame, "all" first, then entries by customers, largest first
        entry, customers (who came that way); kept_30, kept_90, kept_180, kept_365 with _low and _high: blank (NaN)
        where nobody of them was watched so long. Empty where nobody joined or leaving is not recorded.

    Example
    -------
    >>> many = np.arange(200)
    >>> stays = FirstStays(many, np.full(200, "card"), many * 0, np.full(200, 40), many < 50, True)
    >>> kept_curve(stays)[["entry", "customers", "kept_30", "kept_90"]].values.tolist()
    [['all', 200, 1.0, nan], ['card', 200, 1.0, nan]]
    """
    if stays is None or not stays.leaving_recorded:
        return pd.DataFrame(columns=CURVE_COLUMNS)
    entry = entries_of(stays, min_customers)
    counted = pd.Series(entry).value_counts()
    order = sorted(counted.index, key=lambda name: (-counted[name], name))
    rows = []
    for name in [None, *order]:
        who = np.ones(len(entry), dtype=bool) if name is None else entry == name
        ends = [end for days in DAYS for end in kept_after(stays.watched[who], stays.left[who], days, level)]
        rows.append(["all" if name is None else name, int(who.sum()), *ends])
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def entries_of(stays: FirstStays, min_customers: int) -> np.ndarray:
    """Entry of each customer, with rare ones as "other" and those not recorded as "unknown"."""
    entry = np.where(stays.entry == "", "unknown", stays.entry).astype(object)
    counted = pd.Series(entry).value_counts()
    rare = counted[counted < min_customers].index
    return np.where(np.isin(entry, rare), OTHER, entry).astype(object)


def kept_contacts(
    members: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    accounts: Any = None,
    min_customers: int = CUSTOMERS_AT_LEAST,
    level: float = LEVEL,
) -> Evidence:
    """Retained contacts after joining, by entry, and how many of them still buy: are they one's own?

    members (one stay), orders (one paid order)  ->  Evidence: table (entry), figures, rule

    Parameters
    ----------
    members, accounts
        See `first_stays`.
    orders, observed_until
        See the head of `order_log`; orders may be OrderRows read before.
    min_customers, level
        See `kept_curve`.

    Returns
    -------
    Evidence
        table : see `kept_curve`.
        figures : kept_contacts_30, _90, _365 (still in the pool, Kaplan-Meier), kept_contacts_gap (share kept for 90
        days: the commonest entry less the next; percentage points), kept_contacts_buying (customers
        who joined at least a year before the last day: in the pool after 365 days, and with an order in the last 180 of
        them / all).
        rule : agrees where clearly less than half are both there and buying after a year, disagrees where clearly more.

    Notes
    -----
    Customers choose how they come in, so differences between entries are not effects of the entry.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": range(200), "joined_at": pd.Timestamp("2023-01-01")})
    >>> stays["left_at"] = pd.to_datetime(["2023-02-01"] * 150 + [None] * 50)
    >>> log = pd.DataFrame({"customer_id": range(200), "amount": 9.0, "ordered_at": pd.Timestamp("2023-12-01")})
    >>> found = kept_contacts(stays, log, "2024-06-30")
    >>> found.figures["kept_contacts_365"].value, found.figures["kept_contacts_buying"].value, found.rule.agrees
    (0.25, 0.25, 'agrees')
    """
    stays = first_stays(members, accounts, observed_until)
    table = kept_curve(stays, min_customers, level)
    figures: dict[str, Estimate | Refused] = {
        f"kept_contacts_{days}": _kept(stays, days, level) for days in (30, 90, YEAR)
    }
    figures["kept_contacts_gap"] = entry_gap(table, 90, level)
    figures["kept_contacts_buying"] = _buying(stays, members, order_rows(orders, observed_until), observed_until, level)
    buying = figures["kept_contacts_buying"]
    agrees = OPEN
    if isinstance(buying, Estimate):
        agrees = AGREES if buying.high < HALF else DISAGREES if buying.low > HALF else OPEN
    return Evidence(table, figures, RuleResult("kept_contacts", CLAIM, figures, agrees, _READING[agrees]))


def no_leaving(stays: FirstStays | None) -> Refused:
    """Why there is no curve: nobody joined, or the table does not say who left."""
    if stays is None:
        return evidence.no_column("members", "", "私域成员记录", "record of who joined the pool")
    return evidence.no_column("members", "left_at", "离开私域的时间", "record of who left the pool")


def entry_gap(table: pd.DataFrame, days: int, level: float) -> Estimate | Refused:
    """Share kept so long, commonest entry less the next, in percentage points.

    These two, and not the best and the worst: a gap between extremes that the data chose would look larger than it is.
    """
    named = table[~table["entry"].isin(["all", OTHER, "unknown"])].dropna(subset=[f"kept_{days}"])
    if len(named) < 2:
        return Refused(
            "entries", len(named), 2,
            f"有足够客户且观察满 {days} 天的加入方式不足两种，无从比较。",
            f"Fewer than two ways of joining have enough customers watched for {days} days: nothing to compare.",
        )  # fmt: skip
    first, second = named.iloc[0], named.iloc[1]  # the table has the commonest first
    sides = [
        Estimate(*(row[f"kept_{days}{end}"] for end in ("", "_low", "_high")), level, row["customers"], "share", "", "")
        for row in (first, second)
    ]
    words = Words(
        f"加入 {days} 天后仍在私域的占比：人数最多的加入方式（{first['entry']}）－ 其次的（{second['entry']}）；"
        "客户自己选择从哪里加入，差别不等于加入方式的作用",
        f"share still in the pool {days} days after joining: the commonest way of joining ({first['entry']}) less "
        f"the next ({second['entry']}); customers choose the way, so a difference is not its effect",
    )
    return evidence.gap(*sides, "percentage points", words, kept_contacts, 100.0)


def _kept(stays: FirstStays | None, days: int, level: float) -> Estimate | Refused:
    if stays is None or not stays.leaving_recorded:
        return no_leaving(stays)
    if refused := evidence.too_few(len(stays.watched)):
        return refused
    value, low, high = kept_after(stays.watched, stays.left, days, level)
    if math.isnan(value):
        return Refused(
            "observed long enough", int(stays.watched.max()), days,
            f"还没有客户加入满 {days} 天。", f"Nobody has been watched for {days} days since joining.",
        )  # fmt: skip
    words = Words(
        f"加入 {days} 天后仍在私域的客户占比（第一次加入；Kaplan-Meier 法，未满 {days} 天的按已观察的天数计；"
        "因封号离开的算到封号为止）",
        f"share still in the pool {days} days after first joining (Kaplan-Meier; whom a ban took out is watched up to "
        "then)",
    )
    return Estimate(value, min(low, value), max(high, value), level, len(stays.watched), "share", words, kept_contacts)


def _buying(
    stays: FirstStays | None, members: Any, rows: OrderRows, observed_until: order_log.DateLike, level: float
) -> Estimate | Refused:
    """Of those who joined a year ago: in the pool again or still, and with an order in the last half of the year."""
    if stays is None or not stays.leaving_recorded:
        return no_leaving(stays)
    asked = stays.joined + YEAR * DAY <= (rows.until + 1) * DAY
    if refused := evidence.too_few(int(asked.sum())):
        return refused
    pool = read_pool(members, observed_until)
    there = pool.inside(pd.Index(pool.ids).get_indexer(stays.customer), stays.joined + YEAR * DAY - 1)
    place = pd.Index(rows.customers).get_indexer(stays.customer)
    day = stays.joined // DAY
    bought = bought_between(rows, place, day + YEAR - BUYING_DAYS, day + YEAR)
    words = Words(
        f"加入满一年时在私域（离开后又回来的也算）、且最近 {BUYING_DAYS} 天下过单的客户 ÷ 一年前已加入的全部客户",
        f"customers in the pool a year after joining (again, or still) and with an order in its last {BUYING_DAYS} "
        "days / all who had joined a year before",
    )
    return share(int((asked & there & bought).sum()), int(asked.sum()), level, words, kept_contacts)


def bought_between(rows: OrderRows, place: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether customers (places in rows.customers; -1: no order) ordered on a day from begin to before end."""
    if not len(rows.person):
        return np.zeros(len(place), dtype=bool)
    early = int(min(rows.day.min(), begin.min() if len(begin) else 0)) - 1
    width = np.int64(max(int(rows.day.max()), int(end.max()) if len(end) else 0) - early + 2)
    keys = rows.person * width + (rows.day - early)
    at = np.maximum(place, 0).astype(np.int64) * width
    many = np.searchsorted(keys, at + (end - early)) - np.searchsorted(keys, at + (begin - early))
    return (many > 0) & (place >= 0)


_READING = {
    AGREES: Words(
        "加入满一年时，仍在私域且还在买的客户不到一半：名单上的人数不等于自己的客户，应按“还在且还买”来数",
        "a year after joining, less than half are both still there and still buying: count those, not the names on the "
        "list",
    ),
    DISAGREES: Words(
        "加入满一年时，多数客户仍在私域且还在买；他们加入之前就可能是常客，这不等于是私域留住的",
        "a year after joining, most are still there and still buying; they may have been regulars before, so that is "
        "not what the pool did",
    ),
    OPEN: Words(
        "还看不出多数客户一年后是否留下并继续购买：记录不全、时间不够，或正好在一半上下",
        "whether most stay and go on buying for a year cannot be told: not recorded, not watched for long enough, or "
        "about half",
    ),
}
