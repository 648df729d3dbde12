"""Since when a finding stands: the monitor's memory of what it found before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from neural.monitoring.quality.findings import Finding

Key = tuple[str, str]
"""(column, kind)."""


class Standing:
    """A finding's ``first_seen`` is the beginning of the evaluation step that showed it first, as long as it has stood since."""

    def __init__(self) -> None:
        self.since: dict[Key, float] = {}

    def date(self, findings: Iterable[Finding], began: float) -> list[Finding]:
        """``began``: when the last step began. A finding that knows its own beginning keeps it."""
        dated: list[Finding] = []
        for finding in findings:
            first = self.since.get(finding.key, began if finding.first_seen is None else finding.first_seen)
            dated.append(replace(finding, first_seen=first))
        self.since = {finding.key: finding.first_seen for finding in dated if finding.first_seen is not None}
        return dated
