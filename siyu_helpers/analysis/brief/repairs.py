"""The same pool with an established leak repaired: fewer promotions, where a lot has settled that there are too many.

Opens no files and draws nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.break_even import moved
from siyu_helpers.analysis.pool.inputs import PoolInputs, typical_of

TOO_MANY = "too many"


def repaired(
    inputs: PoolInputs, frequency: str, frequency_facts: Mapping[str, Estimate | Refused]
) -> PoolInputs | None:
    """Return the inputs with promotions cut to the prudent number; None where there is no such leak.

    PoolInputs, verdict of `frequency_verdict`, dict of `best_frequency`  ->  PoolInputs or None

    Parameters
    ----------
    inputs : PoolInputs
        As the pool is run today.
    frequency : str
        "too many" is a leak; anything else is not.
    frequency_facts : dict
        sent_per_month and prudent_per_month: promotions sent in the lot and the cautious number. message_lift: what the
        promotions add to the contribution of those who stay.

    Notes
    -----
    The number of promotions falls in the proportion of the two. What they add is taken to fall in the same proportion,
    which is cautious: the first messages of a month add most. Opt-outs per message stay as they are, which is cautious
    too: they rise with the number of messages.

    Example
    -------
    >>> made = PoolInputs(100, 1.0, 0.5, 30, 0.5, messages_per_month=20)
    >>> number = lambda value: Estimate.exact(value, 100, "messages a month", "by hand", repaired)
    >>> facts = {"sent_per_month": number(30), "prudent_per_month": number(15), "message_lift": number(0.1)}
    >>> fixed = repaired(made, "too many", facts)
    >>> fixed.messages_per_month, round(fixed.uplift, 3), repaired(made, "not settled", facts)
    (10.0, 0.432, None)
    """
    sent, prudent = (frequency_facts.get(name) for name in ("sent_per_month", "prudent_per_month"))
    if frequency != TOO_MANY or not isinstance(sent, Estimate) or not isinstance(prudent, Estimate):
        return None
    if not 0 <= prudent.value < sent.value:
        return None
    left = prudent.value / sent.value
    fewer = moved(inputs, "messages_per_month", typical_of(inputs.messages_per_month) * left)
    lift = frequency_facts.get("message_lift")
    if not isinstance(lift, Estimate) or lift.value <= 0:
        return fewer
    gain = typical_of(inputs.uplift)
    by_messages = (1 + gain) * lift.value / (1 + lift.value)
    made = moved(fewer, "uplift", max(gain - by_messages * (1 - left), -1.0))
    # Where the gain comes from stays what it was: whether it is a measurement decides what its face value is.
    return dataclasses.replace(made, origins=dict(made.origins) | {"uplift": inputs.origin("uplift")})
