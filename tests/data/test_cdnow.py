"""CDNOW: the committed file is the one the literature uses."""

import os
from pathlib import Path

import polars as pl
import pytest

from siyu_helpers.data import brands, cache, cdnow, manifest

FOLDER = cache.default_data_root() / "cdnow"


def test_counts_and_sums_are_those_of_the_master_file():
    orders = pl.read_csv(FOLDER / "orders.csv", schema_overrides={"customer_id": pl.String, "amount": pl.String})
    assert orders.height == 69_659
    assert orders["customer_id"].n_unique() == 23_570
    assert orders.select("customer_id", "ordered_at").n_unique() == 67_591
    assert (orders["amount"] == "0.00").sum() == 80
    assert orders["amount"].str.replace(".", "", literal=True).cast(pl.Int64).sum() == 250_031_563
    assert orders["cds"].sum() == 167_881
    first = orders.group_by("customer_id").agg(pl.col("ordered_at").min())["ordered_at"]
    assert (first.min(), first.max()) == ("1997-01-01", "1997-03-25")
    assert orders["ordered_at"].max() == "1998-06-30"


def test_the_file_is_the_one_its_manifest_describes():
    stated = manifest.read(FOLDER / "orders.csv.yml")
    assert cache.file_hash(FOLDER / "orders.csv") == stated["sha256"]
    assert list(stated["columns"]) == (FOLDER / "orders.csv").open().readline().strip().split(",")
    assert cdnow.MASTER_SHA256 in stated["source"]
    gaps = " ".join(stated["known_gaps"])
    assert "80 purchases" in gaps
    assert "67,591" in gaps


def test_the_brand_loads_without_a_warning():
    brand = brands.load("cdnow")
    orders = brand.table("orders")
    assert brand.warnings == []
    assert (len(orders), orders["customer_id"].nunique()) == (69_659, 23_570)
    assert round(orders["amount"].sum(), 2) == 2_500_315.63
    assert brand.config["history"] == "complete"


# The wheel is not a dependency: point SIYU_CDNOW_MASTER at CDNOW_master.txt to run this.
@pytest.mark.skipif("SIYU_CDNOW_MASTER" not in os.environ, reason="SIYU_CDNOW_MASTER is not set")
def test_the_file_is_the_conversion_of_the_master_file():
    master = Path(os.environ["SIYU_CDNOW_MASTER"])
    assert cache.file_hash(master) == cdnow.MASTER_SHA256
    assert cdnow.convert(master.read_bytes().decode("ascii")) == (FOLDER / "orders.csv").read_bytes().decode("ascii")


@pytest.mark.parametrize("text", ["", "a b c d\n1 2 3 4\n"])
def test_another_file_is_refused(text):
    with pytest.raises(ValueError, match="not CDNOW_master"):
        cdnow.convert(text)


def test_a_broken_line_is_named():
    with pytest.raises(ValueError, match="Line 2 has 3 fields"):
        cdnow.convert("customer_id date number_of_cds dollar_value\n1 19970101 1\n")
