-- Which minutes of each source wait for a refresh, as ranges.
\pset format unaligned
\pset tuples_only on
SELECT s.name, range_agg(int8range(t.first_minute, t.last_minute)) FROM kpi.source s
JOIN kpi.touched t ON t.source_id = s.id GROUP BY 1 ORDER BY 1;
