"""Lift tests of invented brands: the lot is a lot, the truth is a difference of worlds, and the two agree."""

import datetime
import hashlib

import numpy as np
import pandas as pd
import pytest
import yaml

from siyu_helpers.data import brand_config
from siyu_helpers.data.simulate import RECIPES, SEEDS, simulate
from siyu_helpers.data.simulation import files, lift_tests
from siyu_helpers.data.simulation.acquisition import Visits, World, journeys, market
from siyu_helpers.data.simulation.recipe import LiftTest

TEST = LiftTest("douyin_feed", 100, 56)
RECIPE = RECIPES["xiaoman"].changed(lift_tests=(TEST,), observed_until="2023-12-31")


@pytest.fixture(scope="module")
def brand():
    return market(RECIPE, 0.5, seed=4)


def test_a_channel_off_for_some_days_changes_nothing_before_and_nobody_else(brand):
    begin = RECIPE.first_day + TEST.from_day
    everybody = Visits.together(list(journeys(brand)))
    other = Visits.together(list(journeys(brand, World(off=("douyin_feed",)), (begin, begin + TEST.days))))
    place = brand.place("douyin_feed")
    within = (everybody.time >= begin) & (everybody.time < begin + TEST.days)
    assert not ((other.channel == place) & within).any()
    touched = ((everybody.channel == place) & within).any(axis=1)
    assert 200 < touched.sum() < len(touched) / 2
    for name in ("key", "channel", "time", "last", "kind", "joined"):
        assert (getattr(other, name)[~touched] == getattr(everybody, name)[~touched]).all(), name
    before = everybody.time < begin
    assert (
        other.channel[before & (everybody.channel >= 0)] == everybody.channel[before & (everybody.channel >= 0)]
    ).all()
    # The whole period: the world that `live` knows.
    always = Visits.together(list(journeys(brand, World(off=("douyin_feed",)))))
    whole = Visits.together(list(journeys(brand, World(off=("douyin_feed",)), (0, RECIPE.days + 1))))
    assert (always.channel == whole.channel).all()


def test_the_truth_is_what_two_worlds_differ_by_recounted_over_all_visitors(brand):
    """Those outside the audience are alike in both worlds, so that leaving them out loses nothing."""
    begin = RECIPE.first_day + TEST.from_day
    during, counts = (begin, begin + TEST.days), []
    for world in (World(), World(off=("douyin_feed",))):
        visits = Visits.together(list(journeys(brand, world, during)))
        ordered = visits.time[np.arange(len(visits.last)), visits.last]
        counts.append(int(((visits.last >= 0) & (ordered >= during[0]) & (ordered < during[1])).sum()))
    (truth,) = lift_tests.truths(brand)
    assert truth["incremental"] == counts[0] - counts[1] > 30
    assert (truth["from"], truth["until"]) == (datetime.date(2023, 4, 11), datetime.date(2023, 6, 5))


def test_numbers_of_a_test_follow_from_its_two_arms_by_hand(brand):
    with_it, without_it, held_out = lift_tests._audience(brand, TEST)
    assert held_out.mean() == pytest.approx(TEST.held_out, abs=4 * np.sqrt(0.21 / len(held_out)))
    assert not (without_it & ~with_it).any()  # nobody orders because a channel is gone
    shown, withheld = with_it[~held_out], without_it[held_out]
    (stated,) = lift_tests.results(brand)
    assert stated["incremental"] == pytest.approx(len(held_out) * (shown.mean() - withheld.mean()), abs=0.06)
    squared = sum(arm.mean() * (1 - arm.mean()) / len(arm) for arm in (shown, withheld))
    assert stated["standard_error"] == pytest.approx(len(held_out) * squared**0.5, abs=0.006)
    days = slice(RECIPE.first_day + 100, RECIPE.first_day + 156)
    assert stated["spend"] == pytest.approx(brand.spend[brand.place("douyin_feed"), days].sum())


def test_intervals_of_the_tests_contain_the_truth():
    """Conservative: the standard error is that of a new audience, the truth is of this one (Neyman 1923)."""
    covered = []
    for seed in range(20):
        for name in ("xiaoman", "sanli"):
            brand = market(RECIPES[name], 0.25, seed)
            for found, true in zip(lift_tests.results(brand), lift_tests.truths(brand), strict=True):
                covered.append(abs(found["incremental"] - true["incremental"]) < 1.645 * found["standard_error"])
    print(f"{sum(covered)} of {len(covered)}")  # noqa: T201 - shown by pytest -rP
    assert len(covered) == 60
    assert sum(covered) >= 47


@pytest.mark.parametrize("name", ["xiaoman", "sanli"])
def test_the_brands_that_ship_find_the_truth(name):
    brand = market(RECIPES[name], 1.0, SEEDS[name])
    for found, true in zip(lift_tests.results(brand), lift_tests.truths(brand), strict=True):
        assert found["incremental"] == pytest.approx(true["incremental"], abs=1.645 * found["standard_error"])
        assert found["incremental"] > 5 * found["standard_error"]


def test_a_test_that_cannot_be_held_is_not_stated(brand):
    tests = (LiftTest("douyin_feed", 350, 30), LiftTest("nowhere", 0, 30), LiftTest("wechat_group", 0, 30))
    other = market(RECIPE.changed(lift_tests=tests), 0.1, seed=4)
    assert lift_tests.results(other) == []
    assert [truth["audience"] for truth in lift_tests.truths(other)] == [0]


def test_tables_do_not_know_of_the_tests_and_brand_yml_reads_back(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_truth_yml", lambda simulation: f"{files.MADE_BY}: {files.version()}\n")
    folders = []
    for tests in ((TEST,), ()):
        made = simulate(RECIPE.changed(lift_tests=tests), customers=600, seed=9)
        folders.append(made.write(tmp_path / f"brand_{len(tests)}"))
    hashes = [{path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")}
              for folder in folders]  # fmt: skip
    assert hashes[0] == hashes[1]
    reading = brand_config.read(folders[0] / "brand.yml", "brand_1")
    assert reading.problems == []
    (stated,) = reading.config["lift_tests"]
    assert set(stated) == {*brand_config.LIFT_TEST, "method", "spend"}
    assert "lift_tests" not in yaml.safe_load((folders[1] / "brand.yml").read_text("utf-8"))
    spend = pd.read_csv(folders[0] / "spend.csv", parse_dates=["date"])
    days = spend["date"].between(str(stated["from"]), str(stated["until"])) & (spend["channel"] == "douyin_feed")
    assert stated["spend"] == pytest.approx(spend.loc[days, "spend"].sum(), abs=0.01)
