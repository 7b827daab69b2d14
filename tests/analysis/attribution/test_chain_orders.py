import math

import numpy as np
import pandas as pd
import pytest
from simulated_paths import drawn, true_chain

from siyu_helpers.analysis.attribution import chain_orders
from siyu_helpers.analysis.attribution.chain_orders import choose_order
from siyu_helpers.analysis.attribution.chains import steps_of
from siyu_helpers.analysis.attribution.paths import encode

COLUMNS = ["order", "states", "log_likelihood", "difference", "difference_se", "chosen"]


def second_order(journeys, rng, channels=4):
    """Journeys whose next step depends on the last two touches, with chances drawn at random."""
    chances = rng.dirichlet(np.ones(channels + 2), (channels + 1, channels))
    rows = []
    for _ in range(journeys):
        path, before = [int(rng.integers(channels))], channels
        while (after := int(rng.choice(channels + 2, p=chances[before, path[-1]]))) < channels:
            before = path[-1]
            path.append(after)
        rows.append((tuple("abcdefgh"[code] for code in path), int(after == channels), int(after > channels)))
    return pd.DataFrame(rows, columns=["path", "conversions", "nulls"])


def chosen(journeys, **options):
    found = choose_order(journeys, **options)
    return int(found.loc[found["chosen"], "order"].iloc[0])


def test_picks_the_order_that_made_the_journeys():
    """15 simulations of each; the likelihood of the journeys themselves would pick order 3 every time."""
    first = [chosen(drawn(true_chain(5, seed), 1_000, np.random.default_rng(seed))) for seed in range(15)]
    second = [chosen(second_order(1_000, np.random.default_rng(seed))) for seed in range(15)]
    assert first.count(1) >= 14
    assert second.count(2) >= 14
    paths = encode(drawn(true_chain(5, 1), 1_000, np.random.default_rng(1)))
    fits = []
    for order in (1, 2, 3):
        steps = steps_of(paths, order)
        counts = chain_orders._counted(paths, steps, np.stack([paths.conversions, paths.nulls]))
        chances = counts / counts.sum(axis=1, keepdims=True)
        fits.append(np.nansum(counts * np.log(np.where(counts > 0, chances, 1))))
    assert fits == sorted(fits)


def test_log_likelihood_by_dictionaries():
    """The same folds, with chances mixed by hand from dictionaries of histories."""
    journeys = second_order(60, np.random.default_rng(3), 3).groupby("path", as_index=False).sum()
    merged = chain_orders.distinct(encode(journeys)).paths
    dealt = chain_orders._dealt(merged, 3, seed=5)
    names = np.array(merged.channels, dtype=object)[merged.codes]
    rows = [list(part) for part in np.split(names, merged.starts[1:-1])]
    alphabet = [*merged.channels, "order", "none"]

    def counts_of(fold, order):
        counts = {}
        for i, row in enumerate(rows):
            for end, name in ((0, "order"), (1, "none")):
                n = sum(part[end][i] for part in np.delete(dealt, fold, axis=0))
                for at, step in enumerate([*row, name]):
                    history = ("open", *row[:at])[-order:] if order else ("open",)[at:]
                    counts.setdefault(history, dict.fromkeys(alphabet, 0.0))[step] += n
        return counts

    tables = {(fold, order): counts_of(fold, order) for fold in range(3) for order in range(4)}

    def mixed(fold, order, before, step):
        if order == 0:
            lower = 1 / len(alphabet)
        elif order == 1 and not before:  # the first touch
            lower = 1 / len(merged.channels) if step in merged.channels else 0
        else:
            lower = mixed(fold, order - 1, before, step)
        if len(before) < order - 1:  # the order below remembers the whole journey, too
            return lower
        seen = tables[fold, order].get(("open", *before)[-order:] if order else (), dict.fromkeys(alphabet, 0.0))
        kinds = max(1, sum(n > 0 for n in seen.values()))
        return (seen[step] + kinds * lower) / (sum(seen.values()) + kinds)

    found = choose_order(journeys, folds=3, seed=5).set_index("order")
    for order in (1, 2, 3):
        total = 0.0
        for fold in range(3):
            for i, row in enumerate(rows):
                for end, name in ((0, "order"), (1, "none")):
                    if n := dealt[fold, end, i]:
                        steps = enumerate([*row, name])
                        total += n * sum(math.log(mixed(fold, order, row[:at], step)) for at, step in steps)
        assert found["log_likelihood"][order] == pytest.approx(total / dealt.sum())


def test_chances_add_up_to_one():
    paths = encode(second_order(200, np.random.default_rng(1)))
    seen = np.stack([paths.conversions, paths.nulls])
    lower = chain_orders._without_history(paths, seen)
    below = None
    for order in (1, 2, 3):
        assert lower.sum(axis=1) == pytest.approx(1)
        made = steps_of(paths, order)
        lower = chain_orders._chances(chain_orders._counted(paths, made, seen), lower, made, below)
        below = made
    assert lower.sum(axis=1) == pytest.approx(1)
    assert lower[0, -2:].tolist() == [0, 0]


def test_the_order_of_rows_makes_no_difference_and_the_seed_does():
    journeys = second_order(300, np.random.default_rng(2))
    found = choose_order(journeys)
    assert found.columns.tolist() == COLUMNS
    assert found["chosen"].sum() == 1
    pd.testing.assert_frame_equal(choose_order(journeys.sample(frac=1, random_state=1)), found)
    whole = journeys.groupby("path", as_index=False).sum()
    pd.testing.assert_frame_equal(choose_order(whole), found)
    assert choose_order(journeys, seed=2)["log_likelihood"].tolist() != found["log_likelihood"].tolist()


def test_fractions_are_dealt_whole():
    journeys = second_order(300, np.random.default_rng(2)).assign(value=0.0)
    halves = pd.concat([journeys, journeys])
    halves[["conversions", "nulls"]] = halves[["conversions", "nulls"]] / 2
    pd.testing.assert_frame_equal(choose_order(halves), choose_order(journeys))
    odd = journeys.assign(conversions=journeys["conversions"] * 0.3)
    paths = chain_orders.distinct(encode(odd)).paths
    dealt = chain_orders._dealt(paths, 5, 1)
    assert dealt.sum(axis=0) == pytest.approx(np.stack([paths.conversions, paths.nulls]))
    assert np.isfinite(choose_order(odd)["log_likelihood"]).all()


def test_odd_tables_and_refusals():
    few = pd.DataFrame({"path": [("a",), ("b",)], "conversions": [1, 0], "nulls": [0, 1]})
    for table in (few, few.iloc[:0], few.assign(conversions=0, nulls=0)):
        found = choose_order(table)
        assert found["chosen"].tolist() == [True, False, False]
        assert found["log_likelihood"].isna().all()
    single = choose_order(pd.DataFrame({"path": [("a", "a")], "conversions": [50]}), orders=[2])
    assert single["chosen"].tolist() == [True]
    for wrong in ({"orders": (1, 4)}, {"orders": ()}, {"folds": 1}):
        with pytest.raises(ValueError, match="order"):
            choose_order(few, **wrong)
