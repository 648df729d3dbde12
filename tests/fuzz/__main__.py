"""``make fuzz``: every reader of foreign bytes under atheris, one after another, each in a process of its own.

python -m tests.fuzz --seconds 600 [--corpus DIR] [NAME …]     fuzz; exit code 1 where something was found
python -m tests.fuzz --repeat NAME FILE                        run one input again, without atheris
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

OPTIONS = ("-timeout=20", "-rss_limit_mb=3072", "-max_len=4096", "-len_control=50", "-print_final_stats=1")
_RUNS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_.-]{2,30}")  # keys and names of the seeds: the fuzzer's dictionary
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "600")), help="for each target")
    parser.add_argument("--corpus", type=Path, default=Path("build/fuzz"), help="where inputs and findings are kept")
    parser.add_argument("--inside", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--repeat", nargs=2, metavar=("NAME", "FILE"))
    parser.add_argument("only", nargs="*", help="targets; all when left out")
    options = parser.parse_args()
    if options.inside:
        return _inside(options.inside, options.only)
    from tests.fuzz.targets import all_targets

    targets = all_targets()
    if options.repeat:
        name, file = options.repeat
        targets[name].run(Path(file).read_bytes())
        return 0
    unknown = set(options.only) - targets.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(targets)}")
    found = [name for name in options.only or targets if not _fuzz(name, options.seconds, options.corpus)]
    print(f"found something: {', '.join(found)}" if found else "nothing found")
    return 1 if found else 0


def _fuzz(name: str, seconds: int, root: Path) -> bool:
    """One line about one target. False where an input was found that it does not survive."""
    from tests.fuzz.targets import all_targets

    corpus, findings = root / name, root / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    words: set[bytes] = set()
    for number, seed in enumerate(all_targets()[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
        words.update(_WORD.findall(seed))
    dictionary = root / f"{name}.dict"
    dictionary.write_text("".join(f'"{word.decode()}"\n' for word in sorted(words)))
    log = root / f"{name}.log"
    began = time.monotonic()
    with log.open("w") as out:
        command = [sys.executable, "-m", "tests.fuzz", "--inside", name, "--", str(corpus), *OPTIONS]
        limits = [f"-dict={dictionary}", f"-max_total_time={seconds}", f"-artifact_prefix={findings}/{name}-"]
        done = subprocess.run([*command, *limits], stdout=out, stderr=subprocess.STDOUT, check=False)
    text = log.read_text(errors="replace")
    runs, coverage = _RUNS.search(text), _COVERAGE.findall(text)
    number = int(runs[1]) if runs else 0
    verdict = "ok" if not done.returncode else f"FOUND, see {log} and {findings}/{name}-*"
    edges = f"{coverage[-1][0]} edges" if coverage else "no coverage"
    print(f"{name:18} {number:>11,} inputs in {time.monotonic() - began:4.0f} s, {edges:>12}: {verdict}", flush=True)
    return not done.returncode


def _inside(name: str, arguments: list[str]) -> int:
    import atheris

    with atheris.instrument_imports(include=["neural", "yaml"]):
        from tests.fuzz.targets import all_targets

        run = all_targets()[name].run
    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
