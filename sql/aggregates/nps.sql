-- nps: the net promoter score

CREATE TYPE nps;
CREATE FUNCTION nps_in(cstring) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_in';
CREATE FUNCTION nps_out(nps) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_out';
CREATE FUNCTION nps_recv(internal) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_recv';
CREATE FUNCTION nps_send(nps) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_send';
CREATE TYPE nps (
    INPUT = nps_in, OUTPUT = nps_out, RECEIVE = nps_recv, SEND = nps_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE nps IS 'promoters, passives and detractors, made by kpi.nps_agg(score)';
COMMENT ON FUNCTION nps_in(cstring) IS 'text input of nps';
COMMENT ON FUNCTION nps_out(nps) IS 'text output of nps';
COMMENT ON FUNCTION nps_recv(internal) IS 'binary input of nps';
COMMENT ON FUNCTION nps_send(nps) IS 'binary output of nps';

CREATE FUNCTION nps_trans(internal, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_trans';
COMMENT ON FUNCTION nps_trans(internal, bigint) IS 'adds an answer to nps_agg(score)';

CREATE FUNCTION nps_inverse(internal, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_inverse';
COMMENT ON FUNCTION nps_inverse(internal, bigint) IS 'takes back an answer that has left the window';

CREATE FUNCTION nps_rollup_trans(internal, nps) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_rollup_trans';
COMMENT ON FUNCTION nps_rollup_trans(internal, nps) IS 'adds a stored state to a rollup';

CREATE FUNCTION nps_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_combine';
COMMENT ON FUNCTION nps_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION nps_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_serialize';
COMMENT ON FUNCTION nps_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION nps_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_deserialize';
COMMENT ON FUNCTION nps_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION nps_final(internal) RETURNS nps
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_final';
COMMENT ON FUNCTION nps_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION nps_rollup_final(internal) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_final';
COMMENT ON FUNCTION nps_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE nps_agg(score bigint) (
    SFUNC = nps_trans, STYPE = internal, SSPACE = 24, FINALFUNC = nps_final,
    COMBINEFUNC = nps_combine, SERIALFUNC = nps_serialize, DESERIALFUNC = nps_deserialize,
    MSFUNC = nps_trans, MINVFUNC = nps_inverse, MSTYPE = internal, MSSPACE = 24, MFINALFUNC = nps_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE nps_agg(bigint) IS 'counts answers from 0 to 10 as promoters (9, 10), passives (7, 8) and detractors, to be read by score, margin, ... and merged by rollup';

CREATE AGGREGATE rollup(n nps) (
    SFUNC = nps_rollup_trans, STYPE = internal, SSPACE = 24, FINALFUNC = nps_rollup_final,
    COMBINEFUNC = nps_combine, SERIALFUNC = nps_serialize, DESERIALFUNC = nps_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(nps) IS 'merges states of nps_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_num_vals';
COMMENT ON FUNCTION num_vals(nps) IS 'the number of answers that are not NULL';

CREATE FUNCTION promoters(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_promoters';
COMMENT ON FUNCTION promoters(nps) IS 'answers of 9 and 10';

CREATE FUNCTION passives(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_passives';
COMMENT ON FUNCTION passives(nps) IS 'answers of 7 and 8';

CREATE FUNCTION detractors(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_detractors';
COMMENT ON FUNCTION detractors(nps) IS 'answers of 0 to 6';

CREATE FUNCTION score(n nps) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_score';
COMMENT ON FUNCTION score(nps) IS 'the net promoter score: the percentage of promoters minus that of detractors, from -100 to 100';

CREATE FUNCTION margin(n nps, level float8 DEFAULT 0.95) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_margin';
COMMENT ON FUNCTION margin(nps, float8) IS 'by how much the score of all customers may differ from that of these answers, at a level of confidence';
