"""Making one page: load the brand, run the notebook, export each language into a temporary folder.

This happens in a process of its own (see `page_process`); nothing here touches the pages that are there already.
"""

import hashlib
import platform
import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from nbformat import NotebookNode

from siyu_helpers.data import brands, market
from siyu_helpers.data.brands import Brand
from siyu_helpers.reporting import execution, kernels, pages, words
from siyu_helpers.reporting.ledger import report_date
from siyu_helpers.reporting.page_process import Task
from siyu_helpers.reporting.parameters import parameters_of

PACKAGES = ("pandas", "polars", "statsmodels", "seaborn", "papermill", "nbconvert")  # named on every page


def load(task: Task) -> Brand:
    """Open the brand of a page; see `brands.load` for what can be wrong with it."""
    return brands.load(task.brand, task.data_root)


def facts(brand: Brand) -> dict[str, Any]:
    """What the indexes say of a brand: its names, its period, how many customers it knows; no money, no identifier."""
    first, last = brand.observed_from, brand.observed_until
    bought = pl.col("ordered_at").dt.date().is_between(first, last)
    known = brand.scan("orders").filter(bought).select(pl.col("customer_id").drop_nulls().n_unique()).collect().item()
    kept = {key: brand.config[key] for key in ("id", "name", "synthetic", "currency")}
    return kept | {"observed_from": str(first), "observed_until": str(last), "customers": known}


def make(task: Task, brand: Brand, warm: Any = None) -> dict[str, Any]:
    """Run a notebook for a brand and write its pages and numbers into the task's temporary folder.

    Returns
    -------
    dict
        "files": language -> {name: SHA-256}, under `task.folder`/language; "numbers": the ledger's records;
        "decision": the verdict as data, where the page states one (see `verdict_cards`), else None;
        "warnings": what was written to stderr; "cell_seconds": how long the cells ran; "until": last day used.

    Raises
    ------
    NotebookFailedError, OSError, ValueError
        The notebook did not run to its end, the disk is full, the page would load something.
    """
    lang = "both" if len(task.languages) > 1 else task.languages[0]
    root = str(Path(task.data_root).resolve()) if task.data_root else ""
    given = {"brand": brand.id, "lang": lang, "data_root": root, **task.parameters}
    limit = task.cell_timeout or execution.CELL_TIMEOUT
    memory = kernels.default_memory_limit() // task.beside
    executed = execution.execute(task.notebook, given, limit, warm=warm, memory_limit=memory)
    made: dict[str, Any] = {"files": {}, "warnings": [], "numbers": [], "cell_seconds": _cell_seconds(executed)}
    made["decision"] = None
    for lang in task.languages:
        page = pages.read_page(executed, lang, tables=brand.tables)
        made["warnings"] += [text for text in page.warnings if text not in made["warnings"]]
        made["decision"] = page.decision
        made["numbers"] += [number for number in page.numbers if number not in made["numbers"]]
        made["files"][lang] = _write(task, lang, pages.page_html(executed, around(task, brand, lang)), page.numbers)
    return made | {"until": str(last_day(task, brand))}


def _write(task: Task, lang: str, html: str, numbers: list[dict[str, Any]]) -> dict[str, str]:
    """Write one language of a page and its numbers; returns the hash of each file."""
    stem, folder, written = task.notebook.stem, task.folder / lang, {}
    folder.mkdir(parents=True)
    table = pages.numbers_csv(numbers, lang)
    for name, text, encoding in ((f"{stem}.html", html, "utf-8"), (f"{stem}.numbers.csv", table, "utf-8-sig")):
        content = text.encode(encoding)
        (folder / name).write_bytes(content)
        written[name] = hashlib.sha256(content).hexdigest()
    return written


def _cell_seconds(executed: NotebookNode) -> float:
    timed = (cell.metadata.get("papermill", {}).get("duration") for cell in executed.cells)
    return round(sum(seconds or 0.0 for seconds in timed), 2)


def last_day(task: Task, brand: Brand) -> Any:
    """The last day of data on the page; refused when the export does not cover it."""
    return report_date(str(task.parameters.get("observed_until", "")), brand)


def around(task: Task, brand: Brand, lang: str) -> dict[str, Any]:
    """What a page says around its notebook: names, parameters, provenance."""
    known = parameters_of(task.notebook)
    settings = {name: task.parameters.get(name, parameter.default) for name, parameter in known.items()}
    until = report_date(str(settings["observed_until"]), brand)
    settings |= {"brand": brand.id, "lang": lang, "observed_until": until}
    level = words.level_text(settings["level"])
    explain = words.PAGE["ranges_explain"][lang].format(level=level)
    return {
        "lang": lang,
        "stem": task.notebook.stem,
        "brand": words.text_in(brand.config["name"], lang),
        "period": f"{brand.observed_from} – {until}",
        "synthetic": brand.config["synthetic"],
        "source": brand.config["source"],
        "other_language": next((other for other in words.LANGUAGES if other != lang and task.linked[lang]), ""),
        "ranges": words.PAGE["ranges"][lang].format(level=level, explain=explain),
        "parameters": [
            (name, None if known[name].is_quantity and value == "" else value, known[name].meaning(lang))
            for name, value in settings.items()
            if name != "data_root"
        ],
        "tables": brand.tables,
        "inputs": brand.inputs + (market.inputs(task.data_root) if uses_market(task.notebook) else []),
        "warnings": brand.warnings,
        "command": _command(task),
        "versions": f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "code": task.code[:12],
    }


def uses_market(notebook: Path) -> bool:
    """Whether a notebook imports the public facts, which are then inputs of its page."""
    return re.search(r"from siyu_helpers\.data import [\w, ]*\bmarket\b", notebook.read_text("utf-8")) is not None


def _command(task: Task) -> str:
    given = "".join(f" -p {name}={_shell(value)}" for name, value in task.parameters.items())
    data = f" --data {_shell(task.data_root)}" if task.data_root else ""
    lang = f" --lang {task.languages[0]}" if len(task.languages) == 1 else ""
    return f".venv/bin/siyu render {task.brand} --notebook {task.notebook.stem[:2]}{lang}{data}{given}"


def _shell(value: Any) -> str:
    return shlex.quote(",".join(map(str, value)) if isinstance(value, list) else str(value))
