"""How each kind of answer looks in a terminal: which facts, which tables, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ballast.app.deposits import DepositView, PaperPaymentView
from ballast.app.drift import DriftView
from ballast.app.explain import Explanation
from ballast.app.halting import HaltView
from ballast.app.index_view import IndexView
from ballast.app.indexes import IndexList, IndexStateView
from ballast.app.market import AssetPage
from ballast.app.operation import Output
from ballast.app.performance import PerformanceView
from ballast.app.price_history import PricePage
from ballast.app.progress import ProgressView
from ballast.app.rebalances import PlanView, RebalanceView
from ballast.app.status import StatusView
from ballast.app.trades import TradePage
from ballast.app.withdrawals import WithdrawalStarted, WithdrawalView
from ballast.faces.cli.layout import Layout, Listing, Shown, right
from ballast.faces.cli.webhook_layouts import WEBHOOK_LAYOUTS

_SWAPS: Final = (
    Shown("Sold", "{sell_amount:amount} {sell}"),
    Shown("Bought", "{buy_amount:amount} {buy}"),
    right("Value", "{value_usd:usd}"),
    Shown("State", "{state}"),
    Shown("Note", "{problem}"),
)

LAYOUTS: Final[Mapping[type[Output], Layout]] = MappingProxyType(
    {
        IndexView: Layout(
            "{name}: {state}, {value_usd:usd}",
            (
                Shown("Id", "{index_id}"),
                Shown("Base asset", "{base_asset.symbol} on {base_asset.chain}"),
                Shown("Cash buffer", "{buffer_percent} %"),
                Shown("Policy", "{policy.method}"),
                Shown("Every", "{policy.interval_days} days"),
                Shown("Dates", "{policy.schedule}"),
                Shown("Relative band", "{policy.band_relative_percent} % of the target"),
                Shown("Absolute band", "{policy.band_absolute_percent} points"),
                Shown("By itself", "{by_itself}"),
                Shown("Last rebalanced", "{last_rebalanced_at:time}"),
            ),
            (
                Listing(
                    "holdings",
                    (
                        Shown("Asset", "{symbol}"),
                        Shown("Chain", "{chain}"),
                        right("Amount", "{amount:amount}"),
                        right("Price", "{price_usd:usd}"),
                        right("Value", "{value_usd:usd}"),
                        right("Weight", "{weight_percent} %"),
                        right("Target", "{target_percent} %"),
                    ),
                ),
            ),
        ),
        IndexList: Layout(
            "Indexes",
            (),
            (
                Listing(
                    "indexes",
                    (
                        Shown("Name", "{name}"),
                        Shown("State", "{state}"),
                        Shown("Targets", "{targets}"),
                        Shown("Id", "{index_id}"),
                    ),
                    nothing="There is no index yet: ballast create_index makes one.",
                ),
            ),
        ),
        PerformanceView: Layout(
            "{name}: {value_usd:usd}",
            (
                Shown("Since", "{since:time}"),
                Shown("Net paid in", "{paid_in_usd:usd}"),
                Shown("Gain", "{gain_usd:usd}"),
                Shown("Volatility", "{volatility_percent} % a year"),
                Shown("Deepest fall", "{max_drawdown_percent} %"),
                Shown("Sharpe", "{sharpe}"),
                Shown("Sortino", "{sortino}"),
                Shown("Calmar", "{calmar}"),
                Shown("Basis", "{basis}"),
            ),
            (
                Listing(
                    "returns",
                    (
                        Shown("Window", "{window}"),
                        right("Return", "{percent} %"),
                        right("Holding", "{hold_percent} %"),
                    ),
                ),
            ),
        ),
        DriftView: Layout(
            "{name}: {value_usd:usd}",
            (
                Shown("Largest drift", "{max_drift_percent} points"),
                Shown("Largest, relative", "{max_relative_drift_percent} % of its target"),
                Shown("Turnover to target", "{turnover_percent} %"),
                Shown("Policy says", "{reason:words}"),
                Shown("Next check", "{next_due:time}"),
                Shown("Oldest price", "{oldest_price.observed_at:time}, {oldest_price.source}"),
            ),
            (
                Listing(
                    "assets",
                    (
                        Shown("Asset", "{symbol}"),
                        right("Value", "{value_usd:usd}"),
                        right("Weight", "{weight_percent} %"),
                        right("Target", "{target_percent} %"),
                        right("Drift", "{drift_percent}"),
                        right("Band", "{band_percent}"),
                        Shown("Breached", "{breached:yes}"),
                    ),
                ),
            ),
        ),
        PlanView: Layout(
            "Plan {plan_id}",
            (
                Shown("Warning", "{warning}"),
                Shown("Why", "{reason:words}"),
                Shown("Value", "{value_usd:usd}"),
                Shown("Cost", "{fee_usd:usd} ({fee_percent_of_value} %)"),
                Shown("Cost within the policy", "{within_cost_limit:yes}"),
                Shown("Swaps", "{comparison.swaps}, moving {comparison.notional_usd:usd}"),
                Shown(
                    "Through the base asset",
                    "{comparison.swaps_through_base} swaps, moving "
                    "{comparison.notional_usd_through_base:usd}, "
                    "cost {comparison.fee_usd_through_base:usd}",
                ),
                Shown("Good until", "{expires_at:time}"),
            ),
            (
                Listing(
                    "swaps",
                    (
                        Shown("Sell", "{sell_amount:amount} {sell}"),
                        Shown("Buy about", "{expected_amount:amount} {buy}"),
                        Shown("At least", "{minimum_amount:amount} {buy}"),
                        right("Value", "{value_usd:usd}"),
                        right("Fee", "{fee_usd:usd}"),
                    ),
                    nothing="No swap is needed.",
                ),
                Listing(
                    "drift",
                    (
                        Shown("Asset", "{symbol}"),
                        right("Before", "{before_percent}"),
                        right("After", "{after_percent}"),
                    ),
                    heading="Drift in points",
                ),
                Listing(
                    "skipped",
                    (
                        Shown("Asset", "{symbol}"),
                        right("Difference", "{value_usd:usd}"),
                        Shown("Why", "{reason:words}"),
                    ),
                    heading="Left alone",
                ),
            ),
        ),
        RebalanceView: Layout(
            "Rebalance {rebalance_id}: {state}",
            (
                Shown("Kind", "{kind}"),
                Shown("Plan", "{plan_id}"),
                Shown("Swaps", "{swaps}, moving {value_usd:usd}"),
            ),
        ),
        DepositView: Layout(
            "Deposit {deposit_id}: {state}",
            (
                Shown("Warning", "{warning}"),
                Shown("Pay", "{pay.symbol} on {pay.chain}"),
                Shown("To", "{address}"),
                Shown("Memo (needed)", "{memo}"),
                Shown("Link", "{payment_uri}"),
                Shown("Amount", "{amount:exact} {pay.symbol}"),
                Shown("At least", "{minimum_amount:exact} {pay.symbol}"),
                Shown("Before", "{pay_before:time}"),
                Shown("Becomes about", "{expected_amount:exact} {credit.symbol} on {credit.chain}"),
                Shown("Credited", "{credited_amount:exact} {credit.symbol}"),
                Shown("Problem", "{problem}"),
            ),
        ),
        PaperPaymentView: Layout(
            "Deposit {deposit_id}: paid",
            (
                Shown("Paid", "{paid_amount:exact} {pay.symbol} on {pay.chain}"),
                Shown("Warning", "{warning}"),
            ),
        ),
        WithdrawalView: Layout(
            "Withdrawal plan {plan_id}",
            (
                Shown("Warning", "{warning}"),
                Shown("Amount", "{send_amount:amount} {base.symbol}"),
                Shown("Delivered", "{expected_amount:amount} {payout.symbol} on {payout.chain}"),
                Shown("At least", "{minimum_amount:amount} {payout.symbol}"),
                Shown("To", "{address}"),
                Shown("Memo", "{memo}"),
                Shown("Network fee", "{network_fee:amount} {payout.symbol}"),
                Shown("Cost of the sales", "{swap_fee_usd:usd}"),
                Shown("Left in the index", "{left_usd:usd}"),
                Shown("Good until", "{expires_at:time}"),
            ),
            (
                Listing(
                    "swaps",
                    (
                        Shown("Sell", "{sell_amount:amount} {sell}"),
                        Shown("Into", "{expected_amount:amount} {buy}"),
                        right("Value", "{value_usd:usd}"),
                    ),
                    heading="Sold first",
                    nothing="Nothing has to be sold.",
                ),
            ),
        ),
        WithdrawalStarted: Layout(
            "Withdrawal {withdrawal_id}: {state}",
            (
                Shown("Amount", "{send_amount:amount} {base.symbol}"),
                Shown("Plan", "{plan_id}"),
            ),
        ),
        HaltView: Layout("Trading is {trading}"),
        IndexStateView: Layout("{name}: {state}", (Shown("Id", "{index_id}"),)),
        ProgressView: Layout(
            "{kind} {id}: {state}",
            (
                Shown("So far", "{summary}"),
                Shown("Started", "{started_at:time}"),
                Shown("Ended", "{ended_at:time}"),
                Shown("Then", "{follow_up_id}"),
                Shown("Problem", "{problem}"),
            ),
            (Listing("swaps", _SWAPS),),
        ),
        TradePage: Layout(
            "Trades of {index_id}",
            (),
            (
                Listing(
                    "swaps",
                    (Shown("Time", "{created_at:time}"), *_SWAPS),
                    nothing="Nothing has been traded.",
                ),
            ),
        ),
        Explanation: Layout(
            "Why",
            (),
            (
                Listing(
                    "decisions",
                    (
                        Shown("Time", "{at:time}"),
                        Shown("Reason", "{reason:words}"),
                        Shown("What", "{summary}", once=True),
                    ),
                ),
            ),
            text="{answer}",
        ),
        PricePage: Layout(
            "{asset.symbol} on {asset.chain}",
            (
                Shown("From", "{since:time}"),
                Shown("Until", "{until:time}"),
                Shown("Problem", "{problem}"),
            ),
            (
                Listing(
                    "prices",
                    (
                        Shown("At", "{at:time}"),
                        right("Price", "{usd:usd}"),
                        Shown("Source", "{source:words}"),
                    ),
                    nothing="Nothing was seen in this time.",
                ),
            ),
        ),
        AssetPage: Layout(
            "{total} assets",
            (),
            (
                Listing(
                    "assets",
                    (
                        Shown("Asset", "{symbol}"),
                        Shown("Chain", "{chain}"),
                        right("Price", "{price_usd:usd}"),
                        Shown("Id", "{asset_id}"),
                    ),
                    nothing="Nothing fits this search.",
                ),
            ),
        ),
        StatusView: Layout(
            "Ballast {version}",
            (
                Shown("Now", "{now:time}"),
                Shown("Trading", "{trading}"),
                Shown(
                    "Selling everything",
                    "{panic.done} of {panic.indexes} indexes done since {panic.since:time}",
                ),
                Shown("Engine here", "{engine:words}"),
                Shown("Work due", "{work_due}"),
                Shown("Oldest work due", "{oldest_due_seconds} s ago"),
                Shown("Needs attention", "{needs_attention:lines}"),
                Shown("Indexes", "{indexes}"),
                Shown("Venue", "{venue:words}"),
                Shown("Venue answers", "{venue_reachable:yes}"),
                Shown("Most for a swap", "{limits.swap_usd:usd}"),
                Shown("Most in a day", "{limits.day_usd:usd}, {limits_used.day_usd:usd} used"),
                Shown(
                    "Most in 30 days", "{limits.month_usd:usd}, {limits_used.month_usd:usd} used"
                ),
                Shown(
                    "Costs in 30 days",
                    "{limits.cost_month_usd:usd} at most, {limits_used.cost_month_usd:usd} used",
                ),
                Shown("A person above", "{limits.confirm_above_usd:usd}"),
                Shown("Most slippage", "{limits.slippage_percent} %"),
                Shown("Highest fee", "{limits.fee_percent} %"),
            ),
        ),
        **WEBHOOK_LAYOUTS,
    }
)
