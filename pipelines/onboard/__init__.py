"""Onboard: a file in a layout that nobody has described yet becomes a proposed mapping."""
