"""Which IP addresses are public. Anything else belongs to a machine, a local network or a cloud's own services.

``ipaddress.is_global`` is not enough: it depends on the version of Python, and calls tunnels to IPv4 addresses public
(6to4, NAT64), and multicast. The source of the ranges is IANA's special-purpose address registries for IPv4 and IPv6.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

NOT_PUBLIC_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host; on Linux 0.0.0.0 is loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba Cloud's metadata is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform services: a public number that is only reachable from inside
        "169.254.0.0/16",  # link-local; metadata of most clouds is 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle Cloud's metadata is 192.0.0.192
        "192.0.2.0/24",
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with 255.255.255.255
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All IPv6 addresses that registries assign. Outside of it: loopback, link-local, unique local, site-local, multicast,
IPv4-mapped and -compatible addresses, NAT64."""
NOT_PUBLIC_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address may be inside
        "3ffe::/16",  # the former 6bone
        "3fff::/20",
    )
)
ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""Bits 64 to 95 of an ISATAP address, which has an IPv4 address in its last 32 bits (RFC 5214)."""


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the public internet, and not a tunnel to another address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_IPV4)
    if address.scope_id is not None or address not in GLOBAL_UNICAST:
        return False
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        return False
    return not any(address in network for network in NOT_PUBLIC_IPV6)
