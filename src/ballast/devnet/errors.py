"""What can go wrong, by who is told: an HTTP client, the contract's caller, or the operator."""

from __future__ import annotations


class DevnetError(Exception):
    """The devnet cannot be opened or run as asked. The text is one sentence for a person.

    `next_step` says what to do, where writing the command otherwise would not help.
    """

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class Refusal(Exception):
    """A request that 1Click refuses: becomes an error body with this HTTP status.

    `message` is a string or a list of strings, as clients of the real service must take both.
    """

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message


class ContractPanic(Exception):
    """The verifier contract refuses, in its own words; the whole call is undone."""
