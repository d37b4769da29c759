#!/bin/sh
# Refreshes the query cache in .sqlx, from which the queries are checked when there is no database. Run it after a change
# of a migration or a query. It needs no sqlx-cli: the macros write the cache themselves when they see a database.
#
# Uses the empty database at DATABASE_URL, or a temporary PostgreSQL of its own.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
if [ -z "${DATABASE_URL:-}" ]; then
    PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"
    folder=$(mktemp -d)
    as_owner=
    if [ "$(id -u)" = 0 ]; then
        # PostgreSQL refuses to run as root.
        chown postgres "$folder"
        as_owner="setpriv --reuid=postgres --regid=postgres --clear-groups"
    fi
    trap '$as_owner pg_ctl -D "$folder/data" -m immediate stop >"$folder.log" 2>&1; rm -rf "$fresh" "$folder" "$folder.log"' EXIT
    $as_owner initdb --auth=trust --username=bidding "$folder/data" >/dev/null
    # Only a socket in the folder: no port that could be taken.
    $as_owner pg_ctl -D "$folder/data" -o "-k $folder -c listen_addresses=''" -l "$folder/log" --wait start >/dev/null
    createdb -h "$folder" -U bidding bidding
    DATABASE_URL="postgres://bidding@localhost/bidding?host=$folder"
fi
export DATABASE_URL

for migration in migrations/*.sql; do
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --file="$migration" "$DATABASE_URL"
done
touch archive/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$fresh" cargo check --release --package archive
mkdir -p .sqlx
rm -f .sqlx/*.json
cp "$fresh"/*.json .sqlx/
# So that the next build takes the queries from the cache.
touch archive/src/lib.rs
