"""What every page of ours is made of that needs no network: its scripts, data, and security policy."""

import base64
import functools
import hashlib
import importlib
import importlib.resources
import json
import math
from typing import Any

from jinja2 import Environment, StrictUndefined

from rightrate.report.text import count, duration, rate, value

__all__ = ["data_url", "environment", "plotly_js", "policy", "resource", "script_json"]


def policy(scripts: list[str]) -> str:
    """Return a content security policy under which these scripts run and nothing is loaded."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    rules = [
        "default-src 'none'",
        f"script-src {hashes}",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


@functools.cache
def plotly_js() -> str:
    """Return plotly.js as a text that can stand in a script element, about 4.8 MB."""
    offline = importlib.import_module("plotly.offline")
    script = str(offline.get_plotlyjs()).replace("\r\n", "\n")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@functools.cache
def resource(name: str) -> str:
    """Return a file that lies beside the report's code."""
    return importlib.resources.files("rightrate.report").joinpath(name).read_text("utf-8")


def environment() -> Environment:
    """Return the templates' environment, which escapes everything and refuses unknown names."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"rate": rate, "value": value, "count": count, "duration": duration}
    return environment


def script_json(data: Any) -> str:
    """Return JSON that can stand in a script element, with NaN and infinities as null."""
    text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return float(f"{data:.6g}") if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _finite(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(item) for item in data]
    return data


def data_url(image: str) -> str:
    """Return an SVG picture as a URL that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(image.encode()).decode()
