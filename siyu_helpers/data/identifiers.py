"""Identifiers: integers in place of order numbers, customers, phones and names.

A hash of a phone number can be guessed back, an integer cannot, and integers are faster. There is one mapping per brand
over all its tables, numbered 1, 2, ... by first appearance, so that the same inputs always give the same numbers and a
number means the same customer in every table. The mapping itself is the only place where the brand's own identifiers
are kept: `private/<brand>/identifiers.parquet`, readable by its owner alone and never part of git.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

FILE = "identifiers.parquet"
_SCHEMA = pa.schema(
    [("kind", pa.dictionary(pa.int32(), pa.string())), ("number", pa.int64()), ("value", pa.large_string())]
)


def numbered(columns: list[tuple[str, pl.Series]]) -> tuple[list[pl.Series], dict[str, pa.Array]]:
    """Replace identifiers by integers, the same integer for the same text of one kind.

    Parameters
    ----------
    columns : list of (kind, Series of str)
        In the order in which they are to be numbered; null stays null.

    Returns
    -------
    numbers : list of Series of int
        In the order given.
    values : dict
        kind -> its distinct texts; the text in place k has the number k + 1.

    Example
    -------
    >>> orders, referrers = pl.Series(["ben", "ana", "ben"]), pl.Series(["cy", None, "ana"])
    >>> numbers, values = numbered([("customer", orders), ("customer", referrers)])
    >>> [column.to_list() for column in numbers], values["customer"].to_pylist()
    ([[1, 2, 1], [3, None, 2]], ['ben', 'ana', 'cy'])
    """
    numbers: list[pl.Series | None] = [None] * len(columns)
    values = {}
    for kind in dict.fromkeys(kind for kind, _ in columns):
        places = [place for place, (other, _) in enumerate(columns) if other == kind]
        texts = pa.chunked_array([columns[place][1].to_arrow() for place in places], pa.large_string())
        coded = texts.combine_chunks().dictionary_encode()
        values[kind] = coded.dictionary
        codes = pl.from_arrow(coded.indices).cast(pl.Int64) + 1
        start = 0
        for place in places:
            name, length = columns[place][1].name, len(columns[place][1])
            numbers[place] = codes.slice(start, length).rename(name)
            start += length
    return numbers, values


def write(values: dict[str, pa.Array], folder: Path, key: str) -> Path:
    """Write the mapping beside its final place and move it there in one step.

    Parameters
    ----------
    values : dict
        From `numbered`.
    folder : Path
        The brand's private folder; made with mode 700 when it is not there.
    key : str
        Hash of the inputs the numbers belong to, kept inside the file.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    # Created with mode 600, not changed to it afterwards: there is no moment at which others can read it.
    handle, writing = tempfile.mkstemp(prefix=f".{FILE}.", dir=folder)
    target = folder / FILE
    try:
        with os.fdopen(handle, "wb") as stream:
            schema = _SCHEMA.with_metadata({b"key": key.encode()})
            with pa.parquet.ParquetWriter(stream, schema, compression="zstd", use_dictionary=["kind"]) as writer:
                for kind, texts in values.items():
                    writer.write_table(_rows(kind, texts).cast(schema))
        os.replace(writing, target)
    finally:
        Path(writing).unlink(missing_ok=True)
    return target


def _rows(kind: str, texts: pa.Array) -> pa.Table:
    kinds = pa.DictionaryArray.from_arrays(np.zeros(len(texts), np.int32), pa.array([kind]))
    numbers = pa.array(np.arange(1, len(texts) + 1, dtype=np.int64))
    return pa.table([kinds, numbers, texts.cast(pa.large_string())], schema=_SCHEMA)


def key_of(folder: Path) -> str | None:
    """Hash of the inputs that the mapping in a private folder belongs to; None when there is no such mapping."""
    try:
        metadata = pa.parquet.read_schema(folder / FILE).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    return metadata.get(b"key", b"").decode() or None


def restore(brand, kind: str, numbers: Iterable[int]) -> list[str | None]:
    """The brand's own identifiers behind some integers: for lists that leave the workbook, never for a report.

    Parameters
    ----------
    brand : Brand
        From `brands.load`.
    kind : str
        "order", "customer", "visitor", "account", "staff", or "customers.<column>" for a personal covariate.
    numbers : iterable of int
        As they stand in the brand's tables.

    Returns
    -------
    list of str
        In the order given; None for a number that stands for nobody.
    """
    wanted = pl.DataFrame({"number": list(numbers)}, schema={"number": pl.Int64})
    mapping = pl.scan_parquet(brand.private / FILE).filter(pl.col("kind").cast(pl.String) == kind)
    mapping = mapping.select("number", "value").filter(pl.col("number").is_in(wanted["number"].unique().implode()))
    return wanted.join(mapping.collect(), on="number", how="left", maintain_order="left")["value"].to_list()
