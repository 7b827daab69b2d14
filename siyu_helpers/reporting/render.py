"""Rendering: brands x notebooks in, pages out, and a truthful record of what happened to each.

A page appears whole or not at all: notebooks run and are exported into a temporary folder beside the pages, and files
are moved into place when every language of the page is there. What fails leaves the pages of before untouched.
"""

import contextlib
import hashlib
import json
import os
import platform
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from siyu_helpers.data import brands as brand_folders
from siyu_helpers.data.cache import is_running
from siyu_helpers.reporting import execution, pages, words
from siyu_helpers.reporting.ledger import report_date
from siyu_helpers.reporting.parameters import ParameterError, accept, parameters_of

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
REPORTS = PROJECT / "reports"
PACKAGES = ("pandas", "polars", "statsmodels", "seaborn", "papermill", "nbconvert")  # named on every page
SHAPING = (*PACKAGES, "numpy", "scipy", "narwhals", "matplotlib", "nbclient", "jinja2", "latex2mathml")


@dataclass
class RunRecord:
    """What became of one notebook for one brand.

    status : "rendered", "unchanged" (nothing it depends on has changed), "failed" or "interrupted".
    error : why, when it failed; it may quote data, so it is for the terminal. told : what of it may be written to a
    file. seconds : wall-clock time of the run and the export. sizes : bytes of each file written, by path.
    """

    brand: str
    notebook: str
    languages: list[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    status: str = "failed"
    error: str = ""
    told: str = ""
    seconds: float = 0.0
    pages: list[str] = field(default_factory=list)
    fingerprint: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


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
    cell_timeout: int = execution.CELL_TIMEOUT,
    progress: Callable[[RunRecord | str], None] = lambda step: None,
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
    progress : callable
        Called with a line before each run and with its RunRecord after it.

    Returns
    -------
    list of RunRecord
        One per brand and notebook, in the order of the run. After Ctrl-C the interrupted run is the last.

    Raises
    ------
    ParameterError
        A brand, notebook, language or parameter that does not exist, or a value it cannot take. Nothing has run then.
    """
    folder = Path(notebook_folder or NOTEBOOKS)
    chosen = find_notebooks(_listed(notebooks), folder)
    languages = _languages(_listed(languages))
    accepted = {notebook.stem: accept(notebook, parameters or {}) for notebook in chosen}
    names = _known_brands(_listed(brands), data_root)
    out = Path(out or REPORTS)
    records: list[RunRecord] = []
    with _Workplace(out) as temporary:
        for name in names:
            runs = [RunRecord(name, notebook.stem, list(languages), accepted[notebook.stem]) for notebook in chosen]
            _render_brand(runs, chosen, records, _Job(out, data_root, force, temporary, cell_timeout, progress))
            if records and records[-1].status == "interrupted":
                break
    write_indexes(out, folder)
    return records


@dataclass(frozen=True)
class _Job:
    """What all runs of one call share."""

    out: Path
    data_root: Path | str | None
    force: bool
    temporary: Path
    cell_timeout: int
    progress: Callable[[RunRecord | str], None]


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


def _render_brand(runs: list[RunRecord], notebooks: list[Path], records: list[RunRecord], job: _Job) -> None:
    """Run one brand's notebooks; a brand that cannot be read fails as a whole, the others go on."""
    try:
        brand = brand_folders.load(runs[0].brand, job.data_root)
    except Exception as error:  # whatever a brand's files do, the other brands' pages must still be made
        for record in runs:
            record.error, record.told = str(error), f"its files could not be read; run: siyu check {record.brand}"
            records.append(record)
            job.progress(record)
        _keep_records(runs, None, job.out)
        return
    for record, notebook in zip(runs, notebooks, strict=True):
        started = time.perf_counter()
        records.append(record)
        try:
            _render_page(record, notebook, brand, job)
        except KeyboardInterrupt:
            record.status, record.error = "interrupted", "stopped by Ctrl-C; the pages of before are untouched"
        except Exception as error:  # one page's trouble is one page's: the record tells, the others go on
            record.status, record.error = "failed", in_a_line(error)
            record.told = getattr(error, "told", "") or type(error).__name__
        record.seconds = round(time.perf_counter() - started, 2)
        job.progress(record)
        if record.status == "interrupted":
            break
    _keep_records([record for record in runs if record in records], brand, job.out)


def in_a_line(error: Exception) -> str:
    """What went wrong, in one line that says what to do where that is known."""
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename or "writing the pages"
        return f"{place}: {error.strerror}. Check that the folder can be written and the disk is not full."
    return " ".join(str(error).split()) or type(error).__name__


def _render_page(record: RunRecord, notebook: Path, brand: Any, job: _Job) -> None:
    report_date(str(record.parameters.get("observed_until", "")), brand)
    record.fingerprint = fingerprint(notebook, brand, record)
    goal = {lang: job.out / brand.id / lang / f"{notebook.stem}.html" for lang in record.languages}
    record.pages = [str(path) for path in goal.values()]
    before = _records_of(job.out / brand.id).get(notebook.stem, {})
    same = before.get("fingerprint") == record.fingerprint and before.get("status") in ("rendered", "unchanged")
    sizes = before.get("sizes") or {"nothing recorded": 0}
    if same and not job.force and sizes == _sizes(job.out / brand.id / name for name in sizes):
        record.status, record.sizes = "unchanged", sizes
        return
    job.progress(f"{brand.id} {notebook.stem}")
    lang = "both" if len(record.languages) > 1 else record.languages[0]
    root = str(Path(job.data_root).resolve()) if job.data_root else ""
    given = {"brand": brand.id, "lang": lang, "data_root": root, **record.parameters}
    executed = execution.execute(notebook, given, job.cell_timeout)
    made = []
    for lang, path in goal.items():
        made += _export(executed, notebook, brand, record, lang, path, job)
    _publish(made, job.temporary)
    record.sizes = {f"{path.parent.name}/{path.name}": path.stat().st_size for _, path in made}
    record.status = "rendered"


def _sizes(paths: Iterable[Path]) -> dict[str, int]:
    return {f"{path.parent.name}/{path.name}": path.stat().st_size for path in paths if path.is_file()}


def _publish(made: list[tuple[Path, Path]], temporary: Path) -> None:
    """Move finished files into place, all of them or none: what was there before comes back when one move fails."""
    before: list[tuple[Path | None, Path]] = []
    try:
        for number, (new, final) in enumerate(made):
            final.parent.mkdir(parents=True, exist_ok=True)
            kept = temporary / f"{number}.before" if final.exists() else None
            if kept:
                shutil.copyfile(final, kept)
            before.append((kept, final))
            os.replace(new, final)
    except BaseException:
        for kept, final in reversed(before):
            # The move that failed has changed nothing; putting the old file back there may fail like it.
            with contextlib.suppress(OSError):
                os.replace(kept, final) if kept else final.unlink(missing_ok=True)
        raise


def _export(executed, notebook, brand, record, lang, path: Path, job: _Job) -> list[tuple[Path, Path]]:
    """Write one language of a page and its numbers into the temporary folder; returns (temporary, final) paths."""
    page = pages.read_page(executed, lang)
    record.warnings += [text for text in page.warnings if text not in record.warnings]
    html = pages.page_html(executed, _around(notebook, brand, record, lang, job))
    numbers = path.with_suffix(".numbers.csv")
    made = []
    for final, text, encoding in ((path, html, "utf-8"), (numbers, pages.numbers_csv(page.numbers, lang), "utf-8-sig")):
        temporary = job.temporary / f"{brand.id}-{lang}-{final.name}"
        temporary.write_text(text, encoding=encoding, newline="\n")
        made.append((temporary, final))
    return made


def _around(notebook: Path, brand: Any, record: RunRecord, lang: str, job: _Job) -> dict[str, Any]:
    """What a page says around its notebook: names, parameters, provenance."""
    known = parameters_of(notebook)
    settings = {name: record.parameters.get(name, parameter.default) for name, parameter in known.items()}
    until = report_date(str(settings["observed_until"]), brand)
    settings |= {"brand": brand.id, "lang": lang, "observed_until": until}
    level = words.level_text(settings["level"])
    explain = words.PAGE["ranges_explain"][lang].format(level=level)
    page = f"{notebook.stem}.html"
    others = [
        other
        for other in words.LANGUAGES
        if other != lang and (other in record.languages or (job.out / brand.id / other / page).exists())
    ]
    return {
        "lang": lang,
        "stem": notebook.stem,
        "brand": words.text_in(brand.config["name"], lang),
        "period": f"{brand.observed_from} – {until}",
        "synthetic": brand.config["synthetic"],
        "source": brand.config["source"],
        "other_language": others[0] if others else "",
        "ranges": words.PAGE["ranges"][lang].format(level=level, explain=explain),
        "parameters": [
            (name, value, known[name].meaning(lang)) for name, value in settings.items() if name != "data_root"
        ],
        "inputs": brand.inputs,
        "warnings": brand.warnings,
        "command": _command(notebook, record, job),
        "versions": f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "code": code_hash()[:12],
    }


def _command(notebook: Path, record: RunRecord, job: _Job) -> str:
    given = "".join(f" -p {name}={_shell(value)}" for name, value in record.parameters.items())
    data = f" --data {_shell(job.data_root)}" if job.data_root else ""
    lang = f" --lang {record.languages[0]}" if len(record.languages) == 1 else ""
    return f".venv/bin/siyu render {record.brand} --notebook {notebook.stem[:2]}{lang}{data}{given}"


def _shell(value: Any) -> str:
    return shlex.quote(",".join(map(str, value)) if isinstance(value, list) else str(value))


def fingerprint(notebook: Path, brand: Any, record: RunRecord) -> str:
    """Hash of everything a page depends on: inputs, code, notebook, parameters, languages."""
    parts = [
        sorted((entry["file"], entry["sha256"]) for entry in brand.inputs),
        code_hash(),
        hashlib.sha256(notebook.read_bytes()).hexdigest(),
        sorted((name, str(value)) for name, value in record.parameters.items()),
        record.languages,
        brand.warnings,
        [platform.python_version(), *(version(name) for name in SHAPING)],
    ]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def code_hash() -> str:
    """Hash of the library's source and templates."""
    total = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for path in sorted(p for p in package.rglob("*") if p.suffix in (".py", ".j2", ".css", ".json")):
        total.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


class _Workplace:
    """A temporary folder beside the pages, so that a finished page is moved and never copied; gone afterwards."""

    def __init__(self, out: Path):
        self.out = out

    def __enter__(self) -> Path:
        self.made_out = not self.out.exists()
        self.out.mkdir(parents=True, exist_ok=True)
        for left in self.out.glob(".rendering-*"):
            if not is_running(left.name.split("-")[1]):
                shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
        self.path = Path(tempfile.mkdtemp(prefix=f".rendering-{os.getpid()}-", dir=self.out))
        return self.path

    def __exit__(self, *_: Any) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self.made_out and not any(self.out.iterdir()):
            self.out.rmdir()  # nothing came of it: nothing is left behind


def _run_record(folder: Path) -> dict[str, Any]:
    """What is written down of a brand's last runs: "brand" and, by notebook, "notebooks"; empty where unreadable."""
    nothing = {"brand": {"id": folder.name, "name": folder.name, "synthetic": False}, "notebooks": {}}
    try:
        kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        whole = isinstance(kept["brand"]["name"], (str, dict)) and all(
            isinstance(record, dict) and "status" in record for record in kept["notebooks"].values()
        )
        return kept if whole else nothing
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return nothing


def _records_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The last run records of a brand, by notebook."""
    return _run_record(folder)["notebooks"]


def _keep_records(runs: list[RunRecord], brand: Any, out: Path) -> None:
    """Write what happened beside the brand's pages; a brand that never had a page gets no folder.

    What is written quotes no data: of an error only the kind, of warnings only how many.
    """
    folder = out / runs[0].brand
    written = [record for record in runs if record.fingerprint or brand is None]  # the others never began
    if not written or (not folder.is_dir() and not any(record.status == "rendered" for record in runs)):
        return
    kept = _run_record(folder)
    if brand is not None:
        kept["brand"] = {key: brand.config[key] for key in ("id", "name", "synthetic")} | {
            "observed_from": str(brand.observed_from),
            "observed_until": str(brand.observed_until),
        }
    for record in written:
        entry = asdict(record) | {"error": record.told, "warnings": len(record.warnings)}
        entry["pages"] = [Path(page).parent.name for page in record.pages]
        del entry["told"]
        if record.status in ("failed", "interrupted"):
            # The page of before still stands, so what is known of it stays; only the failure is added.
            entry = kept["notebooks"].get(record.notebook, {}) | {"status": record.status, "error": record.told}
        kept["notebooks"][record.notebook] = entry
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / "run.json", json.dumps(kept, ensure_ascii=False, indent=1, default=str) + "\n")
    except OSError as error:
        for record in runs:
            record.status, record.error = "failed", record.error or in_a_line(error)


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_indexes(out: Path, notebook_folder: Path = NOTEBOOKS) -> None:
    """Write `index.html` of every brand that has pages, and the one over all brands, from what lies in `out`."""
    titles = {path.stem: pages.notebook_titles(path) for path in find_notebooks(None, notebook_folder)}
    listed = []
    for file in sorted(out.glob("*/run.json")):
        kept = _run_record(file.parent)
        brand = {"observed_from": "", "observed_until": ""} | kept["brand"]
        shown = [_index_entry(file.parent, stem, titles[stem], kept["notebooks"].get(stem)) for stem in titles]
        shown = [entry for entry in shown if entry]
        brand["failed"] = next((entry["failed"] for entry in shown if entry["failed"]), "")
        with contextlib.suppress(OSError):  # that brand's folder cannot be written; its record says so already
            _write_whole(file.parent / "index.html", pages.index_html("brand", brand=brand, pages=shown))
        listed.append(brand)
    if listed:
        _write_whole(out / "index.html", pages.index_html("all", brands=listed))


def _index_entry(folder: Path, stem: str, titles: dict[str, str], record: dict[str, Any] | None) -> dict | None:
    languages = [lang for lang in words.LANGUAGES if (folder / lang / f"{stem}.html").exists()]
    if not languages and record is None:
        return None
    failed = ""
    if record and record["status"] == "failed":
        failed = "failed" if languages else "failed_first"
    given = (record or {}).get("parameters", {})
    asked = ", ".join(f"{name}={value}" for name, value in given.items())
    return {"stem": stem, "titles": titles, "languages": languages, "failed": failed, "parameters": asked}
