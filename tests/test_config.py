from decimal import Decimal

import pytest

from syncro_nb import config
from syncro_nb.errors import ConfigError


def load(tmp_path, text=None, profile=None, **environment):
    if text is not None:
        (tmp_path / "syncro.yaml").write_text(text, "utf-8")
    return config.load({"SYNCRO_NB_HOME": str(tmp_path), **environment}, profile=profile, folder=tmp_path)


def test_without_anything_it_is_the_sandbox(tmp_path):
    found = load(tmp_path)
    assert (found.profile, found.url, found.account) == ("sandbox", None, "sandbox")
    assert found.house.labour["remote"] == 1190473


def test_the_environments_address_comes_before_the_profiles(tmp_path):
    text = "profiles: {main: {subdomain: blue-river}}"
    assert load(tmp_path, text).url == "https://blue-river.syncromsp.com/api/v1"
    assert load(tmp_path, text).account == "blue-river"
    assert load(tmp_path, text, SYNCRO_NB_URL="http://127.0.0.1:9/api/v1/").url == "http://127.0.0.1:9/api/v1"


def test_one_configured_account_is_the_default_and_the_sandbox_stays_there(tmp_path):
    text = "profiles: {main: {subdomain: blue-river}}"
    assert load(tmp_path, text).profile == "main"
    assert load(tmp_path, text, profile="sandbox").url is None
    assert load(tmp_path, text, SYNCRO_NB_PROFILE="sandbox").url is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("profiles: [", "not valid YAML: line 1"),
        ("profiles:\n\tmain: 1", "not valid YAML: line 2"),
        ("- a", "name: value"),
        ("profils: {}", "did you mean profiles"),
        ("profiles: {main: {subdomian: x}}", "did you mean subdomain"),
        ("profiles: {main: {subdomain: evil.example/x}}", "only the part before"),
        ("profiles: {main: {url: 'http://blue-river.example/api/v1'}}", "https only"),
        ("profiles: {main: {url: 'https://u:p@blue.example'}}", "without user"),
        ("profiles: {main: {subdomain: blue, auth: cookie}}", "query or bearer"),
        ("profiles: {main: {}}", "neither subdomain nor url"),
        ("profiles: {main: {subdomain: blue, key: T0ken}}", "holds a key itself"),
        ("profiles: {main: {subdomain: blue, api_key: T0ken}}", "holds a key itself"),
        ("api_key: T0ken", "holds a key itself"),
        ("profiles: {main: {subdomain: blue, key: {file: x}}}", "must be one of"),
        ("labour: {remote: abc}", "product id"),
        ("tax_rates: {default: lots}", "percentage"),
        ("tax_rates: {default: 800}", "no tax rate"),
        ("resolved_statuses: Cancelled", "must be a list"),
        ("profile: other", "no profile 'other'"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(tmp_path, text, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert "T0ken" not in str(caught.value)


@pytest.mark.parametrize("written", ["8.7", "'8.7 %'", "'8.7'", "0.087"])
def test_a_tax_rate_may_be_written_as_people_write_it(tmp_path, written):
    assert load(tmp_path, f"tax_rates: {{default: {written}}}").house.tax_rates["default"] == Decimal("8.7")


def test_a_kind_may_be_added_or_changed_and_a_profile_comes_first(tmp_path):
    text = "labour: {security: 77, remote: 5}\nprofiles: {main: {subdomain: blue, labour: {remote: 6}}}"
    house = load(tmp_path, text).house
    assert (house.labour["security"], house.labour["remote"], house.labour["onsite"]) == (77, 6, 26118)
    with pytest.raises(ConfigError, match="did you mean remote"):
        house.product_id("remot")


def test_what_counts_as_resolved(tmp_path):
    house = load(tmp_path, "resolved_statuses: [Cancelled]").house
    resolved = [
        word
        for word in ("Resolved", "Resolved - QA", "Invoiced", "Closed", "Cancelled", "New")
        if house.is_resolved(word)
    ]
    assert resolved == ["Resolved", "Resolved - QA", "Invoiced", "Closed", "Cancelled"]


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ("[remote]", "policy must be a list of `name: value` lines"),
        ("{roundings: {}}", "did you mean rounding"),
        ("{rounding: 15}", "policy.rounding must be a list"),
        ("{rounding: {remot: {increment: 15}}}", "policy.rounding: .*did you mean remote"),
        ("{rounding: {remote: 15}}", "policy.rounding.remote must be a list"),
        ("{rounding: {remote: {increments: 15}}}", "minimum: 15, increment: 15"),
        ("{rounding: {remote: {increment: 7.5}}}", "whole minutes up to 480"),
        ("{rounding: {remote: {minimum: -15}}}", "whole minutes up to 480"),
        ("{rounding: {remote: {minimum: 481}}}", "whole minutes up to 480"),
        ("{rounding: {remote: {increment: true}}}", "whole minutes up to 480"),
        ("{per: day}", "policy.per must be entry or ticket, not 'day'"),
        ("{bill_by: both}", "policy.bill_by must be timers or lines, not 'both'"),
        ("{after_hours_multiplier: double}", "after_hours_multiplier must be a number"),
        ("{after_hours_multiplier: 0.5}", "from 1 to 5"),
        ("{after_hours_multiplier: 150}", "from 1 to 5"),
        ("{rates: 140}", "policy.rates must be a list"),
        ("{rates: {Harbor: 140}}", "policy.rates.Harbor must be a list"),
        ("{rates: {Harbor: {remot: 140}}}", "policy.rates.Harbor: .*did you mean remote"),
        ("{rates: {Harbor: {remote: cheap}}}", "policy.rates.Harbor.remote must be an amount"),
        ("{rates: {Harbor: {remote: -1}}}", "policy.rates.Harbor.remote must be an amount"),
        ("{block_rates: {Harbor: [120]}}", "policy.block_rates.Harbor must be an amount"),
        ("{contracts: {Care: remote}}", "policy.contracts.Care must be a list"),
        ("{contracts: {Care: [remot]}}", "policy.contracts.Care: .*did you mean remote"),
        ("{reasons: courtesy}", "policy.reasons must be a list"),
        ("{travel_wanted: maybe}", "policy.travel_wanted must be true or false"),
        ("{taxable: true}", "policy.taxable must be a list"),
        ("{taxable: {remote: 8.7}}", "policy.taxable.remote must be true or false"),
        ("{taxable: {remote: 1}}", "policy.taxable.remote must be true or false"),
        ("{taxable: {remot: true}}", "policy.taxable: .*did you mean remote"),
    ],
)
def test_what_is_wrong_in_the_policy_is_said_in_one_line(tmp_path, policy, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        load(tmp_path, f"policy: {policy}")
    assert "\n" not in str(caught.value)


def test_the_policy_is_read_and_a_profiles_own_settings_come_first(tmp_path):
    text = """
policy:
  rounding: {default: {minimum: 15, increment: 15}, onsite: {minimum: 60}}
  per: ticket
  bill_by: lines
  after_hours_multiplier: 2
  rates: {Harbor Dental: {remote: 140.00}, 7: {onsite: 160}}
  contracts: {Managed Care: [remote, onsite], 12: []}
  taxable: {default: true, project: false}
profiles: {main: {subdomain: blue, policy: {bill_by: timers}}}
"""
    policy = load(tmp_path, text).house.policy
    assert (policy.per, policy.bill_by, policy.after_hours_multiplier) == ("ticket", "timers", 2)
    assert policy.rounding_of("onsite").billable_seconds(60) == 3600
    assert policy.rounding_of("remote").billable_seconds(16 * 60) == 1800
    assert policy.rate_cents(1, "Harbor Dental", "remote") == 14000
    assert policy.rate_cents(7, "Else", "onsite") == 16000
    assert policy.rate_cents(7, "Else", "remote") is None
    assert policy.covers(3, "Managed Care", False, "remote")
    assert not policy.covers(12, "Small", True, "remote")
    assert (policy.is_taxable("project"), policy.is_taxable("remote")) == (False, True)
    assert load(tmp_path, "{}").house.policy.is_taxable("remote") is None


def test_settling_takes_two_time_outs_or_two_minutes(tmp_path):
    assert load(tmp_path).settle_seconds == 120
    assert load(tmp_path, SYNCRO_NB_TIMEOUT="90").settle_seconds == 180
    assert load(tmp_path, SYNCRO_NB_SETTLE="0.5").settle_seconds == 0.5
    with pytest.raises(ConfigError, match="SYNCRO_NB_TIMEOUT"):
        load(tmp_path, SYNCRO_NB_TIMEOUT="soon")


def test_the_switches_of_writing_are_off_on_off_and_a_profile_comes_first(tmp_path):
    def switches(text=""):
        found = load(tmp_path, text)
        return found.claims, found.references, found.resend_visible

    assert switches() == (False, True, False)
    assert switches("claims: true\nreferences: false\nresend_visible: true") == (True, False, True)
    assert switches("claims: true\nprofiles: {main: {subdomain: blue, claims: false}}") == (False, True, False)
    with pytest.raises(ConfigError, match="claims must be true or false, not 'sometimes'"):
        switches("claims: sometimes")


def test_with_claims_the_settling_time_leaves_room_before_a_claim_expires(tmp_path):
    assert load(tmp_path, "claims: true", SYNCRO_NB_SETTLE="600").settle_seconds == 600
    assert load(tmp_path, "claims: false", SYNCRO_NB_SETTLE="601").settle_seconds == 601
    with pytest.raises(ConfigError, match="at most 600 seconds"):
        load(tmp_path, "claims: true", SYNCRO_NB_SETTLE="601")


def test_it_knows_which_settings_the_profile_makes(tmp_path):
    found = load(tmp_path, "profiles: {main: {subdomain: blue, key: {env: MY_KEY}}}")
    assert found.settings == {"subdomain", "key"}
    assert load(tmp_path, "labour: {remote: 5}").settings == frozenset()


def test_a_wrong_subdomain_does_not_matter_where_the_environment_gives_the_address(tmp_path):
    text = "profiles: {main: {subdomain: 'Blue River'}}"
    assert load(tmp_path, text, SYNCRO_NB_URL="https://blue.example/api/v1").url == "https://blue.example/api/v1"


@pytest.mark.parametrize(
    "url",
    ["https://x/\n", "http://127.0.0.1:1/\x00", "http://127.0.0.1\t:1/", "https://ａ.example", "https://a..b/api/v1",
     f"https://{'a' * 70}.example/api/v1", "http://127.0.0.1:1/../x", "http://127.0.0.1:1/a b", "https://*/api/v1"],
)  # fmt: skip
def test_an_address_that_no_connection_takes_is_refused_in_one_line(tmp_path, url):
    with pytest.raises(ConfigError, match="must look like") as caught:
        load(tmp_path, SYNCRO_NB_URL=url)
    assert "\n" not in str(caught.value)


def test_two_servers_on_this_machine_have_a_mirror_each_though_the_profile_is_the_same(tmp_path):
    addresses = ("http://127.0.0.1:8001/api/v1", "http://127.0.0.1:8002/api/v1", "http://127.0.0.1/api/v1")
    folders = [load(tmp_path, SYNCRO_NB_URL=url).mirror for url in addresses]
    assert len(set(folders)) == 3
    assert {folder.parent for folder in folders} == {load(tmp_path).home / "mirror"}


def test_the_mirror_of_a_subdomain_is_named_after_it(tmp_path):
    text = "profiles: {main: {subdomain: blue-river, key: {env: KEY}}}"
    assert load(tmp_path).mirror.name == "sandbox"
    assert load(tmp_path, text).mirror.name == "blue-river"
