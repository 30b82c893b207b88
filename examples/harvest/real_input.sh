#!/usr/bin/env bash
# Harvests real records from a server that nobody here wrote: the Debian package index, served by Datasette.
#
#   examples/harvest/real_input.sh            builds harvest first
#   HARVEST=/path/to/harvest real_input.sh    runs that program
#
# The index goes into an SQLite file, Datasette serves it, harvest copies it once in each paging style, and Python's sqlite3
# compares source and copies, row by row. Needs apt-cache, Python 3 with venv, and pip's package index. Leaves all files in
# target/real-input, and exits 1 when a copy differs.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=examples/harvest
venv=target/venv
work=target/real-input
records_at_least=10000

main() {
    [[ -n ${HARVEST:-} ]] || build_harvest
    rm -rf "$work"
    mkdir -p "$work"
    install_datasette
    load_packages
    start_datasette

    # Datasette pages through a table in three styles at once: a header, a token, a URL.
    local table="$base/packages/packages.json?_size=max"
    copy link     --url "$table&_shape=array"   --items ''
    copy cursor   --url "$table&_shape=objects" --items /rows --next /next --cursor-param _next
    copy next-url --url "$table&_shape=objects" --items /rows --next /next_url
    # An SQL query with parameters makes the other two: their pages are fetched side by side.
    local query="$base/packages.json?_shape=objects&sql=select+*+from+packages+order+by+id+limit"
    copy page     --url "$query+:per_page+offset+(:page-1)*:per_page" --items /rows --page-size 1000
    copy offset   --url "$query+:limit+offset+:offset"                --items /rows --page-size 1000
    echo "all copies equal the source"
}

build_harvest() {
    # Without `--package`, as everybody builds it: another choice of packages is another choice of features, built anew.
    cargo build --quiet --release --example harvest
    HARVEST=${CARGO_TARGET_DIR:-target}/release/examples/harvest
}

install_datasette() {
    [[ -x $venv/bin/datasette ]] && return
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'datasette>=0.65,<1'
}

load_packages() {
    if [[ -z $(apt-cache dumpavail | head -c 1) ]]; then
        apt-get update
    fi
    local count
    count=$(apt-cache dumpavail | python3 $here/load_packages.py "$work/packages.sqlite")
    if ((count < records_at_least)); then
        echo "only $count packages in the index: not enough to prove anything" >&2
        exit 1
    fi
    python3 $here/dump_rows.py "$work/packages.sqlite" packages | LC_ALL=C sort >"$work/source.dump"
    echo "source    $count records"
}

# Sets $base; the port is chosen by the system and read from the log.
start_datasette() {
    : >"$work/datasette.log" # Read below, perhaps before the server has begun.
    "$venv/bin/datasette" serve --immutable "$work/packages.sqlite" --host 127.0.0.1 --port 0 \
        --setting suggest_facets off --setting sql_time_limit_ms 10000 >"$work/datasette.log" 2>&1 &
    server=$!
    trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
    for _ in {1..150}; do
        base=$(sed -n 's/.*Uvicorn running on \(http:[^ ]*\).*/\1/p' "$work/datasette.log")
        if [[ -n $base ]] && python3 -c "import urllib.request as r; r.urlopen('$base/-/versions.json')"; then
            return
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.2
    done
    cat "$work/datasette.log" >&2
    echo "datasette does not answer" >&2
    exit 1
}

# copy STYLE OPTION...: one run into a database of its own.
copy() {
    local style=$1
    shift
    local started=$EPOCHREALTIME
    "$HARVEST" --style "$style" "$@" --key /id --db "$work/$style.sqlite" --table packages --concurrency 8 \
        >"$work/$style.log" 2>&1 || { cat "$work/$style.log"; echo "harvest --style $style failed" >&2; exit 1; }
    local seconds
    seconds=$(python3 -c "print(f'{$EPOCHREALTIME - $started:.1f}')")
    python3 $here/dump_rows.py --documents "$work/$style.sqlite" packages | LC_ALL=C sort >"$work/$style.dump"
    if ! cmp "$work/source.dump" "$work/$style.dump"; then
        diff "$work/source.dump" "$work/$style.dump" | head -n 6 || true
        echo "$style: the copy differs from the source" >&2
        exit 1
    fi
    printf '%-9s %d records in %s s: equal to the source\n' "$style" "$(wc -l <"$work/$style.dump")" "$seconds"
}

main "$@"
