"""What was known of a customer strictly before a moment: the covariates that make joiners and comparators alike.

Each name stands for one idea and expands to one or more columns. Which channels, traits and months have a column of
their own is decided once for a brand, from shares, so that all weeks and horizons have the same columns.

Opens no files and draws nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories, before, count_between

RECENT_DAYS = 90
INTEREST_DAYS = 28
RARE_SHARE = 0.01  # a channel or trait of fewer customers is pooled with the other rare ones
MONTH_SHARE, MONTH_JOINERS = 0.02, 20  # a month with fewer joinings is pooled with the next
POOLED = "pooled"

#: Upper ends in days, included, of the bands of tenure. Invitations go out two weeks after the first order, that is
#: 7 to 14 days before a Monday: a band of its own. Longer than the last: the reference, without a column.
TENURE_BANDS = {"0_1": 7, "1_2": 14, "2_4": 28, "4_13": 91, "13_26": 182}


class Category(NamedTuple):
    """Codes into columns, -1 for the commonest, which has none: one code a customer, or one a month from `begin`."""

    codes: np.ndarray
    columns: list[str]
    begin: int = 0


class Seen(NamedTuple):
    """One row a customer and moment; `place` is just after the last order before it, `start` at the first one."""

    histories: Histories
    who: np.ndarray
    when: np.ndarray
    place: np.ndarray
    start: np.ndarray
    categories: dict[str, Category]


def covariates_at(
    histories: Histories,
    who: np.ndarray,
    when: np.ndarray | int,
    names: tuple[str, ...] | None = None,
    categories: dict[str, Category] | None = None,
) -> pd.DataFrame:
    """What is known of customers from before a moment, as numbers that a regression can take.

    customers and moments  ->  covariates (one customer and moment a row, in the order given)

    Parameters
    ----------
    histories : Histories
        See `read_histories`.
    who : array of int
        Places of customers in `histories`.
    when : array of int or int
        Moments, in seconds from 1970. Nothing that happens at the moment or later changes a row.
    names : tuple of str
        Of `COVARIATES`, or traits that `histories` holds. By default all that the data know.
    categories : dict, optional
        What `categories_of` returned, to save time where there are many calls.

    Returns
    -------
    DataFrame of float, with the columns
        recency: recency_days, log_recency (log of days + 1) since the last order.
        frequency: log_order_days (days with an order), log_orders_90_days (log of orders in the last 90 days + 1),
        order_days_by_recency (log_order_days x log_recency: silence says more of a frequent customer).
        spend: log_mean_spend (log of spend per order + 1, refunds as in `histories`).
        tenure: tenure_weeks_0_1, ... 0/1, weeks since the first order; over 26 weeks is the reference.
        first_channel and traits: 0/1 a value; the commonest is the reference, those of fewer than 1% of customers are
        pooled. discount_share: 1 - paid / listed so far; discount_unknown: no order with a list price yet.
        interest: log_touches_28_days. month: 0/1 a calendar month; neighbours are pooled until they hold 2% of joinings
        and 20 joiners.
        NaN in recency, frequency and spend of a customer without an order before the moment.

    Raises
    ------
    ValueError
        For a name that is neither a covariate nor a trait in `histories`.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.histories import read_histories, seconds
    >>> log = pd.DataFrame({"customer_id": [7, 7], "amount": [10.0, 20.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-11"])})
    >>> told = read_histories(log, log.iloc[:0].rename(columns={"ordered_at": "joined_at"}), "2024-06-30")
    >>> monday = int(pd.Timestamp("2024-01-15").timestamp())
    >>> covariates_at(told, np.array([0]), monday, ("recency", "tenure")).loc[0].round(2).to_dict()
    {'recency_days': 4.0, 'log_recency': 1.61, 'tenure_weeks_0_1': 0.0, 'tenure_weeks_1_2': 1.0,
     'tenure_weeks_2_4': 0.0, 'tenure_weeks_4_13': 0.0, 'tenure_weeks_13_26': 0.0}
    """
    columns, _ = covariate_columns(histories, who, when, names, categories)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(who)), dtype=float)


def covariate_columns(
    histories: Histories,
    who: np.ndarray,
    when: np.ndarray | int,
    names: tuple[str, ...] | None = None,
    categories: dict[str, Category] | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Return the columns of `covariates_at` as a dict, and which of them belong to each name."""
    known = known_names(histories, names)
    who = np.asarray(who, dtype=np.int64)
    when = np.broadcast_to(np.asarray(when, dtype=np.int64), who.shape)
    start = np.searchsorted(histories.person, who, "left")
    if categories is None:
        categories = categories_of(histories, known)
    seen = Seen(histories, who, when, before(histories, who, when), start, categories)
    columns: dict[str, np.ndarray] = {}
    groups: dict[str, list[str]] = {}
    for name in known:
        made = REGISTRY[name](seen) if name in REGISTRY else _dummies(categories[name], who)
        if made:
            groups[name] = list(made)
            columns |= made
    return columns, groups


def known_names(histories: Histories, names: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Names of covariates that the data know, in the order given; ValueError for a name that means nothing."""
    names = COVARIATES if names is None else tuple(names)
    allowed = {*COVARIATES, *histories.traits}
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(name, sorted(allowed), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"there is no covariate {name!r}: name one of {', '.join(COVARIATES)} or a trait{hint}")
    missing = {
        "discount_share": histories.discounts is None,
        "interest": histories.touches is None,
        **{name: name not in histories.traits for name in names if name not in REGISTRY},
    }
    return tuple(dict.fromkeys(name for name in names if not missing.get(name, False)))


def categories_of(histories: Histories, names: tuple[str, ...]) -> dict[str, Category]:
    """Decide which values have a column: of channels and traits by share of customers, of months by joinings."""
    values = {"first_channel": histories.first_channel, **histories.traits}
    found = {name: _category(name, values[name]) for name in names if name in values}
    if "month" in names:
        found["month"] = _months(histories)
    return found


def _category(name: str, values: np.ndarray) -> Category:
    texts = pd.Series(values, dtype=object).astype(str)
    counts = texts.value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")  # of equals, the alphabetically first
    rare = counts.index[counts.to_numpy() < RARE_SHARE * len(texts)]
    kept = [value for value in counts.index if value not in set(rare)]
    columns = [f"{name}_{value}" for value in kept[1:]] + ([f"{name}_{POOLED}"] if len(rare) else [])
    code = {value: place - 1 for place, value in enumerate(kept)} | {value: len(columns) - 1 for value in rare}
    return Category(texts.map(code).to_numpy(dtype=np.int64), list(dict.fromkeys(columns)))


def _months(histories: Histories) -> Category:
    """Runs of calendar months with enough joinings; the run with most joinings has no column."""
    joined = histories.joined[histories.joined < NEVER]
    if not len(joined):
        return Category(np.array([-1]), [])
    months = month_number(joined)
    begin, counts = months.min(), np.bincount(months - months.min())
    enough = max(MONTH_SHARE * len(joined), MONTH_JOINERS)
    run, held, runs = 0, 0, np.zeros(len(counts), dtype=np.int64)
    for place, count in enumerate(counts.tolist()):
        if held >= enough:
            run, held = run + 1, 0
        runs[place] = run
        held += count
    if held < enough and run:  # the last run is too small for itself
        runs[runs == run] = run - 1
    commonest = int(np.bincount(runs, counts).argmax())
    firsts = [int(begin + np.flatnonzero(runs == its)[0]) for its in np.unique(runs)]
    columns = [f"month_{first // 12}_{first % 12 + 1:02d}" for its, first in enumerate(firsts) if its != commonest]
    codes = np.where(runs == commonest, -1, runs - (runs > commonest))
    return Category(codes, columns, int(begin))


def month_number(moments: np.ndarray) -> np.ndarray:
    """Running number of the calendar month of moments in seconds: 12 x year + month - 1."""
    return np.asarray(moments).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


# --- one function a name ---


def _recency(seen: Seen) -> dict[str, np.ndarray]:
    days = (seen.when - _at(seen.histories.time, seen.place - 1)) / DAY
    days = np.where(seen.place > seen.start, days, np.nan)
    return {"recency_days": days, "log_recency": np.log1p(days)}


def _frequency(seen: Seen) -> dict[str, np.ndarray]:
    running = seen.histories.totals["order_days"]
    days = (running[seen.place] - running[seen.start]).astype(float)
    days[seen.place == seen.start] = np.nan
    recent = seen.place - before(seen.histories, seen.who, seen.when - RECENT_DAYS * DAY)
    # After a long silence a frequent customer has probably left, a rare one is not yet due. Without the product a
    # linear model of the dormant expects too little of who has just ordered: in brands of 14,000 with known truth,
    # regression adjustment was too high by two standard errors.
    silence = np.log(days) * _recency(seen)["log_recency"]
    return {
        "log_order_days": np.log(days), "log_orders_90_days": np.log1p(recent), "order_days_by_recency": silence,
    }  # fmt: skip


def _spend(seen: Seen) -> dict[str, np.ndarray]:
    running = seen.histories.totals["spend"]
    orders = (seen.place - seen.start).astype(float)
    orders[orders == 0] = np.nan
    mean = (running[seen.place] - running[seen.start]) / order_log.MONEY_SCALE / orders
    return {"log_mean_spend": np.log1p(np.maximum(mean, 0))}


def _tenure(seen: Seen) -> dict[str, np.ndarray]:
    days = (seen.when - seen.histories.first_order[seen.who]) / DAY
    band = np.searchsorted(list(TENURE_BANDS.values()), days, "left")
    band[days <= 0] = -1
    return {f"tenure_weeks_{name}": (band == place).astype(float) for place, name in enumerate(TENURE_BANDS)}


def _first_channel(seen: Seen) -> dict[str, np.ndarray]:
    return _dummies(seen.categories["first_channel"], seen.who)


def _discount_share(seen: Seen) -> dict[str, np.ndarray]:
    person, time, paid, listed = seen.histories.discounts
    start = np.searchsorted(person, seen.who, "left")
    place = start + count_between((person, time), seen.who, np.full(len(seen.who), -NEVER), seen.when)
    of = (listed[place] - listed[start]).astype(float)
    known = of > 0
    share = np.where(known, 1 - (paid[place] - paid[start]) / np.where(known, of, 1), 0.0)
    return {"discount_share": share, "discount_unknown": (~known).astype(float)}


def _interest(seen: Seen) -> dict[str, np.ndarray]:
    touches = count_between(seen.histories.touches, seen.who, seen.when - INTEREST_DAYS * DAY, seen.when)
    return {"log_touches_28_days": np.log1p(touches)}


def _month(seen: Seen) -> dict[str, np.ndarray]:
    its = seen.categories["month"]
    place = np.clip(month_number(seen.when) - its.begin, 0, len(its.codes) - 1)
    return _dummies(its, place)


REGISTRY: dict[str, Callable[[Seen], dict[str, np.ndarray]]] = {
    "recency": _recency,
    "frequency": _frequency,
    "spend": _spend,
    "tenure": _tenure,
    "first_channel": _first_channel,
    "discount_share": _discount_share,
    "interest": _interest,
    "month": _month,
}

#: What is taken unless the caller says otherwise; what the data do not know is left out.
COVARIATES = (*REGISTRY, "city_tier")


def _dummies(category: Category, places: np.ndarray) -> dict[str, np.ndarray]:
    codes = category.codes[places]
    return {name: (codes == place).astype(float) for place, name in enumerate(category.columns)}


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values at places; anything where a place is before the first, or where there are no values."""
    return values[np.maximum(places, 0)] if len(values) else np.zeros(len(places), dtype=np.int64)
