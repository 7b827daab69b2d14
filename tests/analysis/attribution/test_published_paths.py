"""Credit on paths that others published, against the results they printed or that their own programs give.

What stands here as a number is a fact read off a page or printed by another program, with its address; nothing of
their code is used. Programs whose licence or weight keeps them out of the lock are run where they are installed.

The 120 journeys are the first rows of sample/paths.csv of https://github.com/dsearle90/MarkovAttribution (commit
195e3a7, version 0.3, David Searle, MIT licence by its setup.py). One word a journey: a letter a touch, then + where it
ended with a conversion and - where it did not. The example data of ChannelAttribution are GPL-3 and not shipped.
"""

import importlib.util
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import chains
from siyu_helpers.analysis.attribution.paths import encode, read_paths
from siyu_helpers.analysis.attribution.rules import credit
from siyu_helpers.analysis.attribution.shapley_values import shapley

LETTERS = {"E": "EMAIL", "M": "SEM", "P": "PROGRAMMATIC", "S": "SOCIAL", "Y": "YOUTUBE"}
SAMPLE = """
EYPEPM- EYSEP- EESEP+ EYP- EYP- ES- EYEEES+ ESSE+ EYEE- EPP- EYSSEP- ESESM- EYESS- ESE- EYEE- ES+ EEM- ESP+ SEP- SES+
SYP- EES+ EE+ EYS- EPM- EYP+ EP- EYEPM+ ESP+ ESEEM+ EEP+ EYSM- EEEP+ EY- SESEPM- SSEP+ SEEEEM- SYEP- SESSSEM+ PM+
PM- PM- PM- P+ P+ MP- MP+ MP- M- M- M+ ESE+ EEP- PYS+ EEE+ PES- PPE- SEE- SMSM- SEEP-
SY- SMSEPM+ SSEP- SEEEEM- SMEP+ SMSSSMM+ PM- PM- PM- PM+ P+ P- MP- MP- MP- M- M+ M+ ESM+ EEP-
PYS- EEP- SES+ PPE+ SEE- SMSM+ EYSEPM+ EYSEP+ EEPEP- EYS+ EYS+ ES- EYEEES- ESSE- EYEE- ESS+ EYPPEP- ESESM- EYESS+ ESE+
EYEE- ES- EEM- ESP+ SES+ SES- SYS+ SES+ SSS+ SE- MSEM+ MYSM- MYEM+ MEPM- MESM+ MYEM- SEE- SYE+ SY+ EPM-
"""


def column(table, name="conversions"):
    return table.set_index("channel")[name].to_dict()


@pytest.fixture(scope="module")
def sample():
    words = SAMPLE.split()
    bought = np.array([word.endswith("+") for word in words])
    return pd.DataFrame(
        {"path": [tuple(LETTERS[letter] for letter in word[:-1]) for word in words], "conversions": bought * 1,
         "nulls": ~bought * 1}
    )  # fmt: skip


def by_letter(table, name="conversions"):
    found = column(table, name)
    return [found[LETTERS[letter]] for letter in "EMPSY"]


# Printed by ChannelAttribution 2.2.5 (heuristic_models) and mta 0.0.9 (PyPI project mta, MIT; linear with
# share="proportional" and "same", position_based with 40 and 40) for the 120 journeys.
RULES_BY_OTHERS = {
    "first": [24, 7, 7, 14, 0],
    "last": [7, 16, 14, 14, 1],
    "linear": [16.185714285714287, 8.554761904761905, 8.85, 14.726190476190476, 3.6833333333333336],
    "linear_unique": [15.36666666666667, 8.45, 9.533333333333335, 14.283333333333333, 4.366666666666667],
    "position": [15.596666666666671, 10.430000000000001, 9.666666666666668, 14.206666666666663, 2.1],
}


@pytest.mark.parametrize("rule", RULES_BY_OTHERS)
def test_rules_give_what_two_other_programs_give(sample, rule):
    assert len(sample) == 120
    assert by_letter(credit(sample, rule)) == pytest.approx(RULES_BY_OTHERS[rule], abs=1e-9)


@pytest.mark.parametrize("variant", ["sets", "exact"])
def test_shapley_gives_what_another_program_gives(sample, variant):
    assert by_letter(shapley(sample, variant)) == pytest.approx(RULES_BY_OTHERS["linear_unique"], abs=1e-9)


# Printed by do-attribution 0.0.2 (PyPI project do-attribution, MIT), an absorbing chain in closed form,
# MarkovAttribution(order, removal_strategy="redirect_to_null"), for the 120 journeys.
REMOVAL_EFFECTS = {
    1: [0.6248199726, 0.4061727561, 0.4120892625, 0.5394050597, 0.2227967309],
    2: [0.7086642463, 0.3852117652, 0.4116102886, 0.6164647243, 0.2919409885],
    3: [0.7243589744, 0.3603632479, 0.4038461538, 0.6552197802, 0.2491131067],
}


@pytest.mark.parametrize("order", REMOVAL_EFFECTS)
def test_removal_effects_give_what_another_exact_program_gives(sample, order):
    effects = np.array(REMOVAL_EFFECTS[order])
    found = chains.markov(sample, order=order)
    assert by_letter(found, "removal_effect") == pytest.approx(effects, abs=1e-9)
    assert by_letter(found) == pytest.approx(52 * effects / effects.sum(), abs=1e-7)


def test_the_simulating_program_is_near_and_not_equal(sample):
    """ChannelAttribution 2.2.5, markov_model(order=1, seed=0), printed these removal effects for the 120 journeys."""
    simulated = np.array([0.606466, 0.389645, 0.392562, 0.519689, 0.187652])
    apart = np.abs(np.array(by_letter(chains.markov(sample), "removal_effect")) - simulated)
    assert 0.005 < apart.max() < 0.05


def test_the_three_journeys_of_bryl():
    """https://analyzecore.com/2016/08/03/attribution-model-r-part-1/; credit of 1,000 as in the tests (ISC licence) of
    https://github.com/JesseCastro/markovattribution, which take the example over."""
    table = pd.DataFrame(
        {
            "path": ["C1 > C2 > C3", "C1", "C2 > C3"],
            "conversions": [1, 0, 0],
            "value": [1000.0, 0, 0],
            "nulls": [0, 1, 1],
        }
    )
    found = chains.markov(read_paths(table))
    assert found["removal_effect"].tolist() == pytest.approx([0.5, 1.0, 1.0])
    assert found["conversions"].tolist() == pytest.approx([0.2, 0.4, 0.4])
    assert found["value"].tolist() == pytest.approx([200, 400, 400])
    assert shapley(read_paths(table))["conversions"].tolist() == pytest.approx([1 / 3] * 3)


TEN = {
    "Email > Social": [1, 0], "Search > Email": [1], "Social": [1], "Email > Search": [0], "Direct": [1],
    "Search > Social > Email": [1], "Search > Email > Social": [1], "Social > Email": [1], "Search": [0],
}  # fmt: skip


def test_the_ten_journeys_of_a_readme():
    """Quick start of PyPI project do-attribution 0.0.2 (MIT): its endpoint "Purchase" is the conversion.

    It also prints Shapley values by the conversion rate of each exact set of channels: Direct -0.5833, Search -0.0833.
    With the conversions themselves as worth nothing is negative, and the seven orders add up.
    """
    table = pd.DataFrame(
        {"path": list(TEN), "conversions": [sum(ends) for ends in TEN.values()],
         "nulls": [len(ends) - sum(ends) for ends in TEN.values()]}
    )  # fmt: skip
    found = chains.markov(read_paths(table))
    assert column(found, "removal_effect") == pytest.approx(
        {"Direct": 0.1429, "Email": 0.6571, "Search": 0.3214, "Social": 0.5584}, abs=5e-5
    )
    assert {channel: share / 7 for channel, share in column(found).items()} == pytest.approx(
        {"Direct": 0.085, "Email": 0.3912, "Search": 0.1913, "Social": 0.3324}, abs=5e-5
    )
    values = column(shapley(read_paths(table), "exact"))
    assert min(values.values()) > 0
    assert sum(values.values()) == pytest.approx(7)


def test_the_worths_of_a_tutorial():
    """https://github.com/tomgorb/misc, after https://towardsdatascience.com/data-driven-marketing-attribution-1a28d2e613a0:
    of 100 conversions 20 saw F only, 10 O, 17 L, 17 F and O, 30 F and L, 6 all three. The worths are as printed there;
    what a channel adds to them on joining, averaged over the six orders of joining, is its Shapley value."""
    worth = {"": 0, "F": 0.2, "O": 0.1, "L": 0.17, "FO": 0.47, "FL": 0.67, "LO": 0.27, "FLO": 1.0}
    of = {frozenset(names): share for names, share in worth.items()}
    expected = {
        name: np.mean([of[frozenset(order[: order.index(name) + 1])] - of[frozenset(order[: order.index(name)])]
                       for order in permutations("FLO")])
        for name in "FLO"
    }  # fmt: skip
    table = pd.DataFrame(
        {"path": ["F", "O", "L", "F>O", "F>L", "L>O", "F>L>O"], "conversions": [20, 10, 17, 17, 30, 0, 6]}
    )
    for variant in ("sets", "exact"):
        found = column(shapley(read_paths(table), variant))
        assert {name: found[name] / 100 for name in "FLO"} == pytest.approx(expected)


@pytest.fixture(scope="module")
def ten_thousand_rows():
    """Example data of ChannelAttribution (12 channels, 88,387 journeys), as the package mta carries them."""
    spec = importlib.util.find_spec("mta")
    if spec is None:
        pytest.skip("mta is not installed: put mta 0.0.9 on PYTHONPATH; its data are not ours to ship")
    frame = pd.read_csv(Path(spec.origin).parent / "data" / "data.csv.gz")
    return frame.rename(
        columns={"total_conversions": "conversions", "total_conversion_value": "value", "total_null": "nulls"}
    )


def test_rules_on_ten_thousand_rows(ten_thousand_rows):
    other = pytest.importorskip("ChannelAttribution")
    theirs = other.heuristic_models(ten_thousand_rows, "path", "conversions", var_value="value", sep=">", flg_pro=False)
    theirs = theirs.set_index("channel_name").sort_index()
    journeys = read_paths(ten_thousand_rows)
    for rule in ("first", "last", "linear"):
        ours = credit(journeys, rule).set_index("channel")
        for name in ("conversions", "value"):
            np.testing.assert_allclose(ours[name], theirs[f"{rule}_touch_{name}"], rtol=1e-9)
    pd.testing.assert_frame_equal(shapley(journeys, "exact"), shapley(journeys), rtol=1e-9)


def test_removal_effects_on_ten_thousand_rows(ten_thousand_rows):
    other = pytest.importorskip("do_attribution")
    journeys = read_paths(ten_thousand_rows)
    texts, ends = [], []
    for path, conversions, nulls in journeys[["path", "conversions", "nulls"]].itertuples(index=False):
        texts += [" > ".join(path)] * int(conversions + nulls)
        ends += [1] * int(conversions) + [0] * int(nulls)
    model = other.MarkovAttribution(order=1, removal_strategy="redirect_to_null")
    theirs = model.fit(texts, ends)["removal_effects"]
    assert set(theirs) == set(encode(journeys).channels)
    assert column(chains.markov(journeys), "removal_effect") == pytest.approx(theirs, rel=1e-9)
