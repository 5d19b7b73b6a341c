-- Two KPIs over own.data.
\set ON_ERROR_STOP on
\o /dev/null
SELECT kpi.create_source('own', 'own.data', 'time',
                         (SELECT coalesce(array_agg(quote_ident(d)), '{}') FROM unnest(:'dimensions'::text[]) d));
SELECT kpi.create_kpi('own_sum', 'own', 'sum(value)', name => 'Sum of value');
SELECT kpi.create_kpi('own_avg', 'own', 'avg(value)', name => 'Average of value');
SELECT kpi.refresh('own');
\o
