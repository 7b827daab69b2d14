"""Who referred whom: the orders of all customers, read once for every question on referral.

A referred customer is a new one whose first order names a referrer (referrer_id) other than the customer. A referral is
credited to a customer when the referrer had ordered before; a referrer who is not in the orders, or ordered later only,
is counted apart.

Orders may be any frame that narwhals takes, see `order_log`. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, seconds
from siyu_helpers.analysis.estimates import Refused

REQUIRES = {"orders": [*order_log.REQUIRES["orders"], "referrer_id"]}


@dataclass(frozen=True)
class ReferralLog:
    """Customers, their orders and who referred whom, as `read_referrals` returns them; a customer is named by place.

    refused : why nothing can be said of referral, where no order names a referrer; the customers are there all the
    same. customers : ids. people : one row a customer: second, day and month of the first order, new, referred,
    referrer (place; -1: not credited to a customer). friends : one row a referred new customer: place, second, the
    referrer's id. orders : one row a paid order: person, age (days since the first order), minor (before refunds),
    earned (see worth). refunds : one row an order with money back: person, age, minor; None where not recorded. until :
    last day. worth : money per unit of earned; NaN where contribution is not known. facts : self-referrals, rule for
    contribution.
    """

    customers: pd.Index
    people: pd.DataFrame
    friends: pd.DataFrame
    orders: pd.DataFrame
    refunds: pd.DataFrame | None
    until: int
    worth: float
    refused: Refused | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def read_referrals(
    orders: Any,
    observed_until: order_log.DateLike,
    gross_margin: float | None = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> ReferralLog:
    """Read who referred whom, and what customers ordered since their first order.

    orders (one paid order)  ->  ReferralLog (one customer with an order)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. referrer_id : customer who referred this one; blank: nobody known.
    gross_margin : float, optional
        For contribution where orders hold no costs, see `order_log.contribution_rule`.

    Returns
    -------
    ReferralLog; where orders have no column referrer_id, or it names nobody, its `refused` says so.

    Notes
    -----
    The referrer is the one named on the earliest order. Where two are named at that very moment, the customer counts as
    referred and the referral is credited to nobody.

    Raises
    ------
    ValueError
        For a missing column, a date that is none, or an order without amount.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2, 3], "amount": 9.0, "referrer_id": [None, 1, 3],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-20", "2024-02-01"])})
    >>> told = read_referrals(log, "2024-06-30")
    >>> told.people["referrer"].tolist(), told.facts["self_referrals"]
    ([-1, 0, -1], 1)
    """
    until = order_log.day_number(observed_until, "observed_until")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    named = _named_referrers(orders, until)
    refused = not_recorded(named is not None) if named is None or named.empty else None
    rule = order_log.contribution_rule(orders, until, gross_margin)
    home, people, ids = _bought(orders, until, rule)
    people["new"] = (people["day"] >= since).to_numpy() & ~_old(first_order_at, since, ids)
    friends, self_referrals = _friends(named, people, ids)
    people["referred"] = False
    people.loc[friends["place"], "referred"] = True
    people["referrer"] = -1
    people.loc[friends["place"], "referrer"] = _credited(friends, people, ids)
    worth = math.nan if rule == "none" else order_log.earned_per_minor(rule, gross_margin) / order_log.MONEY_SCALE
    facts = {"self_referrals": self_referrals, "contribution": rule, "gross_margin": gross_margin}
    refunds = _refunds(orders, people, ids, until)
    return ReferralLog(ids, people, friends, home, refunds, until, worth, refused, facts)


def not_recorded(column: bool = False) -> Refused:
    """Why nothing can be said of referral: nobody's referrer is known.

    Example
    -------
    >>> not_recorded().gate
    'referrals'
    """
    if column:
        return Refused(
            "referrals", 0, 1,
            "订单里没有任何一位客户填写了推荐人（referrer_id），老带新无从计算。",
            "No order names a referrer (referrer_id), so nothing can be said of referral.",
        )  # fmt: skip
    return Refused(
        "referrals", "not recorded", "referrer_id in orders",
        "订单没有记录推荐人（referrer_id），老带新无从计算。",
        "Orders do not record who referred a customer (referrer_id), so nothing can be said of referral.",
    )  # fmt: skip


# --- reading ---


def _named_referrers(orders: Any, until: int) -> pd.DataFrame | None:
    """Orders that name a referrer: customer_id, referrer_id, second; None without the column."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), order_log.REQUIRES["orders"])
    if "referrer_id" not in kinds.names():
        return None
    at = order_log.as_moment("ordered_at", kinds).alias("at")
    frame = frame.filter(~nw.col("referrer_id").is_null() & ~nw.col("customer_id").is_null())
    home = frame.select("customer_id", "referrer_id", at).collect("pandas").to_native()
    home = home[home["referrer_id"].notna() & home["at"].notna()]
    home["second"] = seconds(home["at"]) if len(home) else np.empty(0, dtype=np.int64)
    return home.loc[home["second"] < (until + 1) * DAY, ["customer_id", "referrer_id", "second"]]


def _bought(orders: Any, until: int, rule: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index]:
    """Orders with the age of their customer, and the customers by first order and what they spent, never by id."""
    facts = order_log.paid_orders(orders, until, "month", "gross", rule=rule)
    if rule == "none":
        facts = facts.with_columns(nw.lit(0).alias("earned"))
    columns = ["customer_id", "ordered_at", "day", "period", "minor", "earned", "unpriced"]
    home = order_log.priced(facts.select(columns).collect("pandas").to_native())
    code, ids = pd.factorize(home["customer_id"])
    home = home.assign(code=code, second=seconds(home["ordered_at"]) if len(home) else 0)
    people = home.groupby("code").agg(
        second=("second", "min"), day=("day", "min"), month=("period", "min"), spent=("minor", "sum"),
        many=("minor", "size"), gain=("earned", "sum"),
    )  # fmt: skip
    people = people.sort_values(["second", "spent", "many", "gain"], kind="stable")
    place = np.empty(len(people), dtype=np.int64)
    place[people.index] = np.arange(len(people))
    home["person"] = place[code]
    ids = pd.Index(ids)[people.index]
    people = people[["second", "day", "month"]].astype("int64").reset_index(drop=True)
    home["age"] = home["day"].to_numpy() - people["day"].to_numpy()[home["person"]]
    return home[["person", "age", "minor", "earned"]], people, ids


def _old(first_order_at: Any, since: int, ids: pd.Index) -> np.ndarray:
    """Customers who are stated to have ordered before the first day of the new."""
    if first_order_at is None:
        return np.zeros(len(ids), dtype=bool)
    everybody = order_log.lazy(pd.DataFrame({"customer_id": ids}))
    left = order_log.without_old(everybody, _as_pandas(first_order_at), since).collect("pandas").to_native()
    return ~ids.isin(left["customer_id"])


def _as_pandas(native: Any) -> pd.DataFrame:
    return order_log.lazy(native).collect("pandas").to_native()


def _friends(named: pd.DataFrame | None, people: pd.DataFrame, ids: pd.Index) -> tuple[pd.DataFrame, int]:
    """Referred new customers (place, second, referrer_id; blank where two are named), and those who name themselves."""
    if named is None or named.empty:
        return pd.DataFrame({"place": [], "second": [], "referrer_id": []}).astype({"place": int, "second": int}), 0
    place = ids.get_indexer(named["customer_id"])
    named = named.assign(place=place)[place >= 0]
    named = named[named["second"] == people["second"].to_numpy()[named["place"]]]
    named = named[people["new"].to_numpy()[named["place"]]]
    own = ids.get_indexer(named["referrer_id"]) == named["place"]
    others = named[~own].drop_duplicates(["place", "referrer_id"]).sort_values("place", kind="stable")
    two = others["place"].duplicated(keep=False)
    others = others.assign(referrer_id=others["referrer_id"].astype(object).where(~two))
    others = others.drop_duplicates("place")[["place", "second", "referrer_id"]].reset_index(drop=True)
    alone = set(named.loc[own, "place"]) - set(others["place"])
    return others, len(alone)


def _credited(friends: pd.DataFrame, people: pd.DataFrame, ids: pd.Index) -> np.ndarray:
    """Place of each friend's referrer, -1 where the referrer had not ordered before."""
    referrer = ids.get_indexer(friends["referrer_id"])
    before = people["second"].to_numpy()[referrer] < friends["second"].to_numpy()
    return np.where((referrer >= 0) & before, referrer, -1)


def _refunds(orders: Any, people: pd.DataFrame, ids: pd.Index, until: int) -> pd.DataFrame | None:
    """Orders with money back: person, age, minor; None where refunds are not recorded."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    if "refunded" not in kinds.names():
        return None
    at = order_log.as_moment("ordered_at", kinds).alias("at")
    money = order_log.as_number("refunded", kinds).fill_null(0).alias("refunded")
    frame = frame.filter(~nw.col("customer_id").is_null()).select("customer_id", at, money)
    home = frame.filter(nw.col("refunded") != 0).collect("pandas").to_native()
    day = seconds(home["at"]) // DAY if len(home) else np.empty(0, dtype=np.int64)
    home = home.assign(day=day, person=ids.get_indexer(home["customer_id"]))
    home = home[(home["day"] <= until) & (home["person"] >= 0)]
    minor = (home["refunded"] * order_log.MONEY_SCALE).round().astype("int64")
    age = home["day"] - people["day"].to_numpy()[home["person"]]
    return pd.DataFrame({"person": home["person"], "age": age, "minor": minor}).reset_index(drop=True)
