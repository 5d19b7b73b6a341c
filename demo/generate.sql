-- A web shop's half year, made of nothing but arithmetic on hashes.
--
-- Every number below follows from the seed, the row's own number and a salt, through hashint8extended(): no random(), so a
-- parallel plan, another row order or another PostgreSQL version gives the same rows. Only +, -, *, / and sqrt() are
-- used on floats, which IEEE 754 rounds the same on every machine.
--
-- The period is fixed, so that the output is the same on any day: 2025-01-01 up to, not including, 2025-06-30,
-- 180 days of Europe/Berlin (with its change to summer time on 30 March). The shop is closed to nobody, but
--
--   24 to 26 January a winter sale: visits up by 70 %, prices down by 15 %, and a warehouse that cannot keep up, so that
--                    deliveries are late, above all in the west;
--   13 May, 8 to 22  an outage: most requests fail, half of the visitors leave, and nobody can order;
--   late_orders      150 orders of 54 days, taken by the sales app while it was offline. They wait in a table of their own
--                    and reach shop.orders last (demo/late.sql), after the KPIs have been rolled up.
--
-- Set by demo/run.sh: version and seed.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'Europe/Berlin';
SET synchronous_commit = off;
BEGIN;
DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;

-- A number in [0, 1) that depends on the seed, the id and the salt.
CREATE FUNCTION shop.uniform(id bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((hashint8extended(id, salt + :seed * 1000) >> 11) & 9007199254740991) / 9007199254740992::float8;

-- Nearly a standard normal: the sum of four uniforms, scaled to variance 1.
CREATE FUNCTION shop.normal(id bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (shop.uniform(id, salt) + shop.uniform(id, salt + 1) + shop.uniform(id, salt + 2)
        + shop.uniform(id, salt + 3) - 2) * sqrt(3::float8);

-- How busy each hour of the half year is, 1 being the average of the first days.
CREATE TEMP TABLE hours ON COMMIT DROP AS
SELECT
    n,
    h AS starts,
    h::date AS day,
    h::date - date '2025-01-01' AS day_no,
    h >= '2025-01-24' AND h < '2025-01-27' AS sale,
    h >= '2025-05-13 08:00' AND h < '2025-05-13 22:00' AS outage,
    (ARRAY[.35, .22, .14, .10, .10, .16, .34, .62, .90, 1.10, 1.22, 1.28,
           1.30, 1.22, 1.16, 1.18, 1.26, 1.40, 1.58, 1.76, 1.86, 1.70, 1.24, .72])[1 + extract(hour FROM h)::int]::float8
    * (ARRAY[1.10, 1.02, .98, .97, .90, .88, 1.15])[extract(isodow FROM h)::int]::float8
    * (1 + 0.30 * (h::date - date '2025-01-01') / 180)
    * CASE WHEN h >= '2025-01-24' AND h < '2025-01-27' THEN 1.7 ELSE 1 END
    * CASE WHEN h >= '2025-05-13 08:00' AND h < '2025-05-13 22:00' THEN 0.5 ELSE 1 END
    * (1 + 0.02 * shop.normal(h::date - date '2025-01-01', 10)) AS busy
FROM generate_series(timestamptz '2025-01-01', timestamptz '2025-06-29 23:00', interval '1 hour')
     WITH ORDINALITY AS g (h, n);

CREATE TEMP TABLE regions (region_no int, region text, share float8) ON COMMIT DROP;
INSERT INTO regions VALUES (0, 'north', .22), (1, 'south', .34), (2, 'east', .16), (3, 'west', .28);

-- Visits: one row per visitor's session.
CREATE TABLE shop.visits (
    visit_id   bigint PRIMARY KEY,
    started_at timestamptz NOT NULL,
    region     text NOT NULL,
    device     text NOT NULL
);
INSERT INTO shop.visits
SELECT row_number() OVER (ORDER BY started_at, k), started_at, region,
       CASE WHEN shop.uniform(k, 21) < 0.62 THEN 'mobile' ELSE 'desktop' END
FROM (
    SELECT k, region, starts + interval '1 second' * floor(3600 * shop.uniform(k, 20)) AS started_at
    FROM hours
    CROSS JOIN regions
    CROSS JOIN LATERAL (SELECT 129 * share * busy AS expected) e
    CROSS JOIN LATERAL (SELECT round(expected + sqrt(expected) * shop.normal(n * 4 + region_no, 15))::int AS visits) v
    CROSS JOIN LATERAL (SELECT (n * 4 + region_no) * 10000 + i AS k FROM generate_series(1, visits) i) r
) s;

-- Orders: some visits end in one, a few minutes after they began.
CREATE TABLE shop.orders (
    order_id   bigint PRIMARY KEY,
    ordered_at timestamptz NOT NULL,
    region     text NOT NULL,
    device     text NOT NULL,
    lines      int NOT NULL,
    amount     numeric(10, 2) NOT NULL
);
INSERT INTO shop.orders
SELECT row_number() OVER (ORDER BY ordered_at, visit_id), ordered_at, region, device, lines,
       round(((24 + lines * (9 + 14 * shop.uniform(visit_id, 33)))
              * CASE WHEN sale THEN 0.85 ELSE 1 END)::numeric, 2)
FROM (
    SELECT v.*, 1 + floor(4 * shop.uniform(visit_id, 31) * shop.uniform(visit_id, 32))::int AS lines,
           started_at + interval '1 second' * floor(60 + 840 * shop.uniform(visit_id, 30)) AS ordered_at
    FROM shop.visits v
    WHERE shop.uniform(visit_id, 35) < 0.077  -- no visit is likelier to end in an order than this
) v
JOIN hours h ON h.starts = date_trunc('hour', ordered_at)
WHERE NOT h.outage
  AND shop.uniform(visit_id, 35) < CASE device WHEN 'mobile' THEN 0.042 ELSE 0.068 END
                                   * CASE WHEN sale THEN 1.12 ELSE 1 END;

CREATE TABLE shop.late_orders (LIKE shop.orders INCLUDING ALL);
INSERT INTO shop.late_orders
SELECT 9000000 + i,
       timestamptz '2025-04-30' + interval '1 day' * floor(54 * shop.uniform(i, 40))
           + interval '1 second' * floor(28800 + 36000 * shop.uniform(i, 41)),
       (ARRAY['north', 'south', 'east', 'west'])[1 + floor(4 * shop.uniform(i, 42))::int],
       'mobile',
       1 + floor(3 * shop.uniform(i, 43))::int,
       round((20 + 60 * shop.uniform(i, 44))::numeric, 2)
FROM generate_series(1, 150) i;

-- Deliveries: one row per delivered order. The four flags are SCOR's parts of a perfect order.
CREATE TABLE shop.deliveries (
    order_id     bigint PRIMARY KEY,
    region       text NOT NULL,
    service      text NOT NULL,
    ordered_at   timestamptz NOT NULL,
    promised_at  timestamptz NOT NULL,
    delivered_at timestamptz NOT NULL,
    on_time      bool NOT NULL,
    in_full      bool NOT NULL,
    undamaged    bool NOT NULL,
    documented   bool NOT NULL
);
INSERT INTO shop.deliveries
SELECT order_id, region, service, ordered_at, promised_at, delivered_at, delivered_at <= promised_at,
       shop.uniform(order_id, 55) > CASE WHEN sale THEN 0.05 ELSE 0.018 END,
       shop.uniform(order_id, 56) > 0.008,
       shop.uniform(order_id, 57) > 0.006
FROM (
    SELECT o.*, service, sale,
           date_trunc('day', ordered_at) + interval '1 hour' * 20
               + interval '1 day' * CASE service WHEN 'express' THEN 2 ELSE 5 END AS promised_at,
           -- The van comes between 8 and 19 on the day of delivery, and never on a Sunday.
           arrival_day + interval '1 day' * (extract(isodow FROM arrival_day) = 7)::int
               + interval '1 second' * floor(28800 + 39600 * shop.uniform(order_id, 54)) AS delivered_at
    FROM shop.orders o
    CROSS JOIN LATERAL (
        SELECT CASE WHEN shop.uniform(order_id, 50) < 0.3 THEN 'express' ELSE 'standard' END AS service,
               ordered_at >= '2025-01-24' AND ordered_at < '2025-01-27' AS sale
    ) s
    CROSS JOIN LATERAL (
        SELECT date_trunc('day', ordered_at) + interval '1 day' * (
                   CASE service WHEN 'express' THEN 1 ELSE 2 + floor(2.2 * shop.uniform(order_id, 51)) END
                   + CASE WHEN shop.uniform(order_id, 52)
                               < 0.045 + CASE WHEN sale THEN 0.10 + 0.20 * (region = 'west')::int ELSE 0 END
                          THEN 2 + floor(3 * shop.uniform(order_id, 53)) ELSE 0 END) AS arrival_day
    ) a
) d
WHERE delivered_at < '2025-06-30'
ORDER BY delivered_at, order_id;

-- Requests: what the web servers answered, and how long it took.
CREATE TABLE shop.requests (
    requested_at timestamptz NOT NULL,
    region       text NOT NULL,
    route        text NOT NULL,
    status       smallint NOT NULL,
    duration_ms  int NOT NULL
);
INSERT INTO shop.requests
SELECT requested_at, region, (ARRAY['home', 'search', 'product', 'checkout'])[1 + route_no], 
       CASE WHEN shop.uniform(k, 63) < CASE WHEN outage THEN 0.82 ELSE 0.0035 END THEN 503 ELSE 200 END,
       floor((ARRAY[90, 180, 120, 240])[1 + route_no]
             * (0.5 + 1.5 * shop.uniform(k, 64) * shop.uniform(k, 65)
                + CASE WHEN shop.uniform(k, 66) < 0.05 THEN 12 * shop.uniform(k, 67) ELSE 0 END)
             * CASE WHEN outage THEN 8 WHEN sale THEN 1.6 ELSE 1 END)
FROM (
    SELECT k, region, sale, outage,
           starts + interval '1 millisecond' * floor(3600000 * shop.uniform(k, 60)) AS requested_at,
           floor(4 * shop.uniform(k, 61) * (0.7 + 0.3 * shop.uniform(k, 62)))::int AS route_no
    FROM hours
    CROSS JOIN regions
    CROSS JOIN LATERAL (SELECT 90 * share * busy AS expected) e
    CROSS JOIN LATERAL (SELECT round(expected + sqrt(expected) * shop.normal(n * 4 + region_no, 16))::int AS requests) v
    CROSS JOIN LATERAL (SELECT (n * 4 + region_no) * 10000 + i AS k FROM generate_series(1, requests) i) r
) s
ORDER BY requested_at, k;

-- Balances: what the accounts of a region held when its day closed. Sales, cost of sales and purchases are averages over
-- the last 28 days, as it is usual where balances are turned into days.
CREATE TABLE shop.balances (
    day           date NOT NULL,
    region        text NOT NULL,
    inventory     numeric(12, 2) NOT NULL,
    receivables   numeric(12, 2) NOT NULL,
    payables      numeric(12, 2) NOT NULL,
    sales         numeric(12, 2) NOT NULL,
    cost_of_sales numeric(12, 2) NOT NULL,
    purchases     numeric(12, 2) NOT NULL,
    PRIMARY KEY (day, region)
);
INSERT INTO shop.balances
SELECT day, region,
       -- Stock is sold off in the sale and comes back in the five weeks after it.
       round((0.58 * sales * (41 + 1.2 * shop.normal(k, 70)
              - greatest(0, least((day - date '2025-01-23') * 2.4, 9.6 - (day - date '2025-01-27') * 0.27))))::numeric, 2),
       round((sales * (23 + 0.7 * shop.normal(k, 74)))::numeric, 2),
       round((0.58 * purchases * (33 + 0.8 * shop.normal(k, 78)))::numeric, 2),
       round(sales::numeric, 2), round((0.58 * sales)::numeric, 2), round((0.58 * purchases)::numeric, 2)
FROM (
    SELECT day, region, (day - date '2025-01-01') * 4 + region_no AS k,
           avg(amount) OVER (PARTITION BY region ORDER BY day ROWS 27 PRECEDING)::float8 AS sales,
           avg(amount) OVER (PARTITION BY region ORDER BY day ROWS BETWEEN 27 PRECEDING AND 7 FOLLOWING)::float8 AS purchases
    FROM (
        SELECT ordered_at::date AS day, region, region_no, sum(amount) AS amount
        FROM shop.orders
        JOIN regions USING (region)
        WHERE ordered_at < '2025-06-30'
        GROUP BY 1, 2, 3
    ) sold
) s
ORDER BY day, region;

CREATE INDEX ON shop.visits (started_at);
CREATE INDEX ON shop.orders (ordered_at);
CREATE INDEX ON shop.deliveries (delivered_at);
CREATE INDEX ON shop.requests (requested_at);

CREATE TABLE shop.generated (version int NOT NULL, seed bigint NOT NULL);
INSERT INTO shop.generated VALUES (:version, :seed);
COMMIT;
VACUUM ANALYZE shop.visits, shop.orders, shop.deliveries, shop.requests, shop.balances, shop.late_orders;
