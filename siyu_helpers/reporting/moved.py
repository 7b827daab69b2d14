"""Numbers that moved: a page's numbers against those of the run before, and why they may differ."""

import contextlib
import csv
import hashlib
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from siyu_helpers.reporting import freshness, words

FILE = "moved.csv"
#: Two values closer than this, relative to the larger, are the same number.
SAME = 1e-9


@dataclass(frozen=True)
class Moved:
    """One number of one page that differs from the run before. Ends of intervals are None where there is none.

    change : "moved", "digits" (only in digits that are not shown), "added" or "gone".
    cause : what had changed between the two runs, of data, code, parameters, software, joined by "+"; empty: nothing.
    """

    notebook: str
    key: str
    change: str
    cause: str
    unit_before: str
    unit: str
    currency_before: str
    currency: str
    before: float | None
    before_low: float | None
    before_high: float | None
    after: float | None
    after_low: float | None
    after_high: float | None
    definition_zh: str
    definition_en: str
    run_before: str
    run_after: str


def read_numbers(text: str) -> dict[str, dict[str, Any]]:
    """The numbers of a page, by key, from the text of its `.numbers.csv`."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    return {row["key"]: {**row, **{end: _number(row[end]) for end in ("value", "low", "high")}} for row in rows}


def _number(text: Any) -> float | None:
    return None if text in (None, "") else float(text)


def compare(
    before: dict[str, dict[str, Any]], after: list[dict[str, Any]], currencies: tuple[str, str], **told: str
) -> list[Moved]:
    """What differs between the numbers of two runs of a page, in the order of the page; what is gone comes last.

    Parameters
    ----------
    before : dict
        As `read_numbers` gives them.
    after : list of dict
        The ledger's records.
    currencies : (str, str)
        The brand's currency then and now.
    told : str
        notebook, cause, run_before, run_after of every row.

    Example
    -------
    >>> after = [{"key": "a", "value": 0.25, "low": None, "high": None, "unit": "share", "definition": {}}]
    >>> told = {"notebook": "02_x", "cause": "data", "run_before": "", "run_after": ""}
    >>> before = {"a": {"value": 0.2, "low": None, "high": None, "unit": "share"}}
    >>> [(row.key, row.change, row.before, row.after) for row in compare(before, after, ("CNY", "CNY"), **told)]
    [('a', 'moved', 0.2, 0.25)]
    """
    now = {row["key"]: {**row, **{end: _number(row[end]) for end in ("value", "low", "high")}} for row in after}
    rows = []
    for key in [*now, *(key for key in before if key not in now)]:
        change = _change(before.get(key), now.get(key), currencies)
        if change:
            rows.append(_row(key, change, before.get(key), now.get(key), currencies, told))
    return rows


def _change(old: dict | None, new: dict | None, currencies: tuple[str, str]) -> str:
    if old is None or new is None:
        return "added" if old is None else "gone"
    shown = [_text(row, "en", currency) for row, currency in zip((old, new), currencies, strict=True)]
    if shown[0] != shown[1]:
        return "moved"
    return "" if all(_same(old[end], new[end]) for end in ("value", "low", "high")) else "digits"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    return abs(one - other) <= SAME * max(abs(one), abs(other))


def _row(key: str, change: str, old: dict | None, new: dict | None, currencies: tuple, told: dict) -> Moved:
    definition = (new or {}).get("definition") or {}
    if old and not new:  # what is gone has only the definition of its page's language
        definition = {"zh": old.get("definition", ""), "en": old.get("definition", "")}
    ends = {
        f"{side}{end}": row.get(end.strip("_") or "value") if row else None
        for side, row in (("before", old), ("after", new))
        for end in ("", "_low", "_high")
    }
    return Moved(
        key=key,
        change=change,
        unit_before=(old or new)["unit"],
        unit=(new or old)["unit"],
        currency_before=currencies[0],
        currency=currencies[1],
        definition_zh=definition.get("zh", ""),
        definition_en=definition.get("en", ""),
        **ends,
        **told,
    )


def _text(row: dict[str, Any], lang: str, currency: str) -> str:
    """A value with its interval, as the page writes it."""
    if row["value"] is None:
        return ""
    text = words.value_text(row["value"], row["unit"], lang, currency)
    if row["low"] is None or row["high"] is None:
        return text
    return text + words.interval_text(row["low"], row["high"], row["unit"], lang, currency)


def after_run(
    place: Path,
    stem: str,
    pages: dict[str, Any],
    numbers: list[dict[str, Any]],
    parts: dict[str, str],
    currencies: tuple[str, str],
    at: str,
) -> list[Moved]:
    """All rows of a brand's moved.csv after a run of one page: those of other pages as they are, its own anew.

    A run from which nothing differs and for which nothing had changed (--force, the other language) says nothing new,
    so the rows of the run before it stay.

    Parameters
    ----------
    place : Path
        Where the brand's pages are, still those of before.
    stem : str
        The notebook.
    pages : dict
        What run.json keeps of its pages, by language.
    numbers : list of dict
        The ledger's records of this run.
    parts : dict
        What the page depends on now; see `freshness.parts`.
    currencies, at : (str, str), str
        The brand's currency then and now; the time of this run.
    """
    rows = read(place)
    others = [row for row in rows if row.notebook != stem]
    before = _run_before(pages, place, stem)
    if before is None:
        return others
    page, old = before
    causes = freshness.causes(page["parts"], parts)
    told = {"notebook": stem, "cause": "+".join(causes), "run_before": page["made"], "run_after": at}
    found = compare(old, numbers, currencies, **told)
    return sorted([*others, *found], key=lambda row: row.notebook) if found or causes else rows


def _run_before(pages: dict[str, Any], place: Path, stem: str) -> tuple[dict, dict] | None:
    """The newest page that is still as it was written, with its numbers: an edited file is nothing to compare with."""
    for lang, page in sorted(pages.items(), key=lambda item: item[1]["made"], reverse=True):
        name = f"{lang}/{stem}.numbers.csv"
        with contextlib.suppress(OSError, ValueError, KeyError, csv.Error):
            content = (place / name).read_bytes()
            if hashlib.sha256(content).hexdigest() == page["files"][name]:
                return page, read_numbers(content.decode("utf-8"))
    return None


def to_csv(rows: list[Moved]) -> str:
    """Rows as CSV text, for Excel and for programs (write it as utf-8-sig)."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(Moved)], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: words.cell_text(v) if isinstance(v, str) else v for name, v in asdict(row).items()})
    return buffer.getvalue()


def read(folder: Path) -> list[Moved]:
    """The numbers of a brand that moved in the last run of each page; none where the file cannot be understood."""
    try:
        rows = csv.DictReader(io.StringIO((folder / FILE).read_text(encoding="utf-8-sig")))
        return [_from_csv(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []


def _from_csv(row: dict[str, str]) -> Moved:
    numbers = {"before", "before_low", "before_high", "after", "after_low", "after_high"}
    return Moved(
        **{
            field.name: _number(row[field.name]) if field.name in numbers else words.text_of_cell(row[field.name])
            for field in fields(Moved)
        }
    )


def shown(row: Moved, lang: str) -> dict[str, str]:
    """A row as the brand's index page shows it in one language: definition, before, after, why."""
    old = {"value": row.before, "low": row.before_low, "high": row.before_high, "unit": row.unit_before}
    new = {"value": row.after, "low": row.after_low, "high": row.after_high, "unit": row.unit}
    return {
        "key": row.key,
        "definition": row.definition_zh if lang == "zh" else row.definition_en,
        "before": _text(old, lang, row.currency_before) or words.INDEX["number_added"][lang],
        "after": _text(new, lang, row.currency) or words.INDEX["number_gone"][lang],
        "note": words.INDEX["digits"][lang] if row.change == "digits" else "",
        "why": words.causes_text([name for name in row.cause.split("+") if name], lang),
    }
