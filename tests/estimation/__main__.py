"""Writes docs/estimation.md: ``python -m tests.estimation [--without-nannyml]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk
from tests.estimation import ours, theirs
from tests.estimation.worlds import CASES, CHUNK, Case, Part

PAGE = Path(__file__).parents[2] / "docs" / "estimation.md"
LABELS_AFTER = 3
HEAD = f"""# How good are estimates without labels?

Written by `make estimation`. Each case has a labelled reference and, after it, chunks (of {CHUNK:,} rows unless said otherwise) whose labels come later. Before they do,
performance is estimated: for classification from the calibrated probabilities (confidence-based performance estimation), for regression from
the errors seen near such predictions (direct loss estimation). The error is the mean over chunks of |estimate − what the labels say|.

Three estimates beside the naive one (the reference's own value, for ever): **ours** and **NannyML {{version}}** (CBPE and DLE with its defaults, fitted to the
same reference), neither of which sees a label of the chunks; and **ours, labels {LABELS_AFTER} chunks late**, which is how the sidecar runs: it learns from labels as they
land, and so follows what has changed.

| case | chunks | metric | worth: reference, then least to most | naive | NannyML | ours | ours, labels late |
|---|---|---|---|---|---|---|---|
"""
TAIL = """
CPU time for all cases, {cases} of them: NannyML {theirs:.1f} s (fit and estimate, without its imports), ours {ours:.1f} s (calibrate and estimate, and join the late labels).

## What an estimate can and can't see

- **Covariate shift**: yes, as far as probabilities are honest where the inputs went. The calibrator only knows the reference's: where a model is
  overconfident in places the reference hardly visits, every estimate is too high.
- **Concept drift**: no. The probabilities themselves are wrong then, and nothing but labels can tell. Labels that come late help late.
- Each estimate in the sidecar carries its own track record (`record` in the verdict's evidence: what was expected of the rows whose labels have come, what they
  turned out to be, the bias and its standard error), and a verdict on an estimate adds that bias to its error.
- Direct loss estimation learns on the labelled reference which rows are hard: both fit boosted trees of the loss on features and prediction, ours in
  NumPy alone, thinned to 20,000 rows, corrected by how far it was off lately. Without a labelled reference ours falls back on the prediction's own cells.
"""


def main() -> None:
    with_theirs = "--without-nannyml" not in sys.argv
    rows: list[str] = []
    seconds = {"ours": 0.0, "theirs": 0.0}
    version = "(not run)"
    for name, make in CASES.items():
        case = make()
        metrics = ours.METRICS["regression" if case.regression else "classification"]
        theirs_found = theirs.estimate(case, metrics) if with_theirs else None
        found = {after: ours.estimate(case, after) for after in (None, LABELS_AFTER)}
        seconds["ours"] += sum(one.seconds for one in found.values())
        if theirs_found is not None:
            seconds["theirs"] += theirs_found["seconds"]
            version = theirs_found["version"]
        rows += _rows(name, case, metrics, theirs_found, [one.values for one in found.values()])
        print(rows[-1] if case.regression else rows[-len(metrics)], end="", flush=True)
    tail = TAIL.format(cases=len(CASES), ours=seconds["ours"], theirs=seconds["theirs"])
    PAGE.write_text(HEAD.format(version=version) + "".join(rows) + tail, encoding="utf-8")
    print(f"wrote {PAGE}")


def _rows(
    name: str, case: Case, metrics: list[str], theirs_found: dict[str, Any] | None, ours_found: list[dict[str, list[float]]]
) -> Iterator[str]:
    chunks = case.analysis.chunks(case.chunk)
    base, worth = realised(case.reference), [realised(chunk) for chunk in chunks]
    title = name if case.chunk == CHUNK else f"{name} (chunks of {case.chunk})"
    for metric in metrics:
        truth = np.array([one[metric] for one in worth])
        spread = f"{_number(base[metric])}, {_number(np.nanmin(truth))} to {_number(np.nanmax(truth))}"
        estimates = [np.full(len(truth), base[metric])]
        estimates.append(np.array(theirs_found[metric][: len(truth)]) if theirs_found else np.full(len(truth), np.nan))
        estimates += [np.array(one[metric]) for one in ours_found]
        cells = " | ".join(_number(error_of(one, truth)) for one in estimates)
        yield f"| {title} | {len(chunks)} | {metric} | {spread} | {cells} |\n"
        title = ""


def error_of(estimate: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Mean absolute error over the chunks where both are defined."""
    known = np.isfinite(estimate) & np.isfinite(truth)
    return float(np.abs(estimate - truth)[known].mean()) if known.any() else float("nan")


def realised(part: Part) -> dict[str, float]:
    """By scikit-learn, from the labels."""
    if part.probability is None:
        return {
            "mae": float(sk.mean_absolute_error(part.labels, part.predictions)),
            "rmse": float(sk.root_mean_squared_error(part.labels, part.predictions)),
        }
    scores = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
    found = {name: float(score(part.labels, part.predictions, zero_division=np.nan)) for name, score in scores.items()}
    return found | {
        "accuracy": float(sk.accuracy_score(part.labels, part.predictions)),
        "roc_auc": float(sk.roc_auc_score(part.labels, part.probability)),
    }


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
