"""Errors whose text is written for the person who can mend them. No personal data in any of them."""


class LodaError(Exception):
    """A fault that is told in one sentence: what, where, and what to do."""

    exit_code = 1


class ConfigurationError(LodaError):
    """A setting, mapping, contract or agreement is wrong or missing."""

    exit_code = 78


class Busy(LodaError):
    """Another run holds what this one needs: the lock `name`, for over `wait` seconds."""

    exit_code = 75

    def __init__(self, name: str, wait: float) -> None:
        super().__init__(
            f"Another run has been working on '{name}' for over {wait:.0f} seconds; wait for it or stop it."
        )


class RefusedDrop(LodaError):
    """A drop that cannot be read at all. `issue_type` is one of the closed vocabulary."""

    exit_code = 65

    def __init__(self, issue_type: str, sentence: str) -> None:
        super().__init__(sentence)
        self.issue_type = issue_type


class HeldDrop(LodaError):
    """A drop that can be read but must not be used until a person has looked."""

    exit_code = 65

    def __init__(self, issue_type: str, sentence: str) -> None:
        super().__init__(sentence)
        self.issue_type = issue_type


class NotFound(LodaError):
    """A borough, drop, list or model that is not there."""

    exit_code = 66
