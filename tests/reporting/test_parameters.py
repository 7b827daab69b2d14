"""Parameters: read from the notebook's own cell, and nothing else gets through."""

import json

import pytest

from siyu_helpers.reporting.parameters import Parameter, ParameterError, accept, parameters_of, quantities

CELL = """\
brand = "cdnow"  # folder
lang = "both"  # one of zh, en, both
data_root = ""
observed_until = ""
level = 0.90  # from 0.5 to 0.999
seed = 1
period = "month"  # one of month, week, quarter
deep = False  # slow
horizons = [30, 90]  # days
"""


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "02_x.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": CELL.splitlines(keepends=True)}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


def test_names_defaults_and_help_are_read(notebook):
    found = parameters_of(notebook)
    assert list(found)[:6] == ["brand", "lang", "data_root", "observed_until", "level", "seed"]
    assert found["period"] == Parameter("period", "month", "one of month, week, quarter")
    assert found["level"].range == (0.5, 0.999)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({"seed": "7"}, 7),
        ({"level": "0.8"}, 0.8),
        ({"level": 0.8}, 0.8),
        ({"period": "week"}, "week"),
        ({"deep": "true"}, True),
        ({"horizons": "30, 180"}, [30, 180]),
        ({"observed_until": "2024-06-30"}, "2024-06-30"),
    ],
)
def test_values_are_read_as_the_type_of_the_default(notebook, asked, taken):
    (value,) = accept(notebook, asked).values()
    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"perod": "week"}, "did you mean period"),
        ({"observed": "2024-06-30"}, "did you mean observed_until"),
        ({"period": "wek"}, "one of month, week, quarter"),
        ({"seed": "1.5"}, "a whole number"),
        ({"seed": True}, "a whole number"),
        ({"seed": 1.0}, "a whole number"),
        ({"level": "high"}, "a number"),
        ({"level": "nan"}, "a number"),
        ({"level": "2"}, "from 0.5 to 0.999"),
        ({"deep": "perhaps"}, "true or false"),
        ({"deep": 1}, "true or false"),
        ({"horizons": "30,many"}, "a list separated by commas"),
        ({"brand": "other"}, "siyu render BRAND"),
        ({"lang": "en"}, "--lang"),
        ({"data_root": "/"}, "--data"),
        ({"observed_until": "a\nimport os"}, "control characters"),
        ({"observed_until": "1998-02-30"}, "not a day of the calendar"),
        ({"x = 1; import os; y": "1"}, "no parameter"),
        ({"observed_until": object()}, "text"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(notebook, asked, said):
    with pytest.raises(ParameterError, match=said):
        accept(notebook, asked)


def test_a_computed_default_is_refused(tmp_path):
    path = tmp_path / "02_x.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["a = 9\n", "twice = a * 2\n"]}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    with pytest.raises(ParameterError, match="twice"):
        parameters_of(path)


def test_a_notebook_without_the_cell_is_refused(tmp_path):
    path = tmp_path / "02_x.ipynb"
    path.write_text(json.dumps({"cells": []}), encoding="utf-8")
    with pytest.raises(ParameterError, match="tagged"):
        parameters_of(path)


SCENARIO = """\
uplift = ""  # 订单增幅 / gain in orders, empty: the brand's own; a number or low,typical,high from -1 to 10
staff_cost = ""  # 每月人员费用 / staff a month, empty: the brand's own; a number or low,typical,high, 0 or more
free = ""  # 随意 / free text
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "05_x.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": SCENARIO.splitlines(keepends=True)}
    path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("value", "text", "read"),
    [
        ("", "", {}),
        ("  ", "", {}),
        ("0.05", "0.05", {"uplift": 0.05}),
        (0.05, "0.05", {"uplift": 0.05}),
        (1, "1", {"uplift": 1.0}),
        ("-1", "-1", {"uplift": -1.0}),
        ("-0", "0", {"uplift": 0.0}),
        (" 0.02, 0.05 ,0.10", "0.02,0.05,0.1", {"uplift": (0.02, 0.05, 0.1)}),
        ("0.02，0.05，0.1", "0.02,0.05,0.1", {"uplift": (0.02, 0.05, 0.1)}),
        ([0.02, 0.05, 0.1], "0.02,0.05,0.1", {"uplift": (0.02, 0.05, 0.1)}),
        ((0, 0, 0.1), "0,0,0.1", {"uplift": (0.0, 0.0, 0.1)}),
        ("0.1,0.1,0.1", "0.1", {"uplift": 0.1}),
        ("1e-3", "0.001", {"uplift": 0.001}),
    ],
)
def test_a_quantity_is_empty_a_number_or_three_in_one_form(scenario, value, text, read):
    assert accept(scenario, {"uplift": value}) == {"uplift": text}
    assert quantities(uplift=value) == quantities(uplift=text) == read


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("much", "low,typical,high"),
        ("5%", "0.05, not 5%"),
        ("0.05,0.1", "low,typical,high"),
        ("0.1,0.05,0.02", "lowest first"),
        ("0.02,0.05,", "low,typical,high"),
        (",", "low,typical,high"),
        ("nan", "low,typical,high"),
        ("0,1,inf", "low,typical,high"),
        ("1e999", "low,typical,high"),
        (float("nan"), "low,typical,high"),
        (True, "low,typical,high"),
        (None, "low,typical,high"),
        ("1_000", "low,typical,high"),
        ("0.05\nimport os", "low,typical,high"),
        ("0,1,11", "from -1 to 10; 11 is not"),
        (-1.5, "from -1 to 10"),
    ],
)
def test_a_quantity_that_is_none_of_these_is_refused_in_one_line(scenario, value, said):
    with pytest.raises(ParameterError, match=said) as caught:
        accept(scenario, {"uplift": value})
    assert "uplift=" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_quantity_may_have_a_lower_end_only(scenario):
    assert accept(scenario, {"staff_cost": "0,8000,12000"}) == {"staff_cost": "0,8000,12000"}
    with pytest.raises(ParameterError, match="of 0 or more; -1 is not"):
        accept(scenario, {"staff_cost": "-1,0,5"})
    with pytest.raises(ParameterError, match="8000, not 8,000"):
        accept(scenario, {"staff_cost": "8,000"})


def test_a_quantity_does_not_change_other_texts_and_hints_at_its_name(scenario):
    assert accept(scenario, {"free": "1, 2"}) == {"free": "1, 2"}
    assert parameters_of(scenario)["uplift"].meaning("zh") == "订单增幅"
    for asked, near in (("uplfit", "uplift"), ("staff", "staff_cost")):
        with pytest.raises(ParameterError, match=f"did you mean {near}"):
            accept(scenario, {asked: "1"})
