"""Who could be put into an experiment about the pool, how they fared so far, and how many more come each week.

Three experiments are known, `KINDS`:

    invitation   new customers are invited into the pool, or not, so many days after their first order
    holdout      customers outside the pool are not invited for a while, a share of them drawn by lot
    promotions   members of the pool get no promotions for a while, a share of them drawn by lot

Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories as past
from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories

KINDS = ("invitation", "holdout", "promotions")
OUTCOMES = ("repurchase", "orders", "spend", "contribution")
RECENCY_AT_MOST_DAYS = 365  # the rule of the weekly trials: who has been away longer is no candidate for the pool
INVITED_AFTER_DAYS = 14
INFLOW_WEEKS = 26
BASE_WITHIN_DAYS = 365  # new customers of the last year that could be followed say what new customers do now
COLUMNS = ["person", "begins", *OUTCOMES, "joined"]


def eligible_now(
    histories: Histories,
    kind: str = "holdout",
    moment: int | None = None,
    recency_at_most_days: int = RECENCY_AT_MOST_DAYS,
    after_days: int = INVITED_AFTER_DAYS,
    stays: Any = None,
) -> np.ndarray:
    """Mark the customers who could be drawn into an experiment that begins at a moment.

    Histories (customer)  ->  array of bool, one a customer in the order of `Histories.customers`

    Parameters
    ----------
    histories : Histories
        From `read_histories`.
    kind : "invitation", "holdout" or "promotions"
        invitation: first order within the week that ended `after_days` before the moment, never a member. holdout: has
        ordered, the last time at most `recency_at_most_days` ago, never a member. promotions: a member who has ordered.
    moment : int, optional
        Seconds from 1970; the end of the last day unless told.
    recency_at_most_days, after_days : int
        See kind.
    stays : frame, optional
        customer_id, joined_at [left_at]: only those whose stay has not ended count as members for "promotions". Without
        it, whoever has joined.

    Raises
    ------
    ValueError
        For an unknown kind, or days that are no whole number above 0.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [7, 8], "amount": [10.0, 5.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-05-05"])})
    >>> members = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2024-01-15"])})
    >>> told = past.read_histories(log, members, "2024-06-30")
    >>> eligible_now(told, "holdout").tolist(), eligible_now(told, "promotions").tolist()
    ([False, True], [True, False])
    """
    order_log.one_of("kind", kind, KINDS)
    order_log.at_least_one("recency_at_most_days", recency_at_most_days)
    order_log.at_least_one("after_days", after_days)
    moment = histories.end if moment is None else moment
    everyone = np.arange(len(histories.customers))
    outside = histories.joined >= moment
    if kind == "invitation":
        since = moment - histories.first_order
        return outside & (since > after_days * DAY) & (since <= (after_days + 7) * DAY)
    last = past.last_order_before(histories, everyone, np.full(len(everyone), moment))
    if kind == "holdout":
        return outside & (last > -NEVER) & (moment - last <= recency_at_most_days * DAY)
    return (last > -NEVER) & in_pool(histories, moment, stays)


def in_pool(histories: Histories, moment: int, stays: Any = None) -> np.ndarray:
    """Mark the customers who are in the pool at a moment (seconds from 1970); without `stays`, who ever joined before.

    >>> log = pd.DataFrame({"customer_id": [7], "amount": [10.0], "ordered_at": pd.to_datetime(["2024-01-01"])})
    >>> stay = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2024-01-15"])})
    >>> left = stay.assign(left_at=pd.to_datetime(["2024-02-01"]))
    >>> told = past.read_histories(log, stay, "2024-06-30")
    >>> in_pool(told, told.end).tolist(), in_pool(told, told.end, left).tolist()
    ([True], [False])
    """
    if stays is None:
        return histories.joined < moment
    frame = order_log.lazy(stays)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    dates = [name for name in ("joined_at", "left_at") if name in kinds.names()]
    home = frame.select("customer_id", *(order_log.as_moment(name, kinds).alias(name) for name in dates))
    home = home.collect("pandas").to_native()
    home = home[home["customer_id"].notna() & home["joined_at"].notna()]
    there = past.seconds(home["joined_at"]) < moment
    if "left_at" in dates:
        gone = pd.to_datetime(home["left_at"]).astype("datetime64[s]")
        there &= (gone.isna() | (gone > pd.Timestamp(moment, unit="s"))).to_numpy()
    return np.isin(histories.customers, home["customer_id"].to_numpy()[there])


def followed_eligible(
    histories: Histories,
    kind: str = "holdout",
    horizon_days: int = 90,
    recency_at_most_days: int = RECENCY_AT_MOST_DAYS,
    after_days: int = INVITED_AFTER_DAYS,
    stays: Any = None,
) -> pd.DataFrame:
    """Follow the customers who could have been in the experiment, had it run over the last days that are known.

    Histories (customer)  ->  table (one customer who would have been eligible)

    Parameters
    ----------
    horizon_days : int
        Days followed.
    histories, kind, recency_at_most_days, after_days, stays
        See `eligible_now`. A holdout or a pause of promotions would have begun `horizon_days` before the end of the
        data; an invitation `after_days` after each first order, for those of the last year that can be followed.

    Returns
    -------
    DataFrame, in the order of `Histories.customers`
        person : place in `Histories.customers`. begins : moment (seconds from 1970).
        repurchase (0/1), orders, spend, contribution : over the horizon, all channels; contribution NaN where neither
        costs nor a margin are known. joined : joined the pool within the horizon (0/1); NaN for members.
        attrs: kind, horizon_days, after_days, recency_at_most_days, people_now (who could be drawn today; 0 for an
        invitation, which waits for new customers), per_week (how many more come each week), weeks_counted.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [7, 8, 7], "amount": [10.0, 5.0, 4.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-05-05"])})
    >>> nobody = pd.DataFrame({"customer_id": [9], "joined_at": pd.to_datetime(["2024-01-15"])})
    >>> told = past.read_histories(log, nobody, "2024-06-30")
    >>> followed_eligible(told)[["person", "orders", "spend"]].to_numpy().tolist()
    [[0.0, 1.0, 4.0], [1.0, 0.0, 0.0]]
    """
    order_log.one_of("kind", kind, KINDS)
    order_log.at_least_one("horizon_days", horizon_days)
    length = horizon_days * DAY
    if kind == "invitation":
        order_log.at_least_one("after_days", after_days)
        begins = histories.first_order + after_days * DAY
        late_enough = begins + length > histories.end - BASE_WITHIN_DAYS * DAY
        person = np.flatnonzero((begins + length <= histories.end) & late_enough & (histories.joined >= begins))
        begins = begins[person]
    else:
        landmark = histories.end - length
        person = np.flatnonzero(eligible_now(histories, kind, landmark, recency_at_most_days, after_days, stays))
        begins = np.full(len(person), landmark)
    table = _outcomes(histories, person, begins, begins + length)
    inside = (histories.joined[person] < begins + length).astype(float)
    table["joined"] = np.nan if kind == "promotions" else inside
    now = 0
    if kind != "invitation":
        now = int(eligible_now(histories, kind, None, recency_at_most_days, after_days, stays).sum())
    table.attrs = {"kind": kind, "horizon_days": int(horizon_days), "after_days": int(after_days),
                   "recency_at_most_days": int(recency_at_most_days), "people_now": now}  # fmt: skip
    table.attrs |= _inflow(histories, kind, after_days)
    return table


def _outcomes(histories: Histories, person: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> pd.DataFrame:
    summed = {
        name: past.window_sum(histories, name, person, begins, ends) for name in ("orders", "spend", "contribution")
    }
    made = {"person": person, "begins": begins, "repurchase": (summed["orders"] > 0).astype(float)}
    made["orders"] = summed["orders"].astype(float)
    made["spend"] = summed["spend"] / order_log.MONEY_SCALE
    made["contribution"] = summed["contribution"] * histories.worth
    return pd.DataFrame(made)


def _inflow(histories: Histories, kind: str, after_days: int) -> dict[str, float]:
    """How many people a week become eligible, over the last half year of the data or what there is of it."""
    if not len(histories.customers):
        return {"per_week": 0.0, "weeks_counted": 0}
    if kind == "invitation":
        when = histories.first_order + after_days * DAY
        when = when[histories.joined >= when]
    elif kind == "holdout":
        when = histories.first_order[histories.joined > histories.first_order]
    else:
        when = np.maximum(histories.joined, histories.first_order)[histories.joined < NEVER]
    observed = (histories.end - int(histories.first_order.min())) // (7 * DAY)
    weeks = int(min(INFLOW_WEEKS, max(1, observed)))
    came = (when >= histories.end - weeks * 7 * DAY) & (when < histories.end)
    return {"per_week": float(came.sum() / weeks), "weeks_counted": weeks}
