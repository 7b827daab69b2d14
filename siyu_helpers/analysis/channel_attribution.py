"""Channel attribution: which channels deserve credit, under which rule, how sure that is, and who feeds the pool.

The door to `siyu_helpers.analysis.attribution`, used by notebooks/03_channel_attribution.ipynb. In order of use:

    journeys             touches and orders -> paths with conversions, value, nulls; read_paths takes ready-made ones;
                         flow_table says where the rows went, linked_share of how many orders the way is known
    credit               first, last, last non-direct, linear, position, time decay
    markov               the absorbing chain, exact, of order 1 to 3; transition_matrix, choose_order
    shapley              equal shares over the channels of a path, checked by enumeration
    bootstrap            intervals of credit and of ranks, from journeys drawn anew; interval_gate warns of few
    compare_rules        all rules side by side; range_over_rules: how much depends on the rule
    hand_over            public -> semi-private -> private -> order; feeders_and_closers, paid_first_share
    joining_times        first touch -> joining the pool -> first order
    attributed_cost      cost and return by channel and rule; cost_range; upstream_spend charges the pool its share
    claimed_against_orders  what platforms claim, beside the orders there were
    calibrate            credit corrected by a lift test
    credit_against_truth    credit beside what would be lost: credit is not cause
"""

from siyu_helpers.analysis.attribution.bootstraps import bootstrap, interval_gate
from siyu_helpers.analysis.attribution.chain_orders import choose_order
from siyu_helpers.analysis.attribution.chains import (
    always_order,
    conversion_probability,
    markov,
    removal_effects,
    transition_matrix,
)
from siyu_helpers.analysis.attribution.commonest_paths import commonest_paths, one_channel_share
from siyu_helpers.analysis.attribution.comparisons import (
    channel_facts,
    compare_rules,
    domain_facts,
    domain_shares,
    moved_by_order,
    moved_credit,
    range_over_rules,
    share_under,
)
from siyu_helpers.analysis.attribution.hand_overs import (
    channel_share,
    feeders_and_closers,
    hand_over,
    hand_over_counts,
    hand_over_share,
    paid_first_share,
    private_orders,
)
from siyu_helpers.analysis.attribution.incrementality import (
    channel_against_truth,
    credit_against_truth,
    mean_absolute_error,
    true_loss,
    truth_facts,
)
from siyu_helpers.analysis.attribution.joining_times import GROUPS as JOINING_GROUPS
from siyu_helpers.analysis.attribution.joining_times import STEPS as JOINING_STEPS
from siyu_helpers.analysis.attribution.joining_times import joining_days, joining_order, joining_times
from siyu_helpers.analysis.attribution.journeys import FLOW_WORDS, flow_table, journeys, linked_share
from siyu_helpers.analysis.attribution.lift_tests import (
    calibrate,
    calibrated_cac,
    calibrated_cost,
    calibration_facts,
    cost_in_test,
    usable_tests,
)
from siyu_helpers.analysis.attribution.money import (
    attributed_cost,
    break_even_return,
    cost_facts,
    cost_order,
    cost_range,
)
from siyu_helpers.analysis.attribution.paths import aggregate, read_paths
from siyu_helpers.analysis.attribution.platform_claims import claim_parts, claimed_against_orders, double_counting
from siyu_helpers.analysis.attribution.rules import DEFINITIONS, RULE_WORDS, RULES, credit, definition
from siyu_helpers.analysis.attribution.rules import OPTIONS as RULE_OPTIONS
from siyu_helpers.analysis.attribution.shapley_values import shapley
from siyu_helpers.analysis.attribution.spend_periods import channels_with_spend, days_of_months, last_months
from siyu_helpers.analysis.attribution.untouched import untouched_orders
from siyu_helpers.analysis.attribution.upstream import compare_domains_with_upstream, pool_upstream, upstream_spend
from siyu_helpers.analysis.order_log import REQUIRES

# Without touchpoints the page has its worked example only, and says so.
USES = {
    "touchpoints": ["visitor_id", "touched_at", "channel", "customer_id"],
    "orders": ["refunded", "acquired_through"],
    "customers": ["first_order_at"],
    "spend": ["date", "channel", "spend", "claimed_conversions"],
    "members": ["customer_id", "joined_at"],
}

__all__ = [
    "DEFINITIONS",
    "FLOW_WORDS",
    "JOINING_GROUPS",
    "JOINING_STEPS",
    "REQUIRES",
    "RULES",
    "RULE_OPTIONS",
    "RULE_WORDS",
    "USES",
    "aggregate",
    "always_order",
    "attributed_cost",
    "bootstrap",
    "break_even_return",
    "calibrate",
    "calibrated_cac",
    "calibrated_cost",
    "calibration_facts",
    "channel_against_truth",
    "channel_facts",
    "channel_share",
    "channels_with_spend",
    "choose_order",
    "claim_parts",
    "claimed_against_orders",
    "commonest_paths",
    "compare_domains_with_upstream",
    "compare_rules",
    "conversion_probability",
    "cost_facts",
    "cost_in_test",
    "cost_order",
    "cost_range",
    "credit",
    "credit_against_truth",
    "days_of_months",
    "definition",
    "domain_facts",
    "domain_shares",
    "double_counting",
    "feeders_and_closers",
    "flow_table",
    "hand_over",
    "hand_over_counts",
    "hand_over_share",
    "interval_gate",
    "joining_days",
    "joining_order",
    "joining_times",
    "journeys",
    "last_months",
    "linked_share",
    "markov",
    "mean_absolute_error",
    "moved_by_order",
    "moved_credit",
    "one_channel_share",
    "paid_first_share",
    "pool_upstream",
    "private_orders",
    "range_over_rules",
    "read_paths",
    "removal_effects",
    "shapley",
    "share_under",
    "transition_matrix",
    "true_loss",
    "truth_facts",
    "untouched_orders",
    "upstream_spend",
    "usable_tests",
]
