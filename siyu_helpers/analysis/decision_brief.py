"""What to do about the private pool, on one page: verdict, five numbers, the next 90 days, and what could be wrong.

The door to `siyu_helpers.analysis.brief`, used by notebooks/06_decision_brief.ipynb. In order of use:

    decide                   build, pilot, fix first, do not, or cannot be judged: with its probability and its rule
    flips                    where each input would change the verdict, and how far the brand is from there
    five_numbers             the five numbers of the brief, each with its interval
    next_steps               what to do in the next 90 days: who, by when, for how much, and when to stop
    weak_links               the three weakest links of the evidence
    decision_record          the line of the index over all brands
"""

from siyu_helpers.analysis.brief.decisions import (
    VERDICT_WORDS,
    Decision,
    Grounds,
    asked,
    at_face_value,
    checked_grounds,
    decide,
    deciding_rule,
    paying,
    thresholds,
    verdict_at,
)
from siyu_helpers.analysis.brief.five_numbers import (
    Number,
    decision_record,
    five_numbers,
    money_facts,
    what_can_be_said,
)
from siyu_helpers.analysis.brief.flips import evidence_flips, flips, nearest_flips
from siyu_helpers.analysis.brief.next_steps import Step, budgets, next_steps
from siyu_helpers.analysis.brief.repairs import repaired
from siyu_helpers.analysis.brief.weak_links import LinkWords, weak_links
from siyu_helpers.analysis.industry_fit import REQUIRES, USES

__all__ = [
    "REQUIRES",
    "USES",
    "VERDICT_WORDS",
    "Decision",
    "Grounds",
    "LinkWords",
    "Number",
    "Step",
    "asked",
    "at_face_value",
    "budgets",
    "checked_grounds",
    "decide",
    "deciding_rule",
    "decision_record",
    "evidence_flips",
    "five_numbers",
    "flips",
    "money_facts",
    "nearest_flips",
    "next_steps",
    "paying",
    "repaired",
    "thresholds",
    "verdict_at",
    "weak_links",
    "what_can_be_said",
]
