"""The scorecard by hand, weights against the Beta distribution, kappa against its formula, and the shipped table."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT

from siyu_helpers.analysis.pool import channel_scores as scores

FILE = PROJECT / "data" / "raw" / "market" / "channel_definitions.csv"


def table_of(*rows, **sources):
    """Channels from (key, five scores)."""
    table = pd.DataFrame([(key, key, key, *five) for key, *five in rows],
                         columns=["channel", "name_zh", "name_en", *scores.CRITERIA])  # fmt: skip
    return table.assign(**sources)


THREE = table_of(("own", 1, 1, 1, 1, 0.5), ("rented", 0, 0, 0, 0.5, 0), ("between", 1, 0, 1, 0, 0.5),
                 source_000=["private", "", "private"], source_003=["private", "public", "semi"])  # fmt: skip


@pytest.fixture(scope="module")
def shipped():
    return pd.read_csv(FILE, keep_default_na=False)


def test_totals_classes_and_agreement_by_hand():
    card = scores.scorecard(THREE).set_index("channel")
    assert card["total"].to_dict() == pytest.approx({"own": 0.9, "between": 0.5, "rented": 0.1})
    assert card["definition"].to_dict() == {"own": "private", "between": "semi", "rented": "public"}
    assert card["agreement"].to_dict() == {"own": 1.0, "between": 0.5, "rented": 1.0}
    assert scores.scorecard(THREE, {"control": 3, "repeat_use": 3}).set_index("channel")["total"]["between"] == 1.0
    strict = scores.scorecard(THREE, private_at=0.95).set_index("channel")
    assert strict["definition"]["own"] == "semi"


def test_a_total_on_the_threshold_counts_and_blanks_are_left_out():
    table = table_of(("edge", 1, 1, 1, 1, 0), ("part", 1, None, None, None, 0.5), ("none", *[None] * 5))
    card = scores.scorecard(table, private_at=0.8).set_index("channel")
    assert card["definition"].to_dict() == {"edge": "private", "part": "semi", "none": ""}
    assert card["total"]["part"] == 0.75
    assert np.isnan(card["total"]["none"])


def test_random_weights_follow_the_beta_distribution():
    # With one score of 1 the total is one weight, Beta(1, 4): P(weight >= x) = (1 - x)^4.
    one = scores.sensitivity(table_of(("one", 1, 0, 0, 0, 0)), draws=20_000, seed=3).iloc[0]
    assert one["private"] == pytest.approx((1 / 3) ** 4, abs=0.003)
    assert one["public"] == pytest.approx(1 - (2 / 3) ** 4, abs=0.01)
    assert one["changes"] == pytest.approx(1 - one["public"])
    again = scores.sensitivity(THREE, seed=3)
    assert again.equals(scores.sensitivity(THREE, seed=3))
    sums = again[list(scores.CLASSES)].sum(axis=1)
    assert sums.tolist() == pytest.approx([1.0] * 3)


def test_agreement_between_two_sources_by_hand():
    found = scores.agreement_between_sources(THREE).set_index(["first", "second"])
    assert found.loc[("source_000", "source_003"), ["channels", "same", "share"]].tolist() == [2, 1, 0.5]
    assert found["kappa"].isna().all()  # too few channels


def test_kappa_by_its_formula():
    said = ["private"] * 6 + ["public"] * 4
    ours = [1.0] * 5 + [0.0] * 5
    table = table_of(*[(f"c{n}", *[score] * 5) for n, score in enumerate(ours)], source_000=said)
    row = scores.agreement_between_sources(table).iloc[0]
    chance = 0.6 * 0.5 + 0.4 * 0.5
    assert row["kappa"] == pytest.approx((0.9 - chance) / (1 - chance))
    assert -1 <= row["kappa_low"] < row["kappa"] < row["kappa_high"] <= 1


def test_contradictions_name_what_divides():
    found = scores.contradictions(THREE)
    assert found["channel"].tolist() == ["between"]
    row = found.iloc[0]
    assert (row["speaks_for"], row["speaks_against"]) == ("control,repeat_use", "reach_without_paying,data_access")
    assert "30" in row["settled_by_zh"]
    assert "private" in row["said_en"]
    assert scores.contradictions(THREE[:1]).empty
    assert scores.contradictions(THREE[:0]).empty


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        scores.scorecard(THREE.assign(control=2))
    with pytest.raises(ValueError, match="a class in source_000"):
        scores.scorecard(THREE.assign(source_000="priv"))
    with pytest.raises(ValueError, match="twice"):
        scores.scorecard(pd.concat([THREE, THREE]))
    with pytest.raises(ValueError, match="thresholds"):
        scores.scorecard(THREE, semi_at=0.7)
    for weights in ({"control": 0}, {"control": -1}, {"charm": 1}):
        with pytest.raises(ValueError, match=r"weight"):
            scores.scorecard(THREE, weights)
    assert scores.scorecard(THREE[:0]).empty
    assert scores.agreement_between_sources(THREE[:0]).empty
    assert scores.sensitivity(THREE[:0]).empty


def test_the_shipped_table_is_whole(shipped):
    for name in scores.CRITERIA:
        assert set(shipped[name].astype(float)) <= {0, 0.25, 0.5, 0.75, 1}
        assert (shipped[[f"{name}_note_zh", f"{name}_note_en"]] != "").all(axis=None)
        assert ((shipped[f"{name}_basis"] == "source") == (shipped[f"{name}_sources"] != "")).all()
    known = yaml.safe_load((FILE.parent / "channel_definitions.csv.yml").read_text(encoding="utf-8"))
    assert known["sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert known["rows"] == len(shipped)
    assert list(known["columns"]) == list(shipped.columns)


def test_the_articles_disagree_on_xiaohongshu_and_the_official_account(shipped):
    assert {"official_account", "xiaohongshu", "weibo"} <= set(scores.contradictions(shipped)["channel"])
    brands = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in PROJECT.glob("data/raw/*/brand.yml")]
    ours = {channel for brand in brands for channel in brand.get("channels", {})}
    assert ours <= set(shipped["channel"])  # every channel of the shipped brands has its row


def test_every_scored_channel_is_in_one_class():
    table = scores.scorecard(pd.read_csv(FILE, keep_default_na=False))
    counts = {key: number.value for key, number in scores.class_counts(table).items()}
    assert counts["channels"] == len(table) == sum(counts.values()) - counts["channels"]
    assert counts["channels_private"] == (table["total"] >= scores.PRIVATE_AT).sum() > 0
