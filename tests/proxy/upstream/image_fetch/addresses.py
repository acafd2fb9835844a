"""Addresses that banjia must never connect to for a client, and the spellings in which they may arrive."""

import ipaddress

PUBLIC = "93.184.215.14"
PUBLIC_IPV6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

IPV4 = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.254", "127.0.0.1",
    "127.1.2.3", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "169.254.0.23", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
IPV6 = (
    "::", "::1", "::2", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fdff::1", "ff02::1", "ff0e::1",
    "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3ffe::1", "3fff::1", "4000::1",
    "5f00::1", "2606:2800:21f:cb07:0:5efe:7f00:1", "2606:2800:21f:cb07:200:5efe:a00:1",
)  # fmt: skip


def inside_ipv6(address: str) -> dict[str, str]:
    """The IPv6 addresses that lead to an IPv4 address, by the name of the mechanism."""
    packed = ipaddress.IPv4Address(address).packed
    high, low = packed[:2].hex(), packed[2:].hex()
    inverted = bytes(byte ^ 0xFF for byte in packed)
    return {
        "mapped": f"::ffff:{address}",
        "mapped, in hex": f"::ffff:{high}:{low}",
        "translated": f"::ffff:0:{address}",
        "compatible": f"::{high}:{low}",
        "NAT64": f"64:ff9b::{address}",
        "6to4": f"2002:{high}:{low}::1",
        "Teredo": f"2001:0:4136:e378:8000:63bf:{inverted[:2].hex()}:{inverted[2:].hex()}",
    }


def spellings(address: str) -> dict[str, str]:
    """What ``inet_aton`` reads as this IPv4 address, besides four decimals."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = int(ipaddress.IPv4Address(address))
    return {
        "decimal": str(number),
        "hex": f"0x{number:x}",
        "hex, upper case": f"0X{number:X}",
        "octal": f"0{number:o}",
        "octal parts": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "padded": f"{a:03}.{b:03}.{c:03}.{d:03}",
        "hex parts": f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        "mixed": f"{a}.0x{b:x}.0{c:o}.{d}",
        "three parts": f"{a}.{b}.{c * 256 + d}",
        "two parts": f"{a}.{b * 65536 + c * 256 + d}",
        "a dot at the end": f"{a}.{b}.{c}.{d}.",
        "too large": str(number + 2**32),
    }


ALL = (*IPV4, *IPV6, *(inner for address in IPV4 for inner in inside_ipv6(address).values()))
