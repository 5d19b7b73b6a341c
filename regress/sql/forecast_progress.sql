-- Progress: a long statement says how far it is, when it is asked to. How often depends on the machine; that it is said, and of what, does
-- not: another psql reads the notices, without their numbers.
SHOW kpi.progress;
\setenv PGDATABASE :DBNAME
CREATE TABLE story_series AS
SELECT kpi.series(timestamptz '2026-01-01 00:00Z' + i * interval '1 day', 100 + i % 7 + sin(i)) AS s FROM generate_series(0, 399) i;
\! psql -Xq -c "SET kpi.progress = '1ms'" -c "SELECT count(*) FROM story_series, kpi.backtest(s, 14, 3, '{auto,ets}')" 2>&1 >/dev/null | sed -E 's/[0-9.]+/N/g' | sort -u
\! psql -Xq -c "SET kpi.progress = '1ms'" -c "SELECT count(*) FROM story_series, kpi.forecast(s, 14)" 2>&1 >/dev/null | sed -E 's/[0-9.]+/N/g' | sort -u
\! psql -Xq -c "SET kpi.progress = '1ms'" -c "SELECT kpi.fit(s) IS NULL FROM story_series" 2>&1 >/dev/null | sed -E 's/[0-9.]+/N/g' | sort -u
-- Unasked, nothing is said.
SELECT count(*) FROM story_series, kpi.backtest(s, 14, 3, '{auto,ets}');
DROP TABLE story_series;
