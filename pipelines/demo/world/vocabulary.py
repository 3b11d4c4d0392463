"""Words that the synthetic London is named with: its streets, blocks, people and companies. All of it is invented."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.object_]

_HEADS = (
    "Alder Amber Arden Bar Beck Bever Birk Bram Brock Carl Chal Clay Cole Corn Cran Dal Dene Dun Elm Ester Farn "
    "Fen Gar Gold Hal Harl Hart Hazel Hol Kel Kings Lang Lin Lock Mar Mel Mil Nor Oak Pad Pem Quar Raven Red Rush "
    "Sal Sel Shir Stan Sten Thorn Tren Wal War Wen Whit Win Wood Yar"
)
_TAILS = (
    "bourne bridge burn bury by combe cote croft dale den field ford grave ham hurst leigh ley mere mond more "
    "shaw stead stoke thorpe ton well wick worth"
)
_PLAIN = (
    "Chapel Station Mill Orchard Church Manor Vicarage Windmill Quarry Nursery Cedar Laburnum Acacia Lime Poplar "
    "Magnolia Sycamore Juniper Heron Kestrel Lark Swallow Foundry Tannery Brewery Ropewalk Cooper Fletcher Saddler "
    "Weaver Granary Paddock Meadow Spring Summer Harvest Ferry Wharf Lock Canal Almond Cherry Damson Quince Mulberry"
)
STREET_KINDS: tuple[tuple[str, float], ...] = (
    ("Road", 0.36), ("Street", 0.12), ("Avenue", 0.12), ("Gardens", 0.06), ("Close", 0.08), ("Terrace", 0.03),
    ("Grove", 0.04), ("Lane", 0.04), ("Mews", 0.02), ("Square", 0.02), ("Crescent", 0.03), ("Place", 0.02),
    ("Way", 0.02), ("Walk", 0.01), ("Hill", 0.01), ("Rise", 0.01), ("Drive", 0.01),
)  # fmt: skip
BLOCK_KINDS = ("Court", "House", "Lodge", "Mansions", "Point", "Heights", "Tower", "Apartments", "Buildings", "Place")
COTTAGE_KINDS = ("Cottage", "Lodge", "House", "Villa", "Dene", "Bank", "View")
LOCALITY_KINDS = ("Green", "Park", "Hill", "Vale", "Common", "Heath", "End", "Cross")
WARD_KINDS = ("", "", "", " North", " South", " East", " West", " Park", " Green", " Hill", " Village", " Common")

FORENAMES = (
    "Aisha Adam Agnes Ahmed Alan Alice Amara Amir Ana Andrei Anita Anna Ben Beth Bilal Carla Carlos Chen Chloe "
    "Clare Craig Daniel David Deepa Diego Dina Elena Eli Emeka Emma Eva Fatima Femi Finn Gita Grace Hana Harry "
    "Hassan Helen Ibrahim Ines Ivan Jack James Jana Jasmin Joan John Joseph Karim Kate Kemi Khalid Lan Laura "
    "Leila Leo Lily Luca Lucy Maria Mark Marta Mary Mei Mehmet Michael Mina Mohammed Nadia Neil Nia Nina Noah "
    "Nora Olga Omar Owen Paul Pavel Peter Petra Priya Rachel Rahul Raj Rosa Ruth Sam Sana Sara Sean Sofia Stella "
    "Suresh Tariq Tess Thomas Tomasz Tunde Usman Vera Victor Wanda Wei Yasmin Yusuf Zara Zoe"
)
SURNAMES = (
    "Abara Adeyo Akhtar Alcott Ames Appiah Archer Ashdown Aydin Babic Baines Barlow Basra Bayliss Beckett Begum "
    "Bellamy Benning Bhatt Birch Blythe Bolton Bose Brandt Brook Burrell Cabral Cane Carden Chadha Chan Cho Clegg "
    "Coker Colley Conroy Costa Cotter Crane Daley Darko Das Dawson Demir Desai Devlin Dimitrov Dobson Drake "
    "Duarte Dutta Eastman Edusei Ellery Emin Enright Esposito Farah Farrow Fenn Ferreira Finch Foley Fonseca Gale "
    "Garland Ghosh Gill Goddard Gomes Gorman Grewal Gupta Haddad Hale Hanif Harker Hassan Hearn Hewitt Ho "
    "Holloway Horvat Hossain Huang Hume Hussain Ilic Islam Ivanov Jarvis Jensen Jolly Joshi Kane Kapoor Kaur "
    "Keane Keller Khan Kiss Kowal Kumar Lacey Lam Larkin Laszlo Leclerc Li Lima Lisowski Lockett Lowe Lund "
    "Mahmood Malik Marsh Mbeki Mehta Mendes Miah Mistry Moffat Molina Moss Nair Nash Nguyen Nowak Nwosu Oakes Obi "
    "Odell Ojo Okafor Olsen Orme Osei Oxley Page Palmer Park Patel Pavlov Peake Penn Pereira Petrov Pham Pike "
    "Popescu Pryor Quigley Quinn Rahman Ramos Rana Rao Redfern Reyes Rigby Rossi Rowan Saeed Salter Santos Sato "
    "Sesay Shah Sharma Shaw Silva Singh Sloan Sousa Stoker Sule Sutcliffe Tahir Tan Tanner Thorne Tran Tuck Turay "
    "Udo Uddin Vance Varga Vella Vickers Wade Wali Walsh Wang Warner Weir Whelan Wolfe Wong Wren Yates Yildiz "
    "Young Zaman Zhang Zielinski"
)
COMPANY_KINDS = (
    "Lettings", "Properties", "Estates", "Homes", "Residential", "Investments", "Lets", "Property Management",
    "Holdings",
)  # fmt: skip
PROVIDER_KINDS = ("Housing Trust", "Homes", "Housing Association", "Community Housing")


@lru_cache(maxsize=1)
def place_words() -> Words:
    """About 1,700 invented place words, such as 'Aldercombe', always in the same order."""
    made = [head + tail for head in _HEADS.split() for tail in _TAILS.split()]
    return np.array(sorted({*made, *_PLAIN.split()}), dtype=object)


@lru_cache(maxsize=2)
def people_words(which: str) -> Words:
    """Forenames or surnames (`which` is "forenames" or "surnames")."""
    return np.array((FORENAMES if which == "forenames" else SURNAMES).split(), dtype=object)
