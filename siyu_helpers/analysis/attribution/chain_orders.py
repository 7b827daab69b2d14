"""Order of the chain: how many of the last touches say anything about the next step.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from siyu_helpers.analysis.attribution.chains import ORDERS, Steps, check_order, steps_of
from siyu_helpers.analysis.attribution.paths import Paths, encode
from siyu_helpers.analysis.attribution.resampling import distinct


def choose_order(journeys: pd.DataFrame, orders: Sequence[int] = ORDERS, folds: int = 5, seed: int = 1) -> pd.DataFrame:
    """Which order of the chain foretells best the journeys it has not seen.

    table (path)  ->  table (order)

    Parameters
    ----------
    journeys : DataFrame
        path, conversions, nulls, see `paths.encode`.
    orders : sequence of int
        Orders to compare, from 1 to 3.
    folds, seed : int
        Journeys are dealt at random into so many parts of about equal size; each part is foretold from the others. What
        a row has of fractions of a journey goes into one part.

    Returns
    -------
    DataFrame: order, states, log_likelihood, difference, difference_se, chosen. states: with a history that somebody
    had. log_likelihood: per journey, all its steps and its end together; nearer to 0 is better. difference: from the
    best order, 0 or less; difference_se: its standard error over journeys. chosen: the lowest order that is less than
    one standard error worse than the best. With fewer journeys than folds the numbers are blank, and the lowest
    order is chosen.

    Raises
    ------
    ValueError
        For an order outside 1 to 3, no order at all, or fewer than two folds.

    Notes
    -----
    Steps that the other parts never made need some chance, too: at every order the chances of a state are mixed with
    those of the state one touch shorter, down to equal chances, the more so the fewer journeys and the more kinds of
    next step were seen (Witten and Bell 1991, IEEE Trans. Inf. Theory 37, 1085-1094). The likelihood of the same
    journeys that the chances were counted from would always prefer the highest order. One standard error: Breiman,
    Friedman, Olshen and Stone (1984), section 3.4.3.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("a", "b"), ("b", "a"), ("a",), ("b",)], "conversions": [90, 5, 40, 45]})
    >>> found = choose_order(table.assign(nulls=[5, 95, 50, 45]), orders=(1, 2))
    >>> found[["order", "states", "chosen"]]
       order  states  chosen
    0      1       2   False
    1      2       4    True
    """
    orders = sorted({check_order(order) for order in orders})
    if not orders or folds < 2:
        raise ValueError("choose_order needs one order or more, and two folds or more")
    paths = distinct(encode(journeys)).paths
    steps = [steps_of(paths, order) for order in range(1, orders[-1] + 1)]
    dealt = _dealt(paths, folds, seed)
    said, weight = _foretold(paths, steps, dealt)
    total = weight.sum()
    enough = total >= folds and all(part.sum() > 0 for part in weight)
    frame = pd.DataFrame({"order": orders, "states": [steps[order - 1].states for order in orders]})
    logs = np.array([(said[order - 1] * weight).sum() / total if enough else np.nan for order in orders])
    best = int(np.argmax(logs)) if enough else 0
    gaps = [said[order - 1] - said[orders[best] - 1] for order in orders]
    frame["log_likelihood"], frame["difference"] = logs, logs - logs[best]
    variances = [(weight * (gap - mean) ** 2).sum() for gap, mean in zip(gaps, frame["difference"], strict=True)]
    frame["difference_se"] = np.sqrt(variances) / total if enough else np.nan
    near = (-frame["difference"] <= frame["difference_se"]) | (frame["order"] == orders[best])
    frame["chosen"] = frame.index == near.to_numpy().argmax()
    return frame


def _dealt(paths: Paths, folds: int, seed: int) -> np.ndarray:
    """Conversions and nulls of each row, dealt into parts (folds x 2 x rows)."""
    rng, parts = np.random.default_rng(seed), []
    for numbers in (paths.conversions, paths.nulls):
        whole = np.floor(numbers)
        part = rng.multinomial(whole.astype(np.int64), np.full(folds, 1 / folds)).astype(float)
        part[np.arange(len(numbers)), rng.integers(0, folds, len(numbers))] += numbers - whole
        parts.append(part.T)
    return np.stack(parts, axis=1)


def _foretold(paths: Paths, steps: list[Steps], dealt: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Log-likelihood of a journey along each row, by order, and how many there are (folds x 2 x rows)."""
    said = [np.zeros(dealt.shape) for _ in steps]
    for fold, held in enumerate(dealt):
        seen = dealt.sum(axis=0) - held
        lower = _without_history(paths, seen)
        for order, made in enumerate(steps):
            chances = _chances(_counted(paths, made, seen), lower, made, steps[order - 1] if order else None)
            with np.errstate(divide="ignore"):  # no journey ends before its first touch
                logs = np.log(chances)
            source, code = np.divmod(made.step, made.channels)
            along = np.bincount(paths.rows, logs[source, code], len(paths.conversions))
            said[order][fold] = along + logs[made.end, made.channels :].T
            lower = chances
    return said, dealt


def _counted(paths: Paths, made: Steps, seen: np.ndarray) -> np.ndarray:
    """Journeys by state (the start first) and next step: a touch of each channel, an order, an end without one."""
    rows = made.states + 1
    through = np.repeat(seen.sum(axis=0), paths.lengths)
    counts = np.bincount(made.step, through, rows * made.channels).reshape(rows, made.channels)
    return np.column_stack([counts, *(np.bincount(made.end, numbers, rows) for numbers in seen)])


def _without_history(paths: Paths, seen: np.ndarray) -> np.ndarray:
    """Chances of the next step whatever came before: one row for the start, one for all other states."""
    channels = len(paths.channels)
    first, counts = np.append(np.ones(channels), [0, 0]), np.zeros(channels + 2)
    through = np.repeat(seen.sum(axis=0), paths.lengths)
    through[paths.starts[:-1]] = 0
    counts[:channels] = np.bincount(paths.codes, through, channels)
    counts[channels:] = seen.sum(axis=1)
    even = np.stack([first / max(1, channels), np.full(channels + 2, 1 / (channels + 2))])
    return np.stack([even[0], _mixed(counts[None], even, np.array([1]))[0]])


def _mixed(counts: np.ndarray, lower: np.ndarray, shorter: np.ndarray) -> np.ndarray:
    """Chances by state: what was counted, mixed with the chances of the state with the shorter history."""
    kinds = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
    return (counts + kinds * lower[shorter]) / (counts.sum(axis=1, keepdims=True) + kinds)


def _chances(counts: np.ndarray, lower: np.ndarray, made: Steps, below: Steps | None) -> np.ndarray:
    """Chances by state (the start first) from those of the order below, or from those without history."""
    if below is None:
        return _mixed(counts, lower, np.append(0, np.ones(made.states, dtype=np.int64)))
    shorter = np.zeros(made.states + 1, dtype=np.int64)  # the state that remembers one touch less
    shorter[made.state] = below.state
    # At the start of a journey the order below remembers everything already: it is the same state.
    whole = np.append(True, (made.histories[:, :2] < 0).all(axis=1))
    return np.where(whole[:, None], lower[shorter], _mixed(counts, lower, shorter))
