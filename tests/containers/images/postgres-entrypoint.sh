#!/bin/sh
# Starts PostgreSQL. The first time it creates the cluster, with POSTGRES_PASSWORD for the user
# postgres, and runs the .sql files of /docker-entrypoint-initdb.d over the socket alone.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:?set it}" > "$password"
  initdb --username=postgres --pwfile="$password" --auth-local=trust --auth-host=scram-sha-256
  rm "$password"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options="-c listen_addresses=" start
  for file in /docker-entrypoint-initdb.d/*.sql; do
    psql --no-psqlrc --set=ON_ERROR_STOP=1 --username=postgres --file="$file"
  done
  pg_ctl --wait --mode=fast stop
fi
exec postgres -c listen_addresses='*'
