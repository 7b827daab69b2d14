import numpy as np
import pandas as pd
import pytest
from simulated_paths import drawn, true_chain

from siyu_helpers.analysis.attribution import bootstraps, rules, shapley_values
from siyu_helpers.analysis.attribution.bootstraps import bootstrap, interval_gate
from siyu_helpers.analysis.attribution.chains import markov
from siyu_helpers.analysis.attribution.paths import encode, read_paths
from siyu_helpers.analysis.attribution.resampling import distinct, draws_of

COLUMNS = ["channel", "estimate", "low", "high", "rank_low", "rank_high"]
WAYS = {  # method, options
    **{rule: (rule, {}) for rule in rules.RULES if rule != "time_decay"},
    "last but c0": ("last_non", {"ignored": "c0"}),
    "time decay": ("time_decay", {"half_life_hours": 5}),
    "shapley": ("shapley", {}),
    "markov": ("markov", {}),
    "markov of buyers": ("markov", {"use_nulls": False}),
    "markov, order 2": ("markov", {"order": 2}),
    "markov, renormalise": ("markov", {"removal": "renormalise", "order": 2}),
    "markov, lost paths": ("markov", {"removal": "lose_paths"}),
}


@pytest.fixture(scope="module")
def journeys():
    table = drawn(true_chain(5, seed=4, rare=1), 1_500, np.random.default_rng(4))
    table["hours_before_end"] = [tuple(range(len(path), 0, -1)) for path in table["path"]]
    return table


def by_function(table, method, options):
    if method == "markov":
        return markov(table, **options)
    return shapley_values.shapley(table) if method == "shapley" else rules.credit(table, method, **options)


@pytest.mark.filterwarnings("ignore:removal='renormalise'")
@pytest.mark.parametrize("of", bootstraps.OF)
@pytest.mark.parametrize("way", WAYS)
def test_estimate_is_that_of_the_function_and_draws_are_too(journeys, way, of):
    """Every draw, made a table and sent through the public function, gives what the quick way gives."""
    method, options = WAYS[way]
    column = "value" if of == "value" else "conversions"
    found = bootstrap(journeys, method, 20, of=of, **options)
    assert found.columns.tolist() == COLUMNS
    said = by_function(journeys, method, options)[column]
    expected = said / said.sum() if of == "share" else said
    assert found["estimate"].tolist() == expected.tolist()
    assert (found["low"] <= found["estimate"]).all()
    assert (found["estimate"] <= found["high"]).all()
    merged = distinct(encode(journeys), journeys.attrs["value_variation"])
    names = np.array(merged.paths.channels, dtype=object)
    parts = np.split(names[merged.paths.codes], merged.paths.starts[1:-1])
    blank = pd.DataFrame({"path": [tuple(part) for part in parts]})
    blank["hours_before_end"] = [tuple(p) for p in np.split(merged.paths.hours, merged.paths.starts[1:-1])]
    credit = bootstraps._credit(merged.paths, method, column, options)
    (block,) = draws_of(merged, 3, seed=1)
    quick = credit(*block)
    for i in range(3):
        table = blank.assign(conversions=block[0][:, i], nulls=block[1][:, i], value=block[2][:, i])
        slow = by_function(table, method, options)[column].to_numpy()
        assert quick[i] == pytest.approx(slow, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("of", bootstraps.OF)
def test_only_the_journeys_and_the_seed_count(journeys, of):
    found = bootstrap(journeys, "markov", 50, of=of)
    pd.testing.assert_frame_equal(bootstrap(journeys, "markov", 50, of=of), found)
    shuffled = journeys.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(bootstrap(shuffled, "markov", 50, of=of), found, rtol=1e-9)
    names = {"c0": "z", "c1": "金", "c2": "b>", "c3": "(start)", "c4": "a"}
    renamed = journeys.assign(path=[tuple(names[step] for step in path) for path in journeys["path"]])
    other = bootstrap(renamed, "markov", 50, of=of).set_index("channel").loc[list(names.values())]
    assert other.to_numpy(dtype=float) == pytest.approx(found.iloc[:, 1:].to_numpy(dtype=float), rel=1e-9)
    assert bootstrap(journeys, "markov", 50, seed=2, of=of)["low"].tolist() != found["low"].tolist()


def test_rows_may_be_split(journeys):
    plain = journeys.drop(columns="hours_before_end")
    numbers = ["conversions", "value", "nulls"]
    halves = pd.concat([plain, plain]).assign(**{name: lambda t, name=name: t[name] / 2 for name in numbers})
    one, other = (bootstrap(table, "linear", 50) for table in (plain, halves))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_width_of_a_share_by_theory():
    """First touch of 1,000 orders is a binomial share: 1.645 standard errors to either side."""
    table = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [300, 700], "nulls": [500, 100]})
    found = bootstrap(table, "first", 4_000)
    error = 1.645 * np.sqrt(0.3 * 0.7 / 1_000)
    assert found["high"][0] - found["low"][0] == pytest.approx(2 * error, rel=0.06)
    assert found.attrs == {"method": "first", "of": "share", "level": 0.9, "draws": 4_000}
    narrower = bootstrap(table, "first", 4_000, level=0.5)
    assert narrower["high"][0] - narrower["low"][0] == pytest.approx(2 * error * 0.6745 / 1.645, rel=0.06)


def test_money_varies_with_single_orders():
    """1,000 orders of mean 1 in 2,000 journeys: the variance of the sum is 500, and 1,000 more with a variance of 1."""
    table = pd.DataFrame({"path": [("a",), ("b",)], "conversions": [1_000, 0], "value": [1_000.0, 0.0]})
    table["nulls"] = [0, 1_000]
    plain = bootstrap(table, "last", 4_000, of="value")
    table.attrs["value_variation"] = 1.0
    varied = bootstrap(table, "last", 4_000, of="value")
    widths = [frame["high"][0] - frame["low"][0] for frame in (plain, varied)]
    assert widths == pytest.approx([2 * 1.645 * np.sqrt(500), 2 * 1.645 * np.sqrt(1_500)], rel=0.06)


def test_reading_single_orders_keeps_how_much_their_value_varies():
    """Texts of one order a row are summed on reading; the interval of value must be as wide as that of the rows."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"path": rng.choice(["a", "a > b"], 1_500), "conversions": 1, "nulls": 0})
    rows["value"] = np.round(rng.lognormal(4, 1, len(rows)), 2)
    single = rows.assign(path=[tuple(path.split(" > ")) for path in rows["path"]])
    widths = [(found := bootstrap(table, "last", 2_000, of="value"))["high"] - found["low"]
              for table in (single, read_paths(rows))]  # fmt: skip
    assert widths[1].to_numpy() == pytest.approx(widths[0].to_numpy(), rel=0.06)


def test_ranks():
    """The largest channel is surely first; two alike in all things share what is left; one never converts."""
    rows = {("a",): 500, ("b", "c"): 100, ("c", "b"): 100, ("d",): 0}
    table = pd.DataFrame({"path": list(rows), "conversions": list(rows.values()), "nulls": 200})
    found = bootstrap(table, "linear").set_index("channel")
    assert found["rank_low"].tolist() == [1, 2, 2, 4]
    assert found["rank_high"].tolist() == [1, 2, 2, 4]
    firsts = bootstrap(table, "first").set_index("channel")
    assert firsts.loc[["b", "c"], ["rank_low", "rank_high"]].to_numpy().tolist() == [[2, 3], [2, 3]]


def test_tables_without_conversions_or_rows():
    table = pd.DataFrame({"path": [("a", "b"), ("b",)], "conversions": [0, 0], "nulls": [5, 9]})
    for method in ("markov", "last", "shapley"):
        found = bootstrap(table, method)
        assert found.iloc[:, 1:].isna().all().all()
        assert bootstrap(table, method, of="conversions")["estimate"].tolist() == [0, 0]
        empty = bootstrap(table.iloc[:0], method)
        assert (empty.columns.tolist(), len(empty)) == (COLUMNS, 0)
    single = bootstrap(pd.DataFrame({"path": [("a", "a")], "conversions": [7.5]}), "markov")
    assert single[["estimate", "low", "high", "rank_low"]].to_numpy().tolist() == [[1, 1, 1, 1]]


def test_few_conversions_by_the_published_limits():
    """90% limits by Garwood (1936): 0 to 3.00 for a count of none, 0.355 to 6.30 for two, 1.37 to 9.15 for four."""
    table = pd.DataFrame(
        {"path": [("a",), ("b",), ("c",), ("d",)], "conversions": [994, 0, 2, 4], "nulls": [0, 9, 0, 0]}
    )
    found = bootstrap(table, "first", of="conversions").set_index("channel")
    assert found.loc["b", ["low", "high"]].tolist() == pytest.approx([0, 2.996], abs=0.001)
    assert found.loc["c", "low"] <= 0.356
    assert found.loc["c", "high"] >= 6.29
    assert found.loc["d", "high"] >= 9.15
    share = bootstrap(table.assign(value=table["conversions"] * 50), "first").set_index("channel")
    assert share.loc["b", "high"] == pytest.approx(0.002996, abs=1e-6)
    assert bootstrap(table[1:].assign(conversions=[0, 0, 0.2]), "first")["high"].max() == 1


def test_refusals():
    table = pd.DataFrame({"path": [("a", "b")], "conversions": [9]})
    for wrong, message in [
        ({"method": "lst"}, "did you mean"),
        ({"method": "last", "of": "money"}, "of must be"),
        ({"method": "last", "draws": 5}, "draws"),
        ({"method": "last", "draws": 200.5}, "draws must be a whole number"),
        ({"method": "last", "draws": "200"}, "draws must be a whole number"),
        ({"method": "last", "level": 90}, "level"),
        ({"method": "last", "order": 2}, "order"),
        ({"method": "markov", "ordr": 2}, "ordr"),
        ({"method": "markov", "order": 7}, "order"),
        ({"method": "shapley", "half_life_days": 2}, "half_life_days"),
        ({"method": "time_decay"}, "hours_before_end"),
    ]:
        with pytest.raises(ValueError, match=message):
            bootstrap(table, **wrong)


def test_gate():
    table = pd.DataFrame({"path": [("a",), ("b",)], "conversions": [300, 199.5]})
    refused = interval_gate(table)
    assert (refused.seen, refused.needed) == (499.5, 500)
    assert interval_gate(table, at_least=400) is None
    assert interval_gate(table.assign(conversions=250)) is None
