"""The invented brands that the workbook ships: made at set-up from recipe and seed, not kept in git.

Their tables are 90 MB of text and follow from 300 lines of recipe, so a copy in git could only go stale. Whoever has
the code has the brands: the same on every machine up to the last digit of a rarely different logarithm.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
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
        # New processes rather than forks of this one, which may run threads.
        with ProcessPoolExecutor(min(len(stale), os.cpu_count() or 1), get_context("spawn")) as workers:
            list(workers.map(_make, stale, [root] * len(stale)))
    elif stale:
        _make(stale[0], root)
    return {name: "made" if name in stale else "unchanged" for name in chosen}


def _make(name: str, root: Path) -> None:
    simulate(name, seed=SEEDS[name]).write(root / name)
