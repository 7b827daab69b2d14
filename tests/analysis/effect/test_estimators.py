"""The four estimators against published results, statsmodels' GMM and hand arithmetic, and what they refuse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
from conftest import PROJECT
from scipy import stats

from siyu_helpers.analysis.effect.estimators import (
    METHODS,
    average_treatment_effect,
    average_treatment_effects,
    balancing_weights,
    propensity_scores,
)
from siyu_helpers.analysis.effect.results import combined, relative
from siyu_helpers.analysis.estimates import Refused

BIRTHS = Path(statsmodels.__file__).parent / "treatment" / "tests" / "results" / "cataneo2.csv"
OUTCOME_MODEL = ["prenatal1_", "mmarried_", "mage", "fbaby_"]
SCORE_MODEL = ["mmarried_", "mage", "mage2", "fbaby_", "medu"]


@pytest.fixture(scope="module")
def births():
    return pd.read_csv(BIRTHS)


def of_births(births, method, estimand, **how):
    how = {"link": "probit", "trim": None, "folds": 1, "level": 0.95} | how
    return average_treatment_effect(
        births, "bweight", "mbsmoke_", [], method, estimand, OUTCOME_MODEL, SCORE_MODEL, **how
    )


# Stata 17 `teffects`, kept with statsmodels in treatment/tests/results/results_teffects.py (tables and tables_t).
STATA = [
    ("ra", "ATE", -239.63921146434, 23.82402100183, 3403.2422719355, 9.5252071796205),
    ("ipw", "ATE", -230.68863779526, 25.815243801554, 3403.4627086846, 9.5713688979534),
    ("aipw", "ATE", -230.98920111258, 26.210564625435, 3403.3552531738, 9.5684720516903),
    ("ra", "ATT", -223.30165083857, 22.742195167601, 3360.9613730608, 12.757489072993),
    ("ipw", "ATT", -225.17726054799, 23.664582726945, 3362.8369827702, 14.20149077868),
]


@pytest.mark.parametrize(("method", "estimand", "value", "error", "without", "without_error"), STATA)
def test_cattaneo_birth_weights(births, method, estimand, value, error, without, without_error):
    found = of_births(births, method, estimand)
    assert found.value == pytest.approx(value, abs=1e-5)
    assert found.standard_error == pytest.approx(error, rel=2e-4)  # Stata has no factor n / (n - 1)
    assert found.without_treatment == pytest.approx(without, abs=1e-4)
    assert np.sqrt((found.influence_without**2).sum()) == pytest.approx(without_error, rel=1e-6)
    assert found.with_treatment - found.without_treatment == pytest.approx(found.value)
    assert (found.n, found.n_trimmed) == (4642, 0)


def gmm(moments, start, step=1e-4):
    """Standard errors of parameters that solve mean(moments) = 0, by numbers (Hansen 1982)."""
    n = len(moments(start))
    shifts = np.eye(len(start)) * step
    slope = np.array([(moments(start + s).mean(0) - moments(start - s).mean(0)) / (2 * step) for s in shifts]).T
    bread = np.linalg.inv(slope)
    return np.sqrt(np.diag(bread @ (moments(start).T @ moments(start) / n) @ bread.T / n))


def test_error_of_doubly_robust_att_as_by_gmm(births):
    """All moments stacked and differentiated by numbers: the treated, the weighted residuals, and both models."""
    y, d = births["bweight"].to_numpy(float), births["mbsmoke_"].to_numpy(float)
    x, z = (np.column_stack([np.ones(len(y)), (births[c] - births[c].mean()) / births[c].std()])
            for c in (OUTCOME_MODEL, SCORE_MODEL))  # fmt: skip
    k = x.shape[1]

    def odds(g):
        return stats.norm.cdf(z @ g) / stats.norm.cdf(-z @ g)

    def moments(at):
        effect, off, b, g = at[0], at[1], at[2 : 2 + k], at[2 + k :]
        chance, resid = stats.norm.cdf(z @ g), y - x @ b
        score = (d - chance) * stats.norm.pdf(z @ g) / (chance * (1 - chance))
        return np.column_stack([d * (resid - off - effect), (1 - d) * odds(g) * (resid - off),
                                x * ((1 - d) * resid)[:, None], z * score[:, None]])  # fmt: skip

    b = np.linalg.lstsq(x[d == 0], y[d == 0], rcond=None)[0]
    g = statsmodels.api.Probit(d, z).fit(disp=0, tol=1e-14).params
    given, resid = ((1 - d) * odds(g)), y - x @ b
    off = given @ resid / given.sum()
    effect = d @ resid / d.sum() - off
    found = of_births(births, "aipw", "ATT")
    assert found.value == pytest.approx(effect, abs=1e-6)
    assert found.standard_error == pytest.approx(gmm(moments, np.r_[effect, off, b, g])[0], rel=2e-4)


@pytest.mark.parametrize("method", ["ipw", "aipw"])
def test_cross_fitting_changes_births_little(births, method):
    one, five = (of_births(births, method, "ATT", folds=folds) for folds in (1, 5))
    assert abs(one.value - five.value) < 0.25 * one.standard_error
    assert five.standard_error == pytest.approx(one.standard_error, rel=0.03)
    assert (one.value == five.value) == (method == "ipw")  # plain weighting fits once


@pytest.fixture(scope="module")
def quitters():
    """NHEFS as in Hernán and Robins, What If, chapter 12: nine covariates, numbers with their squares."""
    read = pd.read_csv(PROJECT / "tests" / "published" / "nhefs.csv")
    made = pd.DataFrame({"sex": read["sex"], "race": read["race"]})
    for name in ("age", "smokeintensity", "smokeyrs", "wt71"):
        made[name], made[f"{name}_squared"] = read[name], read[name] ** 2
    for name in ("education", "exercise", "active"):
        made = made.join(pd.get_dummies(read[name], prefix=name, drop_first=True, dtype=int))
    return read[["qsmk", "wt82_71"]].join(made)


def of_quitters(quitters, method, **how):
    covariates = [name for name in quitters if name not in ("qsmk", "wt82_71")]
    how = {"estimand": "ATE", "trim": None, "folds": 1, "level": 0.95} | how
    return average_treatment_effect(quitters, "wt82_71", "qsmk", covariates, method, **how)


def test_nhefs_weighting(quitters):
    """Section 12.2: 3.4 kg, 95% interval 2.4 to 4.5, by a robust variance that takes the weights as known."""
    found = of_quitters(quitters, "ipw")
    assert round(found.value, 1) == 3.4
    assert 2.4 < found.low < found.high < 4.5  # knowing that the weights were estimated makes it narrower
    covariates = [name for name in quitters if name not in ("qsmk", "wt82_71")]
    known = balancing_weights(quitters, "qsmk", covariates, trim=None, estimand="ATE")
    bare = average_treatment_effect(quitters.assign(one=1.0), "wt82_71", "qsmk", ["one"], "ra", "ATE", weights=known,
                                    level=0.95)  # fmt: skip
    assert (round(bare.value, 1), round(bare.low, 1), round(bare.high, 1)) == (3.4, 2.4, 4.5)


def test_nhefs_standardisation(quitters):
    """Section 13.3: 3.5 kg, 95% interval 2.6 to 4.5; there one regression with one interaction, here one a side."""
    found = of_quitters(quitters, "ra")
    assert abs(found.value - 3.5) < 0.1
    assert abs(found.low - 2.6) < 0.15
    assert abs(found.high - 4.5) < 0.15


def test_nsw_experiment():
    """Dehejia and Wahba (1999), JASA 94, 1053-1062, table 2: 1,794 with standard error 633 (equal variances)."""
    nsw = pd.read_csv(PROJECT / "tests" / "published" / "nsw.csv")
    found = average_treatment_effect(nsw.assign(one=1), "re78", "treat", ["one"], "ra")
    assert round(found.value) == 1794
    sides = [nsw.loc[nsw["treat"] == side, "re78"] for side in (1, 0)]
    assert found.standard_error == pytest.approx(np.sqrt(sum(side.var() / len(side) for side in sides)), rel=0.005)
    covariates = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
    for method in METHODS:  # a lot was drawn, so that correcting changes little
        corrected = average_treatment_effect(nsw, "re78", "treat", covariates, method)
        assert abs(corrected.value - 1794) < 700


# --- weights, clusters, trims ---


def trials(rows=600, seed=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    joined = (rng.random(rows) < 1 / (1 + np.exp(1 - x @ [0.8, -0.4]))).astype(int)
    orders = rng.poisson(np.exp(0.3 * x[:, 0] + 0.2 * joined))
    made = pd.DataFrame(x, columns=["recency", "tenure"])
    return made.assign(joined=joined, orders=orders, spend=orders * rng.gamma(2, 20, rows), person=np.arange(rows) // 2)


COVARIATES = ["recency", "tenure"]


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
@pytest.mark.parametrize("method", ["aipw", "ipw", "ra"])
def test_weights_are_repetitions(method, estimand):
    """A row of weight 3 is the row three times, and persons keep the repetitions from looking like news."""
    data = trials().assign(weight=lambda t: 1 + t.index % 3)
    often = data.loc[data.index.repeat(data["weight"])].reset_index(drop=True)
    how = {"method": method, "estimand": estimand, "folds": 1, "clusters": "person"}
    one = average_treatment_effect(data, "orders", "joined", COVARIATES, weights="weight", **how)
    many = average_treatment_effect(often, "orders", "joined", COVARIATES, **how)
    assert one.value == pytest.approx(many.value, abs=1e-9)
    assert one.standard_error == pytest.approx(many.standard_error, rel=1e-9)


def test_clusters_are_added_up():
    """Every row twice with one person each: the error of the rows once; without clusters it is 1 / sqrt(2) of it."""
    data = trials()
    twice = pd.concat([data, data], ignore_index=True).assign(who=np.tile(np.arange(len(data)), 2))
    for method in METHODS:
        how = {"method": method, "folds": 1}
        once = average_treatment_effect(data, "orders", "joined", COVARIATES, clusters=np.arange(len(data)), **how)
        same = average_treatment_effect(twice, "orders", "joined", COVARIATES, clusters="who", **how)
        if method != "matching":  # of which a row twice is two neighbours
            assert same.standard_error == pytest.approx(once.standard_error, rel=1e-6)
            bare = average_treatment_effect(twice, "orders", "joined", COVARIATES, **how)
            assert bare.standard_error == pytest.approx(once.standard_error / np.sqrt(2), rel=1e-3)


def test_weights_of_every_kind():
    data = trials().assign(a=2.0, b=lambda t: t.index % 2)
    names = average_treatment_effect(data, "orders", "joined", COVARIATES, weights=["a", "b"], folds=1)
    array = average_treatment_effect(data, "orders", "joined", COVARIATES, weights=2.0 * data["b"].to_numpy(), folds=1)
    rows = average_treatment_effect(data[data["b"] == 1], "orders", "joined", COVARIATES, folds=1)
    assert names.value == array.value == pytest.approx(rows.value)
    assert names.n == rows.n == 300
    assert (names.influence[data["b"] == 0] == 0).all()
    assert len(names.influence) == 600


def test_rows_without_weight_may_be_blank_and_others_not():
    data = trials()
    data["orders"] = data["orders"].astype(float)
    data.loc[:9, ["orders", "recency"]] = np.nan
    weight = (data.index >= 10).astype(float)
    assert average_treatment_effect(data, "orders", "joined", COVARIATES, weights=weight).n == 590
    with pytest.raises(ValueError, match="outcome 'orders' is blank or infinite in 10 rows"):
        average_treatment_effect(data.assign(recency=0.0), "orders", "joined", COVARIATES)
    with pytest.raises(ValueError, match="covariate 'recency' is blank"):
        average_treatment_effect(data.assign(orders=0.0), "orders", "joined", COVARIATES)


@pytest.mark.parametrize("method", ["aipw", "ipw", "matching"])
@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_rows_outside_the_trim_are_dropped_and_counted(method, estimand):
    data = trials()
    score = propensity_scores(data, "joined", COVARIATES)
    trim = (0.15, 0.5)
    outside = (score < trim[0]) | (score > trim[1])
    how = {"method": method, "estimand": estimand, "folds": 1}
    found = average_treatment_effect(data, "orders", "joined", COVARIATES, trim=trim, **how)
    assert found.n_trimmed == outside.sum() > 50
    assert found.n == (~outside).sum()
    if method == "ipw" and estimand == "ATT":
        kept, s = data[~outside], score[~outside]
        odds = np.where(kept["joined"] == 0, s / (1 - s), 0)
        by_hand = kept.loc[kept["joined"] == 1, "orders"].mean() - np.average(kept["orders"], weights=odds)
        assert found.value == pytest.approx(by_hand, abs=1e-9)
    assert average_treatment_effect(data, "orders", "joined", COVARIATES, trim=None, **how).n_trimmed == 0


def test_regression_ignores_the_trim():
    tight = average_treatment_effect(trials(), "orders", "joined", COVARIATES, "ra", trim=(0.3, 0.4))
    assert (tight.n, tight.n_trimmed) == (600, 0)


def test_effective_size_is_that_of_the_final_weights():
    data = trials()
    weights = balancing_weights(data, "joined", COVARIATES)[data["joined"] == 0]
    found = average_treatment_effect(data, "orders", "joined", COVARIATES, "ipw")
    assert found.effective_n == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    equal = average_treatment_effect(data.assign(one=1), "orders", "joined", ["one"], "ra")
    assert equal.effective_n == pytest.approx((data["joined"] == 0).sum())


def test_balancing_weights_balance():
    """The logit's own equations: weighted by the odds, comparators of a saturated model have the treated's means."""
    data = trials().assign(vip=lambda t: (t["recency"] > 0).astype(int), sampling=lambda t: 1.0 + t.index % 4)
    weights = balancing_weights(data, "joined", ["vip"], weights="sampling")
    one, none = data["joined"] == 1, data["joined"] == 0
    assert (weights[one] == data.loc[one, "sampling"]).all()
    target = np.average(data.loc[one, "vip"], weights=weights[one])
    assert np.average(data.loc[none, "vip"], weights=weights[none]) == pytest.approx(target, abs=1e-9)
    assert weights[none].sum() == pytest.approx(weights[one].sum(), rel=1e-9)


def test_effects_share_and_combine():
    data = trials()
    found = average_treatment_effects(data, ["orders", "spend"], "joined", COVARIATES, clusters="person", seed=3)
    for name, effect in found.items():
        alone = average_treatment_effect(data, name, "joined", COVARIATES, clusters="person", seed=3)
        assert (alone.value, alone.standard_error) == (effect.value, effect.standard_error)
    both = average_treatment_effect(
        data.assign(both=data["orders"] + data["spend"]), "both", "joined", COVARIATES, clusters="person", seed=3
    )
    total = combined(sum(e.value for e in found.values()), [1, 1], list(found.values()))
    assert total.value == pytest.approx(both.value)
    assert total.standard_error == pytest.approx(both.standard_error, rel=1e-9)
    share = relative(found["orders"])
    assert share.value == pytest.approx(found["orders"].value / found["orders"].without_treatment)
    assert share.low < share.value < share.high


def test_same_inputs_same_numbers_and_seed_only_moves_folds():
    data = trials()
    one, two = (average_treatment_effect(data, "orders", "joined", COVARIATES, seed=5) for _ in range(2))
    assert (one.value, one.standard_error) == (two.value, two.standard_error)
    other = average_treatment_effect(data, "orders", "joined", COVARIATES, seed=6)
    assert 0 < abs(other.value - one.value) < one.standard_error / 3


@pytest.mark.parametrize("method", METHODS)
def test_order_of_rows_changes_nothing_without_folds(method):
    data = trials()
    mixed = data.sample(frac=1, random_state=1).reset_index(drop=True)
    one, two = (average_treatment_effect(t, "orders", "joined", COVARIATES, method, folds=1) for t in (data, mixed))
    assert two.value == pytest.approx(one.value, abs=1e-9)
    assert two.standard_error == pytest.approx(one.standard_error, rel=1e-9)


# --- tables that cannot give an effect, or nearly not ---


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("joined", [0, 1, 3])
def test_too_few_joiners_are_refused(method, joined):
    data = trials().assign(joined=lambda t: (t.index < joined).astype(int))
    found = average_treatment_effect(data, "orders", "joined", COVARIATES, method)
    assert isinstance(found, Refused)
    assert (found.gate, found.seen) == ("treated", joined)


@pytest.mark.parametrize("method", METHODS)
def test_odd_tables(method):
    empty = trials().iloc[:0]
    assert average_treatment_effect(empty, "orders", "joined", COVARIATES, method).gate == "treated"
    everybody = trials().assign(joined=1)
    assert average_treatment_effect(everybody, "orders", "joined", COVARIATES, method).gate == "comparators"
    nobody = average_treatment_effect(trials(), "orders", "joined", COVARIATES, method, weights=np.zeros(600))
    assert nobody.gate == "treated"
    one_person = trials().assign(person=1)
    assert average_treatment_effect(one_person, "orders", "joined", COVARIATES, method, clusters="person").seen == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_collinear_constant_and_separating_covariates(method, estimand):
    data = trials().assign(const=3.0, again=lambda t: 2 * t["recency"] - 1, given_away=lambda t: t["joined"] * 2.0)
    how = {"method": method, "estimand": estimand, "folds": 1}
    plain = average_treatment_effect(data, "orders", "joined", COVARIATES, **how)
    more = average_treatment_effect(data, "orders", "joined", [*COVARIATES, "const", "again"], **how)
    assert more.value == pytest.approx(plain.value, abs=1e-7)
    assert more.standard_error == pytest.approx(plain.standard_error, rel=1e-6)
    none = average_treatment_effect(data, "orders", "joined", ["const"], **how)
    assert np.isfinite([none.value, none.low, none.high, none.effective_n]).all()
    split = average_treatment_effect(data, "orders", "joined", [*COVARIATES, "given_away"], **how)
    assert isinstance(split, Refused)  # by "ra" too: it would go beyond what it knows
    assert split.gate == "overlap"


@pytest.mark.parametrize("folds", [1, 5])
@pytest.mark.parametrize("method", ["aipw", "ipw"])
def test_channel_that_only_one_side_knows(method, folds):
    """Joiners of a channel without comparators have nobody to compare with: dropped and counted; the rest stays."""
    data = trials().assign(offline=lambda t: (t.index < 20).astype(int), site=lambda t: (t.index >= 570).astype(int))
    data.loc[data["offline"] == 1, "joined"] = 1
    data.loc[data["site"] == 1, "joined"] = 0
    found = average_treatment_effect(data, "orders", "joined", [*COVARIATES, "offline", "site"], method, folds=folds)
    rest = average_treatment_effect(data[(data["offline"] == 0) & (data["site"] == 0)], "orders", "joined", COVARIATES,
                                    method, folds=1)  # fmt: skip
    assert found.n_trimmed == 20
    assert found.value == pytest.approx(rest.value, abs=1e-4 if folds == 1 and method == "ipw" else 0.1)
    assert np.isfinite(found.standard_error)


def test_outcome_of_one_value():
    flat = average_treatment_effect(trials().assign(orders=2), "orders", "joined", COVARIATES)
    assert flat.value == pytest.approx(0.0, abs=1e-9)
    assert flat.standard_error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"estimand": "ATC"}, "estimand must be one of"),
        ({"link": "cloglog"}, "link must be one of"),
        ({"folds": 0}, "folds must be"),
        ({"trim": (0.9, 0.1)}, "trim must be"),
        ({"weights": "nothing"}, "no column 'nothing'"),
        ({"weights": np.ones(3)}, "one value a row"),
        ({"weights": -np.ones(600)}, "0 or more"),
        ({"clusters": np.ones(3)}, "one value a row"),
        ({"level": 90}, "level must lie"),
    ],
)
def test_wrong_arguments(how, said):
    with pytest.raises(ValueError, match=said):
        average_treatment_effect(trials(), "orders", "joined", COVARIATES, **how)


def test_wrong_columns():
    data = trials().assign(city="北京", state=2)
    with pytest.raises(ValueError, match="not a number column"):
        average_treatment_effect(data, "orders", "joined", ["city"])
    with pytest.raises(ValueError, match="must be 0 or 1"):
        average_treatment_effect(data, "orders", "state", COVARIATES)
    with pytest.raises(ValueError, match="no column 'sales'"):
        average_treatment_effect(data, "sales", "joined", COVARIATES)
    with pytest.raises(ValueError, match="Only 0 treated"):
        balancing_weights(data.assign(joined=0), "joined", COVARIATES)


def test_sampled_comparators_recover_all():
    """20 comparators a joiner, weighted by the inverse of their chance, give what all 40,000 rows give."""
    rng = np.random.default_rng(8)
    data = trials(40_000).assign(joined=lambda t: (rng.random(40_000) < 0.01 * np.exp(0.8 * t["recency"])).astype(int))
    joiners = int(data["joined"].sum())
    share = 20 * joiners / (len(data) - joiners)
    kept = (data["joined"] == 1) | (rng.random(len(data)) < share)
    sampled = data[kept].assign(weight=lambda t: np.where(t["joined"] == 1, 1, 1 / share))
    for method in METHODS:
        whole = average_treatment_effect(data, "orders", "joined", COVARIATES, method)
        part = average_treatment_effect(sampled, "orders", "joined", COVARIATES, method, weights="weight")
        assert abs(part.value - whole.value) < 0.6 * whole.standard_error
        assert part.standard_error == pytest.approx(whole.standard_error, rel=0.12)
