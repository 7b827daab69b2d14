"""All worked claims together: keys, words, ranges, counts."""

import inspect

import numpy as np
import pytest

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import claim_arithmetic as claims
from siyu_helpers.analysis.evidence.arithmetic import VERDICTS

WORKED = claims.claim_arithmetic()


def test_keys_are_unique_and_named_after_their_function():
    assert [one.key for one in WORKED] == [function.__name__ for function in claims.CALCULATIONS]
    keys = [name for one in WORKED for name in one.figures]
    assert len(keys) == len(set(keys))
    assert len({one.claim_id for one in WORKED}) == len(WORKED)


@pytest.mark.parametrize("one", WORKED, ids=lambda one: one.key)
def test_figures_are_exact_and_words_fit_the_pages(one):
    assert not any(isinstance(number, Refused) for number in one.figures.values())
    assert all(number.is_exact and number.function.endswith(one.key) for number in one.figures.values())
    for words in (one.claim, one.reason, one.missing, *(number.definition for number in one.figures.values())):
        assert "顾客" not in words.zh
        assert not words.zh.endswith("。")
        assert not words.en.endswith(".")
    assert not any(sign.isdigit() for text in (*one.reason, *one.missing) for sign in text)


@pytest.mark.parametrize("function", claims.CALCULATIONS, ids=lambda function: function.__name__)
def test_every_choice_within_the_ranges_lies_between_least_and_most(function):
    """Formulas must rise or fall throughout, or their extremes would not lie at the corners."""
    whole, rng = function(), np.random.default_rng(7)
    ranges = {name: one.default for name, one in inspect.signature(function).parameters.items()
              if isinstance(one.default, tuple)}  # fmt: skip
    for _ in range(40):
        inside = function(**{name: float(rng.uniform(ends[0], ends[2])) for name, ends in ranges.items()})
        for name, number in inside.figures.items():
            least, most = (whole.figures.get(f"{name}_{end}", whole.figures[name]).value for end in ("least", "most"))
            slack = 1e-9 * max(1.0, abs(most))
            assert least - slack <= number.value <= most + slack, name


def test_counts_and_assumptions():
    counts = claims.verdict_counts(WORKED)
    assert counts["arithmetic_claims"].value == len(claims.CALCULATIONS)
    parts = [counts[f"arithmetic_{verdict.replace(' ', '_')}"].value for verdict in VERDICTS]
    assert sum(parts) == len(claims.CALCULATIONS)
    table = claims.assumption_table(WORKED)
    assert len(table) == sum(len(one.assumptions) for one in WORKED)
    ranged = table.dropna()
    assert (ranged["low"] < ranged["high"]).all()
    assert claims.assumption_table([]).empty
