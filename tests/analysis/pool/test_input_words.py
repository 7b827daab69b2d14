"""Words, units and bounds of the inputs: one for every field of PoolInputs, in both languages."""

import dataclasses
import math
import re

import pytest

from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs

APART = {"correlations", "origins"}


def test_every_input_has_its_words_and_no_others():
    assert set(FIELDS) == {f.name for f in dataclasses.fields(PoolInputs)} - APART


@pytest.mark.parametrize("name", FIELDS)
def test_words_are_in_both_languages(name):
    what = FIELDS[name]
    for words in (what.label, what.meaning):
        assert re.search("[\u4e00-\u9fff]", words.zh)
        assert not re.search("[\u4e00-\u9fff]", words.en)
        assert not words.zh.endswith("。")
        assert "顾客" not in words.zh
    assert what.least < what.most


def test_labels_tell_the_inputs_apart():
    for language in ("zh", "en"):
        assert len({what.label.text(language) for what in FIELDS.values()}) == len(FIELDS)


def test_costs_and_chances_cannot_be_negative_and_shares_end_at_one():
    for name, what in FIELDS.items():
        if name not in ("uplift", "margin", "referral_value"):
            assert what.least == 0
        if what.unit == "share" and name not in ("uplift", "discount_rate"):
            assert what.most == 1
    assert FIELDS["referral_value"].least == -math.inf
