# Every command a person types here; scripts/ holds what they do. PG_CONFIG=/path/to/pg_config picks another PostgreSQL.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build demo psql dsn stop test bench accuracy install deb installcheck clean
SHELL := /bin/bash

# Given on the command line, these reach the scripts.
export PG_CONFIG PG_KPI_CACHE SERVERS SUITES BENCHES DATA DESTDIR

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)$$/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install what is missing: PostgreSQL with headers, clang, cargo-pgrx (root or sudo)
	@scripts/setup

build: setup ## build the extension into the private server under .pg/
	@scripts/build

demo: ## build, start a private server, load the demo and show it; DATA=file.csv shows your own data
	@scripts/demo

psql: ## open psql in the demo's database
	@scripts/psql

dsn: ## print the demo's connection string (make -s dsn)
	@scripts/server dsn demo

stop: ## stop the private servers
	@scripts/server stop
	@scripts/garage stop

test: ## run every test; SUITES="regress docs" runs those, SERVERS="15" on that PostgreSQL
	@scripts/test

bench: ## run the benchmarks and write benches/results.md; BENCHES="series capture" runs those
	@scripts/bench

accuracy: ## accuracy of forecasts on sets of forecasting competitions and of anomaly scores on a benchmark; MODEL=theta, SETS=m3_other
	@benches/forecast/accuracy.sh "$(or $(MODEL),auto)" $(SETS)
	@benches/anomaly/accuracy.sh

install: setup ## build and install into the PostgreSQL of PG_CONFIG
	@scripts/install

deb: setup ## build the Debian package for the PostgreSQL of PG_CONFIG, under .pg/deb/
	@scripts/deb

installcheck: ## run pg_regress and isolation tests against an installed server (PGHOST, PGPORT)
	@scripts/installcheck

clean: ## stop the private servers and remove them with their data (the build cache stays)
	@scripts/clean
