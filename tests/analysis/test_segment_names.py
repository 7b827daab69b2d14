"""The words of the eight segments: complete, distinct, in the trade's own names."""

from siyu_helpers.analysis.segment_names import ACTIONS, NOT_YET_CUSTOMER, OUTSIDE, OUTSIDE_WINDOW, SEGMENTS


def test_the_eight_names_are_those_of_the_trade():
    trade = [weight + what + "客户" for weight in ("重要", "一般") for what in ("价值", "发展", "保持", "挽留")]
    assert [name.zh for name in SEGMENTS.values()] == trade


def test_every_segment_has_a_name_and_an_action_of_its_own_in_both_languages():
    assert list(ACTIONS) == list(SEGMENTS)
    assert set(OUTSIDE) == {NOT_YET_CUSTOMER, OUTSIDE_WINDOW}
    words = [*SEGMENTS.values(), *ACTIONS.values(), *OUTSIDE.values()]
    assert len({word.zh for word in words}) == len({word.en for word in words}) == 18
    assert not any("顾客" in word.zh for word in words)


def test_an_action_is_one_sentence():
    assert all(word.zh.count("。") == word.en.count(".") == 1 for word in ACTIONS.values())
