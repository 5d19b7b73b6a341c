-- intersection: how many distinct values two hyperloglogs have in common. What is shown: small sets are nearly exact, large ones
-- within three of the standard errors it tells; disjoint, equal and empty sets, and sets of different sizes, have sensible answers.
SET search_path = kpi, public;

SELECT count, standard_error < 10 AS sure
FROM (SELECT approx_count_distinct(i) AS a, approx_count_distinct(i + 600) AS b FROM generate_series(1, 1000) AS i) AS q, LATERAL intersection(a, b);
SELECT abs(count - 30000) <= 3 * standard_error AS within, standard_error < 1000 AS sure
FROM (SELECT approx_count_distinct(i) AS a, approx_count_distinct(i + 70000) AS b FROM generate_series(1, 100000) AS i) AS q, LATERAL intersection(a, b);

-- Both ways round, with itself, with nothing in common, with nothing at all.
SELECT (intersection(a, b)).count = (intersection(b, a)).count AS symmetric, (intersection(a, a)).count = distinct_count(a) AS itself,
       (intersection(a, c)).count AS disjoint, (intersection(a, none)).count AS empty
FROM (SELECT approx_count_distinct(i) AS a, approx_count_distinct(i + 600) AS b, approx_count_distinct(i + 5000) AS c,
             approx_count_distinct(i) FILTER (WHERE false) AS none FROM generate_series(1, 1000) AS i) AS q;

-- Different sizes: the smaller one's precision. NULL gives NULL.
SELECT abs(count - 5000) <= 4 * standard_error AS near
FROM (SELECT hyperloglog(1024, i) AS a, approx_count_distinct(i + 5000) AS b FROM generate_series(1, 10000) AS i) AS q, LATERAL intersection(a, b);
SELECT intersection(NULL, approx_count_distinct(1)) IS NULL AS of_null;

-- Who came in March and in April: of states that were stored per month.
CREATE TABLE monthly AS
SELECT month, approx_count_distinct(visitor) AS visitors
FROM (VALUES (3, 1, 400), (4, 301, 900)) AS v(month, first, last), generate_series(first, last) AS visitor GROUP BY month;
SELECT (intersection(a.visitors, b.visitors)).count AS came_back FROM monthly AS a, monthly AS b WHERE a.month = 3 AND b.month = 4;
DROP TABLE monthly;
