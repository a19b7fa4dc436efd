"""The keys in a backup: they open before it is put back, or it is not put back.

A backup from before `ballast keys rotate` holds keys that are encrypted under the master key of its
day. They are opened with that one, which was kept, and encrypted under the present one: the
present one stays in place, because copies of it have been made, and because the one before may have
been replaced for a reason.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ballast.bootstrap.places import Places
from ballast.core.wording import counted
from ballast.errors import BallastError, ErrorCode
from ballast.settings import Settings

if TYPE_CHECKING:
    from ballast.adapters.store import SqlStore
    from ballast.app.resealing import Resealed

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class RestoredKeys:
    """What opens in a backup that was put back.

    Attributes:
        opened_by: files with other master keys than the present one, that it took.
        changed: how many keys and secrets were encrypted under the present one.
        locked: what does not open, in words.
        in_place: whether one of those files has become the master key, as there was none.
    """

    opened_by: tuple[Path, ...] = ()
    changed: int = 0
    locked: tuple[str, ...] = ()
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class _Ring:
    """The master keys there are.

    Attributes:
        present: the one in use, or to be; None where there is none.
        found: others that the backup needs, by id.
        is_new: whether the present one is in no file yet.
    """

    present: bytes | None
    found: dict[str, tuple[Path, bytes]]
    is_new: bool


async def open_keys(
    settings: Settings,
    places: Places,
    store: SqlStore,
    file: Path,
    key: Path | None,
    *,
    locked: bool,
) -> RestoredKeys:
    """Bring every key and secret of a backup under the present master key.

    Args:
        store: a copy of the backup that may still be thrown away.
        file: the backup, for what is said.
        key: a file with a master key beside those that were kept.
        locked: whether the backup is put back although something in it does not open.

    Raises:
        BallastError: `keys_unavailable` when something does not open; `invalid_input` when the
            file that was named holds no master key.
    """
    from ballast.adapters.keyring import Keyring
    from ballast.adapters.local import SystemClock, SystemIds
    from ballast.adapters.master_key import id_of, put_in_place
    from ballast.app.resealing import Resealed, reseal_everything, sealed_under
    from ballast.core.forms import KEY_BYTES

    async with store.read() as reader:
        needed = await sealed_under(reader)
    if not needed:
        return RestoredKeys()
    ring, random_bytes = _ring(settings, places, needed, key), SystemIds(SystemClock()).random_bytes
    if ring.present is None and not locked:
        raise _refusal(settings, places, file, needed, ring, Resealed(others=["every key in it"]))
    present = ring.present or random_bytes(KEY_BYTES)
    keys = Keyring(present, [one for _, one in ring.found.values()], random_bytes)
    async with store.transaction() as tx:
        done = await reseal_everything(tx, keys)
        if done.locked and not locked:
            raise _refusal(settings, places, file, needed, ring, done)
    if ring.is_new:
        put_in_place(places.home, present, random_bytes)
    opened_by = dict.fromkeys(path for path, _ in ring.found.values())
    in_place = any(id_of(one) == keys.master_key_id for _, one in ring.found.values())
    return RestoredKeys(tuple(opened_by), done.changed, done.locked, in_place)


def _ring(settings: Settings, places: Places, needed: set[str], key: Path | None) -> _Ring:
    from ballast.adapters.master_key import given_key, id_of, kept_key, present_key

    if settings.master_key is not None:
        present: bytes | None = given_key(settings.master_key.get_secret_value())
    else:
        present = present_key(places.home)
    named = None if key is None else (key, _read(key))
    found: dict[str, tuple[Path, bytes]] = {}
    for one in sorted(needed - ({id_of(present)} if present else set())):
        if named is not None and id_of(named[1]) == one:
            found[one] = named
        elif kept := kept_key(places.home, one):
            found[one] = kept
    if present is not None:
        return _Ring(present, found, is_new=False)
    # The one that was named before one that happens to lie there.
    first = named if named in found.values() else next(iter(found.values()), None)
    return _Ring(first[1] if first else None, found, is_new=True)


def _read(key: Path) -> bytes:
    from ballast.core.forms import key_written

    try:
        written = key_written(key.read_text(encoding="ascii"))
    except (OSError, ValueError):
        written = None
    if written is None:
        raise BallastError(
            ErrorCode.INVALID_INPUT,
            f"{key} cannot be read, or holds no master key. Nothing was changed.",
            problems=[{"field": "--key", "problem": "must be a file with a master key"}],
        )
    return written


def _refusal(
    settings: Settings,
    places: Places,
    file: Path,
    needed: set[str],
    ring: _Ring,
    done: Resealed,
) -> BallastError:
    from ballast.adapters.master_key import FILE_NAME, id_of

    present = id_of(ring.present) if ring.present else None
    missing = sorted(needed - ring.found.keys() - {present})
    here = f"the present one is {present}" if present else f"{places.home} has no {FILE_NAME}"
    why = f"they need {_master_keys(missing)}, and {here}" if missing else "they are damaged"
    again = f"ballast restore {shlex.quote(str(file))}"
    return BallastError(
        ErrorCode.KEYS_UNAVAILABLE,
        f"What is encrypted in this backup does not all open: {_what(done)}; {why}. "
        "Nothing was changed.",
        needed=missing,
        present=present,
        locked=list(done.locked),
    ).advising(
        f"{_where(settings, places, missing, again)} Or put the books back without: {again} "
        "--locked; what is locked stays so, until ballast keys import brings a key back."
    )


def _where(settings: Settings, places: Places, missing: list[str], again: str) -> str:
    if not missing:
        return "Name another backup."
    if settings.master_key is not None:
        return (
            "Write the BALLAST_MASTER_KEY of that time into a file that only you can read, and "
            f"name it: {again} --key THE_FILE. It is encrypted under the present one then."
        )
    names = ", ".join(f"master.key.{one}" for one in missing)
    return (
        f"Find your copy of that master key, which ballast keys rotate has kept as {names} in "
        f"{places.home}, and name it: {again} --key THE_COPY."
    )


def _master_keys(ids: Sequence[str]) -> str:
    return f"master key{'s' if len(ids) > 1 else ''} {', '.join(ids)}"


def _what(done: Resealed) -> str:
    names = done.indexes[:_NAMED]
    if len(done.indexes) > _NAMED:
        names.append("…")
    keys = f"the keys of {counted(len(done.indexes), 'index', 'indexes')} ({', '.join(names)})"
    return ", ".join([*([keys] if names else []), *done.others])
