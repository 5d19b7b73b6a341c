//! Anomalies of one regular series: what each value should have been, how far it is off, and how rare that is.
//!
//! Everything takes a slice of `f64`, one value per step; a value that is not finite is a gap. The season is
//! found by [`kpi_forecast::season`].
//!
//! ```
//! use kpi_anomaly::{Request, detect};
//! let mut values: Vec<f64> = (0..60).map(|t| [10.0, 20.0, 15.0][t % 3] + (t * t % 5) as f64 / 5.0).collect();
//! values[31] = 3.0;
//! let result = detect(&values, &Request::default(), &[], &mut || false).unwrap();
//! let found: Vec<usize> = (0..60).filter(|t| result.verdicts[*t].is_anomaly).collect();
//! assert_eq!(found, [31]);
//! ```
#![forbid(unsafe_code)]

mod auto;
mod baseline;
mod bend;
pub mod calibration;
pub mod changepoint;
mod chart;
pub mod contribution;
mod detect;
pub mod detector;
mod direction;
mod discord;
mod error;
mod esd;
pub mod expectation;
mod feature_error;
pub mod forest;
mod gap;
mod isolation;
mod kind;
mod location;
pub mod mahalanobis;
mod method;
pub mod noise;
mod options;
pub mod profile;
pub mod reason;
pub mod reservoir;
mod residual;
pub mod robust;
mod saliency;
pub mod several;
mod still;
mod sub_pca;
pub mod tail;
mod verdict;

pub use detect::{DEFAULT_THRESHOLD, Detection, Request, detect};
pub use detector::{Detector, Observation, Settings};
pub use direction::Direction;
pub use error::Error;
pub use feature_error::FeatureError;
pub use kind::Kind;
pub use method::Method;
pub use options::Options;
pub use verdict::{Cause, Chart, Verdict};
