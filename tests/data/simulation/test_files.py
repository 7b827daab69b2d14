"""Invented brands as folders: how values are written, and what tells an invented brand from somebody's own."""

import os

import numpy as np
import pandas as pd
import yaml

from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import files


def test_values_are_written_as_an_export_would_have_them(tmp_path):
    table = pd.DataFrame(
        {
            "customer_id": pd.array([7, pd.NA], dtype="Int64"),
            "ordered_at": np.array(["2024-01-05T10:00:01", "NaT"], dtype="datetime64[s]"),
            "date": pd.to_datetime(["2024-01-05", "2024-01-06"]),
            "amount": [12.5, np.nan],
            "read": pd.array([True, pd.NA], dtype="boolean"),
            "channel": pd.Categorical(["wecom", None]),
        }
    )
    files._write_table(table, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == (
        "customer_id,ordered_at,date,amount,read,channel\n"
        "7,2024-01-05 10:00:01,2024-01-05,12.50,true,wecom\n"
        ",,2024-01-06,,,\n"
    )


def test_only_what_was_simulated_counts_as_invented(tmp_path):
    assert not files.is_invented(tmp_path)
    for text in ("", "- a list\n", "{not yaml", "recipe: xiaoman\n"):
        (tmp_path / files.TRUTH).write_text(text)
        assert not files.is_invented(tmp_path)
        assert files.made_by(tmp_path) == ""
    (tmp_path / files.TRUTH).write_text(f"{files.MADE_BY}: abc\n")
    assert files.is_invented(tmp_path)
    assert files.made_by(tmp_path) == "abc"
    # A note that somebody has put there must not go when the brand is made again.
    (tmp_path / "notes.txt").write_text("mine")
    assert not files.is_invented(tmp_path)


def test_the_version_is_that_of_the_code():
    assert len(files.version()) == 16
    assert files.version() == files.version()


def test_what_a_killed_run_left_behind_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    dead, mine = tmp_path / ".sanli-4194400-abc", tmp_path / f".sanli-{os.getpid()}-abc"
    dead.mkdir()
    mine.mkdir()
    simulate("sanli", customers=50, seed=1).write(tmp_path / "sanli")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["sanli", mine.name])


def test_brand_yml_says_that_the_brand_is_invented_and_from_what(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    folder = simulate("yunzuo", customers=50, seed=3).write(tmp_path / "mine")
    text = (folder / "brand.yml").read_text("utf-8")
    settings = yaml.safe_load(text)
    assert settings["id"] == "mine"
    assert settings["synthetic"] is True
    assert "recipe yunzuo, seed 3" in settings["source"]
    assert text.startswith("# 智能马桶盖")
