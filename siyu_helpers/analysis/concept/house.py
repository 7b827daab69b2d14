"""The house: six things that make a pool fit to live in, each as a measure from the brand's own tables.

The article builds a house: where the people are, easy to get to, warm, all rooms there, stewards, plots for small
houses. It gives no measures. Those here, and the scores from 0 to 1 made of them, are ours, stated part by part; a part
whose table is missing gets no score, and no sum is made of six things that do not add up.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.concept.models import Model, Slider, number, stated
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.accounts import accounts_of, members_now
from siyu_helpers.analysis.pool.ban_risk import concentration
from siyu_helpers.analysis.pool.capacity import MINUTES_PER_CUSTOMER, capacity, own_capacity
from siyu_helpers.analysis.pool.pool_facts import read_pool

LOCATION, ACCESS, COMFORT, ROOMS, STEWARDS, PLOTS = PARTS = (
    "location", "access", "comfort", "rooms", "stewards", "plots",
)  # fmt: skip
YEAR_DAYS = 365
JOIN_DAYS = 30  # ours: after the first order
STAY_DAYS = 90  # ours: after joining
COLUMNS = [
    "part", "part_zh", "part_en", "measure_zh", "measure_en", "value", "value_low", "value_high", "unit", "score",
    "formula_zh", "formula_en", "to_do_zh", "to_do_en", "reason_zh", "reason_en",
]  # fmt: skip
FIGURES = tuple(f"house_{kind}{part}" for part in PARTS for kind in ("", "score_"))
SLIDER = Slider(
    "minutes_per_customer", (3.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0, 48.0, 60.0, 90.0, 120.0),
    Words("每位客户一年应得的一对一服务（分钟）", "Personal contact a customer should get in a year (minutes)"),
    "minutes",
)  # fmt: skip

Given = Estimate | Refused | float | None


class Part(NamedTuple):
    """One part of the house: its name, what is measured and in which unit, the score's formula, what raises it."""

    name: Words
    unit: str
    measure: Words
    formula: Words
    to_do: Words


def house(
    location: Given = None,
    access: Given = None,
    comfort: Given = None,
    rooms: Given = None,
    stewards: Given = None,
    plots: Given = None,
    minutes_per_customer: float = MINUTES_PER_CUSTOMER,
) -> Model:
    """Six parts of a pool, each with its measure, a score from 0 to 1 and what to do about it.

    six measures  ->  Model: table (part), figures

    Parameters
    ----------
    location, access, comfort, rooms : share, Estimate, Refused or None
        See `house_measures`.
    stewards : customers per employee; plots : accounts of equal size that the pool is spread over
    minutes_per_customer : float
        Personal contact that a customer should get in a year; above 0.

    Returns
    -------
    Model
        table : part and its name; measure in words, value (value_low, value_high) and unit; score : 0 to 1; formula of
        the score, ours; to_do; reason : why there is no score. Blank where there is none.
        figures : house_<part> (the measure) and house_score_<part>, Refused where the measure is.

    Raises
    ------
    ValueError
        A measure that cannot be: a share above 1, no customer per employee, less than one account.

    Example
    -------
    >>> table = house(location=0.4, stewards=5000, plots=4).table.set_index("part")
    >>> table["score"].tolist()  # 2 x 60,000 minutes of two people over 10,000 customers: all 12
    [0.4, nan, nan, nan, 1.0, 0.75]
    """
    if number("minutes_per_customer", minutes_per_customer) == 0:
        raise ValueError("minutes_per_customer must be above 0")
    told = (location, access, comfort, rooms, stewards, plots)
    measures = {part: _measure(part, value) for part, value in zip(PARTS, told, strict=True)}
    figures, rows = {}, []
    for part, measure in measures.items():
        score = _score(part, measure, minutes_per_customer)
        figures |= {f"house_{part}": measure, f"house_score_{part}": score}
        rows.append(_row(part, measure, score, minutes_per_customer))
    return Model(pd.DataFrame(rows, columns=COLUMNS), figures)


def house_measures(
    orders: Any,
    observed_until: order_log.DateLike,
    members: Any = None,
    messages: Any = None,
    accounts: Any = None,
    channels: Mapping[str, Any] | None = None,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> dict[str, Estimate | Refused]:
    """The six measures of `house` from a brand's tables.

    orders, members, messages, accounts, channels of brand.yml  ->  dict (part -> Estimate or Refused)

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`.
    members, messages, accounts : frames, or None
        As in the data contract.
    channels : dict, or None
        Channel -> {"domain": ...} or domain, as in brand.yml.

    Returns
    -------
    dict
        location : buyers of the last 365 days who are in the pool. access : new customers of the last 365 days (30 days
        old and more) who joined within 30 days of their first order, or before it. comfort : those who joined between
        455 and 90 days ago and were in the pool 90 days later. rooms : of writing, selling, serving and bringing
        friends, those that private channels were used for in the last 365 days; over the ones that the tables could
        show. stewards : customers in the pool / employees with a live account. plots : accounts of equal size that
        would be as concentrated as those with customers; accounts stand in for groups, which no table records.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2], "amount": 9.0, "ordered_at": pd.to_datetime(["2024-03-01"] * 2)})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-03-05"])})
    >>> found = house_measures(log, "2024-12-31", stays)
    >>> found["location"].value, found["access"].value, found["comfort"].gate, found["stewards"].gate
    (0.5, 0.5, 'data', 'data')
    """
    level = check_level(level)
    rows = evidence.order_rows(orders, observed_until, texts=("acquired_through", "sold_through", "referrer_id"))
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    return {
        LOCATION: _location(rows, members, observed_until, level),
        ACCESS: _access(rows, new, members, level),
        COMFORT: _comfort(members, observed_until, level),
        ROOMS: _rooms(rows, orders, messages, channels, observed_until),
        STEWARDS: _stewards(members, accounts, observed_until),
        PLOTS: _plots(members, accounts, observed_until),
    }


def house_of_brand(
    orders: Any, observed_until: order_log.DateLike, minutes_per_customer: float = MINUTES_PER_CUSTOMER, **tables: Any
) -> Model:
    """The house of a brand: `house` with the measures of `house_measures`, which takes the same tables.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "amount": 9.0, "ordered_at": pd.to_datetime(["2024-03-01"])})
    >>> house_of_brand(log, "2024-12-31").figures["house_score_location"].gate
    'data'
    """
    return house(**house_measures(orders, observed_until, **tables), minutes_per_customer=minutes_per_customer)


# --- scores ---


def _measure(part: str, value: Given) -> Estimate | Refused:
    if isinstance(value, Estimate | Refused):
        return value
    what = HOUSE[part]
    if value is None:
        return evidence.no_column(
            "tables", part, f"{what.name.zh}的记录", f"record for the part {what.name.en.lower()}"
        )
    least, most = {STEWARDS: (1e-9, math.inf), PLOTS: (1.0, math.inf)}.get(part, (0.0, 1.0))
    return stated(number(part, value, least, most), what.unit, what.measure, house)


def _score(part: str, measure: Estimate | Refused, minutes: float) -> Estimate | Refused:
    if isinstance(measure, Refused):
        return measure
    words = _formula(part, minutes)
    words = Words(f"{HOUSE[part].name.zh}得分（口径为本手册自定）：{words.zh}", f"score of {part} (ours): {words.en}")
    if part == STEWARDS:
        told = capacity(measure.value, None, 1.0, minutes_per_customer=minutes).set_index("key")
        needed = float(told.at["staff_needed", "brand"])
        return stated(min(1.0, 1.0 / needed), "share", words, house, measure.n)
    if part == PLOTS:
        return stated(1 - 1 / measure.value, "share", words, house, measure.n)
    return dataclasses.replace(measure, unit="share", definition=words, function=house)


def _formula(part: str, minutes: float) -> Words:
    return Words(*(text.format(minutes=minutes) for text in HOUSE[part].formula))


def _row(part: str, measure: Estimate | Refused, score: Estimate | Refused, minutes: float) -> tuple:
    what, known = HOUSE[part], isinstance(measure, Estimate)
    told = (measure.value, measure.low, measure.high) if known else (math.nan,) * 3
    # Rooms over fewer functions say so in their own definition.
    words = measure.definition if known and isinstance(measure.definition, Words) else what.measure
    reasons = ("", "") if known else (measure.reason_zh, measure.reason_en)
    worth = score.value if isinstance(score, Estimate) else math.nan
    return part, *what.name, *words, *told, what.unit, worth, *_formula(part, minutes), *what.to_do, *reasons


# --- measures ---


def _no_members() -> Refused:
    return evidence.no_column("members", "", "客户加入私域的记录", "record of who joined the pool")


def _location(rows: evidence.OrderRows, members: Any, until: order_log.DateLike, level: float) -> Estimate | Refused:
    if members is None:
        return _no_members()
    recent = rows.per_customer(rows.day > rows.until - YEAR_DAYS) > 0
    inside = pd.Index(rows.customers).isin(members_now(_typed(members), until))
    return share(
        int((recent & inside).sum()), int(recent.sum()), level, HOUSE[LOCATION].measure, house_measures
    )  # fmt: skip


def _access(rows: evidence.OrderRows, new: np.ndarray, members: Any, level: float) -> Estimate | Refused:
    if members is None:
        return _no_members()
    person, joined, _ = evidence.stays_of(rows, members)
    first = np.full(len(rows.customers), np.iinfo(np.int64).max)
    np.minimum.at(first, person, joined)
    soon = first // touches.MICROSECONDS_A_DAY <= rows.first_day + JOIN_DAYS if len(first) else np.zeros(0, dtype=bool)
    asked = new & (rows.first_day > rows.until - YEAR_DAYS) & (rows.first_day <= rows.until - JOIN_DAYS)
    return share(int((asked & soon).sum()), int(asked.sum()), level, HOUSE[ACCESS].measure, house_measures)


def _comfort(members: Any, until: order_log.DateLike, level: float) -> Estimate | Refused:
    pool = None if members is None else read_pool(_typed(members), until)
    if pool is None:
        return _no_members()
    if not pool.leaving_recorded:
        return evidence.no_column("members", "left_at", "客户离开私域的时间", "record of when customers left the pool")
    end = (order_log.day_number(until, "observed_until") + 1) * DAY
    asked = (pool.first <= end - STAY_DAYS * DAY) & (pool.first > end - (STAY_DAYS + YEAR_DAYS) * DAY)
    person = np.flatnonzero(asked)
    stayed = pool.inside(person, pool.first[person] + STAY_DAYS * DAY)
    return share(int(stayed.sum()), len(person), level, HOUSE[COMFORT].measure, house_measures)


def _rooms(rows: evidence.OrderRows, orders: Any, messages: Any, channels, until) -> Estimate | Refused:
    found: dict[str, bool] = {}
    recent = rows.day > rows.until - YEAR_DAYS
    if channels is not None:
        own = {name for name, told in channels.items()
               if (told.get("domain") if isinstance(told, Mapping) else told) == "private"}  # fmt: skip
        sent = _sent(messages, own, rows.until)
        if sent is not None:
            found["writing"] = not sent.empty
            if "kind" in sent:
                found["serving"] = bool((sent["kind"] == "service").any())
        sold = [rows.texts[name] for name in ("acquired_through", "sold_through") if name in rows.texts]
        if sold:
            found["selling"] = bool(any((np.isin(column.astype(str), list(own)) & recent).any() for column in sold))
    if "referrer_id" in rows.texts:
        told = np.array([name is not None for name in rows.texts["referrer_id"]], dtype=bool)
        found["bringing friends"] = bool((told & recent).any())
    if not found:
        return evidence.no_column(
            "channels, messages", "", "私域渠道用来做什么的记录", "record of what private channels are used for"
        )
    used = [key for key, done in found.items() if done]
    lists = [
        ("、".join(_FUNCTIONS[key].zh for key in keys) or "无", ", ".join(keys) or "none") for keys in (used, found)
    ]
    words = Words(
        f"{HOUSE[ROOMS].measure.zh}；在用：{lists[0][0]}；看得出的：{lists[1][0]}",
        f"{HOUSE[ROOMS].measure.en}; in use: {lists[0][1]}; of those that the tables show: {lists[1][1]}",
    )
    return stated(len(used) / len(found), "share", words, house_measures, len(found))


def _sent(messages: Any, own: set[str], until: int) -> pd.DataFrame | None:
    """Channels and kinds of the messages of the last year through private channels; None without the table."""
    if messages is None:
        return None
    frame = order_log.lazy(touches.typed_if_empty(messages, sent_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["sent_at", "channel"])
    wanted = [name for name in ("channel", "kind") if name in kinds.names()]
    frame = frame.select(order_log.as_moment("sent_at", kinds).alias("sent_at"), *wanted)
    dated = order_log.with_day_and_period(frame.filter(~nw.col("sent_at").is_null()), "sent_at", "month")
    home = dated.filter(nw.col("day") <= until, nw.col("day") > until - YEAR_DAYS).select(*wanted).unique()
    table = home.collect("pandas").to_native()
    return table[table["channel"].astype(str).isin(own)]


def _stewards(members: Any, accounts: Any, until: order_log.DateLike) -> Estimate | Refused:
    if members is None:
        return _no_members()
    known = own_capacity(_typed(members), accounts, None, until)
    if not known["staff"]:
        return evidence.no_column("accounts", "staff", "使用账号的员工", "record of who runs the accounts")
    if not known["customers"]:
        return _nobody()
    each = known["customers"] / known["staff"]
    return stated(each, "customers", HOUSE[STEWARDS].measure, house_measures, known["customers"])


def _plots(members: Any, accounts: Any, until: order_log.DateLike) -> Estimate | Refused:
    if members is None:
        return _no_members()
    sizes = accounts_of(_typed(members), accounts, until)["customers"].tolist()
    found = concentration(sizes)["effective_accounts"]
    if isinstance(found, Refused):
        return found
    return stated(max(1.0, found.value), "accounts", HOUSE[PLOTS].measure, house_measures, found.n)


def _typed(members: Any) -> Any:
    return touches.typed_if_empty(members, joined_at="datetime64[us]", left_at="datetime64[us]")


def _nobody() -> Refused:
    return Refused("members", 0, 1, "私域里还没有客户。", "There is nobody in the pool yet.")


_FUNCTIONS = {
    "writing": Words("发消息", "writing"), "selling": Words("下单", "selling"), "serving": Words("服务", "serving"),
    "bringing friends": Words("老带新", "bringing friends"),
}  # fmt: skip
HOUSE = {
    LOCATION: Part(
        Words("选址", "Location"), "share",
        Words(f"最近 {YEAR_DAYS} 天下过单的客户中，现在在私域的占比",
              f"buyers of the last {YEAR_DAYS} days who are in the pool ÷ buyers of the last {YEAR_DAYS} days"),
        Words("＝该占比", "the share itself"),
        Words("看清买家从哪些渠道来，把入口放到他们已经在用的地方",
              "find out which channels buyers come by, and put the door where they already are"),
    ),
    ACCESS: Part(
        Words("交通", "Access"), "share",
        Words(f"最近 {YEAR_DAYS} 天的新客中，首购后 {JOIN_DAYS} 天内（或首购前）加入私域的占比",
              f"new customers of the last {YEAR_DAYS} days who joined within {JOIN_DAYS} days of their first order, or "
              "before it ÷ those new customers"),
        Words("＝该占比", "the share itself"),
        Words("减少加入的步骤，在下单、签收、售后各留一个入口，并给一个说得清的理由",
              "cut the steps of joining; a door at ordering, at delivery and at service, and one clear reason to "
              "join"),
    ),
    COMFORT: Part(
        Words("舒适", "Comfort"), "share",
        Words(f"{STAY_DAYS} 天之前的一年内首次加入的客户中，加入 {STAY_DAYS} 天后仍在私域的占比",
              f"customers still in the pool {STAY_DAYS} days after joining ÷ those who first joined within the year "
              f"that ended {STAY_DAYS} days ago"),
        Words("＝该占比", "the share itself"),
        Words("先减促销频次，再看客户是被哪些消息赶走的（第 04 页）",
              "send fewer promotions first, then see which messages drive customers away (page 04)"),
    ),
    ROOMS: Part(
        Words("房间", "Rooms"), "share",
        Words(f"最近 {YEAR_DAYS} 天，发消息、下单、服务、老带新四项功能中，私域渠道用上的占比",
              f"of writing, selling, serving and bringing friends, the share that private channels were used for in "
              f"the last {YEAR_DAYS} days"),
        Words("＝用上的功能 ÷ 表里看得出的功能", "functions in use ÷ functions that the tables show"),
        Words("补上缺的功能；客户不需要的，不必为凑齐而建",
              "add what is missing; what customers do not need is not worth building for the sake of the list"),
    ),
    STEWARDS: Part(
        Words("管家", "Stewards"), "customers",
        Words("每位员工负责的私域客户数", "customers in the pool ÷ employees with a live account"),
        Words("＝现有员工 ÷ 每位客户一年 {minutes:g} 分钟一对一服务所需的员工，最高为 1",
              "employees ÷ employees needed for {minutes:g} minutes of personal contact per customer and year; at "
              "most 1"),
        Words("加人，或把一对一服务留给最有价值的客户", "more people, or personal contact for the most valuable only"),
    ),
    PLOTS: Part(
        Words("自留地", "Plots"), "accounts",
        Words("相当于把客户平均分在多少个账号上（用账号代替社群：表里没有社群的记录）",
              "accounts of equal size that the pool is spread over (accounts stand in for groups, which no table "
              "records)"),
        Words("＝1 － 1 ÷ 相当的账号数", "1 - 1 ÷ accounts of equal size"),
        Words("把客户按需求分到不同账号或社群，别全压在一个号上",
              "spread customers over accounts or groups by what they need; not all on one account"),
    ),
}  # fmt: skip
