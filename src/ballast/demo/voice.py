"""Saying on the terminal what is asked in plain words, and what was answered."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ballast.demo.conversation import Conversation
from ballast.demo.outcome import Answer
from ballast.demo.stopped import DemoStopped
from ballast.demo.world import SETTLING, TALKING, PaperWorld


class Voice:
    """A person, a client and a console."""

    def __init__(self, talk: Conversation, world: PaperWorld, console: Console) -> None:
        self._talk = talk
        self._world = world
        self.console = console

    async def call(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool without a word."""
        return await self._talk.call(tool, **arguments)

    async def ask(self, words: str, tool: str, **arguments: Any) -> Answer:
        """Say in plain words what is wanted, name the tool, and call it."""
        note = ", ".join(
            f"{name}={value}"
            for name, value in arguments.items()
            if isinstance(value, str) and not name.endswith("_id")
        )
        self.say(words, tool, note=note)
        return await self.call(tool, **arguments)

    def say(self, words: str, tool: str, note: str = "") -> None:
        """What a person says, and the tool it leads to."""
        self.console.print()
        self.console.print(Text.assemble((f"“{words}”", "bold")))
        called = Text.assemble("   → ", (tool, "cyan"))
        self.console.print(called.append(f"  {note}", "dim") if note else called)

    def tell(self, sentence: str) -> None:
        """A sentence of ours."""
        self.console.print(Padding(Text(sentence), (0, 0, 0, 3), expand=False))

    def show(self, renderable: Any) -> None:
        """A table, or what the server said itself."""
        self.console.print(Padding(renderable, (1, 0, 0, 3), expand=False))

    async def settled(self, handle: str, wanted: str) -> Answer:
        """Let the clock run while something is in flight, until it has ended well.

        Raises:
            DemoStopped: it ended otherwise.
        """
        self._world.run_at(SETTLING)
        progress = await self._talk.follow(handle)
        self._world.run_at(TALKING)
        if progress["state"] != wanted:
            raise DemoStopped(
                f"{handle} ended as {progress['state']}, not as {wanted}. {progress['problem']}"
            )
        if progress["problem"]:
            raise DemoStopped(f"{handle} ended with a problem: {progress['problem']}")
        return progress
