"""What the use cases need from outside, as protocols: adapters fulfil them."""

from ballast.app.ports.access import (
    AccessReader,
    AccessTokens,
    AccessTransaction,
    Passwords,
    ProviderTokens,
    WalletSignatures,
)
from ballast.app.ports.audit import AuditFilter, AuditReader, AuditTransaction
from ballast.app.ports.figures import (
    FiguresReader,
    StoreFigures,
)
from ballast.app.ports.halting import HaltOrder, HaltOrders
from ballast.app.ports.keys import (
    KeyEnvelope,
    MaySign,
    Resealer,
    Rotation,
    TransferOrder,
    Vault,
)
from ballast.app.ports.limits import (
    LimitReader,
    LimitTransaction,
)
from ballast.app.ports.monitor import (
    MonitorReader,
    MonitorTransaction,
    Shard,
    WatchedBasket,
    WatchedIndex,
)
from ballast.app.ports.notify import (
    NotifyReader,
    NotifyTransaction,
)
from ballast.app.ports.outbox import (
    OutboxReader,
    OutboxTransaction,
)
from ballast.app.ports.receivers import (
    Attempt,
    Message,
    Notifier,
    Receivers,
)
from ballast.app.ports.store import (
    Attention,
    DueRow,
    Reader,
    StateMovedError,
    Store,
    StoredAnswer,
    TradeFilter,
    Transaction,
)
from ballast.app.ports.time import (
    Clock,
    Ids,
)
from ballast.app.ports.venue import (
    DepositAsk,
    ListedAsset,
    OutsideWallet,
    PriceHistory,
    Prices,
    PublishOutcome,
    PublishResult,
    Quote,
    SignedIntent,
    SwapAsk,
    SwapStatus,
    Venue,
    VenueStatus,
    WithdrawalAsk,
)

__all__ = [
    "AccessReader",
    "AccessTokens",
    "AccessTransaction",
    "Attempt",
    "Attention",
    "AuditFilter",
    "AuditReader",
    "AuditTransaction",
    "Clock",
    "DepositAsk",
    "DueRow",
    "FiguresReader",
    "HaltOrder",
    "HaltOrders",
    "Ids",
    "KeyEnvelope",
    "LimitReader",
    "LimitTransaction",
    "ListedAsset",
    "MaySign",
    "Message",
    "MonitorReader",
    "MonitorTransaction",
    "Notifier",
    "NotifyReader",
    "NotifyTransaction",
    "OutboxReader",
    "OutboxTransaction",
    "OutsideWallet",
    "Passwords",
    "PriceHistory",
    "Prices",
    "ProviderTokens",
    "PublishOutcome",
    "PublishResult",
    "Quote",
    "Reader",
    "Receivers",
    "Resealer",
    "Rotation",
    "Shard",
    "SignedIntent",
    "StateMovedError",
    "Store",
    "StoreFigures",
    "StoredAnswer",
    "SwapAsk",
    "SwapStatus",
    "TradeFilter",
    "Transaction",
    "TransferOrder",
    "Vault",
    "Venue",
    "VenueStatus",
    "WalletSignatures",
    "WatchedBasket",
    "WatchedIndex",
    "WithdrawalAsk",
]
