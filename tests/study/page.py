"""docs/study.md and its plots, from the results of the parts: every table is read from a file in tests/study/results."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.study.intervals import half_width, mean_between, median

DOCS = Path(__file__).parents[2] / "docs"
Result = dict[str, Any]
DAY = 1_440.0  # evaluations, one a minute
FEW = 15  # streams, from which a median is said without its number

HEAD = """# Can the verdicts be trusted?

Written by `make study` (`python -m tests.study page` writes the page alone); the numbers come from seeds in `tests/study/`, so anyone can draw them
again. The peers are those of `tests/study/peers.txt`, with their defaults unless said otherwise.

"""
BUDGET = """## The false-alarm budget

`drift: {false_alarms: 1 per 30d}` promises a mean time between false alarms. Here rows and reference come from the same population, the
reference is finite and drawn anew for each of the simulated models, an evaluation has 100 rows, and time is counted in evaluations:
%s in all. The promise holds where the mean is at least the budget: it is between %s and %s times it. Each model is one column that is watched for
1,000 evaluations or until its first alarm; two populations are watched for 10,000, since evidence, and with it the rate of alarms, grows at
first. Counts on reference quantiles are the same for every continuous distribution, draw by draw: the normal stands for heavy-tailed and
skewed ones too. A move of any size counts here as an alarm; by default one of less than 2 %% of the rows raises none, so there are fewer then.
The budget is a model's, whatever the number of its features, so with *k* of them each has a *k*th of it. The last column is what an
evaluation a minute, all day, comes to, at these budgets that are far smaller than a month (43,200 minutes).

| population | reference rows | evaluations | false alarms | budget | mean between false alarms (95 %% interval) | kept | false alarms a day |
|---|---|---|---|---|---|---|---|
"""
RUNS = """
Rows that are not exchangeable (a client's burst of equal rows, neighbours that are alike) are outside of the guarantee. The detector
estimates how many of them count as one, from the order of the reference's rows and from the traffic, and says so in its verdict; here the
reference is in random order, so that only the traffic can show it, and it takes 16 evaluations to. Where the table says no, the guarantee has
ended. A reference in the order of its time helps: of 20 models with AR(1) rows of ρ = 0.8, 0.9 or 0.95, 18 and more alarm within 100
evaluations without it, at most 4 with it (`tests/unit/drift/test_drift_runs.py`).

| rows | reference rows | evaluations | false alarms | budget | mean between false alarms (95 % interval) | kept | false alarms a day |
|---|---|---|---|---|---|---|---|
"""
DELAY = """
## How soon a shift is found

50 features, a reference of 10,000 rows, a budget of one false alarm in 43,200 evaluations (a month of minutes), 60 calm evaluations of
50 rows, then the shift, in standard deviations (of the middle 98 %). Median rows until the alarm (95 % interval of the median).
With a floor of 2 % of the rows, as by default.

"""
STREAMS = """
## Beside the peers' online detectors

Each peer reads streams without drift, and its alarms are counted; then we get the smallest budget with which our
false alarms are no more frequent (both counts stand in the table), and both read the same streams, which change after as many calm rows as
the reference has. Median rows until found, over so many streams (share found within the limit). Who alarms before the change goes on as after any alarm, so with false alarms in
some hundred rows one of them may pass for having found a small shift: in such rows 0.1 and 0.2 σ say little of either. Evaluations of 10 rows for us, one by one
for the peers. Fewer is better; **bold** is the sooner, which may be by chance where two medians are close, the more so with 20 streams. Columns come alone, where the peers are at home, unless the name says 50.

"""
SOONER = """
Where a peer is sooner:

"""
WHY = {
    "ADWIN": "it watches one thing, the mean of one column, with nothing staked on any other change",
    "CVMDriftOnline": "it looks after every row at the last 20 and 100, which for such a shift are the right numbers to look at",
    "KSWIN": "it looks after every row at the last 30",
    "MMDDriftOnline": "it looks after every row at the last 100",
    "LSDDDriftOnline": "it looks after every row at the last 100",
    "PageHinkley": "it watches the mean upwards alone, which is where these shifts go",
}
LOOKS = """
## One look at a window

A reference of 10,000 rows and a window of 50 features. Features are independent, so each data set is put together from features that were
really compared ({features} for every cell{peers}; without drift, where chance alone decides, {calm}). Without drift every call is a false alarm, and a monitor looks every
minute: 4 % a look are 58 false alarms a day. The sequential detector has no such row: its rate is the budget. 95 % intervals of a share near a half are
± {moved_by} with {features} features, ± {calm_by} with {calm_ours}{peers_by}; narrower near 0 and 100 %.

"""


def write_page(results: Path) -> None:
    text = "".join([HEAD, *_budget(results), *_streams(results), *_delay(results), *_looks(results)])
    (DOCS / "study.md").write_text(text, encoding="utf-8")
    print(f"wrote {DOCS / 'study.md'}")
    try:
        from tests.study.plots import write_plots
    except ImportError as error:
        print(f"no plots: {error}")
    else:
        write_plots(results, DOCS / "images")


def found(results: Path, part: str) -> list[Any]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob(f"{part}-*.json"))]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    yield from _lines(rows)


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |\n"


def _budget(results: Path) -> Iterator[str]:
    from tests.study.budget import RUNS as AUTOCORRELATED

    runs = [run for part in found(results, "budget") for run in part]
    if not runs:
        return
    first = min(run["threshold"] for run in runs)
    total = sum(run["evaluations"] for run in runs if run["threshold"] != first and run["world"] not in AUTOCORRELATED)
    ratios = [run["evaluations"] / max(run["alarms"], 1) / run["threshold"] for run in runs if run["world"] not in AUTOCORRELATED]
    yield BUDGET % (f"{total:,}", f"{min(ratios):.1f}", f"{max(ratios):,.0f}")
    yield from (_budget_row(run) for run in runs if run["world"] not in AUTOCORRELATED)
    yield "\n![Mean time between false alarms, over the budget](images/study-budget.svg)\n"
    yield RUNS
    yield from (_budget_row(run) for run in runs if run["world"] in AUTOCORRELATED)


def _budget_row(run: Result) -> str:
    evaluations, alarms = run["evaluations"], run["alarms"]
    low, high = mean_between(alarms, evaluations)
    mean = f"{evaluations / alarms:,.0f} ({low:,.0f} to {high:,.0f})" if alarms else f"over {low:,.0f}"
    kept = "yes" if evaluations >= alarms * run["threshold"] else "**no**"
    cells = [run["world"], f"{run['reference_rows']:,}", f"{evaluations:,}", alarms, f"{run['threshold']:,.0f}", mean, kept]
    a_day = DAY * alarms / evaluations
    return next(_lines([[*cells, f"{a_day:.2g}" if a_day < 10 else f"{a_day:,.0f}"]]))


def _streams(results: Path) -> Iterator[str]:
    parts = found(results, "streams")
    if not parts:
        return
    yield STREAMS
    shifts = [row["shift"] for row in parts[0]["delays"]]
    yield from table(
        [
            "peer",
            "rows",
            "reference",
            "streams",
            "false alarms in rows: peer / ours",
            *(f"{shift} σ: peer / ours" for shift in shifts),
        ],
        (
            [
                part["peer"],
                part["shape"],
                f"{part['reference']:,}",
                part["streams"],
                _alarms(part["false_alarms"]),
                *(_pair(row, part["limit"]) for row in part["delays"]),
            ]
            for part in parts
        ),
    )
    sooner = list(_sooner(parts))
    if sooner:
        yield SOONER
        yield from sooner
    yield "\n![Rows until a shift is found, beside the peers](images/study-streams.svg)\n"


def _sooner(parts: Sequence[Result]) -> Iterator[str]:
    for part in parts:
        cells = [
            f"{row['shift']} σ in {_rows(row['peer'], part['limit'])} rows against {_rows(row['ours'], part['limit'])}"
            for row in part["delays"]
            if _order(row["peer"], part["limit"]) < _order(row["ours"], part["limit"])
        ]
        if cells:
            why = next(text for name, text in WHY.items() if name in part["peer"])
            yield f"- {part['peer']}, {part['shape']}: {'; '.join(cells)}; {why}.\n"


def _alarms(alarms: Result) -> str:
    return " / ".join(f"{count} in {rows:,}" for count, rows in (alarms["peer"], alarms["ours"]))


def _pair(row: Result, limit: int) -> str:
    both = [_rows(row[who], limit) for who in ("peer", "ours")]
    order = [_order(row[who], limit) for who in ("peer", "ours")]
    if order[0] != order[1]:
        at = int(order[1] < order[0])
        both[at] = f"**{both[at]}**"
    return " / ".join(both)


def _order(one: Result, limit: int) -> float:
    """By median; what was not found by half comes later, and later still the fewer were found."""
    return float(one["median"]) if one["median"] is not None else limit * (2.0 - one["found"])


def _rows(one: Result, limit: int) -> str:
    notes = [f"{one['found']:.0%}"] if one["found"] < 1.0 else []
    notes += [f"of {one['streams']}"] if one["streams"] < FEW else []
    share = f" ({', '.join(notes)})" if notes else ""
    return f"over {limit:,}{share}" if one["median"] is None else f"{one['median']:,.0f}{share}"


def _delay(results: Path) -> Iterator[str]:
    parts = found(results, "delay")
    if not parts:
        return
    rows = [run for part in parts for run in part]
    yield DELAY
    shifts = sorted({run["shift"] for run in rows})
    cases = dict.fromkeys((run["world"], run["shifted"]) for run in rows)
    by_case = {(run["world"], run["shifted"], run["shift"]): run["rows"] for run in rows}
    yield from table(
        ["population", "features shifted", "runs", *(f"{shift} σ" for shift in shifts)],
        ([*case, len(by_case[(*case, shifts[0])]), *(_median(by_case[(*case, shift)]) for shift in shifts)] for case in cases),
    )


def _median(rows: Sequence[float | None]) -> str:
    when = [math.inf if one is None else one for one in rows]
    middle, (low, high) = sorted(when)[len(when) // 2], median(when)
    if math.isinf(middle):
        return "not found"
    return f"{middle:,.0f} ({low:,.0f} to {high:,.0f})" if math.isfinite(high) else f"{middle:,.0f} (from {low:,.0f})"


def _looks(results: Path) -> Iterator[str]:
    ours = found(results, "looks")
    if not ours:
        return
    peers = {part["shape"]: part for part in found(results, "peers")}
    beside_us = ", 50 of the peers'" if peers else ""
    calm, moved = (ours[0]["methods"][at]["features"] for at in (0, 1))
    yield LOOKS.format(
        features=moved,
        peers=beside_us,
        calm=_calm(calm, peers),
        moved_by=_by(moved),
        calm_by=_by(calm),
        calm_ours=f"{calm:,}",
        peers_by=f", ± {_by(50)} with the peers' 50" if peers else "",
    )
    yield "![Power of the verdicts over 50 features](images/study-power.svg)\n"
    for part in ours:
        yield f"\n### {part['shape'].capitalize()}\n\nFalse alarms and power of each method, for one feature:\n\n"
        beside = peers.get(part["shape"])
        yield from _rates(_merged(part["methods"], beside["methods"] if beside else []), ())
        yield "\nOf what is said of 50 features, with 1, 5 and 50 of them shifted:\n\n"
        yield from _rates(_merged(part["verdicts"], beside["verdicts"] if beside else []), (0.0, 0.2, 0.5))


def _by(count: int) -> str:
    return f"{100 * half_width(count):.0f} points"


def _calm(ours: int, peers: Result) -> str:
    theirs = {part["methods"][0]["features"] for part in peers.values()}
    return f"{ours:,}" + (f" and {min(theirs):,}" if theirs else "")


def _merged(ours: list[Result], theirs: list[Result]) -> list[Result]:
    def key(cell: Result) -> tuple[Any, ...]:
        return cell["rows"], cell["shift"], cell.get("shifted")

    beside = {key(cell): cell["rates"] for cell in theirs}
    return [{**cell, "rates": {**cell["rates"], **beside.get(key(cell), {})}} for cell in ours]


def _rates(cells: list[Result], shifts: Sequence[float]) -> Iterator[str]:
    """Columns: rows of the window and shift; the rows where there is no drift first."""
    shown = [cell for cell in cells if not shifts or cell["shift"] in shifts]
    heads = [_head(cell) for cell in shown]
    names = list(dict.fromkeys(name for cell in shown for name in cell["rates"]))
    yield from table(
        ["", *heads],
        ([name, *(f"{cell['rates'][name]:.1%}" if name in cell["rates"] else "" for cell in shown)] for name in names),
    )


def _head(cell: Result) -> str:
    if cell["shift"] == 0.0:
        return f"n = {cell['rows']:,}: false alarms"
    return f"{cell['shift']} σ" + (f" in {cell['shifted']}" if "shifted" in cell else "")
