"""Lesson 07 by hand: a small brand whose windows, days and orders can be counted on paper, and the real draw again."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import pool_effect
from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import pool_effect as lesson


class Small:
    """A brand of four customers, watched for all of 2024 (366 days).

    1 never joins: orders on 1 January, 1 February, 1 December. 2 orders on 1 January, joins on 11 January, orders on
    21 January and 11 December. 3 joins on 1 November after a first order that day. 4 first orders on 20 December.
    """

    observed_until = pd.Timestamp("2024-12-31").date()

    def table(self, name):
        day = pd.to_datetime
        if name == "orders":
            days = ["01-01", "02-01", "12-01", "01-01", "01-21", "12-11", "11-01", "12-20"]
            who = [1, 1, 1, 2, 2, 2, 3, 4]
            when = day([f"2024-{text}" for text in days])
            return pd.DataFrame({"customer_id": who, "ordered_at": when, "amount": 9.0})
        return pd.DataFrame({"customer_id": [2, 3], "joined_at": day(["2024-01-11", "2024-11-01"])})

    def scan(self, name):
        return self.table(name)

    def has(self, name):
        return name in ("orders", "members")


@pytest.fixture(scope="module")
def xiaoman():
    brand = brands.load("xiaoman")
    return brand, lesson.tables(brand)


class TestTables:
    def test_the_last_ninety_days_hold_known_customers_only(self):
        # They begin on 3 October: customers 3 and 4 have not ordered yet; 2 is a member, with one order since.
        table = lesson.tables(Small())["customers"].set_index("customer")
        assert table.index.tolist() == [1, 2]
        assert table["member"].tolist() == [False, True]
        assert table["orders"].tolist() == [1, 1]

    def test_time_is_split_at_joining(self):
        table = lesson.tables(Small())["time"].set_index("customer")
        assert table["joined"].tolist() == [False, True, True, False]
        assert table["days_outside"].tolist() == [366.0, 10.0, 0.0, 12.0]
        assert table["days_in_pool"].tolist() == [0.0, 356.0, 61.0, 0.0]
        assert table["orders_outside"].tolist() == [2, 0, 0, 0]
        assert table["orders_in_pool"].tolist() == [0, 2, 0, 0]

    def test_orders_around_joining_are_of_those_who_were_customers_before(self):
        made = lesson.tables(Small())
        assert made["joiners"].to_numpy().tolist() == [[2.0, 10.0, 356.0]]
        assert made["around"]["days_since_joining"].tolist() == [-10.0, 10.0, 335.0]

    def test_a_brand_without_a_draw_gets_an_empty_one(self):
        assert len(lesson.tables(Small())["draw"]) == 0
        with pytest.raises(ValueError, match="never drew at random"):
            lesson.exercises(Small(), lesson.tables(Small()))

    def test_does_not_depend_on_the_order_of_rows(self):
        class Turned(Small):
            def table(self, name):
                return super().table(name).iloc[::-1]

        for name, made in lesson.tables(Turned()).items():
            kept = lesson.tables(Small())[name]
            names = list(kept.columns)
            again = made.sort_values(names, ignore_index=True)
            pd.testing.assert_frame_equal(again, kept.sort_values(names, ignore_index=True))


class TestExercises:
    def test_the_answers_follow_from_the_raw_files(self, xiaoman):
        # Straight from the tables of the brand, without the lesson's or the library's code.
        brand, made = xiaoman
        lot = brand.table("assignments")
        lot = lot[lot["experiment"] == "invitation"].set_index("customer_id")
        first = brand.table("members").groupby("customer_id")["joined_at"].min().reindex(lot.index)
        orders = brand.table("orders").join(lot["assigned_at"], on="customer_id", how="inner")
        gap = (orders["ordered_at"] - orders["assigned_at"]) / pd.Timedelta(days=1)
        lot["orders"] = gap.between(0, 90, inclusive="left").groupby(orders["customer_id"]).sum()
        lot["share"] = (1 - (first - lot["assigned_at"]) / pd.Timedelta(days=90)).clip(lower=0).fillna(0)
        means = lot.groupby("arm")[["orders", "share"]].mean()
        more = means.loc["invited"] - means.loc["not_invited"]
        questions = {made.key: made for made in lesson.exercises(brand, made)}
        assert questions["being_invited"].right == pytest.approx(more["orders"], abs=1e-9)
        assert questions["joining"].right == pytest.approx(more["orders"] / more["share"], abs=1e-6)

    def test_the_handed_out_days_give_the_ratio_of_the_library(self, xiaoman):
        brand, made = xiaoman
        sums = made["time"].drop(columns=["customer", "joined"]).sum()
        inside = sums["orders_in_pool"] / sums["days_in_pool"]
        outside = sums["orders_outside"] / sums["days_outside"]
        right = {made.key: made.right for made in lesson.exercises(brand, made)}["time_in_pool"]
        assert inside / outside == pytest.approx(right, rel=1e-9)

    def test_before_against_after_of_the_team_task_is_that_of_page_04(self, xiaoman):
        brand, made = xiaoman
        known = pool_effect.before_against_after(lesson.histories(brand))
        for gap, version in ((0, "settled"), (30, "shifted")):
            joiners, around = made["joiners"], made["around"]
            # The page also wants the window before to lie within the data, which a first order before it implies.
            whole = joiners[(joiners["days_before"] > 90 + gap) & (joiners["days_after"] >= 90)]
            when = around.loc[around["customer"].isin(whole["customer"]), "days_since_joining"]
            after, before = (when.between(*ends, inclusive="left").sum() for ends in ((0, 90), (-90 - gap, -gap)))
            assert len(whole) == known[f"{version}_joiners"].value
            assert after / before == pytest.approx(known[f"{version}_ratio"].value, rel=1e-9)

    def test_the_draw_holds_no_trace_of_who_somebody_is(self, xiaoman):
        lot = xiaoman[1]["draw"]
        assert list(lot.columns) == ["invited", "joined", "share_in_pool", "orders"]
        assert np.isin(lot["invited"], (0, 1)).all()
        assert lot["share_in_pool"].between(0, 1).all()

    def test_the_calculations_disagree_and_only_the_draw_is_an_effect(self, xiaoman):
        table = lesson.calculations(xiaoman[0]).set_index("label")
        assert list(table.index) == list(lesson.CALCULATIONS)
        assert table.index[~table["hollow"]].tolist() == ["draw"]
        assert table.loc["before_after", "value"].value < 0 < table.loc["before_after_shifted", "value"].value
