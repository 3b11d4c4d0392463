"""Any table of properties: learn to rank its rows by what one column says, each group by models that never saw it."""

from models.table.task import fit_table

__all__ = ["fit_table"]
