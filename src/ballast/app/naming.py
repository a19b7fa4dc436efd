"""An index by its name where its id is asked for: names are unique among an owner's indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ballast.core.ids import IdKind, kind_of, require_id
from ballast.core.index import name_key

if TYPE_CHECKING:
    from ballast.app.app import App

FIELD: Final = "index_id"
LONGEST: Final = 200


async def with_index_by_name(
    app: App, owner_id: str, fields: Mapping[str, object], arguments: dict[str, Any]
) -> dict[str, Any]:
    """The arguments with the id of the index that they name, if they name one of the owner's. What
    names none is left as it is, to be refused like any other wrong id.

    Args:
        fields: those that the operation takes; only its index_id is looked at.
    """
    given = arguments.get(FIELD)
    if FIELD not in fields or not isinstance(given, str):
        return arguments
    if kind_of(given.strip()) is IdKind.INDEX or not 0 < len(given) <= LONGEST:
        return arguments
    async with app.store.read_short() as reader:
        found = await reader.find_index(owner_id, name_key(given))
    return arguments if found is None else {**arguments, FIELD: found.index_id}


async def id_of_index(app: App, owner_id: str, given: str) -> str:
    """The id of the index that is meant, by its id or its name.

    Raises:
        BallastError: `invalid_input` when it is neither.
    """
    named = await with_index_by_name(app, owner_id, {FIELD: None}, {FIELD: given})
    require_id(named[FIELD], IdKind.INDEX)
    return str(named[FIELD])
