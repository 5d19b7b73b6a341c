--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: kpi; Type: SCHEMA; Schema: -; Owner: postgres
--




--
-- Name: pg_kpi; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION pg_kpi VERSION '0.1.0';


--
-- Name: EXTENSION pg_kpi; Type: COMMENT; Schema: -; Owner: 
--



SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: big_day; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.big_day (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.big_day REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.big_day OWNER TO postgres;

--
-- Name: TABLE big_day; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.big_day IS 'source big by day, merged states';


--
-- Name: big_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.big_hour (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.big_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.big_hour OWNER TO postgres;

--
-- Name: TABLE big_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.big_hour IS 'source big by hour, merged states';


--
-- Name: orders; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.orders (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    region text,
    amount numeric,
    late boolean
);


ALTER TABLE public.orders OWNER TO postgres;

--
-- Name: big_orders; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.big_orders AS
 SELECT orders.at,
    orders.amount
   FROM public.orders
  WHERE (orders.amount > (50)::numeric);


ALTER TABLE public.big_orders OWNER TO postgres;

--
-- Name: big_input; Type: VIEW; Schema: kpi_rollup; Owner: postgres
--

CREATE VIEW kpi_rollup.big_input AS
 SELECT big_orders.at AS "kpi time"
   FROM public.big_orders;


ALTER TABLE kpi_rollup.big_input OWNER TO postgres;

--
-- Name: VIEW big_input; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON VIEW kpi_rollup.big_input IS 'rows of source big, as pg_kpi reads them';


--
-- Name: big_minute; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.big_minute (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.big_minute REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.big_minute OWNER TO postgres;

--
-- Name: TABLE big_minute; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.big_minute IS 'source big by minute, merged states';


--
-- Name: big_quarter_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.big_quarter_hour (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.big_quarter_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.big_quarter_hour OWNER TO postgres;

--
-- Name: TABLE big_quarter_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.big_quarter_hour IS 'source big by quarter_hour, merged states';


--
-- Name: kpi_1; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_1 (
    ts timestamp with time zone,
    period text,
    region text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'revenue'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_1 OWNER TO postgres;

--
-- Name: kpi_2; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_2 (
    ts timestamp with time zone,
    period text,
    region text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'late_share'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_2 OWNER TO postgres;

--
-- Name: kpi_3; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_3 (
    ts timestamp with time zone,
    period text,
    region text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'spread'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_3 OWNER TO postgres;

--
-- Name: kpi_4; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_4 (
    ts timestamp with time zone,
    period text,
    region text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'double'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_4 OWNER TO postgres;

--
-- Name: kpi_5; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_5 (
    ts timestamp with time zone,
    period text,
    page text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'visits'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_5 OWNER TO postgres;

--
-- Name: kpi_6; Type: FOREIGN TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE FOREIGN TABLE kpi_rollup.kpi_6 (
    ts timestamp with time zone,
    period text,
    value double precision,
    target double precision,
    status text
)
SERVER pg_kpi
OPTIONS (
    code 'big'
);


ALTER FOREIGN TABLE kpi_rollup.kpi_6 OWNER TO postgres;

--
-- Name: orders_day; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.orders_day (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 numeric,
    s2 bigint,
    s3 bigint,
    s4 kpi.stats1d
);

ALTER TABLE ONLY kpi_rollup.orders_day REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.orders_day OWNER TO postgres;

--
-- Name: TABLE orders_day; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.orders_day IS 'source orders by day, merged states';


--
-- Name: orders_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.orders_hour (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 numeric,
    s2 bigint,
    s3 bigint,
    s4 kpi.stats1d
);

ALTER TABLE ONLY kpi_rollup.orders_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.orders_hour OWNER TO postgres;

--
-- Name: TABLE orders_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.orders_hour IS 'source orders by hour, merged states';


--
-- Name: orders_input; Type: VIEW; Schema: kpi_rollup; Owner: postgres
--

CREATE VIEW kpi_rollup.orders_input AS
 SELECT orders.at AS "kpi time",
    orders.region AS "kpi d1",
    orders.amount,
    orders.late
   FROM public.orders;


ALTER TABLE kpi_rollup.orders_input OWNER TO postgres;

--
-- Name: VIEW orders_input; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON VIEW kpi_rollup.orders_input IS 'rows of source orders, as pg_kpi reads them';


--
-- Name: orders_minute; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.orders_minute (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 numeric,
    s2 bigint,
    s3 bigint,
    s4 kpi.stats1d
);

ALTER TABLE ONLY kpi_rollup.orders_minute REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.orders_minute OWNER TO postgres;

--
-- Name: TABLE orders_minute; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.orders_minute IS 'source orders by minute, merged states';


--
-- Name: orders_quarter_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.orders_quarter_hour (
    bucket timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 numeric,
    s2 bigint,
    s3 bigint,
    s4 kpi.stats1d
);

ALTER TABLE ONLY kpi_rollup.orders_quarter_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.orders_quarter_hour OWNER TO postgres;

--
-- Name: TABLE orders_quarter_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.orders_quarter_hour IS 'source orders by quarter_hour, merged states';


--
-- Name: visits_day; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.visits_day (
    bucket timestamp without time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.visits_day REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.visits_day OWNER TO postgres;

--
-- Name: TABLE visits_day; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.visits_day IS 'source visits by day, merged states';


--
-- Name: visits_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.visits_hour (
    bucket timestamp without time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.visits_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.visits_hour OWNER TO postgres;

--
-- Name: TABLE visits_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.visits_hour IS 'source visits by hour, merged states';


--
-- Name: visit; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.visit (
    at timestamp without time zone,
    page text
)
PARTITION BY RANGE (at);


ALTER TABLE public.visit OWNER TO postgres;

--
-- Name: visits_input; Type: VIEW; Schema: kpi_rollup; Owner: postgres
--

CREATE VIEW kpi_rollup.visits_input AS
 SELECT visit.at AS "kpi time",
    visit.page AS "kpi d1"
   FROM public.visit;


ALTER TABLE kpi_rollup.visits_input OWNER TO postgres;

--
-- Name: VIEW visits_input; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON VIEW kpi_rollup.visits_input IS 'rows of source visits, as pg_kpi reads them';


--
-- Name: visits_minute; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.visits_minute (
    bucket timestamp without time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.visits_minute REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.visits_minute OWNER TO postgres;

--
-- Name: TABLE visits_minute; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.visits_minute IS 'source visits by minute, merged states';


--
-- Name: visits_quarter_hour; Type: TABLE; Schema: kpi_rollup; Owner: postgres
--

CREATE TABLE kpi_rollup.visits_quarter_hour (
    bucket timestamp without time zone NOT NULL,
    n bigint NOT NULL,
    d1 text,
    s1 bigint
);

ALTER TABLE ONLY kpi_rollup.visits_quarter_hour REPLICA IDENTITY FULL;


ALTER TABLE kpi_rollup.visits_quarter_hour OWNER TO postgres;

--
-- Name: TABLE visits_quarter_hour; Type: COMMENT; Schema: kpi_rollup; Owner: postgres
--

COMMENT ON TABLE kpi_rollup.visits_quarter_hour IS 'source visits by quarter_hour, merged states';


--
-- Name: big; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.big AS
 SELECT kpi_6.ts,
    kpi_6.period,
    kpi_6.value,
    kpi_6.target,
    kpi_6.status
   FROM kpi_rollup.kpi_6;


ALTER TABLE kpi_views.big OWNER TO postgres;

--
-- Name: VIEW big; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.big IS 'big: count(*)';


--
-- Name: COLUMN big.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.big.ts IS 'start of the bucket';


--
-- Name: COLUMN big.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.big.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN big.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.big.value IS 'big';


--
-- Name: COLUMN big.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.big.target IS 'target of the KPI';


--
-- Name: COLUMN big.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.big.status IS 'ok, warn or bad; null without a target';


--
-- Name: double; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.double AS
 SELECT kpi_4.ts,
    kpi_4.period,
    kpi_4.region,
    kpi_4.value,
    kpi_4.target,
    kpi_4.status
   FROM kpi_rollup.kpi_4;


ALTER TABLE kpi_views.double OWNER TO postgres;

--
-- Name: VIEW double; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.double IS 'double: {revenue} * 2';


--
-- Name: COLUMN double.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.double.ts IS 'start of the bucket';


--
-- Name: COLUMN double.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.double.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN double.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.double.value IS 'double';


--
-- Name: COLUMN double.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.double.target IS 'target of the KPI';


--
-- Name: COLUMN double.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.double.status IS 'ok, warn or bad; null without a target';


--
-- Name: late_share; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.late_share AS
 SELECT kpi_2.ts,
    kpi_2.period,
    kpi_2.region,
    kpi_2.value,
    kpi_2.target,
    kpi_2.status
   FROM kpi_rollup.kpi_2;


ALTER TABLE kpi_views.late_share OWNER TO postgres;

--
-- Name: VIEW late_share; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.late_share IS 'late_share: sum(late::int)::float8 / count(*)';


--
-- Name: COLUMN late_share.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.late_share.ts IS 'start of the bucket';


--
-- Name: COLUMN late_share.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.late_share.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN late_share.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.late_share.value IS 'late_share';


--
-- Name: COLUMN late_share.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.late_share.target IS 'target of the KPI';


--
-- Name: COLUMN late_share.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.late_share.status IS 'ok, warn or bad; null without a target';


--
-- Name: revenue; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.revenue AS
 SELECT kpi_1.ts,
    kpi_1.period,
    kpi_1.region,
    kpi_1.value,
    kpi_1.target,
    kpi_1.status
   FROM kpi_rollup.kpi_1;


ALTER TABLE kpi_views.revenue OWNER TO postgres;

--
-- Name: VIEW revenue; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.revenue IS 'Revenue: sum(amount)';


--
-- Name: COLUMN revenue.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.revenue.ts IS 'start of the bucket';


--
-- Name: COLUMN revenue.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.revenue.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN revenue.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.revenue.value IS 'Revenue in EUR';


--
-- Name: COLUMN revenue.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.revenue.target IS 'target of the KPI';


--
-- Name: COLUMN revenue.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.revenue.status IS 'ok, warn or bad; null without a target';


--
-- Name: spread; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.spread AS
 SELECT kpi_3.ts,
    kpi_3.period,
    kpi_3.region,
    kpi_3.value,
    kpi_3.target,
    kpi_3.status
   FROM kpi_rollup.kpi_3;


ALTER TABLE kpi_views.spread OWNER TO postgres;

--
-- Name: VIEW spread; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.spread IS 'spread: stddev_samp(amount)';


--
-- Name: COLUMN spread.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.spread.ts IS 'start of the bucket';


--
-- Name: COLUMN spread.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.spread.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN spread.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.spread.value IS 'spread';


--
-- Name: COLUMN spread.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.spread.target IS 'target of the KPI';


--
-- Name: COLUMN spread.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.spread.status IS 'ok, warn or bad; null without a target';


--
-- Name: visits; Type: VIEW; Schema: kpi_views; Owner: postgres
--

CREATE VIEW kpi_views.visits AS
 SELECT kpi_5.ts,
    kpi_5.period,
    kpi_5.page,
    kpi_5.value,
    kpi_5.target,
    kpi_5.status
   FROM kpi_rollup.kpi_5;


ALTER TABLE kpi_views.visits OWNER TO postgres;

--
-- Name: VIEW visits; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON VIEW kpi_views.visits IS 'visits: count(*)';


--
-- Name: COLUMN visits.ts; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.visits.ts IS 'start of the bucket';


--
-- Name: COLUMN visits.period; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.visits.period IS 'minute, hour, day, week, month, quarter or year; filter on one';


--
-- Name: COLUMN visits.value; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.visits.value IS 'visits';


--
-- Name: COLUMN visits.target; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.visits.target IS 'target of the KPI';


--
-- Name: COLUMN visits.status; Type: COMMENT; Schema: kpi_views; Owner: postgres
--

COMMENT ON COLUMN kpi_views.visits.status IS 'ok, warn or bad; null without a target';


--
-- Name: kept; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.kept (
    name text,
    s kpi.series
);


ALTER TABLE public.kept OWNER TO postgres;

--
-- Name: mine; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.mine AS
 SELECT rollup_status.source,
    rollup_status.touched_buckets
   FROM kpi.rollup_status;


ALTER TABLE public.mine OWNER TO postgres;

--
-- Name: forecasts; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.forecasts AS
 SELECT f.step,
    f.value
   FROM kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 4]]'::kpi.series, 2, 'naive'::text, (0.95)::double precision, NULL::integer) f(step, ts, value, lower, upper, model)
UNION ALL
 SELECT f.step,
    f.value
   FROM kpi.forecast('revenue'::text, 2, 'day'::text, 'naive'::text, (0.95)::double precision, 1) f(step, ts, value, lower, upper, model);


ALTER TABLE public.forecasts OWNER TO postgres;

--
-- Name: visit_01; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.visit_01 (
    at timestamp without time zone,
    page text
);


ALTER TABLE public.visit_01 OWNER TO postgres;

--
-- Name: visit_02; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.visit_02 (
    at timestamp without time zone,
    page text
);


ALTER TABLE public.visit_02 OWNER TO postgres;

--
-- Name: visit_01; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.visit ATTACH PARTITION public.visit_01 FOR VALUES FROM ('2026-01-01 00:00:00') TO ('2026-02-01 00:00:00');


--
-- Name: visit_02; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.visit ATTACH PARTITION public.visit_02 FOR VALUES FROM ('2026-02-01 00:00:00') TO ('2026-03-01 00:00:00');


--
-- Data for Name: kpi; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.kpi (id, code, source_id, formula, value_sql, states, requires, name, description, unit, direction, target, warn, approximate, view, created_at) FROM stdin;
1	revenue	1	sum(amount)	((sum("kpi s1")::numeric))::float8	{1}	{}	Revenue	\N	EUR	up	1000	\N	f	kpi_views.revenue	2026-11-21 04:11:27.155701+00
2	late_share	1	sum(late::int)::float8 / count(*)	((sum("kpi s2")::bigint)::float8 / nullif((coalesce(sum("kpi s3"), 0)::bigint), 0))::float8	{2,3}	{}	\N	\N	\N	down	\N	\N	f	kpi_views.late_share	2026-11-21 04:11:27.16295+00
3	spread	1	stddev_samp(amount)	(kpi.stddev((kpi.rollup("kpi s4")), 'sample'))::float8	{4}	{}	\N	\N	\N	up	\N	\N	f	kpi_views.spread	2026-11-21 04:11:27.169484+00
4	double	\N	{revenue} * 2	(("kpi v1") * 2)::float8	{}	{revenue}	\N	\N	\N	up	\N	\N	f	kpi_views.double	2026-11-21 04:11:27.174132+00
5	visits	2	count(*)	((coalesce(sum("kpi s1"), 0)::bigint))::float8	{1}	{}	\N	\N	\N	up	\N	\N	f	kpi_views.visits	2026-11-21 04:11:27.244293+00
6	big	3	count(*)	((coalesce(sum("kpi s1"), 0)::bigint))::float8	{1}	{}	\N	\N	\N	up	\N	\N	f	kpi_views.big	2026-11-21 04:11:27.293045+00
\.


--
-- Data for Name: source; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.source (id, name, relation, time_column, time_type, dimensions, expressions, timezone, refresh_window, captured, search_path, columns, relation_columns, created_at) FROM stdin;
1	orders	public.orders	at	timestamp with time zone	{region}	{region}	Europe/Berlin	\N	t	pg_catalog, public	{amount,late}	{id,at,region,amount,late}	2026-11-21 04:11:27.0997+00
2	visits	public.visit	at	timestamp without time zone	{page}	{page}	UTC	\N	t	pg_catalog, public	{}	{at,page}	2026-11-21 04:11:27.183758+00
3	big	public.big_orders	at	timestamp with time zone	{}	{}	UTC	3 days	f	pg_catalog, public	{}	{at,amount}	2026-11-21 04:11:27.250507+00
\.


--
-- Data for Name: source_partition; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.source_partition (source_id, partition, first_minute, last_minute) FROM stdin;
2	public.visit_01	13675680	13720320
2	public.visit_02	13720320	13760640
\.


--
-- Data for Name: source_refresh; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.source_refresh (source_id, refreshed_at, duration, buckets, rows_read, rows_written) FROM stdin;
3	2026-11-21 04:11:27.303713+00	00:00:00.005013	39	39	120
1	2026-11-21 04:11:27.31268+00	00:00:00.008641	90	90	284
2	2026-11-21 04:11:27.318859+00	00:00:00.005907	100	100	313
\.


--
-- Data for Name: state; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.state (source_id, "position", partial, merge, filled) FROM stdin;
3	1	count(*)	count	t
1	1	sum(amount)	sum numeric	t
1	2	sum(late::int4)	sum bigint	t
1	3	count(*)	count	t
1	4	kpi.stats_agg((amount)::float8)	rollup	t
2	1	count(*)	count	t
\.


--
-- Data for Name: touched; Type: TABLE DATA; Schema: kpi; Owner: postgres
--

COPY kpi.touched (source_id, first_minute, last_minute) FROM stdin;
3	14138171	9223372036854775807
1	13678805	13678805
\.


--
-- Data for Name: big_day; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.big_day (bucket, n, s1) FROM stdin;
2026-01-04 00:00:00+00	9	9
2026-01-05 00:00:00+00	15	15
2026-01-06 00:00:00+00	15	15
\.


--
-- Data for Name: big_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.big_hour (bucket, n, s1) FROM stdin;
2026-01-04 10:00:00+00	1	1
2026-01-04 12:00:00+00	1	1
2026-01-04 13:00:00+00	1	1
2026-01-04 15:00:00+00	1	1
2026-01-04 16:00:00+00	1	1
2026-01-04 18:00:00+00	1	1
2026-01-04 20:00:00+00	1	1
2026-01-04 21:00:00+00	1	1
2026-01-04 23:00:00+00	1	1
2026-01-05 01:00:00+00	1	1
2026-01-05 02:00:00+00	1	1
2026-01-05 04:00:00+00	1	1
2026-01-05 05:00:00+00	1	1
2026-01-05 07:00:00+00	1	1
2026-01-05 09:00:00+00	1	1
2026-01-05 10:00:00+00	1	1
2026-01-05 12:00:00+00	1	1
2026-01-05 13:00:00+00	1	1
2026-01-05 15:00:00+00	1	1
2026-01-05 17:00:00+00	1	1
2026-01-05 18:00:00+00	1	1
2026-01-05 20:00:00+00	1	1
2026-01-05 22:00:00+00	1	1
2026-01-05 23:00:00+00	1	1
2026-01-06 01:00:00+00	1	1
2026-01-06 02:00:00+00	1	1
2026-01-06 04:00:00+00	1	1
2026-01-06 06:00:00+00	1	1
2026-01-06 07:00:00+00	1	1
2026-01-06 09:00:00+00	1	1
2026-01-06 10:00:00+00	1	1
2026-01-06 12:00:00+00	1	1
2026-01-06 14:00:00+00	1	1
2026-01-06 15:00:00+00	1	1
2026-01-06 17:00:00+00	1	1
2026-01-06 19:00:00+00	1	1
2026-01-06 20:00:00+00	1	1
2026-01-06 22:00:00+00	1	1
2026-01-06 23:00:00+00	1	1
\.


--
-- Data for Name: big_minute; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.big_minute (bucket, n, s1) FROM stdin;
2026-01-04 10:27:00+00	1	1
2026-01-04 12:04:00+00	1	1
2026-01-04 13:41:00+00	1	1
2026-01-04 15:18:00+00	1	1
2026-01-04 16:55:00+00	1	1
2026-01-04 18:32:00+00	1	1
2026-01-04 20:09:00+00	1	1
2026-01-04 21:46:00+00	1	1
2026-01-04 23:23:00+00	1	1
2026-01-05 01:00:00+00	1	1
2026-01-05 02:37:00+00	1	1
2026-01-05 04:14:00+00	1	1
2026-01-05 05:51:00+00	1	1
2026-01-05 07:28:00+00	1	1
2026-01-05 09:05:00+00	1	1
2026-01-05 10:42:00+00	1	1
2026-01-05 12:19:00+00	1	1
2026-01-05 13:56:00+00	1	1
2026-01-05 15:33:00+00	1	1
2026-01-05 17:10:00+00	1	1
2026-01-05 18:47:00+00	1	1
2026-01-05 20:24:00+00	1	1
2026-01-05 22:01:00+00	1	1
2026-01-05 23:38:00+00	1	1
2026-01-06 01:15:00+00	1	1
2026-01-06 02:52:00+00	1	1
2026-01-06 04:29:00+00	1	1
2026-01-06 06:06:00+00	1	1
2026-01-06 07:43:00+00	1	1
2026-01-06 09:20:00+00	1	1
2026-01-06 10:57:00+00	1	1
2026-01-06 12:34:00+00	1	1
2026-01-06 14:11:00+00	1	1
2026-01-06 15:48:00+00	1	1
2026-01-06 17:25:00+00	1	1
2026-01-06 19:02:00+00	1	1
2026-01-06 20:39:00+00	1	1
2026-01-06 22:16:00+00	1	1
2026-01-06 23:53:00+00	1	1
\.


--
-- Data for Name: big_quarter_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.big_quarter_hour (bucket, n, s1) FROM stdin;
2026-01-04 10:15:00+00	1	1
2026-01-04 12:00:00+00	1	1
2026-01-04 13:30:00+00	1	1
2026-01-04 15:15:00+00	1	1
2026-01-04 16:45:00+00	1	1
2026-01-04 18:30:00+00	1	1
2026-01-04 20:00:00+00	1	1
2026-01-04 21:45:00+00	1	1
2026-01-04 23:15:00+00	1	1
2026-01-05 01:00:00+00	1	1
2026-01-05 02:30:00+00	1	1
2026-01-05 04:00:00+00	1	1
2026-01-05 05:45:00+00	1	1
2026-01-05 07:15:00+00	1	1
2026-01-05 09:00:00+00	1	1
2026-01-05 10:30:00+00	1	1
2026-01-05 12:15:00+00	1	1
2026-01-05 13:45:00+00	1	1
2026-01-05 15:30:00+00	1	1
2026-01-05 17:00:00+00	1	1
2026-01-05 18:45:00+00	1	1
2026-01-05 20:15:00+00	1	1
2026-01-05 22:00:00+00	1	1
2026-01-05 23:30:00+00	1	1
2026-01-06 01:15:00+00	1	1
2026-01-06 02:45:00+00	1	1
2026-01-06 04:15:00+00	1	1
2026-01-06 06:00:00+00	1	1
2026-01-06 07:30:00+00	1	1
2026-01-06 09:15:00+00	1	1
2026-01-06 10:45:00+00	1	1
2026-01-06 12:30:00+00	1	1
2026-01-06 14:00:00+00	1	1
2026-01-06 15:45:00+00	1	1
2026-01-06 17:15:00+00	1	1
2026-01-06 19:00:00+00	1	1
2026-01-06 20:30:00+00	1	1
2026-01-06 22:15:00+00	1	1
2026-01-06 23:45:00+00	1	1
\.


--
-- Data for Name: orders_day; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.orders_day (bucket, n, d1, s1, s2, s3, s4) FROM stdin;
2025-12-31 23:00:00+00	7	north	56	1	7	{"n": 7, "sum": [56, 0], "m2": 112.00000000000001, "m3": 1.4210854715202004e-14, "m4": 3136.0000000000014}
2025-12-31 23:00:00+00	7	south	49	1	7	{"n": 7, "sum": [49, 0], "m2": 112, "m3": -2.842170943040401e-14, "m4": 3136}
2026-01-01 23:00:00+00	7	north	154	1	7	{"n": 7, "sum": [154, 0], "m2": 112, "m3": 2.842170943040401e-14, "m4": 3136.000000000001}
2026-01-01 23:00:00+00	8	south	176	1	8	{"n": 8, "sum": [176, 0], "m2": 168, "m3": 2.842170943040401e-14, "m4": 6216}
2026-01-02 23:00:00+00	7	north	252	1	7	{"n": 7, "sum": [252, 0], "m2": 112, "m3": 6.394884621840902e-14, "m4": 3136}
2026-01-02 23:00:00+00	7	south	259	1	7	{"n": 7, "sum": [259, 0], "m2": 112, "m3": 2.842170943040401e-14, "m4": 3136}
2026-01-03 23:00:00+00	8	north	408	1	8	{"n": 8, "sum": [408, 0], "m2": 168, "m3": 7.105427357601002e-15, "m4": 6216}
2026-01-03 23:00:00+00	7	south	357	1	7	{"n": 7, "sum": [357, 0], "m2": 112, "m3": 1.4210854715202004e-14, "m4": 3136}
2026-01-04 23:00:00+00	7	north	462	1	7	{"n": 7, "sum": [462, 0], "m2": 112, "m3": 0, "m4": 3135.9999999999995}
2026-01-04 23:00:00+00	8	south	528	1	8	{"n": 8, "sum": [528, 0], "m2": 168, "m3": 2.842170943040401e-14, "m4": 6216}
2026-01-05 23:00:00+00	8	north	648	1	8	{"n": 8, "sum": [648, 0], "m2": 168, "m3": 2.842170943040401e-14, "m4": 6216}
2026-01-05 23:00:00+00	7	south	567	1	7	{"n": 7, "sum": [567, 0], "m2": 112, "m3": 2.842170943040401e-14, "m4": 3136}
2026-01-06 23:00:00+00	1	north	0	0	1	{"n": 1, "sum": [0, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 23:00:00+00	1	south	89	0	1	{"n": 1, "sum": [89, 0], "m2": 0, "m3": 0, "m4": 0}
\.


--
-- Data for Name: orders_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.orders_hour (bucket, n, d1, s1, s2, s3, s4) FROM stdin;
2026-01-01 01:00:00+00	1	south	1	0	1	{"n": 1, "sum": [1, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 03:00:00+00	1	north	2	0	1	{"n": 1, "sum": [2, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 04:00:00+00	1	south	3	0	1	{"n": 1, "sum": [3, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 06:00:00+00	1	north	4	0	1	{"n": 1, "sum": [4, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 08:00:00+00	1	south	5	0	1	{"n": 1, "sum": [5, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 09:00:00+00	1	north	6	0	1	{"n": 1, "sum": [6, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 11:00:00+00	1	south	7	1	1	{"n": 1, "sum": [7, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 12:00:00+00	1	north	8	0	1	{"n": 1, "sum": [8, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 14:00:00+00	1	south	9	0	1	{"n": 1, "sum": [9, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 16:00:00+00	1	north	10	0	1	{"n": 1, "sum": [10, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 17:00:00+00	1	south	11	0	1	{"n": 1, "sum": [11, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 19:00:00+00	1	north	12	0	1	{"n": 1, "sum": [12, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 21:00:00+00	1	south	13	0	1	{"n": 1, "sum": [13, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 22:00:00+00	1	north	14	1	1	{"n": 1, "sum": [14, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 00:00:00+00	1	south	15	0	1	{"n": 1, "sum": [15, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 01:00:00+00	1	north	16	0	1	{"n": 1, "sum": [16, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 03:00:00+00	1	south	17	0	1	{"n": 1, "sum": [17, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 05:00:00+00	1	north	18	0	1	{"n": 1, "sum": [18, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 06:00:00+00	1	south	19	0	1	{"n": 1, "sum": [19, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 08:00:00+00	1	north	20	0	1	{"n": 1, "sum": [20, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 09:00:00+00	1	south	21	1	1	{"n": 1, "sum": [21, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 11:00:00+00	1	north	22	0	1	{"n": 1, "sum": [22, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 13:00:00+00	1	south	23	0	1	{"n": 1, "sum": [23, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 14:00:00+00	1	north	24	0	1	{"n": 1, "sum": [24, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 16:00:00+00	1	south	25	0	1	{"n": 1, "sum": [25, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 18:00:00+00	1	north	26	0	1	{"n": 1, "sum": [26, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 19:00:00+00	1	south	27	0	1	{"n": 1, "sum": [27, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 21:00:00+00	1	north	28	1	1	{"n": 1, "sum": [28, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 22:00:00+00	1	south	29	0	1	{"n": 1, "sum": [29, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 00:00:00+00	1	north	30	0	1	{"n": 1, "sum": [30, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 02:00:00+00	1	south	31	0	1	{"n": 1, "sum": [31, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 03:00:00+00	1	north	32	0	1	{"n": 1, "sum": [32, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 05:00:00+00	1	south	33	0	1	{"n": 1, "sum": [33, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 06:00:00+00	1	north	34	0	1	{"n": 1, "sum": [34, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 08:00:00+00	1	south	35	1	1	{"n": 1, "sum": [35, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 10:00:00+00	1	north	36	0	1	{"n": 1, "sum": [36, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 11:00:00+00	1	south	37	0	1	{"n": 1, "sum": [37, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 13:00:00+00	1	north	38	0	1	{"n": 1, "sum": [38, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 15:00:00+00	1	south	39	0	1	{"n": 1, "sum": [39, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 16:00:00+00	1	north	40	0	1	{"n": 1, "sum": [40, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 18:00:00+00	1	south	41	0	1	{"n": 1, "sum": [41, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 19:00:00+00	1	north	42	1	1	{"n": 1, "sum": [42, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 21:00:00+00	1	south	43	0	1	{"n": 1, "sum": [43, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 23:00:00+00	1	north	44	0	1	{"n": 1, "sum": [44, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 00:00:00+00	1	south	45	0	1	{"n": 1, "sum": [45, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 02:00:00+00	1	north	46	0	1	{"n": 1, "sum": [46, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 03:00:00+00	1	south	47	0	1	{"n": 1, "sum": [47, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 05:00:00+00	1	north	48	0	1	{"n": 1, "sum": [48, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 07:00:00+00	1	south	49	1	1	{"n": 1, "sum": [49, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 08:00:00+00	1	north	50	0	1	{"n": 1, "sum": [50, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 10:00:00+00	1	south	51	0	1	{"n": 1, "sum": [51, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 12:00:00+00	1	north	52	0	1	{"n": 1, "sum": [52, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 13:00:00+00	1	south	53	0	1	{"n": 1, "sum": [53, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 15:00:00+00	1	north	54	0	1	{"n": 1, "sum": [54, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 16:00:00+00	1	south	55	0	1	{"n": 1, "sum": [55, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 18:00:00+00	1	north	56	1	1	{"n": 1, "sum": [56, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 20:00:00+00	1	south	57	0	1	{"n": 1, "sum": [57, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 21:00:00+00	1	north	58	0	1	{"n": 1, "sum": [58, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 23:00:00+00	1	south	59	0	1	{"n": 1, "sum": [59, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 01:00:00+00	1	north	60	0	1	{"n": 1, "sum": [60, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 02:00:00+00	1	south	61	0	1	{"n": 1, "sum": [61, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 04:00:00+00	1	north	62	0	1	{"n": 1, "sum": [62, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 05:00:00+00	1	south	63	1	1	{"n": 1, "sum": [63, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 07:00:00+00	1	north	64	0	1	{"n": 1, "sum": [64, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 09:00:00+00	1	south	65	0	1	{"n": 1, "sum": [65, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 10:00:00+00	1	north	66	0	1	{"n": 1, "sum": [66, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 12:00:00+00	1	south	67	0	1	{"n": 1, "sum": [67, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 13:00:00+00	1	north	68	0	1	{"n": 1, "sum": [68, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 15:00:00+00	1	south	69	0	1	{"n": 1, "sum": [69, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 17:00:00+00	1	north	70	1	1	{"n": 1, "sum": [70, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 18:00:00+00	1	south	71	0	1	{"n": 1, "sum": [71, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 20:00:00+00	1	north	72	0	1	{"n": 1, "sum": [72, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 22:00:00+00	1	south	73	0	1	{"n": 1, "sum": [73, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 23:00:00+00	1	north	74	0	1	{"n": 1, "sum": [74, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 01:00:00+00	1	south	75	0	1	{"n": 1, "sum": [75, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 02:00:00+00	1	north	76	0	1	{"n": 1, "sum": [76, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 04:00:00+00	1	south	77	1	1	{"n": 1, "sum": [77, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 06:00:00+00	1	north	78	0	1	{"n": 1, "sum": [78, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 07:00:00+00	1	south	79	0	1	{"n": 1, "sum": [79, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 09:00:00+00	1	north	80	0	1	{"n": 1, "sum": [80, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 10:00:00+00	1	south	81	0	1	{"n": 1, "sum": [81, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 12:00:00+00	1	north	82	0	1	{"n": 1, "sum": [82, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 14:00:00+00	1	south	83	0	1	{"n": 1, "sum": [83, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 15:00:00+00	1	north	84	1	1	{"n": 1, "sum": [84, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 17:00:00+00	1	south	85	0	1	{"n": 1, "sum": [85, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 19:00:00+00	1	north	86	0	1	{"n": 1, "sum": [86, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 20:00:00+00	1	south	87	0	1	{"n": 1, "sum": [87, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 22:00:00+00	1	north	88	0	1	{"n": 1, "sum": [88, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 23:00:00+00	1	south	89	0	1	{"n": 1, "sum": [89, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-07 01:00:00+00	1	north	0	0	1	{"n": 1, "sum": [0, 0], "m2": 0, "m3": 0, "m4": 0}
\.


--
-- Data for Name: orders_minute; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.orders_minute (bucket, n, d1, s1, s2, s3, s4) FROM stdin;
2026-01-01 01:37:00+00	1	south	1	0	1	{"n": 1, "sum": [1, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 03:14:00+00	1	north	2	0	1	{"n": 1, "sum": [2, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 04:51:00+00	1	south	3	0	1	{"n": 1, "sum": [3, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 06:28:00+00	1	north	4	0	1	{"n": 1, "sum": [4, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 08:05:00+00	1	south	5	0	1	{"n": 1, "sum": [5, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 09:42:00+00	1	north	6	0	1	{"n": 1, "sum": [6, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 11:19:00+00	1	south	7	1	1	{"n": 1, "sum": [7, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 12:56:00+00	1	north	8	0	1	{"n": 1, "sum": [8, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 14:33:00+00	1	south	9	0	1	{"n": 1, "sum": [9, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 16:10:00+00	1	north	10	0	1	{"n": 1, "sum": [10, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 17:47:00+00	1	south	11	0	1	{"n": 1, "sum": [11, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 19:24:00+00	1	north	12	0	1	{"n": 1, "sum": [12, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 21:01:00+00	1	south	13	0	1	{"n": 1, "sum": [13, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 22:38:00+00	1	north	14	1	1	{"n": 1, "sum": [14, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 00:15:00+00	1	south	15	0	1	{"n": 1, "sum": [15, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 01:52:00+00	1	north	16	0	1	{"n": 1, "sum": [16, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 03:29:00+00	1	south	17	0	1	{"n": 1, "sum": [17, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 05:06:00+00	1	north	18	0	1	{"n": 1, "sum": [18, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 06:43:00+00	1	south	19	0	1	{"n": 1, "sum": [19, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 08:20:00+00	1	north	20	0	1	{"n": 1, "sum": [20, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 09:57:00+00	1	south	21	1	1	{"n": 1, "sum": [21, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 11:34:00+00	1	north	22	0	1	{"n": 1, "sum": [22, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 13:11:00+00	1	south	23	0	1	{"n": 1, "sum": [23, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 14:48:00+00	1	north	24	0	1	{"n": 1, "sum": [24, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 16:25:00+00	1	south	25	0	1	{"n": 1, "sum": [25, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 18:02:00+00	1	north	26	0	1	{"n": 1, "sum": [26, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 19:39:00+00	1	south	27	0	1	{"n": 1, "sum": [27, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 21:16:00+00	1	north	28	1	1	{"n": 1, "sum": [28, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 22:53:00+00	1	south	29	0	1	{"n": 1, "sum": [29, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 00:30:00+00	1	north	30	0	1	{"n": 1, "sum": [30, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 02:07:00+00	1	south	31	0	1	{"n": 1, "sum": [31, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 03:44:00+00	1	north	32	0	1	{"n": 1, "sum": [32, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 05:21:00+00	1	south	33	0	1	{"n": 1, "sum": [33, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 06:58:00+00	1	north	34	0	1	{"n": 1, "sum": [34, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 08:35:00+00	1	south	35	1	1	{"n": 1, "sum": [35, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 10:12:00+00	1	north	36	0	1	{"n": 1, "sum": [36, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 11:49:00+00	1	south	37	0	1	{"n": 1, "sum": [37, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 13:26:00+00	1	north	38	0	1	{"n": 1, "sum": [38, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 15:03:00+00	1	south	39	0	1	{"n": 1, "sum": [39, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 16:40:00+00	1	north	40	0	1	{"n": 1, "sum": [40, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 18:17:00+00	1	south	41	0	1	{"n": 1, "sum": [41, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 19:54:00+00	1	north	42	1	1	{"n": 1, "sum": [42, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 21:31:00+00	1	south	43	0	1	{"n": 1, "sum": [43, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 23:08:00+00	1	north	44	0	1	{"n": 1, "sum": [44, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 00:45:00+00	1	south	45	0	1	{"n": 1, "sum": [45, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 02:22:00+00	1	north	46	0	1	{"n": 1, "sum": [46, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 03:59:00+00	1	south	47	0	1	{"n": 1, "sum": [47, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 05:36:00+00	1	north	48	0	1	{"n": 1, "sum": [48, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 07:13:00+00	1	south	49	1	1	{"n": 1, "sum": [49, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 08:50:00+00	1	north	50	0	1	{"n": 1, "sum": [50, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 10:27:00+00	1	south	51	0	1	{"n": 1, "sum": [51, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 12:04:00+00	1	north	52	0	1	{"n": 1, "sum": [52, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 13:41:00+00	1	south	53	0	1	{"n": 1, "sum": [53, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 15:18:00+00	1	north	54	0	1	{"n": 1, "sum": [54, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 16:55:00+00	1	south	55	0	1	{"n": 1, "sum": [55, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 18:32:00+00	1	north	56	1	1	{"n": 1, "sum": [56, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 20:09:00+00	1	south	57	0	1	{"n": 1, "sum": [57, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 21:46:00+00	1	north	58	0	1	{"n": 1, "sum": [58, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 23:23:00+00	1	south	59	0	1	{"n": 1, "sum": [59, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 01:00:00+00	1	north	60	0	1	{"n": 1, "sum": [60, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 02:37:00+00	1	south	61	0	1	{"n": 1, "sum": [61, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 04:14:00+00	1	north	62	0	1	{"n": 1, "sum": [62, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 05:51:00+00	1	south	63	1	1	{"n": 1, "sum": [63, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 07:28:00+00	1	north	64	0	1	{"n": 1, "sum": [64, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 09:05:00+00	1	south	65	0	1	{"n": 1, "sum": [65, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 10:42:00+00	1	north	66	0	1	{"n": 1, "sum": [66, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 12:19:00+00	1	south	67	0	1	{"n": 1, "sum": [67, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 13:56:00+00	1	north	68	0	1	{"n": 1, "sum": [68, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 15:33:00+00	1	south	69	0	1	{"n": 1, "sum": [69, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 17:10:00+00	1	north	70	1	1	{"n": 1, "sum": [70, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 18:47:00+00	1	south	71	0	1	{"n": 1, "sum": [71, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 20:24:00+00	1	north	72	0	1	{"n": 1, "sum": [72, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 22:01:00+00	1	south	73	0	1	{"n": 1, "sum": [73, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 23:38:00+00	1	north	74	0	1	{"n": 1, "sum": [74, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 01:15:00+00	1	south	75	0	1	{"n": 1, "sum": [75, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 02:52:00+00	1	north	76	0	1	{"n": 1, "sum": [76, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 04:29:00+00	1	south	77	1	1	{"n": 1, "sum": [77, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 06:06:00+00	1	north	78	0	1	{"n": 1, "sum": [78, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 07:43:00+00	1	south	79	0	1	{"n": 1, "sum": [79, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 09:20:00+00	1	north	80	0	1	{"n": 1, "sum": [80, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 10:57:00+00	1	south	81	0	1	{"n": 1, "sum": [81, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 12:34:00+00	1	north	82	0	1	{"n": 1, "sum": [82, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 14:11:00+00	1	south	83	0	1	{"n": 1, "sum": [83, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 15:48:00+00	1	north	84	1	1	{"n": 1, "sum": [84, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 17:25:00+00	1	south	85	0	1	{"n": 1, "sum": [85, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 19:02:00+00	1	north	86	0	1	{"n": 1, "sum": [86, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 20:39:00+00	1	south	87	0	1	{"n": 1, "sum": [87, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 22:16:00+00	1	north	88	0	1	{"n": 1, "sum": [88, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 23:53:00+00	1	south	89	0	1	{"n": 1, "sum": [89, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-07 01:30:00+00	1	north	0	0	1	{"n": 1, "sum": [0, 0], "m2": 0, "m3": 0, "m4": 0}
\.


--
-- Data for Name: orders_quarter_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.orders_quarter_hour (bucket, n, d1, s1, s2, s3, s4) FROM stdin;
2026-01-01 01:30:00+00	1	south	1	0	1	{"n": 1, "sum": [1, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 03:00:00+00	1	north	2	0	1	{"n": 1, "sum": [2, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 04:45:00+00	1	south	3	0	1	{"n": 1, "sum": [3, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 06:15:00+00	1	north	4	0	1	{"n": 1, "sum": [4, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 08:00:00+00	1	south	5	0	1	{"n": 1, "sum": [5, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 09:30:00+00	1	north	6	0	1	{"n": 1, "sum": [6, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 11:15:00+00	1	south	7	1	1	{"n": 1, "sum": [7, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 12:45:00+00	1	north	8	0	1	{"n": 1, "sum": [8, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 14:30:00+00	1	south	9	0	1	{"n": 1, "sum": [9, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 16:00:00+00	1	north	10	0	1	{"n": 1, "sum": [10, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 17:45:00+00	1	south	11	0	1	{"n": 1, "sum": [11, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 19:15:00+00	1	north	12	0	1	{"n": 1, "sum": [12, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 21:00:00+00	1	south	13	0	1	{"n": 1, "sum": [13, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-01 22:30:00+00	1	north	14	1	1	{"n": 1, "sum": [14, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 00:15:00+00	1	south	15	0	1	{"n": 1, "sum": [15, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 01:45:00+00	1	north	16	0	1	{"n": 1, "sum": [16, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 03:15:00+00	1	south	17	0	1	{"n": 1, "sum": [17, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 05:00:00+00	1	north	18	0	1	{"n": 1, "sum": [18, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 06:30:00+00	1	south	19	0	1	{"n": 1, "sum": [19, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 08:15:00+00	1	north	20	0	1	{"n": 1, "sum": [20, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 09:45:00+00	1	south	21	1	1	{"n": 1, "sum": [21, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 11:30:00+00	1	north	22	0	1	{"n": 1, "sum": [22, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 13:00:00+00	1	south	23	0	1	{"n": 1, "sum": [23, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 14:45:00+00	1	north	24	0	1	{"n": 1, "sum": [24, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 16:15:00+00	1	south	25	0	1	{"n": 1, "sum": [25, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 18:00:00+00	1	north	26	0	1	{"n": 1, "sum": [26, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 19:30:00+00	1	south	27	0	1	{"n": 1, "sum": [27, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 21:15:00+00	1	north	28	1	1	{"n": 1, "sum": [28, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-02 22:45:00+00	1	south	29	0	1	{"n": 1, "sum": [29, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 00:30:00+00	1	north	30	0	1	{"n": 1, "sum": [30, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 02:00:00+00	1	south	31	0	1	{"n": 1, "sum": [31, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 03:30:00+00	1	north	32	0	1	{"n": 1, "sum": [32, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 05:15:00+00	1	south	33	0	1	{"n": 1, "sum": [33, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 06:45:00+00	1	north	34	0	1	{"n": 1, "sum": [34, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 08:30:00+00	1	south	35	1	1	{"n": 1, "sum": [35, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 10:00:00+00	1	north	36	0	1	{"n": 1, "sum": [36, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 11:45:00+00	1	south	37	0	1	{"n": 1, "sum": [37, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 13:15:00+00	1	north	38	0	1	{"n": 1, "sum": [38, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 15:00:00+00	1	south	39	0	1	{"n": 1, "sum": [39, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 16:30:00+00	1	north	40	0	1	{"n": 1, "sum": [40, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 18:15:00+00	1	south	41	0	1	{"n": 1, "sum": [41, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 19:45:00+00	1	north	42	1	1	{"n": 1, "sum": [42, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 21:30:00+00	1	south	43	0	1	{"n": 1, "sum": [43, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-03 23:00:00+00	1	north	44	0	1	{"n": 1, "sum": [44, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 00:45:00+00	1	south	45	0	1	{"n": 1, "sum": [45, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 02:15:00+00	1	north	46	0	1	{"n": 1, "sum": [46, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 03:45:00+00	1	south	47	0	1	{"n": 1, "sum": [47, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 05:30:00+00	1	north	48	0	1	{"n": 1, "sum": [48, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 07:00:00+00	1	south	49	1	1	{"n": 1, "sum": [49, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 08:45:00+00	1	north	50	0	1	{"n": 1, "sum": [50, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 10:15:00+00	1	south	51	0	1	{"n": 1, "sum": [51, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 12:00:00+00	1	north	52	0	1	{"n": 1, "sum": [52, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 13:30:00+00	1	south	53	0	1	{"n": 1, "sum": [53, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 15:15:00+00	1	north	54	0	1	{"n": 1, "sum": [54, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 16:45:00+00	1	south	55	0	1	{"n": 1, "sum": [55, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 18:30:00+00	1	north	56	1	1	{"n": 1, "sum": [56, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 20:00:00+00	1	south	57	0	1	{"n": 1, "sum": [57, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 21:45:00+00	1	north	58	0	1	{"n": 1, "sum": [58, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-04 23:15:00+00	1	south	59	0	1	{"n": 1, "sum": [59, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 01:00:00+00	1	north	60	0	1	{"n": 1, "sum": [60, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 02:30:00+00	1	south	61	0	1	{"n": 1, "sum": [61, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 04:00:00+00	1	north	62	0	1	{"n": 1, "sum": [62, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 05:45:00+00	1	south	63	1	1	{"n": 1, "sum": [63, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 07:15:00+00	1	north	64	0	1	{"n": 1, "sum": [64, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 09:00:00+00	1	south	65	0	1	{"n": 1, "sum": [65, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 10:30:00+00	1	north	66	0	1	{"n": 1, "sum": [66, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 12:15:00+00	1	south	67	0	1	{"n": 1, "sum": [67, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 13:45:00+00	1	north	68	0	1	{"n": 1, "sum": [68, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 15:30:00+00	1	south	69	0	1	{"n": 1, "sum": [69, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 17:00:00+00	1	north	70	1	1	{"n": 1, "sum": [70, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 18:45:00+00	1	south	71	0	1	{"n": 1, "sum": [71, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 20:15:00+00	1	north	72	0	1	{"n": 1, "sum": [72, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 22:00:00+00	1	south	73	0	1	{"n": 1, "sum": [73, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-05 23:30:00+00	1	north	74	0	1	{"n": 1, "sum": [74, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 01:15:00+00	1	south	75	0	1	{"n": 1, "sum": [75, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 02:45:00+00	1	north	76	0	1	{"n": 1, "sum": [76, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 04:15:00+00	1	south	77	1	1	{"n": 1, "sum": [77, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 06:00:00+00	1	north	78	0	1	{"n": 1, "sum": [78, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 07:30:00+00	1	south	79	0	1	{"n": 1, "sum": [79, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 09:15:00+00	1	north	80	0	1	{"n": 1, "sum": [80, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 10:45:00+00	1	south	81	0	1	{"n": 1, "sum": [81, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 12:30:00+00	1	north	82	0	1	{"n": 1, "sum": [82, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 14:00:00+00	1	south	83	0	1	{"n": 1, "sum": [83, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 15:45:00+00	1	north	84	1	1	{"n": 1, "sum": [84, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 17:15:00+00	1	south	85	0	1	{"n": 1, "sum": [85, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 19:00:00+00	1	north	86	0	1	{"n": 1, "sum": [86, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 20:30:00+00	1	south	87	0	1	{"n": 1, "sum": [87, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 22:15:00+00	1	north	88	0	1	{"n": 1, "sum": [88, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-06 23:45:00+00	1	south	89	0	1	{"n": 1, "sum": [89, 0], "m2": 0, "m3": 0, "m4": 0}
2026-01-07 01:30:00+00	1	north	0	0	1	{"n": 1, "sum": [0, 0], "m2": 0, "m3": 0, "m4": 0}
\.


--
-- Data for Name: visits_day; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.visits_day (bucket, n, d1, s1) FROM stdin;
2026-01-20 00:00:00	8	home	8
2026-01-21 00:00:00	8	home	8
2026-01-22 00:00:00	8	home	8
2026-01-23 00:00:00	8	home	8
2026-01-24 00:00:00	8	home	8
2026-01-25 00:00:00	8	home	8
2026-01-26 00:00:00	8	home	8
2026-01-27 00:00:00	8	home	8
2026-01-28 00:00:00	8	home	8
2026-01-29 00:00:00	8	home	8
2026-01-30 00:00:00	8	home	8
2026-01-31 00:00:00	8	home	8
2026-02-01 00:00:00	4	home	4
\.


--
-- Data for Name: visits_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.visits_hour (bucket, n, d1, s1) FROM stdin;
2026-01-20 00:00:00	1	home	1
2026-01-20 03:00:00	1	home	1
2026-01-20 06:00:00	1	home	1
2026-01-20 09:00:00	1	home	1
2026-01-20 12:00:00	1	home	1
2026-01-20 15:00:00	1	home	1
2026-01-20 18:00:00	1	home	1
2026-01-20 21:00:00	1	home	1
2026-01-21 00:00:00	1	home	1
2026-01-21 03:00:00	1	home	1
2026-01-21 06:00:00	1	home	1
2026-01-21 09:00:00	1	home	1
2026-01-21 12:00:00	1	home	1
2026-01-21 15:00:00	1	home	1
2026-01-21 18:00:00	1	home	1
2026-01-21 21:00:00	1	home	1
2026-01-22 00:00:00	1	home	1
2026-01-22 03:00:00	1	home	1
2026-01-22 06:00:00	1	home	1
2026-01-22 09:00:00	1	home	1
2026-01-22 12:00:00	1	home	1
2026-01-22 15:00:00	1	home	1
2026-01-22 18:00:00	1	home	1
2026-01-22 21:00:00	1	home	1
2026-01-23 00:00:00	1	home	1
2026-01-23 03:00:00	1	home	1
2026-01-23 06:00:00	1	home	1
2026-01-23 09:00:00	1	home	1
2026-01-23 12:00:00	1	home	1
2026-01-23 15:00:00	1	home	1
2026-01-23 18:00:00	1	home	1
2026-01-23 21:00:00	1	home	1
2026-01-24 00:00:00	1	home	1
2026-01-24 03:00:00	1	home	1
2026-01-24 06:00:00	1	home	1
2026-01-24 09:00:00	1	home	1
2026-01-24 12:00:00	1	home	1
2026-01-24 15:00:00	1	home	1
2026-01-24 18:00:00	1	home	1
2026-01-24 21:00:00	1	home	1
2026-01-25 00:00:00	1	home	1
2026-01-25 03:00:00	1	home	1
2026-01-25 06:00:00	1	home	1
2026-01-25 09:00:00	1	home	1
2026-01-25 12:00:00	1	home	1
2026-01-25 15:00:00	1	home	1
2026-01-25 18:00:00	1	home	1
2026-01-25 21:00:00	1	home	1
2026-01-26 00:00:00	1	home	1
2026-01-26 03:00:00	1	home	1
2026-01-26 06:00:00	1	home	1
2026-01-26 09:00:00	1	home	1
2026-01-26 12:00:00	1	home	1
2026-01-26 15:00:00	1	home	1
2026-01-26 18:00:00	1	home	1
2026-01-26 21:00:00	1	home	1
2026-01-27 00:00:00	1	home	1
2026-01-27 03:00:00	1	home	1
2026-01-27 06:00:00	1	home	1
2026-01-27 09:00:00	1	home	1
2026-01-27 12:00:00	1	home	1
2026-01-27 15:00:00	1	home	1
2026-01-27 18:00:00	1	home	1
2026-01-27 21:00:00	1	home	1
2026-01-28 00:00:00	1	home	1
2026-01-28 03:00:00	1	home	1
2026-01-28 06:00:00	1	home	1
2026-01-28 09:00:00	1	home	1
2026-01-28 12:00:00	1	home	1
2026-01-28 15:00:00	1	home	1
2026-01-28 18:00:00	1	home	1
2026-01-28 21:00:00	1	home	1
2026-01-29 00:00:00	1	home	1
2026-01-29 03:00:00	1	home	1
2026-01-29 06:00:00	1	home	1
2026-01-29 09:00:00	1	home	1
2026-01-29 12:00:00	1	home	1
2026-01-29 15:00:00	1	home	1
2026-01-29 18:00:00	1	home	1
2026-01-29 21:00:00	1	home	1
2026-01-30 00:00:00	1	home	1
2026-01-30 03:00:00	1	home	1
2026-01-30 06:00:00	1	home	1
2026-01-30 09:00:00	1	home	1
2026-01-30 12:00:00	1	home	1
2026-01-30 15:00:00	1	home	1
2026-01-30 18:00:00	1	home	1
2026-01-30 21:00:00	1	home	1
2026-01-31 00:00:00	1	home	1
2026-01-31 03:00:00	1	home	1
2026-01-31 06:00:00	1	home	1
2026-01-31 09:00:00	1	home	1
2026-01-31 12:00:00	1	home	1
2026-01-31 15:00:00	1	home	1
2026-01-31 18:00:00	1	home	1
2026-01-31 21:00:00	1	home	1
2026-02-01 00:00:00	1	home	1
2026-02-01 03:00:00	1	home	1
2026-02-01 06:00:00	1	home	1
2026-02-01 09:00:00	1	home	1
\.


--
-- Data for Name: visits_minute; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.visits_minute (bucket, n, d1, s1) FROM stdin;
2026-01-20 00:00:00	1	home	1
2026-01-20 03:00:00	1	home	1
2026-01-20 06:00:00	1	home	1
2026-01-20 09:00:00	1	home	1
2026-01-20 12:00:00	1	home	1
2026-01-20 15:00:00	1	home	1
2026-01-20 18:00:00	1	home	1
2026-01-20 21:00:00	1	home	1
2026-01-21 00:00:00	1	home	1
2026-01-21 03:00:00	1	home	1
2026-01-21 06:00:00	1	home	1
2026-01-21 09:00:00	1	home	1
2026-01-21 12:00:00	1	home	1
2026-01-21 15:00:00	1	home	1
2026-01-21 18:00:00	1	home	1
2026-01-21 21:00:00	1	home	1
2026-01-22 00:00:00	1	home	1
2026-01-22 03:00:00	1	home	1
2026-01-22 06:00:00	1	home	1
2026-01-22 09:00:00	1	home	1
2026-01-22 12:00:00	1	home	1
2026-01-22 15:00:00	1	home	1
2026-01-22 18:00:00	1	home	1
2026-01-22 21:00:00	1	home	1
2026-01-23 00:00:00	1	home	1
2026-01-23 03:00:00	1	home	1
2026-01-23 06:00:00	1	home	1
2026-01-23 09:00:00	1	home	1
2026-01-23 12:00:00	1	home	1
2026-01-23 15:00:00	1	home	1
2026-01-23 18:00:00	1	home	1
2026-01-23 21:00:00	1	home	1
2026-01-24 00:00:00	1	home	1
2026-01-24 03:00:00	1	home	1
2026-01-24 06:00:00	1	home	1
2026-01-24 09:00:00	1	home	1
2026-01-24 12:00:00	1	home	1
2026-01-24 15:00:00	1	home	1
2026-01-24 18:00:00	1	home	1
2026-01-24 21:00:00	1	home	1
2026-01-25 00:00:00	1	home	1
2026-01-25 03:00:00	1	home	1
2026-01-25 06:00:00	1	home	1
2026-01-25 09:00:00	1	home	1
2026-01-25 12:00:00	1	home	1
2026-01-25 15:00:00	1	home	1
2026-01-25 18:00:00	1	home	1
2026-01-25 21:00:00	1	home	1
2026-01-26 00:00:00	1	home	1
2026-01-26 03:00:00	1	home	1
2026-01-26 06:00:00	1	home	1
2026-01-26 09:00:00	1	home	1
2026-01-26 12:00:00	1	home	1
2026-01-26 15:00:00	1	home	1
2026-01-26 18:00:00	1	home	1
2026-01-26 21:00:00	1	home	1
2026-01-27 00:00:00	1	home	1
2026-01-27 03:00:00	1	home	1
2026-01-27 06:00:00	1	home	1
2026-01-27 09:00:00	1	home	1
2026-01-27 12:00:00	1	home	1
2026-01-27 15:00:00	1	home	1
2026-01-27 18:00:00	1	home	1
2026-01-27 21:00:00	1	home	1
2026-01-28 00:00:00	1	home	1
2026-01-28 03:00:00	1	home	1
2026-01-28 06:00:00	1	home	1
2026-01-28 09:00:00	1	home	1
2026-01-28 12:00:00	1	home	1
2026-01-28 15:00:00	1	home	1
2026-01-28 18:00:00	1	home	1
2026-01-28 21:00:00	1	home	1
2026-01-29 00:00:00	1	home	1
2026-01-29 03:00:00	1	home	1
2026-01-29 06:00:00	1	home	1
2026-01-29 09:00:00	1	home	1
2026-01-29 12:00:00	1	home	1
2026-01-29 15:00:00	1	home	1
2026-01-29 18:00:00	1	home	1
2026-01-29 21:00:00	1	home	1
2026-01-30 00:00:00	1	home	1
2026-01-30 03:00:00	1	home	1
2026-01-30 06:00:00	1	home	1
2026-01-30 09:00:00	1	home	1
2026-01-30 12:00:00	1	home	1
2026-01-30 15:00:00	1	home	1
2026-01-30 18:00:00	1	home	1
2026-01-30 21:00:00	1	home	1
2026-01-31 00:00:00	1	home	1
2026-01-31 03:00:00	1	home	1
2026-01-31 06:00:00	1	home	1
2026-01-31 09:00:00	1	home	1
2026-01-31 12:00:00	1	home	1
2026-01-31 15:00:00	1	home	1
2026-01-31 18:00:00	1	home	1
2026-01-31 21:00:00	1	home	1
2026-02-01 00:00:00	1	home	1
2026-02-01 03:00:00	1	home	1
2026-02-01 06:00:00	1	home	1
2026-02-01 09:00:00	1	home	1
\.


--
-- Data for Name: visits_quarter_hour; Type: TABLE DATA; Schema: kpi_rollup; Owner: postgres
--

COPY kpi_rollup.visits_quarter_hour (bucket, n, d1, s1) FROM stdin;
2026-01-20 00:00:00	1	home	1
2026-01-20 03:00:00	1	home	1
2026-01-20 06:00:00	1	home	1
2026-01-20 09:00:00	1	home	1
2026-01-20 12:00:00	1	home	1
2026-01-20 15:00:00	1	home	1
2026-01-20 18:00:00	1	home	1
2026-01-20 21:00:00	1	home	1
2026-01-21 00:00:00	1	home	1
2026-01-21 03:00:00	1	home	1
2026-01-21 06:00:00	1	home	1
2026-01-21 09:00:00	1	home	1
2026-01-21 12:00:00	1	home	1
2026-01-21 15:00:00	1	home	1
2026-01-21 18:00:00	1	home	1
2026-01-21 21:00:00	1	home	1
2026-01-22 00:00:00	1	home	1
2026-01-22 03:00:00	1	home	1
2026-01-22 06:00:00	1	home	1
2026-01-22 09:00:00	1	home	1
2026-01-22 12:00:00	1	home	1
2026-01-22 15:00:00	1	home	1
2026-01-22 18:00:00	1	home	1
2026-01-22 21:00:00	1	home	1
2026-01-23 00:00:00	1	home	1
2026-01-23 03:00:00	1	home	1
2026-01-23 06:00:00	1	home	1
2026-01-23 09:00:00	1	home	1
2026-01-23 12:00:00	1	home	1
2026-01-23 15:00:00	1	home	1
2026-01-23 18:00:00	1	home	1
2026-01-23 21:00:00	1	home	1
2026-01-24 00:00:00	1	home	1
2026-01-24 03:00:00	1	home	1
2026-01-24 06:00:00	1	home	1
2026-01-24 09:00:00	1	home	1
2026-01-24 12:00:00	1	home	1
2026-01-24 15:00:00	1	home	1
2026-01-24 18:00:00	1	home	1
2026-01-24 21:00:00	1	home	1
2026-01-25 00:00:00	1	home	1
2026-01-25 03:00:00	1	home	1
2026-01-25 06:00:00	1	home	1
2026-01-25 09:00:00	1	home	1
2026-01-25 12:00:00	1	home	1
2026-01-25 15:00:00	1	home	1
2026-01-25 18:00:00	1	home	1
2026-01-25 21:00:00	1	home	1
2026-01-26 00:00:00	1	home	1
2026-01-26 03:00:00	1	home	1
2026-01-26 06:00:00	1	home	1
2026-01-26 09:00:00	1	home	1
2026-01-26 12:00:00	1	home	1
2026-01-26 15:00:00	1	home	1
2026-01-26 18:00:00	1	home	1
2026-01-26 21:00:00	1	home	1
2026-01-27 00:00:00	1	home	1
2026-01-27 03:00:00	1	home	1
2026-01-27 06:00:00	1	home	1
2026-01-27 09:00:00	1	home	1
2026-01-27 12:00:00	1	home	1
2026-01-27 15:00:00	1	home	1
2026-01-27 18:00:00	1	home	1
2026-01-27 21:00:00	1	home	1
2026-01-28 00:00:00	1	home	1
2026-01-28 03:00:00	1	home	1
2026-01-28 06:00:00	1	home	1
2026-01-28 09:00:00	1	home	1
2026-01-28 12:00:00	1	home	1
2026-01-28 15:00:00	1	home	1
2026-01-28 18:00:00	1	home	1
2026-01-28 21:00:00	1	home	1
2026-01-29 00:00:00	1	home	1
2026-01-29 03:00:00	1	home	1
2026-01-29 06:00:00	1	home	1
2026-01-29 09:00:00	1	home	1
2026-01-29 12:00:00	1	home	1
2026-01-29 15:00:00	1	home	1
2026-01-29 18:00:00	1	home	1
2026-01-29 21:00:00	1	home	1
2026-01-30 00:00:00	1	home	1
2026-01-30 03:00:00	1	home	1
2026-01-30 06:00:00	1	home	1
2026-01-30 09:00:00	1	home	1
2026-01-30 12:00:00	1	home	1
2026-01-30 15:00:00	1	home	1
2026-01-30 18:00:00	1	home	1
2026-01-30 21:00:00	1	home	1
2026-01-31 00:00:00	1	home	1
2026-01-31 03:00:00	1	home	1
2026-01-31 06:00:00	1	home	1
2026-01-31 09:00:00	1	home	1
2026-01-31 12:00:00	1	home	1
2026-01-31 15:00:00	1	home	1
2026-01-31 18:00:00	1	home	1
2026-01-31 21:00:00	1	home	1
2026-02-01 00:00:00	1	home	1
2026-02-01 03:00:00	1	home	1
2026-02-01 06:00:00	1	home	1
2026-02-01 09:00:00	1	home	1
\.


--
-- Data for Name: kept; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.kept (name, s) FROM stdin;
orders	[["2026-01-01T01:37:00Z", 1], ["2026-01-01T03:14:00Z", 2], ["2026-01-01T04:51:00Z", 3], ["2026-01-01T06:28:00Z", 4], ["2026-01-01T08:05:00Z", 5], ["2026-01-01T09:42:00Z", 6], ["2026-01-01T11:19:00Z", 7], ["2026-01-01T12:56:00Z", 8], ["2026-01-01T14:33:00Z", 9], ["2026-01-01T16:10:00Z", 10], ["2026-01-01T17:47:00Z", 11], ["2026-01-01T19:24:00Z", 12], ["2026-01-01T21:01:00Z", 13], ["2026-01-01T22:38:00Z", 14], ["2026-01-02T00:15:00Z", 15], ["2026-01-02T01:52:00Z", 16], ["2026-01-02T03:29:00Z", 17], ["2026-01-02T05:06:00Z", 18], ["2026-01-02T06:43:00Z", 19], ["2026-01-02T08:20:00Z", 20], ["2026-01-02T09:57:00Z", 21], ["2026-01-02T11:34:00Z", 22], ["2026-01-02T13:11:00Z", 23], ["2026-01-02T14:48:00Z", 24], ["2026-01-02T16:25:00Z", 25], ["2026-01-02T18:02:00Z", 26], ["2026-01-02T19:39:00Z", 27], ["2026-01-02T21:16:00Z", 28], ["2026-01-02T22:53:00Z", 29], ["2026-01-03T00:30:00Z", 30], ["2026-01-03T02:07:00Z", 31], ["2026-01-03T03:44:00Z", 32], ["2026-01-03T05:21:00Z", 33], ["2026-01-03T06:58:00Z", 34], ["2026-01-03T08:35:00Z", 35], ["2026-01-03T10:12:00Z", 36], ["2026-01-03T11:49:00Z", 37], ["2026-01-03T13:26:00Z", 38], ["2026-01-03T15:03:00Z", 39], ["2026-01-03T16:40:00Z", 40], ["2026-01-03T18:17:00Z", 41], ["2026-01-03T19:54:00Z", 42], ["2026-01-03T21:31:00Z", 43], ["2026-01-03T23:08:00Z", 44], ["2026-01-04T00:45:00Z", 45], ["2026-01-04T02:22:00Z", 46], ["2026-01-04T03:59:00Z", 47], ["2026-01-04T05:36:00Z", 48], ["2026-01-04T07:13:00Z", 49], ["2026-01-04T08:50:00Z", 50], ["2026-01-04T10:27:00Z", 51], ["2026-01-04T12:04:00Z", 52], ["2026-01-04T13:41:00Z", 53], ["2026-01-04T15:18:00Z", 54], ["2026-01-04T16:55:00Z", 55], ["2026-01-04T18:32:00Z", 56], ["2026-01-04T20:09:00Z", 57], ["2026-01-04T21:46:00Z", 58], ["2026-01-04T23:23:00Z", 59], ["2026-01-05T01:00:00Z", 60], ["2026-01-05T02:37:00Z", 61], ["2026-01-05T04:14:00Z", 62], ["2026-01-05T05:51:00Z", 63], ["2026-01-05T07:28:00Z", 64], ["2026-01-05T09:05:00Z", 65], ["2026-01-05T10:42:00Z", 66], ["2026-01-05T12:19:00Z", 67], ["2026-01-05T13:56:00Z", 68], ["2026-01-05T15:33:00Z", 69], ["2026-01-05T17:10:00Z", 70], ["2026-01-05T18:47:00Z", 71], ["2026-01-05T20:24:00Z", 72], ["2026-01-05T22:01:00Z", 73], ["2026-01-05T23:38:00Z", 74], ["2026-01-06T01:15:00Z", 75], ["2026-01-06T02:52:00Z", 76], ["2026-01-06T04:29:00Z", 77], ["2026-01-06T06:06:00Z", 78], ["2026-01-06T07:43:00Z", 79], ["2026-01-06T09:20:00Z", 80], ["2026-01-06T10:57:00Z", 81], ["2026-01-06T12:34:00Z", 82], ["2026-01-06T14:11:00Z", 83], ["2026-01-06T15:48:00Z", 84], ["2026-01-06T17:25:00Z", 85], ["2026-01-06T19:02:00Z", 86], ["2026-01-06T20:39:00Z", 87], ["2026-01-06T22:16:00Z", 88], ["2026-01-06T23:53:00Z", 89], ["2026-01-07T01:30:00Z", 0]]
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.orders (id, at, region, amount, late) FROM stdin;
1	2026-01-01 01:37:00+00	south	1	f
2	2026-01-01 03:14:00+00	north	2	f
3	2026-01-01 04:51:00+00	south	3	f
4	2026-01-01 06:28:00+00	north	4	f
5	2026-01-01 08:05:00+00	south	5	f
6	2026-01-01 09:42:00+00	north	6	f
7	2026-01-01 11:19:00+00	south	7	t
8	2026-01-01 12:56:00+00	north	8	f
9	2026-01-01 14:33:00+00	south	9	f
10	2026-01-01 16:10:00+00	north	10	f
11	2026-01-01 17:47:00+00	south	11	f
12	2026-01-01 19:24:00+00	north	12	f
13	2026-01-01 21:01:00+00	south	13	f
14	2026-01-01 22:38:00+00	north	14	t
15	2026-01-02 00:15:00+00	south	15	f
16	2026-01-02 01:52:00+00	north	16	f
17	2026-01-02 03:29:00+00	south	17	f
18	2026-01-02 05:06:00+00	north	18	f
19	2026-01-02 06:43:00+00	south	19	f
20	2026-01-02 08:20:00+00	north	20	f
21	2026-01-02 09:57:00+00	south	21	t
22	2026-01-02 11:34:00+00	north	22	f
23	2026-01-02 13:11:00+00	south	23	f
24	2026-01-02 14:48:00+00	north	24	f
25	2026-01-02 16:25:00+00	south	25	f
26	2026-01-02 18:02:00+00	north	26	f
27	2026-01-02 19:39:00+00	south	27	f
28	2026-01-02 21:16:00+00	north	28	t
29	2026-01-02 22:53:00+00	south	29	f
30	2026-01-03 00:30:00+00	north	30	f
31	2026-01-03 02:07:00+00	south	31	f
32	2026-01-03 03:44:00+00	north	32	f
33	2026-01-03 05:21:00+00	south	33	f
34	2026-01-03 06:58:00+00	north	34	f
35	2026-01-03 08:35:00+00	south	35	t
36	2026-01-03 10:12:00+00	north	36	f
37	2026-01-03 11:49:00+00	south	37	f
38	2026-01-03 13:26:00+00	north	38	f
39	2026-01-03 15:03:00+00	south	39	f
40	2026-01-03 16:40:00+00	north	40	f
41	2026-01-03 18:17:00+00	south	41	f
42	2026-01-03 19:54:00+00	north	42	t
43	2026-01-03 21:31:00+00	south	43	f
44	2026-01-03 23:08:00+00	north	44	f
45	2026-01-04 00:45:00+00	south	45	f
46	2026-01-04 02:22:00+00	north	46	f
47	2026-01-04 03:59:00+00	south	47	f
48	2026-01-04 05:36:00+00	north	48	f
49	2026-01-04 07:13:00+00	south	49	t
50	2026-01-04 08:50:00+00	north	50	f
51	2026-01-04 10:27:00+00	south	51	f
52	2026-01-04 12:04:00+00	north	52	f
53	2026-01-04 13:41:00+00	south	53	f
54	2026-01-04 15:18:00+00	north	54	f
55	2026-01-04 16:55:00+00	south	55	f
56	2026-01-04 18:32:00+00	north	56	t
57	2026-01-04 20:09:00+00	south	57	f
58	2026-01-04 21:46:00+00	north	58	f
59	2026-01-04 23:23:00+00	south	59	f
60	2026-01-05 01:00:00+00	north	60	f
61	2026-01-05 02:37:00+00	south	61	f
62	2026-01-05 04:14:00+00	north	62	f
63	2026-01-05 05:51:00+00	south	63	t
64	2026-01-05 07:28:00+00	north	64	f
65	2026-01-05 09:05:00+00	south	65	f
66	2026-01-05 10:42:00+00	north	66	f
67	2026-01-05 12:19:00+00	south	67	f
68	2026-01-05 13:56:00+00	north	68	f
69	2026-01-05 15:33:00+00	south	69	f
70	2026-01-05 17:10:00+00	north	70	t
71	2026-01-05 18:47:00+00	south	71	f
72	2026-01-05 20:24:00+00	north	72	f
73	2026-01-05 22:01:00+00	south	73	f
74	2026-01-05 23:38:00+00	north	74	f
75	2026-01-06 01:15:00+00	south	75	f
76	2026-01-06 02:52:00+00	north	76	f
77	2026-01-06 04:29:00+00	south	77	t
78	2026-01-06 06:06:00+00	north	78	f
79	2026-01-06 07:43:00+00	south	79	f
80	2026-01-06 09:20:00+00	north	80	f
81	2026-01-06 10:57:00+00	south	81	f
82	2026-01-06 12:34:00+00	north	82	f
83	2026-01-06 14:11:00+00	south	83	f
84	2026-01-06 15:48:00+00	north	84	t
85	2026-01-06 17:25:00+00	south	85	f
86	2026-01-06 19:02:00+00	north	86	f
87	2026-01-06 20:39:00+00	south	87	f
88	2026-01-06 22:16:00+00	north	88	f
89	2026-01-06 23:53:00+00	south	89	f
90	2026-01-07 01:30:00+00	north	0	f
1000	2026-01-03 04:05:00+00	south	77	t
\.


--
-- Data for Name: visit_01; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.visit_01 (at, page) FROM stdin;
2026-01-20 00:00:00	home
2026-01-20 03:00:00	home
2026-01-20 06:00:00	home
2026-01-20 09:00:00	home
2026-01-20 12:00:00	home
2026-01-20 15:00:00	home
2026-01-20 18:00:00	home
2026-01-20 21:00:00	home
2026-01-21 00:00:00	home
2026-01-21 03:00:00	home
2026-01-21 06:00:00	home
2026-01-21 09:00:00	home
2026-01-21 12:00:00	home
2026-01-21 15:00:00	home
2026-01-21 18:00:00	home
2026-01-21 21:00:00	home
2026-01-22 00:00:00	home
2026-01-22 03:00:00	home
2026-01-22 06:00:00	home
2026-01-22 09:00:00	home
2026-01-22 12:00:00	home
2026-01-22 15:00:00	home
2026-01-22 18:00:00	home
2026-01-22 21:00:00	home
2026-01-23 00:00:00	home
2026-01-23 03:00:00	home
2026-01-23 06:00:00	home
2026-01-23 09:00:00	home
2026-01-23 12:00:00	home
2026-01-23 15:00:00	home
2026-01-23 18:00:00	home
2026-01-23 21:00:00	home
2026-01-24 00:00:00	home
2026-01-24 03:00:00	home
2026-01-24 06:00:00	home
2026-01-24 09:00:00	home
2026-01-24 12:00:00	home
2026-01-24 15:00:00	home
2026-01-24 18:00:00	home
2026-01-24 21:00:00	home
2026-01-25 00:00:00	home
2026-01-25 03:00:00	home
2026-01-25 06:00:00	home
2026-01-25 09:00:00	home
2026-01-25 12:00:00	home
2026-01-25 15:00:00	home
2026-01-25 18:00:00	home
2026-01-25 21:00:00	home
2026-01-26 00:00:00	home
2026-01-26 03:00:00	home
2026-01-26 06:00:00	home
2026-01-26 09:00:00	home
2026-01-26 12:00:00	home
2026-01-26 15:00:00	home
2026-01-26 18:00:00	home
2026-01-26 21:00:00	home
2026-01-27 00:00:00	home
2026-01-27 03:00:00	home
2026-01-27 06:00:00	home
2026-01-27 09:00:00	home
2026-01-27 12:00:00	home
2026-01-27 15:00:00	home
2026-01-27 18:00:00	home
2026-01-27 21:00:00	home
2026-01-28 00:00:00	home
2026-01-28 03:00:00	home
2026-01-28 06:00:00	home
2026-01-28 09:00:00	home
2026-01-28 12:00:00	home
2026-01-28 15:00:00	home
2026-01-28 18:00:00	home
2026-01-28 21:00:00	home
2026-01-29 00:00:00	home
2026-01-29 03:00:00	home
2026-01-29 06:00:00	home
2026-01-29 09:00:00	home
2026-01-29 12:00:00	home
2026-01-29 15:00:00	home
2026-01-29 18:00:00	home
2026-01-29 21:00:00	home
2026-01-30 00:00:00	home
2026-01-30 03:00:00	home
2026-01-30 06:00:00	home
2026-01-30 09:00:00	home
2026-01-30 12:00:00	home
2026-01-30 15:00:00	home
2026-01-30 18:00:00	home
2026-01-30 21:00:00	home
2026-01-31 00:00:00	home
2026-01-31 03:00:00	home
2026-01-31 06:00:00	home
2026-01-31 09:00:00	home
2026-01-31 12:00:00	home
2026-01-31 15:00:00	home
2026-01-31 18:00:00	home
2026-01-31 21:00:00	home
\.


--
-- Data for Name: visit_02; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.visit_02 (at, page) FROM stdin;
2026-02-01 00:00:00	home
2026-02-01 03:00:00	home
2026-02-01 06:00:00	home
2026-02-01 09:00:00	home
\.


--
-- Name: kpi_id_seq; Type: SEQUENCE SET; Schema: kpi; Owner: postgres
--

SELECT pg_catalog.setval('kpi.kpi_id_seq', 6, true);


--
-- Name: source_id_seq; Type: SEQUENCE SET; Schema: kpi; Owner: postgres
--

SELECT pg_catalog.setval('kpi.source_id_seq', 3, true);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: big_day_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX big_day_bucket ON kpi_rollup.big_day USING btree (bucket);


--
-- Name: big_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX big_hour_bucket ON kpi_rollup.big_hour USING btree (bucket);


--
-- Name: big_minute_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX big_minute_bucket ON kpi_rollup.big_minute USING btree (bucket);


--
-- Name: big_quarter_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX big_quarter_hour_bucket ON kpi_rollup.big_quarter_hour USING btree (bucket);


--
-- Name: orders_day_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX orders_day_bucket ON kpi_rollup.orders_day USING btree (bucket);


--
-- Name: orders_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX orders_hour_bucket ON kpi_rollup.orders_hour USING btree (bucket);


--
-- Name: orders_minute_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX orders_minute_bucket ON kpi_rollup.orders_minute USING btree (bucket);


--
-- Name: orders_quarter_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX orders_quarter_hour_bucket ON kpi_rollup.orders_quarter_hour USING btree (bucket);


--
-- Name: visits_day_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX visits_day_bucket ON kpi_rollup.visits_day USING btree (bucket);


--
-- Name: visits_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX visits_hour_bucket ON kpi_rollup.visits_hour USING btree (bucket);


--
-- Name: visits_minute_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX visits_minute_bucket ON kpi_rollup.visits_minute USING btree (bucket);


--
-- Name: visits_quarter_hour_bucket; Type: INDEX; Schema: kpi_rollup; Owner: postgres
--

CREATE INDEX visits_quarter_hour_bucket ON kpi_rollup.visits_quarter_hour USING btree (bucket);


--
-- Name: orders_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX orders_at_idx ON public.orders USING btree (at);


--
-- Name: visit_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX visit_at_idx ON ONLY public.visit USING btree (at);


--
-- Name: visit_01_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX visit_01_at_idx ON public.visit_01 USING btree (at);


--
-- Name: visit_02_at_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX visit_02_at_idx ON public.visit_02 USING btree (at);


--
-- Name: visit_01_at_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.visit_at_idx ATTACH PARTITION public.visit_01_at_idx;


--
-- Name: visit_02_at_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.visit_at_idx ATTACH PARTITION public.visit_02_at_idx;


--
-- Name: orders kpi_capture_1_delete; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_1_delete AFTER DELETE ON public.orders FOR EACH ROW WHEN (kpi._capture(1, old.at)) EXECUTE FUNCTION kpi._captured('1');

ALTER TABLE public.orders ENABLE ALWAYS TRIGGER kpi_capture_1_delete;


--
-- Name: orders kpi_capture_1_insert; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_1_insert AFTER INSERT ON public.orders FOR EACH ROW WHEN (kpi._capture(1, new.at)) EXECUTE FUNCTION kpi._captured('1');

ALTER TABLE public.orders ENABLE ALWAYS TRIGGER kpi_capture_1_insert;


--
-- Name: orders kpi_capture_1_truncate; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_1_truncate AFTER TRUNCATE ON public.orders FOR EACH STATEMENT EXECUTE FUNCTION kpi._captured('1');

ALTER TABLE public.orders ENABLE ALWAYS TRIGGER kpi_capture_1_truncate;


--
-- Name: orders kpi_capture_1_update; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_1_update AFTER UPDATE ON public.orders FOR EACH ROW WHEN (kpi._capture(1, old.at, new.at)) EXECUTE FUNCTION kpi._captured('1');

ALTER TABLE public.orders ENABLE ALWAYS TRIGGER kpi_capture_1_update;


--
-- Name: visit kpi_capture_2_delete; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_2_delete AFTER DELETE ON public.visit FOR EACH ROW WHEN (kpi._capture(2, old.at)) EXECUTE FUNCTION kpi._captured('2');

ALTER TABLE public.visit ENABLE ALWAYS TRIGGER kpi_capture_2_delete;


--
-- Name: visit kpi_capture_2_insert; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_2_insert AFTER INSERT ON public.visit FOR EACH ROW WHEN (kpi._capture(2, new.at)) EXECUTE FUNCTION kpi._captured('2');

ALTER TABLE public.visit ENABLE ALWAYS TRIGGER kpi_capture_2_insert;


--
-- Name: visit_01 kpi_capture_2_truncate; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_2_truncate AFTER TRUNCATE ON public.visit_01 FOR EACH STATEMENT EXECUTE FUNCTION kpi._captured('2');

ALTER TABLE public.visit_01 ENABLE ALWAYS TRIGGER kpi_capture_2_truncate;


--
-- Name: visit_02 kpi_capture_2_truncate; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_2_truncate AFTER TRUNCATE ON public.visit_02 FOR EACH STATEMENT EXECUTE FUNCTION kpi._captured('2');

ALTER TABLE public.visit_02 ENABLE ALWAYS TRIGGER kpi_capture_2_truncate;


--
-- Name: visit kpi_capture_2_update; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER kpi_capture_2_update AFTER UPDATE ON public.visit FOR EACH ROW WHEN (kpi._capture(2, old.at, new.at)) EXECUTE FUNCTION kpi._captured('2');

ALTER TABLE public.visit ENABLE ALWAYS TRIGGER kpi_capture_2_update;


--
-- PostgreSQL database dump complete
--


