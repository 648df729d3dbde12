"""Writes docs/real-data.md: ``python -m tests.realdata [NAME …]``; with names only those are played, and printed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.realdata.deployment import Deployment
from tests.realdata.findings import Findings, findings_of
from tests.realdata.page import page
from tests.realdata.play import play
from tests.realdata.sets import DEPLOYMENTS

PAGE = Path(__file__).parents[2] / "docs" / "real-data.md"


def observe(deployment: Deployment, folder: Path) -> Findings:
    """Play it, and read what was found."""
    played = play(deployment, folder)
    store = played.store()
    try:
        return findings_of(deployment, store, seconds=played.seconds, labels=played.labels, evaluations=played.evaluations)
    finally:
        store.close()


def main() -> None:
    wanted = sys.argv[1:] or list(DEPLOYMENTS)
    found = []
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="neural-realdata-") as folder:
            one = observe(DEPLOYMENTS[name](), Path(folder))
        print(f"{name}: {len(one.deployment):,} rows, {one.evaluations:,} evaluations in {one.seconds:.0f} s", flush=True)
        found.append(one)
    text = page(found)
    if sys.argv[1:]:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
