-- The shop's sources and KPIs. A source is a relation with a time column; a KPI is a formula over one source, or over other
-- KPIs in braces. Days are days of Europe/Berlin, where the shop is.

\set ON_ERROR_STOP on
BEGIN;

SELECT kpi.create_source('deliveries', 'shop.deliveries', 'delivered_at', '{region,service}', timezone => 'Europe/Berlin');
SELECT kpi.create_source('orders', 'shop.orders', 'ordered_at', '{region,device}', timezone => 'Europe/Berlin');
SELECT kpi.create_source('visits', 'shop.visits', 'started_at', '{region,device}', timezone => 'Europe/Berlin');
SELECT kpi.create_source('requests', 'shop.requests', 'requested_at', '{region,route}', timezone => 'Europe/Berlin');
SELECT kpi.create_source('balances', 'shop.balances', 'day', '{region}', timezone => 'Europe/Berlin');

-- Supply chain, with the numbers of the SCOR model. An order is perfect when it is on time, in full, undamaged and has the
-- right documents; one failing flag spoils it.
SELECT kpi.create_kpi('RL.1.1', 'deliveries',
    '100.0 * count(*) FILTER (WHERE on_time AND in_full AND undamaged AND documented) / count(*)',
    name => 'Perfect order fulfilment', unit => '%', target => 93, warn => 90,
    description => 'Share of delivered orders that were on time, in full, undamaged and correctly documented (SCOR RL.1.1)');
SELECT kpi.create_kpi('RS.1.1', 'deliveries',
    'avg(extract(epoch FROM delivered_at - ordered_at)) / 86400',
    name => 'Order fulfilment cycle time', unit => 'days', direction => 'down', target => 2.4, warn => 2.8,
    description => 'Mean time from order to delivery (SCOR RS.1.1)');

-- Cash to cash: how many days money is tied up between paying suppliers and being paid. A sum of balances over a sum of daily
-- averages stays right for a week or a quarter and for any set of regions.
SELECT kpi.create_kpi('dio', 'balances', 'sum(inventory) / sum(cost_of_sales)',
    name => 'Days of inventory', unit => 'days', direction => 'down', target => 42, warn => 45);
SELECT kpi.create_kpi('dso', 'balances', 'sum(receivables) / sum(sales)',
    name => 'Days of sales outstanding', unit => 'days', direction => 'down', target => 24, warn => 27);
SELECT kpi.create_kpi('dpo', 'balances', 'sum(payables) / sum(purchases)',
    name => 'Days of payables outstanding', unit => 'days', target => 32, warn => 29);
SELECT kpi.create_kpi('AM.1.1', NULL, '{dio} + {dso} - {dpo}',
    name => 'Cash-to-cash cycle time', unit => 'days', direction => 'down', target => 32, warn => 36,
    description => 'Days of inventory plus days of sales outstanding less days of payables outstanding (SCOR AM.1.1)');

-- Sales. Orders and visits are two sources: conversion is derived from a KPI on each.
SELECT kpi.create_kpi('revenue', 'orders', 'sum(amount)', name => 'Revenue', unit => 'EUR', target => 9000, warn => 8000);
SELECT kpi.create_kpi('orders', 'orders', 'count(*)', name => 'Orders', target => 180, warn => 160);
SELECT kpi.create_kpi('aov', 'orders', 'avg(amount)', name => 'Average order value', unit => 'EUR', target => 50, warn => 47);
SELECT kpi.create_kpi('visits', 'visits', 'count(*)', name => 'Visits', target => 3500, warn => 3000);
SELECT kpi.create_kpi('conversion', NULL, '100.0 * {orders} / {visits}',
    name => 'Conversion', unit => '%', target => 5, warn => 4.6, description => 'Orders per hundred visits');

-- Operations. Apdex by hand, with T = 0.3 s: an answer within T satisfies, one within 4 T is tolerated and counts half.
SELECT kpi.create_kpi('error_rate', 'requests', '100.0 * count(*) FILTER (WHERE status >= 500) / count(*)',
    name => 'Error rate', unit => '%', direction => 'down', target => 0.5, warn => 1);
SELECT kpi.create_kpi('apdex', 'requests',
    '(count(*) FILTER (WHERE status < 500 AND duration_ms <= 300)
      + count(*) FILTER (WHERE status < 500 AND duration_ms > 300 AND duration_ms <= 1200) / 2.0) / count(*)',
    name => 'Apdex', target => 0.94, warn => 0.85, description => 'Satisfaction with the speed of the shop, from 0 to 1');

COMMIT;

SELECT kpi.refresh(source) FROM (SELECT DISTINCT source FROM kpi.catalog WHERE source IS NOT NULL ORDER BY source) s;
