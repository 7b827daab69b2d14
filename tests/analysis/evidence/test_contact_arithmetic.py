"""Claims on reach, likes, messages and waking up, each by hand or by brute force."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.evidence import contact_arithmetic as contact
from siyu_helpers.analysis.evidence.arithmetic import CANNOT_BE, CONSISTENT, DEPENDS


def values(worked):
    return {name.removeprefix(f"{worked.key}_"): round(one.value, 4) for name, one in worked.figures.items()}


@settings(deadline=None)
@given(
    st.integers(1, 18), st.integers(1, 9), st.floats(0, 1), st.floats(0, 0.2), st.sampled_from([0.0, 0.001, 0.05]),
)  # fmt: skip
def test_contacts_send_by_send(months, sends, reads, leaving, opt_out):
    there, messages = 10_000.0, 0.0
    for _ in range(months):
        for _ in range(sends):
            last, messages = there * reads, messages + there
            there *= 1 - opt_out
        there *= 1 - leaving
    worked = contact.added_contacts(10_000, months, sends, reads, leaving, opt_out, 0.01, 50.0)
    found = {name.removeprefix("added_contacts_"): one.value for name, one in worked.figures.items()}
    assert found["left"] == pytest.approx(there)
    assert found["read_last"] == pytest.approx(last)
    assert found["messages"] == pytest.approx(messages)
    assert found["orders"] == pytest.approx(messages * reads * 0.01)
    assert found["worth"] == pytest.approx(messages * reads * 0.01 * 50)


def test_half_woken_by_hand():
    found = values(contact.wake_up_plausibility(0.5, 10, 0.05, 0.02, 6))
    assert found["needed"] == round(1 - 0.5**0.1, 4)
    assert found["messages"] == 14  # 0.95^13 = 0.513, 0.95^14 = 0.488
    assert found["after"] == round(1 - 0.95**10, 4)
    assert found["at_most"] == round(0.5 - (1 - 0.98**6), 4)


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, DEPENDS),  # many messages over a year could add up to it
        ({"messages": 1, "returning": 0.01, "months": 1}, CANNOT_BE),
        ({"messages": 1, "response": 0.6, "returning": 0, "months": 1}, CONSISTENT),
    ],
)
def test_the_verdict_on_waking_up_follows_the_assumptions(options, verdict):
    assert contact.wake_up_plausibility(**options).verdict == verdict


def test_returns_above_the_claim_leave_nothing_to_the_messages():
    assert values(contact.wake_up_plausibility(0.2, 1, 0.05, 0.1, 12))["at_most"] == 0


def test_half_of_all_dormant_users_would_be_more_than_a_year_of_customers():
    found = contact.dormant_base(400e6, 93.9e6, 0.5, 0.04)
    assert values(found) == {"dormant": 306.1e6, "woken": 153.05e6, "times": round(153.05 / 93.9, 4),
                             "cost": 12_244_000, "reachable": 187.8e6}  # fmt: skip
    assert found.verdict == CANNOT_BE
    assert contact.dormant_base(400e6, 200e6).verdict == DEPENDS
    with pytest.raises(ValueError, match="nobody is dormant"):
        contact.dormant_base(100.0, 100.0)


def test_likes():
    assert values(contact.content_engagement(100_000, 300)) == {"share": 0.003, "silent": 99_700}
    found = values(contact.followers(700_000, 1_200_000, 100, 0.02))
    assert found == {
        "likes": round(12 / 7, 4),
        "likes_a_video": round(0.12 / 7, 4),
        "contacts": 14_000,
        "times": round(14 / 30, 4),
    }


def test_two_steps_instead_of_four():
    assert values(contact.menu_steps(0.5)) == {"before": 0.0625, "after": 0.25, "times": 4}
    assert values(contact.menu_steps(1.0))["times"] == 1
    for steps in ((2, 2), (4, 0), (4.5, 2)):
        with pytest.raises(ValueError, match="steps"):
            contact.menu_steps(0.5, *steps)


def test_the_ends_of_a_range_are_those_of_the_formula():
    found = values(contact.menu_steps((0.3, 0.5, 0.8)))
    assert found["times_most"] == round(0.3**-2, 4)
    assert found["times_least"] == round(0.8**-2, 4)
    assert math.isclose(found["after_least"], 0.09)
