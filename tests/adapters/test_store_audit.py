"""The audit in the store, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ballast.app.ports import AuditFilter, Store
from ballast.core.audit import NO_HEAD, AuditKey, AuditRecord, Head, KeyedSeal, wrong_with
from tests.adapters import store_rows as a

SEAL = KeyedSeal(b"a key")


def record(number: int, **more: object) -> AuditRecord:
    made = AuditRecord(
        f"aud_{number}", a.OWNER, a.NOON, "create_index", "mcp", "digest", "done", "idx_1"
    )
    return replace(made, facts='{"units":"7"}', **more)


async def test_rows_are_chained_by_what_their_transaction_is_about(store: Store):
    async with store.transaction() as tx:
        first = await tx.add_audit(record(1), SEAL)
        second = await tx.add_audit(record(2), SEAL)
    async with store.transaction("idx_1") as tx:
        other = await tx.add_audit(record(3), SEAL)

    async with store.read() as reader:
        assert await reader.audit_streams() == sorted(["idx_1", a.OWNER])
        rows = await reader.audit_stream(a.OWNER, 0, 10)
        assert rows == [first, second]
        assert await reader.audit_stream("idx_1", 0, 10) == [other]
        assert await reader.audit_stream(a.OWNER, 1, 10) == [second]
        assert await reader.audit_head(a.OWNER) == Head(2, second.hash)
        assert await reader.audit_head("nothing") == NO_HEAD
    after = NO_HEAD
    for one in rows:
        assert wrong_with(one, after, {SEAL.key_id: SEAL}) == ""
        after = Head(one.sequence, one.hash)


async def test_what_was_undone_leaves_no_gap(store: Store):
    try:
        async with store.transaction() as tx:
            await tx.add_audit(record(1), SEAL)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    async with store.transaction() as tx:
        made = await tx.add_audit(record(2), SEAL)

    assert (made.sequence, made.previous_hash) == (1, NO_HEAD.hash)


async def test_rows_are_found_by_time_owner_and_kind(store: Store):
    later = a.NOON + timedelta(hours=1)
    async with store.transaction() as tx:
        first = await tx.add_audit(record(1), SEAL)
        second = await tx.add_audit(record(2, at=later, operation="log_in"), SEAL)
        third = await tx.add_audit(record(3, owner_id="own_2", at=later), SEAL)

    async with store.read() as reader:
        for wanted, found in (
            (AuditFilter(), [first, second, third]),
            (AuditFilter(owner_id=a.OWNER), [first, second]),
            (AuditFilter(since=later), [second, third]),
            (AuditFilter(until=later), [first]),
            (AuditFilter(operation="log_in", since=a.NOON, owner_id=a.OWNER), [second]),
        ):
            assert await reader.audit_page(wanted, "", 10) == found
        assert await reader.audit_page(AuditFilter(), "aud_1", 1) == [second]
        assert {one.stream: one for one in await reader.audit_since(later)} == {
            a.OWNER: second,
            "own_2": third,
        }
        assert await reader.last_audit(a.OWNER, "log_in") == second
        assert await reader.last_audit("own_2", "log_in") is None
        assert await reader.audit_before_chains() == []


async def test_a_key_is_kept_and_encrypted_anew(store: Store):
    key = AuditKey("key_1", "sealed", a.NOON)
    async with store.transaction() as tx:
        await tx.add_audit_key(key)
    async with store.transaction() as tx:
        await tx.reseal_audit_key(replace(key, sealed="again"))

    async with store.read() as reader:
        assert await reader.audit_keys() == [replace(key, sealed="again")]
