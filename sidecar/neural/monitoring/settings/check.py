"""The maths and the look around that a schema can't do: files that aren't there, ports taken twice, windows longer than memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from neural.monitoring.settings.addresses import is_loopback
from neural.monitoring.settings.check_names import feature_names, protocol
from neural.monitoring.settings.check_rules import alert_rules, objectives
from neural.monitoring.settings.document import line_of
from neural.monitoring.settings.finding import Finding, Weight
from neural.monitoring.settings.root import Settings
from neural.monitoring.settings.units import duration_text, size_text

Check = Callable[[Settings], Iterator[Finding]]


def check(settings: Settings, *, more: Sequence[Check] = (), requests_per_second: float | None = None) -> list[Finding]:
    """Everything found, errors first, each with its place in the file.

    ``more``: checks of other rooms. ``requests_per_second`` is the traffic that was observed: thresholds are held against its noise.
    """
    found = [finding for one in (*CHECKS, *more) for finding in one(settings)]
    found += [*alert_rules(settings, requests_per_second), *objectives(settings, requests_per_second)]
    placed = [replace(finding, where=finding.where or settings.where(finding.key)) for finding in found]
    return sorted(placed, key=lambda finding: (finding.weight is not Weight.ERROR, line_of(finding.where)))


def _error(key: str, message: str, hint: str = "") -> Finding:
    return Finding(Weight.ERROR, key, message, hint)


def _warning(key: str, message: str, hint: str = "") -> Finding:
    return Finding(Weight.WARNING, key, message, hint)


def reference_file(settings: Settings) -> Iterator[Finding]:
    """The reference is there and can be read."""
    source = settings.reference.source
    if source is None:
        return
    path = settings.resolve(source)
    if not path.is_file():
        yield _error("reference.source", f"{path} is not there", "relative paths start at the folder of the configuration file")
    elif not os.access(path, os.R_OK):
        yield _error("reference.source", f"{path} can't be read: permission denied")


def ports(settings: Settings) -> Iterator[Finding]:
    """No TCP port is asked for twice."""
    taken: dict[int, tuple[str, str]] = {}
    wanted = [(f"capture.listen[{i}]", one.host, one.port) for i, one in enumerate(settings.capture.addresses) if not one.is_unix]
    if settings.export.prometheus.enabled:
        wanted.append(("export.prometheus.port", settings.export.prometheus.host, settings.export.prometheus.port))
    if settings.dashboard.enabled:
        wanted.append(("dashboard.port", settings.dashboard.host, settings.dashboard.port))
    for key, host, port in wanted:
        other = taken.setdefault(port, (key, host))
        if port and other[0] != key and _overlap(host, other[1]):
            told, taker = (key, other[0]) if settings.where(key) else (other[0], key)  # that which stands in the file
            yield _error(told, f"port {port} is already that of {taker}", "give one of them another port")


def _overlap(one: str, other: str) -> bool:
    everywhere = {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
    return one == other or bool({one, other} & everywhere) or (is_loopback(one) and is_loopback(other))


def tokens(settings: Settings) -> Iterator[Finding]:
    """What outsiders can reach and change asks for a token."""
    if any(not address.is_local for address in settings.capture.addresses) and not settings.capture.tokens:
        yield _error(
            "capture.listen", "anybody who reaches this address can send data", "set capture.tokens, or listen on a Unix socket"
        )
    if settings.dashboard.enabled and not is_loopback(settings.dashboard.host) and settings.dashboard.token is None:
        yield _warning(
            "dashboard.host",
            f"{settings.dashboard.host} is open to others and no token is set: what changes things is refused",
            "set dashboard.token",
        )


def retention(settings: Settings) -> Iterator[Finding]:
    """Nothing looks further back than what is kept."""
    keep, windows = settings.store.keep, settings.windows
    if windows.length > keep.panes:
        yield _error(
            "windows.length", f"{_d(windows.length)} is longer than panes are kept ({_d(keep.panes)})", "raise store.keep.panes"
        )
    for index, slo in enumerate(settings.slos):
        if slo.period_seconds > keep.slo:
            where = f"slos[{index}].window"
            yield _error(
                where,
                f"{slo.name} looks back {_d(slo.period_seconds)}, and counts are kept {_d(keep.slo)}",
                "raise store.keep.slo",
            )
    performance = settings.performance
    if performance.window is not None and performance.window > keep.signals:
        yield _warning("performance.window", f"{_d(performance.window)} is longer than signals are kept ({_d(keep.signals)})")
    kept = settings.prediction_log.keep
    if settings.predictions.enabled and performance.labels_within > kept:
        message = f"labels are awaited {_d(performance.labels_within)}, and predictions are kept {_d(kept)}"
        yield _warning("performance.labels_within", message, "raise predictions.keep")
    if windows.evaluate_every > windows.length:
        message = f"{_d(windows.evaluate_every)} is longer than windows.length ({_d(windows.length)}): traffic between evaluations is not looked at"
        yield _error("windows.evaluate_every", message)


def disk(settings: Settings) -> Iterator[Finding]:
    """The state folder can be written and holds what is asked of it."""
    store = settings.store
    if store.journal.max_size >= store.max_disk:
        message = f"{size_text(store.journal.max_size)} leaves nothing of store.max_disk ({size_text(store.max_disk)})"
        yield _error("store.journal.max_size", message)
    if store.journal.segment * 2 > store.journal.max_size:
        yield _error("store.journal.segment", "two segments must fit into store.journal.max_size")
    path = settings.resolve(store.path)
    nearest = next((folder for folder in (path, *path.parents) if folder.exists()), Path("/"))
    if not nearest.is_dir():
        yield _error("store.path", f"{nearest} is not a folder")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        yield _error("store.path", f"{nearest} can't be written: permission denied", "set store.path to a folder of yours")


def names_once(settings: Settings) -> Iterator[Finding]:
    """No two SLOs share a name: their counts would mix."""
    first: dict[str, int] = {}
    for index, slo in enumerate(settings.slos):
        other = first.setdefault(slo.name, index)
        if other != index:
            yield _error(f"slos[{index}].name", f"{slo.name} is already the name of slos[{other}]")


def _d(seconds: float) -> str:
    return str(duration_text(seconds))


CHECKS: tuple[Check, ...] = (
    reference_file,
    ports,
    tokens,
    retention,
    disk,
    names_once,
    feature_names,
    protocol,
)
