"""What pip-audit really asked: ``make audit``.

pip-audit says "no known vulnerabilities" of packages that it could not look up as well. This reads its JSON, counts those that were asked
for, names the others with the reason, and exits 0 only when every package was asked for and none is known to be vulnerable; 1 with a
vulnerability; 2 when the audit is not whole. ``--partial`` accepts one that is not whole, as long as anything was asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, NOT_WHOLE = 0, 1, 2
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Audit:
    """Names of packages. ``vulnerable``: name and version → identifiers. ``skipped``: reason → names."""

    asked: Sequence[str]
    vulnerable: Mapping[str, Sequence[str]]
    skipped: Mapping[str, Sequence[str]]

    @property
    def total(self) -> int:
        return len(self.asked) + sum(map(len, self.skipped.values()))


def read(answer: Mapping[str, Any], wanted: Sequence[str]) -> Audit:
    """``answer``: pip-audit's JSON. ``wanted``: the lines of the requirements it was given; one it is silent about was not asked for."""
    asked, vulnerable, skipped = [], {}, defaultdict(list)
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            # the reason names the package again: without it, packages of one reason stand together
            reason = one["skip_reason"].removesuffix(")").partition(f": {one['name']} (")[0]
            skipped[reason].append(one["name"])
            continue
        asked.append(one["name"])
        if one["vulns"]:
            vulnerable[f"{one['name']} {one['version']}"] = [found["id"] for found in one["vulns"]]
    heard = {_plain(one["name"]) for one in answer["dependencies"]}
    names = [line.replace("@", "=").partition("=")[0].strip() for line in wanted if line.strip() and not line.startswith("#")]
    for name in names:
        if _plain(name) not in heard:
            skipped["pip-audit's answer does not name it"].append(name)
    return Audit(asked, vulnerable, dict(skipped))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def verdict(audit: Audit, partial: bool) -> int:
    if audit.vulnerable:
        return VULNERABLE
    whole = bool(audit.asked) and not audit.skipped
    return CLEAN if whole or (partial and audit.asked) else NOT_WHOLE


def said(audit: Audit, partial: bool) -> list[str]:
    lines = [f"{name}: {', '.join(found)}" for name, found in audit.vulnerable.items()]
    reasons = "; ".join(f"{reason}: {_few(names)}" for reason, names in audit.skipped.items())
    lines.append(f"asked for {len(audit.asked)} of {audit.total} packages{f', because {reasons}' if reasons else ''}")
    if audit.vulnerable:
        lines.append(f"{len(audit.vulnerable)} packages have known vulnerabilities")
    elif not audit.asked:
        lines.append("nothing was audited: this says nothing about vulnerabilities")
    elif not audit.skipped:
        lines.append("no known vulnerabilities")
    else:
        lines.append(f"no known vulnerabilities in the {len(audit.asked)} that were asked for; nothing is known of the others")
        if not partial:
            lines.append("not a whole audit: --partial accepts it (make audit AUDIT_ARGS=--partial)")
    return lines


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.audit")
    parser.add_argument("answer", type=Path, help="what pip-audit --format json wrote")
    parser.add_argument("requirements", type=Path, help="what it was asked")
    parser.add_argument("--partial", action="store_true", help="accept packages that could not be looked up")
    options = parser.parse_args(arguments)
    try:
        audit = read(json.loads(options.answer.read_text()), options.requirements.read_text().splitlines())
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"pip-audit left no answer in {options.answer} ({type(error).__name__}): nothing was audited", file=sys.stderr)
        return NOT_WHOLE
    print("\n".join(said(audit, options.partial)))
    return verdict(audit, options.partial)


if __name__ == "__main__":
    sys.exit(main())
