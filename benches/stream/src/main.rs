//! Measures how long changes take to reach those who wait for them; called by `benches/sql/stream.sh`.
//!
//! * `latency CHANNEL STATEMENT SECONDS RATE`: one session runs STATEMENT ($1 a number that grows) RATE times a second,
//!   another listens on CHANNEL, whose payloads hold the largest number that is visible. Prints the median and the 99th
//!   percentile of the time from the return of a commit to the notification, milliseconds.
//! * `subscribers COUNT STATEMENT SECONDS RATE`: COUNT sessions follow `kpi.poll`, each as a subscriber of its own, while
//!   STATEMENT changes RATE KPIs a second. Prints the 99th percentile of the time from a change's commit to its arrival,
//!   milliseconds, how many changes there were, and how many subscribers have got all of them.
//! * `idle COUNT CHANNEL`: holds COUNT sessions that listen, until its input ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["latency", channel, statement, seconds, rate] => latency(
            channel,
            statement,
            Duration::from_secs(seconds.parse()?),
            rate.parse()?,
        ),
        ["subscribers", count, statement, seconds, rate] => subscribers(
            count.parse()?,
            statement,
            Duration::from_secs(seconds.parse()?),
            rate.parse()?,
        ),
        ["idle", count, channel] => idle(count.parse()?, channel),
        _ => Err("usage: see the head of this program's source".into()),
    }
}

/// A session on the server that the standard variables name.
fn connect() -> Outcome<Client> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let mut config = Client::configure();
    config
        .host(&setting("PGHOST")?)
        .port(setting("PGPORT")?.parse()?)
        .user(&setting("PGUSER")?)
        .dbname(&setting("PGDATABASE")?);
    Ok(config.connect(NoTls)?)
}

fn percentile(sorted: &[f64], p: f64) -> f64 {
    let place = ((sorted.len() as f64 - 1.0) * p).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The number in a payload: all of it, or the member "value" of a JSON object.
fn number(payload: &str) -> Option<i64> {
    let text = match payload.split_once("\"value\":") {
        Some((_, rest)) => rest.split([',', '}']).next().unwrap_or_default(),
        None => payload,
    };
    text.trim().parse::<f64>().ok().map(|number| number as i64)
}

fn latency(channel: &str, statement: &str, length: Duration, rate: u32) -> Outcome<()> {
    let committed: Arc<Mutex<BTreeMap<i64, Instant>>> = Arc::default();
    let mut listener = connect()?;
    listener.batch_execute(&format!("LISTEN \"{channel}\""))?;
    let mut writer = connect()?;
    let statement = writer.prepare(statement)?;
    let (shared, start) = (Arc::clone(&committed), Instant::now());
    let writing = std::thread::spawn(move || -> Outcome<i64> {
        let mut n = 0i64;
        while start.elapsed() < length {
            let due = Duration::from_secs_f64(n as f64 / f64::from(rate));
            if let Some(early) = due.checked_sub(start.elapsed()) {
                std::thread::sleep(early);
            }
            n += 1;
            writer.execute(&statement, &[&n])?;
            if let Ok(mut committed) = shared.lock() {
                committed.insert(n, Instant::now());
            }
        }
        Ok(n)
    });
    let mut waits = Vec::new();
    let mut last_seen = 0;
    let mut notifications = listener.notifications();
    let mut iterator = notifications.timeout_iter(Duration::from_secs(3));
    while let Some(notification) = iterator.next()? {
        let seen = number(notification.payload()).unwrap_or(last_seen);
        let now = Instant::now();
        last_seen = last_seen.max(seen);
        if let Ok(mut committed) = committed.lock() {
            let later = committed.split_off(&(seen + 1));
            // A notification can overtake the writer's own answer: that is no time at all.
            waits.extend(
                committed
                    .values()
                    .map(|then| milliseconds(now.saturating_duration_since(*then))),
            );
            *committed = later;
        }
    }
    let written = writing.join().map_err(|_| "the writer has panicked")??;
    let missing = written - last_seen;
    waits.sort_by(f64::total_cmp);
    println!(
        "{:.1} {:.1} {} {missing}",
        percentile(&waits, 0.5),
        percentile(&waits, 0.99),
        waits.len()
    );
    Ok(())
}

fn micros(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1e6)
}

fn subscribers(count: usize, statement: &str, length: Duration, rate: u32) -> Outcome<()> {
    let (ready, all_ready) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    let mut following = Vec::new();
    for place in 0..count {
        let (ready, over) = (ready.clone(), Arc::clone(&over));
        following.push(
            std::thread::Builder::new()
                .stack_size(512 * 1024)
                .spawn(move || follow(&format!("bench_{place}"), over, ready))?,
        );
    }
    for _ in 0..count {
        all_ready.recv()?;
    }
    let mut writer = connect()?;
    // What was logged before is not theirs.
    let before: i64 = writer.query_one("SELECT kpi.last_change()", &[])?.get(0);
    let statement = writer.prepare(statement)?;
    let (start, mut n) = (Instant::now(), 0i64);
    while start.elapsed() < length {
        let due = Duration::from_secs_f64(n as f64 / f64::from(rate));
        if let Some(early) = due.checked_sub(start.elapsed()) {
            std::thread::sleep(early);
        }
        n += 1;
        writer.execute(&statement, &[&n])?;
    }
    over.store(true, Ordering::Relaxed);
    let (mut waits, mut received) = (Vec::new(), Vec::new());
    for one in following {
        let (its_waits, its_count) = one.join().map_err(|_| "a subscriber has panicked")??;
        waits.extend(its_waits);
        received.push(its_count);
    }
    let all: i64 = writer
        .query_one("SELECT kpi.last_change() - $1", &[&before])?
        .get(0);
    let complete = received.iter().filter(|n| **n == all).count();
    waits.sort_by(f64::total_cmp);
    println!(
        "{:.1} {:.1} {all} {complete}",
        percentile(&waits, 0.5),
        percentile(&waits, 0.99)
    );
    Ok(())
}

/// Follows the log as one subscriber until all is over and nothing has come for a while; its waiting times, and how many changes.
fn follow(name: &str, over: Arc<AtomicBool>, ready: mpsc::Sender<()>) -> Outcome<(Vec<f64>, i64)> {
    let mut client = connect()?;
    client.execute("SELECT kpi.add_subscriber($1, periods => '{minute}')", &[&name])?;
    let poll = client.prepare(
        "SELECT number, (extract(epoch FROM committed) * 1000000)::float8 FROM kpi.poll($1, 1000, '2 s')",
    )?;
    let ack = client.prepare("SELECT kpi.ack($1, $2)")?;
    ready.send(())?;
    let (mut waits, mut count, mut quiet) = (Vec::new(), 0, 0);
    while quiet < 2 {
        let rows = client.query(&poll, &[&name])?;
        let now = micros(SystemTime::now());
        let Some(last) = rows.last() else {
            quiet += usize::from(over.load(Ordering::Relaxed));
            continue;
        };
        waits.extend(rows.iter().map(|row| (now - row.get::<_, f64>(1)) / 1000.0));
        count += rows.len() as i64;
        client.execute(&ack, &[&name, &last.get::<_, i64>(0)])?;
    }
    Ok((waits, count))
}

fn idle(count: usize, channel: &str) -> Outcome<()> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        let mut client = connect()?;
        client.batch_execute(&format!("LISTEN \"{channel}\""))?;
        sessions.push(client);
    }
    println!("listening");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
