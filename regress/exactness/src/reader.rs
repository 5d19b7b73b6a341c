//! Readers: a snapshot, and in it every period of a random KPI against plain SQL.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::comparison::{self, Question};
use crate::scenario::{KPIS, Kpi, Scenario};
use crate::session::{Failure, Session};

/// How much was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reads {
    /// Calls of `kpi.value`.
    pub queries: u64,
    /// Rows of plain SQL that they were compared with.
    pub rows: u64,
    /// Snapshots in which some bucket was touched and not yet refreshed.
    pub unrefreshed: u64,
}

/// Why a reader stopped.
#[derive(Debug)]
pub enum Stop {
    /// A statement failed.
    Failure(Failure),
    /// A KPI and plain SQL differ.
    Difference(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) => failure.fmt(f),
            Self::Difference(text) => f.write_str(text),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Reads until the writers are done, and at least `minimum` snapshots.
pub fn run(
    scenario: &Scenario,
    database: &str,
    seed: u64,
    minimum: u64,
    writers_done: &AtomicBool,
) -> Result<Reads, Stop> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut session = Session::connect(database)?;
    session.run("SET TIME ZONE 'America/St_Johns'")?;
    let mut reads = Reads::default();
    let mut snapshots = 0;
    while snapshots < minimum || !writers_done.load(Ordering::Relaxed) {
        let kpi = comparison::random_kpi(&mut rng);
        let question = Question::random(&mut rng);
        match snapshot(scenario, &mut session, kpi, &question, &mut reads) {
            Ok(()) => snapshots += 1,
            Err(Stop::Failure(failure)) if failure.is_contention() => session.run("ROLLBACK")?,
            Err(stop) => return Err(stop),
        }
    }
    Ok(reads)
}

/// All periods of one KPI in one snapshot.
fn snapshot(
    scenario: &Scenario,
    session: &mut Session,
    kpi: &Kpi,
    question: &Question,
    reads: &mut Reads,
) -> Result<(), Stop> {
    // The lock comes before the snapshot: TRUNCATE and DETACH are not undone for older snapshots, they have to wait.
    let table = scenario.name;
    session.run(&format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE {table} IN ACCESS SHARE MODE"
    ))?;
    let waiting = session.text(&format!(
        "SELECT touched_buckets FROM kpi.rollup_status WHERE source = '{table}'"
    ))?;
    reads.unrefreshed += u64::from(waiting.as_deref() != Some("0"));
    for period in scenario.periods() {
        compare(scenario, session, kpi, period, question, reads)?;
    }
    session.run("COMMIT")?;
    Ok(())
}

/// Every KPI, by nothing and by everything, in every period.
pub fn everything(scenario: &Scenario, session: &mut Session) -> Result<Reads, Stop> {
    let mut reads = Reads::default();
    for kpi in &KPIS {
        for by_everything in [false, true] {
            for period in scenario.periods() {
                compare(
                    scenario,
                    session,
                    kpi,
                    period,
                    &Question::whole(by_everything),
                    &mut reads,
                )?;
            }
        }
    }
    Ok(reads)
}

fn compare(
    scenario: &Scenario,
    session: &mut Session,
    kpi: &Kpi,
    period: &str,
    question: &Question,
    reads: &mut Reads,
) -> Result<(), Stop> {
    let sql = comparison::query(scenario, kpi, period, question);
    let rows = session.rows(&sql)?;
    let cell = |column: usize| {
        rows.first()
            .and_then(|row| row.get(column)?.clone())
            .unwrap_or_default()
    };
    reads.queries += 1;
    reads.rows += cell(0).parse::<u64>().unwrap_or(0);
    if cell(1) == "0" {
        return Ok(());
    }
    let text = format!(
        "{} of {} rows differ: {}\n#   in: {sql}",
        cell(1),
        cell(0),
        cell(2)
    );
    Err(Stop::Difference(text))
}
