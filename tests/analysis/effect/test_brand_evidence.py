"""From a brand's tables to the verdict in one call: the same as step by step, and a sentence where something lacks."""

import dataclasses
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.effect import brand_evidence as evidence
from siyu_helpers.analysis.effect import histories, joining_effects, trials
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data.simulate import simulate

REFUSED = Refused("lot", 0, 1, "没有抽签。", "There was no lot.")
NAMES = ("members", "customers", "touchpoints", "assignments", "messages")
UNTIL = "2025-12-31"


@pytest.fixture(scope="module")
def tables():
    return simulate("xiaoman", customers=900, seed=5, selection="observed").tables


@pytest.fixture(scope="module")
def whole(tables):
    has = {name: tables[name] for name in NAMES}
    return evidence.brand_evidence(tables["orders"], has, UNTIL, 0.5, controls_per_joiner=3, seed=2)


def test_the_effect_is_that_of_the_steps(tables, whole):
    known = histories.read_histories(
        tables["orders"], tables["members"], UNTIL, gross_margin=0.5, customers=tables["customers"],
        touchpoints=tables["touchpoints"],
    )  # fmt: skip
    table = trials.weekly_trials(None, None, None, 90, controls_per_joiner=3, seed=2, histories=known)
    pd.testing.assert_frame_equal(whole.trials[90], table)
    by_hand = joining_effects.joining_effects(table, ["orders"], seed=2)["orders"]
    assert whole.effects[90]["orders"].value == pytest.approx(by_hand.value)
    assert set(whole.effects) == set(evidence.HORIZONS)


def test_the_verdict_is_of_a_design_that_the_tables_allow(whole):
    assert whole.design in whole.verdicts
    assert whole.level == whole.verdicts[whole.design].level
    assert whole.identified == (whole.level in ("strong", "suggestive"))


def test_months_are_estimated_at_the_longest_follow_up_only(whole):
    assert "orders_month_6" in whole.effects[180]
    assert not [name for name in whole.effects[90] if "_month_" in name]


def test_nobody_joined(tables):
    alone = evidence.brand_evidence(tables["orders"], {}, UNTIL)
    assert (alone.level, alone.design, alone.identified) == (evidence.NOT_JOINED, "none", False)
    assert alone.effects == {}
    assert isinstance(alone.frequency, Refused)
    known = histories.read_histories(tables["orders"], tables["members"], UNTIL, gross_margin=0.5)
    assert evidence.ever_joined(known)
    assert not evidence.ever_joined(alone.histories)


def test_few_members_are_refused_and_say_so(tables):
    few = tables["members"]
    few = few[few["customer_id"].isin(tables["orders"]["customer_id"])].head(1)
    found = evidence.brand_evidence(tables["orders"], {"members": few}, UNTIL, 0.5, controls_per_joiner=3)
    assert found.level == "not identified here"
    assert isinstance(found.frequency, Refused)


def test_designs_that_the_tables_do_not_allow(tables):
    has = dict.fromkeys(NAMES) | {"members": tables["members"]}
    orders = pl.from_pandas(tables["orders"].drop(columns="store_id", errors="ignore")).lazy()
    rest = (orders, UNTIL, "", 90, 0.9, None)
    assert evidence.invitation_evidence(has, *rest).gate == "assignments"
    assert evidence.invitation_evidence(has | {"members": None}, *rest).gate == "members"
    lots = has | {"assignments": tables["assignments"]}
    assert isinstance(evidence.invitation_evidence(lots, orders, UNTIL, "nonesuch", 90, 0.9, None), Refused)
    assert evidence.roll_out_evidence(has, orders, UNTIL, 0.9, None).gate == "units"
    assert evidence.roll_out_evidence(dict.fromkeys(NAMES), orders, UNTIL, 0.9, None).gate == "members"


def test_without_any_design_the_verdict_is_that_there_is_none():
    none = evidence.verdicts_by_design(REFUSED, REFUSED, None, None)
    assert list(none) == ["none"]
    assert none["none"].level == "not identified here"


def test_no_frequency_without_the_worth_of_staying_or_without_messages(tables, whole):
    assert evidence.frequency_evidence({}, None, None, REFUSED, None, 0.9, 1) is REFUSED
    has = {"messages": None}
    assert evidence.frequency_evidence(has, tables["orders"], UNTIL, whole.effects[180], 0.5, 0.9, 1).gate == "messages"


def test_a_roll_out_confirms_the_gain_but_does_not_measure_it(whole):
    """What the economics take from the trials is as good as the trials: a better design beside them does not help."""
    ruled = {
        "roll_out": SimpleNamespace(level="suggestive"),
        "weekly_trials": SimpleNamespace(level="not identified here"),
    }
    confirmed = dataclasses.replace(whole, design="roll_out", level="suggestive", verdicts=ruled)
    assert confirmed.gain_level == "not identified here"
    assert not confirmed.identified
    alone = dataclasses.replace(confirmed, verdicts={"roll_out": ruled["roll_out"]})
    assert alone.gain_level == "not identified here"


def test_the_effect_of_a_draw_is_handed_on_where_its_verdict_is_stated(tables):
    """Hidden selection and a true effect of nothing: the random draw says so, and the economics have to take it."""
    assert (
        evidence.brand_evidence(
            tables["orders"], {"members": tables["members"]}, UNTIL, 0.5, controls_per_joiner=2
        ).late
        is None
    )
    made = simulate("xiaoman", customers=2500, seed=7, selection="randomised").tables
    drawn = evidence.brand_evidence(
        made["orders"], {name: made[name] for name in NAMES}, UNTIL, 0.5, controls_per_joiner=2, horizons=(90, 180)
    )
    assert (drawn.design, drawn.level) == ("invitation", "strong")
    assert drawn.late["orders"].low < drawn.late["orders"].value
