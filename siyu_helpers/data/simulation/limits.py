"""What a recipe's settings may be: each is refused by its name, before anything is made from it."""

import dataclasses
import datetime
import math
import numbers
from collections.abc import Mapping

from siyu_helpers.data.simulation.seasons import HOURS, LUNAR_NEW_YEAR, PEAKS

PROCESSES = ("bg_nbd", "mbg_nbd", "pareto_nbd")
SELECTIONS = ("observed", "hidden", "randomised")
HISTORIES = ("complete", "truncated")
DOMAINS = ("public", "semi", "private")
SHARES = {
    "split_orders", "discount", "member_discount", "peak_discount", "refunds", "second_device", "effect_on_dropout",
    "in_mini_program", "churn", "recovered", "opt_out", "holdout", "sms_opt_out", "sms_holdout", "invitations",
    "invited_join", "gross_margin", "referral_chance", "joining_base", "ban_chance", "order_chance",
    "would_come_anyway",
}  # fmt: skip
POSITIVE = {
    "customers", "order_shape", "order_scale", "dropout_a", "dropout_b", "dropout_shape", "dropout_scale",
    "spend_shape", "spend_customer_shape", "spend_customer_scale", "touch_gap", "joining_memory", "fade_days",
    "account_size", "message_half", "sms_every", "members_per_staff", "weekend", "quality", "gross_margin",
}  # fmt: skip
#: Changes as a share: anything above -1, at which nothing would be left.
CHANGES = {
    "effect_on_frequency", "effect_on_basket", "message_lift", "sms_lift", "visit_growth", "spend_growth",
    "cost_inflation",
}  # fmt: skip
#: Exponents, which may be anything.
FREE = {"joining_frequency", "hidden_power", "opt_out_power", "spend_follows_season"}
#: Places in lists are kept in one byte.
MOST = 127


def check_numbers(settings, where: str = "", factors: tuple[str, ...] = ()) -> None:
    """Refuse numbers that are none, or not within the limits of their name.

    Parameters
    ----------
    settings : Recipe or Channel
    where : str
        Put before the name of the setting in what is said.
    factors : tuple of str
        Settings that say how many times more there is here of what is a share elsewhere.

    Raises
    ------
    ValueError
        Names the setting and its value.

    Example
    -------
    >>> from siyu_helpers.data.simulation.recipe import Channel
    >>> check_numbers(Channel({}, "public", order_chance=2.0))
    Traceback (most recent call last):
    ValueError: order_chance: 2.0 is not a share between 0 and 1.
    """
    for item in dataclasses.fields(settings):
        name, value = item.name, getattr(settings, item.name)
        if item.type not in (int, float):
            continue
        told = f"{where}{name}: {value!r} is not"
        if not is_number(value):
            raise ValueError(f"{told} a number.")
        if item.type is int and value != int(value):
            raise ValueError(f"{told} a whole number.")
        if name in POSITIVE and not value > 0:
            raise ValueError(f"{told} above 0.")
        if name in SHARES and name not in factors and not 0 <= value <= 1:
            raise ValueError(f"{told} a share between 0 and 1.")
        if name in CHANGES and not value > -1:
            raise ValueError(f"{told} above -1.")
        if name not in CHANGES | FREE and value < 0:
            raise ValueError(f"{told} 0 or more.")


def is_number(value) -> bool:
    """Whether this is a finite number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def check_recipe(recipe) -> None:
    """Refuse a recipe that no brand can be made from; see `check_numbers` for its numbers."""
    for name, allowed in (
        ("process", PROCESSES), ("selection", SELECTIONS), ("history", HISTORIES), ("hours", tuple(HOURS)),
    ):  # fmt: skip
        if getattr(recipe, name) not in allowed:
            raise ValueError(f"{name}: {getattr(recipe, name)!r} is not one of {', '.join(allowed)}.")
    for name in ("observed_from", "observed_until"):
        if type(getattr(recipe, name)) is not datetime.date:
            raise ValueError(f"{name}: {getattr(recipe, name)!r} is not a date.")
    if recipe.observed_from > recipe.observed_until:
        raise ValueError("observed_until is before observed_from.")
    check_numbers(recipe)
    if recipe.discount + recipe.peak_discount >= 1:
        raise ValueError("discount and peak_discount: together they leave nothing to pay.")
    if recipe.effect_on_frequency + recipe.message_lift <= -1:
        raise ValueError("effect_on_frequency and message_lift: together they leave no orders.")
    if not recipe.distance_slope < 1:
        raise ValueError(f"distance_slope: {recipe.distance_slope!r} is not below 1.")
    if recipe.stores > MOST:
        raise ValueError(f"stores: {recipe.stores!r} is more than {MOST}.")
    if recipe.roll_out_days and recipe.stores < 2:
        raise ValueError(f"roll_out_days: {recipe.roll_out_days!r} needs two stores or more, one after another.")
    for name in ("message_cost", "sms_cost"):
        if abs(getattr(recipe, name) * 100 - round(getattr(recipe, name) * 100)) > 1e-9:
            raise ValueError(f"{name}: {getattr(recipe, name)!r} is not a whole number of cents.")
    _check_shares_by_name("shops", recipe.shops)
    _check_shares_by_name("city_tiers", recipe.city_tiers)
    if not sum(recipe.city_tiers.values()) > 0:
        raise ValueError("city_tiers: no tier has a share above 0.")
    _check_peaks(recipe)
    _check_channels(recipe)
    _check_lift_tests(recipe)


def _check_shares_by_name(name: str, shares) -> None:
    if not isinstance(shares, Mapping) or not 0 < len(shares) <= MOST:
        raise ValueError(f"{name}: {shares!r} is not a list of names with a share each.")
    for key, share in shares.items():
        if not is_number(share) or not 0 <= share <= 1:
            raise ValueError(f"{name}, {key}: {share!r} is not a share between 0 and 1.")


def _check_peaks(recipe) -> None:
    if not isinstance(recipe.peaks, Mapping):
        raise ValueError(f"peaks: {recipe.peaks!r} is not a list of names with a number each.")
    for name, factor in recipe.peaks.items():
        if name not in PEAKS:
            raise ValueError(f"peaks: {name!r} is not one of {', '.join(PEAKS)}.")
        if not is_number(factor) or not factor > 0:
            raise ValueError(f"peaks, {name}: {factor!r} is not above 0.")
    first, last = min(LUNAR_NEW_YEAR), max(LUNAR_NEW_YEAR)
    if "spring_festival" in recipe.peaks and not first <= recipe.start.year <= recipe.observed_until.year <= last:
        raise ValueError(f"peaks, spring_festival: its days are known from {first} to {last} only.")


def _check_channels(recipe) -> None:
    channels = recipe.channels
    if not isinstance(channels, Mapping) or not 0 < len(channels) <= MOST:
        raise ValueError("channels: there must be at least one, by name.")
    for name, channel in channels.items():
        if not hasattr(channel, "order_chance"):
            raise ValueError(f"channels, {name}: {channel!r} is not a Channel.")
        check_numbers(channel, f"channels, {name}, ", factors=("refunds",))
        _check_channel(recipe, f"channels, {name}", channel)
    opens = recipe.pool_opens < recipe.days - recipe.first_day
    if opens and not any(channel.door for channel in channels.values()):
        raise ValueError("channels: none is the door into the pool (door=True); without a pool, pool_opens=10**6.")
    for name, needs, wanted in (
        ("referral", recipe.referral_chance, "referral_chance"), ("sms", recipe.sms_after, "sms_after"),
    ):  # fmt: skip
        if needs and name not in channels:
            raise ValueError(f"{wanted}: {needs!r} needs a channel called {name!r}.")


def _check_lift_tests(recipe) -> None:
    for test in recipe.lift_tests:
        if not hasattr(test, "held_out"):
            raise ValueError(f"lift_tests: {test!r} is not a LiftTest.")
        where = f"lift_tests, {test.channel}"
        if test.from_day < 0 or test.days < 1:
            raise ValueError(f"{where}: from_day must be 0 or more, and days 1 or more.")
        if not is_number(test.held_out) or not 0 < test.held_out < 1:
            raise ValueError(f"{where}, held_out: {test.held_out!r} is not a share between 0 and 1.")


def _check_channel(recipe, where: str, channel) -> None:
    if channel.domain not in DOMAINS:
        raise ValueError(f"{where}, domain: {channel.domain!r} is not one of {', '.join(DOMAINS)}.")
    if not isinstance(channel.name, Mapping) or set(channel.name) != {"zh", "en"}:
        raise ValueError(f"{where}, name: {channel.name!r} is not a name in Chinese (zh) and English (en).")
    if channel.shop and channel.shop not in recipe.shops:
        raise ValueError(f"{where}, shop: {channel.shop!r} is not one of {', '.join(recipe.shops)}.")
    if not isinstance(channel.next, Mapping):
        raise ValueError(f"{where}, next: {channel.next!r} is not a list of channels with a chance each.")
    for to, chance in channel.next.items():
        if to not in recipe.channels:
            raise ValueError(f"{where}, next: there is no channel {to!r}.")
        if not is_number(chance) or not 0 <= chance <= 1:
            raise ValueError(f"{where}, next, {to}: {chance!r} is not a share between 0 and 1.")
    if sum(channel.next.values()) > 1 + 1e-9:
        raise ValueError(f"{where}, next: the chances add up to more than 1.")
