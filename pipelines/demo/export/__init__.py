"""Extracts as boroughs' systems write them: true records in, faulty files of many layouts out."""

from pipelines.demo.export.borough import Exported, export_borough, export_dataset

__all__ = ["Exported", "export_borough", "export_dataset"]
