"""The table of messages as arrays, the lots that kept some customers from them, and shares of messages.

Messages of one customer are alike, so shares of messages have intervals that count customers. Opens no files and draws
nothing.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, seconds
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, Refused, wilson

REQUIRES = {"messages": ["customer_id", "sent_at", "channel"]}
FLAGS = ("delivered", "read", "clicked", "opted_out")
STRAY_AT_MOST = 0.1  # messages a customer of the holdout arm may get, as a share of those of the arm messaged most
ARM_AT_LEAST = 2  # customers


def read_messages(
    messages: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = None,
    kind: str | None = "promotion",
    flags: tuple[str, ...] = FLAGS,
) -> pd.DataFrame:
    """Messages of a channel and kind to known customers, to the last day.

    messages (one message)  ->  table (one message)

    Parameters
    ----------
    messages : any frame that narwhals takes
        customer_id, sent_at, channel [kind, delivered, read, clicked, opted_out, cost].
    channel : str or list of str, optional
        None: all.
    kind : "promotion", "service" or None for all
        A message whose kind is blank counts as "promotion", and so do all where there is no such column.
    flags : tuple of str
        Which of delivered, read, clicked, opted_out are wanted: many millions of messages take less room without.

    Returns
    -------
    DataFrame in the order of the input: customer_id, second (from 1970), delivered, read, clicked, opted_out (1, 0,
    blank where not recorded), cost (blank where not known).

    Raises
    ------
    ValueError
        For a missing column or a message without a date.

    Example
    -------
    >>> sent = pd.DataFrame({"customer_id": [1], "sent_at": pd.to_datetime(["2024-01-05"]), "channel": "sms"})
    >>> read_messages(sent, "2024-12-31")[["customer_id", "read", "cost"]]
       customer_id  read  cost
    0            1   NaN   NaN
    """
    until = order_log.day_number(observed_until, "observed_until")
    frame = order_log.lazy(messages)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["messages"])
    frame = frame.filter(~nw.col("customer_id").is_null())
    if channel is not None:
        wanted = [channel] if isinstance(channel, str) else list(channel)
        frame = frame.filter(nw.col("channel").cast(nw.String).is_in(wanted))
    if kind is not None and "kind" in kinds.names():
        is_kind = nw.col("kind").cast(nw.String) == kind
        frame = frame.filter((is_kind | nw.col("kind").is_null()) if kind == "promotion" else is_kind)
    there = [name for name in flags if name in kinds.names()]
    cost = order_log.as_number("cost", kinds) if "cost" in kinds.names() else nw.lit(None).cast(nw.Float64)
    sent_at = order_log.as_moment("sent_at", kinds).alias("sent_at")
    home = frame.select("customer_id", sent_at, *there, cost.alias("cost")).collect("pandas").to_native()
    if home["sent_at"].isna().any():
        raise ValueError("sent_at is blank in some messages: complete them, or leave them out and say so")
    home["second"] = seconds(home["sent_at"])
    for name in flags:
        home[name] = _flag(home[name]) if name in there else np.nan
    home["cost"] = home["cost"].astype("float64")
    kept = home["second"] < (until + 1) * DAY
    return home.loc[kept, ["customer_id", "second", *flags, "cost"]].reset_index(drop=True)


def _flag(values: pd.Series) -> pd.Series:
    """1, 0, or blank, from yes/no values of any kind."""
    return values.astype("boolean").astype("Float64").to_numpy(dtype="float64", na_value=np.nan)


def find_message_lot(
    assignments: Any,
    messages: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = None,
    kind: str | None = "promotion",
    experiment: str | None = None,
    holdout_arm: str | None = None,
) -> dict[str, Any] | Refused:
    """Find the lot that kept some customers from these messages.

    assignments, messages  ->  dict experiment, message_arms (most messages first), holdout_arm, messages_per_customer

    Parameters
    ----------
    assignments : frame of the same kind
        experiment, customer_id, assigned_at, arm, probability. None: there is no lot.
    messages, channel, kind
        See `read_messages`.
    experiment, holdout_arm : str, optional
        Name them instead of having them found.

    Returns
    -------
    dict, or Refused where no lot qualifies.

    Notes
    -----
    Rule: the messages that each customer was sent after the lot are counted. The holdout arm is the one with the fewest
    a customer; a lot qualifies if these are at most a tenth of those of the arm that was sent most. Of several lots the
    one whose arms differ by the most messages in all is taken.

    Example
    -------
    >>> lot = pd.DataFrame({"experiment": "wake up", "customer_id": range(4), "arm": ["text", "text", "none", "none"],
    ...                     "assigned_at": pd.Timestamp("2024-01-01"), "probability": 0.5})
    >>> sent = pd.DataFrame({"customer_id": [0, 1], "sent_at": pd.to_datetime(["2024-02-01"] * 2), "channel": "sms"})
    >>> found = find_message_lot(lot, sent, "2024-12-31", "sms")
    >>> found["experiment"], found["message_arms"], found["holdout_arm"]
    ('wake up', ['text'], 'none')
    """
    drawn = read_assignments(assignments, observed_until)
    if experiment is not None:
        drawn = drawn[drawn["experiment"] == experiment]
    if drawn.empty:
        return no_message_lot()
    sent = read_messages(messages, observed_until, channel, kind, ())[["customer_id", "second"]]
    both = sent.merge(drawn[["experiment", "customer_id", "at"]], on="customer_id")
    both = both[both["second"] >= both["at"]]
    many = both.groupby(["experiment", "customer_id"]).size().rename("many").reset_index()
    drawn = drawn.merge(many, how="left", on=["experiment", "customer_id"]).fillna({"many": 0})
    arms = drawn.groupby(["experiment", "arm"])["many"].agg(["mean", "size"]).reset_index()
    found = [_sides(name, part, holdout_arm) for name, part in arms.groupby("experiment")]
    found = [lot for lot in found if lot]
    return max(found, key=lambda lot: lot.pop("differ")) if found else no_message_lot()


def _sides(name: str, arms: pd.DataFrame, holdout_arm: str | None) -> dict[str, Any] | None:
    arms = arms[arms["size"] >= ARM_AT_LEAST].sort_values(["mean", "arm"], ascending=[False, True])
    rates = dict(zip(arms["arm"], arms["mean"].tolist(), strict=True))
    if len(rates) < 2:
        return None
    holdout = holdout_arm or list(rates)[-1]
    most = max(rates.values())
    if holdout not in rates or most <= 0 or rates[holdout] > STRAY_AT_MOST * most:
        return None
    reached = [arm for arm in rates if arm != holdout and rates[arm] > 0]
    facts = {"experiment": name, "message_arms": reached, "holdout_arm": holdout, "messages_per_customer": rates}
    return facts | {"differ": (most - rates[holdout]) * int(arms["size"].sum())}


def read_assignments(assignments: Any, observed_until: order_log.DateLike) -> pd.DataFrame:
    """Lots to the last day: experiment, customer_id, arm, at (second); the first of each customer and experiment."""
    columns = ["experiment", "customer_id", "arm", "at"]
    if assignments is None:
        return pd.DataFrame(columns=columns)
    until = order_log.day_number(observed_until, "observed_until")
    frame = order_log.lazy(assignments)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["experiment", "customer_id", "assigned_at", "arm"])
    names = [nw.col(name).cast(nw.String) for name in ("experiment", "arm")]
    at = order_log.as_moment("assigned_at", kinds).alias("assigned_at")
    home = frame.filter(~nw.col("customer_id").is_null()).select("customer_id", *names, at)
    home = home.collect("pandas").to_native()
    home = home[home["assigned_at"].notna() & home["arm"].notna()]
    home["at"] = seconds(home["assigned_at"])
    home = home[home["at"] < (until + 1) * DAY].sort_values(["at", "experiment", "arm"], kind="stable")
    return home.drop_duplicates(["experiment", "customer_id"])[columns].reset_index(drop=True)


def clustered_share(
    events: Any, trials: Any, clusters: Any, level: float = LEVEL, once: bool = False
) -> tuple[float, float, float]:
    """Share of trials with an event, and a Wilson interval that allows for trials of one person being alike.

    Parameters
    ----------
    events, trials : array of float
        One entry a row; a row may stand for several trials.
    clusters : array
        Whose row it is.
    once : bool
        The event ends a person's trials, as leaving does: then where none had it, all trials count as independent.

    Returns
    -------
    value, low, high; NaN without a trial.

    Notes
    -----
    The variance of the ratio is linearised, its residuals added up by person. Wilson's interval is that of as many
    independent trials as would have this variance, and never more than there were (Korn and Graubard 1998, Survey
    Methodology 24, 193-201, for the effective sample size). Where no trial or every trial has the event there is no
    residual, and each person counts as one trial.

    Example
    -------
    >>> [round(x, 3) for x in clustered_share([1, 1, 0, 0], [1, 1, 1, 1], ["a", "a", "b", "b"])]
    [0.5, 0.073, 0.927]
    """
    events, trials = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    many = trials.sum()
    if not many > 0:
        return np.nan, np.nan, np.nan
    share = events.sum() / many
    persons = len(pd.unique(np.asarray(clusters)[trials > 0]))
    effective = float(many if once else persons)
    if 0 < share < 1 and persons > 1:
        variance = clustered_variance((events - share * trials) / many, clusters)
        effective = min(share * (1 - share) / variance, many) if variance > 0 else many
    low, high = wilson(min(share * effective, effective), effective, level)
    return float(share), min(float(low), float(share)), max(float(high), float(share))


def no_message_lot() -> Refused:
    """Say that what these messages add is not known, because nobody was kept from them by lot.

    Example
    -------
    >>> no_message_lot().gate
    'a lot'
    """
    return Refused(
        "a lot",
        0,
        1,
        "没有随机留出一部分客户不发这类消息（assignments 表中没有这样的留白组）：消息多带来多少订单无从得知，"
        "最合适的触达频次也就算不出来。",
        "No random group of customers was kept from these messages (table assignments), so what they add is not known, "
        "nor how many would be best.",
    )
