"""Acquisition cost: what a new customer costs, whether that rises, why, what the next one costs, when it is paid back.

The door to `siyu_helpers.analysis.acquisition`, used by notebooks/01_acquisition_cost.ipynb. In order of use:

    cost_table           spend and orders -> spend, new customers and cost by month and channel, in four variants
    cac, totals, compare_domains
    trend                growth a year, with season and Spring Festival taken out; growth, chance_rising, break_test
    decompose_change     why it moved: channel mix and cost within channels; decompose_funnel goes on to media price,
                         click rate and conversion
    response             elasticity of new customers to spend, marginal cost; best_spend, spend_plan
    forecast             months ahead, by the model that did best on months held out
    acquired_value       orders -> what new customers brought in; payback sets it against their cost; payback_month,
                         ltv_to_cac, affordable_cac
    brand_inputs         the profit identity of the source articles, and the full one: source_identity, full_identity
    filings_ratios       the market: spend of listed platforms per net new and per active buyer; claims_register
"""

from siyu_helpers.analysis.acquisition.best_spends import BEST_SPEND_STATUS, best_spend
from siyu_helpers.analysis.acquisition.breaks import Break, break_test
from siyu_helpers.analysis.acquisition.change import (
    COMPONENTS,
    FUNNEL_COMPONENTS,
    change_estimates,
    decompose_change,
    decompose_funnel,
    waterfall,
)
from siyu_helpers.analysis.acquisition.claims import (
    VERDICT_NAMES,
    claims_register,
    claims_with,
    growth_beside,
    nearest_figures,
    one_row_per_claim,
    orders_to_recover,
    thirty_to_250,
    verdict_counts,
)
from siyu_helpers.analysis.acquisition.cost_comparisons import (
    compare_variants,
    finest_table,
    growth_rows,
    recent_months,
    side_by_side,
)
from siyu_helpers.analysis.acquisition.costs import (
    CHARGES,
    VARIANTS,
    cac,
    compare_domains,
    complete_periods,
    cost_table,
    funnel_table,
    last_periods,
    paid_channels,
    period_column,
    totals,
    years_apart,
)
from siyu_helpers.analysis.acquisition.filings import (
    annual_figures,
    churn_band,
    filings_ratios,
    left_out,
    pooled,
    ratio,
    saturation,
)
from siyu_helpers.analysis.acquisition.filings import growth as filings_growth
from siyu_helpers.analysis.acquisition.filings import growth_table as filings_growth_table
from siyu_helpers.analysis.acquisition.forecasts import (
    MODEL_WORDS,
    backtest_table,
    coverage_estimate,
    error_estimate,
    forecast,
    forecast_estimate,
    relative_error,
)
from siyu_helpers.analysis.acquisition.forecasts import verdict as forecast_verdict
from siyu_helpers.analysis.acquisition.payback import (
    HORIZONS,
    acquired_value,
    affordable_cac,
    headroom,
    ltv_to_cac,
    payback,
    payback_month,
    payback_summary,
)
from siyu_helpers.analysis.acquisition.plans import (
    PLAN_STATUS,
    cost_of_extra,
    extra_customers,
    growth_of_customers,
    planned_cac,
    planned_customers,
    spend_plan,
)
from siyu_helpers.analysis.acquisition.platform_names import COMPANIES, GUARDS, MEASURES, period_name, place_name
from siyu_helpers.analysis.acquisition.profit_identity import (
    full_identity,
    profit_estimates,
    repurchase_formulas,
    source_identity,
)
from siyu_helpers.analysis.acquisition.profit_inputs import brand_identities, brand_inputs
from siyu_helpers.analysis.acquisition.responses import average_cac, elasticity, marginal_cac, response
from siyu_helpers.analysis.acquisition.seasons import adjusted, festival_effect, seasonal_levels
from siyu_helpers.analysis.acquisition.trends import chance_rising, direction, growth, trend
from siyu_helpers.analysis.order_log import REQUIRES

# Without spend the page has its market part only, and says so.
USES = {
    "spend": ["date", "channel", "spend", "impressions", "clicks", "visitors"],
    "touchpoints": ["visitor_id", "touched_at", "channel", "customer_id"],
    "orders": ["acquired_through", "refunded", "cost", "platform_fee"],
    "customers": ["first_order_at"],
    "pool_costs": ["month", "item", "amount"],
    "members": ["customer_id", "joined_at"],
    "messages": ["sent_at", "cost"],
}

__all__ = [
    "BEST_SPEND_STATUS",
    "CHARGES",
    "COMPANIES",
    "COMPONENTS",
    "FUNNEL_COMPONENTS",
    "GUARDS",
    "HORIZONS",
    "MEASURES",
    "MODEL_WORDS",
    "PLAN_STATUS",
    "REQUIRES",
    "USES",
    "VARIANTS",
    "VERDICT_NAMES",
    "Break",
    "acquired_value",
    "adjusted",
    "affordable_cac",
    "annual_figures",
    "average_cac",
    "backtest_table",
    "best_spend",
    "brand_identities",
    "brand_inputs",
    "break_test",
    "cac",
    "chance_rising",
    "change_estimates",
    "churn_band",
    "claims_register",
    "claims_with",
    "compare_domains",
    "compare_variants",
    "complete_periods",
    "cost_of_extra",
    "cost_table",
    "coverage_estimate",
    "decompose_change",
    "decompose_funnel",
    "direction",
    "elasticity",
    "error_estimate",
    "extra_customers",
    "festival_effect",
    "filings_growth",
    "filings_growth_table",
    "filings_ratios",
    "finest_table",
    "forecast",
    "forecast_estimate",
    "forecast_verdict",
    "full_identity",
    "funnel_table",
    "growth",
    "growth_beside",
    "growth_of_customers",
    "growth_rows",
    "headroom",
    "last_periods",
    "left_out",
    "ltv_to_cac",
    "marginal_cac",
    "nearest_figures",
    "one_row_per_claim",
    "orders_to_recover",
    "paid_channels",
    "payback",
    "payback_month",
    "payback_summary",
    "period_column",
    "period_name",
    "place_name",
    "planned_cac",
    "planned_customers",
    "pooled",
    "profit_estimates",
    "ratio",
    "recent_months",
    "relative_error",
    "repurchase_formulas",
    "response",
    "saturation",
    "seasonal_levels",
    "side_by_side",
    "source_identity",
    "spend_plan",
    "thirty_to_250",
    "totals",
    "trend",
    "verdict_counts",
    "waterfall",
    "years_apart",
]
