"""The two sayings on referral: on which side of the bar the interval lies, and the published figures beside."""

import pandas as pd
import pytest

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.referral import K_KEYS
from siyu_helpers.analysis.pool.referral_rules import referral_rules

NOTHING = Refused("x", 0, 1, "无", "nothing")


def estimate(value, low, high):
    return Estimate(value, low, high, 0.9, 500, "share", "-", "f")


def rules(share, ratio, long=NOTHING, top=0.2, **more):
    k = dict.fromkeys(K_KEYS, NOTHING) | {
        "referral_share_last_year": share, "top_share": estimate(top, top, top),
        "top_share_by_chance": estimate(0.2, 0.2, 0.2),
    }  # fmt: skip
    quality = {"contribution_short_ratio": ratio, "contribution_long_ratio": long, "repurchase_ratio": NOTHING}
    return referral_rules(k, quality, **more)


@pytest.mark.parametrize(
    ("share", "agrees"),
    [((0.12, 0.11, 0.13), "agrees"), ((0.05, 0.04, 0.06), "disagrees"), ((0.1, 0.08, 0.12), "cannot be told")]
)  # fmt: skip
def test_a_sales_force_by_its_share(share, agrees):
    rule, _ = rules(estimate(*share), NOTHING)
    assert (rule.key, rule.agrees) == ("sales_force", agrees)
    assert rules(estimate(*share), NOTHING, at_least=0.01)[0].agrees == "agrees"


def test_a_few_ambassadors_are_told_from_many():
    many, few = (rules(estimate(0.12, 0.11, 0.13), NOTHING, top=top)[0].reading.zh for top in (0.25, 0.6))
    assert "分散" in many
    assert "集中" in few


@pytest.mark.parametrize(
    ("ratio", "agrees"),
    [((1.2, 1.1, 1.3), "agrees"), ((0.8, 0.7, 0.9), "disagrees"), ((1.1, 0.9, 1.3), "cannot be told")]
)  # fmt: skip
def test_worth_more_by_its_ratio_with_the_warning(ratio, agrees):
    _, rule = rules(NOTHING, estimate(*ratio))
    assert rule.agrees == agrees
    assert "random" in rule.reading.en
    _, rule = rules(NOTHING, estimate(*ratio), long=estimate(2.0, 1.9, 2.1))  # the longer window goes first
    assert rule.agrees == "agrees"


def test_published_figures_stand_beside():
    table = pd.DataFrame({"category": ["referral", "other"], "metric": ["extra margin of referred customers"] * 2,
                          "typical": ["16", "99"]})  # fmt: skip
    figures = rules(NOTHING, NOTHING, published=table)[1].figures
    assert figures["published_referred_margin"].value == pytest.approx(0.16)
    assert "published_referred_staying" not in figures


def test_keys_are_unique_over_the_rules():
    keys = [key for rule in rules(NOTHING, NOTHING) for key in rule.figures]
    assert len(keys) == len(set(keys))
    with pytest.raises(ValueError, match="at_least"):
        rules(NOTHING, NOTHING, at_least=0)
