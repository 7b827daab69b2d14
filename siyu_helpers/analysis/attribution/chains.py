"""Chains: journeys as a Markov chain of order 1 to 3, and the credit that follows from taking a channel out of it.

The state of a chain of order k is the last k touches (fewer at the start of a journey); from it the journey goes on to
a further touch, to an order "(conversion)", or ends without one "(null)". The chain is solved exactly, see `removals`:
nothing is simulated, so the same table always gives the same numbers.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import removals
from siyu_helpers.analysis.attribution.paths import Paths, check_names, encode
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, wilson

ORDERS = (1, 2, 3)
START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"


@dataclass(frozen=True)
class Steps:
    """Journeys as steps of a chain, before anything is counted.

    histories : one row a state, its last touches as codes, the newest last; -1 before the first touch. state : the
    state after each touch, counted from 1 (0 is the start), aligned with the codes of the paths. step : number of the
    step into each touch, source * channels + code. end : state in which each row ends.
    """

    channels: int
    histories: np.ndarray
    state: np.ndarray
    step: np.ndarray
    end: np.ndarray

    @property
    def states(self) -> int:
        """States with a history; the start is one more."""
        return len(self.histories)

    @property
    def target(self) -> np.ndarray:
        """State (row of `histories`) that a state and the next channel lead to; -1 where nobody went."""
        table = np.full((self.states + 1) * self.channels, -1)
        table[self.step] = self.state - 1
        return table.reshape(self.states + 1, self.channels)


def markov(journeys: pd.DataFrame, order: int = 1, use_nulls: bool = True, removal: str = "to_null") -> pd.DataFrame:
    """Orders and money credited to each channel in proportion to what would be lost without it.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys : DataFrame
        path, conversions, value, nulls, see `paths.encode`. Repeated touches are kept.
    order : int
        1 to 3: how many of the last touches decide what comes next, see `choose_order`. "lose_paths" has no use for it.
    use_nulls : bool
        Whether journeys without an order count. Without them the chain only says how buyers came.
    removal : str
        What "without the channel" means. The definitions differ greatly, so name the one beside the number:

        - "to_null": whoever would touch the channel leaves without an order (Anderl et al. 2016; the program
          ChannelAttribution estimates the same by simulation).
        - "renormalise": whoever would touch it goes on as the others in the same state do. Where there are no others,
          or they only go round in circles, the journey ends without an order. Others may convert better, so an effect
          can be negative: such a channel gets no credit, a warning names it, and so does attrs["negative"]. Where no
          effect is positive, credit is blank.
        - "lose_paths": no chain; the share of orders whose path contains the channel.

    Returns
    -------
    DataFrame: channel, removal_effect, conversions, value; every channel of the table, in alphabetical order.
    removal_effect: share of orders lost without the channel; blank where there are no orders. conversions, value: all
    orders and all money, shared out in proportion to the effects; money by its own removal effect (see
    `removal_effects`), where each order carries the mean value of the orders that end in the same state. attrs: order,
    use_nulls, removal, negative (channels with a negative effect on orders or on money).

    Raises
    ------
    ValueError
        For an order or a removal that there is not, or an impossible table.

    Notes
    -----
    Anderl, Becker, von Wangenheim and Schumann (2016), Int. J. Research in Marketing 33, 457-474. Credit is not cause:
    a channel that buyers pass anyway has a large removal effect and may add nothing.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("c1", "c2", "c3"), ("c1",), ("c2", "c3")], "conversions": [1, 0, 0]})
    >>> markov(table.assign(nulls=[0, 1, 1])).round(2)
      channel  removal_effect  conversions  value
    0      c1             0.5          0.2    0.0
    1      c2             1.0          0.4    0.0
    2      c3             1.0          0.4    0.0
    """
    paths = encode(journeys)
    effects = _effects(paths, order, use_nulls, removal)
    totals = paths.conversions.sum(), total_money(paths.value)
    credits = [removals.shared(effect, total) for effect, total in zip(effects, totals, strict=True)]
    frame = pd.DataFrame({"channel": pd.Series(list(paths.channels), dtype="str"), "removal_effect": effects[0]})
    frame["conversions"], frame["value"] = credits
    frame.attrs = {"order": int(order), "use_nulls": bool(use_nulls), "removal": removal}
    frame.attrs["negative"] = _warn_of_negative(paths.channels, effects, stacklevel=3)
    return frame


def removal_effects(
    journeys: pd.DataFrame, order: int = 1, use_nulls: bool = True, removal: str = "to_null"
) -> pd.DataFrame:
    """Share of orders, and share of money, that would be lost without each channel.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys, order, use_nulls, removal
        See `markov`.

    Returns
    -------
    DataFrame: channel, removal_effect, removal_effect_of_value. Effects of several channels may add up to more than 1,
    as one order may need them all. Blank where there are no orders, or no money.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("ads", "wecom"), ("wecom",)], "conversions": 1, "value": [90.0, 10.0]})
    >>> removal_effects(table.assign(nulls=2))
      channel  removal_effect  removal_effect_of_value
    0     ads             0.5                      0.5
    1   wecom             1.0                      1.0

    Both orders end after wecom, so at order 1 both carry the mean of 50; a longer memory tells them apart:

    >>> removal_effects(table.assign(nulls=2), order=2)["removal_effect_of_value"].tolist()
    [0.9, 1.0]
    """
    paths = encode(journeys)
    effects = _effects(paths, order, use_nulls, removal)
    frame = pd.DataFrame({"channel": pd.Series(list(paths.channels), dtype="str"), "removal_effect": effects[0]})
    frame["removal_effect_of_value"] = effects[1]
    return frame


def transition_matrix(
    journeys: pd.DataFrame, order: int = 1, use_nulls: bool = True, counts: bool = False
) -> pd.DataFrame:
    """Chance of each next step, given the last touches: the chain that `markov` solves.

    table (path)  ->  table (state x next step)

    Parameters
    ----------
    journeys, order, use_nulls
        See `markov`.
    counts : bool
        Journeys that made the step instead of chances; conversions of a fraction count as that fraction.

    Returns
    -------
    DataFrame. Index: "(start)", then the states: channels at order 1, tuples of the last touches at a higher order, the
    newest last. Columns: the next touch (channels), "(conversion)", "(null)". Rows add up to 1; the row of a state that
    nobody was in (its journeys count 0) is blank. counts=True: 0 there.

    Raises
    ------
    ValueError
        For a channel called "(start)", "(conversion)" or "(null)": rename it. `markov` takes it as it is.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("ads", "wecom"), ("wecom",)], "conversions": [3, 1], "nulls": [1, 3]})
    >>> transition_matrix(table)
    to       ads  wecom  (conversion)  (null)
    from
    (start)  0.5    0.5           0.0     0.0
    ads      0.0    1.0           0.0     0.0
    wecom    0.0    0.0           0.5     0.5
    """
    paths = encode(journeys)
    check_names(paths.channels, (START, CONVERSION, NULL))
    steps = steps_of(paths, order)
    chain = chain_of(paths, steps, use_nulls)
    made = np.column_stack([chain.counts, chain.conversions, chain.nulls])
    if not counts:
        with np.errstate(invalid="ignore"):
            made = made / made.sum(axis=1, keepdims=True)
    names = [tuple(paths.channels[code] for code in history if code >= 0) for history in steps.histories]
    rows = [START, *(names if order > 1 else [name[0] for name in names])]
    index = pd.Index(np.fromiter(rows, dtype=object, count=len(rows)), name="from", tupleize_cols=False)
    return pd.DataFrame(made, index=index, columns=pd.Index([*paths.channels, CONVERSION, NULL], name="to"))


def conversion_probability(journeys: pd.DataFrame, level: float = LEVEL) -> Estimate | Refused:
    """Share of journeys that end with an order, with its Wilson interval; a chain of any order gives the same.

    table (path)  ->  Estimate or Refused

    Returns
    -------
    Estimate, unit "share"; n is the number of journeys, rounded where conversions are fractions. Refused where the
    table holds no journeys without an order: then nobody who did not buy was recorded, and the share is not known.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("ads", "wecom"), ("wecom",)], "conversions": [3, 1], "nulls": [1, 11]})
    >>> conversion_probability(table).value
    0.25
    """
    paths = encode(journeys)
    conversions, nulls = paths.conversions.sum(), paths.nulls.sum()
    if nulls == 0:
        return Refused(
            "journeys without an order",
            0,
            1,
            "这张路径表里没有“没有下单的路径”，无法计算以下单结束的占比。",
            "The table of paths holds no journeys without an order, so the share that converts is not known.",
        )
    low, high = wilson(conversions, conversions + nulls, level)
    definition = Words("以下单结束的路径÷全部路径", "journeys that ended with an order / all journeys")
    value, n = conversions / (conversions + nulls), max(1, round(conversions + nulls))
    return Estimate(value, low, high, level, n, "share", definition, conversion_probability)


def always_order(journeys: pd.DataFrame, at_least: float = 30) -> list[str]:
    """Channels after which no journey ever ends without an order: probably touched on record only when somebody orders.

    table (path)  ->  list of channels

    Parameters
    ----------
    journeys : DataFrame
        See `markov`.
    at_least : number
        Touches that a channel must have; a journey's touches count as often as it was made.

    Returns
    -------
    list of str, in alphabetical order: those with so many touches that are in no journey without an order. Empty where
    the table holds no journeys without an order at all.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("ads", "sms"), ("ads",), ("wecom",)], "conversions": [40, 2, 5]})
    >>> always_order(table.assign(nulls=[0, 90, 0]))
    ['sms']
    """
    paths = encode(journeys)
    made = np.repeat(paths.conversions + paths.nulls, paths.lengths)
    touches = np.bincount(paths.codes, made, len(paths.channels))
    lost = np.bincount(paths.codes, np.repeat(paths.nulls, paths.lengths), len(paths.channels))
    if not paths.nulls.any():
        return []
    return [name for name, n, its in zip(paths.channels, touches, lost, strict=True) if n >= at_least and not its]


def check_order(order: int) -> int:
    """Return the order of a chain, or raise ValueError when it is not 1, 2 or 3."""
    if isinstance(order, bool) or order not in ORDERS:
        raise ValueError(f"order must be 1, 2 or 3 (touches that are remembered); got {order!r}")
    return int(order)


def steps_of(paths: Paths, order: int) -> Steps:
    """Put every touch into its state of a chain of the given order.

    Example
    -------
    >>> paths = encode(pd.DataFrame({"path": [("a", "b", "a")], "conversions": [1]}))
    >>> steps = steps_of(paths, 2)
    >>> steps.histories.tolist(), steps.state.tolist(), steps.end.tolist()
    ([[-1, 0], [0, 1], [1, 0]], [1, 2, 3], [3])
    """
    check_order(order)
    channels, lengths, starts = len(paths.channels), paths.lengths, paths.starts
    key, opens = paths.codes.astype(np.int64) + 1, starts[:-1]
    if order == 1:
        state, histories = key, np.arange(channels)[:, None]
    else:
        base = channels + 1
        place = np.arange(len(key)) - np.repeat(opens, lengths)
        for back in range(1, order):  # the older the touch, the higher its digit: short histories sort first
            older = np.where(place[back:] >= back, paths.codes[:-back] + 1, 0).astype(np.int64)
            key[back:] += older * base**back
        found, distinct = pd.factorize(key, sort=True)
        state = found + 1
        histories = distinct[:, None] // base ** np.arange(order - 1, -1, -1) % base - 1
    source = np.empty_like(state)
    source[1:] = state[:-1]
    source[opens] = 0
    return Steps(channels, histories, state, source * channels + paths.codes, state[starts[1:] - 1])


def chain_of(paths: Paths, steps: Steps, use_nulls: bool = True) -> removals.Chain:
    """Count the steps of all journeys, with and without an order: the chain."""
    nulls = paths.nulls if use_nulls else np.zeros_like(paths.nulls)
    through = np.repeat(paths.conversions + nulls, paths.lengths)
    rows = steps.states + 1
    counts = np.bincount(steps.step, through, rows * steps.channels).reshape(rows, steps.channels)
    ends = [np.bincount(steps.end, numbers, rows) for numbers in (paths.conversions, nulls)]
    return removals.Chain(steps, counts, *ends, _summed_money(steps.end, paths.value, rows))


def total_money(value: np.ndarray) -> float:
    """Sum of money, the same in whatever order it is added."""
    return float(_summed_money(np.zeros(len(value), dtype=np.int64), value, 1)[0])


def _summed_money(groups: np.ndarray, value: np.ndarray, n: int) -> np.ndarray:
    """Money summed by group, in integers where it has no more than four decimals, as money has."""
    minor = value * order_log.MONEY_SCALE
    whole = np.rint(minor)
    if (np.abs(minor - whole) <= 1e-9 * np.maximum(1, whole)).all():
        return np.bincount(groups, whole, n) / order_log.MONEY_SCALE
    return np.bincount(groups, value, n)


def _effects(paths: Paths, order: int, use_nulls: bool, removal: str) -> tuple[np.ndarray, np.ndarray]:
    order_log.one_of("removal", removal, removals.REMOVALS)
    check_order(order)
    if removal == "lose_paths":
        return removals.of_lost_paths(removals.presence(paths), paths.conversions, paths.value)
    return removals.of_chain(chain_of(paths, steps_of(paths, order), use_nulls), removal)


def _warn_of_negative(channels: tuple[str, ...], effects: tuple[np.ndarray, np.ndarray], stacklevel: int) -> list[str]:
    negative = [name for name, *both in zip(channels, *effects, strict=True) if min(both) < 0]
    if negative:
        warnings.warn(
            f"removal='renormalise': without {', '.join(negative)} there would be more orders or money, so they "
            "get no credit of it; the other channels share all of it",
            stacklevel=stacklevel,
        )
    return negative
