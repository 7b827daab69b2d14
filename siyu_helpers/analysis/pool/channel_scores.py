"""Which channels are private? Scores on five criteria beside what the source articles say, and where they disagree.

The articles contradict each other on what is private (Xiaohongshu, the official account). The scores are ours, as are
the weights and the thresholds; `sensitivity` says how far a class hangs on them. What a brand's own tables show of its
channels: `brand_channels`.

Opens no files and draws nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Words, check_level, wilson

CRITERIA = ("control", "reach_without_paying", "repeat_use", "data_access", "ban_safety")
CRITERION_NAMES = {
    "control": Words("自主可控", "Control"),
    "reach_without_paying": Words("免费触达", "Reach without paying"),
    "repeat_use": Words("反复使用", "Repeat use"),
    "data_access": Words("数据可得", "Data access"),
    "ban_safety": Words("名单安全", "Safety of the list"),
}
SETTLED_BY = {
    "control": Words(
        "名单能否导出、能否转到另一个账号", "whether the list can be exported or handed to another account"
    ),
    "reach_without_paying": Words(
        "不付费发出的内容，30 天内有多大比例的客户收到", "what share of customers a post without pay reaches in 30 days"
    ),
    "repeat_use": Words(
        "90 天内被触达两次以上的客户占比", "share of customers who are reached on two occasions within 90 days"
    ),
    "data_access": Words("订单里有多大比例能对上客户标识", "share of the channel's orders that carry a customer key"),
    "ban_safety": Words("账号被封后，客户找回的比例", "share of the customers won back after an account is banned"),
}
CLASSES = ("public", "semi", "private")
SOURCES = ("source_000", "source_001", "source_002", "source_003", "source_003i")
SOURCE_NAMES = {
    "source_000": Words("文章甲", "article A"),
    "source_001": Words("文章乙", "article B"),
    "source_002": Words("文章丙", "article C"),
    "source_003": Words("文章丁", "article D"),
    "source_003i": Words("文章丁里的另一则回答", "another answer in article D"),
    "definition": Words("本手册评分", "Our scores"),
}
SEMI_AT, PRIVATE_AT = 1 / 3, 2 / 3
KAPPA_AT_LEAST = 8  # channels that both name; with fewer kappa says nothing


def scorecard(
    definitions: pd.DataFrame,
    weights: Mapping[str, float] | None = None,
    semi_at: float = SEMI_AT,
    private_at: float = PRIVATE_AT,
) -> pd.DataFrame:
    """Score of every channel on five criteria, the class it gives, and what the source articles call it.

    channel_definitions (channel)  ->  table (channel), highest total first

    Parameters
    ----------
    definitions : DataFrame
        channel, name_zh, name_en, the five `CRITERIA` (0 to 1), and source_... (private, semi, public or blank).
    weights : dict, optional
        Criterion -> weight, any scale; one that is not named counts 0. None: all alike.
    semi_at, private_at : float
        Totals from which a channel is semi-private, and private.

    Returns
    -------
    DataFrame
        channel, name_zh, name_en. The five scores. total : weighted mean of the scores that are known; blank (NaN)
        without any. definition : private, semi or public by the thresholds; blank without a total. source_... : what
        each source says. named_by : how many say anything. agreement : share of these that say what the scores say;
        blank (NaN) where nobody names it.

    Raises
    ------
    ValueError
        A missing column, a score outside 0 to 1, a class that is none, weights or thresholds out of range.

    Example
    -------
    >>> table = pd.DataFrame({"channel": ["app", "feed"], "name_zh": "-", "name_en": "-"})
    >>> table = table.assign(source_000=["private", ""], **dict.fromkeys(CRITERIA, [0.9, 0.1]))
    >>> scorecard(table)[["channel", "definition", "agreement"]]
      channel definition  agreement
    0     app    private        1.0
    1    feed     public        NaN
    """
    table, sources = _checked(definitions)
    if not 0 < semi_at < private_at <= 1:
        raise ValueError(f"thresholds must satisfy 0 < semi_at < private_at <= 1; got {semi_at!r} and {private_at!r}")
    scores = table[list(CRITERIA)].to_numpy()
    table["total"] = _totals(scores, _weights(weights)[:, None])[:, 0]
    table["definition"] = np.where(table["total"].isna(), "", _classes(table["total"].to_numpy(), semi_at, private_at))
    said = table[sources]
    table["named_by"] = (said != "").sum(axis=1).astype("int64")
    same = ((said != "") & said.eq(table["definition"], axis=0)).sum(axis=1)
    table["agreement"] = (same / table["named_by"]).where((table["named_by"] > 0) & (table["definition"] != ""))
    columns = ["channel", "name_zh", "name_en", *CRITERIA, "total", "definition", *sources, "named_by", "agreement"]
    return table.sort_values(["total", "channel"], ascending=[False, True], ignore_index=True)[columns]


def class_counts(scores: pd.DataFrame) -> dict[str, Estimate]:
    """How many channels the scores make private, semi-private and public.

    table of `scorecard`  ->  dict of Estimate (channels; channels_private, channels_semi, channels_public)

    Example
    -------
    >>> table = pd.DataFrame({"channel": ["app", "feed"], "definition": ["private", "public"]})
    >>> {key: number.value for key, number in class_counts(table).items()}
    {'channels': 2.0, 'channels_private': 1.0, 'channels_semi': 0.0, 'channels_public': 1.0}
    """
    words = {
        "channels": Words("打分的渠道", "channels that are scored"),
        "channels_private": Words("五项标准的平均分高、算作私域的渠道", "channels whose mean score makes them private"),
        "channels_semi": Words("平均分居中、算作半私域的渠道", "channels whose mean score makes them semi-private"),
        "channels_public": Words("平均分低、算作公域的渠道", "channels whose mean score makes them public"),
    }
    found = {"channels": len(scores)} | {
        f"channels_{kind}": int((scores["definition"] == kind).sum()) for kind in ("private", "semi", "public")
    }
    return {key: Estimate.exact(n, len(scores), "channels", words[key], class_counts) for key, n in found.items()}


def sensitivity(
    definitions: pd.DataFrame,
    draws: int = 2_000,
    seed: int = 0,
    semi_at: float = SEMI_AT,
    private_at: float = PRIVATE_AT,
) -> pd.DataFrame:
    """How far the class of a channel hangs on the weights: classes over random weights.

    channel_definitions (channel)  ->  table (channel), in the order of the scorecard

    Parameters
    ----------
    definitions, semi_at, private_at
        See `scorecard`.
    draws, seed : int
        Vectors of weights, all equally likely (Dirichlet, all parameters 1).

    Returns
    -------
    DataFrame
        channel, name_zh, name_en, definition (at equal weights). public, semi, private : share of the draws. changes :
        share of the draws in which the class is another than at equal weights. Blank (NaN) without scores.

    Example
    -------
    >>> table = pd.DataFrame({"channel": ["app"], "name_zh": "-", "name_en": "-"})
    >>> sensitivity(table.assign(**dict.fromkeys(CRITERIA, 0.9)))["changes"].tolist()
    [0.0]
    """
    order_log.at_least_one("draws", draws)
    card = scorecard(definitions, semi_at=semi_at, private_at=private_at)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(CRITERIA)), draws).T
    totals = _totals(card[list(CRITERIA)].to_numpy(), weights)
    classes = _classes(totals, semi_at, private_at)
    table = card[["channel", "name_zh", "name_en", "definition"]].copy()
    known = (card["definition"] != "").to_numpy()
    for name in CLASSES:
        table[name] = np.where(known, (classes == name).mean(axis=1), np.nan)
    changed = (classes != card["definition"].to_numpy()[:, None]).mean(axis=1)
    table["changes"] = np.where(known, changed, np.nan)
    return table


def agreement_between_sources(
    definitions: pd.DataFrame,
    weights: Mapping[str, float] | None = None,
    semi_at: float = SEMI_AT,
    private_at: float = PRIVATE_AT,
    level: float = LEVEL,
) -> pd.DataFrame:
    """How far two definitions agree: of the channels that both name, the share on which they say the same.

    channel_definitions (channel)  ->  table (pair of sources; our scores are one of them, "definition")

    Parameters
    ----------
    definitions, weights, semi_at, private_at
        See `scorecard`.
    level : float

    Returns
    -------
    DataFrame, pairs that both name a channel
        first, second. channels : named by both. same : on which they agree. share (share_low, share_high) : same /
        channels, Wilson. kappa (kappa_low, kappa_high) : Cohen's kappa, agreement beyond chance; blank (NaN) with fewer
        than eight channels, or where one of the two uses one class only.

    Notes
    -----
    Cohen (1960), Educ. Psychol. Meas. 20, 37-46, by `statsmodels.stats.inter_rater.cohens_kappa`. The channels are
    those that the articles happen to name, no sample; the intervals say how little so few channels can tell.

    Example
    -------
    >>> table = pd.DataFrame({"channel": list("ab"), "name_zh": "-", "name_en": "-"}).assign(
    ...     **dict.fromkeys(CRITERIA, 0.9), source_000=["private", "private"], source_003=["private", "semi"])
    >>> agreement_between_sources(table)[["first", "second", "channels", "share"]]
            first      second  channels  share
    0  source_000  source_003         2    0.5
    1  source_000  definition         2    1.0
    2  source_003  definition         2    0.5
    """
    check_level(level)
    card = scorecard(definitions, weights, semi_at, private_at)
    sources = [name for name in card.columns if name.startswith("source_")]
    rows = []
    for first, second in itertools.combinations([*sources, "definition"], 2):
        both = card[(card[first] != "") & (card[second] != "")]
        if both.empty:
            continue
        same = int((both[first] == both[second]).sum())
        low, high = wilson(same, len(both), level)
        kappa = _kappa(both[first], both[second], level)
        rows.append((first, second, len(both), same, same / len(both), float(low), float(high), *kappa))
    names = ["first", "second", "channels", "same", "share", "share_low", "share_high", "kappa", "kappa_low",
             "kappa_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def contradictions(
    definitions: pd.DataFrame,
    weights: Mapping[str, float] | None = None,
    semi_at: float = SEMI_AT,
    private_at: float = PRIVATE_AT,
) -> pd.DataFrame:
    """Channels on which the sources disagree, what divides them, and which figure would settle it.

    channel_definitions (channel)  ->  table (channel on which two sources differ)

    Parameters
    ----------
    definitions, weights, semi_at, private_at
        See `scorecard`.

    Returns
    -------
    DataFrame
        channel, name_zh, name_en, total, definition (ours). said_zh, said_en : who says what. speaks_for,
        speaks_against : criteria with the highest and with the lowest score, comma-separated keys, blank where all are
        alike.
        for_zh, for_en, against_zh, against_en : their names. settled_by_zh, settled_by_en : the figures on the weakest
        criteria that would decide. note_zh, note_en : where the table has them.

    Example
    -------
    >>> table = pd.DataFrame({"channel": ["account"], "name_zh": "-", "name_en": "-"}).assign(
    ...     **dict.fromkeys(CRITERIA, 0.5), source_000="private", source_003="semi")
    >>> contradictions(table.assign(repeat_use=1.0, ban_safety=0.0))[["speaks_for", "speaks_against"]].values.tolist()
    [['repeat_use', 'ban_safety']]
    """
    card = scorecard(definitions, weights, semi_at, private_at)
    sources = [name for name in card.columns if name.startswith("source_")]
    differ = card[sources].apply(lambda row: len(set(row) - {""}) > 1, axis=1) if len(card) else []
    notes = [name for name in ("note_zh", "note_en") if name in definitions.columns]
    kept = card[np.asarray(differ, dtype=bool)].merge(definitions[["channel", *notes]], on="channel", how="left")
    rows = [_divided(row, sources) for _, row in kept.iterrows()]
    names = ["channel", "name_zh", "name_en", "total", "definition", "said_zh", "said_en", "speaks_for",
             "speaks_against", "for_zh", "for_en", "against_zh", "against_en", "settled_by_zh",
             "settled_by_en"]  # fmt: skip
    found = pd.DataFrame(rows, columns=names)
    for name in ("note_zh", "note_en"):
        found[name] = kept[name].fillna("").to_numpy() if name in notes else ""
    return found


# --- scores ---


def _checked(definitions: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    order_log.has_columns(list(definitions.columns), ["channel", "name_zh", "name_en", *CRITERIA])
    sources = [name for name in definitions.columns if name in SOURCES]
    table = definitions[["channel", "name_zh", "name_en", *CRITERIA, *sources]].reset_index(drop=True).copy()
    if table["channel"].duplicated().any():
        raise ValueError("channel_definitions names a channel twice: keep one row a channel")
    for name in CRITERIA:
        table[name] = pd.to_numeric(table[name]).astype(float)
        if not table[name].dropna().between(0, 1).all():
            raise ValueError(f"scores in {name} must lie between 0 and 1")
    for name in sources:
        table[name] = table[name].fillna("").astype(object)
        for value in set(table[name]) - {""}:
            order_log.one_of(f"a class in {name}", value, CLASSES)
    return table, sources


def _weights(weights: Mapping[str, float] | None) -> np.ndarray:
    if weights is None:
        return np.ones(len(CRITERIA))
    for name, weight in weights.items():
        order_log.one_of("a criterion of weights", name, CRITERIA)
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight of {name} must be 0 or more; got {weight!r}")
    found = np.array([float(weights.get(name, 0.0)) for name in CRITERIA])
    if not found.sum() > 0:
        raise ValueError("at least one weight must be above 0")
    return found


def _totals(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means over the known scores: channels x columns of weights."""
    known = ~np.isnan(scores)
    below = known.astype(float) @ weights
    return np.divide(np.where(known, scores, 0) @ weights, below, out=np.full(below.shape, np.nan), where=below > 0)


def _classes(totals: np.ndarray, semi_at: float, private_at: float) -> np.ndarray:
    """Class of each total; a hair's breadth below a threshold, as sums of fractions may end, counts as on it."""
    return np.where(totals >= private_at - 1e-9, "private", np.where(totals >= semi_at - 1e-9, "semi", "public"))


def _kappa(first: pd.Series, second: pd.Series, level: float) -> tuple[float, float, float]:
    nothing = (math.nan, math.nan, math.nan)
    if len(first) < KAPPA_AT_LEAST or first.nunique() < 2 or second.nunique() < 2:
        return nothing
    table = pd.crosstab(first, second).reindex(index=CLASSES, columns=CLASSES, fill_value=0)
    found = cohens_kappa(table.to_numpy())
    half = stats.norm.ppf((1 + level) / 2) * float(found.std_kappa)
    return float(found.kappa), max(found.kappa - half, -1.0), min(found.kappa + half, 1.0)


def _divided(row: pd.Series, sources: list[str]) -> tuple:
    """One contradiction: who says what, the criteria on either side, and what would settle it."""
    words = {
        "private": Words("私域", "private"),
        "semi": Words("半私域", "semi-private"),
        "public": Words("公域", "public"),
    }
    named = [name for name in sources if row[name]]
    said = [lang_join(f"{SOURCE_NAMES[n].text(lang)}{mark}{words[row[n]].text(lang)}" for n in named)
            for lang, mark, lang_join in (("zh", "：", "；".join), ("en", ": ", "; ".join))]  # fmt: skip
    scores = {name: row[name] for name in CRITERIA if not math.isnan(row[name])}
    best, worst = (max(scores.values()), min(scores.values())) if scores else (0.0, 0.0)
    for_, against = ([n for n, s in scores.items() if s == end and best > worst] for end in (best, worst))
    texts = [_named(CRITERION_NAMES, part) for part in (for_, against)]
    settled = _named(SETTLED_BY, against or list(scores))
    return (row["channel"], row["name_zh"], row["name_en"], row["total"], row["definition"], *said, ",".join(for_),
            ",".join(against), *texts[0], *texts[1], *settled)  # fmt: skip


def _named(names: Mapping[str, Words], keys: list[str]) -> Words:
    comma = Words("；", "; ") if names is SETTLED_BY else Words("、", ", ")
    return Words(comma.zh.join(names[key].zh for key in keys), comma.en.join(_lower(names[key].en) for key in keys))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
