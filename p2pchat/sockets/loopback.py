"""Whether a host is this very machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, always is this machine (RFC 6761, section 6.3; RFC 4291, section 2.5.3).

    A name that only happens to lead here is not: anybody can point a name at 127.0.0.1.
    """
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])  # without the zone of ``::1%lo``
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
