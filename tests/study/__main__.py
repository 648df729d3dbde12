"""The study of how far verdicts can be trusted, from seeds: anyone gets the same numbers.

    python -m tests.study looks normal          # our methods and rules, one shape of columns
    python -m tests.study peers normal          # the peers' answers to the same tables (environment of ``make study``)
    python -m tests.study budget "five categories"
    python -m tests.study streams cvm normal    # delay beside a peer's online detector
    python -m tests.study page                  # docs/study.md and its plots, from the results
    python -m tests.study all

Each part writes a JSON file into tests/study/results, which is committed; ``page`` reads them all.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PEER_SHIFTS = (0.0, 0.2, 0.5)
PEER_TABLES, PEER_CALM_TABLES = 1, 5  # of 50 features each: Evidently takes seconds for one


def write(name: str, body: Any) -> None:
    file = RESULTS / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json")
    RESULTS.mkdir(exist_ok=True)
    file.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {file}", flush=True)


def looks(shape: str) -> None:
    from tests.study.pools import CALM_TABLES, METHOD_RULES, SHIFTS, SIZES, TABLES, VERDICTS, our_pool, table

    found: dict[str, Any] = {"shape": shape, "methods": [], "verdicts": []}
    for size in SIZES:
        pools = {shift: our_pool(shape, size, shift, TABLES if shift else CALM_TABLES) for shift in SHIFTS}
        for shift, pool in pools.items():
            rates = {name: float(rule(pool).mean()) for name, rule in METHOD_RULES.items()}
            found["methods"].append({"rows": size, "shift": shift, "features": len(pool["effect"]), "rates": rates})
        found["verdicts"] += table(shape, size, pools, VERDICTS)
    write(f"looks {shape}", found)


def peers(shape: str) -> None:
    from tests.study.peers import peer_pool
    from tests.study.pools import PEER_VERDICTS, SIZES, table

    found: dict[str, Any] = {"shape": shape, "methods": [], "verdicts": []}
    for size in SIZES:
        pools = {shift: peer_pool(shape, size, shift, PEER_TABLES if shift else PEER_CALM_TABLES) for shift in PEER_SHIFTS}
        for shift, pool in pools.items():
            rates = {
                "Evidently default": float(pool["evidently"].mean()),
                "NannyML default (Jensen–Shannon)": float(pool["nannyml"].mean()),
                "alibi-detect KSDrift, p < .05": float((pool["alibi"] < 0.05).mean()),
            }
            found["methods"].append({"rows": size, "shift": shift, "features": len(pool["alibi"]), "rates": rates})
        found["verdicts"] += table(shape, size, pools, PEER_VERDICTS)
        write(f"peers {shape}", found)  # after every size: the largest takes minutes


def budget(world: str) -> None:
    from tests.study.budget import study_world

    write(f"budget {world}", study_world(world))


def streams(peer: str, shape: str) -> None:
    from tests.study.online import SETTINGS
    from tests.study.streams import run

    write(f"streams {peer} {shape}", run(SETTINGS[peer], shape))


def delay(world: str) -> None:
    from tests.study.delay import study_world

    write(f"delay {world}", study_world(world))


def page() -> None:
    from tests.study.page import write_page

    write_page(RESULTS)


def every_part() -> Iterator[Sequence[str]]:
    from tests.study.budget import STUDIED
    from tests.study.delay import DELAY_WORLDS
    from tests.study.online import SETTINGS
    from tests.study.shapes import SHAPES

    yield from (("budget", world) for world in STUDIED)
    yield from (("delay", world) for world in DELAY_WORLDS)
    yield from (("looks", shape) for shape in SHAPES)
    yield from (("peers", shape) for shape in SHAPES)
    yield from (("streams", peer, "normal") for peer in SETTINGS)
    yield from (("streams", peer, shape) for peer in ("adwin", "cvm") for shape in ("heavy-tailed", "skewed"))


PARTS = {"looks": looks, "peers": peers, "budget": budget, "streams": streams, "delay": delay, "page": page}


def main(arguments: Sequence[str]) -> None:
    if arguments == ["all"]:
        for part in every_part():
            subprocess.run([sys.executable, "-m", "tests.study", *part], check=True)
        page()
    elif arguments and arguments[0] in PARTS:
        PARTS[arguments[0]](*arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
