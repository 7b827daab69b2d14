"""What the words, metaphors and formulas of private traffic mean, computed.

The door to `siyu_helpers.analysis.concept`, used by notebooks/00_concepts.ipynb. In order of use:

    terms, metric_dictionary  the vocabulary where it is needed; each metric with every variant that the pages use
    pond, pond_of_brand       the sea and the pond: what comes in, what breeds, what leaves, what is taken
    dinner, dinner_of_brand   the private dinner: whom to let in
    toll_road(_of_brand)      the toll road: what the platform takes on repeat orders
    paid_pond(_of_brand)      the public pond: what a paid trial is worth, and when a small budget runs dry
    house, house_of_brand     the house: six parts of a pool, measured
"""

from siyu_helpers.analysis.concept.dictionary import (
    dictionary_counts,
    metric_dictionary,
    terms,
    terms_of,
    variants_of,
)
from siyu_helpers.analysis.concept.dinner import SLIDER as DINNER_SLIDER
from siyu_helpers.analysis.concept.dinner import dinner, dinner_of_brand
from siyu_helpers.analysis.concept.house import SLIDER as HOUSE_SLIDER
from siyu_helpers.analysis.concept.house import house, house_measures, house_of_brand
from siyu_helpers.analysis.concept.models import Model, Slider
from siyu_helpers.analysis.concept.paid_pond import SLIDER as PAID_POND_SLIDER
from siyu_helpers.analysis.concept.paid_pond import paid_pond, paid_pond_of_brand
from siyu_helpers.analysis.concept.pond import SLIDER as POND_SLIDER
from siyu_helpers.analysis.concept.pond import pond, pond_of_brand
from siyu_helpers.analysis.concept.toll_road import SLIDER as TOLL_ROAD_SLIDER
from siyu_helpers.analysis.concept.toll_road import toll_road, toll_road_of_brand
from siyu_helpers.analysis.order_log import REQUIRES

# The words and the models need no table at all; what the brand's own figures say beside them, these.
USES = {
    "members": ["customer_id", "joined_at", "left_at", "account_id"],
    "messages": ["customer_id", "sent_at", "channel", "kind", "opted_out"],
    "accounts": ["account_id", "opened_at", "banned_at", "staff"],
    "pool_costs": ["month", "item", "amount"],
    "orders": ["refunded", "cost", "platform_fee", "acquired_through", "sold_through", "referrer_id"],
}

__all__ = [
    "DINNER_SLIDER",
    "HOUSE_SLIDER",
    "PAID_POND_SLIDER",
    "POND_SLIDER",
    "REQUIRES",
    "TOLL_ROAD_SLIDER",
    "USES",
    "Model",
    "Slider",
    "dictionary_counts",
    "dinner",
    "dinner_of_brand",
    "house",
    "house_measures",
    "house_of_brand",
    "metric_dictionary",
    "paid_pond",
    "paid_pond_of_brand",
    "pond",
    "pond_of_brand",
    "terms",
    "terms_of",
    "toll_road",
    "toll_road_of_brand",
    "variants_of",
]
