"""Headers: which column of a file is which column of the contract."""

import json
import re
from dataclasses import dataclass, field

from siyu_helpers.data.contract import EXPORT_HEADERS, Problem, Table, nearest, quoted
from siyu_helpers.data.reading import RawFile, clean_name


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
    found.problems.extend(_missing(raw, table, taken, ours, found))
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
    near = nearest(head, (column.name for column in table.columns))
    if near and near not in raw.header:
        found.warnings.append(f"{raw.path.name}: {quoted(head)} is not in the contract; did you mean {near}?")


def _missing(raw: RawFile, table: Table, taken: dict, ours: dict, found: Match) -> list[Problem]:
    required = [column.name for column in table.columns if column.required]
    missing = [name for name in required if name not in taken]
    if missing == required and _looks_like_data(raw.header):
        wrong = "The first line seems to hold data, not column names."
        return [_problem(raw, None, wrong, f"Put a first line with the names: {','.join(required)}.")]
    if missing == required and len(required) > 1 and sum(map(bool, raw.header)) == 1:
        wrong = "The first line holds a single text, not the names of columns."
        remedy = f"Delete what stands above the line with the names; they are: {','.join(required)}."
        return [_problem(raw, None, wrong, remedy)]
    return [_problem(raw, name, *_missing_column(raw, name, ours, found)) for name in missing]


def _missing_column(raw: RawFile, name: str, ours: dict, found: Match) -> tuple[str, str]:
    unused = [*found.left_out, *found.covariates]
    expected = next((head for head, our_name in ours.items() if our_name == name), None)
    if expected is not None:
        wrong = f"The column {name} is missing: brand.yml maps {quoted(expected)} to it, but no such header is there."
        near = nearest(expected, unused)
        return wrong, f"Did you mean {quoted(near)}?" if near else "Correct the header under columns in brand.yml."
    exported = [head.replace("~", " ") for head in EXPORT_HEADERS.get(name, "").split()]
    candidate = nearest(name, unused) or next((head for head in exported if head in unused), None)
    wrong = f"The column {name} is missing."
    if candidate is None:
        return wrong, f"Add it, or say under columns in brand.yml which header it is: `their header: {name}`."
    head = candidate if re.fullmatch(r"[\w()（）-]+", candidate) else json.dumps(candidate, ensure_ascii=False)
    return wrong, f"If {quoted(candidate)} is meant, rename it, or write in brand.yml `columns: {{{head}: {name}}}`."


def _looks_like_data(header: list[str]) -> bool:
    return any(re.fullmatch(r"[-+]?[0-9][0-9.,:/\- ]*", head) for head in header)


def _problem(raw: RawFile, column: str | None, wrong: str, remedy: str) -> Problem:
    return Problem(raw.path.name, 1 if raw.unit == "line" else None, column, wrong, remedy, unit=raw.unit)
