"""Which addresses are inside, and what may lead where (K-021)."""

import pytest

from kit.errors import MachineError, UsageError
from kit.sources import urls
from kit.sources.hops import Gate, Reach, may_lead, reach


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", Reach.PUBLIC),
        ("2606:2800:220:1::1", Reach.PUBLIC),
        ("64:ff9b::5db8:d822", Reach.PUBLIC),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("64:ff9b::7f00:1", Reach.LOOPBACK),
        ("2002:7f00:1::", Reach.LOOPBACK),
        ("0.0.0.0", Reach.LOOPBACK),  # noqa: S104 - an address to classify, not to bind
        ("::", Reach.LOOPBACK),
        ("10.0.0.1", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("192.0.2.1", Reach.PRIVATE),
        ("224.0.0.1", Reach.PRIVATE),
        ("255.255.255.255", Reach.PRIVATE),
        ("fd00::1", Reach.PRIVATE),
        ("ff02::1", Reach.PRIVATE),
        ("::127.0.0.1", Reach.PRIVATE),
        ("2002:a00:1::", Reach.PRIVATE),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", Reach.PRIVATE),  # Teredo, client 10.0.0.1
        ("169.254.1.1", Reach.LINK_LOCAL),
        ("fe80::1%eth0", Reach.LINK_LOCAL),
        ("169.254.169.254", Reach.METADATA),
        ("::ffff:169.254.169.254", Reach.METADATA),
        ("fd00:ec2::254", Reach.METADATA),
        ("168.63.129.16", Reach.METADATA),
        ("100.100.100.200", Reach.METADATA),
    ],
)
def test_an_address_is_what_it_leads_to(address: str, expected: Reach) -> None:
    assert reach(address) is expected


@pytest.mark.parametrize("origin", Reach)
def test_every_place_may_lead_outward_and_none_to_credentials(origin: Reach) -> None:
    assert may_lead(origin, Reach.PUBLIC)
    assert not may_lead(origin, Reach.METADATA)


@pytest.mark.parametrize("target", [item for item in Reach if item is not Reach.PUBLIC])
def test_a_public_place_redirects_to_no_inner_address(target: Reach) -> None:
    inner = {
        Reach.PRIVATE: "10.0.0.1",
        Reach.LOOPBACK: "127.0.0.1",
        Reach.LINK_LOCAL: "169.254.1.1",
        Reach.METADATA: "169.254.169.254",
    }
    gate = Gate(frozenset({"inner.test"}), lambda *_: [inner[target]])
    for scheme in ("http", "https"):
        url = urls.parse(f"{scheme}://inner.test/f")
        assert gate.addresses(url, None) == [inner[target]]
        with pytest.raises(MachineError) as caught:
            gate.addresses(url, Reach.PUBLIC)
        assert caught.value.code == "machine.redirect"


def test_an_inner_place_redirects_to_its_own_kind_only() -> None:
    inner = set(Reach) - {Reach.PUBLIC}
    allowed = {(a, b) for a in inner for b in inner if may_lead(a, b)}
    assert allowed == {
        (Reach.PRIVATE, Reach.PRIVATE),
        (Reach.LOOPBACK, Reach.LOOPBACK),
        (Reach.LOOPBACK, Reach.PRIVATE),
        (Reach.LINK_LOCAL, Reach.LINK_LOCAL),
    }


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "[::1]", "MIRROR.test"])
def test_plain_http_is_for_loopback_and_named_hosts(host: str) -> None:
    gate = Gate(frozenset({"mirror.TEST"}), lambda *_: [])
    gate.allow(urls.parse(f"http://{host}:8080/"))


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "[fe80::1]"])
def test_plain_http_is_for_no_other_host(host: str) -> None:
    with pytest.raises(UsageError) as caught:
        Gate(frozenset(), lambda *_: []).allow(urls.parse(f"http://{host}/"))
    assert caught.value.code == "usage.plain-http"
