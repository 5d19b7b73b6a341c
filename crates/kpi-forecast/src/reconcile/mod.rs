//! Forecasts that add up over a hierarchy: those of the shops come to that of the region, those of the regions to the total.
//!
//! Base forecasts, each made for itself, do not add up. [`forecast_nodes`] makes them and reconciles them, [`reconcile_values`]
//! reconciles those that are there. The methods are those of Hyndman & Athanasopoulos, *Forecasting: principles and practice*,
//! 3rd ed., chapter 11; [`Method`] names their papers.

mod align;
mod cholesky;
mod constraints;
mod covariance;
mod error;
mod hierarchy;
mod method;
mod nodes;
mod past;
mod projection;
mod top_down;
mod values;

pub use align::Histories;
pub use covariance::Covariance;
pub use error::HierarchyError;
pub use hierarchy::Hierarchy;
pub use method::Method;
pub use nodes::{Reconciled, forecast_nodes};
pub use past::{PAST_ERRORS, past_errors};
pub use projection::Projection;
pub use top_down::top_down;
pub use values::reconcile_values;

/// Nodes of a hierarchy at most.
pub const MAX_NODES: usize = 10_000;
/// Nodes that are sums of others at most: each is an equation of a dense system.
pub const MAX_SUMS: usize = 1_000;
