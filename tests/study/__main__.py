"""Writes docs/study.md: ``python -m tests.study [--quick]``. Everything is drawn from seeds, so anyone gets the same numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.study.budget import run_budget
from tests.study.delay import run_delay
from tests.study.looks import RULES, rates
from tests.study.worlds import WORLDS, World

PAGE = Path(__file__).parents[2] / "docs" / "study.md"
HEAD = """# Can the verdicts be trusted?

Written by `python -m tests.study`; all numbers come from seeds in `tests/study/`, so anyone can draw them again.

"""
BUDGET = """## The false-alarm budget

`drift: {false_alarms: 1 per 30d}` promises a mean time between false alarms. Here rows and reference come from the same population, the
reference is finite and drawn anew for each of the simulated models, and time is counted in evaluations. The promise holds where the mean
is at least the budget.

| population | reference rows | rows an evaluation | evaluations | budget | mean between false alarms | kept |
|---|---|---|---|---|---|---|
"""
DELAY = """
## How soon a shift is found

50 features, a reference of 10,000 rows, a budget of one false alarm in 43,200 evaluations (a month of minutes), {calm} calm evaluations of
{batch} rows, then the shift, in standard deviations (of the middle 98 %, for the heavy-tailed). Median rows until the alarm, over {runs} runs.

| population | features shifted | {shifts} |
|---|---|{dashes}|
"""
LOOKS = """
## One look at a window

50 normal features, a reference of {reference} rows; the share of looks at which a rule calls drift. Without drift that is a false alarm, and a
monitor looks every minute: 4 % a look are 58 false alarms a day. The sequential detector has no such row: its rate is the budget.

| rule | {heads} |
|---|{dashes}|
"""


def main() -> None:
    quick = "--quick" in sys.argv
    text = "".join([HEAD, *_budget(quick), *_delay(quick), *_looks(quick)])
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


def _budget(quick: bool) -> Iterator[str]:
    yield BUDGET
    columns, steps = (40, 150) if quick else (60, 1_000)
    for name in WORLDS:
        for rows in (200, 2_000, 20_000):
            found = run_budget(
                World.of(name), reference_rows=rows, batch_rows=100, columns=columns, steps=steps, thresholds=[50.0, 500.0]
            )
            for run in found:
                kept = "yes" if run.mean_between >= run.threshold else "no"
                least = "over " if run.alarms == 0 else ""
                yield (
                    f"| {name} | {rows:,} | {run.batch_rows} | {run.evaluations:,} | {run.threshold:,.0f} "
                    f"| {least}{run.mean_between:,.0f} | {kept} |\n"
                )


def _delay(quick: bool) -> Iterator[str]:
    shifts = (0.2, 0.5, 1.0) if quick else (0.1, 0.2, 0.3, 0.5, 1.0)
    runs, batch, calm, limit = (3, 100, 10, 2_000) if quick else (7, 50, 60, 20_000)
    heads = " | ".join(f"{shift} σ" for shift in shifts)
    yield DELAY.format(batch=batch, calm=calm, runs=runs, shifts=heads, dashes="|".join(["---"] * len(shifts)))
    for name in ("normal", "heavy-tailed (Cauchy)", "skewed (log-normal)", "whole numbers"):
        for shifted in (1, 5, 50):
            found = [
                run_delay(
                    World.of(name), shift, shifted, features=50, batch_rows=batch, reference_rows=10_000,
                    calm=calm,
                    limit=limit, runs=runs,
                ).median
                for shift in shifts
            ]  # fmt: skip
            yield f"| {name} | {shifted} | {' | '.join(_rows(rows) for rows in found)} |\n"


def _rows(rows: float) -> str:
    return f"{rows:,.0f}" if math.isfinite(rows) else "not found"


def _looks(quick: bool) -> Iterator[str]:
    cases = [(100, 0.0), (1_000, 0.0), (10_000, 0.0), (100, 0.5), (1_000, 0.2), (10_000, 0.1)]
    looks = 15 if quick else 100
    heads = [f"{rows:,} rows, " + ("no drift" if shift == 0 else f"{shift} σ in 5") for rows, shift in cases]
    yield LOOKS.format(reference="10,000", heads=" | ".join(heads), dashes="|".join(["---"] * len(cases)))
    found = [rates(features=50, reference_rows=10_000, rows=rows, shift=shift, shifted=5, looks=looks) for rows, shift in cases]
    for rule in RULES:
        yield f"| {rule} | {' | '.join(f'{case[rule]:.1%}' for case in found)} |\n"


if __name__ == "__main__":
    main()
