"""Does a pool pay for this kind of business, at this size? Its economics, the rules of the trade, and the industries.

The door to `siyu_helpers.analysis.pool`, used by notebooks/05_industry_fit.ipynb and 06. In order of use:

    PoolInputs               every input of a pool's economics: a number, (low, typical, high) or an Estimate
    brand_inputs             the inputs of a brand from its tables, the table of industries and stated assumptions
    pool_value               value month by month, payback, probability of paying, tornado
    value_of_information     which input is worth finding out before deciding
    break_even_size          customers that the pool needs to carry itself; break_even_input: where one input flips it
    ban_risk, concentration  what bans of accounts may cost; value_of_second_account
    capacity, stage_of       how many customers an account and a person can serve; how far the brand is
    tap_closed               the pool without further recruiting
    rules_of_brand           rules of the trade as results: claim, the brand's figures, whether they agree
    fit                      industries by what a pool brings over what it costs; place_brand puts the brand among them
    scorecard                which channels are one's own, by criteria and by what each source says
    triangle, k_factor       ownership, value and referral as indices; how referral multiplies
"""

from siyu_helpers.analysis.order_log import REQUIRES
from siyu_helpers.analysis.pool.accounts import accounts_of, ban_rate, banned_list, members_now, recovery_rate
from siyu_helpers.analysis.pool.ban_risk import ban_risk, concentration, expected_loss, value_of_second_account
from siyu_helpers.analysis.pool.bargain_hunters import bargain_hunters
from siyu_helpers.analysis.pool.brand_channels import brand_channels, two_links
from siyu_helpers.analysis.pool.brand_inputs import BrandInputs, brand_inputs
from siyu_helpers.analysis.pool.brand_rules import BrandRules, rules_of_brand
from siyu_helpers.analysis.pool.break_even import break_even_input, break_even_joiners, break_even_size, moved
from siyu_helpers.analysis.pool.capacity import capacity, capacity_rule, own_capacity
from siyu_helpers.analysis.pool.catchment import catchment
from siyu_helpers.analysis.pool.channel_scores import (
    SOURCE_NAMES,
    agreement_between_sources,
    class_counts,
    contradictions,
    scorecard,
    sensitivity,
)
from siyu_helpers.analysis.pool.contact import contact_pressure, contact_rule
from siyu_helpers.analysis.pool.cycle_rule import cycle_rule
from siyu_helpers.analysis.pool.discounts import discounts, margin_waterfall
from siyu_helpers.analysis.pool.free_channel import free_channel
from siyu_helpers.analysis.pool.harvest import Harvest, harvest_or_cultivate
from siyu_helpers.analysis.pool.industries import article_list_rule, fit, industry_figures, place_brand
from siyu_helpers.analysis.pool.industry_tables import industry_inputs, stated_assumptions, table_evidence
from siyu_helpers.analysis.pool.information import conditional_mean, value_of_information
from siyu_helpers.analysis.pool.input_words import FIELDS, InputField
from siyu_helpers.analysis.pool.inputs import (
    ORIGINS,
    Origin,
    PoolInputs,
    draws_of,
    inputs_table,
    quantile_of,
    typical_of,
)
from siyu_helpers.analysis.pool.operating_cycle import operating_cycle
from siyu_helpers.analysis.pool.price_bands import price_bands
from siyu_helpers.analysis.pool.product_quality import product_quality
from siyu_helpers.analysis.pool.referral import (
    ambassadors,
    further_customers,
    k_factor,
    nobody_in_pool,
    pool_of,
    share_of_new,
)
from siyu_helpers.analysis.pool.referral_log import ReferralLog, read_referrals
from siyu_helpers.analysis.pool.referral_rules import referral_rules
from siyu_helpers.analysis.pool.referred_quality import SELF_SELECTION, referred_quality, worth_more
from siyu_helpers.analysis.pool.rules import RuleResult
from siyu_helpers.analysis.pool.stages import Stage, TapClosed, inflow_to_hold, keep_fishing, stage_of, tap_closed
from siyu_helpers.analysis.pool.statement import pool_statement, statement_figures
from siyu_helpers.analysis.pool.tolls import tolls
from siyu_helpers.analysis.pool.triangle import area, triangle, triangle_levers
from siyu_helpers.analysis.pool.value import (
    PoolValue,
    contribution_per_member,
    flows,
    month_money,
    pool_value,
    staying,
    tornado,
)
from siyu_helpers.analysis.pool.value_facts import (
    going_on,
    information_facts,
    money_at_risk,
    origin_counts,
    rule_counts,
    value_parts,
)

# Without members or costs the page computes with the table of industries and stated assumptions, and says so.
USES = {
    "members": ["customer_id", "joined_at", "left_at", "account_id"],
    "pool_costs": ["month", "item", "amount"],
    "messages": ["customer_id", "sent_at", "channel", "kind", "opted_out", "cost"],
    "accounts": ["account_id", "opened_at", "banned_at", "staff"],
    "orders": [
        "list_amount", "refunded", "cost", "platform_fee", "acquired_through", "sold_through", "referrer_id",
        "distance_km",
    ],
    "customers": ["city_tier"],
    "touchpoints": ["touched_at", "customer_id"],
    "assignments": ["experiment", "customer_id", "assigned_at", "arm", "probability"],
    "spend": ["date", "channel", "spend"],
}  # fmt: skip

__all__ = [
    "FIELDS",
    "ORIGINS",
    "REQUIRES",
    "SELF_SELECTION",
    "SOURCE_NAMES",
    "USES",
    "BrandInputs",
    "BrandRules",
    "Harvest",
    "InputField",
    "Origin",
    "PoolInputs",
    "PoolValue",
    "ReferralLog",
    "RuleResult",
    "Stage",
    "TapClosed",
    "accounts_of",
    "agreement_between_sources",
    "ambassadors",
    "area",
    "article_list_rule",
    "ban_rate",
    "ban_risk",
    "banned_list",
    "bargain_hunters",
    "brand_channels",
    "brand_inputs",
    "break_even_input",
    "break_even_joiners",
    "break_even_size",
    "capacity",
    "capacity_rule",
    "catchment",
    "class_counts",
    "concentration",
    "conditional_mean",
    "contact_pressure",
    "contact_rule",
    "contradictions",
    "contribution_per_member",
    "cycle_rule",
    "discounts",
    "draws_of",
    "expected_loss",
    "fit",
    "flows",
    "free_channel",
    "further_customers",
    "going_on",
    "harvest_or_cultivate",
    "industry_figures",
    "industry_inputs",
    "inflow_to_hold",
    "information_facts",
    "inputs_table",
    "k_factor",
    "keep_fishing",
    "margin_waterfall",
    "members_now",
    "money_at_risk",
    "month_money",
    "moved",
    "nobody_in_pool",
    "operating_cycle",
    "origin_counts",
    "own_capacity",
    "place_brand",
    "pool_of",
    "pool_statement",
    "pool_value",
    "price_bands",
    "product_quality",
    "quantile_of",
    "read_referrals",
    "recovery_rate",
    "referral_rules",
    "referred_quality",
    "rule_counts",
    "rules_of_brand",
    "scorecard",
    "sensitivity",
    "share_of_new",
    "stage_of",
    "stated_assumptions",
    "statement_figures",
    "staying",
    "table_evidence",
    "tap_closed",
    "tolls",
    "tornado",
    "triangle",
    "triangle_levers",
    "two_links",
    "typical_of",
    "value_of_information",
    "value_of_second_account",
    "value_parts",
    "worth_more",
]
