#!/usr/bin/env bash
# The demo, run into the database that PGHOST, PGPORT, PGUSER and PGDATABASE name: are its sections there, and do its
# numbers agree with plain SQL over the rows? The figures of its timings are printed by the demo and not judged here.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

export PGCLIENTENCODING=UTF8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# ok NAME COMMAND...: the command decides.
ok() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok - $name"
    else
        failed=$((failed + 1))
        echo "not ok - $name"
        tail -n 20 "$work/said" | sed 's/^/#   /'
    fi
}

# sql NAME QUERY: the query gives the single value true.
sql() { ok "$1" holds "$2"; }
holds() {
    local answer
    answer=$(psql -XAtq -v ON_ERROR_STOP=1 -c "SET timezone = 'Europe/Berlin'" -c "$1" 2>&1) || { echo "$answer"; return 1; }
    [ "$answer" = t ] || { echo "$answer"; return 1; }
}

demo() { SVG=$work/demo.svg DATA=${1:-} demo/run.sh >"$work/${2:-output}" 2>&1 || { cat "$work/${2:-output}"; return 1; }; }
prints() { grep -qF -- "$2" "$work/$1" || { echo "the demo did not print: $2"; return 1; }; }
refuses() { # FILE TEXT...: the demo fails on the file, and says each of the texts
    local file=$1 text
    shift
    if demo "$file" refused; then echo 'it was accepted'; return 1; fi >"$work/ignored"
    for text in "$@"; do prints refused "$text" || { cat "$work/refused"; return 1; }; done
}
well_formed() { python3 -c 'import sys, xml.dom.minidom; assert xml.dom.minidom.parse(sys.argv[1]).documentElement.tagName == "svg"' "$1"; }
# The first block of the README is a query in the demo's database, with its output.
as_the_readme_says() {
    local prompt='demo=# '
    awk '/^```console$/ {inside = 1; next} /^```$/ {if (inside) exit} inside' README.md >"$work/readme"
    psql -X -c "$(sed -n "1s/^$prompt//p" "$work/readme")" >"$work/printed" || return 1
    diff -u --ignore-trailing-space <(sed 1d "$work/readme") <(sed '$d' "$work/printed")
}
# What the demo printed without its timings, which differ from run to run.
timeless() { sed '/^== Speed/,/^== /d' "$1"; }

ok 'the demo runs on an empty database' demo
for section in Scorecard 'One KPI by region' 'Late rows' Forecast Anomalies Speed; do
    ok "it prints the section: $section" prints output "== $section"
done

sql 'it made at least 500000 rows' "
    SELECT (SELECT count(*) FROM shop.visits) + (SELECT count(*) FROM shop.orders) + (SELECT count(*) FROM shop.deliveries)
         + (SELECT count(*) FROM shop.requests) + (SELECT count(*) FROM shop.balances) >= 500000"
sql 'the period of 180 days is full: every day has visits, requests, deliveries and balances' "
    SELECT (SELECT count(DISTINCT started_at::date) FROM shop.visits) = 180 AND (SELECT count(DISTINCT requested_at::date) FROM shop.requests) = 180
       AND (SELECT count(DISTINCT day) FROM shop.balances) = 180 AND (SELECT max(delivered_at) FROM shop.deliveries) >= '2025-06-28'"
sql 'nobody could order during the outage, but for the late rows' "
    SELECT count(*) = (SELECT count(*) FROM shop.late_orders WHERE ordered_at >= '2025-05-13 08:15' AND ordered_at < '2025-05-13 22:00')
    FROM shop.orders WHERE ordered_at >= '2025-05-13 08:15' AND ordered_at < '2025-05-13 22:00'"

# Plain SQL over the rows for every KPI, day by day.
plain_sql="
    CREATE TEMP TABLE plain AS
    SELECT 'RL.1.1' AS code, date_trunc('day', delivered_at) AS day, (100.0 * sum((on_time AND in_full AND undamaged AND documented)::int) / count(*))::float8 AS value
    FROM shop.deliveries GROUP BY 2
    UNION ALL
    SELECT 'RS.1.1', date_trunc('day', delivered_at), (avg(extract(epoch FROM delivered_at - ordered_at)) / 86400)::float8 FROM shop.deliveries GROUP BY 2
    UNION ALL
    SELECT 'AM.1.1', day, (sum(inventory) / sum(cost_of_sales))::float8 + (sum(receivables) / sum(sales))::float8 - (sum(payables) / sum(purchases))::float8
    FROM shop.balances GROUP BY 2
    UNION ALL
    SELECT 'dio', day, (sum(inventory) / sum(cost_of_sales))::float8 FROM shop.balances GROUP BY 2
    UNION ALL
    SELECT 'dso', day, (sum(receivables) / sum(sales))::float8 FROM shop.balances GROUP BY 2
    UNION ALL
    SELECT 'dpo', day, (sum(payables) / sum(purchases))::float8 FROM shop.balances GROUP BY 2
    UNION ALL
    SELECT k.code, date_trunc('day', ordered_at), (CASE k.code WHEN 'orders' THEN count(*) WHEN 'revenue' THEN sum(amount) ELSE avg(amount) END)::float8
    FROM shop.orders, (VALUES ('orders'), ('revenue'), ('aov')) k (code) GROUP BY 1, 2
    UNION ALL
    SELECT 'visits', date_trunc('day', started_at), count(*) FROM shop.visits GROUP BY 2
    UNION ALL
    SELECT 'conversion', o.day, 100.0::float8 * o.n / v.n
    FROM (SELECT date_trunc('day', ordered_at) AS day, count(*)::float8 AS n FROM shop.orders GROUP BY 1) o
    JOIN (SELECT date_trunc('day', started_at) AS day, count(*)::float8 AS n FROM shop.visits GROUP BY 1) v USING (day)
    UNION ALL
    SELECT k.code, date_trunc('day', requested_at),
           (CASE k.code WHEN 'error_rate' THEN 100.0 * sum((status >= 500)::int)
                 ELSE sum(CASE WHEN status >= 500 THEN 0 WHEN duration_ms <= 300 THEN 1 WHEN duration_ms <= 1200 THEN 0.5 ELSE 0 END) END / count(*))::float8
    FROM shop.requests, (VALUES ('error_rate'), ('apdex')) k (code) GROUP BY 1, 2;"
sql 'the scorecard has every KPI' "SELECT array_agg(code ORDER BY code) = (SELECT array_agg(code ORDER BY code) FROM kpi.catalog) FROM kpi.scorecard"
sql 'the values of the scorecard are those of plain SQL' "$plain_sql
    SELECT count(*) = (SELECT count(*) FROM kpi.scorecard) AND count(*) > 0
    FROM kpi.scorecard s JOIN plain p ON p.code = s.code AND p.day = s.ts
    WHERE abs(s.value - p.value) <= 1e-9 * abs(p.value)"
sql 'so are the values of every day of every KPI' "$plain_sql
    SELECT count(*) > 2000 AND bool_and(p.value IS NOT NULL AND v.value IS NOT NULL AND abs(v.value - p.value) <= 1e-9 * abs(p.value))
    FROM plain p FULL JOIN (
        SELECT code, ts AS day, v.value FROM kpi.catalog, kpi.value(code, 'day', '2025-01-01', '2025-06-30') v) v USING (code, day)"
sql 'and those by region and month' "
    SELECT count(*) = 24 AND bool_and(v.value IS NOT DISTINCT FROM p.value)
    FROM (SELECT date_trunc('month', requested_at) AS ts, region, (100.0 * count(*) FILTER (WHERE status >= 500) / count(*))::float8 AS value
          FROM shop.requests GROUP BY 1, 2) p
    FULL JOIN (SELECT ts, dimensions->>'region' AS region, value
               FROM kpi.value('error_rate', 'month', '2025-01-01', '2025-07-01', by => '{region}')) v USING (ts, region)"

sql 'the forecast has 14 days after the data, each with its band around it' "
    SELECT count(*) = 14 AND min(ts) = '2025-06-30' AND max(ts) = '2025-07-13' AND bool_and(lower < value AND value < upper)
    FROM kpi.forecast('revenue', 14)"
sql 'the day of the outage and the days of the sale are among the anomalies of the revenue' "
    SELECT bool_or(ts = '2025-05-13' AND value < lower) AND count(*) FILTER (WHERE ts >= '2025-01-24' AND ts < '2025-01-27' AND value > upper) = 3
    FROM kpi.anomalies('revenue', 'day') WHERE is_anomaly"
sql 'the outage is the worst day of the error rate and of Apdex' "
    SELECT bool_and(found) FROM (
        SELECT (array_agg(ts ORDER BY abs(value - expected) DESC))[1] = '2025-05-13' AND bool_or(is_anomaly AND reason <> '' AND ts = '2025-05-13') AS found
        FROM unnest('{error_rate,apdex}'::text[]) code, kpi.anomalies(code, 'day') GROUP BY code) k"
sql 'nothing waits to be refreshed, and the late rows are in' "
    SELECT NOT EXISTS (SELECT FROM shop.late_orders WHERE order_id NOT IN (SELECT order_id FROM shop.orders))"
ok 'the README shows its scorecard' as_the_readme_says
ok 'demo.svg is a well-formed picture' well_formed "$work/demo.svg"

cp "$work/output" "$work/first"
ok 'a second run succeeds' demo
ok 'and prints the same' diff <(timeless "$work/first" | sed '1,/^== /{/^== /!d}') <(timeless "$work/output" | sed '1,/^== /{/^== /!d}')

# A person's own data: two weeks of hours in two shops, with a field in quotes, a missing value, and the ends of lines of Windows.
{
    printf 'Timestamp,Value,Shop\r\n'
    for ((hour = 0; hour < 24 * 28; hour++)); do
        date=$(printf '2025-02-%02d %02d:00:00' $((1 + hour / 24)) $((hour % 24)))
        printf '%s,%d,"Main St, 1"\r\n%s,%d.5,airport\r\n' "$date" $((50 + hour % 24 * 3 + hour * 7919 % 11)) "$date" $((20 + hour * 104729 % 13))
    done
    printf '2025-02-14 12:30:00,,airport\r\n'
} >"$work/own.csv"
ok 'the demo runs on a CSV file' demo "$work/own.csv"
for section in Scorecard 'One KPI by shop' Forecast Anomalies Speed; do
    ok "and prints the section: $section" prints output "== $section"
done
# What the file holds is what awk says it holds.
total=$(tr -d '\r' <"$work/own.csv" | awk -F, 'NR > 1 {total += $2} END {print total}')
sql 'its sum is that of the file' "SELECT sum(value) = $total FROM kpi.value('own_sum', 'day', '2025-02-01', '2025-03-01')"
sql 'its dimension is a column of its view' "SELECT count(DISTINCT shop) = 2 FROM kpi_views.own_avg WHERE period = 'day'"
ok 'demo.svg is a well-formed picture of it' well_formed "$work/demo.svg"

csv() { printf '%b' "$1" >"$work/bad.csv"; echo "$work/bad.csv"; }
ok 'a file without the column says which' refuses "$(csv 'time,amount\n2025-01-01,1\n')" 'no column "value"' 'time, amount' HINT
ok 'a file without a header is recognised' refuses "$(csv '2025-01-01,1\n2025-01-02,1\n')" 'no header' HINT
ok 'a bad time is named with its line' refuses "$(csv 'time,value\n2025-01-01,1\n\n2025-31-01,2\n')" 'line 4: "2025-31-01" is not a time' HINT
ok 'a bad number is named with its line' refuses "$(csv 'time;value\n2025-01-01;1\n2025-01-02;1,5\n')" 'line 3: "1,5" is not a number' HINT
ok 'a short line is named' refuses "$(csv 'time,value,shop\n2025-01-01,1,a\n2025-01-02,1\n')" 'line 3 has 2 fields, the header has 3' HINT
ok 'an empty file is refused' refuses "$(csv '')" 'the file is empty' HINT
# A message that comes after the end of the demo is one that a script, or a test, does not see.
mkdir "$work/slow"
printf '#!/bin/sh\nsleep 0.5\nexec %s "$@"\n' "$(command -v sed)" >"$work/slow/sed"
chmod +x "$work/slow/sed"
PATH=$work/slow:$PATH ok 'what it says is said before it ends' refuses "$(csv '2025-01-01,1\n')" 'no header' HINT
ok 'a file that is not there is refused' refuses "$work/nowhere.csv" 'cannot read the file' HINT

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
