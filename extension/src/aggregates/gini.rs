//! `gini_agg`: the Gini coefficient.

use kpi_stats::{Gini, Method};

use super::call::{Call, Returned, sql_functions};
use super::{transition, value};

/// `gini_agg(x)` skips NULL.
fn step(call: &Call) -> Returned {
    let Some(x) = call.float8(1) else {
        return Ok(call.argument(0));
    };
    transition::step(call, || Ok(Gini::default()), |gini| Ok(gini.add(x)?))
}

/// `coefficient(gini, method)`.
fn coefficient(call: &Call) -> Returned {
    value::by_method(call, |gini: &Gini, method| {
        Ok(match method {
            Method::Population => gini.coefficient(),
            Method::Sample => gini.sample_coefficient(),
        })
    })
}

sql_functions! {
    kpi_gini_in, pg_finfo_kpi_gini_in: value::input::<Gini>;
    kpi_gini_out, pg_finfo_kpi_gini_out: value::output::<Gini>;
    kpi_gini_recv, pg_finfo_kpi_gini_recv: value::receive::<Gini>;
    kpi_gini_send, pg_finfo_kpi_gini_send: value::send::<Gini>;
    kpi_gini_trans, pg_finfo_kpi_gini_trans: step;
    kpi_gini_rollup_trans, pg_finfo_kpi_gini_rollup_trans: transition::rollup::<Gini>;
    kpi_gini_combine, pg_finfo_kpi_gini_combine: transition::combine::<Gini>;
    kpi_gini_serialize, pg_finfo_kpi_gini_serialize: transition::serialize::<Gini>;
    kpi_gini_deserialize, pg_finfo_kpi_gini_deserialize: transition::deserialize::<Gini>;
    kpi_gini_final, pg_finfo_kpi_gini_final: |call| transition::finish(call, Gini::default);

    kpi_gini_num_vals, pg_finfo_kpi_gini_num_vals: |call| value::count(call, Gini::num_vals);
    kpi_gini_coefficient, pg_finfo_kpi_gini_coefficient: coefficient;
    kpi_gini_error, pg_finfo_kpi_gini_error:
        |call| value::number(call, |gini: &Gini| Ok(Some(gini.error())));
}
