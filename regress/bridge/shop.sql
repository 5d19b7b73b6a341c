-- A shop with a day of sales by the hour, and what of it is streamed.
CREATE TABLE sale (at timestamptz NOT NULL, region text, amount float8, late bool);
SELECT kpi.create_source('sales', 'sale', 'at', '{region}');
SELECT kpi.create_kpi('revenue', 'sales', 'sum(amount)', name => 'Revenue', unit => 'EUR', target => 2000, warn => 1500);
SELECT kpi.create_kpi('orders', 'sales', 'count(*)', name => 'Orders', target => 40, warn => 30);
SELECT kpi.create_kpi('late_rate', 'sales', '100.0 * count(*) FILTER (WHERE late) / count(*)', name => 'Late deliveries', unit => '%',
                      direction => 'down', target => 5, warn => 8);
SELECT kpi.create_kpi('order_value', NULL, '{revenue} / {orders}', name => 'Average order value', unit => 'EUR');
SELECT kpi.create_kpi('Umsatz / Tag', 'sales', 'sum(amount)');
SELECT kpi.create_kpi('oddity', 'sales', '''NaN''::float8 * sum(amount)');
INSERT INTO sale
SELECT date_trunc('hour', now()) - h * interval '1 hour' + n * interval '1 minute', (ARRAY['north', 'south'])[1 + n % 2],
       40 + 7919 * (n + 3 * h) % 23 + 8 * sin(h / 4.0), (n + h) % 13 = 0
FROM generate_series(0, 24) h, generate_series(0, 33 + (7 * h) % 13) n;
SELECT kpi.start_stream(code, period) FROM unnest('{revenue,orders,late_rate,order_value,"Umsatz / Tag",oddity}'::text[]) code,
       unnest('{minute,hour,day}'::text[]) period;
SELECT kpi.start_stream('revenue', 'hour', by => '{region}');
-- What no client may see.
CREATE TABLE secret (word text);
