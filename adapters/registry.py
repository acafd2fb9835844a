"""All vendors, collected from ``adapters/vendors/`` and ``adapters/presets/``: a new module there is a new vendor."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from adapters import presets, vendors
from adapters.core.vendor import Vendor


def scan() -> tuple[Vendor, ...]:
    """Return the vendors that the modules of both folders define, ordered by rank, then by name."""
    by_name: dict[str, Vendor] = {}
    for module in _modules():
        for value in vars(module).values():
            if type(value) is Vendor and value.variant is None:
                by_name[value.name] = value
    return tuple(sorted(by_name.values(), key=lambda vendor: (vendor.rank, vendor.name)))


def _modules() -> Iterator[ModuleType]:
    """Yield the module of each vendor; that of a vendor with a folder is ``table``."""
    for folder in (vendors, presets):
        for found in iter_modules(folder.__path__):
            name = f"{folder.__name__}.{found.name}"
            yield import_module(f"{name}.table" if found.ispkg else name)


VENDORS: tuple[Vendor, ...] = scan()
"""In the order in which banjia looks for their keys in the environment."""
EXAMPLE: Vendor = next((vendor for vendor in VENDORS if vendor.example), VENDORS[0])
"""The vendor in examples of messages and help texts."""
EXAMPLE_KEY, EXAMPLE_TARGET = f"{EXAMPLE.name.upper()}_API_KEY", f"{EXAMPLE.name}/{EXAMPLE.example}"
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
BY_CATALOG = {variant.catalog: variant for vendor in VENDORS for variant in vendor.in_each_variant}
"""Every variant of every vendor, by the name of its catalog."""
