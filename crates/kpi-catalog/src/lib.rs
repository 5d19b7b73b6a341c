//! kpi-catalog.
#![forbid(unsafe_code)]
