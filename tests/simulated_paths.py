"""Journeys drawn from known chains, and what the credit of each channel truly is there, by plain matrix algebra."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

LONGEST = 150  # touches; with a chance of 0.3 to stop after each, longer journeys have a chance of 1e-23


@dataclass(frozen=True)
class TrueChain:
    """First-order chain: chances of the first and the next touch, to order, to leave; mean value by last touch."""

    start: np.ndarray
    onward: np.ndarray
    orders: np.ndarray
    leaves: np.ndarray
    value: np.ndarray

    @property
    def names(self):
        return np.array([f"c{i}" for i in range(len(self.start))], dtype=object)

    def rate(self):
        return self.start @ np.linalg.solve(np.eye(len(self.start)) - self.onward, self.orders)

    def removal_credit(self, money=False):
        """Orders (money) of one journey, shared by removal effects: one linear system for each channel taken out."""
        reward = self.orders * self.value if money else self.orders
        everything = self.start @ np.linalg.solve(np.eye(len(self.start)) - self.onward, reward)
        lost = []
        for gone in range(len(self.start)):
            stay = np.arange(len(self.start)) != gone
            inner = np.eye(stay.sum()) - self.onward[np.ix_(stay, stay)]
            lost.append(everything - self.start[stay] @ np.linalg.solve(inner, reward[stay]))
        return np.array(lost) / sum(lost) * everything

    def rule_credit(self, weight, money=False):
        """Orders (money) of one journey, shared by weight(touch, length), over journeys of every length."""
        reward = self.orders * self.value if money else self.orders
        begun, ahead = [self.start], [reward]
        for _ in range(LONGEST):
            begun.append(begun[-1] @ self.onward)
            ahead.append(self.onward @ ahead[-1])
        pairs = [(touch, length) for length in range(1, LONGEST) for touch in range(1, length + 1)]
        return sum(weight(touch, length) * begun[touch - 1] * ahead[length - touch] for touch, length in pairs)


def true_chain(channels, seed, rare=0, stop=0.3):
    """A chain with random chances; the last `rare` channels are touched about a tenth as often as the others."""
    rng = np.random.default_rng(seed)
    often = np.where(np.arange(channels) < channels - rare, 1.0, 0.1)
    onward, start = rng.dirichlet(np.ones(channels), channels) * often, rng.dirichlet(np.ones(channels)) * often
    orders = stop * rng.uniform(0.2, 0.8, channels)
    onward *= (1 - stop) / onward.sum(axis=1, keepdims=True)
    return TrueChain(start / start.sum(), onward, orders, stop - orders, 50.0 + 20 * np.arange(channels))


def drawn(chain, journeys, rng, variation=0.5):
    """Aggregated table of so many journeys; values of orders are gamma with this squared coefficient of variation."""
    channels = len(chain.start)
    chances = np.cumsum(np.column_stack([chain.onward, chain.orders, chain.leaves]), axis=1)
    at = rng.choice(channels, journeys, p=chain.start)
    alive, ordered, paths = np.arange(journeys), np.zeros(journeys, dtype=int), [[code] for code in at]
    while len(alive):
        after = np.minimum((rng.random(len(alive))[:, None] > chances[at]).sum(axis=1), channels + 1)
        ordered[alive[after == channels]] = 1
        alive, at = alive[after < channels], after[after < channels]
        for row, code in zip(alive, at, strict=True):
            paths[row].append(code)
    mean = chain.value[[path[-1] for path in paths]]
    value = rng.gamma(1 / variation, variation * mean) * ordered if variation else mean * ordered
    return summed([tuple(chain.names[path]) for path in paths], ordered, np.round(value, 2))


def summed(paths, ordered, value):
    """Single journeys as the table of journeys, with the variation of value within paths."""
    table = pd.DataFrame({"path": paths, "conversions": ordered, "value": value, "nulls": 1 - ordered})
    table["squares"] = table["value"] ** 2
    table = table.groupby("path", as_index=False).sum()
    several = table[table["conversions"] > 1]
    mean = several["value"] / several["conversions"]
    within = (several["squares"] - mean * several["value"]).sum()
    expected = (mean**2 * (several["conversions"] - 1)).sum()
    table = table.drop(columns="squares")
    table.attrs["value_variation"] = float(within / expected) if expected else 0.0
    return table


def by_dictionaries(table, order, use_nulls=True, removal="to_null"):
    """Removal effects on orders and on money, by walking every path and solving one system for each channel."""
    going, sold = defaultdict(lambda: defaultdict(float)), defaultdict(float)
    for path, conversions, value, nulls in table[["path", "conversions", "value", "nulls"]].itertuples(index=False):
        nulls = nulls if use_nulls else 0
        state = ("start",)
        for end in range(1, len(path) + 1):
            after = ("touches", *path[max(0, end - order) : end], end < order and "opening")
            going[state][after] += conversions + nulls
            state = after
        going[state]["order"] += conversions
        going[state]["none"] += nulls
        sold[state] += value
    states = [state for state in going if sum(going[state].values()) > 0]
    channels = sorted({step for path in table["path"] for step in path})
    whole = _worth(states, going, sold, None, removal)
    without = [_worth(states, going, sold, channel, removal) for channel in channels]
    with np.errstate(invalid="ignore", divide="ignore"):
        return channels, np.array([(whole - left) / whole for left in without]).reshape(-1, 2)


def _worth(states, going, sold, gone, removal):
    """Chance of an order, and money expected, of one journey without a channel."""
    inside = {state: i for i, state in enumerate(s for s in states if gone is None or gone not in s[1:])}
    matrix, reward = np.zeros((len(inside), len(inside))), np.zeros((len(inside), 2))
    for state, i in inside.items():
        open_steps = {to: n for to, n in going[state].items() if isinstance(to, str) or gone is None or to in inside}
        counted = open_steps if removal == "renormalise" else going[state]
        total = sum(counted.values())
        for to, n in open_steps.items():
            if isinstance(to, tuple) and to in inside and total > 0:
                matrix[i, inside[to]] = n / total
        if total > 0:
            reward[i] = going[state]["order"] / total, sold[state] / total
    hopeful = np.flatnonzero(np.linalg.matrix_power(np.eye(len(inside)) + (matrix > 0), len(inside)) @ reward[:, 0] > 0)
    answer = np.zeros((len(inside), 2))
    if len(hopeful):
        inner = np.eye(len(hopeful)) - matrix[np.ix_(hopeful, hopeful)]
        answer[hopeful] = np.linalg.solve(inner, reward[hopeful])
    return answer[inside[("start",)]] if ("start",) in inside else np.zeros(2)
