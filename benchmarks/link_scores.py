"""What a linker's answers are worth: units, buildings, false links, flats merged, what it leaves to people.

Every share is over the records that somebody could have answered: a record whose errors turned it into another
address that exists is left out of the unit's figures, and counted; where it is tied to the other flat of its building
that it now names, in a column of its own, since no linker can know. A linker's answer is row, uprn, decision (linked,
parent, review, none), score, gap and runner_up; peers decide `linked` alone, at the cut that is said with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

PRECISION = 0.99
KEPT = ("uprn", "decision", "reason", "score", "gap", "runner_up", "best", "stage")
GATES = (None, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Least gaps that are tried for a peer; the one that serves it best is taken, which flatters it."""


@dataclass(frozen=True)
class Truth:
    """A task's truth, by row."""

    frame: pd.DataFrame
    building: dict[str, str]
    flats: frozenset[str]
    present: frozenset[str]

    @classmethod
    def read(cls, task: Path, sample: int = 0) -> Truth:
        """Read a task's truth, of its first `sample` records if that is not 0."""
        text = {"dtype": "string", "keep_default_na": False}
        frame = pd.read_csv(task / "truth.csv", **text)
        for name in ("row", "answerable", "building_answerable", "present", "building_present"):
            frame[name] = frame[name].astype(int)
        frame = frame.head(sample) if sample else frame
        known = pd.read_csv(task / "buildings.csv", **text)
        several = known["building"].map(known["building"].value_counts()) > 1
        unit = (known["unit"] != "") | known["building_number"].str.contains(r"\d[A-Z]$", regex=True)
        flats = known.loc[several & unit & (known["shell"] == "0"), "uprn"]
        present = known.loc[known["present"] == "1", "uprn"]
        of = dict(zip(known["uprn"], known["building"], strict=True))
        return cls(frame.set_index("row"), of, frozenset(flats), frozenset(present))


@dataclass
class Scores:
    """What one system did on one task; shares are 0 to 1, nan where there is nothing to divide by."""

    records: int = 0
    unanswerable: int = 0
    precision: float = np.nan
    recall: float = np.nan
    recall_at_99: float = np.nan
    building_precision: float = np.nan
    building_recall: float = np.nan
    absent: int = 0
    false_on_absent: int = 0
    parent_on_absent: int = 0
    merged: int = 0
    merged_by_name: int = 0
    wrong: int = 0
    review: float = np.nan
    review_right: float = np.nan
    seconds: float = np.nan
    cpu: float = np.nan
    peak_gb: float = np.nan
    categories: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def f1(self) -> float:
        """Harmonic mean of the unit's precision and recall."""
        return _f1(self.precision, self.recall)

    @property
    def building_f1(self) -> float:
        """Harmonic mean of the building's precision and recall."""
        return _f1(self.building_precision, self.building_recall)

    @property
    def per_second(self) -> float:
        """Records a second, the start of the program and the reading of files included."""
        return self.records / self.seconds if self.seconds else np.nan


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else np.nan


def ours(path: Path) -> pd.DataFrame:
    """The answers that `loda link` wrote, by row."""
    frame = pd.read_csv(path, dtype={"uprn": "string", "runner_up": "string", "decision": "string"})
    frame["uprn"], frame["runner_up"] = frame["uprn"].fillna(""), frame["runner_up"].fillna("")
    return frame.rename(columns={"probability": "score"}).set_index("row")


def theirs(path: Path, weight: float | None = None, gap: float | None = None) -> pd.DataFrame:
    """A peer's answers, by row; what is under the cut is left as `none`, its uprn kept as `best`."""
    frame = pd.read_csv(path, dtype={"uprn": "string", "stage": "string"}).drop_duplicates("row").set_index("row")
    taken = pd.Series(data=True, index=frame.index)
    if weight is not None:
        taken &= frame["score"] >= weight
    if gap is not None:
        taken &= frame["gap"] >= gap
    frame["best"], frame["runner_up"] = frame["uprn"], ""
    frame["decision"] = np.where(taken, "linked", "none")
    frame["uprn"] = frame["uprn"].where(taken, "")
    return frame


def judge(truth: Truth, answers: pd.DataFrame, peer: bool) -> Scores:
    """Compare answers with the truth; rows that were not answered count as none."""
    frame = _joined(truth, answers)
    unit, linked = frame["answerable"] == 1, frame["decision"] == "linked"
    findable = unit & (frame["true_uprn"] != "") & ~frame["expect"].isin(["abstain"])
    right = linked & (frame["uprn"] == frame["true_uprn"])
    placed = frame["decision"].isin(["linked", "parent"])
    in_building = placed & (frame["building"] == frame["true_building"]) & (frame["true_building"] != "")
    building = frame["building_answerable"] == 1
    at_all = building & (frame["building_present"] == 1)
    absent = unit & (frame["true_uprn"] == "")
    review = frame["decision"] == "review"
    answered = review & findable
    return Scores(
        records=len(frame),
        unanswerable=int((~unit).sum()),
        precision=_share((right & unit).sum(), (linked & unit).sum()),
        recall=_share((right & findable).sum(), findable.sum()),
        recall_at_99=_recall_at(frame[unit], findable[unit], peer),
        building_precision=_share((in_building & building).sum(), (placed & building).sum()),
        building_recall=_share((in_building & at_all).sum(), at_all.sum()),
        absent=int(absent.sum()),
        false_on_absent=int((absent & linked).sum()),
        parent_on_absent=int((absent & (frame["decision"] == "parent") & in_building).sum()),
        merged=int((unit & linked & _merged(frame, truth)).sum()),
        merged_by_name=int((~unit & linked & _merged(frame, truth)).sum()),
        wrong=int((unit & linked & ~right).sum()),
        review=_share(review.sum(), len(frame)),
        review_right=_share((answered & (frame["runner_up"] == frame["true_uprn"])).sum(), answered.sum()),
        categories=_categories(frame, right, in_building, peer),
    )


def _joined(truth: Truth, answers: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in KEPT if name in answers]
    frame = truth.frame.join(answers[columns], how="left")
    for name in ("uprn", "runner_up"):
        frame[name] = frame[name].fillna("")
    frame["decision"] = frame["decision"].fillna("none")
    frame["building"] = frame["uprn"].map(truth.building).fillna("")
    return frame


def _merged(frame: pd.DataFrame, truth: Truth) -> pd.Series:
    """Linked to another flat of the true flat's building, whether or not the true one is in the gazetteer."""
    same = frame["building"] == frame["source_uprn"].map(truth.building)
    both = frame["uprn"].isin(truth.flats) & frame["source_uprn"].isin(truth.flats)
    return same & both & (frame["uprn"] != frame["source_uprn"])


def _recall_at(frame: pd.DataFrame, findable: pd.Series, peer: bool) -> float:
    """The most that can be found while 99 % of the answers are right, by the system's own score, cut where it is best.

    Each system is taken at its best. For a peer every least gap is tried, and leaving out each stage whose matches all
    score alike. Of ours, what is tied to the building (the UPRN may be the very one) and what waits for people with a
    property beside it count as answers that are less sure than any link, as the peer's do below its usual cut.
    """
    ours_or_next = frame["uprn"].where(frame["uprn"] != "", frame["runner_up"])
    given = frame["best"].fillna("") if "best" in frame else ours_or_next
    best = 0.0
    for choice, surest in _peer_choices(frame) if peer else _our_choices(frame):
        part = pd.DataFrame({"surest": surest, "score": frame["score"], "right": given == frame["true_uprn"]})
        part = part[choice & (given != "")]
        totals = part.groupby(["surest", "score"]).agg(right=("right", "sum"), all=("right", "size"))
        sums = totals.sort_index(ascending=False).cumsum()
        good = sums[sums["right"] >= PRECISION * sums["all"]]
        if len(good):
            best = max(best, _share(good["right"].max(), findable.sum()))
    return best


def _peer_choices(frame: pd.DataFrame) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Which of a peer's answers are looked at, and what comes before its score."""
    every, alike_all = pd.Series(data=True, index=frame.index), pd.Series(0, index=frame.index)
    stages = frame["stage"].fillna("").str.partition(":")[0]
    alike = [stage for stage, scores in frame["score"].groupby(stages) if scores.min() == scores.max()]
    for gate in GATES:
        choice = frame["gap"] >= gate if gate is not None else every
        for kept in (choice, *(choice & (stages != stage) for stage in alike)):
            yield kept, alike_all


def _our_choices(frame: pd.DataFrame) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Links alone; with buildings; with what waits for people; with the buildings of which only some are sure."""
    order = frame["decision"].map({"linked": 3, "parent": 2, "review": 1}).fillna(0)
    plain = frame["reason"].eq("no_unit_given")
    yield order == 3, order
    yield order >= 2, order
    yield (order == 3) | ((order == 2) & plain), order
    yield order >= 1, order
    yield (order != 0) & ((order != 2) | plain), order


def _categories(frame: pd.DataFrame, right: pd.Series, in_building: pd.Series, peer: bool) -> pd.DataFrame:
    """Right, wrong and left, by category, as the category's `expect` has it.

    A peer knows no `parent`: its link to the building counts as one where the building is what was asked for.
    """
    linked, parent = frame["decision"] == "linked", frame["decision"] == "parent"
    true_parent = parent & (frame["uprn"] == frame["true_building"]) & in_building
    rolled = true_parent | (linked & (frame["uprn"] == frame["true_building"])) if peer else true_parent
    left = ~(linked | parent)
    good: dict[str, pd.Series] = {
        "linked": right,
        "building": right | rolled,
        "parent": rolled,
        "parent_or_abstain": true_parent | left,
        "parent_or_none": rolled | left,
        "abstain": true_parent | left,
        "linked_or_abstain": right | true_parent | left,
        "none": left,
    }
    rule = frame["expect"]
    is_right = pd.Series(data=False, index=frame.index)
    for name, column in good.items():
        is_right |= (rule == name) & column
    harmless = left | (true_parent & (rule == "linked"))
    table = pd.DataFrame({"right": is_right, "left": harmless & ~is_right, "wrong": ~is_right & ~harmless})
    grouped = table.groupby(frame["category"])
    return grouped.mean().assign(records=grouped.size(), expect=rule.groupby(frame["category"]).first())


HEAD = (
    f"{'':<26}{'P':>7}{'R':>7}{'F1':>7}{'R@99':>7}{'bld P':>7}{'bld R':>7}{'wrong':>7}{'merged':>8}{'by name':>9}"
    f"{'false/absent':>15}{'parent':>8}{'review':>8}{'its best':>9}{'rec/s':>8}{'rec/CPU':>9}{'GB':>6}"
)


def line(name: str, got: Scores) -> str:
    """One line of the table."""
    share = lambda value: f"{value:7.4f}" if value == value else f"{'-':>7}"  # noqa: E731 - a formatter for this line
    figures = (got.precision, got.recall, got.f1, got.recall_at_99, got.building_precision, got.building_recall)
    return (
        f"{name:<26}{''.join(share(value) for value in figures)}{got.wrong:>7}{got.merged:>8}{got.merged_by_name:>9}"
        f"{f'{got.false_on_absent}/{got.absent}':>15}{got.parent_on_absent:>8}{got.review:>8.2%}"
        f"{got.review_right:>9.1%}{got.per_second:>8.0f}{got.records / got.cpu:>9.0f}{got.peak_gb:>6.2f}"
    )


COLUMNS: tuple[tuple[str, Callable[[Scores], str]], ...] = (
    ("precision", lambda s: f"{s.precision:.4f}"),
    ("recall", lambda s: f"{s.recall:.4f}"),
    ("F1", lambda s: f"{s.f1:.4f}"),
    ("recall at 99 %", lambda s: f"{s.recall_at_99:.4f}"),
    ("building P / R", lambda s: f"{s.building_precision:.4f} / {s.building_recall:.4f}"),
    ("flats merged", lambda s: f"{s.merged}"),
    ("of records that name the other flat", lambda s: f"{s.merged_by_name}"),
    ("false links on absent", lambda s: f"{s.false_on_absent} of {s.absent}"),
    ("left to people", lambda s: f"{s.review:.1%}"),
    ("records/s", lambda s: f"{s.per_second:,.0f}"),
    ("of the processor", lambda s: f"{s.records / s.cpu:,.0f}"),
    ("peak GB", lambda s: f"{s.peak_gb:.2f}"),
)


def markdown(title: str, rows: dict[str, Scores]) -> Iterator[str]:
    """A task as a table of Markdown."""
    yield f"\n{title}\n"
    yield "| | " + " | ".join(name for name, _ in COLUMNS) + " |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for name, got in rows.items():
        yield f"| {name} | " + " | ".join(form(got).replace("nan", "-") for _, form in COLUMNS) + " |"
