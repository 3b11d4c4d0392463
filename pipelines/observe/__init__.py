"""Observe: what operators and boroughs are told of a night, beside the night itself. Nothing here changes a result.

`alerts` says what is mailed to whom, once a cause; `deadline` which lists are late; `lineage` what every stage read and
wrote; `metrics` what an operator watches. Each is off until a setting names a receiver: docs/operating.md.
"""
