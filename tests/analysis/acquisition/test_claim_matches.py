"""What each claim is held against: a choice for every claim, and only companies and years that the facts know."""

from pathlib import Path

import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition import filings
from siyu_helpers.analysis.acquisition.claim_matches import MATCHES

MARKET = Path(__file__).resolve().parents[3] / "data" / "raw" / "market"


@pytest.fixture(scope="module")
def claims():
    return pd.read_csv(MARKET / "cac_claims.csv").set_index("id")


def test_every_claim_is_decided_and_no_decision_is_left_over(claims):
    assert set(MATCHES) == set(claims.index)


def test_what_a_claim_is_held_against_has_a_spend():
    spend = filings.annual_spend(pd.read_csv(MARKET / "filings.csv"))
    known = set(zip(spend["company"], spend["period"], strict=True))
    for match in MATCHES.values():
        assert {(match.company, period) for period in match.periods} <= known
        assert (match.company is None) == (match.periods == ())


def test_only_amounts_per_customer_are_held_against_a_filing(claims):
    for key, match in MATCHES.items():
        if match.company:
            assert claims.at[key, "unit"] in ("RMB", "USD")


def test_reasons_are_whole_sentences_in_both_languages():
    for match in MATCHES.values():
        assert match.why.zh.endswith("。")
        assert match.why.en.endswith(".")
        assert "顾客" not in match.why.zh
