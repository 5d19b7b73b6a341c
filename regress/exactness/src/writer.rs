//! A writer: transactions of random statements, ended in every way that a transaction can end.

use std::time::Duration;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::partitions;
use crate::scenario::{Scenario, Shape};
use crate::session::{Failure, Session};
use crate::statement::Statements;

/// How many transactions ended how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends {
    /// Statements that ran without an error.
    pub statements: u64,
    /// COMMIT and COMMIT PREPARED.
    pub committed: u64,
    /// ROLLBACK and ROLLBACK PREPARED, wanted or by a conflict.
    pub undone: u64,
}

/// Writer `number` with its own random numbers and `transactions` to go.
pub fn run(
    scenario: &Scenario,
    database: &str,
    seed: u64,
    number: u64,
    transactions: u64,
) -> Result<Ends, Failure> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut session = Session::connect(database)?;
    let mut statements = Statements::new(scenario, number);
    let mut ends = Ends::default();
    for transaction in 0..transactions {
        // Where a day begins and what a time looks like is the source's affair, not the session's.
        let zone = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
            .choose(&mut rng)
            .unwrap_or(&"UTC");
        let style = ["ISO, MDY", "SQL, DMY", "German", "Postgres, MDY"]
            .choose(&mut rng)
            .unwrap_or(&"ISO, MDY");
        session.run(&format!("SET timezone = '{zone}'; SET datestyle = '{style}'"))?;
        // One writer exchanges partitions, so that a name always means the same quarter.
        if scenario.shape == Shape::Partitioned && number == 0 && rng.random_bool(0.06) {
            match partitions::exchange(&mut rng, scenario, &mut session) {
                Ok(()) => ends.committed += 1,
                Err(failure) if failure.is_contention() => {
                    session.run("ROLLBACK")?;
                    ends.undone += 1;
                }
                Err(failure) => return Err(failure),
            }
            continue;
        }
        let prepared = format!("exactness {} {number} {transaction}", scenario.name);
        match one(&mut rng, &mut statements, &mut session, &prepared, &mut ends) {
            Ok(true) => ends.committed += 1,
            Ok(false) => ends.undone += 1,
            Err(failure) if failure.is_expected() => {
                session.run("ROLLBACK")?;
                ends.undone += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(ends)
}

/// One transaction; true where it was committed.
fn one(
    rng: &mut StdRng,
    statements: &mut Statements<'_>,
    session: &mut Session,
    prepared: &str,
    ends: &mut Ends,
) -> Result<bool, Failure> {
    if rng.random_bool(0.15) {
        // Without a transaction block. COMMIT and SET LOCAL are then no-ops with a warning.
        statements.run(rng, session)?;
        ends.statements += 1;
        return Ok(true);
    }
    let level = match rng.random_range(0..20) {
        0 => "REPEATABLE READ",
        1 => "SERIALIZABLE",
        _ => "READ COMMITTED",
    };
    session.run(&format!("BEGIN ISOLATION LEVEL {level}"))?;
    for _ in 0..rng.random_range(1..6) {
        if rng.random_bool(0.3) {
            nested(rng, statements, session, 1, ends)?;
        } else {
            statements.run(rng, session)?;
            ends.statements += 1;
        }
        if rng.random_bool(0.05) {
            std::thread::sleep(Duration::from_millis(rng.random_range(1..20)));
        }
    }
    match rng.random_range(0..100) {
        0..65 => session.run("COMMIT").map(|()| true),
        65..80 => session.run("ROLLBACK").map(|()| false),
        80..82 => session.run("ROLLBACK AND CHAIN; COMMIT").map(|()| false),
        _ => {
            session.run(&format!("PREPARE TRANSACTION '{prepared}'"))?;
            std::thread::sleep(Duration::from_millis(rng.random_range(0..10)));
            let commit = rng.random_bool(0.7);
            let verb = if commit { "COMMIT" } else { "ROLLBACK" };
            session
                .run(&format!("{verb} PREPARED '{prepared}'"))
                .map(|()| commit)
        }
    }
}

/// A savepoint with statements in it, released or rolled back, at times with another one inside.
fn nested(
    rng: &mut StdRng,
    statements: &mut Statements<'_>,
    session: &mut Session,
    depth: u32,
    ends: &mut Ends,
) -> Result<(), Failure> {
    session.run(&format!("SAVEPOINT s{depth}"))?;
    for _ in 0..rng.random_range(1..4) {
        let outcome = match rng.random_range(0..10) {
            0..2 if depth < 3 => nested(rng, statements, session, depth + 1, ends),
            2 => statements.fail(rng, session),
            _ => statements.run(rng, session),
        };
        match outcome {
            Ok(()) => ends.statements += 1,
            Err(failure) if failure.is_expected() && !failure.is_lost() && failure.sqlstate != "40001" => {
                return session.run(&format!("ROLLBACK TO s{depth}; RELEASE s{depth}"));
            }
            Err(failure) => return Err(failure),
        }
    }
    if rng.random_bool(0.4) {
        session.run(&format!("ROLLBACK TO s{depth}"))
    } else {
        session.run(&format!("RELEASE s{depth}"))
    }
}
