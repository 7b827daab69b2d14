"""The door: names and signatures as promised, a pool worked by hand through it, and units that pages can say."""

import ast
import inspect
import math
import re
import typing

import pandas as pd
import pytest
from conftest import PROJECT

from siyu_helpers.analysis import decision_brief, industry_fit
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data import contract, market
from siyu_helpers.reporting import words

#: Issue 8, "Public names": names in this order, with these defaults.
PROMISED = {
    "pool_value": (["inputs", "months", "draws", "seed"], {"months": 24, "draws": 10_000, "seed": 0}),
    "break_even_size": (["inputs"], {}),
    "fit": (["industries"], {}),
    "ban_risk": (["members_per_account", "ban_probability", "recovery", "months", "draws", "seed"], {}),
    "contact_pressure": (["messages_per_month", "purchases_per_month"], {}),
}
DOORS = pytest.mark.parametrize("door", [industry_fit, decision_brief], ids=lambda door: door.__name__.split(".")[-1])


@pytest.mark.parametrize("name", PROMISED)
def test_what_was_promised_is_there(name):
    names, defaults = PROMISED[name]
    parameters = inspect.signature(getattr(industry_fit, name)).parameters
    assert list(parameters)[: len(names)] == names
    assert {given: parameters[given].default for given in defaults} == defaults
    needed = [each for each, how in parameters.items() if how.default is inspect.Parameter.empty]
    assert set(needed) <= set(names), "a call as promised must do"


@DOORS
def test_the_door_names_what_is_behind_it_and_all_of_it_is_documented(door):
    assert sorted(set(door.__all__)) == sorted(door.__all__)
    for name in door.__all__:
        assert hasattr(door, name), name
    behind = {
        name
        for name, thing in vars(door).items()
        if getattr(thing, "__module__", "").startswith("siyu_helpers.analysis") and not name.startswith("_")
    }
    assert behind <= set(door.__all__)
    for name in behind:
        thing = getattr(door, name)
        if callable(thing) and not isinstance(thing, typing._GenericAlias):
            assert inspect.getdoc(thing), f"{name} has no docstring"
            assert inspect.getdoc(thing).splitlines()[0].endswith((".", "?")), name


@DOORS
def test_what_it_reads_is_in_the_contract(door):
    for table, columns in (door.REQUIRES | door.USES).items():
        known = {column.name for column in contract.TABLES[table].columns}
        assert set(columns) <= known, table


def test_every_input_is_documented_with_its_unit():
    said = inspect.getdoc(industry_fit.PoolInputs)
    for name, what in industry_fit.FIELDS.items():
        assert name in said, f"{name} is not explained"
        assert what.unit
        assert what.label.zh
        assert what.label.en


def test_a_pool_worked_by_hand():
    """Ten join a month, evenly, none leaves: half a month's joiners count in their first month.

    In month m, 10m - 5 customers order once and a tenth more, at 100 with a margin of half: earned 50m - 25, fixed cost
    300. By month m that is 25 m^2 - 300 m in all, below zero until exactly 0 at m = 12. 60 customers carry the cost.
    """
    inputs = industry_fit.PoolInputs(10, 1, 0.1, 100, 0.5, staff_cost=300)
    found = industry_fit.pool_value(inputs, months=14, draws=100)
    by_month = found.monthly.set_index("month")
    assert by_month["net"].tolist() == pytest.approx([50 * month - 325 for month in range(1, 15)])
    assert found.value.value == pytest.approx(25 * 14**2 - 300 * 14)
    assert found.payback.value == 12
    assert found.probability_paid.loc[[11, 12]].tolist() == [0.0, 1.0]
    assert len(found.tornado) == 0, "nothing is uncertain"
    assert industry_fit.break_even_size(inputs).value == pytest.approx(60)
    assert (by_month["opening"] + by_month["inflow"] - by_month["leavers"]).tolist() == by_month["closing"].tolist()


def test_ranges_make_intervals_and_a_tornado():
    inputs = industry_fit.PoolInputs(10, 1, (0.0, 0.1, 0.2), 100, (0.4, 0.5, 0.6), staff_cost=300)
    found = industry_fit.pool_value(inputs, months=12, draws=500, seed=3)
    assert found.value.low < found.value.value < found.value.high
    assert found.tornado["input"].tolist() == ["uplift", "margin"], "the longer bar first"
    again = industry_fit.pool_value(inputs, months=12, draws=500, seed=3)
    assert again.value == found.value


def test_bans_and_pressure_by_hand():
    """One account, half of whose customers are won back; ten messages for half a purchase."""
    lost = industry_fit.ban_risk([100], ban_probability=1.0, recovery=0.5, months=1, draws=50, seed=1)
    assert lost["lost_share"].tolist() == [0.5]
    assert industry_fit.contact_pressure(10, 0.5) == 20.0
    assert math.isinf(industry_fit.contact_pressure(10, 0))


def test_from_the_tables_of_industries_to_the_map():
    table, assumptions = market.load("industries"), market.load("pool_assumptions")
    found = industry_fit.fit(table, assumptions, draws=200)
    assert {"industry", "fit", "low", "high", "verdict", "drivers"} <= set(found)
    assert set(found["industry"]) == set(table["industry"])
    assert (found["low"] <= found["fit"]).all()
    assert (found["fit"] <= found["high"]).all()
    named = found.set_index("industry")["article_view"]
    assert {"fit", "unfit"} <= set(named)


def test_from_orders_and_a_pool_to_a_verdict():
    """Twenty customers, ten of them in the pool, costs by month: each step takes what the step before gives."""
    days = pd.date_range("2024-01-01", periods=240, freq="36h")
    orders = pd.DataFrame({"customer_id": [at % 20 for at in range(240)], "ordered_at": days, "amount": 100.0})
    members = pd.DataFrame({"customer_id": range(10), "joined_at": pd.Timestamp("2024-03-01")})
    months = pd.date_range("2024-01-01", periods=12, freq="MS")
    costs = pd.DataFrame({"month": months.strftime("%Y-%m"), "item": "staff", "amount": 5000.0})
    facts = {name: market.load(name) for name in ("industries", "pool_assumptions")}
    own = industry_fit.brand_inputs(
        orders, "2024-12-31", members=members, pool_costs=costs, gross_margin=0.4, industry="beauty",
        industries=facts["industries"], assumptions=facts["pool_assumptions"],
    )  # fmt: skip
    assert own.inputs.origin("staff_cost").kind == "counted"
    assert own.inputs.typical()["staff_cost"] == 5000
    assert own.facts["members_now"].value == 10
    result = industry_fit.pool_value(own.inputs, draws=300)
    decision = decision_brief.decide(result, effect_level="", own=own.own)
    assert decision.verdict == "do not", "ten customers do not earn 5,000 a month"


POOL = [PROJECT / "siyu_helpers" / "analysis" / name for name in ("pool", "brief")]


def texts(node):
    """Texts that an argument may be: itself, or either side of a choice; what is looked up is not seen."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def units_written():
    """Every text given as the unit of an Estimate in `pool` and `brief`: as a keyword, or in its place."""
    found = {}
    for path in (path for folder in POOL for path in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            made = ast.unparse(node.func)
            given = [word.value for word in node.keywords if word.arg == "unit" and not made.startswith("pd.")]
            place = {"Estimate": 5, "Estimate.exact": 2}.get(made)
            if place is not None and len(node.args) > place and not any(
                isinstance(each, ast.Starred) for each in node.args[: place + 1]
            ):  # fmt: skip
                given.append(node.args[place])
            for unit in (unit for each in given for unit in texts(each) if unit):
                found.setdefault(unit, f"{path.name}:{node.lineno}")
    return found


def test_every_unit_can_be_said():
    found = units_written()
    assert len(found) > 10
    found |= {what.unit: f"FIELDS[{name}]" for name, what in industry_fit.FIELDS.items()}
    for unit, where in found.items():
        said = words.value_text(2.0, words.AMOUNTS.get(unit, unit), "zh", "CNY")
        assert not re.search("[A-Za-z]", said), f"{where}: {unit!r} reads {said!r} in Chinese"
    assert re.search("[A-Za-z]", words.value_text(2.0, "parrots", "zh", "CNY")), "an unknown unit would not be seen"


def test_refusals_are_sentences_in_both_languages():
    nobody = industry_fit.concentration([])
    for number in nobody.values():
        assert isinstance(number, Estimate | Refused)
    assert any(isinstance(number, Refused) and number.reason_zh and number.reason_en for number in nobody.values())
