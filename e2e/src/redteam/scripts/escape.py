"""Out of the container: system calls and files that would help, each in a process of its own.

PARAMS: {"data": folder}. Prints {"id", "outcome": reached|refused|absent|failed, "said"}.
"""
import ctypes
import errno
import glob
import json
import os
import select
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
MISSING = (errno.ENOSYS, errno.EOPNOTSUPP)


def call(number, *args):
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *[a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in args])
    if result < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return result


def mount(source, target, kind, flags, data=None):
    ctypes.set_errno(0)
    if LIBC.mount(source, target, kind, ctypes.c_ulong(flags), data):
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


def folder():
    return tempfile.mkdtemp(dir="/tmp").encode()


def mount_tmpfs():
    mount(b"none", folder(), b"tmpfs", 0)
    return "mounted a tmpfs"


def mount_bind():
    mount(b"/etc", folder(), None, 4096)
    return "bound /etc"


def mount_proc():
    mount(b"proc", folder(), b"proc", 0)
    return "mounted a new proc"


def mount_cgroup():
    mount(b"cgroup", folder(), b"cgroup", 0, b"pids")
    return "mounted a cgroup hierarchy"


def remount_data():
    path = PARAMS["data"].encode()
    mount(None, path, None, 32 | 4096)
    return "remounted read-write"


def remount_root():
    mount(None, b"/", None, 32 | 4096)
    return "remounted / read-write"


def new_mount_api():
    return "fsopen gave %d" % call(430, b"tmpfs\0", 0)


def unmount():
    target = folder()
    ctypes.set_errno(0)
    if LIBC.umount2(b"/proc/sys" if os.path.ismount("/proc/sys") else target, 2):
        e = ctypes.get_errno()
        if e == errno.EINVAL:
            return "umount is allowed (nothing was mounted there)"
        raise OSError(e, os.strerror(e))
    return "unmounted a mask"


def unshare(flag):
    def way():
        ctypes.set_errno(0)
        if LIBC.unshare(ctypes.c_int(flag)):
            e = ctypes.get_errno()
            raise OSError(e, os.strerror(e))
        return "unshared"
    return way


def clone_user():
    pid = call(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "cloned into a new user namespace"


def set_namespace():
    fd = os.open("/proc/1/ns/mnt", os.O_RDONLY)
    ctypes.set_errno(0)
    if LIBC.setns(fd, 0):
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return "entered the namespace of process 1"


def change_root():
    os.chroot("/tmp")
    return "changed the root"


def io_uring():
    return "io_uring_setup gave %d" % call(425, 4, ctypes.create_string_buffer(256))


def bpf():
    attr = struct.pack("IIII", 2, 4, 4, 1) + bytes(112)
    return "a bpf map was made: %d" % call(321, 0, ctypes.create_string_buffer(attr, 128), 128)


def perf():
    attr = struct.pack("IIQQQQ", 1, 112, 0, 0, 0, 0) + bytes(72)
    return "perf_event_open gave %d" % call(298, ctypes.create_string_buffer(attr, 112), -1, 0, -1, 0)


def userfault():
    return "userfaultfd gave %d" % call(323, 0)


def keys():
    return "add_key gave %d" % call(248, b"user\0", b"redteam\0", b"x\0", 1, -3)


def module():
    try:
        return "init_module gave %d" % call(175, ctypes.create_string_buffer(16), 16, b"\0")
    except OSError as e:
        if e.errno == errno.ENOEXEC:
            return "init_module is allowed (the module was no module)"
        raise


def handle():
    # open_by_handle_at with a handle of a type no file system has: EPERM before anything is looked at
    buffer = ctypes.create_string_buffer(struct.pack("Ii", 8, 255) + bytes(8), 16)
    fd = os.open("/", os.O_RDONLY)
    try:
        return "open_by_handle_at gave %d" % call(304, fd, buffer, 0)
    except OSError as e:
        if e.errno in (errno.ESTALE, errno.EINVAL):
            return "open_by_handle_at is allowed (the handle was no handle)"
        raise


def swap():
    try:
        return "swapoff gave %d" % call(168, b"/tmp/no-such-swap\0")
    except OSError as e:
        if e.errno in (errno.EINVAL, errno.ENOENT):
            return "swapoff is allowed (there was no such swap)"
        raise


def reboot():
    try:
        return "reboot gave %d" % call(169, 1, 2, 3, 0)
    except OSError as e:
        if e.errno == errno.EINVAL:
            return "reboot is allowed (the magic was wrong)"
        raise


def host_name():
    name = socket.gethostname().encode()
    ctypes.set_errno(0)
    if LIBC.sethostname(name, len(name)):
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return "the host name was set"


def device(kind, major, minor):
    def way():
        path = os.path.join(folder().decode(), "device")
        os.mknod(path, 0o666 | kind, os.makedev(major, minor))
        return "a device node was made"
    return way


def memory_device():
    try:
        os.close(os.open("/dev/mem", os.O_RDONLY))
    except FileNotFoundError:
        return ("absent", "/dev/mem does not exist")
    return "/dev/mem opened"


def kernel_log():
    os.close(os.open("/dev/kmsg", os.O_RDONLY))
    return "/dev/kmsg opened"


def writes(path):
    def way():
        try:
            os.close(os.open(path, os.O_WRONLY))
        except FileNotFoundError:
            return ("absent", path + " does not exist")
        return path + " opened for writing (nothing was written)"
    return way


def release_agent():
    found = glob.glob("/sys/fs/cgroup/*/release_agent") + glob.glob("/sys/fs/cgroup/*/*/release_agent")
    found += glob.glob("/sys/fs/cgroup/cgroup.procs") + glob.glob("/sys/fs/cgroup/*/tasks")
    for path in found:
        try:
            os.close(os.open(path, os.O_WRONLY))
            return path + " opened for writing"
        except OSError:
            pass
    raise OSError(errno.EROFS, "%d cgroup files, none opens for writing" % len(found))


def become_root():
    os.setuid(0)
    return "user 0"


def become_other():
    os.setgroups([0, 42])
    return "groups 0 and 42"


def capabilities():
    with open("/proc/self/status") as f:
        status = dict(entry.rstrip("\n").split(":\t", 1) for entry in f if ":\t" in entry)
    held = {name: status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    if any(int(value, 16) for value in held.values()):
        return "capabilities %s" % held
    raise OSError(errno.EPERM, "no capability in any set, bounding set included")


def setuid_binary():
    found = []
    for path in glob.glob("/usr/bin/*") + glob.glob("/usr/sbin/*"):
        try:
            if os.stat(path).st_mode & stat.S_ISUID and os.stat(path).st_uid == 0:
                found.append(path)
        except OSError:
            pass
    if not found:
        return ("absent", "no setuid file in /usr/bin and /usr/sbin")
    # One that waits for input keeps its effective user visible meanwhile.
    for path in sorted(found, key=lambda p: not p.endswith(("/su", "/passwd", "/newgrp"))):
        master, slave = os.openpty() if os.path.exists("/dev/ptmx") else (None, subprocess.PIPE)
        child = subprocess.Popen([path, "root"] if path.endswith("/su") else [path], stdin=slave, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            with open("/proc/%d/status" % child.pid) as f:
                ids = next(entry for entry in f if entry.startswith("Uid:")).split()[1:]
        except (OSError, StopIteration):
            ids = []
        running = child.poll() is None
        child.kill()
        child.wait()
        if running and len(ids) == 4:
            if ids[1] == "0" and os.getuid() != 0:
                return "%s runs as user 0" % path
            raise OSError(errno.EPERM, "%s (setuid root) runs with effective user %s" % (path, ids[1]))
    raise OSError(errno.EPERM, "none of %d setuid files ran long enough to look at: %s" % (len(found), found))


def neighbours():
    others = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    command = f.read().replace(b"\0", b" ").decode(errors="replace")
                if any(word in command for word in ("kubelet", "containerd", "cilium-agent", "sde-agent", "sde-controller", "/pause")):
                    others.append(command.split()[0])
            except OSError:
                pass
    if others:
        return "processes of others: %s" % sorted(set(others))[:5]
    raise OSError(errno.ESRCH, "no process of another container among %d" % sum(n.isdigit() for n in os.listdir("/proc")))


def trace_neighbour():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    command = f.read()
                if b"sde-agent" in command or b"/pause" in command or b"coredns" in command:
                    call(101, 0x4206, int(name), 0, 0)  # PTRACE_SEIZE
                    return "traced process %s" % name
            except OSError as e:
                if e.errno == errno.EPERM:
                    raise
    raise OSError(errno.ESRCH, "no process of another container to trace")


def token():
    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    try:
        with open(path) as f:
            return "a token of %d bytes" % len(f.read())
    except FileNotFoundError:
        pass
    found = [n for n in os.environ if n.startswith("KUBERNETES_")]
    mounted = [entry.split()[4] for entry in open("/proc/self/mountinfo") if "serviceaccount" in entry]
    raise OSError(errno.ENOENT, "%s does not exist, no mount of one (%s); service variables: %s" % (path, mounted, found or "none"))


def runtime_socket():
    for path in ("/run/containerd/containerd.sock", "/var/run/docker.sock", "/run/cilium/cilium.sock", "/var/lib/kubelet/pod-resources/kubelet.sock"):
        if os.path.exists(path):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
            return path + " answers"
    raise OSError(errno.ENOENT, "no runtime socket in the container")


def root_files():
    with open("/etc/redteam", "w") as f:
        f.write("x")
    os.unlink("/etc/redteam")
    return "/etc was written"


WAYS = {
    "ESC-MOUNT-TMPFS": mount_tmpfs, "ESC-MOUNT-BIND": mount_bind, "ESC-MOUNT-PROC": mount_proc, "ESC-MOUNT-CGROUP": mount_cgroup,
    "ESC-REMOUNT-DATA": remount_data, "ESC-REMOUNT-ROOT": remount_root, "ESC-FSOPEN": new_mount_api, "ESC-UMOUNT": unmount,
    "ESC-USERNS-UNSHARE": unshare(0x10000000), "ESC-USERNS-CLONE": clone_user, "ESC-MOUNTNS": unshare(0x20000),
    "ESC-NETNS": unshare(0x40000000), "ESC-SETNS": set_namespace, "ESC-CHROOT": change_root, "ESC-IO-URING": io_uring,
    "ESC-BPF": bpf, "ESC-PERF": perf, "ESC-USERFAULTFD": userfault, "ESC-KEYCTL": keys, "ESC-MODULE": module,
    "ESC-HANDLE": handle, "ESC-SWAP": swap, "ESC-REBOOT": reboot, "ESC-HOSTNAME": host_name,
    "ESC-MKNOD-CHAR": device(stat.S_IFCHR, 1, 1), "ESC-MKNOD-BLOCK": device(stat.S_IFBLK, 254, 0),
    "ESC-DEV-MEM": memory_device, "ESC-DEV-KMSG": kernel_log, "ESC-CORE-PATTERN": writes("/proc/sys/kernel/core_pattern"),
    "ESC-SYSRQ": writes("/proc/sysrq-trigger"), "ESC-MODPROBE-PATH": writes("/proc/sys/kernel/modprobe"),
    "ESC-PING-RANGE": writes("/proc/sys/net/ipv4/ping_group_range"), "ESC-IP-FORWARD": writes("/proc/sys/net/ipv4/ip_forward"),
    "ESC-UEVENT-HELPER": writes("/sys/kernel/uevent_helper"), "ESC-RELEASE-AGENT": release_agent,
    "ESC-SETUID": become_root, "ESC-SETGROUPS": become_other, "ESC-CAPABILITIES": capabilities, "ESC-SETUID-BINARY": setuid_binary,
    "ESC-PROCESSES": neighbours, "ESC-PTRACE": trace_neighbour, "ESC-TOKEN": token, "ESC-RUNTIME-SOCKET": runtime_socket,
    "ESC-ROOTFS": root_files,
}


def attempt(way):
    try:
        said = way()
        return said if isinstance(said, tuple) else ("reached", said)
    except OSError as e:
        kind = "absent" if e.errno in MISSING else "refused"
        return kind, "%s%s" % ("the kernel has none: " if kind == "absent" else "", e)
    except Exception as e:
        return "failed", "%s: %s" % (type(e).__name__, e)


def apart(way):
    """In a child: what it does to itself ends with it, and a killed child is an answer too."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(attempt(way)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], 10)
    text = os.read(reading, 65536) if ready else b""
    os.close(reading)
    if not ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if text:
        return json.loads(text)
    return "refused" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS else "failed", "ended with status %d" % status


def main():
    for name, way in WAYS.items():
        outcome, said = apart(way)
        print(json.dumps({"id": name, "outcome": outcome, "said": said}), flush=True)


main()
