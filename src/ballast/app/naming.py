"""An index by its name where its id is asked for: names are unique among an owner's indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ballast.core.ids import IdKind, kind_of, require_id
from ballast.core.index import name_key
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from ballast.app.app import App

FIELD: Final = "index_id"
LONGEST: Final = 200


async def with_index_by_name(
    app: App, owner_id: str, fields: Mapping[str, object], arguments: dict[str, Any]
) -> dict[str, Any]:
    """The arguments with the id of the index that they name. What can be no name is left as it is,
    to be refused like any other wrong id.

    Args:
        fields: those that the operation takes; only its index_id is looked at.

    Raises:
        BallastError: `not_found` for a name that none of the owner's indexes has.
    """
    given = arguments.get(FIELD)
    if FIELD not in fields or not isinstance(given, str):
        return arguments
    if kind_of(given.strip()) or not given.strip() or len(given) > LONGEST:
        return arguments
    async with app.store.read_short() as reader:
        found = await reader.find_index(owner_id, name_key(given))
    if found is None:
        raise no_such_index(given)
    return {**arguments, FIELD: found.index_id}


def no_such_index(given: str) -> BallastError:
    """The refusal for an index that is not there, or is another owner's: the same for both.

    Args:
        given: the id or the name that was meant for one.
    """
    return BallastError(
        ErrorCode.NOT_FOUND, "There is no index of this name or id.", index_id=given
    ).advising("list_indexes shows the indexes there are: use a name or an id from it.")


async def id_of_index(app: App, owner_id: str, given: str) -> str:
    """The id of the index that is meant, by its id or its name.

    Raises:
        BallastError: `not_found`; `invalid_input` for an id of something else.
    """
    named = await with_index_by_name(app, owner_id, {FIELD: None}, {FIELD: given})
    require_id(named[FIELD], IdKind.INDEX)
    return str(named[FIELD])
