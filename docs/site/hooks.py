"""What mkdocs calls while it builds the site: it adds the pages that are written from declarations."""

import os
import re
from pathlib import Path
from typing import Any

import pages
from lists import spaced
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+((?:gtm_platform|gtm_platform_tests)/[^)#]+)\)")
ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"?(https?:)?//[^>]*>")
INSIDE = re.compile(r"\]\(docs/")  # how the pages at the root name those of this folder


def on_config(config: Any) -> Any:
    """Put the generated pages, and the runbooks, into the navigation."""
    generated = pages.navigation()
    for section in config.nav:
        for title, entries in section.items():
            entries += generated.pop(title, [])
    config.nav += [{title: entries} for title, entries in generated.items()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages, and the changelog and the guide for contributors, which stand at the root."""
    for path, text in pages.generated().items():
        files.append(File.generated(config, path, content=text))
    for path, name in (("changelog.md", "CHANGELOG.md"), ("contributing.md", "CONTRIBUTING.md")):
        files.append(File.generated(config, path, content=INSIDE.sub("](", (ROOT / name).read_text())))
    return files


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page that would ask another host for anything: scripts, styles, fonts and pictures are our own."""
    asked = [found[0] for found in ELSEWHERE.finditer(output) if 'rel="canonical"' not in found[0]]
    if asked:
        raise PluginError(f"{page.file.src_uri} needs another host: {asked[0]}")
    return output


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Space lists, and link code to where `GTM_CODE_URL` shows it; without that it is only named."""
    address = os.environ.get("GTM_CODE_URL", "").rstrip("/")
    linked = OUTSIDE.sub(lambda link: f"[{link[1]}]({address}/{link[2]})" if address else link[1], markdown)
    return spaced(linked)
