"""A browser's part at the airlock's door: posts a ticket, follows to the pages or takes the archive, and tells what it got."""

import base64
import hashlib
import http.cookiejar
import json
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

url, act, ticket = (os.environ[name] for name in ("SDE_URL", "SDE_ACT", "SDE_TICKET"))
trust = ssl.create_default_context(cadata=os.environ["SDE_CA"])
trust.check_hostname = False  # The door is asked by its Service's address; its certificate is what is checked.
browser = urllib.request.build_opener(
    urllib.request.HTTPSHandler(context=trust),
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
)


def ask(path, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with browser.open(urllib.request.Request(url + path, data=data), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def upload(files):
    """Sends one form, as the page of the upload does; tells the worst answer."""
    answers = []
    for folder, name, text in files:
        edge = "sde-e2e-edge"
        parts = [("folder", "", folder), ("file", f'; filename="{name}"', text)]
        form = "".join(f'--{edge}\r\nContent-Disposition: form-data; name="{n}"{f}\r\n\r\n{v}\r\n' for n, f, v in parts)
        data = (form + f"--{edge}--\r\n").encode()
        of = {"Content-Type": f"multipart/form-data; boundary={edge}", "Sec-Fetch-Site": "same-origin"}
        request = urllib.request.Request(url + os.environ["SDE_FIRST"] + "files", data=data, headers=of)
        try:
            with browser.open(request, timeout=60) as answer:
                answers.append(answer.status)
        except urllib.error.HTTPError as refused:
            answers.append(refused.code)
    return max(answers, default=200)


if act == "Collect":
    status, headers, body = ask("/collect", {"ticket": ticket})
    told = {"status": status, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "type": headers.get("Content-Type")}
    if status == 200:
        told["archive"] = base64.b64encode(body).decode()
    else:
        told["said"] = body.decode()
elif act == "Upload":
    status, headers, body = ask("/upload", {"ticket": ticket})
    told = {"status": status, "list": body.decode(), "sent": None}
    if status == 200:
        told["sent"] = upload(json.loads(os.environ["SDE_FILES"]))
        told["list"] = ask(os.environ["SDE_FIRST"])[2].decode()
else:
    status, headers, body = ask("/view", {"ticket": ticket})
    told = {"status": status, "list": body.decode(), "policy": headers.get("Content-Security-Policy")}
    if status == 200:
        told["first"] = ask(os.environ["SDE_FIRST"])[2].decode()
        # Every file that the list names, then the list again, which shows the code.
        path = os.environ["SDE_FIRST"].split("files/")[0]
        links = dict.fromkeys(re.findall(r'<a href="(files/[0-9]+/)">', told["list"]))
        pages = {link: ask(path + link) for link in links}
        told["files"] = {link: page[0] for link, page in pages.items()}
        told["pages"] = {link: page[2].decode() for link, page in pages.items()}
        code = re.search(r'<p class="code">([A-Z2-7]{16})</p>', ask(path)[2].decode())
        told["code"] = code and code.group(1)
print(json.dumps(told))
