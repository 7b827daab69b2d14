"""Balance and overlap against hand arithmetic and statsmodels' weighted moments."""

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from siyu_helpers.analysis.effect.balances import (
    BALANCE_COLUMNS,
    OVERLAP_COLUMNS,
    balance,
    balance_facts,
    effective_sample_size,
    overlap,
    overlap_facts,
)
from siyu_helpers.analysis.effect.estimators import average_treatment_effect, balancing_weights, propensity_scores
from siyu_helpers.analysis.estimates import Estimate, Refused


def trials(rows=800, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)) * [1, 5, 0.1] + [0, 20, 3]
    joined = (rng.random(rows) < 1 / (1 + np.exp(1 - 0.8 * x[:, 0] - 0.1 * (x[:, 1] - 20)))).astype(int)
    made = pd.DataFrame(x, columns=["recency", "age", "share"]).assign(joined=joined, vip=(x[:, 0] > 0.5).astype(int))
    return made.assign(sampling=1.0 + made.index % 5, orders=rng.poisson(2, rows))


COVARIATES = ["recency", "age", "share", "vip"]


def test_before_by_hand_and_after_by_statsmodels():
    data = trials()
    weights = balancing_weights(data, "joined", COVARIATES)
    found = balance(data, "joined", COVARIATES, weights=weights)
    assert list(found.columns) == BALANCE_COLUMNS
    one, none = data[data["joined"] == 1], data[data["joined"] == 0]
    for row in found.itertuples():
        a, b = one[row.covariate], none[row.covariate]
        pooled = np.sqrt((a.var() + b.var()) / 2)
        after = DescrStatsW(b, weights[data["joined"] == 0])
        assert row.smd_before == pytest.approx((a.mean() - b.mean()) / pooled)
        assert row.smd_after == pytest.approx((a.mean() - after.mean) / pooled, abs=1e-12)
        assert row.variance_ratio_before == pytest.approx(a.var() / b.var())
        assert row.variance_ratio_after == pytest.approx(a.var() / after.var, rel=0.01)
        assert (row.mean_treated, row.mean_comparison_before) == pytest.approx((a.mean(), b.mean()))
        assert row.mean_comparison_after == pytest.approx(after.mean)
    assert found["smd_before"].abs().max() > 0.5 > 0.1 > found["smd_after"].abs().max()


def test_nsw_experiment_as_published():
    """Dehejia and Wahba (1999), table 1: means 25.81 and 25.05 of age, 10.35 and 10.09 of education, .71 and .83 of no
    degree; standard deviations 7.16 and 7.06, 2.01 and 1.61, .46 and .37."""
    nsw = pd.read_csv(PROJECT / "tests" / "published" / "nsw.csv")
    found = balance(nsw, "treat", ["age", "educ", "nodegree"])
    assert found["mean_treated"].round(2).tolist() == [25.82, 10.35, 0.71]
    assert found["mean_comparison_before"].round(2).tolist() == [25.05, 10.09, 0.83]
    published = [
        (25.816 - 25.054) / np.sqrt((7.16**2 + 7.06**2) / 2),
        (10.346 - 10.088) / np.sqrt((2.01**2 + 1.61**2) / 2),
    ]
    assert found["smd_before"].tolist()[:2] == pytest.approx(published, abs=0.002)


def test_sampling_weights_are_before_and_all_weights_after():
    """A comparator that stands for two is two comparators."""
    data = trials().assign(sampling=lambda t: np.where(t["joined"] == 1, 1, 1 + t.index % 3))
    often = data.loc[data.index.repeat(data["sampling"])]
    one = balance(data, "joined", COVARIATES, sampling_weights="sampling")
    many = balance(often, "joined", COVARIATES)
    assert np.allclose(one["smd_before"], many["smd_before"], rtol=0.005)
    assert np.allclose(one["mean_comparison_before"], many["mean_comparison_before"])
    assert (one["smd_before"] == one["smd_after"]).all()
    weighted = balance(data, "joined", COVARIATES, ["sampling", "joined"][:1], "sampling")
    assert (weighted["smd_before"] == weighted["smd_after"]).all()


def test_yardstick_stays_the_same():
    """Weights that leave comparators of one age change the mean difference, not what it is divided by."""
    data = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "age": [30, 40, 20, 30, 40]})
    found = balance(data, "joined", ["age"], weights=np.array([1, 1, 0, 1, 0])).iloc[0]
    deviation = np.sqrt((50 + 100) / 2)
    assert found["smd_before"] == pytest.approx(5 / deviation)
    assert found["smd_after"] == pytest.approx(5 / deviation)
    assert np.isnan(found["variance_ratio_after"])


def test_covariates_that_do_not_vary():
    data = trials().assign(const=7.0, given_away=lambda t: t["joined"], tiny=1e9 + 0.1)
    found = balance(data, "joined", ["const", "given_away", "tiny"]).set_index("covariate")
    assert found.loc["const", "smd_before"] == 0
    assert abs(found.loc["tiny", "smd_before"]) < 1e-5  # a mean of equal numbers is off by its last digit
    assert found.loc["given_away", "smd_before"] > 1
    assert np.isfinite(found["smd_after"]).all()


def test_one_side_only_or_blank():
    with pytest.raises(ValueError, match="treated rows and comparators"):
        balance(trials().assign(joined=0), "joined", COVARIATES)
    with pytest.raises(ValueError, match="covariate 'recency' is blank"):
        balance(trials().assign(recency=np.nan), "joined", ["recency"])
    assert balance(trials(), "joined", []).empty


def test_facts_of_balance():
    facts = balance_facts(balance(trials(), "joined", COVARIATES, balancing_weights(trials(), "joined", COVARIATES)))
    assert all(isinstance(fact, Estimate) for fact in facts.values())
    assert facts["largest_before"].value > 0.5 > facts["largest_after"].value
    assert facts["unbalanced_before"].value == 0.75
    assert facts["unbalanced_after"].value == 0
    assert all(isinstance(fact, Refused) for fact in balance_facts(balance(trials(), "joined", [])).values())


def test_overlap_counts_every_row_once():
    data = trials()
    found = overlap(data, "joined", COVARIATES, weights="sampling", bins=12)
    assert list(found.columns) == OVERLAP_COLUMNS
    assert (found["treated"].sum(), found["comparators"].sum()) == (data["joined"].sum(), (data["joined"] == 0).sum())
    for name in ("share_treated", "share_comparators", "share_comparators_weighted"):
        assert found[name].sum() == pytest.approx(1)
    score = propensity_scores(data, "joined", COVARIATES, weights="sampling")
    third = found.iloc[3]
    within = (score >= third["score_low"]) & (score < third["score_high"])
    assert third["treated"] == data.loc[within, "joined"].sum()
    assert np.allclose(found["score_low"].iloc[1:], found["score_high"].iloc[:-1])
    distance = (found["share_treated"] - found["share_comparators_weighted"]).abs().sum()
    assert distance < 0.5 * (found["share_treated"] - found["share_comparators"]).abs().sum()


def test_facts_of_overlap():
    data = trials()
    facts = overlap_facts(overlap(data, "joined", COVARIATES))
    effect = average_treatment_effect(data, "orders", "joined", COVARIATES, "ipw")
    assert facts["effective_comparators"].value == pytest.approx(effect.effective_n)
    assert facts["effective_share"].value == pytest.approx(effect.effective_n / (data["joined"] == 0).sum())
    score = propensity_scores(data, "joined", COVARIATES)
    one, none = score[data["joined"] == 1], score[data["joined"] == 0]
    assert facts["treated_outside"].value == ((one > none.max()) | (one < none.min())).mean() > 0


@pytest.mark.parametrize("odd", [{"joined": 0}, {"joined": 1}, {"recency": lambda t: t["joined"] * 3.0}])
def test_no_overlap_is_an_empty_table(odd):
    found = overlap(trials().assign(**odd), "joined", ["recency"])
    assert found.empty
    assert list(found.columns) == OVERLAP_COLUMNS
    assert all(isinstance(fact, Refused) for fact in overlap_facts(found).values())


def test_overlap_of_a_constant():
    found = overlap(trials().assign(const=1), "joined", ["const"])
    assert found["treated"].max() == trials()["joined"].sum()
    assert overlap_facts(found)["treated_outside"].value == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40), st.floats(0.01, 100))
def test_effective_size_lies_between_one_and_all(weights, factor):
    size = effective_sample_size(np.array(weights))
    assert 1 - 1e-9 <= size <= len(weights) + 1e-9
    assert effective_sample_size(np.array(weights) * factor) == pytest.approx(size)
    assert effective_sample_size(np.array([factor] * 7)) == pytest.approx(7)
