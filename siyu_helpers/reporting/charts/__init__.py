"""Charts of the workbook: the only package that imports matplotlib.

Each function takes a small table as the analysis floor returns it and shows one picture per language, with title,
unit, source and n on it, alt text for those who cannot see it, and the numbers behind it as a table.
"""

import matplotlib

matplotlib.use("Agg")

from siyu_helpers.reporting.charts.bar_charts import bars, waterfall
from siyu_helpers.reporting.charts.column_charts import columns, layers
from siyu_helpers.reporting.charts.effect_charts import event_study, frequency
from siyu_helpers.reporting.charts.flow_charts import flows
from siyu_helpers.reporting.charts.forest_charts import forest, love
from siyu_helpers.reporting.charts.heatmaps import cohort_heatmap, matrix
from siyu_helpers.reporting.charts.line_charts import curves
from siyu_helpers.reporting.charts.overlap_charts import overlap
from siyu_helpers.reporting.charts.range_charts import against, ranges
from siyu_helpers.reporting.charts.tornado_charts import tornado
from siyu_helpers.reporting.charts.transition_maps import transitions

__all__ = [
    "against",
    "bars",
    "cohort_heatmap",
    "columns",
    "curves",
    "event_study",
    "flows",
    "forest",
    "frequency",
    "layers",
    "love",
    "matrix",
    "overlap",
    "ranges",
    "tornado",
    "transitions",
    "waterfall",
]
