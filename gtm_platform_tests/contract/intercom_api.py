"""Intercom's own OpenAPI documents."""

import json
import re
from functools import cache
from typing import Any

import yaml

from gtm_platform_tests.contract.description import Description
from gtm_platform_tests.contract.places import SPECS


def path_of(version: str) -> str:
    return str(SPECS / f"intercom/intercom-{version}.openapi.yaml")


@cache
def intercom(version: str) -> Description:
    with open(path_of(version)) as file:
        document: dict[str, Any] = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    schemas = document["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        schemas.setdefault(name, {})  # some are referred to and nowhere defined
    return Description("intercom", document)
