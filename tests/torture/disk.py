"""disk.py - what a power cut leaves of a directory that disk.c watches.

A Disk holds two pictures of a directory: what programs see (the cache) and
what is on the disk, with the operations that no sync has covered yet. The
shim's redo log moves both on. lose() puts the second picture, with some of the
uncovered operations on top, into the place of the first.

The log is exact unless a process was killed from elsewhere in the middle of an
operation; absorb() compares the cache with the directory and, when they differ
in that case, takes the directory for written back, as a kernel does in time.
"""

import os
import pathlib
import re
import shutil
import subprocess

SECTOR = 512
KINDS = ("open", "read", "write", "sync", "truncate", "rename", "unlink",
         "mkdir", "close", "change")
TOTAL = re.compile(r"^disk (\w+) (\d+)$", re.M)


class File:
    """Bytes as seen, bytes on the disk, and what is between them."""

    def __init__(self, content=b"", mode=0o600):
        self.cache, self.disk = bytearray(content), bytearray(content)
        self.pending, self.mode = [], mode

    def do(self, operation):
        apply(self.cache, operation)
        self.pending.append(operation)

    def sync(self):
        for operation in self.pending:
            apply(self.disk, operation)
        self.pending = []

    def lose_pages(self, survives):
        """A sync failed: what did not get through by chance never will."""
        for operation in self.pending:
            for part in survives(operation):
                apply(self.disk, part)
        self.pending = []

    def after_cut(self, survives):
        content = bytearray(self.disk)
        for operation in self.pending:
            for part in survives(operation):
                apply(content, part)
        return content


def apply(content, operation):
    """An operation is ("write", offset, bytes) or ("truncate", size, b"")."""
    verb, at, data = operation
    if verb == "truncate":
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


def sectors(operation):
    """A write as the pieces that reach a disk whole."""
    verb, at, data = operation
    if verb == "truncate":
        return [operation]
    ends = [0, *range(SECTOR - at % SECTOR, len(data), SECTOR), len(data)]
    return [(verb, at + begin, data[begin:end])
            for begin, end in zip(ends, ends[1:])]


def survivor(rng):
    """One way in which a disk treats what it was not told to keep."""
    way = rng.choice(["none", "some", "torn", "first", "all"])
    left = [rng.randrange(0, 40)]

    def some(operation):
        return [operation] if rng.random() < 0.5 else []

    def torn(operation):
        return [part for part in sectors(operation) if rng.random() < 0.7]

    def first(operation):
        left[0] -= 1
        return [operation] if left[0] >= 0 else []

    return {"none": lambda _: [], "some": some, "torn": torn, "first": first,
            "all": lambda operation: [operation]}[way]


def mapped(name):
    """Written through memory, which the log does not see: SQLite's index of
    the WAL, and the page that names what is being executed."""
    return name.endswith(("-shm", "/executing")) or name == "executing"


class Disk:
    """A directory below `place`, the shim's log beside it."""

    def __init__(self, place, shim):
        place = pathlib.Path(place).resolve()
        self.root, self.log = str(place / "disk"), place / "disk.log"
        self.shim, self.read_to = str(shim), 0
        pathlib.Path(self.root).mkdir(exist_ok=True)
        self.log.touch()
        self.snapshot()

    def env(self, fault=None, count=False):
        env = {"LD_PRELOAD": self.shim, "DISK_ROOT": self.root,
               "DISK_LOG": str(self.log)}
        if fault:
            env["DISK_FAULT"] = fault
        if count:
            env["DISK_COUNT"] = "1"
        return env

    # --- the picture -------------------------------------------------------

    def snapshot(self):
        """All that is there is on the disk."""
        self.inodes, self.names, self.directories = {}, {}, {self.root: []}
        for folder, folders, files in os.walk(self.root):
            for name in folders:
                path = os.path.join(folder, name)
                self.names[path] = None
                self.directories[path] = []
            for name in files:
                if not name.endswith("-shm"):
                    self.take(os.path.join(folder, name))
        self.on_disk = dict(self.names)

    def take(self, path):
        is_ = os.stat(path)
        with open(path, "rb") as content:
            file = File(content.read(), is_.st_mode & 0o777)
        self.inodes[is_.st_ino] = self.names[path] = file

    def name(self, *changes):
        """[(path, what stands there now)]; "gone" is nothing."""
        for path, what in changes:
            set_name(self.names, path, what)
        pending = self.directories.setdefault(
            os.path.dirname(changes[0][0]), [])
        pending.append(changes)

    def play(self, verb, inode, at, data, path):
        file = self.inodes.get(inode)
        if verb == "create":
            self.inodes[inode] = File()
            self.name((path, self.inodes[inode]))
        elif verb == "mkdir":
            self.directories[path] = []
            self.name((path, None))
        elif verb == "unlink":
            self.name((path, "gone"))
        elif verb == "rename":
            self.name((path, "gone"), (data.decode(), self.names[path]))
        elif verb in ("sync", "lost") and path in self.directories:
            # A directory is the file system's own: it keeps its order, and
            # what one sync could not write it still knows at the next.
            if verb == "sync":
                for changes in self.directories[path]:
                    for name, what in changes:
                        set_name(self.on_disk, name, what)
                self.directories[path] = []
        elif file and verb == "sync":
            file.sync()
        elif file and verb == "lost":
            file.lose_pages(self.survives)
        elif file:
            file.do((verb, at, data))

    def absorb(self, rng):
        """Plays what the log has got since; the picture must be what is
        there. False: it was not, and what is there was taken."""
        self.survives = survivor(rng)
        with open(self.log, "rb") as log:
            log.seek(self.read_to)
            while head := log.readline():
                verb, inode, at, length, path = head.decode().rstrip(
                    "\n").split(" ", 4)
                self.play(verb, int(inode), int(at), log.read(int(length)),
                          path)
            self.read_to = log.tell()
        if self.seen() == self.there():
            return True
        self.snapshot()
        return False

    def seen(self):
        return {path: bytes(file.cache) for path, file in self.names.items()
                if file and not mapped(path)}

    def there(self):
        return {str(path): path.read_bytes()
                for path in pathlib.Path(self.root).rglob("*")
                if path.is_file() and not mapped(path.name)}

    # --- the cut -----------------------------------------------------------

    def lose(self, rng):
        """The power is cut, and comes back."""
        names, survives = dict(self.on_disk), survivor(rng)
        for pending in self.directories.values():
            for changes in pending[:rng.randint(0, len(pending))]:
                for path, what in changes:
                    set_name(names, path, what)
        shutil.rmtree(self.root)
        os.mkdir(self.root)
        for path in sorted(names):
            if not os.path.isdir(os.path.dirname(path)):
                continue        # the directory itself was lost
            if names[path] is None:
                os.mkdir(path, 0o700)
                continue
            with open(path, "wb") as out:
                out.write(names[path].after_cut(survives))
            os.chmod(path, names[path].mode)
        self.snapshot()


def set_name(names, path, what):
    if what == "gone":
        names.pop(path, None)
    else:
        names[path] = what


def build(source, target):
    """The shim, when it is not built yet."""
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-std=c11", "-O2", "-fPIC",
                    "-shared", "-o", target, source, "-lpthread"], check=True)


def totals(text):
    """Of a process with DISK_COUNT: kind -> how often."""
    return {kind: int(count) for kind, count in TOTAL.findall(text)}
