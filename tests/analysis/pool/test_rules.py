"""A rule of the trade as a result."""

import pytest

from siyu_helpers.analysis.estimates import Words
from siyu_helpers.analysis.pool.rules import AGREEMENTS, RuleResult

CLAIM, READING = Words("周期长则不宜", "long cycles do not fit"), Words("周期长", "the cycle is long")


@pytest.mark.parametrize("agrees", AGREEMENTS)
def test_a_rule_agrees_disagrees_or_cannot_be_told(agrees):
    assert RuleResult("cycle", CLAIM, {}, agrees, READING).agrees == agrees


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="agrees='perhaps': use one of"):
        RuleResult("cycle", CLAIM, {}, "perhaps", READING)
