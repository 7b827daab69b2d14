"""Invented brands whose truth is known: for teaching, for tests, and to judge every analysis by.

>>> brand = simulate("xiaoman", customers=300, seed=7)
>>> sorted(brand.tables)[:3], len(brand.tables["orders"]) > 300
(['accounts', 'assignments', 'customers'], True)

A brand is lived through week by week (`simulation.world`). What is true of it is found by living through it again with
the same luck and one cause switched off (`simulation.truth`).
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from siyu_helpers.data.contract import nearest
from siyu_helpers.data.simulation import acquisition, files, truth, world
from siyu_helpers.data.simulation.brands import RECIPES, SEEDS
from siyu_helpers.data.simulation.limits import is_number
from siyu_helpers.data.simulation.recipe import Channel, Recipe
from siyu_helpers.data.simulation.tables import Tables

__all__ = ["RECIPES", "SEEDS", "Channel", "Recipe", "Simulation", "simulate"]


@dataclass(frozen=True, eq=False)
class Simulation:
    """An invented brand: its tables, and what is true of it.

    recipe : what it was made from. seed : of its random numbers. life : everything that happened, for tests and for
    whoever wants to look behind the tables.
    """

    recipe: Recipe
    seed: int
    life: world.Life = field(repr=False)

    @functools.cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables of the data contract by name, each made when first asked for.

        Identifiers are whole numbers, times have no zone (they are in the brand's own), money is in its currency.
        """
        return Tables(self.life)

    @functools.cached_property
    def truth(self) -> dict:
        """What is true of the brand; worked out when first asked for, by some thirty further simulations.

        Keys: `customers`, `orders`, `contribution` of the brand as it is; `purchases` (parameters, in days);
        `cac_growth_observed`, `cac_growth_at_constant_spend` (a year, all paid channels together), both by channel in
        `cac_growth_by_channel`; `elasticity_of_new_customers`; `orders_lost_without` each channel; `lift_tests` (what
        those of brand.yml were to find); `pool`, what is lost without it;
        `average_treatment_effect_on_treated` (30, 90, 180 days -> orders, repurchase, spend, contribution, referrals:
        effect, standard_error, without_pool); `messages` (best number of promotions a month).
        """
        return truth.truth(self.life)

    def write(self, folder: str | os.PathLike) -> Path:
        """Write the brand as a folder that the workbook can load: brand.yml, one CSV a table, truth.yml.

        Parameters
        ----------
        folder : path
            The folder; its name becomes the brand's id. A folder that is there already is replaced as a whole, if it
            holds an invented brand.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        FileExistsError
            There is such a folder, and it does not hold an invented brand.
        """
        return files.write(self, Path(folder))


def simulate(recipe: str | Recipe, customers: int | None = None, seed: int = 0, **overrides) -> Simulation:
    """Invent a brand: everything its tables hold, from a recipe in marketing terms.

    Parameters
    ----------
    recipe : str or Recipe
        "xiaoman", "yunzuo" or "sanli", or a recipe of one's own.
    customers : int, optional
        About how many customers are acquired from `observed_from` on: visits and spend are those of the recipe times
        `customers` / `recipe.customers`, chances and costs per unit stay. Settings that bring fewer people (a shorter
        period, no pool) leave fewer, so that brands that differ in one setting hold the same people. By default the
        recipe's own number.
    seed : int
        Equal recipe, size and seed give equal tables, whatever the number of threads.
    **overrides
        Settings of the recipe by name, see `Recipe`: `selection="hidden"`, `effect_on_frequency=0.0`, ...

        `selection: observed` lets the weekly chance of joining depend only on what the tables hold before that week;
        `hidden` also on the customer's own order rate, which no table holds; `randomised` lets only those join who were
        invited by lot. `history: truncated` cuts off the first three years of the brand.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        There is no such recipe or setting, or it cannot have that value.

    Example
    -------
    >>> brand = simulate("sanli", customers=200, seed=1, selection="hidden")
    >>> brand.tables["orders"][["ordered_at", "amount", "sold_through"]].dtypes.astype(str).to_dict()
    {'ordered_at': 'datetime64[s]', 'amount': 'float64', 'sold_through': 'category'}
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            near = nearest(recipe, RECIPES)
            hint = f" Did you mean {near}?" if near else f" There are: {', '.join(RECIPES)}."
            raise ValueError(f"There is no recipe {recipe!r}.{hint}")
        recipe = RECIPES[recipe]
    if not isinstance(recipe, Recipe):
        raise ValueError(f"recipe: {recipe!r} is neither a name nor a Recipe.")
    recipe = recipe.changed(**overrides)
    if customers is not None and not (is_number(customers) and customers > 0):
        raise ValueError(f"customers: {customers!r} is not above 0.")
    if not is_number(seed) or seed != int(seed):
        raise ValueError(f"seed: {seed!r} is not a whole number.")
    if recipe.selection == "randomised" and not recipe.invitations:
        # Without a lot nobody could ever join.
        recipe = recipe.changed(invitations=0.5, invited_join=recipe.invited_join or 0.4)
    if recipe.selection == "randomised":
        recipe = recipe.changed(invite_from=0, invite_until=10**6)
    scale = 1.0 if customers is None else customers / recipe.customers
    market = acquisition.market(recipe, scale, int(seed))
    return Simulation(recipe, int(seed), world.live(market))
