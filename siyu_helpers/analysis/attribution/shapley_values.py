"""Shapley values: credit from the set of channels that each journey touched, in closed form and by enumeration.

The coalition is a set of channels, and its worth is what the journeys brought in that touched no other channel. Every
set adds something or nothing, so that no channel can be given less than nothing.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from math import factorial

import numpy as np
import pandas as pd
from scipy import sparse

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution import rules
from siyu_helpers.analysis.attribution.paths import Paths

VARIANTS = ("sets", "exact")
EXACT_CHANNELS = 12  # 2**12 coalitions; every further channel doubles them, and the closed form gives the same


def shapley(journeys: pd.DataFrame, variant: str = "sets") -> pd.DataFrame:
    """Orders and money of each channel by its Shapley value: what it adds, averaged over all orders of joining.

    table (path)  ->  table (channel)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys, see `journeys` or `read_paths`. Order of touches, repeats and nulls do not count here.
    variant : str
        "sets" : closed form, for any number of channels: each conversion is shared equally over the distinct channels
        of its path, as `credit` does by the rule "linear_unique". "exact" : the definition itself, over all
        coalitions, for up to 12 channels. Both give the same numbers; the second is there to show it.

    Returns
    -------
    DataFrame: channel, conversions, value, as `credit` returns them. Never negative, and adding up to the totals.

    Raises
    ------
    ValueError
        For an unknown variant, "exact" with more than 12 channels, or a table that `encode` refuses: it refuses
        negative conversions and value by row, so that none can reach the result.

    Notes
    -----
    Zhao, Mahboobi and Bagheri (2018), Shapley Value Methods for Attribution Modeling in Online Advertising,
    arXiv:1804.05327, whose simplified formula is the closed form. The worth of a coalition is the number of conversions
    (or the money) of the journeys all of whose channels belong to it. It is not:

    - the conversion *rate* of journeys with exactly those channels, as some programs take it. A larger set may convert
      at a lower rate than a part of it, and channels then get negative credit.
    - leaving one channel out: the loss when a channel leaves the whole is one term of the average, and those losses
      add up to more than there is.

    Their ordered value says at which place of the path a channel earned its part. Over all places it adds up to the
    credit given here, so that it is no variant of its own; the rule "position" and `markov` look at order.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "feed"), ("wecom",)], "conversions": [4, 1]})
    >>> shapley(table)
      channel  conversions  value
    0    feed          2.0    0.0
    1   wecom          3.0    0.0
    >>> bool((shapley(table, "exact") == shapley(table)).all(axis=None))
    True
    """
    order_log.one_of("variant", variant, VARIANTS)
    encoded = journey_paths.encode(journeys)
    if variant == "sets":
        return rules.shared_out(encoded, weights(encoded))
    if len(encoded.channels) > EXACT_CHANNELS:
        raise ValueError(
            f'variant "exact" takes up to {EXACT_CHANNELS} channels, and the paths have {len(encoded.channels)}: use '
            'variant "sets", which gives the same numbers for any number of them'
        )
    sets = _sets(encoded)
    return pd.DataFrame(
        {
            "channel": pd.Series(list(encoded.channels), dtype="str"),
            "conversions": _averaged(sets, encoded.conversions, len(encoded.channels)),
            "value": _averaged(sets, encoded.value, len(encoded.channels)),
        }
    )


def weights(paths: Paths) -> sparse.csr_array:
    """Share of one conversion of each row that each channel gets by its Shapley value, see `rules.weights`.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom", "feed")], "conversions": [1]})
    >>> weights(journey_paths.encode(table)).toarray()
    array([[0.5],
           [0.5]])
    """
    return rules.weights(paths, "linear_unique")


def _sets(paths: Paths) -> np.ndarray:
    """The set of channels of each row as a number: bit i is set where channel i was touched."""
    sets = np.zeros(len(paths.conversions), dtype=np.int64)
    np.bitwise_or.at(sets, paths.rows, np.left_shift(1, paths.codes.astype(np.int64)))
    return sets


def _averaged(sets: np.ndarray, amounts: np.ndarray, channels: int) -> np.ndarray:
    """Shapley value of each channel by its definition: what it adds to each coalition of the others, weighted."""
    coalitions = np.arange(2**channels)
    worth = np.bincount(sets, amounts, minlength=2**channels)
    for channel in range(channels):
        # Sums over subsets, one channel at a time. Rounded sums of numbers of 0 or more never fall when one grows, so
        # that no coalition is worth less than a part of it, not even by rounding.
        joined = coalitions[(coalitions >> channel) & 1 == 1]
        worth[joined] += worth[joined ^ (1 << channel)]
    size = np.array([int(coalition).bit_count() for coalition in coalitions])
    orders = np.array([factorial(k) * factorial(channels - k - 1) / factorial(channels) for k in range(channels)])
    values = np.zeros(channels)
    for channel in range(channels):
        without = coalitions[(coalitions >> channel) & 1 == 0]
        values[channel] = orders[size[without]] @ (worth[without | (1 << channel)] - worth[without])
    return values
