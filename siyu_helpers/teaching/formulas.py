"""Formulas: one that is too long for a slide or a sheet of paper is broken into lines, which no browser does itself."""

import re
from xml.etree import ElementTree

#: Ems that a line may be wide: then its letters are large enough on a slide, and it fits on paper.
WIDEST = 36.0
MATHML = "http://www.w3.org/1998/Math/MathML"
OPENING, CLOSING = set("([{"), set(")]}")
#: Before these a line may begin; the first are looked for first, within brackets as a last resort.
BREAKS = ("=≈≤≥", "+−-–", "×·⋅*")


def broken_formulas(html: str) -> str:
    """HTML in which formulas on a line of their own that are too wide stand in several lines."""
    ElementTree.register_namespace("", MATHML)
    return re.sub(r'<math\b[^>]*display="block".*?</math>', lambda found: _broken(found[0]), html, flags=re.S)


def _broken(formula: str) -> str:
    try:
        math = ElementTree.fromstring(formula)
    except ElementTree.ParseError:
        return formula
    rows = list(math)
    terms = list(rows[0]) if len(rows) == 1 and rows[0].tag.endswith("}mrow") else rows
    if width(terms) <= WIDEST:
        return formula
    table = ElementTree.Element(f"{{{MATHML}}}mtable", {"displaystyle": "true"})
    for number, line in enumerate(lines(terms)):
        style = f"text-align:left;padding:.25em 0 .25em {2 if number else 0}em"
        cell = ElementTree.SubElement(
            ElementTree.SubElement(table, f"{{{MATHML}}}mtr"), f"{{{MATHML}}}mtd", style=style
        )
        if line[0].tag.endswith("}mo"):
            line[0].attrib.update(
                form="infix", rspace="0.25em"
            )  # a minus that begins a line is still one between two terms
        cell.extend(line)
    for row in rows:
        math.remove(row)
    math.append(table)
    return ElementTree.tostring(math, encoding="unicode")


def lines(terms: list[ElementTree.Element]) -> list[list[ElementTree.Element]]:
    """Terms of a formula in lines of at most `WIDEST`, broken at the last place that is as good as any."""
    made, rest = [], terms
    while width(rest) > WIDEST and (at := _place(rest)):
        made.append(rest[:at])
        rest = rest[at:]
    return [*made, rest]


def _place(terms: list[ElementTree.Element]) -> int:
    """Where a line had best end; 0 where it cannot."""
    depth, places = 0, {}
    for at, term in enumerate(terms):
        sign = (term.text or "").strip() if term.tag.endswith("}mo") else ""
        depth -= sign in CLOSING
        fits = width(terms[:at]) <= WIDEST
        if at and fits and sign:
            # A part of the line at least, so that not a single word stands alone.
            good = width(terms[:at]) >= WIDEST / 4
            for rank, signs in enumerate(BREAKS):
                if sign in signs:
                    places[(not good, depth > 0, rank)] = at
        depth += sign in OPENING
    return places[min(places)] if places else 0


def width(terms: list[ElementTree.Element]) -> float:
    """About how wide terms are, in ems: a fraction is as wide as the wider of its two."""
    total = 0.0
    for term in terms:
        name = term.tag.rpartition("}")[2]
        if name == "mfrac":
            total += max(width([part]) for part in term)
        elif len(term):
            total += width(list(term))
        else:
            text = (term.text or "").strip()
            total += sum(1.0 if sign > "\u2e80" else 0.53 for sign in text) + (0.6 if name == "mo" else 0)
    return total
