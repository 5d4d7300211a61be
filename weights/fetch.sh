#!/bin/sh
# Downloads weights that others published; README.md beside it tells more.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
manifest=$here/manifest.json
folder=$here

usage() {
    cat <<END
usage: fetch.sh [--folder FOLDER] [--manifest FILE] [NAME...]

Downloads each NAME of the manifest into FOLDER, where \`alexnet-cl -m NAME\` finds it: the folder
of this script, or one that ALEXNET_CL_MODELS names. Without a NAME it lists what there is.
A download that was cut off goes on where it ended. Size and hash are checked before the file
gets its name.
END
}

die() {
    printf 'fetch.sh: %s\n' "$*" >&2
    exit 1
}

# What the manifest says; the first word is what is asked for.
ask() {
    python3 - "$manifest" "$@" <<'END'
import hashlib
import json
import os
import sys

KEYS = ("file", "address", "bytes")
HASHES = ("sha256", "sha1")


def shown(number):
    return "unknown" if number is None else f"{number / 1e6:.0f} MB"


def models(path):
    with open(path, encoding="utf-8") as file:
        return {row["name"]: row for row in json.load(file)["models"]}


def list_models(rows):
    for name, row in rows.items():
        line = f"{name:26} {shown(row['bytes']):>8}  {row['format']:12} {row['note'] or ''}"
        print(line.rstrip())


def print_row(rows, name):
    """Its file, address and size, one a line."""
    if name not in rows:
        sys.exit(f"{name}: not in the manifest; there are {', '.join(rows)}")
    for key in KEYS:
        print("" if rows[name][key] is None else rows[name][key])


def check(rows, name, path):
    """Ends with what is wrong with the file, or prints what vouches for it."""
    row, size = rows[name], os.path.getsize(path)
    if row["bytes"] not in (None, size):
        sys.exit(f"{size} bytes instead of {row['bytes']}")
    digests = {kind: hashlib.new(kind) for kind in HASHES}
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            for digest in digests.values():
                digest.update(block)
    known = [kind for kind in HASHES if row[kind]]
    for kind in known:
        if digests[kind].hexdigest() != row[kind]:
            sys.exit(f"{kind} {digests[kind].hexdigest()} instead of {row[kind]}")
    if known:
        print(f"{known[0]} is right")
    else:
        print(f"no hash is known to compare with; its sha256 is {digests['sha256'].hexdigest()}")


def main(path, what, *arguments):
    try:
        rows = models(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: no manifest: {error}")
    {"list": list_models, "row": print_row, "check": check}[what](rows, *arguments)


main(*sys.argv[1:])
END
}

# What ask() says on standard error becomes the reason.
ask_or_die() {
    reason=$(ask "$@" 2>&1) || die "$reason"
    printf '%s\n' "$reason"
}

# Downloads $1 to $2 and prints the server's answer (200, 404); what else stands there goes to curl.
transfer() {
    address=$1
    to=$2
    shift 2
    curl --fail --location --proto '=https,http' --retry 2 --connect-timeout 30 \
        --speed-limit 1000 --speed-time 60 --progress-bar --show-error \
        --output "$to" --write-out '%{http_code}' "$@" -- "$address"
}

# The same, from where an earlier run ended; all of it where that cannot be.
download() {
    code=0
    if [ -s "$2" ]; then
        printf 'fetch.sh: goes on with %s\n' "$2" >&2
        answer=$(transfer "$1" "$2" --continue-at -) || code=$?
        case $code/$answer in
        33/* | 36/* | 22/416) rm -f -- "$2" ;; # the server, or curl, cannot go on there
        *) return "$code" ;;
        esac
    fi
    transfer "$1" "$2" >/dev/null
}

fetch() {
    name=$1
    row=$(ask_or_die row "$name") || exit 1
    file=$(printf '%s\n' "$row" | sed -n 1p)
    address=$(printf '%s\n' "$row" | sed -n 2p)
    bytes=$(printf '%s\n' "$row" | sed -n 3p)
    target=$folder/$file
    part=$target.part
    if [ -e "$target" ]; then
        if verdict=$(ask check "$name" "$target" 2>&1); then
            printf '%s: is there already; %s\n' "$target" "$verdict"
            return
        fi
        die "$target: $verdict; remove it, then try again"
    fi
    (: >>"$part") 2>/dev/null || die "$folder: cannot be written to; choose another --folder, and" \
        "name it in ALEXNET_CL_MODELS"
    have=$(wc -c <"$part" | tr -d ' ')
    if [ -z "$bytes" ] || [ "$have" -lt "$bytes" ]; then
        download "$address" "$part" || {
            [ -s "$part" ] || rm -f -- "$part"
            die "$name: $address: the download failed; try again, it goes on where it ended"
        }
    fi
    verdict=$(ask check "$name" "$part" 2>&1) || {
        rm -f -- "$part"
        die "$name: $address: $verdict; it was removed"
    }
    mv -- "$part" "$target"
    printf '%s: %s; alexnet-cl -m %s runs it\n' "$target" "$verdict" "$name"
}

while [ $# -gt 0 ]; do
    case $1 in
    --folder | --manifest)
        [ $# -gt 1 ] || die "$1: needs a value"
        [ "$1" = --folder ] && folder=$2
        [ "$1" = --manifest ] && manifest=$2
        shift 2
        ;;
    -h | --help)
        usage
        exit
        ;;
    --)
        shift
        break
        ;;
    -*) die "$1: no such option; see fetch.sh --help" ;;
    *) break ;;
    esac
done
command -v python3 >/dev/null || die "python3: is not installed; install it"
[ $# -gt 0 ] || {
    ask_or_die list
    exit
}
command -v curl >/dev/null || die "curl: is not installed; install it"
[ -d "$folder" ] || die "$folder: is no folder; make it, or choose another --folder"
for name in "$@"; do
    fetch "$name"
done
