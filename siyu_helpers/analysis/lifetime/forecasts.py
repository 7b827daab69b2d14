"""Forecasts of purchases and revenue, each with the interval of what is expected and of what will happen.

Two intervals stand beside every total. That of the *expected* total allows for the parameters, which are estimated:
it would hold the mean of very many repetitions of the same future. That of the *realised* total allows for chance as
well: it is to hold what the books will show, and is the one to check against a holdout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.lifetime import gamma_gamma
from siyu_helpers.analysis.lifetime.summaries import days_in_unit

DRAWS = 400
SAMPLE = 600  # customers that show how the expected totals move with the parameters
EVERYONE = "all"
TOTAL_COLUMNS = ["expected_purchases", "realised_purchases"]
REVENUE_COLUMNS = ["expected_revenue", "realised_revenue"]
SURELY = 1e-12  # a chance of leaving below this is none: numpy's geometric numbers would overflow


class Totals(NamedTuple):
    """Totals by draw (rows) and group (columns), and the size of each group; money only where a spend fit was given."""

    names: list[str]
    customers: np.ndarray
    best: dict[str, np.ndarray]
    drawn: dict[str, np.ndarray]


def forecast_total(
    purchase_fit: Any,
    customers: pd.DataFrame,
    horizon_days: int,
    spend_fit: Any = None,
    groups: Any = None,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 1,
    at_least: int = 1,
) -> pd.DataFrame:
    """Purchases, and revenue, that these customers will make within the horizon: in total and by group.

    summary (one customer)  ->  table (group; the first row is "all")

    Parameters
    ----------
    purchase_fit : Fit
        Of BG/NBD, MBG/NBD or Pareto/NBD.
    customers : DataFrame
        From `summarise`, of the grain of the fit. The forecast starts where their T ends.
    horizon_days : int
        Days after the end of T, whatever the grain.
    spend_fit : Fit, optional
        Of Gamma-Gamma; without it there are no columns of revenue.
    groups : Series or array of labels, one a row of `customers`, optional
        A blank label becomes "unknown".
    level, draws, seed
        Coverage of the intervals; number of parameter draws, each with one simulated future; seed of both.
    at_least : int
        Groups with fewer customers are left blank.

    Returns
    -------
    DataFrame
        group, customers : label and size.
        expected_purchases(_low, _high) : mean number of purchases; the interval allows for the parameters.
        realised_purchases(_low, _high) : the same value; the interval allows for the parameters and for chance.
        expected_revenue, realised_revenue(_low, _high) : the same for the sum of the amounts, with `spend_fit`.
    New customers, acquired within the horizon, are not in it.

    Notes
    -----
    Parameters are drawn from the normal approximation on the log scale at the optimum, and move the expected total.
    Futures are simulated at the optimum, exactly: whether a customer is still active, the rate and the dropout come
    from their posterior, then the purchases. Their deviations are added to the draws of the expected total.

    Example
    -------
    >>> from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd
    >>> history = {"customer_id": range(6), "frequency": [0, 1, 3, 0, 5, 2], "recency": [0, 4, 20, 0, 35, 9],
    ...            "T": [39, 38, 37, 36, 38, 30], "monetary_value": [0, 30, 20, 0, 45, 25]}
    >>> fit = fit_bg_nbd(pd.DataFrame(history), grain="week")
    >>> forecast_total(fit, pd.DataFrame(history), horizon_days=91).round(1).to_dict("records")
    [{'group': 'all', 'customers': 6, 'expected_purchases': 4.0, ...}]
    """
    check_level(level)
    t = _time(horizon_days, purchase_fit)
    totals = simulated_totals(purchase_fit, customers, t, spend_fit, groups, draws=draws, seed=seed)
    table = pd.DataFrame({"group": totals.names, "customers": totals.customers})
    for name, drawn in totals.drawn.items():
        table = table.assign(**interval_columns(name, totals.best[name], drawn, level))
    table.loc[table["customers"] < at_least, table.columns[2:]] = np.nan
    table.attrs = {"horizon_days": horizon_days, "level": level, "at_least": at_least}
    return table


def total_estimates(table: pd.DataFrame, group: str = EVERYONE) -> dict[str, Estimate | Refused]:
    """State the totals of one group, each kind of interval under its own name.

    table (group)  ->  "expected_purchases", "realised_purchases" [, "expected_revenue", "realised_revenue"]

    Parameters
    ----------
    table : DataFrame
        From `forecast_total`.

    Returns
    -------
    dict of Estimate with units "orders" and "money"; of Refused when the group is too small.
    """
    days, level = table.attrs["horizon_days"], table.attrs["level"]
    row = one_group(table, group)
    kinds = {
        "expected": ("区间只含参数误差，指平均意义上的合计", "the interval allows for the parameters only: the mean"),
        "realised": (
            "区间含参数误差和随机波动，可与实际发生额对照",
            "the interval allows for the parameters and for chance: what the books will show",
        ),
    }
    things = {
        "purchases": ("purchases", "购买次数（同一天的订单算一次）", "purchases (orders of one day count once)"),
        "revenue": ("money", "销售额", "revenue"),
    }
    stated = {}
    for name in [column for column in TOTAL_COLUMNS + REVENUE_COLUMNS if column in table.columns]:
        kind, thing = name.split("_")
        unit, zh, en = things[thing]
        words = Words(
            f"这些客户在此后 {days} 天内的{zh}，模型预测，不含期内新客；{kinds[kind][0]}。",
            f"Forecast {en} of these customers in the next {days} days, without new customers; {kinds[kind][1]}.",
        )
        stated[name] = stated_or_refused(row, name, level, unit, words, total_estimates, table.attrs["at_least"])
    return stated


def customer_forecasts(
    purchase_fit: Any,
    customers: pd.DataFrame,
    horizon_days: int,
    level: float = LEVEL,
    draws: int = 100,
    seed: int = 1,
) -> pd.DataFrame:
    """Expected purchases within the horizon, and the probability of being still active, customer by customer.

    summary (one customer)  ->  table (one customer, rows as given)

    Returns
    -------
    DataFrame
        customer_id, expected_purchases(_low, _high), probability_alive(_low, _high). The intervals allow for the
        parameters: they are those of an average over all customers with such a history, not of this one's future.
    """
    check_level(level)
    t = _time(horizon_days, purchase_fit)
    one = purchase_fit.with_parameters(_columns(purchase_fit.draws(draws, seed)))
    drawn = {
        "expected_purchases": one.expected_purchases(t, customers=customers),
        "probability_alive": one.probability_alive(customers),
    }
    best = {
        "expected_purchases": purchase_fit.expected_purchases(t, customers=customers),
        "probability_alive": purchase_fit.probability_alive(customers),
    }
    table = pd.DataFrame({"customer_id": customers["customer_id"].to_numpy()})
    for name, values in drawn.items():
        table = table.assign(**interval_columns(name, np.asarray(best[name]), np.asarray(values), level))
    return table


def simulated_totals(
    purchase_fit: Any,
    customers: pd.DataFrame,
    t: float,
    spend_fit: Any = None,
    groups: Any = None,
    weights: np.ndarray | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    futures: bool = True,
) -> Totals:
    """Totals of purchases [and money] by group under drawn parameters: what is expected of them, and what happens.

    t is in the grain of the fit; weights multiply each customer's money. Rows are put into an order of their own
    first, so that neither ids nor the order of the rows decide who gets which random number. futures=False leaves
    out the realised totals.
    """
    codes, names = _codes(groups, len(customers))
    weights = np.ones(len(customers)) if weights is None else np.asarray(weights, dtype=float)
    columns = [customers[name] for name in ("monetary_value", "T", "recency", "frequency")]
    order = np.lexsort([weights, *columns, codes])
    people, codes, weights = customers.iloc[order].reset_index(drop=True), codes[order], weights[order]
    sum_up = _summing(codes, len(names))
    if spend_fit is not None:
        spend_fit.expected_spend(people)  # raises where there is no mean spend to forecast
    each = _each_expected(purchase_fit, spend_fit, people, t, weights)
    best = {name: sum_up(values) for name, values in each.items()}
    drawn = {}
    expected = _expected_draws(purchase_fit, spend_fit, people, t, weights, codes, each, draws, seed)
    if not names:
        expected = {thing: totals[:, :1] for thing, totals in expected.items()}
    happened = _futures(purchase_fit, spend_fit, people, t, weights, sum_up, draws, seed) if futures else {}
    for thing, totals in expected.items():
        drawn[f"expected_{thing}"] = totals
        if thing not in happened:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):  # chance varies about as the total does: Poisson
            spread = np.sqrt(np.where(best[thing] > 0, totals / best[thing], 1.0))
            after = np.where(np.isfinite(totals), totals + spread * (happened[thing] - best[thing]), np.inf)
        drawn[f"realised_{thing}"] = np.maximum(after, 0)
    both = {name: best[name.split("_")[1]] for name in drawn}
    return Totals([EVERYONE, *names], sum_up(np.ones(len(people))).astype("int64"), both, drawn)


def simulate_purchases(
    fit: Any, people: pd.DataFrame, t: float, rng: np.random.Generator, alive: np.ndarray | None = None
) -> np.ndarray:
    """One future for each customer: purchases in the next t, drawn from the posterior given the parameters of the fit.

    A customer who is still active has rate ~ Gamma(r + x, alpha + T); under BG/NBD a chance of leaving after each
    purchase ~ Beta(a, b + x), under MBG/NBD ~ Beta(a, b + x + 1), since the first purchase gave a chance too; under
    Pareto/NBD a further life ~ Lomax(s, beta + T). `alive`: probability_alive where it is known already.
    """
    p = fit.parameters
    x, observed = people["frequency"].to_numpy(float), people["T"].to_numpy(float)
    made = np.zeros(len(people))
    alive = fit.probability_alive(people) if alive is None else alive
    active = np.flatnonzero(rng.random(len(people)) < alive)
    x, observed = x[active], observed[active]
    span: Any = t
    if fit.model == "pareto_nbd" and p["s"] > 0:
        life = (p["beta"] + observed) * np.expm1(rng.standard_exponential(len(active)) / p["s"])
        span = np.minimum(t, life)
    bought = rng.negative_binomial(p["r"] + x, (p["alpha"] + observed) / (p["alpha"] + observed + span))
    if fit.model != "pareto_nbd" and p["a"] > 0:
        several = np.flatnonzero(bought >= 2)  # the first purchase is made before there is a chance of leaving after it
        past = x[several] + (fit.model == "mbg_nbd")
        leaving = np.maximum(rng.beta(p["a"], p["b"] + past), SURELY)
        bought[several] = np.minimum(bought[several], rng.geometric(leaving))
    made[active] = bought
    return made


def simulate_spend(fit: Any, people: pd.DataFrame, made: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Amount of the simulated purchases: each Gamma(p, nu), where nu ~ Gamma(q + p x, v + x m), m the mean so far."""
    p, q, v = (fit.parameters[name] for name in ("p", "q", "v"))
    spend, buying = np.zeros(len(people)), np.flatnonzero(made > 0)
    mean = people["monetary_value"].to_numpy(float)[buying]
    known = np.where(mean > 0, people["frequency"].to_numpy(float)[buying], 0.0)
    rate = rng.standard_gamma(q + p * known) / (v + known * mean)
    spend[buying] = rng.standard_gamma(p * made[buying]) / rate
    return spend


def interval_columns(name: str, best: np.ndarray, drawn: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """Columns name, name_low and name_high from the value at the optimum and the draws (rows)."""
    with np.errstate(invalid="ignore"):  # between a number and infinity
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0, method="weibull")
    high = np.where(np.isnan(high), np.inf, high)
    return {name: best, f"{name}_low": np.minimum(low, best), f"{name}_high": np.maximum(high, best)}


def one_group(table: pd.DataFrame, group: str) -> pd.Series:
    """The row of a group, or ValueError naming the groups there are."""
    found = table[table["group"] == group]
    if found.empty:
        raise ValueError(f"there is no group {group!r}; there are {', '.join(map(repr, table['group']))}")
    return found.iloc[0]


def stated_or_refused(
    row: pd.Series, name: str, level: float, unit: str, words: Words, function: Callable[..., Any], at_least: int
) -> Estimate | Refused:
    """The number of a group as an Estimate, or the reason why it is blank."""
    n = int(row["customers"])
    if not np.isfinite(row[name]):
        zh = f"这一组只有 {n} 位客户，少于 {at_least} 位，给不出可靠的预测。"
        en = f"This group has {n} customers; below {at_least} no forecast can be trusted."
        return Refused("customers", n, at_least, zh, en)
    return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], level, n, unit, words, function)


def _time(horizon_days: float, fit: Any) -> float:
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise ValueError(f"horizon_days must be a number of days above 0; got {horizon_days!r}")
    return horizon_days / days_in_unit(fit)


def _codes(groups: Any, rows: int) -> tuple[np.ndarray, list[str]]:
    """Number of each row's group, and the groups' names in alphabetical order."""
    if groups is None:
        return np.zeros(rows, dtype="int64"), []
    labels = pd.Series(np.asarray(groups, dtype=object))
    if len(labels) != rows:
        raise ValueError(f"groups must hold one label for each of the {rows} customers; it holds {len(labels)}")
    codes, names = pd.factorize(labels.where(labels.notna(), "unknown").astype(str), sort=True)
    if EVERYONE in names:
        raise ValueError(f"no group may be called {EVERYONE!r}: that is the name of all customers together")
    return codes, list(names)


def _summing(codes: np.ndarray, groups: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from one value a customer to the total of all, then of each group."""
    if not groups:
        return lambda values: np.array([values.sum()])
    return lambda values: np.append(values.sum(), np.bincount(codes, weights=values, minlength=groups))


def _each_expected(fit: Any, spend_fit: Any, people: pd.DataFrame, t: float, weights: np.ndarray) -> dict:
    """Purchases, and money, expected of each customer; one row a draw where the parameters are columns of draws."""
    purchases = np.asarray(fit.expected_purchases(t, customers=people), dtype=float)
    if spend_fit is None:
        return {"purchases": purchases}
    columns = (people[name].to_numpy(float) for name in ("frequency", "monetary_value"))
    spend = gamma_gamma.expected_spend(spend_fit.parameters, *columns)
    return {"purchases": purchases, "revenue": purchases * spend * weights}


def _expected_draws(
    fit: Any, spend_fit: Any, people: pd.DataFrame, t: float, weights: np.ndarray, codes: np.ndarray, each: dict,
    draws: int, seed: int,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Expected totals by draw and group, from a sample of customers where there are many.

    How a total moves with the parameters is smooth, so that a sample shows it: drawn in equal steps of the expected
    purchases of customers sorted by history, it starts from the exact total at the optimum. Infinite where a drawn q
    is 1 or less: the data do not bound the mean spend.
    """
    rows, share = _sampled(each["purchases"], codes)
    some = people.iloc[rows]
    fit = fit.with_parameters(_columns(fit.draws(draws, seed)))
    spend_fit = (
        spend_fit if spend_fit is None else spend_fit.with_parameters(_columns(spend_fit.draws(draws, seed + 1)))
    )
    moved = _each_expected(fit, spend_fit, some, t, weights[rows])
    found = {}
    for thing, values in moved.items():
        totals = []
        for group in range(codes.max(initial=0) + 1):
            inside = codes[rows] == group
            at_best = share[inside] @ each[thing][rows][inside]
            ratio = values[:, inside] @ share[inside] / at_best if at_best > 0 else np.ones(draws)
            totals.append(ratio * each[thing][codes == group].sum())
        by_group = np.column_stack(totals)
        found[thing] = np.hstack([by_group.sum(axis=1, keepdims=True), by_group])
    return found


def _sampled(purchases: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the sample, group by group, and how many customers each stands for."""
    groups = codes.max(initial=0) + 1
    points = max(SAMPLE // groups, SAMPLE // 10)
    rows, share = [], []
    for group in range(groups):
        inside = np.flatnonzero(codes == group)
        if len(inside) <= points or purchases[inside].sum() <= 0:
            rows.append(inside)
            share.append(np.ones(len(inside)))
            continue
        up_to = np.cumsum(purchases[inside])
        steps = (np.arange(points) + 0.5) / points * up_to[-1]
        picked = inside[np.searchsorted(up_to, steps)]
        rows.append(picked)
        share.append(up_to[-1] / points / purchases[picked])
    return np.concatenate(rows), np.concatenate(share)


def _futures(
    fit: Any, spend_fit: Any, people: pd.DataFrame, t: float, weights: np.ndarray, sum_up: Any, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Totals by simulated future and group, all at the optimum."""
    rng = np.random.default_rng([seed, 1])
    alive = fit.probability_alive(people)
    totals: dict[str, list[np.ndarray]] = {"purchases": [], "revenue": []}
    for _ in range(draws):
        made = simulate_purchases(fit, people, t, rng, alive)
        totals["purchases"].append(sum_up(made))
        if spend_fit is not None:
            totals["revenue"].append(sum_up(simulate_spend(spend_fit, people, made, rng) * weights))
    return {thing: np.asarray(values) for thing, values in totals.items() if values}


def _columns(draws: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of draws -> columns that broadcast against a row of customers."""
    return {name: np.reshape(values, (-1, 1)) for name, values in draws.items()}
