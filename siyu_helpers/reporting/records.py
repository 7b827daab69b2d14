"""Records: what became of each page, as the caller of `render` gets it and as `run.json` beside the pages keeps it.

`run.json` quotes no data: of an error only the kind, of warnings only how many.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from siyu_helpers.reporting import words

FILE = "run.json"
DONE = ("rendered", "unchanged")


@dataclass
class RunRecord:
    """What became of one notebook for one brand.

    status : "waiting", "running", and in the end "rendered", "unchanged" (nothing it depends on has changed), "failed"
    or "interrupted".
    error : why, when it failed; it may quote data, so it is for the terminal. told : what of it may be written to a
    file. seconds : wall-clock time of the run and the export; cell_seconds : how much of it the notebook's cells took;
    expected : what the run before took, 0 when there was none. moved : how many numbers differ from the run before.
    """

    brand: str
    notebook: str
    languages: list[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    status: str = "waiting"
    error: str = ""
    told: str = ""
    seconds: float = 0.0
    cell_seconds: float = 0.0
    expected: float = 0.0
    moved: int = 0
    pages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def in_a_line(error: BaseException) -> str:
    """What went wrong, in one line that says what to do where that is known."""
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename or "writing the pages"
        return f"{place}: {error.strerror}. Check that the folder can be written and the disk is not full."
    return " ".join(str(error).split()) or type(error).__name__


def now() -> str:
    """The time of a run, for run.json and the index pages only: pages themselves carry no date."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def read(folder: Path) -> dict[str, Any]:
    """What is written down of a brand's last runs; empty where there is nothing or it cannot be understood.

    Returns
    -------
    dict
        "brand": id, name, synthetic, observed_from, observed_until, currency, customers; "checked": time of the last
        run; "notebooks": by stem, status, error, seconds, cell_seconds, warnings, and "pages": by language, made,
        until, parameters, parts (see `freshness`), linked, files (name -> SHA-256), older (why it is out of date),
        decision (the verdict it states, or None; absent from what older versions wrote, and to be read with
        `verdict_cards.checked` only).
    """
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return kept if _is_whole(kept) else _nothing(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _nothing(folder)


def _nothing(folder: Path) -> dict[str, Any]:
    brand = {"id": folder.name, "name": folder.name, "synthetic": False, "currency": "", "customers": None}
    return {"brand": brand | {"observed_from": "", "observed_until": ""}, "checked": "", "notebooks": {}}


def _is_whole(kept: dict[str, Any]) -> bool:
    brand, pages = kept["brand"], [page for entry in kept["notebooks"].values() for page in entry["pages"].values()]
    names = brand["name"].values() if isinstance(brand["name"], dict) else [brand["name"]]
    return (
        all(isinstance(name, str) for name in names)
        and (not isinstance(brand["name"], dict) or set(brand["name"]) == set(words.LANGUAGES))
        and isinstance(brand["customers"], int | None)
        and {"id", "synthetic", "observed_from", "observed_until", "currency", "customers"} <= set(brand)
        and isinstance(kept["checked"], str)
        and all(isinstance(entry["status"], str) for entry in kept["notebooks"].values())
        and all(isinstance(page[key], dict) for page in pages for key in ("parts", "files", "parameters"))
        and all(isinstance(page[key], str) for page in pages for key in ("made", "until"))
        and all(isinstance(page["older"], list) and isinstance(page["linked"], bool) for page in pages)
        and all(isinstance(reason, str) for page in pages for reason in page["older"])
    )


def text_of(kept: dict[str, Any]) -> str:
    """What is kept, as the text of run.json."""
    return json.dumps(kept, ensure_ascii=False, indent=1, default=str) + "\n"


def entry_of(kept: dict[str, Any], stem: str) -> dict[str, Any]:
    """What is kept of one notebook; a new entry is added where there is none."""
    return kept["notebooks"].setdefault(
        stem, {"status": "", "error": "", "seconds": 0.0, "cell_seconds": 0.0, "warnings": 0, "pages": {}}
    )


def note(kept: dict[str, Any], record: RunRecord) -> None:
    """Write down how a run ended. Of a failure only that: what is known of the page before it still holds."""
    entry = entry_of(kept, record.notebook)
    entry["status"], entry["error"] = record.status, record.told
    if record.status == "rendered":
        entry["seconds"], entry["cell_seconds"] = record.seconds, record.cell_seconds
        entry["warnings"] = len(record.warnings)
