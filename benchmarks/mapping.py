"""How right proposed mappings are: columns, datasets, files that need no edit, against other ways of matching columns.

Every file is mapped as if its borough and its source system had never been seen: their
mappings and preset are taken out of what is known. Layouts that were held out of development
are told apart. A wrong answer that was not marked as uncertain is a silent error.

    .venv/bin/python benchmarks/mapping.py            # ours and heading similarity
    .venv/bin/python benchmarks/mapping.py --peers    # and the matchers of valentine, in an environment of its own
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.csv as pacsv
from mapping_layouts import SYNTHETIC, Case, list_cases, real_cases, synthetic_cases
from rapidfuzz import fuzz, process

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "valentine"
PEER_PACKAGE = "valentine==1.0.1"
ROWS_FOR_PEERS = 200
FROM_HEADING = 60.0


@dataclass
class Tally:
    """What one way of matching did on some files."""

    columns: int = 0
    right: int = 0
    sure: int = 0
    silent: int = 0
    files: int = 0
    whole: int = 0
    datasets: int = 0
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def line(self, name: str) -> str:
        """One line of the table."""
        share = lambda part, whole: f"{part / whole:7.1%}" if whole else "      -"  # noqa: E731 - a formatter for this line
        return (
            f"{name:<34}{self.files:>6}{self.columns:>9}{share(self.right, self.columns):>9}{self.silent:>8}"
            f"{share(self.sure, self.columns):>9}{share(self.datasets, self.files):>10}"
            f"{share(self.whole, self.files):>10}{self.seconds / max(self.files, 1):>9.2f}"
        )


HEAD = (
    f"{'':<34}{'files':>6}{'columns':>9}{'right':>9}{'silent':>8}{'sure':>9}{'dataset':>10}{'no edit':>10}{'s/file':>9}"
)


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="loda-mapping-") as home:
        os.environ["LODA_HOME"] = home
        cases = list(_cases(options.data, Path(home), options.dwellings))
        if options.only != "all":
            cases = [case for case in cases if case.held_out == (options.only == "held-out")]
        results = {"proposals": _ours(cases, verbose=options.verbose), "heading similarity": _by_heading(cases)}
        if options.disguised:
            for name, disguise in DISGUISES.items():
                results[f"proposals, {name}"] = _ours(cases, disguise, verbose=options.verbose)
        if options.peers:
            results |= _peers(cases, Path(home))
    for held, title in ((False, "Development layouts"), (True, "Held-out layouts")):
        groups = {c.group for c in cases if c.held_out == held}
        if not groups:
            continue
        print(f"\n{title}\n{HEAD}")
        for name, tallies in results.items():
            total = Tally()
            for case in (c for c in cases if c.held_out == held and c.name in tallies):
                total.add(tallies[case.name])
            print(total.line(name))
            if name == "proposals":
                for group in sorted(groups):
                    part = Tally()
                    for case in (c for c in cases if c.held_out == held and c.group == group):
                        part.add(tallies[case.name])
                    print(part.line(f"  {group}"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the public registers"
    )
    parser.add_argument("--dwellings", type=int, default=700, help="dwellings of each synthetic borough")
    parser.add_argument("--only", choices=("all", "development", "held-out"), default="all")
    parser.add_argument("--peers", action="store_true", help="also run valentine's matchers")
    parser.add_argument("--disguised", action="store_true", help="also with headings disguised and columns shuffled")
    parser.add_argument("--verbose", action="store_true", help="print every column that was not right")
    return parser.parse_args()


def _cases(data: Path, home: Path, dwellings: int) -> Iterable[Case]:
    from pipelines import demo

    demo.make(str(home / "bucket"), str(home / "truth"), SYNTHETIC, dwellings, 1, 1)
    lists = home / "lists"
    lists.mkdir()
    yield from real_cases(data)
    yield from list_cases(lists)
    yield from synthetic_cases(home / "bucket")


Disguise = Callable[[str], str]


def _capitals(text: str) -> str:
    return text.upper()


def _run_together(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text).lower()


def _underscored(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()).strip("_")


def _mistyped(text: str) -> str:
    draw = random.Random(text)
    words = list(re.finditer(r"[A-Za-z]{6,}", text))
    if not words:
        return text
    word = draw.choice(words)
    at = draw.randint(word.start() + 1, word.end() - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


DISGUISES: dict[str, Disguise] = {
    "in capitals": _capitals, "run together": _run_together, "with underscores": _underscored, "mistyped": _mistyped,
    "shuffled": lambda text: text,
}  # fmt: skip


def _ours(cases: Sequence[Case], disguise: Disguise | None = None, *, verbose: bool = False) -> dict[str, Tally]:
    from dataclasses import replace

    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract
    from pipelines.extracts.recognise import recognise
    from pipelines.onboard import propose
    from pipelines.onboard.headings import knowledge

    found = {}
    for case in cases:
        knows = knowledge([case.borough], [case.system] if case.system else [])
        started = time.perf_counter()
        recognised = recognise(Extract(Folder(str(case.path.parent)), case.path.name, case.path.suffix.lower()))
        before = {name: name for name in recognised.headings}
        if disguise is not None:
            order = list(range(len(recognised.headings)))
            random.Random(case.name).shuffle(order)
            names = _disguised([recognised.headings[n] for n in order], disguise)
            before = dict(zip(names, (recognised.headings[n] for n in order), strict=True))
            sample = recognised.sample.select(order).rename_columns(names)
            recognised = replace(recognised, headings=names, sample=sample)
        made = propose(recognised, borough=case.borough, dataset=case.dataset, knows=knows)
        seconds = time.perf_counter() - started
        guessed = propose(recognised, borough=case.borough, knows=knows, file_name=case.path.name)
        tally = Tally(files=1, datasets=int(guessed.dataset == case.dataset), seconds=seconds)
        for column in made.columns:
            right = column.field in case.truth[before[column.column]]
            tally.add(Tally(1, int(right), int(column.sure), int(column.sure and not right)))
            if verbose and not right:
                mark = "SILENT" if column.sure else "unsure"
                print(
                    f"{case.name}: {column.column!r} -> {column.field} ({mark}, {column.confidence}): {column.evidence}"
                )
        tally.whole = int(tally.right == tally.columns and made.usable)
        found[case.name] = tally
    return found


def _disguised(names: Sequence[str], disguise: Disguise) -> list[str]:
    made: list[str] = []
    for name in names:
        plain = name if re.fullmatch(r"\(column \d+\)|.* \(\d+\)", name) else disguise(name)
        made.append(plain if plain not in made else name)
    return made


def _answers(case: Case, matched: dict[str, str], seconds: float) -> Tally:
    """A tally of plain matching: it knows no doubt, so every wrong answer is a silent one."""
    right = sum(matched.get(name) in fields for name, fields in case.truth.items())
    size = len(case.truth)
    return Tally(size, right, size, size - right, 1, int(right == size), 0, seconds)


def _by_heading(cases: Sequence[Case]) -> dict[str, Tally]:
    """Each column to the field whose name or title its heading is most like, each field once."""
    from schemas import registry

    found = {}
    for case in cases:
        started = time.perf_counter()
        ways = {
            way: field.name
            for field in registry.contract(case.dataset).fields
            for way in (field.name.replace("_", " "), field.title.lower())
        }
        scored = []
        for heading in case.truth:
            plain = re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).lower()).strip()
            best = process.extractOne(plain, list(ways), scorer=fuzz.token_set_ratio, score_cutoff=FROM_HEADING)
            if best is not None:
                scored.append((best[1], heading, ways[best[0]]))
        matched: dict[str, str] = {}
        for _, heading, field in sorted(scored, reverse=True):
            if field not in matched.values():
                matched[heading] = field
        found[case.name] = _answers(case, matched, time.perf_counter() - started)
    return found


def _peers(cases: Sequence[Case], home: Path) -> dict[str, dict[str, Tally]]:
    """Valentine's matchers, the file's columns against the contract's fields filled with the same dataset's values."""
    python = _peer_environment()
    if python is None:
        print(f"{PEER_PACKAGE} could not be installed here, so it is not measured.", file=sys.stderr)
        return {}
    jobs = home / "peers"
    jobs.mkdir()
    references: dict[str, bytes] = {}
    for number, case in enumerate(cases):
        _as_csv(case, jobs / f"{number}.source.csv")
        if case.dataset not in references:
            references[case.dataset] = _reference(case.dataset)
        (jobs / f"{number}.target.csv").write_bytes(references[case.dataset])
    script = Path(__file__).with_name("mapping_peers.py")
    ran = subprocess.run([str(python), str(script), str(jobs)], capture_output=True, text=True, check=False)
    if ran.returncode:
        print(f"valentine failed: {ran.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {}
    answer = json.loads((jobs / "peers.json").read_text())
    for name, fault in answer["faults"].items():
        print(f"{name} failed on some files: {fault}", file=sys.stderr)
    found: dict[str, dict[str, Tally]] = {}
    for name, done in answer["found"].items():
        each = answer["seconds"][name] / max(len(done), 1)
        found[name] = {
            cases[int(number)].name: _answers(cases[int(number)], matched, each) for number, matched in done.items()
        }
    return found


def _as_csv(case: Case, path: Path) -> None:
    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract
    from pipelines.extracts.recognise import recognise

    recognised = recognise(Extract(Folder(str(case.path.parent)), case.path.name, case.path.suffix.lower()))
    pacsv.write_csv(recognised.sample.slice(0, ROWS_FOR_PEERS), path)


def _reference(dataset: str) -> bytes:
    """The contract's fields with values of a synthetic borough's clean world: more than a contract alone offers."""
    import pandas as pd

    from pipelines import demo
    from pipelines.demo.world import WorldSpec, make_borough, make_landlords
    from schemas import registry

    spec = WorldSpec(("redbridge",), 700, 5, demo.ANCHOR)
    frame = make_borough(spec, "redbridge", make_landlords(spec)).records[dataset].head(ROWS_FOR_PEERS)
    names = [field.name for field in registry.contract(dataset).fields]
    table = pd.DataFrame({name: frame.get(name, pd.NA) for name in names})
    return table.astype("string").to_csv(index=False).encode()


def _peer_environment() -> Path | None:
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    have = subprocess.run([str(python), "-c", "import valentine"], capture_output=True, check=False)
    if have.returncode:
        made = subprocess.run(
            [str(python), "-m", "pip", "install", "-q", PEER_PACKAGE], capture_output=True, check=False
        )
        if made.returncode:
            return None
    return python


if __name__ == "__main__":
    main()
