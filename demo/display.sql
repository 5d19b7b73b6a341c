-- How the demo prints: no row counts, no pager, errors in full.
\pset pager off
\pset footer off
\pset linestyle unicode
\pset null ''
\set VERBOSITY default
