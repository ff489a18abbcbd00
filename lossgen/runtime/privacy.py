"""Whether files and folders are this user's alone: what others could have written is never run.

What is read is a regular file of bounded size, and no other: a pipe would never end.
"""

import os
import stat
from functools import cache
from pathlib import Path

OTHERS = stat.S_IWGRP | stat.S_IWOTH
POSIX = hasattr(os, "getuid")
AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Opens neither what a link leads to, nor waits for the other end of a pipe."""


def objection(folder: Path) -> str | None:
    """Why a folder must not be used, or None: it, and every folder that it is in, counts.

    Who can write a folder above can put another in its place, unless it is sticky, as `/tmp` is.

    Args:
        folder: an absolute path without symbolic links.
    """
    if not POSIX:
        return None
    for place in (folder, *folder.parents):
        found = place.stat()
        if found.st_uid not in ({os.getuid()} if place == folder else {os.getuid(), 0}):
            return f"{place} belongs to another user"
        sticky = place != folder and found.st_mode & stat.S_ISVTX
        if others_write(found) and not sticky:
            return f"{place} can be written by other users"
    return None


def is_own(path: Path) -> bool:
    """Whether a file or folder, itself and no symbolic link, can have been made by this user only.

    Raises:
        OSError: there is none.
    """
    found = path.lstat()
    if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
        return False
    return not POSIX or (found.st_uid == os.getuid() and not others_write(found))


def read_regular(path: Path, limit: int) -> tuple[bytes, os.stat_result]:
    """The content of a file that is no link, pipe or device, and whose it is.

    Args:
        limit: bytes; a longer file is not read.

    Raises:
        OSError: there is none, it is something else, or too long.
    """
    if not stat.S_ISREG(path.lstat().st_mode):  # opening alone does something to some devices
        raise OSError(f"{path} is no regular file")
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | AS_IT_IS)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            raise OSError(f"{path} is no regular file, or longer than {limit} bytes")
        return file.read(limit), found


def others_write(found: os.stat_result) -> bool:
    """Whether users other than the owner can write what was found there."""
    if found.st_mode & stat.S_IWGRP and found.st_gid == _private_group():
        return bool(found.st_mode & stat.S_IWOTH)
    return bool(found.st_mode & OTHERS)


@cache
def _private_group() -> int | None:
    """The group that has the name of this user and no other member; many systems give one to each user.

    The list of a group's members leaves out those whose own group it is.
    """
    import grp
    import pwd

    try:
        user = pwd.getpwuid(os.getuid())
        group = grp.getgrgid(user.pw_gid)
    except KeyError:
        return None
    members = {*group.gr_mem, *(each.pw_name for each in pwd.getpwall() if each.pw_gid == group.gr_gid)}
    return group.gr_gid if group.gr_name == user.pw_name and members <= {user.pw_name} else None
