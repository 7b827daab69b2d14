"""The words of private traffic and every variant of a metric, picked out of their tables for a page.

The tables are `glossary.csv` and `metrics.csv` among the public facts; a notebook reads them and gives them to these
functions. What the articles call a thing in garbled words stays in the glossary: no function here returns it.

Opens no files and draws nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import pandas as pd

from siyu_helpers.analysis.estimates import Estimate, Words

# Columns of the tables that come in two languages, and those that are the same in both.
_TERM_TEXTS, _TERM_KEYS = (
    ("term", "definition", "formula", "unit"),
    ("sources", "variants_zh", "page", "section", "theme"),
)
_METRIC_TEXTS = ("metric", "variant", "definition", "trap")
_METRIC_KEYS = ("unit", "page", "section", "function")
_COUNTED = {
    "glossary_terms": ("terms", Words("词汇表的词条数", "terms in the glossary")),
    "dictionary_metrics": ("metrics", Words("指标词典中的指标数", "metrics in the dictionary")),
    "dictionary_variants": ("variants", Words("指标词典中的口径数，各指标合计", "variants of all metrics together")),
    "metrics_with_several": ("metrics", Words("有两种及以上口径的指标数", "metrics with two variants or more")),
    "most_variants": ("variants", Words("口径最多的一个指标的口径数", "variants of the metric that has most")),
}


def terms(glossary: pd.DataFrame, keys: Iterable[str] | None = None) -> pd.DataFrame:
    """The words that are asked for, in that order, with what each means and where it is computed or taught.

    glossary (term)  ->  table (term)

    Parameters
    ----------
    glossary : DataFrame
        key, term_zh, term_en, definition_zh, definition_en, formula_zh, formula_en, unit_zh, unit_en, sources,
        variants_zh, page, section, theme.
    keys : texts, optional
        Keys of the terms, such as "private_traffic". All of them unless given.

    Returns
    -------
    DataFrame
        key; term, definition, formula, unit : Words; sources, variants_zh (other names), page, section, theme : text.
        A formula or unit that is blank in both languages: there is none. Garbled names are left out.

    Raises
    ------
    ValueError
        For a key that the glossary has not; the nearest one is named. For a column that is missing.

    Example
    -------
    >>> columns = [f"{name}_{lang}" for name in ("term", "definition", "formula", "unit") for lang in ("zh", "en")]
    >>> columns += ["sources", "variants_zh", "page", "section", "theme"]
    >>> glossary = pd.DataFrame({"key": ["cohort", "churn"]}).assign(**dict.fromkeys(columns, ""))
    >>> glossary["term_en"] = ["cohort", "churn rate"]
    >>> [term.en for term in terms(glossary, ["churn", "cohort"])["term"]]
    ['churn rate', 'cohort']
    """
    _check_columns(glossary, "glossary", ("key", *_both(_TERM_TEXTS), *_TERM_KEYS))
    wanted = glossary["key"].tolist() if keys is None else list(keys)
    at = {key: row for row, key in enumerate(glossary["key"])}
    unknown = next((key for key in wanted if key not in at), None)
    if unknown is not None:
        raise ValueError(f"There is no term {unknown!r} in the glossary{_nearest(unknown, at)}.")
    picked = glossary.iloc[[at[key] for key in wanted]].reset_index(drop=True)
    return pd.DataFrame({"key": picked["key"], **_texts(picked, _TERM_TEXTS), **picked[list(_TERM_KEYS)]})


def terms_of(glossary: pd.DataFrame, theme: str) -> pd.DataFrame:
    """All words of one theme, such as "channels", in the order of the glossary.

    glossary (term)  ->  table (term), as `terms`

    Raises
    ------
    ValueError
        For a theme that no term has.
    """
    _check_columns(glossary, "glossary", ("key", "theme"))
    themes = list(dict.fromkeys(glossary["theme"]))
    if theme not in themes:
        raise ValueError(f"No term of the glossary has the theme {theme!r}; there are: {', '.join(themes)}.")
    return terms(glossary, glossary.loc[glossary["theme"] == theme, "key"])


def metric_dictionary(metrics: pd.DataFrame, pages: Sequence[str] | None = None) -> pd.DataFrame:
    """Every variant of every metric: what it is divided by, where it stands, and what goes wrong when they are mixed.

    metrics (metric x variant)  ->  table (metric x variant), in the order of the table

    Parameters
    ----------
    metrics : DataFrame
        metric, variant : keys. metric_zh, metric_en, variant_zh, ..., definition_..., trap_..., unit, page, section,
        function.
    pages : texts, optional
        Pages that there are for the brand, such as "01_acquisition_cost": variants of others are left out. All pages
        unless given.

    Returns
    -------
    DataFrame
        metric_key, variant_key : text. metric, variant, definition, trap : Words. unit, page, section, function : text.
        variants : of this metric among the rows kept. Empty where no page is among those given.

    Raises
    ------
    ValueError
        For a column that is missing.

    Example
    -------
    >>> columns = [f"{name}_{lang}" for name in ("metric", "variant", "definition", "trap") for lang in ("zh", "en")]
    >>> rows = pd.DataFrame({"metric": ["cost", "cost"], "variant": ["paid", "blended"], "page": ["01_a", "03_c"]})
    >>> rows = rows.assign(**dict.fromkeys([*columns, "unit", "section", "function"], ""))
    >>> metric_dictionary(rows, ["01_a"])[["variant_key", "variants"]]
      variant_key  variants
    0        paid         1
    """
    _check_columns(metrics, "metrics", ("metric", "variant", *_both(_METRIC_TEXTS), *_METRIC_KEYS))
    kept = metrics if pages is None else metrics[metrics["page"].isin(list(pages))]
    kept = kept.reset_index(drop=True)
    keys = {"metric_key": kept["metric"], "variant_key": kept["variant"]}
    table = pd.DataFrame({**keys, **_texts(kept, _METRIC_TEXTS), **kept[list(_METRIC_KEYS)]})
    table["variants"] = kept.groupby("metric")["variant"].transform("size").astype(int) if len(kept) else 0
    return table


def variants_of(metrics: pd.DataFrame, metric: str) -> pd.DataFrame:
    """All variants of one metric, such as "acquisition_cost".

    metrics (metric x variant)  ->  table (variant), as `metric_dictionary`

    Raises
    ------
    ValueError
        For a metric that the dictionary has not; the nearest one is named.
    """
    _check_columns(metrics, "metrics", ("metric",))
    if metric not in set(metrics["metric"]):
        raise ValueError(f"There is no metric {metric!r} in the dictionary{_nearest(metric, metrics['metric'])}.")
    return metric_dictionary(metrics[metrics["metric"] == metric])


def dictionary_counts(glossary: pd.DataFrame, metrics: pd.DataFrame) -> dict[str, Estimate]:
    """How many terms, metrics and variants there are, and how many metrics mean more than one thing.

    glossary (term), metrics (metric x variant)  ->  named numbers, all counted, so without an interval

    Returns
    -------
    dict of Estimate
        glossary_terms, dictionary_metrics, dictionary_variants, metrics_with_several, most_variants.

    Example
    -------
    >>> metrics = pd.DataFrame({"metric": ["cost", "cost", "retention"], "variant": ["paid", "blended", "average"]})
    >>> found = dictionary_counts(pd.DataFrame({"key": ["cohort"]}), metrics)
    >>> [found[key].value for key in ("dictionary_metrics", "dictionary_variants", "metrics_with_several")]
    [2.0, 3.0, 1.0]
    """
    _check_columns(glossary, "glossary", ("key",))
    _check_columns(metrics, "metrics", ("metric", "variant"))
    sizes = metrics.groupby("metric").size()
    values = {
        "glossary_terms": glossary["key"].nunique(),
        "dictionary_metrics": len(sizes),
        "dictionary_variants": len(metrics),
        "metrics_with_several": int((sizes > 1).sum()),
        "most_variants": int(sizes.max()) if len(sizes) else 0,
    }
    return {
        key: Estimate.exact(value, value, _COUNTED[key][0], _COUNTED[key][1], dictionary_counts)
        for key, value in values.items()
    }


def _texts(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, list[Words]]:
    return {
        name: [Words(zh, en) for zh, en in zip(rows[f"{name}_zh"], rows[f"{name}_en"], strict=True)] for name in names
    }


def _both(names: Sequence[str]) -> list[str]:
    return [f"{name}_{lang}" for name in names for lang in ("zh", "en")]


def _check_columns(table: pd.DataFrame, name: str, needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ValueError(f"The table {name} lacks: {', '.join(missing)}; read it with market.load({name!r}).")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(dict.fromkeys(known)), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
