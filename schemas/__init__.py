"""The shared schemas as data, and the typed door to them."""
