"""A notebook's cells run in the process of the test, with the fixture `shown` in place of the notebook's display."""

import json
import re

from siyu_helpers.reporting.parameters import parameters_of


def run(path, shown, **given):
    """Execute a notebook's code cells here; returns every output as (html, metadata)."""
    names = {name: parameter.default for name, parameter in parameters_of(path).items()} | given
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), str(path), "exec"), names)
    return shown


def visible(sent, lang):
    """Text of a page in one language, alternative texts of its pictures included."""
    html = " ".join(html for html, metadata in sent if metadata["lang"] == lang)
    html = re.sub(r'<img[^>]*?alt="([^"]*)"[^>]*>', r" \1 ", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
