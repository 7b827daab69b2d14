"""Rendering: brands x notebooks in, pages out, and a truthful record of what happened to each.

This is the coordinator. It finds out what is out of date (`freshness`), has those pages made side by side (`workers`),
moves finished ones into place (`publishing`), notes which numbers moved (`moved`) and writes the indexes (`indexes`).
It loads no library that draws, computes or runs notebooks, so that a run with nothing to do is over at once.
"""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from siyu_helpers.data import brands as brand_folders
from siyu_helpers.data import cache
from siyu_helpers.reporting import freshness, indexes, moved, publishing, records, words, workers
from siyu_helpers.reporting.page_process import Task
from siyu_helpers.reporting.parameters import ParameterError, accept
from siyu_helpers.reporting.records import RunRecord, in_a_line

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
REPORTS = PROJECT / "reports"
#: Threads take turns: starting processes, and stopping them all at the end, concerns the process as a whole, and
#: `ast.parse` in two threads at a time can fail (SystemError, Python 3.11).
ONE_AT_A_TIME = threading.RLock()


def render(
    brands: Iterable[str] | None = None,
    notebooks: Iterable[str] | None = None,
    languages: Iterable[str] = words.LANGUAGES,
    parameters: dict[str, Any] | None = None,
    *,
    out: Path | str | None = None,
    data_root: Path | str | None = None,
    force: bool = False,
    notebook_folder: Path | str | None = None,
    cell_timeout: int | None = None,
    progress: Callable[[RunRecord], None] = lambda record: None,
    jobs: int | None = None,
    plain: bool = False,
    page_timeout: float = workers.PAGE_TIMEOUT,
) -> list[RunRecord]:
    """Render notebooks for brands into pages, one HTML file per language, and return a record of each run.

    Parameters
    ----------
    brands : iterable of str, optional
        Folder names under `data_root`; none means all of them.
    notebooks : iterable of str, optional
        Stems or their numbers ("02"); none means all of them.
    languages : iterable of "zh", "en"
    parameters : dict, optional
        Names and values for the notebooks' parameters cells; text is read as the default's type.
    out, data_root, notebook_folder : path, optional
        Where pages go, where brands are, where notebooks are; by default the project's own folders.
    force : bool
        True runs also what has not changed since its page was made.
    cell_timeout, page_timeout : number
        Longest that a cell, and a page as a whole, may take, in seconds; by default ten minutes and an hour.
    progress : callable
        Called with a RunRecord each time its status changes: "waiting" once for all that has to be made, "running",
        and what became of it, in the order in which that happens.
    jobs : int, optional
        How many pages are made side by side; by default as many as there are cores, at most 4.
    plain : bool
        True starts every kernel from nothing instead of from a warm process: slower, the same pages.

    Returns
    -------
    list of RunRecord
        One per brand and notebook, brands and notebooks in order, whatever was finished first. After Ctrl-C those
        that were not begun are left out.

    Raises
    ------
    ParameterError
        A brand, notebook, language or parameter that does not exist, or a value it cannot take. Nothing has run then.
    OSError
        The folder for the pages cannot be made or written. Nothing has run then.
    """
    folder = Path(notebook_folder or NOTEBOOKS)
    chosen = find_notebooks(_listed(notebooks), folder)
    languages = _languages(_listed(languages))
    with ONE_AT_A_TIME:
        accepted = {notebook.stem: accept(notebook, parameters or {}) for notebook in chosen}
    names = _known_brands(_listed(brands), data_root)
    if jobs is not None and jobs < 1:
        raise ParameterError(f"{jobs} jobs: use 1 or more")
    out = Path(out or REPORTS)
    coordinator = _Coordinator(
        out, Path(data_root or cache.default_data_root()), None if data_root is None else str(data_root), languages,
        force, cell_timeout, page_timeout, progress, jobs, plain,
    )  # fmt: skip
    with ONE_AT_A_TIME:
        runs = [coordinator.plan(name, notebook, accepted[notebook.stem]) for name in names for notebook in chosen]
        publishing.sweep(out)
        stale = [run for run in runs if run.reasons]
        coordinator.tell_plan(runs, stale)
        with publishing.Workplace(out) if stale else contextlib.nullcontext() as temporary:
            if stale:
                coordinator.make(stale, temporary)
            _conclude(coordinator, names, runs, folder)
    return [run.record for run in runs if run.record.status != "waiting"]


@dataclass
class _Run:
    """One notebook for one brand, as the coordinator sees it: what it depends on and why it has to be made."""

    record: RunRecord
    notebook: Path
    folder: Path
    asked: dict[str, Any]
    parts: dict[str, str]
    linked: dict[str, bool]
    reasons: list[str]
    started: float = 0.0
    began: bool = True


@dataclass
class _Coordinator:
    """What all runs of one call share, and the steps of a run that only the coordinator may do."""

    out: Path
    data_root: Path
    data_asked: str | None
    languages: tuple[str, ...]
    force: bool
    cell_timeout: int | None
    page_timeout: float
    progress: Callable[[RunRecord], None]
    jobs: int | None
    plain: bool
    hashes: freshness.Hashes = field(default_factory=freshness.Hashes)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def plan(self, brand: str, notebook: Path, parameters: dict[str, Any]) -> _Run:
        """Find out whether a page has to be made, without running anything."""
        place, folder = self.out / brand, self.data_root / brand
        asked = {**parameters, "--data": self.data_asked}
        parts = freshness.parts(notebook, folder, asked, self.hashes)
        entry = records.read(place)["notebooks"].get(notebook.stem, {"status": "", "pages": {}})
        linked = {lang: self._linked(place, notebook.stem, lang) for lang in self.languages}
        reasons = ["asked"] if self.force else [] if entry["status"] in records.DONE else ["failed before"]
        for lang in self.languages:
            page = entry["pages"].get(lang)
            reasons += freshness.reasons(page, parts, linked[lang], place, self.hashes)
        record = RunRecord(brand, notebook.stem, list(self.languages), parameters)
        record.pages = [str(place / lang / f"{notebook.stem}.html") for lang in self.languages]
        record.expected = entry.get("seconds", 0.0)
        return _Run(record, notebook, folder, asked, parts, linked, reasons)

    def _linked(self, place: Path, stem: str, lang: str) -> bool:
        others = [other for other in words.LANGUAGES if other != lang]
        return any(other in self.languages or (place / other / f"{stem}.html").exists() for other in others)

    def tell_plan(self, runs: list[_Run], stale: list[_Run]) -> None:
        """Tell what has to be made, and what has not."""
        for run in stale:
            self.progress(run.record)
        for run in runs:
            if not run.reasons:
                run.record.status = "unchanged"
                self.progress(run.record)

    def make(self, stale: list[_Run], temporary: Path) -> None:
        """Have pages made side by side and publish each as it is finished; Ctrl-C ends those that are running."""
        # A warm process goes on with the code it began with, which an analyst may have changed since.
        plain = self.plain or not workers.is_current(freshness.preloaded(self.hashes))
        jobs = min(self.jobs or workers.usual_jobs(), len(stale))
        tasks = [self._task(run, temporary / str(number), plain, jobs) for number, run in enumerate(stale)]
        try:
            with contextlib.closing(workers.side_by_side(tasks, jobs, self.page_timeout)) as telling:
                for told in telling:
                    self._heard(stale[told.number], told, tasks[told.number].folder)
        except KeyboardInterrupt:
            running = [run for run in stale if run.record.status == "running"]
            for run in running or [run for run in stale if run.record.status == "waiting"][:1]:
                run.record.status, run.record.error = "interrupted", "stopped; the pages of before are untouched"
                self.progress(run.record)

    def _task(self, run: _Run, folder: Path, plain: bool, jobs: int) -> Task:
        record = run.record
        return Task(
            record.brand, run.notebook.resolve(), self.languages, record.parameters, self.data_asked, run.linked,
            run.parts["code"], folder, self.cell_timeout, plain, jobs,
        )  # fmt: skip

    def _heard(self, run: _Run, told: workers.Told, folder: Path) -> None:
        record = run.record
        if told.kind == "loaded":
            self.facts[record.brand] = told.content
            return
        if told.kind == "started":
            record.status, run.started = "running", time.monotonic()
        else:
            record.seconds = round(time.monotonic() - run.started, 2) if run.started else 0.0
        if told.kind == "failed":
            record.status, record.error, record.told = "failed", told.content["error"], told.content["told"]
            run.began = told.content["began"]
        if told.kind == "made":
            record.warnings, record.cell_seconds = told.content["warnings"], told.content["cell_seconds"]
            try:
                self._publish(run, told.content, folder)
            except (OSError, ChangedMeanwhileError) as error:
                record.status, record.error, record.told = "failed", in_a_line(error), type(error).__name__
        if told.kind in ("made", "failed"):
            # Room for the record of it on a disk that has become full, and for the pages that come after.
            shutil.rmtree(folder, ignore_errors=True)
        self.progress(record)

    def _publish(self, run: _Run, made: dict[str, Any], folder: Path) -> None:
        """Move a finished page into place, together with what is known of it: all of it, or none."""
        now = freshness.parts(run.notebook, run.folder, run.asked, self.hashes)
        if now != run.parts:
            raise ChangedMeanwhileError(freshness.causes(run.parts, now))
        record, place = run.record, self.out / run.record.brand
        kept, at = records.read(place), records.now()
        pages = records.entry_of(kept, record.notebook)["pages"]
        currencies = (kept["brand"]["currency"], self.facts[record.brand]["currency"])
        rows = moved.after_run(place, record.notebook, pages, made["numbers"], run.parts, currencies, at)
        kept["brand"], kept["checked"] = self.facts[record.brand], at
        records.note(kept, replace(record, status="rendered"))
        moves = []
        for lang, files in made["files"].items():
            named = {f"{lang}/{name}": sha for name, sha in files.items()}
            pages[lang] = {
                "made": at, "until": made["until"], "parameters": record.parameters, "parts": run.parts,
                "linked": run.linked[lang], "files": named, "older": [], "decision": made["decision"],
            }  # fmt: skip
            moves += [(folder / name, place / name) for name in named]
        for name, text, encoding in (
            (moved.FILE, moved.to_csv(rows), "utf-8-sig"),
            (records.FILE, records.text_of(kept), "utf-8"),
        ):
            (folder / name).write_text(text, encoding=encoding, newline="\n")
            moves.append((folder / name, place / name))
        publishing.publish(moves, folder)
        record.status = "rendered"
        record.moved = sum(1 for row in rows if row.notebook == record.notebook)


class ChangedMeanwhileError(Exception):
    """What a page depends on changed while it was made: nobody could say which of the two it shows."""

    def __init__(self, causes: list[str]):
        super().__init__(f"the {' and '.join(causes)} changed while the page was made; run it again.")


def _conclude(coordinator: _Coordinator, names: list[str], runs: list[_Run], folder: Path) -> None:
    """Write down how each brand stands now, and the indexes; what cannot be written is told in the records."""
    for name in names:
        of_brand = [run for run in runs if run.record.brand == name]
        if (coordinator.out / name).is_dir():
            try:
                _keep(coordinator, name, of_brand, folder)
            except OSError as error:
                _fail(of_brand, error)
    for name, error in indexes.write(coordinator.out, find_notebooks(None, folder)):
        _fail([run for run in runs if name in ("", run.record.brand)], error)


def _fail(runs: list[_Run], error: OSError) -> None:
    for run in runs:
        run.record.status, run.record.error = "failed", run.record.error or in_a_line(error)


def _keep(coordinator: _Coordinator, name: str, runs: list[_Run], folder: Path) -> None:
    """Note what became of the runs of a brand, and which of its pages, asked for or not, are out of date."""
    place = coordinator.out / name
    kept = records.read(place)
    kept["checked"] = records.now()
    for run in runs:
        if run.record.status in ("unchanged", "failed", "interrupted") and run.began:
            records.note(kept, run.record)
    for stem, entry in kept["notebooks"].items():
        notebook = folder / f"{stem}.ipynb"
        for page in entry["pages"].values():
            asked = {**page["parameters"], "--data": coordinator.data_asked}
            if notebook.is_file():
                now = freshness.parts(notebook, coordinator.data_root / name, asked, coordinator.hashes)
                page["older"] = freshness.reasons(page, now, page["linked"], place, coordinator.hashes)
    publishing.write_whole(place / records.FILE, records.text_of(kept))


def _listed(asked: Iterable[str] | str | None) -> list[str]:
    return [asked] if isinstance(asked, str) else list(dict.fromkeys(asked or []))


def _known_brands(asked: list[str], data_root: Path | str | None) -> list[str]:
    """The brands asked for, or all; a name that is no brand is refused before anything runs."""
    if data_root is not None and not Path(data_root).is_dir():
        raise ParameterError(f"there is no folder {data_root}: --data names the folder that holds the brand folders")
    there = brand_folders.list_brands(data_root)
    for name in asked:
        if name not in there:
            try:
                brand_folders.load(name, data_root)
            except brand_folders.UnknownBrandError as error:
                raise ParameterError(str(error)) from None
            except brand_folders.DataProblems:
                pass  # there is such a folder; what is wrong in it is told when its turn comes
    return asked or there


def find_notebooks(asked: Iterable[str] | None, folder: Path = NOTEBOOKS) -> list[Path]:
    """The notebooks named by stem or number, in order; all of them when none is named."""
    there = sorted(path for path in folder.glob("[0-9][0-9]_*.ipynb"))
    chosen = []
    for name in asked or [path.stem for path in there]:
        stem = Path(name).name.removesuffix(".ipynb")
        found = [path for path in there if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if len(found) != 1:
            raise ParameterError(f"no notebook {name!r}: there are {', '.join(path.stem for path in there)}")
        chosen += found
    return sorted(set(chosen))


def _languages(asked: Iterable[str]) -> tuple[str, ...]:
    wrong = [lang for lang in asked if lang not in words.LANGUAGES]
    if wrong:
        raise ParameterError(f"no language {wrong[0]!r}: use zh or en")
    return tuple(lang for lang in words.LANGUAGES if lang in tuple(asked)) or words.LANGUAGES
