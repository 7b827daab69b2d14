"""Which of the claims made for private traffic hold? Each claim with its source, its grade, and what tests it here.

The door to `siyu_helpers.analysis.evidence`, used by notebooks/07_evidence_register.ipynb. In order of use:

    register, register_counts   every claim of the four articles, what computes it, whether this brand can test it
    claim_arithmetic            the articles' figures, worked out from themselves and stated assumptions
    warning_checks              the articles' warnings, on one brand's tables
    contradiction_register      where the articles contradict one another, arithmetic or public facts
    source_worth                what each article is worth as a source
"""

from siyu_helpers.analysis.evidence.arithmetic import VERDICT_NAMES, Arithmetic
from siyu_helpers.analysis.evidence.awareness_ceiling import awareness_ceiling
from siyu_helpers.analysis.evidence.claim_arithmetic import assumption_table, claim_arithmetic, verdict_counts
from siyu_helpers.analysis.evidence.contact_arithmetic import (
    added_contacts,
    content_engagement,
    dormant_base,
    followers,
    menu_steps,
    wake_up_plausibility,
)
from siyu_helpers.analysis.evidence.contradictions import (
    contradicted_by_arithmetic,
    contradiction_counts,
    contradiction_register,
    contradictions_between,
    unresolved_contradictions,
)
from siyu_helpers.analysis.evidence.data_access import data_access
from siyu_helpers.analysis.evidence.kept_contacts import kept_contacts
from siyu_helpers.analysis.evidence.membership_gate import membership_gate
from siyu_helpers.analysis.evidence.one_time_buyers import one_time_buyers
from siyu_helpers.analysis.evidence.price_shock import price_shock
from siyu_helpers.analysis.evidence.pull_or_push import pull_or_push
from siyu_helpers.analysis.evidence.reach_overlap import reach_overlap
from siyu_helpers.analysis.evidence.register import (
    SOURCES,
    counts_by,
    register,
    register_counts,
    source_worth,
    unresolved,
)
from siyu_helpers.analysis.evidence.sales_arithmetic import (
    breadth,
    brushing_cost,
    keyword_price,
    mall_sales,
    meal_sales,
    second_home,
)
from siyu_helpers.analysis.evidence.traffic_anomalies import traffic_anomalies
from siyu_helpers.analysis.evidence.warning_checks import CLAIM_IDS, WarningChecks, check_counts, warning_checks
from siyu_helpers.analysis.evidence.weak_ties import weak_ties
from siyu_helpers.analysis.order_log import REQUIRES

# The register needs no table; each warning needs its own, and says so where it is missing.
USES = {
    "members": ["customer_id", "joined_at", "left_at", "entry"],
    "messages": ["customer_id", "sent_at", "channel", "kind", "read", "opted_out"],
    "accounts": ["account_id", "opened_at", "banned_at"],
    "touchpoints": ["visitor_id", "touched_at", "channel", "customer_id"],
    "spend": ["date", "channel", "spend", "clicks"],
    "assignments": ["experiment", "customer_id", "assigned_at", "arm"],
    "orders": ["refunded", "cost", "platform_fee", "acquired_through", "sold_through", "referrer_id"],
}

__all__ = [
    "CLAIM_IDS",
    "REQUIRES",
    "SOURCES",
    "USES",
    "VERDICT_NAMES",
    "Arithmetic",
    "WarningChecks",
    "added_contacts",
    "assumption_table",
    "awareness_ceiling",
    "breadth",
    "brushing_cost",
    "check_counts",
    "claim_arithmetic",
    "content_engagement",
    "contradicted_by_arithmetic",
    "contradiction_counts",
    "contradiction_register",
    "contradictions_between",
    "counts_by",
    "data_access",
    "dormant_base",
    "followers",
    "kept_contacts",
    "keyword_price",
    "mall_sales",
    "meal_sales",
    "membership_gate",
    "menu_steps",
    "one_time_buyers",
    "price_shock",
    "pull_or_push",
    "reach_overlap",
    "register",
    "register_counts",
    "second_home",
    "source_worth",
    "traffic_anomalies",
    "unresolved",
    "unresolved_contradictions",
    "verdict_counts",
    "wake_up_plausibility",
    "warning_checks",
    "weak_ties",
]
