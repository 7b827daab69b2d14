"""Which design is chosen: the best that the data allow, never the naive comparison."""

import itertools

import pytest

from siyu_helpers.analysis.effect import designs
from siyu_helpers.analysis.estimates import Refused

NONE = Refused("lot", 0, 1, "没有。", "There is none.")


@pytest.mark.parametrize("there", list(itertools.product([False, True], repeat=3)))
def test_the_first_usable_design_is_chosen(there):
    table = designs.designs(*({"orders": 1} if usable else NONE for usable in there))
    names = ["invitation", "roll_out", "weekly_trials"]
    best = next((name for name, usable in zip(names, there, strict=True) if usable), None)
    assert designs.chosen_design(table) == best
    assert table["chosen"].sum() == (best is not None)
    assert not table.set_index("design").loc["members_against_others", "chosen"]


def test_a_design_that_cannot_be_used_says_why():
    table = designs.designs(NONE, NONE, {"orders": 1}).set_index("design")
    assert table.loc["invitation", ["zh", "en"]].tolist() == ["没有。", "There is none."]
    assert set(table.index) == set(designs.DESIGNS) == set(designs.RULES_OUT)
