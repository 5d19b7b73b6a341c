-- Jobs are defined, changed, run by hand and dropped; what is wrong is refused when it is typed, not at night.

CREATE TABLE visit (at timestamptz NOT NULL, page text);
SELECT kpi.create_source('visit', 'visit', 'at', '{page}');
SELECT kpi.create_kpi('visits', 'visit', 'count(*)', target => 10);

-- A worker is there; so that nothing here depends on when it looks, the jobs below begin in the far future.
SELECT kpi.worker_status();
SELECT kpi.create_job('refresh visits', 'refresh', '5 minutes', '{"source": "visit"}', first_run => '2100-01-01');
SELECT name, kind, schedule, timezone, config, owner = current_user::regrole AS mine, state, next_run, failures, max_retries, catch_up
FROM kpi.jobs;

-- By hand it runs now, in this transaction, and its schedule stays as it is.
INSERT INTO visit VALUES ('2026-01-01 12:00Z', 'home'), ('2026-01-01 12:01Z', 'shop');
SELECT kpi.run_job('refresh visits') > 0 AS wrote;
SELECT touched_buckets FROM kpi.rollup_status WHERE source = 'visit';
SELECT job, outcome, rows > 0 AS wrote, sqlstate, message FROM kpi.job_runs;
SELECT next_run FROM kpi.jobs;

-- Cron expressions are read on the clocks of the job's zone: half past two does not exist on the last Sunday of March, and comes
-- twice on the last one of October.
SELECT kpi._cron_next('30 2 * * *', 'Europe/Berlin', '2026-03-28 12:00Z'), kpi._cron_next('30 2 * * *', 'Europe/Berlin', '2026-03-29 12:00Z');
SELECT kpi._cron_next('30 2 * * *', 'Europe/Berlin', '2026-10-24 12:00Z'), kpi._cron_next('30 2 * * *', 'Europe/Berlin', '2026-10-25 00:30Z');
SELECT kpi._cron_next('0 0 L * *', 'UTC', '2028-02-03'), kpi._cron_next('*/20 9-17 * * MON-FRI', 'Asia/Kolkata', '2026-11-20 12:00Z'),
       kpi._cron_next('@monthly', 'America/New_York', '2026-11-20');

-- Intervals stand on a grid; with a day or month in them on the clocks of the zone.
SELECT kpi._next_run('15 minutes', NULL, 'UTC', '2026-01-01 00:00Z', '2026-01-01 10:07Z'),
       kpi._next_run('1 day', NULL, 'Europe/Berlin', '2026-03-28 05:00Z', '2026-03-28 06:00Z'),
       kpi._next_run('1 month', NULL, 'UTC', '2026-01-31 00:00Z', '2026-01-31 00:00Z'),
       kpi._next_run('1 month', NULL, 'UTC', '2026-01-31 00:00Z', '2026-07-01 00:00Z');

-- A function or procedure of one's own, with its config.
CREATE TABLE ran (at timestamptz DEFAULT clock_timestamp(), config jsonb, who text);
CREATE PROCEDURE note(config jsonb) LANGUAGE sql AS 'INSERT INTO ran (config, who) VALUES (config, current_user)';
CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS $$ INSERT INTO ran (who) VALUES (current_user) RETURNING 1 $$;
SELECT kpi.create_job('note', 'note', '@daily', '{"a": 1}', first_run => '2100-01-01');
SELECT kpi.create_job('plain', 'public.plain', '1 hour', first_run => '2100-01-01');
SELECT kpi.run_job('note'), kpi.run_job('plain');
SELECT config, who = current_user AS as_me FROM ran ORDER BY at;
SELECT name, kind, procedure FROM kpi.jobs ORDER BY name;

-- It runs with the rights of its owner, whoever asks for it.
CREATE ROLE regress_clerk;
GRANT INSERT ON ran TO regress_clerk;
SELECT kpi.alter_job('note', owner => 'regress_clerk');
SELECT kpi.run_job('note');
SELECT who FROM ran ORDER BY at DESC LIMIT 1;
REVOKE INSERT ON ran FROM regress_clerk;
SELECT kpi.run_job('note');

-- Others neither see it nor may touch it, and nobody can have a job run as somebody else.
CREATE ROLE regress_guest;
SET ROLE regress_guest;
SELECT name FROM kpi.jobs;
SELECT kpi.drop_job('plain');
SELECT kpi.run_job('plain');
SELECT kpi.create_job('mine', 'clean', '1 day', owner => 'regress_clerk');
RESET ROLE;

-- Changed, paused, let go on.
SELECT kpi.alter_job('plain', schedule => '30 4 * * 0', timezone => 'Europe/Berlin', next_run => '2100-01-03', max_retries => 0, catch_up => 'none');
SELECT schedule, timezone, next_run, max_retries, catch_up, state FROM kpi.jobs WHERE name = 'plain';
SELECT kpi.pause_job('plain');
SELECT next_run, state FROM kpi.jobs WHERE name = 'plain';
SELECT kpi.pause_job('plain', false);
SELECT next_run, state FROM kpi.jobs WHERE name = 'plain';

-- The targets of yesterday: raised once, cleared when they are met.
SELECT kpi.create_job('targets', 'alerts', '@hourly', '{"codes": ["visits"]}', first_run => '2100-01-01');
INSERT INTO visit SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '12 hours', 'home' FROM generate_series(1, 3);
SELECT kpi.run_job('targets'), kpi.run_job('targets');
SELECT kind, subject, status, cleared_at, message ~ '^KPI "visits" is 3 in the day of .*, its target is 10$' AS says FROM kpi.alerts;
INSERT INTO visit SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '12 hours', 'home' FROM generate_series(1, 9);
SELECT kpi.run_job('targets');
SELECT kind, subject, status, cleared_at IS NOT NULL AS cleared FROM kpi.alerts;

-- Wrong input.
SELECT kpi.create_job('note', 'note', '1 day');
SELECT kpi.create_job('x', 'nothing_like_it', '1 day');
SELECT kpi.create_job('x', 'pg_catalog.abs', '1 day');
SELECT kpi.create_job('x', 'clean', 'every now and then');
SELECT kpi.create_job('x', 'clean', '5 parsecs');
SELECT kpi.create_job('x', 'clean', '-5 minutes');
SELECT kpi.create_job('x', 'clean', '61 * * * *');
SELECT kpi.create_job('x', 'clean', '0 0 * * * Europe/Berlin');
SELECT kpi.create_job('x', 'clean', '0 0 30 2 *');
SELECT kpi.create_job('x', 'clean', '1 day', timezone => 'Europe/Atlantis');
SELECT kpi.create_job('x', 'clean', '1 day', catch_up => 'some');
SELECT kpi.create_job('x', 'clean', '1 day', timeout => '0 s');
SELECT kpi.create_job('x', 'clean', '1 day', max_retries => -1);
SELECT kpi.create_job('x', 'refresh', '1 day', '{"sauce": "visit"}');
SELECT kpi.create_job('x', 'refresh', '1 day', '{"source": "visits"}');
SELECT kpi.create_job('x', 'alerts', '1 day', '{"codes": ["visit"]}');
SELECT kpi.create_job('x', 'refresh', '1 day', '[1]');
SELECT kpi.create_job(NULL, 'clean', '1 day');
SELECT kpi.alter_job('nota', '1 day');
SELECT kpi.drop_job('nothing');

-- Its runs go with a job.
SELECT kpi.drop_job(name) FROM (SELECT name FROM kpi.jobs ORDER BY name) j;
SELECT count(*) FROM kpi.job_runs;
SELECT count(*) FROM kpi.job_run;
DROP TABLE ran CASCADE;
DROP ROLE regress_clerk, regress_guest;
