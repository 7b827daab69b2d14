"""Do the 90% intervals of credit contain the truth in 90 of 100 simulated brands?

Every simulation draws journeys from a chain whose chances are known, with about 500 orders (2,000 in some), rare and
common channels and repeated touches, and sends them through `bootstrap`. What the credit truly is comes from matrix
algebra on the chain itself (`simulated_paths`). The full runs print their count with `pytest -rP`.
"""

import numpy as np
import pytest
from simulated_paths import drawn, true_chain

from siyu_helpers.analysis.attribution.bootstraps import bootstrap
from siyu_helpers.analysis.estimates import coverage

#: Chain of so many channels, of which the last so many are rare; channel whose credit is asked; orders drawn.
CASES = {
    "3 channels, common": (3, 0, 1, 500),
    "6 channels, common": (6, 2, 0, 500),
    "6 channels, rare": (6, 2, 5, 500),
    "10 channels, common": (10, 3, 2, 500),
    "10 channels, rare": (10, 3, 8, 500),
    "10 channels, hardly any": (10, 3, 9, 500),
    "10 channels, 2,000 orders": (10, 3, 4, 2_000),
}
RULES = {  # weight of a touch in a journey of so many
    "first": lambda touch, length: float(touch == 1),
    "last": lambda touch, length: float(touch == length),
    "linear": lambda touch, length: 1 / length,
    "position": lambda touch, length: 1 / length if length < 3 else 0.4 if touch in (1, length) else 0.2 / (length - 2),
}


FULL = pytest.mark.full


def said(result):
    print(f"{result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    return result


def covered(case, method, of, credit, runs, seed, **options):
    """credit : of one journey, of all channels, by the chain itself."""
    channels, rare, asked, orders = CASES[case]
    chain = true_chain(channels, seed=channels, rare=rare)
    journeys = round(orders / chain.rate())
    true = credit(chain)
    truth = (true / true.sum())[asked] if of == "share" else true[asked] * journeys

    def interval(table):
        found = bootstrap(table, method, of=of, **options).set_index("channel").loc[f"c{asked}"]
        return found["low"], found["high"]

    return said(coverage(lambda rng: drawn(chain, journeys, rng), interval, truth, runs, seed))


@pytest.mark.parametrize("case", [pytest.param(case, marks=FULL if case in list(CASES)[3:] else ()) for case in CASES])
def test_removal_share(runs, case):
    assert covered(case, "markov", "share", lambda chain: chain.removal_credit(), runs, seed=11).meets_bar()


@pytest.mark.parametrize("of", ["conversions", "value"])
@pytest.mark.parametrize("case", ["6 channels, common", pytest.param("10 channels, rare", marks=FULL)])
def test_removal_credit_in_orders_and_money(runs, case, of):
    found = covered(case, "markov", of, lambda chain: chain.removal_credit(money=of == "value"), runs, seed=12)
    assert found.meets_bar()


@pytest.mark.parametrize(
    "rule", [pytest.param(rule, marks=() if rule in ("first", "linear") else FULL) for rule in RULES]
)
@pytest.mark.parametrize("case", ["6 channels, common", pytest.param("10 channels, rare", marks=FULL)])
def test_share_by_rule(runs, case, rule):
    assert covered(case, rule, "share", lambda chain: chain.rule_credit(RULES[rule]), runs, seed=13).meets_bar()


@pytest.mark.full
def test_share_of_a_channel_that_hardly_anybody_touches_first(runs):
    """0.3 of 500 orders: where none is seen the interval must not be 0 to 0. Limits of counts cover too often."""
    found = covered("10 channels, hardly any", "first", "share", lambda c: c.rule_credit(RULES["first"]), runs, seed=16)
    assert found.meets_bar(conservative=True)


@pytest.mark.parametrize("of", [pytest.param("conversions", marks=FULL), "value"])
def test_orders_and_money_by_rule(runs, of):
    def credit(chain):
        return chain.rule_credit(RULES["linear"], money=of == "value")

    assert covered("6 channels, common", "linear", of, credit, runs, seed=14).meets_bar()


@pytest.mark.full
def test_shapley_share(runs):
    """The truth by counting: 300,000 journeys drawn once, each shared over its distinct channels."""

    def credit(chain):
        many = drawn(chain, 300_000, np.random.default_rng(1))
        found = np.zeros(len(chain.start))
        for path, conversions in zip(many["path"], many["conversions"], strict=True):
            for name in set(path):
                found[int(name[1:])] += conversions / len(set(path))
        return found

    assert covered("6 channels, common", "shapley", "share", credit, runs, seed=15).meets_bar()
