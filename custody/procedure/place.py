"""Where a locker may lie, a disk of this machine in a folder that nothing else copies about; and what leaves it.

A database that is copied while it is written is torn, and locks hold on one machine only. Only signs that
a program is at work count, never a folder's name alone: who is refused without need has nowhere to put
what a survivor has just handed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from custody.errors import InputRefused, MachineError
from custody.format.text import show

_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ncpfs",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
    }
    | {"davfs", "vboxsf", "vmhgfs", "prl_fs"}
    # FUSE by the program behind it. FUSE itself is no sign: encrypted local folders use it too.
    | {
        "fuse.sshfs",
        "fuse.rclone",
        "fuse.davfs",
        "fuse.davfs2",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.glusterfs",
    }
    | {"fuse.ceph", "fuse.juicefs", "fuse.gvfsd-fuse", "fuse.google-drive-ocamlfuse", "fuse.onedriver"}
    | {"fuse.pcloud", "fuse.pcloudfs", "fuse.vmhgfs-fuse", "fuse.simple-mtpfs", "fuse.jmtpfs"}
)


def _file(path: Path) -> bool:
    return path.is_file()


def _folder(path: Path) -> bool:
    return path.is_dir()


_MARKS: tuple[tuple[str, str, Callable[[Path], bool]], ...] = (
    # What each program keeps in the top folder of what it syncs. A *folder* .dropbox is Dropbox's settings
    # in the home folder, which isn't synced.
    ("Dropbox", ".dropbox", _file),
    ("Dropbox", ".dropbox.cache", _folder),
    ("OneDrive", ".849C9593-D756-4E56-8D6E-42412F2A707B", os.path.lexists),
    ("Google Drive", ".tmp.drivedownload", _folder),
    ("Google Drive", ".tmp.driveupload", _folder),
    ("Syncthing", ".stfolder", os.path.lexists),
    ("Resilio Sync", ".sync/ID", _file),
    ("Nextcloud", ".nextcloudsync.log", _file),
    ("ownCloud", ".owncloudsync.log", _file),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A place that is none for a locker. ``network``: there locks don't hold; ``found``: the sign, escaped."""

    network: bool
    text: str
    found: str
    program: str | None = None

    @property
    def advice(self) -> str:
        """The whole as one line for somebody whose locker lies there already."""
        return (
            f"{self.text} (found: {self.found}): when no command runs, move the whole folder to"
            " a disk of this machine that nothing syncs, and keep backups where they are copied"
        )


def misplaced(directory: Path, environ: Mapping[str, str] | None = None) -> Misplaced | None:
    """Why a folder is no place for a locker: it is on the network, or a program syncs it; None where it is one."""
    kind = file_system(directory)
    if kind in _NETWORK:
        text = "a network folder can't hold a locker: its locks and its writes are not dependable"
        return Misplaced(network=True, text=text, found=show(kind or ""))
    found = synced_by(directory, os.environ if environ is None else environ)
    if found is None:
        return None
    program, sign = found
    text = f"{program} copies this folder to other machines while it is being written, which tears a locker"
    return Misplaced(network=False, text=text, found=show(sign), program=program)


def check_local(directory: Path, environ: Mapping[str, str] | None = None) -> None:
    """InputRefused for a network folder, or one that a program syncs; the message names the sign."""
    wrong = misplaced(directory, environ)
    if wrong is None:
        return
    hint = "make the locker on a disk of this machine, and back it up to the network"
    if wrong.program is not None:
        hint = (
            "make the locker in a folder that nothing syncs, and let a backup of it be synced;"
            f" if {wrong.program} is gone from this machine, delete what was found"
        )
    raise InputRefused(wrong.text, where=show(str(directory)), found=wrong.found, hint=hint)


def check_writable(directory: Path, wrong: Misplaced | None) -> None:
    """InputRefused where a locker that was moved lies on the network: two machines would tear it (decision 0032)."""
    if wrong is not None and wrong.network:
        raise InputRefused(
            wrong.text,
            where=show(str(directory)),
            found=wrong.found,
            hint="nothing was changed, and nothing is lost by moving it: when no command runs on any machine, move the"
            " whole folder to a disk of this machine, and go on there; reading without a key works here too",
        )


def synced_by(directory: Path, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """(program, sign) where a program that copies files elsewhere is at work in a folder or above it."""
    # The nearest folder that is there: the locker's own is made later. Links are followed, as writes are.
    place = Path(os.path.realpath(directory))
    return next(_signs(place, environ), None)


def _signs(place: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for folder in (place, *place.parents):
        for program, name, is_there in _MARKS:
            mark = folder / name
            if _asked(is_there, mark):
                yield program, str(mark)
        yield from _databases(folder)
        # macOS keeps what other programs sync, and iCloud, in these two places.
        if folder.parent.name == "CloudStorage" and folder.parent.parent.name == "Library":
            yield folder.name.split("-")[0], str(folder)
        if folder.name == "Mobile Documents" and folder.parent.name == "Library":
            yield "iCloud Drive", str(folder)
    # On Windows the system says where OneDrive is; Desktop and Documents are often moved into it.
    for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial"):
        root = environ.get(name)
        if root and _inside(place, Path(os.path.realpath(root))):
            yield "OneDrive", root
    home = environ.get("USERPROFILE") or environ.get("HOME")
    if home:
        for program, name, settings in (
            ("iCloud Drive", "iCloudDrive", "AppData/Local/Apple Inc/iCloudDrive"),
            ("OneDrive", "OneDrive", ".config/onedrive"),
        ):
            top = Path(home) / name
            if _inside(place, Path(os.path.realpath(top))) and _asked(_folder, Path(home) / settings):
                yield program, str(top)


def _databases(folder: Path) -> Iterator[tuple[str, str]]:
    """Nextcloud and ownCloud keep their list in the folder itself, under a name with a number in it."""
    try:
        names = [path.name for path in folder.iterdir() if path.name.startswith((".sync_", "._sync_"))]
    except OSError:
        return
    for name in names:
        if name.endswith(".db"):
            yield "Nextcloud or ownCloud", str(folder / name)


def _inside(place: Path, root: Path) -> bool:
    return place == root or root in place.parents


def _asked(is_there: Callable[[Path], bool], path: Path) -> bool:
    try:
        return is_there(path)
    except OSError:
        return False


def file_system(directory: Path) -> str | None:
    """The file system's type by the mount table, or None where there is none to read."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    # Links are followed, as writes are.
    place = Path(os.path.realpath(directory))
    best: tuple[int, str | None] = (-1, None)
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2:
            mount = Path(fields[1].replace("\\040", " "))
            if (place == mount or mount in place.parents) and len(mount.parts) >= best[0]:
                best = (len(mount.parts), fields[2])
    return best[1]


def is_cut_short(directory: Path, parts: tuple[str, ...], ledger: str) -> bool:
    """True when a folder holds only what an `init` left that was ended before it was done.

    The ledger is the last part to get its place, so it must still wait in ``.new`` (or not be made yet):
    a locker that somebody took the ledger away from has no ``.new`` and is never touched.
    """
    building = directory / ".new"
    try:
        names = {path.name for path in directory.iterdir()}
        if not stat.S_ISDIR(building.lstat().st_mode) or names - {".new", *parts} or ledger in names:
            return False
        if parts[0] in names and any((directory / parts[0]).iterdir()):
            return False
        # Once a part was placed, all were made.
        return names == {".new"} or (building / ledger).is_file()
    except OSError:
        return False


def check_new_file(locker: Path, output: Path, *, inside: str) -> None:
    """Raise unless a new file can be made at ``output``, outside the locker. ``inside``: what is said of one within."""
    if output.exists() or output.is_symlink():
        raise InputRefused(
            "there is a file of this name already",
            where=output.name,
            hint="choose another name: what is there is kept",
        )
    folder = output.absolute().parent
    if not folder.is_dir():
        raise InputRefused("there is no such folder", where=str(folder))
    locker, resolved = locker.resolve(), folder.resolve()
    if locker == resolved or locker in resolved.parents:
        raise InputRefused(inside, where=str(output))
    if not os.access(folder, os.W_OK):
        raise MachineError("the folder can't be written", where=str(folder))
