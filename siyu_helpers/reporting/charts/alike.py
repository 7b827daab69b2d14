"""Pictures that are compared one after the other: the same axes for all of them, or a change of scale would mislead.

`measuring` draws without showing and tells the ends of the axes; `within` gives charts the ends found for all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from matplotlib.figure import Figure

#: Of one chart: its size in inches, and of each of its axes left, right, bottom, top.
Frame = tuple[tuple[float, float], tuple[tuple[float, float, float, float], ...]]

_MEASURED: ContextVar[list[Frame] | None] = ContextVar("measured", default=None)
_WANTED: ContextVar[list[Frame | None] | None] = ContextVar("wanted", default=None)


@contextmanager
def measuring() -> Iterator[list[Frame]]:
    """Charts made inside are measured, in the order in which they are made, and not shown."""
    found: list[Frame] = []
    token = _MEASURED.set(found)
    try:
        yield found
    finally:
        _MEASURED.reset(token)


@contextmanager
def within(frames: Sequence[Frame | None]) -> Iterator[None]:
    """Charts made inside get these ends of their axes, in order; None leaves a chart its own."""
    token = _WANTED.set(list(frames))
    try:
        yield
    finally:
        _WANTED.reset(token)


def measure(figure: Figure) -> bool:
    """Note the ends of a figure's axes if somebody measures; True: it is not to be shown."""
    found = _MEASURED.get()
    if found is not None:
        found.append((tuple(figure.get_size_inches()), tuple(_ends(axes) for axes in figure.axes)))
    return found is not None


def next_frame() -> Frame | None:
    """The frame for the chart that is made next, if any."""
    wanted = _WANTED.get()
    return wanted.pop(0) if wanted else None


def fit(figure: Figure, frame: Frame | None) -> None:
    """Give a figure the ends of a frame, if it is laid out like it."""
    if frame and _layout(frame) == (tuple(figure.get_size_inches()), len(figure.axes)):
        for axes, (left, right, bottom, top) in zip(figure.axes, frame[1], strict=True):
            axes.set_xlim(left, right)
            axes.set_ylim(bottom, top)


def common(drawings: Sequence[Sequence[Frame]]) -> list[Frame | None]:
    """The frames that hold every one of several drawings, chart by chart; None where they are laid out differently.

    >>> common([[((5, 3), ((0, 1, 0, 10),))], [((5, 3), ((0, 2, 0, 8),))]])
    [((5, 3), ((0, 2, 0, 10),))]
    """
    if len({len(drawing) for drawing in drawings}) != 1:
        return []
    return [_union(charts) for charts in zip(*drawings, strict=True)]


def _union(charts: Sequence[Frame]) -> Frame | None:
    if len({_layout(frame) for frame in charts}) != 1:
        return None
    size, first = charts[0]
    ends = []
    for at in range(len(first)):
        several = [frame[1][at] for frame in charts]
        ends.append((*_wider(several, 0, 1), *_wider(several, 2, 3)))
    return size, tuple(ends)


def _wider(ends: Sequence[tuple[float, ...]], one: int, other: int) -> tuple[float, float]:
    """Both ends of an axis that holds all; one that counts downwards keeps doing so."""
    every = [end[side] for end in ends for side in (one, other)]
    upwards = ends[0][one] <= ends[0][other]
    return (min(every), max(every)) if upwards else (max(every), min(every))


def _layout(frame: Frame) -> tuple[tuple[float, float], int]:
    return frame[0], len(frame[1])


def _ends(axes: Any) -> tuple[float, float, float, float]:
    return (*map(float, axes.get_xlim()), *map(float, axes.get_ylim()))
