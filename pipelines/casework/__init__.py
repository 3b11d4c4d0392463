"""Casework: what officers plan, find and decide at a property, and how that reaches the next night."""
