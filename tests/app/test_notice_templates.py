"""Messages in their owner's own words: filled in, never run, refused where they could not be."""

from __future__ import annotations

import pytest

from ballast.app.notifying.channels import remove_channel
from ballast.app.notifying.channels import test_channel as send_test
from ballast.app.notifying.templates import list_templates, preview, set_template
from ballast.app.operation import Caller
from ballast.core.events import EVENTS, EventKind, Level
from ballast.core.ids import LOCAL_OWNER, IdKind
from ballast.core.notice_templates import COMMON, MOST_IN_TEXT, MOST_IN_TITLE, MOST_TOLD
from ballast.core.notifications import GROUPED_FOR
from ballast.errors import BallastError
from tests.app.receiving import tell, wall_of
from tests.app.test_notifications import carry, channel, serving

ME = Caller()


async def problems(world, subject="index.paused", title="", text=""):
    with pytest.raises(BallastError) as refused:
        await set_template(world.app, ME, subject, title, text)
    assert refused.value.code.value == "invalid_input"
    return [f"{one['field']} {one['problem']}" for one in refused.value.details["problems"]]


async def test_an_event_is_told_in_its_owners_words(world):
    text = "${index_name} ruht (${why}), ${event_level}, ${mode}, $$5, am ${at}: ${words}"
    await set_template(world.app, ME, "index.paused", "Pause: ${index_name}", text)
    with serving() as service:
        await channel(world, service, Level.WARNING)
        index = await world.new_index("Majors")
        await world.deposit(index.index_id, "5")
        await world.call("pause_index", index_id=index.index_id)
        await carry(world)

    ((title, said, kind),) = service.got
    assert (title, kind) == ("Pause: Majors", "warning")
    assert said.startswith("Majors ruht (owner), warning, paper, $5, am 20")
    assert said.endswith(": was paused (owner)")


async def test_a_level_has_words_for_events_that_have_none_of_their_own(world):
    await set_template(world.app, ME, "info", "", "${event}: ${words}")
    await set_template(world.app, ME, "index.created", "", "new: ${name}")
    with serving() as service:
        await channel(world, service)
        index = await world.new_index("Majors")
        await carry(world)
        await tell(world, index.index_id, times=2)
        wall_of(world).ahead += GROUPED_FOR
        await carry(world)

    assert [text for _, text, _ in service.got] == [
        "new: Majors",
        "\n".join(["index.updated: was changed"] * 2),
    ]
    assert [title for title, _, _ in service.got] == [
        "Ballast (paper): one event",
        "Ballast (paper): 2 events",
    ]


async def test_words_that_were_taken_back_leave_an_event_to_the_words_of_its_level(world):
    await set_template(world.app, ME, "info", "", "${event}: ${words}")
    await set_template(world.app, ME, "index.created", "", "new: ${name}")
    await set_template(world.app, ME, "index.created", "", "")
    with serving() as service:
        await channel(world, service)
        await world.new_index("Majors")
        await carry(world)

    assert [text for _, text, _ in service.got] == ["index.created: was created"]


async def test_a_channel_has_words_of_its_own_before_those_for_every_channel(world):
    await set_template(world.app, ME, "index.created", "", "everywhere: ${name}")
    with serving() as phone, serving() as desk:
        await channel(world, phone)
        await channel(world, desk, label="desk")
        await set_template(world.app, ME, "index.created", "Neu", "neu: ${name}", "phone")
        await world.new_index("Majors")
        await carry(world)
        wall_of(world).ahead += GROUPED_FOR
        await set_template(world.app, ME, "index.created", "", "", "phone")
        await world.new_index("Minors")
        await carry(world)

    assert [(title, text) for title, text, _ in phone.got] == [
        ("Neu", "neu: Majors"),
        ("Ballast (paper): one event", "everywhere: Minors"),
    ]
    assert [text for _, text, _ in desk.got] == ["everywhere: Majors", "everywhere: Minors"]


async def test_a_channels_words_for_a_level_come_before_everybodys_for_the_event(world):
    await set_template(world.app, ME, "index.created", "", "everywhere: ${name}")
    with serving() as service:
        await channel(world, service)
        await set_template(world.app, ME, "info", "", "here: ${words}", "phone")
        await set_template(world.app, ME, "warning", "", "worse: ${words}", "phone")
        seen = await preview(world.app, LOCAL_OWNER, "index.created", "phone")
        elsewhere = await preview(world.app, LOCAL_OWNER, "index.created")

    assert (seen.text, elsewhere.text) == ("here: was created", "everywhere: [name]")


async def test_words_of_a_channel_go_with_it_and_need_one(world):
    with serving() as service:
        await channel(world, service)
        await set_template(world.app, ME, "critical", "", "x", "phone")
        (kept,) = await list_templates(world.app, LOCAL_OWNER)
        await remove_channel(world.app, ME, "phone")
        with pytest.raises(BallastError) as refused:
            await set_template(world.app, ME, "critical", "", "x", "phone")
        with pytest.raises(BallastError, match="no channel of this label"):
            await preview(world.app, LOCAL_OWNER, "critical", "phone")
        await channel(world, service)

    assert kept.label == "phone"
    assert refused.value.code == "not_found"
    assert await list_templates(world.app, LOCAL_OWNER) == []


async def test_what_is_put_in_is_not_filled_in_again(world):
    await set_template(world.app, ME, "index.created", "${name}", "${name}")
    with serving() as service:
        await channel(world, service)
        await world.new_index("${index_name} $mode {0.__class__}")
        await carry(world)

    ((title, text, _),) = service.got
    assert title == text == "${index_name} $mode {0.__class__}"


async def test_everything_that_is_wrong_is_named_at_once(world):
    found = await problems(
        world, title="${nme}\n" + "x" * MOST_IN_TITLE, text="${units} ${why.__class__} $"
    )

    assert [one for one in found if one.startswith("title must be at most 120 characters")]
    assert "title must be one line" in found
    assert [one for one in found if one.startswith("title ${nme}: no field of index.paused")]
    assert [one for one in found if one.startswith("text ${units}: no field of index.paused")]
    assert [one for one in found if "begins no ${name}" in one]
    assert all(name in str(found) for name in (*COMMON, "why"))
    assert await list_templates(world.app, LOCAL_OWNER) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"subject": "index.pausd"}, "subject is no event and no level; known: index.created"),
        ({"text": "x" * (MOST_IN_TEXT + 1)}, "text must be at most 1000 characters"),
        ({"text": "a\x1b[31m"}, "text must be of printable characters"),
        ({"subject": "critical", "text": "${plan_id}"}, "text ${plan_id}: no field of critical"),
        ({"text": "${why!r}"}, "text has a $ that begins no ${name}"),
    ],
)
async def test_what_could_not_be_filled_in_is_not_kept(world, given, said):
    assert said in str(await problems(world, **given))


async def test_a_template_is_seen_before_anything_happens(world):
    await set_template(world.app, ME, "drift.threshold", "Drift", "${asset_id}: ${words}")
    with serving() as service:
        await channel(world, service)
        shown = await preview(world.app, LOCAL_OWNER, "drift.threshold")
        await send_test(world.app, LOCAL_OWNER, "phone", shown)

    assert service.got == [
        ("Drift", "[asset_id]: has drifted by [largest_drift_points] points ([action])", "warning")
    ]
    with pytest.raises(BallastError, match="problem"):
        await preview(world.app, LOCAL_OWNER, "nothing")


async def test_empty_words_are_ballasts_own_again_and_nobody_elses_count(world):
    other = Caller(owner_id=world.app.ids.new(IdKind.OWNER))
    before = await preview(world.app, LOCAL_OWNER, "critical")
    await set_template(world.app, other, "critical", "x", "x")
    assert await preview(world.app, LOCAL_OWNER, "critical") == before
    await set_template(world.app, ME, "critical", "y", "y")
    assert (await preview(world.app, LOCAL_OWNER, "critical")).title == "y"
    await set_template(world.app, ME, "critical", "", "")

    assert await preview(world.app, LOCAL_OWNER, "critical") == before
    assert await list_templates(world.app, LOCAL_OWNER) == []


@pytest.mark.parametrize("kind", EventKind)
async def test_every_event_can_be_told_with_all_of_its_fields(world, kind):
    names = [*COMMON, *EVENTS[kind].fields]
    assert len(set(names)) == len(names), "no field hides another"
    text = " ".join(f"${{{one}}}" for one in names)
    await set_template(world.app, ME, kind.value, "", text)

    told = (await preview(world.app, LOCAL_OWNER, kind.value)).text

    assert "$" not in told.replace("$[", "")
    assert len(told) <= MOST_TOLD
