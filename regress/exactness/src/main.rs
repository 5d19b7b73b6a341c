//! Proof of exactness: random writers, refreshers and readers at once, and every value that a KPI gives compared
//! with plain SQL over the raw rows in the same snapshot.
//!
//! `EXACTNESS_SEED` repeats the random choices of a run (not the interleaving, which is the machine's),
//! `EXACTNESS_TRANSACTIONS` says how many transactions each writer makes, `EXACTNESS_SCENARIO` names one to run alone.

mod comparison;
mod moments;
mod partitions;
mod reader;
mod refresher;
mod scenario;
mod session;
mod statement;
mod writer;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use moments::TimeType;
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use scenario::{Scenario, Shape};
use session::{Failure, Session};

const DATABASE: &str = "kpi_exactness";
const WRITERS: u64 = 3;
const READERS: u64 = 2;
const REFRESHERS: u64 = 2;
const TRANSACTIONS: u64 = 150;
const SNAPSHOTS: u64 = 15;

fn main() -> ExitCode {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("EXACTNESS_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000_000));
    let transactions = number("EXACTNESS_TRANSACTIONS").unwrap_or(TRANSACTIONS);
    println!("# EXACTNESS_SEED={seed} repeats these random choices");
    let mut tally = Tally::default();
    match prove(seed, transactions, &mut tally) {
        Ok(()) => {}
        Err(failure) => tally.check("the set-up", Some(failure.to_string())),
    }
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    if tally.failed == 0 && tally.passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Counts and prints what held and what did not.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    fn skip(&mut self, why: &str) {
        self.skipped += 1;
        println!("skip - {why}");
    }

    fn check(&mut self, what: &str, problem: Option<String>) {
        match problem {
            None => {
                self.passed += 1;
                println!("ok - {what}");
            }
            Some(problem) => {
                self.failed += 1;
                println!("not ok - {what}\n#   {problem}");
            }
        }
    }
}

fn prove(seed: u64, transactions: u64, tally: &mut Tally) -> Result<(), Failure> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut postgres = Session::connect("postgres")?;
    postgres.run(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    postgres.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let mut session = Session::connect(DATABASE)?;
    session.run("CREATE EXTENSION pg_kpi")?;
    let any_zone = session
        .rows("SELECT name FROM pg_timezone_names WHERE name ~ '^(America|Asia|Africa|Europe|Pacific)/' ORDER BY name")?;
    let any_zone = any_zone
        .get(rng.random_range(0..any_zone.len().max(1)))
        .and_then(|row| row.first()?.clone());
    let scenario = |name, zone: &str, time, shape| Scenario {
        name,
        zone: zone.to_owned(),
        time,
        shape,
    };
    let scenarios = [
        scenario("plain", "UTC", TimeType::TimestampTz, Shape::Plain),
        scenario(
            "berlin",
            "Europe/Berlin",
            TimeType::TimestampTz,
            Shape::Partitioned,
        ),
        scenario("kolkata", "Asia/Kolkata", TimeType::Timestamp, Shape::Plain),
        scenario(
            "lordhowe",
            "Australia/Lord_Howe",
            TimeType::TimestampTz,
            Shape::Plain,
        ),
        scenario("clock", "Europe/Berlin", TimeType::Timestamp, Shape::Partitioned),
        scenario("days", "Australia/Lord_Howe", TimeType::Date, Shape::Partitioned),
        scenario(
            "anyzone",
            &any_zone.unwrap_or_default(),
            TimeType::TimestampTz,
            Shape::Partitioned,
        ),
        scenario(
            "chunks",
            "Europe/Berlin",
            TimeType::TimestampTz,
            Shape::Hypertable,
        ),
        scenario(
            "local",
            "Australia/Lord_Howe",
            TimeType::Timestamp,
            Shape::Hypertable,
        ),
    ];
    let timescaledb = session
        .text("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb' AND current_setting('shared_preload_libraries') ~ name")?
        .is_some();
    if timescaledb {
        session.run("CREATE EXTENSION IF NOT EXISTS timescaledb")?;
    }
    let only = std::env::var("EXACTNESS_SCENARIO").ok();
    for scenario in scenarios {
        let seed = rng.random();
        if only.as_ref().is_some_and(|only| only != scenario.name) {
            continue;
        }
        if scenario.shape == Shape::Hypertable && !timescaledb {
            tally.skip(&format!(
                "{}: hypertables need a server with TimescaleDB preloaded",
                scenario.name
            ));
            continue;
        }
        match scenario.create(&mut session) {
            Ok(()) => run(&scenario, seed, transactions, &mut session, tally),
            Err(failure) => tally.check(&format!("{}: created", scenario.name), Some(failure.to_string())),
        }
    }
    drop(session);
    if tally.failed == 0 {
        postgres.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    }
    Ok(())
}

/// Everybody at once, then quiet, a last refresh and a comparison of everything.
fn run(scenario: &Scenario, seed: u64, transactions: u64, session: &mut Session, tally: &mut Tally) {
    let title = format!(
        "{}: {} in {}{}",
        scenario.name,
        scenario.time.sql(),
        scenario.zone,
        scenario.shape.title()
    );
    let writers_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let seed_of = |number: u64| seed ^ (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let done = &writers_done;
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| scope.spawn(move || writer::run(scenario, DATABASE, seed_of(n), n, transactions)))
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|n| scope.spawn(move || reader::run(scenario, DATABASE, seed_of(100 + n), SNAPSHOTS, done)))
            .collect();
        let refreshers: Vec<_> = (0..REFRESHERS)
            .map(|n| scope.spawn(move || refresher::run(scenario, DATABASE, seed_of(200 + n), done)))
            .collect();

        let mut ends = writer::Ends::default();
        let mut problem = None;
        for writer in writers {
            match joined(writer.join()) {
                Ok(one) => {
                    ends.statements += one.statements;
                    ends.committed += one.committed;
                    ends.undone += one.undone;
                }
                Err(text) => problem = Some(text),
            }
        }
        done.store(true, Ordering::Relaxed);
        let what = format!(
            "{title}: {WRITERS} writers, {} statements, {} transactions committed, {} undone",
            ends.statements, ends.committed, ends.undone
        );
        tally.check(&what, problem);

        let mut refreshes = 0;
        let mut problem = None;
        for refresher in refreshers {
            match joined(refresher.join()) {
                Ok(count) => refreshes += count,
                Err(text) => problem = Some(text),
            }
        }
        tally.check(&format!("{title}: {refreshes} refreshes meanwhile"), problem);

        let mut reads = reader::Reads::default();
        let mut problem = None;
        for reader in readers {
            match joined(reader.join()) {
                Ok(one) => {
                    reads.queries += one.queries;
                    reads.rows += one.rows;
                    reads.unrefreshed += one.unrefreshed;
                }
                Err(text) => problem = Some(text),
            }
        }
        if problem.is_none() && reads.unrefreshed == 0 {
            problem = Some("no reader ever saw a touched bucket: nothing was proved about them".to_owned());
        }
        let what = format!(
            "{title}: {} reads equal plain SQL on {} rows, {} snapshots with touched buckets",
            reads.queries, reads.rows, reads.unrefreshed
        );
        tally.check(&what, problem);
    });
    let (reads, problem) = match settled(scenario, session) {
        Ok(reads) => (reads, None),
        Err(stop) => (reader::Reads::default(), Some(stop.to_string())),
    };
    let what = format!(
        "{title}: after a last refresh nothing is touched and {} reads equal plain SQL on {} rows",
        reads.queries, reads.rows
    );
    tally.check(&what, problem);
}

/// The result of a thread, a panic counting as a failure.
fn joined<T, E: std::fmt::Display>(result: thread::Result<Result<T, E>>) -> Result<T, String> {
    result
        .map_err(|_| "a thread panicked".to_owned())?
        .map_err(|error| error.to_string())
}

fn settled(scenario: &Scenario, session: &mut Session) -> Result<reader::Reads, reader::Stop> {
    let source = scenario.name;
    // Nobody writes any more. What still holds a table is on its way out (a writer's lost connection, a vacuum that cuts
    // off the end), and here nothing is tried again: it is waited for.
    session.run("SET lock_timeout = '60s'")?;
    // Before the refresh: touched buckets from raw, all others from the rollup.
    reader::everything(scenario, session)?;
    session.run(&format!("SELECT * FROM kpi.refresh('{source}')"))?;
    let touched = session.text(&format!(
        "SELECT touched_buckets FROM kpi.rollup_status WHERE source = '{source}'"
    ))?;
    if touched.as_deref() != Some("0") {
        return Err(reader::Stop::Difference(format!(
            "kpi.rollup_status says {touched:?} touched buckets"
        )));
    }
    reader::everything(scenario, session)
}
