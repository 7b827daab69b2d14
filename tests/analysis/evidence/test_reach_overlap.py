"""Reach over channels: inclusion and exclusion by brute force, and by hand."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import reach_overlap as reach

UNTIL = "2024-06-30"
NAMES = ["visitor_id", "touched_at", "channel", "customer_id"]


def touches(*rows):
    table = pd.DataFrame(list(rows), columns=NAMES)
    return table.assign(touched_at=pd.to_datetime(table["touched_at"], format="mixed"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abcd")), min_size=1, max_size=40))
def test_inclusion_and_exclusion(pairs):
    seen = touches(*((100 + who, "2024-06-01", channel, who) for who, channel in pairs))
    found = reach.reach_overlap(seen, UNTIL)
    sets = {name: {who for who, channel in pairs if channel == name} for name in {channel for _, channel in pairs}}
    union = sum(
        (-1) ** (size + 1)
        * sum(len(set.intersection(*chosen)) for chosen in itertools.combinations(sets.values(), size))
        for size in range(1, len(sets) + 1)
    )
    table = found.table.set_index("channel")
    assert table["union"].iloc[-1] == table["added"].sum() == union
    for name, people in sets.items():
        others = set().union(*(those for other, those in sets.items() if other != name))
        assert table.at[name, "customers"] == len(people)
        assert table.at[name, "only_here"] == len(people - others)


def test_messages_are_a_channel_and_old_touches_are_not():
    seen = touches(*((i, "2024-06-01", "feed", i) for i in range(100)), (901, "2022-01-01", "search", 1),
                   (902, "2024-06-02", "feed", None), (903, "2024-07-01", "feed", 500))  # fmt: skip
    sent = pd.DataFrame({"customer_id": range(50, 150), "sent_at": pd.Timestamp("2024-06-03"), "channel": "sms"})
    found = reach.reach_overlap(seen, UNTIL, sent)
    assert found.table.values.tolist() == [["feed", 100, 50, 0.5, 100, 100], ["sms", 100, 50, 0.5, 50, 150]]
    assert found.figures["overlap_times"].value == pytest.approx(200 / 150)
    assert found.figures["overlap_several"].value == pytest.approx(1 / 3)
    assert found.figures["overlap_unknown"].value == pytest.approx(1 / 101)
    assert found.rule.agrees == "disagrees"
    assert reach.reach_overlap(None, UNTIL, sent).figures["overlap_people"].value == 100


@pytest.mark.parametrize(("both", "agrees"), [(160, "agrees"), (100, "cannot be told"), (40, "disagrees")])
def test_the_rule(both, agrees):
    seen = touches(
        *((i, "2024-06-01", "feed", i) for i in range(200)), *((i, "2024-06-02", "search", i) for i in range(both))
    )
    assert reach.reach_overlap(seen, UNTIL).rule.agrees == agrees


@pytest.mark.parametrize("seen", [None, touches(), touches(("v", "2024-06-01", "feed", None)),
                                  touches(("v", "2024-06-01", "feed", "a"))[NAMES[:3]]])  # fmt: skip
def test_without_known_customers_nothing_is_counted(seen):
    found = reach.reach_overlap(seen, UNTIL)
    assert isinstance(found.figures["overlap_several"], Refused)
    assert found.table.empty
    assert found.rule.agrees == "cannot be told"
