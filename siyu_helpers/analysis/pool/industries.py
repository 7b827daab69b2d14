"""Which industries a private pool carries itself in: what it adds over what it costs, at one size for all.

The industry table says how often customers order, for how much and at which margin; the assumptions say the rest, the
same for every industry. As nobody has published a controlled effect of a pool, the gain in orders is an assumption as
well. So the ranking goes by the gain that a pool would need to carry itself, which assumes nothing about the gain.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.industry_tables import INDUSTRY_COLUMNS, industry_inputs, stated_assumptions
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import Origin, PoolInputs, Quantity, draws_of, typical_of
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult
from siyu_helpers.analysis.pool.value import EARNED, SPENT, flows

MEMBERS, MONTHS, DRAWS = 10_000, 24, 2_000
INTAKE = 0.05  # joiners a month over the customers in the pool at the start
CARRIES, DEPENDS, DOES_NOT, UNTOLD = VERDICTS = ("carries a pool", "depends", "does not", "cannot be told")
VERDICT_WORDS = {
    CARRIES: Words("撑得起私域", "carries a pool"),
    DEPENDS: Words("要看条件", "depends"),
    DOES_NOT: Words("撑不起私域", "does not carry a pool"),
    UNTOLD: Words("无法判断", "cannot be told"),
}
ARTICLE_WORDS = {"fit": Words("适合", "fit"), "unfit": Words("不适合", "unfit"), "": Words("未提及", "not named")}


def fit(
    industries: pd.DataFrame,
    assumptions: pd.DataFrame | None = None,
    members: int = MEMBERS,
    months: int = MONTHS,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
    intake: float = INTAKE,
) -> pd.DataFrame:
    """How many times over a pool of one size earns its costs in each industry, and the gain it would need to.

    industries.csv (industry x metric), pool_assumptions.csv (input)  ->  table (industry), smallest needed gain first

    Parameters
    ----------
    industries, assumptions : DataFrame
        `data/raw/market/industries.csv` and `pool_assumptions.csv`; None: `stated_assumptions`.
    members : int
        Customers in the pool at the start, the same for every industry.
    months : int
        How long it runs.
    draws, seed, level : of the Monte Carlo over all inputs, and of its intervals.
    intake : float
        Customers who join a month, over `members`, the same for every industry; by default about as many as leave under
        the typical assumptions, so that the pool keeps its size.

    Returns
    -------
    DataFrame
        industry, name_zh, name_en, article_view ("fit", "unfit", "": not named), article_zh, article_en.
        fit, low, high : contribution that the pool adds (added orders, commission saved, referrals) over all it costs
        (staff, tools, content, messages, service, winning those at the start and those who join), over all months;
        median and quantiles of the draws; above 1 it carries itself.
        needed_uplift, needed_low, needed_high : gain in orders at which fit is 1, share; 0 where none is needed.
        earned, cost : the two sides, median, CNY per customer and month.
        verdict : "carries a pool" (low is 1 or more), "does not" (high below 1), "depends", or "cannot be told" where
        rows are missing; verdict_zh, verdict_en.
        drivers : the two inputs that move fit most (largest rank correlation over the draws); drivers_zh, drivers_en.
        disagreement : the articles' list and the verdict exclude each other; disagreement_zh, _en: in words, or "".
        cycle_days : typical, days. sourced, rows : rows of the industry that rest on sources, and all. grade : weakest
        of orders, order value and margin: "A", "B" or "assumption".
        is_brand : False; see `place_brand`. Empty cells: the table lacks the rows, or no gain would do.
        attrs : members, months, draws, seed, level, intake.

    Raises
    ------
    ValueError
        Tables without their columns; members, months or draws that are not whole numbers of at least 1; intake below 0.

    Example
    -------
    >>> columns = ["industry", "name_zh", "name_en", "article_view", "metric", "low", "typical", "high", "basis",
    ...            "grade", "note_zh", "note_en"]
    >>> rows = [["tea", "茶", "tea", "fit", metric, value, value, value, "source", "A", "", ""]
    ...         for metric, value in (("orders_per_year", 12), ("order_value", 30), ("margin", 0.5))]
    >>> costs = pd.DataFrame([["staff_cost", 15_000, 15_000, 15_000, "", "assumption", "", ""],
    ...                       ["uplift", 0.2, 0.2, 0.2, "", "assumption", "", ""]],
    ...                      columns=["input", "low", "typical", "high", "unit", "basis", "note_zh", "note_en"])
    >>> found = fit(pd.DataFrame(rows, columns=columns), costs, draws=10, intake=0)
    >>> found[["fit", "needed_uplift", "verdict"]].values.tolist()
    [[2.0, 0.1, 'carries a pool']]
    """
    order_log.has_columns(list(industries.columns), [*INDUSTRY_COLUMNS, "article_view", "grade"])
    assumptions = stated_assumptions() if assumptions is None else assumptions
    for name, number in (("members", members), ("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    settings = {"members": members, "months": months, "draws": draws, "seed": seed, "level": check_level(level)}
    settings["intake"] = _intake(intake)
    rows = []
    for key, about in industries.groupby("industry", sort=False):
        inputs = _pool_inputs(industry_inputs(industries, assumptions, key))
        first = about.iloc[0]
        known = {name: str(first[name]) for name in ("name_zh", "name_en", "article_view")}
        rows.append({"industry": key} | known | _carrying(inputs, settings) | _evidence(about) | {"is_brand": False})
    return _finished(pd.DataFrame(rows, columns=list(_COLUMNS)), settings)


def place_brand(
    fitted: pd.DataFrame,
    inputs: PoolInputs,
    name: Words,
    served: float | None = None,
    cycle_days: float | None = None,
    own_intake: bool = False,
) -> pd.DataFrame:
    """The map of industries with one more row: the brand, by its own inputs, at the same size of pool.

    result of `fit`, PoolInputs  ->  the same table with a row whose is_brand is True

    Parameters
    ----------
    fitted : DataFrame
        As `fit` returns it.
    inputs : PoolInputs
        Of the brand, in any one currency: fit and needed_uplift have none. Its own joiners and opening customers are
        not used: the pool has the size and, unless `own_intake`, the intake of the map.
    name : Words
        Of the brand.
    served : float, optional
        Customers whom the brand's monthly staff, tools and content serve; these costs grow or shrink with the pool in
        proportion, as a small pool would else be placed at the costs of a small one. By default the largest pool that
        its own opening customers and joiners lead to within the months, typical inputs.
    cycle_days : float, optional
        Its own cycle, days.
    own_intake : bool
        True: as many join a month, over the customers served, as join the brand's own pool (typical value). A brand
        that many join and many leave is else placed with a pool that nobody refills. Where nobody joins, the intake of
        the map is used all the same.

    Returns
    -------
    DataFrame
        earned and cost of the brand's row are in its own currency. grade and sourced are blank: its inputs have their
        own origins.

    Raises
    ------
    ValueError
        fitted is not a result of `fit`, or served is not above zero.

    Example
    -------
    >>> columns = ["industry", "name_zh", "name_en", "article_view", "metric", "low", "typical", "high", "basis",
    ...            "grade", "note_zh", "note_en", "input"]
    >>> empty = fit(pd.DataFrame(columns=columns), pd.DataFrame(columns=columns), intake=0)
    >>> ours = PoolInputs(100, orders_per_month=1, uplift=0.2, order_value=30, margin=0.5, staff_cost=15_000)
    >>> place_brand(empty, ours, Words("某茶", "A tea"), served=10_000)[["name_en", "fit", "is_brand"]].values.tolist()
    [['A tea', 2.0, True]]
    """
    settings = {key: fitted.attrs.get(key) for key in _SETTINGS}
    if None in settings.values() or not set(_COLUMNS) <= set(fitted.columns):
        raise ValueError("fitted is not a table of fit(); pass what industry_fit.fit returned, as it is")
    if served is not None and not (math.isfinite(served) and served > 0):
        raise ValueError(f"served={served!r}: say how many customers the brand's costs serve, above zero")
    served = served or _largest(inputs, settings["months"]) or settings["members"]
    grown, joiners = settings["members"] / served, typical_of(inputs.joiners_per_month)
    refilled = {"intake": joiners / served} if own_intake and joiners > 0 else {}
    inputs = inputs.replaced(**{cost: _times(getattr(inputs, cost), grown) for cost in _FIXED})
    row = dict.fromkeys(_COLUMNS, None) | {"industry": "", "name_zh": name.zh, "name_en": name.en, "article_view": ""}
    row |= _carrying(inputs, settings | refilled)
    row |= {"cycle_days": math.nan if cycle_days is None else cycle_days, "grade": "", "is_brand": True}
    rows = [{column: line[column] for column in _COLUMNS} for line in fitted.to_dict("records")]
    return _finished(pd.DataFrame([*rows, row], columns=list(_COLUMNS)), settings)


def _largest(inputs: PoolInputs, months: int) -> float:
    """Largest pool of a brand by its own opening customers and joiners; 0 where it has neither."""
    parts = flows({name: np.array([value]) for name, value in inputs.typical().items()}, months)
    return float(max(parts["opening"].max(), parts["closing"].max()))


def _intake(intake: float) -> float:
    if not (math.isfinite(intake) and intake >= 0):
        raise ValueError(f"intake={intake!r}: say how many join a month over those at the start, such as 0.05")
    return float(intake)


def _times(quantity: Quantity, factor: float) -> Quantity:
    if isinstance(quantity, Estimate):
        q = quantity
        return Estimate(
            q.value * factor, q.low * factor, q.high * factor, q.level, q.n, q.unit, q.definition, q.function
        )
    return tuple(end * factor for end in quantity) if isinstance(quantity, tuple) else quantity * factor


def _pool_inputs(found: dict[str, tuple[Quantity, Origin]]) -> PoolInputs | None:
    """Inputs of a pool of customers of an industry; None where the table lacks what an order earns."""
    if not {"orders_per_month", "order_value", "margin"} <= set(found):
        return None
    quantities = {name: quantity for name, (quantity, _) in found.items()}
    origins = {name: origin for name, (_, origin) in found.items()}
    return PoolInputs(**{"joiners_per_month": 0.0, "uplift": 0.0} | quantities, origins=origins)


def _carrying(inputs: PoolInputs | None, settings: dict) -> dict:
    """What `fit` says of one pool."""
    blank = dict.fromkeys(_FIGURES, math.nan) | {"verdict": UNTOLD, "drivers": ()}
    if inputs is None:
        return blank
    drawn = draws_of(inputs, settings["draws"], settings["seed"])
    per_uplift, other, cost, customers = _sides(drawn, settings)
    if not (cost > 0).all():
        return blank
    earned = per_uplift * drawn["uplift"] + other
    ratios, spread = np.broadcast_arrays(earned / cost, drawn["uplift"])[0], settings["level"]
    with np.errstate(divide="ignore", invalid="ignore"):  # where an order earns nothing, no gain is enough
        needed = np.where(other >= cost, 0.0, np.where(per_uplift > 0, (cost - other) / per_uplift, math.inf))
    figures = [*_quantiles(ratios, spread), *_quantiles(needed, spread)]
    figures += [float(np.median(earned / customers)), float(np.median(cost / customers))]
    low, high = figures[1], figures[2]
    verdict = CARRIES if low >= 1 else DOES_NOT if high < 1 else DEPENDS
    return dict(zip(_FIGURES, figures, strict=True)) | {"verdict": verdict, "drivers": _drivers(drawn, ratios)}


def _sides(drawn: dict[str, np.ndarray], settings: dict) -> tuple[np.ndarray, ...]:
    """Earned per unit of uplift, earned otherwise, spent, and customer months, of a pool of the size of the map."""
    size = float(settings["members"])
    ran = drawn | {"opening_members": np.array([size]), "joiners_per_month": np.array([size * settings["intake"]])}
    # The first customers of the pool had to be won as well.
    ran["setup_cost"] = ran["setup_cost"] + size * (ran["recruiting_cost"] + ran["incentive_cost"])
    ran["uplift"] = np.ones(1)
    parts = {name: months.sum(axis=0) for name, months in flows(ran, settings["months"]).items()}
    other = sum(parts[name] for name in EARNED if name != "added_orders")
    return parts["added_orders"], other, sum(parts[name] for name in SPENT), parts["members"]


def _quantiles(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Median and ends of the draws; NaN for what is not finite."""
    ends = np.quantile(values, [0.5, (1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return tuple(float(end) if math.isfinite(end) else math.nan for end in ends)


def _drivers(drawn: dict[str, np.ndarray], ratios: np.ndarray) -> tuple[str, ...]:
    """The two uncertain inputs whose ranks go most with the ranks of the result."""
    names = [name for name, values in drawn.items() if values.size > 1 and name not in _HELD]
    if not names or np.ptp(ratios) == 0:
        return ()
    ranks = stats.rankdata(np.array([*(drawn[name] for name in names), ratios]), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((ranks**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.nan_to_num(np.abs(ranks[:-1] @ ranks[-1]) / (sizes[:-1] * sizes[-1]))
    return tuple(names[place] for place in np.argsort(-moved, kind="stable")[:2])


def _evidence(about: pd.DataFrame) -> dict:
    """What the rows of one industry rest on."""
    sourced = about["basis"] == "source"
    deciding = about["metric"].isin(("orders_per_year", "order_value", "margin"))
    grades = about.loc[deciding, "grade"].where(sourced, "assumption")
    cycle = about.loc[about["metric"] == "cycle_days", "typical"]
    return {
        "cycle_days": float(cycle.iloc[0]) if len(cycle) else math.nan,
        "sourced": int(sourced.sum()),
        "rows": len(about),
        "grade": max(grades, default="assumption"),  # "A" < "B" < "assumption"
    }


def _finished(table: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """The words of each row, and the rows in the order of the gain they need."""
    verdicts = [VERDICT_WORDS[verdict] for verdict in table["verdict"]]
    drivers = [[FIELDS[name].label for name in names] for names in table["drivers"]]
    against = [
        _DISAGREEMENTS.get(pair, Words("", "")) for pair in zip(table["article_view"], table["verdict"], strict=True)
    ]
    table = table.assign(disagreement=[bool(words.en) for words in against])
    for place, language in enumerate(Words._fields):
        table[f"article_{language}"] = [ARTICLE_WORDS[view][place] for view in table["article_view"]]
        table[f"verdict_{language}"] = [words[place] for words in verdicts]
        table[f"drivers_{language}"] = [
            ("、", ", ")[place].join(label[place] for label in labels) for labels in drivers
        ]
        table[f"disagreement_{language}"] = [words[place] for words in against]
    # Where no gain would do, those whose pool earns more of its cost come first.
    table = table.sort_values(["needed_uplift", "fit"], ascending=[True, False], kind="stable", ignore_index=True)
    table.attrs = dict(settings)
    return table


# --- what follows from the map ---


def industry_figures(fitted: pd.DataFrame, industry: str) -> dict[str, Estimate | Refused]:
    """Fit and needed gain of one industry of the map, or of the brand on it, as numbers that a page can state.

    result of `fit` or `place_brand`  ->  dict ("fit", "needed_uplift" -> Estimate or Refused)

    Parameters
    ----------
    fitted : DataFrame
    industry : str
        Key; "" is the brand.

    Example
    -------
    >>> industry_figures(pd.DataFrame({"industry": []}), "tea")["fit"].gate
    'industry table'
    """
    rows = fitted[fitted["industry"] == industry]
    found: dict[str, Estimate | Refused] = {}
    for name, (low, high, unit, words) in _STATED.items():
        row = rows.iloc[0] if len(rows) else {}
        if not len(rows) or pd.isna([row[name], row[low], row[high]]).any():
            found[name] = _NO_FIGURE
            continue
        ends, known = (row[low], row[high]), fitted.attrs
        found[name] = Estimate(row[name], *ends, known.get("level", LEVEL), known.get("draws", 0), unit, words, fit)
    return found


def article_list_rule(fitted: pd.DataFrame) -> RuleResult:
    """Whether electronics belongs in the articles' list of fit industries, by the arithmetic of the map.

    result of `fit`  ->  RuleResult

    Example
    -------
    >>> nothing = pd.DataFrame({"industry": [], "article_view": [], "verdict": [], "disagreement": []})
    >>> article_list_rule(nothing).agrees
    'cannot be told'
    """
    named = fitted[fitted["article_view"] != ""]
    stated = industry_figures(fitted, "electronics")
    figures: dict[str, Estimate | Refused] = {f"electronics_{name}": value for name, value in stated.items()}
    figures["industries_named"] = Estimate.exact(len(named), len(named), "industries", _NAMED_WORDS, article_list_rule)
    figures["industries_disagreeing"] = Estimate.exact(
        int(named["disagreement"].sum()), len(named), "industries", _DISAGREEING_WORDS, article_list_rule
    )
    verdict = fitted.loc[fitted["industry"] == "electronics", "verdict"]
    verdict = verdict.iloc[0] if len(verdict) else UNTOLD
    agrees = {CARRIES: AGREES, DOES_NOT: DISAGREES}.get(verdict, OPEN)
    return RuleResult("article_list_electronics", _LIST_CLAIM, figures, agrees, _LIST_READINGS[verdict])


# --- words and names ---

_SETTINGS = ("members", "months", "draws", "seed", "level", "intake")
_FIXED = ("staff_cost", "tool_cost", "content_cost")
_HELD = ("opening_members", "joiners_per_month", "discount_rate")  # no part in fit
_FIGURES = ("fit", "low", "high", "needed_uplift", "needed_low", "needed_high", "earned", "cost")
_COLUMNS = (
    "industry", "name_zh", "name_en", "article_view", *_FIGURES, "verdict", "drivers", "cycle_days", "sourced", "rows",
    "grade", "is_brand",
)  # fmt: skip
_DISAGREEMENTS = {
    ("fit", DOES_NOT): Words(
        "文章列为适合，按算术撑不起", "the articles call it fit, the arithmetic does not carry it"
    ),
    ("unfit", CARRIES): Words("文章列为不适合，按算术撑得起", "the articles call it unfit, the arithmetic carries it"),
}
_STATED = {
    "fit": (
        "low", "high", "times",
        Words(
            "私域多带来的贡献毛利与节省 ÷ 私域的全部费用，各行业私域规模相同；大于 1 才撑得起",
            "what the pool adds and saves over all it costs, at one size of pool for all; above 1 it carries itself",
        ),
    ),
    "needed_uplift": (
        "needed_low", "needed_high", "share",
        Words(
            "私域刚好收支相抵所需的订单增幅，各行业私域规模相同",
            "gain in orders at which the pool just earns its costs, at one size of pool for all",
        ),
    ),
}  # fmt: skip
_NO_FIGURE = Refused(
    *("industry table", "none", "rows of the industry"),
    "缺少所需的数，没有写明费用，或者订单增加多少都不够。",
    "Figures for it are missing, no costs are stated, or no gain in orders would be enough.",
)
_NAMED_WORDS = Words("文章点名适合或不适合的行业数", "industries that the articles name as fit or unfit")
_DISAGREEING_WORDS = Words(
    "其中文章的说法与算术相反的行业数", "of these, industries where the articles and the arithmetic exclude each other"
)
_LIST_CLAIM = Words("消费电子在适合做私域的行业之列", "electronics is in the list of fit industries")
_LIST_READINGS = {
    CARRIES: Words("与名单一致：毛利和订单撑得起私域", "as listed: its orders and margin carry a pool"),
    DOES_NOT: Words(
        "与名单相反：换机慢、毛利薄，订单撑不起私域，只能靠配件、服务或老带新另找收入",
        "against the list: devices are replaced seldom and at a thin margin, so orders do not carry a pool; "
        "accessories, service or referral would have to",
    ),
    DEPENDS: Words("要看增幅和成本，名单不足为凭", "depends on the gain and the costs; being listed settles nothing"),
    UNTOLD: Words("行业表缺数，无法核对", "the industry table lacks the figures to check it"),
}
