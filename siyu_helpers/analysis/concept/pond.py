"""Sea and fish pond: customers come in from the sea, bring others, leave, and are driven away by promotions.

The article: dig a channel from the sea to a pond of one's own, raise fish, let fish breed fish. As a stock and its
flows the metaphor can be computed, with the two things that it leaves out: fish leave by themselves, and each catch
drives some away. The same customers in, out and driven away as in `pool.value.flows`, one brand's figures apart;
whether one brand's promotions are too many is `pool.harvest.harvest_or_cultivate`, what its pool needs to keep its size
`pool.stages.inflow_to_hold`, and what a lot says about the number of messages `effect.best_frequency`.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import optimize

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.concept.models import Model, Slider, number, stated
from siyu_helpers.analysis.effect.frequency_response import response
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import staying

MONTHS = 36
MOST_PROMOTIONS = 60.0  # a month: two a day; the best number is looked for up to here
HALF = 4.0  # promotions a month: the middle of those that `effect.best_frequency` looks at
COLUMNS = ["month", "opening", "inflow", "referred", "left", "driven_away", "stock", "taken", "cumulative"]
FIGURES = (
    "pond_leaving", "pond_inflow_to_hold", "pond_sea_to_hold", "pond_end", "pond_taken", "pond_steady", "pond_yield",
    "pond_best_harvest", "pond_best_yield", "pond_best_steady", "pond_hold_harvest", "pond_collapse",
)  # fmt: skip
SLIDER = Slider(
    "harvest",
    (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0, 30.0, 40.0),
    Words("每位客户每月收到的促销消息", "Promotions to each customer a month"),
    "messages a month",
)


def pond(
    opening: float = 3_000,
    inflow: float = 100,
    leaving: float = 0.03,
    referral: float = 0.05,
    harvest: float = 8,
    opt_out: float = 0.004,
    earned: float = 6,
    half: float = HALF,
    ordinary: float = 1,
    message_cost: float = 0.02,
    carrying: float | None = 20_000,
    months: int = MONTHS,
) -> Model:
    """A pool of customers month by month: who comes in, who is brought along, who leaves, and what is taken.

    plain numbers  ->  Model: table (month), figures

    Parameters
    ----------
    opening : customers in the pond at the start.
    inflow : customers a month from the sea, that is from public channels.
    leaving : share a month that leaves of its own accord.
    referral : new customers whom a customer of a nearly empty pond brings in a month (the breeding); up to 1.
    harvest : promotions to each customer a month.
    opt_out : probability of leaving after one promotion; below 1.
    earned, half : money per customer and month
        What very many promotions a month would bring, before their cost; half of it comes from `half` promotions. What
        f promotions bring is earned x f / (f + half), the form of `effect.best_frequency`.
    ordinary : money per customer and month
        What a customer in the pond brings without any promotion; below 0 where serving costs more.
    message_cost : money per promotion and customer
    carrying : customers, or None
        Size at which nobody is left to be brought along: referral falls in a straight line to nothing. None: no bound.
    months : int

    Returns
    -------
    Model
        table : month; customers: opening, inflow, referred, left, driven_away (by promotions), stock (at the end);
        money: taken, cumulative. Earned by the mean of opening and stock, not discounted.
        figures : pond_leaving (share that leaves a month in all), pond_inflow_to_hold (that x opening),
        pond_sea_to_hold (less those referred), pond_end, pond_taken (after the months); in the long run: pond_steady,
        pond_yield (a month); pond_best_harvest, with pond_best_yield and pond_best_steady (promotions a month that
        yield most in the long run, the maximum sustainable yield); pond_hold_harvest (above it the opening size cannot
        be held); pond_collapse (above it breeding no longer makes up for those who leave, so that the pond lives on
        inflow alone and dies out without it). Refused where there is no such number.

    Raises
    ------
    ValueError
        A negative number, a share above 1, an opt_out of 1, a carrying or half of 0.

    Notes
    -----
    stock' = stock (1 - leave) + inflow + referral x stock x max(0, 1 - stock / carrying), with
    1 - leave = (1 - leaving)(1 - opt_out)^harvest. The growth is that of Schaefer (1954, Bulletin of the Inter-American
    Tropical Tuna Commission 1, 27-56), whose largest sustainable catch is referral x carrying / 4. The steady state is
    the positive root of a quadratic, or inflow / leave where that is more than `carrying`.

    Example
    -------
    >>> found = pond(opening=1000, inflow=50, leaving=0.05, referral=0, harvest=0, months=2)
    >>> found.table[["opening", "left", "stock"]].to_numpy().tolist()
    [[1000.0, 50.0, 1000.0], [1000.0, 50.0, 1000.0]]
    >>> few, many = pond(harvest=4), pond(harvest=40)
    >>> bool(many.figures["pond_end"].value < few.figures["pond_end"].value)
    True
    """
    given = _checked(
        opening, inflow, leaving, referral, harvest, opt_out, earned, half, ordinary, message_cost, carrying
    )
    order_log.at_least_one("months", months)
    table = _months(given, months)
    return Model(table, _figures(given, table, months))


def pond_of_brand(
    inputs: PoolInputs,
    members: float | None,
    earned: float | None = None,
    carrying: float | None = None,
    half: float = HALF,
    months: int = MONTHS,
) -> Model:
    """The pond with a brand's own figures: who joins, refers, leaves, and how many promotions are sent.

    PoolInputs, customers in the pool  ->  Model, see `pond`

    Parameters
    ----------
    inputs : PoolInputs
        From `industry_fit.brand_inputs`; typical values. ordinary is what the gain from joining brings a customer a
        month, less what the present promotions bring of it where `earned` says so; leaving includes bans.
    members : customers in the pool now; None: there is no pool yet, 0.
    earned : money per customer and month, optional
        See `pond`. Not known without a lot: the gain is then the same for any number of promotions, and pond_best_...
        are refused.
    carrying : customers, optional
        For instance the buyers of a year.

    Notes
    -----
    Simpler than `pool_value`: buying does not slow down with time, nothing is discounted, fixed costs are left out.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05, messages_per_month=4, opt_out_per_message=0.002)
    >>> found = pond_of_brand(inputs, 3000)
    >>> round(found.figures["pond_inflow_to_hold"].value), found.figures["pond_best_harvest"].gate
    (173, 'response to promotions')
    """
    typical = inputs.typical()
    alone = typical | {"messages_per_month": 0.0}
    harvest, affected = typical["messages_per_month"], typical["share_affected"]
    gain = affected * typical["orders_per_month"] * typical["uplift"] * typical["order_value"] * typical["margin"]
    bred = affected * typical["referrals_per_month"] * typical["referral_joining_share"]
    promoted = (earned or 0.0) * float(response(harvest, half))
    found = pond(
        members or 0.0, typical["joiners_per_month"], 1 - staying(alone), min(bred, 1.0), harvest,
        min(typical["opt_out_per_message"], 1 - 1e-9), earned or 0.0, half, gain - promoted, typical["message_cost"],
        carrying or None, months,
    )  # fmt: skip
    if earned is None:
        found.figures.update(
            dict.fromkeys(("pond_best_harvest", "pond_best_yield", "pond_best_steady"), _no_response())
        )
    return found


# --- the model ---


def _checked(
    opening, inflow, leaving, referral, harvest, opt_out, earned, half, ordinary, message_cost, carrying
) -> dict:
    if number("opt_out", opt_out, most=1) == 1:
        raise ValueError("opt_out=1: a promotion that drives everybody away leaves no pond; use a smaller share")
    for name, value in (("half", half), *([("carrying", carrying)] if carrying is not None else [])):
        if number(name, value) == 0:
            raise ValueError(f"{name} must be above 0; got {value!r}")
    return {
        "opening": number("opening", opening), "inflow": number("inflow", inflow),
        "leaving": number("leaving", leaving, most=1), "referral": number("referral", referral, most=1),
        "harvest": number("harvest", harvest), "opt_out": float(opt_out), "earned": number("earned", earned),
        "half": float(half), "ordinary": number("ordinary", ordinary, -math.inf),
        "message_cost": number("message_cost", message_cost),
        "carrying": math.inf if carrying is None else float(carrying),
    }  # fmt: skip


def _leave(given: dict, harvest: float) -> float:
    """Share that leaves within a month, of its own accord or because of promotions."""
    return 1 - (1 - given["leaving"]) * (1 - given["opt_out"]) ** harvest


def _bred(given: dict, stock: float) -> float:
    """Customers whom those in the pond bring in a month; at its bound nobody is left to be brought."""
    return given["referral"] * stock * max(0.0, 1 - stock / given["carrying"])


def _per_customer(given: dict, harvest: float) -> float:
    """Money that a customer in the pond brings in a month."""
    promoted = given["earned"] * float(response(harvest, given["half"])) - given["message_cost"] * harvest
    return given["ordinary"] + promoted


def _months(given: dict, months: int) -> pd.DataFrame:
    stock, rows = given["opening"], []
    leave, per_customer = _leave(given, given["harvest"]), _per_customer(given, given["harvest"])
    for month in range(1, months + 1):
        left, referred = stock * given["leaving"], _bred(given, stock)
        closing = stock * (1 - leave) + given["inflow"] + referred
        taken = (stock + closing) / 2 * per_customer
        rows.append((month, stock, given["inflow"], referred, left, stock * leave - left, closing, taken))
        stock = closing
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    if not np.isfinite(table.to_numpy(dtype=float)).all():
        raise ValueError("the pond grows beyond all bounds: lower referral, or give carrying")
    return table.assign(cumulative=table["taken"].cumsum())


def _steady(given: dict, harvest: float) -> float:
    """Customers in the long run; infinite where the pond grows without end."""
    leave, inflow, referral, carrying = _leave(given, harvest), given["inflow"], given["referral"], given["carrying"]
    short = leave - referral  # share that breeding does not make up for
    if not inflow and (short > 0 or not given["opening"]):
        return 0.0
    if not math.isinf(carrying) and inflow and inflow >= leave * carrying:  # nobody is left to be brought along
        return inflow / leave if leave else math.inf
    if math.isinf(carrying) or not referral:
        if short > 0:
            return inflow / short
        return math.inf if inflow or short else given["opening"]
    root = math.sqrt(short**2 + 4 * inflow * referral / carrying)
    # Two forms of one root: each without a difference of like numbers.
    return 2 * inflow / (short + root) if short > 0 else carrying * (root - short) / (2 * referral)


def _best(given: dict) -> float:
    """Promotions a month that yield most in the long run; NaN where the pond grows without end."""
    grid = np.linspace(0, MOST_PROMOTIONS, 241).tolist()
    yields = np.array([_yield(given, harvest) for harvest in grid])
    if not np.isfinite(yields).all():
        return math.nan
    at = int(yields.argmax())
    ends = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(lambda harvest: -_yield(given, harvest), bounds=ends, method="bounded")
    # A search within bounds never ends on them.
    return float(found.x) if -found.fun > yields[at] and 0 < at < len(grid) - 1 else float(grid[at])


def _yield(given: dict, harvest: float) -> float:
    """Money a month in the long run."""
    stock = _steady(given, harvest)
    return stock * _per_customer(given, harvest) if math.isfinite(stock) else math.inf


def _at_share(given: dict, leave: float) -> float | None:
    """Promotions a month at which this share leaves; None where more leave without any, infinite where none do."""
    if leave < given["leaving"]:
        return None
    if leave >= 1 or not given["opt_out"]:
        return math.inf
    return math.log((1 - given["leaving"]) / (1 - leave)) / -math.log1p(-given["opt_out"])


# --- figures ---


def _figures(given: dict, table: pd.DataFrame, months: int) -> dict[str, Estimate | Refused]:
    leave, opening = _leave(given, given["harvest"]), given["opening"]
    steady, bred = _steady(given, given["harvest"]), _bred(given, opening)
    endless = _endless()
    values: dict[str, float | Refused] = {
        "pond_leaving": leave,
        "pond_inflow_to_hold": leave * opening,
        "pond_sea_to_hold": max(0.0, leave * opening - bred),
        "pond_end": float(table["stock"].iloc[-1]),
        "pond_taken": float(table["cumulative"].iloc[-1]),
        "pond_steady": steady if math.isfinite(steady) else endless,
        "pond_yield": _yield(given, given["harvest"]) if math.isfinite(steady) else endless,
        **_best_figures(given),
        "pond_hold_harvest": _hold(given, bred),
        "pond_collapse": _collapse(given),
    }
    words = {key: Words(*(text.format(months=months) for text in both)) for key, both in _WORDS.items()}
    return {
        key: values[key] if isinstance(values[key], Refused)
        else stated(values[key], _UNITS[key], words[key], pond, opening)
        for key in FIGURES
    }  # fmt: skip


def _best_figures(given: dict) -> dict[str, float | Refused]:
    keys = ("pond_best_harvest", "pond_best_yield", "pond_best_steady")
    best = _best(given)
    if math.isnan(best):
        return dict.fromkeys(keys, _endless())
    found = dict(zip(keys, (best, _yield(given, best), _steady(given, best)), strict=True))
    if found["pond_best_yield"] <= 0:
        return dict.fromkeys(keys, _no_yield())
    return found


def _hold(given: dict, bred: float) -> float | Refused:
    """Promotions above which those who leave are more than those who come, at the opening size."""
    if not given["opening"]:
        return Refused("customers in the pool", 0, 1, "鱼塘里还没有客户。", "There is nobody in the pond yet.")
    most = _at_share(given, (given["inflow"] + bred) / given["opening"])
    if most is None:
        return Refused(
            "customers joining", given["inflow"] + bred, given["leaving"] * given["opening"],
            "就算一条促销都不发，进来的也补不上自然流失，现有规模守不住。",
            "Even without any promotion fewer come in than leave by themselves: the present size cannot be held.",
        )  # fmt: skip
    return most if math.isfinite(most) else _no_limit()


def _collapse(given: dict) -> float | Refused:
    """Promotions above which breeding no longer replaces those who leave."""
    most = _at_share(given, given["referral"])
    if most is None or not given["referral"]:
        return Refused(
            "referral", given["referral"], given["leaving"],
            "老带新本来就补不上自然流失：发不发促销，断了外部流入，鱼塘迟早见底。",
            "Those whom customers bring never replace those who leave by themselves: with or without promotions, the "
            "pond dies out once the inflow stops.",
        )  # fmt: skip
    return most if math.isfinite(most) else _no_limit()


def _endless() -> Refused:
    return Refused(
        "steady state", "grows", "leaving above referral, or carrying",
        "进来的一直多于离开的，又没有给出上限，鱼塘会无限变大，谈不上长期规模。",
        "More come in than leave and no bound is given: the pond grows without end and has no size in the long run.",
    )  # fmt: skip


def _no_limit() -> Refused:
    return Refused(
        "opt-outs", 0, "> 0",
        "再多促销也赶不走足够多的客户，没有这样的上限。",
        "No number of promotions drives enough customers away: there is no such limit.",
    )  # fmt: skip


def _no_yield() -> Refused:
    return Refused(
        "yield", 0, "> 0",
        "长期看鱼塘里没有客户，或客户带来的抵不过花在他们身上的，谈不上最合适的捕捞量。",
        "In the long run nobody is in the pond, or customers cost what they bring: no number of promotions is best.",
    )  # fmt: skip


def _no_response() -> Refused:
    return Refused(
        "response to promotions", "none", "earned",
        "促销多发一条能多卖多少没有数据，最合适的条数无从计算（见第 04 页的随机分组）。",
        "What one promotion more sells is not known, so the best number cannot be worked out (page 04 takes a lot).",
    )  # fmt: skip


_UNITS = {
    "pond_leaving": "share", "pond_inflow_to_hold": "customers a month", "pond_sea_to_hold": "customers a month",
    "pond_end": "customers", "pond_taken": "money", "pond_steady": "customers", "pond_yield": "money a month",
    "pond_best_harvest": "messages a month", "pond_best_yield": "money a month", "pond_best_steady": "customers",
    "pond_hold_harvest": "messages a month", "pond_collapse": "messages a month",
}  # fmt: skip
_WORDS = {
    "pond_leaving": ("一个月内离开鱼塘的占比：自然流失与被促销赶走合计",
                     "share that leaves the pond within a month, of its own accord or because of promotions"),
    "pond_inflow_to_hold": ("一个月内离开的占比 × 期初客户：守住现有规模每月需要进来的客户数（含老带新）",
                            "share that leaves within a month x opening customers: how many must come in a month to "
                            "keep the size, those referred included"),
    "pond_sea_to_hold": ("守住现有规模每月需要从公域引入的客户数：需要进来的 － 老带新带来的",
                         "customers a month needed from public channels to keep the size: those needed, less those "
                         "referred"),
    "pond_end": ("{months} 个月后鱼塘里的客户数", "customers in the pond after {months} months"),
    "pond_taken": ("{months} 个月累计的毛利（不折现，未扣固定费用）",
                   "contribution over {months} months (not discounted, before fixed costs)"),
    "pond_steady": ("照此下去，鱼塘长期稳定在多少客户",
                    "customers in the pond in the long run, if all goes on like this"),
    "pond_yield": ("长期稳定后每月的毛利（未扣固定费用）",
                   "contribution a month in the long run (before fixed costs)"),
    "pond_best_harvest": ("长期收成最高时，每位客户每月的促销条数（不超过 60 条）",
                          "promotions to each customer a month that yield most in the long run (up to 60)"),
    "pond_best_yield": ("最大可持续产量：促销条数最合适时，长期每月的毛利",
                        "maximum sustainable yield: contribution a month in the long run at the best number of "
                        "promotions"),
    "pond_best_steady": ("促销条数最合适时，鱼塘长期的客户数",
                         "customers in the pond in the long run at the best number of promotions"),
    "pond_hold_harvest": ("每月促销超过这个条数，鱼塘就守不住现有规模",
                          "promotions a month above which the pond cannot keep its present size"),
    "pond_collapse": ("每月促销超过这个条数，老带新就补不上流失：鱼塘只靠外部流入维持，流入一断便会见底",
                      "promotions a month above which those referred no longer replace those who leave: the pond lives "
                      "on inflow alone and dies out without it"),
}  # fmt: skip
