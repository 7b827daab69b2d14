"""Who referred whom, by hand: self-referral, unknown and late referrers, two at once, other engines, odd tables."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from siyu_helpers.analysis.pool.referral_log import not_recorded, read_referrals

UNTIL = "2024-12-31"


def log(*rows, **more):
    table = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "amount", "referrer_id"])
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"], format="ISO8601"), **more)


ORDERS = log(
    ("ann", "2024-01-01", 10.0, None),
    ("bob", "2024-01-20 12:00", 10.0, "ann"),  # credited
    ("bob", "2024-03-01", 10.0, "cat"),  # named on a later order: not the first
    ("cat", "2024-02-01", 10.0, "cat"),  # names herself
    ("dan", "2024-02-02", 10.0, "zoe"),  # a stranger
    ("eve", "2024-02-03", 10.0, "fay"),  # fay orders later
    ("fay", "2024-04-01", 10.0, None),
    ("gus", "2024-05-01", 10.0, "ann"),  # two are named at the same moment
    ("gus", "2024-05-01", 10.0, "bob"),
    ("hal", "2025-01-01", 10.0, "ann"),  # after the last day
    (None, "2024-05-01", 10.0, "ann"),  # nobody knows who
)


def named(told):
    people = told.people.assign(customer=told.customers)
    return {
        row.customer: (bool(row.referred), told.customers[row.referrer] if row.referrer >= 0 else None)
        for row in people.itertuples()
    }


EXPECTED = {
    "ann": (False, None), "bob": (True, "ann"), "cat": (False, None), "dan": (True, None), "eve": (True, None),
    "fay": (False, None), "gus": (True, None),
}  # fmt: skip


def test_who_is_referred_and_to_whom_it_is_credited():
    told = read_referrals(ORDERS, UNTIL)
    assert named(told) == EXPECTED
    assert told.facts["self_referrals"] == 1
    assert told.refused is None
    assert told.friends["referrer_id"].isna().sum() == 1  # gus


@pytest.mark.parametrize("engine", ["polars", "lazy", "duckdb", "shuffled", "numbers"])
def test_the_same_from_any_engine_order_of_rows_and_kind_of_id(engine):
    orders, ids = ORDERS, None
    if engine == "numbers":  # a column of numbers with blanks becomes floats in pandas
        ids = {name: place for place, name in enumerate([*EXPECTED, "zoe", "hal"])}
        orders = ORDERS.assign(**{n: ORDERS[n].map(ids) for n in ("customer_id", "referrer_id")})
        assert orders["referrer_id"].dtype == float
    elif engine == "shuffled":
        orders = ORDERS.sample(frac=1, random_state=3)
    else:
        table = pl.from_pandas(ORDERS)
        orders = {"polars": table, "lazy": table.lazy(), "duckdb": duckdb.connect().from_arrow(table.to_arrow())}[
            engine
        ]
    found = named(read_referrals(orders, UNTIL))
    expected = EXPECTED if ids is None else {
        ids[name]: (there, None if who is None else ids[who]) for name, (there, who) in EXPECTED.items()
    }  # fmt: skip
    assert found == expected


def test_old_customers_are_not_new_and_so_not_referred():
    told = read_referrals(ORDERS, UNTIL, observed_from="2024-01-01", history="truncated", burn_in_days=31)
    assert set(told.customers[told.people["new"]]) == {"cat", "dan", "eve", "fay", "gus"}
    assert not named(told)["bob"][0]
    before = pd.DataFrame({"customer_id": ["dan"], "first_order_at": pd.to_datetime(["2020-01-01"])})
    told = read_referrals(ORDERS, UNTIL, observed_from="2024-01-01", first_order_at=before)
    assert set(told.customers[~told.people["new"]]) == {"dan"}


def test_money_is_kept_in_whole_units_and_refunds_apart():
    orders = ORDERS.assign(refunded=[0, 2.5, 0, None, 0, 0, 0, 0, 0, 0, 0])
    told = read_referrals(orders, UNTIL, gross_margin=0.5)
    assert told.refunds[["age", "minor"]].values.tolist() == [[0, 25_000]]
    assert told.orders["minor"].sum() == 9 * 100_000
    assert told.orders["earned"].sum() * told.worth == pytest.approx((90 - 2.5) / 2)
    assert read_referrals(ORDERS, UNTIL).refunds is None
    assert np.isnan(read_referrals(ORDERS, UNTIL).worth)


def test_without_referrers_the_customers_are_there_all_the_same():
    told = read_referrals(ORDERS.drop(columns="referrer_id"), UNTIL)
    assert told.refused == not_recorded()
    assert len(told.people) == 7
    assert told.friends.empty
    assert read_referrals(ORDERS.assign(referrer_id=None), UNTIL).refused == not_recorded(True)


def test_no_orders_at_all():
    for columns in (list(ORDERS.columns), ["customer_id", "ordered_at", "amount"]):
        told = read_referrals(ORDERS[:0][columns], UNTIL)
        assert told.refused
        assert told.people.empty
        assert told.orders.empty
    told = read_referrals(ORDERS, "2023-12-31")  # all later than the last day
    assert told.refused
    assert told.people.empty


def test_an_order_without_amount_is_refused():
    with pytest.raises(ValueError, match="have no amount"):
        read_referrals(ORDERS.assign(amount=np.nan), UNTIL)
