"""The whole error tree, with exit codes.

::

    CustodyError                 1
    ├── CheckFailed              1   a check failed: something does not match
    ├── UsageError               2   the command's words are off
    ├── PartlyDone               3   the rest is in; what was refused or skipped is listed
    ├── InputRefused             4   what came from outside can't be taken
    │   └── FormatError          4   bytes that are not in the one spelling our formats allow
    ├── MachineError             5   disk full, no permission, no network: this machine's fault
    ├── NotConfirmed             6   intact, but origin or time is not confirmed
    ├── NoLocker                10   no locker at this place
    ├── LockerBusy              11   another process holds the locker
    ├── AccessDenied            12   wrong passphrase, or no right
    │   ├── WrongPassphrase     12
    │   └── NoRight             12
    └── Interrupted            130   Ctrl-C; what was reported as in, is in

A message says what, where, what was expected and what was found, in lower case and without a full
stop; the hint says what to do and stands on a line of its own. An exit code that is not in this list
means failure.
"""

from __future__ import annotations


class CustodyError(Exception):
    """The base of every error that custody raises on purpose.

    ``what`` is the fact; ``where`` names the file, entry or field; ``expected`` and ``found`` are
    short texts; ``hint`` tells the reader what to do. All are plain text for people, already escaped
    where they hold something from outside.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.found = found
        self.hint = hint
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The error in one line: ``where: what: expected …, found …``."""
        text = self.what if self.where is None else f"{self.where}: {self.what}"
        facts = []
        if self.expected is not None:
            facts.append(f"expected {self.expected}")
        if self.found is not None:
            facts.append(f"found {self.found}")
        return f"{text}: {', '.join(facts)}" if facts else text

    def __reduce__(self) -> tuple[object, ...]:
        # The default reduces to args, which would lose the fields when a worker process raises.
        return (_rebuild, (type(self), self.what, self.where, self.expected, self.found, self.hint))


def _rebuild(
    cls: type[CustodyError],
    what: str,
    where: str | None,
    expected: str | None,
    found: str | None,
    hint: str | None,
) -> CustodyError:
    return cls(what, where=where, expected=expected, found=found, hint=hint)


class CheckFailed(CustodyError):
    """A check failed: content, entry, signature or record does not match."""

    exit_code = 1


class UsageError(CustodyError):
    """The command's words are off: unknown option, contradicting options, missing argument."""

    exit_code = 2


class PartlyDone(CustodyError):
    """Something was refused or skipped and is listed; the rest is done."""

    exit_code = 3


class InputRefused(CustodyError):
    """What came from outside can't be taken as it is."""

    exit_code = 4


class FormatError(InputRefused):
    """Bytes that are not in the one spelling that our formats allow."""


class MachineError(CustodyError):
    """This machine's fault: disk full, no permission, no network, a file that can't be written."""

    exit_code = 5


class NotConfirmed(CustodyError):
    """Nothing failed, but origin, time or a witness is missing, unknown or doubtful."""

    exit_code = 6


class NoLocker(CustodyError):
    """There is no locker at this place."""

    exit_code = 10


class LockerBusy(CustodyError):
    """Another process holds the locker and did not let go in time."""

    exit_code = 11


class AccessDenied(CustodyError):
    """The person at the keyboard may not do this."""

    exit_code = 12


class WrongPassphrase(AccessDenied):
    """The key file does not open with this passphrase."""


class NoRight(AccessDenied):
    """The custodian's key has no right to do this here, or was not given the keys for it."""


class Interrupted(CustodyError):
    """Ctrl-C or a signal; what was reported as in, is in."""

    exit_code = 130
