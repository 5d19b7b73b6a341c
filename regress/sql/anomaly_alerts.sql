-- Alert rules: a shop is told when its orders are too low, its errors burn the budget, its data stays away - and when all is well
-- again. Time stands still in this story: every evaluation says as of when.
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
CREATE TABLE story_order (at timestamptz, shop text, amount numeric, failed bool);
CREATE INDEX ON story_order (at);
SELECT kpi.create_source('story_order', 'story_order', 'at', '{shop}');
SELECT kpi.create_kpi('story.orders', 'story_order', 'count(*)', direction => 'up', target => 20, warn => 15);
SELECT kpi.create_kpi('story.failed', 'story_order', 'count(*) FILTER (WHERE failed)', direction => 'down');

-- 24 orders on each of 30 days, in two shops; on the last day the north shop has five.
INSERT INTO story_order
SELECT timestamptz '2026-03-01' + d * interval '1 day' + h * interval '1 hour', s, 10 + h, false
FROM generate_series(0, 29) d, generate_series(0, 23) h, unnest('{north,south}'::text[]) s
WHERE d < 29 OR s = 'south' OR h < 5;

-- Below a value: more orders are better, so the alert is on the low side.
SELECT kpi.create_alert_rule('few orders', 'value', 'story.orders', 10, by => '{shop}', clear_threshold => 20,
    escalation => '[{"after": "0", "to": "shop"}, {"after": "1 hour", "to": "region"}]');
SELECT name, condition, code, direction, threshold, clear_threshold, period, by FROM kpi.alert_rules;

-- On the 30th all was well. A day later one shop is low.
SELECT kpi.evaluate_alerts(at => '2026-03-30 00:30');
SELECT kpi.evaluate_alerts(at => '2026-03-31 00:30');
SELECT raised_at, state, subject, status, value, threshold, message FROM kpi.alerts;
-- The same again is no news, an hour later the region is told, once.
SELECT kpi.evaluate_alerts(at => '2026-03-31 01:00');
SELECT kpi.evaluate_alerts(at => '2026-03-31 01:40');
SELECT kpi.evaluate_alerts(at => '2026-03-31 01:50');

-- Somebody takes it on.
SELECT kpi.acknowledge_alert((SELECT id FROM kpi.alerts WHERE subject LIKE 'few orders%'), 'the till is being repaired');
SELECT state, note FROM kpi.alerts;

-- 15 orders are above the threshold, but not yet well: hysteresis keeps the alert. 20 end it.
INSERT INTO story_order SELECT timestamptz '2026-03-31' + h * interval '1 hour', 'north', 10, false FROM generate_series(0, 14) h;
SELECT kpi.evaluate_alerts(at => '2026-04-01 00:30');
SELECT state FROM kpi.alerts;
INSERT INTO story_order SELECT timestamptz '2026-04-01' + h * interval '1 hour', 'north', 10, false FROM generate_series(0, 19) h;
SELECT kpi.evaluate_alerts(at => '2026-04-02 00:30');
SELECT state, cleared_at IS NOT NULL AS cleared FROM kpi.alerts;
SELECT kpi.drop_alert_rule('few orders');

-- For a while: the condition has to hold for two hours before anybody is told; a break begins it anew.
SELECT kpi.create_alert_rule('few for long', 'value', 'story.orders', 10, filter => 'shop = ''south''', for_duration => '2 hours');
DELETE FROM story_order WHERE shop = 'south' AND at >= '2026-03-30 03:00';
SELECT kpi.evaluate_alerts('few for long', '2026-03-31 00:30');
SELECT firing, pending FROM kpi.alert_rules;
SELECT kpi.evaluate_alerts('few for long', '2026-03-31 02:29');
SELECT kpi.evaluate_alerts('few for long', '2026-03-31 02:30');
SELECT firing, pending FROM kpi.alert_rules;
SELECT kpi.drop_alert_rule('few for long');

-- Held against the KPI's own target: the day has three orders in the south and five in the north.
SELECT kpi.create_alert_rule('target', 'target', 'story.orders', severity => 'page');
SELECT kpi.evaluate_alerts('target', '2026-03-31 00:30');
SELECT status, value, threshold, message FROM kpi.alerts WHERE rule = 'target';
SELECT kpi.drop_alert_rule('target');

-- An adaptive threshold is a quantile of what the KPI was: here the lowest it has ever been.
SELECT kpi.create_alert_rule('unusually low', 'value', 'story.orders', adaptive => 0.01, direction => 'down', history => '60 days');
SELECT kpi.evaluate_alerts('unusually low', '2026-03-29 00:30');
SELECT kpi.evaluate_alerts('unusually low', '2026-03-31 00:30');
SELECT value, threshold FROM kpi.alerts WHERE rule = 'unusually low';
SELECT kpi.drop_alert_rule('unusually low');

-- Nothing has come for a day and a half.
SELECT kpi.create_alert_rule('silence', 'missing', 'story.orders', by => '{shop}', for_duration => '36 hours');
SELECT kpi.evaluate_alerts('silence', '2026-04-01 06:00');
SELECT kpi.evaluate_alerts('silence', '2026-04-02 13:00');
SELECT subject, state, message FROM kpi.alerts WHERE rule = 'silence' ORDER BY 1;
-- Silenced rules fire nothing; when the silence is over, what holds fires.
SELECT kpi.silence_alert_rule('silence', '100 years') > now() AS silenced;
SELECT kpi.evaluate_alerts('silence', '2026-04-03 13:00');
SELECT kpi.silence_alert_rule('silence', '0');
SELECT kpi.evaluate_alerts('silence', '2026-04-03 13:00');
SELECT count(*) FROM kpi.alerts WHERE rule = 'silence' AND state = 'firing';
SELECT kpi.drop_alert_rule('silence');

-- Burn rate: of 600 orders an hour 12 fail, where one in a thousand may: 20 times too fast, which is a page.
SELECT kpi.create_alert_rule('budget', 'burn_rate', 'story.failed', total => 'story.orders', objective => 0.999);
INSERT INTO story_order SELECT timestamptz '2026-05-01' + i * interval '6 seconds', 'north', 1, i % 50 = 0 FROM generate_series(0, 1799) i;
SELECT kpi.evaluate_alerts('budget', '2026-05-01 03:00');
SELECT status, round(value::numeric, 3) AS value, threshold, message FROM kpi.alerts WHERE rule = 'budget';
-- Ten hours without failures end it.
INSERT INTO story_order SELECT timestamptz '2026-05-01 03:00' + i * interval '6 seconds', 'north', 1, false FROM generate_series(0, 5999) i;
SELECT kpi.evaluate_alerts('budget', '2026-05-01 12:59');
SELECT state FROM kpi.alerts WHERE rule = 'budget';
SELECT kpi.drop_alert_rule('budget');

-- A score: the last day is judged by all before.
SELECT kpi.create_alert_rule('strange', 'score', 'story.orders', history => '60 days');
SELECT kpi.evaluate_alerts('strange', '2026-03-29 00:30');
SELECT kpi.evaluate_alerts('strange', '2026-03-31 00:30');
SELECT state, value > 0.999 AS beyond, threshold FROM kpi.alerts WHERE rule = 'strange';

-- A rule of whose KPI nothing is left goes with it.
SELECT kpi.drop_kpi('story.orders');
SELECT count(*) FROM kpi.alert_rules;

-- The job evaluates all of the rules that its owner has.
SELECT kpi.create_alert_rule('failures', 'value', 'story.failed', 5, period => 'hour');
SELECT kpi.create_job('story alerts', 'alerts', '1 minute', first_run => '2100-01-01');
SELECT kpi.run_job('story alerts');
SELECT evaluated_at IS NOT NULL AS evaluated, last_error FROM kpi.alert_rules;
SELECT kpi.drop_job('story alerts');

-- What cannot be: every error says what to type.
SELECT kpi.create_alert_rule('x', 'height', 'story.failed');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed');
SELECT kpi.create_alert_rule('x', 'value', 'story.faild', 1);
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 1, adaptive => 0.9);
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', adaptive => 9);
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 'NaN');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, 'sideways');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, clear_threshold => 6);
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, for_duration => '-1 hour');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, by => '{town}');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, period => 'decade');
SELECT kpi.create_alert_rule('x', 'target', 'story.failed');
SELECT kpi.create_alert_rule('x', 'score');
SELECT kpi.create_alert_rule('x', 'score', 'story.failed', 3);
SELECT kpi.create_alert_rule('x', 'score', watch => 'nobody');
SELECT kpi.create_alert_rule('x', 'burn_rate', 'story.failed');
SELECT kpi.create_alert_rule('x', 'burn_rate', 'story.failed', total => 'story.failed', objective => 99.9);
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, escalation => '{"to": "me"}');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, escalation => '[{"after": "soon", "to": "me"}]');
SELECT kpi.create_alert_rule('x', 'value', 'story.failed', 5, escalation => '[{"after": "1 hour", "to": "me"}, {"after": "1 minute", "to": "you"}]');
SELECT kpi.create_alert_rule('failures', 'value', 'story.failed', 5);
SELECT kpi.create_alert_rule(NULL, 'value');
SELECT kpi.alter_alert_rule('failure', threshold => 3);
SELECT kpi.silence_alert_rule('failures', '-1 day');
SELECT kpi.acknowledge_alert(-1);
SELECT kpi.alter_alert_rule('failures', threshold => 7, severity => 'page');
SELECT threshold, severity FROM kpi.alert_rules;

-- Somebody else's rule is nobody else's business.
CREATE ROLE story_stranger;
SET ROLE story_stranger;
SELECT count(*) FROM kpi.alert_rules;
SELECT kpi.drop_alert_rule('failures');
SELECT kpi.evaluate_alerts('failures');
SELECT kpi.evaluate_alerts();
SELECT kpi.create_alert_rule('mine', 'value', 'story.failed', 5);
RESET ROLE;
DROP ROLE story_stranger;
SELECT kpi.drop_source('story_order', cascade => true);
SELECT count(*) FROM kpi.alert_rules;
DROP TABLE story_order;
DELETE FROM kpi.alert WHERE kind = 'rule';
