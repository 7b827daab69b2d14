"""Lists: customers under the brand's own identifiers, for use outside; written to the brand's private folder only.

    private/<brand>/<experiment>_<last day>_seed<seed>.csv               whom to leave out, or to write to
    private/<brand>/<experiment>_<last day>_seed<seed>_assignments.csv   the rows to keep in the table assignments

Both files are readable by their owner alone (mode 600, folder 700) and never part of git. The same brand, day, seed and
options give the same bytes; a list that is there already is never replaced by another.
"""

import csv
import datetime
import io
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import polars as pl

from siyu_helpers.analysis.effect import experiment_lists
from siyu_helpers.analysis.effect.experiment_lists import ARMS, UNLIKE_FROM
from siyu_helpers.analysis.effect.histories import Histories, read_histories
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data import brand_config, identifiers
from siyu_helpers.data.brands import Brand
from siyu_helpers.reporting import words

BOM = "\ufeff"  # so that Excel shows Chinese identifiers as they are; not in the rows that are appended to a table
OF = {"non_members": "holdout", "members": "promotions"}
DORMANT_AFTER_DAYS = 180  # where brand.yml does not say


class ListError(ValueError):
    """No list can be made of this brand, or it may not be written."""


class Written(NamedTuple):
    """What was written: nothing in it names a customer."""

    path: Path
    assignments: Path
    facts: dict[str, Any]
    balance: pd.DataFrame
    is_new: bool
    like_formulas: int


def holdout(
    brand: Brand,
    share: float = 0.1,
    seed: int = 0,
    of: str = "non_members",
    experiment: str | None = None,
    until: datetime.date | None = None,
    active_within_days: int = 365,
) -> Written:
    """Draw by lot who is not invited (or, of members, gets no promotions), and write the list and its assignments.

    Brand  ->  two files in the private folder

    Parameters
    ----------
    brand : Brand
        From `brands.load`.
    share, seed : float, int
        Share held out, and the seed of the lot.
    of : "non_members" or "members"
        Of whom.
    experiment : str, optional
        Its name in the table assignments; customers who stand there under this name are not drawn again.
    until : date, optional
        Last day to go by; the brand's own unless told. The lot is drawn at its end.
    active_within_days : int
        Of those outside the pool only who has ordered so recently.

    Returns
    -------
    Written

    Raises
    ------
    ListError
        Nobody can be drawn, or another list of this name is there already.
    """
    kind = OF[of]
    experiment = _experiment_name(experiment or {"holdout": "holdout", "promotions": "promotions_holdout"}[kind])
    if kind == "promotions" and not brand.has("members"):
        raise ListError(f"Brand {brand.id} has no table members, so there is nobody in the pool to hold out.")
    last = _last_day(brand, until)
    told = _histories(brand, last)
    listed = experiment_lists.holdout_list(
        told, kind, share, seed, _assigned(brand, experiment), active_within_days, _stays(brand)
    )
    drawn = _drawn(listed)
    return _write(brand, drawn, drawn[drawn["arm"] == ARMS[kind][0]], experiment, last, seed)


def win_back(
    brand: Brand,
    control: float = 0.1,
    seed: int = 0,
    dormant_after_days: int | None = None,
    dormant_at_most_days: int | None = None,
    experiment: str | None = None,
    until: datetime.date | None = None,
) -> Written:
    """List dormant customers with what they spent, a share of them marked by lot to get no message.

    Brand  ->  two files in the private folder

    Parameters
    ----------
    control : float
        Share marked to get no message.
    dormant_after_days, dormant_at_most_days : int, optional
        Dormant is whose last order is more than so many days ago (and at most so many); as in brand.yml, or 180.
    brand, seed, experiment, until
        As in `holdout`. Customers who opted out of messages are not listed.

    Raises
    ------
    ListError
        As `holdout`.
    """
    experiment = _experiment_name(experiment or "win_back")
    last = _last_day(brand, until)
    after = dormant_after_days or brand.config["dormant_after_days"] or DORMANT_AFTER_DAYS
    opted_out = _opted_out(brand, last)
    listed = experiment_lists.win_back_list(
        _histories(brand, last), after, dormant_at_most_days, control, seed, _assigned(brand, experiment) | opted_out
    )
    drawn = _drawn(listed)
    drawn.attrs["dormant_after_days"] = int(after)
    return _write(brand, drawn, drawn, experiment, last, seed)


def account(written: Written, brand: Brand) -> str:
    """What is said of a list in the terminal: counts, places, how alike the groups are, and what to do next."""
    facts, (left_out, others) = written.facts, ARMS[written.facts["kind"]]
    lines = [
        f"{facts['eligible']:,} customers fit; {facts['excluded']:,} of them are left aside (in this experiment already"
        + (", or opted out of messages)." if facts["kind"] == "win_back" else ")."),
        f"{facts['held_out']:,} drawn by lot as {left_out}, {facts['others']:,} as {others} "
        f"(complete randomisation without strata, seed {facts['seed']}).",
        "The two groups before the experiment, in standard deviations apart: "
        + "; ".join(f"{row.what.replace('_', ' ')} {row.difference:+.2f}" for row in written.balance.itertuples())
        + ".",
    ]
    if (written.balance["difference"].abs() >= UNLIKE_FROM).any():
        lines.append(f"A difference of {UNLIKE_FROM} or more: chance alone can do that in small groups; adjust for it.")
    lines.append(f"{'Wrote' if written.is_new else 'Unchanged:'} {written.path}")
    lines.append(f"{'Wrote' if written.is_new else 'Unchanged:'} {written.assignments}")
    if written.like_formulas:
        lines.append(
            f"{written.like_formulas:,} identifiers begin like a formula: import the files as text, do not open them "
            "in a spreadsheet."
        )
    return "\n".join(lines + _next_steps(written, brand))


def _next_steps(written: Written, brand: Brand) -> list[str]:
    kind = written.facts["kind"]
    table = brand.folder / "assignments.csv"
    use = {
        "holdout": "Next: keep the customers of the first file out of every invitation into the pool.",
        "promotions": "Next: send the customers of the first file no promotions; service messages may go on.",
        "win_back": "Next: write to the customers marked message, and not to those marked no_message.",
    }[kind]
    if brand.has("assignments"):
        keep = f"Append the rows of the second file, without its header, to {table}"
    else:
        keep = f"Copy the second file to {table}"
    return [
        use,
        f"{keep}: without them the effect cannot be measured.",
        "Both files hold the brand's own identifiers: they are in no report and not in git; do not mail them.",
    ]


# --- what a list is made of ---


def _experiment_name(name: str) -> str:
    if not brand_config.SLUG.fullmatch(name):
        raise ListError("The name of an experiment is written with a-z, 0-9, _ and -, at most 40 of them: --experiment")
    return name


def _last_day(brand: Brand, until: datetime.date | None) -> datetime.date:
    if until is None:
        return brand.observed_until
    if not brand.observed_from <= until <= brand.observed_until:
        raise ListError(
            f"--until {until} is outside the data of brand {brand.id}, {brand.observed_from} to {brand.observed_until}."
        )
    return until


def _histories(brand: Brand, last: datetime.date) -> Histories:
    nobody = pl.DataFrame(schema={"customer_id": pl.Int64, "joined_at": pl.Datetime("us")}).lazy()
    stays = _stays(brand)
    return read_histories(brand.scan("orders"), nobody if stays is None else stays, last)


def _stays(brand: Brand) -> pl.LazyFrame | None:
    return brand.scan("members") if brand.has("members") else None


def _assigned(brand: Brand, experiment: str) -> set[int]:
    """Who is in the experiment already."""
    if not brand.has("assignments"):
        return set()
    rows = brand.scan("assignments").filter(pl.col("experiment") == experiment)
    return set(rows.select("customer_id").collect()["customer_id"].to_list())


def _opted_out(brand: Brand, last: datetime.date) -> set[int]:
    """Who opted out of a message by the last day, whatever its channel."""
    if not brand.has("messages") or "opted_out" not in brand.scan("messages").collect_schema().names():
        return set()
    end = datetime.datetime.combine(last, datetime.time.min) + datetime.timedelta(days=1)
    rows = brand.scan("messages").filter(pl.col("opted_out") & (pl.col("sent_at") < end))
    return set(rows.select("customer_id").unique().collect()["customer_id"].to_list())


def _drawn(listed: pd.DataFrame | Refused) -> pd.DataFrame:
    if isinstance(listed, Refused):
        raise ListError(
            f"{listed.reason_en} Nothing was written. Widen who fits with the options of the command, or wait for more "
            "customers."
        )
    return listed


# --- writing ---


def _write(
    brand: Brand, drawn: pd.DataFrame, shown: pd.DataFrame, experiment: str, last: datetime.date, seed: int
) -> Written:
    """Write the list and the rows of assignments, both or none."""
    own = dict(zip(drawn["customer_id"], identifiers.restore(brand, "customer", drawn["customer_id"]), strict=True))
    if None in own.values():
        raise ListError(
            f"The mapping of identifiers does not know all customers of brand {brand.id}. Run: siyu check {brand.id}"
        )
    # The last second that is known, not the first of the next day: no table may hold times after observed_until.
    drawn_at = pd.Timestamp(last) + pd.Timedelta(days=1) - pd.Timedelta(seconds=1)
    rows = experiment_lists.assignment_rows(drawn, experiment, drawn_at)
    stem = f"{experiment}_{last}_seed{seed}"
    files = {
        brand.private / f"{stem}.csv": BOM + _csv(shown, own, {"past_spend": 2}),
        brand.private / f"{stem}_assignments.csv": _csv(rows, own, {}),
    }
    contents = {path: text.encode() for path, text in files.items()}
    there = {path for path in contents if path.exists()}
    for path in sorted(there):
        if path.read_bytes() != contents[path]:
            raise ListError(
                f"{path} is there already and holds another list: the data or the options have changed since. Nothing "
                "was written. Take another --seed or --experiment, or move the old list away."
            )
    for path in sorted(set(contents) - there):
        _write_private(path, contents[path])
    path, assignments = contents
    like_formulas = sum(text.startswith(words.FORMULA_BEGINS) for text in own.values())
    balance = experiment_lists.lot_balance(drawn)
    return Written(path, assignments, dict(drawn.attrs), balance, len(there) < len(files), like_formulas)


def _csv(table: pd.DataFrame, own: dict[int, str], decimals: dict[str, int]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    columns = []
    for name in table.columns:
        values = table[name].map(own) if name == "customer_id" else table[name]
        columns.append([f"{value:.{decimals[name]}f}" for value in values] if name in decimals else values.tolist())
    writer.writerows(zip(*columns, strict=True))
    return stream.getvalue()


def _write_private(path: Path, content: bytes) -> None:
    """Written beside its place with mode 600 from the beginning, then moved there; never over another file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    handle, writing = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(writing, path)
    finally:
        Path(writing).unlink(missing_ok=True)
