"""Rules: how the conversions of each path are shared out over its channels, without estimating anything.

Every rule is a table of shares, one column a path: `weights`. Credit is those shares times the conversions, so that it
always adds up to the conversions there were. None of the rules says what a channel caused.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution.paths import Paths
from siyu_helpers.analysis.estimates import Words

RULES = ("first", "last", "last_non", "linear", "linear_unique", "position", "time_decay")

DIRECT = "direct"  # what "last_non" passes over unless told otherwise
POSITION_WEIGHTS = (0.4, 0.2, 0.4)
HALF_LIFE_DAYS = 7

#: Options that each rule takes; one that a rule does not take is refused by name.
OPTIONS = {
    "last_non": ("ignored",),
    "position": ("position_weights",),
    "time_decay": ("half_life_days", "half_life_hours"),
}

#: Names of all ways of sharing credit: the rules, and the two models that `compare_rules` sets beside them.
RULE_WORDS = {
    "first": Words("首次触点", "First touch"),
    "last": Words("末次触点", "Last touch"),
    "last_non": Words("末次非直接触点", "Last touch that is not direct"),
    "linear": Words("线性均分", "Linear"),
    "linear_unique": Words("按渠道均分", "Linear over channels"),
    "position": Words("位置加权", "By position"),
    "time_decay": Words("时间衰减", "Time decay"),
    "markov": Words("马尔可夫", "Markov"),
    "shapley": Words("沙普利值", "Shapley"),
}


def credit(journeys: pd.DataFrame, rule: str = "last", **options: Any) -> pd.DataFrame:
    """Orders and money credited to each channel under a rule that looks at nothing but the path itself.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys, see `journeys` or `read_paths`. Its nulls do not count here.
    rule : str
        "first", "last" : the first or last touch gets all.
        "last_non" : the last touch of a channel that is not in `ignored`; where there is none, the last touch.
        "linear" : all touches alike, a channel touched twice getting two parts.
        "linear_unique" : all channels of the path alike, however often touched. The same as `shapley`.
        "position" : first touch, touches between and last touch get `position_weights`; a single touch gets all, and
        two share in the proportion of first to last (half each, where those are alike).
        "time_decay" : a touch counts half as much for every half-life that it lies before the end of the journey.
    ignored : str or sequence of str
        For "last_non": "direct" unless given, whether or not any path has it. A channel named here must be in a path.
    position_weights : three numbers
        For "position": (0.4, 0.2, 0.4) unless given; 0 or more, adding up to 1.
    half_life_days, half_life_hours : float
        For "time_decay", one of the two: 7 days unless given. Needs hours_before_end in the table.

    Returns
    -------
    DataFrame, one row per channel of any path, in alphabetical order
        channel : text. conversions : orders credited. value : money credited, in the currency of the table. Both add
        up to the totals of the table. A channel that is in no path with an order has 0: it was seen, and gets none.

    Raises
    ------
    ValueError
        For an unknown rule, an option that the rule does not take or that is out of its values, a table without
        hours_before_end ("time_decay"), or a table that `encode` refuses.

    Notes
    -----
    Rules as offered by analytics programs, e.g. Google Analytics before 2023; each is a convention.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "wecom"), ("sms",)], "conversions": [3, 1], "value": [90, 20]})
    >>> credit(table, "linear")
      channel  conversions  value
    0    feed          1.0   30.0
    1     sms          1.0   20.0
    2   wecom          2.0   60.0
    """
    encoded = journey_paths.encode(journeys)
    return shared_out(encoded, weights(encoded, rule, **options))


def weights(paths: Paths, rule: str, **options: Any) -> sparse.csr_array:
    """Share of one conversion of each row of the table that each channel gets, under one rule.

    paths  ->  sparse array (channels x rows of the table), every column adding up to 1

    Parameters
    ----------
    paths : Paths
        See `encode`.
    rule, options
        As in `credit`.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "wecom"), ("wecom",)], "conversions": [1, 1]})
    >>> weights(journey_paths.encode(table), "position").toarray()
    array([[0.4, 0. ],
           [0.6, 1. ]])
    """
    options = check_options(rule, options)
    if rule == "linear_unique":
        touched = _summed(paths, np.ones(len(paths.codes)))
        touched.data[:] = 1.0
        return sparse.csr_array(touched * (1 / touched.sum(axis=0)))
    return _summed(paths, _touch_shares(paths, rule, options))


def shared_out(paths: Paths, shares: Any) -> pd.DataFrame:
    """Conversions and value of all rows, shared out by a table of shares  ->  channel, conversions, value.

    Example
    -------
    >>> paths = journey_paths.encode(pd.DataFrame({"path": [("feed", "wecom")], "conversions": [5]}))
    >>> shared_out(paths, np.array([[0.2], [0.8]]))
      channel  conversions  value
    0    feed          1.0    0.0
    1   wecom          4.0    0.0
    """
    return pd.DataFrame(
        {
            "channel": pd.Series(list(paths.channels), dtype="str"),
            "conversions": np.asarray(shares @ paths.conversions, dtype=float),
            "value": np.asarray(shares @ paths.value, dtype=float),
        }
    )


def check_options(rule: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a rule, or raise ValueError naming the unknown rule or the option it does not take.

    Example
    -------
    >>> check_options("position", {"position_weights": (0.3, 0.4, 0.3)})
    {'position_weights': (0.3, 0.4, 0.3)}
    """
    order_log.one_of("rule", rule, RULES)
    known = OPTIONS.get(rule, ())
    if unknown := sorted(set(options) - set(known)):
        taken = f"it takes {' or '.join(known)}" if known else "it takes none"
        raise ValueError(f"rule {rule!r} has no option {unknown[0]!r}: {taken}")
    return options


def definition(rule: str, **options: Any) -> Words:
    """What a rule does, as a clause to stand beside its numbers.

    Example
    -------
    >>> definition("time_decay", half_life_hours=24).en
    'a touch counts half as much for every 24 hours before the order'
    """
    check_options(rule, options)
    if rule == "last_non":
        named = _names(options.get("ignored", DIRECT))
        in_chinese = "、".join("直接访问" if name == DIRECT else name for name in named)
        return Words(
            f"订单全部记给末次触点，但跳过{in_chinese}；路径上没有别的渠道时仍记给末次触点",
            f"the order goes to the last touch other than {' and '.join(named)}, unless nothing else was touched",
        )
    if rule == "position":
        parts = _position_weights(options)
        first, middle, last = (f"{part:.0%}" for part in parts)
        two = Words("各半", "two touches get half each")
        if parts[0] != parts[2]:
            two = Words(f"按 {first} 比 {last} 分", f"two touches share as {first} to {last}")
        return Words(
            f"首次触点得 {first}，末次触点得 {last}，中间各触点平分 {middle}；只有两个触点时{two.zh}，只有一个时全得",
            f"the first touch gets {first}, the last {last}, those between share {middle}; {two.en}, a single one all",
        )
    if rule == "time_decay":
        hours = half_life(options)
        zh, en = (f"{hours:g} 小时", f"{hours:g} hours")
        if "half_life_hours" not in options:
            zh, en = (f"{hours / 24:g} 天", f"{hours / 24:g} days")
        return Words(f"触点每早于订单 {zh}，权重减半", f"a touch counts half as much for every {en} before the order")
    return _PLAIN_DEFINITIONS[rule]


def half_life(options: dict[str, Any]) -> float:
    """Half-life in hours, from half_life_days or half_life_hours; 7 days where neither is given.

    Example
    -------
    >>> half_life({"half_life_days": 2})
    48.0
    """
    if len(options) > 1:
        raise ValueError("half_life_days and half_life_hours are both given: give one of the two")
    name, given = next(iter(options.items()), ("half_life_days", HALF_LIFE_DAYS))
    if isinstance(given, bool) or not isinstance(given, int | float | np.number) or not 0 < given < math.inf:
        raise ValueError(f"{name} must be a number above 0; got {given!r}")
    return float(given) * (24 if name == "half_life_days" else 1)


def _near_match(name: Any, known: Sequence[str]) -> str:
    """Text that suggests the nearest known name: ' (did you mean ...?)', or nothing."""
    near = difflib.get_close_matches(str(name), known, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _summed(paths: Paths, of_touch: np.ndarray) -> sparse.csr_array:
    """Numbers of touches, added up by channel and row."""
    some = of_touch != 0  # a rule of one touch a journey must not cost as much to draw from as one of all touches
    shape = (len(paths.channels), len(paths.conversions))
    return sparse.coo_array((of_touch[some], (paths.codes[some], paths.rows[some])), shape=shape).tocsr()


def _touch_shares(paths: Paths, rule: str, options: dict[str, Any]) -> np.ndarray:
    """Share of each touch in the conversion of its row, aligned with codes."""
    if rule == "linear":
        return 1 / paths.lengths[paths.rows]
    if rule == "position":
        return _by_position(paths, _position_weights(options))
    if rule == "time_decay":
        return _by_age(paths, half_life(options))
    if rule == "last_non":
        taken = _last_of_others(paths, options)
    else:
        taken = paths.starts[:-1] if rule == "first" else paths.starts[1:] - 1
    shares = np.zeros(len(paths.codes))
    shares[taken] = 1.0
    return shares


def _last_of_others(paths: Paths, options: dict[str, Any]) -> np.ndarray:
    """Place of the touch that gets all: the last of a channel not ignored, else the last."""
    named = _names(options.get("ignored", DIRECT))
    for name in named if "ignored" in options else ():
        if name not in paths.channels:
            raise ValueError(f"ignored: no path has a channel {name!r}{_near_match(name, paths.channels)}")
    counts = ~np.isin(paths.codes, [place for place, name in enumerate(paths.channels) if name in named])
    taken = paths.starts[1:] - 1
    latest = np.full(len(taken), -1)
    np.maximum.at(latest, paths.rows[counts], np.flatnonzero(counts))
    return np.where(latest >= 0, latest, taken)


def _by_position(paths: Paths, position_weights: tuple[float, float, float]) -> np.ndarray:
    first, middle, last = position_weights
    lengths = paths.lengths
    with np.errstate(divide="ignore", invalid="ignore"):  # rows of one or two touches have none between
        shares = (middle / (lengths - 2))[paths.rows]
    ends = first + last
    pair = (first / ends, last / ends) if ends > 0 else (0.5, 0.5)
    shares[paths.starts[1:] - 1] = np.where(lengths > 2, last, pair[1])
    shares[paths.starts[:-1]] = np.select([lengths == 1, lengths == 2], [1.0, pair[0]], first)
    return shares


def _by_age(paths: Paths, half_life_hours: float) -> np.ndarray:
    if paths.hours is None:
        raise ValueError(
            "time_decay needs the column hours_before_end: make the table with journeys(..., ages=True); a table of "
            "ready-made paths does not say when its touches were"
        )
    youngest = np.full(len(paths.conversions), np.inf)
    np.minimum.at(youngest, paths.rows, paths.hours)
    # Counted from the youngest touch of the journey: only differences of age matter, and old ones never become 0/0.
    halved = np.exp2(-(paths.hours - youngest[paths.rows]) / half_life_hours)
    return halved / np.bincount(paths.rows, halved, minlength=len(youngest))[paths.rows]


def _position_weights(options: dict[str, Any]) -> tuple[float, float, float]:
    given = options.get("position_weights", POSITION_WEIGHTS)
    try:
        first, middle, last = (float(part) for part in given)
    except (TypeError, ValueError):
        raise ValueError(f"position_weights must be three numbers: first, between, last; got {given!r}") from None
    if not min(first, middle, last) >= 0 or abs(first + middle + last - 1) > 1e-9:
        raise ValueError(f"position_weights must be 0 or more and add up to 1; got {given!r}")
    return first, middle, last


def _names(given: str | Sequence[str]) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"ignored must be the name of a channel, or several; got {given!r}")
    return names


_PLAIN_DEFINITIONS = {
    "first": Words("订单全部记给路径上的首次触点", "the whole order goes to the first touch of the journey"),
    "last": Words("订单全部记给下单前的末次触点", "the whole order goes to the last touch before it"),
    "linear": Words(
        "订单按触点平分，同一渠道碰过几次就得几份", "the order is shared equally over all touches, repeats counted"
    ),
    "linear_unique": Words(
        "订单按路径上的渠道平分，同一渠道碰过多次也只算一份",
        "the order is shared equally over the channels of the journey, however often each was touched",
    ),
}

DEFINITIONS = {rule: definition(rule) for rule in RULES} | {
    "markov": Words(
        "按移除效应分：在转移链里，凡走到这个渠道的都当作没有下单，下单概率降多少，就按多少分（模型里的数，不是真会少多少）",
        "in proportion to the removal effect: by how much the chance of an order falls in the chain when whoever comes "
        "to the channel is taken not to order (a number of the model, not what would be lost)",
    ),
    "shapley": Words(
        "每笔订单由路径上的渠道平分，同一渠道碰过多次也只算一份",
        "each order is shared equally over the channels of its journey, repeats not counted",
    ),
}
