"""The pages, a module a subject. What they show they ask of `review.queries` and of the stages."""

from __future__ import annotations

from review.routing import Pages


def groups() -> list[Pages]:
    """Every group of pages."""
    from review.pages import home, landlords, lists, model, performance, properties, records, sessions, sign_in, tokens

    return [
        home.pages,
        landlords.pages,
        lists.pages,
        model.pages,
        performance.pages,
        properties.pages,
        records.pages,
        sessions.pages,
        sign_in.pages,
        tokens.pages,
    ]
