//! Two-step aggregates: an aggregate makes a state, `rollup` merges states, accessors read them.
//!
//! All SQL is hand-written, in `sql/aggregates.sql` and `sql/aggregates/`; the functions here are its C symbols. What a
//! family needs is three things: a [`kpi_stats::State`], a line per function in its file here, and its statements there.

mod apdex;
mod argument;
pub(crate) mod call;
mod candlestick;
mod counter;
mod distinct;
pub(crate) mod encoding;
mod ewma;
mod explicit_histogram;
mod extremes;
mod extremes_by;
mod forecast_error;
mod frequent;
mod funnel;
mod gini;
mod hash;
mod heartbeat;
mod nps;
mod percentile;
mod ratio;
mod retention;
pub(crate) mod row;
mod slo;
mod span;
mod states;
mod stats;
mod tdigest;
mod text_form;
mod time_weight;
pub(crate) mod transition;
mod trend;
mod value;

pgrx::extension_sql_file!("../../../sql/aggregates.sql", name = "aggregates");
pgrx::extension_sql_file!("../../../sql/aggregates/ratio.sql", name = "aggregates_ratio");
pgrx::extension_sql_file!("../../../sql/aggregates/apdex.sql", name = "aggregates_apdex");
pgrx::extension_sql_file!("../../../sql/aggregates/nps.sql", name = "aggregates_nps");
pgrx::extension_sql_file!(
    "../../../sql/aggregates/forecast_error.sql",
    name = "aggregates_forecast_error"
);
pgrx::extension_sql_file!("../../../sql/aggregates/gini.sql", name = "aggregates_gini");
pgrx::extension_sql_file!("../../../sql/aggregates/trend.sql", name = "aggregates_trend");
pgrx::extension_sql_file!("../../../sql/aggregates/ewma.sql", name = "aggregates_ewma");
pgrx::extension_sql_file!("../../../sql/aggregates/slo.sql", name = "aggregates_slo");
pgrx::extension_sql_file!("../../../sql/aggregates/tdigest.sql", name = "aggregates_tdigest");
pgrx::extension_sql_file!(
    "../../../sql/aggregates/explicit_histogram.sql",
    name = "aggregates_explicit_histogram",
    requires = ["aggregates"]
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/candlestick.sql",
    name = "aggregates_candlestick"
);
pgrx::extension_sql_file!("../../../sql/aggregates/counter.sql", name = "aggregates_counter");
pgrx::extension_sql_file!("../../../sql/aggregates/gauge.sql", name = "aggregates_gauge");
pgrx::extension_sql_file!(
    "../../../sql/aggregates/frequent.sql",
    name = "aggregates_frequent"
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/extremes.sql",
    name = "aggregates_extremes"
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/extremes_by.sql",
    name = "aggregates_extremes_by"
);
pgrx::extension_sql_file!("../../../sql/aggregates/funnel.sql", name = "aggregates_funnel");
pgrx::extension_sql_file!(
    "../../../sql/aggregates/retention.sql",
    name = "aggregates_retention"
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/time_weight.sql",
    name = "aggregates_time_weight"
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/heartbeat.sql",
    name = "aggregates_heartbeat"
);
pgrx::extension_sql_file!("../../../sql/aggregates/states.sql", name = "aggregates_states");
pgrx::extension_sql_file!("../../../sql/aggregates/growth.sql", name = "aggregates_growth");
pgrx::extension_sql_file!(
    "../../../sql/aggregates/reliability.sql",
    name = "aggregates_reliability",
    requires = ["aggregates_heartbeat", "aggregates_states"]
);
pgrx::extension_sql_file!(
    "../../../sql/aggregates/arrow.sql",
    name = "aggregates_arrow",
    requires = [
        "aggregates",
        "aggregates_ratio",
        "aggregates_apdex",
        "aggregates_nps",
        "aggregates_forecast_error",
        "aggregates_gini",
        "aggregates_trend",
        "aggregates_ewma",
        "aggregates_slo",
        "aggregates_tdigest",
        "aggregates_explicit_histogram",
        "aggregates_candlestick",
        "aggregates_counter",
        "aggregates_gauge",
        "aggregates_frequent",
        "aggregates_extremes",
        "aggregates_extremes_by",
        "aggregates_funnel",
        "aggregates_retention",
        "aggregates_time_weight",
        "aggregates_heartbeat",
        "aggregates_states",
        "aggregates_growth",
        "aggregates_reliability",
    ]
);
