"""The study's plots, as SVG: the same numbers as the tables. Needs matplotlib (the environment of ``make study``)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from tests.study.page import found

Result = dict[str, Any]
SHOWN = {
    "any feature, KS p < .05": ("tab:gray", ":"),
    "Evidently default, data set (half of the features)": ("tab:red", "--"),
    "NannyML default, any feature": ("tab:orange", "--"),
    "alibi-detect KSDrift default": ("tab:purple", "--"),
    "ours, `check_drift`": ("tab:green", "-"),
    "ours, window of the stream, at 1 in 43,200 looks": ("tab:blue", "-"),
}


def write_plots(results: Path, folder: Path) -> None:
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "study", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    for name, draw in (("budget", draw_budget), ("power", draw_power), ("streams", draw_streams)):
        figure = draw(results)
        if figure is not None:
            figure.savefig(folder / f"study-{name}.svg", bbox_inches="tight", metadata={"Date": None})
            print(f"wrote {folder / f'study-{name}.svg'}")


def draw_budget(results: Path) -> Any:
    """Mean time between false alarms over the budget: right of 1 the promise is kept."""
    runs = [run for part in found(results, "budget") for run in part]
    if not runs:
        return None
    names = list(dict.fromkeys(run["world"] for run in runs))
    figure, axes = plt.subplots(figsize=(7, 0.3 * len(names) + 1))
    for run in runs:
        ratio = run["evaluations"] / max(run["alarms"], 1) / run["threshold"]
        axes.plot(
            ratio,
            names.index(run["world"]),
            "o" if run["alarms"] else ">",
            color="tab:blue" if ratio >= 1 else "tab:red",
            alpha=0.6,
        )
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(
        xscale="log",
        yticks=range(len(names)),
        yticklabels=names,
        xlabel="mean time between false alarms / budget (▸: no alarm seen)",
    )
    return figure


def draw_power(results: Path) -> Any:
    """Share of data sets called drifting, over the shift in 5 of 50 features; at 0 that is the false-alarm rate."""
    ours = found(results, "looks")
    if not ours:
        return None
    peers = {part["shape"]: part["verdicts"] for part in found(results, "peers")}
    sizes = sorted({cell["rows"] for cell in ours[0]["verdicts"]})
    figure, grid = plt.subplots(len(ours), len(sizes), figsize=(9, 2.1 * len(ours)), sharex=True, sharey=True, squeeze=False)
    for row, part in zip(grid, ours, strict=True):
        cells = [*part["verdicts"], *peers.get(part["shape"], [])]
        for axes, size in zip(row, sizes, strict=True):
            _power(axes, [cell for cell in cells if cell["rows"] == size and cell["shifted"] in (0, 5)])
            axes.set_title(f"{part['shape']}, {size:,} rows", fontsize=8)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.supxlabel("shift in 5 of 50 features, σ")
    figure.supylabel("share of looks that call drift")
    figure.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
    figure.tight_layout()
    return figure


def _power(axes: Any, cells: Sequence[Result]) -> None:
    for rule, (colour, line) in SHOWN.items():
        points = sorted((cell["shift"], cell["rates"][rule]) for cell in cells if rule in cell["rates"])
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=line, marker=".", label=rule)


def draw_streams(results: Path) -> Any:
    parts = [part for part in found(results, "streams") if part["shape"] == "normal"]
    if not parts:
        return None
    columns = 3
    rows = -(-len(parts) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(9, 2.4 * rows), sharex=True, squeeze=False)
    for axes, part in zip(grid.flat, parts, strict=False):
        for who, colour in (("peer", "tab:red"), ("ours", "tab:blue")):
            points = [(row["shift"], row[who]["median"]) for row in part["delays"] if row[who]["median"] is not None]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=who)
        axes.axhline(part["limit"], color="tab:gray", linewidth=0.6, linestyle=":")
        axes.set_yscale("log")
        axes.set_title(textwrap.fill(part["peer"], 42), fontsize=7)
    for axes in grid.flat[len(parts) :]:
        axes.axis("off")
    grid[0][0].legend()
    figure.supxlabel("shift, σ")
    figure.supylabel("median rows until found (dotted: the limit)")
    figure.tight_layout()
    return figure
