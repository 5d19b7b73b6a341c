-- What the examples print that follow the changes, after a number.
SELECT number, extract(epoch FROM bucket)::bigint, round(value::numeric, 2) FROM kpi.change WHERE number > :after AND code = 'scan_time' ORDER BY number;
