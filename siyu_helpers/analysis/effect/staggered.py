"""What a roll-out adds, where some units (stores, cities) began before others: Callaway and Sant'Anna's estimator.

Every group of units that began together is compared, period by period, with units that had not begun: its change since
the last period before the beginning, less theirs. Regressions with effects of units and periods instead compare late
beginners with early ones, whose outcome still moves because of the treatment; where effects grow, they miss even the
sign. Nothing is assumed but that without the roll-out both would have changed alike (parallel trends).

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.results import Effect, Effects, effect_of
from siyu_helpers.analysis.estimates import LEVEL, Refused, check_level

REQUIRES = {"panel": ["unit", "period", "first_treated"]}

CONTROLS = ("never", "not_yet")
UNITS_AT_LEAST = 8  # with fewer no interval keeps its promise; coverage is counted from 12 on
EFFECTIVE_AT_LEAST = 4  # clusters by Kish's number: one large store among small ones is hardly more than one
SIDE_AT_LEAST = 2  # units that begin within the panel, and units to compare them with
JACKKNIFE_AT_MOST = 200  # clusters; above, the closed form says the same
LEADS_PER_UNIT = 0.2  # leads tested together for each unit: more, and the test rejects by chance
GROUP_TIME_COLUMNS = ["first_treated", "period", "event_time", "value", "standard_error", "low", "high", "units"]


@dataclass(frozen=True)
class LeadTest:
    """Whether the units that begin later already moved differently before: a joint test of the leads.

    p_value : chance of leads this far from 0 where there is no difference in trends. statistic : F. leads : how many
    were tested together. of : "group-time", "event time" or "nearest event times", what was tested. A high p-value does
    not prove parallel trends; with few units the test sees only large differences.
    """

    statistic: float
    p_value: float
    leads: int
    of: str


@dataclass(frozen=True)
class GroupTime:
    """Effects of a staggered roll-out: by group and period, and what they add up to.

    group_time : DataFrame, one row a group and period: first_treated, period, event_time (periods since the beginning,
    negative before), value, standard_error, low, high, units (of the group). Blank errors: a single unit, whose own
    luck cannot be told from the effect. simple : mean over all treated groups and periods, by size of the group.
    dynamic : by event time; overall: mean of the event times from 0 on. group : by first_treated; overall: by size of
    the group. pretrend : `LeadTest`; None without a lead that has errors. facts : units, units_treated, units_never,
    units_dropped_first_period, units_dropped_unbalanced, clusters, effective_clusters, degrees_of_freedom, errors,
    control, periods, level, as plain numbers and texts.
    """

    group_time: pd.DataFrame
    simple: Effect
    dynamic: Effects
    group: Effects
    pretrend: LeadTest | None
    facts: dict[str, Any] = field(default_factory=dict)


def staggered(
    panel: pd.DataFrame,
    unit: str,
    period: str,
    first_treated: str,
    outcome: str,
    control: str = "never",
    level: float = LEVEL,
    clusters: str | None = None,
    weights: str | None = None,
    errors: str = "auto",
) -> GroupTime | Refused:
    """Effect of a treatment that units began at different times: group by group, and over all.

    panel (one unit and period)  ->  GroupTime

    Parameters
    ----------
    panel : DataFrame
        Every unit in every period once. Units that lack a period or an outcome are left out and counted.
    unit, period, first_treated, outcome : str
        Columns. period: numbers. first_treated: the period in which treatment began, the same on every row of a unit;
        0 or blank: never. A beginning after the last period counts as never.
    control : "never" or "not_yet"
        Who the groups are compared with: units that never begin, or all that have not begun by the later of the two
        periods compared. Without units that never begin only "not_yet" works, until all but one have begun: with a
        single unit nothing is compared, as its own luck cannot be told from a trend.
    level : float
        Coverage of the intervals.
    clusters : str, optional
        Column that says which units belong together, such as the city of stores. None: each unit stands alone.
    weights : str, optional
        Column with a weight above 0, the same in all periods of a unit, such as its customers. None: all units alike.
    errors : "auto", "jackknife" or "influence"
        auto: up to 200 clusters the jackknife with quantiles of t, above that the influence function with normal ones.

    Returns
    -------
    GroupTime, in the unit of the outcome. Units treated from the first period on have no period before: they are left
    out and counted. Leads compare each period with the one before it (varying base), so that each is a test of its own.
    Refused with fewer than 8 units or clusters, or fewer than 4 by Kish's effective number, with fewer than 2 that
    begin within the panel or 2 to compare them with, and where all begin together.

    Raises
    ------
    ValueError
        For a missing column, a unit twice in a period, a first_treated, weight or cluster that changes within a unit.

    Notes
    -----
    Callaway and Sant'Anna (2021), J. Econometrics 225, 200-230: group-time effects without covariates (equations 2.5
    and 2.6), aggregated by their equations 3.4, 3.7 and 3.10; that the sizes of the groups are estimated enters the
    errors. Stores are few, and groups of one or two have no visible luck of their own, so that the closed form is too
    short: the jackknife leaves out one cluster after the other and works everything out again (MacKinnon, Nielsen and
    Webb 2023, J. Econometrics 232, 272-299), and its t has as many degrees of freedom as there are clusters, by Kish's
    effective number where weights differ, less one. tests/calibration/test_effect_staggered.py counts coverage.

    Example
    -------
    Ten stores; from period 3 on those of the first group sell 2 more.

    >>> rows = [(s, t, 3 if s < 5 else 0, t + s % 3 * (t == 2) / 10 + (2 if s < 5 and t >= 3 else 0))
    ...         for s in range(10) for t in (1, 2, 3, 4)]
    >>> found = staggered(pd.DataFrame(rows, columns=["store", "month", "began", "sales"]), "store", "month", "began",
    ...                   "sales")
    >>> round(found.simple.value, 2), sorted(found.dynamic.parts), found.facts["units_never"]
    (2.02, [-1, 0, 1], 5)
    """
    check_level(level)
    order_log.one_of("control", control, CONTROLS)
    order_log.one_of("errors", errors, ("auto", "jackknife", "influence"))
    data = _wide(panel, unit, period, first_treated, outcome, clusters, weights)
    if refused := _not_enough(data, control):
        return refused
    cells = _cells(data, control)
    if not any(cell.event >= 0 for cell in cells):
        return _no_contrast()
    return _result(data, cells, control, level, errors)


# --- the panel ---


class _Wide(NamedTuple):
    """Units as rows and periods as columns; begin: place of the first treated period, `never` = number of periods."""

    values: np.ndarray
    periods: np.ndarray
    begin: np.ndarray
    told: np.ndarray  # first_treated as stated, 0 for never
    weight: np.ndarray
    cluster: np.ndarray
    first_period: int  # units dropped
    unbalanced: int

    @property
    def never(self) -> int:
        return len(self.periods)


def _wide(panel, unit, period, first_treated, outcome, clusters, weights) -> _Wide:
    named = [unit, period, first_treated, outcome, *(name for name in (clusters, weights) if name)]
    order_log.has_columns(list(panel.columns), named)
    for name in (period, first_treated, outcome):
        if not pd.api.types.is_numeric_dtype(panel[name]):
            raise ValueError(f"column {name!r} must hold numbers: number the periods first, 0 for never treated")
    if panel[[unit, period]].isna().any(axis=None):
        raise ValueError("unit and period must be filled in on every row of the panel")
    if panel.duplicated([unit, period]).any():
        raise ValueError("a unit appears twice in a period: add its rows up first")
    of_unit = [name for name in (clusters, weights) if name]
    facts = panel.assign(**{first_treated: panel[first_treated].fillna(0)}).groupby(unit, sort=False, observed=True)
    if (facts[[first_treated, *of_unit]].nunique(dropna=False) > 1).any(axis=None):
        raise ValueError("first_treated, weights and clusters must be the same on every row of a unit")
    facts = facts[[first_treated, *of_unit]].first()
    wide = panel.pivot(index=unit, columns=period, values=outcome).sort_index(axis=1).reindex(facts.index)
    values, told = wide.to_numpy(dtype=float), facts[first_treated].to_numpy(dtype=float)
    weight = facts[weights].to_numpy(dtype=float) if weights else np.ones(len(facts))
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise ValueError("weights must be numbers above 0")
    cluster = pd.factorize(facts[clusters])[0] if clusters else np.arange(len(facts))
    if (cluster < 0).any():
        raise ValueError("clusters must be filled in for every unit")
    periods = wide.columns.to_numpy(dtype=float)
    begin = np.where(told == 0, len(periods), np.searchsorted(periods, told))
    whole = np.isfinite(values).all(axis=1)
    kept = whole & (begin > 0)
    # In an order of their own values: neither rows nor names move a number by rounding.
    place = np.lexsort((*values[kept].T, weight[kept], begin[kept]))
    values, begin, told, weight, cluster = (part[kept][place] for part in (values, begin, told, weight, cluster))
    return _Wide(values, periods, begin, np.where(begin == len(periods), 0, told), weight, cluster,
                 int((whole & ~kept).sum()), int((~whole).sum()))  # fmt: skip


class _Cell(NamedTuple):
    """One group and period: change of each unit, and who is compared."""

    group: int  # place of the beginning
    period: int
    event: int
    change: np.ndarray
    treated: np.ndarray
    control: np.ndarray


def _cells(data: _Wide, control: str) -> list[_Cell]:
    """All comparisons that can be made, by group and period."""
    found = []
    for group in np.unique(data.begin[data.begin < data.never]):
        treated = data.begin == group
        for period in range(1, data.never):
            base = group - 1 if period >= group else period - 1
            waits_until = data.never - 1 if control == "never" else max(period, base)
            compared = (data.begin > waits_until) & ~treated
            if len(np.unique(data.cluster[compared])) >= SIDE_AT_LEAST:
                change = data.values[:, period] - data.values[:, base]
                found.append(_Cell(int(group), period, int(period - group), change, treated, compared))
    return found


# --- values for many sets of weights at once ---


class _Values(NamedTuple):
    """Cells and groups under each set of weights (rows): effects, levels of the treated, shares of the groups."""

    effect: np.ndarray
    level: np.ndarray
    share: dict[int, np.ndarray]


def _values(data: _Wide, cells: list[_Cell], weights: np.ndarray) -> _Values:
    def mean(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        total = weights[:, chosen].sum(axis=1)
        with np.errstate(invalid="ignore"):  # nobody left: blank
            return np.where(total > 0, weights[:, chosen] @ values[chosen] / np.where(total > 0, total, 1), np.nan)

    effect = np.column_stack([mean(cell.change, cell.treated) - mean(cell.change, cell.control) for cell in cells])
    level = np.column_stack([mean(data.values[:, cell.period], cell.treated) for cell in cells])
    total = weights.sum(axis=1)
    groups = {cell.group for cell in cells}
    return _Values(effect, level, {g: weights[:, data.begin == g].sum(axis=1) / total for g in groups})


def _mean_of(numbers: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """Row means by importance, over what is there."""
    there = np.isfinite(numbers) & (importance > 0)
    weight = np.where(there, importance, 0.0)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, (np.where(there, numbers, 0) * weight).sum(axis=1) / np.where(total > 0, total, 1),
                        np.nan)  # fmt: skip


def _aggregates(cells: list[_Cell], values: _Values) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    """Effect and level of the treated: ("cell", i), ("simple",), ("dynamic",), ("event", e), ("group",), ("of", g)."""
    share = np.column_stack([values.share[cell.group] for cell in cells])
    event = np.array([cell.event for cell in cells])
    group = np.array([cell.group for cell in cells])
    after = event >= 0
    both = values.effect, values.level

    def over(chosen: np.ndarray, importance: np.ndarray = share) -> tuple[np.ndarray, np.ndarray]:
        return tuple(_mean_of(numbers[:, chosen], importance[:, chosen]) for numbers in both)

    found: dict[Any, tuple[np.ndarray, np.ndarray]] = {
        ("cell", i): tuple(numbers[:, i] for numbers in both) for i in range(len(cells))
    }
    found[("simple",)] = over(after)
    events, groups = np.unique(event), np.unique(group[after])
    found |= {("event", int(e)): over(event == e) for e in events}
    found |= {("of", int(g)): over((group == g) & after, np.ones_like(share)) for g in groups}
    parts = [found[("event", int(e))] for e in events if e >= 0]
    found[("dynamic",)] = tuple(_mean_of(np.column_stack(part), np.ones((len(share), len(parts))))
                                for part in zip(*parts, strict=True))  # fmt: skip
    sizes = np.column_stack([values.share[int(g)] for g in groups])
    parts = [found[("of", int(g))] for g in groups]
    found[("group",)] = tuple(_mean_of(np.column_stack(part), sizes) for part in zip(*parts, strict=True))
    return found


# --- errors ---


class _Moves(NamedTuple):
    """How far each unit moves the effect and the level of the untreated; blank where that cannot be told."""

    effect: np.ndarray
    without: np.ndarray


def _jackknife(data: _Wide, cells: list[_Cell]) -> dict[Any, _Moves]:
    """Leave out one cluster after the other; the moves are spread over its units so that they add up."""
    codes, names = pd.factorize(data.cluster)
    many = len(names)
    weights = np.where(codes[None, :] == np.arange(many)[:, None], 0.0, data.weight[None, :])
    within = np.bincount(codes)[codes]
    moves = {}
    for key, (effect, level) in _aggregates(cells, _values(data, cells, weights)).items():
        parts = ((many - 1) / many * (left.mean() - left) for left in (effect, level - effect))
        moves[key] = _Moves(*(part[codes] / within for part in parts))
    return moves


def _influence(data: _Wide, cells: list[_Cell]) -> dict[Any, _Moves]:
    """Closed form: the derivative of every result with respect to each unit's weight, times that weight.

    All results are smooth functions of weighted means, so that the derivative is the influence function; it is taken
    by hand for cells and shares of groups, and carried on by the chain rule.
    """
    weight, total = data.weight, data.weight.sum()

    def of_mean(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        mine = np.where(chosen, weight, 0.0)
        return mine * (values - mine @ values / mine.sum()) / mine.sum()

    cell_moves = np.array([of_mean(c.change, c.treated) - of_mean(c.change, c.control) for c in cells])
    level_moves = np.array([of_mean(data.values[:, c.period], c.treated) for c in cells])
    values = _values(data, cells, weight[None, :])
    share_moves = {g: weight * ((data.begin == g) - share[0]) / total for g, share in values.share.items()}
    share = np.array([values.share[c.group][0] for c in cells])
    share_move = np.array([share_moves[c.group] for c in cells])
    event, group = np.array([c.event for c in cells]), np.array([c.group for c in cells])
    after = event >= 0

    def over(chosen, importance, its_moves, numbers, moves) -> tuple[float, np.ndarray]:
        size = importance[chosen].sum()
        value = importance[chosen] @ numbers[chosen] / size
        return value, (importance[chosen] @ moves[chosen] + (numbers[chosen] - value) @ its_moves[chosen]) / size

    found: dict[Any, list[np.ndarray]] = {}
    for numbers, moves in ((values.effect[0], cell_moves), (values.level[0], level_moves)):
        here = {("cell", i): (numbers[i], moves[i]) for i in range(len(cells))}
        here[("simple",)] = over(after, share, share_move, numbers, moves)
        here |= {("event", int(e)): over(event == e, share, share_move, numbers, moves) for e in np.unique(event)}
        alike = np.ones(len(cells)), np.zeros_like(share_move)
        groups = [int(g) for g in np.unique(group[after])]
        here |= {("of", g): over((group == g) & after, *alike, numbers, moves) for g in groups}
        for key, names, sizes, size_moves in (
            (("dynamic",), [("event", int(e)) for e in np.unique(event) if e >= 0], None, None),
            (("group",), [("of", g) for g in groups], np.array([values.share[g][0] for g in groups]),
             np.array([share_moves[g] for g in groups])),
        ):  # fmt: skip
            parts, its = (np.array(part) for part in zip(*(here[name] for name in names), strict=True))
            sizes = np.ones(len(names)) if sizes is None else sizes
            size_moves = np.zeros_like(its) if size_moves is None else size_moves
            here[key] = over(np.ones(len(names), dtype=bool), sizes, size_moves, parts, its)
        for name, (_, its_move) in here.items():
            found.setdefault(name, []).append(its_move)
    return {name: _Moves(effect, level - effect) for name, (effect, level) in found.items()}


# --- what is handed back ---


def _result(data: _Wide, cells: list[_Cell], control: str, level: float, errors: str) -> GroupTime:
    clusters = len(np.unique(data.cluster))
    effective = _effective(data)
    if errors == "auto":
        errors = "jackknife" if clusters <= JACKKNIFE_AT_MOST else "influence"
    moves = (_jackknife if errors == "jackknife" else _influence)(data, cells)
    freedom = max(effective - 1, 1.0) if errors == "jackknife" else math.inf
    values = _aggregates(cells, _values(data, cells, data.weight[None, :]))
    make = _maker(data, values, moves, level, freedom, effective, control)
    dynamic = {cell.event: make(("event", cell.event)) for cell in sorted(cells, key=lambda cell: cell.event)}
    names = {cell.group: float(data.told[cell.treated][0]) for cell in cells if cell.event >= 0}
    names = {group: int(name) if name == int(name) else name for group, name in names.items()}
    group = {names[g]: make(("of", g)) for g in sorted(names)}
    facts = {
        "units": len(data.values), "units_treated": int((data.begin < data.never).sum()),
        "units_never": int((data.begin == data.never).sum()), "units_dropped_first_period": data.first_period,
        "units_dropped_unbalanced": data.unbalanced, "clusters": clusters, "effective_clusters": float(effective),
        "degrees_of_freedom": float(freedom), "errors": errors, "control": control, "periods": len(data.periods),
        "level": float(level),
    }  # fmt: skip
    return GroupTime(
        _group_time(data, cells, make), make(("simple",)),
        _together(make(("dynamic",)), "event_time", dynamic), _together(make(("group",)), "first_treated", group),
        _lead_test(cells, values, moves, data, effective), facts,
    )  # fmt: skip


def _maker(data, values, moves, level, freedom, effective, control) -> Callable[[Any], Effect]:
    """A function that makes the Effect of one result."""

    def make(key: Any) -> Effect:
        effect, treated = (float(part[0]) for part in values[key])
        many = len(data.values)
        facts = {"estimand": "ATT", "method": f"Callaway-Sant'Anna, {control}", "with_treatment": treated,
                 "without_treatment": treated - effect, "effective_n": float(effective)}  # fmt: skip
        if not np.isfinite(moves[key].effect).all():
            return Effect(effect, math.nan, math.nan, math.nan, float(level), many, **facts)
        found = effect_of(effect, moves[key].effect, level, data.cluster, many,
                          influence_without=moves[key].without, **facts)  # fmt: skip
        reach = found.standard_error * float(stats.t.ppf((1 + level) / 2, freedom))
        return replace(found, low=effect - reach, high=effect + reach)

    return make


def _together(overall: Effect, key: str, parts: dict[Any, Effect]) -> Effects:
    columns = ("value", "standard_error", "low", "high")
    rows = [[name, *(getattr(part, column) for column in columns)] for name, part in parts.items()]
    held = {name: getattr(overall, name) for name in Effect.__dataclass_fields__}
    return Effects(**held, table=pd.DataFrame(rows, columns=[key, *columns]), parts=parts)


def _group_time(data: _Wide, cells: list[_Cell], make: Callable[[Any], Effect]) -> pd.DataFrame:
    rows = []
    for place, cell in enumerate(cells):
        found = make(("cell", place))
        rows.append((data.told[cell.treated][0], data.periods[cell.period], cell.event, found.value,
                     found.standard_error, found.low, found.high, int(cell.treated.sum())))  # fmt: skip
    table = pd.DataFrame(rows, columns=GROUP_TIME_COLUMNS)
    for name in ("first_treated", "period"):
        if (table[name] == table[name].round()).all():
            table[name] = table[name].astype("int64")
    return table


def _effective(data: _Wide) -> float:
    """Clusters, or where weights differ the number of equally large ones that would tell as much (Kish)."""
    sums = np.bincount(data.cluster, data.weight)
    return float(sums.sum() ** 2 / (sums**2).sum())


def _lead_test(cells, values, moves, data: _Wide, effective: float) -> LeadTest | None:
    """All group-time leads together where units suffice, else event times, else the nearest of those."""
    at_most = max(int(LEADS_PER_UNIT * effective), 1)
    kinds = (
        ("group-time", [("cell", i) for i, cell in enumerate(cells) if cell.event < 0]),
        ("event time", sorted({("event", cell.event) for cell in cells if cell.event < 0}, reverse=True)),
    )
    usable = [
        (of, [key for key in keys if np.isfinite(moves[key].effect).all() and moves[key].effect.any()])
        for of, keys in kinds
    ]
    of, keys = next((found for found in usable if len(found[1]) <= at_most), usable[-1])
    if not keys:
        return None
    if len(keys) > at_most:
        of, keys = "nearest event times", keys[:at_most]
    return _wald(np.array([values[key][0][0] for key in keys]), np.array([moves[key].effect for key in keys]),
                 data.cluster, effective, of)  # fmt: skip


def _wald(leads: np.ndarray, moves: np.ndarray, cluster: np.ndarray, effective: float, of: str) -> LeadTest:
    """Hotelling's form of Wald's test, which allows for a covariance estimated from few clusters."""
    summed = np.array([np.bincount(cluster, move) for move in moves])
    many = int((np.bincount(cluster) > 0).sum())
    covariance = summed @ summed.T * many / (many - 1)
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    distance = float(leads @ np.linalg.pinv(covariance, hermitian=True) @ leads)
    freedom = max(effective - rank, 1.0)
    statistic = distance * freedom / (rank * max(effective - 1, 1.0))
    return LeadTest(statistic, float(stats.f.sf(statistic, rank, freedom)), rank, of)


# --- refusals ---


def _not_enough(data: _Wide, control: str) -> Refused | None:
    units, treated = len(data.values), data.begin < data.never
    clusters = len(np.unique(data.cluster))
    if min(units, clusters) < UNITS_AT_LEAST:
        few = min(units, clusters)
        return Refused(
            "units", few, UNITS_AT_LEAST,
            f"可用的门店（或城市）只有 {few} 个，少于 {UNITS_AT_LEAST} 个，分批上线的比较没有可靠的误差范围。",
            f"Only {few} stores (or cities) can be used; below {UNITS_AT_LEAST} a staggered comparison has no "
            "interval that can be trusted.",
        )  # fmt: skip
    if (effective := _effective(data)) < EFFECTIVE_AT_LEAST:
        return Refused(
            "effective units", round(effective, 1), EFFECTIVE_AT_LEAST,
            f"各门店（或城市）大小悬殊，只相当于 {effective:.1f} 个同等大小的，至少需要 {EFFECTIVE_AT_LEAST} 个。",
            f"The stores (or cities) differ so much in size that they are worth {effective:.1f} equally large ones; "
            f"at least {EFFECTIVE_AT_LEAST} are needed.",
        )  # fmt: skip
    if treated.sum() < SIDE_AT_LEAST:
        return _one_side("treated units", int(treated.sum()), "在观察期内上线", "begin within the observed periods")
    never = int((~treated).sum())
    if control == "never" and never < SIDE_AT_LEAST:
        return _one_side("never treated units", never, "始终未上线", "never begin (use control='not_yet')")
    if not never and len(np.unique(data.begin)) == 1:
        return _no_contrast()
    return None


def _one_side(gate: str, seen: int, zh: str, en: str) -> Refused:
    return Refused(
        gate, seen, SIDE_AT_LEAST,
        f"{zh}的门店（或城市）只有 {seen} 个，至少需要 {SIDE_AT_LEAST} 个，无法比较。",
        f"Only {seen} stores (or cities) {en}; a comparison needs at least {SIDE_AT_LEAST}.",
    )  # fmt: skip


def _no_contrast() -> Refused:
    return Refused(
        "different beginnings", "all at once", "at least two dates",
        "所有门店（或城市）在同一期上线，没有尚未上线的可比对象，无法用分批上线来识别效果。",
        "All stores (or cities) began in the same period: none is left to compare with, so the roll-out cannot tell "
        "the effect.",
    )  # fmt: skip
