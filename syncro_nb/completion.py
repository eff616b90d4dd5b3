"""What a shell completes after `syncro`: verbs, their words and options, labour kinds. Made from the grammar, for bash and zsh.

source <(syncro completion bash)      # in ~/.bashrc, or the same with zsh in ~/.zshrc
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from .verbs import COMMON, OF_WRITES, REPORTS, VERBS, Option, Verb

SHELLS = ("bash", "zsh")
_ZSH = """(( $+functions[compdef] )) || { autoload -U +X compinit && compinit }
autoload -U +X bashcompinit && bashcompinit
"""


def script(shell: str, kinds: Iterable[str]) -> str:
    """The snippet for a shell. `kinds`: the labour kinds of the house, completed after --labor."""
    cases = [_case("", VERBS, ()), *(case for verb in VERBS for case in _cases(verb))]
    head = _ZSH if shell == "zsh" else ""
    return (
        head
        + f"""_syncro() {{
  [ -z "$ZSH_VERSION" ] || emulate -L ksh
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" path="" one known=""
  for one in "${{COMP_WORDS[@]:1:$((COMP_CWORD-1))}}"; do
    case "$path/$one" in {_paths()}) path="${{path:+$path }}$one";; esac
  done
  case "$before" in --labor|--labour) known="{" ".join(filter(_is_plain, kinds))}";; esac
  [ -n "$known" ] || case "$path" in
{chr(10).join(cases)}
  esac
  COMPREPLY=($(compgen -W "$known" -- "$word"))
}}
complete -o default -F _syncro syncro"""
    )


def _is_plain(kind: str) -> bool:
    """Whether a shell takes the word for nothing but itself."""
    return re.fullmatch(r"[\w-]+", kind) is not None


def _paths() -> str:
    """The words that lead on, as shell patterns: /runs, runs/show."""
    first = [f"/{verb.name}" for verb in VERBS]
    return "|".join([*first, *(f"{verb.name}/{inner.name}" for verb in VERBS for inner in verb.subverbs)])


def _cases(verb: Verb) -> list[str]:
    own = _case(verb.name, verb.subverbs, verb.options, verb.writes)
    return [own, *(_case(f"{verb.name} {inner.name}", (), inner.options, inner.writes) for inner in verb.subverbs)]


def _case(path: str, inner: tuple[Verb, ...], options: tuple[Option, ...], writes: bool = False) -> str:
    every = [*options, *COMMON, *(OF_WRITES if writes else ())]
    known = [verb.name for verb in inner] + [name for one in every for name in one.names if name.startswith("-")]
    choices = [choice for one in options for choice in _choices(one)]
    return f'    "{path}") known="{" ".join([*known, *choices])}";;'


OWN_WORDS = ("labour", "status", "priority", "problem_type", "technician")  # what the account calls things


def following(typed: Sequence[str], known: Callable[[str], Iterable[str]]) -> list[str]:
    """What may come after these whole words of a command. `known` gives the account's words for one of OWN_WORDS."""
    verb: Verb | None = None
    places: tuple[Verb, ...] = VERBS
    asked: Option | None = None  # an option whose value comes next
    given = 0  # words of the verb's own that stand there
    for word in typed:
        if asked is not None:
            asked = None
        elif word.startswith("-"):
            asked = next((one for one in _options(verb) if word in one.names and _takes_word(one)), None)
        elif inner := next((one for one in places if one.name == word and given >= len(_own(verb))), None):
            verb, places, given = inner, inner.subverbs, 0
        else:
            given += 1
    if asked is not None:
        return _values(asked, known)
    own = _own(verb)
    if given < len(own):
        said = _values(own[given], known)
        return said + _flags(verb) if own[given].settings.get("nargs") == "?" else said
    return [one.name for one in places] + _flags(verb)


def _values(option: Option, known: Callable[[str], Iterable[str]]) -> list[str]:
    name = option.settings.get("dest") or option.names[0].lstrip("-").replace("-", "_")
    return list(known(name)) if name in OWN_WORDS else _choices(option)


def _choices(option: Option) -> list[str]:
    """The words of which an option or a place in the line takes one, as far as they do not depend on the account."""
    return list(REPORTS) if option.names == ("report",) else [str(one) for one in option.settings.get("choices", ())]


def _own(verb: Verb | None) -> list[Option]:
    """The words that the verb wants, without dashes."""
    return [one for one in verb.options if not one.names[0].startswith("-")] if verb else []


def _options(verb: Verb | None) -> list[Option]:
    every = [*verb.options, *COMMON, *(OF_WRITES if verb.writes else ())] if verb else list(COMMON)
    return [one for one in every if one.names[0].startswith("-")]


def _flags(verb: Verb | None) -> list[str]:
    return [name for one in _options(verb) for name in one.names]


def _takes_word(option: Option) -> bool:
    return option.settings.get("action") in (None, "append")
