//! `nps_agg`: the net promoter score.

use kpi_stats::Nps;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, transition, value};

/// `nps_agg(score)` skips NULL; it makes a state nevertheless, since a moving window must have one.
fn step(call: &Call) -> Returned {
    let score = argument::int8(call, 1);
    transition::step(
        call,
        || Ok(Nps::default()),
        |nps| match score {
            Some(score) => Ok(nps.add(score)?),
            None => Ok(()),
        },
    )
}

/// Takes a row back that [`step`] added.
fn inverse(call: &Call) -> Returned {
    if let (Some(state), Some(score)) = (call.argument(0), argument::int8(call, 1)) {
        transition::state_mut::<Nps>(state).remove(score)?;
    }
    Ok(call.argument(0))
}

/// `margin(nps, level)`.
fn margin(call: &Call) -> Returned {
    let (Some(nps), Some(level)) = (value::state::<Nps>(call, 0)?, call.float8(1)) else {
        return Ok(None);
    };
    Ok(nps.margin(level)?.map(float8))
}

sql_functions! {
    kpi_nps_in, pg_finfo_kpi_nps_in: value::input::<Nps>;
    kpi_nps_out, pg_finfo_kpi_nps_out: value::output::<Nps>;
    kpi_nps_recv, pg_finfo_kpi_nps_recv: value::receive::<Nps>;
    kpi_nps_send, pg_finfo_kpi_nps_send: value::send::<Nps>;
    kpi_nps_trans, pg_finfo_kpi_nps_trans: step;
    kpi_nps_inverse, pg_finfo_kpi_nps_inverse: inverse;
    kpi_nps_rollup_trans, pg_finfo_kpi_nps_rollup_trans: transition::rollup::<Nps>;
    kpi_nps_combine, pg_finfo_kpi_nps_combine: transition::combine::<Nps>;
    kpi_nps_serialize, pg_finfo_kpi_nps_serialize: transition::serialize::<Nps>;
    kpi_nps_deserialize, pg_finfo_kpi_nps_deserialize: transition::deserialize::<Nps>;
    kpi_nps_final, pg_finfo_kpi_nps_final: |call| transition::finish(call, Nps::default);

    kpi_nps_num_vals, pg_finfo_kpi_nps_num_vals: |call| value::count(call, Nps::num_vals);
    kpi_nps_promoters, pg_finfo_kpi_nps_promoters: |call| value::count(call, Nps::promoters);
    kpi_nps_passives, pg_finfo_kpi_nps_passives: |call| value::count(call, Nps::passives);
    kpi_nps_detractors, pg_finfo_kpi_nps_detractors: |call| value::count(call, Nps::detractors);
    kpi_nps_score, pg_finfo_kpi_nps_score: |call| value::number(call, |nps: &Nps| Ok(nps.score()));
    kpi_nps_margin, pg_finfo_kpi_nps_margin: margin;
}
