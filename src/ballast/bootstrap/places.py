"""Where the files of one mode lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one mode."""

    home: Path

    @property
    def database(self) -> Path:
        """The ledger and everything else of ours."""
        return self.home / "ballast.sqlite"

    def kept_before(self, moment: str) -> Path:
        """What a database is called once a backup has taken its place."""
        return self.home / f"ballast.before-{moment}.sqlite"

    def before_restoring(self) -> Iterator[Path]:
        """The databases whose place a backup has taken."""
        return self.home.glob(self.kept_before("*").name)

    @property
    def devnet(self) -> Path:
        """The paper world. It is the outside: no backup or restore of ours touches it."""
        return self.home / "devnet.sqlite"

    @property
    def engine_lock(self) -> Path:
        """Held by the process that moves rows."""
        return self.home / "engine.lock"

    @property
    def engine_process(self) -> Path:
        """Says which process that is; decides nothing."""
        return self.home / "engine.process"


def make_home(settings: Settings) -> Places:
    """Make the folder of this mode, readable for its owner only.

    Raises:
        BallastError: `store_unavailable` when it cannot be made.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BallastError(
            ErrorCode.STORE_UNAVAILABLE,
            f"The folder {settings.home}, for what belongs to {settings.mode} mode in the data "
            f"directory {settings.root}, cannot be made ({error.strerror}).",
        ).advising(
            "Check the disk and who may write there, or name another data directory in "
            "BALLAST_DATA_DIR."
        ) from None
    return Places(settings.home)
