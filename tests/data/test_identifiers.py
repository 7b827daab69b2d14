"""Identifiers: one integer for one person in every table, and a mapping only its owner can read."""

import stat
from types import SimpleNamespace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.data import brands, identifiers

texts = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", "甲", "1"])), max_size=8)


@given(st.lists(st.tuples(st.sampled_from(["customer", "order"]), texts), min_size=1, max_size=5))
def test_numbers_and_texts_match_one_to_one_within_a_kind(columns):
    series = [(kind, pl.Series("x", values, dtype=pl.String)) for kind, values in columns]
    numbers, mapping = identifiers.numbered(series)
    for (kind, values), coded in zip(series, numbers, strict=True):
        back = [None if number is None else mapping[kind][number - 1].as_py() for number in coded]
        assert back == values.to_list()
    for kind, distinct in mapping.items():
        seen = list(dict.fromkeys(v for k, values in columns if k == kind for v in values if v is not None))
        assert distinct.to_pylist() == seen


def test_the_mapping_survives_the_disk_and_is_private(tmp_path):
    _, mapping = identifiers.numbered([("customer", pl.Series(["ana", "ben"])), ("order", pl.Series(["A1", "A2"]))])
    path = identifiers.write(mapping, tmp_path / "private", "key-1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert identifiers.key_of(path.parent) == "key-1"
    brand = SimpleNamespace(private=path.parent)
    assert identifiers.restore(brand, "customer", [2, 1, 2, 9]) == ["ben", "ana", "ben", None]
    assert identifiers.restore(brand, "order", [1]) == ["A1"]
    assert identifiers.restore(brand, "nobody", [1]) == [None]
    identifiers.write({}, path.parent, "key-2")
    assert identifiers.key_of(path.parent) == "key-2"
    assert [file.name for file in path.parent.iterdir()] == ["identifiers.parquet"]


def test_a_missing_or_damaged_mapping_has_no_key(tmp_path):
    assert identifiers.key_of(tmp_path) is None
    (tmp_path / "identifiers.parquet").write_bytes(b"PAR1 no")
    assert identifiers.key_of(tmp_path) is None


def test_lists_come_back_with_the_brands_own_ids(make_brand):
    root = make_brand({"customers.csv": "customer_id,手机\nben,13800138000\nzoe,13800138001\n"})
    loaded = brands.load("acme", root)
    customers = loaded.table("customers")
    assert identifiers.restore(loaded, "customer", customers["customer_id"]) == ["ben", "zoe"]
    assert identifiers.restore(loaded, "customers.手机", customers["手机"]) == ["13800138000", "13800138001"]


def test_the_order_of_columns_in_the_file_does_not_change_the_numbers(make_brand):
    rows = {"order_id": ["A1", "A2"], "customer_id": ["ana", "ben"], "referrer_id": ["cy", "ana"],
            "ordered_at": ["2024-01-05"] * 2, "amount": ["1", "2"]}  # fmt: skip
    frame = pl.DataFrame(rows)
    first = brands.load("acme", make_brand({"orders.csv": frame.write_csv()})).table("orders")
    second = brands.load("acme", make_brand({"orders.csv": frame.select(reversed(frame.columns)).write_csv()}))
    assert second.table("orders")[first.columns].equals(first)
    assert first["referrer_id"].tolist() == [3, 1]
