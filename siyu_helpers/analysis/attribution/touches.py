"""Touches tied to persons: the visitors of the shop, and the customers that some of them turn out to be.

Columns are selected and filtered by whatever engine holds the touches; the narrow columns then come home as whole
numbers and are sorted, so that ten million touches take seconds and no loop runs over them.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log

REQUIRES = {"touchpoints": ["visitor_id", "touched_at", "channel"]}

MICROSECONDS_A_DAY = 86_400_000_000


class Linked(NamedTuple):
    """Touches as numbers, sorted by person, moment and `tie_ranks` of the channel.

    person : int64; below len(customers) a customer, else a visitor who never became known. Its size means nothing.
    at : int64, microseconds since 1970-01-01 in the brand's own time. channel : int32, place in channels, which are
    alphabetical. customers : ids of the customers that the touches name, in no particular order. counts : where the
    rows of the table went.
    """

    person: np.ndarray
    at: np.ndarray
    channel: np.ndarray
    channels: list[str]
    customers: np.ndarray
    counts: dict[str, int]

    @property
    def customer(self) -> np.ndarray:
        """The customer of each touch, as a place in customers; -1: never known."""
        return np.where(self.person < len(self.customers), self.person, -1)

    @property
    def bounds(self) -> np.ndarray:
        """Where the touches of each customer begin: those of customer i are bounds[i]:bounds[i + 1]."""
        return np.searchsorted(self.person, np.arange(len(self.customers) + 1))


def linked(
    touchpoints: Any, observed_until: order_log.DateLike | None = None, domains: dict[str, str] | None = None
) -> Linked:
    """Touches of each person in order of time, blank customers filled in from what is known of the visitor.

    touchpoints (one touch)  ->  arrays (one touch)

    Parameters
    ----------
    touchpoints : pandas, Polars (eager or lazy), DuckDB, Ibis or PySpark frame; one row per touch
        visitor_id : device or cookie, text or whole number. touched_at : date or datetime, never missing. channel :
        text; a touch without one is left out. customer_id (optional) : blank until known. A touch that names neither
        visitor nor customer is left out.
    observed_until : date, optional
        Last day; later touches are left out, and what only they tell of a visitor is not known.
    domains : dict, optional
        Channel -> "public", "semi" or "private". Of touches at one moment the public come first, then the semi-private:
        the way customers are led. Then the commoner channel, then the alphabet.

    Returns
    -------
    Linked. A touch without customer belongs to the customer that its visitor is next known as, else to the one it was
    last known as, else to the visitor as a person of its own. Two customers of one visitor at one moment tell nothing.
    counts: touches_read, touches_without_channel, touches_without_person, touches_later (left out in that order),
    visitors_read, visitors_linked (of those read, tied to a customer).

    Raises
    ------
    ValueError
        For a missing column, times that are no dates, a touch without time, or a domain that is none of the three.

    Example
    -------
    >>> import pandas as pd
    >>> touches = pd.DataFrame({"visitor_id": ["a", "a", "b"], "channel": ["feed", "wecom", "feed"]})
    >>> touches["touched_at"] = pd.to_datetime(["2024-01-01 10:00", "2024-01-02 10:00", "2024-01-03 10:00"])
    >>> touches["customer_id"] = [None, 7, None]
    >>> made = linked(touches)
    >>> made.customer.tolist(), [made.channels[code] for code in made.channel], made.customers.tolist()
    ([0, 0, -1], ['feed', 'wecom', 'feed'], [7])
    """
    for channel, domain in (domains or {}).items():
        order_log.one_of(f"the domain of {channel!r}", domain, order_log.DOMAINS)
    frame = order_log.lazy(typed_if_empty(touchpoints, touched_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["touchpoints"])
    at = order_log.as_moment("touched_at", kinds).alias("touched_at")
    names = [name for name in ("visitor_id", "channel", "customer_id") if name in kinds.names()]
    named = [filled_in(name, kinds) for name in names]
    home = gathered(frame.select(*named, at), "touched_at", "touches")
    at = moments(home.pop("touched_at"))
    channel, names = _channels(home.pop("channel"))
    visitor, visitors = numbered(home.pop("visitor_id"))
    customer, customers = np.full(len(visitor), -1, dtype=np.int32), np.empty(0, dtype=np.int64)  # nobody known
    if "customer_id" in home:
        customer, customers = numbered(home.pop("customer_id"))
    end = None if observed_until is None else end_of_day(observed_until, "observed_until")
    kept, counts = _kept(at, channel, visitor, customer, end)
    if not kept.all():
        at, channel, visitor, customer = (column[kept] for column in (at, channel, visitor, customer))
    person, counts_of_visitors = _persons(visitor, customer, at, len(customers), len(visitors))
    del visitor, customer, kept
    by_rank = tie_ranks(names, np.bincount(channel, minlength=len(names)), domains)
    person, at, rank = in_order(person, at, np.argsort(by_rank)[channel])
    seen = np.bincount(rank, minlength=len(names))[np.argsort(by_rank)] > 0
    channel = (np.cumsum(seen) - 1).astype(np.int32)[by_rank[rank]] if len(names) else rank.astype(np.int32)
    there = [name for name, is_there in zip(names, seen, strict=True) if is_there]
    return Linked(person, at, channel, there, values_of(customers), counts | counts_of_visitors)


def tie_ranks(names: list[str], touches: np.ndarray, domains: dict[str, str] | None) -> np.ndarray:
    """Channels, as places in the alphabetical names, in the order in which touches of one moment are read."""
    place = {name: at for at, name in enumerate(order_log.DOMAINS)}
    led = [place.get((domains or {}).get(name), len(place)) for name in names]
    return np.lexsort((np.arange(len(names)), -touches, led)).astype(np.int64)


# --- from engines to arrays ---


def typed_if_empty(table: Any, **kinds: str) -> Any:
    """The table as it is; one without rows, which may not know what its columns would hold, with the types given."""
    frame = nw.from_native(table)
    if isinstance(frame, nw.LazyFrame) or len(frame):
        return table
    return pd.DataFrame(columns=frame.columns).astype({name: kinds[name] for name in frame.columns if name in kinds})


def one_time_zone(**moments_of: tuple[Any, str]) -> None:
    """Raise where columns of moments, each (table, column), stand on different clocks: they cannot be compared."""
    zones = {}
    for name, (table, column) in moments_of.items():
        kinds = order_log.lazy(table).collect_schema()
        order_log.has_columns(kinds.names(), [column])
        if isinstance(kinds[column], nw.Datetime):  # dates, and objects, have no zone to state
            zones[name] = getattr(kinds[column], "time_zone", None)
    if len(set(zones.values())) > 1:
        told = ", ".join(f"{name} in {zone or 'no time zone'}" for name, zone in zones.items())
        raise ValueError(f"the times stand on different clocks ({told}): give all tables the brand's own time zone")


def filled_in(column: str, kinds: nw.Schema) -> nw.Expr:
    """A column of ids or names, in which empty texts are blank too."""
    if kinds[column] in (nw.String, nw.Categorical, nw.Enum):
        text = nw.col(column) if kinds[column] == nw.String else nw.col(column).cast(nw.String)
        # A category that is null must not be spelt "nan".
        return nw.when(~nw.col(column).is_null() & (text.str.strip_chars() != "")).then(text).alias(column)
    return nw.col(column).fill_nan(None) if kinds[column].is_float() else nw.col(column)


def gathered(query: nw.LazyFrame, moment: str, what: str) -> dict[str, nw.Series]:
    """Run the query and bring its columns home; raise when one of its moments is missing."""
    streaming = {"engine": "streaming"} if query.implementation.is_polars() else {}
    try:
        home = query.collect("pyarrow", **streaming)  # keeps whole numbers with blanks whole, as pandas does not
    except (TypeError, ValueError) as error:
        if not type(error).__module__.startswith("pyarrow"):
            raise
        # Its own message may name a customer.
        raise ValueError(f"a column of the {what} holds texts and numbers side by side: give it one kind") from None
    if missing := home[moment].null_count():
        raise ValueError(f"{missing} {what} have no {moment}: complete them, or leave them out and say so")
    return {name: home[name] for name in home.columns}


def moments(column: nw.Series) -> np.ndarray:
    """Microseconds since 1970-01-01, on the clock of the column's own time zone."""
    if not len(column):
        return np.empty(0, dtype=np.int64)
    if getattr(column.dtype, "time_zone", None):
        column = column.dt.replace_time_zone(None)
    return column.to_numpy().astype("datetime64[us]", copy=False).view(np.int64)


def numbered(column: nw.Series) -> tuple[np.ndarray, Any]:
    """Ids -> their place among the distinct values (-1: blank), and these values, to be read by `values_of`."""
    if column.null_count() == len(column):  # such a column may have no type
        return np.full(len(column), -1, dtype=np.int32), np.empty(0, dtype=np.int64)
    home = column.to_native()
    if column.dtype.is_integer():
        least, most = column.min(), column.max()
        if least >= 0 and most < 4 * len(column) + 1_000:  # a table of places beats hashing
            ids = home.fill_null(-1).to_numpy()
            there = np.zeros(most + 2, dtype=bool)  # the last place takes the blanks, -1
            there[ids] = True
            there[-1] = False
            place = np.cumsum(there, dtype=np.int32) - 1
            place[-1] = -1
            return place[ids], np.flatnonzero(there)
    home = home.combine_chunks().dictionary_encode()  # one chunk has one dictionary
    if getattr(home, "num_chunks", 1) != 1:
        home = home.unify_dictionaries()
    chunks = getattr(home, "chunks", [home])
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return np.concatenate(codes).astype(np.int32, copy=False), chunks[0].dictionary


def values_of(distinct: Any) -> np.ndarray:
    """Distinct ids as NumPy values; whole numbers are whole again where blanks had made floats of them."""
    values = distinct if isinstance(distinct, np.ndarray) else distinct.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f" and (values == np.floor(values)).all():
        return values.astype(np.int64)
    return values


def end_of_day(date: order_log.DateLike, name: str) -> int:
    """First moment after a day."""
    return (order_log.day_number(date, name) + 1) * MICROSECONDS_A_DAY


def _channels(column: nw.Series) -> tuple[np.ndarray, list[str]]:
    """Channels -> their place among the alphabetical names (-1: blank), and the names."""
    codes, values = numbered(column)
    names = [str(name) for name in values_of(values)]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names) + 1, dtype=np.int32)
    place[order], place[-1] = np.arange(len(names)), -1
    return place[codes], [names[at] for at in order]


# --- persons ---


def _kept(
    at: np.ndarray, channel: np.ndarray, visitor: np.ndarray, customer: np.ndarray, end: int | None
) -> tuple[np.ndarray, dict[str, int]]:
    """Which touches stay, and how many went for what."""
    named = channel >= 0
    someone = (visitor >= 0) | (customer >= 0)
    in_time = np.ones(len(at), dtype=bool) if end is None else at < end
    counts = {
        "touches_read": len(at),
        "touches_without_channel": int((~named).sum()),
        "touches_without_person": int((named & ~someone).sum()),
        "touches_later": int((named & someone & ~in_time).sum()),
    }
    return named & someone & in_time, counts


def _persons(
    visitor: np.ndarray, customer: np.ndarray, at: np.ndarray, customers: int, visitors: int
) -> tuple[np.ndarray, dict[str, int]]:
    """The person of each touch: a customer, or a visitor numbered after all customers."""
    is_known = np.zeros(visitors + 1, dtype=bool)  # the last place takes touches without visitor, numbered -1
    asks, came = is_known.copy(), is_known.copy()
    is_known[visitor[customer >= 0]] = asks[visitor[customer < 0]] = came[visitor] = True
    is_known[-1] = came[-1] = False
    counts = {"visitors_read": int(came.sum()), "visitors_linked": int(is_known.sum())}
    person = np.where(customer >= 0, customer, visitor.astype(np.int64) + customers)
    blank = np.flatnonzero((customer < 0) & is_known[visitor])
    if len(blank):
        tells = np.flatnonzero((customer >= 0) & is_known[visitor] & asks[visitor])
        told = _known_as(visitor[tells], at[tells], customer[tells], visitor[blank], at[blank])
        person[blank] = np.where(told >= 0, told, person[blank])
    return person, counts


def _known_as(
    visitor: np.ndarray, at: np.ndarray, customer: np.ndarray, of: np.ndarray, when: np.ndarray
) -> np.ndarray:
    """The customer that a visitor is next known as, else the one it was last known as, else -1."""
    order = np.lexsort((at, visitor))
    visitor, at, customer = visitor[order], at[order], customer[order]
    starts = np.flatnonzero(np.append(True, (np.diff(visitor) != 0) | (np.diff(at) != 0)))
    one = np.minimum.reduceat(customer, starts) == np.maximum.reduceat(customer, starts)
    visitor, at, customer = (column[starts[one]] for column in (visitor, at, customer))
    if not len(visitor):
        return np.full(len(of), -1, dtype=np.int64)
    low, high = np.searchsorted(visitor, of), np.searchsorted(visitor, of, side="right")
    following = bisected(at, low, high, when)
    return np.where(low < high, customer[np.minimum(following, np.maximum(high - 1, 0))], -1)


# --- sorting and searching within persons ---


def in_order(person: np.ndarray, at: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort by person, moment and rank; in one number of 64 bits where they fit, which is ten times as fast."""
    if not len(person):
        return person.astype(np.int64), at, rank
    first = at.min()
    step = next(step for step in (1_000_000, 1_000, 1) if step == 1 or not ((at - first) % step).any())
    of_time, of_rank = (int(most).bit_length() for most in ((int(at.max()) - int(first)) // step, rank.max()))
    if int(person.max()).bit_length() + of_time + of_rank > 63:
        order = np.lexsort((rank, at, person))
        return person[order].astype(np.int64), at[order], rank[order]
    packed = person.astype(np.int64) << of_time
    packed |= (at - first) // step
    packed <<= of_rank
    packed |= rank
    packed.sort()
    rank = packed & ((1 << of_rank) - 1)
    packed >>= of_rank
    at = (packed & ((1 << of_time) - 1)) * step + first
    packed >>= of_time
    return packed, at, rank


def bisected(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, wanted: np.ndarray, right: bool = False
) -> np.ndarray:
    """Where each wanted value belongs within its own sorted stretch values[low:high], left of equal ones or right."""
    low, high = low.astype(np.int64), high.astype(np.int64)
    open_ = np.flatnonzero(low < high)
    while len(open_):
        middle = (low[open_] + high[open_]) // 2
        before = values[middle] <= wanted[open_] if right else values[middle] < wanted[open_]
        low[open_[before]] = middle[before] + 1
        high[open_[~before]] = middle[~before]
        open_ = open_[low[open_] < high[open_]]
    return low
