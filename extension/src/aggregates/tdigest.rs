//! `tdigest`: percentiles that are most exact at both ends.

use kpi_stats::TDigest;

use super::call::{Call, Returned, float8, sql_functions};
use super::percentile::approx_percentile_array;
use super::{argument, transition, value};

/// `tdigest(n, x)` skips rows in which x is NULL.
fn step(call: &Call) -> Returned {
    let Some(x) = call.float8(2) else {
        return Ok(call.argument(0));
    };
    let n = argument::setting(
        call.int4(1).map(i64::from),
        "the number of centroids of a t-digest",
        "Give the most centroids that it may have: tdigest(100, x).",
    )?;
    transition::step(
        call,
        || Ok(TDigest::new(n)?),
        |digest| {
            if i64::from(digest.capacity()) != n {
                return Err(argument::changed(
                    "the number of centroids of a t-digest",
                    [i64::from(digest.capacity()), n],
                    |n| n.to_string(),
                ));
            }
            digest.add(x);
            Ok(())
        },
    )
}

/// `approx_percentile(p, digest)`.
fn approx_percentile(call: &Call) -> Returned {
    let (Some(p), Some(digest)) = (call.float8(0), value::state::<TDigest>(call, 1)?) else {
        return Ok(None);
    };
    Ok(digest.approx_percentile(p)?.map(float8))
}

/// `approx_percentile_rank(value, digest)`.
fn approx_percentile_rank(call: &Call) -> Returned {
    let (Some(x), Some(digest)) = (call.float8(0), value::state::<TDigest>(call, 1)?) else {
        return Ok(None);
    };
    Ok(digest.approx_percentile_rank(x).map(float8))
}

sql_functions! {
    kpi_tdigest_in, pg_finfo_kpi_tdigest_in: value::input::<TDigest>;
    kpi_tdigest_out, pg_finfo_kpi_tdigest_out: value::output::<TDigest>;
    kpi_tdigest_recv, pg_finfo_kpi_tdigest_recv: value::receive::<TDigest>;
    kpi_tdigest_send, pg_finfo_kpi_tdigest_send: value::send::<TDigest>;
    kpi_tdigest_trans, pg_finfo_kpi_tdigest_trans: step;
    kpi_tdigest_rollup_trans, pg_finfo_kpi_tdigest_rollup_trans: transition::rollup::<TDigest>;
    kpi_tdigest_combine, pg_finfo_kpi_tdigest_combine: transition::combine::<TDigest>;
    kpi_tdigest_serialize, pg_finfo_kpi_tdigest_serialize: transition::serialize::<TDigest>;
    kpi_tdigest_deserialize, pg_finfo_kpi_tdigest_deserialize: transition::deserialize::<TDigest>;
    kpi_tdigest_final, pg_finfo_kpi_tdigest_final: transition::finish_or_null::<TDigest>;

    kpi_tdigest_approx_percentile, pg_finfo_kpi_tdigest_approx_percentile: approx_percentile;
    kpi_tdigest_approx_percentile_array, pg_finfo_kpi_tdigest_approx_percentile_array:
        |call| approx_percentile_array(call, TDigest::approx_percentile);
    kpi_tdigest_approx_percentile_rank, pg_finfo_kpi_tdigest_approx_percentile_rank: approx_percentile_rank;
    kpi_tdigest_num_vals, pg_finfo_kpi_tdigest_num_vals: |call| value::count(call, TDigest::num_vals);
    kpi_tdigest_mean, pg_finfo_kpi_tdigest_mean: |call| value::number(call, TDigest::mean);
    kpi_tdigest_min_val, pg_finfo_kpi_tdigest_min_val:
        |call| value::number(call, |digest: &TDigest| Ok(digest.min_val()));
    kpi_tdigest_max_val, pg_finfo_kpi_tdigest_max_val:
        |call| value::number(call, |digest: &TDigest| Ok(digest.max_val()));
}
