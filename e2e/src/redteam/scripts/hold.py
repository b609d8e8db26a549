"""Holds one HTTP connection to a notebook and asks on it again and again, until it breaks or PARAMS["seconds"] are over.

PARAMS: {"host", "port", "token", "seconds"}. Prints {"answered", "last" (Unix, s), "ended"} at the end.
"""
import http.client
import json
import time

connection = http.client.HTTPConnection(PARAMS["host"], PARAMS["port"], timeout=2)
end, answered, last, ended = time.time() + PARAMS["seconds"], 0, None, "still open"
while time.time() < end:
    try:
        connection.auto_open = 1 if answered == 0 else 0
        connection.request("GET", "/api/status", headers={"Authorization": "token " + PARAMS["token"]})
        connection.getresponse().read()
        answered, last = answered + 1, time.time()
        time.sleep(0.05)
    except Exception as e:
        ended = "%s: %s" % (type(e).__name__, e)
        break
print(json.dumps({"answered": answered, "last": last, "ended": ended}), flush=True)
