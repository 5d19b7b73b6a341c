-- Rows of several features: isolation forests and robust Mahalanobis distances.

-- kpi.forest -------------------------------------------------------------------------------------------------------------

CREATE TYPE kpi.forest;
CREATE FUNCTION kpi.forest_in(cstring) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_in';
COMMENT ON FUNCTION kpi.forest_in(cstring) IS 'text input of kpi.forest';
CREATE FUNCTION kpi.forest_out(kpi.forest) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_out';
COMMENT ON FUNCTION kpi.forest_out(kpi.forest) IS 'text output of kpi.forest';
CREATE FUNCTION kpi.forest_recv(internal) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_recv';
COMMENT ON FUNCTION kpi.forest_recv(internal) IS 'binary input of kpi.forest';
CREATE FUNCTION kpi.forest_send(kpi.forest) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_send';
COMMENT ON FUNCTION kpi.forest_send(kpi.forest) IS 'binary output of kpi.forest';
CREATE TYPE kpi.forest (
    INPUT = kpi.forest_in, OUTPUT = kpi.forest_out, RECEIVE = kpi.forest_recv, SEND = kpi.forest_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE kpi.forest IS 'isolation forest that scores rows of several features, made by kpi.isolation_forest';

CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[]) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[]) IS 'adds a row to isolation_forest(features)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int) IS 'adds a row to isolation_forest(features, trees)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int) IS
    'adds a row to isolation_forest(features, trees, sample)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int, bigint) IS
    'adds a row to isolation_forest(features, trees, sample, seed)';
CREATE FUNCTION kpi.isolation_forest_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_combine';
COMMENT ON FUNCTION kpi.isolation_forest_combine(internal, internal) IS 'merges the samples of two workers';
CREATE FUNCTION kpi.isolation_forest_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_serialize';
COMMENT ON FUNCTION kpi.isolation_forest_serialize(internal) IS 'a worker''s sample as bytes';
CREATE FUNCTION kpi.isolation_forest_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_deserialize';
COMMENT ON FUNCTION kpi.isolation_forest_deserialize(bytea, internal) IS 'a worker''s bytes as a sample';
CREATE FUNCTION kpi.isolation_forest_final(internal) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'kpi_isolation_forest_final';
COMMENT ON FUNCTION kpi.isolation_forest_final(internal) IS 'the forest of a sample; NULL of fewer than two rows';

CREATE AGGREGATE kpi.isolation_forest(features float8[]) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[]) IS
    'an isolation forest of 100 trees, each of a sample of 256 rows; to be read by score and contributions';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int) IS
    'an isolation forest of so many trees, each of a sample of 256 rows';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int, sample int) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int, int) IS
    'an isolation forest of so many trees, each of a sample of so many rows';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int, sample int, seed bigint) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int, int, bigint) IS
    'an isolation forest of so many trees, each of a sample of so many rows; another seed makes another forest';

CREATE FUNCTION kpi.score(forest kpi.forest, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_forest_score';
COMMENT ON FUNCTION kpi.score(kpi.forest, float8[]) IS
    'how easily a row is set apart from those that the forest was made from, in [0, 1]: near 1 for one that stands out, about 0.5 and less for the others; a feature that is NULL or NaN is missing';
CREATE FUNCTION kpi.contributions(forest kpi.forest, features float8[]) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'kpi_forest_contributions';
COMMENT ON FUNCTION kpi.contributions(kpi.forest, float8[]) IS
    'what each feature added to the score: the elements add up to kpi.score(forest, features) less kpi.typical_score(forest)';
CREATE FUNCTION kpi.typical_score(forest kpi.forest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_forest_typical_score';
COMMENT ON FUNCTION kpi.typical_score(kpi.forest) IS
    'the score of a row whose path in the trees is as long as that of the rows they were made from on average';

-- kpi.robust_covariance ----------------------------------------------------------------------------------------------

CREATE TYPE kpi.robust_covariance;
CREATE FUNCTION kpi.robust_covariance_in(cstring) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_in';
COMMENT ON FUNCTION kpi.robust_covariance_in(cstring) IS 'text input of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_out(kpi.robust_covariance) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_out';
COMMENT ON FUNCTION kpi.robust_covariance_out(kpi.robust_covariance) IS 'text output of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_recv(internal) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_recv';
COMMENT ON FUNCTION kpi.robust_covariance_recv(internal) IS 'binary input of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_send(kpi.robust_covariance) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_send';
COMMENT ON FUNCTION kpi.robust_covariance_send(kpi.robust_covariance) IS 'binary output of kpi.robust_covariance';
CREATE TYPE kpi.robust_covariance (
    INPUT = kpi.robust_covariance_in, OUTPUT = kpi.robust_covariance_out,
    RECEIVE = kpi.robust_covariance_recv, SEND = kpi.robust_covariance_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE kpi.robust_covariance IS
    'center and covariance of the bulk of the rows, outliers left out, made by kpi.robust_covariance';

CREATE FUNCTION kpi.robust_covariance_trans(internal, float8[]) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_trans';
COMMENT ON FUNCTION kpi.robust_covariance_trans(internal, float8[]) IS 'adds a row to robust_covariance(features)';
CREATE FUNCTION kpi.robust_covariance_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_combine';
COMMENT ON FUNCTION kpi.robust_covariance_combine(internal, internal) IS 'merges the samples of two workers';
CREATE FUNCTION kpi.robust_covariance_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_serialize';
COMMENT ON FUNCTION kpi.robust_covariance_serialize(internal) IS 'a worker''s sample as bytes';
CREATE FUNCTION kpi.robust_covariance_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_deserialize';
COMMENT ON FUNCTION kpi.robust_covariance_deserialize(bytea, internal) IS 'a worker''s bytes as a sample';
CREATE FUNCTION kpi.robust_covariance_final(internal) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_final';
COMMENT ON FUNCTION kpi.robust_covariance_final(internal) IS
    'center and covariance of a sample; NULL of fewer than twice as many rows as features and two more';

CREATE AGGREGATE kpi.robust_covariance(features float8[]) (
    SFUNC = kpi.robust_covariance_trans, STYPE = internal, SSPACE = 500000, FINALFUNC = kpi.robust_covariance_final,
    COMBINEFUNC = kpi.robust_covariance_combine, SERIALFUNC = kpi.robust_covariance_serialize,
    DESERIALFUNC = kpi.robust_covariance_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.robust_covariance(float8[]) IS
    'center and covariance of the bulk of the rows (minimum covariance determinant), to be read by mahalanobis, score and contributions; rows with a feature that is NULL or not finite are left out';

CREATE FUNCTION kpi.mahalanobis(c kpi.robust_covariance, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_mahalanobis';
COMMENT ON FUNCTION kpi.mahalanobis(kpi.robust_covariance, float8[]) IS
    'distance of a row from the center of the bulk, in its standard deviations; that of the known features where one is NULL or NaN';
CREATE FUNCTION kpi.score(c kpi.robust_covariance, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_score';
COMMENT ON FUNCTION kpi.score(kpi.robust_covariance, float8[]) IS
    'probability that a normal row is nearer to the center, in [0, 1]';
CREATE FUNCTION kpi.contributions(c kpi.robust_covariance, features float8[]) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_contributions';
COMMENT ON FUNCTION kpi.contributions(kpi.robust_covariance, float8[]) IS
    'what each feature adds to the squared distance (its Shapley value): the elements add up to kpi.mahalanobis(c, features)^2';
CREATE FUNCTION kpi.center(c kpi.robust_covariance) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_center';
COMMENT ON FUNCTION kpi.center(kpi.robust_covariance) IS 'center of the bulk, feature by feature';
