"""Who could be drawn: by hand on a few customers, and by brute force over a simulated brand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.effect import experiment_people as people
from siyu_helpers.analysis.effect.histories import read_histories

NOBODY = pd.DataFrame({"customer_id": [10**6], "joined_at": pd.to_datetime(["2020-01-01"])})


def told(orders, members=NOBODY, until="2024-12-31", **more):
    table = pd.DataFrame(orders, columns=["customer_id", "ordered_at"]).assign(amount=10.0)
    table["ordered_at"] = pd.to_datetime(table["ordered_at"], format="mixed")
    return read_histories(table, members, until, **more)


def stays(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "joined_at", "left_at"])
    return table.assign(joined_at=pd.to_datetime(table["joined_at"]), left_at=pd.to_datetime(table["left_at"]))


def ids(histories, mask):
    return set(histories.customers[mask].tolist())


ORDERS = [(1, "2024-12-01"), (2, "2023-12-30"), (3, "2024-06-01"), (4, "2024-11-20"), (5, "2024-12-16 09:00")]
STAYS = stays((3, "2024-06-05", None), (4, "2024-11-21", "2024-12-05"), (9, "2024-01-01", None))


def test_outside_the_pool_are_those_who_ordered_within_a_year_and_never_joined():
    histories = told(ORDERS, STAYS)
    assert ids(histories, people.eligible_now(histories, "holdout")) == {1, 5}  # 2 ordered 367 days before the end
    assert ids(histories, people.eligible_now(histories, "holdout", recency_at_most_days=400)) == {1, 2, 5}


def test_members_are_those_whose_stay_goes_on():
    histories = told(ORDERS, STAYS)
    assert ids(histories, people.eligible_now(histories, "promotions")) == {3, 4}
    assert ids(histories, people.eligible_now(histories, "promotions", stays=STAYS)) == {3}
    back = stays((4, "2024-11-21", "2024-12-05"), (4, "2024-12-20", None))
    assert ids(histories, people.eligible_now(histories, "promotions", stays=back)) == {4}


def test_invited_are_the_new_customers_of_one_week():
    histories = told(ORDERS, STAYS)
    assert ids(histories, people.eligible_now(histories, "invitation", after_days=14)) == {5}  # 14 to 21 days ago
    assert ids(histories, people.eligible_now(histories, "invitation", after_days=25)) == {1}


def test_the_last_day_counts_and_what_comes_after_does_not():
    orders = [(1, "2024-12-01"), (1, "2024-12-31 23:59:59"), (1, "2025-01-01"), (2, "2024-12-01")]
    table = people.followed_eligible(told(orders), "holdout", horizon_days=20)
    assert table["orders"].tolist() == [1.0, 0.0]


def test_follow_up_begins_where_it_should():
    orders = [(1, "2024-08-01"), (1, "2024-10-02 00:00"), (1, "2024-10-03 00:00"), (2, "2024-12-20")]
    table = people.followed_eligible(told(orders), "holdout", horizon_days=90)
    assert pd.Timestamp(table["begins"].iloc[0], unit="s") == pd.Timestamp("2024-10-03")
    assert table["orders"].tolist() == [1.0]  # the second customer had not ordered before
    table = people.followed_eligible(told(orders), "invitation", horizon_days=62, after_days=62)
    assert table["orders"].tolist() == [2.0]  # from 2 October, 00:00


def test_joining_within_the_horizon_is_told():
    histories = told([(1, "2024-08-01"), (2, "2024-08-02")], stays((2, "2024-11-01", None)))
    table = people.followed_eligible(histories, "holdout", horizon_days=90)
    assert table["joined"].tolist() == [0.0, 1.0]
    assert people.followed_eligible(histories, "promotions", horizon_days=30)["joined"].isna().all()


def test_inflow_is_counted_over_whole_weeks_of_the_end():
    orders = [(n, pd.Timestamp("2024-12-31") - pd.Timedelta(days=int(n))) for n in range(0, 400)]
    attrs = people.followed_eligible(told(orders), "holdout").attrs
    assert attrs["weeks_counted"] == people.INFLOW_WEEKS
    assert attrs["per_week"] == 7.0
    assert attrs["people_now"] == 365  # the customer of 365 days before the end of the last day is one too old


@pytest.mark.parametrize("kind", people.KINDS)
def test_a_brand_without_anybody_gives_an_empty_table(kind):
    empty = pd.DataFrame({"customer_id": pd.Series(dtype="int64"), "amount": pd.Series(dtype="float64")})
    empty["ordered_at"] = pd.Series(dtype="datetime64[s]")
    members = NOBODY.iloc[:0]
    table = people.followed_eligible(read_histories(empty, members, "2024-12-31"), kind, stays=members)
    assert list(table.columns) == people.COLUMNS
    assert len(table) == 0
    assert table.attrs["people_now"] == table.attrs["per_week"] == 0


def test_text_ids_and_dates_without_time_are_fine():
    orders = pd.DataFrame({"customer_id": ["甲", "b"], "amount": [1.0, 2.0]})
    orders["ordered_at"] = pd.to_datetime(["2024-12-01", "2024-12-02"])
    members = pd.DataFrame({"customer_id": ["甲"], "joined_at": pd.to_datetime(["2024-12-03"])})
    histories = read_histories(orders, members, "2024-12-31")
    assert ids(histories, people.eligible_now(histories, "promotions", stays=members)) == {"甲"}


def test_contribution_that_is_not_known_is_blank():
    histories = told([(1, "2024-08-01")])
    assert people.followed_eligible(histories)["contribution"].isna().all()
    histories = told([(1, "2024-08-01"), (1, "2024-12-01")], gross_margin=0.5)
    assert people.followed_eligible(histories)["contribution"].tolist() == [5.0]


@pytest.mark.parametrize("wrong", [{"kind": "hold"}, {"horizon_days": 0}, {"recency_at_most_days": 1.5}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be"):
        people.followed_eligible(told(ORDERS), **wrong)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 500)), min_size=1, max_size=30),
       st.dictionaries(st.integers(1, 8), st.integers(0, 500), max_size=5))  # fmt: skip
def test_brute_force_over_any_log(orders, joined):
    """The definition of a holdout, written out customer by customer."""
    first = pd.Timestamp("2023-09-01 12:00")
    moments = [(who, first + pd.Timedelta(days=day)) for who, day in orders]
    members = pd.DataFrame(
        {"customer_id": list(joined), "joined_at": [first + pd.Timedelta(days=d) for d in joined.values()]}
    )
    members = members.astype({"customer_id": "int64", "joined_at": "datetime64[s]"})
    histories = told(moments, members, "2025-01-13")
    end = pd.Timestamp("2025-01-14")
    landmark, expected = end - pd.Timedelta(days=90), {}
    for who in {who for who, _ in orders}:
        mine = [when for person, when in moments if person == who]
        earlier = [when for when in mine if when < landmark]
        was = who in joined and first + pd.Timedelta(days=joined[who]) < landmark
        if earlier and landmark - max(earlier) <= pd.Timedelta(days=365) and not was:
            expected[who] = float(sum(landmark <= when < end for when in mine))
    table = people.followed_eligible(histories, "holdout", horizon_days=90)
    found = dict(zip(histories.customers[table["person"]].tolist(), table["orders"], strict=True))
    assert found == expected
    assert np.array_equal(table["repurchase"], (table["orders"] > 0).astype(float))
