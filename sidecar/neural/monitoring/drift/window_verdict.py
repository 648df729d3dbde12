"""What the rows of the window say of each column: statistics, effect size, and whether chance explains them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.evidence import EvidenceModel
from neural.monitoring.drift.multiple import e_benjamini_hochberg, e_bonferroni
from neural.monitoring.drift.plan import Family, Plan, families_of
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.drift.sample import MeasuredMany, Stack
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.windows import Reference, Window


@dataclass(frozen=True)
class WindowView:
    """Arrays over the watched columns, shape (columns,).

    ``effect``: share of rows that moved (KS distance, or total variation of categories), NaN without values. ``log_e``: log e-value of the
    window's rows. ``drifting``: e-values large enough for the budget, effect large enough to matter. ``measured``: by method, NaN
    for columns it does not apply to.
    """

    n: NDArray[np.float64]
    effect: NDArray[np.float64]
    log_e: NDArray[np.float64]
    counts: NDArray[np.float64]
    drifting: NDArray[np.bool_]
    measured: Mapping[str, MeasuredMany]

    def score(self) -> NDArray[np.float64]:
        """The effect where chance does not explain it, else 0; NaN without values."""
        return np.where(np.isnan(self.effect), np.nan, np.where(self.drifting, self.effect, 0.0))


def view_window(
    window: Window,
    plan: Plan,
    model: EvidenceModel,
    settings: DriftSettings,
    alpha: float,
    season: tuple[Reference, NDArray[np.float64]] | None = None,
) -> WindowView:
    """``alpha``: the probability with which this evaluation may call anything drift when nothing drifts. ``season``: what is expected of the
    window's hours, as a reference and as pseudo-counts (bins,), where the reference has seasons."""
    size = len(plan.columns)
    n, effect = np.zeros(size), np.full(size, np.nan)
    measured: dict[str, MeasuredMany] = {}
    ordered, categorical = (plan.ordered, plan.categorical) if season is None else families_of(plan, season[0])
    for family, names in ((ordered, settings.methods.numeric), (categorical, settings.methods.categorical)):
        if len(family.at) == 0:
            continue
        stack = family.stack(window.columns)
        n[family.at] = stack.n_current
        effect[family.at] = _effect(stack)
        for name in names:
            measured[name] = _placed(METHODS[name].from_panes(stack), family, size, measured.get(name))
    counts = plan.bin_counts(window.columns)
    expected = None if season is None else season[1][None, :]
    log_e = model.log_evidence(counts[None, :], expected=expected)[0] if size else np.zeros(0)
    correct = e_bonferroni if settings.correction == "bonferroni" else e_benjamini_hochberg
    enough = n >= settings.fewest_rows
    drifting = correct(np.where(enough, log_e, -np.inf), alpha) & (np.nan_to_num(effect) >= settings.smallest_effect)
    return WindowView(n, effect, log_e, counts, drifting, measured)


def _effect(stack: Stack) -> NDArray[np.float64]:
    if stack.side.ordered:
        return np.maximum.reduceat(np.abs(stack.gaps), stack.starts)
    return np.add.reduceat(np.abs(stack.side.shares - stack.current_shares), stack.starts) / 2


def _placed(found: MeasuredMany, family: Family, size: int, known: MeasuredMany | None) -> MeasuredMany:
    """A family's answers among those of all columns."""
    if len(family.at) == size:
        return found

    def place(values: NDArray[np.float64] | None, before: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        if values is None:
            return before
        whole = np.full(size, np.nan) if before is None else before.copy()
        whole[family.at] = values
        return whole

    statistic = place(found.statistic, known.statistic if known else None)
    assert statistic is not None
    return MeasuredMany(
        statistic,
        place(found.p_value, known.p_value if known else None),
        place(found.error, known.error if known else None),
        place(found.threshold, known.threshold if known else None),
    )
