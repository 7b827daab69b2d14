"""The words of verdicts: both languages, and fit to be put together into a sentence."""

from siyu_helpers.analysis.effect.verdict_words import BUT, HOW, LEVEL_WORDS, NEXT, OUTCOMES, RULES
from siyu_helpers.analysis.effect.verdicts import LEVELS


def test_every_rule_and_outcome_reads_in_both_languages():
    for asked, because in RULES.values():
        for text in (asked, because):
            assert text.zh
            assert text.en
            assert not set("顾") & set(text.zh)
            assert not text.en.endswith(".")
            assert not text.zh.endswith("。")


def test_sentences_fit_together():
    assert tuple(LEVEL_WORDS) == LEVELS
    assert set(HOW) == set(BUT)
    for text in (*NEXT.values(), *(text for text in BUT.values() if text.en)):
        assert text.zh.endswith("。")
        assert text.en.endswith(".")
    for text in (*HOW.values(), *OUTCOMES.values()):
        assert text.zh[-1] not in "。，；"
        assert text.en[-1] not in ".,;"
