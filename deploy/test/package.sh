#!/usr/bin/env bash
# The package on a clean Debian: installed, configured, upgraded with traffic flowing, removed, purged.
#
#   deploy/test/package.sh [OLD.deb NEW.deb]      as root; needs debootstrap, curl, python3
#
# Without arguments it builds two versions of the package (PROFILE=release or dev for a faster trial). ROOT
# names a directory for the Debian root; one that is there is used again. In a chroot no systemd runs, so
# this script does what postinst asks of systemd: SIGUSR2 to the process that serves.
set -eu
cd "$(dirname "$0")/../.."
say() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "skipped: this wants to be root"; exit 0; }
for program in debootstrap curl python3; do
    command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 0; }
done

if [ $# -eq 2 ]; then
    old=$1 new=$2
else
    VERSION=0.1.0-1 deploy/debian/build
    VERSION=0.1.0-2 deploy/debian/build
    old=target/deb/zhamen_0.1.0-1_amd64.deb new=target/deb/zhamen_0.1.0-2_amd64.deb
fi

root="${ROOT:-$(mktemp -d)}"
port=18088 admin=18089 origin=18090
work=$(mktemp -d)
origin_pid='' traffic_pid=''
cleanup() {
    for pid in $origin_pid $traffic_pid $(serving); do kill "$pid" 2>/dev/null || true; done
    umount "$root/proc" 2>/dev/null || true
    rm -rf "$work"
    [ -n "${ROOT:-}" ] || rm -rf "$root"
}
# Processes of this root only.
serving() {
    for exe in /proc/[0-9]*/exe; do
        case "$(readlink "$exe" 2>/dev/null)" in "$root/usr/bin/zhamen"*) exe=${exe#/proc/}; echo "${exe%/exe}" ;; esac
    done
}
trap cleanup EXIT
within() { chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

if [ ! -x "$root/usr/bin/dpkg" ]; then
    say "a clean Debian root"
    debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" 2>&1 || { tail "$work/debootstrap.log"; fail debootstrap; }
fi
mkdir -p "$root/proc"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
within dpkg --purge zhamen >/dev/null 2>&1 || true

say "install $(basename "$old")"
cp "$old" "$root/old.deb"; cp "$new" "$root/new.deb"
[ -e /etc/resolv.conf ] && cp /etc/resolv.conf "$root/etc/resolv.conf"
within apt-get update -q >/dev/null
within apt-get install -y -q --no-install-recommends /old.deb 2>&1 | tail -3
within id zhamen
within zhamen --version
[ "$(within stat -c '%U:%G %a' /var/lib/zhamen)" = 'zhamen:zhamen 750' ] || fail "the owner of /var/lib/zhamen"
[ "$(within stat -c '%U:%G %a' /etc/zhamen/rules)" = 'root:zhamen 2770' ] || fail "the owner of the rules"
for file in /usr/share/doc/zhamen/manual/runbook.md /usr/share/doc/zhamen/logs/fields.tsv /usr/share/man/man1/zhamen.1.gz /usr/share/man/man5/zhamen.toml.5.gz /usr/share/bash-completion/completions/zhamen \
    /usr/lib/systemd/system/zhamen.service /usr/lib/systemd/system/zhamen.socket /etc/logrotate.d/zhamen; do
    [ -e "$root$file" ] || fail "$file is not there"
done
within dpkg --verify zhamen || fail "files differ from the package's"

say "configure and start, as the user of the service"
mkdir "$work/pages"; echo '<meta charset=utf-8><p>欢迎光临' >"$work/pages/index.html"
python3 -m http.server "$origin" --bind 127.0.0.1 --directory "$work/pages" >/dev/null 2>&1 & origin_pid=$!
sed -i "s|^http = .*|http = [\"127.0.0.1:$port\"]|; /^\[registry\]/i [admin]\nlisten = \"127.0.0.1:$admin\"\n" "$root/etc/zhamen/zhamen.toml"
echo "example.cn,http://127.0.0.1:$origin,u1,s1,virtual_host,蜀ICP备12345678号-1" >>"$root/etc/zhamen/sites.csv"
within zhamen check --config /etc/zhamen/zhamen.toml
start() { chroot --userspec=zhamen:zhamen "$root" /usr/bin/zhamen run --config /etc/zhamen/zhamen.toml 2>>"$work/zhamen.log" & }
ready() {
    for _ in $(seq 100); do
        within zhamen health --ready --config /etc/zhamen/zhamen.toml >/dev/null 2>&1 && return
        sleep 0.1
    done
    cat "$work/zhamen.log"; fail "it is not ready"
}
begun=$(date +%s%N); start; ready
echo "ready after $((($(date +%s%N) - begun) / 1000000)) ms, $(stat -c %s "$root/usr/bin/zhamen") bytes of binary"
first=$(serving | head -1)

say "upgrade with traffic flowing"
(
    # Half on new connections, half on one that stays.
    while [ ! -e "$work/over" ]; do
        curl -s -o /dev/null -o /dev/null -m 20 -w '%{http_code}\n' -H 'Host: example.cn' "http://127.0.0.1:$port/" "http://127.0.0.1:$port/"
    done >"$work/answers" 2>&1
) & traffic_pid=$!
sleep 2
within apt-get install -y -q --no-install-recommends /new.deb 2>&1 | tail -1
[ "$(within dpkg-query -f '${Version}' -W zhamen)" != "$(dpkg-deb -f "$old" Version)" ] || fail "the version is the old one"
grep -q example.cn "$root/etc/zhamen/sites.csv" || fail "the registry was replaced"
grep -q ":$port" "$root/etc/zhamen/zhamen.toml" || fail "the configuration was replaced"
before=$(wc -l <"$work/answers")
kill -USR2 "$first"
for _ in $(seq 300); do [ -e "/proc/$first" ] || break; sleep 0.1; done
[ -e "/proc/$first" ] && { cat "$work/zhamen.log"; fail "the old process does not end"; }
sleep 2; ready
: >"$work/over"; wait "$traffic_pid"; traffic_pid=''
second=$(serving | head -1)
[ -n "$second" ] && [ "$second" != "$first" ] || fail "no new process serves"
total=$(wc -l <"$work/answers") good=$(grep -c '^200$' "$work/answers" || true)
echo "$total requests, $good answered 200, $((total - before)) of them during the hand-over or after it"
[ "$total" -eq "$good" ] && [ "$total" -gt "$before" ] || { sort "$work/answers" | uniq -c; tail -5 "$work/zhamen.log"; fail "requests were lost"; }
within zhamen evidence verify --config /etc/zhamen/zhamen.toml | tail -1

say "remove, then purge"
kill "$second"; for _ in $(seq 400); do [ -e "/proc/$second" ] || break; sleep 0.1; done
within dpkg --remove zhamen 2>&1 | tail -1
[ -e "$root/etc/zhamen/zhamen.toml" ] || fail "removal took the configuration"
[ -e "$root/usr/bin/zhamen" ] && fail "removal left the binary"
within dpkg --purge zhamen 2>&1 | tail -2
[ -e "$root/etc/zhamen/zhamen.toml" ] && fail "purging left the configuration"
[ -e "$root/var/log/zhamen" ] && fail "purging left the logs"
[ -e "$root/var/lib/zhamen/zhamen.db" ] || fail "purging took the record"
echo "the record is kept: $(ls "$root/var/lib/zhamen" | tr '\n' ' ')"
rm -rf "$root/var/lib/zhamen"

say "All passed."
