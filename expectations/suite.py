"""What is expected of a dataset's harmonised rows: from its contract, and from `rules.yaml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from schemas import registry
from schemas.contract import Contract, Severity
from schemas.mapping import Strict

RULES = Path(__file__).resolve().parent / "rules.yaml"


class Rule(Strict):
    """One expectation, the issue that it raises, and what follows from it.

    `only_where` limits it to rows in which these fields hold one of these values.
    """

    expectation: str
    severity: Severity
    issue: str
    field: str = ""
    arguments: dict[str, Any] = {}
    only_where: dict[str, tuple[str, ...]] = Field(default={})

    @property
    def columns(self) -> set[str]:
        """Columns that the rule looks at."""
        named = {v for k, v in self.arguments.items() if k in {"column", "column_A", "column_B"}}
        return named | set(self.arguments.get("column_list", ())) | set(self.only_where)


@lru_cache(maxsize=1)
def _hand_written() -> dict[str, tuple[Rule, ...]]:
    found = registry.read_yaml(RULES)
    return {dataset: tuple(Rule.model_validate(rule) for rule in rules) for dataset, rules in found.items()}


def base_rules(contract: Contract) -> tuple[Rule, ...]:
    """The base suite that follows from a contract.

    Harmonising has already set aside what breaks these, so one that fails here means that
    the platform, not the borough, is at fault: that holds the drop.
    """
    rules = [
        Rule(
            expectation="ExpectCompoundColumnsToBeUnique",
            severity="critical",
            issue="key_not_unique",
            arguments={"column_list": ["borough", "source", "record_id"]},
        )
    ]
    for field in contract.fields:
        broken = {"severity": "critical", "issue": "contract_broken", "field": field.name}
        if field.required:
            rules.append(Rule(expectation="ExpectColumnValuesToNotBeNull", arguments={"column": field.name}, **broken))
        if field.codes is not None:
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToBeInSet",
                    arguments={"column": field.name, "value_set": list(field.codes)},
                    **broken,
                )
            )
        if field.privacy == "direct":
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToMatchRegex",
                    arguments={"column": field.name, "regex": "^[0-9a-f]{32}$"},
                    **broken,
                )
            )
        elif field.pattern is not None:
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToMatchRegex",
                    arguments={"column": field.name, "regex": field.pattern},
                    **broken,
                )
            )
    return tuple(rules)


def rules_for(contract: Contract) -> tuple[Rule, ...]:
    """The whole suite of a dataset: base rules first, then those written by hand."""
    return base_rules(contract) + _hand_written().get(contract.dataset, ())
