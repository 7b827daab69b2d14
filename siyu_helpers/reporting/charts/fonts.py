"""Fonts of the charts: Chinese without a Chinese font too, text from data made safe, lines broken where they fit."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

CHINESE_FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC"]
#: What a line must not begin with.
CLOSING = set("，。、；：！？）】》”’％·…,.;:!?)%")


@cache
def chinese_font() -> str:
    """Name of a font with Chinese glyphs: the system's own where there is one, else the one in the mplfonts package."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    for name in CHINESE_FONTS:
        if name in installed:
            return name
    # Found by path: importing mplfonts would read and change matplotlib's own configuration.
    package = Path(next(iter(find_spec("mplfonts").submodule_search_locations)))
    file = package / "fonts" / "NotoSansCJKsc-Regular.otf"
    font_manager.fontManager.addfont(str(file))
    return "Noto Sans CJK SC"


def families(lang: str) -> list[str]:
    """The fonts of a picture in one language, the one that is asked first in front."""
    return [chinese_font(), "DejaVu Sans"] if lang == "zh" else ["DejaVu Sans", chinese_font()]


def plain(text: Any) -> str:
    """Text from data as matplotlib must see it: a dollar sign is a character, not the start of a formula.

    >>> print(plain("$x$"))
    \\$x\\$
    """
    return str(text).replace("$", r"\$")


@cache
def _glyphs() -> frozenset[int]:
    files = [font_manager.findfont(name) for name in ("DejaVu Sans", chinese_font())]
    return frozenset().union(*(font_manager.get_font(file).get_charmap() for file in files))


def drawable(text: Any) -> str:
    """Text from data with a box for each character that no font here has, such as an emoji in a brand's name.

    >>> drawable("小满 🍼")
    '小满 □'
    """
    return "".join(c if ord(c) in _glyphs() else "□" for c in str(text) if c.isprintable())


@cache
def _advance(character: str, lang: str, bold: bool) -> float:
    """Width of one character, in ems."""
    for family in families(lang):
        file = font_manager.findfont(FontProperties(family=[family], weight="bold" if bold else "normal"))
        font = font_manager.get_font(file)
        if font.get_char_index(ord(character)):  # 0: the font has no such character
            font.set_size(100, 72)
            return font.load_char(ord(character)).linearHoriAdvance / 65536 / 100
    return 1.0


def width(text: str, points: float, lang: str, bold: bool = False) -> float:
    """Width of one line of text in inches, at a size in points."""
    return sum(_advance(character, lang, bold) for character in text) * points / 72


def wrap(
    text: str, inches: float, points: float, lang: str, bold: bool = False, lines: int | None = None, even: bool = False
) -> str:
    """Break text into lines of at most `inches`; a Chinese character may be broken after, a word only if it must.

    lines : at most so many; what does not fit is left out and an ellipsis says so.
    even : lines about as long as each other, instead of a last one of one character.
    """
    made = _broken(text, inches, points, lang, bold)
    while even and len(made) > 1 and len(narrower := _broken(text, inches * 0.93, points, lang, bold)) == len(made):
        made, inches = narrower, inches * 0.93
    if lines and len(made) > lines:
        last = made[lines - 1]
        while last and width(last + "…", points, lang, bold) > inches:
            last = last[:-1]
        made = [*made[: lines - 1], last.rstrip() + "…"]
    return "\n".join(made)


def _broken(text: str, inches: float, points: float, lang: str, bold: bool) -> list[str]:
    made = [""]
    for piece in _pieces(text):
        if made[-1] and width(made[-1] + piece.rstrip(), points, lang, bold) > inches:
            made.append("")
            piece = piece.lstrip()
        made[-1] += piece
        while len(made[-1]) > 1 and width(made[-1].rstrip(), points, lang, bold) > inches:
            fits = next(
                i for i in range(len(made[-1]) - 1, 0, -1) if i == 1 or _fits(made[-1][:i], inches, points, lang, bold)
            )
            made[-1:] = [made[-1][:fits], made[-1][fits:]]
    return [line.rstrip() for line in made]


def _fits(text: str, inches: float, points: float, lang: str, bold: bool) -> bool:
    return width(text, points, lang, bold) <= inches


def _pieces(text: str) -> list[str]:
    """Text cut where a line may be broken: before a space, between Chinese characters, never before a comma."""
    pieces = [""]
    for character in text:
        opened = pieces[-1][-1:] in "（“《【(" and pieces[-1]
        if (character == " " or ord(character) > 0x2E80) and character not in CLOSING and not opened:
            pieces.append("")
        elif pieces[-1] and ord(pieces[-1][-1]) > 0x2E80 and character not in CLOSING and not opened:
            pieces.append("")  # from Chinese to a Latin word or a number
        pieces[-1] += character
    return pieces
