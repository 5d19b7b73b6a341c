//! tokio-postgres: what an application hears and reads of changes as they happen.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification};

use crate::checks::{all_shown, check, equal};
use crate::{Done, Failure, configuration, connected, reader};

const NOON: &str = "2025-05-04T12:00:00Z";
const POLL: &str = "SELECT number, bucket, value FROM kpi.poll('tokio')";
const WAITING: &str = "SELECT number, committed, code, period, bucket, dimensions, value, previous, data_points, changes \
                       FROM kpi.poll('tokio', wait => '10 s')";
const SINCE: &str =
    "SELECT number, bucket, value FROM kpi.changes_since($1, codes => '{scan_time}', periods => '{minute}')";
const ADD: &str = "SELECT kpi.add_subscriber('tokio', codes => '{scan_time}', periods => '{minute}')";
const ACK: &str = "SELECT kpi.ack('tokio', $1)";

/// A change: number, bucket and value.
type Change = (i64, Timestamp, f64);

/// A session whose notifications are kept, and the error that ends it.
struct Listener {
    client: Client,
    heard: UnboundedReceiver<Result<Notification, tokio_postgres::Error>>,
}

impl Listener {
    async fn connected() -> Result<Self, Failure> {
        let (client, mut connection) = configuration("PGUSER", "")?.connect(NoTls).await?;
        let (tell, heard) = unbounded_channel();
        tokio::spawn(async move {
            let mut messages = poll_fn(move |context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                let told = match message {
                    Ok(AsyncMessage::Notification(notification)) => tell.send(Ok(notification)),
                    Ok(_) => Ok(()),
                    Err(error) => tell.send(Err(error)),
                };
                if told.is_err() {
                    break;
                }
            }
        });
        Ok(Self { client, heard })
    }

    /// The next notification, or the error that ended the session.
    async fn next(&mut self) -> Result<Notification, Failure> {
        let next = timeout(Duration::from_secs(60), self.heard.recv()).await?;
        Ok(next.ok_or("the session has ended without an error")??)
    }

    /// Its payload.
    async fn payload(&mut self) -> Result<serde_json::Value, Failure> {
        Ok(serde_json::from_str(self.next().await?.payload())?)
    }

    /// Listens to the changes of the KPI; the channel.
    async fn listen(&self) -> Result<String, Failure> {
        let row = self
            .client
            .query_one(
                "SELECT kpi.channel('scan_time', 'minute'), quote_ident(kpi.channel('scan_time', 'minute'))",
                &[],
            )
            .await?;
        let quoted: &str = row.try_get(1)?;
        self.client.batch_execute(&format!("LISTEN {quoted}")).await?;
        Ok(row.try_get(0)?)
    }
}

fn minute(number: i64) -> Result<Timestamp, Failure> {
    Ok(NOON.parse::<Timestamp>()? + SignedDuration::from_mins(number))
}

fn change(number: i64, at: i64, value: f64) -> Result<Change, Failure> {
    Ok((number, minute(at)?, value))
}

fn changes(rows: &[tokio_postgres::Row]) -> Result<Vec<Change>, tokio_postgres::Error> {
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

async fn polled(client: &Client) -> Result<Vec<Change>, tokio_postgres::Error> {
    changes(&client.query(POLL, &[]).await?)
}

/// Waits until a query says true.
async fn until(other: &Client, sql: &str) -> Done {
    for _ in 0..600 {
        if let Some(row) = other.query_opt(sql, &[]).await?
            && row.try_get(0).unwrap_or(false)
        {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Err(format!("never true: {sql}").into())
}

async fn insert(other: &Client, at: i64, seconds: f64) -> Done {
    other
        .execute(
            "INSERT INTO depot.scan VALUES ($1, $2)",
            &[&minute(at)?, &seconds],
        )
        .await?;
    Ok(())
}

/// A row that is not on its way only: its change is in the log.
async fn logged(other: &Client, at: i64, seconds: f64) -> Done {
    let last: i64 = other
        .query_one("SELECT kpi.last_change()", &[])
        .await?
        .try_get(0)?;
    insert(other, at, seconds).await?;
    until(other, &format!("SELECT kpi.last_change() > {last}")).await
}

/// The session's number. What the library sends later than a query, to close its statement, is over as well: a session that is ended
/// then is told so by what it reads, and not by what it cannot write.
async fn session(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let pid = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await?
        .try_get(0)?;
    client.batch_execute("SELECT").await?;
    Ok(pid)
}

/// Until a session waits in kpi.poll.
async fn waits(other: &Client, session: i32) -> Done {
    let waiting =
        "SELECT query LIKE '%kpi.poll%' AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid";
    until(other, &format!("{waiting} = {session}")).await
}

/// Ends a session, and returns when it is over.
async fn end(other: &Client, session: i32) -> Done {
    other
        .query("SELECT pg_terminate_backend($1, 10000)", &[&session])
        .await?;
    Ok(())
}

/// The SQLSTATE that the server gave, or what the library says by itself.
fn state(error: &tokio_postgres::Error) -> String {
    error
        .code()
        .map_or_else(|| error.to_string(), |code| code.code().to_owned())
}

/// The number of the change that a notification told of.
async fn announced(other: &Client) -> Result<i64, Failure> {
    let mut listener = Listener::connected().await?;
    let channel = listener.listen().await?;
    insert(other, 0, 0.1).await?;
    let heard = listener.next().await?;
    equal("listen: a committed row is announced", heard.channel(), &channel);
    let payload: serde_json::Value = serde_json::from_str(heard.payload())?;
    let number = payload["number"].as_i64().unwrap_or_default();
    equal(
        "listen: the payload has number, bucket, changes and value",
        &payload,
        &serde_json::json!({"bucket": NOON, "changes": 1, "number": number, "value": 0.1}),
    );
    let value: f64 = listener
        .client
        .query_one(
            "SELECT value FROM kpi.value('scan_time', 'minute', $1, $2)",
            &[&minute(0)?, &minute(1)?],
        )
        .await?
        .try_get(0)?;
    equal(
        "listen: the value is that of kpi.value",
        payload["value"].as_f64(),
        Some(value),
    );
    equal(
        "changes_since: the number leads to the change",
        changes(&listener.client.query(SINCE, &[&(number - 1)]).await?)?,
        vec![change(number, 0, 0.1)?],
    );
    Ok(number)
}

/// Rows come while nobody listens. Who listens again, and then reads on from its number, has them all.
async fn missed_by_listener(other: &Client, number: i64) -> Result<i64, Failure> {
    let mut listener = Listener::connected().await?;
    listener.listen().await?;
    end(other, session(&listener.client).await?).await?;
    let said = match listener.next().await {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.downcast_ref().map_or_else(|| error.to_string(), state),
    };
    equal(
        "listen: a session that is ended is told so",
        said.as_str(),
        "57P01",
    );
    for (at, seconds) in [(1, 0.5), (2, 0.25), (1, 0.125)] {
        logged(other, at, seconds).await?;
    }
    let mut listener = Listener::connected().await?;
    listener.listen().await?;
    equal(
        "changes_since: what was missed, in order",
        changes(&listener.client.query(SINCE, &[&number]).await?)?,
        vec![
            change(number + 1, 1, 0.5)?,
            change(number + 2, 2, 0.25)?,
            change(number + 3, 1, 0.625)?,
        ],
    );
    insert(other, 2, 0.5).await?;
    let payload = listener.payload().await?;
    equal(
        "listen: the next notification goes on from there",
        (payload["number"].as_i64(), payload["value"].as_f64()),
        (Some(number + 4), Some(0.75)),
    );
    Ok(number + 4)
}

/// A poll that waits, and what is acknowledged.
async fn subscribed(other: &Client, number: i64) -> Result<i64, Failure> {
    let client = reader().await?;
    equal(
        "add_subscriber: its changes begin after the last one",
        client.query_one(ADD, &[]).await?.try_get::<_, i64>(0)?,
        number,
    );
    equal("poll: nothing yet", polled(&client).await?, vec![]);
    let (statement, pid) = (client.prepare(WAITING).await?, session(&client).await?);
    let (found, written) = tokio::join!(client.query(&statement, &[]), async {
        waits(other, pid).await?;
        insert(other, 0, 0.2).await
    });
    let (found, ()) = (found?, written?);
    let mut seen = Vec::new();
    for row in &found {
        seen.push((
            row.try_get::<_, String>("code")?,
            row.try_get::<_, String>("period")?,
            row.try_get::<_, serde_json::Value>("dimensions")?,
            row.try_get::<_, f64>("previous")?,
            row.try_get::<_, i64>("data_points")?,
            row.try_get::<_, i64>("changes")?,
        ));
    }
    equal(
        "poll: it waits, and wakes with the change",
        seen,
        vec![(
            "scan_time".to_owned(),
            "minute".to_owned(),
            serde_json::json!({}),
            0.1,
            2,
            1,
        )],
    );
    let picked: Vec<(i64, Timestamp, Timestamp, f64)> = found
        .iter()
        .map(|row| {
            Ok((
                row.try_get("number")?,
                row.try_get("committed")?,
                row.try_get("bucket")?,
                row.try_get("value")?,
            ))
        })
        .collect::<Result<_, tokio_postgres::Error>>()?;
    let shown: Vec<_> = picked
        .iter()
        .map(|(number, committed, bucket, value)| {
            let (committed, bucket) = (committed.as_microsecond(), bucket.as_microsecond());
            format!("{number}|{committed}|{bucket}|{:016x}", value.to_bits())
        })
        .collect();
    let logged = other
        .query(
            "SELECT concat_ws('|', number, depot.shown(committed), depot.shown(bucket), depot.shown(value)) \
             FROM kpi.change WHERE number = $1",
            &[&(number + 1)],
        )
        .await?;
    equal(
        "poll: number, times and value to the last bit",
        shown,
        all_shown(&logged)?,
    );
    equal(
        "poll: what is not acknowledged comes again",
        polled(&client).await?,
        vec![change(number + 1, 0, 0.1 + 0.2)?],
    );
    client.query(ACK, &[&(number + 1)]).await?;
    equal("ack: then there is nothing", polled(&client).await?, vec![]);
    Ok(number + 1)
}

/// The subscriber loses its connection, at every step: the same numbers come until they are acknowledged, and none is skipped.
async fn resumed(other: &Client, number: i64) -> Done {
    let client = reader().await?;
    let pid = session(&client).await?;
    let (said, done) = tokio::join!(client.query(WAITING, &[]), async {
        waits(other, pid).await?;
        end(other, pid).await
    });
    done?;
    let said = said.map_or_else(|error| state(&error), |_| "nothing".to_owned());
    equal("lost in a poll: it is told so", said.as_str(), "57P01");
    for (at, seconds) in [(3, 1.0), (4, 2.0), (3, 4.0)] {
        logged(other, at, seconds).await?;
    }
    let wanted = vec![
        change(number + 1, 3, 1.0)?,
        change(number + 2, 4, 2.0)?,
        change(number + 3, 3, 5.0)?,
    ];

    let client = reader().await?;
    equal(
        "lost in a poll: the next one has what came meanwhile",
        &polled(&client).await?,
        &wanted,
    );
    end(other, session(&client).await?).await?;

    let mut lost = Listener::connected().await?;
    let transaction = lost.client.transaction().await?;
    equal(
        "lost before ack: the same numbers again",
        &changes(&transaction.query(POLL, &[]).await?)?,
        &wanted,
    );
    transaction.query(ACK, &[&(number + 3)]).await?;
    let left = changes(&transaction.query(POLL, &[]).await?)?;
    equal("ack: the transaction that did it sees it", left, vec![]);
    end(other, session(transaction.client()).await?).await?;
    // What the server said is the connection's error; the client's knows no more than that it is closed.
    let told = match lost.heard.recv().await {
        Some(Err(error)) => state(&error),
        _ => "nothing".to_owned(),
    };
    let closed = transaction.commit().await.is_err_and(|error| error.is_closed());
    equal(
        "lost before commit: it is told so",
        (told.as_str(), closed),
        ("57P01", true),
    );

    let client = reader().await?;
    equal(
        "lost before commit: the same numbers again",
        &polled(&client).await?,
        &wanted,
    );
    client.query(ACK, &[&(number + 1)]).await?;
    end(other, session(&client).await?).await?;

    let client = reader().await?;
    equal(
        "lost after ack: on from the number after it",
        polled(&client).await?,
        wanted.get(1..).unwrap_or_default().to_vec(),
    );
    client.query(ACK, &[&(number + 3)]).await?;
    equal("resumed: then there is nothing", polled(&client).await?, vec![]);
    Ok(())
}

async fn refuses(client: &Client, what: &str, statement: &str, wanted: (&str, &str, &str)) {
    let what = format!("refused: {what}");
    match client.query(statement, &[]).await {
        Ok(_) => check(&what, Some("it was not".to_owned())),
        Err(error) => match error.as_db_error() {
            Some(error) => equal(
                &what,
                (
                    error.code().code(),
                    error.message(),
                    error.hint().unwrap_or_default(),
                ),
                wanted,
            ),
            None => check(&what, Some(error.to_string())),
        },
    }
}

/// An error has its SQLSTATE, its message and what to type.
async fn refused() -> Done {
    let client = reader().await?;
    let wanted = (
        "42710",
        "subscriber \"tokio\" exists already",
        "To begin anew: SELECT kpi.remove_subscriber('tokio');",
    );
    refuses(&client, "a subscriber that is there", ADD, wanted).await;
    let wanted = (
        "22023",
        "there is no change number 1000000",
        "Acknowledge the number of the last row that kpi.poll returned and that was dealt with.",
    );
    let beyond = "SELECT kpi.ack('tokio', 1000000)";
    refuses(&client, "ack of what is to come", beyond, wanted).await;
    let wanted = (
        "42501",
        "must be owner of subscriber \"of the owner\"",
        "Add a subscriber of your own with kpi.add_subscriber(name).",
    );
    let others = "SELECT * FROM kpi.poll('of the owner')";
    refuses(&client, "poll of another's subscriber", others, wanted).await;
    let owner = std::env::var("KPI_OWNER")?;
    let hint = format!("Run it as {owner}, or as a member of that role.");
    let wanted = ("42501", "must be owner of KPI \"scan_time\"", hint.as_str());
    let start = "SELECT kpi.start_stream('scan_time', 'hour')";
    refuses(&client, "kpi.start_stream", start, wanted).await;
    client.query("SELECT kpi.remove_subscriber('tokio')", &[]).await?;
    let wanted = (
        "42704",
        "subscriber \"tokio\" does not exist",
        "Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.",
    );
    refuses(&client, "a subscriber that was removed", POLL, wanted).await;
    Ok(())
}

/// All of it, where the database has a worker.
pub async fn all() -> Done {
    let worker = std::env::var("KPI_WORKER")?;
    if worker != "running" {
        println!("skip - changes as they happen: {worker}");
        return Ok(());
    }
    let other = connected("KPI_OWNER", "").await?;
    let number = announced(&other).await?;
    let number = missed_by_listener(&other, number).await?;
    let number = subscribed(&other, number).await?;
    resumed(&other, number).await?;
    refused().await
}
