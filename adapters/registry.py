"""Every vendor, in one visible tuple."""

from adapters.core.vendor import Vendor
from adapters.kimi import KIMI

VENDORS: tuple[Vendor, ...] = (KIMI,)
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
