"""The door of page 07: every name it promises, and the shipped register through it from end to end."""

import pandas as pd

from siyu_helpers.analysis import evidence_register as evidence
from siyu_helpers.analysis.evidence import register
from siyu_helpers.data import market


def test_the_door_has_what_it_lists():
    assert [name for name in evidence.__all__ if not hasattr(evidence, name)] == []
    assert len(evidence.__all__) == len(set(evidence.__all__))


def test_every_claim_of_the_coverage_register_is_there_once():
    claims = market.load("claims")
    assert claims["id"].tolist() == [f"cl{number:03d}" for number in range(1, 161)]


def test_a_brand_with_all_tables_can_test_every_computed_claim_and_one_with_orders_fewer():
    claims = market.load("claims")
    every = evidence.register_counts(evidence.register(claims, register.TABLES))
    few = evidence.register_counts(evidence.register(claims, ["orders"]))
    assert every["testable_here"].value == every["computed"].value
    # By hand: computed rows whose needs are no more than orders and what is public.
    alone = claims[claims["status"] == "computed"]["needs"].map(
        lambda needs: set(needs.split(";")) <= {"orders", "market"}
    )
    assert few["testable_here"].value == alone.sum() < every["testable_here"].value


def test_counts_of_the_register_add_up():
    table = evidence.register(market.load("claims"))
    counts = {key: number.value for key, number in evidence.register_counts(table).items()}
    assert counts["computed"] + counts["taught"] + counts["untestable"] == counts["claims"] == 160
    assert counts["documented"] + counts["unsourced"] + counts["doubted"] == counts["asserted"]
    assert counts["must_computed"] == counts["must_compute"]
    by_kind = evidence.counts_by(table, "kind")
    assert by_kind["claims"].sum() == 160


def test_every_contradiction_names_claims_of_the_register():
    made = evidence.contradiction_register(market.load("contradictions"), market.load("claims"))
    assert isinstance(made, pd.DataFrame)
    assert (made["claim_names_en"] != "").all()
