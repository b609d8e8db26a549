"""Works in a notebook as the hub's proxy would let a person: Jupyter's REST API and kernel WebSocket, nothing else.

Usage: notebook_client.py URL; the token is in SDE_TOKEN, a JSON list of {"name", "code"} in SDE_CELLS.
Prints one JSON object a line: {"name", "text", "error"}.
"""

import json
import os
import sys
import time
import uuid

import requests
import websocket

URL = sys.argv[1].rstrip("/")
HEADERS = {"Authorization": "token " + os.environ["SDE_TOKEN"]}
CELLS = json.loads(os.environ["SDE_CELLS"])


def connect():
    deadline = time.time() + 60
    while True:
        try:
            answer = requests.post(URL + "/api/kernels", headers=HEADERS, json={"name": "python3"}, timeout=5)
            answer.raise_for_status()
            return answer.json()["id"]
        except requests.RequestException as error:
            if time.time() > deadline:
                raise SystemExit(f"no kernel: {error}")
            time.sleep(0.5)


def run(socket, code):
    """Runs one cell and returns what it printed and the error it ended with, if any."""
    message = uuid.uuid4().hex
    header = {"msg_id": message, "username": "", "session": message, "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": False}
    socket.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}))
    text, error = "", None
    while True:
        answer = json.loads(socket.recv())
        if answer["parent_header"].get("msg_id") != message:
            continue
        kind, content = answer["msg_type"], answer["content"]
        if kind == "stream":
            text += content["text"]
        elif kind == "error":
            error = content["ename"] + ": " + content["evalue"]
        elif kind == "status" and content["execution_state"] == "idle":
            return text.strip(), error


def main():
    kernel = connect()
    address = URL.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels"
    socket = websocket.create_connection(address, header=HEADERS, timeout=120)
    for cell in CELLS:
        text, error = run(socket, cell["code"])
        print(json.dumps({"name": cell["name"], "text": text, "error": error}), flush=True)
    socket.close()
    requests.delete(URL + f"/api/kernels/{kernel}", headers=HEADERS, timeout=5)


if __name__ == "__main__":
    main()
