"""What every process of these tests has loaded before it begins: forking then costs no imports."""

from contextlib import suppress

import alembic.command  # noqa: F401
import cryptography.hazmat.primitives.ciphers.aead
import cryptography.hazmat.primitives.serialization  # noqa: F401
import eth_account  # noqa: F401
import eth_keys  # noqa: F401
import psycopg_pool  # noqa: F401
import ulid  # noqa: F401

import ballast.adapters.local
import ballast.adapters.near_intents
import ballast.adapters.notify
import ballast.adapters.passwords
import ballast.adapters.prices
import ballast.adapters.store
import ballast.adapters.store.postgres
import ballast.adapters.tokens
import ballast.adapters.vault
import ballast.adapters.webhooks
import ballast.devnet.application
import ballast.devnet.serve  # noqa: F401
import tests.app.world
import tests.crash.flows
import tests.crash.referee  # noqa: F401

with suppress(ImportError):  # it is not there for every Python
    import coincurve  # noqa: F401
