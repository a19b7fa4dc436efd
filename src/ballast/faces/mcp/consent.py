"""A person's word, asked through the client that the person sits at.

Only a client on this machine is asked (stdio): there the owner started it. What comes over the
network may be a program that answers every question itself, so there the second way remains,
`ballast confirm` on a terminal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.resolve import (
    Elicit,
    Resolve,
    build_resolver_plans,
    resolve_arguments,
)
from mcp_types import InputRequiredResult
from pydantic import BaseModel, Field

from ballast.errors import BallastError


class Word(BaseModel):
    """What the person answers."""

    agree: bool = Field(default=False, title="I agree", description="Carry this plan out.")


@dataclass(frozen=True, slots=True)
class People:
    """How a person is asked about a plan, and where their word is kept.

    Attributes:
        question: the text for a plan's id; the same each time, so that no answer fits another.
        keep: keeps the word for a plan's id.
    """

    question: Callable[[str], Awaitable[str]]
    keep: Callable[[str], Awaitable[None]]

    async def asked(
        self, refusal: BallastError, context: Context[Any, Any]
    ) -> bool | InputRequiredResult:
        """Ask about the plan that was refused for want of a person's word, and keep a yes.

        Returns:
            Whether the person agreed; or, in revisions in which a question is an answer, the
            question, with which the client comes back.
        """
        plan_id = str(refusal.details["plan_id"])
        text = await self.question(plan_id)

        async def agree() -> Elicit[Word]:
            return Elicit(text, Word)

        wanted = {"word": (Resolve(agree), True)}
        found = await resolve_arguments(wanted, build_resolver_plans(wanted, set()), {}, context)
        if isinstance(found, InputRequiredResult):
            return found
        word = found["word"]
        if not (isinstance(word, AcceptedElicitation) and word.data.agree):
            return False
        await self.keep(plan_id)
        return True


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client said that it can put a question with a form to its person."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
