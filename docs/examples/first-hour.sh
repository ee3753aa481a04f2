#!/usr/bin/env bash
# The first hour of docs/connecting.md, from an empty folder to the first list of who is at risk, with a sandbox in place of
# accounts of one's own. What each step says is checked; the first that is wrong ends it with 1, and says which.
#
#   docs/examples/first-hour.sh                         # a company of 150 people, whose limits count 100 times as fast
#   PEOPLE=50000 SPEED=1 docs/examples/first-hour.sh    # how long one of 50,000 waits, at the limits that systems document
#
# WITHOUT="posthog chroma_admin" leaves those systems without a key.
#
# FOLDER is where it happens, and is kept; without it a new one is made, and deleted at the end. `gtm` is that of the PATH.
set -euo pipefail

if [[ ${1:-} != clean ]]; then # nothing of the caller's own accounts: neither variables nor an .env
  exec env -i PATH="$PATH" HOME="${HOME:-/}" TMPDIR="${TMPDIR:-/tmp}" LANG=C.UTF-8 PYTHONPATH="${PYTHONPATH:-}" \
    PEOPLE="${PEOPLE:-150}" SPEED="${SPEED:-100}" WITHOUT="${WITHOUT:-}" FOLDER="${FOLDER:-}" "$(realpath "$0")" clean
fi
readonly NOW=2026-03-10T09:20:00+00:00 # the clock of both stands still: nothing falls due while it looks
began=$SECONDS

step() {
  STEP=$1
  printf '\n== %s\n' "$STEP"
}

wrong() {
  printf 'WRONG at "%s": %s\n' "$STEP" "$1" >&2
  exit 1
}

# run CODE COMMAND…: it has to end with that code. What it says is shown, and is in said.txt for the lines that follow.
run() {
  local expected=$1 code=0
  shift
  printf '$ %s\n' "$*"
  "$@" 2>&1 | tee said.txt || code=${PIPESTATUS[0]}
  [[ $code == "$expected" ]] || wrong "it ended with $code, not $expected"
}

says() {
  grep -Eq -- "$1" said.txt || wrong "it does not say: $1"
}

# What the sandbox answers of itself.
answer() {
  python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "$url/_sandbox/$1"
}

# How many calls wrote something in the systems that the platform can write to; they are searched and listed by POST, too,
# and gtm doctor asks with an id that nobody has whether it might write.
writes() {
  answer requests | python3 -c '
import json, re, sys
reading = re.compile(r"/(search|list|batch/read|auth\.test|access-token-info|conversations\.\w+|oauth/v1/token)$")
print(sum(row["count"] for row in json.load(sys.stdin)["requests"]
          if row["system"] in ("hubspot", "intercom", "slack", "hookbin")
          and row["status"] < 400 and row["method"] not in ("GET", "HEAD") and not reading.search(row["path"])))'
}

step "A sandbox of $PEOPLE people plays the accounts"
kept=$FOLDER sandbox=
ended() {
  if [[ $sandbox ]]; then
    {
      kill "$sandbox"
      for _ in {1..50}; do
        kill -0 "$sandbox" || break
        sleep 0.1
      done
      kill -KILL "$sandbox"
      wait "$sandbox"
    } 2>/dev/null || true
  fi
  [[ $kept ]] || rm -rf "$FOLDER"
}
trap ended EXIT
FOLDER=$(realpath "${FOLDER:-$(mktemp -d)}")
mkdir -p "$FOLDER" && cd "$FOLDER"
[[ -z $(ls -A) ]] || wrong "$FOLDER is not empty"
gtm sandbox serve --home sandbox --port 0 --people "$PEOPLE" --now "$NOW" --speed "$SPEED" >sandbox.log 2>&1 &
sandbox=$!
for _ in {1..3000}; do
  [[ -s sandbox/sandbox/url ]] && break
  kill -0 "$sandbox" 2>/dev/null || wrong "the sandbox ended: $(tail -1 sandbox.log)"
  sleep 0.1
done
url=$(cat sandbox/sandbox/url)
answer env | python3 -c '
import json, os, shlex, sys
without = tuple(f"{each.upper()}_" for each in os.environ["WITHOUT"].split())
for name, value in json.load(sys.stdin).items():
    if not name.endswith("_ENABLED") and not name.startswith(without):  # what may be written is for nobody else to say
        print(f"export {name}={shlex.quote(value)}")' >keys.sh
source keys.sh
export GTM_HOME=$FOLDER/home GTM_NOW=$NOW

step "A switch that would let something be written outside is refused"
run 1 env SLACK_SEND_ENABLED=true gtm init --yes
says 'SLACK_SEND_ENABLED would let it: unset that first'

step "A key that does not work is named, and nothing is read"
run 1 env STRIPE_API_KEY=sk_test_wrong gtm init --yes --no-sync
says '^stripe +failing .*STRIPE_API_KEY'
says '^hubspot +ok '
[[ ! -e home/lake ]] || wrong "something was read"

step "The keys of the environment are checked, all is read, and the list of who is at risk is there"
began_reading=$SECONDS
run 0 gtm init --yes
for system in calendly chartmogul hubspot intercom stripe; do says "^$system +ok .*may read "; done
says '^hubspot +(over )?[0-9,]+ '
says '^The first sync takes about '
says '^  HubSpot, writing +nothing: .* until HUBSPOT_WRITE_ENABLED=true$'
says '^At risk: [1-9][0-9,]* customers'
says '^`gtm run --due --home '
left=$(sed -n 's/^Not read yet: \(.*\)\. The scores.*/\1/p' said.txt | sed 's/ ([^)]*)//g; s/,//g' | xargs -n1 | sort | xargs)
listed=$(sed -n 's/^At risk: \([0-9,]*\) customers.*/\1/p' said.txt | tr -d ,)
took=$((SECONDS - began_reading))
sed -nE 's/^([a-z_]+: .*) in ([0-9]+) s$/\2 s  \1/p' said.txt | sort --numeric-sort --reverse | head -12 >slowest.txt

step "The list is who is at risk of the customers in SQL"
run 0 gtm query --format csv "select count(*) from latest.unified_customers where is_customer and health_status in ('at_risk', 'high_risk', 'critical')"
says "^$listed[^0-9]*$"

if [[ $left ]]; then
  step "What takes longer was named, and nothing else is due"
  run 0 gtm run --due --dry-run
  due=$(sed -n 's/^sync_\([a-z_]*\): .*/\1/p' said.txt | sort | xargs)
  # One that had just read all of it when time was over is named, and no longer due.
  unnamed=$(comm -23 <(xargs -n1 <<<"$due") <(xargs -n1 <<<"$left"))
  [[ -z $unnamed ]] || wrong "due is $due, named were $left"
  [[ -z $due ]] || says "^$(wc -w <<<"$due") due\."
else
  step "Nothing more is due"
  run 0 gtm run --due
  says '^Nothing was due\.$'
fi

step "Every key works"
run 0 gtm doctor
says '^stripe +ok .*to which this home belongs'

step "Nothing was written outside"
count=$(writes)
[[ $count == 0 ]] || wrong "$count calls wrote something"

printf '\nThe longest of it:\n'
cat slowest.txt
[[ $left ]] && printf '\nNot read within the time: %s\n' "$left"
printf '\n%s at risk of a company of %s people, %s s after the keys were there (%s s in all).\n' \
  "$listed" "$PEOPLE" "$took" "$((SECONDS - began))"
