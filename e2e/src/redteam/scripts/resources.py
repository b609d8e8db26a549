"""Takes what it can get, in a child process that lives PARAMS["seconds"], and says how far it came.

PARAMS: {"id", "what": processes|memory|temporary|home|files, "most": count or bytes, "seconds"}.
Prints {"id", "outcome": reached (the bound "most" was passed)|refused|failed, "said"}.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import time

MOST, SECONDS = PARAMS["most"], PARAMS["seconds"]


def processes():
    # Threads: the kernel counts them as it counts processes, and they cost the pod no memory to speak of.
    code = ("import threading,time\nthreading.stack_size(65536)\nn,why=0,''\n"
            "try:\n while n < %d:\n  threading.Thread(target=time.sleep, args=(%d,), daemon=True).start(); n+=1\n"
            "except RuntimeError as e:\n why=str(e)\nprint(n, why, flush=True)\ntime.sleep(%d)\n" % (MOST, SECONDS + 5, SECONDS))
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    told = child.stdout.decode().strip()
    count, _, why = told.partition(" ")
    if not count.isdigit():
        return "failed", "ended with %d: %s" % (child.returncode, child.stderr[-300:].decode())
    return ("refused" if why else "reached"), "%s tasks%s" % (count, ", then: " + why if why else "")


def memory():
    code = ("import mmap,sys\nopen('/proc/self/oom_score_adj','w').write('1000')\nheld=[]\n"
            "for i in range(%d):\n m=mmap.mmap(-1, 1<<24); m.write(b'x'*(1<<24)); held.append(m); print(i, flush=True)\n" % (MOST >> 24))
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    held = len(child.stdout.split())
    ended = "ended with %d" % child.returncode
    if child.returncode == 0:
        return "reached", "%d MiB held" % (held * 16)
    return ("refused" if child.returncode == -signal.SIGKILL else "failed"), "%s after %d MiB %s" % (ended, held * 16, child.stderr[-200:].decode())


def fill(path):
    written = 0
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.posix_fallocate(fd, 0, MOST)
        written = MOST
        time.sleep(SECONDS)
        return "reached", "%d bytes allocated in %s and kept for %d s" % (written, path, SECONDS)
    except OSError as e:
        return "refused", str(e)
    finally:
        os.close(fd)
        os.unlink(path)


def files():
    held, why = [], None
    try:
        while len(held) < MOST:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as e:
        why = str(e)
    for fd in held:
        os.close(fd)
    return ("refused" if why else "reached"), "%d descriptors%s" % (len(held), ", then: " + why if why else "")


WHAT = {"processes": processes, "memory": memory, "files": files,
        "temporary": lambda: fill("/tmp/redteam-fill"), "home": lambda: fill(os.path.expanduser("~/redteam-fill"))}

try:
    outcome, said = WHAT[PARAMS["what"]]()
except Exception as e:
    outcome, said = "failed", "%s: %s" % (type(e).__name__, e)
print(json.dumps({"id": PARAMS["id"], "outcome": outcome, "said": said}), flush=True)
