"""Writing to read-only data by every way: each way on the data and, as its control, on the person's own home volume.

PARAMS: {"mounts": {source: folder}, "home": folder}. Prints {"id", "side": source or "control", "outcome", "said"}.
"""
import ctypes
import errno
import fcntl
import hashlib
import json
import mmap
import os
import shutil
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
MARK = b"redteam"


def file_of(folder):
    for base, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(base, name)
            if os.path.isfile(path) and os.path.getsize(path) > 0:
                return path
    raise FileNotFoundError(folder)


def open_for(flags):
    def way(folder, file):
        fd = os.open(file, flags)
        try:
            os.write(fd, MARK)
        finally:
            os.close(fd)
        return "wrote %d bytes" % len(MARK)
    return way


def create(folder, file):
    os.close(os.open(os.path.join(folder, "redteam-new"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return "a file was made"


def anonymous(folder, file):
    os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))
    return "a nameless file was made"


def truncate(folder, file):
    os.truncate(file, 1)
    return "truncated"


def rename(folder, file):
    os.rename(file, file + ".redteam")
    return "renamed"


def unlink(folder, file):
    os.unlink(file)
    return "deleted"


def hard_link(folder, file):
    os.link(file, os.path.join(folder, "redteam-link"))
    return "linked"


def symbolic_link(folder, file):
    os.symlink("/etc/passwd", os.path.join(folder, "redteam-symlink"))
    return "a symbolic link was made"


def directory(folder, file):
    os.mkdir(os.path.join(folder, "redteam-dir"))
    return "a folder was made"


def fifo(folder, file):
    os.mkfifo(os.path.join(folder, "redteam-fifo"))
    return "a fifo was made"


def chmod(folder, file):
    os.chmod(file, 0o666)
    return "the mode was changed"


def chown(folder, file):
    os.chown(file, os.getuid(), os.getgid())
    return "the owner was set"


def times(folder, file):
    os.utime(file, (0, 0))
    return "the times were changed"


def attribute(folder, file):
    os.setxattr(file, "user.redteam", MARK)
    return "an attribute was set"


def allocate(folder, file):
    fd = os.open(file, os.O_RDWR)
    try:
        os.posix_fallocate(fd, 0, os.path.getsize(file) + 4096)
    finally:
        os.close(fd)
    return "allocated"


def reopened(folder, file):
    reading = os.open(file, os.O_RDONLY)
    try:
        fd = os.open("/proc/self/fd/%d" % reading, os.O_RDWR)
        os.write(fd, MARK)
        os.close(fd)
    finally:
        os.close(reading)
    return "written through /proc/self/fd"


def other_root(folder, file):
    fd = os.open("/proc/self/root" + file, os.O_WRONLY)
    os.write(fd, MARK)
    os.close(fd)
    return "written through /proc/self/root"


def first_root(folder, file):
    fd = os.open("/proc/1/root" + file, os.O_WRONLY)
    os.write(fd, MARK)
    os.close(fd)
    return "written through /proc/1/root"


def shared_map(folder, file):
    with open(file, "r+b") as f, mmap.mmap(f.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as m:
        m[0:7] = MARK
        m.flush()
    return "written through a shared map"


def protected_map(folder, file):
    fd = os.open(file, os.O_RDWR if folder == PARAMS["home"] + "/redteam-control" else os.O_RDONLY)
    try:
        LIBC.mmap.restype = ctypes.c_void_p
        LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        at = LIBC.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        if at == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        if LIBC.mprotect(at, 4096, mmap.PROT_READ | mmap.PROT_WRITE):
            raise OSError(ctypes.get_errno(), "mprotect of a shared map")
        ctypes.memmove(at, MARK, len(MARK))
    finally:
        os.close(fd)
    return "written after mprotect"


def own_memory(folder, file):
    before = digest(file)
    # A read-only map of a file opened for reading; the control's file and map may be written.
    own = folder == PARAMS["home"] + "/redteam-control"
    fd = os.open(file, os.O_RDWR if own else os.O_RDONLY)
    try:
        LIBC.mmap.restype = ctypes.c_void_p
        LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        at = LIBC.mmap(None, 4096, mmap.PROT_READ | (mmap.PROT_WRITE if own else 0), mmap.MAP_SHARED, fd, 0)
        if at == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")
        memory = os.open("/proc/self/mem", os.O_RDWR)
        try:
            os.pwrite(memory, MARK, at)
        finally:
            os.close(memory)
    finally:
        os.close(fd)
    if digest(file) == before:
        raise OSError(errno.EIO, "the write through /proc/self/mem did not reach the file")
    return "written through /proc/self/mem"


def flags(folder, file):
    fd = os.open(file, os.O_RDONLY)
    try:
        before = struct.unpack("l", fcntl.ioctl(fd, 0x80086601, struct.pack("l", 0)))[0]
        fcntl.ioctl(fd, 0x40086602, struct.pack("l", before ^ 0x80))
    finally:
        os.close(fd)
    return "inode flags were changed"


def into_folder(folder, file):
    shutil.copyfile("/etc/hostname", os.path.join(folder, "redteam-copy"))
    return "copied in"


def exchange(folder, file):
    mine = os.path.join(PARAMS["home"], "redteam-exchange")
    with open(mine, "wb") as f:
        f.write(MARK)
    os.rename(mine, os.path.join(folder, "redteam-moved"))
    return "moved in"


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


WAYS = {
    "DATA-WRITE": open_for(os.O_WRONLY), "DATA-APPEND": open_for(os.O_WRONLY | os.O_APPEND),
    "DATA-OVERWRITE": open_for(os.O_WRONLY | os.O_TRUNC), "DATA-CREATE": create, "DATA-TMPFILE": anonymous,
    "DATA-TRUNCATE": truncate, "DATA-RENAME": rename, "DATA-UNLINK": unlink, "DATA-HARDLINK": hard_link,
    "DATA-SYMLINK": symbolic_link, "DATA-MKDIR": directory, "DATA-FIFO": fifo, "DATA-CHMOD": chmod, "DATA-CHOWN": chown,
    "DATA-UTIME": times, "DATA-XATTR": attribute, "DATA-FALLOCATE": allocate, "DATA-PROC-FD": reopened,
    "DATA-PROC-ROOT": other_root, "DATA-PROC-1-ROOT": first_root, "DATA-MMAP": shared_map, "DATA-MPROTECT": protected_map,
    "DATA-PROC-MEM": own_memory, "DATA-INODE-FLAGS": flags, "DATA-COPY": into_folder, "DATA-MOVE": exchange,
}


def attempt(way, folder):
    try:
        return "reached", way(folder, file_of(folder))
    except OSError as e:
        return "refused", str(e)
    except Exception as e:
        return "failed", "%s: %s" % (type(e).__name__, e)


def mounted(folder):
    with open("/proc/self/mountinfo") as f:
        return [entry.split()[5] for entry in f if entry.split()[4] == folder]


def main():
    with open(file_of(next(iter(PARAMS["mounts"].values()))), "rb") as f:
        content = f.read(65536).ljust(8192, b".")
    before = {source: digest(file_of(folder)) for source, folder in PARAMS["mounts"].items()}
    for name, way in WAYS.items():
        control = PARAMS["home"] + "/redteam-control"
        shutil.rmtree(control, ignore_errors=True)
        os.mkdir(control)
        with open(os.path.join(control, "file"), "wb") as copy:
            copy.write(content)
        outcome, said = attempt(way, control)
        print(json.dumps({"id": name, "side": "control", "outcome": outcome, "said": said}), flush=True)
        for source, folder in PARAMS["mounts"].items():
            outcome, said = attempt(way, folder)
            print(json.dumps({"id": name, "side": source, "outcome": outcome, "said": said}), flush=True)
    for source, folder in PARAMS["mounts"].items():
        print(json.dumps({"id": "after", "side": source, "outcome": "refused" if digest(file_of(folder)) == before[source] else "reached",
                          "said": "sha256 %s, mount options %s" % (digest(file_of(folder)), mounted(folder))}), flush=True)


main()
