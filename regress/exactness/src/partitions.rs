//! Partitions that leave and come back: what no trigger on a row sees.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::scenario::{QUARTERS, Scenario};
use crate::session::{Failure, Session};

/// Detaches a random partition, changes it while nothing captures it, and attaches it again; or drops it and makes
/// an empty one. Each in one transaction, or in several with other sessions' writes in between.
pub fn exchange(rng: &mut StdRng, scenario: &Scenario, session: &mut Session) -> Result<(), Failure> {
    let table = scenario.name;
    let quarter = rng.random_range(0..QUARTERS);
    let partition = scenario.partition(quarter);
    let (from, to) = scenario.bounds(quarter);
    let bounds = format!("FOR VALUES FROM ('{from}') TO ('{to}')");
    let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    // Rows written while the quarter had no partition are in the default one and would forbid the attachment.
    let fetch_back = format!(
        "WITH stray AS (DELETE FROM {rest} WHERE at >= '{from}' AND at < '{to}' RETURNING *)
         INSERT INTO {partition} SELECT * FROM stray ON CONFLICT DO NOTHING",
        rest = scenario.partition(QUARTERS)
    );
    let clear = format!(
        "DELETE FROM {} WHERE at >= '{from}' AND at < '{to}'",
        scenario.partition(QUARTERS)
    );
    let detach = format!("ALTER TABLE {table} DETACH PARTITION {partition}");
    let attach = format!("ALTER TABLE {table} ATTACH PARTITION {partition} {bounds}");
    let change = format!(
        "UPDATE {partition} SET qty = qty + 1 WHERE id % 3 = 0; DELETE FROM {partition} WHERE id % 7 = 0;
         INSERT INTO {partition} (id, at, qty) VALUES ({}, '{from}', 2) ON CONFLICT DO NOTHING",
        rng.random_range(5_000_000..9_000_000)
    );
    let end = if rng.random_bool(0.8) {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    match rng.random_range(0..4) {
        0 => session.run(&format!("BEGIN; {lock}; {detach}; {change}; {attach}; {end}")),
        1 => session.run(&format!(
            "BEGIN; {lock}; DROP TABLE {partition}; CREATE TABLE {partition} PARTITION OF {table} {bounds}; {end}"
        )),
        2 => session.run(&format!(
            "BEGIN; {lock}; ALTER TABLE {table} DETACH PARTITION {partition}; DROP TABLE {partition};
             CREATE TABLE {partition} (LIKE {table} INCLUDING ALL); {fetch_back}; {clear}; {attach}; {end}"
        )),
        _ => {
            retry(session, &detach)?;
            session.run(&change)?;
            retry(session, &format!("BEGIN; {lock}; {fetch_back}; {clear}; {attach}; COMMIT"))
        }
    }
}

/// A partition that is half way must not stay there because somebody else held a lock.
fn retry(session: &mut Session, sql: &str) -> Result<(), Failure> {
    const ATTEMPTS: usize = 200;
    for _ in 1..ATTEMPTS {
        match session.run(sql) {
            Err(failure) if failure.is_contention() => session.run("ROLLBACK")?,
            other => return other,
        }
    }
    session.run(sql)
}
