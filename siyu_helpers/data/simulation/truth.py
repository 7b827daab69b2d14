"""What is true of an invented brand: worlds lived through again with the same luck and one cause switched off.

An effect is a difference between the brand's own world and another one in which every person has the same random
numbers, so that they differ only by what was switched off. No effect is a formula of the recipe; two things are: the
parameters from which customers are drawn, and how elastic a channel's own visits are to its spend.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np

from siyu_helpers.data.simulation import lift_tests, tables
from siyu_helpers.data.simulation.acquisition import Market, World, journeys, market
from siyu_helpers.data.simulation.world import Life, live

HORIZONS = (30, 90, 180)
MESSAGES_A_MONTH = (0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40)
#: First customers among whom the growth of acquisition cost is measured: the same spend, more people.
MANY_CUSTOMERS = 200_000


@dataclass(frozen=True)
class Totals:
    """Sums of one world over the observed period: counts, and money in currency."""

    orders: int
    new_customers: int
    contribution: float


def totals(life: Life) -> Totals:
    """Add up a world; contribution is amount less refunds, goods, platform fee and messages."""
    recipe = life.market.recipe
    paid = tables.paid_orders(life)
    seen = paid["time"] >= recipe.first_day
    kept = paid["amount"] - paid["refunded"] - paid["cost"] - paid["platform_fee"]
    cost = recipe.message_cost * tables.promotions_sent(life) + recipe.sms_cost * len(life.texted["person"])
    first = (life.persons["first_order"] >= recipe.first_day) & (life.persons["first_order"] < recipe.days)
    return Totals(int(seen.sum()), int(first.sum()), round(float(kept[seen].sum()) / 100 - cost, 2))


def truth(life: Life) -> dict:
    """Everything that is true of a brand, as plain numbers and lists.

    Parameters
    ----------
    life : Life
        The factual world.

    Returns
    -------
    dict
        See the keys; shares and growth rates are plain numbers (0.08 is 8%), money is in the brand's currency.
    """
    recipe = life.market.recipe
    factual = totals(life)
    found = {
        "recipe": recipe.id,
        "seed": life.market.draws.seed,
        "customers": factual.new_customers,
        "orders": factual.orders,
        "contribution": factual.contribution,
        "purchases": purchase_parameters(life),
        **acquisition_growth(life.market),
        "orders_lost_without": {
            name: without(life, factual, World(off=(name,))) for name in life.market.names
        },
        "lift_tests": lift_tests.truths(life.market),
        "pool": without(life, factual, World(pool=False)),
        "average_treatment_effect_on_treated": effect_of_joining(life),
    }  # fmt: skip
    if recipe.messages_per_month:
        found["messages"] = best_frequency(life.market)
    return found


def purchase_parameters(life: Life) -> dict:
    """The parameters from which customers were drawn, in days; they hold outside the pool and in an average season."""
    recipe = life.market.recipe
    common = {"model": recipe.process, "time_unit": "day", "r": recipe.order_shape, "alpha": recipe.order_scale}
    if recipe.process == "pareto_nbd":
        common |= {"s": recipe.dropout_shape, "beta": recipe.dropout_scale}
    else:
        common |= {"a": recipe.dropout_a, "b": recipe.dropout_b}
    spend = {"p": recipe.spend_shape, "q": recipe.spend_customer_shape, "v": recipe.spend_customer_scale}
    return common | {"spend": spend}


# --- acquisition cost --------------------------------------------------------------------------------------------


def acquisition_growth(brand: Market) -> dict:
    """Yearly growth of spend per new customer of the paid channels, as it is seen and at constant spend.

    Constant spend switches off growth of spend and its moves; season, prices and journeys stay. Both are slopes of the
    logarithm of monthly cost on time, with a level for each month of the calendar: None where the period is too short
    to tell growth from season.
    """
    recipe = brand.recipe
    paid = recipe.paid_channels
    many = brand.scale * max(MANY_CUSTOMERS / (recipe.customers * brand.scale), 1.0)
    steady = recipe.with_channels(spend_growth=0.0, spend_shocks=0.0)
    seen, constant = (market(kind, many, brand.draws.seed) for kind in (recipe, steady))
    orders = first_orders(seen)
    observed, at_constant_spend = _growth(seen, orders, paid), _growth(constant, first_orders(constant), paid)
    return {
        "cac_growth_observed": observed.pop("all"),
        "cac_growth_at_constant_spend": at_constant_spend.pop("all"),
        "cac_growth_by_channel": {
            name: {"observed": observed[name], "at_constant_spend": at_constant_spend[name]} for name in paid
        },
        "elasticity_of_new_customers": {
            name: _elasticity(recipe.channels[name].elasticity, orders.sum(axis=2), brand.place(name)) for name in paid
        },
    }


def _month(brand: Market) -> np.ndarray:
    """The month of each day, counted from the month of `observed_from`."""
    start = np.datetime64(brand.recipe.start, "D")
    month = (start + np.arange(brand.recipe.days)).astype("datetime64[M]").astype(int)
    return month - month[brand.recipe.first_day]


def first_orders(brand: Market) -> np.ndarray:
    """Mean number of first orders, by channel of the first touch, channel of the last touch, and month.

    Journeys are drawn as if nobody ordered, and each touch counts with the chance that the order is placed there; each
    visitor stands for as many as come on average. What is left of chance is which way the journeys go, so that the
    growth of cost is known to a tenth of a per cent where counting orders would leave it at one.
    """
    recipe, month = brand.recipe, _month(brand)
    visits = np.ceil(brand.mean).astype(np.int64)
    stands_for = brand.mean / np.maximum(visits, 1)
    nobody_orders = dataclasses.replace(brand, recipe=recipe.with_channels(order_chance=0.0), visits=visits)
    shape = (len(brand.names), len(brand.names), month[-1] + 1)
    found = np.zeros(shape)
    for journey in journeys(nobody_orders):
        placed = _chance_of_order(brand, journey.channel)
        placed *= stands_for[journey.origin, np.floor(journey.time[:, 0]).astype(int)][:, None]
        row, touch = np.nonzero((journey.channel >= 0) & (journey.time >= recipe.first_day))
        where = (journey.origin[row], journey.channel[row, touch], month[journey.time[row, touch].astype(int)])
        place = np.ravel_multi_index(where, shape)
        found += np.bincount(place, placed[row, touch], found.size).reshape(shape)
    return found


def _chance_of_order(brand: Market, channel: np.ndarray) -> np.ndarray:
    """Chance that the first order is placed at each touch of journeys that nobody cut short."""
    there = channel >= 0
    at_touch = np.array([brand.recipe.channels[name].order_chance for name in brand.names])[channel]
    earlier = np.cumsum(there, axis=1) - there
    chance = np.where(there, np.minimum(at_touch * (1 + brand.recipe.assist * earlier), 1.0), 0.0)
    waiting = np.cumprod(1 - chance, axis=1)
    waiting = np.hstack([np.ones((len(channel), 1)), waiting[:, :-1]])
    return chance * waiting


def _growth(brand: Market, orders: np.ndarray, paid: list[str]) -> dict[str, float | None]:
    recipe, month = brand.recipe, _month(brand)
    customers = orders.sum(axis=0)
    days = month[recipe.first_day :]
    spent = np.array([np.bincount(days, spend[recipe.first_day :], customers.shape[1]) for spend in brand.spend])
    places = [brand.place(name) for name in paid]
    calendar = (np.arange(customers.shape[1]) + recipe.observed_from.month - 1) % 12
    found = {"all": _slope(spent[places].sum(axis=0), customers[places].sum(axis=0), calendar)}
    return found | {
        name: _slope(spent[place], customers[place], calendar) for name, place in zip(paid, places, strict=True)
    }


def _slope(spent: np.ndarray, customers: np.ndarray, calendar: np.ndarray) -> float | None:
    """Growth a year; None for a channel that closes no order in some month, and where no month comes twice."""
    if not (customers > 0).all() or not (spent > 0).all() or len(calendar) <= 12:
        return None
    levels = (calendar[:, None] == np.unique(calendar)).astype(float)
    years = np.arange(len(spent))[:, None] / 12
    fit = np.linalg.lstsq(np.hstack([years, levels]), np.log(spent / customers), rcond=None)[0]
    return round(float(np.expm1(fit[0])), 4)


def _elasticity(elasticity: float, orders: np.ndarray, place: int) -> dict[str, float | None]:
    """Per cent more new customers, of this channel and of all, for one per cent more spend on it.

    orders : by channel of the first touch and of the last. A tenth more spend brings as many times more journeys that
    begin at the channel as its own elasticity says, wherever they end.
    """
    more = 1.1**elasticity - 1
    found = {}
    for name, ended in (("of_the_channel", orders[:, place]), ("of_all_channels", orders.sum(axis=1))):
        known = ended.sum() > 0
        share = ended[place] / ended.sum() if known else 0.0
        found[name] = round(float(np.log1p(more * share) / np.log(1.1)), 4) if known else None
    return found


# --- channels and pool -------------------------------------------------------------------------------------------


def without(life: Life, factual: Totals, off: World) -> dict:
    """What is lost when something is switched off for the whole period."""
    other = totals(live(life.market, off))
    return {
        "orders": factual.orders - other.orders,
        "share_of_orders": round((factual.orders - other.orders) / max(factual.orders, 1), 4),
        "new_customers": factual.new_customers - other.new_customers,
        "contribution": round(factual.contribution - other.contribution, 2),
    }


def effect_of_joining(life: Life) -> dict:
    """The average treatment effect of joining on those who joined, by days since joining.

    Those who joined after a first order, and at least so many days before the end: their orders in the days after
    joining, less their orders in the same days in a world in which nobody joins after a first order and the same
    friends come. Orders are rows of the table; contribution is what they leave after refunds, goods and platform fees,
    before messages and what the pool costs. `standard_error` is that of the mean difference over these customers: how
    far the figure is from the one of infinitely many such customers (90% intervals made of it cover in 171 to 177 of
    200 small brands; of referrals within 30 days, of which there are a handful, in 78 of 100).
    None where nobody was watched for so long.
    """
    other = live(life.market, World(joining=False), friends_of=life)
    who, joined = _joiners(life)
    persons = len(life.persons["key"])
    mine, theirs = _outcomes(life), _outcomes(other)
    found = {}
    for days in HORIZONS:
        whole = joined + days <= life.market.recipe.days
        with_pool = _within(mine, persons, who[whole], joined[whole], days)
        without_pool = _within(theirs, persons, who[whole], joined[whole], days)
        found[days] = {"joiners": int(whole.sum())}
        for name in with_pool:
            found[days][name] = _mean_difference(with_pool[name], without_pool[name])
    return found


def _joiners(life: Life) -> tuple[np.ndarray, np.ndarray]:
    first = np.unique(life.stays.person, return_index=True)[1]
    who, joined = life.stays.person[first], life.stays.joined[first]
    after_order = life.persons["first_order"][who] < joined
    return who[after_order], joined[after_order]


def _outcomes(life: Life) -> dict[str, np.ndarray]:
    paid = tables.paid_orders(life)
    contribution = (paid["amount"] - paid["refunded"] - paid["cost"] - paid["platform_fee"]) / 100
    return {"person": paid["person"], "time": paid["time"], "spend": paid["amount"] / 100, "contribution": contribution,
            "referrer": life.referrals["referrer"], "referred_at": life.referrals["time"]}  # fmt: skip


def _within(outcomes: dict, persons: int, who: np.ndarray, since: np.ndarray, days: int) -> dict[str, np.ndarray]:
    """Outcomes of each joiner in the days after joining."""
    begin = np.full(persons, np.inf)
    begin[who] = since

    def total(person, time, values):
        kept = (time > begin[person]) & (time <= begin[person] + days)
        return np.bincount(person[kept], values[kept], persons)[who]

    ones = np.ones(len(outcomes["person"]))
    orders = total(outcomes["person"], outcomes["time"], ones)
    referrals = total(outcomes["referrer"], outcomes["referred_at"], np.ones(len(outcomes["referrer"])))
    return {
        "orders": orders,
        "repurchase": (orders > 0).astype(float),
        "spend": total(outcomes["person"], outcomes["time"], outcomes["spend"]),
        "contribution": total(outcomes["person"], outcomes["time"], outcomes["contribution"]),
        "referrals": referrals,
    }


def _mean_difference(treated: np.ndarray, untreated: np.ndarray) -> dict[str, float | None]:
    difference, many = treated - untreated, len(treated)
    return {
        "effect": round(float(difference.sum() / many), 5) if many else None,
        "without_pool": round(float(untreated.sum() / many), 5) if many else None,
        "standard_error": round(float(difference.std(ddof=1) / np.sqrt(many)), 5) if many > 1 else None,
    }


def best_frequency(brand: Market) -> dict:
    """Contribution less message cost of the whole period at each number of promotions a month, and the best of them."""
    recipe, worth = brand.recipe, {}
    for number in sorted({*MESSAGES_A_MONTH, recipe.messages_per_month}):
        changed = dataclasses.replace(brand, recipe=recipe.changed(messages_per_month=float(number)))
        worth[float(number)] = totals(live(changed)).contribution
    best = max(worth, key=worth.get)
    # Within a thousandth of the best nothing tells two frequencies apart.
    near = [number for number, value in worth.items() if value >= worth[best] - 0.001 * abs(worth[best])]
    return {
        "sent_per_month": recipe.messages_per_month,
        "best_per_month": best,
        "as_good_per_month": [min(near), max(near)],
        "gain_from_best": round(worth[best] - worth[float(recipe.messages_per_month)], 2),
        "contribution_by_messages_per_month": worth,
    }
