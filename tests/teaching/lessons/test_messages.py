"""Lesson 08 by hand: small funnels and members counted on paper, and the random draw again from its raw files."""

import pandas as pd
import polars as pl
import pytest

from siyu_helpers.data import brands
from siyu_helpers.teaching.lessons import messages as lesson


class Brand:
    """Three members and a text-only customer; members 1 and 2 stay, 3 joined within the last 91 days."""

    observed_until = pd.Timestamp("2024-12-31").date()

    def __init__(self, **tables):
        self.tables = tables

    def table(self, name):
        return self.tables[name]

    def scan(self, name):
        return pl.from_pandas(self.tables[name]).lazy()

    def has(self, name):
        return name in self.tables


def small():
    day = pd.to_datetime
    members = pd.DataFrame({
        "customer_id": [1, 2, 3],
        "joined_at": day(["2024-01-01", "2024-02-01", "2024-12-01"]),
        "left_at": day([None, None, None]),
    })  # fmt: skip
    sent = [
        (1, "2024-11-01"),
        (1, "2024-11-08"),
        (1, "2024-11-15"),
        (2, "2024-11-01"),
        (2, "2024-05-01"),
        (3, "2024-12-05"),
    ]
    messages = pd.DataFrame(sent, columns=["customer_id", "sent_at"])
    messages = messages.assign(
        sent_at=day(messages["sent_at"]), channel="wecom", kind="promotion", delivered=True,
        read=[True, False, True, False, True, True], clicked=False, opted_out=False, cost=0.0,
    )  # fmt: skip
    service = messages[:1].assign(kind="service")
    orders = pd.DataFrame({
        "customer_id": [1, 1, 2, 2],
        "ordered_at": day(["2024-11-02 09:00", "2024-11-02 18:00", "2024-03-01 12:00", "2024-04-01 12:00"]),
        "amount": 9.0,
    })  # fmt: skip
    return Brand(members=members, messages=pd.concat([messages, service], ignore_index=True), orders=orders)


@pytest.fixture(scope="module")
def xiaoman():
    brand = brands.load("xiaoman")
    made = lesson.tables(brand)
    return brand, made, {question.key: question for question in lesson.exercises(brand, made)}


class TestTables:
    def test_pressure_counts_settled_members_their_promotions_and_days(self):
        # Member 1: three promotions (the service message is none), two orders on one day. Member 2: one, no order.
        table = lesson.tables(small())["pressure"]
        assert table.to_numpy().tolist() == [[1, 3, 1], [2, 1, 0]]

    def test_the_funnel_counts_promotions_by_stage(self):
        # Six promotions; of those observed for fourteen days all six, four of them read.
        stages = lesson.tables(small())["funnel"].set_index("stage")
        assert stages["messages"][["sent", "read", "clicked"]].tolist() == [6.0, 4.0, 0.0]
        assert stages.loc["read", "recorded"] == 6

    def test_what_is_not_recorded_is_blank_not_zero(self, xiaoman):
        texts = xiaoman[1]["funnel"].query("channel == 'sms'").set_index("stage")
        assert pd.isna(texts.loc["read", "messages"])
        assert texts.loc["read", "recorded"] == 0

    def test_a_brand_without_a_draw_gets_no_dormant_customers(self):
        assert len(lesson.tables(small())["dormant"]) == 0
        with pytest.raises(ValueError, match="at random"):
            lesson.exercises(small(), lesson.tables(small()))

    def test_a_brand_without_messages_gets_empty_tables(self):
        made = lesson.tables(brands.load("cdnow"))
        assert {name: len(table) for name, table in made.items()} == {"dormant": 0, "funnel": 0, "pressure": 0}


class TestExercises:
    def test_the_answers_follow_from_the_handed_out_tables(self, xiaoman):
        _, made, questions = xiaoman
        side = made["dormant"].groupby("text_messages")[["came_back", "cost", "orders"]].mean()
        more = side.loc[True] - side.loc[False]
        assert questions["woken"].check(more["came_back"]).kind == "right"
        assert questions["cost_per_added_order"].check(more["cost"] / more["orders"]).kind == "right"
        read = made["funnel"].query("stage == 'read' and recorded > 0")
        assert questions["read"].right == pytest.approx(read["messages"].sum() / read["recorded"].sum(), abs=1e-12)
        total = made["pressure"].sum()
        assert questions["contact_pressure"].right == pytest.approx(total["messages"] / total["order_days"], abs=1e-12)

    def test_those_woken_are_the_difference_of_the_raw_files(self, xiaoman):
        # Straight from the brand's files: customers of the lot, their first 120 days without an order, 90 days more.
        brand, _, questions = xiaoman
        lot = brand.table("assignments").query("experiment == 'wake_up_sms'").set_index("customer_id")
        orders = brand.table("orders")[["customer_id", "ordered_at"]].sort_values(["customer_id", "ordered_at"])
        later = orders.groupby("customer_id")["ordered_at"].shift(-1)
        asleep = orders["ordered_at"].dt.normalize() + pd.Timedelta(days=brand.config["dormant_after_days"] + 1)
        end = pd.Timestamp(brand.observed_until) + pd.Timedelta(days=1)
        still = later.isna() | (later.dt.normalize() >= asleep)
        spell = orders.assign(asleep=asleep, later=later)[still & (asleep + pd.Timedelta(days=90) <= end)]
        first = spell.drop_duplicates("customer_id").set_index("customer_id")
        first = first[first.index.isin(lot.index)]
        back = first["later"] < first["asleep"] + pd.Timedelta(days=90)
        share = back.groupby(lot["arm"].reindex(first.index)).mean()
        assert questions["woken"].right == pytest.approx(share["sms"] - share["no_sms"], abs=1e-9)

    def test_the_vendors_rate_is_recognised(self, xiaoman):
        _, made, questions = xiaoman
        vendors = made["dormant"].loc[made["dormant"]["text_messages"], "came_back"].mean()
        assert questions["woken"].check(vendors).name == "came_back_with_messages"


class TestPicturesAndTruth:
    def test_more_pressure_goes_with_more_opt_outs(self, xiaoman):
        table = lesson.opt_outs(xiaoman[0])
        assert set(table["band"]) <= set(lesson.BAND_NAMES)
        assert table["per_thousand"].is_monotonic_increasing
        # A member is in several bands, in different weeks, and counts once in all.
        assert table["members"].max() <= table.attrs["members"] < table["members"].sum()

    def test_the_best_number_is_where_the_curve_is_highest(self, xiaoman):
        brand = xiaoman[0]
        curve = lesson.truth_by_number(brand)
        best = curve.loc[curve["added"].idxmax(), "per_month"]
        assert curve.loc[curve["per_month"] == 0, "added"].item() == 0
        assert lesson.truth_of_number(brand)["best"].value == best

    def test_a_real_brand_has_no_truth(self):
        brand = brands.load("cdnow")
        assert len(lesson.truth_by_number(brand)) == 0
        assert lesson.truth_of_number(brand)["sent"].gate == "truth"
