"""What can be wrong with what is wanted of an index, beyond how it is written: told all at once."""

from __future__ import annotations

from ballast.app.app import App
from ballast.app.assets import DEFAULT_BASE
from ballast.app.baskets import check_targets, merged_policy
from ballast.app.indexes import CreateIndex, UpdateIndex, require_index, wanted_base
from ballast.app.limit_words import limits_from_words, narrowed
from ballast.app.operation import Call
from ballast.app.problems import Wrong
from ballast.core.index import Index, name_key, name_taken
from ballast.core.policy import Policy


async def check_create(app: App, call: Call, given: CreateIndex, wrong: Wrong) -> None:
    """What is wrong with a wish for an index."""
    listed = await app.venue.list_assets()
    base_asset_id = DEFAULT_BASE
    with wrong.about("base_asset"):
        base_asset_id = wanted_base(given, listed).asset_id
    await _check_settings(app, call, given, wrong, base_asset_id, None)


async def check_update(app: App, call: Call, given: UpdateIndex, wrong: Wrong) -> None:
    """What is wrong with a change of an index."""
    listed = await app.venue.list_assets()
    index = await known_index(app, call, given.index_id, wrong)
    base_asset_id = index.base_asset_id if index else DEFAULT_BASE
    # The policy may fit the present one, which nobody knows.
    known = given if index else given.model_copy(update={"policy": None})
    await _check_settings(app, call, known, wrong, base_asset_id, index)
    with wrong.about("limits"):
        limits = limits_from_words(given.limits or {}, listed, base_asset_id)
        if index:
            narrowed(index.limits, limits)


async def known_index(app: App, call: Call, index_id: str | None, wrong: Wrong) -> Index | None:
    """The index that is named, for a check of what else was given; None, and kept as wrong, when
    there is none. An id that does not read is None, and told already."""
    if index_id is None:
        return None
    with wrong.about("index_id"):
        async with app.store.read_short() as reader:
            return await require_index(reader, call.owner_id, index_id)
    return None


async def _check_settings(
    app: App,
    call: Call,
    given: CreateIndex | UpdateIndex,
    wrong: Wrong,
    base_asset_id: str,
    index: Index | None,
) -> None:
    if given.name:
        async with app.store.read_short() as reader:
            other = await reader.find_index(call.owner_id, name_key(given.name))
        if other is not None and (index is None or other.index_id != index.index_id):
            wrong.add("name", name_taken(given.name))
    if given.targets:
        check_targets(given.targets, await app.venue.list_assets(), base_asset_id, wrong)
    if given.policy:
        with wrong.about("policy"):
            present = index.policy if index else Policy()
            merged_policy(present, given.policy, app.timezone, wrong.inside("policy"))
