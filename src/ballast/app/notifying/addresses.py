"""Addresses of channels, which are secrets."""

from __future__ import annotations

from dataclasses import replace

from ballast.app.app import App
from ballast.app.ports import Resealer
from ballast.core.notifications import Channel


def seal_address(app: App, channel_id: str, address: str) -> str:
    """An address as it is kept: it opens for this channel alone."""
    return app.vault.seal(_purpose(channel_id), address)


def open_address(app: App, channel: Channel) -> str:
    """Where messages of a channel go.

    Raises:
        BallastError: `keys_unavailable` when it does not open.
    """
    return app.vault.unseal(_purpose(channel.channel_id), channel.address)


def resealed_channel(channel: Channel, rotation: Resealer) -> Channel:
    """A channel with its address sealed under another master key.

    Raises:
        BallastError: `keys_unavailable` when it does not open.
    """
    address = rotation.reseal_secret(_purpose(channel.channel_id), channel.address)
    return replace(channel, address=address)


def _purpose(channel_id: str) -> str:
    return f"channel {channel_id}"
