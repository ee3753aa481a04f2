"""The script of the first hour ends with 1 at the step that goes wrong, and names it; .ci/run runs it as it is."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from gtm_platform_tests.docs.commands import ROOT

SCRIPT = ROOT / "docs/examples/first-hour.sh"
SANDBOX = """
mkdir -p sandbox/sandbox _sandbox
cp "$(dirname "$0")"/env _sandbox/env
cp "$(dirname "$0")"/requests _sandbox/requests
exec python3 -u -c '
import http.server, pathlib
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
pathlib.Path("sandbox/sandbox/url").write_text(f"http://127.0.0.1:{server.server_port}")
server.serve_forever()'
"""
# What the real command says, as far as the script looks at it. Each line that begins with a name can be taken away.
GTM = f"""#!/usr/bin/env bash
ok() {{ for each in calendly chartmogul hubspot intercom; do echo "$each  ok  an account; may read all"; done; }}
case "$*" in
"sandbox serve"*) {SANDBOX} ;;
"init --yes")
  [[ ${{SLACK_SEND_ENABLED:-}} != true ]] || {{ echo "SLACK_SEND_ENABLED would let it: unset that first."; exit 1; }}
  ok; echo "stripe  ok  an account; may read all"
  echo "hubspot  over 1,000  a minute"
  echo "The first sync takes about a minute."
  echo "  HubSpot, writing   nothing: it only shows what it would do, until HUBSPOT_WRITE_ENABLED=true"
  echo "sync_stripe: window 2026-03-09: 9 tables, 10 rows in 7 s"
  echo "At risk: 12 customers"
  echo '`gtm run --due --home x` keeps it up to date from cron, with the same keys.' ;;
"init --yes --no-sync")
  ok
  if [[ $STRIPE_API_KEY == sk_test_wrong ]]
  then echo "stripe  failing  It refuses the key: set STRIPE_API_KEY"; exit 1; fi ;;
"query"*) printf 'n\\n12\\n' ;;
"run --due") echo "Nothing was due." ;;
"run --due --dry-run") printf 'sync_calendly: window w\nsync_fathom: window w\n2 due. Nothing was done.\n' ;;
"doctor") echo "stripe  ok  an account, to which this home belongs" ;;
*) echo "What is gtm $*?"; exit 2 ;;
esac
"""
WRONG = {
    "a switch is passed over": ("exit 1; }", "}", "A switch that"),
    "a wrong key works": ("exit 1; fi", "fi", "A key that does not work"),
    "a system is not ready": ("chartmogul hubspot", "hubspot", "The keys of the environment"),
    "nothing says how long it takes": ("The first sync takes", "It takes", "The keys of the environment"),
    "nobody is at risk": ("At risk: 12", "At risk: 0", "The keys of the environment"),
    "the list is of others": ("n\\n12", "n\\n13", "The list is who is at risk"),
    "something stays due": ("Nothing was due.", "computed 3 runs", "Nothing more is due"),
    "a key does not work afterwards": ("to which this home belongs", "", "Every key works"),
    "it fails in silence": ('12 customers"', '12 customers"; exit 3', "The keys of the environment"),
}


READ = 'echo "At risk: 12 customers"'
LEFT = f"""{READ}
echo "Not read yet: calendly (it takes 3 hours), fathom (there was no time left). The scores know nothing of it."
"""


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """A folder with a `gtm` that only says what the real one says."""
    (tmp_path / "env").write_text(json.dumps({"STRIPE_API_KEY": "sk_test", "SLACK_SEND_ENABLED": "true"}))
    searched = {
        "system": "hubspot",
        "method": "POST",
        "path": "/crm/v3/objects/contacts/search",
        "status": 200,
        "count": 7,
    }
    refused = {"system": "hubspot", "method": "PATCH", "path": "/crm/v3/objects/contacts/{id}"}
    refused |= {"status": 404, "count": 1}
    (tmp_path / "requests").write_text(json.dumps({"requests": [searched, refused]}))
    write(tmp_path, GTM)
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "gtm").write_text(text)
    (folder / "gtm").chmod(0o755)


def first_hour(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": "", **variables}
    return subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)


def test_it_ends_well_where_all_is_as_it_should_be_and_leaves_nothing(played: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ran = first_hour(played, TMPDIR=str(temporary), HUBSPOT_ACCESS_TOKEN="of a real account")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "12 at risk of a company of 150 people" in ran.stdout
    assert "7 s  sync_stripe: window 2026-03-09: 9 tables, 10 rows" in ran.stdout
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(("text", "instead", "step"), WRONG.values(), ids=list(WRONG))
def test_it_ends_at_the_step_that_goes_wrong_and_names_it(played: Path, text: str, instead: str, step: str) -> None:
    assert text in GTM
    write(played, GTM.replace(text, instead))
    ran = first_hour(played)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert ran.stderr.startswith(f'WRONG at "{step}'), ran.stderr


def test_what_takes_too_long_is_all_that_may_stay_due(played: Path) -> None:
    write(played, GTM.replace(READ, LEFT))
    ran = first_hour(played)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Not read within the time: calendly fathom" in ran.stdout
    write(played, GTM.replace(READ, LEFT).replace("sync_fathom: window w", "sync_stripe: window w"))
    ran = first_hour(played)
    assert ran.returncode == 1
    assert "due is calendly stripe, named were calendly fathom" in ran.stderr


def test_what_was_read_just_as_time_was_over_is_named_and_no_longer_due(played: Path) -> None:
    all_due = "sync_calendly: window w\nsync_fathom: window w\n2 due."
    assert all_due in GTM
    write(played, GTM.replace(READ, LEFT).replace(all_due, "sync_calendly: window w\n1 due."))
    ran = first_hour(played)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_call_that_writes_is_wrong(played: Path) -> None:
    written = {"system": "hubspot", "method": "POST", "path": "/crm/v3/objects/contacts/batch/update"}
    written |= {"status": 200, "count": 3}
    (played / "requests").write_text(json.dumps({"requests": [written]}))
    ran = first_hour(played)
    assert ran.returncode == 1
    assert ran.stderr == 'WRONG at "Nothing was written outside": 3 calls wrote something\n'


def test_a_folder_with_something_in_it_is_left_alone(played: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").touch()
    ran = first_hour(played, FOLDER=str(tmp_path / "mine"))
    assert ran.returncode == 1
    assert "mine is not empty" in ran.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]
