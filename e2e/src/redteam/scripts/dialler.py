"""Dials in a tight loop for PARAMS["seconds"], TCP and UDP, and writes what came of it to PARAMS["log"].

The log's last line: {"dials", "connected", "answered", "first", "last"} (times of the first and last success, Unix, s).
PARAMS: {"host", "port", "nonce", "seconds", "log"}.
"""
import json
import os
import socket
import threading
import time

LINE = ("sde-probe/1 " + PARAMS["nonce"] + " loop\n").encode()
END = time.time() + PARAMS["seconds"]
LOCK = threading.Lock()
TOLD = {"started": time.time(), "dials": 0, "connected": 0, "answered": 0, "first": None, "last": None, "bytes": len(LINE)}


def success(kind):
    now = time.time()
    with LOCK:
        TOLD[kind] += 1
        TOLD["first"] = TOLD["first"] or now
        TOLD["last"] = now


def write():
    with LOCK:
        text = json.dumps(TOLD)
    with open(PARAMS["log"] + ".new", "w") as f:
        f.write(text)
    os.rename(PARAMS["log"] + ".new", PARAMS["log"])


def tcp():
    while time.time() < END:
        with LOCK:
            TOLD["dials"] += 1
        try:
            with socket.create_connection((PARAMS["host"], PARAMS["port"]), 0.05) as s:
                s.sendall(LINE)
                success("connected")
                s.settimeout(0.2)
                s.recv(64)
        except OSError:
            pass


def udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.02)
        while time.time() < END:
            with LOCK:
                TOLD["dials"] += 1
            try:
                s.sendto(LINE, (PARAMS["host"], PARAMS["port"]))
                s.recv(64)
                success("answered")
            except OSError:
                pass


threads = [threading.Thread(target=work, daemon=True) for work in (tcp, tcp, tcp, udp)]
for thread in threads:
    thread.start()
while time.time() < END:
    write()
    time.sleep(0.1)
write()
