"""What every store must do with leases."""

from proxy.storage.interface import Store
from tests.proxy.storage.contract.base import Contract, Time


class LeasesContract(Contract):
    """The tests."""

    def test_one_owner_at_a_time_has_a_lease(self) -> None:
        async def work(store: Store, time: Time) -> None:
            leases = store.leases
            assert await leases.take("t", "n", "one", 10)
            assert not await leases.take("t", "n", "two", 10)
            assert await leases.take("t", "n", "one", 10)
            assert await leases.take("t", "m", "two", 10)
            await leases.release("t", "n", "two")
            assert not await leases.take("t", "n", "two", 10)
            await leases.release("t", "n", "one")
            assert await leases.take("t", "n", "two", 10)

        self.run(work)

    def test_a_lease_ends_unless_its_owner_renews_it(self) -> None:
        async def work(store: Store, time: Time) -> None:
            leases = store.leases
            await leases.take("t", "n", "one", 10)
            time.now += 9
            assert await leases.renew("t", "n", "one", 10)
            time.now += 9
            assert not await leases.take("t", "n", "two", 10)
            assert not await leases.renew("t", "n", "two", 10)
            time.now += 1
            assert not await leases.renew("t", "n", "one", 10)
            assert await leases.take("t", "n", "two", 10)
            assert not await leases.renew("t", "n", "one", 10)
            assert not await leases.renew("t", "unknown", "one", 10)

        self.run(work)
