"""What every store must do. The tests of a store subclass :class:`StoreContract` and make one with a clock."""

from tests.proxy.storage.contract.base import Clock, Time
from tests.proxy.storage.contract.conversations import ConversationsContract
from tests.proxy.storage.contract.leases import LeasesContract
from tests.proxy.storage.contract.responses import ResponsesContract
from tests.proxy.storage.contract.runs import RunsContract
from tests.proxy.storage.contract.sweeping import SweepingContract
from tests.proxy.storage.contract.tenants import TenantsContract
from tests.proxy.storage.contract.values import ValuesContract

__all__ = ["Clock", "StoreContract", "Time"]


class StoreContract(
    ValuesContract,
    ResponsesContract,
    ConversationsContract,
    LeasesContract,
    RunsContract,
    SweepingContract,
    TenantsContract,
):
    """All tests."""
