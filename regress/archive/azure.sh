#!/usr/bin/env bash
# Azure Blob Storage: the life of a table in Azurite, Microsoft's emulator, from a probe to deleted objects.
#
# Needs PGHOST, PGPORT, PGUSER and PGDATABASE of a database with pg_kpi, Node.js and npm; Azurite is fetched into the build cache.
# An account of one's own instead: ARCHIVE_AZURE_URL (az://container/prefix), ARCHIVE_AZURE_ACCOUNT, ARCHIVE_AZURE_KEY.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
export PSQLRC=/dev/null PGTZ=UTC PGOPTIONS='-c client_min_messages=warning'
passed=0 failed=0
skip_all() {
  printf 'skip - %s\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "$3"
  fi
}
ask() { psql -XqAt -v ON_ERROR_STOP=1 -c "$1" 2>&1; }

work=$(mktemp -d /tmp/kpi.XXXXXX)
azurite=''
finish() {
  ask 'DROP SERVER IF EXISTS azure CASCADE' >/dev/null
  # It may still write what it keeps.
  [ -z "$azurite" ] || { kill "$azurite"; wait "$azurite" 2>/dev/null; }
  rm -rf "$work"
}
trap finish EXIT
account='' key='' endpoint=''
if [ -n "${ARCHIVE_AZURE_URL:-}" ]; then
  url=$ARCHIVE_AZURE_URL account=${ARCHIVE_AZURE_ACCOUNT:?} key=${ARCHIVE_AZURE_KEY:?}
else
  place=$("$here/install" azurite) || skip_all "$place"
  # The account that every Azurite has; its key is no secret.
  account=devstoreaccount1 key=$(node -p "require('$place/node_modules/azurite/dist/src/blob/utils/constants.js').EMULATOR_ACCOUNT_KEY_STR")
  port=$((20000 + RANDOM % 10000))
  node "$place/node_modules/azurite/dist/src/blob/main.js" --location "$work" --blobHost 127.0.0.1 --blobPort $port --silent --skipApiVersionCheck >"$work/log" 2>&1 &
  azurite=$!
  endpoint=http://127.0.0.1:$port/$account url=az://cold/test
  for ((attempt = 0; attempt < 300; attempt++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    sleep 0.1
  done
  # A container is made with the same signature as all else; Python's library has what that needs.
  python3 - "$endpoint" "$account" "$key" cold <<'PYTHON' || skip_all 'Azurite made no container'
import base64, email.utils, hashlib, hmac, sys, urllib.request
endpoint, account, key, container = sys.argv[1:]
headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
canonical = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
text = "PUT" + "\n" * 12 + canonical + f"/{account}/{account}/{container}\nrestype:container"
signature = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
headers["Authorization"] = f"SharedKey {account}:{signature}"
urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{container}?restype=container", method="PUT", headers=headers))
PYTHON
fi
psql -XqAt -v ON_ERROR_STOP=1 -v url="$url" -v endpoint="$endpoint" -v account="$account" -v key="$key" <<'SQL' || failed=1
SELECT format('CREATE SERVER azure FOREIGN DATA WRAPPER kpi_archive OPTIONS (url %L, account %L%s)', :'url', :'account', CASE WHEN :'endpoint' <> '' THEN format(', endpoint %L', :'endpoint') ELSE '' END) \gexec
CREATE USER MAPPING FOR CURRENT_USER SERVER azure OPTIONS (access_key :'key');
CREATE TABLE blobs (ts timestamptz NOT NULL, n int, note text) PARTITION BY RANGE (ts);
CREATE TABLE blobs_old PARTITION OF blobs FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE blobs_hot PARTITION OF blobs FOR VALUES FROM ('2024-02-01') TO (MAXVALUE);
INSERT INTO blobs SELECT timestamptz '2024-01-01Z' + i * interval '1 minute', i, 'note ' || i FROM generate_series(0, 40000) i;
SELECT kpi.set_retention('blobs', archive_after => '90 days', store => 'azure', schedule => NULL, grace => '0') \g /dev/null
SQL
content() { ask 'SELECT count(*), sum(n), sum(hashtextextended(b::text, 0)::numeric) FROM blobs b'; }
held=$(content)
is 'kpi.check_store' t "$(ask "SELECT bool_and(ok) FROM kpi.check_store('azure')")"
is 'kpi.archive' '' "$(ask "CALL kpi.archive('blobs')")"
is 'an object is there' '1|40001' "$(ask "SELECT objects, rows FROM kpi.archive_status WHERE relation = 'blobs'::regclass")"
is 'every row once' "$held" "$(content)"
is 'an hour' 60 "$(ask "SELECT count(*) FROM blobs WHERE ts >= '2024-01-10Z' AND ts < '2024-01-10 01:00Z'")"
is 'kpi.verify_archive' t "$(ask "SELECT bool_and(ok) FROM kpi.verify_archive('blobs')")"
is 'kpi.restore' '' "$(ask "CALL kpi.restore('blobs', keep => '0')")"
is 'every row once, restored' "$held" "$(content)"
is 'the object is deleted' 0 "$(ask "SELECT kpi.apply_retention('blobs')")"
ask "ALTER USER MAPPING FOR CURRENT_USER SERVER azure OPTIONS (SET access_key 'bm90IHRoZSBrZXk=')" >/dev/null
is 'a wrong key is said in words' f "$(ask "SELECT bool_and(ok) FROM kpi.check_store('azure')")"
is 'and not shown' 0 "$(ask "SELECT count(*) FROM kpi.check_store('azure') WHERE message LIKE '%bm90%'")"
ask 'DROP TABLE blobs' >/dev/null
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
