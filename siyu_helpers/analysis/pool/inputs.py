"""The inputs of a pool's economics: each a number, a range or an estimate, with where it comes from.

A number is certain. A range (low, typical, high) is a stated assumption: nothing outside it, most likely the typical
value, evenly less likely towards the ends (triangular). An Estimate is normal on either side of its value, with the
spread that its interval says. What is drawn never leaves the values that the input can take.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate, Words
from siyu_helpers.analysis.pool.input_words import FIELDS

Quantity = float | tuple[float, float, float] | Estimate

GIVEN, ESTIMATED, COUNTED, INDUSTRY, ASSUMED = ORIGINS = ("given", "estimated", "counted", "industry table", "assumed")
INDEPENDENT: Mapping[tuple[str, str], float] = {}


class Origin(NamedTuple):
    """Where an input comes from: one of `ORIGINS`, and in words from what."""

    kind: str
    words: Words = Words("", "")


@dataclass(frozen=True)
class PoolInputs:
    """What a pool earns and costs: every input of `pool_value`, each a number, (low, typical, high) or an Estimate.

    Shares are fractions (0.05 is 5%); money is in the brand's currency.

    Parameters
    ----------
    joiners_per_month : customers a month
        Brought into the pool from public channels, shops or parcels; those referred come on top.
    orders_per_month : orders per customer and month
        What a customer who has just joined would order without the pool.
    uplift : share
        How much more a customer orders while in the pool, over `orders_per_month`; 0.2 is a fifth more.
    order_value : money per order
        Paid, less refunds.
    margin : share
        Contribution of an order over what was paid: less goods and platform fees, before messages and the pool's costs.
    opening_members, opening_months : customers, months
        In the pool at the start, and how long they have been in it on average; 0: built from nothing.
    share_affected : share
        Of those in the pool, to whom the uplift, the moved orders and the referrals apply.
    activity_kept, uplift_kept : share
        Of the rate of ordering, and of the uplift, kept from one month since joining to the next; 1: nothing fades.
    moved_share : share
        Of the orders they would have made anyway, moved from platforms to own channels because of the pool.
    commission_saved : share
        Platform commission less payment fee on a moved order, over what was paid.
    reacquisition_saved : money per order
        Advertising not spent to win a moved order once more.
    referrals_per_month : customers per customer and month
        New customers whom a customer in the pool brings because of it.
    referral_value, referral_reward : money per referred customer
        Contribution of one, and what is paid for one.
    referral_joining_share : share
        Of referred new customers, who join the pool as well.
    recruiting_cost, incentive_cost : money per joiner
        Advertising that brought the joiner (not paid for referred ones), and the gift for joining (paid for all).
    messages_per_month, message_cost : messages per customer and month, money per message
        Promotions.
    opt_out_per_message, churn : probability
        Of leaving after one message; of leaving within a month for other reasons than messages and bans.
    ban_probability, recovery : probability, share
        Of a ban of an account within a month; of its customers won back. Here bans cost their expected share every
        month; how uneven they come is `ban_risk`.
    service_cost : money per customer and month
        Labour that grows with the pool.
    staff_cost, tool_cost, content_cost : money a month
        Paid whatever the size.
    setup_cost : money
        Paid once at the start.
    discount_rate : share a year
    correlations : dict of (field, field) -> float
        Rank-normal (Gaussian copula) correlation of two inputs; pairs that are not named are independent.
    origins : dict of field -> Origin
        Where a field comes from; without one, an Estimate is "estimated" and everything else "given".

    Raises
    ------
    ValueError
        A value that the input cannot take, a range out of order, or correlations that cannot hold together.

    Example
    -------
    >>> inputs = PoolInputs(joiners_per_month=100, orders_per_month=0.5, uplift=(0.0, 0.2, 0.4), order_value=200,
    ...                     margin=0.4)
    >>> inputs.typical()["uplift"], inputs.typical()["churn"]
    (0.2, 0.0)
    >>> inputs.replaced(uplift=0.05).origin("uplift").kind
    'given'
    """

    joiners_per_month: Quantity
    orders_per_month: Quantity
    uplift: Quantity
    order_value: Quantity
    margin: Quantity
    opening_members: Quantity = 0.0
    opening_months: Quantity = 0.0
    share_affected: Quantity = 1.0
    activity_kept: Quantity = 1.0
    uplift_kept: Quantity = 1.0
    moved_share: Quantity = 0.0
    commission_saved: Quantity = 0.0
    reacquisition_saved: Quantity = 0.0
    referrals_per_month: Quantity = 0.0
    referral_value: Quantity = 0.0
    referral_reward: Quantity = 0.0
    referral_joining_share: Quantity = 0.0
    recruiting_cost: Quantity = 0.0
    incentive_cost: Quantity = 0.0
    messages_per_month: Quantity = 0.0
    message_cost: Quantity = 0.0
    opt_out_per_message: Quantity = 0.0
    churn: Quantity = 0.0
    ban_probability: Quantity = 0.0
    recovery: Quantity = 0.0
    service_cost: Quantity = 0.0
    staff_cost: Quantity = 0.0
    tool_cost: Quantity = 0.0
    content_cost: Quantity = 0.0
    setup_cost: Quantity = 0.0
    discount_rate: Quantity = 0.0
    correlations: Mapping[tuple[str, str], float] = field(default_factory=lambda: dict(INDEPENDENT))
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in FIELDS:
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        for name, origin in self.origins.items():
            if name not in FIELDS or origin.kind not in ORIGINS:
                raise ValueError(f"origins[{name!r}] = {origin!r}: use a field of PoolInputs and one of {ORIGINS}")
        _correlation_matrix(self)

    def typical(self) -> dict[str, float]:
        """Return the typical value of every input."""
        return {name: typical_of(getattr(self, name)) for name in FIELDS}

    def origin(self, name: str) -> Origin:
        """Return where an input comes from."""
        default = ESTIMATED if isinstance(getattr(self, name), Estimate) else GIVEN
        return self.origins.get(name, Origin(default))

    def uncertain(self) -> list[str]:
        """Return the inputs that are not certain numbers, in the order of the fields."""
        return [name for name in FIELDS if not isinstance(getattr(self, name), float)]

    def replaced(self, **given: Quantity) -> PoolInputs:
        """Return the inputs with some of them given by hand; their origin then reads "given"."""
        origins = {name: origin for name, origin in self.origins.items() if name not in given}
        return dataclasses.replace(self, **given, origins=origins | {name: Origin(GIVEN) for name in given})


def typical_of(quantity: Quantity) -> float:
    """Typical value of an input: the number, the middle of the range, or the value of the estimate.

    Example
    -------
    >>> typical_of(3.0), typical_of((1.0, 2.0, 5.0))
    (3.0, 2.0)
    """
    if isinstance(quantity, Estimate):
        return quantity.value
    return quantity[1] if isinstance(quantity, tuple) else float(quantity)


def quantile_of(name: str, quantity: Quantity, probability: float | np.ndarray) -> np.ndarray:
    """Value that an input stays below with a given probability, within the values it can take.

    Parameters
    ----------
    name : str
        Field of PoolInputs.
    quantity : float, (low, typical, high) or Estimate
    probability : float or array, between 0 and 1

    Returns
    -------
    array of the shape of probability

    Notes
    -----
    A range is triangular. An Estimate is normal with a standard deviation of its own on either side, so that its
    interval has half of 1 - level beyond each end.

    Example
    -------
    >>> quantile_of("uplift", (0.0, 0.2, 0.4), np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 0.2, 0.4]
    """
    probability = np.asarray(probability, dtype=float)
    if isinstance(quantity, Estimate):
        drawn = _two_sided_normal(quantity, probability)
    elif isinstance(quantity, tuple):
        drawn = _triangular(*quantity, probability)
    else:
        drawn = np.full(probability.shape, float(quantity))
    return np.clip(drawn, FIELDS[name].least, FIELDS[name].most)


def draws_of(inputs: PoolInputs, draws: int = 10_000, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw all inputs together, with their correlations.

    PoolInputs  ->  dict (field -> array of draws); certain inputs are arrays of one value

    Parameters
    ----------
    inputs : PoolInputs
    draws : int
    seed : int
        The same seed gives every field the same random numbers whatever the values of the inputs, so that two sets of
        inputs differ by the inputs alone.

    Example
    -------
    >>> inputs = PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, (0.3, 0.4, 0.5), correlations={("uplift", "margin"): 0.8})
    >>> drawn = draws_of(inputs, 5_000)
    >>> round(float(np.corrcoef(drawn["uplift"], drawn["margin"])[0, 1]), 1), drawn["order_value"].shape
    (0.8, (1,))
    """
    names, matrix = list(FIELDS), _correlation_matrix(inputs)
    normal = np.random.default_rng(seed).standard_normal((len(names), draws))
    if inputs.correlations:
        normal = np.linalg.cholesky(matrix) @ normal
    found = {}
    for row, name in enumerate(names):
        quantity = getattr(inputs, name)
        certain = isinstance(quantity, float)
        found[name] = np.array([quantity]) if certain else quantile_of(name, quantity, stats.norm.cdf(normal[row]))
    return found


def inputs_table(inputs: PoolInputs, level: float = 0.90) -> pd.DataFrame:
    """All inputs as a table: value, range, unit and origin.

    PoolInputs  ->  table (input)

    Returns
    -------
    DataFrame
        input, label_zh, label_en, meaning_zh, meaning_en, unit, value, value_low, value_high (quantiles at the level;
        NaN for a certain number), origin (one of `ORIGINS`), origin_zh, origin_en.

    Example
    -------
    >>> table = inputs_table(PoolInputs(100, 0.5, (0.0, 0.2, 0.4), 200, 0.4)).set_index("input")
    >>> table.loc["uplift", ["value", "value_low", "value_high"]].round(3).tolist()
    [0.2, 0.063, 0.337]
    """
    rows = []
    for name, what in FIELDS.items():
        quantity, origin = getattr(inputs, name), inputs.origin(name)
        ends = (math.nan, math.nan)
        if not isinstance(quantity, float):
            ends = tuple(
                float(end) for end in quantile_of(name, quantity, np.array([(1 - level) / 2, (1 + level) / 2]))
            )
        rows.append(
            (name, *what.label, *what.meaning, what.unit, typical_of(quantity), *ends, origin.kind, *origin.words)
        )
    return pd.DataFrame(rows, columns=[
        "input", "label_zh", "label_en", "meaning_zh", "meaning_en", "unit", "value", "value_low", "value_high",
        "origin", "origin_zh", "origin_en",
    ])  # fmt: skip


def _checked(name: str, quantity: Quantity) -> Quantity:
    """The quantity as float, tuple of three floats or Estimate; ValueError where it is none of them."""
    least, most = FIELDS[name].least, FIELDS[name].most
    if isinstance(quantity, Estimate):
        parts = (quantity.value,)
    else:
        try:
            parts = tuple(float(part) for part in (quantity if isinstance(quantity, tuple | list) else [quantity]))
        except (TypeError, ValueError):
            parts = ()
    if len(parts) not in (1, 3) or not all(math.isfinite(part) for part in parts):
        raise ValueError(f"{name}={quantity!r}: use a number, (low, typical, high) or an Estimate")
    if list(parts) != sorted(parts):
        raise ValueError(f"{name}={quantity!r}: write the range as (low, typical, high), the lowest first")
    if not least <= min(parts) <= max(parts) <= most:
        bounds = f"{least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
        raise ValueError(f"{name}={quantity!r}: use {bounds} ({FIELDS[name].unit})")
    if isinstance(quantity, Estimate):
        return parts[0] if quantity.is_exact or quantity.low == quantity.high else quantity
    return parts[0] if len(set(parts)) == 1 else parts


def _two_sided_normal(estimate: Estimate, probability: np.ndarray) -> np.ndarray:
    z, reach = stats.norm.ppf(probability), stats.norm.ppf((1 + estimate.level) / 2)
    below, above = (estimate.value - estimate.low) / reach, (estimate.high - estimate.value) / reach
    # An interval without an end says nothing about how far: the other side stands in for it.
    below, above = (below if math.isfinite(below) else above), (above if math.isfinite(above) else below)
    if not math.isfinite(below):
        return np.full(probability.shape, estimate.value)
    return estimate.value + z * np.where(z < 0, below, above)


def _triangular(low: float, typical: float, high: float, probability: np.ndarray) -> np.ndarray:
    peak = (typical - low) / (high - low)
    rising = low + np.sqrt(probability * (high - low) * (typical - low))
    falling = high - np.sqrt((1 - probability) * (high - low) * (high - typical))
    return np.where(probability < peak, rising, falling)


def _correlation_matrix(inputs: PoolInputs) -> np.ndarray:
    names = list(FIELDS)
    matrix = np.eye(len(names))
    for pair, value in inputs.correlations.items():
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(names) or not -1 < value < 1:
            raise ValueError(
                f"correlations[{pair!r}] = {value!r}: use two different fields and a number between -1 and 1"
            )
        one, other = names.index(pair[0]), names.index(pair[1])
        matrix[one, other] = matrix[other, one] = value
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        raise ValueError("correlations: they cannot all hold together; bring them nearer to 0")
    return matrix
