"""Headers: which column of a file is which column of the contract."""

import re
from dataclasses import dataclass, field

import yaml

from siyu_helpers.data.contract import EXPORT_HEADERS, Problem, Table, nearest, quoted
from siyu_helpers.data.reading import RawFile, clean_name

# Headers that say whether an order was closed, refunded or is disputed.
_STATUS = re.compile(r"状态|status|售后", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """The columns of one file, matched with the contract.

    names : position in the file -> name in the table, in the order of the file.
    covariates : names among them that the contract does not know (kept in `customers` only).
    left_out : headers that are not read.
    """

    names: dict[int, str] = field(default_factory=dict)
    covariates: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def renames(columns: dict, table: Table) -> dict[str, str]:
    """The part of `columns:` in brand.yml that speaks of one table: their header -> our name.

    Entries below the table's name win over entries for all tables.

    Example
    -------
    >>> from siyu_helpers.data.contract import TABLES
    >>> renames({"订单编号": "order_id", "费用": "spend", "orders": {"实付": "amount"}}, TABLES["orders"])
    {'订单编号': 'order_id', '实付': 'amount'}
    """
    flat = {clean_name(head): name for head, name in columns.items() if isinstance(name, str) and table.column(name)}
    return flat | _own_renames(columns, table)


def _own_renames(columns: dict, table: Table) -> dict[str, str]:
    own = columns.get(table.name)
    return {clean_name(head): name for head, name in own.items()} if isinstance(own, dict) else {}


def match(raw: RawFile, table: Table, columns: dict) -> Match:
    """Match the header of a file with the columns of a table.

    Parameters
    ----------
    raw : RawFile
        The file after a first look.
    table : Table
        The table the file should hold.
    columns : dict
        `columns` of brand.yml.

    Returns
    -------
    Match
        `.problems` lists missing columns, with the header that was probably meant, and columns named twice.
    """
    found, ours = Match(), renames(columns, table)
    taken: dict[str, str] = {}
    for position, head in enumerate(raw.header):
        name = ours.get(head, head if table.column(head) else None)
        if name in taken and head != taken[name]:
            wrong = f"Both {quoted(taken[name])} and {quoted(head)} are read as {name}."
            found.problems.append(_problem(raw, name, wrong, "Keep one of them under columns in brand.yml."))
        elif name and name not in taken:
            taken[name] = head
            found.names[position] = name
        elif head and name is None and head not in found.covariates:
            _leave_out_or_keep(raw, table, position, head, found)
    found.problems.extend(_missing(raw, table, taken, columns, found))
    for head, name in _own_renames(columns, table).items():
        if head not in raw.header and not any(problem.column == name for problem in found.problems):
            found.warnings.append(f"{raw.path.name}: brand.yml maps {quoted(head)} to {name}; no such header is there.")
    return found


def _leave_out_or_keep(raw: RawFile, table: Table, position: int, head: str, found: Match) -> None:
    if table.name == "customers":
        found.names[position] = head
        found.covariates.append(head)
    else:
        found.left_out.append(head)
    if table.name == "orders" and _STATUS.search(head):
        found.warnings.append(
            f"{raw.path.name} has the column {_shown(head)}, which is not read: closed or refunded orders count as "
            "orders unless you leave them out of the export."
        )
    near = nearest(head, (column.name for column in table.columns))
    if near and near not in raw.header:
        found.warnings.append(f"{raw.path.name}: {quoted(head)} is not in the contract; did you mean {near}?")


def _missing(raw: RawFile, table: Table, taken: dict, columns: dict, found: Match) -> list[Problem]:
    required = [column.name for column in table.columns if column.required]
    missing = [name for name in required if name not in taken]
    if missing == required and _looks_like_data(raw.header):
        wrong = "The first line seems to hold data, not column names."
        return [_problem(raw, None, wrong, f"Put a first line with the names: {','.join(required)}.")]
    if missing == required and len(required) > 1 and sum(map(bool, raw.header)) == 1:
        wrong = "The first line holds a single text, not the names of columns."
        remedy = f"Delete what stands above the line with the names; they are: {','.join(required)}."
        return [_problem(raw, None, wrong, remedy)]
    expected = {name: head for head, name in renames(columns, table).items()}
    meant = _probably_meant([name for name in missing if name not in expected], found)
    told = [_several_missing(raw, meant, columns)] if len(meant) > 1 else []
    for name in missing:
        if name in expected:
            told.append(_problem(raw, name, *_mapped_but_missing(name, expected[name], found)))
        elif name not in meant:
            remedy = f"Add it, or say under columns in brand.yml which header it is: `their header: {name}`."
            told.append(_problem(raw, name, f"The column {name} is missing.", remedy))
        elif len(meant) == 1:
            remedy = f"If {quoted(meant[name])} is meant, rename it, or write in brand.yml {_entries(meant, columns)}"
            told.append(_problem(raw, name, f"The column {name} is missing.", remedy))
    return told


def _probably_meant(missing: list[str], found: Match) -> dict[str, str]:
    """Our name of a missing column -> the header that probably holds it; no header is given to two names."""
    unused, meant = [*found.left_out, *found.covariates], {}
    for name in missing:
        exported = [head.replace("~", " ") for head in EXPORT_HEADERS.get(name, "").split()]
        head = nearest(name, unused) or next((head for head in exported if head in unused), None)
        if head is not None:
            meant[name] = head
            unused.remove(head)
    return meant


def _several_missing(raw: RawFile, meant: dict[str, str], columns: dict) -> Problem:
    """One problem for all: four entries pasted one by one would be four keys `columns`, which YAML refuses."""
    wrong = f"The columns {', '.join(meant)} are missing, but headers that may hold them are there."
    return _problem(raw, None, wrong, f"If these are meant, write in brand.yml {_entries(meant, columns)}")


def _entries(meant: dict[str, str], columns: dict) -> str:
    """A line for brand.yml with the entries it needs and those it has, as YAML quotes them."""
    entries = columns | {head: name for name, head in meant.items()}
    line = yaml.safe_dump(entries, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    return f"`columns: {line.strip()}`" + (
        ", in place of its columns." if columns else " (one such line for all files)."
    )


def _mapped_but_missing(name: str, expected: str, found: Match) -> tuple[str, str]:
    wrong = f"The column {name} is missing: brand.yml maps {quoted(expected)} to it, but no such header is there."
    near = nearest(expected, [*found.left_out, *found.covariates])
    return wrong, f"Did you mean {quoted(near)}?" if near else "Correct the header under columns in brand.yml."


def _shown(head: str) -> str:
    return quoted(head).strip("'")


def _looks_like_data(header: list[str]) -> bool:
    return any(re.fullmatch(r"[-+]?[0-9][0-9.,:/\- ]*", head) for head in header)


def _problem(raw: RawFile, column: str | None, wrong: str, remedy: str) -> Problem:
    return Problem(raw.path.name, 1 if raw.unit == "line" else None, column, wrong, remedy, unit=raw.unit)
