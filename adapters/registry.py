"""Every vendor, in one visible tuple: the order in which keys in the environment are looked for."""

from adapters.core.vendor import Vendor
from adapters.ernie import ERNIE
from adapters.hunyuan import HUNYUAN
from adapters.kimi import KIMI
from adapters.openai_compatible import OPENAI_COMPATIBLE
from adapters.qwen import QWEN

VENDORS: tuple[Vendor, ...] = (QWEN, KIMI, ERNIE, HUNYUAN, OPENAI_COMPATIBLE)
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
BY_CATALOG = {edition.catalog: edition for vendor in VENDORS for edition in vendor.in_each_edition}
"""Every API that is spoken: the vendors in each of their editions, by the name of its catalog."""
