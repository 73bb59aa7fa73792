"""What most tests stand on: a vendor that plays along, and a gateway before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from provider_registry import PROVIDERS

from tests import running
from tests.running import Running
from tests.vendor import Vendor, vendor_thread


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with vendor_thread() as playing:
        yield playing


def everywhere(url: str) -> dict[str, dict[str, str]]:
    """Return base URLs that send every surface of the registry to one address.

    A surface that a provider does not have stays missing.
    """
    surfaces = {
        provider.name: {
            "openai": provider.base_url_template,
            "anthropic": provider.base_url_anthropic,
        }
        for provider in PROVIDERS
    }
    return {
        name: {protocol: url for protocol, given in urls.items() if given is not None}
        for name, urls in surfaces.items()
    }


@pytest.fixture
def gateway(tmp_path: Path, vendor: Vendor) -> Iterator[Running]:
    deployment = running.settings(tmp_path, base_urls=everywhere(f"{vendor.url}/v1"))
    with running.gateway(deployment) as made:
        yield made
