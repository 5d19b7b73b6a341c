//! `kpi.robust_covariance`: an aggregate that makes a value by which rows have robust Mahalanobis distances.

use kpi_anomaly::FeatureError;
use kpi_anomaly::mahalanobis::{CovarianceSample, RobustCovariance};
use pgrx::prelude::*;

use super::features::features;
use super::learnt::{self, Learnt};
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::aggregates::transition;
use crate::error::Error;
use crate::forecast::poll;

impl Learnt for RobustCovariance {
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::decode(bytes)?)
    }

    fn write(&self) -> Vec<u8> {
        self.encode()
    }

    fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self::from_text(text)?)
    }

    fn print(&self) -> String {
        self.to_text()
    }
}

/// `robust_covariance(features)` skips rows without features, and those of which one is not finite.
fn step(call: &Call) -> Returned {
    let Some(row) = features(call, 1) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(CovarianceSample::new(row.len())?),
        |sample| Ok(sample.add(&row)?),
    )
}

/// NULL of too few rows.
fn finish(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    let sample = transition::state_mut::<CovarianceSample>(datum);
    match sample.fit(&mut poll) {
        Ok(covariance) => learnt::value(&covariance),
        Err(FeatureError::TooFew { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `mahalanobis(c, features)`.
fn distance(call: &Call) -> Returned {
    learnt::asked(call, |covariance: &RobustCovariance, row| {
        Ok(covariance.distance(row)?.map(learnt::number))
    })
}

/// `score(c, features)`.
fn score(call: &Call) -> Returned {
    learnt::asked(call, |covariance: &RobustCovariance, row| {
        Ok(covariance.score(row)?.map(learnt::number))
    })
}

/// `contributions(c, features)`.
fn contributions(call: &Call) -> Returned {
    learnt::asked(call, |covariance: &RobustCovariance, row| {
        Ok(covariance.contributions(row)?.into_datum())
    })
}

/// `center(c)`.
fn center(call: &Call) -> Returned {
    let covariance = learnt::read::<RobustCovariance>(call)?;
    Ok(covariance.and_then(|covariance| covariance.centre().to_vec().into_datum()))
}

sql_functions! {
    kpi_robust_covariance_in, pg_finfo_kpi_robust_covariance_in: learnt::input::<RobustCovariance>;
    kpi_robust_covariance_out, pg_finfo_kpi_robust_covariance_out: learnt::output::<RobustCovariance>;
    kpi_robust_covariance_recv, pg_finfo_kpi_robust_covariance_recv: learnt::receive::<RobustCovariance>;
    kpi_robust_covariance_send, pg_finfo_kpi_robust_covariance_send: learnt::send::<RobustCovariance>;
    kpi_robust_covariance_trans, pg_finfo_kpi_robust_covariance_trans: step;
    kpi_robust_covariance_combine, pg_finfo_kpi_robust_covariance_combine: transition::combine::<CovarianceSample>;
    kpi_robust_covariance_serialize, pg_finfo_kpi_robust_covariance_serialize:
        transition::serialize::<CovarianceSample>;
    kpi_robust_covariance_deserialize, pg_finfo_kpi_robust_covariance_deserialize:
        transition::deserialize::<CovarianceSample>;
    kpi_robust_covariance_final, pg_finfo_kpi_robust_covariance_final: finish;
    kpi_robust_covariance_mahalanobis, pg_finfo_kpi_robust_covariance_mahalanobis: distance;
    kpi_robust_covariance_score, pg_finfo_kpi_robust_covariance_score: score;
    kpi_robust_covariance_contributions, pg_finfo_kpi_robust_covariance_contributions: contributions;
    kpi_robust_covariance_center, pg_finfo_kpi_robust_covariance_center: center;
}
