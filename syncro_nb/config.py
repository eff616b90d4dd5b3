"""syncro.yaml and the environment, as one frozen `Config`: which account, where data lives, what the house has agreed.

    profile: main                        # the account that is used unless --profile or SYNCRO_NB_PROFILE says otherwise
    profiles:
      main:
        subdomain: your-shop             # https://your-shop.syncromsp.com/api/v1
        key: {env: SYNCRO_KEY}           # where the API key is (keys.EXAMPLES); never the key itself
        auth: query                      # or bearer
    labour: {remote: 1190473, security: 1234567}   # kind: product id; adds to or changes the usual seven
    tax_rates: {default: 8.7}            # percent, by the customer's tax rate id, or default
    resolved_statuses: [Cancelled]       # besides Resolved..., Invoiced and Closed
    clients_folder: clients              # where session logs go; relative to this file
    claims: true                         # two analysts on two machines: claim a ticket before it is billed (false)
    references: false                    # no reference line under comments and labour lines (true)
    resend_visible: true                 # what customers see is sent again once it is confirmed absent (false)
    policy:                              # how time becomes money; nothing is assumed that is not here
      rounding: {default: {minimum: 15, increment: 15}, onsite: {minimum: 60, increment: 30}}   # minutes
      per: entry                         # round each entry, or the sum of a ticket
      bill_by: timers                    # charge the timers, or bill their time as lines
      after_hours_multiplier: 1.5
      rates: {Harbor Dental: {remote: 140.00}}      # agreed prices an hour, by customer's id or name
      block_rates: {Harbor Dental: 120.00}          # what an hour of a block is worth
      contracts: {Managed Care: [remote, onsite]}   # what a contract covers, by its id or name
      reasons: [no charge, courtesy]     # words that explain free work
      travel_wanted: true                # onsite labour wants a travel line
      taxable: {default: true, project: false}      # whether tax is due on labour; without it, as the product says
    triage:                              # when a ticket needs somebody; what is not here has usable defaults
      targets: {0: {response_hours: 1, resolution_hours: 24}, default: {response_hours: 8}}   # where there is no SLA
      stale_hours: {0: 8, 1: 24, default: 72}       # business hours without a technician, by priority
      chase_days: 3                      # business days that a ticket may wait on its customer
      unassigned_minutes: 15
      at_risk: {hours: 1, share: 0.25}   # near a target: the larger of the two
      impact_words: [is down, outage]    # in a subject they make an emergency; instead of the usual ones
      vip_tags: [vip]

All but `profile` and `profiles` may also stand inside a profile, where they come first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import yaml

from .errors import ConfigError
from .keys import EXAMPLES, NAME, KeySource, Sealed, key_in
from .money import cents, exact
from .policy import BILL_BY, PER, REASONS, Policy, Rounding
from .thresholds import LOW, NORMAL, Target, Thresholds

SANDBOX = "sandbox"
LABOUR = {
    "remote": 1190473,
    "onsite": 26118,
    "emergency": 26184,
    "project": 9269129,
    "internal": 9269124,
    "travel": 26117,
    "website": 68055,
}
MAX_TIMEOUT_SECONDS = 90.0  # so that the longest request ends before the limiter gives its slot to another
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOUSE = ("labour", "tax_rates", "resolved_statuses", "policy", "triage")
_SWITCHES = ("claims", "references", "resend_visible")
_TOP = ("profile", "profiles", "clients_folder", *_HOUSE, *_SWITCHES)
_PROFILE = ("subdomain", "url", "key", *EXAMPLES, "auth", "clients_folder", *_HOUSE, *_SWITCHES)
MAX_SETTLE_WITH_CLAIMS_SECONDS = 600.0  # a claim expires after 900 s, and leaves its runner what is left of that


@dataclass(frozen=True)
class House:
    """What this shop has agreed: its labour products, tax rates and words for "done"."""

    labour: Mapping[str, int]
    tax_rates: Mapping[str, Decimal]
    resolved_statuses: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=Policy)
    triage: Thresholds = field(default_factory=Thresholds)

    def kind_of(self, product_id: int | None) -> str | None:
        """The labour kind of a product id, or None if it is no labour product of this house."""
        return next((kind for kind, number in self.labour.items() if number == product_id), None)

    def product_id(self, kind: str) -> int:
        """The product of a labour kind. Raises ConfigError naming the nearest kinds."""
        if kind not in self.labour:
            raise ConfigError(unknown("labour kind", kind, self.labour))
        return self.labour[kind]

    def is_resolved(self, status: str) -> bool:
        """Whether a ticket of this status counts as resolved (the house's term)."""
        return status.startswith("Resolved") or status in ("Invoiced", "Closed") or status in self.resolved_statuses


@dataclass(frozen=True)
class Config:
    """One account and how to work with it. `url` None is the built-in sandbox, inside this process.

    `claims`: a bill claims its ticket first, for analysts on several machines. `references`: our comments and lines end in a
    reference. `resend_visible`: what a customer sees may be sent again, too, once it is confirmed absent.
    """

    profile: str
    url: str | None
    auth: str
    key_source: KeySource | None
    home: Path
    house: House
    path: Path | None
    timeout_seconds: float = 60.0
    settle_seconds: float = 120.0
    rate: str = "180/60"
    claims: bool = False
    references: bool = True
    resend_visible: bool = False
    settings: frozenset[str] = frozenset()  # what the profile sets, by name
    clients: Path = Path("clients")  # where session logs go

    @property
    def host(self) -> str:
        """The server's name, for which the rate limit holds; empty for the sandbox inside this program."""
        return urlsplit(self.url).hostname or "" if self.url else ""

    @property
    def account(self) -> str:
        """The account's name in the journal: its subdomain, or the host."""
        if self.url is None:
            return SANDBOX
        host = self.host
        # Several accounts may be served on this machine, each with a profile; a port is not an account's name.
        return f"{host} ({self.profile})" if host in LOOPBACK else host.removesuffix(".syncromsp.com")

    @property
    def mirror(self) -> Path:
        """The folder of this account's mirror. A port that the address names is part of it: behind another is another account."""
        port = urlsplit(self.url).port if self.url else None
        name = self.account if port is None else f"{self.account}-{port}"
        return self.home / "mirror" / re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")

    @property
    def site(self) -> str | None:
        """Where a person opens this account in a browser; None for a server on this machine."""
        if self.url is None or urlsplit(self.url).hostname in LOOPBACK:
            return None
        return f"https://{urlsplit(self.url).netloc}"


def load(environment: Mapping[str, str], *, profile: str | None = None, folder: Path | None = None) -> Config:
    """The configuration that holds for this call. Raises ConfigError with the remedy; touches no network."""
    environment = Sealed(environment)
    path = _find(environment, folder or Path.cwd())
    written = _read(path) if path else {}
    _known_keys(written, _TOP, "syncro.yaml", path)
    profiles = _mapping(written.get("profiles"), "profiles")
    configured = next(iter(profiles), SANDBOX) if len(profiles) == 1 else SANDBOX
    name = profile or environment.get("SYNCRO_NB_PROFILE") or written.get("profile") or configured
    if name != SANDBOX and name not in profiles:
        raise ConfigError(unknown("profile", str(name), [*profiles, SANDBOX]))
    chosen = _mapping(profiles.get(name), f"profiles.{name}")
    _known_keys(chosen, _PROFILE, f"profile {name}", path)
    url, problem = _checked_url(
        environment.get("SYNCRO_NB_URL") or chosen.get("url") or _from_subdomain(chosen.get("subdomain"), name)
    )
    if problem:
        raise ConfigError(problem)
    if url is None and name != SANDBOX:
        raise ConfigError(f"profile {name} has neither subdomain nor url; add `subdomain: your-shop`")
    auth = chosen.get("auth", "query")
    if auth not in ("query", "bearer"):
        raise ConfigError(f"auth in profile {name} must be query or bearer: how the key is sent, not the key")
    home = environment.get("SYNCRO_NB_HOME") or platformdirs.user_data_dir("syncro_nb", appauthor=False)
    timeout = _seconds(environment, "SYNCRO_NB_TIMEOUT", 60.0, MAX_TIMEOUT_SECONDS)
    settle = _seconds(environment, "SYNCRO_NB_SETTLE", max(120.0, 2 * timeout))
    claims = _switch("claims", written, chosen, default=False)
    if claims and settle > MAX_SETTLE_WITH_CLAIMS_SECONDS:
        most = MAX_SETTLE_WITH_CLAIMS_SECONDS
        raise ConfigError(f"with claims, SYNCRO_NB_SETTLE must be at most {most:g} seconds: a claim would expire first")
    return Config(
        profile=str(name),
        url=url,
        auth=auth,
        key_source=_key_source(chosen, str(name), path),
        home=Path(home),
        house=_house(written, chosen),
        path=path,
        timeout_seconds=timeout,
        settle_seconds=settle,
        rate=environment.get("SYNCRO_NB_RATE") or "180/60",
        claims=claims,
        references=_switch("references", written, chosen, default=True),
        resend_visible=_switch("resend_visible", written, chosen, default=False),
        settings=frozenset(chosen),
        clients=_clients(chosen.get("clients_folder", written.get("clients_folder")), path),
    )


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """One sentence for an unknown word, with the nearest known one: by all of its text, else by a word in it."""
    choices = list(known)
    texts = {choice.lower(): choice for choice in reversed(choices)}
    parts = {part: choice for choice in reversed(choices) for part in choice.lower().split()}
    near = [named[one] for named in (texts, parts) for one in difflib.get_close_matches(word.lower(), named, n=1)]
    meant = near[0] if near else None
    hint = f"did you mean {meant}? " if meant else ""
    return f"there is no {what} {word[:60]!r}; {hint}known: {', '.join(choices) or 'none'}"


# ---------------------------------------------------------------- reading the file


class _Loader(yaml.SafeLoader):
    """Safe YAML whose decimals are Decimal: a tax rate must not pass through a float."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    text = str(loader.construct_scalar(node))
    try:
        return exact(text)
    except ValueError:
        return text


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def _find(environment: Mapping[str, str], folder: Path) -> Path | None:
    named = environment.get("SYNCRO_NB_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"SYNCRO_NB_CONFIG names {path}, which is not a file")
        return path
    usual = (folder / "syncro.yaml", Path(platformdirs.user_config_dir("syncro_nb", appauthor=False)) / "syncro.yaml")
    return next((path for path in usual if path.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    written, problem = _parse(path)
    if problem:
        raise ConfigError(f"{path} {problem}")
    return _mapping(written, str(path))


def _parse(path: Path) -> tuple[object, str]:
    """The file's content, or what is wrong with it. Raises nothing: a traceback with local variables would show the key."""
    try:
        written = yaml.load(path.read_text("utf-8-sig"), _Loader)
        place = key_in(written, "")
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        said = re.sub(r"'[^']{2,}'", "...", problem or "unreadable")  # it may quote what is written there
        return None, f"is not valid YAML: {f'line {mark.line + 1}: ' if mark else ''}{said}"
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return None, f"cannot be read: {type(error).__name__}"
    if place is None:
        return written, ""
    remedy = f"take it out, make a new one in Syncro, and write `key: {EXAMPLES['env']}` with the key in that variable"
    return None, f"holds a key itself ({place}); files are copied, mailed and committed, so {remedy}"


def _mapping(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a list of `name: value` lines")
    return {str(key): item for key, item in value.items()}


def _known_keys(written: Mapping[str, Any], known: tuple[str, ...], where: str, path: Path | None) -> None:
    for key in written:
        if key not in known:
            raise ConfigError(f"{path}: {unknown(f'setting in {where} called', key, known)}")


def _key_source(chosen: Mapping[str, Any], profile: str, path: Path | None) -> KeySource | None:
    """What stands in `key`, or, as people write it too, without `key` right under the profile."""
    key = chosen.get("key")
    key = {"prompt": True} if key == "prompt" else key
    found = [
        *(key.items() if isinstance(key, dict) else []),
        *((kind, chosen[kind]) for kind in EXAMPLES if kind in chosen),
    ]
    if key is None and not found:
        return None
    forms = ", ".join(EXAMPLES.values())
    if len(found) != 1 or found[0][0] not in EXAMPLES or not isinstance(key, dict | None):
        raise ConfigError(f"key in profile {profile} must be one of: {forms}")
    kind, written = found[0]
    source = _read_source(kind, written, path.absolute().parent if path else Path())
    if source is None:
        raise ConfigError(f"{kind} in profile {profile} must look like `key: {EXAMPLES[kind]}`")
    return source


def _read_source(kind: str, written: object, folder: Path) -> KeySource | None:
    match kind, written:
        case "env", str(name) if re.fullmatch(NAME, name):
            return KeySource(kind, name)
        case "sops", {"file": str(file), "field": str() | list() as field, **rest} if file and not rest:
            names = tuple(field.split(".") if isinstance(field, str) else map(str, field))
            if names and all(name and not set(name) & set("[]\"'") for name in names):
                return KeySource(kind, str(folder / Path(file).expanduser()), names)
        case "command", [str(program), *arguments] if program and all(isinstance(one, str | int) for one in arguments):
            beside = Path(program).name != program  # a path: from the file's folder, wherever the notebook runs
            name = str(folder / Path(program).expanduser()) if beside else program
            return KeySource(kind, name, tuple(map(str, arguments)))
        case "keyring", {"service": str(service), "user": str(user), **rest} if service and user and not rest:
            return KeySource(kind, service, (user,))
        case "prompt", True | None:
            return KeySource(kind)
    return None


def _clients(written: object, path: Path | None) -> Path:
    """The folder of session logs: as written, from the folder of syncro.yaml; else `clients` there, or where we are."""
    if written is not None and (not isinstance(written, str) or not written.strip()):
        raise ConfigError("clients_folder must be the name of a folder, as in clients")
    folder = Path(written or "clients").expanduser()
    return folder if path is None else path.absolute().parent / folder


def _from_subdomain(written: object, profile: str) -> str | None:
    if written is None:
        return None
    if not isinstance(written, str) or not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", written):
        raise ConfigError(f"subdomain in profile {profile}: only the part before .syncromsp.com, as in `your-shop`")
    return f"https://{written}.syncromsp.com/api/v1"


def _checked_url(written: object) -> tuple[str | None, str]:
    """The address, or why it is refused; not raised here, where a key in the address would be in the traceback."""
    if not written:
        return None, ""
    try:
        parts = urlsplit(str(written))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, None
    # urlsplit drops tabs and line breaks without a word, and a name may have forms that only a connection would refuse.
    plain = re.fullmatch(
        r"https?://(\[::1\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?)(:\d{1,5})?(/[\w.~-]*)*",
        str(written),
        re.ASCII,
    )
    if plain is None or ".." in str(written) or any(len(label) > 63 for label in (host or "").split(".")):
        parts = None
    if parts is None or not host or parts.username or parts.password or parts.query or parts.fragment:
        return None, "the URL must look like https://your-shop.syncromsp.com/api/v1, without user, key or query"
    if key_in(parts.path, "URL"):
        return None, "the URL holds a key itself; it must look like https://your-shop.syncromsp.com/api/v1"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return None, f"{parts.scheme}://{host} is refused: the key travels by https only (http on this machine alone)"
    return str(written).rstrip("/"), ""


def _seconds(environment: Mapping[str, str], name: str, default: float, most: float = 86_400.0) -> float:
    written = environment.get(name, "").strip()
    if not written:
        return default
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", written, re.ASCII) or not 0 < float(written) <= most:
        raise ConfigError(f"{name} must be a number of seconds above 0 and up to {most:g}, not {written[:20]!r}")
    return float(written)


def _switch(name: str, written: Mapping[str, Any], chosen: Mapping[str, Any], *, default: bool) -> bool:
    value = chosen.get(name, written.get(name, default))
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be true or false, not {str(value)[:40]!r}")
    return value


def _house(written: Mapping[str, Any], chosen: Mapping[str, Any]) -> House:
    labour: dict[str, int] = dict(LABOUR)
    rates: dict[str, Decimal] = {}
    statuses: set[str] = set()
    for part in (written, chosen):
        for kind, product_id in _mapping(part.get("labour"), "labour").items():
            if isinstance(product_id, bool) or not isinstance(product_id, int) or product_id <= 0:
                raise ConfigError(f"labour.{kind} must be a product id, a whole number as in `{kind}: 1190473`")
            labour[kind] = product_id
        rates |= {key: _rate(key, value) for key, value in _mapping(part.get("tax_rates"), "tax_rates").items()}
        listed = part.get("resolved_statuses") or []
        if not isinstance(listed, list):
            raise ConfigError("resolved_statuses must be a list, as in [Cancelled, Duplicate]")
        statuses |= {str(status) for status in listed}
    agreed = _mapping(written.get("policy"), "policy") | _mapping(chosen.get("policy"), "policy")
    limits = _mapping(written.get("triage"), "triage") | _mapping(chosen.get("triage"), "triage")
    return House(labour, rates, frozenset(statuses), _policy(agreed, tuple(labour)), _triage(limits))


_POLICY = (
    "rounding",
    "per",
    "bill_by",
    "after_hours_multiplier",
    "rates",
    "block_rates",
    "contracts",
    "reasons",
    "travel_wanted",
    "taxable",
)


def _policy(written: Mapping[str, Any], kinds: tuple[str, ...]) -> Policy:
    """The section `policy`. Raises ConfigError naming the setting."""
    for key in written:
        if key not in _POLICY:
            raise ConfigError(unknown("setting in policy called", key, _POLICY))
    rounding = {
        kind: _rounding(_known_kind(kind, ("default", *kinds), "policy.rounding"), value)
        for kind, value in _mapping(written.get("rounding"), "policy.rounding").items()
    }
    rates = {
        customer: {
            _known_kind(kind, kinds, f"policy.rates.{customer}"): _price(f"policy.rates.{customer}.{kind}", price)
            for kind, price in _mapping(agreed, f"policy.rates.{customer}").items()
        }
        for customer, agreed in _mapping(written.get("rates"), "policy.rates").items()
    }
    contracts = {
        name: tuple(
            _known_kind(str(kind), kinds, f"policy.contracts.{name}")
            for kind in _words(listed, f"policy.contracts.{name}")
        )
        for name, listed in _mapping(written.get("contracts"), "policy.contracts").items()
    }
    blocks = _mapping(written.get("block_rates"), "policy.block_rates")
    multiplier = _number("policy.after_hours_multiplier", written.get("after_hours_multiplier", Decimal("1.5")))
    if not 1 <= multiplier <= 5:
        raise ConfigError("policy.after_hours_multiplier must be from 1 to 5, as in 1.5")
    reasons = written.get("reasons")
    taxable = {
        _known_kind(kind, ("default", *kinds), "policy.taxable"): _flag(f"policy.taxable.{kind}", value)
        for kind, value in _mapping(written.get("taxable"), "policy.taxable").items()
    }
    return Policy(
        rounding=rounding,
        per=_choice("policy.per", written.get("per", "entry"), PER),
        bill_by=_choice("policy.bill_by", written.get("bill_by", "timers"), BILL_BY),
        after_hours_multiplier=multiplier,
        rates=rates,
        block_rates={customer: _price(f"policy.block_rates.{customer}", price) for customer, price in blocks.items()},
        contracts=contracts,
        reasons=REASONS if reasons is None else tuple(_words(reasons, "policy.reasons")),
        travel_wanted=_flag("policy.travel_wanted", written.get("travel_wanted", False)),
        taxable=taxable,
    )


def _rounding(kind: str, value: object) -> Rounding:
    where = f"policy.rounding.{kind}"
    fields = _mapping(value, where)
    names = {"minimum": "minimum_minutes", "increment": "increment_minutes"}
    for name, minutes in fields.items():
        if name not in names or isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= 480:
            raise ConfigError(f"{where} must look like {{minimum: 15, increment: 15}}, whole minutes up to 480")
    return Rounding(**{names[name]: minutes for name, minutes in fields.items()})


_TRIAGE = ("targets", "stale_hours", "chase_days", "unassigned_minutes", "at_risk", "impact_words", "vip_tags")


def _triage(written: Mapping[str, Any]) -> Thresholds:
    """The section `triage`. Raises ConfigError naming the setting."""
    for key in written:
        if key not in _TRIAGE:
            raise ConfigError(unknown("setting in triage called", key, _TRIAGE))
    usual = Thresholds()
    stale = {
        _digit(name, "triage.stale_hours"): _limit(f"triage.stale_hours.{name}", hours)
        for name, hours in _mapping(written.get("stale_hours"), "triage.stale_hours").items()
    }
    targets = {
        _digit(name, "triage.targets"): _target(f"triage.targets.{name}", promised)
        for name, promised in _mapping(written.get("targets"), "triage.targets").items()
    }
    # `default` stands for normal and low: a low priority of our own must not come before it.
    low = {LOW: targets[NORMAL]} if NORMAL in targets else {}
    near = _mapping(written.get("at_risk"), "triage.at_risk")
    for name in near:
        if name not in ("hours", "share"):
            raise ConfigError(unknown("setting in triage.at_risk called", name, ("hours", "share")))
    share = _limit("triage.at_risk.share", near.get("share", usual.risk_share))
    if share > 1:
        raise ConfigError("triage.at_risk.share must be from 0 to 1, as in 0.25: a part of the target")
    words, tags = written.get("impact_words"), written.get("vip_tags")
    return Thresholds(
        stale_hours={**usual.stale_hours, **stale},
        chase_days=int(_limit("triage.chase_days", written.get("chase_days", usual.chase_days))),
        unassigned_minutes=int(
            _limit("triage.unassigned_minutes", written.get("unassigned_minutes", usual.unassigned_minutes))
        ),
        risk_hours=_limit("triage.at_risk.hours", near.get("hours", usual.risk_hours)),
        risk_share=share,
        targets={**usual.targets, **low, **targets},
        impact_words=usual.impact_words if words is None else tuple(_words(words, "triage.impact_words")),
        vip_tags=usual.vip_tags if tags is None else tuple(_words(tags, "triage.vip_tags")),
    )


def _target(where: str, written: object) -> Target:
    names = {"response_hours": "response_seconds", "resolution_hours": "resolution_seconds"}
    promised = _mapping(written, where)
    for name in promised:
        if name not in names:
            raise ConfigError(unknown(f"setting in {where} called", name, names))
    return Target(
        **{
            names[name]: None if hours is None else round(_limit(f"{where}.{name}", hours) * 3600)
            for name, hours in promised.items()
        }
    )


def _digit(name: str, where: str) -> int:
    """A priority as its leading digit; `default` is normal, and holds for all below it too."""
    if name == "default":
        return NORMAL
    if not re.fullmatch(r"[0-9]", name):
        raise ConfigError(f"{where}: {name[:20]!r} is no priority; write its leading digit, 0 to 9, or default")
    return int(name)


def _limit(where: str, value: object) -> float:
    number = _number(where, str(value) if isinstance(value, float) else value)
    if not 0 <= number <= 100_000:
        raise ConfigError(f"{where} must be a number from 0 to 100000")
    return float(number)


def _known_kind(kind: str, known: tuple[str, ...], where: str) -> str:
    if kind not in known:
        raise ConfigError(f"{where}: {unknown('labour kind', kind, known)}")
    return kind


def _price(where: str, value: object) -> int:
    try:
        amount = cents(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        amount = -1
    if amount < 0:
        raise ConfigError(f"{where} must be an amount of money, as in 140.00")
    return amount


def _number(where: str, value: object) -> Decimal:
    try:
        return exact(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ConfigError(f"{where} must be a number") from None


def _words(value: object, where: str) -> list[str]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list, as in [remote, onsite]")
    return [str(one) for one in value]


def _choice(where: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise ConfigError(f"{where} must be {' or '.join(str(one).lower() for one in known)}, not {str(value)[:40]!r}")
    return value


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} must be true or false, not {str(value)[:40]!r}")
    return value


def _rate(name: str, value: object) -> Decimal:
    """A tax rate in percent. "8.7", 8.7, "8.7 %" and the fraction 0.087 are all 8.7 %; no sales tax is below 0.5 %."""
    text = value.strip().removesuffix("%").strip() if isinstance(value, str) else value
    try:
        rate = exact(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ConfigError(f"tax_rates.{name} must be a percentage, as in 8.7") from None
    percent = rate * 100 if rate < Decimal("0.5") and "%" not in str(value) else rate
    if not 0 <= percent < 50:
        raise ConfigError(f"tax_rates.{name}: {rate} is no tax rate in percent")
    return percent
