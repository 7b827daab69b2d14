"""Roll-outs from a brand's tables: the panel by hand, simulated stores against the truth, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effect_roll_outs import roll_out_and_truth
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.effect.roll_outs import PANEL_COLUMNS, roll_out, roll_out_panel
from siyu_helpers.analysis.effect.staggered import GroupTime
from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.data.simulate import simulate

UNTIL = "2024-12-31"
STORES = [f"s{i}" for i in range(8)]


def chain(stores=STORES, per_store=20, opens=lambda place: 6 + place % 3):
    """Every store: twenty customers who first order in January and then on the 5th of every other month; 4 join."""
    orders, stays = [], []
    for place, store in enumerate(stores):
        for number in range(per_store):
            who = place * 1000 + number
            orders += [(who, f"2024-{month:02d}-05", 10.0, store) for month in range(1, 13, 1 + number % 2)]
            if number < 4 and (month := opens(place)):
                stays.append((who, f"2024-{month:02d}-10"))
    log = pd.DataFrame(orders, columns=["customer_id", "ordered_at", "amount", "store_id"])
    members = pd.DataFrame(stays, columns=["customer_id", "joined_at"])
    return log.assign(ordered_at=pd.to_datetime(log["ordered_at"])), members.assign(
        joined_at=pd.to_datetime(members["joined_at"])
    )


def test_panel_by_hand():
    orders, members = chain()
    # Moves to another store, and a customer of the time after: neither changes who is counted where.
    orders = pd.concat(
        [orders, pd.DataFrame({"customer_id": [3, 9999], "ordered_at": pd.to_datetime(["2024-05-20", "2024-05-02"]),
                               "amount": [30.0, 99.0], "store_id": ["s5", "s0"]})]
    )  # fmt: skip
    table = roll_out_panel(orders, members, UNTIL, gross_margin=0.5)
    assert table.columns.tolist() == PANEL_COLUMNS
    assert table.groupby("unit")["period"].agg(["min", "size"]).eq([24 * 1012 + 2, 10]).all(axis=None)
    assert set(table["customers"]) == {20}
    first = table.set_index(["unit", "label"])
    assert first.loc[("s0", "2024-05")][["orders", "spend", "contribution"]].tolist() == [21 / 20, 230 / 20, 115 / 20]
    assert first.loc[("s0", "2024-04"), "orders"] == 10 / 20
    assert first.loc[("s0", "2024-05"), "joined"] == 0
    assert first.loc[("s0", "2024-06"), "joined"] == 4 / 20
    assert table.attrs["opened"] == {store: f"2024-{6 + place % 3:02d}" for place, store in enumerate(STORES)}
    assert first.loc[("s1", "2024-03"), "first_treated"] == 24 * 1012 + 6  # months since the year 0: July 2024


def test_openings_that_the_brand_knows():
    orders, members = chain()
    known = dict.fromkeys(STORES[:3], "2024-09-15")
    table = roll_out_panel(orders, members, UNTIL, openings=known)
    opened = table.groupby("unit")["first_treated"].first()
    assert (opened > 0).sum() == 3
    assert table.attrs["joined_before_opening"] == 4 * 8
    assert table["label"].min() == "2024-06"


def test_a_stray_joining_does_not_open_a_store():
    orders, members = chain()
    early = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2024-02-20"])})
    table = roll_out_panel(orders, pd.concat([members, early]), UNTIL)
    assert table.attrs["opened"]["s0"] == "2024-06"
    assert table.attrs["joined_before_opening"] == 1


def test_only_whole_periods():
    orders, members = chain()
    assert roll_out_panel(orders, members, "2024-12-30")["label"].max() == "2024-11"
    assert roll_out_panel(orders, members, "2024-12-31")["label"].max() == "2024-12"
    weeks = roll_out_panel(orders, members, "2024-12-31", period="week")
    assert weeks["label"].max() == "2024-W52"


def test_any_engine_any_order_any_ids():
    orders, members = chain()
    one = roll_out_panel(orders, members, UNTIL)
    mixed = roll_out_panel(orders.sample(frac=1, random_state=1), members.sample(frac=1, random_state=1), UNTIL)
    assert_frame_equal(one, mixed)
    lazily = roll_out_panel(pl.from_pandas(orders).lazy(), pl.from_pandas(members).lazy(), UNTIL)
    assert_frame_equal(one, lazily)
    texts = [frame.assign(customer_id="id-" + frame["customer_id"].astype(str)) for frame in (orders, members)]
    assert_frame_equal(one, roll_out_panel(*texts, UNTIL))
    days = orders["ordered_at"].dt.date, members["joined_at"].dt.date
    dates = orders.assign(ordered_at=days[0]), members.assign(joined_at=days[1])
    assert_frame_equal(one, roll_out_panel(*dates, UNTIL))


def test_cities_from_the_table_of_customers():
    orders, members = chain()
    people = orders.drop_duplicates("customer_id")[["customer_id", "store_id"]].rename(columns={"store_id": "city"})
    told = {"by": "city", "customers": people[1:]}
    one = roll_out_panel(orders, members, UNTIL)
    other = roll_out_panel(orders.drop(columns="store_id"), members, UNTIL, customers_at_least=19, **told)
    one, two = (table[table["unit"] != "s0"].reset_index(drop=True) for table in (one, other))
    assert_frame_equal(one, two)
    assert other.attrs["no_unit"] == 1


def test_effect_by_hand():
    """From the opening on each of the twenty orders once more in a month: one order a customer and month."""
    orders, members = chain(opens=lambda place: (6, 9, 0)[place % 3])
    extra = [(place * 1000 + number, f"2024-{month:02d}-20", 10.0, store)
             for place, store in enumerate(STORES) for number in range(20)
             for month in range((6, 9, 13)[place % 3], 13)]  # fmt: skip
    more = pd.DataFrame(extra, columns=orders.columns).assign(ordered_at=lambda f: pd.to_datetime(f["ordered_at"]))
    found = roll_out(pd.concat([orders, more]), members, UNTIL)
    assert isinstance(found, GroupTime)
    assert found.simple.value == pytest.approx(1.0)
    assert found.simple.low == pytest.approx(1.0)
    assert found.facts["units_never"] == 2
    assert roll_out(pd.concat([orders, more]), members, UNTIL, outcome="spend").simple.value == pytest.approx(10.0)


def test_simulated_stores_recover_what_the_pools_added():
    """A large effect, and one of nothing; the truth lives through the same brand without any pool."""
    strong, true = roll_out_and_truth(3, effect_on_frequency=3.0, joining_base=0.3)
    assert true > 0.15
    assert strong.simple.low <= true <= strong.simple.high
    assert strong.simple.low > 0
    assert strong.pretrend.p_value > 0.05
    nothing = {"effect_on_frequency": 0.0, "effect_on_basket": 0.0, "effect_on_dropout": 0.0, "message_lift": 0.0}
    none, zero = roll_out_and_truth(4, **nothing)
    assert zero == 0
    assert none.simple.low <= 0 <= none.simple.high


# --- what is refused ---


def test_all_at_once_is_refused():
    brand = simulate("sanli", customers=2_000, seed=1, stores=9)
    found = roll_out(brand.tables["orders"], brand.tables["members"], brand.recipe.observed_until, customers_at_least=1)
    assert found.gate == "different openings"


def test_two_stores_are_refused():
    brand = simulate("sanli", customers=300, seed=1)
    found = roll_out(brand.tables["orders"], brand.tables["members"], brand.recipe.observed_until)
    assert (found.gate, found.seen) == ("units", 2)


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (lambda o, m: (o, m.iloc[:0]), "openings"),
        (lambda o, m: (o, m.iloc[:1]), "openings"),
        (lambda o, m: (o.iloc[:0], m), "units"),
        (lambda o, m: (o.assign(store_id=None), m), "units"),
        (lambda o, m: (o.assign(store_id="s1"), m), "units"),
        (lambda o, m: (o, m.assign(joined_at=m["joined_at"] - pd.Timedelta(days=120))), "periods before the opening"),
    ],
)
def test_too_little_is_refused(change, gate):
    found = roll_out_panel(*change(*chain()), UNTIL)
    assert isinstance(found, Refused)
    assert found.gate == gate
    assert found.reason("zh")
    assert found.reason("en")


def test_contribution_that_is_not_known_is_refused():
    assert roll_out(*chain(), UNTIL, outcome="contribution").gate == "contribution"
    assert roll_out_panel(*chain(), UNTIL)["contribution"].isna().all()


def test_errors_say_what_to_do():
    orders, members = chain()
    with pytest.raises(ValueError, match="no column 'store'; did you mean 'store_id'"):
        roll_out_panel(orders, members, UNTIL, by="store")
    for wrong in ({"leads": 0}, {"joining_share": 0}, {"period": "year"}, {"openings": {"s0": "soon"}}):
        with pytest.raises(ValueError, match="must"):
            roll_out_panel(orders, members, UNTIL, **wrong)
    with pytest.raises(ValueError, match="outcome must be"):
        roll_out(orders, members, UNTIL, outcome="visits")


def test_small_stores_are_left_out_and_counted():
    orders, members = chain(stores=[f"s{i}" for i in range(10)])
    orders = orders[~((orders["store_id"] == "s9") & (orders["customer_id"] % 1000 > 5))]
    table = roll_out_panel(orders, members, UNTIL)
    assert table["unit"].nunique() == 9
    assert table.attrs["small_units"] == 1
    assert np.isfinite(table[["orders", "spend", "joined"]]).all(axis=None)
