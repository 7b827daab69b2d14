"""Rows, weights, persons and folds of a table."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect import samples


def trials():
    return pd.DataFrame(
        {
            "joined": [1, 0, 0, 1, 0, 0],
            "weight": [1, 2, 0, 3, 1, 1],
            "person": list("abcabd"),
            "age": [1, 2, 3, 4, 5, 6],
        }
    )


def test_rows_without_weight_are_left_out_and_weights_have_mean_one():
    sample = samples.sample_of(trials(), "joined", "weight", "person", 1, 0)
    assert sample.rows.tolist() == [0, 1, 3, 4, 5]
    assert sample.weights.tolist() == [0.625, 1.25, 1.875, 0.625, 0.625]
    assert sample.treated.tolist() == [1, 0, 1, 0, 0]
    assert sample.clusters.tolist() == [0, 1, 2, 0, 1, 3]
    assert sample.edges.tolist() == [0, 5]


def test_folds_hold_whole_persons_in_one_block_of_rows():
    data = pd.concat(
        [trials().assign(person=lambda t, k=k: t["person"] + str(k)) for k in range(20)], ignore_index=True
    )
    sample = samples.sample_of(data, "joined", None, "person", 4, 3)
    assert sorted(sample.rows) == list(range(120))
    blocks = [set(data["person"].iloc[sample.rows[a:b]]) for a, b in zip(sample.edges, sample.edges[1:], strict=False)]
    assert len(blocks) == 4
    assert sum(map(len, blocks)) == data["person"].nunique()
    assert (sample.treated == data["joined"].iloc[sample.rows]).all()


def test_weights_of_every_kind():
    data = trials()
    assert samples.weights_of(data, None).tolist() == [1.0] * 6
    assert samples.weights_of(data, ["weight", "age"]).tolist() == [1, 4, 0, 12, 5, 6]
    assert samples.weights_of(data, np.arange(6)).tolist() == [0, 1, 2, 3, 4, 5]
    assert samples.weights_of(data, [0.5] * 6).tolist() == [0.5] * 6
    for wrong, said in ((-np.ones(6), "0 or more"), (np.full(6, np.nan), "finite"), ("mass", "no column 'mass'")):
        with pytest.raises(ValueError, match=said):
            samples.weights_of(data, wrong)


def test_columns_must_be_numbers_where_there_is_weight():
    data = trials().assign(
        age=[1, 2, np.nan, 4, 5, 6], truth=[True] * 6, nothing=pd.array([1, None] * 3, dtype="Int64")
    )
    assert samples.column_of(data, "age", np.array([0, 1]), "covariate").tolist() == [1, 2]
    assert samples.column_of(data, "truth", np.array([0]), "covariate").tolist() == [1]
    assert samples.column_of(data, "nothing", np.array([0, 2]), "covariate").tolist() == [1, 1]
    with pytest.raises(ValueError, match="covariate 'nothing' is blank or infinite in 3 rows"):
        samples.column_of(data, "nothing", np.arange(6), "covariate")
    with pytest.raises(ValueError, match="not a number column"):
        samples.column_of(data, "person", np.array([0]), "outcome")


def test_too_few_counts_persons():
    sample = samples.sample_of(trials(), "joined", None, "person", 1, 0)
    assert samples.too_few(sample, 1) is None
    assert samples.too_few(sample, 2).seen == 1
    assert samples.too_few(samples.sample_of(trials(), "joined", None, None, 1, 0), 2) is None


def test_kish():
    assert samples.kish(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert samples.kish(np.zeros(3)) == 0
