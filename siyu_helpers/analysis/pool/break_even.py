"""Where a pool breaks even: the size that carries its fixed costs, and the value of one input that tips the result.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs, Quantity, draws_of, typical_of
from siyu_helpers.analysis.pool.value import DRAWS, EARNED, SPENT, flows, month_money, staying

VALUE = "value"
# Where an input has no largest value of its own, the search for its break-even ends here, by unit; or, if that is
# more, at SEARCHED times its typical value. What lies beyond is of no use to a business.
SEARCHED = 10
FURTHEST = {
    "share": 10.0,
    "orders per customer": 30.0,
    "customers per customer": 10.0,
    "messages a month": 300.0,
    "months": 600.0,
    "money per message": 1e3,
    "money per order": 1e6,
    "money per customer": 1e6,
}
FURTHEST_ELSE = 1e9
PRECISION = 1e-6  # of the distance between the two values that hold the crossing when the search narrows

WORDS = {
    "break_even_size": Words(
        "加入人数恰好补上流失、规模不变时，每月收支相抵所需的私域客户数："
        "每月固定费用（人员、工具、内容）÷ 每位客户每月的净贡献（扣消息、服务与补充流失的引流和激励）；一次性投入不计",
        "customers in the pool at which a month earns what it costs, joiners just replacing those who leave: fixed "
        "costs a month (staff, tools, content) / net contribution per customer and month (less messages, service, and "
        "recruiting and gifts for the replacements); one-off costs apart",
    ),
    "break_even_joiners": Words(
        "把私域维持在收支相抵的规模，每月需要引入的客户数（被推荐而加入的不计）",
        "customers to be recruited a month to hold the pool at its break-even size, those referred apart",
    ),
}


def break_even_size(inputs: PoolInputs, draws: int = DRAWS, seed: int = 0, level: float = LEVEL) -> Estimate | Refused:
    """How many customers a pool needs for a month to earn what it costs, once its size no longer changes.

    PoolInputs  ->  Estimate (customers) or Refused

    Parameters
    ----------
    inputs : PoolInputs
        Who is there at the start, `joiners_per_month`, `setup_cost` and `discount_rate` play no part.
    draws : int
        Draws of the uncertain inputs.
    seed : int
    level : float
        Of the interval over the draws.

    Returns
    -------
    Estimate
        Median of the draws; 0 where nothing is paid whatever the size. The upper end is infinite where more than
        (1 - level) / 2 of the draws break even at no size.
    Refused
        Half of the draws or more break even at no size, because a customer in the pool costs what it earns or more.

    Notes
    -----
    With the share e leaving a month and joiners who replace them, a customer in the pool has on average
    e / (1 - (1 - e) activity_kept) of the buying of one who has just joined, and e / (1 - (1 - e) activity_kept
    uplift_kept) of the uplift: the sums of geometric series over the months since joining. Where nobody leaves, all of
    it if it is kept whole, else nothing. The size is the fixed cost over what that customer adds a month, less
    messages, service, the gift for e joiners and the recruiting of those of them who were not referred.

    Raises
    ------
    ValueError
        draws or seed that are not whole numbers, or a level outside 0 to 1.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05, incentive_cost=20, service_cost=2, staff_cost=10_000)
    >>> round(break_even_size(inputs).value)  # 10,000 / (0.5 x 0.2 x 200 x 0.4 - 2 - 0.05 x 20)
    2000
    """
    size, _ = _sizes(inputs, draws, seed)
    return _estimate(size, "break_even_size", "customers", level, break_even_size)


def break_even_joiners(
    inputs: PoolInputs, draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> Estimate | Refused:
    """How many customers must be recruited a month to hold a pool at its break-even size.

    PoolInputs  ->  Estimate (customers a month) or Refused

    Parameters
    ----------
    As in `break_even_size`.

    Returns
    -------
    Estimate, or Refused as `break_even_size` is. 0 where nobody leaves, or where those referred replace all leavers.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, 0.2, 200, 0.4, churn=0.05, incentive_cost=20, service_cost=2, staff_cost=10_000)
    >>> round(break_even_joiners(inputs).value)
    100
    """
    size, recruited = _sizes(inputs, draws, seed)
    joiners = np.where(np.isfinite(size), np.where(np.isfinite(size), size, 0.0) * recruited, math.inf)
    return _estimate(joiners, "break_even_joiners", "customers a month", level, break_even_joiners)


def break_even_input(
    inputs: PoolInputs,
    name: str,
    months: int = 24,
    target: str | float = VALUE,
    draws: int = 2_000,
    seed: int = 0,
) -> float | None:
    """Value of one input at which the pool just pays, all others as they are.

    PoolInputs  ->  float in the unit of the input, or None

    Parameters
    ----------
    inputs : PoolInputs
    name : str
        The input to move, as `moved` does: its typical value is what is returned.
    months : int
        How long the pool is run.
    target : "value" or float
        "value": the value over the months (mean of the draws) is 0. A probability between 0 and 1, such as 0.8: the
        pool has paid back by the last month with that probability (`PoolValue.probability_paid`).
    draws, seed : int
        All values that are tried meet the same random numbers.

    Returns
    -------
    float
        Where the input takes the result across the target; the crossing nearest to its typical value.
    None
        The result stays on one side over all values that the input can take, up to `FURTHEST` where it has no largest.

    Raises
    ------
    ValueError
        Unknown input, a target that is neither, or months, draws or seed that are not whole numbers.

    Example
    -------
    >>> inputs = PoolInputs(0, 0.5, 0.2, 200, 0.4, opening_members=1000, staff_cost=10_000)
    >>> round(break_even_input(inputs, "uplift"), 6), break_even_input(inputs, "churn")
    (0.25, None)
    """
    order_log.at_least_one("months", months)
    order_log.at_least_one("draws", draws)
    if name not in FIELDS:
        raise ValueError(f"there is no input {name!r}: use a field of PoolInputs, such as 'uplift'")
    if target != VALUE and not (isinstance(target, int | float) and 0 < target < 1):
        raise ValueError(f"target={target!r}: use 'value' or a probability between 0 and 1, such as 0.8")

    def beyond(to: float) -> float:
        cumulative = flows(draws_of(moved(inputs, name, to), draws, seed), months)["cumulative"]
        if target == VALUE:
            return float(cumulative[-1].mean())
        return float((cumulative >= 0).any(axis=0).mean()) - target

    return _crossing(beyond, typical_of(getattr(inputs, name)), *_searched(name, inputs))


def moved(inputs: PoolInputs, name: str, to: float) -> PoolInputs:
    """Return the inputs with the typical value of one of them moved, and its uncertainty with it.

    PoolInputs  ->  PoolInputs

    Parameters
    ----------
    inputs : PoolInputs
    name : str
        Field of PoolInputs.
    to : float
        Its new typical value, one that the input can take.

    Returns
    -------
    PoolInputs
        A number becomes `to`. A range or interval that lies above 0 is stretched or shrunk in proportion, so that its
        relative spread stays; one that reaches down to 0 or crosses it is shifted as a whole. Ends that the input
        cannot take are cut off. Its origin is then "given".

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, (0.1, 0.2, 0.4), 200, 0.4, referral_value=(-10, 0, 20))
    >>> moved(inputs, "uplift", 0.1).uplift, moved(inputs, "referral_value", 5).referral_value
    ((0.05, 0.1, 0.2), (-5.0, 5.0, 25.0))
    """
    if name not in FIELDS:
        raise ValueError(f"there is no input {name!r}: use a field of PoolInputs, such as 'uplift'")
    return inputs.replaced(**{name: _moved(name, getattr(inputs, name), float(to))})


def _moved(name: str, quantity: Quantity, to: float) -> Quantity:
    if isinstance(quantity, float):
        return to
    low, typical, high = quantity if isinstance(quantity, tuple) else (quantity.low, quantity.value, quantity.high)
    if low > 0:
        low, high = low * (to / typical), high * (to / typical) if to else 0.0
    else:
        low, high = low + (to - typical), high + (to - typical)
    if isinstance(quantity, Estimate):  # its ends may lie outside: what is drawn is cut off
        return dataclasses.replace(quantity, value=to, low=min(low, to), high=max(high, to))
    return max(min(low, to), FIELDS[name].least), to, min(max(high, to), FIELDS[name].most)


# --- the pool whose size no longer changes ---


def _sizes(inputs: PoolInputs, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Break-even size of every draw, infinite where there is none; and the recruited joiners per customer and month."""
    order_log.at_least_one("draws", draws)
    drawn = draws_of(inputs, draws, seed)
    stay, kept = staying(drawn), drawn["activity_kept"]
    leaving = 1 - stay
    active, lifted = _left(stay, kept), _left(stay, kept * drawn["uplift_kept"])
    referred = active * drawn["share_affected"] * drawn["referrals_per_month"] * drawn["referral_joining_share"]
    recruited = np.maximum(leaving - referred, 0.0)
    money = month_money(drawn, recruited, leaving, 1.0, active, lifted)
    added = sum(money[part] for part in EARNED) - sum(money[part] for part in SPENT if part not in ("fixed", "setup"))
    added, fixed, recruited = np.broadcast_arrays(added, money["fixed"], recruited)
    return np.where(added > 0, fixed / np.where(added > 0, added, 1.0), math.inf), recruited


def _left(stay: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Mean over the pool of what each customer has left, those who leave being replaced: a geometric series."""
    lost = 1 - stay * kept
    return np.where(lost > 0, (1 - stay) / np.where(lost > 0, lost, 1.0), 1.0)


def _estimate(
    values: np.ndarray, key: str, unit: str, level: float, function: Callable[..., Estimate | Refused]
) -> Estimate | Refused:
    """Median and interval over draws of which some may be infinite; each is one of the draws."""
    shares = [(1 - check_level(level)) / 2, 0.5, (1 + level) / 2]
    low, value, high = np.quantile(values, shares, method="inverted_cdf")
    if not math.isfinite(value):
        return Refused(
            *("contribution per customer", round(float(np.isfinite(values).mean()), 3), "> 0.5"),
            "规模稳定时，私域客户带来的贡献抵不过服务、消息和补充流失的费用：私域越大亏得越多，没有收支相抵的规模。",
            "Once its size is steady, a customer in the pool costs as much as it adds, or more: growth loses money, "
            "and there is no size at which the pool breaks even.",
        )
    return Estimate(value, low, high, level, len(values), unit, WORDS[key], function)


# --- where one input tips the result ---


def _searched(name: str, inputs: PoolInputs) -> tuple[float, float]:
    """Smallest and largest value that the search tries."""
    what = FIELDS[name]
    far = max(FURTHEST.get(what.unit, FURTHEST_ELSE), SEARCHED * abs(typical_of(getattr(inputs, name))))
    return max(what.least, -far), min(what.most, far)


def _crossing(beyond: Callable[[float], float], start: float, least: float, most: float) -> float | None:
    """Where a monotone function crosses 0 between least and most, nearest to start; None where it does not."""
    here = beyond(start)
    if here == 0:
        return start
    for end in (least, most):
        if end == start or (beyond(end) >= 0) == (here >= 0):
            continue
        near, far = start, start
        step = math.copysign(max(abs(start), min(1.0, abs(end - start) / 100)), end - start) / 4
        while (beyond(far) >= 0) == (here >= 0):  # the end is on the other side: this stops there at the latest
            near, far, step = far, min(max(far + step, least), most), step * 2
        return _narrowed(beyond, near, far)
    return None


def _narrowed(beyond: Callable[[float], float], one: float, other: float) -> float:
    """The crossing between two values on either side of it: of the last two halves' ends, the one where it is met."""
    met, missed = (one, other) if beyond(one) >= 0 else (other, one)
    enough = PRECISION * abs(one - other)
    while abs(met - missed) > enough:
        middle = (met + missed) / 2
        if middle in (met, missed):
            break
        met, missed = (middle, missed) if beyond(middle) >= 0 else (met, middle)
    return met
