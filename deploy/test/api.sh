#!/usr/bin/env bash
# The admin API against its own OpenAPI document: what it accepts, refuses and answers.
#
#   deploy/test/api.sh [ZHAMEN]      needs schemathesis (pip install schemathesis) and curl
#
# ZHAMEN is the binary (default: target/release/zhamen). CASES sets the examples per operation (default 50).
# What the API means to answer beside 2xx is in schemathesis.config.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
zhamen=$(realpath "${1:-$here/../../target/release/zhamen}")
for program in st curl; do
    command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 0; }
done
work=$(mktemp -d) pid=''
cleanup() { [ -z "$pid" ] || kill "$pid"; rm -rf "$work"; }
trap cleanup EXIT
cd "$work"
admin=18199
printf '[listen]\nhttp = ["127.0.0.1:18180"]\n\n[admin]\nlisten = "127.0.0.1:%s"\n' "$admin" >zhamen.toml
cat >sites.csv <<'CSV'
host,origin,unit,service,kind,icp
example.cn,http://127.0.0.1:8000,u1,s1,virtual_host,蜀ICP备12345678号-1
CSV
cp -r "$here/../../rules" .
"$zhamen" run 2>zhamen.log &
pid=$!
for _ in $(seq 100); do "$zhamen" health --ready >/dev/null 2>&1 && break; sleep 0.1; done
kill -0 "$pid" 2>/dev/null || { cat zhamen.log; echo "FAILED: Zhamen does not start"; exit 1; }
token=$("$zhamen" admin token create schemathesis --role operator 2>/dev/null)
curl -sf -H "Authorization: Bearer $token" "http://127.0.0.1:$admin/api/v1/openapi.json" -o openapi.json
st --config-file "$here/schemathesis.config" run openapi.json --url "http://127.0.0.1:$admin" \
    -H "Authorization: Bearer $token" --max-examples "${CASES:-50}" --checks all --continue-on-failure --no-color
kill -0 "$pid" || { cat zhamen.log; echo "FAILED: Zhamen is not there any more"; exit 1; }
