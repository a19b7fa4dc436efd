"""An operation is declared once; every face translates this record. `invoke` is the only door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

from ballast.app.events import emit_refusal
from ballast.app.inputs import Input, RepeatableInput, digest_of, read_input
from ballast.app.naming import FIELD as INDEX_FIELD
from ballast.app.naming import with_index_by_name
from ballast.app.observing import Activity, Doing, present_call, told
from ballast.app.ports import StateMovedError, StoredAnswer, Transaction
from ballast.app.problems import Wrong
from ballast.core.access import ALL_SCOPES, Scope
from ballast.core.audit import AuditRecord, facts_text
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.errors import BallastError, ErrorCode

if TYPE_CHECKING:
    from ballast.app.app import App


log = structlog.get_logger(__name__)


class Effect(StrEnum):
    """READ changes nothing; ADD adds something new; CHANGE alters; SPEND moves money."""

    READ = "read"
    ADD = "add"
    CHANGE = "change"
    SPEND = "spend"


# How often a call is run whose rows somebody else moves each time.
MOVED_ATTEMPTS: Final = 5

SCOPE_OF: Final = {
    Effect.READ: Scope.READ,
    Effect.ADD: Scope.WRITE,
    Effect.CHANGE: Scope.WRITE,
    Effect.SPEND: Scope.SPEND,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Which face and credential asked, and for whom.

    Attributes:
        credential_id: the key or session that was shown; None for the owner at the machine.
    """

    owner_id: str = LOCAL_OWNER
    face: str = "local"
    scopes: frozenset[Scope] = frozenset(ALL_SCOPES)
    credential_id: str | None = None

    def by(self, face: str) -> Caller:
        """The same caller, who came by a face."""
        return Caller(self.owner_id, face, self.scopes, self.credential_id)


def facts_of(refusal: BallastError, index_id: str | None) -> dict[str, object]:
    """What the audit says of a refusal: about which index, and which limits held, with what was
    asked and what was left."""
    facts: dict[str, object] = {"index_id": index_id} if index_id else {}
    limits = refusal.details.get("limits")
    if isinstance(limits, list):
        facts["limits"] = [
            {key: one[key] for key in _OF_A_LIMIT if key in one}
            for one in limits
            if isinstance(one, dict)
        ]
    return facts


_OF_A_LIMIT: Final = ("limit", "of", "asked_usd", "left_usd", "limit_usd", "assets")


class AnsweredBeforeError(Exception):
    """The same request was carried out before; its answer is to be given again."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__()
        self.stored = stored


@dataclass(slots=True)
class Call:
    """One call on its way through an operation.

    Attributes:
        digest: of the input; empty for a read, which leaves no row behind.
        recorded: whether the use case has recorded its answer; it must, inside its transaction.
    """

    caller: Caller
    operation: str
    request_id: str | None
    digest: str
    recorded: bool = False

    @property
    def owner_id(self) -> str:
        """Whose things this call is about."""
        return self.caller.owner_id

    def require(self, scope: Scope, message: str = "") -> None:
        """Refuse a caller without a scope.

        Args:
            message: what needs it, where it is not every call of the operation.

        Raises:
            BallastError: `scope_missing`.
        """
        if scope not in self.caller.scopes:
            text = message or f"{self.operation} needs the scope {scope}."
            raise BallastError(ErrorCode.SCOPE_MISSING, text, scope=scope)

    async def record(
        self, app: App, tx: Transaction, answer: Output, reference: str, **facts: object
    ) -> None:
        """Write the audit row, and the answer under its request_id, in the same transaction as
        the effect: a crash leaves both or neither.

        Args:
            reference: the id of what was made or changed.
            facts: what else the audit is to say; no text that came from outside.

        Raises:
            AnsweredBeforeError: another call with this request_id was faster; the transaction
                rolls back and `invoke` gives that call's answer.
        """
        now = app.clock.now()
        await tx.add_audit(self._audit(app, "done", reference, facts), app.audit_seal)
        if self.request_id is not None:
            stored = await tx.get_answer(self.owner_id, self.operation, self.request_id)
            if stored is not None:
                raise AnsweredBeforeError(stored)
            fresh = StoredAnswer(self.digest, answer.model_dump_json())
            await tx.put_answer(self.owner_id, self.operation, self.request_id, fresh, now)
        self.recorded = True

    async def record_refusal(self, app: App, refusal: BallastError, index_id: str | None) -> None:
        """Leave an audit row of a call that was refused and changed nothing, and tell others
        where they are to know.

        Args:
            index_id: which index the call was about, as its caller wrote it.
        """
        async with app.store.transaction() as tx:
            record = self._audit(app, refusal.code.value, "", facts_of(refusal, index_id))
            await tx.add_audit(record, app.audit_seal)
            index = await tx.get_index(self.owner_id, index_id) if index_id else None
            await emit_refusal(
                app,
                tx,
                refusal,
                owner_id=self.owner_id,
                index_id=index.index_id if index else None,
                attempt=self.operation,
            )

    def _audit(
        self, app: App, outcome: str, reference: str, facts: dict[str, object]
    ) -> AuditRecord:
        if self.request_id is not None:
            facts = {**facts, "request_id": self.request_id}
        return AuditRecord(
            audit_id=app.ids.new(IdKind.AUDIT),
            owner_id=self.owner_id,
            at=app.clock.now(),
            operation=self.operation,
            caller=self.caller.face,
            input_digest=self.digest,
            outcome=outcome,
            reference=reference,
            credential_id=self.caller.credential_id,
            facts=facts_text(facts),
        )


class Output(BaseModel):
    """Output of an operation. Every answer says whether it is about paper or live money."""

    model_config = ConfigDict(frozen=True)

    mode: Annotated[str, Field(description="paper or live.")]


Run = Callable[["App", Call, Any], Awaitable[Output]]
Check = Callable[["App", Call, Any, Wrong], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing Ballast can do, as plain data.

    Attributes:
        name: tool name, operationId and command; `create_index`.
        run: the use case; its docstring (at most 300 characters) is the description.
        check: keeps what is wrong with an input that only the venue's list or the store can tell;
            looks also at an input that reads in part, whose other fields are None. What it finds is
            told together with what does not read. `run` relies on nothing of it: rows may move.
        errors: what it may answer besides the errors every operation may.
        method, path: REST route.
        toolset: `default`, or the set that has to be switched on.
        idempotent: repeating it with the same arguments has no further effect.
        destructive: it ends or removes something.
        trades_later: what it sets may trade by itself from then on; it asks for the scope `spend`
            where it does.
        paper_only: exists in paper mode only.
    """

    name: str
    title: str
    run: Run
    input: type[Input]
    output: type[Output]
    effect: Effect
    method: str
    path: str
    check: Check | None = None
    errors: frozenset[ErrorCode] = field(default_factory=frozenset)
    toolset: str = "default"
    idempotent: bool = False
    destructive: bool = False
    trades_later: bool = False
    open_world: bool = False
    paper_only: bool = False

    @property
    def description(self) -> str:
        """The use case's docstring, on one line: what a model reads to choose the tool."""
        return " ".join((self.run.__doc__ or "").split())


async def invoke(
    app: App,
    operation: Operation,
    arguments: dict[str, Any],
    caller: Caller,
    *,
    around: AbstractAsyncContextManager[None] | None = None,
) -> Output:
    """Validate, check the scope, replay by request_id, run, audit, translate errors.

    Args:
        around: what a face puts around its calls, such as a time limit.

    Raises:
        BallastError: every refusal, with the call's id; `internal` for our own mistakes, whose text
            stays in the log.
    """
    known = present_call()
    call_id = known or app.call_ids.new(IdKind.CALL)
    labels = {"operation": operation.name, "face": caller.face, "effect": operation.effect.value}
    call = Activity(Doing.CALL, operation.name, labels, {"call": call_id})
    try:
        with nullcontext() if known else told({"call_id": call_id}), app.observer.observe(call):
            async with around or nullcontext():
                return await _carried_out(app, operation, arguments, caller)
    except BallastError as refusal:
        refusal.call_id = call_id
        raise


async def _carried_out(
    app: App, operation: Operation, arguments: dict[str, Any], caller: Caller
) -> Output:
    try:
        return await _invoke(app, operation, arguments, caller)
    except BallastError:
        raise
    except Exception as mistake:
        log.exception("operation_failed", operation=operation.name)
        raise BallastError(
            ErrorCode.INTERNAL, f"{operation.name} failed because of a fault in Ballast."
        ) from mistake


async def _invoke(
    app: App, operation: Operation, arguments: dict[str, Any], caller: Caller
) -> Output:
    fields = operation.input.model_fields
    unknown: BallastError | None = None
    try:
        arguments = await with_index_by_name(app, caller.owner_id, fields, arguments)
    except BallastError as refusal:
        if refusal.code is not ErrorCode.NOT_FOUND:
            raise
        unknown = refusal
    given, problems = read_input(operation.input, arguments)
    if unknown is not None:
        # A name that no index has was put where an id is read: that is said once.
        problems = [one for one in problems if one["field"] != INDEX_FIELD]
    app.observer.about(**_ids_in(given))
    call = Call(caller, operation.name, None, "")
    wrong, scope = Wrong(operation.name, problems), SCOPE_OF[operation.effect]
    if scope not in caller.scopes:
        # Whoever may not call it learns nothing of what is there.
        wrong.refuse()
        call.require(scope)
    if unknown is not None:
        wrong.add(INDEX_FIELD, unknown)
    reads = operation.effect is Effect.READ
    if problems or unknown is not None or reads:
        await _refuse_wrong(app, operation, call, given, wrong)
    if reads:
        return await operation.run(app, call, given)
    return await _until_nothing_moves(app, operation, caller, given)


async def _refuse_wrong(
    app: App, operation: Operation, call: Call, given: Input, wrong: Wrong
) -> None:
    """Refuse an input with all that is wrong with it: what is known, and what does not fit what is
    there."""
    try:
        if operation.check is not None:
            await operation.check(app, call, given, wrong)
    except BallastError:
        # The venue does not answer: what is known to be wrong without it comes first.
        wrong.refuse()
        raise
    wrong.refuse()


async def _until_nothing_moves(
    app: App, operation: Operation, caller: Caller, given: Input
) -> Output:
    """Run it again when another process moved what it had read, or the database undid it for
    another transaction: nothing was written then. An operation that moves money takes a plan,
    which is used once, so repeating one does nothing twice.

    Raises:
        BallastError: `store_busy` when it never gets its turn.
    """
    import stamina

    request_id = given.request_id if isinstance(given, RepeatableInput) else None
    try:
        async for attempt in stamina.retry_context(
            on=StateMovedError,
            attempts=MOVED_ATTEMPTS,
            timeout=None,
            wait_initial=0.02,
            wait_max=0.5,
            wait_jitter=0,
        ):
            with attempt:
                call = Call(caller, operation.name, request_id, digest_of(given))
                return await _run_once(app, operation, call, given)
    except StateMovedError as moved:
        raise BallastError(
            ErrorCode.STORE_BUSY, "Other processes kept changing what this call is about."
        ) from moved
    raise AssertionError("a retry loop ends with an answer or an exception")


async def _run_once(app: App, operation: Operation, call: Call, given: Input) -> Output:
    try:
        before = await _answered_before(app, call)
        if before is not None:
            return _replay(operation, call, before)
        await _refuse_wrong(app, operation, call, given, Wrong(operation.name))
        answer = await operation.run(app, call, given)
    except AnsweredBeforeError as again:
        return _replay(operation, call, again.stored)
    except BallastError as refusal:
        if refusal.code not in _NOT_AUDITED:
            await call.record_refusal(app, refusal, getattr(given, "index_id", None))
        raise
    assert call.recorded, f"{operation.name} did not record its answer"
    app.observer.caused(present_call(), _ids_in(answer).values())
    return answer


# When the store itself is the trouble, or our own code is, an audit row cannot be promised.
_NOT_AUDITED: Final = frozenset(
    {
        ErrorCode.STORE_BUSY,
        ErrorCode.STORE_UNAVAILABLE,
        ErrorCode.STORE_DAMAGED,
        ErrorCode.REQUEST_ID_REUSED,
    }
)


# What a call starts and the engine goes on with, and what it is about.
_TOLD_IDS: Final = {
    f"{kind}_id": kind for kind in ("index", "plan", "rebalance", "deposit", "withdrawal")
}


def _ids_in(model: BaseModel) -> dict[str, str]:
    # Pydantic takes long to say that it has no such attribute.
    found = vars(model)
    return {kind: str(found[name]) for name, kind in _TOLD_IDS.items() if found.get(name)}


async def _answered_before(app: App, call: Call) -> StoredAnswer | None:
    if call.request_id is None:
        return None
    async with app.store.read() as reader:
        return await reader.get_answer(call.owner_id, call.operation, call.request_id)


def _replay(operation: Operation, call: Call, stored: StoredAnswer) -> Output:
    if stored.digest != call.digest:
        raise BallastError(
            ErrorCode.REQUEST_ID_REUSED,
            "This request_id was used before for a different request.",
            request_id=call.request_id,
        )
    return operation.output.model_validate_json(stored.answer)
