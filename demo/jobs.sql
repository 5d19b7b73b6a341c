-- The demo keeps itself up to date: a refresh every minute, and a look at the targets every morning.
SELECT kpi.create_job('refresh', 'refresh', '1 minute') \g /dev/null
SELECT kpi.create_job('check targets', 'alerts', '0 6 * * *', timezone => 'UTC') \g /dev/null
