"""The stage that puts into the ledger what stands behind each entry of a list, so that pages read nothing else.

`Dossier.content` of an entry is plain JSON; every key is always there, of an entry drawn at random as of any other:

- `borough`, `uprn`, `address`, `postcode` (or null), `building_uprn` (of the building that it is a part of, or null),
  `as_of` (ISO 8601), `model` (its identifier), `list_id`.
- `reasons`: the three of the list, as issued.
- `raises`, `lowers`: themes that count, strongest first: `theme` (code), `words`, `strength` (strongly, empty text for
  plainly, a little), `features`: `words`, `source` (null where what it says is that something is not known), `effect`
  (raises, lowers, or `among others` where a theme counts by many together and by none alone), `strength`, `times`
  (how many things are left open by one cause, else 1).
- `hardly`: words of the themes that make hardly any difference.
- `records`: of every dataset but the register, newest first: `dataset`, `source` (the dataset in words), `record_id`,
  `date` (ISO 8601), `reference` (the borough's own number, or null), `what` (in words), `of` (home or building), `link`:
  `decision` (linked or parent), `reason` (code), `sentence`, `stage`, `sure` (in words: about 97 in 100; or null).
- `licences`: newest first, the same keys, and `type`, `status`, `state` (in force, not begun, expired, revoked,
  surrendered, superseded), all in words, `from`, `until` (ISO 8601, or null), `max_persons`, `max_households` (or
  null), `holder` (the name in the public register, null unless the agreement lets an analyst see it).
- `applications`: newest first, the same keys as `records`, and `kind`, `type`, `status` in words (or null),
  `received`, `decided`, `effective_from`, `effective_until` (ISO 8601, or null).
  A timeline is `records`, `licences` and `applications` together by `date`.
- `licensing`: `needed` (mandatory, additional, selective, none, cannot_tell), `needed_why`, `status` (held,
  over_occupied, pending, temporary_exemption, wrong_type, expired, none), `status_why`, `missing`, `excluded_why`, as
  the licensing stage wrote them with their provisions; null where nothing was worked out.
- `landlord`: null where none is known, else `id`, `name` (null unless the borough's public register names the holder
  and the agreement lets an analyst see it), `role` (licence holder, liable owner), `boroughs`: `borough`,
  `properties`, `licences`, `in_force` (numbers), by borough that agreements let an analyst see.
- `withheld`: why datasets are not shown, a sentence each.
- `note`: what a score is and is not.

It never holds a probability or log-odds of the home: an entry drawn at random would be told by them.
"""

from __future__ import annotations
