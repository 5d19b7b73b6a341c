-- Run by nyc_taxi.sh, which has loaded nyc_taxi.taxi_demand and nyc_taxi.event.
SET search_path = nyc_taxi;

CREATE FUNCTION report(holds bool, claim text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || claim
$$;

SELECT report(count(*) = 10320, format('%s half hours loaded', count(*))) FROM taxi_demand;
SELECT report(count(*) = 5, format('%s events loaded', count(*))) FROM event;

\o /dev/null
SELECT kpi.create_source('taxi', 'taxi_demand', 'ts');
SELECT kpi.create_kpi('taxi_demand', 'taxi', 'sum(passengers)');
\o

-- Exactness: values of the KPI against plain SQL, both ways, from raw rows and then from the rollup.

CREATE FUNCTION differences(period text) RETURNS bigint LANGUAGE sql AS $$
    WITH plain AS (SELECT date_trunc(period, ts, 'UTC') AS ts, sum(passengers) AS value FROM taxi_demand GROUP BY 1),
         ours AS (SELECT v.ts, v.value FROM kpi.value('taxi_demand', period) v)
    SELECT count(*) FROM (
        (SELECT * FROM plain EXCEPT ALL SELECT * FROM ours) UNION ALL (SELECT * FROM ours EXCEPT ALL SELECT * FROM plain)
    ) d
$$;
SELECT report(differences(period) = 0, format('%s values before a refresh: %s differ from plain SQL', period, differences(period)))
FROM unnest('{hour,day,week,month}'::text[]) period;
SELECT report(sum(rows_read) = 10320, format('refresh read %s rows', sum(rows_read))) FROM kpi.refresh('taxi');
SELECT report(differences(period) = 0, format('%s values after the refresh: %s differ from plain SQL', period, differences(period)))
FROM unnest('{hour,day,week,month}'::text[]) period;

-- The last week from what precedes it. MASE: mean absolute error over that of the seasonal naive inside the past
-- (Hyndman & Koehler 2006). The week holds the blizzard of 26 and 27 January, which nobody could see in the past.

CREATE TABLE week (period text, model text, steps int, mase float8, used text, inside float8);
INSERT INTO week
SELECT p.period, m.model, count(*), avg(abs(f.value - v.value)) / p.scale, min(f.model),
       avg((v.value BETWEEN f.lower AND f.upper)::int)
FROM (SELECT h.*, (SELECT avg(abs(a.value - b.value)) FROM kpi.points(h.past) a
                   JOIN kpi.points(h.past) b ON b.ts = a.ts - interval '7 days') AS scale
      FROM (SELECT period, steps, (SELECT kpi.series(v.ts, v.value) FROM kpi.value('taxi_demand', period) v
                                   WHERE v.ts < '2015-01-25 00:00Z') AS past
            FROM (VALUES ('hour', 168), ('day', 7)) s (period, steps)) h) p,
     unnest('{auto,seasonal_naive}'::text[]) m (model),
     kpi.forecast(p.past, p.steps, m.model) f
     JOIN kpi.value('taxi_demand', p.period) v ON v.ts = f.ts
GROUP BY p.period, m.model, p.scale;

SELECT report(count(*) = 2 AND min(steps) = 168, '168 hours forecast') FROM week WHERE period = 'hour';
SELECT report(a.mase < s.mase, format('last week by hours: MASE %s of auto (%s), %s of seasonal naive', round(a.mase::numeric, 4), a.used,
       round(s.mase::numeric, 4)))
FROM week a, week s WHERE a.period = 'hour' AND s.period = 'hour' AND a.model = 'auto' AND s.model = 'seasonal_naive';
SELECT format('# last week by days: MASE %s of auto (%s), %s of seasonal naive', round(a.mase::numeric, 4), a.used,
       round(s.mase::numeric, 4))
FROM week a, week s WHERE a.period = 'day' AND s.period = 'day' AND a.model = 'auto' AND s.model = 'seasonal_naive';
SELECT report(inside > 0.8, format('the 95%% band by hours holds %s%% of the week with the blizzard', round(100 * inside::numeric)))
FROM week WHERE period = 'hour' AND model = 'auto';

-- The five events: the marathon, Thanksgiving, Christmas, New Year and the blizzard.

CREATE TABLE flagged AS
SELECT p.period, a.ts, a.reason, (SELECT e.starts FROM event e WHERE e.starts < a.ts + p.span AND a.ts <= e.ends) AS event
FROM (VALUES ('hour', interval '1 hour'), ('day', '1 day')) p (period, span),
     kpi.anomalies('taxi_demand', p.period) a
WHERE a.is_anomaly;
SELECT report(count(DISTINCT event) >= 3, format('by %s: %s of 5 events found', p.period, count(DISTINCT event)))
FROM unnest('{hour,day}'::text[]) p (period) LEFT JOIN flagged f USING (period) GROUP BY p.period;
SELECT report(count(*) FILTER (WHERE event IS NULL AND ts IS NOT NULL) <= 5,
              format('by %s: %s anomalies outside of the events', p.period, count(*) FILTER (WHERE event IS NULL AND ts IS NOT NULL)))
FROM unnest('{hour,day}'::text[]) p (period) LEFT JOIN flagged f USING (period) GROUP BY p.period;
SELECT format('# %s: %s', ts, reason) FROM flagged WHERE period = 'day' ORDER BY ts;

\o /dev/null
SELECT kpi.drop_source('taxi', cascade => true);
\o
DROP SCHEMA nyc_taxi CASCADE;
