-- Two-step aggregates: types, aggregates, rollups and accessors.
--
-- Transition functions are not STRICT, because their state starts as NULL; they skip NULL input themselves. An aggregate
-- over no rows returns an empty state, whose num_vals or distinct_count is 0 and whose other accessors give NULL; a rollup
-- of no states returns NULL. SSPACE tells the planner what a group really takes, so that it does not plan a hash
-- aggregate that cannot fit.

-- stats1d: moments of one variable

CREATE TYPE stats1d;
CREATE FUNCTION stats1d_in(cstring) RETURNS stats1d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_in';
CREATE FUNCTION stats1d_out(stats1d) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_out';
CREATE FUNCTION stats1d_recv(internal) RETURNS stats1d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_recv';
CREATE FUNCTION stats1d_send(stats1d) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_send';
CREATE TYPE stats1d (
    INPUT = stats1d_in, OUTPUT = stats1d_out, RECEIVE = stats1d_recv, SEND = stats1d_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE stats1d IS 'count, sum and moments of one variable, made by kpi.stats_agg(x)';
COMMENT ON FUNCTION stats1d_in(cstring) IS 'text input of stats1d';
COMMENT ON FUNCTION stats1d_out(stats1d) IS 'text output of stats1d';
COMMENT ON FUNCTION stats1d_recv(internal) IS 'binary input of stats1d';
COMMENT ON FUNCTION stats1d_send(stats1d) IS 'binary output of stats1d';

CREATE FUNCTION stats1d_trans(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_trans';
COMMENT ON FUNCTION stats1d_trans(internal, float8) IS 'adds a value to stats_agg(x)';

CREATE FUNCTION stats1d_rollup_trans(internal, stats1d) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_rollup_trans';
COMMENT ON FUNCTION stats1d_rollup_trans(internal, stats1d) IS 'adds a stored state to a rollup';

CREATE FUNCTION stats1d_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_combine';
COMMENT ON FUNCTION stats1d_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION stats1d_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_serialize';
COMMENT ON FUNCTION stats1d_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION stats1d_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_deserialize';
COMMENT ON FUNCTION stats1d_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION stats1d_final(internal) RETURNS stats1d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_final';
COMMENT ON FUNCTION stats1d_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION stats1d_rollup_final(internal) RETURNS stats1d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_final';
COMMENT ON FUNCTION stats1d_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE FUNCTION stats1d_moving(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_moving';
COMMENT ON FUNCTION stats1d_moving(internal, float8) IS 'adds a value to a window that moves';

CREATE FUNCTION stats1d_inverse(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_inverse';
COMMENT ON FUNCTION stats1d_inverse(internal, float8) IS 'takes a value away from a window that moves, NULL where the state has to be made anew';

CREATE FUNCTION stats1d_moving_final(internal) RETURNS stats1d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_moving_final';
COMMENT ON FUNCTION stats1d_moving_final(internal) IS 'the state of a window that moves';

CREATE AGGREGATE stats_agg(x float8) (
    SFUNC = stats1d_trans, STYPE = internal, SSPACE = 96, FINALFUNC = stats1d_final,
    COMBINEFUNC = stats1d_combine, SERIALFUNC = stats1d_serialize, DESERIALFUNC = stats1d_deserialize,
    MSFUNC = stats1d_moving, MINVFUNC = stats1d_inverse, MSTYPE = internal, MSSPACE = 256, MFINALFUNC = stats1d_moving_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stats_agg(float8) IS 'count, sum, mean and moments of x, to be read by average, stddev, skewness, ... and merged by rollup';

CREATE AGGREGATE rollup(s stats1d) (
    SFUNC = stats1d_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = stats1d_rollup_final,
    COMBINEFUNC = stats1d_combine, SERIALFUNC = stats1d_serialize, DESERIALFUNC = stats1d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(stats1d) IS 'merges states of stats_agg(x) into one, as if it had seen all their rows';

CREATE AGGREGATE rolling(s stats1d) (
    SFUNC = stats1d_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = stats1d_rollup_final,
    COMBINEFUNC = stats1d_combine, SERIALFUNC = stats1d_serialize, DESERIALFUNC = stats1d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rolling(stats1d) IS 'rollup under the name that it has in windows: merges states of stats_agg(x)';

CREATE FUNCTION num_vals(s stats1d) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_num_vals';
COMMENT ON FUNCTION num_vals(stats1d) IS 'the number of values that are not NULL';

CREATE FUNCTION sum(s stats1d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_sum';
COMMENT ON FUNCTION sum(stats1d) IS 'the sum of the values';

CREATE FUNCTION average(s stats1d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_average';
COMMENT ON FUNCTION average(stats1d) IS 'the arithmetic mean of the values';

CREATE FUNCTION variance(s stats1d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_variance';
COMMENT ON FUNCTION variance(stats1d, text) IS 'the variance: sample (divides by n - 1) or population (divides by n)';

CREATE FUNCTION stddev(s stats1d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_stddev';
COMMENT ON FUNCTION stddev(stats1d, text) IS 'the standard deviation: sample or population';

CREATE FUNCTION skewness(s stats1d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_skewness';
COMMENT ON FUNCTION skewness(stats1d, text) IS 'the third standardised moment: 0 when symmetric, positive with a long tail to the right';

CREATE FUNCTION kurtosis(s stats1d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_kurtosis';
COMMENT ON FUNCTION kurtosis(stats1d, text) IS 'the fourth standardised moment: 3 for a normal distribution, more with heavy tails';

-- stats2d: moments of two variables, correlation and linear regression

CREATE TYPE stats2d;
CREATE FUNCTION stats2d_in(cstring) RETURNS stats2d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_in';
CREATE FUNCTION stats2d_out(stats2d) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_out';
CREATE FUNCTION stats2d_recv(internal) RETURNS stats2d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_recv';
CREATE FUNCTION stats2d_send(stats2d) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_send';
CREATE TYPE stats2d (
    INPUT = stats2d_in, OUTPUT = stats2d_out, RECEIVE = stats2d_recv, SEND = stats2d_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE stats2d IS 'moments and co-moment of two variables, made by kpi.stats_agg(y, x)';
COMMENT ON FUNCTION stats2d_in(cstring) IS 'text input of stats2d';
COMMENT ON FUNCTION stats2d_out(stats2d) IS 'text output of stats2d';
COMMENT ON FUNCTION stats2d_recv(internal) IS 'binary input of stats2d';
COMMENT ON FUNCTION stats2d_send(stats2d) IS 'binary output of stats2d';

CREATE FUNCTION stats2d_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_trans';
COMMENT ON FUNCTION stats2d_trans(internal, float8, float8) IS 'adds a pair to stats_agg(y, x)';

CREATE FUNCTION stats2d_rollup_trans(internal, stats2d) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_rollup_trans';
COMMENT ON FUNCTION stats2d_rollup_trans(internal, stats2d) IS 'adds a stored state to a rollup';

CREATE FUNCTION stats2d_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_combine';
COMMENT ON FUNCTION stats2d_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION stats2d_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_serialize';
COMMENT ON FUNCTION stats2d_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION stats2d_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_deserialize';
COMMENT ON FUNCTION stats2d_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION stats2d_final(internal) RETURNS stats2d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_final';
COMMENT ON FUNCTION stats2d_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION stats2d_rollup_final(internal) RETURNS stats2d
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_final';
COMMENT ON FUNCTION stats2d_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE FUNCTION stats2d_moving(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_moving';
COMMENT ON FUNCTION stats2d_moving(internal, float8, float8) IS 'adds a pair to a window that moves';

CREATE FUNCTION stats2d_inverse(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_inverse';
COMMENT ON FUNCTION stats2d_inverse(internal, float8, float8) IS 'takes a pair away from a window that moves, NULL where the state has to be made anew';

CREATE FUNCTION stats2d_moving_final(internal) RETURNS stats2d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_moving_final';
COMMENT ON FUNCTION stats2d_moving_final(internal) IS 'the state of a window that moves';

CREATE AGGREGATE stats_agg(y float8, x float8) (
    SFUNC = stats2d_trans, STYPE = internal, SSPACE = 192, FINALFUNC = stats2d_final,
    COMBINEFUNC = stats2d_combine, SERIALFUNC = stats2d_serialize, DESERIALFUNC = stats2d_deserialize,
    MSFUNC = stats2d_moving, MINVFUNC = stats2d_inverse, MSTYPE = internal, MSSPACE = 512, MFINALFUNC = stats2d_moving_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stats_agg(float8, float8) IS 'moments of the dependent y and the independent x, to be read by corr, slope, covariance, ... and merged by rollup';

CREATE AGGREGATE rollup(s stats2d) (
    SFUNC = stats2d_rollup_trans, STYPE = internal, SSPACE = 192, FINALFUNC = stats2d_rollup_final,
    COMBINEFUNC = stats2d_combine, SERIALFUNC = stats2d_serialize, DESERIALFUNC = stats2d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(stats2d) IS 'merges states of stats_agg(y, x) into one, as if it had seen all their rows';

CREATE AGGREGATE rolling(s stats2d) (
    SFUNC = stats2d_rollup_trans, STYPE = internal, SSPACE = 192, FINALFUNC = stats2d_rollup_final,
    COMBINEFUNC = stats2d_combine, SERIALFUNC = stats2d_serialize, DESERIALFUNC = stats2d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rolling(stats2d) IS 'rollup under the name that it has in windows: merges states of stats_agg(y, x)';

CREATE FUNCTION num_vals(s stats2d) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_num_vals';
COMMENT ON FUNCTION num_vals(stats2d) IS 'the number of pairs without NULL';

CREATE FUNCTION sum_x(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_sum_x';
COMMENT ON FUNCTION sum_x(stats2d) IS 'the sum of the independent variable x';

CREATE FUNCTION average_x(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_average_x';
COMMENT ON FUNCTION average_x(stats2d) IS 'the mean of the independent variable x';

CREATE FUNCTION variance_x(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_variance_x';
COMMENT ON FUNCTION variance_x(stats2d, text) IS 'the variance of the independent variable x: sample or population';

CREATE FUNCTION stddev_x(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_stddev_x';
COMMENT ON FUNCTION stddev_x(stats2d, text) IS 'the standard deviation of the independent variable x: sample or population';

CREATE FUNCTION skewness_x(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_skewness_x';
COMMENT ON FUNCTION skewness_x(stats2d, text) IS 'the skewness of the independent variable x: sample or population';

CREATE FUNCTION kurtosis_x(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_kurtosis_x';
COMMENT ON FUNCTION kurtosis_x(stats2d, text) IS 'the kurtosis (3 for a normal distribution) of the independent variable x: sample or population';

CREATE FUNCTION sum_y(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_sum_y';
COMMENT ON FUNCTION sum_y(stats2d) IS 'the sum of the dependent variable y';

CREATE FUNCTION average_y(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_average_y';
COMMENT ON FUNCTION average_y(stats2d) IS 'the mean of the dependent variable y';

CREATE FUNCTION variance_y(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_variance_y';
COMMENT ON FUNCTION variance_y(stats2d, text) IS 'the variance of the dependent variable y: sample or population';

CREATE FUNCTION stddev_y(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_stddev_y';
COMMENT ON FUNCTION stddev_y(stats2d, text) IS 'the standard deviation of the dependent variable y: sample or population';

CREATE FUNCTION skewness_y(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_skewness_y';
COMMENT ON FUNCTION skewness_y(stats2d, text) IS 'the skewness of the dependent variable y: sample or population';

CREATE FUNCTION kurtosis_y(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_kurtosis_y';
COMMENT ON FUNCTION kurtosis_y(stats2d, text) IS 'the kurtosis (3 for a normal distribution) of the dependent variable y: sample or population';

CREATE FUNCTION slope(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_slope';
COMMENT ON FUNCTION slope(stats2d) IS 'the slope of the least-squares line of y on x, as regr_slope';

CREATE FUNCTION intercept(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_intercept';
COMMENT ON FUNCTION intercept(stats2d) IS 'the value of the least-squares line at x = 0, as regr_intercept';

CREATE FUNCTION x_intercept(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_x_intercept';
COMMENT ON FUNCTION x_intercept(stats2d) IS 'where the least-squares line crosses y = 0; NULL for a level line';

CREATE FUNCTION corr(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_corr';
COMMENT ON FUNCTION corr(stats2d) IS 'Pearson''s correlation of y and x, as corr';

CREATE FUNCTION covariance(s stats2d, method text DEFAULT 'sample') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_covariance';
COMMENT ON FUNCTION covariance(stats2d, text) IS 'the covariance of y and x: sample (as covar_samp) or population (as covar_pop)';

CREATE FUNCTION determination_coeff(s stats2d) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_determination_coeff';
COMMENT ON FUNCTION determination_coeff(stats2d) IS 'the coefficient of determination R squared, as regr_r2';

-- uddsketch: percentiles with a bounded relative error

CREATE TYPE uddsketch;
CREATE FUNCTION uddsketch_in(cstring) RETURNS uddsketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_in';
CREATE FUNCTION uddsketch_out(uddsketch) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_out';
CREATE FUNCTION uddsketch_recv(internal) RETURNS uddsketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_recv';
CREATE FUNCTION uddsketch_send(uddsketch) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_send';
CREATE TYPE uddsketch (
    INPUT = uddsketch_in, OUTPUT = uddsketch_out, RECEIVE = uddsketch_recv, SEND = uddsketch_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE uddsketch IS 'the distribution of a variable with a bounded relative error, made by kpi.percentile_agg(x)';
COMMENT ON FUNCTION uddsketch_in(cstring) IS 'text input of uddsketch';
COMMENT ON FUNCTION uddsketch_out(uddsketch) IS 'text output of uddsketch';
COMMENT ON FUNCTION uddsketch_recv(internal) IS 'binary input of uddsketch';
COMMENT ON FUNCTION uddsketch_send(uddsketch) IS 'binary output of uddsketch';

CREATE FUNCTION uddsketch_trans(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_trans';
COMMENT ON FUNCTION uddsketch_trans(internal, float8) IS 'adds a value to percentile_agg(x)';

CREATE FUNCTION uddsketch_rollup_trans(internal, uddsketch) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_rollup_trans';
COMMENT ON FUNCTION uddsketch_rollup_trans(internal, uddsketch) IS 'adds a stored state to a rollup';

CREATE FUNCTION uddsketch_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_combine';
COMMENT ON FUNCTION uddsketch_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION uddsketch_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_serialize';
COMMENT ON FUNCTION uddsketch_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION uddsketch_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_deserialize';
COMMENT ON FUNCTION uddsketch_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION uddsketch_final(internal) RETURNS uddsketch
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_final';
COMMENT ON FUNCTION uddsketch_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION uddsketch_rollup_final(internal) RETURNS uddsketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_final';
COMMENT ON FUNCTION uddsketch_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE percentile_agg(x float8) (
    SFUNC = uddsketch_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = uddsketch_final,
    COMBINEFUNC = uddsketch_combine, SERIALFUNC = uddsketch_serialize, DESERIALFUNC = uddsketch_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE percentile_agg(float8) IS 'sketch of the distribution of x, to be read by approx_percentile, approx_percentile_rank, ... and merged by rollup';

CREATE AGGREGATE rollup(s uddsketch) (
    SFUNC = uddsketch_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = uddsketch_rollup_final,
    COMBINEFUNC = uddsketch_combine, SERIALFUNC = uddsketch_serialize, DESERIALFUNC = uddsketch_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(uddsketch) IS 'merges sketches of percentile_agg(x) into one, as if it had seen all their rows';

CREATE FUNCTION approx_percentile(p float8, sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_approx_percentile';
COMMENT ON FUNCTION approx_percentile(float8, uddsketch) IS 'the value below which the fraction p (0 to 1) of the values lies, as percentile_cont, with the relative error that error(sketch) tells';

CREATE FUNCTION uddsketch_sized_trans(internal, int, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_sized_trans';
COMMENT ON FUNCTION uddsketch_sized_trans(internal, int, float8, float8) IS 'adds a value to uddsketch(size, max_error, x)';

CREATE FUNCTION uddsketch_final_or_null(internal) RETURNS uddsketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_final_or_null';
COMMENT ON FUNCTION uddsketch_final_or_null(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE AGGREGATE uddsketch(size int, max_error float8, x float8) (
    SFUNC = uddsketch_sized_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = uddsketch_final_or_null,
    COMBINEFUNC = uddsketch_combine, SERIALFUNC = uddsketch_serialize, DESERIALFUNC = uddsketch_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uddsketch(int, float8, float8) IS 'as percentile_agg(x), in at most size buckets, which start with a relative error of at most max_error';

CREATE FUNCTION approx_percentile_array(percentiles float8[], sketch uddsketch) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_approx_percentile_array';
COMMENT ON FUNCTION approx_percentile_array(float8[], uddsketch) IS 'approx_percentile for each of many fractions';

CREATE FUNCTION approx_percentile_rank(value float8, sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_approx_percentile_rank';
COMMENT ON FUNCTION approx_percentile_rank(float8, uddsketch) IS 'the fraction (0 to 1) of the values that are at most value';

CREATE FUNCTION num_vals(sketch uddsketch) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_num_vals';
COMMENT ON FUNCTION num_vals(uddsketch) IS 'the number of values that are not NULL';

CREATE FUNCTION error(sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_error';
COMMENT ON FUNCTION error(uddsketch) IS 'the largest relative error that approx_percentile can have on this sketch';

CREATE FUNCTION mean(sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_mean';
COMMENT ON FUNCTION mean(uddsketch) IS 'the arithmetic mean of the values, exact up to rounding';

CREATE FUNCTION min_val(sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_min_val';
COMMENT ON FUNCTION min_val(uddsketch) IS 'the smallest value, exact';

CREATE FUNCTION max_val(sketch uddsketch) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_max_val';
COMMENT ON FUNCTION max_val(uddsketch) IS 'the largest value, exact; NaN counts as the largest';

-- hyperloglog: approximate counts of distinct values

CREATE TYPE hyperloglog;
CREATE FUNCTION hyperloglog_in(cstring) RETURNS hyperloglog
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_in';
CREATE FUNCTION hyperloglog_out(hyperloglog) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_out';
CREATE FUNCTION hyperloglog_recv(internal) RETURNS hyperloglog
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_recv';
CREATE FUNCTION hyperloglog_send(hyperloglog) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_send';
CREATE TYPE hyperloglog (
    INPUT = hyperloglog_in, OUTPUT = hyperloglog_out, RECEIVE = hyperloglog_recv, SEND = hyperloglog_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE hyperloglog IS 'a set of hashed values for an approximate count of the distinct ones, made by kpi.approx_count_distinct(x)';
COMMENT ON FUNCTION hyperloglog_in(cstring) IS 'text input of hyperloglog';
COMMENT ON FUNCTION hyperloglog_out(hyperloglog) IS 'text output of hyperloglog';
COMMENT ON FUNCTION hyperloglog_recv(internal) IS 'binary input of hyperloglog';
COMMENT ON FUNCTION hyperloglog_send(hyperloglog) IS 'binary output of hyperloglog';

CREATE FUNCTION approx_count_distinct_trans(internal, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_approx_count_distinct_trans';
COMMENT ON FUNCTION approx_count_distinct_trans(internal, anyelement) IS 'adds a value to approx_count_distinct(x)';

CREATE FUNCTION hyperloglog_trans(internal, int, anyelement) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_trans';
COMMENT ON FUNCTION hyperloglog_trans(internal, int, anyelement) IS 'adds a value to hyperloglog(size, x)';

CREATE FUNCTION hyperloglog_rollup_trans(internal, hyperloglog) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_rollup_trans';
COMMENT ON FUNCTION hyperloglog_rollup_trans(internal, hyperloglog) IS 'adds a stored state to a rollup';

CREATE FUNCTION hyperloglog_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_combine';
COMMENT ON FUNCTION hyperloglog_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION hyperloglog_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_serialize';
COMMENT ON FUNCTION hyperloglog_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION hyperloglog_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_deserialize';
COMMENT ON FUNCTION hyperloglog_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION hyperloglog_final(internal) RETURNS hyperloglog
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_final';
COMMENT ON FUNCTION hyperloglog_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION hyperloglog_rollup_final(internal) RETURNS hyperloglog
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_final';
COMMENT ON FUNCTION hyperloglog_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE FUNCTION approx_count_distinct_final(internal) RETURNS hyperloglog
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_approx_count_distinct_final';
COMMENT ON FUNCTION approx_count_distinct_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE AGGREGATE approx_count_distinct(x anyelement) (
    SFUNC = approx_count_distinct_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = approx_count_distinct_final,
    COMBINEFUNC = hyperloglog_combine, SERIALFUNC = hyperloglog_serialize, DESERIALFUNC = hyperloglog_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE approx_count_distinct(anyelement) IS 'state with 16384 registers for an approximate count of the distinct values of x, to be read by distinct_count and merged by rollup';

CREATE AGGREGATE hyperloglog(size int, x anyelement) (
    SFUNC = hyperloglog_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = hyperloglog_final,
    COMBINEFUNC = hyperloglog_combine, SERIALFUNC = hyperloglog_serialize, DESERIALFUNC = hyperloglog_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE hyperloglog(int, anyelement) IS 'the same as approx_count_distinct with size registers (16 to 262144, rounded up to a power of two)';

CREATE AGGREGATE rollup(h hyperloglog) (
    SFUNC = hyperloglog_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = hyperloglog_rollup_final,
    COMBINEFUNC = hyperloglog_combine, SERIALFUNC = hyperloglog_serialize, DESERIALFUNC = hyperloglog_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(hyperloglog) IS 'merges states of approx_count_distinct or hyperloglog into one, as if it had seen all their rows; the smallest number of registers wins';

CREATE FUNCTION distinct_count(h hyperloglog) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_distinct_count';
COMMENT ON FUNCTION distinct_count(hyperloglog) IS 'the estimated number of distinct values that are not NULL';

CREATE FUNCTION stderror(h hyperloglog) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_stderror';
COMMENT ON FUNCTION stderror(hyperloglog) IS 'the relative standard error of distinct_count: 1.04 / sqrt(registers)';

CREATE FUNCTION intersection(a hyperloglog, b hyperloglog, OUT count bigint, OUT standard_error float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_intersection';
COMMENT ON FUNCTION intersection(hyperloglog, hyperloglog) IS 'the estimated number of distinct values that are in both, and the standard error of that number';
