"""Checkup: a readable account of a brand's data, as `siyu check` prints it.

Every function takes a table and gives a small table back; `print_account` alone prints. The requirements of the
notebooks are passed in, because this floor knows nothing of the floors above.
"""

import datetime
from collections.abc import Iterable

import polars as pl
from rich.console import Console
from rich.table import Table as PrintedTable
from rich.text import Text

from siyu_helpers.data.brands import Brand

# The last days of a file, in which nearly every earlier order of a customer can be seen.
REFERENCE_DAYS = 90
FEWEST_REFERENCE_ORDERS = 200
_FIRST_TIME = {
    "orders": "ordered_at", "customers": "first_order_at", "spend": "date", "touchpoints": "touched_at",
    "members": "joined_at", "accounts": "opened_at", "assignments": "assigned_at", "messages": "sent_at",
    "pool_costs": "month",
}  # fmt: skip


def overview(brand: Brand) -> pl.DataFrame:
    """Rows and period of every table of a brand.

    Returns
    -------
    DataFrame, one row per table
        table, file, encoding : str. rows, dropped : int. first, last : date, null where a table has no times.
    """
    rows = []
    for name, account in brand.account["tables"].items():
        frame, moment = brand.scan(name), _FIRST_TIME[name]
        first = last = None
        if moment in frame.collect_schema():
            days = frame.select(pl.col(moment).cast(pl.Date))
            first, last = days.select(first=pl.col(moment).min(), last=pl.col(moment).max()).collect().row(0)
        dropped = sum(account["dropped"].values())
        rows.append((name, account["file"], account["encoding"], account["rows"], dropped, first, last))
    schema = {"table": pl.String, "file": pl.String, "encoding": pl.String, "rows": pl.Int64, "dropped": pl.Int64,
              "first": pl.Date, "last": pl.Date}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def quiet_spells(orders: pl.LazyFrame, observed_from: datetime.date, observed_until: datetime.date) -> pl.DataFrame:
    """The longest runs of days without a single order: a hole in the export looks like this.

    orders (ordered_at)  ->  one row per run, at most five, the longest first

    Runs at the two ends of the period count too. A run is listed when it is at least three days long and at least
    three times the lower quartile of all runs (0 in a shop that sells daily), so that a shop that sells once a week is
    not told about every week.

    Returns
    -------
    DataFrame
        first, last : date, the days without orders. days : int.

    Example
    -------
    >>> orders = pl.LazyFrame({"ordered_at": [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 20)]})
    >>> quiet_spells(orders, datetime.date(2024, 1, 1), datetime.date(2024, 1, 20)).row(0)
    (datetime.date(2024, 1, 2), datetime.date(2024, 1, 19), 18)
    """
    day = datetime.timedelta(days=1)
    days = orders.select(pl.col("ordered_at").dt.date().unique().sort()).collect()["ordered_at"]
    edges = pl.concat([pl.Series([observed_from - day]), days, pl.Series([observed_until + day])])
    runs = pl.DataFrame({"first": edges[:-1] + day, "last": edges[1:] - day})
    runs = runs.with_columns(days=(pl.col("last") - pl.col("first")).dt.total_days() + 1)
    unusual = runs.filter((pl.col("days") >= 3) & (pl.col("days") >= 3 * pl.col("days").quantile(0.25, "lower")))
    return unusual.sort("days", "first", descending=[True, False]).head(5)


def months_without_orders(
    orders: pl.LazyFrame, observed_from: datetime.date, observed_until: datetime.date
) -> list[str]:
    """The calendar months of the observed period without a single order, as YYYY-MM.

    Example
    -------
    >>> orders = pl.LazyFrame({"ordered_at": [datetime.datetime(2024, 1, 1), datetime.datetime(2024, 3, 20)]})
    >>> months_without_orders(orders, datetime.date(2024, 1, 1), datetime.date(2024, 3, 31))
    ['2024-02']
    """
    there = set(orders.select(pl.col("ordered_at").dt.strftime("%Y-%m").unique()).collect()["ordered_at"])
    every = pl.date_range(observed_from.replace(day=1), observed_until, "1mo", eager=True).dt.strftime("%Y-%m")
    return [month for month in every if month not in there]


def repeats(orders: pl.LazyFrame) -> dict[str, int]:
    """Counts that show whether a line is an order, and whether a key is a person.

    orders (customer_id, ordered_at, amount)  ->  counts

    Returns
    -------
    dict
        orders : lines. without_customer : lines without a customer key. customers : distinct keys.
        same_day : orders beyond the first of a customer on a day.
        twins : lines that equal an earlier line in customer, time and amount.
        free : orders with an amount of zero. busiest : orders of the customer with most orders.

    Example
    -------
    >>> at = [datetime.datetime(2024, 1, 1)] * 3
    >>> repeats(pl.LazyFrame({"customer_id": [1, 1, 2], "ordered_at": at, "amount": [5.0, 5.0, 0.0]}))["same_day"]
    1
    """
    known = orders.filter(pl.col("customer_id").is_not_null())
    by_day = known.select("customer_id", pl.col("ordered_at").dt.date()).unique()
    whole = known.select("customer_id", "ordered_at", "amount").unique()
    per_customer = known.group_by("customer_id").len()
    first, days, lines, people = pl.collect_all([
        orders.select(
            orders=pl.len(), without_customer=pl.col("customer_id").null_count(), free=(pl.col("amount") == 0).sum()
        ),
        by_day.select(pl.len()),
        whole.select(pl.len()),
        per_customer.select(customers=pl.len(), busiest=pl.col("len").max()),
    ])  # fmt: skip
    counts = first.row(0, named=True) | people.row(0, named=True)
    with_key = counts["orders"] - counts["without_customer"]
    return counts | {"same_day": with_key - days.item(), "twins": with_key - lines.item()}


def likely_old(
    orders: pl.LazyFrame,
    observed_from: datetime.date,
    observed_until: datetime.date,
    first_orders: pl.LazyFrame | None = None,
) -> pl.DataFrame | None:
    """How many of each month's apparently new customers had probably bought before the file begins.

    orders (customer_id, ordered_at)  ->  one row per month

    A customer looks new at the first order in the file. The file shows only the a days before an order on day a, so an
    old customer who was silent for more than a days looks new as well. How often that happens is counted where the
    answer is known: among the orders of the last 90 days of the file, take those that would look new if only the a
    days before them could be seen; the share of them whose customer in truth has an earlier order in the file is the
    share of old customers among apparent newcomers on day a. It is applied day by day and summed by month.

    The estimate supposes that old and new customers were mixed at the start as they are in the last 90 days: it holds
    for a steady brand and for one that grows at a steady pace, and is too low for one whose growth has quickened since
    then (too high if it has slowed). Customers silent for longer than the file looks back count as new, so the last
    months err low. In simulations with known truth it is within 6 points in every month with 400 newcomers.

    Parameters
    ----------
    orders : LazyFrame
        Orders of one customer on one day count once; orders without a customer key are left out.
    observed_from, observed_until : date
        First and last day the export covers.
    first_orders : LazyFrame, optional
        customer_id, first_order_at: for these customers the answer is known and is counted, not estimated.

    Returns
    -------
    DataFrame, one row per month, or None when the file has too little to say (less than 180 days, or fewer than 200
    orders in the last 90 days)
        month : str, YYYY-MM. looks_new : customers with their first order in the file. likely_old : float, how many of
        them had bought before. share : likely_old / looks_new.
    """
    if (observed_until - observed_from).days < 2 * REFERENCE_DAYS:
        return None
    known = orders.filter(pl.col("customer_id").is_not_null())
    days = known.select("customer_id", day=pl.col("ordered_at").dt.date()).unique().sort("customer_id", "day")
    days = days.with_columns(silent=(pl.col("day") - pl.col("day").shift().over("customer_id")).dt.total_days())
    reference = pl.col("day") > observed_until - datetime.timedelta(days=REFERENCE_DAYS)
    silent = days.filter(reference).select("silent").collect()["silent"]
    if len(silent) < FEWEST_REFERENCE_ORDERS:
        return None
    newcomers = days.filter(pl.col("silent").is_null()).select("customer_id", "day").collect()
    newcomers = newcomers.with_columns(watched=(pl.col("day") - observed_from).dt.total_days())
    newcomers = newcomers.join(_share_old(silent, newcomers["watched"].unique()), on="watched", how="left")
    if first_orders is not None:
        truth = first_orders.filter(pl.col("first_order_at").is_not_null()).select(
            "customer_id", known_old=(pl.col("first_order_at").dt.date() < observed_from).cast(pl.Float64)
        )
        newcomers = newcomers.join(truth.collect(), on="customer_id", how="left")
        newcomers = newcomers.with_columns(old=pl.coalesce("known_old", "old"))
    by_month = newcomers.group_by(month=pl.col("day").dt.strftime("%Y-%m")).agg(
        looks_new=pl.len(), likely_old=pl.col("old").sum()
    )
    return by_month.with_columns(share=pl.col("likely_old") / pl.col("looks_new")).sort("month")


def _share_old(silent: pl.Series, watched: pl.Series) -> pl.DataFrame:
    """For each number of days watched, the share of old customers among reference orders that would look new.

    silent : days since the customer's order before, null for the first in the file.
    """
    gaps = silent.drop_nulls().sort()
    never = silent.null_count()
    longer = len(gaps) - gaps.search_sorted(watched, side="right").cast(pl.Int64)
    share = pl.select(pl.when(longer + never > 0).then(longer / (longer + never)).otherwise(0.0)).to_series()
    return pl.DataFrame({"watched": watched, "old": share})


def readiness(brand: Brand, notebooks: Iterable[tuple[str, dict, dict]]) -> pl.DataFrame:
    """What each notebook can and cannot do with the tables of a brand.

    Parameters
    ----------
    brand : Brand
    notebooks : iterable of (stem, requires, uses)
        Both dicts are table -> list of columns: what a notebook cannot do without, and what it uses when it is there.

    Returns
    -------
    DataFrame, one row per notebook
        notebook : str. ready : bool. missing, without : str, the lacking columns written as table.column; a column that
        is blank on every line is lacking too.
    """
    filled = {name: _filled_columns(brand, name) for name in brand.tables}

    def lacking(wanted: dict) -> str:
        columns = [f"{table}.{column}" for table, names in wanted.items() for column in names
                   if column not in filled.get(table, ())]  # fmt: skip
        return ", ".join(columns + [table for table, names in wanted.items() if not names and table not in filled])

    rows = [(stem, not lacking(requires), lacking(requires), lacking(uses)) for stem, requires, uses in notebooks]
    schema = {"notebook": pl.String, "ready": pl.Boolean, "missing": pl.String, "without": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _filled_columns(brand: Brand, table: str) -> set[str]:
    counts = brand.scan(table).select(pl.all().count()).collect().row(0, named=True)
    return {name for name, count in counts.items() if count}


def limit_of_newcomers(brand: Brand) -> str | None:
    """What cannot be said about new customers because the export begins in the middle of the brand's life.

    None where the history is complete, or customers.csv says when customers first ordered.
    """
    burn_in = brand.config["burn_in_days"]
    if brand.config["history"] == "complete" or brand.history["first_order_at"] is not None or not burn_in:
        return None
    since = brand.observed_from + datetime.timedelta(days=burn_in)
    first = "the first day only tells" if burn_in == 1 else f"the first {burn_in:,} days only tell"
    if since <= brand.observed_until:
        return f"no cohort of new customers before {since} can be stated ({first} old from new)"
    covered = (brand.observed_until - brand.observed_from).days + 1
    return (
        f"no new customer can be told from an old one: the export covers {covered:,} days, and {first} old from new. "
        "What helps: an export that begins earlier, or first_order_at in customers.csv"
    )


def strangers(brand: Brand) -> list[str]:
    """Tables whose customers hardly occur in orders: their ids are probably not of the same system."""
    told = []
    ordered = brand.scan("orders").select("customer_id").unique()
    for name in brand.tables:
        if name == "orders" or "customer_id" not in brand.scan(name).collect_schema():
            continue
        people = brand.scan(name).select("customer_id").drop_nulls().unique()
        total, shared = (
            frame.select(pl.len()).collect().item() for frame in (people, people.join(ordered, on="customer_id"))
        )
        if total >= 20 and shared < 0.01 * total:
            told.append(f"{name}: {shared:,} of {total:,} customers occur in orders. Are the ids of the same system?")
    return told


# ---- printing -------------------------------------------------------------------------------------------------------


def print_account(brand: Brand, notebooks: Iterable[tuple[str, dict, dict]], console: Console) -> None:
    """Print the account of a brand that has passed every check."""
    config = brand.config
    _say(console, f"{brand.id}: {config['name']['en']} / {config['name']['zh']}", style="bold")
    period = f"{brand.observed_from} to {brand.observed_until} ({config['timezone']})"
    _say(console, f"{period}, money in {config['currency']}, history {config['history']}")
    _print_tables(brand, console)
    _print_orders(brand, console)
    _print_newcomers(brand, console)
    warnings = brand.warnings + strangers(brand)
    if warnings:
        _heading(console, "Worth a look")
        for told in warnings:
            _say(console, f"- {told}")
    _print_readiness(readiness(brand, notebooks), limit_of_newcomers(brand), console)


def _say(console: Console, text: str, style: str = "") -> None:
    # Text, not markup: a brand may be called "[red]".
    console.print(Text(text, style=style), highlight=False)


def _heading(console: Console, text: str) -> None:
    console.print()
    _say(console, text, style="bold")


def _print_tables(brand: Brand, console: Console) -> None:
    _heading(console, "Tables")
    printed = PrintedTable("table", "rows", "dropped", "from", "to", "encoding", box=None, pad_edge=False)
    for row in overview(brand).iter_rows(named=True):
        cells = [row["table"], f"{row['rows']:,}", f"{row['dropped']:,}", row["first"], row["last"], row["encoding"]]
        printed.add_row(*("" if cell is None else str(cell) for cell in cells))
    console.print(printed, highlight=False)
    for name, account in brand.account["tables"].items():
        for rule, count in account["dropped"].items():
            _say(console, f"{name}: {count:,} dropped: {rule}")
        if account["left_out"]:
            _say(console, f"{name}: not in the contract, left out: {', '.join(account['left_out'])}")
        kept = [column for column in account["covariates"] if column not in account["as_integers"]]
        if kept:
            _say(console, f"{name}: kept as traits of customers: {', '.join(kept)}")
        if account["as_integers"]:
            _say(console, f"{name}: personal, kept as integers only: {', '.join(account['as_integers'])}")


def _print_orders(brand: Brand, console: Console) -> None:
    orders = brand.scan("orders")
    counts = repeats(orders)
    _heading(console, "Orders")
    keyless = _share(counts["without_customer"], counts["orders"])
    people = "1 customer" if counts["customers"] == 1 else f"{counts['customers']:,} customers"
    _say(console, f"{people}; {keyless} of orders have no customer key")
    _say(console, f"{counts['same_day']:,} orders beyond a customer's first of the day")
    _say(console, f"{counts['twins']:,} orders that equal an earlier line in customer, time and amount")
    _say(console, f"{counts['free']:,} orders with an amount of zero (kept)")
    busiest = counts["busiest"] or 0
    if busiest >= 20 and busiest > 0.01 * counts["orders"]:
        _say(console, f"One customer has {busiest:,} orders ({_share(busiest, counts['orders'])}).")
        _say(console, "  Is that key a placeholder for guests, or a reseller? See unknown_customer in brand.yml.")
    spells = quiet_spells(orders, brand.observed_from, brand.observed_until)
    if spells.is_empty():
        _say(console, "No unusual run of days without orders")
    for first, last, days in spells.iter_rows():
        _say(console, f"No orders for {days:,} days: {first} to {last}")
    empty = months_without_orders(orders, brand.observed_from, brand.observed_until)
    if empty:
        _say(console, f"Months without orders: {', '.join(empty)}")


def _print_newcomers(brand: Brand, console: Console) -> None:
    _heading(console, "How many 'new' customers are probably old")
    if brand.config["history"] == "complete":
        _say(
            console,
            "The history is complete, so the question does not arise: the first order in the file is the first.",
        )
        return
    dated = brand.history["first_order_at"]
    months = likely_old(brand.scan("orders"), brand.observed_from, brand.observed_until, dated)
    if months is None:
        _say(console, "The file is too short or too small to say (180 days and 200 recent orders are needed).")
        return
    _say(
        console,
        "Older customers exist that the file does not show. Estimate of how many of each month's apparent newcomers "
        "had bought before (assumes the brand has been growing at a steady pace; too high if growth has slowed, too "
        "low if it has quickened):",
    )
    printed = PrintedTable("month", "look new", "probably old", "share", box=None, pad_edge=False)
    for month, new, old, share in months.iter_rows():
        printed.add_row(month, f"{new:,}", f"{old:,.0f}", f"{share:.0%}")
    console.print(printed, highlight=False)
    if dated is None:
        _say(console, f"A customer counts as new only after {brand.config['burn_in_days']} days without an order.")


def _print_readiness(notebooks: pl.DataFrame, limit: str | None, console: Console) -> None:
    if notebooks.is_empty():
        return
    _heading(console, "What each notebook can do")
    for row in notebooks.iter_rows(named=True):
        state = "ready" if row["ready"] else f"cannot answer in full; missing: {row['missing']}"
        without = f" (works without: {row['without']})" if row["ready"] and row["without"] else ""
        _say(console, f"{row['notebook']}: {state}{without}")
        if row["ready"] and limit:
            _say(console, f"  {limit}")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
