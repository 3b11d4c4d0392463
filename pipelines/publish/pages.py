"""The stage: the pages that everybody reads, written where lists are published, each only when it would be another.

datasets/              what to send: a page, a template and a sample for each dataset
systems/               which borough runs which source system
<borough>/scorecard    how good a borough's extracts were
scorecards             the same for all of London
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from expectations.suite import RULES
from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.hashing import hash_files, hash_of
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import stages
from pipelines.publish.catalogue import catalogue, catalogue_csv, catalogue_files
from pipelines.publish.dataset_pages import agreements_for, dataset_files
from pipelines.publish.html import look
from pipelines.publish.scorecard_pages import borough_page, london_page, scorecard_csv
from pipelines.publish.scorecards import Scorecards, figures_behind, scorecards
from schemas import registry
from schemas.calendar import calendar_folders

STAGE = "pages"
DATASETS, SYSTEMS, SCORECARDS = "pages-datasets", "pages-systems", "pages-scorecards"
SCORECARD, SCORECARD_FILES = "pages-scorecard", ("scorecard.html", "scorecard.csv")


def publish_pages() -> StageResult:
    """Write the dataset pages, the catalogue of systems and the scorecards, whichever would be different.

    Cheap when nothing has changed; killed half way it is done again to the same end. Counts: `files` written.

    Raises:
        ConfigurationError: a calendar, contract or sample is faulty; the sentence names it.
    """
    written = {part: write() for part, write in PARTS.items()}
    files = sum(written.values())
    sentence = ", ".join(f"{number} files of {part}" for part, number in written.items() if number)
    return StageResult(
        STAGE, "london", "made" if files else "unchanged", sentence or "every page stands as it was", {"files": files}
    )


def _published() -> Folder:
    return Folder(settings().published_url)


def _datasets() -> int:
    data = ("samples.yaml", "issue_types.yaml")
    limits = settings()
    made_from = stages.input_hash(
        {contract.dataset: [contract.hash, agreements_for(contract)] for contract in registry.contracts().values()},
        hash_files([RULES, *(registry.FOLDER / name for name in data)]),
        [limits.max_quarantined_share, limits.max_row_fall_share],
        look(),
    )
    return _write(DATASETS, "datasets", made_from, dataset_files)


def _systems() -> int:
    entries = catalogue()
    made_from = stages.input_hash(hash_of(catalogue_csv(entries).decode()), look())
    return _write(SYSTEMS, "systems", made_from, lambda: catalogue_files(entries))


def _write(stage: str, folder: str, made_from: str, files: Callable[[], dict[str, bytes]]) -> int:
    """Write a folder's files, `index.html` last: where it stands all of them do. Returns how many."""
    published = _published()
    if stages.is_done(stage, "london", made_from) and published.exists(f"{folder}/index.html"):
        return 0
    made = files()
    for name in sorted(made, key=lambda name: name == "index.html"):
        published.write_bytes(f"{folder}/{name}", made[name])
    stages.mark_done(stage, "london", made_from, {"files": len(made)})
    return len(made)


def _scorecards() -> int:
    """Write the scorecards that would be different; which those are is asked only when any could be."""
    published = _published()
    made_from = stages.input_hash(
        figures_behind(), _calendars(), str(clock.today()), [str(found) for found in registry.agreements()], look()
    )
    if stages.is_done(SCORECARDS, "london", made_from) and published.exists("scorecards.html"):
        return 0
    every = scorecards()
    written = sum(_scorecard(published, slug, every) for slug in every.boroughs)
    written += sum(_take_down(published, slug) for slug in registry.boroughs() if slug not in every.boroughs)
    cards = list(chain.from_iterable(every.cards.values()))
    pages = {"scorecards.csv": scorecard_csv(cards), "scorecards.html": london_page(every)}
    written += _write_changed(published, "london", pages)
    stages.mark_done(SCORECARDS, "london", made_from, {"boroughs": len(every.boroughs)})
    return written


def _scorecard(published: Folder, slug: str, every: Scorecards) -> int:
    pages = {
        f"{slug}/scorecard.csv": scorecard_csv(every.cards.get(slug, ())),
        f"{slug}/scorecard.html": borough_page(slug, every),
    }
    return _write_changed(published, slug, pages)


def _take_down(published: Folder, slug: str) -> int:
    """Take away the scorecard of a borough whose figures are gone; returns how many files."""
    if not stages.state_of(SCORECARD, slug):
        return 0
    for name in SCORECARD_FILES:
        published.remove(f"{slug}/{name}")
    stages.mark_done(SCORECARD, slug, "", {"files": 0})
    return len(SCORECARD_FILES)


def _write_changed(published: Folder, slug: str, pages: dict[str, bytes]) -> int:
    """Write pages that are not the ones written last; returns how many."""
    made_from = stages.input_hash({name: hash_of(content.decode()) for name, content in pages.items()})
    if stages.is_done(SCORECARD, slug, made_from) and all(published.exists(name) for name in pages):
        return 0
    for name, content in pages.items():
        published.write_bytes(name, content)
    stages.mark_done(SCORECARD, slug, made_from, {"files": len(pages)})
    return len(pages)


def _calendars() -> str:
    return hash_files(path for folder in calendar_folders() for path in folder.glob("*.yaml"))


PARTS: dict[str, Callable[[], int]] = {"datasets": _datasets, "systems": _systems, "scorecards": _scorecards}
