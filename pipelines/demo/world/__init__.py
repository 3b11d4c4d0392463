"""The synthetic London itself: what is true and what staff could know, not yet in any borough's file layout.

`make_landlords(spec)` once, then `make_borough(spec, slug, landlords)` for one borough at a time. All names, addresses
and events are invented; the rates are published ones where there are any (docs/synthetic-london.md).
"""

from pipelines.demo.world.borough import BoroughWorld, make_borough
from pipelines.demo.world.landlords import Landlords, make_landlords
from pipelines.demo.world.spec import HORIZON_END, HORIZON_START, WorldSpec

__all__ = [
    "HORIZON_END",
    "HORIZON_START",
    "BoroughWorld",
    "Landlords",
    "WorldSpec",
    "make_borough",
    "make_landlords",
]
