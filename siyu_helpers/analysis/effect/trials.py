"""Weekly trials: each week's joiners beside customers who could have joined in that week and did not.

Every week is a small trial of its own. Who is in it, and what is known of whom, is decided from before the week; what
is compared comes after the moment of joining. Comparators are drawn by lot, twenty a joiner, with a weight for those
they stand for, so that customers x weeks never exist at once.

Opens no files and draws nothing. The question as a table: `target_trial`. Later joining of comparators: `censoring`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import censoring
from siyu_helpers.analysis.effect.covariates import COVARIATES, categories_of, covariate_columns, known_names
from siyu_helpers.analysis.effect.histories import (
    DAY,
    NEVER,
    WEEK,
    Histories,
    before,
    count_between,
    monday_of,
    read_histories,
    seconds,
)

REQUIRES = order_log.REQUIRES | {"members": ["customer_id", "joined_at"]}

MONTH_DAYS = 30
BANDS = (7, 14, 28, 56, 112)  # days since the last order, between which comparators are drawn
LEADING = ["customer_id", "week", "joined", "time_zero", "sampling_weight", "censor_weight"]


class Drawn(NamedTuple):
    """Joiners and drawn comparators of all weeks, whether or not their follow-up is complete.

    who : place in the histories. monday, time_zero : seconds. joined : 1 or 0. weight : eligible non-joiners of the
    week, and of the band of days since the last order, that a drawn one stands for. serial : 0 for joiners, number of
    the draw within its week for comparators.
    """

    who: np.ndarray
    monday: np.ndarray
    time_zero: np.ndarray
    joined: np.ndarray
    weight: np.ndarray
    serial: np.ndarray


def weekly_trials(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    horizon_days: int,
    covariates: tuple[str, ...] = COVARIATES,
    controls_per_joiner: int = 20,
    censor: str = "ipcw",
    seed: int = 0,
    recency_at_most_days: int = 365,
    refunds: str = "net",
    gross_margin: float | None = None,
    customers: Any = None,
    touchpoints: Any = None,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    histories: Histories | None = None,
) -> pd.DataFrame:
    """Each week's joiners of the pool beside comparators who could have joined then and did not, before and after.

    orders, members  ->  trials (one joiner or drawn comparator and week)

    A customer is eligible in a week (Monday to Sunday) who has ordered before it, was never in the pool before it, last
    ordered at most `recency_at_most_days` before it, and is observed for the whole horizon after it. Time zero of a
    joiner is the joining; a comparator takes the moment of a joiner of the week, drawn by lot.

    Parameters
    ----------
    orders, members, observed_until, refunds, gross_margin, customers, touchpoints
        See `read_histories`.
    horizon_days : int
        Length of follow-up from time zero.
    covariates : tuple of str
        Names, see `covariates_at`; those that the data do not know are left out.
    controls_per_joiner : int
        Comparators drawn a joiner, without replacement within a week; all where there are fewer.
    censor : "ipcw" or "none"
        A comparator who joins within the horizon: "ipcw", follow-up ends, outcomes are blank, and the others count for
        them (see `censoring`); "none", later joining is ignored, which pulls the effect towards zero.
    seed : int
        Of the lots. The lot of a week is the same for all horizons.
    observed_from, history, burn_in_days, first_order_at
        As everywhere, so that `**brand.history` can be passed. Nobody is left out: in an export that starts midway,
        frequency and tenure are those within it, unless `first_order_at` states when customers first ordered.
    histories : Histories, optional
        Read already, so that several horizons read the tables once; orders and members are then not looked at.

    Returns
    -------
    DataFrame
        customer_id; week (its Monday); joined (1, 0); time_zero; sampling_weight (eligible non-joiners of the week and
        band of recency over those drawn; 1 for joiners); censor_weight (1 for joiners, 0 for whom follow-up ended
        early, else the inverse of the chance to stay out to the end); the columns of the covariates; over [time_zero,
        time_zero + horizon): orders, repurchase (0/1), spend, contribution (before messages and what the pool costs;
        blank where not known),
        referrals (only where any are recorded), orders_month_1, contribution_month_1, ... (30-day blocks);
        orders_before (from the week's beginning to time zero), days_before (length of that).
        Sorted by week, joiners first. Empty, with all columns, where nobody is eligible.
        attrs: horizon_days, covariates (columns that vary), groups (name -> its columns), constant (columns left out
        because all rows are alike), outcomes, flow (counts), censor, censoring (share censored, largest weight, ...),
        seed, refunds, contribution (rule), gross_margin, pool_since, history.

    Raises
    ------
    ValueError
        For parameters out of range, and as `read_histories`.

    Notes
    -----
    A sequence of trials that mimic an experiment: Hernan and Robins (2016), Am J Epidemiol 183, 758-764; Gran et al.
    (2010), Statistics in Medicine 29, 2757-2768. Sampling of the risk set: Langholz and Borgan (1995), Biometrika 82.

    Example
    -------
    >>> day = pd.to_datetime
    >>> log = pd.DataFrame({"customer_id": [1, 2, 3], "amount": [10.0, 20.0, 30.0],
    ...                     "ordered_at": day(["2024-01-01", "2024-01-02", "2024-01-20"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": day(["2024-01-10"])})
    >>> trials = weekly_trials(log, stays, "2024-03-31", 30, covariates=("recency",))
    >>> trials[["customer_id", "joined", "sampling_weight", "recency_days", "orders"]].to_dict("list")
    {'customer_id': [1, 2], 'joined': [1, 0], 'sampling_weight': [1.0, 1.0], 'recency_days': [7.0, 6.0],
     'orders': [0.0, 0.0]}
    """
    _checked(horizon_days, controls_per_joiner, recency_at_most_days, censor)
    horizon_days, covariates = int(horizon_days), (covariates,) if isinstance(covariates, str) else covariates
    order_log.new_since(history, observed_from, burn_in_days, None)
    if histories is None:
        read = (orders, members, observed_until, refunds, gross_margin, customers, touchpoints)
        histories = read_histories(*read, traits=tuple(covariates_not_in_orders(covariates)))
    if first_order_at is not None:
        histories = with_first_orders(histories, first_order_at)
    drawn = draw(histories, controls_per_joiner, recency_at_most_days, seed)
    kept = (drawn.time_zero < NEVER) & (drawn.monday + WEEK + horizon_days * DAY <= histories.end)
    rows = Drawn(*(values[kept] for values in drawn))
    end = rows.time_zero + horizon_days * DAY
    names = known_names(histories, covariates)
    categories = categories_of(histories, names)
    columns, groups = covariate_columns(histories, rows.who, rows.monday, names, categories)
    weight, told = np.ones(len(rows.who)), {}
    if censor == "ipcw":
        weight, told = censoring.weights(histories, drawn, rows, end, names, categories, recency_at_most_days)
    outcomes = _outcomes(histories, rows.who, rows.time_zero, horizon_days)
    for values in outcomes.values():
        values[weight == 0] = np.nan
    table = pd.DataFrame(
        {
            "customer_id": histories.customers[rows.who],
            "week": rows.monday.astype("datetime64[s]"),
            "joined": rows.joined,
            "time_zero": rows.time_zero.astype("datetime64[s]"),
            "sampling_weight": rows.weight,
            "censor_weight": weight,
        }
        | columns
        | outcomes
        | _before(histories, rows)
    )
    varying = [name for name in columns if len(table) and np.ptp(columns[name]) > 0]
    groups = {name: [column for column in its if column in varying] for name, its in groups.items()}
    table.attrs = {
        "horizon_days": int(horizon_days),
        "covariates": varying,
        "groups": {name: its for name, its in groups.items() if its},
        "constant": [name for name in columns if name not in varying],
        "outcomes": list(outcomes),
        "flow": _flow(histories, rows, weight, horizon_days, recency_at_most_days),
        "censor": censor,
        "censoring": told,
        "controls_per_joiner": int(controls_per_joiner),
        "recency_at_most_days": int(recency_at_most_days),
        "seed": int(seed),
        "history": history if first_order_at is None else "complete",
    } | _facts(histories)
    return table


def covariates_not_in_orders(names: tuple[str, ...]) -> list[str]:
    """Names that would have to be columns of the customers table."""
    return [name for name in names if name not in COVARIATES or name == "city_tier"]


def with_first_orders(histories: Histories, first_order_at: Any) -> Histories:
    """Histories whose first orders are those stated, where they came before the first one in the orders."""
    frame = order_log.lazy(first_order_at)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "first_order_at"])
    stated = frame.select("customer_id", order_log.as_moment("first_order_at", kinds).alias("at"))
    home = stated.collect("pandas").to_native().dropna()
    place = pd.Series(np.arange(len(histories.customers)), index=pd.Index(histories.customers))
    who = home["customer_id"].map(place)
    first = histories.first_order.copy()
    known = who.notna().to_numpy()
    np.minimum.at(first, who[known].to_numpy(dtype=np.int64), seconds(home["at"])[known])
    return dataclasses.replace(histories, first_order=first)


def draw(histories: Histories, controls_per_joiner: int, recency_at_most_days: int, seed: int) -> Drawn:
    """Joiners of every week from the first joining on, and comparators drawn from those who did not join in it.

    In a week without a joiner as many are drawn as for one: they have no time zero (`NEVER`) and only tell how rare
    joining is. The weight is then the same as anywhere: those at risk over those drawn.
    """
    since = monday_of(histories.joined.min(initial=NEVER))
    by_time = np.argsort(histories.time, kind="stable")
    time, person = histories.time[by_time], histories.person[by_time]
    last = np.full(len(histories.customers), -NEVER, dtype=np.int64)
    done, parts = 0, [_nobody()]
    for monday in range(since, histories.end - WEEK + 1, WEEK) if since < histories.end else ():
        upto = np.searchsorted(time, monday, "left")
        last[person[done:upto]] = time[done:upto]  # in order of time: the last one stays
        done = upto
        at_risk = np.flatnonzero((last >= monday - recency_at_most_days * DAY) & (histories.joined >= monday))
        band = np.searchsorted(BANDS, (monday - last[at_risk]) / DAY, "left")
        parts.append(_draw_week(histories.joined[at_risk], at_risk, band, monday, controls_per_joiner, seed))
    return Drawn(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _draw_week(
    joined: np.ndarray, at_risk: np.ndarray, band: np.ndarray, monday: int, controls: int, seed: int
) -> Drawn:
    joins = joined < monday + WEEK
    joiners, others = at_risk[joins], at_risk[~joins]
    many = min(len(others), controls * max(len(joiners), 1))
    rng = np.random.default_rng([seed, monday // WEEK])
    chosen, weight = _by_band(band[~joins], band[joins], many, rng)
    moments = rng.choice(joined[joins], many) if len(joiners) else np.full(many, NEVER)
    serial = np.argsort(chosen)
    return Drawn(
        who=np.concatenate([joiners, others[chosen[serial]]]),
        monday=np.full(len(joiners) + many, monday),
        time_zero=np.concatenate([joined[joins], moments]),
        joined=np.repeat([1, 0], [len(joiners), many]),
        weight=np.concatenate([np.ones(len(joiners)), weight[serial]]),
        serial=np.concatenate([np.zeros(len(joiners), dtype=np.int64), serial + 1]),
    )


def _by_band(others: np.ndarray, joiners: np.ndarray, many: int, rng: np.random.Generator) -> tuple:
    """Draw `many` of the others without replacement, half of them where the joiners are -> places, weights.

    Joiners have mostly just ordered, most of those at risk have not: of a plain draw few would be like the joiners.
    Half is therefore drawn in proportion to those at risk in each band of days since the last order, half in
    proportion to the joiners; each drawn one stands for as many of its band as were left out.
    """
    count = len(BANDS) + 1
    there, like = np.bincount(others, minlength=count), np.bincount(joiners, minlength=count)
    if many < 2 * np.count_nonzero(there):  # too few to draw from each band
        return rng.choice(len(others), many, replace=False), np.full(many, len(others) / max(many, 1))
    share = there / max(there.sum(), 1)
    wanted = many * (share + (like / len(joiners) if len(joiners) else share)) / 2
    take = _whole_numbers(wanted, there, many)
    places = [rng.choice(np.flatnonzero(others == band), take[band], replace=False) for band in np.flatnonzero(take)]
    chosen = rng.permutation(np.concatenate([*places, np.zeros(0, dtype=np.int64)]))
    return chosen, (there / np.maximum(take, 1))[others[chosen]]


def _whole_numbers(wanted: np.ndarray, there: np.ndarray, many: int) -> np.ndarray:
    """Whole numbers near those wanted that sum to `many`, at most as many as there are, at least one where any are."""
    take = np.minimum(np.maximum(np.floor(wanted).astype(np.int64), there > 0), there)
    while (short := many - take.sum()) != 0:
        room = there - take if short > 0 else np.where(there > 0, take - 1, 0)
        part = np.minimum(np.ceil(room / room.sum() * abs(short)).astype(np.int64), room)
        over = np.maximum(np.cumsum(part) - abs(short), 0)
        take += np.sign(short) * np.maximum(part - over, 0)
    return take


def _nobody() -> Drawn:
    none, real = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Drawn(none, none, none, none, real, none)


def _outcomes(histories: Histories, who: np.ndarray, time_zero: np.ndarray, horizon_days: int) -> dict[str, np.ndarray]:
    """Orders, money and referrals from time zero on, of the whole horizon and of its 30-day blocks."""
    blocks = horizon_days // MONTH_DAYS
    edges = [before(histories, who, time_zero + day * DAY) for day in range(0, blocks * MONTH_DAYS + 1, MONTH_DAYS)]
    end = time_zero + horizon_days * DAY
    last = edges[-1] if blocks * MONTH_DAYS == horizon_days else before(histories, who, end)

    def total(name: str, worth: float, begin: np.ndarray, until: np.ndarray) -> np.ndarray:
        return (histories.totals[name][until] - histories.totals[name][begin]) * worth

    orders = total("orders", 1.0, edges[0], last)
    found = {
        "orders": orders,
        "repurchase": (orders > 0).astype(float),
        "spend": total("spend", 1 / order_log.MONEY_SCALE, edges[0], last),
        "contribution": total("contribution", histories.worth, edges[0], last),
    }
    if histories.referrals is not None and len(histories.referrals[0]):
        found["referrals"] = count_between(histories.referrals, who, time_zero, end).astype(float)
    for name, worth in (("orders", 1.0), ("contribution", histories.worth)):
        for block in range(blocks):
            found[f"{name}_month_{block + 1}"] = total(name, worth, edges[block], edges[block + 1])
    return found


def _before(histories: Histories, rows: Drawn) -> dict[str, np.ndarray]:
    """Orders from the beginning of the week to time zero, which joining cannot have caused."""
    running = histories.totals["orders"]
    orders = running[before(histories, rows.who, rows.time_zero)] - running[before(histories, rows.who, rows.monday)]
    return {"orders_before": orders.astype(float), "days_before": (rows.time_zero - rows.monday) / DAY}


def _flow(histories: Histories, rows: Drawn, weight: np.ndarray, horizon_days: int, recency: int) -> dict[str, int]:
    """From the members of the table to the joiners of the trials, each left out for one reason only."""
    who = np.flatnonzero(histories.joined < NEVER)
    joined, monday = histories.joined[who], monday_of(histories.joined[who])
    start = np.searchsorted(histories.person, who, "left")
    first, place = histories.time[start], before(histories, who, monday)
    last = histories.time[np.maximum(place - 1, 0)]
    reasons = {
        "joined_before_first_order": joined <= first,
        "first_order_in_week": place == start,
        "out_of_reach": last < monday - recency * DAY,
        "not_followed": monday + WEEK + horizon_days * DAY > histories.end,
    }
    left, gone = np.ones(len(who), dtype=bool), {}
    for name, is_so in reasons.items():
        gone[name] = int((left & is_so).sum())
        left &= ~is_so
    compared = rows.joined == 0
    members = int(histories.facts.get("members", len(who)))
    return {
        "members": members,
        "without_order": members - len(who),
        **gone,
        "joiners": int((~compared).sum()),
        "comparators": int(compared.sum()),
        "comparator_customers": len(np.unique(rows.who[compared])),
        "censored": int((weight[compared] == 0).sum()),
        "weeks": len(np.unique(rows.monday)),
    }


FLOW_WORDS = {
    "members": ("加入过私域的客户", "Customers who ever joined the pool"),
    "without_order": ("减：没有任何订单", "less: no order at all"),
    "joined_before_first_order": ("减：首单之前就已加入", "less: joined before their first order"),
    "first_order_in_week": ("减：首单与加入在同一周", "less: first order in the very week of joining"),
    "out_of_reach": ("减：加入前超过 {recency} 天未下单", "less: last order more than {recency} days before joining"),
    "not_followed": ("减：加入后观察不满 {horizon} 天", "less: observed for less than {horizon} days after joining"),
    "joiners": ("进入比较的加入者", "Joiners in the trials"),
    "comparators": ("抽取的对照（客户×周）", "Comparators drawn (customer-weeks)"),
    "comparator_customers": ("对照涉及的客户", "Customers among the comparators"),
    "censored": ("对照中后来加入、观察提前结束的", "Comparators who joined later: follow-up ended early"),
    "weeks": ("有加入者的周数", "Weeks with joiners"),
}


def sample_flow(trials: pd.DataFrame) -> pd.DataFrame:
    """Who is in the comparison, from all members to the joiners and comparators, and who was left out and why.

    trials  ->  steps (one step a row)

    Parameters
    ----------
    trials : DataFrame
        See `weekly_trials`.

    Returns
    -------
    DataFrame
        step; zh, en (what is counted); count. Members less those left out are the joiners of the trials.

    Raises
    ------
    ValueError
        For a table that is not of `weekly_trials`: the counts travel in its attrs.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1], "amount": [10.0], "ordered_at": pd.to_datetime(["2024-01-01"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.to_datetime(["2024-01-10"])})
    >>> sample_flow(weekly_trials(log, stays, "2024-03-31", 30)).set_index("step")["count"].loc["joiners"].item()
    1
    """
    if "flow" not in trials.attrs:
        raise ValueError("the table has no flow in its attrs: pass the one that weekly_trials returned")
    given = {"recency": trials.attrs["recency_at_most_days"], "horizon": trials.attrs["horizon_days"]}
    return pd.DataFrame(
        [
            {"step": step, "zh": zh.format(**given), "en": en.format(**given), "count": trials.attrs["flow"][step]}
            for step, (zh, en) in FLOW_WORDS.items()
        ]
    )


def _facts(histories: Histories) -> dict[str, Any]:
    return {
        **{name: histories.facts[name] for name in ("refunds", "contribution", "gross_margin")},
        "pool_since": _day(histories.joined.min(initial=NEVER)),
        "observed_until": _day(histories.end - 1),
    }


def _day(moment: int) -> str | None:
    return None if moment >= NEVER else str(np.datetime64(int(moment), "s").astype("datetime64[D]"))


def _checked(horizon_days: int, controls_per_joiner: int, recency_at_most_days: int, censor: str) -> None:
    order_log.at_least_one("horizon_days", horizon_days)
    order_log.at_least_one("controls_per_joiner", controls_per_joiner)
    order_log.at_least_one("recency_at_most_days", recency_at_most_days)
    order_log.one_of("censor", censor, ("ipcw", "none"))
