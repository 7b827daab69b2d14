"""Pool economics: 10,000 draws of 24 months with every input uncertain, and what is asked of them; the bar is 2 s.

make bench                                     10,000 draws
SIYU_BENCH_DRAWS=100000 make bench             more draws
"""

import os
import time

from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.break_even import break_even_input, break_even_size
from siyu_helpers.analysis.pool.information import value_of_information
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value

DRAWS = int(os.environ.get("SIYU_BENCH_DRAWS", "10_000"))
SECONDS = 2.0  # for 10,000 draws

TYPICAL = {
    "joiners_per_month": 240, "orders_per_month": 0.5, "uplift": 0.4, "order_value": 180, "margin": 0.35,
    "opening_members": 1000, "opening_months": 6, "share_affected": 0.9, "activity_kept": 0.95, "uplift_kept": 0.95,
    "moved_share": 0.1, "commission_saved": 0.05, "reacquisition_saved": 5, "referrals_per_month": 0.01,
    "referral_value": 60, "referral_reward": 10,
    "referral_joining_share": 0.5, "recruiting_cost": 5, "incentive_cost": 9,
    "messages_per_month": 4, "message_cost": 0.05, "opt_out_per_message": 0.004, "churn": 0.02,
    "ban_probability": 0.01, "recovery": 0.5, "service_cost": 0.3, "staff_cost": 10_000, "tool_cost": 1_500,
    "content_cost": 2_000, "setup_cost": 20_000, "discount_rate": 0.1,
}  # fmt: skip


def uncertain() -> PoolInputs:
    """Every second input a range, every second an estimate; four of them correlated."""
    made = {}
    for place, (name, value) in enumerate(TYPICAL.items()):
        spread = (0.8 * value, value, min(1.2 * value, FIELDS[name].most))
        estimate = Estimate(value, 0.8 * value, 1.2 * value, 0.9, 500, FIELDS[name].unit, "drawn", "bench")
        made[name] = estimate if place % 2 else spread
    return PoolInputs(**made, correlations={("uplift", "margin"): 0.3, ("churn", "opt_out_per_message"): 0.5})


def test_ten_thousand_draws_of_two_years(benchmark, capsys):
    inputs = uncertain()
    assert len(inputs.uncertain()) == len(FIELDS)
    result = benchmark(pool_value, inputs, months=24, draws=DRAWS)
    assert benchmark.stats["mean"] < SECONDS * DRAWS / 10_000
    seconds = {}
    for name, asked in {
        "break_even_size": lambda: break_even_size(inputs, draws=DRAWS),
        "value_of_information": lambda: value_of_information(result),
        "break_even_input": lambda: break_even_input(inputs, "uplift"),
    }.items():
        began = time.perf_counter()
        asked()
        seconds[name] = round(time.perf_counter() - began, 2)
    benchmark.extra_info.update(seconds)
    with capsys.disabled():
        print(f"\n{DRAWS:,} draws x 24 months: {benchmark.stats['mean']:.2f} s; {seconds}")  # noqa: T201
