"""The seed's README, taken apart: bullets, CLI options and code blocks, in its order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

README = (Path(__file__).parent / "seed-readme.md").read_text()


@dataclass(frozen=True)
class Block:
    """A fenced code block and the heading it stands under."""

    heading: str
    language: str
    code: str


def blocks(language: str) -> list[Block]:
    found, heading = [], ""
    for match in re.finditer(r"^(#+ [^\n]*)$|^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1].lstrip("# ").strip()
        elif match[2] == language:
            found.append(Block(heading, match[2], match[3]))
    return found


def section(title: str) -> str:
    """The text below a heading, up to the next of the same or a higher level."""
    start = re.search(rf"^(#+) .*{re.escape(title)}.*$", README, re.MULTILINE)
    assert start, title
    rest = README[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def feature_bullets() -> list[tuple[str, str]]:
    """(feature heading, bullet) in order."""
    found, heading = [], ""
    for line in section("Features").splitlines():
        if line.startswith("### "):
            heading = re.sub(r"[^\w /&-]", "", line[4:]).strip()
        elif line.startswith("- "):
            found.append((heading, line[2:].strip()))
    return found


def cli_options() -> dict[str, list[str]]:
    """Command → its options, as the CLI chapter lists them."""
    chapter, found = section("CLI Commands"), {}
    for part in re.split(r"^### ", chapter, flags=re.MULTILINE)[1:]:
        command = re.search(r"neural monitor (\w+)", part)
        assert command
        found[command[1]] = re.findall(r"^- `(--[\w-]+)`", part, re.MULTILINE)
    return found


def metric_names() -> list[str]:
    return re.findall(r"^- `(neural_\w+)`", section("Metrics Endpoint"), re.MULTILINE)


def best_practices() -> list[str]:
    return re.findall(r"^\d+\. \*\*(.+?)\*\*", section("Best Practices"), re.MULTILINE)


def slug(text: str) -> str:
    """ "Missing value detection" → "missing_value_detection": how the tests are named."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")
