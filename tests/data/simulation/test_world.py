"""The weeks of a world: orders as the process says, joining as the chance says, members and accounts conserved."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import tables
from siyu_helpers.data.simulation.acquisition import World
from siyu_helpers.data.simulation.world import (
    FIRST_VISIT,
    PRESSURE_WEEKS,
    REACHED_FOR,
    RECOVERY,
    _Loop,
    joining_chance,
    live,
)

PLAIN = RECIPES["xiaoman"].purchases_only()


@pytest.fixture(scope="module")
def plain():
    return simulate(PLAIN, customers=20_000, seed=4)


def test_customers_are_drawn_from_the_distributions_of_the_recipe(plain):
    persons = plain.life.persons
    gamma = stats.gamma(PLAIN.order_shape, scale=1 / PLAIN.order_scale)
    assert stats.kstest(persons["rate"], gamma.cdf).pvalue > 0.001
    beta = stats.beta(PLAIN.dropout_a, PLAIN.dropout_b)
    assert stats.kstest(persons["dropout"].astype(float), beta.cdf).pvalue > 0.001


def test_the_number_of_orders_is_that_of_the_bg_nbd(plain):
    """Repeat orders in the first year against P(X(t) = x), equation 8 of Fader, Hardie and Lee (2005)."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = PLAIN.order_shape, PLAIN.order_scale, PLAIN.dropout_a, PLAIN.dropout_b
    days, orders, first = 365.0, plain.life.orders, plain.life.persons["first_order"]
    long = first + days <= PLAIN.days
    kept = (orders.number > 1) & (orders.time <= first[orders.person] + days)
    seen = np.bincount(orders.person[kept], minlength=len(first))[long]

    def chance(x: int) -> float:
        def log_nbd(k):
            return (gammaln(r + k) - gammaln(r) - gammaln(k + 1)
                    + r * np.log(alpha / (alpha + days)) + k * np.log(days / (alpha + days)))  # fmt: skip

        still = np.exp(betaln(a, b + x) - betaln(a, b) + log_nbd(x))
        if not x:
            return still
        gone = np.exp(betaln(a + 1, b + x - 1) - betaln(a, b))
        return still + gone * (1 - np.exp(log_nbd(np.arange(x))).sum())

    expected = np.array([chance(x) for x in range(12)])
    observed = np.bincount(np.minimum(seen, 12), minlength=13)
    expected = np.append(expected, 1 - expected.sum()) * long.sum()
    # A day is one purchase, which the model does not know: heavy buyers are a touch slower. Hence not a bare test.
    assert observed == pytest.approx(expected, rel=0.08, abs=4 * np.sqrt(expected).max())
    assert (seen == 0).mean() == pytest.approx(chance(0), abs=4 * np.sqrt(0.25 / len(seen)))


@pytest.mark.parametrize("process", ["mbg_nbd", "pareto_nbd"])
def test_other_processes_lose_customers_as_they_should(process):
    recipe = PLAIN.changed(process=process, dropout_shape=1.5, dropout_scale=150.0)
    brand = simulate(recipe, customers=20_000, seed=4)
    persons, orders = brand.life.persons, brand.life.orders
    if process == "mbg_nbd":
        # Who never comes back has dropped out at once, or is slow: alpha / (alpha + T) to the r.
        observed_for = recipe.days - persons["first_order"]
        once = np.bincount(orders.person, minlength=len(observed_for)) == 1
        slow = (recipe.order_scale / (recipe.order_scale + observed_for)) ** recipe.order_shape
        dropped = recipe.dropout_a / (recipe.dropout_a + recipe.dropout_b)
        expected = dropped + (1 - dropped) * slow
        assert once.mean() == pytest.approx(expected.mean(), abs=4 * np.sqrt(0.25 / len(once)))
    else:
        assert (orders.time <= persons["death"][orders.person]).all()
        lifetime = persons["death"] - persons["first_order"]
        lomax = stats.lomax(recipe.dropout_shape, scale=recipe.dropout_scale)
        assert stats.kstest(lifetime, lomax.cdf).pvalue > 0.001


def test_a_day_is_one_purchase_and_time_goes_forward(xiaoman):
    orders = xiaoman.life.orders
    placed = np.lexsort((orders.number, orders.person))
    person, time, number = orders.person[placed], orders.time[placed], orders.number[placed]
    same = person[1:] == person[:-1]
    assert (np.diff(np.floor(time))[same] >= 1).all()
    assert (np.diff(number)[same] == 1).all()
    assert (number[np.append(True, ~same)] == 1).all()


def test_joining_is_as_likely_as_the_tables_before_the_week_say(xiaoman):
    """Recounted from the orders alone, week by week: as many join as the chances add up to, by group of history."""
    expected, joined, rates, weights = _weeks_at_risk(xiaoman)
    for group in expected:
        assert joined[group] == pytest.approx(expected[group], abs=4 * np.sqrt(expected[group]) + 1), group
    # Those who join order at no other rate than those who were as likely to: nothing unseen drives joining.
    excess = rates / weights - 1
    assert abs(excess) < 0.06


def test_hidden_selection_draws_the_keen(xiaoman):
    hidden = simulate("xiaoman", customers=4_000, seed=11, selection="hidden")
    _, joined, rates, weights = _weeks_at_risk(hidden)
    assert sum(joined.values()) > 100
    assert rates / weights - 1 > 0.15


def _weeks_at_risk(brand):
    """Joiners by card and the sum of chances, by number of orders; rate of joiners over that of those at risk."""
    life, recipe = brand.life, brand.recipe
    names = brand.life.market.names
    ease = np.array([recipe.channels[name].joining for name in names])[life.persons["first_channel"]]
    first_join = np.full(len(ease), np.inf)
    np.minimum.at(first_join, life.stays.person, life.stays.joined)
    by_card = np.zeros(len(ease), dtype=bool)
    by_card[life.stays.person[life.stays.door == recipe.card]] = True
    observed = recipe.changed(selection="observed")
    expected, joined = {1: 0.0, 2: 0.0, 5: 0.0}, {1: 0, 2: 0, 5: 0}
    rates = weights = 0.0
    placed = np.argsort(life.orders.time)
    time, person = life.orders.time[placed], life.orders.person[placed]
    last, many, seen = np.full(len(ease), -np.inf), np.zeros(len(ease), int), 0
    joiner_rate = chance_rate = total = 0.0
    for week in range(-(-recipe.days // 7)):
        begin = 7.0 * week
        until = np.searchsorted(time, begin)
        last[person[seen:until]] = time[seen:until]
        np.add.at(many, person[seen:until], 1)
        seen = until
        if begin < recipe.pool_opens:
            continue
        at_risk = np.flatnonzero((many > 0) & (first_join >= begin) & (begin - last <= REACHED_FOR))
        chance = joining_chance(observed, many[at_risk], begin - last[at_risk], ease[at_risk])
        joins = (first_join[at_risk] < begin + 7) & by_card[at_risk]
        group = np.where(many[at_risk] >= 5, 5, np.minimum(many[at_risk], 2))
        for kind in expected:
            expected[kind] += chance[group == kind].sum()
            joined[kind] += int(joins[group == kind].sum())
        rate = life.persons["rate"][at_risk]
        joiner_rate += rate[joins].sum()
        chance_rate += (rate * chance).sum()
        total += chance.sum()
    rates = joiner_rate / max(sum(joined.values()), 1)
    weights = chance_rate / total
    return expected, joined, rates, weights


def test_randomised_selection_lets_only_the_invited_join():
    brand = simulate("xiaoman", customers=3_000, seed=3, selection="randomised")
    life = brand.life
    invited = life.invited["person"][life.invited["arm"]]
    by_lot = life.stays.door != FIRST_VISIT
    assert set(life.stays.person[by_lot & (life.stays.door != RECOVERY)]) <= set(invited)
    assert life.invited["arm"].mean() == pytest.approx(brand.recipe.invitations, abs=0.03)
    # The lot knows nothing of the customer.
    rate = life.persons["rate"]
    lots = rate[life.invited["person"][life.invited["arm"]]], rate[life.invited["person"][~life.invited["arm"]]]
    assert stats.ttest_ind(*lots).pvalue > 0.001


def test_members_and_accounts_are_conserved(sanli, xiaoman):
    for brand in (sanli, xiaoman):
        stays, accounts = brand.life.stays, brand.life.accounts
        assert (stays.left > stays.joined).all() or (stays.left >= stays.joined).all()
        for week in range(-(-brand.recipe.days // 7)):
            opening = ((stays.joined < 7 * week) & (stays.left >= 7 * week)).sum()
            joined = ((stays.joined >= 7 * week) & (stays.joined < 7 * week + 7)).sum()
            left = ((stays.left >= 7 * week) & (stays.left < 7 * week + 7)).sum()
            closing = ((stays.joined < 7 * week + 7) & (stays.left >= 7 * week + 7)).sum()
            assert opening + joined - left == closing
        # Nobody is in the pool twice at a time, nobody on an account that is closed or not open yet, none overflows.
        placed = np.lexsort((stays.joined, stays.person))
        same = np.diff(stays.person[placed]) == 0
        assert (stays.joined[placed][1:][same] >= stays.left[placed][:-1][same]).all()
        assert (stays.joined >= accounts["opened"][stays.account]).all()
        assert (np.minimum(stays.left, 1e9) <= np.minimum(accounts["banned"][stays.account], 1e9)).all()
        assert (stays.left[stays.why == 3] == accounts["banned"][stays.account[stays.why == 3]]).all()
        for account in range(len(accounts["opened"])):
            mine = stays.account == account
            moments = np.concatenate([stays.joined[mine], stays.left[mine]])
            change = np.concatenate([np.ones(mine.sum()), -np.ones(mine.sum())])
            held = np.cumsum(change[np.lexsort((change, moments))])
            assert held.max() <= brand.recipe.account_size


def test_a_banned_account_loses_its_list_and_some_come_back(sanli):
    life = sanli.life
    assert np.isfinite(life.accounts["banned"]).any()
    lost = life.stays.why == 3
    back = life.stays.door == RECOVERY
    assert 0 < back.sum() < lost.sum()
    assert set(life.stays.person[back]) <= set(life.stays.person[lost])
    assert back.sum() / lost.sum() == pytest.approx(sanli.recipe.recovered, abs=0.15)


def test_more_messages_a_purchase_make_more_leave():
    quiet = simulate("sanli", customers=2_500, seed=12, messages_per_month=4.0, ban_chance=0.0)
    loud = simulate("sanli", customers=2_500, seed=12, messages_per_month=30.0, ban_chance=0.0)
    opted = [(brand.life.stays.why == 2).mean() for brand in (quiet, loud)]
    assert opted[1] > 3 * opted[0]
    # Those who are sent nothing have nothing to answer.
    spared = loud.life.persons["no_promotions"][loud.life.stays.person]
    assert not (loud.life.stays.why[spared] == 2).any()


def test_without_a_pool_those_who_never_joined_live_as_before(xiaoman):
    """Worlds differ by the cause alone: referrals aside, whoever never joined has the same orders to the second."""
    recipe = xiaoman.recipe.changed(referral_chance=0.0)
    brand = simulate(recipe, customers=2_000, seed=6)
    other = live(brand.life.market, World(pool=False))
    joined = set(brand.life.persons["key"][brand.life.stays.person].tolist())
    mine = _orders_by_key(brand.life, joined)
    theirs = _orders_by_key(other, joined)
    # Somebody for whom the pool was the way to the first order is missing there; everybody else is the same.
    assert theirs == mine
    assert len(mine) > 2_000


def _orders_by_key(life, leaving_out):
    key = life.persons["key"][life.orders.person].tolist()
    return sorted((k, t) for k, t in zip(key, life.orders.time.tolist(), strict=True) if k not in leaving_out)


def test_before_joining_the_worlds_are_the_same(xiaoman):
    recipe = xiaoman.recipe.changed(referral_chance=0.0)
    brand = simulate(recipe, customers=2_000, seed=6)
    other = live(brand.life.market, World(pool=False))
    life = brand.life
    first = np.full(len(life.persons["key"]), np.inf)
    np.minimum.at(first, life.stays.person, life.stays.joined)
    joiner = np.isfinite(first) & (life.persons["first_order"] < first)
    until = dict(zip(life.persons["key"][joiner].tolist(), first[joiner].tolist(), strict=True))

    def before(world):
        keys = world.persons["key"][world.orders.person].tolist()
        return sorted((k, t) for k, t in zip(keys, world.orders.time.tolist(), strict=True) if t < until.get(k, 0))

    assert before(life) == before(other)
    assert len(before(life)) > 1_000


def test_an_order_is_a_members_order_when_a_stay_says_so(xiaoman, sanli):
    """Also first orders in the very week of joining, and orders in the week of leaving."""
    for life in (xiaoman.life, sanli.life):
        orders, stays = life.orders, life.stays
        of = {}
        for person, joined, left in zip(stays.person.tolist(), stays.joined.tolist(), stays.left.tolist(), strict=True):
            of.setdefault(person, []).append((joined, left))
        inside = [
            any(joined <= time < left for joined, left in of.get(person, ()))
            for person, time in zip(orders.person.tolist(), orders.time.tolist(), strict=True)
        ]
        assert ((orders.joined_since >= 0) == inside).all()
        assert (np.array(inside) & (orders.number == 1)).sum() > 10


def test_pressure_counts_the_orders_of_the_last_13_weeks():
    """First orders too, which are what most members have."""
    brand = simulate("sanli", customers=500, seed=6)
    loop = _Loop(brand.life.market, World())
    life = loop.run()
    weeks = -(-brand.recipe.days // 7)
    lately = life.orders.time >= 7 * (weeks - PRESSURE_WEEKS)
    counted = np.bincount(life.orders.person[lately], minlength=len(life.persons["key"]))
    assert (life.orders.number[lately] == 1).any()
    assert (loop.state.recent.sum(axis=0) == counted).all()


def test_without_a_channel_nobody_orders_what_was_not_ordered_with_it():
    """No pool, no texts, no friends: what is left without a channel is a part of what there was, to the second."""
    brand = simulate("xiaoman", customers=2_000, seed=6, pool_opens=10**6, sms_after=0, referral_chance=0.0)
    mine = _orders_with_first(brand.life)
    for name in ("douyin_live", "tmall_search", "official_account"):
        other = live(brand.life.market, World(off=(name,)))
        theirs = _orders_with_first(other)
        # Whoever first ordered at a later touch of the journey began later; everybody else is compared.
        began = {key: first for key, first, _ in mine}
        theirs = {order for order in theirs if began.get(order[0]) == order[1]}
        assert len(theirs) > 500
        assert theirs < mine, name


def _orders_with_first(life):
    first = life.persons["first_order"][life.orders.person]
    key = life.persons["key"][life.orders.person]
    return set(zip(key.tolist(), first.tolist(), life.orders.time.tolist(), strict=True))


def test_nobody_is_invited_to_a_pool_that_is_not_open():
    brand = simulate("yunzuo", customers=1_500, seed=3, selection="randomised")
    pool_day = brand.recipe.first_day + brand.recipe.pool_opens
    assert brand.life.invited["time"].min() >= pool_day


@pytest.mark.parametrize("history", ["complete", "truncated"])
def test_joining_follows_from_what_the_tables_hold_in_a_truncated_history_too(history):
    """Of customers older than the export the tables hold a few orders only, and the chance counts no others."""
    brand = simulate("xiaoman", customers=4_000, seed=9, history=history)
    recipe, orders, members = brand.recipe, brand.tables["orders"], brand.tables["members"]
    start, day = pd.Timestamp(recipe.start), pd.Timedelta(days=1)
    orders = orders.assign(time=(orders["ordered_at"] - start) / day, date=orders["ordered_at"].dt.date)
    orders = orders.drop_duplicates(["customer_id", "date"])
    code, names = pd.factorize(orders["customer_id"])
    time = orders["time"].to_numpy()
    joining = {name: channel.joining for name, channel in recipe.channels.items()}
    ease = orders.drop_duplicates("customer_id")["acquired_through"].map(joining).astype(float).to_numpy()
    first = members.sort_values("joined_at").drop_duplicates("customer_id").set_index("customer_id").reindex(names)
    joined = ((first["joined_at"] - start) / day).fillna(np.inf).to_numpy()
    by_card = (first["entry"] == recipe.card).to_numpy()
    older = np.isin(names, brand.tables["customers"]["customer_id"][_came_before(brand)])
    expected = {True: 0.0, False: 0.0}
    found = {True: 0, False: 0}
    for week in range(-(-(recipe.first_day + recipe.pool_opens) // 7), recipe.days // 7):
        before = time < 7 * week
        many, last = np.bincount(code[before], minlength=len(names)), np.full(len(names), -np.inf)
        last[code[before]] = time[before]
        risk = np.flatnonzero((many > 0) & (joined >= 7 * week) & (7 * week - last <= REACHED_FOR))
        chance = joining_chance(recipe, many[risk], 7 * week - last[risk], ease[risk])
        for group in expected:
            mine = older[risk] == group
            expected[group] += chance[mine].sum()
            found[group] += int(((joined[risk] < 7 * week + 7) & by_card[risk])[mine].sum())
    for group in expected:
        assert abs(found[group] - expected[group]) < 4 * np.sqrt(expected[group]) + 1
    assert older.any() == (history == "truncated")


def _came_before(brand):
    """Whether each customer of the table had ordered before the export begins."""
    numbers = tables.customer_numbers(brand.life)
    old = numbers[brand.life.persons["first_order"] < brand.recipe.first_day]
    return brand.tables["customers"]["customer_id"].isin(old).to_numpy()


def test_a_day_is_one_purchase_and_yet_nobody_is_slower_than_the_rate():
    """What falls on a day with an order comes the day after, and the wait counts: orders over rate times days is 1."""
    recipe = RECIPES["sanli"].purchases_only().changed(dropout_a=1e-3, dropout_b=1e3)
    life = simulate(recipe, customers=6_000, seed=4).life
    watched = recipe.days - life.persons["first_order"]
    repeat = np.bincount(life.orders.person[life.orders.number > 1], minlength=len(watched))
    for slow, fast in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.3)):
        some = (life.persons["rate"] >= slow) & (life.persons["rate"] < fast)
        expected = (life.persons["rate"] * watched)[some].sum()
        assert repeat[some].sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
