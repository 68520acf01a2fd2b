"""The parts of pages that need no network."""

import base64
import hashlib
import math

import jinja2
import pytest

from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json


def test_the_policy_names_each_script_by_its_hash() -> None:
    made = policy(["a()", "b()"])
    for script in ("a()", "b()"):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in made
    assert made.startswith("default-src 'none'; script-src ")
    assert policy(["a()"]) != policy(["b()"])


def test_plotly_cannot_end_its_element() -> None:
    script = plotly_js()
    assert len(script) > 1_000_000
    assert "</script" not in script
    assert "<!--" not in script


@pytest.mark.parametrize("name", ["page.js", "page.css", "page.html.jinja", "preview.html.jinja"])
def test_resources_are_there(name: str) -> None:
    assert resource(name).strip()


def test_json_cannot_end_its_element_and_has_no_nan() -> None:
    made = script_json({"a": [math.nan, math.inf, 0.1234567], "b": ("</script>&", True, 3)})
    assert made == r'{"a":[null,null,0.123457],"b":["\u003c/script\u003e\u0026",true,3]}'


def test_a_picture_is_a_url() -> None:
    assert data_url("<svg/>") == "data:image/svg+xml;base64,PHN2Zy8+"


def test_templates_escape_and_refuse_unknown_names() -> None:
    assert environment().from_string("{{ x }} {{ 3e-4 | rate }}").render(x="<b>") == "&lt;b&gt; 3e-4"
    with pytest.raises(jinja2.UndefinedError, match="'y' is undefined"):
        environment().from_string("{{ y }}").render()
