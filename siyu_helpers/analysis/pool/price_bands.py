"""Price and trust: do dearer first orders take longer, more contacts and more often a friend's word?

The articles say that below 100 RMB buying is impulse, while several hundred or a thousand needs belief in the company
or in a person. Customers are put into bands by what they paid on the day of their first order. What differs between
bands of one brand may be the goods or the people, not the price itself.

Opens no files and draws nothing. Tables may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import CUSTOMERS_AT_LEAST, Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
LIMITS = (100.0, 300.0, 1000.0)  # RMB; 100 and "several hundred, 1,000" are the articles', 300 is ours
LOOK_BACK_DAYS = 90
WITHIN_DAYS = 90
LEAST_RISES = {"days": 1.0, "touches": 0.5, "referral": 0.02}  # ours: a smaller rise would not matter to anybody
CLAIM = Words(
    "客单价百元以内靠冲动成交，几百上千元要靠对企业或人的信任",
    "below 100 RMB buying is impulse; several hundred or a thousand needs trust in the company or a person",
)
ENDS = ("", "_low", "_high")
MEASURES = ("days", "touches", "referral", "repurchase")
COLUMNS = [
    "band", "band_zh", "band_en", "from_amount", "to_amount", "customers", *(f"share{end}" for end in ENDS), "followed",
    *(f"days{end}" for end in ENDS), "days_median", *(f"touches{end}" for end in ENDS),
    *(f"referral{end}" for end in ENDS), "watched", *(f"repurchase{end}" for end in ENDS),
]  # fmt: skip


def price_bands(
    orders: Any,
    observed_until: order_log.DateLike,
    touchpoints: Any = None,
    limits: tuple[float, ...] = LIMITS,
    currency: str = "CNY",
    look_back_days: int = LOOK_BACK_DAYS,
    within_days: int = WITHIN_DAYS,
    referral_channels: tuple[str, ...] = ("referral",),
    least_rises: dict[str, float] | None = None,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Set the time, the contacts and the referrals before a first order against what the customer paid.

    orders (one paid order), touchpoints (one touch)  ->  Evidence: table (price band), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Optional columns: referrer_id, acquired_through.
    touchpoints : frame, optional
        visitor_id, touched_at, channel [customer_id], see `touches.linked`.
    limits : tuple of money
        Upper ends of the bands, each belonging to the band below; the last band is open. In the brand's own currency.
    currency : str
        The brand's, for the names of the bands.
    look_back_days : int
        Touches count from so many days before the first order, alike for everybody; customers whose days before it
        are not all recorded are not followed.
    within_days : int
        Days in which a second purchase counts as repurchase.
    referral_channels : tuple of str
        Values of acquired_through that mean a referral, beside a filled-in referrer_id.
    least_rises : dict, optional
        Smallest rise of days, touches and referral share from the lowest band to the highest that would matter.

    Returns
    -------
    Evidence
        table : one row a band with customers. from_amount, to_amount (infinite in the last). customers : new ones by
        what they paid on the first day with an order (all its orders, refunds not taken off). share : of all. followed
        : with a recorded touch in the look-back. days : mean from the first touch to the first order; days_median.
        touches : mean before it. referral : share referred. watched : customers watched `within_days`; repurchase :
        share of them who bought again. Each with _low and _high; means are blank (NaN) below 100 customers.
        figures : price_band_impulse_share, price_band_followed_share, price_band_{days,touches,referral,repurchase}_
        rise : highest against lowest of the bands with at least 100 customers.
        rule : agrees when a majority of days, touches and referral share rise beyond doubt and none falls; disagrees
        when none rises by what matters, and for a majority even the upper end is below that. Cannot be told without
        100 customers both in the lowest band and in a higher one.

    Raises
    ------
    ValueError
        For a missing column, an order without amount, or limits that do not rise.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2, 3], "amount": [80.0, 100.0, 250.0]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"])
    >>> found = price_bands(log, "2024-12-31")
    >>> found.table[["band_en", "customers", "repurchase"]]
              band_en  customers  repurchase
    0   up to 100 CNY          2         0.0
    1  100 to 300 CNY          1         0.0
    >>> found.rule.agrees, found.figures["price_band_days_rise"].gate
    ('cannot be told', 'data')
    """
    check_level(level)
    _check(limits, look_back_days, within_days, least_rises or {})
    rows = evidence.order_rows(orders, observed_until, texts=("referrer_id", "acquired_through"))
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    people = _people(rows, new, limits, referral_channels, within_days)
    people = people.join(_contacts(rows, touchpoints, observed_until, look_back_days))
    people = people[people["new"]]
    has = {
        "touches": touchpoints is not None,
        "referral": "referrer_id" in rows.texts or "acquired_through" in rows.texts,
    }
    measured = {band: _measures(part, has, level) for band, part in people.groupby("band")}
    table = _table(people, measured, limits, currency, level)
    figures = _figures(people, measured, has, limits, currency, look_back_days, within_days, level)
    bands = table.loc[table["customers"] >= CUSTOMERS_AT_LEAST, "band"].tolist()
    rule = _rule(figures, {**LEAST_RISES, **(least_rises or {})}, bands)
    return Evidence(table, figures, rule)


# --- what is known of each customer ---


def _people(rows, new, limits, referral_channels, within_days) -> pd.DataFrame:
    """One row a customer: new, band of the first day, referred, watched, back within the days."""
    count = len(rows.customers)
    first_day = rows.first_day[rows.person]
    is_first = rows.day == first_day
    paid = np.bincount(rows.person[is_first], rows.numbers["amount"][is_first], count)
    referred = np.zeros(len(rows.person), dtype=bool)
    if "referrer_id" in rows.texts:
        referred |= pd.notna(rows.texts["referrer_id"])
    if "acquired_through" in rows.texts:
        referred |= np.isin(rows.texts["acquired_through"].astype(str), referral_channels)
    again = (rows.day > first_day) & (rows.day <= first_day + within_days)
    return pd.DataFrame({
        "new": new,
        "band": np.searchsorted(np.array(limits) * order_log.MONEY_SCALE, paid, side="left"),
        "referred": rows.per_customer(is_first & referred) > 0,
        "watched": rows.first_day + within_days <= rows.until,
        "again": rows.per_customer(again) > 0,
    })  # fmt: skip


def _contacts(rows, touchpoints, observed_until, look_back_days) -> pd.DataFrame:
    """One row a customer: days from the first touch in the look-back to the first order, and touches; NaN: unknown."""
    blank = pd.DataFrame(np.nan, index=range(len(rows.customers)), columns=["days", "touches"])
    if touchpoints is None or not len(rows.customers):
        return blank
    links = touches.linked(touchpoints, observed_until)
    named = links.customer >= 0
    if not named.any():
        return blank
    place = pd.Index(rows.customers).get_indexer(links.customers)
    person, at = place[links.customer[named]], links.at[named]
    person, at = person[person >= 0], at[person >= 0]
    ordered = rows.at[rows.starts]
    window = look_back_days * touches.MICROSECONDS_A_DAY
    inside = (at <= ordered[person]) & (at >= ordered[person] - window)
    many = np.bincount(person[inside], minlength=len(ordered)).astype(float)
    earliest = ordered.copy()
    np.minimum.at(earliest, person[inside], at[inside])
    followed = (many > 0) & (ordered - window >= links.at.min())
    days = (ordered - earliest) / touches.MICROSECONDS_A_DAY
    return blank.assign(days=np.where(followed, days, np.nan), touches=np.where(followed, many, np.nan))


# --- bands ---


def _measures(part: pd.DataFrame, has: dict[str, bool], level: float) -> dict[str, Estimate | Refused]:
    """The four measures of one band's customers."""
    watched = part[part["watched"]]
    no_touches = evidence.no_column("touchpoints", "", "触点记录", "record of touches")
    no_referrals = evidence.no_column("orders", "referrer_id", "推荐人记录", "record of who was referred")
    facts: dict[str, Estimate | Refused] = {
        name: evidence.mean(part[name].dropna().to_numpy(), level) if has["touches"] else no_touches
        for name in ("days", "touches")
    }
    facts["referral"] = share(int(part["referred"].sum()), len(part), level) if has["referral"] else no_referrals
    facts["repurchase"] = share(int(watched["again"].sum()), len(watched), level)
    return facts


def _table(people, measured, limits, currency, level) -> pd.DataFrame:
    ends = [0.0, *limits, np.inf]
    listed = []
    for band, facts in measured.items():
        part = people[people["band"] == band]
        names = _names(int(band), limits, currency)
        row = [band, names.zh, names.en, ends[band], ends[band + 1], len(part)]
        row += _ends(share(len(part), len(people), level))
        row += [int(part["days"].notna().sum()), *_ends(facts["days"]), part["days"].median(), *_ends(facts["touches"])]
        row += [*_ends(facts["referral"]), int(part["watched"].sum()), *_ends(facts["repurchase"])]
        listed.append(row)
    kinds = dict.fromkeys(("band", "customers", "followed", "watched"), "int64") | {"band_zh": "str", "band_en": "str"}
    return pd.DataFrame(listed, columns=COLUMNS).astype({name: kinds.get(name, "float64") for name in COLUMNS})


def _ends(fact: Estimate | Refused) -> list[float]:
    return [np.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


def _names(band: int, limits: tuple[float, ...], currency: str) -> Words:
    """Name of a band with its currency."""
    unit = "元" if currency == "CNY" else f" {currency}"
    ends = [f"{limit:,.0f}" if float(limit).is_integer() else f"{limit:,}" for limit in limits]
    if band == 0:
        return Words(f"{ends[0]}{unit}及以下", f"up to {ends[0]} {currency}")
    if band == len(limits):
        return Words(f"{ends[-1]}{unit}以上", f"above {ends[-1]} {currency}")
    return Words(f"{ends[band - 1]}–{ends[band]}{unit}", f"{ends[band - 1]} to {ends[band]} {currency}")


# --- figures and rule ---


def _figures(people, measured, has, limits, currency, look_back_days, within_days, level):
    words = _words(_names(0, limits, currency), look_back_days, within_days)
    n = len(people)
    figures = {"price_band_impulse_share": share(
        int((people["band"] == 0).sum()), n, level, words["impulse_share"], price_bands
    )}  # fmt: skip
    touched = int(people["days"].notna().sum())
    figures["price_band_followed_share"] = (
        Estimate.exact(touched / n, n, "share", words["followed_share"], price_bands)
        if n and has["touches"]
        else evidence.no_column("touchpoints", "", "触点记录", "record of touches")
    )
    units = {
        "days": ("days", 1.0), "touches": ("touches", 1.0),
        "referral": ("percentage points", 100.0), "repurchase": ("percentage points", 100.0),
    }  # fmt: skip
    for name in MEASURES:
        unit, times = units[name]
        figures[f"price_band_{name}_rise"] = _rise(measured, name, unit, times, words[name])
    return figures


def _rise(measured, name, unit, times, words) -> Estimate | Refused:
    """Highest against lowest of the bands with enough customers for this measure."""
    facts = [facts[name] for _, facts in sorted(measured.items())]
    if missing := next((fact for fact in facts if isinstance(fact, Refused) and fact.gate == "data"), None):
        return missing
    enough = [fact for fact in facts if isinstance(fact, Estimate) and fact.n >= CUSTOMERS_AT_LEAST]
    if len(enough) < 2:
        return Refused(
            *("price bands", len(enough), 2),
            f"首单客户不少于 {CUSTOMERS_AT_LEAST} 位的价格带不足两个，无从比较。",
            f"Fewer than two price bands have {CUSTOMERS_AT_LEAST} customers or more: there is nothing to compare.",
        )
    return evidence.gap(enough[-1], enough[0], unit, words, price_bands, times)


def _words(lowest: Words, look_back_days: int, within_days: int) -> dict[str, Words]:
    zh = f"首单金额最高的价格带 － 最低的价格带（各不少于 {CUSTOMERS_AT_LEAST} 位客户）"
    en = f"highest less lowest price band of first orders, of those with {CUSTOMERS_AT_LEAST} customers or more"
    return {
        "impulse_share": Words(
            f"首单当日实付 {lowest.zh}的新客 ÷ 全部新客，未扣退款",
            f"new customers who paid {lowest.en} on the day of their first order / all, refunds not taken off",
        ),
        "followed_share": Words(
            f"首单前 {look_back_days} 天全程有记录、且至少有一次触点的新客 ÷ 全部新客",
            f"new customers with a recorded touch in the {look_back_days} days before the first order, all of which "
            "are recorded / all",
        ),
        "days": Words(
            f"首单前 {look_back_days} 天内首次触点到首单的平均天数：{zh}",
            f"mean days from the first touch in the {look_back_days} days before to the first order: {en}",
        ),
        "touches": Words(
            f"首单前 {look_back_days} 天内的平均触点数：{zh}",
            f"mean touches in the {look_back_days} days before the first order: {en}",
        ),
        "referral": Words(f"首单由老客户推荐的新客占比：{zh}", f"share of new customers who were referred: {en}"),
        "repurchase": Words(
            f"首单后 {within_days} 天内再次购买的新客占比（只计观察满 {within_days} 天的）：{zh}",
            f"share who buy again within {within_days} days, of those watched so long: {en}",
        ),
    }


def _rule(figures: dict[str, Estimate | Refused], least: dict[str, float], bands: list[int]) -> RuleResult:
    rises = {name: figures[f"price_band_{name}_rise"] for name in LEAST_RISES}
    scale = {"referral": 100.0}
    known = {name: rise for name, rise in rises.items() if isinstance(rise, Estimate)}
    is_small = {name: rise.high < least[name] * scale.get(name, 1.0) for name, rise in known.items()}
    up = sum(rise.low > 0 and not is_small[name] for name, rise in known.items())
    down = sum(rise.high < 0 for rise in known.values())
    small, most = sum(is_small.values()), len(known) / 2
    if not bands or bands[0] != 0 or len(bands) < 2:
        return RuleResult("price_bands", CLAIM, figures, OPEN, Words(
            "首单没有同时落在冲动门槛以下和以上，单凭本品牌的数据检验不了这条规则",
            "first orders do not lie on both sides of the impulse threshold: this brand's data cannot test the rule",
        ))  # fmt: skip
    if known and up > most and not down:
        agrees = AGREES
        reading = Words(
            "价格越高，成交前的考虑越久、接触越多或越靠熟人推荐，高价货要先建立信任再谈成交",
            "dearer first orders take more time, contacts or referrals: build trust before selling the dearer goods",
        )
    elif known and not up and small > most:
        agrees = DISAGREES
        reading = Words(
            "本品牌内，高价首单并不比低价首单考虑更久或更依赖推荐，不必按价格带区分打法",
            "within this brand dearer first orders take no more time, contacts or referrals: price bands need no "
            "different handling",
        )
    else:
        agrees, reading = OPEN, Words(
            "价格带之间的差别不足以下结论，或缺少触点与推荐记录",
            "the differences between price bands settle nothing, or touches and referrals are not recorded",
        )  # fmt: skip
    return RuleResult("price_bands", CLAIM, figures, agrees, reading)


def _check(limits, look_back_days: int, within_days: int, least_rises: dict[str, float]) -> None:
    for name in least_rises:
        order_log.one_of("least_rises", name, tuple(LEAST_RISES))
    if not limits or any(later <= earlier for earlier, later in zip((0.0, *limits), limits, strict=False)):
        raise ValueError(f"limits must be amounts above 0 that rise, such as {LIMITS}; got {limits!r}")
    order_log.at_least_one("look_back_days", look_back_days)
    order_log.at_least_one("within_days", within_days)
