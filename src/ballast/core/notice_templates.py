"""An owner's own words for messages: a title and a text for an event, or for a level of them.

Nothing but substitution: `${name}` stands for a field of the event, `$$` for a dollar sign. What is
put in is not looked at again, so nothing in it can ask for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Template
from types import MappingProxyType
from typing import Final

from ballast.core.events import EVENTS, Event, EventKind, Level
from ballast.core.wording import counted, grouped
from ballast.errors import BallastError, ErrorCode

MOST_IN_TITLE: Final = 120
MOST_IN_TEXT: Final = 1_000
# However long what is put in, no more is told of one event.
MOST_TOLD: Final = 2_000

# What every event can say, beside the fields that docs/events.md lists for it.
COMMON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "at": "when, in UTC",
        "event": "its name, such as drift.threshold",
        "event_level": "info, warning or critical",
        "index_name": "what it is about; Ballast if it is about no single index",
        "mode": "paper or live",
        "words": "what is said without a template",
    }
)
SUBJECTS: Final = (*[one.value for one in EventKind], *[one.value for one in Level])


EVERY_CHANNEL: Final = ""


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """How an owner wants to be told.

    Attributes:
        channel_id: where; `EVERY_CHANNEL` for all that have no words of their own.
        subject: the name of an event, or of a level: then it is for events that have none.
        title: of a message about one such event alone; empty for Ballast's own.
        text: of the event in a message; empty for Ballast's own.
    """

    owner_id: str
    channel_id: str
    subject: str
    title: str
    text: str
    updated_at: datetime

    @property
    def says_nothing(self) -> bool:
        """Whether it was taken back."""
        return not (self.title or self.text)


Templates = Sequence[Mapping[str, NoticeTemplate]]
"""By subject; what counts first comes first."""


def fields_of(subject: str) -> tuple[str, ...]:
    """The names that a template for this subject may use."""
    own = EVENTS[EventKind(subject)].fields if subject in set(EventKind) else {}
    return (*COMMON, *own)


def check_template(subject: str, title: str, text: str) -> None:
    """Refuse what could not be filled in, with everything that is wrong with it.

    Raises:
        BallastError: `invalid_input`.
    """
    if subject not in SUBJECTS:
        problem = f"is no event and no level; known: {', '.join(SUBJECTS)}"
        raise _refusal([{"field": "subject", "problem": problem}])
    problems = [
        *_problems_of("title", title, MOST_IN_TITLE, subject),
        *_problems_of("text", text, MOST_IN_TEXT, subject),
    ]
    if "\n" in title:
        problems.append({"field": "title", "problem": "must be one line"})
    if problems:
        raise _refusal(problems)


def _problems_of(field: str, text: str, most: int, subject: str) -> list[dict[str, str]]:
    found = []
    if len(text) > most:
        found.append(f"must be at most {most} characters; it has {len(text)}")
    if any(not one.isprintable() and one != "\n" for one in text):
        found.append("must be of printable characters and line breaks")
    template, known = Template(text), fields_of(subject)
    if not template.is_valid():
        found.append("has a $ that begins no ${name}; write $$ for a dollar sign")
    unknown = [one for one in template.get_identifiers() if one not in known]
    if unknown:
        named = ", ".join(f"${{{one}}}" for one in unknown)
        found.append(f"{named}: no field of {subject}; known: {', '.join(known)}")
    return [{"field": field, "problem": one} for one in found]


def _refusal(problems: list[dict[str, str]]) -> BallastError:
    return BallastError(
        ErrorCode.INVALID_INPUT,
        f"This template has {counted(len(problems), 'problem')}.",
        problems=problems,
    )


def templates_in(channel_id: str, found: Iterable[NoticeTemplate]) -> Templates:
    """What counts in a channel: the words for it alone, then those for every channel."""
    there = [one for one in found if not one.says_nothing]
    return [
        {one.subject: one for one in there if one.channel_id == where}
        for where in dict.fromkeys((channel_id, EVERY_CHANNEL))
    ]


def template_for(event: Event, templates: Templates) -> NoticeTemplate | None:
    """The one for this event, or else for events of its level; of the first that have one."""
    subjects = (event.kind.value, EVENTS[event.kind].level.value)
    found = (by_subject.get(one) for by_subject in templates for one in subjects)
    return next((one for one in found if one is not None), None)


def filled_in(text: str, event: Event, index_name: str, mode: str, words: str) -> str:
    """A template with what this event says.

    Args:
        words: what is said without a template.
    """
    common = {
        "at": f"{event.at:%Y-%m-%d %H:%M}",
        "event": event.kind.value,
        "event_level": EVENTS[event.kind].level.value,
        "index_name": index_name,
        "mode": mode,
        "words": words,
    }
    own = {name: said(name, event.data.get(name)) for name in EVENTS[event.kind].fields}
    # Of a field that an older version did not have the placeholder stays.
    return Template(text).safe_substitute(own | common)[:MOST_TOLD]


def said(name: str, value: object) -> str:
    """A field of an event as people read it."""
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return grouped(text) if name.endswith("_usd") else text


def example_of(kind: EventKind, owner_id: str, at: datetime) -> Event:
    """An event that did not happen, whose fields say what they are; to look at a template."""
    return Event(
        event_id="",
        owner_id=owner_id,
        index_id=None,
        stream=owner_id,
        sequence=0,
        kind=kind,
        at=at,
        data={name: f"[{name}]" for name in EVENTS[kind].fields},
        told_at=None,
    )
