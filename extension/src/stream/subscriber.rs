//! Subscribers: durable readers of the log, and how far each has come.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::channel::streamed_period;
use super::lookup::{Columns, Key, Lookup, Snapshot};
use crate::catalog::lookup;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::jobs::{self, process, shared};
use crate::read_only::{self, check_writable};
use crate::spi::{self, Mode, arg};

/// That a subscriber has come is noted at most so often, in microseconds, and ten times within its keep.
const NOTED_EVERY: i128 = 10_000_000;

/// A subscriber.
pub struct Subscriber {
    pub codes: Option<Vec<String>>,
    pub periods: Vec<String>,
    pub by: Vec<String>,
    pub acked: i64,
}

/// A subscriber by name, which has shown itself now. Its owner may call.
pub fn seen(name: &str) -> Result<Subscriber, Error> {
    let found = {
        let _snapshot = Snapshot::take();
        let mut row = Lookup::open(c"subscriber", c"subscriber_pkey", &Key::Text(name))?;
        row.next_row().map(|columns| Seen::read(&columns))
    };
    let Some(seen) = found else {
        return Err(unknown(name));
    };
    check_owner(name, identity::current_role(), seen.owner)?;
    // A write for every poll would cost more than the poll.
    if seen.is_stale {
        let _owner = Identity::extension_owner()?;
        spi::run(
            "UPDATE kpi.subscriber SET seen_at = clock_timestamp() WHERE name = $1",
            &[arg(name)],
        )?;
    }
    Ok(seen.subscriber)
}

/// What a row of `kpi.subscriber` says.
struct Seen {
    subscriber: Subscriber,
    owner: pg_sys::Oid,
    /// It is time to note that the subscriber has come.
    is_stale: bool,
}

impl Seen {
    /// Columns: name, owner, codes, periods, by, keep, acked, seen_at, created_at; only codes can be NULL.
    fn read(([_, owner, codes, periods, by, keep, acked, seen_at, _], nulls): &Columns<9>) -> Self {
        // SAFETY: the columns have these types, and the row is still there.
        let (codes, periods, by, keep) = unsafe {
            (
                Vec::from_datum(*codes, nulls[2]),
                Vec::from_datum(*periods, false),
                Vec::from_datum(*by, false),
                Interval::from_datum(*keep, false),
            )
        };
        let keep = keep.map_or(0, |keep| keep.as_micros() / 10);
        let age = i128::from(process::now()) - i128::from(seen_at.value() as i64);
        Self {
            subscriber: Subscriber {
                codes,
                periods: periods.unwrap_or_default(),
                by: by.unwrap_or_default(),
                acked: acked.value() as i64,
            },
            owner: pg_sys::Oid::from(owner.value() as u32),
            is_stale: age > keep.min(NOTED_EVERY),
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("subscriber \"{name}\" does not exist"),
    )
    .detail("A subscriber that does not come back within its keep is removed.")
    .hint("Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.")
}

fn check_owner(name: &str, caller: pg_sys::Oid, owner: pg_sys::Oid) -> Result<(), Error> {
    if identity::acts_for(caller, owner) {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of subscriber \"{name}\""),
    )
    .detail(format!("The owner is {}.", lookup::role_name(owner)?))
    .hint("Add a subscriber of your own with kpi.add_subscriber(name)."))
}

/// Dimensions in one order, each once: what is grouped by the same is one stream.
pub fn normalised(by: Vec<Option<String>>) -> Vec<String> {
    let mut by: Vec<String> = by.into_iter().flatten().collect();
    by.sort_unstable();
    by.dedup();
    by
}

/// `kpi.add_subscriber(name, codes, periods, by, keep)`.
#[pg_extern(sql = false)]
fn add_subscriber(
    name: Option<&str>,
    codes: Option<Vec<Option<String>>>,
    periods: Option<Vec<Option<String>>>,
    by: Option<Vec<Option<String>>>,
    keep: Option<Interval>,
) -> Result<i64, ErrorReport> {
    let name = required(name, "name")?;
    let keep = required(keep, "keep")?;
    if keep.as_micros() <= 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "keep must be positive",
        )
        .hint("How long the subscriber may stay away before it is removed: keep => '1 day'.")
        .into());
    }
    let periods: Result<Vec<String>, Error> = required(periods, "periods")?
        .iter()
        .flatten()
        .map(|period| Ok(streamed_period(period)?.as_str().to_string()))
        .collect();
    Ok(add(
        name,
        codes,
        periods?,
        normalised(by.unwrap_or_default()),
        keep,
    )?)
}

fn add(
    name: &str,
    codes: Option<Vec<Option<String>>>,
    periods: Vec<String>,
    by: Vec<String>,
    keep: Interval,
) -> Result<i64, Error> {
    check_writable("kpi.add_subscriber", read_only::CHANGES)?;
    let codes: Option<Vec<String>> = codes.map(|codes| codes.into_iter().flatten().collect());
    if periods.is_empty() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "periods must not be empty",
        )
        .hint("Name one or more of minute, hour and day."));
    }
    for code in codes.iter().flatten() {
        let kpi = lookup::kpi(Mode::Write, code)?;
        lookup::check_readable(&kpi)?;
        super::start::check_dimensions(&kpi, &by)?;
    }
    let caller = identity::current_role();
    super::start::bring_up_to_date(codes.as_deref())?;
    let _owner = Identity::extension_owner()?;
    // Under the lock of the log: the first change for the new subscriber is the one after the number that it is told.
    spi::run("SELECT FROM kpi.change_head FOR NO KEY UPDATE", &[])?;
    let added = spi::first(
        Mode::Write,
        "INSERT INTO kpi.subscriber (name, owner, codes, periods, by, keep, acked) \
         VALUES ($1, $2::regrole, $3, $4, $5, $6, kpi.last_change()) ON CONFLICT (name) DO NOTHING RETURNING acked",
        &[
            arg(name),
            arg(caller),
            spi::raw_arg(pg_sys::TEXTARRAYOID, codes.into_datum()),
            arg(periods),
            arg(by),
            arg(keep),
        ],
        |row| Ok(row.get::<i64>(1).unwrap_or_default()),
    )?;
    shared::at_commit(|noted| noted.altered = true);
    jobs::warn_without_worker("Changes are published when kpi.refresh is called.");
    added.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("subscriber \"{name}\" exists already"),
        )
        .detail("It goes on where it has acknowledged: kpi.poll(name) needs no new subscription.")
        .hint(format!(
            "To begin anew: SELECT kpi.remove_subscriber({});",
            spi::literal(name)
        ))
    })
}

/// `kpi.remove_subscriber(name)`.
#[pg_extern(sql = false)]
fn remove_subscriber(name: Option<&str>) -> Result<(), ErrorReport> {
    let name = required(name, "name")?;
    check_writable("kpi.remove_subscriber", read_only::CHANGES)?;
    seen(name)?;
    let _owner = Identity::extension_owner()?;
    spi::run("DELETE FROM kpi.subscriber WHERE name = $1", &[arg(name)])?;
    shared::at_commit(|noted| noted.altered = true);
    Ok(())
}

/// `kpi.ack(name, number)`.
#[pg_extern(sql = false)]
fn ack(name: Option<&str>, number: Option<i64>) -> Result<(), ErrorReport> {
    Ok(acknowledge(required(name, "name")?, required(number, "number")?)?)
}

fn acknowledge(name: &str, number: i64) -> Result<(), Error> {
    check_writable("kpi.ack", read_only::CHANGES)?;
    let subscriber = seen(name)?;
    if number <= subscriber.acked {
        return Ok(());
    }
    let _owner = Identity::extension_owner()?;
    let slot = shared::shared().and_then(|shared| shared.slot(shared::my_database()));
    let acknowledged = spi::first_kept(
        Mode::Write,
        if slot.is_some_and(|slot| slot.reaches(number)) {
            "UPDATE kpi.subscriber SET acked = greatest(acked, $2), seen_at = clock_timestamp() WHERE name = $1 RETURNING true"
        } else {
            "UPDATE kpi.subscriber SET acked = greatest(acked, $2), seen_at = clock_timestamp() WHERE name = $1 \
             AND $2 <= (SELECT greatest((SELECT base FROM kpi.change_head), (SELECT max(number) FROM kpi.change_log_0), \
             (SELECT max(number) FROM kpi.change_log_1), (SELECT max(number) FROM kpi.change_log_2))) RETURNING true"
        },
        &[arg(name), arg(number)],
        |_| Ok(()),
    )?;
    if acknowledged.is_none() {
        return Err(refused(name, number)?);
    }
    asynchronous_commit();
    Ok(())
}

/// Why nothing could be acknowledged.
fn refused(name: &str, number: i64) -> Result<Error, Error> {
    let last = spi::first_kept(Mode::Write, "SELECT kpi.last_change()", &[], |row| {
        Ok(row.get::<i64>(1).unwrap_or_default())
    })?
    .unwrap_or_default();
    if number <= last {
        // Removed since it was seen.
        return Ok(unknown(name));
    }
    Ok(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("there is no change number {number}"),
    )
    .detail(format!("The latest is {last}."))
    .hint("Acknowledge the number of the last row that kpi.poll returned and that was dealt with."))
}

/// As `SET LOCAL synchronous_commit = off`, where the transaction does nothing else: what a crash takes back is delivered
/// again, and "at least once" need not wait for the disk.
fn asynchronous_commit() {
    // SAFETY: reads whether this is a transaction of one statement; sets a parameter until its end.
    unsafe {
        if !pg_sys::IsTransactionBlock() {
            pg_sys::set_config_option(
                c"synchronous_commit".as_ptr(),
                c"off".as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_LOCAL,
                true,
                0,
                false,
            );
        }
    }
}
