"""What members would leave at other numbers of messages: staying, lift, loss by opting out, and net of costs.

Arrays in, arrays out: a row a draw (the first: the data as they are), a column a number of messages a month. Opens no
files and draws nothing. What it rests on is said in `best_frequency.frequency_curve`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from siyu_helpers.analysis.effect.contact_pressure import Curve
from siyu_helpers.analysis.effect.frequency_arms import Arm
from siyu_helpers.analysis.effect.message_weeks import MONTH_DAYS, pressure_of

FREQUENCIES = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 50, 60, 90)
BEYOND = 1.5  # frequencies up to so many times the highest that was tried are looked at
AT_LEAST_UP_TO = 12  # messages a month that are always looked at
WEIGHT_AT_MOST = 50.0


def frequencies(usual: float, most: float) -> np.ndarray:
    """Messages a month that are looked at: round numbers, the one sent (`usual`) and one more than that."""
    highest = max(BEYOND * most, AT_LEAST_UP_TO)
    round_ones = [float(f) for f in FREQUENCIES if f <= highest and (f == 0 or not -0.3 < f - usual < 1.3)]
    return np.unique([*round_ones, usual, usual + 1])


def middle_of(fade_days: tuple[float, ...]) -> float:
    """Geometric mean; infinite if one of them is."""
    if any(map(math.isinf, fade_days)):
        return math.inf
    return math.exp(np.mean(np.log(fade_days)))


def staying(arm: Arm, curve: Curve, messages: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """Chance of not having opted out by the end of each week."""
    hazard = -messages * np.log1p(-np.minimum(curve.chance(pressure), 0.999))
    running = np.cumsum(hazard)
    start = np.flatnonzero(arm.age == 0)
    before = (running - hazard)[start]
    return np.exp(-(running - np.repeat(before, np.diff(np.append(start, len(running))))))


def lifts_of(arms: list[Arm], curve: Curve, lift_days: int, weights: list[np.ndarray]) -> np.ndarray:
    """Lift of each arm with messages on contribution in the pool: draws x arms."""
    sums = []
    for arm in arms:
        used = arm.inside * (arm.age < lift_days / 7)
        if arm is not arms[0]:
            pressure = pressure_of(arm.per_month, arm.order_days)
            used = used / np.maximum(staying(arm, curve, arm.messages, pressure), 1 / WEIGHT_AT_MOST)
        sums.append([np.bincount(arm.row, values, arm.members) for values in (used * arm.earned, used)])
    known = [arm.known for arm in arms]
    centred = [np.column_stack([x, np.ones(len(x))]) for x in known]
    slope = _slopes(centred, sums)
    pooled = sum(weight @ x * arm.members for weight, x, arm in zip(weights, known, arms, strict=True))
    pooled = pooled / sum(arm.members for arm in arms)
    means = []
    for (earned, weeks), weight, x in zip(sums, weights, known, strict=True):
        means.append((weight @ earned - (weight @ x - pooled) @ slope) / (weight @ weeks))
    return np.column_stack([mean / means[0] - 1 for mean in means[1:]])


def _slopes(known: list[np.ndarray], sums: list[list[np.ndarray]]) -> np.ndarray:
    """How what is earned depends on what was known before the lot, within arms; arms count alike."""
    left = sum(x.T @ x / len(x) for x in (k - k.mean(axis=0) for k in (k[:, :-1] for k in known)))
    right = sum(
        (k[:, :-1] - k[:, :-1].mean(axis=0)).T @ (e - e.mean()) / len(k) for k, (e, _) in zip(known, sums, strict=True)
    )
    return np.linalg.lstsq(left, right, rcond=1e-8)[0]


def sums_of(
    arm: Arm, curve: Curve, grid: np.ndarray, usual: float, fade: float, value_days: int, weights: np.ndarray
) -> np.ndarray:
    """Means over members of the holdout arm, draws x columns, see `split`.

    kept: contribution of the weeks in the pool that opting out would not have ended. held: the same, the pool's effect
    worn off with time. months: in the pool. These three a frequency. Then of the first `value_days` kept and held at
    the usual frequency, and held without messages, of members observed for so long; then all that was earned, and
    months since the lot.
    """
    age = arm.age * 7.0
    worn = np.exp(-age / fade)
    long_enough = np.bincount(arm.row, minlength=arm.members) * 7 >= value_days - 7
    early = (age < value_days) * long_enough[arm.row]

    def of(values):
        return np.bincount(arm.row, values, arm.members)

    kept, held, months = [], [], []
    for f in grid:
        stays = arm.inside * staying(arm, curve, np.full(len(age), f * 7 / MONTH_DAYS), pressure_of(f, arm.order_days))
        kept.append(of(arm.earned * stays))
        held.append(of(arm.earned * stays * worn))
        months.append(of(stays * 7 / MONTH_DAYS))
        if f == usual:
            at_sent = [of(arm.earned * stays * early), of(arm.earned * stays * worn * early)]
    at_sent.append(of(arm.earned * arm.inside * worn * early))
    share = np.maximum(weights @ long_enough.astype(float), 1e-12)[:, None]
    whole = [of(arm.earned), of(np.full(len(age), 7 / MONTH_DAYS))]
    return np.hstack(
        [
            weights @ np.column_stack([*kept, *held, *months]),
            weights @ np.column_stack(at_sent) / share,
            weights @ np.column_stack(whole),
        ]
    )


def at_curves(curve: Curve, moved: np.ndarray, function: Callable[[Curve], np.ndarray]) -> np.ndarray:
    """A quantity at the curve of each draw: draws x columns, its dependence on the curve taken for linear."""
    centre = function(curve)
    steps = np.maximum(np.sqrt(np.diag(curve.covariance)), 1e-3)
    total = centre.copy()
    for which, step in enumerate(steps):
        shift = np.where(np.arange(2) == which, step, 0.0)
        ahead, back = (function(Curve(curve.level + s * shift[0], curve.power + s * shift[1], curve.covariance, 0))[:1]
                       for s in (1, -1))  # fmt: skip
        total = total + moved[:, which][:, None] * (ahead - back) / (2 * step)
    return total


def split(total: np.ndarray) -> tuple[np.ndarray, ...]:
    """Take the sums of `sums_of` apart: three blocks of a column a frequency, then five columns."""
    many = (total.shape[1] - 5) // 3
    return (*(total[:, k * many : (k + 1) * many] for k in range(3)), *total[:, 3 * many :].T)


def share_lost(total: np.ndarray, lifts: np.ndarray, shares: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Share of what a member in the pool earns that the pool causes, at its beginning and apart from messages.

    What joining is worth = share lost x what is held by those with and without messages + what the messages add. At
    most everything is lost.
    """
    *_, kept, held, without, _, _ = split(total)
    reached = shares.sum()
    lift = lifts @ shares / reached
    lost = (worth - reached * lift * kept) / ((1 - reached) * without + reached * held)
    return np.minimum(lost, 1.0)


def fits(lifts: np.ndarray, sent: np.ndarray, half: float, level: float) -> bool:
    """Whether a shape agrees with the lifts of several arms; one arm agrees with every shape."""
    if lifts.shape[1] < 2:
        return True
    shape = response(sent, half)
    precision = np.linalg.pinv(np.cov(lifts[1:].T))
    scale = shape @ precision @ lifts[0] / (shape @ precision @ shape)
    rest = lifts[0] - scale * shape
    return bool(rest @ precision @ rest <= stats.chi2.ppf(level, lifts.shape[1] - 1))


def response(f: np.ndarray, half: float) -> np.ndarray:
    """Share of the response to very many messages that f a month give: f / (f + half); without a half, f itself."""
    return np.asarray(f, dtype=float) if math.isinf(half) else f / (f + half)


def net_of(total, lifts, sent, half, lost, cost, grid) -> np.ndarray:
    """Net contribution against no messages, per member since the lot: draws x frequencies."""
    kept, held, months, *_ = split(total)
    shape = response(sent, half)
    precision = np.linalg.pinv(np.cov(lifts[1:].T)) if len(sent) > 1 else np.ones((1, 1))
    scale = lifts @ precision @ shape / (shape @ precision @ shape)
    lift = scale[:, None] * response(grid, half)
    return lift * kept - lost[:, None] * (held[:, :1] - held) - cost * grid * months


def next_message(total, lift, usual, lost, cost, grid) -> np.ndarray:
    """What one message a month more adds a member and month at the number sent, if the response were straight."""
    kept, held, months, *_, since = split(total)
    here = int(np.searchsorted(grid, usual))
    f = grid[here : here + 2]
    net = lift[:, None] * f / usual * kept[:, here : here + 2] + lost[:, None] * held[:, here : here + 2]
    net = net - cost * f * months[:, here : here + 2]
    return (net[:, 1] - net[:, 0]) / since
