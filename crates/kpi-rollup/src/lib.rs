//! kpi-rollup.
#![forbid(unsafe_code)]
