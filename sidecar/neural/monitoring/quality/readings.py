"""Counts read as signals and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from neural.monitoring.quality.detect import Base, observed
from neural.monitoring.quality.findings import Finding, RateFinding, Trouble
from neural.monitoring.quality.jump import lower_rate
from neural.monitoring.quality.score import ColumnTrouble
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Counts, Tally
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows.evaluation import Evaluation

SCHEMA_KINDS = frozenset({"missing_column", "extra_column", "retyped_column", "reordered_columns", "required_value"})
STUCK_KINDS = frozenset({"stuck"})
SHIFT_KINDS = frozenset({"shifted_mean", "shifted_spread", "shifted_range", "constant"})
_COUNTED = {
    "quality.schema_violations": SCHEMA_KINDS,
    "quality.stuck_columns": STUCK_KINDS,
    "quality.shifted_columns": SHIFT_KINDS,
}


def finding_signals(evaluation: Evaluation, findings: Sequence[Finding]) -> Iterator[Signal]:
    """How many findings there are of each family, with the findings as evidence; of shifted columns, how many columns."""
    for name, kinds in _COUNTED.items():
        mine = [finding for finding in findings if finding.kind in kinds]
        count = len({finding.column for finding in mine}) if kinds is SHIFT_KINDS else len(mine)
        verdict = findings_verdict(mine, evaluation.window.rows)
        yield Signal(name, float(count), evaluation.now, evaluation.labels(), verdict)


def duplicate_finding(window: Tally, row_ids: tuple[str, ...]) -> Finding:
    reason = f"{window.duplicates:.0f} of {window.compared:.0f} rows repeat another of the same evaluation in every feature"
    return Finding("", "duplicate_rows", window.duplicates, window.compared, reason, row_ids=row_ids)


def duplicate_signal(evaluation: Evaluation, window: Tally, findings: Sequence[Finding], settings: QualitySettings) -> Signal:
    """Judged against ``max_duplicates``; without it there is no saying how many are usual."""
    limit, rate = settings.max_duplicates, window.duplicates / window.compared if window.compared else None
    found = [finding.to_json() for finding in findings if finding.kind == "duplicate_rows"]
    text = f"{window.duplicates:.0f} of {window.compared:.0f} rows are repeated"
    if rate is None:
        outcome, text = Outcome.UNKNOWN, "no rows in the window"
    elif limit is None:
        outcome, text = Outcome.UNKNOWN, f"{text}; quality.max_duplicates says how many are too many"
    elif window.compared < settings.min_rows:
        outcome, text = Outcome.UNKNOWN, f"{text}: fewer than {settings.min_rows} rows"
    else:
        is_bad = lower_rate(window.duplicates, window.compared) > limit
        outcome, text = (
            (Outcome.BAD if is_bad else Outcome.OK),
            f"{text}, {'more than' if is_bad else 'not clearly more than'} {limit:.1%}",
        )
    verdict = Verdict(
        outcome, text, statistic=rate, threshold=limit, sample_size=int(window.compared), evidence={"findings": found}
    )
    return Signal("quality.duplicate_rate", rate, evaluation.now, evaluation.labels(), verdict)


def freshness_signal(evaluation: Evaluation, newest: float | None, settings: QualitySettings) -> Signal:
    """Age of the newest row, judged against ``fresh_within``."""
    age = None if newest is None else max(evaluation.now - newest, 0.0)
    limit = settings.fresh_within
    if age is None:
        outcome, text = Outcome.UNKNOWN, "no row has been seen yet"
    elif limit is None:
        outcome, text = Outcome.UNKNOWN, f"the newest row is {age:.4g} s old; quality.fresh_within says how old is too old"
    else:
        is_old = age > limit
        outcome = Outcome.BAD if is_old else Outcome.OK
        text = f"the newest row is {age:.4g} s old, {'more than' if is_old else 'within'} {limit:.4g} s"
    verdict = Verdict(outcome, text, statistic=age, threshold=limit, evidence={"newest": newest})
    return Signal("quality.freshness", age, evaluation.now, evaluation.labels(), verdict)


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
