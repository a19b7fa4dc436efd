"""The ways onto the verifier contract: 1Click's submit-intent, the solver relay, or on-chain.

All end here. Whichever way a payload comes, it is executed by the same rules, once at most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ballast.devnet.chains import transaction_hash
from ballast.devnet.clock import to_us
from ballast.devnet.errors import ContractPanic
from ballast.devnet.network import Network
from ballast.devnet.settlement import note_executed
from ballast.devnet.verifier import Executed, check_intents, execute_intents
from ballast.devnet.wire import Call


def publish(
    network: Network, call: Call, signed: Any, way: str, tx_hash: str | None = None
) -> Sequence[Executed]:
    """Execute signed payloads as one atomic call, finally and at once.

    Args:
        signed: a list of MultiPayloads, as the contract takes it.
        way: how they came, for the statistics.
        tx_hash: of the NEAR transaction; made from the first intent's hash if not given.

    Raises:
        ContractPanic: with the contract's reason; then nothing was executed.
    """
    try:
        with network.store.write():
            executed = execute_intents(network, signed)
            for each in executed:
                made = tx_hash or near_transaction_hash(network, executed[0].intent_hash)
                note_executed(network, each, made, call.fate)
                _keep(network, call, each, way, made, executed=True)
    except ContractPanic as panic:
        _count_refusal(network, str(panic))
        raise
    return executed


def pretend_to_publish(network: Network, call: Call, signed: Any, way: str) -> Sequence[Executed]:
    """Take payloads with every check, and never execute them.

    Raises:
        ContractPanic: as `publish`.
    """
    checked = check_intents(network, signed)
    with network.store.write():
        for each in checked:
            _keep(network, call, each, way, "", executed=False)
    return checked


def near_transaction_hash(network: Network, intent_hash: str) -> str:
    """The transaction in which the service executes an intent."""
    return transaction_hash("near", network.draws.bytes("near-tx", intent_hash))


def _keep(
    network: Network, call: Call, each: Executed, way: str, tx_hash: str, *, executed: bool
) -> None:
    network.store.run(
        "INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?)",
        each.intent_hash,
        each.account_id,
        each.nonce,
        way,
        tx_hash,
        to_us(call.now),
        int(executed),
    )


def _count_refusal(network: Network, text: str) -> None:
    """Count by the contract's words, without what differs from case to case."""
    words = "JSON" if text.startswith("JSON:") else re.sub("(?<= )'[^']*'", "'...'", text)
    with network.store.write():
        network.store.take_number(f"refused:{words}")
