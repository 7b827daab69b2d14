"""Loads: markup that would fetch something is refused, text about it is not."""

import pytest

from siyu_helpers.reporting.loads import refuse_loads


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="x.png">', "<img alt='' src=x.png>", '<link rel="stylesheet" href="a.css">',
        '<script src="a.js"></script>',
        "<style>@import 'a.css'</style>", "<style>a{background:url(a.png)}</style>", '<iframe src="//evil"></iframe>',
    ],
)  # fmt: skip
def test_a_page_that_would_load_something_is_refused(markup):
    with pytest.raises(ValueError, match="outside itself"):
        refuse_loads(markup)


def test_what_does_not_load_passes():
    refuse_loads('<img src="data:image/png;base64,AA"><a href="https://example.org">x</a> &lt;img src="x"&gt;')
