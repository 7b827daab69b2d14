"""Removals: what an absorbing chain loses without one of its channels, solved exactly.

With Q the chances to go from one state on to another, N = (I - Q)^-1 holds the expected visits and h = N r the chance
to convert from each state (Kemeny and Snell 1960, chapter 3). Without the states A that end with a channel, the chain
converts m_A N_AA^-1 h_A less, where m are the expected visits from the start: whoever comes to A for the first time
loses the chance there. So every effect follows from one inverse; at order 1, A is a single state.

Used by `chains` and `bootstraps`. Opens no files and draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from siyu_helpers.analysis.attribution.paths import Paths

if TYPE_CHECKING:
    from siyu_helpers.analysis.attribution.chains import Steps

REMOVALS = ("to_null", "renormalise", "lose_paths")

SOLVED_AT_MOST = 400  # states; above, dense systems take longer than walking through the chain
CLOSE = 1e-13  # of all journeys; those still under way in the solution, so no effect is further off than that
ZERO = 1e-12  # of all orders; an effect below is rounding


@dataclass(frozen=True)
class Chain:
    """Counted steps. Row 0 is the start, row s + 1 the state of `steps.histories[s]`.

    counts : journeys from each state (rows) to a touch of each channel (columns). conversions, nulls, value : orders,
    ends without one, and money of those orders, by the last state.
    """

    steps: Steps
    counts: np.ndarray
    conversions: np.ndarray
    nulls: np.ndarray
    value: np.ndarray


def of_chain(chain: Chain, removal: str) -> tuple[np.ndarray, np.ndarray]:
    """Removal effects of all channels on orders and on money; blank where there are none.

    chain  ->  two arrays, one number a channel
    """
    states = chain.steps.states
    if states == 0:
        return np.empty(0), np.empty(0)
    if removal == "to_null" and chain.steps.histories.shape[1] == 1:
        return of_first_order(chain.counts, chain.conversions, chain.nulls, chain.value)
    if removal == "to_null" and states <= SOLVED_AT_MOST:
        lost = _lost_by_blocks(chain)
    else:
        visits = _visits_without(chain, rescaled=removal == "renormalise")
        lost = np.array(_ends(chain).sum(axis=0) - visits.T @ _chances(chain)[1])
    return _shares(lost[:, 0], chain.conversions.sum()), _shares(lost[:, 1], chain.value.sum())


def of_first_order(
    counts: np.ndarray, conversions: np.ndarray, nulls: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Effects of "to_null" at order 1, for one chain or, with leading axes, for many at once.

    Parameters
    ----------
    counts : array (..., channels + 1, channels)
    conversions, nulls, value : arrays (..., channels + 1)

    Example
    -------
    >>> counts = np.array([[1.0, 0], [0, 1], [0, 0]])  # one journey: start, first channel, second channel, order
    >>> ends = np.array([0, 0, 1.0])
    >>> of_first_order(counts, ends, 0 * ends, 9 * ends)
    (array([1., 1.]), array([1., 1.]))
    """
    inner = counts[..., 1:, :]
    visits = inner.sum(axis=-1) + conversions[..., 1:] + nulls[..., 1:]
    left = np.where(visits > 0, visits, 1)
    inverse = np.linalg.inv(np.eye(counts.shape[-1]) - inner / left[..., None])
    hits = visits / np.diagonal(inverse, axis1=-2, axis2=-1)  # journeys that touch the channel at all
    ends = np.stack([conversions[..., 1:], value[..., 1:]], axis=-1)
    lost = hits[..., None] * (inverse @ (ends / left[..., None]))
    return tuple(_shares(lost[..., i], ends[..., i].sum(axis=-1)) for i in (0, 1))


def of_lost_paths(has: sparse.csr_array, conversions: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of orders, and of money, on paths that contain each channel; columns of draws where there are several."""
    return tuple(_shares((has @ numbers).T, numbers.sum(axis=0)).T for numbers in (conversions, value))


def presence(paths: Paths) -> sparse.csr_array:
    """Which channels each row of the table contains  ->  sparse array of 0 and 1 (channels x rows)."""
    shape = (len(paths.channels), len(paths.conversions))
    touched = sparse.coo_array((np.ones(len(paths.codes)), (paths.codes, paths.rows)), shape=shape).tocsr()
    touched.data[:] = 1
    return touched


def shared(effects: np.ndarray, total: np.ndarray | float) -> np.ndarray:
    """Share out a total in proportion to the effects above 0; channels along the last axis.

    Blank where there is something to share and no effect is above 0. All 0 where there is nothing to share.

    Example
    -------
    >>> shared(np.array([0.5, 1.0, -0.2]), 6.0)
    array([2., 4., 0.])
    """
    total = np.asarray(total, dtype=float)[..., None]
    above = np.clip(np.nan_to_num(effects), 0, None)
    whole = above.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        parts = np.where(whole > 0, above, np.nan) / whole
    return np.where(total > 0, parts * total, np.zeros_like(above))


def _shares(lost: np.ndarray, total: np.ndarray | float) -> np.ndarray:
    """Lost orders as a share of all, blank where there are none; 0 and 1 exactly, where only rounding differs."""
    total = np.asarray(total, dtype=float)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.where(total > 0, lost / total, np.nan)
    effect = np.where(np.abs(effect) < ZERO, 0.0, effect)
    return np.where(np.abs(effect - 1) < ZERO, 1.0, effect)


def _ends(chain: Chain) -> np.ndarray:
    """Orders and money by last state (states x 2)."""
    return np.column_stack([chain.conversions[1:], chain.value[1:]])


def _chances(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Visits of each state, and orders and money per visit; 0 for states that nobody visits."""
    visits = chain.counts[1:].sum(axis=1) + chain.conversions[1:] + chain.nulls[1:]
    return visits, _ends(chain) / np.where(visits > 0, visits, 1)[:, None]


def _onward(chain: Chain) -> sparse.csr_array:
    """Q: chances to go from one state on to another (states x states)."""
    visits, _ = _chances(chain)
    source, channel = np.nonzero(chain.counts[1:])
    chance = chain.counts[1:][source, channel] / visits[source]
    size = chain.steps.states
    return sparse.coo_array((chance, (source, chain.steps.target[1:][source, channel])), shape=(size, size)).tocsr()


def _lost_by_blocks(chain: Chain) -> np.ndarray:
    """Orders and money lost without each channel (channels x 2), from one inverse; for every order."""
    visits, per_visit = _chances(chain)
    inverse = np.linalg.inv(np.eye(len(visits)) - _onward(chain).toarray())
    ahead = inverse @ per_visit
    last = chain.steps.histories[:, -1]
    lost = np.zeros((chain.steps.channels, 2))
    for channel in range(chain.steps.channels):
        block = np.flatnonzero(last == channel)
        lost[channel] = visits[block] @ np.linalg.solve(inverse[np.ix_(block, block)], ahead[block])
    return lost


def _visits_without(chain: Chain, rescaled: bool) -> np.ndarray:
    """Journeys that still visit each state when a channel is gone (states x channels).

    rescaled : those who would have touched the channel go on as the others in the same state do.
    """
    onward = _onward(chain)
    visits, _ = _chances(chain)
    channels = range(chain.steps.channels)
    kept = np.stack([~(chain.steps.histories == channel).any(axis=1) for channel in channels], axis=1)
    scale, first = np.ones_like(kept, dtype=float), np.ones(chain.steps.channels)
    if rescaled:
        scale = _scaled_up(visits[:, None], chain.counts[1:])
        first = _scaled_up(chain.counts[0].sum(), chain.counts[0])
        kept &= _can_end(onward, kept, (chain.conversions + chain.nulls)[1:, None] + (scale == 0) > 0)
    begin = np.zeros((chain.steps.states, chain.steps.channels))
    into = np.flatnonzero(chain.counts[0])
    begin[chain.steps.target[0][into]] = chain.counts[0][into][:, None] * first
    begin *= kept
    if chain.steps.states > SOLVED_AT_MOST:
        return scale * _walked(onward, begin, kept, scale)
    dense, found = onward.toarray(), np.zeros_like(begin)
    for channel in channels:
        stay = np.flatnonzero(kept[:, channel])
        inner = dense[np.ix_(stay, stay)] * scale[stay, channel][:, None]
        found[stay, channel] = np.linalg.solve(np.eye(len(stay)) - inner.T, begin[stay, channel])
    return scale * found


def _can_end(onward: sparse.csr_array, kept: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """States from which a journey can still end without the channel: elsewhere it would go round in circles."""
    leads = (onward > 0).astype(float)
    able = kept & ends
    while (more := kept & (able | (leads @ able > 0))).sum() > able.sum():
        able = more
    return able


def _scaled_up(whole: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """What the rest of a row is multiplied by when a channel is taken out of it; 0 where nothing is left of the row."""
    left = whole - gone
    some = left > ZERO * whole
    return np.where(some, whole / np.where(some, left, 1), 0.0)


def _walked(onward: sparse.csr_array, begin: np.ndarray, kept: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Solve visits = begin + one step on, for all channels at once, until all but `CLOSE` of the journeys have ended.

    What is missing in a solution is journeys still under way, and none of them can bring more than one order: their
    number bounds the error. A Krylov method comes near, plain steps (which always converge) do the rest.
    """
    back = onward.T.tocsr()

    def rest(visits: np.ndarray) -> np.ndarray:
        return begin + kept * (back @ (scale * visits)) - visits

    operator = linalg.LinearOperator(
        (begin.size, begin.size), matvec=lambda flat: -(rest(flat.reshape(begin.shape)) - begin).ravel(), dtype=float
    )
    journeys = begin.sum(axis=0).max()
    flat, _ = linalg.bicgstab(operator, begin.ravel(), rtol=0, atol=CLOSE * journeys / begin.size**0.5, maxiter=300)
    found = flat.reshape(begin.shape) if np.isfinite(flat).all() else begin
    for _ in range(100_000):
        missing = rest(found)
        if np.abs(missing).sum(axis=0).max() <= 10 * CLOSE * journeys:
            break
        found = found + missing
    return found
