"""Paths: the table of journeys that every attribution rule starts from, read, checked and put into numbers.

A table of journeys has one row per distinct path: path (tuple of channel names in order, repeats kept), conversions
(how many journeys along it ended with an order), value (money of those orders) and nulls (how many ended without one).
Conversions may be fractions, where somebody shared an order out already.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log

COLUMNS = ["path", "conversions", "value", "nulls"]
COUNTS = ["conversions", "value", "nulls"]


@dataclass(frozen=True)
class Paths:
    """Journeys as numbers: one row per row of the table, channels as their place in `channels`.

    channels : names in alphabetical order, so that nothing depends on the order of rows. codes : the touches of all
    rows one after the other; row i holds codes[starts[i]:starts[i + 1]]. conversions, value, nulls : one number a row.
    hours : hours from each touch to the end of its journey, aligned with codes; None where they were not kept.
    """

    channels: tuple[str, ...]
    codes: np.ndarray
    starts: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    nulls: np.ndarray
    hours: np.ndarray | None

    @property
    def lengths(self) -> np.ndarray:
        """Touches of each row."""
        return np.diff(self.starts)

    @property
    def rows(self) -> np.ndarray:
        """The row of each touch, aligned with codes."""
        return np.repeat(np.arange(len(self.conversions)), self.lengths)


def encode(journeys: pd.DataFrame) -> Paths:
    """Check a table of journeys and put it into numbers.

    table (path)  ->  Paths

    Parameters
    ----------
    journeys : DataFrame
        path, conversions, and value and nulls where they are known (0 where there is no such column). Further:
        hours_before_end, a tuple as long as the path, which "time_decay" needs. Equal paths may come more than once.

    Raises
    ------
    ValueError
        For a missing column, an empty path, a path that is no tuple of texts, a number that is blank, negative or not
        finite, value on a row without conversions, or hours that do not fit the path: the row is named by its index.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "wecom")], "conversions": 1, "value": 30.0, "nulls": 4})
    >>> paths = encode(table)
    >>> paths.channels, paths.codes.tolist(), paths.nulls.tolist()
    (('feed', 'wecom'), [0, 1, 1], [4.0])
    """
    order_log.has_columns(list(journeys.columns), ["path", "conversions"])
    sequences = journeys["path"].tolist()
    lengths = _lengths(journeys, sequences)
    steps = np.fromiter(chain.from_iterable(sequences), dtype=object, count=int(lengths.sum()))
    codes, names = pd.factorize(steps, use_na_sentinel=False)  # a blank step is a step, to be refused
    _only_texts(journeys, names)
    place = np.argsort(np.argsort(np.array(names, dtype=object))) if len(names) else np.empty(0, dtype=np.int64)
    counts = {name: _counts(journeys, name) for name in COUNTS}
    if worthless := _first((counts["value"] > 0) & (counts["conversions"] == 0)):
        _refuse_value(journeys, worthless - 1)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Paths(tuple(sorted(names)), place[codes].astype(np.int32), starts, **counts, hours=_hours(journeys, lengths))


def read_paths(frame: pd.DataFrame, separator: str = ">") -> pd.DataFrame:
    """A ready-made table of paths, as other attribution programs export it, as the table of journeys used here.

    table (path text)  ->  table (path)

    Parameters
    ----------
    frame : any frame that narwhals takes
        path : text, channels in order of touch between separators; blanks around them do not count. conversions :
        journeys along the path that ended with an order; fractions are kept. value (optional) : money of those orders.
        nulls (optional) : journeys that ended without one.
    separator : str
        What stands between two channels. A channel whose own name contains it cannot be told apart: choose another.

    Returns
    -------
    DataFrame: path (tuple of str), conversions, value, nulls; one row per distinct path, in alphabetical order.
    attrs: value_variation, where several rows are of one path (see `aggregate`).

    Raises
    ------
    ValueError
        For a missing column, an empty or blank path, an empty step ("a>>b"), a blank or impossible number, or value
        without a conversion. The row is named by its index.

    Example
    -------
    >>> read_paths(pd.DataFrame({"path": ["feed > wecom", "feed>wecom", "sms"], "conversions": [1, 2, 0.5]}))
                path  conversions  value  nulls
    0  (feed, wecom)          3.0    0.0    0.0
    1         (sms,)          0.5    0.0    0.0
    """
    if not isinstance(frame, pd.DataFrame):
        frame = order_log.lazy(frame).collect("pandas").to_native()
    order_log.has_columns(list(frame.columns), ["path", "conversions"])
    if not isinstance(separator, str) or not separator:
        raise ValueError(f"separator must be a text such as '>'; got {separator!r}")
    mark = separator.strip() or separator  # a blank or a tab may itself be the separator
    texts = frame["path"].astype(object).tolist()
    if not set(map(type, texts)) <= {str}:
        _refuse_path(frame, next(at for at, text in enumerate(texts) if not isinstance(text, str)))
    codes, distinct = pd.factorize(np.fromiter(texts, dtype=object, count=len(texts)))  # the rest once for equal texts
    if blank := _first(np.array([not text.strip() for text in distinct], dtype=bool)[codes]):
        _refuse_path(frame, blank - 1)
    split = [tuple(map(str.strip, text.split(mark))) for text in distinct]
    if gap := _first(np.array([not all(path) for path in split], dtype=bool)[codes]):
        raise ValueError(
            f"{_row(frame, gap - 1)}: the path has an empty step beside {mark!r}: name the channel, or take the "
            "separator away"
        )
    table = pd.DataFrame({name: _counts(frame, name) for name in COUNTS})
    same, distinct = pd.factorize(pd.Series(split, dtype=object).to_numpy())  # "a>b" and "a > b" are one path
    summed = _added_up(same[codes], distinct, table)
    bought = np.bincount(same[codes], table["conversions"], len(distinct)) > 0
    if worthless := _first((table["value"] > 0) & ~bought[same[codes]]):
        _refuse_value(frame, worthless - 1)
    return summed


def aggregate(journeys: pd.DataFrame) -> pd.DataFrame:
    """Add up rows of equal path (and equal hours, where they are kept), in alphabetical order of paths.

    attrs: those of the table; value_variation, which sums do not tell, from the rows of equal path (see `journeys`).

    Example
    -------
    >>> table = pd.DataFrame({"path": [("b",), ("a",), ("b",)], "conversions": [1, 0, 2], "value": [9.0, 0, 9]})
    >>> table["nulls"] = [0, 5, 1]
    >>> aggregate(table)
       path  conversions  value  nulls
    0  (a,)            0    0.0      5
    1  (b,)            3   18.0      1
    """
    order_log.has_columns(list(journeys.columns), ["path", *COUNTS])
    sequences = journeys["path"].tolist()
    _lengths(journeys, sequences)
    if list in set(map(type, sequences)):
        journeys = journeys.assign(path=pd.Series(list(map(tuple, sequences)), journeys.index, dtype=object))
    codes, distinct = pd.factorize(journeys["path"].to_numpy(dtype=object))
    if "hours_before_end" not in journeys.columns:
        return _added_up(codes, distinct, journeys)
    summed = journeys.groupby(["path", "hours_before_end"], sort=True, as_index=False)[COUNTS].sum()
    summed.attrs = _value_variation(codes, journeys) | journeys.attrs
    return summed


def _added_up(codes: np.ndarray, distinct: np.ndarray, journeys: pd.DataFrame) -> pd.DataFrame:
    """Rows of equal path, codes, added up; the distinct paths in alphabetical order."""
    # Joined by a character below all others, texts sort as the tuples do, and much faster.
    order = sorted(range(len(distinct)), key=["\0".join(path) for path in distinct].__getitem__)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    summed = journeys.groupby(place[codes], sort=True)[COUNTS].sum().reset_index(drop=True)
    summed.insert(0, "path", pd.Series(distinct[order], dtype=object))
    summed.attrs = _value_variation(codes, journeys) | journeys.attrs
    return summed


def _value_variation(group: np.ndarray, journeys: pd.DataFrame) -> dict[str, float]:
    """Squared coefficient of variation of the value of one conversion along one path, from rows of equal path."""
    conversions, value = (journeys[name].to_numpy(dtype=float) for name in ("conversions", "value"))
    order = np.lexsort((value, conversions, group))  # sums of fractions then do not depend on the order of rows
    order = order[conversions[order] > 0]
    group, conversions, value = group[order], conversions[order], value[order]
    rows = np.bincount(group)[group] if len(group) else group
    if not (rows > 1).any():
        return {}
    mean = (np.bincount(group, value) / np.maximum(np.bincount(group, conversions), 1e-300))[group]
    spread = math.fsum(conversions * (value / conversions - mean) ** 2)
    scale = math.fsum(mean**2 * (1 - 1 / rows))
    return {"value_variation": spread / scale} if scale > 0 else {}


def _refuse_path(frame: pd.DataFrame, at: int) -> None:
    path = frame["path"].iloc[at]
    if isinstance(path, tuple | list | np.ndarray) and len(path):
        raise ValueError(
            f"{_row(frame, at)}: the path is a {type(path).__name__}, not a text: a table of journeys needs no reading"
        )
    raise ValueError(f"{_row(frame, at)}: the path is empty: leave the row out, or name the channels that were touched")


def _refuse_value(frame: pd.DataFrame, at: int) -> None:
    raise ValueError(f"{_row(frame, at)}: value without a conversion: count its conversions, or set value to 0")


def check_names(channels: tuple[str, ...], taken: tuple[str, ...]) -> None:
    """Raise when a channel has the name of a state of the chain: a table could not tell them apart."""
    if both := sorted(set(channels) & set(taken)):
        raise ValueError(f"a channel is called {both[0]!r}, as a state of the chain is: give the channel another name")


def _lengths(journeys: pd.DataFrame, sequences: list) -> np.ndarray:
    if not set(map(type, sequences)) <= {tuple, list}:
        at = next(i for i, path in enumerate(sequences) if not isinstance(path, tuple | list))
        raise ValueError(
            f"{_row(journeys, at)}: the path must be a tuple of channel names, not {type(sequences[at]).__name__}: "
            "read texts with read_paths"
        )
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    if empty := _first(lengths == 0):
        raise ValueError(
            f"{_row(journeys, empty - 1)}: the path is empty: leave the row out, or name the channels that were touched"
        )
    return lengths


def _only_texts(journeys: pd.DataFrame, names: Any) -> None:
    if all(isinstance(name, str) and name for name in names):
        return
    at = next(i for i, path in enumerate(journeys["path"]) if not all(isinstance(step, str) and step for step in path))
    raise ValueError(f"{_row(journeys, at)}: the path has a step that is not the name of a channel: give each a text")


def _counts(journeys: pd.DataFrame, name: str) -> np.ndarray:
    """A column of numbers, none of them blank, negative or infinite; zeros where there is no such column."""
    if name not in journeys.columns:
        return np.zeros(len(journeys))
    numbers = pd.to_numeric(journeys[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if wrong := _first(~np.isfinite(numbers) | (numbers < 0)):
        raise ValueError(
            f"{_row(journeys, wrong - 1)}: {name} is {journeys[name].iloc[wrong - 1]}: it must be a number, 0 or more"
        )
    return numbers


def _hours(journeys: pd.DataFrame, lengths: np.ndarray) -> np.ndarray | None:
    if "hours_before_end" not in journeys.columns:
        return None
    hours = journeys["hours_before_end"].tolist()
    fits = [isinstance(row, tuple | list) and len(row) == length for row, length in zip(hours, lengths, strict=True)]
    if wrong := _first([not fit for fit in fits]):
        raise ValueError(f"{_row(journeys, wrong - 1)}: hours_before_end must have one number per touch of the path")
    flat = np.fromiter(chain.from_iterable(hours), dtype=float, count=int(lengths.sum()))
    if wrong := _first(~np.isfinite(flat) | (flat < 0)):
        row = int(np.searchsorted(np.cumsum(lengths), wrong - 1, side="right"))
        raise ValueError(f"{_row(journeys, row)}: hours_before_end must be 0 or more: no touch comes after the end")
    return flat


def _first(wrong: Any) -> int:
    """Number of the first wrong row counted from 1; 0 when none is."""
    wrong = np.asarray(wrong, dtype=bool)
    return int(np.argmax(wrong)) + 1 if wrong.any() else 0


def _row(frame: pd.DataFrame, at: int) -> str:
    return f"row {frame.index[at]}"
