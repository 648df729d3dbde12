"""One look at a window: how often a rule calls drift when there is none, and when there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.evidence import EvidenceModel
from neural.monitoring.drift.multiple import benjamini_hochberg, e_benjamini_hochberg
from neural.monitoring.drift.pair import NumericPair
from neural.monitoring.drift.plan import make_plan
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.windows import build_reference, columns_from
from neural.monitoring.windows.layout import Layout

ALPHA_A_MINUTE = 1.0 / 43_200.0


@dataclass(frozen=True)
class Look:
    """A window's statistics over all features."""

    ks_p: NDArray[np.float64]
    psi: NDArray[np.float64]
    psi_p: NDArray[np.float64]
    log_e: NDArray[np.float64]


RULES: Mapping[str, Callable[[Look], bool]] = {
    "KS p < .05, any feature": lambda look: bool((look.ks_p < 0.05).any()),
    "KS, Benjamini–Hochberg .05": lambda look: bool((benjamini_hochberg(look.ks_p) < 0.05).any()),
    "PSI > 0.1, any feature": lambda look: bool((look.psi > 0.1).any()),
    "PSI > 0.2, any feature": lambda look: bool((look.psi > 0.2).any()),
    "PSI as χ², Benjamini–Hochberg .05": lambda look: bool((benjamini_hochberg(look.psi_p) < 0.05).any()),
    "ours: e-values at 1 in 43,200 looks": lambda look: bool(e_benjamini_hochberg(look.log_e, ALPHA_A_MINUTE).any()),
    "ours: e-values at .05": lambda look: bool(e_benjamini_hochberg(look.log_e, 0.05).any()),
}


def rates(
    *, features: int, reference_rows: int, rows: int, shift: float, shifted: int, looks: int, seed: int = 0
) -> dict[str, float]:
    """The share of looks at which each rule calls drift; normal features."""
    random = np.random.default_rng(seed)
    called = dict.fromkeys(RULES, 0)
    for _ in range(looks):
        reference = random.normal(size=(reference_rows, features))
        current = random.normal(size=(rows, features))
        current[:, :shifted] += shift
        look = _look(reference, current)
        for name, rule in RULES.items():
            called[name] += rule(look)
    return {name: count / looks for name, count in called.items()}


def _look(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Look:
    built = build_reference(columns_from(reference), source="study", created_at=0.0)
    plan = make_plan(built, ())
    layout = Layout(built, reference.shape[1])
    window = layout.window(layout.count(columns_from(current), len(current)), 0.0, 1.0)
    log_e = EvidenceModel(plan.bins).log_evidence(plan.bin_counts(window.columns)[None, :])[0]
    pairs = [NumericPair(np.sort(a), np.sort(b)) for a, b in zip(reference.T, current.T, strict=True)]
    ks = [METHODS["ks"].compare(pair).p_value for pair in pairs]
    psi = [METHODS["psi"].compare(pair) for pair in pairs]
    return Look(
        np.array(ks, dtype=float), np.array([found.statistic for found in psi]), np.array([found.p_value for found in psi]), log_e
    )
