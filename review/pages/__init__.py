"""The pages, a module a subject. What they show they ask of `review.queries` and of the stages."""

from __future__ import annotations

from review.routing import Pages


def groups() -> list[Pages]:
    """Every group of pages."""
    from review.pages import (
        audit,
        health,
        home,
        homes,
        intake,
        intake_files,
        intake_mappings,
        landlords,
        links,
        lists,
        model,
        outcome_files,
        performance,
        properties,
        records,
        sessions,
        sign_in,
        tokens,
    )

    return [
        audit.pages,
        health.pages,
        home.pages,
        homes.pages,
        intake.pages,
        intake_files.pages,
        intake_mappings.pages,
        landlords.pages,
        links.pages,
        lists.pages,
        model.pages,
        outcome_files.pages,
        performance.pages,
        properties.pages,
        records.pages,
        sessions.pages,
        sign_in.pages,
        tokens.pages,
    ]
