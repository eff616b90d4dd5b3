"""Forms and queries as other people's clients send them."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.nested import nest


@pytest.mark.parametrize(
    ("pairs", "fields"),
    [
        ([("a", "1"), ("a", "2")], {"a": "2"}),
        ([("tag_list[]", "x"), ("tag_list[]", "y")], {"tag_list": ["x", "y"]}),
        ([("properties[Server room]", "left")], {"properties": {"Server room": "left"}}),
        ([("c[][s]", "1"), ("c[][b]", "2"), ("c[][s]", "3")], {"c": [{"s": "1", "b": "2"}, {"s": "3"}]}),
        ([("c[0][s]", "1"), ("c[1][s]", "2")], {"c": {"0": {"s": "1"}, "1": {"s": "2"}}}),
        ([("odd]name", "1"), ("a[b", "2"), ("", "3")], {"odd]name": "1", "a[b": "2", "": "3"}),
    ],
)
def test_names_nest_as_rails_reads_them(pairs, fields):
    assert nest(pairs) == fields


@given(st.lists(st.tuples(st.text("ab[]0", max_size=12), st.text(max_size=3)), max_size=8))
def test_no_name_is_too_odd(pairs):
    assert isinstance(nest(pairs), dict)


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox()


def post(sandbox, path, form, query=""):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer sandbox"}
    answer = sandbox.handle("POST", f"/api/v1{path}{query}", headers, urlencode(form).encode())
    return answer.status, json.loads(answer.body)


def customer(sandbox):
    listed = sandbox.handle("GET", "/api/v1/customers", {"Authorization": "Bearer sandbox"}, b"")
    return json.loads(listed.body)["customers"][0]["id"]


def test_an_opening_comment_may_come_in_a_form(sandbox):
    fields = [("customer_id", customer(sandbox)), ("subject", "Form"), ("tag_list[]", "vip")]
    fields += [("comments_attributes[][subject]", "S"), ("comments_attributes[][body]", "B")]
    status, body = post(sandbox, "/tickets", fields)
    assert status == 200
    assert [(one["subject"], one["body"]) for one in body["ticket"]["comments"]] == [("S", "B")]
    assert body["ticket"]["tag_list"] == ["vip"]


def test_fields_of_a_write_may_come_in_the_query(sandbox):
    status, body = post(sandbox, "/tickets", [], f"?customer_id={customer(sandbox)}&subject=Query")
    assert (status, body["ticket"]["subject"]) == (200, "Query")


def test_contacts_carry_the_keys_that_real_accounts_have(sandbox):
    listed = sandbox.handle("GET", "/api/v1/contacts", {"Authorization": "Bearer sandbox"}, b"")
    for row in json.loads(listed.body)["contacts"]:
        assert {"processed_phone", "processed_mobile", "ticket_matching_emails"} <= set(row)
