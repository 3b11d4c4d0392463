"""Agreements to share: who may use which of whose data, for what, until when, at which grain. Data, never code.

The precedent is the Information Sharing Protocol that five boroughs of the London Office of Data Analytics drafted
for its pilot of 2016-18, with a privacy impact assessment beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.contract import Contract
from schemas.mapping import Strict
from schemas.privacy import COUNTS_ONLY, PERSONAL

Role = Literal["analyst", "data_officer", "engineer", "ig_lead", "public"]
Grain = Literal["record", "property", "count"]

ROLES: dict[Role, str] = {
    "analyst": "analysts",  # decide in a borough which properties are visited
    "data_officer": "data officers",  # send a borough's extracts and mend them
    "engineer": "engineers",  # run the platform
    "ig_lead": "information-governance leads",  # answer for the lawfulness of what is shared
    "public": "the public",  # reads what is published for everybody
}
"""Who may see something, in words."""

GRAINS: tuple[Grain, ...] = ("record", "property", "count")
"""From the finest on: rows as they are; rows without what names a person; counts with small ones suppressed."""

PURPOSES: dict[str, str] = {
    "hmo_detection": "finding likely unlicensed houses in multiple occupation (Housing Act 2004, Parts 2 to 4)",
}
ALL_LONDON = "all-london"
ALL = "all"


class FieldScope(Strict):
    """Which fields of a dataset an agreement covers: `only` these, or all `without` these."""

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.only) == bool(self.without):
            raise ValueError("give either 'only' or 'without', with at least one field")
        return self

    def covered(self, contract: Contract) -> frozenset[str]:
        """Names of the covered fields. The day since which a row is known is no personal data and always among them."""
        every = frozenset(contract.by_name)
        named = frozenset(self.only) & every if self.only else every - frozenset(self.without)
        return named | {contract.known_since}


class Withdrawal(Strict):
    """A party takes its data back: from this day on they may not be used and are deleted.

    Of all the agreement's boroughs and datasets unless some are named.
    """

    withdrawn_on: date
    by: str = Field(min_length=2)
    why: str = Field(min_length=2)
    boroughs: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


class Agreement(Strict):
    """One agreement to share. Days are inclusive; a withdrawal takes effect on its day."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,60}$")
    title: str = Field(min_length=3)
    reference: str = Field("", description="Where the signed protocol and its data protection impact assessment lie.")
    parties: tuple[str, ...] = ()
    boroughs: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[str, ...] = Field(min_length=1)
    purposes: tuple[str, ...] = Field(min_length=1)
    lawful_basis: str = Field(min_length=3)
    fields: dict[str, FieldScope] = {}
    may_see: dict[Role, Grain] = {}
    at_finest: dict[str, Grain] = {}
    valid_from: date
    valid_until: date
    retention_days: int = Field(gt=0)
    withdrawals: tuple[Withdrawal, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_until < self.valid_from:
            raise ValueError(f"agreement '{self.id}' ends before it begins")
        return self

    def names(self, borough: str, dataset: str, *, london: bool) -> bool:
        """Whether the agreement speaks of a borough's dataset, in force or not."""
        of_borough = borough in self.boroughs or (london and ALL_LONDON in self.boroughs)
        return of_borough and (dataset in self.datasets or ALL in self.datasets)

    def withdrawal(self, borough: str, dataset: str, day: date) -> Withdrawal | None:
        """What has taken a borough's dataset out of the agreement by a day, or None."""
        return next(
            (
                taken
                for taken in self.withdrawals
                if taken.withdrawn_on <= day
                and (not taken.boroughs or borough in taken.boroughs)
                and (not taken.datasets or dataset in taken.datasets)
            ),
            None,
        )

    def grain(self, role: Role, dataset: str) -> Grain | None:
        """The finest grain at which a role may see a dataset; None where the agreement does not let it see any."""
        own = self.may_see.get(role)
        if own is None:
            return None
        return max((own, self.at_finest.get(dataset, GRAINS[0])), key=GRAINS.index)

    def faults(self, boroughs: Iterable[str], contracts: Mapping[str, Contract]) -> list[str]:
        """What is wrong with it, a sentence each; empty when it is sound."""
        said = f"Agreement '{self.id}'"
        found = [f"{said} names '{name}', which is no borough." for name in _unknown_boroughs(self, set(boroughs))]
        found += [f"{said} names '{name}', which is no dataset." for name in _unknown_datasets(self, set(contracts))]
        found += [
            f"{said} names the purpose '{name}', which is none; there are: {', '.join(PURPOSES)}."
            for name in self.purposes
            if name not in PURPOSES
        ]
        found += [
            f"{said} is withdrawn on {taken.withdrawn_on}, before it begins."
            for taken in self.withdrawals
            if taken.withdrawn_on < self.valid_from
        ]
        for dataset, scope in self.fields.items():
            if dataset in contracts:
                found += [f"{said} {fault}" for fault in _field_faults(scope, contracts[dataset])]
        return found + [f"{said} {fault}" for fault in self._grain_faults(contracts)]

    def _grain_faults(self, contracts: Mapping[str, Contract]) -> list[str]:
        found = []
        for dataset, contract in contracts.items():
            if dataset not in self.datasets and ALL not in self.datasets:
                continue
            scope = self.fields.get(dataset)
            covered = scope.covered(contract) if scope else frozenset(contract.by_name)
            special = any(contract.by_name[name].privacy == "special" for name in covered)
            fine = sorted(role for role in self.may_see if self.grain(role, dataset) == "record")
            if fine and (dataset in COUNTS_ONLY or special):
                found.append(
                    f"lets {', '.join(fine)} see {dataset} record by record; it may be seen by property at the finest: "
                    f"add 'at_finest: {{{dataset}: property}}'."
                )
            personal = any(contract.by_name[name].privacy in PERSONAL for name in covered)
            if personal and self.grain("public", dataset) in {"record", "property"}:
                found.append(f"lets the public see {dataset} finer than in counts.")
        return found


def _unknown_boroughs(agreement: Agreement, known: set[str]) -> list[str]:
    named = set(agreement.boroughs) - {ALL_LONDON}
    return sorted((named | {b for taken in agreement.withdrawals for b in taken.boroughs}) - known)


def _unknown_datasets(agreement: Agreement, known: set[str]) -> list[str]:
    named = (set(agreement.datasets) - {ALL}) | set(agreement.fields) | set(agreement.at_finest)
    return sorted((named | {d for taken in agreement.withdrawals for d in taken.datasets}) - known)


def _field_faults(scope: FieldScope, contract: Contract) -> list[str]:
    found = [
        f"names the field '{name}', which is not in the contract of {contract.dataset}."
        for name in (*scope.only, *scope.without)
        if name not in contract.by_name
    ]
    covered = scope.covered(contract)
    return found + [
        f"leaves out '{name}' of {contract.dataset}, without which none of its rows can be used: "
        "leave out the dataset instead."
        for name in contract.required
        if name not in covered
    ]


@dataclass(frozen=True)
class Cover:
    """What agreements let be done with a borough's dataset on a day.

    `fields` are the contract's fields that may be used, None for all of them. `refusal` says why nothing may be used,
    and is None where something may. `withdrawn` where a party took the data back, so that they must be deleted.
    """

    borough: str
    dataset: str
    agreements: tuple[Agreement, ...]
    fields: frozenset[str] | None
    refusal: str | None
    withdrawn: Withdrawal | None

    def scope(self) -> list[str] | str:
        """As text that two days can be compared by: "none", "all" or the sorted fields."""
        if self.refusal is not None:
            return "none"
        return "all" if self.fields is None else sorted(self.fields)


def cover(
    agreements: Iterable[Agreement], borough: str, contract: Contract, *, london: bool, purpose: str | None, day: date
) -> Cover:
    """What all agreements together let be done with a borough's dataset; for any purpose where none is given."""
    dataset = contract.dataset
    named = [a for a in agreements if a.names(borough, dataset, london=london)]
    meant = [a for a in named if purpose is None or purpose in a.purposes]
    taken = {a.id: a.withdrawal(borough, dataset, day) for a in meant}
    force = tuple(a for a in meant if a.valid_from <= day <= a.valid_until and taken[a.id] is None)
    if not force:
        first = next((found for found in taken.values() if found is not None), None)
        why = _refusal(named, meant, borough, dataset, purpose, day)
        return Cover(borough, dataset, (), frozenset(), why, first)
    scopes = [a.fields.get(dataset) for a in force]
    fields = None
    if all(scopes):
        fields = frozenset[str]().union(*(scope.covered(contract) for scope in scopes if scope))
    return Cover(borough, dataset, force, fields, None, None)


def _refusal(
    named: list[Agreement], meant: list[Agreement], borough: str, dataset: str, purpose: str | None, day: date
) -> str:
    """Why nothing may be used, in a sentence; the agreement that comes nearest is named."""
    for agreement in meant:
        taken = agreement.withdrawal(borough, dataset, day)
        if taken is not None:
            return (
                f"{taken.by} withdrew {borough}'s {dataset} from agreement '{agreement.id}' on "
                f"{taken.withdrawn_on:%d %B %Y}: {taken.why.rstrip('.')}."
            )
    ended = [a for a in meant if a.valid_until < day]
    if ended:
        last = max(ended, key=lambda a: a.valid_until)
        return (
            f"Agreement '{last.id}' ended on {last.valid_until:%d %B %Y}; until it is renewed nothing of "
            f"{borough}'s {dataset} may be used."
        )
    if meant:
        next_ = min(meant, key=lambda a: a.valid_from)
        return f"Agreement '{next_.id}' lets {borough} share {dataset} only from {next_.valid_from:%d %B %Y} on."
    if named:
        return f"Agreement '{named[0].id}' covers {borough}'s {dataset}, but not for {purpose}."
    return f"No agreement lets {borough} share {dataset}."
