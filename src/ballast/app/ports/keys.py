"""Keys, and the one thing that is signed with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ballast.app.ports.venue import SignedIntent


@dataclass(frozen=True, slots=True)
class KeyEnvelope:
    """An index's private key, encrypted and bound to the index by associated data."""

    index_id: str
    account_id: str
    master_key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """The one thing the signer signs now: move one asset of the index to a deposit address.

    Attributes:
        deadline: after it the transfer can no longer execute.
        nonce_deadline: until when the venue remembers whether the nonce was used; later than the
            deadline, so that "unused after the deadline" proves that nothing moved.
        random: 15 fresh random bytes for the nonce.
        salt: 8 hex digits of the venue's current salt.
    """

    signer_id: str
    receiver_id: str
    asset_id: str
    units: int
    deadline: datetime
    nonce_deadline: datetime
    salt: str
    random: bytes


MaySign = Callable[[], AbstractAsyncContextManager[Callable[[str], Awaitable[None]] | None]]
"""Opened around a signature: None while nothing may be signed; else what is told of the signature,
by the hash of what was signed. While it is open no halt is committed, so that nothing outside is
awaited in it."""


class Resealer(Protocol):
    """Encrypts under one master key what was encrypted under another."""

    @property
    def master_key_id(self) -> str:
        """Which master key everything is encrypted under afterwards."""
        ...

    def reseal(self, envelope: KeyEnvelope) -> KeyEnvelope:
        """The same key, encrypted under that master key.

        Raises:
            BallastError: `keys_unavailable` when the envelope does not open.
        """
        ...

    def reseal_secret(self, purpose: str, sealed: str) -> str:
        """The same secret, encrypted under that master key; as it is if it is so already.

        Raises:
            BallastError: `keys_unavailable` when it does not open.
        """
        ...


class Rotation(Resealer, Protocol):
    """From one master key to another. Stopped anywhere, nothing is lost: the new key is kept before
    anything is encrypted under it, and the old one for as long as anything may be."""

    def finish(self) -> None:
        """Use the new master key from now on; only after everything is encrypted under it.

        Raises:
            BallastError: `keys_unavailable` when it cannot be put in place.
        """
        ...


class Vault(Protocol):
    """Makes keys and signs typed orders. A private key never leaves it."""

    @property
    def master_key_id(self) -> str:
        """Which master key is in use; tells nothing about the key itself."""
        ...

    def is_backup(self, text: str) -> bool:
        """Whether a text is a copy of the master key in use."""
        ...

    def is_own_file(self, path: Path) -> bool:
        """Whether a path leads to the very file that the master key in use is kept in."""
        ...

    def derive_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, always the same under one master key."""
        ...

    @property
    def is_given(self) -> bool:
        """Whether the master key came from the environment, and not from a file."""
        ...

    def can_open(self, envelope: KeyEnvelope) -> bool:
        """Whether the key in an envelope can be had with the master key in use."""
        ...

    def kept_file(self, master_key_id: str) -> Path | None:
        """A file that holds another master key than the one in use, if it was kept here."""
        ...

    def begin_rotation(self, text: str | None) -> Rotation:
        """Another master key, ready to take the present one's place.

        Args:
            text: that key, where the present one is given; None where it is in a file.

        Raises:
            BallastError: `invalid_input` when the text is no key, or the present one;
                `keys_unavailable` when the new one cannot be kept.
        """
        ...

    def seal(self, purpose: str, secret: str) -> str:
        """A secret encrypted under the master key, as text, and bound to its purpose."""
        ...

    def unseal(self, purpose: str, sealed: str) -> str:
        """What `seal` was given for the same purpose.

        Raises:
            BallastError: `keys_unavailable` when it does not open.
        """
        ...

    def new_key(self, index_id: str) -> KeyEnvelope:
        """A fresh key for an index, already encrypted."""
        ...

    def sign_transfer(self, envelope: KeyEnvelope, order: TransferOrder) -> SignedIntent:
        """Build the payload of a transfer and sign it.

        Raises:
            BallastError: `keys_unavailable` when the envelope does not open.
        """
        ...

    def export_keystore(self, envelope: KeyEnvelope, password: str) -> dict[str, Any]:
        """The key as a standard v3 keystore, encrypted with a password of the owner's."""
        ...

    def import_keystore(
        self, index_id: str, keystore: Mapping[str, Any], password: str
    ) -> KeyEnvelope:
        """The key of a v3 keystore in an envelope of an index.

        Raises:
            BallastError: `invalid_input` when it is no keystore, or the password is wrong.
        """
        ...
