"""Which of a borough's layouts a file has, told by its headings."""

from __future__ import annotations

from pipelines.core.errors import ConfigurationError, HeldDrop
from pipelines.extracts.decode import headings
from pipelines.extracts.intake import Extract
from schemas import registry
from schemas.mapping import Mapping
from schemas.template import is_template

FORMATS = {
    ".csv": ("csv", "addressbase"),
    ".txt": ("csv", "addressbase"),
    ".tsv": ("csv",),
    ".xlsx": ("xlsx",),
    ".xlsm": ("xlsx",),
    ".parquet": ("parquet",),
    ".pq": ("parquet",),
    ".pdf": ("pdf",),
}
"""Formats of `Shape` that a file with this ending may have."""

NAMED_AT_MOST = 8


def choose_layout(borough: str, dataset: str, extract: Extract) -> tuple[Mapping, list[str]]:
    """The layout whose headings the extract has, and those headings in order.

    A file fits a layout that accounts for every one of its headings and misses none
    that it needs.

    Raises:
        HeldDrop: `no_mapping` where there is none for this kind of file, `layout_changed`
            where none fits; the sentence names what is missing and what is new.
        RefusedDrop: the headings cannot be read.
    """
    try:
        known = registry.mappings(borough, dataset)
    except ConfigurationError as error:
        raise HeldDrop("no_mapping", str(error)) from error
    forms = FORMATS.get(extract.content_kind(), ())
    fitting = [mapping for mapping in known if mapping.shape.format in forms]
    if not fitting:
        raise HeldDrop("no_mapping", f"No mapping says how {borough}'s {extract.kind} files become {dataset}.")
    nearest: tuple[int, Mapping, list[str]] | None = None
    for mapping in fitting:
        with extract.open() as handle:
            found = headings(handle, mapping.shape)
        if found and mapping.needed <= set(found) <= mapping.columns:
            return mapping, found
        alike = len(mapping.columns & set(found))
        if not is_template(mapping) and (nearest is None or alike > nearest[0]):
            nearest = (alike, mapping, found)
    if nearest is None:  # the borough has no layout of its own, and this is not the template
        raise HeldDrop("no_mapping", f"No mapping says how {borough}'s {extract.kind} files become {dataset}.")
    raise HeldDrop("layout_changed", _difference(*nearest))


def _difference(alike: int, mapping: Mapping, found: list[str]) -> str:
    if alike * 2 < len(mapping.columns):
        # Headings this strange may be a row of data, so they are not repeated here.
        how_many = f"Only {alike}" if alike else "None"
        return (
            f"{how_many} of the {len(found)} headings {'are' if alike > 1 else 'is'} known from the nearest layout "
            f"('{mapping.name}', {len(mapping.columns)} headings)."
        )
    gone, new = sorted(mapping.needed - set(found)), sorted(set(found) - mapping.columns)
    parts = []
    if gone:
        parts.append(f"missing: {_named(gone)}")
    if new:
        parts.append(f"not known: {_named(new)}")
    return f"The headings differ from the layout '{mapping.name}': {'; '.join(parts)}."


def _named(headings_: list[str]) -> str:
    shown = ", ".join(f"'{name[:60]}'" for name in headings_[:NAMED_AT_MOST])
    return shown if len(headings_) <= NAMED_AT_MOST else f"{shown} and {len(headings_) - NAMED_AT_MOST} more"
