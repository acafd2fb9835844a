"""All vendors, collected from ``adapters/vendors/``: a new module there is a new vendor."""

from importlib import import_module
from pkgutil import iter_modules

from adapters import vendors
from adapters.core.vendor import Vendor


def scan() -> tuple[Vendor, ...]:
    """Return the vendor of each module in ``adapters/vendors/``, ordered by rank, then by name."""
    by_name: dict[str, Vendor] = {}
    for module in iter_modules(vendors.__path__):
        for value in vars(import_module(f"{vendors.__name__}.{module.name}")).values():
            if type(value) is Vendor and value.edition is None:
                by_name[value.name] = value
    return tuple(sorted(by_name.values(), key=lambda vendor: (vendor.rank, vendor.name)))


VENDORS: tuple[Vendor, ...] = scan()
"""In the order in which banjia looks for their keys in the environment."""
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
BY_CATALOG = {edition.catalog: edition for vendor in VENDORS for edition in vendor.in_each_edition}
"""Every edition of every vendor, by the name of its catalog."""
