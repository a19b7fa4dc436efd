"""An address with a wrong letter, or of another chain, is refused before anything is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ballast.adapters.near_intents.addresses import check_address
from ballast.devnet.chains import CHAINS
from ballast.errors import BallastError, ErrorCode

# Published examples: EIP-55, BIP-173, BIP-350, and well-known accounts of the other chains.
GOOD = [
    ("eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("base", "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"),
    ("arb", "0xFB6916095CA1DF60BB79CE92CE3EA74C37C5D359"),
    ("btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("btc", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("btc", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"),
    ("btc", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("sol", "So11111111111111111111111111111111111111112"),
    ("near", "alice.near"),
    ("near", "ab" * 32),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("stellar", "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"),
    ("ton", "EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N"),
    ("a chain of tomorrow", "anything-that-could-be-one"),
]
WRONG_LETTER = [
    ("eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"),
    ("btc", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
    ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),
    ("btc", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj1"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"),
    ("xrp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi"),
    ("stellar", "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN8"),
    ("near", "Alice.near"),
]
WRONG_CHAIN = [
    ("btc", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("eth", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("btc", "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"),
    ("ltc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("doge", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("sol", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("sui", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
]
NO_ADDRESS = [
    ("eth", ""),
    ("eth", "0x" + "0" * 40),
    ("eth", " 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n"),
    ("eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeАed"),
    ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4"),
    ("ton", "UQ" + "!" * 46),
    ("cardano", "addr1"),
    ("a chain of tomorrow", "with a blank"),
    ("a chain of tomorrow", "x" * 500),
]


@pytest.mark.parametrize(("chain", "address"), GOOD)
def test_a_whole_address_is_taken(chain, address):
    check_address(chain, address, None)


@pytest.mark.parametrize(("chain", "address"), [*WRONG_LETTER, *WRONG_CHAIN, *NO_ADDRESS])
def test_what_is_no_address_of_the_chain_is_refused(chain, address):
    with pytest.raises(BallastError) as refused:
        check_address(chain, address, None)

    assert refused.value.code is ErrorCode.ADDRESS_INVALID


@pytest.mark.parametrize(("chain", "address"), GOOD)
def test_a_memo_has_no_place_and_is_refused_rather_than_left_out(chain, address):
    with pytest.raises(BallastError, match="memo") as refused:
        check_address(chain, address, "4711")

    assert refused.value.code is ErrorCode.ADDRESS_INVALID


def is_taken(chain, address):
    try:
        check_address(chain, address, None)
    except BallastError:
        return False
    return True


@pytest.mark.parametrize("chain", CHAINS)
@given(raw=st.binary(min_size=32, max_size=32))
def test_the_devnets_own_addresses_are_taken(chain, raw):
    assert is_taken(chain, CHAINS[chain].make_address(b"\1" + raw[1:]))


@pytest.mark.parametrize("chain", CHAINS)
@given(data=st.data())
def test_we_and_the_devnet_agree_on_an_address_with_one_letter_changed(chain, data):
    raw = b"\1" + data.draw(st.binary(min_size=31, max_size=31))
    address = CHAINS[chain].make_address(raw)
    place = data.draw(st.integers(0, len(address) - 1))
    letter = data.draw(st.sampled_from("0aA1bzZ9-_lO"))
    changed = address[:place] + letter + address[place + 1 :]

    assert is_taken(chain, changed) == CHAINS[chain].is_address(changed)
