"""Small invented brands that several tests look at; none of them is written to."""

import pytest

from siyu_helpers.data.simulate import simulate


@pytest.fixture(scope="session")
def xiaoman():
    """A small Xiaoman with all it has: pool, experiments, text messages."""
    return simulate("xiaoman", customers=4_000, seed=11)


@pytest.fixture(scope="session")
def sanli():
    """A small Sanli: shops, distances, many messages, a holdout."""
    return simulate("sanli", customers=2_500, seed=12, ban_chance=0.08)
