"""Signing in with an Ethereum wallet: one message, one signature, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from ballast.app.access.accounts import create_account, disable_account, link
from ballast.app.access.admission import admit
from ballast.app.access.ethereum import issue_challenge, prove
from ballast.app.operation import Caller
from ballast.core.ethereum_sign_in import ETHEREUM
from ballast.core.ids import LOCAL_OWNER
from ballast.errors import BallastError, ErrorCode

OWNER = Caller(face="cli")
WALLET = Account.from_key(b"\x11" * 32)
THIEF = Account.from_key(b"\x22" * 32)
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
async def known(world):
    """A world where the wallet opens the indexes of this machine."""
    await create_account(world.app, OWNER, "me", None, mine=True)
    await link(world.app, OWNER, "me", ETHEREUM, WALLET.address.lower())
    return world


def signed(message, wallet=WALLET):
    return "0x" + wallet.sign_message(encode_defunct(text=message)).signature.hex().removeprefix(
        "0x"
    )


async def refused(world, message, signature):
    with pytest.raises(BallastError) as caught:
        await prove(world.app, message, signature, "rest")
    assert caught.value.code is ErrorCode.UNAUTHENTICATED
    return caught.value.message


async def test_whoever_signs_our_message_is_signed_in(known):
    challenge = await issue_challenge(known.app, WALLET.address)

    tokens = await prove(known.app, challenge.message, signed(challenge.message), "rest")

    assert (await admit(known.app, tokens.access_token, "rest")).owner_id == LOCAL_OWNER


async def test_the_message_is_that_of_the_standard_and_bound_to_this_server(known):
    known.app.sign_in = replace(known.app.sign_in, public_url="https://ballast.example:8443")

    message = (await issue_challenge(known.app, WALLET.address.lower(), 8453)).message

    lines = message.split("\n")
    nonce = lines[8].removeprefix("Nonce: ")
    assert lines == [
        "ballast.example:8443 wants you to sign in with your Ethereum account:",
        WALLET.address,
        "",
        "Sign in to Ballast. This sends nothing and costs nothing.",
        "",
        "URI: https://ballast.example:8443",
        "Version: 1",
        "Chain ID: 8453",
        f"Nonce: {nonce}",
        "Issued At: 2027-01-15T12:00:00Z",
        "Expiration Time: 2027-01-15T12:05:00Z",
    ]
    assert len(nonce) == 24
    assert nonce.isalnum()


async def test_a_message_is_good_once_also_for_two_at_the_same_time(known):
    message = (await issue_challenge(known.app, WALLET.address)).message
    signature = signed(message)

    outcomes = await asyncio.gather(
        *(prove(known.app, message, signature, "rest") for _ in range(3)), return_exceptions=True
    )

    assert len([one for one in outcomes if not isinstance(one, BallastError)]) == 1
    assert "used" in await refused(known, message, signature)


async def test_a_message_expires(known):
    message = (await issue_challenge(known.app, WALLET.address)).message
    known.app.wall.pass_time(timedelta(minutes=5))

    assert "expired" in await refused(known, message, signed(message))


CHANGES = (
    lambda text: text + " ",
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace(WALLET.address, WALLET.address.lower()),
    lambda text: text.replace("12:05:00Z", "23:05:00Z"),
    lambda text: text.replace("127.0.0.1", "evil.example"),
    lambda text: text.replace("Chain ID: 1", "Chain ID: 5"),
    lambda text: "",
    lambda text: "\ud800",
)


async def test_a_message_that_is_not_ours_to_the_byte_opens_nothing(known):
    ours = (await issue_challenge(known.app, WALLET.address)).message
    for change in CHANGES:
        forged = change(ours)
        signature = signed(forged) if forged.isascii() else "0x" + "11" * 65

        assert "not issued here" in await refused(known, forged, signature), forged


async def test_a_message_of_another_server_opens_nothing(known):
    here = known.app.sign_in
    known.app.sign_in = replace(here, public_url="https://evil.example")
    issued_there = (await issue_challenge(known.app, WALLET.address)).message
    known.app.sign_in = here
    ours = (await issue_challenge(known.app, WALLET.address)).message

    assert "evil.example" in issued_there
    assert "evil.example" not in ours
    await refused(known, ours, signed(issued_there))


def twin(signature):
    """The other signature of the same message: (r, n - s), with the other parity."""
    raw = bytes.fromhex(signature[2:])
    s = CURVE_ORDER - int.from_bytes(raw[32:64])
    return "0x" + (raw[:32] + s.to_bytes(32) + bytes([55 - raw[64]])).hex()


NO_SIGNATURES = (
    "",
    "0x",
    "hello",
    "0x" + "00" * 65,
    "0x" + "ff" * 65,
    "0x" + "11" * 64,
    "0x" + "11" * 4_000,
)


async def test_what_is_no_signature_opens_nothing_and_uses_nothing_up(known):
    message = (await issue_challenge(known.app, WALLET.address)).message

    for signature in NO_SIGNATURES:
        await refused(known, message, signature)

    await prove(known.app, message, signed(message), "rest")


async def test_anothers_signature_opens_nothing(known):
    message = (await issue_challenge(known.app, WALLET.address)).message
    other = (await issue_challenge(known.app, WALLET.address)).message

    assert "Another key" in await refused(known, message, signed(message, THIEF))
    assert "Another key" in await refused(known, message, signed(other))


async def test_a_signature_written_otherwise_does_not_open_twice(known):
    message = (await issue_challenge(known.app, WALLET.address)).message
    await prove(known.app, message, signed(message), "rest")

    assert "used" in await refused(known, message, twin(signed(message)))


async def test_an_address_without_an_account_is_refused_after_its_proof_alone(known):
    message = (await issue_challenge(known.app, THIEF.address)).message
    assert "Another key" in await refused(known, message, signed(message, WALLET))

    assert "no account" in await refused(known, message, signed(message, THIEF))

    known.app.sign_in = replace(known.app.sign_in, open_to_all=True)
    first = await prove(known.app, message, signed(message, THIEF), "rest")
    again = (await issue_challenge(known.app, THIEF.address)).message
    second = await prove(known.app, again, signed(again, THIEF), "rest")
    assert first.session.owner_id == second.session.owner_id != LOCAL_OWNER


async def test_a_disabled_account_opens_by_no_wallet(known):
    await disable_account(known.app, OWNER, "me")
    message = (await issue_challenge(known.app, WALLET.address)).message

    await refused(known, message, signed(message))


async def test_what_is_no_address_gets_no_message(world):
    whole = WALLET.address
    for address in ("", "0x12", whole[:-1] + "z", whole[2:], whole.swapcase()):
        with pytest.raises(BallastError) as caught:
            await issue_challenge(world.app, address)
        assert caught.value.code is ErrorCode.INVALID_INPUT


async def test_an_address_opens_one_account_alone(known):
    await create_account(known.app, OWNER, "other", None)

    with pytest.raises(BallastError) as caught:
        await link(known.app, OWNER, "other", ETHEREUM, WALLET.address)
    assert caught.value.code is ErrorCode.NAME_TAKEN
