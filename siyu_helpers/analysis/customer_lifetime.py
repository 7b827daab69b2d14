"""Customer lifetime: how often customers will come back, until when, and what that is worth.

The door to `siyu_helpers.analysis.lifetime`, used by notebooks/02_repurchase_cohorts.ipynb. In order of use:

    summarise            orders -> one row a customer
    data_gate            can these data carry a model at all?
    check_holdout        all models and two baselines against days held out; `verdict` says how it went
    forecast_gate        may a lifetime value be stated, so far ahead?
    fit_bg_nbd, ...      the chosen model on all the data; fit_gamma_gamma for the spend
    forecast_total       purchases and revenue to come, with the interval of the expected and of the realised total
    lifetime_value, lifetime_value_by, value_of_one_time_buyers, spend_independence
"""

from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd
from siyu_helpers.analysis.lifetime.fits import Fit
from siyu_helpers.analysis.lifetime.forecasts import customer_forecasts, forecast_total, total_estimates
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.holdout import (
    MODELS,
    NAMES,
    Holdout,
    Verdict,
    check_holdout,
    choose_model,
    forecast_gate,
    tracking,
    verdict,
)
from siyu_helpers.analysis.lifetime.outlook import Outlook, outlook
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd
from siyu_helpers.analysis.lifetime.summaries import data_gate, summarise
from siyu_helpers.analysis.lifetime.value import (
    frequency_class,
    lifetime_value,
    lifetime_value_by,
    spend_by_frequency,
    spend_independence,
    value_estimates,
    value_of_one_time_buyers,
)
from siyu_helpers.analysis.order_log import REQUIRES

__all__ = [
    "MODELS",
    "NAMES",
    "REQUIRES",
    "Fit",
    "Holdout",
    "Outlook",
    "Verdict",
    "check_holdout",
    "choose_model",
    "customer_forecasts",
    "data_gate",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_mbg_nbd",
    "fit_pareto_nbd",
    "forecast_gate",
    "forecast_total",
    "frequency_class",
    "lifetime_value",
    "lifetime_value_by",
    "outlook",
    "spend_by_frequency",
    "spend_independence",
    "summarise",
    "total_estimates",
    "tracking",
    "value_estimates",
    "value_of_one_time_buyers",
    "verdict",
]
