"""Indexes: one page over all brands and one for each brand, both languages on each, from what lies beside the pages.

They say how fresh each page is: until when its data reach, when it was made, and whether it still agrees with them.
"""

import contextlib
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from siyu_helpers.reporting import moved, records, verdict_cards, words
from siyu_helpers.reporting.loads import refuse_loads
from siyu_helpers.reporting.publishing import write_whole

TEMPLATES = Path(__file__).parent / "template"
ENVIRONMENT = Environment(
    loader=FileSystemLoader([TEMPLATES, TEMPLATES / "page"]), autoescape=True, undefined=StrictUndefined,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
STATES = ("failed", "failed_first", "altered", "older_data", "older_code", "fresh")
#: What run.json gives as the reason why a page is out of date -> how the index says it.
OLDER = {"data": "older_data", "code": "older_code", "software": "older_code", "files": "altered"}


def write(out: Path, notebooks: list[Path]) -> list[tuple[str, OSError]]:
    """Write `index.html` of every brand that has pages, and the one over all brands, from what lies in `out`.

    Parameters
    ----------
    out : Path
        Folder of the pages.
    notebooks : list of Path
        All notebooks there are; pages of others are not listed.

    Returns
    -------
    list of (str, OSError)
        Brands whose index could not be written, and why; the one over all brands is named "".
    """
    titles, listed, refused = {path.stem: notebook_titles(path) for path in notebooks}, [], []
    for file in sorted(out.glob(f"*/{records.FILE}")):
        folder, kept = file.parent, records.read(file.parent)
        shown = [page for stem in titles if (page := _page(folder, stem, titles[stem], kept["notebooks"].get(stem)))]
        brand = kept["brand"] | {"checked": _minute(kept["checked"])} | _of_all(shown)
        brand["decision"] = _decision(shown)
        try:
            html = index_html("brand", brand=brand, pages=shown, moved=_moved(folder, titles))
            write_whole(folder / "index.html", html)
        except OSError as error:
            refused.append((folder.name, error))
        listed.append(brand)
    try:
        if listed:
            stated = [brand["decision"] for brand in listed if brand["decision"] and brand["decision"]["value"]]
            currencies = {decision["currency"] for decision in stated}
            write_whole(out / "index.html", index_html("all", brands=listed, currencies=sorted(currencies)))
    except OSError as error:
        refused.append(("", error))
    return refused


def index_html(kind: str, **content: Any) -> str:
    """An index page: of one brand ("brand") or over all brands ("all"), both languages on it.

    Raises
    ------
    ValueError
        The page would load something from outside itself.
    """
    template, both = ENVIRONMENT.get_template(f"index/{kind}.html.j2"), words.PAGE | words.INDEX
    order = {state: place for place, state in enumerate(reversed(STATES))}
    html = template.render(
        words=both, text_in=words.text_in, grades=words.EVIDENCE, order=order, usual=words.PROBABILITY_OF, **content
    )
    refuse_loads(html)
    return html


def notebook_titles(notebook: Path) -> dict[str, str]:
    """The H1 of a notebook in each language, read from its paired Markdown cells."""
    titles = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        found = re.match(r"# (.+)", "".join(cell["source"]))
        for lang in set(cell["metadata"].get("tags", [])) & set(words.LANGUAGES):
            if cell["cell_type"] == "markdown" and found:
                titles.setdefault(lang, found.group(1).strip())
    return {lang: titles.get(lang, notebook.stem) for lang in words.LANGUAGES}


def _page(folder: Path, stem: str, titles: dict[str, str], entry: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the brand's index says of one page; None where there is neither a page nor a failed run of one."""
    languages = [lang for lang in words.LANGUAGES if (folder / lang / f"{stem}.html").exists()]
    known = {lang: page for lang, page in (entry or {"pages": {}})["pages"].items() if lang in languages}
    failed = entry is not None and entry["status"] == "failed"
    if not languages and not failed:
        return None
    states = {OLDER[reason] for page in known.values() for reason in page["older"] if reason in OLDER}
    states |= {"altered"} if len(known) < len(languages) else set()
    states |= {"failed" if languages else "failed_first"} if failed else set()
    older = {lang for lang, page in known.items() if set(page["older"]) & set(OLDER)}
    asked = {name: value for page in known.values() for name, value in page["parameters"].items()}
    newest = max(known.values(), key=lambda page: page["made"], default={"parameters": {}})
    return {
        "stem": stem,
        "titles": titles,
        "languages": languages,
        # When one language alone is behind, the index has to say which.
        "older": sorted(older) if older and older != set(languages) else [],
        "states": [state for state in STATES if state in (states or {"fresh"})],
        "until": _span(page["until"] for page in known.values()),
        "made": _span(page["made"][:10] for page in known.values()),
        "parameters": _given(asked),
        "decision": newest.get("decision"),
        # The other language may be of another run, with other parameters and another verdict.
        "decided": {
            "languages": [lang for lang, page in known.items() if page.get("decision") == newest.get("decision")],
            "parameters": _given(newest["parameters"]),
        },
    }


def _given(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def _decision(pages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The verdict of a brand's decision brief as the index over all brands shows it; None where no page states one."""
    for page in reversed(pages):
        try:
            kept = verdict_cards.checked(page["decision"])
        except (ValueError, TypeError):  # no page of a verdict, or a file that someone has edited
            continue
        shown = {"stem": page["stem"], **page["decided"]}
        shown["states"] = [state for state in page["states"] if state != "fresh"][:1]
        place = {"place": list(verdict_cards.ICONS).index(kept["verdict"])}
        place["grade"] = list(words.EVIDENCE).index(kept["evidence"])
        figures = {name: _figure(kept[name], name, kept["currency"]) for name in ("value", "payback")}
        chance = "" if kept["probability"] is None else verdict_cards.chance(kept["probability"])
        return kept | shown | place | {"figures": figures, "chance": chance}
    return None


def _figure(numbers: list[Any] | None, name: str, currency: str) -> dict[str, str]:
    """A figure and its interval, to be read in either language, and the number to sort by; blank where there is none.

    >>> _figure([123456.7, -2000.0, "inf"], "value", "CNY")
    {'sort': '123456.7', 'text': 'CNY 123,457', 'ends': '-2,000 – ∞'}
    """
    if numbers is None:
        return {"sort": "", "text": "", "ends": ""}
    value, *ends = (math.nan if number is None else float(number) for number in numbers)
    before = f"{currency} " if name == "value" else ""
    told = "" if any(map(math.isnan, ends)) else " – ".join(_round(end) for end in ends)
    return {"sort": repr(value).replace("inf", "Infinity"), "text": before + _round(value), "ends": told}


def _round(number: float) -> str:
    return ("∞" if number > 0 else "-∞") if math.isinf(number) else f"{number:,.0f}".replace("-0", "0", number > -1)


def _of_all(pages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the index over all brands says of a brand's pages taken together."""
    states = {state for page in pages for state in page["states"]}
    return {
        "pages": sum(1 for page in pages if page["languages"]),
        # The worst of them; the brand's own index has the rest.
        "states": [state for state in STATES if state in states][:1],
        "until": _span(day for page in pages for day in page["until"]),
        "made": _span(day for page in pages for day in page["made"]),
    }


def _span(days: Any) -> list[str]:
    """First and last of some days; one of them where all are the same."""
    there = sorted({day for day in days if day})
    return there if len(there) < 2 else [there[0], there[-1]]


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _moved(folder: Path, titles: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """The numbers that moved, by page, as the brand's index shows them in each language."""
    rows = [row for row in moved.read(folder) if row.notebook in titles]
    groups = []
    for stem, of_page in itertools.groupby(rows, key=lambda row: row.notebook):
        there = list(of_page)
        shown = {}
        for lang in words.LANGUAGES:
            with contextlib.suppress(ValueError, KeyError):  # a file that someone has edited
                shown[lang] = [moved.shown(row, lang) for row in there]
        if len(shown) == len(words.LANGUAGES):
            runs = {"before": _minute(there[0].run_before), "after": _minute(there[0].run_after)}
            compared = {lang: words.INDEX["compared"][lang].format(**runs) for lang in words.LANGUAGES}
            groups.append({"titles": titles[stem], "compared": compared, "rows": shown})
    return groups
