#!/bin/sh
# A database for Dagster and one for MLflow, each for the role of its name alone. PostgreSQL's image runs it once, on an
# empty volume. Where that was interrupted, or passwords are others than they were, it can be run again:
#   docker exec atoll-ENV-postgres-1 sh /docker-entrypoint-initdb.d/databases.sh
set -eu

for name in dagster mlflow; do
    # By standard input: a command line is seen by others, and kept. The user may have no name of its own there.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<SQL
\set password '$(cut -d: -f5 "/run/secrets/$name.pgpass")'
SELECT 'CREATE ROLE $name' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') \gexec
ALTER ROLE $name LOGIN PASSWORD :'password';
SELECT 'CREATE DATABASE $name OWNER $name' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$name') \gexec
REVOKE ALL ON DATABASE $name FROM PUBLIC;
SQL
done
