"""The invented brands that the workbook ships: made at set-up from recipe and seed, not kept in git.

Their tables are 90 MB of text and follow from 300 lines of recipe, so a copy in git could only go stale. Whoever has
the code has the brands: the same on every machine up to the last digit of a rarely different logarithm.
"""

import os
import signal
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from siyu_helpers.data import cache
from siyu_helpers.data.contract import nearest
from siyu_helpers.data.simulate import RECIPES, SEEDS, simulate
from siyu_helpers.data.simulation import files


def make(
    names: Iterable[str] | None = None,
    data_root: str | os.PathLike | None = None,
    *,
    force: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, str]:
    """Make the invented brands in the folder of brands, those that are missing or made by other code.

    Parameters
    ----------
    names : iterable of str, optional
        "xiaoman", "yunzuo", "sanli"; none means all three.
    data_root : path, optional
        `data/raw` of the project unless told otherwise.
    force : bool
        True makes them again even when they are as the code would make them.
    progress : callable
        Called with one line before the work begins.

    Returns
    -------
    dict
        Name -> "made" or "unchanged".

    Raises
    ------
    ValueError
        There is no such invented brand.
    FileExistsError
        There is a folder of that name with somebody's own data; nothing was made then.
    ChildProcessError
        The process that made one of them was ended from outside.

    Example
    -------
    >>> make(["xiaomann"])
    Traceback (most recent call last):
    ValueError: There is no invented brand 'xiaomann'. Did you mean xiaoman?
    """
    root = Path(data_root) if data_root is not None else cache.default_data_root()
    chosen = list(dict.fromkeys(names or RECIPES))
    for name in chosen:
        if name not in RECIPES:
            near = nearest(name, RECIPES)
            hint = f" Did you mean {near}?" if near else f" There are: {', '.join(RECIPES)}."
            raise ValueError(f"There is no invented brand {name!r}.{hint}")
        if (root / name).exists() and not files.is_invented(root / name):
            raise FileExistsError(f"{root / name} holds data that were not simulated; nothing was changed.")
    stale = [name for name in chosen if force or files.made_by(root / name) != files.version()]
    if stale:
        progress(f"Making invented brands ({', '.join(stale)}): once, about a minute ...")
    if len(stale) > 1:
        _side_by_side(stale, root)
    elif stale:
        _make(stale[0], root)
    return {name: "made" if name in stale else "unchanged" for name in chosen}


def _side_by_side(names: list[str], root: Path) -> None:
    """Make several, each in a new process: forks of this one, which may run threads, would not be safe."""
    context, running = get_context("spawn"), []
    try:
        for name in names:
            hears, says = context.Pipe(duplex=False)
            process = context.Process(target=_made, args=(name, root, says), daemon=True)
            process.start()
            says.close()
            running.append((name, process, hears))
        for name, _, hears in running:
            try:
                trouble = hears.recv()
            except EOFError:
                trouble = ChildProcessError(f"{name}: its process was ended, or the memory was full. Run it again.")
            if trouble is not None:
                raise trouble
    finally:
        for _, process, _ in running:
            process.terminate()
            process.join()


def _made(name: str, root: Path, says: Connection) -> None:
    """Make one and tell of what went wrong: None for nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits, which ends this one
    try:
        _make(name, root)
    except Exception as error:
        says.send(error)
    else:
        says.send(None)


def _make(name: str, root: Path) -> None:
    simulate(name, seed=SEEDS[name]).write(root / name)
