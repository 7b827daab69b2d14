"""Does joining the pool cause more repurchase? The usual figures, the corrected effect, and how far to trust it.

The door to `siyu_helpers.analysis.effect`, used by notebooks/04_pool_effect.ipynb. In order of use:

    target_trial             the question as a table: who, from when, which two courses of action, for how long
    read_histories           orders, members, traits and touches as sorted arrays, read once
    members_against_others   the usual figures; before_against_after, person_time and immortal_time take them apart
    designs                  which designs the data allow, and which is best
    invitation_effects       random invitation: effect of being invited (ITT), first stage, effect of joining (LATE)
    staggered                staggered roll-out (Callaway and Sant'Anna); roll_out makes the panel of stores or cities
    weekly_trials            each week's joiners and sampled comparators, with sampling and censoring weights
    average_treatment_effect regression adjustment, weighting, both (AIPW), matching; joining_effects over outcomes,
                             by_month, by_segment, split_of_spend, specification_grid
    balance, overlap         are the two sides alike?  placebo: did they differ before anybody joined?
    e_value, sensitivity_of  how strong hidden selection would have to be; linked_share: orders without a customer
    verdict                  strong, suggestive, or not identified here, with the rules
    brand_evidence           all of the above for one brand in one call, up to the verdict
    message_funnel           sent to ordered, uplift against a control or a bound without one
    opt_out_hazard           leaving against messages per purchase; best_frequency
    holdout_design           the experiment that would settle it: people, weeks, cost; holdout_list draws it
    worth_per_joiner         the effect in money, against what the pool costs
"""

from siyu_helpers.analysis.effect.balances import balance, balance_facts, effective_sample_size, overlap, overlap_facts
from siyu_helpers.analysis.effect.benchmarks import benchmark_covariates, partial_r2, robustness_value
from siyu_helpers.analysis.effect.best_frequency import best_frequency, frequency_curve, frequency_verdict
from siyu_helpers.analysis.effect.brand_evidence import (
    HORIZONS,
    BrandEvidence,
    brand_evidence,
    effects_by_horizon,
    ever_joined,
    frequency_evidence,
    invitation_evidence,
    roll_out_evidence,
    trials_by_horizon,
    verdicts_by_design,
)
from siyu_helpers.analysis.effect.contact_pressure import contact_pressure, opt_out_curve, opt_out_hazard
from siyu_helpers.analysis.effect.covariates import COVARIATES
from siyu_helpers.analysis.effect.designs import (
    DESIGNS,
    RULES_OUT,
    chosen_design,
    contradicts,
    design_of_verdict,
    designs,
    no_units,
)
from siyu_helpers.analysis.effect.estimators import (
    average_treatment_effect,
    average_treatment_effects,
    balancing_weights,
    propensity_scores,
)
from siyu_helpers.analysis.effect.experiment_design import design_facts, holdout_cost, holdout_design, people_needed
from siyu_helpers.analysis.effect.experiment_lists import assignment_rows, holdout_list, lot_balance, win_back_list
from siyu_helpers.analysis.effect.experiment_people import eligible_now, followed_eligible
from siyu_helpers.analysis.effect.experiment_sizes import detectable_effects, power_by_weeks, sample_sizes
from siyu_helpers.analysis.effect.histories import NEVER, Histories, read_histories
from siyu_helpers.analysis.effect.immortal import immortal_time, person_time
from siyu_helpers.analysis.effect.invitations import (
    EXCLUSION,
    Invitation,
    Invitations,
    find_invitation,
    invitation_effects,
    invitation_facts,
)
from siyu_helpers.analysis.effect.joining_effects import (
    SEGMENTS,
    by_month,
    by_segment,
    effect_table,
    fading,
    joining_effects,
    known_outcomes,
    nobody_joined,
    specification_grid,
    split_of_spend,
)
from siyu_helpers.analysis.effect.linkage import linked_bound, linked_channels_only, linked_of, linked_share
from siyu_helpers.analysis.effect.message_funnel import funnel_facts, message_funnel
from siyu_helpers.analysis.effect.message_weeks import message_weeks, pool_channels
from siyu_helpers.analysis.effect.naive import before_against_after, members_against_others, months_around_joining
from siyu_helpers.analysis.effect.placebos import placebo, placebo_bias, without_placebo_gap
from siyu_helpers.analysis.effect.pool_worth import pool_months, worth_per_joiner
from siyu_helpers.analysis.effect.published_claims import observational_errors, published_uplifts, uplift_facts
from siyu_helpers.analysis.effect.results import Effect, Effects, combined, relative
from siyu_helpers.analysis.effect.roll_outs import roll_out, roll_out_panel
from siyu_helpers.analysis.effect.sensitivity import e_value, e_value_of, sensitivity_of
from siyu_helpers.analysis.effect.staggered import GroupTime, staggered
from siyu_helpers.analysis.effect.statements import (
    STATED,
    as_change,
    lot_relative,
    payback,
    stated,
    stated_fading,
    stated_lot,
    stated_placebo,
    stated_relative,
    stated_roll_out,
    stated_split,
    stated_without,
    true_effect,
    true_relative,
    value_a_month,
)
from siyu_helpers.analysis.effect.target_trial import target_trial, target_trial_of
from siyu_helpers.analysis.effect.trial_evidence import trial_evidence
from siyu_helpers.analysis.effect.trials import sample_flow, weekly_trials
from siyu_helpers.analysis.effect.verdicts import (
    Verdict,
    best_of,
    verdict,
    verdict_of_invitation,
    verdict_of_roll_out,
    verdict_of_trials,
)
from siyu_helpers.analysis.effect.wake_up import (
    cost_per_incremental_order,
    find_wake_up,
    followed_wake_up,
    wake_up_bound,
    wake_up_rates,
)
from siyu_helpers.analysis.message_holdout import value_of_message
from siyu_helpers.analysis.order_log import REQUIRES

# Without members the page has the question and the experiment to run, and says so.
USES = {
    "members": ["customer_id", "joined_at"],
    "orders": ["refunded", "cost", "platform_fee", "acquired_through", "list_amount", "referrer_id", "store_id"],
    "customers": ["city_tier"],
    "touchpoints": ["touched_at", "customer_id"],
    "assignments": ["experiment", "customer_id", "assigned_at", "arm", "probability"],
    "messages": ["customer_id", "sent_at", "channel", "kind", "opted_out", "cost"],
    "pool_costs": ["month", "item", "amount"],
}

__all__ = [
    "COVARIATES",
    "DESIGNS",
    "EXCLUSION",
    "HORIZONS",
    "NEVER",
    "REQUIRES",
    "RULES_OUT",
    "SEGMENTS",
    "STATED",
    "USES",
    "BrandEvidence",
    "Effect",
    "Effects",
    "GroupTime",
    "Histories",
    "Invitation",
    "Invitations",
    "Verdict",
    "as_change",
    "assignment_rows",
    "average_treatment_effect",
    "average_treatment_effects",
    "balance",
    "balance_facts",
    "balancing_weights",
    "before_against_after",
    "benchmark_covariates",
    "best_frequency",
    "best_of",
    "brand_evidence",
    "by_month",
    "by_segment",
    "chosen_design",
    "combined",
    "contact_pressure",
    "contradicts",
    "cost_per_incremental_order",
    "design_facts",
    "design_of_verdict",
    "designs",
    "detectable_effects",
    "e_value",
    "e_value_of",
    "effect_table",
    "effective_sample_size",
    "effects_by_horizon",
    "eligible_now",
    "ever_joined",
    "fading",
    "find_invitation",
    "find_wake_up",
    "followed_eligible",
    "followed_wake_up",
    "frequency_curve",
    "frequency_evidence",
    "frequency_verdict",
    "funnel_facts",
    "holdout_cost",
    "holdout_design",
    "holdout_list",
    "immortal_time",
    "invitation_effects",
    "invitation_evidence",
    "invitation_facts",
    "joining_effects",
    "known_outcomes",
    "linked_bound",
    "linked_channels_only",
    "linked_of",
    "linked_share",
    "lot_balance",
    "lot_relative",
    "members_against_others",
    "message_funnel",
    "message_weeks",
    "months_around_joining",
    "no_units",
    "nobody_joined",
    "observational_errors",
    "opt_out_curve",
    "opt_out_hazard",
    "overlap",
    "overlap_facts",
    "partial_r2",
    "payback",
    "people_needed",
    "person_time",
    "placebo",
    "placebo_bias",
    "pool_channels",
    "pool_months",
    "power_by_weeks",
    "propensity_scores",
    "published_uplifts",
    "read_histories",
    "relative",
    "robustness_value",
    "roll_out",
    "roll_out_evidence",
    "roll_out_panel",
    "sample_flow",
    "sample_sizes",
    "sensitivity_of",
    "specification_grid",
    "split_of_spend",
    "staggered",
    "stated",
    "stated_fading",
    "stated_lot",
    "stated_placebo",
    "stated_relative",
    "stated_roll_out",
    "stated_split",
    "stated_without",
    "target_trial",
    "target_trial_of",
    "trial_evidence",
    "trials_by_horizon",
    "true_effect",
    "true_relative",
    "uplift_facts",
    "value_a_month",
    "value_of_message",
    "verdict",
    "verdict_of_invitation",
    "verdict_of_roll_out",
    "verdict_of_trials",
    "verdicts_by_design",
    "wake_up_bound",
    "wake_up_rates",
    "weekly_trials",
    "win_back_list",
    "without_placebo_gap",
    "worth_per_joiner",
]
