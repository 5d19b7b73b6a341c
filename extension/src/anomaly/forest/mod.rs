//! `kpi.isolation_forest`: an aggregate that makes a `kpi.forest`, which scores rows of several features and says why.

mod covariance;
mod features;
mod learnt;

use kpi_anomaly::forest::{Forest, ForestRequest, ForestSample};
use pgrx::prelude::*;

use self::features::features;
use self::learnt::Learnt;
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::aggregates::transition;
use crate::error::Error;
use crate::forecast::poll;

pgrx::extension_sql_file!("../../../../sql/anomaly/forest.sql", name = "anomaly_forest");

impl Learnt for Forest {
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

/// `isolation_forest(features [, trees [, sample [, seed]]])` skips rows without features; a setting that is NULL is its default.
fn step(call: &Call) -> Returned {
    let Some(row) = features(call, 1) else {
        return Ok(call.argument(0));
    };
    let request = request(call);
    transition::step(
        call,
        || Ok(ForestSample::new(&request, row.len())?),
        |sample| {
            if *sample.request() != request {
                return Err(changed(sample.request(), &request));
            }
            Ok(sample.add(&row)?)
        },
    )
}

fn request(call: &Call) -> ForestRequest {
    let usual = ForestRequest::default();
    ForestRequest {
        trees: call.int4(2).map_or(usual.trees, i64::from),
        sample: call.int4(3).map_or(usual.sample, i64::from),
        seed: call.argument(4).map_or(usual.seed, |datum| datum.value() as i64),
    }
}

#[cold]
fn changed(one: &ForestRequest, other: &ForestRequest) -> Error {
    let shown =
        |of: &ForestRequest| format!("{} trees of {} rows with seed {}", of.trees, of.sample, of.seed);
    Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "settings of an isolation forest cannot change from row to row",
    )
    .detail(format!("They are {}, then {}.", shown(one), shown(other)))
    .hint("Give constants, or GROUP BY what they depend on.")
}

/// NULL of fewer than two rows.
fn finish(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    let sample = transition::state_mut::<ForestSample>(datum);
    match sample.fit(&mut poll) {
        Ok(forest) => learnt::value(&forest),
        Err(kpi_anomaly::FeatureError::TooFew { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `score(forest, features)`.
fn score(call: &Call) -> Returned {
    learnt::asked(call, |forest: &Forest, row| {
        forest.check(row)?;
        Ok(Some(learnt::number(forest.score(row))))
    })
}

/// `contributions(forest, features)`.
fn contributions(call: &Call) -> Returned {
    learnt::asked(call, |forest: &Forest, row| {
        Ok(forest.contributions(row)?.into_datum())
    })
}

/// `typical_score(forest)`.
fn typical_score(call: &Call) -> Returned {
    let forest = learnt::read::<Forest>(call)?;
    Ok(forest.map(|forest| learnt::number(forest.typical_score())))
}

sql_functions! {
    kpi_forest_in, pg_finfo_kpi_forest_in: learnt::input::<Forest>;
    kpi_forest_out, pg_finfo_kpi_forest_out: learnt::output::<Forest>;
    kpi_forest_recv, pg_finfo_kpi_forest_recv: learnt::receive::<Forest>;
    kpi_forest_send, pg_finfo_kpi_forest_send: learnt::send::<Forest>;
    kpi_isolation_forest_trans, pg_finfo_kpi_isolation_forest_trans: step;
    kpi_isolation_forest_combine, pg_finfo_kpi_isolation_forest_combine: transition::combine::<ForestSample>;
    kpi_isolation_forest_serialize, pg_finfo_kpi_isolation_forest_serialize: transition::serialize::<ForestSample>;
    kpi_isolation_forest_deserialize, pg_finfo_kpi_isolation_forest_deserialize:
        transition::deserialize::<ForestSample>;
    kpi_isolation_forest_final, pg_finfo_kpi_isolation_forest_final: finish;
    kpi_forest_score, pg_finfo_kpi_forest_score: score;
    kpi_forest_contributions, pg_finfo_kpi_forest_contributions: contributions;
    kpi_forest_typical_score, pg_finfo_kpi_forest_typical_score: typical_score;
}
