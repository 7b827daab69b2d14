"""Building: which files are read, and which covariates are personal."""

import polars as pl
import pytest

from siyu_helpers.data import building


def test_tables_are_found_by_name_and_strays_are_told(tmp_path):
    for name in (
        "orders.csv",
        "spend.parquet",
        "costumers.csv",
        "orders.xlsx",
        "notes.txt",
        "orders.csv.yml",
        ".x.csv",
    ):
        (tmp_path / name).touch()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "members.csv").touch()
    files, problems = building.table_files(tmp_path)
    assert {name: path.name for name, path in files.items()} == {"orders": "orders.csv", "spend": "spend.parquet"}
    assert problems == []
    told = building.stray_files(tmp_path)
    assert "costumers.csv is not read; did you mean customers.csv?" in told
    assert len([line for line in told if line.startswith("orders.xlsx")]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "Phone",
        "mobile_no",
        "e-mail",
        "收货人姓名",
        "联系手机",
        "昵称",
        "wechat_id",
        "openid",
        "nick",
        "会员编号",
        "收件人",
        "account_no",
    ],
)
def test_a_personal_name_makes_a_covariate_personal(name):
    assert building.covariate(pl.Series(name, ["a", "a"]))[1] == f"customers.{name}"


@pytest.mark.parametrize(
    "values",
    [
        ["a", "x@y.cn"],
        ["a", "call 13800138000"],
        ["a", "11010119900307123X"],
        ["12345678", "99999999"],
        [f"nick{k}" for k in range(60)],
    ],
)
def test_personal_values_make_a_covariate_personal(values):
    assert building.covariate(pl.Series("remark", values))[1] == "customers.remark"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([f"{k}.5" for k in range(200)], pl.Float64),
        (["31", None, "-4"], pl.Float64),
        (["高", "低"] * 100, pl.String),
        ([f"tier{k}" for k in range(40)], pl.String),
        ([None, None], pl.String),
    ],
)
def test_traits_stay_as_they_are(values, dtype):
    series, kind = building.covariate(pl.Series("trait", values, dtype=pl.String))
    assert kind is None
    assert series.null_count() == values.count(None)
    assert series.dtype == dtype or values == [None, None]
