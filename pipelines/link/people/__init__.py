"""People and firms: which records are one, how sure that is, and why.

`match(frame, side)` is the engine: prepared rows (`records.prepared`) of one file or two in, entities and explained
edges out. `link_files(paths)` reads files for it (`loda link-people`); `pipelines.link.landlords` gives it the
licence registers each night.

1. `names`, `records`: each row's names, dates, addresses and numbers in one spelling.
2. `blocks`: candidate pairs of several passes, with ceilings that are reported.
3. `comparators`, `features`: levels of agreement, in recordlinkage's framework; what is missing says nothing.
4. `score`: Fellegi-Sunter weights learned over counts of patterns, rarer texts weighing more.
5. `verdict`: what may join, what never joins, what people should look at, in words without any value.
6. `clusters`: entities by average linkage, so that no chain and no contradicted pair ends in one.
"""

from pipelines.link.people.files import Linked, link_files
from pipelines.link.people.matching import Matched, match

__all__ = ["Linked", "Matched", "link_files", "match"]
