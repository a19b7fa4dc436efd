"""Keys at rest: one per index, encrypted under the master key of this data directory."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from ballast.adapters.ethereum import eth_account
from ballast.adapters.master_key import (
    FILE_NAME,
    MasterKeyFile,
    RandomBytes,
    given_key,
    id_of,
    kept_key,
    unavailable,
)
from ballast.adapters.near_intents.signing import account_of, sign_transfer
from ballast.app.ports import KeyEnvelope, SignedIntent, TransferOrder
from ballast.core.forms import KEY_BYTES, key_written
from ballast.errors import BallastError, ErrorCode

_NONCE_BYTES: Final = 12  # of AES-GCM
_BOUND_TO: Final = b"ballast envelope 1"
_SECRET_BOUND_TO: Final = b"ballast secret 1"
_DERIVED_FOR: Final = b"ballast derived key 1"


class FileVault:
    """Implements `ballast.app.ports.Vault`. Neither its text nor its errors show a key."""

    def __init__(
        self,
        master_key: bytes,
        random_bytes: RandomBytes,
        file: MasterKeyFile | None = None,
        folder: Path | None = None,
    ) -> None:
        """A vault.

        Args:
            file: where the master key is kept; None where it is given.
            folder: where master keys that were replaced are kept; None for nowhere.
        """
        assert len(master_key) == KEY_BYTES
        self._folder = folder
        self._master_key = master_key
        self._random_bytes = random_bytes
        self._file = file

    @property
    def master_key_id(self) -> str:
        """Which master key this is: a keyed hash that tells nothing about it."""
        return id_of(self._master_key)

    @property
    def is_given(self) -> bool:
        """Whether the master key came from the environment, and not from a file."""
        return self._file is None

    def __repr__(self) -> str:
        return f"FileVault(master_key_id={self.master_key_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is not copied or stored")

    def is_backup(self, text: str) -> bool:
        """Whether a text is a copy of the master key in use."""
        key = key_written(text)
        return key is not None and hmac.compare_digest(key, self._master_key)

    def is_own_file(self, path: Path) -> bool:
        """Whether a path leads to the very file that the master key in use is kept in."""
        return self._file is not None and self._file.is_at(path)

    def derive_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869): the same for the same master key;
        they tell nothing about it, nor about those of another purpose."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = b"\0".join((_DERIVED_FOR, purpose.encode()))
        return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._master_key)

    def can_open(self, envelope: KeyEnvelope) -> bool:
        """Whether the key in an envelope can be had with the master key in use."""
        try:
            self._open(envelope)
        except BallastError:
            return False
        return True

    def kept_file(self, master_key_id: str) -> Path | None:
        """A file that holds another master key than the one in use, if it was kept here."""
        if self._folder is None:
            return None
        try:
            found = kept_key(self._folder, master_key_id)
        except BallastError:  # Whoever restores by it is told why it cannot be read.
            return self._folder / f"{FILE_NAME}.{master_key_id}"
        return found and found[0]

    def _is_sealed_under_ours(self, envelope: KeyEnvelope) -> bool:
        """Another process may have replaced the master key: then the file is read again."""
        if envelope.master_key_id != self.master_key_id:
            self._look_again({envelope.master_key_id})
        return envelope.master_key_id == self.master_key_id

    def _look_again(self, sealed_under: Collection[str]) -> None:
        if self._file is not None:
            self._master_key = self._file.read(sealed_under)

    def begin_rotation(self, text: str | None) -> Rotation:
        """Another master key, ready to take the place of this one.

        Args:
            text: that key, where the present one is given; None where it is in a file.

        Raises:
            BallastError: `invalid_input` if the text is no key, or is the present one;
                `keys_unavailable` if the file of the new one cannot be made.
        """
        if self._file is not None:
            self._look_again({self.master_key_id})
            return Rotation(self, FileVault(self._file.next_key(), self._random_bytes), self._file)
        key = key_written(text or "")
        if key is None or hmac.compare_digest(key, self._master_key):
            raise BallastError(
                ErrorCode.INVALID_INPUT,
                "The new master key must be 32 bytes, written as 64 hex digits or as base64, and "
                "another one than the present.",
            )
        return Rotation(self, FileVault(key, self._random_bytes), None)

    def seal(self, purpose: str, secret: str) -> str:
        """A secret encrypted under the master key, as text, and bound to its purpose."""
        self._look_again({self.master_key_id})
        return self._seal_secret(purpose, secret)

    def _seal_secret(self, purpose: str, secret: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._master_key).encrypt(nonce, secret.encode(), _secret_bound_to(purpose))
        return f"{self.master_key_id}.{base64.b64encode(nonce + sealed).decode('ascii')}"

    def unseal(self, purpose: str, sealed: str) -> str:
        """What `seal` was given for the same purpose.

        Raises:
            BallastError: `keys_unavailable` if it does not open.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        master_key_id, _, body = sealed.partition(".")
        if master_key_id != self.master_key_id:
            self._look_again({master_key_id})
        if master_key_id != self.master_key_id:
            raise unavailable(
                "This secret was encrypted under another master key.",
                needed=master_key_id,
                present=self.master_key_id,
            )
        try:
            raw = base64.b64decode(body, validate=True)
            nonce, ciphertext = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            bound_to = _secret_bound_to(purpose)
            return AESGCM(self._master_key).decrypt(nonce, ciphertext, bound_to).decode()
        except (InvalidTag, ValueError):
            raise unavailable(
                "This secret does not open: it was changed, or belongs elsewhere."
            ) from None

    def new_key(self, index_id: str) -> KeyEnvelope:
        """A fresh secp256k1 key for an index, already encrypted."""
        self._look_again({self.master_key_id})
        while True:
            key = self._random_bytes(KEY_BYTES)
            try:
                account_id = account_of(key)
            except ValueError:  # 0, or not below the group's order: once in 2^128
                continue
            return self._seal(index_id, account_id, key)

    def sign_transfer(self, envelope: KeyEnvelope, order: TransferOrder) -> SignedIntent:
        """Build the payload of a transfer and sign it with the key in the envelope.

        Raises:
            BallastError: `keys_unavailable` if the envelope does not open, or is not the signer's.
        """
        if order.signer_id != envelope.account_id:
            raise unavailable("This key belongs to another account than the one that signs.")
        return sign_transfer(order, self._open(envelope))

    def export_keystore(
        self, envelope: KeyEnvelope, password: str, *, rounds: int | None = None
    ) -> dict[str, Any]:
        """The key as a standard v3 keystore (scrypt), for other wallets.

        Args:
            rounds: of scrypt, a power of two; None takes the standard's 2^18, about a second and
                256 MiB.

        Raises:
            BallastError: `keys_unavailable` if the envelope does not open; `invalid_input` for an
                empty password.
        """
        if not password:
            raise BallastError(ErrorCode.INVALID_INPUT, "A keystore needs a password.")
        account = eth_account()
        return dict(account.encrypt(self._open(envelope), password, iterations=rounds))

    def import_keystore(
        self, index_id: str, keystore: Mapping[str, Any], password: str
    ) -> KeyEnvelope:
        """The key of a v3 keystore, encrypted and bound to an index.

        Raises:
            BallastError: `invalid_input` if it is no such keystore or the password is wrong.
        """
        self._look_again({self.master_key_id})
        try:
            key = bytes(eth_account().decrypt(json.dumps(dict(keystore)), password))
            return self._seal(index_id, account_of(key), key)
        except (ValueError, KeyError, TypeError, NotImplementedError):
            raise BallastError(
                ErrorCode.INVALID_INPUT, "This is no v3 keystore, or the password is wrong."
            ) from None

    def _seal(self, index_id: str, account_id: str, key: bytes) -> KeyEnvelope:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._random_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(self._master_key).encrypt(nonce, key, _bound_to(index_id, account_id))
        return KeyEnvelope(index_id, account_id, self.master_key_id, nonce, ciphertext)

    def _open(self, envelope: KeyEnvelope) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self._is_sealed_under_ours(envelope):
            raise unavailable(
                "The key of this index was encrypted under another master key.",
                needed=envelope.master_key_id,
                present=self.master_key_id,
            )
        bound_to = _bound_to(envelope.index_id, envelope.account_id)
        try:
            return AESGCM(self._master_key).decrypt(envelope.nonce, envelope.ciphertext, bound_to)
        except (InvalidTag, ValueError):
            raise unavailable(
                "The key of this index does not open: its envelope was changed or moved."
            ) from None


class Rotation:
    """Implements `ballast.app.ports.Rotation`: from one master key to another."""

    def __init__(
        self, present: FileVault, following: FileVault, file: MasterKeyFile | None
    ) -> None:
        self._present = present
        self._following = following
        self._file = file

    @property
    def master_key_id(self) -> str:
        """Which master key is to come."""
        return self._following.master_key_id

    def reseal(self, envelope: KeyEnvelope) -> KeyEnvelope:
        """The same key, encrypted under the master key to come.

        Raises:
            BallastError: `keys_unavailable` if the envelope does not open.
        """
        key = self._present._open(envelope)
        return self._following._seal(envelope.index_id, envelope.account_id, key)

    def reseal_secret(self, purpose: str, sealed: str) -> str:
        """The same secret, encrypted under the master key to come.

        Raises:
            BallastError: `keys_unavailable` if it does not open.
        """
        if sealed.partition(".")[0] == self.master_key_id:
            return sealed
        return self._following._seal_secret(purpose, self._present.unseal(purpose, sealed))

    def finish(self) -> None:
        """Use the new master key from now on. Only when everything is encrypted under it.

        Raises:
            BallastError: `keys_unavailable` if its file cannot be put in place.
        """
        if self._file is not None:
            self._file.adopt(self._following._master_key)
        self._present._master_key = self._following._master_key


def open_vault(
    directory: Path,
    master_key: str | None,
    *,
    sealed_under: Collection[str],
    random_bytes: RandomBytes,
) -> FileVault:
    """The vault of a data directory.

    The master key is the one given, else the one in the file `master.key`. The file is made if
    there is none, but never while envelopes exist: they would not open under a new key.

    Args:
        directory: of the mode's data; it must exist.
        master_key: 32 bytes as 64 hex digits or as base64, from the environment.
        sealed_under: ids of the master keys that the stored envelopes are encrypted under.
        random_bytes: the source of all randomness here.

    Raises:
        BallastError: `settings_invalid` if the given key is none; `keys_unavailable` if the file
            is missing while envelopes exist, or is not private, or holds no key.
    """
    if master_key is not None:
        return FileVault(given_key(master_key), random_bytes, folder=directory)
    file = MasterKeyFile(directory, random_bytes)
    return FileVault(file.read(sealed_under), random_bytes, file, directory)


def _bound_to(index_id: str, account_id: str) -> bytes:
    """What an envelope is bound to. Ids hold no zero byte, so the parts cannot run together."""
    return b"\0".join((_BOUND_TO, index_id.encode(), account_id.encode()))


def _secret_bound_to(purpose: str) -> bytes:
    return b"\0".join((_SECRET_BOUND_TO, purpose.encode()))
