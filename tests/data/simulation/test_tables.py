"""Tables: they keep the contract, money adds up to the cent, and they say what happened and no more."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation.tables import paid_orders


def cents(values) -> np.ndarray:
    return np.round(np.asarray(values, dtype=float) * 100).astype(np.int64)


def test_every_table_has_the_columns_of_the_contract(xiaoman, sanli):
    for brand in (xiaoman, sanli):
        assert list(brand.tables) == [name for name in TABLES if name in brand.tables]
        for name, table in brand.tables.items():
            known = [column.name for column in TABLES[name].columns]
            needed = [column.name for column in TABLES[name].columns if column.required]
            assert set(needed) <= set(table.columns) <= set(known)
            assert len(table)


def test_money_adds_up(xiaoman):
    orders, recipe = xiaoman.tables["orders"], xiaoman.recipe
    amount, listed, refunded = (cents(orders[name]) for name in ("amount", "list_amount", "refunded"))
    assert (amount > 0).all()
    assert (listed >= amount).all()
    assert (refunded <= amount).all()
    assert np.abs(cents(orders["cost"]) - listed * (1 - recipe.gross_margin)).max() <= 1
    fees = orders["sold_through"].map(recipe.shops).astype(float)
    assert np.abs(cents(orders["platform_fee"]) - amount * fees).max() <= 0.5 + 1e-6
    assert (refunded > 0).mean() == pytest.approx(recipe.refunds, abs=4 * np.sqrt(recipe.refunds / len(orders)))


def test_purchases_paid_in_two_parts_lose_no_cent(xiaoman):
    whole = simulate(xiaoman.recipe.changed(split_orders=0.0), customers=4_000, seed=11)
    parts, wholes = paid_orders(xiaoman.life), paid_orders(whole.life)
    assert parts["amount"].sum() == wholes["amount"].sum()
    extra = len(parts["amount"]) - len(wholes["amount"])
    expected = xiaoman.recipe.split_orders * len(wholes["amount"])
    assert extra == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_spend_is_gamma_gamma():
    """Mean spend of a customer over the inverse gamma that the model says, and the share of variance between them."""
    recipe = RECIPES["sanli"].purchases_only()
    paid = paid_orders(simulate(recipe, customers=10_000, seed=2).life)
    first = paid["number"] == 1
    p, q, v = recipe.spend_shape, recipe.spend_customer_shape, recipe.spend_customer_scale
    # X = v * gamma(p) / gamma(q) is v * p / q times an F with 2p and 2q degrees of freedom.
    scaled = paid["amount"][first] / 100 * q / (p * v)
    assert stats.kstest(scaled, stats.f(2 * p, 2 * q).cdf).pvalue > 0.001
    second = paid["number"] == 2
    both = np.intersect1d(paid["person"][first], paid["person"][second])
    amounts = [pd.Series(paid["amount"][rows], paid["person"][rows])[both] for rows in (first, second)]
    # Between customers: var of v p / gamma(q); in all: that and the mean of p v^2 / gamma(q)^2.
    inverse, square = v / (q - 1), v**2 / ((q - 1) * (q - 2))
    between, within = p**2 * (square - inverse**2), p * square
    log_corr = np.corrcoef(*amounts)[0, 1]
    assert log_corr == pytest.approx(between / (between + within), abs=0.06)


def test_first_and_last_touch_say_what_brought_the_order(xiaoman):
    orders, touches = xiaoman.tables["orders"], xiaoman.tables["touchpoints"]
    known = touches.dropna(subset="customer_id")
    known = known[known["customer_id"].isin(orders["customer_id"])].sort_values("touched_at", kind="stable")
    last = pd.merge_asof(
        orders[["ordered_at", "customer_id", "acquired_through"]].astype({"customer_id": "Int64"}), known,
        left_on="ordered_at", right_on="touched_at", by="customer_id",
    )  # fmt: skip
    last = last[last["acquired_through"] != "referral"]
    same = (last["acquired_through"].astype(str) == last["channel"].astype(str)).mean()
    # Two purchases close together, or a second order minutes later, may have another touch in between.
    assert same > 0.97


def test_touches_say_who_it_was_only_once_that_is_known(xiaoman):
    touches, orders = xiaoman.tables["touchpoints"], xiaoman.tables["orders"]
    first_known = touches.dropna(subset="customer_id").groupby("customer_id")["touched_at"].min()
    first_order = orders.groupby("customer_id")["ordered_at"].min()
    joined = xiaoman.tables["members"].groupby("customer_id")["joined_at"].min()
    earliest = pd.concat([first_order, joined]).groupby(level=0).min()
    both = first_known.index.intersection(earliest.index)
    # The touch that ends in an order is minutes before it.
    assert (first_known[both].to_numpy() >= (earliest[both] - pd.Timedelta(minutes=21)).to_numpy()).all()
    assert touches["customer_id"].isna().mean() > 0.3


def test_a_second_device_is_another_visitor(xiaoman):
    touches = xiaoman.tables["touchpoints"].dropna(subset="customer_id")
    assert touches.groupby("visitor_id")["customer_id"].nunique().max() == 1
    one = simulate(xiaoman.recipe.changed(second_device=0.0), customers=4_000, seed=11).tables["touchpoints"]
    assert one["visitor_id"].nunique() < xiaoman.tables["touchpoints"]["visitor_id"].nunique()


def test_spend_is_one_row_a_paid_channel_and_day(xiaoman):
    spend, recipe = xiaoman.tables["spend"], xiaoman.recipe
    paid = [name for name, channel in recipe.channels.items() if channel.spend_per_day]
    assert set(spend["channel"]) == set(paid)
    assert not spend.duplicated(["date", "channel"]).any()
    assert len(spend) == len(paid) * ((recipe.observed_until - recipe.observed_from).days + 1)
    assert (spend["impressions"] >= spend["clicks"]).all()
    assert (spend["clicks"] >= spend["visitors"]).all()
    # Visitors are people who have not ordered yet; the touches of customers come on top, and are not paid for.
    touches = xiaoman.tables["touchpoints"].dropna(subset="customer_id")
    first = xiaoman.tables["orders"].groupby("customer_id")["ordered_at"].min()
    later = touches[touches["touched_at"] > touches["customer_id"].astype(int).map(first)]["channel"].value_counts()
    everything = xiaoman.tables["touchpoints"]["channel"].value_counts()
    for name in paid:
        visitors = spend.loc[spend["channel"] == name, "visitors"].sum()
        assert 0 < visitors <= everything[name] - later[name]


def test_platforms_claim_more_orders_than_there_are(xiaoman):
    """Each platform counts what it touched: together more than all the orders that paid channels brought."""
    spend, orders = xiaoman.tables["spend"], xiaoman.tables["orders"]
    brought = orders["acquired_through"].isin(spend["channel"].unique()).sum()
    assert spend["claimed_conversions"].sum() > 1.1 * brought


def test_messages_go_to_members_and_stop_when_they_leave(sanli):
    messages, members = sanli.tables["messages"], sanli.tables["members"]
    promotions = messages[messages["kind"] == "promotion"]
    stays = members.sort_values("joined_at")[["customer_id", "joined_at", "left_at"]]
    inside = pd.merge_asof(promotions, stays, left_on="sent_at", right_on="joined_at", by="customer_id")
    assert inside["joined_at"].notna().all()
    ended = inside["left_at"].notna()
    assert (inside.loc[ended, "sent_at"] <= inside.loc[ended, "left_at"]).all()
    opted = inside[inside["opted_out"]]
    assert (opted["left_at"] - opted["sent_at"] <= pd.Timedelta(minutes=6)).all()
    assert len(opted) == (sanli.life.stays.why == 2).sum()
    spared = sanli.tables["assignments"].query("arm == 'no_promotions'")["customer_id"]
    assert not promotions["customer_id"].isin(spared).any()


def test_promotions_are_as_many_as_the_recipe_sends(sanli):
    stays, recipe = sanli.life.stays, sanli.recipe
    spared = sanli.life.persons["no_promotions"][stays.person]
    weeks = np.floor(np.minimum(stays.left, recipe.days) / 7) - np.floor(stays.joined / 7) - 1
    whole = np.maximum(weeks, 0)[~spared].sum()
    messages = sanli.tables["messages"]
    sent = ((messages["kind"] == "promotion") & (messages["channel"] == "wecom")).sum()
    # Whole weeks give a lower bound, the begun last weeks an upper one.
    a_week = recipe.messages_per_month * 7 / 30.4375
    assert 0.98 * whole * a_week < sent < 1.02 * (whole + (~spared).sum()) * a_week


def test_answers_to_messages_follow_from_one_another(sanli, xiaoman):
    for brand in (sanli, xiaoman):
        messages = brand.tables["messages"]
        assert not (messages["read"] & ~messages["delivered"]).any()
        assert not (messages["clicked"] & ~messages["read"]).any()
        assert not (messages["opted_out"] & ~messages["read"]).any()
        hour = messages["sent_at"].dt.hour
        assert hour.between(9, 20).all() or hour.between(9, 21).all()


def test_assignments_state_the_chance_of_the_arm(xiaoman, sanli):
    for brand, experiments in ((xiaoman, {"invitation", "wake_up_sms"}), (sanli, {"promotions"})):
        table = brand.tables["assignments"]
        assert set(table["experiment"]) == experiments
        assert not table.duplicated(["experiment", "customer_id"]).any()
        for _, rows in table.groupby("experiment", observed=True):
            for arm, part in rows.groupby("arm", observed=True):
                share = part["probability"].iloc[0]
                assert (part["probability"] == share).all()
                assert len(part) / len(rows) == pytest.approx(share, abs=4 * np.sqrt(0.25 / len(rows))), arm


def test_pool_costs_follow_from_members_and_accounts(xiaoman):
    costs, recipe = xiaoman.tables["pool_costs"], xiaoman.recipe
    assert not costs.duplicated(["month", "item"]).any()
    incentives = costs.loc[costs["item"] == "incentives", "amount"].sum()
    assert cents(incentives) == cents(recipe.incentive * len(xiaoman.tables["members"]))
    assert costs["month"].min() == pd.Timestamp("2024-01-01")
    months = costs["month"].nunique()
    assert costs.loc[costs["item"] == "content", "amount"].sum() == pytest.approx(recipe.content * months)


def test_distance_keeps_people_away(sanli):
    orders = sanli.tables["orders"]
    near = orders.groupby("customer_id").agg(orders=("order_id", "size"), km=("distance_km", "first"))
    assert near.loc[near["km"] < 0.7, "orders"].mean() > 1.3 * near.loc[near["km"] > 2, "orders"].mean()
    assert orders.groupby("customer_id")["store_id"].nunique().max() == 1


def test_referrers_are_customers_who_ordered_before(xiaoman):
    orders = xiaoman.tables["orders"]
    referred = orders.dropna(subset="referrer_id")
    first = orders.groupby("customer_id")["ordered_at"].min()
    assert len(referred) > 50
    assert (referred["acquired_through"] == "referral").all()
    assert (first[referred["referrer_id"].astype(int)].to_numpy() < referred["ordered_at"].to_numpy()).all()
    assert (referred["ordered_at"] == first[referred["customer_id"]].to_numpy()).all() or (
        # A first purchase paid in two parts names the referrer on both.
        referred.groupby("customer_id").size().max() == 2
    )


def test_a_truncated_export_shows_nothing_older():
    brand = simulate("xiaoman", customers=2_000, seed=5, history="truncated")
    start = pd.Timestamp(brand.recipe.observed_from)
    for name, column in (("orders", "ordered_at"), ("spend", "date"), ("touchpoints", "touched_at"),
                         ("messages", "sent_at"), ("members", "joined_at")):  # fmt: skip
        assert brand.tables[name][column].min() >= start, name
    orders = brand.tables["orders"]
    new = orders.groupby("customer_id")["ordered_at"].min().dt.to_period("M").value_counts().sort_index()
    # The old customers of the first months look new: that is the trap.
    assert new.iloc[0] > 2 * new.iloc[20:30].mean()
    assert set(orders["customer_id"]) <= set(brand.tables["customers"]["customer_id"])


def test_nothing_is_sent_through_the_pool_to_somebody_outside_it(sanli):
    """Neither promotions nor the notice on the day after an order, whose customer may have left in between."""
    messages, members = sanli.tables["messages"], sanli.tables["members"]
    sent = messages[messages["channel"] == "wecom"]
    stays = members.sort_values("joined_at")[["customer_id", "joined_at", "left_at"]]
    inside = pd.merge_asof(sent, stays, left_on="sent_at", right_on="joined_at", by="customer_id")
    assert inside["joined_at"].notna().all()
    assert not (inside["sent_at"] > inside["left_at"]).any()
    assert (sent["kind"] == "service").sum() > 1_000


@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.parametrize(
    "settings",
    [
        {"customers": 1},
        {"observed_from": "2024-03-01", "observed_until": "2024-03-01"},
        {"observed_from": "2024-03-01", "observed_until": "2024-04-29"},
        {"pool_opens": 1094},
        {"pool_opens": 10**6},
        {"churn": 1.0, "ban_chance": 1.0, "account_size": 1},
        {"opt_out": 1.0, "split_orders": 1.0, "refunds": 1.0, "gross_margin": 1.0},
    ],
)
def test_a_very_small_or_very_odd_brand_has_whole_tables(name, settings):
    brand = simulate(name, **{"customers": 40} | settings, seed=1)
    for table in brand.tables.values():
        for column in table.select_dtypes("number"):
            assert np.isfinite(table[column].dropna().astype(float)).all(), column
    assert brand.tables["orders"][["amount", "list_amount", "refunded", "cost", "platform_fee"]].notna().all(axis=None)


@pytest.mark.parametrize("without", ["spend_per_day", "visits_per_day", "order_chance"])
def test_a_brand_that_spends_nothing_or_that_nobody_visits(without):
    recipe = RECIPES["xiaoman"].with_channels(**{without: 0.0})
    brand = simulate(recipe, customers=50, seed=1)
    assert ("spend" in brand.tables) == (without != "spend_per_day")
    assert bool(len(brand.tables["orders"])) == (without == "spend_per_day")
    for table in brand.tables.values():
        assert len(table.columns)


def test_parts_of_any_size_make_the_same_tables(monkeypatch):
    whole = simulate("xiaoman", customers=300, seed=5)
    expected = {name: table.to_csv() for name, table in whole.tables.items()}
    for module in ("tables", "acquisition"):
        monkeypatch.setattr(f"siyu_helpers.data.simulation.{module}.AT_A_TIME", 37)
    parts = simulate("xiaoman", customers=300, seed=5)
    assert {name: table.to_csv() for name, table in parts.tables.items()} == expected
