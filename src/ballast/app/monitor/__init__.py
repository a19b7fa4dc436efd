"""What happens by itself: all indexes are looked at, and by their policies nothing is done, the
owner is told, or a rebalance is started."""

from ballast.app.monitor.checking import step_check
from ballast.app.monitor.refreshing import look_with_new_prices
from ballast.app.monitor.watching import step_shard

__all__ = ["look_with_new_prices", "step_check", "step_shard"]
