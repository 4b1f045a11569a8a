#!/bin/sh
# Runs once, on an empty volume: a database for Dagster and one for MLflow, each for the role of its name alone.
set -eu

for name in dagster mlflow; do
    # By standard input: a command line is seen by others, and kept.
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname=postgres <<SQL
\set password '$(cut -d: -f5 "/run/secrets/$name.pgpass")'
CREATE ROLE $name LOGIN PASSWORD :'password';
CREATE DATABASE $name OWNER $name;
REVOKE ALL ON DATABASE $name FROM PUBLIC;
SQL
done
