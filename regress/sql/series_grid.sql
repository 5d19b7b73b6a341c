--
-- kpi.frequency finds the step of a series, kpi.regularize puts it on a grid: both by the calendar of the session.
--
-- A month is a month, a day a day, also where the clock is changed, and missing points do not hide it.
SET TimeZone = 'Europe/Berlin';
SELECT every, kpi.frequency(kpi.series(ts, 1)), kpi.frequency(kpi.series(ts, 1) FILTER (WHERE n % 5 <> 2)) AS with_holes
FROM (VALUES (interval '1 year'), ('3 months'), ('1 month'), ('7 days'), ('1 day'), ('01:00'), ('00:05'), ('00:00:00.25'))
         AS steps (every),
     generate_series(0, 59) AS n,
     LATERAL (SELECT '2024-01-01'::timestamptz + n * every AS ts) AS at
GROUP BY every ORDER BY every DESC;

-- Month ends are months.
SELECT kpi.frequency(kpi.series(m + interval '1 month' - interval '1 day', 1))
FROM generate_series('2026-01-01'::timestamp, '2026-12-01', '1 month') AS m;

-- The same instants are days in one zone and 24 hours in another.
SELECT kpi.frequency(kpi.series(ts::timestamptz, 1)) AS here
FROM generate_series('2026-01-01'::timestamp, '2026-12-31', '1 day') AS ts;
SELECT kpi.frequency(kpi.series(ts AT TIME ZONE 'UTC', 1)) AS days_of_utc
FROM generate_series('2026-01-01'::timestamp, '2026-12-31', '1 day') AS ts;

-- No step: no points, one point, or points at random.
SELECT kpi.frequency('[]') IS NULL AS none, kpi.frequency('[["2026-01-01T00:00:00Z", 1]]') IS NULL AS one,
       kpi.frequency('[["2026-01-01T00:00:00Z", 1], ["2026-01-01T01:00:00Z", 1], ["2026-01-01T02:30:00Z", 1]]') IS NULL AS irregular;

-- The grid starts at the first point. A grid point has the last value of the points from its time up to the next one, and
-- without one it is filled.
CREATE TABLE sensor (s kpi.series);
INSERT INTO sensor VALUES ('[["2026-03-28T10:00:00+01:00", 1], ["2026-03-28T22:00:00+01:00", 2], ["2026-03-29T10:00:00+02:00", null],
                             ["2026-03-31T12:00:00+02:00", 8], ["2026-04-01T09:59:59+02:00", 9], ["2026-04-01T10:00:00+02:00", "NaN"]]');
SELECT fill, ts, value
FROM sensor, (VALUES (1, 'gap'), (2, 'previous'), (3, 'linear'), (4, 'zero')) AS fills (n, fill),
     kpi.points(kpi.regularize(s, '1 day', fill))
ORDER BY n, ts;
-- What is regular stays as it is.
SELECT kpi.regularize(s, kpi.frequency(s))::text = s::text AS same
FROM (SELECT kpi.series('2026-01-31'::timestamptz + n * interval '1 month', n) AS s FROM generate_series(0, 11) AS n
      UNION ALL
      -- Adding a month to each result goes from January 31 to the 28th of all months that follow.
      SELECT kpi.series(ts, 1) FROM generate_series('2026-01-31'::timestamptz, '2026-12-31', '1 month') AS ts
      UNION ALL
      SELECT kpi.series(ts, 1) FROM generate_series('2026-02-28'::timestamptz, '2026-12-31', '1 day') AS ts) AS regular;
SELECT kpi.regularize('[]', '1 hour');

-- Beyond the year 9999 the rules of zones are not known: days are those of UTC there.
SELECT kpi.frequency(s), kpi.length(kpi.regularize(s, '1 day'))
FROM (SELECT '[["+012000-01-01T00:00:00Z", 1], ["+012000-01-02T00:00:00Z", 1], ["+012000-01-05T00:00:00Z", 1]]'::kpi.series AS s) AS far;

-- Zones without a name, by their offset.
SET TimeZone = '-05:30';
SELECT kpi.frequency(kpi.series(ts, 1)) FROM generate_series('2026-01-01'::timestamptz, '2026-01-31', '1 day') AS ts;

-- What cannot be a grid is refused, and so is a zone that only the server knows.
SELECT kpi.regularize(s, '0 days') FROM sensor;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.regularize(s, '1 month -1 day') FROM sensor;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.regularize(s, every => '1 day', fill => 'cubic') FROM sensor;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.regularize(s, '1 microsecond') FROM sensor;
\echo :LAST_ERROR_SQLSTATE
SET TimeZone = 'FOO5BAR';
SELECT kpi.frequency(s) FROM sensor;
\echo :LAST_ERROR_SQLSTATE
RESET TimeZone;

DROP TABLE sensor;
