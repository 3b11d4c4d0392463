"""British addresses: any text to unit, number, building name, street and postcode, and one canonical form."""

from pipelines.link.address.parse import canonical, parse

__all__ = ["canonical", "parse"]
