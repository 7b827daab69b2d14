"""The colours of the charts: told apart with colour-blind eyes, on paper and on a phone."""

from collections.abc import Sequence

import seaborn as sns

INK, FAINT, ACCENT = "#1f2933", "#5b6671", "#0b6e75"
LINE, GRID = "#b4bcc4", "#e3e7eb"
# The darkest shade of a heat map: ink stays readable on it.
SHADE = "#4fa9af"
# Okabe and Ito's colours, darkened where they would fade on white: told apart with colour-blind eyes too.
SERIES = ["#0b6e75", "#b8500b", "#4a4e9c", "#8a6d00", "#a03070", "#3d7d2e", "#555f6b", "#7a2b1e"]
#: A rise, a fall and a total of a waterfall; the sign is printed as well.
RISE, FALL, TOTAL = SERIES[0], SERIES[1], "#8794a0"
#: From old (light) to new (dark): the shades that `sequence` runs through.
OLD_TO_NEW = ("#bcd9b8", SHADE, "#16647f", "#251b4d")


def sequence(count: int) -> Sequence[str]:
    """As many shades as asked, from light (old) to dark (new).

    >>> len(sequence(36)), sequence(2)
    (36, ['#bcd9b8', '#251b4d'])
    """
    if count == 1:
        return [ACCENT]
    return list(sns.blend_palette(OLD_TO_NEW, count).as_hex())
