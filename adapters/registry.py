"""Every vendor, in one visible tuple: the order in which keys in the environment are looked for."""

from adapters.core.vendor import Vendor
from adapters.ernie import ERNIE
from adapters.kimi import KIMI
from adapters.qwen import QWEN

VENDORS: tuple[Vendor, ...] = (QWEN, KIMI, ERNIE)
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
