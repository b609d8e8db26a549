"""Ways out of a pod: tries each target of PARAMS["targets"] at once, prints a JSON line for each.

A target: {"id", "kind", "host", "port", "nonce"}. Kinds: tcp, udp, https, http, dns-udp, dns-tcp, icmp, raw, packet,
vsock, sctp, ipv6, interface. Prints {"id", "outcome": reached|refused|absent|failed, "said"}.
"""
import errno
import fcntl
import json
import os
import socket
import ssl
import struct
import threading

WAIT = 3.0


def line(t):
    return ("sde-probe/1 " + t["nonce"] + " redteam\n").encode()


def tcp(t):
    with socket.create_connection((t["host"], t["port"]), WAIT) as s:
        s.sendall(line(t))
        s.settimeout(WAIT)
        return "reached", "answered %r" % s.recv(64)


def udp(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT / 3)
        for _ in range(3):
            s.sendto(line(t), (t["host"], t["port"]))
            try:
                return "reached", "answered %r" % s.recv(64)
            except TimeoutError:
                pass
    return "refused", "silent: three datagrams, no answer"


def get(s, t):
    s.sendall(("GET /redteam/%s HTTP/1.0\r\nHost: x\r\n\r\n" % t["nonce"]).encode())
    return "reached", "answered %r" % s.recv(64)


def http(t):
    with socket.create_connection((t["host"], t["port"]), WAIT) as s:
        return get(s, t)


def https(t):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((t["host"], t["port"]), WAIT) as s, context.wrap_socket(s) as tls:
        return get(tls, t)


def query(t):
    labels = (t["nonce"] + ".tunnel.redteam.example").encode().split(b".")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">HHHHHH", 4711, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 16, 1)


def dns_udp(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT)
        s.sendto(query(t), (t["host"], t["port"]))
        return "reached", "answered %d bytes" % len(s.recv(512))


def dns_tcp(t):
    with socket.create_connection((t["host"], t["port"]), WAIT) as s:
        q = query(t)
        s.sendall(struct.pack(">H", len(q)) + q)
        return "reached", "answered %d bytes" % len(s.recv(512))


def icmp(t):
    payload = t["nonce"].encode() * 8
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
        s.settimeout(WAIT)
        s.sendto(struct.pack(">BBHHH", 8, 0, 0, 0, 1) + payload, (t["host"], 0))
        answer = s.recv(2048)
    return "reached", "echo of %d bytes" % len(answer)


def raw(_):
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return "reached", "a raw socket opened"


def packet(_):
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    return "reached", "a packet socket opened"


def vsock(_):
    try:
        s = socket.socket(40, socket.SOCK_STREAM)
    except OSError as e:
        if e.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return "absent", "the kernel has no vsock: " + e.strerror
        raise
    s.close()
    return "reached", "a vsock socket opened"


def sctp(_):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
    except OSError as e:
        if e.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            return "absent", "the kernel has no SCTP: " + e.strerror
        raise
    s.close()
    return "reached", "an SCTP socket opened"


def table(path):
    try:
        with open(path) as f:
            return [entry.split() for entry in f]
    except FileNotFoundError:
        return None


def ipv6(t):
    addresses = table("/proc/net/if_inet6")
    if addresses is None:
        return "absent", "the pod's network has no IPv6: /proc/net/if_inet6 does not exist"
    routes = table("/proc/net/ipv6_route") or []
    outside = [a for a in addresses if a[-1] != "lo"]
    beyond = [r for r in routes if r[-1] != "lo"]
    if not outside and not beyond:
        return "absent", "no IPv6 address and no route but on lo (%d addresses, %d routes)" % (len(addresses), len(routes))
    own = {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(a[0])) for a in outside}
    echo = struct.pack(">BBHHH", 128, 0, 0, 0, 1) + t["nonce"].encode()
    said = []
    for host in t["hosts"]:
        for protocol, data in ((socket.IPPROTO_UDP, line(t)), (socket.IPPROTO_ICMPV6, echo)):
            try:
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, protocol) as s:
                    s.settimeout(0.5)
                    s.sendto(data, (host, t["port"], 0, socket.if_nametoindex("eth0")))
                    answer, sender = s.recvfrom(64)
                    if sender[0].split("%")[0] not in own:
                        return "reached", "%s answered %r" % (sender[0], answer)
            except OSError as e:
                said.append("%s by protocol %d: %s" % (host, protocol, e))
    words = "addresses %s, %d routes; %s" % (sorted(own), len(beyond), "; ".join(said))
    if all(a.startswith("fe80:") for a in own) and not any(r[0] == "0" * 32 and r[1] == "00" for r in beyond):
        return "absent", "nothing but link-local addresses, no default route, nobody answers on the link: " + words
    return "refused", words


def interface(_):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16si12x", b"eth0", 0)
        mtu = struct.unpack("16si12x", fcntl.ioctl(s, 0x8921, request))[1]
        fcntl.ioctl(s, 0x8922, struct.pack("16si12x", b"eth0", mtu))
    return "reached", "the interface was configured (MTU %d again)" % mtu


KINDS = {
    "tcp": tcp, "udp": udp, "http": http, "https": https, "dns-udp": dns_udp, "dns-tcp": dns_tcp, "icmp": icmp,
    "raw": raw, "packet": packet, "vsock": vsock, "sctp": sctp, "ipv6": ipv6, "interface": interface,
}


def attempt(t, said):
    try:
        outcome, words = KINDS[t["kind"]](t)
    except OSError as e:
        outcome, words = "refused", "silent: timed out" if isinstance(e, TimeoutError) else str(e)
    except Exception as e:
        outcome, words = "failed", "%s: %s" % (type(e).__name__, e)
    said.append({"id": t["id"], "outcome": outcome, "said": words})


def main():
    said = []
    threads = [threading.Thread(target=attempt, args=(t, said)) for t in PARAMS["targets"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in said:
        print(json.dumps(each), flush=True)


main()
