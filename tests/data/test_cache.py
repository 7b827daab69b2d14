"""Cache: keyed by inputs and code, written whole or not at all."""

import os
import subprocess
import sys

import polars as pl
import pytest

from siyu_helpers.data import cache

INPUTS = [{"file": "orders.csv", "sha256": "a"}, {"file": "brand.yml", "sha256": "b"}]
TABLES = {"orders": pl.DataFrame({"x": [1]})}


def test_the_key_follows_inputs_and_code_but_not_their_order(monkeypatch):
    key = cache.key(INPUTS)
    assert cache.key(INPUTS[::-1]) == key
    assert cache.key([{"file": "orders.csv", "sha256": "c"}, INPUTS[1]]) != key
    assert cache.key([{"file": "spend.csv", "sha256": "a"}, INPUTS[1]]) != key
    monkeypatch.setattr(cache, "_SHAPING", cache._SHAPING[:-1])
    assert cache.key(INPUTS) != key


def test_every_module_that_shapes_a_table_is_in_the_key():
    folder = cache.PROJECT / "siyu_helpers" / "data"
    others = {"__init__", "brands", "cdnow", "checkup", "manifest", "new_brand"}
    shaping = set(cache._SHAPING)
    assert all((folder / f"{name}.py").is_file() for name in shaping)
    # Whatever building imports can change a table.
    source = (folder / "building.py").read_text("utf-8")
    assert {name for name in shaping - {"building", "cache", "brand_config"} if name in source} == shaping - {
        "building", "cache", "brand_config"
    }  # fmt: skip
    assert not shaping & others


def test_an_entry_is_whole_and_older_ones_go(tmp_path):
    cache.write(tmp_path, "one", TABLES, {"tables": {}})
    assert cache.account_of(tmp_path, "one") == {"tables": {}}
    cache.write(tmp_path, "two", TABLES, {"tables": {"orders": {"rows": 1}}})
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    assert pl.read_parquet(tmp_path / "two" / "orders.parquet").rows() == [(1,)]


def test_an_entry_that_another_process_has_just_written_is_kept(tmp_path):
    cache.write(tmp_path, "one", TABLES, {"tables": {"from": "first"}})
    cache.write(tmp_path, "one", TABLES, {"tables": {"from": "second"}})
    assert cache.account_of(tmp_path, "one") == {"tables": {"from": "first"}}


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(TypeError):
        cache.write(tmp_path, "one", TABLES, {"tables": object()})
    assert list(tmp_path.iterdir()) == []


def test_unfinished_work_of_a_dead_process_is_cleared_and_of_a_living_one_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".writing-{dead.pid}-x").mkdir()
    (tmp_path / f".writing-{os.getpid()}-x").mkdir()
    cache.write(tmp_path, "one", TABLES, {"tables": {}})
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".writing-{os.getpid()}-x", "one"]


def test_homes_follow_siyu_home_and_the_data_root(tmp_path, own_home):
    inside = cache.homes(cache.default_data_root() / "acme")
    outside = cache.homes(tmp_path / "acme")
    assert inside == (own_home / ".cache" / "acme", own_home / "private" / "acme")
    assert outside[0].name.startswith("acme-")
    assert len(outside[0].name) == len("acme-") + 8
