"""One look at a window: what every method says of a feature, and what rules over 50 features make of it.

Features are independent, so a data set of 50 is 50 draws from a pool of features that were each really compared: ``TABLES`` of 50 for
every shape, window size and shift, every table with a reference of its own. ``DATASETS`` data sets are put together from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.study.shapes import SHAPES

from neural.monitoring.drift.evidence import EvidenceModel
from neural.monitoring.drift.exact import compare, prepare
from neural.monitoring.drift.multiple import benjamini_hochberg, e_benjamini_hochberg
from neural.monitoring.drift.plan import make_plan
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.windows import build_reference, columns_from
from neural.monitoring.windows.layout import Layout

Pool = dict[str, NDArray[np.float64]]  # what is known of each feature, by name, (features,)

REFERENCE = 10_000
FEATURES = 50
SIZES = (100, 1_000, 10_000)
SHIFTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
SHIFTED = (1, 5, 50)
TABLES, CALM_TABLES = 6, 40
"""Without drift there are more: one feature of a small pool that differs by chance would be in many of the data sets."""
DATASETS = 500
ALPHA_A_MINUTE = 1.0 / 43_200.0
ORDERED = tuple(name for name, method in METHODS.items() if name != "chi2")


def draw(shape: str, size: int, shift: float, table: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A reference and a window of 50 features, the same for everyone who compares them."""
    random = np.random.default_rng([list(SHAPES).index(shape), size, round(shift * 10), table])
    return SHAPES[shape](random, REFERENCE, FEATURES, 0.0), SHAPES[shape](random, size, FEATURES, shift)


def our_pool(shape: str, size: int, shift: float, tables: int = TABLES) -> Pool:
    """Of each feature: every method's p-value (or whether it is above its threshold), the effect, the log e-value of the window."""
    parts = [_our_table(*draw(shape, size, shift, table)) for table in range(tables)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _our_table(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Pool:
    before, now = columns_from(reference), columns_from(current)
    found = compare(prepare(before), now, numeric=ORDERED)
    pool: Pool = {"effect": np.array([column.effect for column in found.values()], dtype=float)}
    for name in ORDERED:
        measured = [column.measured[name] for column in found.values()]
        if measured[0].p_value is not None:
            pool[f"p.{name}"] = np.array([one.p_value for one in measured], dtype=float)
        limit = [METHODS[name].threshold if one.threshold is None else one.threshold for one in measured]
        pool[f"over.{name}"] = np.array([one.statistic for one in measured], dtype=float) / np.array(limit, dtype=float)
    pool["psi"] = np.array([column.measured["psi"].statistic for column in found.values()], dtype=float)
    built = build_reference(before, source="study", created_at=0.0)
    plan = make_plan(built, ())
    layout = Layout(built, len(before))
    window = layout.window(layout.count(now, len(current)), 0.0, 1.0)
    pool["log_e"] = EvidenceModel(plan.bins).log_evidence(plan.bin_counts(window.columns)[None, :])[0]
    return pool


METHOD_RULES: Mapping[str, Callable[[Pool], NDArray[np.bool_]]] = {
    "KS, p < .05": lambda pool: pool["p.ks"] < 0.05,
    "Cramér–von Mises, p < .05": lambda pool: pool["p.cramer_von_mises"] < 0.05,
    "PSI as χ², p < .05": lambda pool: pool["p.psi"] < 0.05,
    "PSI > 0.1 (rule of thumb)": lambda pool: pool["psi"] > 0.1,
    "PSI over our threshold, corrected for n": lambda pool: pool["over.psi"] >= 1.0,
    "Wasserstein ≥ 0.1 σ": lambda pool: pool["over.wasserstein"] >= 1.0,
    "Jensen–Shannon over its threshold": lambda pool: pool["over.jensen_shannon"] >= 1.0,
    "Hellinger over its threshold": lambda pool: pool["over.hellinger"] >= 1.0,
    "KS distance ≥ 0.1": lambda pool: pool["over.ks"] >= 1.0,
    "e-value ≥ 20": lambda pool: pool["log_e"] >= np.log(20.0),
}
"""What each method says of one feature."""

VERDICTS: Mapping[str, Callable[[Pool], bool]] = {
    "any feature, KS p < .05": lambda pool: bool((pool["p.ks"] < 0.05).any()),
    "any feature, PSI > 0.1": lambda pool: bool((pool["psi"] > 0.1).any()),
    "ours, `check_drift`": lambda pool: bool(((benjamini_hochberg(pool["p.ks"]) < 0.05) & (pool["effect"] >= 0.1)).any()),
    "ours, `check_drift`, effects from .02": lambda pool: bool(
        ((benjamini_hochberg(pool["p.ks"]) < 0.05) & (pool["effect"] >= 0.02)).any()
    ),
    "ours, window of the stream, e-values at .05": lambda pool: bool(e_benjamini_hochberg(pool["log_e"], 0.05).any()),
    "ours, window of the stream, at 1 in 43,200 looks": lambda pool: bool(
        e_benjamini_hochberg(pool["log_e"], ALPHA_A_MINUTE).any()
    ),
}
"""What is said of a data set of 50 features."""

PEER_VERDICTS: Mapping[str, Callable[[Pool], bool]] = {
    "Evidently default, data set (half of the features)": lambda pool: bool(pool["evidently"].mean() >= 0.5),
    "Evidently default, any feature": lambda pool: bool(pool["evidently"].any()),
    "NannyML default, any feature": lambda pool: bool(pool["nannyml"].any()),
    "alibi-detect KSDrift default": lambda pool: bool((pool["alibi"] < 0.05 / FEATURES).any()),
}


def datasets(calm: Pool, moved: Pool, shifted: int, seed: int = 0, count: int = DATASETS) -> Iterator[Pool]:
    """Data sets of 50 features, ``shifted`` of them from the moved pool."""
    random = np.random.default_rng([seed, shifted])
    size_calm, size_moved = len(next(iter(calm.values()))), len(next(iter(moved.values())))
    for _ in range(count):
        some, rest = random.integers(0, size_moved, shifted), random.integers(0, size_calm, FEATURES - shifted)
        yield {name: np.concatenate([moved[name][some], calm[name][rest]]) for name in calm}


def rates(rules: Mapping[str, Callable[[Pool], bool]], made: Iterator[Pool]) -> dict[str, float]:
    called = dict.fromkeys(rules, 0)
    count = 0
    for pool in made:
        count += 1
        for name, rule in rules.items():
            called[name] += rule(pool)
    return {name: found / count for name, found in called.items()}


def table(
    shape: str, size: int, pools: Mapping[float, Pool], rules: Mapping[str, Callable[[Pool], bool]]
) -> list[dict[str, Any]]:
    """Rates of the rules for every shift and number of shifted features; without drift first."""
    calm = pools[0.0]
    rows: list[dict[str, Any]] = []
    for shift, moved in pools.items():
        for shifted in SHIFTED if shift else (0,):
            found = rates(rules, datasets(calm, moved, shifted))
            rows.append({"shape": shape, "rows": size, "shift": shift, "shifted": shifted, "rates": found})
    return rows
