#!/bin/sh
# Checks this export without Zhamen: with sh, awk, split, sha256sum and openssl (1.1.1 or later).
# Exit status 0: nothing in it was altered. 1: something was; it says what.
#
#   entries.jsonl      the record, one entry a line; those that were not asked for are left out
#   chain.txt          a link for every entry of the range, left out or not: PREV SEQ CONTENT.
#                      CONTENT is the SHA-256 of the entry's line (with its line feed); the SHA-256 of a
#                      link's line is the PREV of the next one.
#   heads/             signed lines: zhamen CHAIN SEQ HASH TIME, where HASH is that of the link SEQ
#   evidence/chain.txt links of what is in evidence; CONTENT is the SHA-256 of HASH.json
#   evidence/          HASH.json says what was served and found, HASH.body is the body as served
#   public.pem         the key of the signatures: compare it with the one that you were given before
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
bad=0

wrong() {
    echo "WRONG: $*"
    bad=1
}

# SHA-256 of each line of a file.
line_hashes() {
    mkdir "$work/lines"
    if [ -s "$1" ]; then
        split -l 1 -a 6 "$1" "$work/lines/"
        (cd "$work/lines" && find . -type f | sort | xargs sha256sum) | awk '{ print $1 }'
    fi
    rm -rf "$work/lines"
}

# Follows a chain's links, and holds its signed heads against them.
chain() {
    line_hashes "$2" > "$work/hashes"
    paste -d ' ' "$work/hashes" "$2" > "$work/$1"
    awk -v chain="$1" '
        NF != 4 { print "WRONG: " chain ": link " NR " is no link"; bad = 1 }
        NR > 1 && ($2 != hash || $3 != seq + 1) {
            print "WRONG: " chain ": link " $3 " does not follow link " seq; bad = 1
        }
        { hash = $1; seq = $3 }
        END { exit bad }' "$work/$1" || bad=1
    : > "$work/heads"
    for head in heads/"$1"-*.txt; do
        [ -f "$head" ] || continue
        openssl pkeyutl -verify -rawin -pubin -inkey public.pem -sigfile "${head%.txt}.sig" -in "$head" \
            > /dev/null 2>&1 || wrong "$head is not signed with public.pem"
        cat "$head" >> "$work/heads"
    done
    awk -v chain="$1" '
        NR == FNR { hash[$3] = $1; last = $3; next }
        $1 != "zhamen" || $2 != chain || hash[$3] != $4 {
            print "WRONG: " chain ": link " $3 " is not the one that was signed"; bad = 1
        }
        $3 == last { covered = 1 }
        END { if (last && !covered) { print "WRONG: " chain ": no signature covers link " last; bad = 1 } exit bad }
        ' "$work/$1" "$work/heads" || bad=1
}

sha256sum --quiet --check SHA256SUMS || wrong "a file is another one than the one that was exported"
awk '{ print substr($0, 67) }' SHA256SUMS | sort > "$work/listed"
find . -type f ! -path ./SHA256SUMS | sed 's|^\./||' | sort > "$work/there"
cmp -s "$work/listed" "$work/there" || wrong "files were put in or taken out: see SHA256SUMS"

chain entries chain.txt
line_hashes entries.jsonl > "$work/hashes"
sed 's/^{"seq":\([0-9]*\),.*$/\1/' entries.jsonl | paste -d ' ' "$work/hashes" - > "$work/contents"
awk '
    NR == FNR { content[$3] = $4; next }
    content[$2] != $1 { print "WRONG: entry " $2 " was altered"; bad = 1 }
    END { exit bad }' "$work/entries" "$work/contents" || bad=1

chain evidence evidence/chain.txt
for record in evidence/*.json; do
    [ -f "$record" ] || continue
    hash=${record#evidence/}
    hash=${hash%.json}
    content=$(sha256sum < "$record" | awk '{ print $1 }')
    awk -v hash="$hash" -v content="$content" '$1 == hash && $4 == content { found = 1 } END { exit !found }' \
        "$work/evidence" || wrong "$record is not what the chain links"
    body=$(sed -n 's/.*"body_sha256":"\([0-9a-f]*\)".*/\1/p' "$record")
    [ "$body" = "$(sha256sum < "evidence/$hash.body" | awk '{ print $1 }')" ] \
        || wrong "evidence/$hash.body is another body"
done

if [ "$bad" = 0 ]; then
    links=$(wc -l < chain.txt)
    shown=$(wc -l < entries.jsonl)
    echo "Nothing was altered: $((shown)) of $((links)) entries of the range are shown, and all are linked and signed."
    openssl pkey -pubin -in public.pem -outform DER | sha256sum | awk '{ print "SHA-256 of the public key: " $1 }'
fi
exit "$bad"
