"""Ten thousand customers by hand."""

import itertools

import pytest

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.pool.free_channel import free_channel
from siyu_helpers.analysis.pool.inputs import PoolInputs

INPUTS = PoolInputs(
    100, 0.5, 0.2, 200, 0.4, churn=0.05, messages_per_month=4, message_cost=0.01, staff_cost=9000, tool_cost=1000
)


def test_a_year_by_hand():
    found = free_channel(INPUTS, read_share=0.4).figures
    sizes = [10_000 * 0.95**month for month in range(13)]
    mean = [(one + other) / 2 for one, other in itertools.pairwise(sizes)]
    sent = 4 * sum(mean)
    assert found["channel_left"].value == pytest.approx(sizes[-1])
    assert found["channel_sent"].value == pytest.approx(sent)
    assert found["channel_cost_per_message"].value == pytest.approx((12 * 10_000 + 0.01 * sent) / sent)
    assert found["channel_cost_per_read"].value == pytest.approx((12 * 10_000 + 0.01 * sent) / sent / 0.4)
    assert found["channel_worth_per_message"].value == pytest.approx(0.5 * 0.2 * 200 * 0.4 / 4)


def test_free_only_where_nothing_at_all_is_paid():
    assert free_channel(INPUTS).agrees == "disagrees"
    assert free_channel(INPUTS.replaced(message_cost=0)).agrees == "disagrees"
    assert free_channel(INPUTS.replaced(message_cost=0, staff_cost=0, tool_cost=0)).agrees == "agrees"


def test_what_is_not_known_is_refused():
    silent = free_channel(INPUTS.replaced(messages_per_month=0), 0.5)
    assert silent.agrees == "cannot be told"
    assert isinstance(silent.figures["channel_cost_per_message"], Refused)
    assert silent.figures["channel_left"].value > 0
    for read_share in (None, 0):
        assert isinstance(free_channel(INPUTS, read_share).figures["channel_cost_per_read"], Refused)
    assert isinstance(free_channel(INPUTS, customers=0).figures["channel_sent"], Refused)
    with pytest.raises(ValueError, match="read_share"):
        free_channel(INPUTS, 1.5)
