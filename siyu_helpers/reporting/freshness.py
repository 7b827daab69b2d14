"""Freshness: whether a page on disk is what a run would make now, and if not, what has changed.

A page depends on four parts, kept apart so that a number that moved can say why: the brand's files, the code, what was
asked, the software. In doubt a page is made again: a stale page must never pass for a fresh one.
"""

import ast
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from siyu_helpers.data import market

PACKAGE = Path(__file__).resolve().parents[1]
#: What every page is made by: this module with everything it imports, and every file of the package that is not Python
#: (templates), except the index pages' templates, since those pages are written anew by each run.
MAKER = "siyu_helpers.reporting.making"
NO_PAGE = "reporting/template/index/"
#: A page that leads to sections of other pages depends on the headings of their notebooks.
LINKING = "reporting/sections.py"
#: Packages whose version may change a page.
SOFTWARE = (
    "pandas", "polars", "statsmodels", "seaborn", "papermill", "nbconvert", "numpy", "scipy", "narwhals", "matplotlib",
    "mplfonts", "nbclient", "ipython", "jinja2", "mistune", "pygments", "latex2mathml", "pyarrow",
)  # fmt: skip
#: Names in a notebook behind which an import may hide that reading the code does not show.
HIDING = {"__import__", "importlib", "import_module", "runpy", "exec", "eval", "get_ipython"}


class Hashes:
    """What one run has found out of files: their SHA-256, each read once as long as it stays as it is, and so on."""

    def __init__(self) -> None:
        self.known: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self.imports: dict[str, set[str]] = {}
        self.used: dict[str, set[Path] | None] = {}
        self.software: list[Any] = []

    def of(self, path: Path) -> str:
        """Hash of a file; empty when it cannot be read."""
        try:
            stat = path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if self.known.get(path, (None,))[0] != seen:
                with path.open("rb") as stream:
                    self.known[path] = (seen, hashlib.file_digest(stream, "sha256").hexdigest())
            return self.known[path][1]
        except OSError:
            return ""

    def imports_of(self, module: Path) -> set[str]:
        """The names that a module of the library imports."""
        key = f"{module} {self.of(module)}"
        if key not in self.imports:
            package = ".".join(module.parent.relative_to(PACKAGE.parent).parts)
            self.imports[key] = _imported(ast.parse(module.read_bytes()), package)
        return self.imports[key]


def parts(notebook: Path, folder: Path, asked: dict[str, Any], hashes: Hashes) -> dict[str, str]:
    """What a page depends on, by cause: "data", "code", "parameters", "software" -> hash.

    Parameters
    ----------
    notebook : Path
        The notebook as it is in the project; it counts as code.
    folder : Path
        The brand's folder.
    asked : dict
        What was asked for: the parameters, and whatever else a page says of its making.
    hashes : Hashes
        Shared by all pages of a run.
    """
    hashes.software = hashes.software or [platform.python_version(), *((name, version(name)) for name in SOFTWARE)]
    return {
        "data": _hash(_data(folder, hashes)),
        "code": _hash([hashes.of(notebook), _code(notebook, hashes)]),
        "parameters": _hash(sorted((name, repr(value)) for name, value in asked.items())),
        "software": _hash(hashes.software),
    }


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _data(folder: Path, hashes: Hashes) -> list[tuple[str, str]]:
    """Every file of the brand and of the public facts it meets: also a stray file may bring a warning to the page."""
    there = []
    for place in (folder, market.folder(folder.parent)):
        files = (path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
        there += sorted((path.relative_to(place.parent).as_posix(), hashes.of(path)) for path in files)
    return there


def preloaded(hashes: Hashes) -> str:
    """Hash of the library's code that a warm process has imported before it is asked for anything."""
    tree = ast.parse((PACKAGE / "reporting" / "preload.py").read_bytes())
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {text for text in strings if text.startswith(f"{PACKAGE.name}.")}
    found = _followed({MAKER, f"{PACKAGE.name}.reporting.preload", *named}, hashes)
    return _hash(sorted((str(path), hashes.of(path)) for path in found))


def _code(notebook: Path, hashes: Hashes) -> list[tuple[str, str]]:
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    named = {path.relative_to(PACKAGE).as_posix(): path for path in files}
    state = _hash([hashes.of(notebook), sorted((name, hashes.of(path)) for name, path in named.items())])
    if state not in hashes.used:  # the same for each brand
        hashes.used[state] = modules_used(notebook, hashes)
    used = hashes.used[state]
    counted = [
        name
        for name, path in named.items()
        if not name.startswith(NO_PAGE) and (path.suffix != ".py" or used is None or path in used)
    ]
    beside = sorted(notebook.parent.glob("*.ipynb")) if LINKING in counted else []
    return [(name, hashes.of(named[name])) for name in sorted(counted)] + [(p.name, hashes.of(p)) for p in beside]


def modules_used(notebook: Path, hashes: Hashes) -> set[Path] | None:
    """The library's modules that a notebook and its page depend on, as files; None when that cannot be told.

    Imports are followed through the library by reading its code. A notebook with magics or imports by name hides what
    it uses, so everything counts then.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
        named = _imported(tree, "")
        said = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if (said | {name.split(".")[0] for name in named}) & HIDING or any(name.endswith("*") for name in named):
            return None
        return _followed({MAKER, *named}, hashes)
    except (OSError, ValueError, KeyError, SyntaxError):
        return None


def _followed(named: set[str], hashes: Hashes) -> set[Path]:
    """The files behind dotted names, and behind all that they import in turn."""
    there, found = set(PACKAGE.rglob("*.py")), set()
    waiting = set(named)
    while waiting:
        new = _files(waiting.pop(), there) - found
        found |= new
        for path in new:
            waiting |= hashes.imports_of(path)
    return found


def _files(name: str, there: set[Path]) -> set[Path]:
    """The file behind a dotted name and those of the packages it lies in; a name within a module has the module's."""
    place, found = PACKAGE.parent, set()
    for step in name.split("."):
        place = place / step
        found |= {place / "__init__.py", place.with_suffix(".py")} & there
    return found


def _imported(tree: ast.AST, package: str) -> set[str]:
    """Dotted names of the library that imports may mean: of `from a import b` both a and a.b."""
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            steps = package.split(".")
            above = steps[: len(steps) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            named |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in named if name.split(".")[0] in (PACKAGE.name, *HIDING)}


def reasons(page: dict[str, Any] | None, now: dict[str, str], linked: bool, folder: Path, hashes: Hashes) -> list[str]:
    """Why a page is not what a run would make now; an empty list when it is.

    Parameters
    ----------
    page : dict or None
        What run.json keeps of one language of the page.
    now : dict
        The `parts` of today.
    linked : bool
        Whether there is, or will be, the page in the other language, to which this one has a link then.
    folder : Path
        Where the brand's pages are.

    Returns
    -------
    list of str
        Of "data", "code", "parameters", "software" those that changed; else "files" (missing, or altered since it was
        made) or "link"; "new" when it was never made.
    """
    if page is None:
        return ["new"]
    changed = causes(page["parts"], now)
    if changed:
        return changed
    if not page["files"] or any(hashes.of(folder / name) != sha for name, sha in page["files"].items()):
        return ["files"]
    return [] if page["linked"] == linked else ["link"]


def causes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """The parts that differ.

    >>> causes({"data": "1", "code": "2"}, {"data": "1", "code": "3"})
    ['code']
    """
    return [name for name in now if before.get(name) != now[name]]
