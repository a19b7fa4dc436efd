"""Several master keys at once: what one of them opens is encrypted under the present one."""

from __future__ import annotations

from collections.abc import Collection

from ballast.adapters.master_key import RandomBytes, unavailable
from ballast.adapters.vault import FileVault, Rotation
from ballast.app.ports import KeyEnvelope


class Keyring:
    """Implements `ballast.app.ports.Resealer`."""

    def __init__(
        self, present: bytes, others: Collection[bytes], random_bytes: RandomBytes
    ) -> None:
        self._present = FileVault(present, random_bytes)
        vaults = [FileVault(one, random_bytes) for one in (*others, present)]
        self._from = {one.master_key_id: Rotation(one, self._present, None) for one in vaults}

    @property
    def master_key_id(self) -> str:
        """Which master key everything is encrypted under afterwards."""
        return self._present.master_key_id

    def reseal(self, envelope: KeyEnvelope) -> KeyEnvelope:
        """The same key, encrypted under the present master key; as it is if it is so already.

        Raises:
            BallastError: `keys_unavailable` if the envelope does not open.
        """
        resealed = self._opening(envelope.master_key_id).reseal(envelope)
        return envelope if envelope.master_key_id == self.master_key_id else resealed

    def reseal_secret(self, purpose: str, sealed: str) -> str:
        """The same secret, encrypted under the present master key; as it is if it is so already.

        Raises:
            BallastError: `keys_unavailable` if it does not open.
        """
        master_key_id = sealed.partition(".")[0]
        if master_key_id == self.master_key_id:
            self._present.unseal(purpose, sealed)
        return self._opening(master_key_id).reseal_secret(purpose, sealed)

    def _opening(self, master_key_id: str) -> Rotation:
        if master_key_id not in self._from:
            raise unavailable("The master key that this needs is not there.", needed=master_key_id)
        return self._from[master_key_id]
