"""Loads: no page may fetch anything from outside its own file."""

import re
from html.parser import HTMLParser

STYLE_LOADS = re.compile(r"url\(\s*[\"']?(?!data:|#)[^)]|@import\b", re.IGNORECASE)
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href", "ping"}


class _Loads(HTMLParser):
    """Collects the markup that would make a browser fetch; text, whatever it says, is not markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attributes:
            target = (value or "").strip()
            fetches = name in LOADING or (name == "href" and tag not in ("a", "area"))
            outside = fetches and target and not target.startswith(("data:", "#"))
            refresh = tag == "meta" and name == "http-equiv" and target.lower() == "refresh"
            if outside or refresh or (name == "style" and STYLE_LOADS.search(target)):
                self.found.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = self.in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self.in_style and (load := STYLE_LOADS.search(data)):
            self.found.append(load.group())


def refuse_loads(html: str) -> None:
    """Refuse a page that would load anything from outside the file.

    >>> refuse_loads('<img src="https://example.org/a.png">')
    Traceback (most recent call last):
    ValueError: the page would load something from outside itself: <img src="https://example.org/a.png">
    """
    parser = _Loads()
    parser.feed(html)
    parser.close()
    if parser.found:
        raise ValueError(f"the page would load something from outside itself: {parser.found[0][:80]}")
