"""Everything that this package raises on purpose, and what a caller does about it.

    Error                     the base; its message is one readable sentence
    ├── InputError            the input or the configuration is wrong; nothing was written  (exit status 2)
    │   ├── ConfigError       ... in syncro.yaml, the environment or the command's options
    │   └── Unrecorded        our journal cannot be written (a full disk): what is not on record is not sent
    ├── Stopped               a person pressed Ctrl-C                                          (exit status 130)
    ├── Refused               Syncro answered, and said no; carries its status and its words (exit status 3)
    │   └── Missing           ... with a 404: this proves that the record is not there
    └── Unreachable           no answer of Syncro's, or one that is not Syncro's             (exit status 4)
        └── NotSent           ... and it is certain that no byte of the request arrived

"We do not know whether the write landed" is no exception: it is a value (`writes.outcome.Unknown`), so that nothing
above can catch it and send again. A bad record in the data is no exception either: it becomes a row or a finding.
No message ever holds the key, a header, or a URL with a query.
"""

from __future__ import annotations


class Error(Exception):
    """Base of all errors of this package."""

    exit_status = 1


class InputError(Error):
    """What was asked for cannot be done as it was asked; nothing was written."""

    exit_status = 2


class ConfigError(InputError):
    """syncro.yaml, an environment variable or an option is wrong; the message names which, and the remedy."""


class Unrecorded(InputError):
    """Our own journal cannot be written, so nothing more is sent. A request that had left before stays in doubt."""


class Stopped(Error):
    """Ctrl-C. The message says what was written by then; a write under way is in doubt, and the journal has it."""

    exit_status = 130


class Refused(Error):
    """Syncro answered with a 4xx. `status` is the HTTP status, `said` Syncro's own message as one sentence."""

    exit_status = 3

    def __init__(self, message: str, status: int, said: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Missing(Refused):
    """Syncro answered 404: the record is not there."""

    def __init__(self, message: str, status: int = 404, said: str = "") -> None:
        super().__init__(message, status, said)


class Unreachable(Error):
    """Syncro could not be reached, kept answering 429 or 5xx, or something else answers at its address."""

    exit_status = 4


class NotSent(Unreachable):
    """The request certainly did not reach Syncro (name resolution, refused connection, TLS)."""
