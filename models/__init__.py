"""Models: code, never artefacts."""
