"""Brands: one folder of tables each, opened by name.

>>> orders = load("cdnow").table("orders")
>>> len(orders), list(orders.columns)
(69659, ['order_id', 'customer_id', 'ordered_at', 'amount'])
"""

import contextlib
import datetime
import os
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import polars as pl
import yaml

from siyu_helpers.data import brand_config, building, cache, identifiers, manifest, new_brand
from siyu_helpers.data.contract import TABLES, DataProblems, Problem, nearest, quoted

LARGEST_TABLE = 5_000_000
NOT_BRANDS = ("market",)
#: Invented brands that the workbook can make; see `samples`.
INVENTED = ("xiaoman", "yunzuo", "sanli")


class UnknownBrandError(ValueError):
    """There is no such brand, or the name is not one that a brand can have."""


@dataclass(frozen=True)
class Brand:
    """A brand whose files have passed every check.

    id : folder name.
    config : the settings of brand.yml with all defaults, a plain dictionary.
    folder : where its files are; never written to.
    inputs : one dict per input file: file, sha256, bytes, rows (None for brand.yml).
    account : how the tables came about: rows, encoding, rows dropped by rule, columns left out.
    warnings : things to know that are no reason to refuse.
    """

    id: str
    config: dict
    folder: Path
    inputs: list[dict] = field(repr=False)
    account: dict = field(repr=False)
    warnings: list[str] = field(repr=False)
    cached: Path = field(repr=False)
    private: Path = field(repr=False)

    @property
    def observed_from(self) -> datetime.date:
        """First day the export covers."""
        return self.config["observed_from"]

    @property
    def observed_until(self) -> datetime.date:
        """Last day the export covers; the day is included."""
        return self.config["observed_until"]

    @property
    def history(self) -> dict:
        """How new customers are told from old ones, as the analysis functions take it.

        Keys: history, observed_from, burn_in_days, and first_order_at, a lazy frame of customer_id and first_order_at
        where the customers table has that column, else None.
        """
        dated = self.has("customers") and "first_order_at" in self.scan("customers").collect_schema().names()
        # A column that is blank on every line says nothing of who is new.
        dated = dated and self.scan("customers").select(pl.col("first_order_at").count()).collect().item() > 0
        return {
            "history": self.config["history"],
            "observed_from": self.observed_from,
            "burn_in_days": self.config["burn_in_days"],
            "first_order_at": self.scan("customers").select("customer_id", "first_order_at") if dated else None,
        }

    def truth(self) -> dict | None:
        """What is true of an invented brand, from its truth.yml; None for a real brand, whose truth nobody knows.

        See `simulate.Simulation.truth` for its keys. No analysis takes it as an input: it is for the marking of one.

        Raises
        ------
        ValueError
            The file cannot be read.
        """
        path = self.folder / brand_config.TRUTH
        if not self.config["synthetic"] or not path.is_file():
            return None
        try:
            known = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            known = None
        if not isinstance(known, dict):
            raise ValueError(f"{path} cannot be read; `siyu sample` makes an invented brand again.")
        return known

    @property
    def tables(self) -> list[str]:
        """The tables this brand has, in the order of the contract."""
        return list(self.account["tables"])

    def has(self, table: str) -> bool:
        """Whether the brand has a table of the contract."""
        return table in self.account["tables"]

    def scan(self, table: str) -> pl.LazyFrame:
        """A table as a lazy Polars frame over the cache, in the order of the file.

        Identifiers are integers, times carry no zone (they are in the brand's own), money is in the brand's currency,
        and a null means what the contract says about a blank cell.

        Raises
        ------
        ValueError
            The brand has no such table.
        """
        if not self.has(table):
            near = nearest(table, TABLES) if table not in TABLES else None
            hint = f" Did you mean {near}?" if near else ""
            raise ValueError(f"Brand {self.id} has no table {table}; it has: {', '.join(self.tables)}.{hint}")
        return pl.scan_parquet(self.cached / f"{table}.parquet")

    def table(self, name: str) -> pd.DataFrame:
        """A table as a pandas DataFrame, with the columns and rows of `scan`.

        Whole numbers and flags with blanks are pandas' Int64 and boolean, so that a blank stays a blank.

        Raises
        ------
        ValueError
            The brand has no such table, or it has more than 5 million rows: use `scan`.
        """
        rows = self.account["tables"].get(name, {}).get("rows", 0)
        if rows > LARGEST_TABLE:
            raise ValueError(
                f"{name} of brand {self.id} has {rows:,} rows, too many for pandas here. "
                f"Use brand.scan({name!r}), a lazy Polars frame, and collect only what you need."
            )
        frame = self.scan(name).collect()
        pandas = frame.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))).to_pandas()
        for column in frame:
            if column.dtype == pl.Int64 and column.null_count():
                pandas[column.name] = pd.array(column.to_list(), dtype="Int64")
            elif column.dtype == pl.Boolean:
                pandas[column.name] = pandas[column.name].astype("boolean")
        return pandas


def load(brand: str, data_root: str | os.PathLike | None = None) -> Brand:
    """Open a brand: check its files the first time, take its tables from the cache after that.

    Parameters
    ----------
    brand : str
        Name of its folder.
    data_root : path, optional
        Folder of brands; `data/raw` of the project unless told otherwise. Never written to.

    Returns
    -------
    Brand

    Raises
    ------
    UnknownBrandError
        There is no such brand.
    DataProblems
        With every problem of every file; nothing has been written then.
    """
    folder = _folder(brand, data_root)
    reading = brand_config.read(folder / brand_config.FILE, brand)
    files, problems = building.table_files(folder)
    problems = reading.problems + problems
    inputs = _inputs(folder, files)
    home, private = cache.homes(folder)
    key = cache.key(inputs)
    account = cache.account_of(home, key)
    if account is None or problems or identifiers.key_of(private) != key:
        built = building.build(brand, files, reading.config, problems)
        if _inputs(folder, files) != inputs:
            changed = Problem(folder.name, None, None, "A file has changed while it was read.", "Try again.")
            raise DataProblems(brand, [changed])
        identifiers.write(built.values, private, key)
        cache.write(home, key, built.tables, built.account)
        account = built.account
    for entry in inputs[1:]:
        entry["rows"] = account["tables"][Path(entry["file"]).stem]["rows"]
    warnings = [told for table in account["tables"].values() for told in table["warnings"]]
    warnings += manifest.warnings(folder, inputs) + building.stray_files(folder)
    return Brand(brand, reading.config, folder, inputs, account, warnings, home / key, private)


def _folder(brand: str, data_root: str | os.PathLike | None) -> Path:
    root = Path(data_root) if data_root is not None else cache.default_data_root()
    _check_name(brand)
    if brand in NOT_BRANDS or not (root / brand / brand_config.FILE).is_file():
        raise UnknownBrandError(_no_such_brand(brand, root))
    return (root / brand).resolve()


def _no_such_brand(brand: str, root: Path) -> str:
    if brand in NOT_BRANDS:
        return f"{brand} is the folder of public facts, not a brand."
    if (root / brand).is_dir():
        return (
            f"The folder {root / brand} has no {brand_config.FILE}, so it is not a brand yet. "
            f"Make a brand of another name with `siyu new` and copy its {brand_config.FILE} there."
        )
    there = list_brands(root)
    near = nearest(brand, there)
    hint = f"Did you mean {near}?" if near else f"`siyu new {brand}` makes one."
    if brand in INVENTED:
        hint = f"`siyu sample {brand}` makes it."
    return f"There is no brand {brand} in {root}. Brands there: {', '.join(there) or 'none'}. {hint}"


def _check_name(brand: str) -> None:
    if not isinstance(brand, str) or not brand_config.SLUG.fullmatch(brand):
        raise UnknownBrandError(
            f"{quoted(brand)} cannot be a brand. Write the name of its folder: a-z, 0-9, _ and -, at most 40 of them."
        )


def _inputs(folder: Path, files: dict[str, Path]) -> list[dict]:
    """Name, hash and size of the files; None for one that cannot be opened, of which `build` will complain."""
    found = []
    for path in [folder / brand_config.FILE, *files.values()]:
        size = digest = None
        # A pipe in place of a file would be waited for, forever.
        if path.is_file():
            with contextlib.suppress(OSError):
                size, digest = path.stat().st_size, cache.file_hash(path)
        found.append({"file": path.name, "sha256": digest, "bytes": size, "rows": None})
    return found


def list_brands(data_root: str | os.PathLike | None = None) -> list[str]:
    """The brands of a data root: its folders with a brand.yml, by name.

    Example
    -------
    >>> "cdnow" in list_brands()
    True
    """
    root = Path(data_root) if data_root is not None else cache.default_data_root()
    found = sorted(path.parent.name for path in root.glob(f"*/{brand_config.FILE}") if path.is_file())
    return [name for name in found if name not in NOT_BRANDS and brand_config.SLUG.fullmatch(name)]


def new(brand: str, data_root: str | os.PathLike | None = None) -> Path:
    """Make the folder of a new brand, with a commented brand.yml and the headers of all tables.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UnknownBrandError
        The name is not one that a folder of a brand can have.
    FileExistsError
        The folder is there already; nothing is overwritten.
    """
    _check_name(brand)
    if brand in NOT_BRANDS:
        raise UnknownBrandError(f"{brand} is the folder of public facts; choose another name.")
    root = Path(data_root) if data_root is not None else cache.default_data_root()
    new_brand.write(root / brand)
    return root / brand
