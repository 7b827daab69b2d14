"""The door of channel attribution: the bars of its issue, as whoever checks them would write them, by public names."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import channel_attribution as attribution
from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.simulate import simulate

ISSUE = {
    "journeys": ["touchpoints", "orders", "lookback_days"],
    "read_paths": ["frame", "separator"],
    "credit": ["journeys", "rule"],
    "markov": ["journeys", "order", "use_nulls", "removal"],
    "transition_matrix": ["journeys", "order"],
    "shapley": ["journeys", "variant"],
    "bootstrap": ["journeys", "method", "draws", "seed", "level", "of"],
}
TINY = pd.DataFrame({"path": [("c1", "c2", "c3"), ("c1",), ("c2", "c3")], "conversions": [1, 0, 0], "nulls": [0, 1, 1]})
RULES = ("first", "last", "linear", "linear_unique", "position", "time_decay", "last_non")


@pytest.fixture(scope="module")
def brand():
    return simulate("xiaoman", customers=1_500, seed=9)


@pytest.fixture(scope="module")
def journeys(brand):
    return attribution.journeys(brand.tables["touchpoints"], brand.tables["orders"])


# --- the door ---


def test_every_name_is_there_once():
    names = attribution.__all__
    assert len(names) == len(set(names))
    public = {name for name in vars(attribution) if not name.startswith("_")}
    assert set(names) <= public


@pytest.mark.parametrize("name", [n for n in attribution.__all__ if inspect.isfunction(getattr(attribution, n))])
def test_every_function_says_what_it_is(name):
    """One line of definition, then an example, a source, or at least what goes in and what comes out."""
    said = inspect.getdoc(getattr(attribution, name))
    first = said.splitlines()[0]
    assert 20 <= len(first) <= 120
    assert first[0].isupper()
    assert first.endswith((".", "?"))
    assert re.search(r">>>|\b(19|20)\d\d\b|->", said), name


@pytest.mark.parametrize("name", ISSUE)
def test_names_of_the_issue_take_what_the_issue_says(name):
    given = inspect.signature(getattr(attribution, name)).parameters
    assert list(given)[: len(ISSUE[name])] == ISSUE[name]
    assert ">>>" in inspect.getdoc(getattr(attribution, name))
    beyond = list(given.values())[len(ISSUE[name]) :]
    assert all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in beyond)


def test_defaults_of_the_issue():
    defaults = {name: inspect.signature(getattr(attribution, name)).parameters for name in ISSUE}
    assert defaults["journeys"]["lookback_days"].default == 90
    assert defaults["read_paths"]["separator"].default == ">"
    assert [defaults["markov"][name].default for name in ISSUE["markov"][1:]] == [1, True, "to_null"]
    assert defaults["shapley"]["variant"].default == "sets"
    assert [defaults["bootstrap"][name].default for name in ("level", "of")] == [0.90, "share"]


def test_what_the_page_uses_are_columns_of_the_contract():
    for needs in (attribution.REQUIRES, attribution.USES):
        for table, columns in needs.items():
            assert set(columns) <= {column.name for column in TABLES[table].columns}, table
    assert set(attribution.REQUIRES) == {"orders"}


# --- tables of the issue: columns, totals ---


def test_the_tiny_chain():
    """Worked by hand: P = 1/3; without c1 half of it is left, without c2 or c3 nothing."""
    found = attribution.markov(TINY).set_index("channel")
    assert attribution.conversion_probability(TINY).value == pytest.approx(1 / 3)
    assert found["removal_effect"].to_dict() == pytest.approx({"c1": 0.5, "c2": 1.0, "c3": 1.0})
    assert found["conversions"].to_dict() == pytest.approx({"c1": 0.2, "c2": 0.4, "c3": 0.4})


def test_columns_are_those_of_the_issue(journeys, brand):
    tables = brand.tables
    assert journeys.columns.tolist() == ["path", "conversions", "value", "nulls"]
    with_ages = attribution.journeys(tables["touchpoints"], tables["orders"], ages=True)
    assert with_ages.columns.tolist() == ["path", "conversions", "value", "nulls", "hours_before_end"]
    assert attribution.read_paths(pd.DataFrame({"path": ["a > b"], "conversions": [1]})).columns.tolist() == [
        "path", "conversions", "value", "nulls",
    ]  # fmt: skip
    assert attribution.credit(journeys, "linear").columns.tolist() == ["channel", "conversions", "value"]
    assert attribution.shapley(journeys).columns.tolist() == ["channel", "conversions", "value"]
    assert attribution.markov(journeys).columns.tolist() == ["channel", "removal_effect", "conversions", "value"]
    drawn = attribution.bootstrap(journeys, "markov", 20, 1)
    assert drawn.columns.tolist() == ["channel", "estimate", "low", "high", "rank_low", "rank_high"]


@pytest.mark.parametrize("rule", RULES)
def test_credit_adds_up_to_the_orders_with_a_journey(brand, rule):
    tables = brand.tables
    journeys = attribution.journeys(tables["touchpoints"], tables["orders"], ages=True)
    found = attribution.credit(journeys, rule)
    for column in ("conversions", "value"):
        assert found[column].sum() == pytest.approx(journeys[column].sum(), rel=1e-12)
        assert (found[column] >= 0).all()
    assert set(found["channel"]) == {step for path in journeys["path"] for step in path}


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_chain_keeps_the_observed_rate_at_every_order(journeys, order):
    """Follow the chain of that order step by step, from its own matrix, until nobody is under way."""
    matrix = attribution.transition_matrix(journeys, order)
    states = list(matrix.index)
    inner = np.array([[row.get(to, 0.0) for to in states] for _, row in matrix.iterrows()]) if order == 1 else None
    if order == 1:
        here, ordered = (np.array(states) == "(start)").astype(float), 0.0
        for _ in range(500):
            ordered += here @ matrix["(conversion)"].fillna(0).to_numpy()
            here = here @ np.nan_to_num(inner)
        assert ordered == pytest.approx(journeys["conversions"].sum() / journeys[["conversions", "nulls"]].sum().sum())
    found = attribution.markov(journeys, order)
    assert found["conversions"].sum() == pytest.approx(journeys["conversions"].sum())
    assert found["value"].sum() == pytest.approx(journeys["value"].sum())


@pytest.mark.parametrize("method", ["first", "linear", "markov", "shapley"])
def test_order_of_rows_and_names_of_channels_do_not_matter(journeys, method):
    def shares(table):
        if method == "markov":
            return attribution.markov(table).set_index("channel")["conversions"]
        if method == "shapley":
            return attribution.shapley(table).set_index("channel")["conversions"]
        return attribution.credit(table, method).set_index("channel")["conversions"]

    plain = shares(journeys)
    renamed = {name: f"{1000 - at:04d} > {name}" for at, name in enumerate(plain.index)}
    table = journeys.sample(frac=1, random_state=1)
    table = table.assign(path=[tuple(renamed[step] for step in path) for path in table["path"]])
    assert shares(table).rename({new: old for old, new in renamed.items()})[plain.index].to_numpy() == pytest.approx(
        plain.to_numpy(), rel=1e-9
    )


# --- bad input ---


@pytest.mark.parametrize(
    ("path", "number", "said"),
    [((), 1, "row 0.*empty"), (("a",), -1, "row 0.*conversions"), ("a > b", 1, "row 0.*tuple"), (("a", 3), 1, "row 0")],
)
def test_bad_rows_are_named(path, number, said):
    table = pd.DataFrame({"path": pd.Series([path], dtype=object), "conversions": [number], "value": 0.0, "nulls": 0})
    for function in (attribution.credit, attribution.markov, attribution.shapley):
        with pytest.raises(ValueError, match=said):
            function(table)


@pytest.mark.parametrize("text", ["", "  ", None, "a > > b", "> a"])
def test_an_empty_step_of_a_path_table_is_named(text):
    table = pd.DataFrame({"path": ["a", text], "conversions": [1, 1]}, index=[7, 8])
    with pytest.raises(ValueError, match="row 8"):
        attribution.read_paths(table)


def test_nothing_but_nulls():
    table = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": 0, "value": 0.0, "nulls": [3, 4]})
    assert attribution.markov(table)["removal_effect"].isna().all()
    for found in (attribution.markov(table), attribution.shapley(table), attribution.credit(table, "last")):
        assert (found["conversions"] == 0).all()
    assert attribution.bootstrap(table, "markov", 20, 1)["low"].isna().all()


def test_fractions_of_a_conversion_keep_their_fraction():
    table = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [0.5, 0.25], "value": 8.0, "nulls": [1, 1]})
    assert attribution.credit(table, "last")["conversions"].tolist() == [0.0, 0.75]
    assert attribution.markov(table)["conversions"].sum() == pytest.approx(0.75)


def test_a_channel_called_as_the_start_is_right_or_refused_by_name():
    table = pd.DataFrame({"path": [("(start)", "b"), ("b",)], "conversions": [1, 2], "value": 0.0, "nulls": [3, 4]})
    other = table.assign(path=[("x", "b"), ("b",)])
    assert attribution.markov(table)["conversions"].tolist() == pytest.approx(
        attribution.markov(other).set_index("channel").loc[["x", "b"], "conversions"].tolist()
    )
    with pytest.raises(ValueError, match=r"\(start\)"):
        attribution.transition_matrix(table)


def test_a_single_channel_takes_everything():
    table = pd.DataFrame({"path": [("a",), ("a", "a")], "conversions": [3, 2], "value": [30.0, 20.0], "nulls": [5, 0]})
    found = attribution.markov(table)
    assert found.loc[0, ["removal_effect", "conversions", "value"]].tolist() == [1.0, 5.0, 50.0]
