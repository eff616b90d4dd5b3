"""The API key: the places where it may be, fetching it from there, and what looks like one.

Nothing here raises while it holds a key, so that no traceback shows one, not even with its local variables: what was found
is a `Secret` at once, what is wrong travels beside it as a sentence, and errors are made anew where no library's frame,
program's output or environment hangs on them.
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError
from .secret import Secret

if TYPE_CHECKING:
    from .config import Config

FIRST = "SYNCRO_NB_API_KEY"
NAME = r"[A-Za-z_][A-Za-z0-9_]*"  # of an environment variable
# What a profile may say, and how.
EXAMPLES = {
    "env": "{env: SYNCRO_KEY}",
    "sops": "{sops: {file: vault.sops.yaml, field: credentials.credential}}",
    "command": "{command: [pass, show, syncro]}",
    "keyring": "{keyring: {service: syncro, user: ann}}",
    "prompt": "prompt",
}
_PLACES = {
    "env": "the environment variable {}",
    "sops": "sops, from the file {}",
    "command": "the program {}",
    "keyring": "the keyring, service {}",
    "prompt": "a prompt",
}
_ELSEWHERE = "give the key in another way (env, sops, command, keyring or prompt)"
_KEY_NAMES = re.compile(
    r"(syncro|nb|api|access|auth|user|[_ .-])*(key|token|secret|password|bearer|authorization)", re.I
)
_MAY_BE_RANDOM = ("command", "file", "subdomain")  # ids of a vault's entries, folders, a shop called it4u2b1

Found = tuple[Secret, str]  # the key, and what is wrong: one of the two is empty


@dataclass(frozen=True)
class KeySource:
    """Where a profile's key is. As text and in its repr it leaves out a program's arguments: they may be private."""

    kind: str  # one of EXAMPLES
    name: str = ""  # the variable, file, program or service
    more: tuple[str, ...] = field(default=(), repr=False)  # the names down to the field, the arguments, the user

    def __str__(self) -> str:
        return _PLACES[self.kind].format(self.name)


class Sealed(Mapping[str, str]):
    """Environment variables, any of which may be a key: they can be looked up, but the whole is never printed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


def source_of(config: Config, environment: Mapping[str, str]) -> KeySource:
    """Where the key will come from: SYNCRO_NB_API_KEY if that is set, else what the profile says."""
    if config.key_source is None or environment.get(FIRST, "").strip():
        return KeySource("env", FIRST)
    return config.key_source


def find_key(config: Config, environment: Mapping[str, str]) -> Secret:
    """The API key, from SYNCRO_NB_API_KEY or the profile's source. Raises ConfigError with the remedy.

    A program has SYNCRO_NB_TIMEOUT to print the key, and sees this environment; a prompt waits for its person.
    """
    environment = Sealed(environment)
    source = source_of(config, environment)
    found: Found | None = None
    with suppress(KeyboardInterrupt):
        found = _FETCH[source.kind](source, config, environment)
    if found is None:  # raised anew: the frames that were interrupted may hold the key
        raise KeyboardInterrupt
    key, problem = found
    if not problem and not key:
        problem = f"there is no API key: {source} gives nothing"
    if not problem and not _is_plain(key.reveal()):
        problem = (
            f"{source} does not hold an API key alone: there are blanks, line breaks or characters that no key has"
        )
    if problem:
        raise ConfigError(problem)
    return key


def looks_like_key(word: str) -> bool:
    """Whether a word is as random as a key: long, and letters and digits alternate as they do in no name."""
    changes = re.findall(r"(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]", word)
    return len(changes) >= 4 and re.fullmatch(r"[A-Za-z0-9._~+-]{16,}", word) is not None


def key_in(written: object, place: str) -> str | None:
    """Where a key itself stands in the content of a file: the names that lead there, or None. `place`: those so far."""
    if isinstance(written, str):
        without_host = re.sub(r"://([^/?#@]*@)?[^/?#]*", r"/\1", written)
        words = re.split(r"[\s/?&=@:#,;\"']+", without_host)
        is_there = any(map(looks_like_key, words)) or re.search(r"(?i)(api_?key|token)=", written)
        return place if is_there else None
    if isinstance(written, list):
        inner = [(place, one) for one in written]
    elif isinstance(written, dict):
        named = [(f"{place}.{name}".removeprefix("."), str(name), value) for name, value in written.items()]
        for there, name, value in named:
            if looks_like_key(name):
                return place or "a name"
            if _is_key(name, value):
                return there
        inner = [(there, value) for there, name, value in named if name not in _MAY_BE_RANDOM]
    else:
        return None
    return next(filter(None, (key_in(one, there) for there, one in inner)), None)


def _is_key(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value.strip() or (name, value) == ("key", "prompt"):
        return False
    if name == "env":  # $NAME and %NAME% are mistakes of another kind
        return re.fullmatch(rf"[${{%]*{NAME}[}}%]*", value) is None
    return _KEY_NAMES.fullmatch(name) is not None


def _is_plain(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key and len(key) < 1000


# ---------------------------------------------------------------- one function for each place; none of them raises


def _from_environment(source: KeySource, config: Config, environment: Mapping[str, str]) -> Found:
    key = Secret(environment.get(source.name, "").strip())
    where = f"set {source.name}" + (", or let syncro.yaml say where the key is" if source.name == FIRST else "")
    return key, "" if key else f"no API key: {where} (Syncro makes one under Admin > API Tokens)"


def _from_sops(source: KeySource, config: Config, environment: Mapping[str, str]) -> Found:
    asked = "".join(f'["{name}"]' for name in source.more)
    program = shutil.which("sops", path=environment.get("PATH"))
    if program is None:
        return Secret(""), f"the program sops is not on the PATH: install it (https://getsops.io), or {_ELSEWHERE}"
    if not Path(source.name).is_file():
        return Secret(""), "no API key: the file that `sops` names in syncro.yaml is not there"
    key, problem = _run([program, "--decrypt", "--extract", asked, source.name], config, environment)
    remedy = f"is there {'.'.join(source.more)} in {source.name}, and may you decrypt it on this machine?"
    return key, problem and f"no API key: sops {problem}; {remedy}"


def _from_command(source: KeySource, config: Config, environment: Mapping[str, str]) -> Found:
    program = shutil.which(source.name, path=environment.get("PATH"))
    if program is None:
        return Secret(""), f"no API key: the program that `command` names is not there; correct it, or {_ELSEWHERE}"
    key, problem = _run([program, *source.more], config, environment)
    return key, problem and f"no API key: {source} {problem}; run it in a terminal to see why"


def _run(command: list[str], config: Config, environment: Mapping[str, str]) -> Found:
    """What a program prints. Its error output is not read, for it may hold the key."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            timeout=config.timeout_seconds,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return Secret(""), f"did not end within {config.timeout_seconds:g} s"
    except (OSError, ValueError) as error:
        return Secret(""), f"could not be started ({type(error).__name__})"
    if done.returncode:
        return Secret(""), f"ended with status {done.returncode}"
    return Secret(done.stdout.decode("utf-8-sig", "replace").strip()), ""


def _from_keyring(source: KeySource, config: Config, environment: Mapping[str, str]) -> Found:
    service, user = source.name, source.more[0]
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return Secret(""), f"the keyring needs a library: pip install 'syncro-nb[keyring]', or {_ELSEWHERE}"
    try:
        key = Secret((keyring.get_password(service, user) or "").strip())
    except keyring.errors.NoKeyringError:
        return Secret(""), f"this machine has no keyring that can be used without a desktop; {_ELSEWHERE}"
    except Exception as error:  # whatever the desktop's own keyring raises
        return Secret(""), f"the keyring does not give the key ({type(error).__name__}); unlock it, or {_ELSEWHERE}"
    return key, "" if key else f"no API key: the keyring holds none; store it with `keyring set {service} {user}`"


def _from_prompt(source: KeySource, config: Config, environment: Mapping[str, str]) -> Found:
    if not _can_ask():
        return Secret(""), f"the API key is asked for, but there is neither a terminal nor a notebook; {_ELSEWHERE}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would go on and echo
            key = Secret(getpass.getpass(f"API key of profile {config.profile} (it does not show): ").strip())
    except Exception:  # no echo-free input, the end of the input, a notebook that is run without a person
        return Secret(""), f"the API key cannot be asked for here without showing it; {_ELSEWHERE}"
    return key, "" if key else "no API key was typed"


def _can_ask() -> bool:
    """Whether a person can answer: in a terminal, or in a notebook, where the kernel puts its own getpass in place."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None or (sys.stdin is not None and sys.stdin.isatty())


_FETCH: dict[str, Callable[[KeySource, Config, Mapping[str, str]], Found]] = {
    "env": _from_environment,
    "sops": _from_sops,
    "command": _from_command,
    "keyring": _from_keyring,
    "prompt": _from_prompt,
}
