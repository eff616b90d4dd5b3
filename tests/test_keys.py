"""Where the API key comes from, and that it shows nowhere: not in errors, their local variables, reprs or output."""

import io
import json
import os
import signal
import sys
import warnings

import pytest

from syncro_nb import config
from syncro_nb.errors import ConfigError
from syncro_nb.keys import EXAMPLES, KeySource, Sealed, find_key, key_in, looks_like_key, source_of

KEY = "canary-7f3e9b21-do-not-show"
on_posix = pytest.mark.skipif(os.name == "nt", reason="a script is a program only where files have an executable bit")


def everything_in(error):
    """All that a debugger shows of an error: its words, its causes, and the local variables of every frame but ours."""
    seen = []
    while error is not None:
        seen += [repr(error), str(error), repr(vars(error))]
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename != __file__:
                seen += [f"{name}={value!r}" for name, value in traceback.tb_frame.f_locals.items()]
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def environment(tmp_path, **more):
    return {**os.environ, "SYNCRO_NB_HOME": str(tmp_path), **more}


def written(tmp_path, profile, **more):
    """The configuration of a syncro.yaml with this profile."""
    settings = {"profiles": {"main": {"subdomain": "blue", **profile}}}
    (tmp_path / "syncro.yaml").write_text(json.dumps(settings), "utf-8")
    found = config.load(environment(tmp_path, **more), folder=tmp_path)
    assert KEY not in repr(found)
    return found


def fetched(tmp_path, profile, **more):
    """The key that such a profile gives."""
    key = find_key(written(tmp_path, profile, **more), environment(tmp_path, **more))
    assert KEY not in f"{key} {key!r} {[key]}"
    return key.reveal()


def refusal(tmp_path, profile, **more):
    """Why such a profile gives no key, in one line that a person can act on."""
    with pytest.raises(ConfigError) as caught:
        fetched(tmp_path, profile, **more)
    assert KEY not in everything_in(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def program(tmp_path, text):
    """A command that runs this Python text."""
    path = tmp_path / "prints_a_key.py"
    path.write_text(text, "utf-8")
    return [sys.executable, str(path)]


@pytest.fixture
def sops(tmp_path):
    """A stand-in for the sops binary: it takes the path to a field apart as sops does. Gives the PATH on which it is."""
    path = tmp_path / "bin" / "sops"
    path.parent.mkdir()
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "tree = json.load(open(sys.argv[4], encoding='utf-8'))\n"
        "assert sys.argv[1:3] == ['--decrypt', '--extract'], tree\n"
        "for part in sys.argv[3].split('[')[1:]:\n"
        "    assert part[0] == part[-2] == '\"' and part[-1] == ']', tree\n"
        "    assert part[1:-2] in tree, tree\n"
        "    tree = tree[part[1:-2]]\n"
        "sys.stdout.write(tree if isinstance(tree, str) else json.dumps(tree, indent=2))\n",
        "utf-8",
    )
    path.chmod(0o755)
    vault = {"kind": "api", "credentials": {"credential": KEY, "api.key": KEY + "-2"}}
    (tmp_path / "syncro.sops.yaml").write_text(json.dumps(vault), "utf-8")
    return str(path.parent)


# ---------------------------------------------------------------- each source


def test_the_key_comes_from_the_variable_that_the_profile_names(tmp_path):
    assert fetched(tmp_path, {"key": {"env": "MY_KEY"}}, MY_KEY=f" {KEY}\n") == KEY
    assert "set MY_KEY" in refusal(tmp_path, {"key": {"env": "MY_KEY"}})


def test_without_any_source_the_remedy_is_said(tmp_path):
    assert "set SYNCRO_NB_API_KEY, or let syncro.yaml say" in refusal(tmp_path, {})


@on_posix
def test_sops_gives_a_field_of_a_vault_beside_the_file_that_names_it(tmp_path, sops, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    vault = {"file": "syncro.sops.yaml", "field": "credentials.credential"}
    assert fetched(tmp_path, {"key": {"sops": vault}}, PATH=sops) == KEY
    assert fetched(tmp_path, {"key": {"sops": {**vault, "file": str(tmp_path / vault["file"])}}}, PATH=sops) == KEY


@on_posix
def test_a_name_with_a_dot_of_its_own_is_written_as_a_list(tmp_path, sops):
    vault = {"file": "syncro.sops.yaml", "field": ["credentials", "api.key"]}
    assert fetched(tmp_path, {"sops": vault}, PATH=sops) == KEY + "-2"


@on_posix
def test_what_sops_cannot_give_is_said_without_its_words(tmp_path, sops):
    absent = refusal(tmp_path, {"sops": {"file": "syncro.sops.yaml", "field": "credentials.token"}}, PATH=sops)
    assert "sops ended with status 1" in absent
    assert "is there credentials.token in" in absent
    assert "is not there" in refusal(tmp_path, {"sops": {"file": "other.yaml", "field": "a"}}, PATH=sops)
    branch = refusal(tmp_path, {"sops": {"file": "syncro.sops.yaml", "field": "credentials"}}, PATH=sops)
    assert "does not hold an API key alone" in branch


def test_a_missing_sops_is_said_with_the_remedy(tmp_path):
    profile = {"sops": {"file": "syncro.sops.yaml", "field": "credentials.credential"}}
    assert "sops is not on the PATH: install it" in refusal(tmp_path, profile, PATH=str(tmp_path))


def test_any_program_may_print_the_key(tmp_path):
    command = program(tmp_path, f"import sys; sys.stderr.write('warming up'); print({KEY!r})")
    assert fetched(tmp_path, {"key": {"command": command}}) == KEY


def test_a_program_gets_its_arguments_as_they_are_without_a_shell(tmp_path):
    command = program(tmp_path, "import sys; print('+'.join(sys.argv[1:]).replace(' ', '_'))")
    assert fetched(tmp_path, {"command": [*command, "$HOME;echo", "*", 12]}) == "$HOME;echo+*+12"


@on_posix
def test_a_program_beside_the_file_is_found_from_everywhere(tmp_path, monkeypatch):
    path = tmp_path / "key.py"
    path.write_text(f"#!{sys.executable}\nprint({KEY!r})", "utf-8")
    path.chmod(0o755)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert fetched(tmp_path, {"command": ["./key.py"]}) == KEY


def test_a_program_sees_the_environment_that_was_given(tmp_path):
    command = program(tmp_path, "import os; print(os.environ['OF_MINE'])")
    assert fetched(tmp_path, {"command": command}, OF_MINE=KEY) == KEY


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"import sys; print({KEY!r}); sys.exit({KEY!r} + ' is wrong')", "ended with status 1; run it in a terminal"),
        (f"print('your key is:\\n' + {KEY!r})", "does not hold an API key alone"),
        (f"import sys; sys.stdout.buffer.write(b'\\xff\\xfe' + {KEY!r}.encode())", "does not hold an API key alone"),
        (f"print({KEY!r} * 100)", "does not hold an API key alone"),
        (f"import sys; sys.stderr.write({KEY!r})", "gives nothing"),
    ],
)
def test_what_a_program_does_wrong_is_said_without_what_it_printed(tmp_path, text, said):
    command = program(tmp_path, text)
    answer = refusal(tmp_path, {"command": [*command, "--password", "hunter2"]})
    assert said in answer
    assert f"the program {sys.executable}" in answer
    assert "hunter2" not in answer


def test_a_program_that_does_not_end_is_given_up(tmp_path):
    command = program(tmp_path, f"import threading\nprint({KEY!r}, flush=True)\nthreading.Event().wait()")
    assert "did not end within 0.3 s" in refusal(tmp_path, {"command": command}, SYNCRO_NB_TIMEOUT="0.3")


def test_a_program_that_is_not_there_or_is_none(tmp_path):
    assert "is not there; correct it" in refusal(tmp_path, {"command": ["not-here", "x"]})
    assert "is not there" in refusal(tmp_path, {"command": [str(tmp_path)]})
    assert "could not be started" in refusal(tmp_path, {"command": [sys.executable, "a\0b"]})


@on_posix
def test_an_interrupted_program_leaves_the_key_in_no_traceback(tmp_path):
    text = f"import os, signal; print({KEY!r}, flush=True); os.kill(os.getppid(), signal.SIGINT)"
    found = written(tmp_path, {"command": program(tmp_path, text)})
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt) as caught:
        find_key(found, environment(tmp_path, OTHER=KEY))
    assert KEY not in everything_in(caught.value)


# ---------------------------------------------------------------- the keyring


@pytest.fixture
def use_keyring():
    """Puts a keyring in place of the system's, until the test has ended."""
    keyring = pytest.importorskip("keyring")
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def in_memory(passwords, failure=None):
    backend = pytest.importorskip("keyring.backend")

    class Memory(backend.KeyringBackend):
        priority = 0

        def get_password(self, service, username):
            if failure:
                raise failure
            return passwords.get((service, username))

        def set_password(self, service, username, password):
            passwords[service, username] = password

    return Memory()


PROFILE = {"keyring": {"service": "syncro", "user": "ann"}}


def test_the_keyring_gives_the_key(tmp_path, use_keyring):
    use_keyring(in_memory({("syncro", "ann"): KEY}))
    assert fetched(tmp_path, {"key": PROFILE}) == KEY


def test_a_keyring_without_that_entry_says_how_to_store_it(tmp_path, use_keyring):
    use_keyring(in_memory({("syncro", "bob"): KEY}))
    assert "store it with `keyring set syncro ann`" in refusal(tmp_path, PROFILE)


def test_a_machine_without_keyring_says_what_else_there_is(tmp_path, use_keyring):
    from keyring.backends import fail

    use_keyring(fail.Keyring())
    assert "no keyring that can be used" in refusal(tmp_path, PROFILE)


def test_a_keyring_that_fails_is_not_quoted(tmp_path, use_keyring):
    use_keyring(in_memory({}, failure=ValueError(f"cannot parse {KEY}")))
    assert "does not give the key (ValueError); unlock it" in refusal(tmp_path, PROFILE)


def test_without_the_library_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)  # as if it was not installed
    assert "pip install 'syncro-nb[keyring]'" in refusal(tmp_path, PROFILE)


# ---------------------------------------------------------------- the prompt


def test_without_a_terminal_or_a_notebook_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY))
    assert "neither a terminal nor a notebook" in refusal(tmp_path, {"key": "prompt"})


ASK = """
import sys, traceback
from syncro_nb import config
from syncro_nb.errors import ConfigError
from syncro_nb.keys import find_key
try:
    key = find_key(config.load({}), {})
    print("FOUND", len(key.reveal()), repr(key))
except (ConfigError, KeyboardInterrupt) as error:
    print("REFUSED", type(error).__name__, *traceback.TracebackException.from_exception(error, capture_locals=True).format())
"""


@pytest.fixture
def in_terminal(tmp_path):
    """Runs ASK in a terminal of its own, types something, and gives what the terminal shows."""
    pty = pytest.importorskip("pty")
    written(tmp_path, {"key": "prompt"})

    def run(typed):
        child, screen = pty.fork()
        if child == 0:
            os.execv(sys.executable, [sys.executable, "-c", ASK])
        shown = b""
        try:
            while True:
                shown += os.read(screen, 1024)
                if typed and b"not show): " in shown:
                    os.write(screen, typed)
                    typed = b""
        except OSError:  # the child has gone
            pass
        os.close(screen)
        os.waitpid(child, 0)
        return shown.decode()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads; the child does nothing but exec
        yield run


def test_in_a_terminal_the_key_is_asked_for_and_does_not_show(in_terminal):
    shown = in_terminal(f"{KEY}\n".encode())
    assert "API key of profile main" in shown
    assert f"FOUND {len(KEY)}" in shown
    assert KEY not in shown


@pytest.mark.parametrize(("typed", "said"), [(b"\n", "no API key was typed"), (b"\x04", "cannot be asked for here")])
def test_who_types_nothing_is_told_so(in_terminal, typed, said):
    assert said in in_terminal(typed)


def test_who_interrupts_the_prompt_leaves_no_trace_of_the_key(in_terminal):
    shown = in_terminal(KEY.encode() + b"\x03")
    assert "REFUSED KeyboardInterrupt" in shown
    assert KEY not in shown


def test_in_a_notebook_the_kernel_asks_in_its_own_way(tmp_path, isolated):
    from jupyter_client.manager import start_new_kernel

    written(tmp_path, {"key": "prompt"})
    (tmp_path / "home").mkdir()
    settings = {**isolated(tmp_path), "SYNCRO_NB_PROFILE": "main"}
    manager, client = start_new_kernel(cwd=str(tmp_path), env=settings)
    try:
        shown, asked = [], []

        def answer(message):
            asked.append(message["content"])
            client.input(KEY)

        def run():
            reply = client.execute_interactive(
                ASK, output_hook=lambda message: shown.append(str(message)), stdin_hook=answer, timeout=60
            )
            assert reply["content"]["status"] == "ok"

        run()
        assert [one["password"] for one in asked] == [True]
        assert f"FOUND {len(KEY)}" in "".join(shown)
        assert KEY not in "".join(shown)
        client.allow_stdin = False  # as when nbconvert runs it
        run()
        assert "cannot be asked for here" in "".join(shown)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# ---------------------------------------------------------------- which source


def test_the_variable_of_the_package_comes_before_every_source_and_none_is_asked(tmp_path):
    mark = tmp_path / "was-run"
    command = program(tmp_path, f"open({str(mark)!r}, 'w')")
    for profile in ({"command": command}, {"env": "MY_KEY"}, {"key": "prompt"}, PROFILE, {}):
        assert fetched(tmp_path, profile, SYNCRO_NB_API_KEY="another-key", MY_KEY=KEY) == "another-key"
    assert not mark.exists()


WAYS = {
    "env": "MY_KEY",
    "sops": {"file": "a.yaml", "field": "b.c"},
    "command": ["pass", "show", "syncro"],
    "keyring": {"service": "syncro", "user": "ann"},
    "prompt": True,
}


@pytest.mark.parametrize("kind", WAYS)
def test_a_source_may_stand_under_key_or_right_under_the_profile(tmp_path, kind):
    direct = written(tmp_path, {kind: WAYS[kind]}).key_source
    assert direct == written(tmp_path, {"key": {kind: WAYS[kind]}}).key_source
    assert direct.kind == kind
    assert set(WAYS) == set(EXAMPLES)


@pytest.mark.parametrize(
    "profile",
    [
        {"env": "A", "command": ["b"]},
        {"key": {"env": "A", "command": ["b"]}},
        {"key": {"env": "A"}, "env": "A"},
        {"key": "prompt", "env": "A"},
        {"key": {}},
        {"key": ["pass", "show"]},
        {"key": {"file": "x"}},
    ],
)
def test_a_profile_has_one_source(tmp_path, profile):
    assert "must be one of: {env: SYNCRO_KEY}, " in refusal(tmp_path, profile)


@pytest.mark.parametrize(
    "profile",
    [
        {"env": "$SYNCRO_KEY"},
        {"env": ["A"]},
        {"env": ""},
        {"sops": "vault.yaml"},
        {"sops": {"file": "vault.yaml"}},
        {"sops": {"file": "vault.yaml", "field": "a..b"}},
        {"sops": {"file": "vault.yaml", "field": 'a"]["b'}},
        {"sops": {"file": "vault.yaml", "field": []}},
        {"sops": {"file": "vault.yaml", "field": "a", "more": 1}},
        {"command": "pass show syncro"},
        {"command": []},
        {"command": [["pass"]]},
        {"command": ["pass", None]},
        {"keyring": "syncro"},
        {"keyring": {"service": "syncro"}},
        {"keyring": {"service": "", "user": "ann"}},
        {"prompt": False},
        {"key": {"prompt": "please"}},
    ],
)
def test_a_source_that_is_written_wrongly_is_shown_rightly(tmp_path, profile):
    (kind,) = profile.get("key", profile)
    assert refusal(tmp_path, profile) == f"{kind} in profile main must look like `key: {EXAMPLES[kind]}`"


def test_where_the_key_comes_from_can_be_said_without_private_arguments(tmp_path):
    found = written(tmp_path, {"command": ["vault", "--token", KEY]})
    assert str(source_of(found, {})) == "the program vault"
    assert repr(source_of(found, {})) == "KeySource(kind='command', name='vault')"
    assert source_of(found, {"SYNCRO_NB_API_KEY": "x"}) == KeySource("env", "SYNCRO_NB_API_KEY")


def test_an_environment_is_never_printed_whole():
    sealed = Sealed({"A": KEY})
    assert (sealed["A"], dict(sealed), len(sealed), sealed.get("B")) == (KEY, {"A": KEY}, 1, None)
    assert KEY not in f"{sealed} {sealed!r}"


# ---------------------------------------------------------------- never in the file


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {main: {subdomain: blue, key: XXX}}",
        "profiles: {main: {subdomain: blue, key: {XXX}}}",
        "profiles: {main: {subdomain: blue, key: [XXX]}}",
        "profiles: {main: {subdomain: blue, key: {env: XXX}}}",
        "profiles: {main: {subdomain: blue, env: XXX}}",
        "profiles: {main: {subdomain: blue, env: 'api_key=XXX'}}",
        "profiles: {main: {subdomain: blue, key: {value: XXX}}}",
        "profiles: {main: {subdomain: blue, key: {keyring: {service: syncro, user: XXX}}}}",
        "profiles: {main: {subdomain: blue, prompt: XXX}}",
        "profiles: {main: {subdomain: blue, auth: XXX}}",
        "profiles: {main: {subdomain: blue, auth: bearer XXX}}",
        "profiles: {main: {subdomain: blue, api_key: XXX}}",
        "profiles: {main: {subdomain: blue, apiKey: XXX}}",
        "profiles: {main: {subdomain: blue, SYNCRO_NB_API_KEY: XXX}}",
        "profiles: {main: {subdomain: blue, headers: {Authorization: Bearer XXX}}}",
        "profiles: {main: {url: 'https://blue.syncromsp.com/api/v1?api_key=XXX'}}",
        "profiles: {main: {url: 'https://blue.syncromsp.com/api/v1?api_key=short'}}",
        "profiles: {main: {url: 'https://ann:XXX@blue.syncromsp.com/api/v1'}}",
        "profiles: {main: {url: 'https://XXX@blue.syncromsp.com/api/v1'}}",
        "profiles: {main: {url: 'https://blue.syncromsp.com/api/v1/XXX'}}",
        "profiles: {XXX: {subdomain: blue}}",
        "profile: XXX",
        "key: XXX",
        "token: XXX",
        "XXX: 1",
        "resolved_statuses: [XXX]",
        "XXX",
    ],
)
def test_a_key_in_the_file_is_refused_with_the_reason_and_not_printed(tmp_path, text):
    (tmp_path / "syncro.yaml").write_text(text.replace("XXX", KEY), "utf-8")
    with pytest.raises(ConfigError, match=r"holds a key itself .*make a new one in Syncro") as caught:
        config.load(environment(tmp_path), folder=tmp_path)
    assert KEY not in everything_in(caught.value)
    assert "short" not in everything_in(caught.value)


@pytest.mark.parametrize("text", ["key: *KEY", "key: !KEY x", "key: &KEY [", "key: 'KEY", "key: @KEY", "key: KEY: KEY"])
def test_broken_yaml_is_not_quoted(tmp_path, text):
    (tmp_path / "syncro.yaml").write_text(text.replace("KEY", KEY), "utf-8")
    with pytest.raises(ConfigError, match="not valid YAML: line 1") as caught:
        config.load(environment(tmp_path), folder=tmp_path)
    assert KEY not in everything_in(caught.value)


@pytest.mark.parametrize("bytes_", [b"key: " + KEY.encode() + b"\xff", b"a: &a [*a]\nkey: " + KEY.encode()])
def test_an_unreadable_file_is_not_quoted(tmp_path, bytes_):
    (tmp_path / "syncro.yaml").write_bytes(bytes_)
    with pytest.raises(ConfigError, match=r"cannot be read|holds a key") as caught:
        config.load(environment(tmp_path), folder=tmp_path)
    assert KEY not in everything_in(caught.value)


@pytest.mark.parametrize(
    "url", [f"https://blue.example/api/v1?api_key={KEY}", f"https://{KEY}@blue.example", f"https://blue.example/{KEY}"]
)
def test_a_key_in_the_address_of_the_environment_is_refused_and_not_printed(tmp_path, url):
    with pytest.raises(ConfigError, match="the URL") as caught:
        config.load(environment(tmp_path, SYNCRO_NB_URL=url), folder=tmp_path)
    assert KEY not in everything_in(caught.value)


def test_no_failure_of_the_configuration_shows_the_environment(tmp_path):
    (tmp_path / "syncro.yaml").write_text("profile: other", "utf-8")
    for more in ({}, {"SYNCRO_NB_PROFILE": "x"}, {"SYNCRO_NB_CONFIG": "x"}, {"SYNCRO_NB_TIMEOUT": "x"}):
        with pytest.raises(ConfigError) as caught:
            config.load(environment(tmp_path, SYNCRO_NB_API_KEY=KEY, **more), folder=tmp_path)
        assert KEY not in everything_in(caught.value)


def test_what_only_looks_odd_is_not_taken_for_a_key(tmp_path):
    found = written(
        tmp_path,
        {
            "subdomain": "it4u2b1c3-solutions",
            "command": ["op", "read", "op://9f1c2e4b-77aa-4d0e-8b1f-2c3d4e5f6a7b/credential"],
            "resolved_statuses": ["Resolved - QA 2024", "Waiting 24h"],
            "labour": {"after-hours-2024": 7},
        },
    )
    assert found.account == "it4u2b1c3-solutions"
    folder = {"file": "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d/vault.sops.yaml", "field": "a"}
    assert written(tmp_path, {"sops": folder}).key_source.kind == "sops"
    url = "https://it4u2b1c3-solutions.syncromsp.com/api/v1"
    assert written(tmp_path, {"subdomain": None, "url": url}).url == url


@pytest.mark.parametrize(
    ("word", "is_key"),
    [
        ("T3c9d1f0b77a2e48d-5b1f6a2c9d8e7f30", True),
        ("9f1c2e4b-77aa-4d0e-8b1f-2c3d4e5f6a7b", True),
        ("eyJhbGciOiJIUzI1NiJ9x4Kd92Lm", True),
        (KEY, True),
        ("SYNCRO_API_KEY_2026", False),
        ("acme-1234-computer-services", False),
        ("sandbox", False),
        ("2026-03-31T16:30:00", False),
    ],
)
def test_a_key_is_told_from_a_name_by_its_randomness(word, is_key):
    assert looks_like_key(word) == is_key


def test_the_place_of_a_key_is_named_by_the_names_that_lead_there():
    assert key_in({"profiles": {"main": {"notes": ["fine", f"it is {KEY}"]}}}, "") == "profiles.main.notes"
    assert key_in({"profiles": {"main": {"key": {"env": "A"}}}}, "") is None
