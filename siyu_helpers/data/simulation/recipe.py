"""What an invented brand is made from, in marketing terms: one number a line, each with its unit."""

import dataclasses
import datetime
from dataclasses import dataclass, field

import pandas as pd

from siyu_helpers.data.contract import nearest
from siyu_helpers.data.simulation.limits import check_recipe

#: Years that the brand has existed before the export of a truncated history begins.
YEARS_BEFORE = 3


@dataclass(frozen=True)
class Channel:
    """One channel: whom it brings, what it costs, and how well its visitors buy.

    A day's first visits through the channel are Poisson with mean
    `visits_per_day` x season x (spend of the day / `spend_per_day`) ** `elasticity` / (1 + `cost_inflation`) ** years.

    name : Chinese and English. domain : "public", "semi" or "private".
    visits_per_day : first visits on an average day of the first year, at `spend_per_day`.
    visit_growth : growth of those visits a year for reasons other than spend.
    spend_per_day : currency a day, on average in the first year; 0: nothing is paid for this channel.
    spend_growth : a year. spend_shocks : standard deviation of the logarithm of weekly moves of spend made for no
    reason of demand (tests, budget rounds); they identify the response. spend_follows_season : exponent on the season.
    elasticity : per cent more visits for one per cent more spend. cost_inflation : a year, at constant spend.
    impressions_per_visit, clicks_per_visit : of the first year. claimed_per_order : how many orders the platform claims
    for each order it touched.
    order_chance : of a visitor at this touch, when it is the first. next : channel -> chance that the journey goes on
    there. would_come_anyway : share of its visitors, and of the repeat orders it triggers, that would be there without.
    repeat_trigger, member_trigger : relative frequency with which it is the last touch before a repeat order of a
    customer outside and inside the pool. shop : where its orders are paid.
    refunds : how much more often its orders are refunded than others.
    quality : how fast its customers buy, relative to others. joining : how readily they join the pool, likewise.
    door : touching this channel before the first order means joining the pool.
    """

    name: dict[str, str]
    domain: str
    visits_per_day: float = 0.0
    visit_growth: float = 0.0
    spend_per_day: float = 0.0
    spend_growth: float = 0.0
    spend_shocks: float = 0.0
    spend_follows_season: float = 0.0
    elasticity: float = 1.0
    cost_inflation: float = 0.0
    impressions_per_visit: float = 60.0
    clicks_per_visit: float = 1.2
    claimed_per_order: float = 1.0
    order_chance: float = 0.0
    next: dict[str, float] = field(default_factory=dict)
    would_come_anyway: float = 0.0
    repeat_trigger: float = 0.0
    member_trigger: float = 0.0
    shop: str = ""
    refunds: float = 1.0
    quality: float = 1.0
    joining: float = 1.0
    door: bool = False


@dataclass(frozen=True)
class LiftTest:
    """A test of what a channel causes: by lot, part of its audience is not shown it for some days.

    channel : which. from_day : first day, counted from `observed_from`. days : how many. held_out : share of the
    audience, by lot.
    """

    channel: str
    from_day: int
    days: int
    held_out: float = 0.3


@dataclass(frozen=True)
class Recipe:
    """An invented brand. Shares are between 0 and 1, chances are per event, money is in `currency`, times in days.

    The brand
        id, name, industry, currency, timezone; observed_from, observed_until; history "complete" or "truncated" (the
        brand is then three years older than its export); customers: about how many persons are acquired from
        `observed_from` on; gross_margin: of list price; note: one line about the brand, Chinese and English.
    The year
        peaks: see `seasons.PEAKS`; weekend; hours: "online" or "shop"; peak_discount: extra discount on sale days.
    How customers buy
        process: "bg_nbd" (a customer may drop out after each repeat order), "mbg_nbd" (also after the first) or
        "pareto_nbd" (at any time). Orders a day: gamma(order_shape, rate order_scale in days). Dropout after an order:
        beta(dropout_a, dropout_b); for pareto_nbd dropout a day: gamma(dropout_shape, rate dropout_scale in days).
        Spend an order: gamma(spend_shape, rate drawn from gamma(spend_customer_shape, rate spend_customer_scale)), the
        gamma-gamma model (p, q, v). split_orders: share of purchases paid as two orders. discount: usual share off the
        list price; a quarter of orders pay it in full, the others vary around it. member_discount: further share off in
        the pool. refunds: share of orders refunded. shops: name -> platform fee as a share of the amount.
        city_tiers: name -> share. stores: number, 0 without; distance_mean in km;
        distance_known_by: the shops that deliver and so know it; distance_slope: share of orders lost per kilometre.
    How they come
        channels; assist: how much each earlier touch raises the chance to order; touch_gap: mean days between touches;
        second_device: share of visitors whose first touches are seen under another visitor id. referral_chance: per
        order of a customer outside the pool; referral_in_pool: times that inside; referral_delay: mean days.
    The pool
        pool_opens: day after `observed_from`. roll_out_days: 0, or the stores open their pool one after another, in an
        order drawn by lot: the first on that day, the last so many days later, the others evenly between; nobody joins
        before the own store has opened. card: what invites customers, such as a card in the parcel.
        joining_base: chance a week of someone with one order who ordered today;
        joining_frequency: exponent on the number of orders; joining_memory: days after which the chance has fallen to
        37%. Nobody joins more than 365 days after an order. hidden_power: exponent on the customer's own (unseen) order
        rate under `selection: hidden`. effect_on_frequency, effect_on_basket: extra share on the day of joining, fading
        with fade_days; effect_on_dropout: share of dropouts prevented (not under pareto_nbd).
        in_mini_program: share of members' orders that
        move to the brand's own shop (the last of `shops`). churn: chance a week to leave. account_size; ban_chance:
        per account and month; recovered: share of a banned account's members that are won back on another account.
    Messages to members
        messages_per_month: promotions; message_lift: extra orders at very many messages; message_half: messages a month
        that give half of it; opt_out: chance per message at ten messages per purchase; opt_out_power: how it
        grows with messages per purchase; message_cost; holdout: share of members sent no promotions, by lot.
    Text messages to customers who sleep
        sms_after: days without an order, 0: never sent; sms_every: weeks; sms_lift: extra orders in two weeks;
        sms_cost; sms_opt_out; sms_holdout: share never sent one, by lot.
    The experiment
        selection: what joining depends on (see `simulate`); invitations: share invited by lot two weeks after the first
        order, between the days invite_from and invite_until; invited_join: chance that the invited join at once.
    What was tested
        lift_tests: see `LiftTest`. They are lived beside the tables, in which nobody is held out.
    What the pool costs
        staff_salary a month; members_per_staff; tools_fixed, tools_per_account, content a month; incentive per joining.
    """

    id: str
    name: dict[str, str]
    note: dict[str, str]
    industry: str
    customers: int
    channels: dict[str, Channel]
    shops: dict[str, float]
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    observed_from: datetime.date = datetime.date(2023, 1, 1)
    observed_until: datetime.date = datetime.date(2025, 12, 31)
    history: str = "complete"
    gross_margin: float = 0.5
    peaks: dict[str, float] = field(default_factory=dict)
    weekend: float = 1.0
    hours: str = "online"
    peak_discount: float = 0.0
    process: str = "bg_nbd"
    order_shape: float = 1.0
    order_scale: float = 60.0
    dropout_a: float = 1.0
    dropout_b: float = 5.0
    dropout_shape: float = 1.0
    dropout_scale: float = 300.0
    spend_shape: float = 6.0
    spend_customer_shape: float = 4.0
    spend_customer_scale: float = 50.0
    split_orders: float = 0.0
    discount: float = 0.0
    member_discount: float = 0.0
    refunds: float = 0.0
    city_tiers: dict[str, float] = field(default_factory=lambda: {"tier_1": 0.3, "tier_2": 0.4, "tier_3": 0.3})
    stores: int = 0
    distance_mean: float = 0.0
    distance_known_by: tuple[str, ...] = ()
    distance_slope: float = 0.0
    assist: float = 0.3
    touch_gap: float = 2.0
    second_device: float = 0.0
    referral_chance: float = 0.0
    referral_in_pool: float = 1.0
    referral_delay: float = 12.0
    pool_opens: int = 0
    roll_out_days: int = 0
    card: str = "parcel_card"
    joining_base: float = 0.0
    joining_frequency: float = 0.5
    joining_memory: float = 45.0
    hidden_power: float = 1.0
    effect_on_frequency: float = 0.0
    effect_on_basket: float = 0.0
    effect_on_dropout: float = 0.0
    fade_days: float = 180.0
    in_mini_program: float = 0.0
    churn: float = 0.0
    account_size: int = 2000
    ban_chance: float = 0.0
    recovered: float = 0.0
    messages_per_month: float = 0.0
    message_lift: float = 0.0
    message_half: float = 4.0
    opt_out: float = 0.0
    opt_out_power: float = 1.0
    message_cost: float = 0.0
    holdout: float = 0.0
    sms_after: int = 0
    sms_every: int = 8
    sms_lift: float = 0.0
    sms_cost: float = 0.05
    sms_opt_out: float = 0.01
    sms_holdout: float = 0.0
    selection: str = "observed"
    invitations: float = 0.0
    invite_from: int = 0
    invite_until: int = 10**6
    invited_join: float = 0.0
    staff_salary: float = 0.0
    members_per_staff: int = 5000
    tools_fixed: float = 0.0
    tools_per_account: float = 0.0
    content: float = 0.0
    incentive: float = 0.0
    lift_tests: tuple[LiftTest, ...] = ()

    def __post_init__(self):
        check_recipe(self)

    @property
    def start(self) -> datetime.date:
        """Day 0 of the simulation: the Monday on or before `observed_from`, or three years earlier when truncated."""
        before = 365.25 * YEARS_BEFORE if self.history == "truncated" else 0
        day = self.observed_from - datetime.timedelta(days=int(before))
        return day - datetime.timedelta(days=day.weekday())

    @property
    def first_day(self) -> int:
        """Days from day 0 to `observed_from`."""
        return (self.observed_from - self.start).days

    @property
    def days(self) -> int:
        """Days from day 0 to the end of `observed_until`."""
        return (self.observed_until - self.start).days + 1

    @property
    def shop_names(self) -> list[str]:
        """Shops; members' orders that move go to the last of them, the brand's own."""
        return list(self.shops)

    @property
    def paid_channels(self) -> list[str]:
        """Channels on which money is spent."""
        return [name for name, channel in self.channels.items() if channel.spend_per_day > 0]

    def changed(self, **overrides) -> "Recipe":
        """The same brand with other settings.

        Raises
        ------
        ValueError
            There is no such setting, or it cannot have that value.

        Example
        -------
        >>> from siyu_helpers.data.simulate import RECIPES
        >>> RECIPES["xiaoman"].changed(effect_on_frequency=0.0).effect_on_frequency
        0.0
        """
        known = [item.name for item in dataclasses.fields(self)]
        for name in overrides:
            if name not in known:
                near = nearest(name, known)
                raise ValueError(f"A recipe has no {name!r}." + (f" Did you mean {near}?" if near else ""))
        for name in ("observed_from", "observed_until"):
            if name in overrides:
                overrides[name] = _day(name, overrides[name])
        return dataclasses.replace(self, **overrides)

    def with_channels(self, **changes) -> "Recipe":
        """The same brand with settings of every channel changed, such as `cost_inflation=0.0`."""
        channels = {name: dataclasses.replace(channel, **changes) for name, channel in self.channels.items()}
        return self.changed(channels=channels)

    def purchases_only(self) -> "Recipe":
        """The same customers without anything that moves their order rate: no season, pool, message or origin.

        What is left is the textbook process, so that a model of repeat purchases can be held against its truth.
        """
        plain = self.with_channels(quality=1.0)
        return plain.changed(
            peaks={}, weekend=1.0, peak_discount=0.0, split_orders=0.0, joining_base=0.0, invitations=0.0,
            sms_after=0, distance_slope=0.0, pool_opens=10**6,
        )  # fmt: skip


def _day(name: str, value) -> datetime.date:
    """A date, also from text and from a moment."""
    try:
        return pd.Timestamp(value).date() if isinstance(value, str | datetime.date) else value
    except ValueError:
        raise ValueError(f"{name}: {value!r} is not a date such as 2024-06-30.") from None
