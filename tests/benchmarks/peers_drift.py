"""The peers' check of 10,000 x 50 against 10,000, as documented and with defaults. Prints JSON: name → milliseconds of processor time.

Runs in the environment of ``make study``; bench_drift calls it where that is there.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("NML_DISABLE_USAGE_LOGGING", "1")

import nannyml as nml
import numpy as np
import pandas as pd
from alibi_detect.cd import KSDrift
from evidently import Report
from evidently.presets import DataDriftPreset

ROWS, COLUMNS = 10_000, 50


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    found = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found) * 1e3


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    random = np.random.default_rng(0)
    names = [f"f{at}" for at in range(COLUMNS)]
    reference = pd.DataFrame(random.normal(size=(ROWS, COLUMNS)), columns=names)
    current = pd.DataFrame(random.normal(size=(ROWS, COLUMNS)), columns=names)
    alibi = KSDrift(reference.to_numpy())
    calculator = nml.UnivariateDriftCalculator(
        column_names=names, chunk_size=ROWS, continuous_methods=["kolmogorov_smirnov"]
    ).fit(reference)
    with contextlib.redirect_stdout(io.StringIO()):
        found = {
            "alibi-detect KSDrift, KS alone": milliseconds(lambda: alibi.predict(current.to_numpy()), 3),
            "NannyML, KS alone, fitted before": milliseconds(lambda: calculator.calculate(current), 3),
            "Evidently default preset, one method": milliseconds(
                lambda: Report([DataDriftPreset()]).run(current_data=current, reference_data=reference).dict(), 1
            ),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
