"""Whether files and folders are this user's alone: what others could have written is never run."""

import os
import stat
from functools import cache
from pathlib import Path

OTHERS = stat.S_IWGRP | stat.S_IWOTH
POSIX = hasattr(os, "getuid")


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
        if _others_write(found) and not sticky:
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
    return not POSIX or (found.st_uid == os.getuid() and not _others_write(found))


def _others_write(found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWGRP and found.st_gid == _private_group():
        return bool(found.st_mode & stat.S_IWOTH)
    return bool(found.st_mode & OTHERS)


@cache
def _private_group() -> int | None:
    """The group that has the name of this user and no other member; many systems give one to each user."""
    import grp
    import pwd

    try:
        user = pwd.getpwuid(os.getuid())
        group = grp.getgrgid(user.pw_gid)
    except KeyError:
        return None
    return group.gr_gid if group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name} else None
