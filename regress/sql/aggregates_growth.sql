-- growth: by which share a value is above or below one before it. What is shown: the sign says whether it rose, also from below
-- zero; zero, NULL, NaN and infinities have defined answers; with lag it compares each period with the one before, or with
-- the same one a year before.
SET search_path = kpi, public;

SELECT current, previous, growth(current, previous)
FROM (VALUES (110::float8, 100::float8), (90, 100), (-50, -100), (50, -100), (0, 5), (5, 0), (0, 0), (NULL, 1), (1, NULL), ('nan', 1),
             ('inf', 1), (1, 'inf')) AS v(current, previous);

CREATE TABLE sales AS
SELECT '2024-01-01'::date + i * interval '1 month' AS month, 100 + i + 10 * (i % 12) AS amount FROM generate_series(0, 23) AS i;
SELECT month::date, amount, round(growth(amount, lag(amount) OVER w)::numeric, 4) AS to_month_before,
       round(growth(amount, lag(amount, 12) OVER w)::numeric, 4) AS to_year_before
FROM sales WINDOW w AS (ORDER BY month) ORDER BY month DESC LIMIT 3;

-- Named, and of states: the growth of a ratio.
SELECT growth(current => 3, previous => 2);
SELECT half, round(growth(value(r), lag(value(r)) OVER (ORDER BY half))::numeric, 4) AS growth
FROM (SELECT half, ratio_agg(late, total) AS r FROM (VALUES (1, 5, 100), (2, 6, 100)) AS v(half, late, total) GROUP BY half) AS halves;

DROP TABLE sales;
