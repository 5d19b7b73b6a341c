//! Refreshers: whole and windowed refreshes, some undone, some cancelled half way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::moments;
use crate::scenario::Scenario;
use crate::session::{Failure, Session};

/// Refreshes until the writers are done; gives the number of refreshes that stayed.
pub fn run(
    scenario: &Scenario,
    database: &str,
    seed: u64,
    writers_done: &AtomicBool,
) -> Result<u64, Failure> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut session = Session::connect(database)?;
    session.run("SET TIME ZONE 'Asia/Tokyo'")?;
    let mut refreshes = 0;
    while !writers_done.load(Ordering::Relaxed) {
        let source = scenario.name;
        let window = if rng.random_bool(0.5) {
            let (since, until) = (moments::instant(&mut rng), moments::instant(&mut rng));
            let (since, until) = if since < until {
                (since, until)
            } else {
                (until, since)
            };
            match rng.random_range(0..3) {
                0 => format!(", since => '{since}'"),
                1 => format!(", until => '{until}'"),
                _ => format!(", since => '{since}', until => '{until}'"),
            }
        } else {
            String::new()
        };
        let refresh = format!("SELECT * FROM kpi.refresh('{source}'{window})");
        let outcome = match rng.random_range(0..10) {
            0 => session.run(&format!("BEGIN; {refresh}; ROLLBACK")),
            1 => session.run(&format!(
                "BEGIN; SAVEPOINT s; {refresh}; ROLLBACK TO s; {refresh}; COMMIT"
            )),
            2 => {
                let patience = rng.random_range(1..15);
                session.run(&format!(
                    "BEGIN; SET LOCAL statement_timeout = {patience}; {refresh}; COMMIT"
                ))
            }
            3 => session.run(&format!(
                "BEGIN; {refresh}; SELECT pg_sleep(0.01); {refresh}; COMMIT"
            )),
            _ => session.run(&refresh),
        };
        match outcome {
            Ok(()) => refreshes += 1,
            Err(failure) if failure.is_contention() => session.run("ROLLBACK")?,
            Err(failure) => return Err(failure),
        }
        std::thread::sleep(Duration::from_millis(rng.random_range(0..40)));
    }
    Ok(refreshes)
}
