"""Market: public facts that belong to no brand, and what this project assumes where none was found.

    <data root>/market/filings.csv, cac_claims.csv, exchange_rates.csv, private_domain_benchmarks.csv,
    experiment_comparisons.csv, industry_parameters.csv, repurchase_cycle.csv     (facts)
    <data root>/market/industries.csv, pool_assumptions.csv                       (derived from them, or assumed)
    <data root>/market/channel_definitions.csv                                    (what the articles say; our scores)
    <data root>/market/claims.csv, contradictions.csv                             (what the articles assert, graded)
    <data root>/market/glossary.csv, metrics.csv                                  (the words; each variant of a metric)
    each with its manifest

Every fact keeps its source and its grade (A: a filing, a release, the company's own document; B: a secondary page).
A blank cell is a fact that was not found; nothing is filled in. Where an analysis needs a figure all the same, it
stands in industries or pool_assumptions as a range, and its row says whether it rests on facts or is assumed.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from siyu_helpers.data import cache
from siyu_helpers.data.contract import DataProblems, Problem, quoted

FOLDER = "market"
GRADES = ("A", "B")
#: What a row of industries or pool_assumptions rests on.
BASES = ("source", "assumption")
#: What industries.csv says of each industry, and in which unit; those that every industry has.
METRICS = {
    "cycle_days": "days", "orders_per_year": "orders per customer and year", "order_value": "CNY per order",
    "margin": "share", "order_costs": "share", "commission_saved": "share", "activity_kept": "share",
    "shareability": "share",
}  # fmt: skip
NEEDED_METRICS = ("cycle_days", "orders_per_year", "order_value", "margin", "order_costs", "shareability")
ARTICLE_VIEWS = ("fit", "unfit", "")
#: What channel_definitions.csv scores from 0 to 1, and what each source article can call a channel.
CRITERIA = ("control", "reach_without_paying", "repeat_use", "data_access", "ban_safety")
ARTICLES = ("source_000", "source_001", "source_002", "source_003", "source_003i")
DOMAINS = ("private", "semi", "public", "")
#: What claims.csv says of a claim: the article, who gains by it, how well it is backed, what became of it.
SOURCES = ("A", "B", "C", "D")
SELLERS = ("none", "publisher", "named product")
CLAIM_GRADES = ("A", "B", "C", "D")
STATUSES = ("computed", "taught", "untestable")
#: Kinds of claims that something in this project must compute.
COMPUTED_KINDS = (
    "formula", "decision rule", "decision rule with number", "warning", "claim with numbers", "case with numbers",
    "concept with numbers",
)  # fmt: skip
#: Tables that a test of a claim may need; "market": public facts or arithmetic are enough.
NEEDS = (
    "orders", "customers", "spend", "touchpoints", "members", "accounts", "assignments", "messages", "pool_costs",
    "market",
)  # fmt: skip
THEMES = ("words", "channels", "metrics", "customers", "money", "messages", "models", "roles")
# Columns of each table: those that must be filled in, those that are numbers, those that together occur once.
_COLUMNS = {
    "filings": (
        "company", "period", "period_end", "field", "value", "unit", "definition", "grade", "source", "note",
    ),
    "cac_claims": (
        "id", "year", "platform_or_sector", "region", "metric", "value_low", "value_high", "unit", "method_or_basis",
        "source_title", "publisher", "date", "url", "grade", "trust_note", "platform_zh", "claim_zh", "claim_en",
    ),
    "exchange_rates": ("year", "rmb_per_usd", "definition", "grade", "source", "note"),
    "private_domain_benchmarks": (
        "id", "entity", "kind", "metric", "value", "unit", "sample_or_base", "year", "source_title", "publisher",
        "date", "url", "grade", "evidence_kind", "trust_line", "entity_zh", "measures", "figure_low", "figure_high",
        "figure_unit", "comparison", "claim_zh", "claim_en",
    ),
    "experiment_comparisons": (
        "id", "study", "outcome", "experiments", "randomised_lift", "double_machine_learning_lift", "matching_lift",
        "unit", "definition", "source_title", "publisher", "date", "url", "grade", "note", "claim_zh", "claim_en",
    ),
    "industry_parameters": (
        "id", "category", "metric", "low", "typical", "high", "unit", "population", "geography", "year",
        "source_title", "publisher", "date", "url", "grade", "note",
    ),
    "repurchase_cycle": (
        "id", "category", "metric", "low", "typical", "high", "unit", "population", "geography", "year",
        "implied_cycle_days", "computed", "source_title", "publisher", "date", "url", "grade", "note",
    ),
    "industries": (
        "industry", "name_zh", "name_en", "article_view", "metric", "low", "typical", "high", "unit", "basis", "grade",
        "sources", "note_zh", "note_en",
    ),
    "pool_assumptions": (
        "input", "low", "typical", "high", "unit", "basis", "grade", "sources", "note_zh", "note_en",
    ),
    "channel_definitions": (
        "channel", "name_zh", "name_en", "owner_zh", "owner_en", *ARTICLES,
        *(f"{name}{end}" for name in CRITERIA for end in ("", "_basis", "_sources", "_note_zh", "_note_en")),
        "grade", "note_zh", "note_en",
    ),
    "claims": (
        "id", "kind", "name_zh", "name_en", "sources", "claim_zh", "claim_en", "seller", "grade", "status",
        "function", "page", "section", "needs", "how_zh", "how_en",
    ),
    "contradictions": (
        "id", "kind", "topic_zh", "topic_en", "one_zh", "one_en", "one_sources", "other_zh", "other_en",
        "other_sources", "settle_zh", "settle_en", "page", "section", "function", "claims",
    ),
    "glossary": (
        "key", "term_zh", "term_en", "definition_zh", "definition_en", "formula_zh", "formula_en", "unit_zh",
        "unit_en", "sources", "variants_zh", "garbled_zh", "page", "section", "theme",
    ),
    "metrics": (
        "metric", "metric_zh", "metric_en", "variant", "variant_zh", "variant_en", "definition_zh", "definition_en",
        "unit", "page", "section", "function", "trap_zh", "trap_en",
    ),
}  # fmt: skip
_FILLED = {
    "filings": ("company", "period", "period_end", "field", "unit", "definition", "grade", "source"),
    "cac_claims": ("id", "year", "platform_or_sector", "metric", "value_low", "unit", "grade", "claim_zh", "claim_en"),
    "exchange_rates": ("year", "rmb_per_usd", "definition", "grade", "source"),
    "private_domain_benchmarks": ("id", "entity", "metric", "value", "unit", "publisher", "grade", "trust_line"),
    "experiment_comparisons": (
        "id", "study", "outcome", "randomised_lift", "unit", "definition", "url", "grade", "claim_zh", "claim_en",
    ),
    "industry_parameters": ("id", "category", "metric", "unit", "geography"),
    "repurchase_cycle": ("id", "category", "metric", "unit", "geography", "computed"),
    "industries": (
        "industry", "name_zh", "name_en", "metric", "low", "typical", "high", "unit", "basis", "note_zh", "note_en",
    ),
    "pool_assumptions": ("input", "low", "typical", "high", "unit", "basis", "note_zh", "note_en"),
    "channel_definitions": (
        "channel", "name_zh", "name_en",
        *(f"{name}{end}" for name in CRITERIA for end in ("", "_basis", "_note_zh", "_note_en")),
    ),
    "claims": (
        "id", "kind", "name_zh", "name_en", "sources", "claim_zh", "claim_en", "seller", "status", "how_zh", "how_en",
    ),
    "contradictions": (
        "id", "topic_zh", "topic_en", "one_zh", "one_en", "other_zh", "other_en", "kind", "settle_zh", "settle_en",
    ),
    "glossary": ("key", "term_zh", "term_en", "definition_zh", "definition_en", "sources", "page", "section", "theme"),
    "metrics": tuple(_COLUMNS["metrics"]),
}  # fmt: skip
_ENDS = ("low", "typical", "high")
_WITH_ENDS = ("industry_parameters", "repurchase_cycle", "industries", "pool_assumptions")
_DERIVED = ("industries", "pool_assumptions")
_NUMBERS = {
    "filings": ("value",),
    "cac_claims": ("value_low", "value_high"),
    "exchange_rates": ("year", "rmb_per_usd"),
    "private_domain_benchmarks": ("figure_low", "figure_high"),
    "experiment_comparisons": (
        "experiments", "randomised_lift", "double_machine_learning_lift", "matching_lift",
    ),
    "industry_parameters": _ENDS, "repurchase_cycle": (*_ENDS, "implied_cycle_days"),
    "industries": _ENDS, "pool_assumptions": _ENDS, "channel_definitions": CRITERIA,
    "claims": (), "contradictions": (), "glossary": (), "metrics": (),
}  # fmt: skip
_SIGNED = {"net_profit_rmb_m", "enrolments_yoy_pct"}  # fields of filings that may be below zero
_KEYS = {
    "filings": ("company", "period", "field", "definition"), "cac_claims": ("id",), "exchange_rates": ("year",),
    "private_domain_benchmarks": ("id",), "experiment_comparisons": ("id",), "industry_parameters": ("id",),
    "repurchase_cycle": ("id",), "industries": ("industry", "metric"), "pool_assumptions": ("input",),
    "channel_definitions": ("channel",), "claims": ("id",), "contradictions": ("id",), "glossary": ("key",),
    "metrics": ("metric", "variant"),
}  # fmt: skip
_WORDS = ("claims", "contradictions", "glossary", "metrics")  # tables of words: what they say is text throughout
# Columns of them whose words, parted by semicolons, are from a list.
_LISTS = {
    "claims": {
        "sources": SOURCES, "seller": SELLERS, "grade": CLAIM_GRADES, "status": STATUSES, "needs": NEEDS,
    },
    "glossary": {"theme": THEMES},
}  # fmt: skip
_PAGE = r"((training/)?\d\d_[a-z_]+)?"
_FUNCTION = r"(siyu_helpers(\.\w+)+)?"
# Unit of a field of filings, by the end of its name.
_UNITS = (("_rmb_m", "RMB million"), ("_usd_m", "USD million"), ("_pct", "%"), ("_pct_revenue", "%"))
_CLAIM_UNITS = ("RMB", "RMB bn", "RMB per year", "USD", "percent", "ratio", "x")
# Claims with a range: its two columns, the column of its unit, and the units it may have.
_RANGES = {
    "cac_claims": ("value_low", "value_high", "unit", _CLAIM_UNITS),
    "private_domain_benchmarks": ("figure_low", "figure_high", "figure_unit", ("%", "x")),
}
# Columns that a figure needs once it says what it measures.
_MEASURED = ("entity_zh", "figure_low", "figure_unit", "comparison", "claim_zh", "claim_en")
#: What a figure of private_domain_benchmarks was compared with.
COMPARISONS = (
    "before_after", "members_against_others", "cohorts", "no_control", "no_comparison", "none_stated", "randomised",
)  # fmt: skip


def folder(data_root: str | os.PathLike | None = None) -> Path:
    """Where the public facts are: `market` in the data root, or the project's own where that holds no table of them.

    Example
    -------
    >>> folder().name, folder("/no/such/root") == folder()
    ('market', True)
    """
    own = cache.default_data_root() / FOLDER
    if data_root is None:
        return own
    there = Path(data_root) / FOLDER
    return there if any((there / f"{name}.csv").is_file() for name in _COLUMNS) else own


def inputs(data_root: str | os.PathLike | None = None) -> list[dict]:
    """The tables of public facts as input files of a page: file, sha256, bytes, rows.

    Example
    -------
    >>> [entry["file"] for entry in inputs()]
    ['market/cac_claims.csv', 'market/channel_definitions.csv', 'market/claims.csv', 'market/contradictions.csv',
     'market/exchange_rates.csv', 'market/experiment_comparisons.csv', 'market/filings.csv', 'market/glossary.csv',
     'market/industries.csv', 'market/industry_parameters.csv', 'market/metrics.csv', 'market/pool_assumptions.csv',
     'market/private_domain_benchmarks.csv', 'market/repurchase_cycle.csv']
    """
    found = []
    for path in sorted(folder(data_root) / f"{name}.csv" for name in _COLUMNS):
        if path.is_file():
            table, _ = _read(path, path.stem)
            entry = {"file": f"{FOLDER}/{path.name}", "sha256": cache.file_hash(path), "bytes": path.stat().st_size}
            found.append(entry | {"rows": None if table is None else len(table)})
    return found


def load(name: str, data_root: str | os.PathLike | None = None) -> pd.DataFrame:
    """Read one table of public facts and check that it says what its columns promise.

    CSV  ->  table (grain by name: company x period x field; one published claim or figure; one year; one outcome;
    industries: industry x metric; pool_assumptions: one input of a pool's economics; channel_definitions: one channel;
    claims, contradictions: one of the articles; glossary: one term; metrics: metric x variant)

    Parameters
    ----------
    name : str
        "filings", "cac_claims", "exchange_rates", "private_domain_benchmarks", "experiment_comparisons",
        "industry_parameters", "repurchase_cycle", "industries", "pool_assumptions", "channel_definitions", "claims",
        "contradictions", "glossary" or "metrics".
    data_root : path, optional
        Folder of brands; where it has no folder `market`, the project's own is read.

    Returns
    -------
    DataFrame
        The columns of the file, in its order of rows. Numbers are float (year of exchange_rates: int), all else is
        text; a blank text is "", a blank number NaN. Blank means not found, never zero.

    Raises
    ------
    ValueError
        There is no table of that name.
    DataProblems
        The file is missing, or cells break its rules; each problem names file, line, column and remedy.

    Example
    -------
    >>> rates = load("exchange_rates").set_index("year")["rmb_per_usd"]
    >>> float(rates[2018])
    6.609
    """
    if name not in _COLUMNS:
        raise ValueError(f"There is no table {name!r} of public facts; there are: {', '.join(_COLUMNS)}.")
    path = folder(data_root) / f"{name}.csv"
    table, problems = _read(path, name)
    if table is not None:
        problems = _problems(table, name, path.name)
    if problems:
        raise DataProblems(FOLDER, problems)
    for column in _NUMBERS[name]:
        table[column] = pd.to_numeric(table[column].replace("", None)).astype(float)
    return table.astype({"year": int}) if name == "exchange_rates" else table


def _read(path: Path, name: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    if not path.is_file():
        return None, [Problem(path.name, None, None, "The file is missing.", f"Put it into {path.parent}.")]
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8", index_col=False).fillna("")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        wrong = "The file is not a CSV table in UTF-8 whose lines all have the same number of fields."
        return None, [Problem(path.name, None, None, wrong, "Save it again as 'CSV UTF-8 (comma delimited)'.")]
    missing = [column for column in _COLUMNS[name] if column not in table.columns]
    remedy = f"Add the column; {name} has {', '.join(_COLUMNS[name])}."
    return (None if missing else table), [
        Problem(path.name, None, column, "The column is missing.", remedy) for column in missing
    ]


def _problems(table: pd.DataFrame, name: str, file: str) -> list[Problem]:
    found = []

    def tell(rows, column: str | None, wrong: str, remedy: str) -> None:
        for row in table.index[rows]:
            value = quoted(table.at[row, column], "money") if column else ""
            found.append(Problem(file, int(row) + 2, column, wrong.format(value=value), remedy))

    for column in _FILLED[name]:
        tell(table[column].str.strip() == "", column, "The cell is empty.", "Fill it in, or remove the line.")
    for column in _NUMBERS[name]:
        number = pd.to_numeric(table[column].replace("", None), errors="coerce")
        finite = number.abs() < float("inf")
        tell((table[column] != "") & ~finite, column, "{value} is not a number.", "Write it as 1234.5.")
        signed = table["field"].isin(_SIGNED) if name == "filings" else pd.Series(False, table.index)
        signed |= table["metric"].str.contains("margin") if name == "industry_parameters" else False
        tell((number < 0) & ~signed, column, "{value} is negative.", "Check the figure against its source.")
        if name not in ("filings", "channel_definitions", *_DERIVED):
            tell(number == 0, column, "{value} is no claim and no rate.", "Remove the line if nothing was found.")
    if name not in _WORDS:
        tell(~table["grade"].isin(["", *GRADES]), "grade", "{value} is not a grade.",
             "Write A (a filing or the company's own document) or B (a secondary page).")  # fmt: skip
    repeated = table.duplicated(list(_KEYS[name]))
    tell(repeated, None, f"The same {', '.join(_KEYS[name])} stands on an earlier line.",
         "Keep one of them; a restated figure says RESTATED in its definition.")  # fmt: skip
    if name in _WORDS:
        return found + _word_problems(table, file, name)
    if name == "channel_definitions":
        return found + _channel_problems(table, file)
    if name in _WITH_ENDS:
        return found + _range_problems(table, file, name)
    return found + (_filing_problems(table, file) if name == "filings" else _claim_problems(table, file, name))


def _word_problems(table: pd.DataFrame, file: str, name: str) -> list[Problem]:
    """Words outside their lists, pages without a section, and claims that do not say what became of them."""
    found: list[Problem] = []
    tell = _teller(found, table, file)
    for column, allowed in _LISTS.get(name, {}).items():
        listed = table[column].map(lambda cell: {part.strip() for part in cell.split(";")})
        outside = listed.map(lambda words, allowed=allowed: not words <= {"", *allowed})
        tell(outside, column, "{value} is not a word of this column.", f"Use: {', '.join(allowed)}.")
    page, section = table["page"], table["section"]
    tell(~page.str.fullmatch(_PAGE), "page", "{value} is no page.", "Write it as 02_repurchase_cohorts.")
    tell((page != "") & (section == ""), "section", "The cell is empty, though the row names a page.",
         "Write the English heading of the section.")  # fmt: skip
    if "function" in table:
        tell(~table["function"].str.fullmatch(_FUNCTION), "function", "{value} is no function of this project.",
             "Write its dotted name, beginning with siyu_helpers.")  # fmt: skip
    if name == "claims":
        computed = table["status"] == "computed"
        must = table["kind"].isin(COMPUTED_KINDS)
        tell(must & ~computed, "status", "{value}, though a claim of this kind is to be computed.", "Compute it.")
        for column in ("function", "page", "needs"):
            tell(computed & (table[column] == ""), column, "The cell is empty, though the claim is computed.",
                 "Say by which function, on which page and from which tables.")  # fmt: skip
        tell(~computed & (table["function"] != ""), "function", "{value}, though the claim is not computed.",
             "Empty the cell, or write computed as its status.")  # fmt: skip
        tell((table["status"] == "taught") & (page == ""), "page", "The cell is empty, though the claim is taught.",
             "Name the page or lesson that teaches it.")  # fmt: skip
    return found


def _teller(found: list[Problem], table: pd.DataFrame, file: str) -> Callable[[pd.Series, str, str, str], None]:
    """What notes a problem of each of the rows given; {value} in its text is the cell."""

    def tell(rows: pd.Series, column: str, wrong: str, remedy: str) -> None:
        for row in table.index[rows]:
            shown = wrong.format(value=quoted(table.at[row, column]))
            found.append(Problem(file, int(row) + 2, column, shown, remedy))

    return tell


def _channel_problems(table: pd.DataFrame, file: str) -> list[Problem]:
    """Scores outside 0 to 1, scores that do not say what they rest on, and domains that are none."""
    found: list[Problem] = []
    tell = _teller(found, table, file)
    for column in ARTICLES:
        tell(~table[column].isin(DOMAINS), column, "{value} is no domain.",
             f"Use one of: {', '.join(filter(None, DOMAINS))}, or leave it blank.")  # fmt: skip
    for column in CRITERIA:
        basis, sources = table[f"{column}_basis"], table[f"{column}_sources"]
        tell(pd.to_numeric(table[column].replace("", None), errors="coerce") > 1, column, "{value} is above 1.",
             "Score from 0 to 1.")  # fmt: skip
        tell(
            ~basis.isin(["", *BASES]), f"{column}_basis", "{value} is not a basis.", f"Use one of: {', '.join(BASES)}."
        )
        tell((basis == "source") & (sources == ""), f"{column}_sources", "The cell is empty, though it has a source.",
             "Name the source, or write assumption as its basis.")  # fmt: skip
    return found


def _range_problems(table: pd.DataFrame, file: str, name: str) -> list[Problem]:
    """Ranges out of order, and figures without the grade or the basis that says what they are worth."""
    found = []
    ends = table[list(_ENDS)].apply(lambda column: pd.to_numeric(column.replace("", None), errors="coerce"))
    for row in table.index[[list(known) != sorted(known) for known in (line.dropna() for _, line in ends.iterrows())]]:
        wrong = "low, typical and high are not in this order."
        found.append(Problem(file, int(row) + 2, "low", wrong, "Swap them, or correct the figure."))
    # A row that is blank on purpose has no source, so no grade; a derived row has one where it rests on sources alone.
    graded = table["basis"] == "source" if name in _DERIVED else (table[list(_ENDS)] != "").any(axis=1)
    for row in table.index[graded & (table["grade"] == "")]:
        found.append(Problem(file, int(row) + 2, "grade", "The cell is empty.", "Write A or B, as its source has it."))
    return found + (_derived_problems(table, file, name) if name in _DERIVED else [])


def _derived_problems(table: pd.DataFrame, file: str, name: str) -> list[Problem]:
    """Rows that do not say what they rest on, and industries that lack a metric or have one in another unit."""
    found: list[Problem] = []
    tell = _teller(found, table, file)
    stated = table["basis"] == "source"
    tell(~table["basis"].isin(["", *BASES]), "basis", "{value} is not a basis.", f"Use one of: {', '.join(BASES)}.")
    tell(stated & (table["sources"] == ""), "sources", "The cell is empty, though the row rests on sources.",
         "Name the rows of the tables of facts, such as ip007; rc32.")  # fmt: skip
    tell((table["basis"] == "assumption") & (table["grade"] != ""), "grade", "An assumption has no grade.",
         "Empty the cell, or write source as its basis.")  # fmt: skip
    if name == "industries":
        views = ", ".join(view for view in ARTICLE_VIEWS if view)
        tell(~table["article_view"].isin(ARTICLE_VIEWS), "article_view", "{value} is no view of the articles.",
             f"Use one of: {views}, or leave it blank.")  # fmt: skip
        tell(~table["metric"].isin(["", *METRICS]), "metric", "{value} is not a metric of industries.",
             f"Use one of: {', '.join(METRICS)}.")  # fmt: skip
        wanted = table["metric"].map(METRICS)
        tell(wanted.notna() & (table["unit"] != "") & (table["unit"] != wanted), "unit",
             "{value} is not the unit of that metric.", "Convert the figures, and write the other unit.")  # fmt: skip
        for industry, rows in table.groupby("industry", sort=False):
            lacking = [metric for metric in NEEDED_METRICS if metric not in set(rows["metric"])]
            if lacking:
                wrong = f"{quoted(industry)} lacks: {', '.join(lacking)}."
                found.append(Problem(file, int(rows.index[0]) + 2, "metric", wrong, "Add a row for each."))
    return found


def _filing_problems(table: pd.DataFrame, file: str) -> list[Problem]:
    """Units that do not fit the field, and ends of periods that are no day."""
    found = []
    days = pd.to_datetime(table["period_end"], format="%Y-%m-%d", errors="coerce")
    for row in table.index[days.isna() & (table["period_end"] != "")]:
        wrong = f"{quoted(table.at[row, 'period_end'])} is not a day."
        found.append(Problem(file, int(row) + 2, "period_end", wrong, "Write it as 2018-12-31."))
    for row in table.index[table["unit"] != ""]:
        field, unit = table.at[row, "field"], table.at[row, "unit"]
        wanted = _unit_of(field)
        if wanted and unit != wanted:
            wrong = f"{quoted(unit)} is not the unit of {field}."
            found.append(Problem(file, int(row) + 2, "unit", wrong, f"Convert the value, and write {wanted}."))
    return found


def _unit_of(field: str) -> str | None:
    stem = field.removesuffix("_derived").removesuffix("_approx").removesuffix("_lower_bound")
    named = next((unit for end, unit in _UNITS if stem.endswith(end)), None)
    return named or ("million" if stem.endswith("_m") else None)


def _claim_problems(table: pd.DataFrame, file: str, name: str) -> list[Problem]:
    """Claims in a unit that nothing can be compared with, and ranges whose ends are the wrong way round."""
    if name not in _RANGES:
        return []
    found = []
    low_name, high_name, unit_name, units = _RANGES[name]
    for row in table.index[~table[unit_name].isin(["", *units])]:
        wrong = f"{quoted(table.at[row, unit_name])} is not a unit of claims."
        found.append(Problem(file, int(row) + 2, unit_name, wrong, f"Use one of: {', '.join(units)}."))
    low, high = (pd.to_numeric(table[end].replace("", None), errors="coerce") for end in (low_name, high_name))
    for row in table.index[low > high]:
        wrong = "The lower end of the claim is above its upper end."
        found.append(Problem(file, int(row) + 2, low_name, wrong, "Swap them, or correct the figure."))
    return found + (_figure_problems(table, file) if name == "private_domain_benchmarks" else [])


def _figure_problems(table: pd.DataFrame, file: str) -> list[Problem]:
    """Figures that a page would show without saying of whom, how much or compared with what."""
    found = []
    for row in table.index[~table["comparison"].isin(["", *COMPARISONS])]:
        wrong = f"{quoted(table.at[row, 'comparison'])} is not a comparison."
        found.append(Problem(file, int(row) + 2, "comparison", wrong, f"Use one of: {', '.join(COMPARISONS)}."))
    measured = table["measures"].str.strip() != ""
    for column in _MEASURED:
        for row in table.index[measured & (table[column].str.strip() == "")]:
            wrong = "The cell is empty, though the line says what it measures."
            found.append(Problem(file, int(row) + 2, column, wrong, "Fill it in, or empty the cell in measures."))
    return found
