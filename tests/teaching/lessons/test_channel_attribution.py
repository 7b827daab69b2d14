"""Lesson 06 by hand: the small table on paper, and the brand's credit again without the library's rules."""

from collections import Counter

import pandas as pd
import pytest

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import channel_attribution as lesson


@pytest.fixture(scope="module", params=lesson.BRANDS)
def opened(request):
    brand = brands.load(request.param)
    made = lesson.tables(brand)
    return brand, made, {question.key: question for question in lesson.exercises(brand, made)}


@pytest.fixture(scope="module")
def questions():
    """The small table is the same for every brand; yunzuo is the quickest to open."""
    brand = brands.load("yunzuo")
    return {question.key: question for question in lesson.exercises(brand, lesson.tables(brand))}


class TestTheSmallTable:
    """Four paths: feed > search 30 orders, search 40, feed > wecom 20, feed > search > wecom 10; 100 in all."""

    def test_without_the_feed(self, questions):
        # It lies on 30 + 20 + 10 of 100 orders; the last touch gives it none; evenly 15 + 10 + 10 / 3.
        question = questions["lost_without"]
        wrong = {mistake.name: mistake.value for mistake in question.wrong}
        assert question.right == pytest.approx(0.6)
        assert wrong["last_touch"] == 0
        assert wrong["linear"] == pytest.approx((15 + 10 + 10 / 3) / 100)
        # 60 orders and 220 journeys without one, of 100 and 380.
        assert wrong["share_of_journeys"] == pytest.approx(280 / 480)
        # Removal 60, 80 and 30 of 100, scaled to one.
        assert wrong["shared_out"] == pytest.approx(60 / 170)

    def test_shared_evenly(self, questions):
        third = 10 / 3
        right = {"feed": 15 + 10 + third, "search": 15 + 40 + third, "wecom": 10 + third}
        assert questions["linear_by_hand"].right == pytest.approx(right)
        assert sum(questions["linear_by_hand"].right.values()) == pytest.approx(100)
        wrong = {mistake.name: mistake.value for mistake in questions["linear_by_hand"].wrong}
        assert wrong["last"] == {"feed": 0, "search": 70, "wecom": 30}
        assert wrong["first"] == {"feed": 60, "search": 40, "wecom": 0}
        assert wrong["everybody_in_full"] == {"feed": 60, "search": 80, "wecom": 30}

    def test_removal_by_counting_is_the_chain_that_remembers_two_touches(self):
        small = pd.DataFrame(lesson.SMALL, columns=["path", "conversions", "nulls"])
        paths = channel_attribution.read_paths(small)
        chain = channel_attribution.removal_effects(paths, order=2).set_index("channel")["removal_effect"]
        assert chain.to_dict() == pytest.approx({"feed": 0.6, "search": 0.8, "wecom": 0.3})


class TestTheBrand:
    def test_the_linear_shares_are_those_of_plain_counting(self, opened):
        _, made, questions = opened
        credit = Counter()
        for path, orders in zip(made["journeys"]["path"], made["journeys"]["orders"], strict=True):
            for step in path.split(" > "):
                credit[step] += orders / (path.count(" > ") + 1)
        total = made["journeys"]["orders"].sum()
        assert questions["linear_shares"].right == pytest.approx({name: part / total for name, part in credit.items()})

    def test_the_solution_in_the_notebook_is_right(self, opened):
        _, made, questions = opened
        steps = made["journeys"].assign(channel=made["journeys"]["path"].str.split(" > "))
        steps["part"] = steps["orders"] / steps["channel"].str.len()
        answer = steps.explode("channel").groupby("channel")["part"].sum() / made["journeys"]["orders"].sum()
        assert questions["linear_shares"].check(answer).kind == "right"

    def test_what_is_lost_is_the_truth_of_the_brand(self, opened):
        brand, made, questions = opened
        told, lost = brand.truth(), made["lost"].set_index("channel")
        for channel, share in lost["lost"].items():
            assert share == pytest.approx(told["orders_lost_without"][channel]["new_customers"] / told["customers"])
        paths = made["journeys"].assign(channel=made["journeys"]["path"].str.split(" > ").str[-1])
        last = paths.groupby("channel")["orders"].sum() / told["customers"]
        assert lost["last_touch"].to_dict() == pytest.approx(last.to_dict())
        assert questions["most_underrated"].right == (lost["lost"] - last).idxmax()

    def test_every_channel_may_be_chosen_and_mistakes_are_other_channels(self, opened):
        _, made, questions = opened
        question = questions["most_underrated"]
        assert question.choices == tuple(made["lost"]["channel"])
        named = [mistake.value for mistake in question.wrong]
        assert len({question.right, *named}) == len(named) + 1

    def test_the_losses_do_not_add_up_to_the_whole(self, opened):
        brand, _, _ = opened
        told = brand.truth()
        total = sum(part["new_customers"] for part in told["orders_lost_without"].values()) / told["customers"]
        assert lesson.together(brand).value == pytest.approx(total)
        assert abs(total - 1) > 0.01
