"""Counts read as signals and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from neural.monitoring.quality.detect import Base, observed
from neural.monitoring.quality.findings import RateFinding, Trouble
from neural.monitoring.quality.jump import lower_rate
from neural.monitoring.quality.score import ColumnTrouble
from neural.monitoring.quality.tally import Counts, Tally
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows.evaluation import Evaluation


class Finding(Protocol):
    """What is wrong with a column, in words and as JSON."""

    def text(self) -> str: ...
    def to_json(self) -> dict[str, Any]: ...


def rate_signals(evaluation: Evaluation, window: Tally, findings: Sequence[RateFinding]) -> Iterator[Signal]:
    """The rate of each kind of trouble, by feature and over all features."""
    found = {(finding.column, finding.trouble): finding for finding in findings}
    for trouble in Trouble:
        bad_sum = n_sum = 0.0
        for name, counts in window.columns.items():
            bad, n = observed(counts, trouble)
            bad_sum, n_sum = bad_sum + bad, n_sum + n
            if n > 0:
                finding = found.get((name, trouble))
                yield Signal(
                    f"quality.feature_{trouble}_rate",
                    bad / n,
                    evaluation.now,
                    evaluation.labels(feature=name),
                    None if finding is None else _rate_verdict(finding),
                )
        rate = bad_sum / n_sum if n_sum > 0 else None
        yield Signal(f"quality.{trouble}_rate", rate, evaluation.now, evaluation.labels())


def _rate_verdict(finding: RateFinding) -> Verdict:
    jump = finding.jump
    return Verdict(
        Outcome.BAD,
        finding.text(),
        statistic=jump.rate,
        sample_size=int(jump.n),
        p_value=jump.p_value,
        effect_size=jump.rise,
        method="two-sample rates, Hoeffding's bound",
        evidence=finding.to_json(),
    )


def findings_verdict(findings: Sequence[Finding], rows: int) -> Verdict:
    if rows <= 0:
        return Verdict(Outcome.UNKNOWN, "no rows in the window")
    evidence = {"findings": [finding.to_json() for finding in findings]}
    if findings:
        return Verdict(Outcome.BAD, "; ".join(finding.text() for finding in findings[:3]), sample_size=rows, evidence=evidence)
    return Verdict(Outcome.OK, "all columns are as they should be", sample_size=rows, evidence=evidence)


def column_trouble(counts: Counts, base: Mapping[Trouble, Base]) -> ColumnTrouble:
    """Rates beyond the reference's, as far as the data shows them at least: a few rows don't move the score."""
    excess = {}
    for trouble in Trouble:
        bad, n = observed(counts, trouble)
        expected = base.get(trouble, Base(0.0, 0.0))
        usual = expected.count / expected.n if expected.n > 0 else 0.0
        excess[trouble] = max(lower_rate(bad, n) - usual, 0.0)
    return ColumnTrouble(excess[Trouble.MISSING], excess[Trouble.INVALID], excess[Trouble.UNSEEN], excess[Trouble.OUTLIER])
