"""Review: the pages where officers work the list, and the JSON API for the same. Its own process, see `serve`."""
