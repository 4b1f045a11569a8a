#!/bin/sh
# A database for Dagster and one for MLflow, each for the role of its name alone. PostgreSQL's image runs it once, on an
# empty volume. Where that was interrupted, or passwords are others than they were, it can be run again:
#   docker exec atoll-ENV-postgres-1 sh /docker-entrypoint-initdb.d/databases.sh
set -eu

# Dagster connects anew for each question it asks, and the 4,096 rounds of a login (SCRAM, RFC 5802) would be most of what
# that costs. They protect passwords that can be guessed: these are random, and one round is enough.
for name in dagster mlflow; do
    # By standard input: a command line is seen by others, and kept. The user may have no name of its own there.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<SQL
\set password '$(cut -d: -f5 "/run/secrets/$name.pgpass")'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgcrypto;
WITH drawn AS (SELECT gen_random_bytes(16) AS salt),
    salted AS (SELECT salt, hmac(salt || '\x00000001', convert_to(:'password', 'UTF8'), 'sha256') AS key FROM drawn)
SELECT format(
    'SCRAM-SHA-256\$1:%s\$%s:%s',
    encode(salt, 'base64'),
    encode(sha256(hmac('Client Key', key, 'sha256')), 'base64'),
    encode(hmac('Server Key', key, 'sha256'), 'base64')
) AS verifier FROM salted \gset
SELECT 'CREATE ROLE $name' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$name') \gexec
ALTER ROLE $name LOGIN PASSWORD :'verifier';
SELECT 'CREATE DATABASE $name OWNER $name' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$name') \gexec
REVOKE ALL ON DATABASE $name FROM PUBLIC;
SQL
done
