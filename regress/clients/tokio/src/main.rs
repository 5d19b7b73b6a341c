//! tokio-postgres: what an application does with the views of pg_kpi, as a role that may read some of them. See run.sh.

mod changes;
mod checks;

use std::error::Error;
use std::process::ExitCode;

use checks::{all_shown, cases, check, end, equal, lines, same_lines};
use futures_util::TryStreamExt;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

const VIEW: &str = "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight \
                    WHERE period = $1 AND ts >= $2 AND ts < $3 ORDER BY ts, region, dock, express";
const VALUES: &str = "SELECT ts, dimensions->>'region', dimensions->>'dock', dimensions->>'express', value, target, status \
                      FROM kpi.values_day WHERE code = $1 AND ts >= $2 AND ts < $3 ORDER BY 1, 2, 3, 4";
const FUNCTION: &str = "SELECT ts, value FROM kpi.value($1, 'hour', $2, $3)";
const ALL: &str = "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight \
                   WHERE period = 'minute' ORDER BY 1, 3, 4, 5";
const COLUMNS: &str = "SELECT concat_ws('|', c.table_schema || '.' || c.table_name, c.column_name, c.udt_name, c.is_nullable, \
                       coalesce(col_description(r.oid, c.ordinal_position), '')) FROM information_schema.columns c, \
                       LATERAL (SELECT to_regclass(format('%I.%I', c.table_schema, c.table_name))::oid AS oid) r \
                       WHERE c.table_schema IN ('kpi_views', 'kpi') AND c.table_schema || '.' || c.table_name = ANY ($1) \
                       ORDER BY c.table_schema || '.' || c.table_name, c.ordinal_position";

type Failure = Box<dyn Error>;
type Done = Result<(), Failure>;

/// How to connect as the role that the environment names, with options as `PGOPTIONS` has them.
fn configuration(role: &str, options: &str) -> Result<Config, Failure> {
    let mut config = Config::new();
    config
        .host(std::env::var("PGHOST")?)
        .port(std::env::var("PGPORT")?.parse()?)
        .dbname(std::env::var("PGDATABASE")?)
        .user(std::env::var(role)?)
        .options(options);
    Ok(config)
}

async fn connected(role: &str, options: &str) -> Result<Client, Failure> {
    let (client, connection) = configuration(role, options)?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn reader() -> Result<Client, Failure> {
    connected("PGUSER", "").await
}

async fn texts(client: &Client, sql: &str) -> Result<Vec<String>, Failure> {
    all_shown(&client.query(sql, &[]).await?).map_err(Into::into)
}

async fn reflection() -> Done {
    let client = reader().await?;
    let wanted = lines("reflection.expected")?;
    let mut names: Vec<_> = wanted.iter().filter_map(|line| line.split('|').next()).collect();
    names.dedup();
    let columns = client.query(COLUMNS, &[&names]).await?;
    same_lines(
        "columns: names, types, nullability and comments",
        &all_shown(&columns)?,
        &wanted,
    );
    let views = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema = 'kpi_views' ORDER BY 1";
    let granted: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with("kpi_views"))
        .map(|&name| name.to_owned())
        .collect();
    same_lines(
        "views: those that the role may read",
        &texts(&client, views).await?,
        &granted,
    );
    let comments = client
        .query(
            "SELECT n || '|' || obj_description(n::regclass) FROM unnest($1::text[]) AS n ORDER BY n",
            &[&names],
        )
        .await?;
    same_lines(
        "views: comments",
        &all_shown(&comments)?,
        &lines("comments.expected")?,
    );

    let statement = client.prepare(VIEW).await?;
    let described: Vec<_> = statement
        .columns()
        .iter()
        .map(|c| format!("{} {}", c.name(), c.type_()))
        .collect();
    let wanted = [
        "ts timestamptz",
        "period text",
        "region text",
        "dock int4",
        "express bool",
        "value float8",
        "target float8",
        "status text",
    ];
    same_lines(
        "result: names and types, before it is executed",
        &described,
        &wanted.map(str::to_owned),
    );
    equal(
        "parameters: types",
        statement.params(),
        &[Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ],
    );
    Ok(())
}

/// Each statement is prepared once and executed for all of its cases. What comes is binary.
async fn prepared(client: &Client, how: &str) -> Done {
    for (name, text) in [("view", VIEW), ("values", VALUES), ("function", FUNCTION)] {
        let statement = client.prepare(text).await?;
        let (mut got, mut wanted) = (Vec::new(), Vec::new());
        for case in cases(name)? {
            let rows = client
                .query(&statement, &[&case.what, &case.since, &case.until])
                .await?;
            got.extend(all_shown(&rows)?);
            wanted.extend(case.answer);
        }
        same_lines(
            &format!("prepared {name}, {how}: the rows of psql"),
            &got,
            &wanted,
        );
        if how == "generic plan" && name == "view" {
            let plans = client
                .query_one(
                    "SELECT max(generic_plans) FROM pg_prepared_statements WHERE statement LIKE '%kpi_views.weight%'",
                    &[],
                )
                .await?
                .try_get::<_, i64>(0)?;
            check(
                "prepared: by the generic plan",
                (plans < 12).then(|| format!("{plans} times only")),
            );
        }
    }
    Ok(())
}

async fn live() -> Done {
    let (client, other) = (reader().await?, connected("KPI_OWNER", "").await?);
    let statement = client
        .prepare("SELECT value, target, status FROM kpi_views.live WHERE period = $1 AND client = $2")
        .await?;
    let answer = async || -> Result<Vec<(f64, f64, String)>, tokio_postgres::Error> {
        let rows = client.query(&statement, &[&"day", &"tokio"]).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect()
    };
    for _ in 0..6 {
        answer().await?;
    }
    equal("live: no row yet", answer().await?, vec![]);
    other
        .batch_execute(
            "INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'tokio'), ('2025-05-01 13:00Z', 'tokio')",
        )
        .await?;
    equal(
        "live: rows that have come",
        answer().await?,
        vec![(2.0, 3.0, "bad".to_owned())],
    );
    other.batch_execute("SELECT kpi.refresh('live')").await?;
    equal(
        "live: after the refresh",
        answer().await?,
        vec![(2.0, 3.0, "bad".to_owned())],
    );
    other
        .batch_execute("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'tokio')")
        .await?;
    equal(
        "live: a late row",
        answer().await?,
        vec![(3.0, 3.0, "ok".to_owned())],
    );
    other
        .batch_execute("SELECT kpi.alter_kpi('live', target => 4)")
        .await?;
    equal(
        "live: another target",
        answer().await?,
        vec![(3.0, 4.0, "bad".to_owned())],
    );
    other
        .batch_execute("SELECT kpi.alter_kpi('live', target => 3)")
        .await?;
    Ok(())
}

/// A portal is the server's cursor; `query_raw` hands rows over as they come.
async fn cursors() -> Done {
    let (mut client, other) = (reader().await?, connected("KPI_OWNER", "").await?);
    let plain = texts(&client, ALL).await?;
    same_lines("plain query: the rows of psql", &plain, &lines("all.txt")?);
    let streamed: Vec<_> = client
        .query_raw(ALL, std::iter::empty::<i32>())
        .await?
        .try_collect()
        .await?;
    same_lines("stream: the same rows", &all_shown(&streamed)?, &plain);

    let transaction = client.transaction().await?;
    let portal = transaction.bind(ALL, &[]).await?;
    let (mut sizes, mut got) = (Vec::new(), Vec::new());
    loop {
        let batch = transaction.query_portal(&portal, 250).await?;
        if batch.is_empty() {
            break;
        }
        sizes.push(batch.len());
        got.extend(all_shown(&batch)?);
    }
    same_lines("cursor, binary: the same rows", &got, &plain);
    equal(
        "cursor: in batches",
        sizes,
        vec![250, 250, 250, 250, 250, 250, 250, 150],
    );
    if let Some(case) = cases("view")?.first() {
        let portal = transaction
            .bind(VIEW, &[&case.what, &case.since, &case.until])
            .await?;
        let mut got = all_shown(&transaction.query_portal(&portal, 20).await?)?;
        got.extend(all_shown(&transaction.query_portal(&portal, 0).await?)?);
        same_lines("cursor with parameters", &got, &case.answer);
    }

    other
        .batch_execute(
            "INSERT INTO depot.live SELECT timestamptz '2025-06-01Z' + i * interval '1 minute', 'tokio cursor' FROM generate_series(1, 300) AS i",
        )
        .await?;
    let once =
        "SELECT value FROM kpi_views.live WHERE period = 'minute' AND client = 'tokio cursor' ORDER BY ts";
    let portal = transaction.bind(once, &[]).await?;
    let mut rows = transaction.query_portal(&portal, 10).await?;
    other
        .batch_execute(
            "INSERT INTO depot.live SELECT at, client FROM depot.live WHERE client = 'tokio cursor'",
        )
        .await?;
    other.batch_execute("SELECT kpi.refresh('live')").await?;
    rows.extend(transaction.query_portal(&portal, 0).await?);
    let values = |rows: &[tokio_postgres::Row]| -> Result<Vec<f64>, tokio_postgres::Error> {
        rows.iter().map(|row| row.try_get(0)).collect()
    };
    equal(
        "cursor: rows of the time when it was opened",
        values(&rows)?,
        vec![1.0; 300],
    );
    equal(
        "cursor: the next query sees what has come",
        values(&transaction.query(once, &[]).await?)?,
        vec![2.0; 300],
    );
    transaction.commit().await?;
    Ok(())
}

async fn types() -> Done {
    for zone in ["UTC", "Europe/Berlin", "America/St_Johns"] {
        let client = connected("PGUSER", &format!("-c timezone={zone}")).await?;
        same_lines(
            &format!("time zone {zone}, binary: the same instants"),
            &texts(&client, ALL).await?,
            &lines("all.txt")?,
        );
    }
    let client = reader().await?;
    let rows = client
        .query("SELECT value FROM kpi_views.weight WHERE period = 'minute'", &[])
        .await?;
    let values = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<Option<f64>>, _>>()?;
    check(
        "null, binary",
        (!values.contains(&None)).then(|| "there is none".to_owned()),
    );
    check(
        "NaN, binary",
        (!values.iter().flatten().any(|v| v.is_nan())).then(|| "there is none".to_owned()),
    );

    // What its text protocol hands over is text; a number in it is the same to the last bit.
    let mut got = Vec::new();
    for message in client
        .simple_query(
            "SELECT value FROM kpi_views.weight WHERE period = 'minute' ORDER BY ts, region, dock, express",
        )
        .await?
    {
        if let SimpleQueryMessage::Row(row) = message {
            let field = match row.try_get(0)? {
                None => "NULL".to_owned(),
                Some(text) => format!("{:016x}", text.parse::<f64>()?.to_bits()),
            };
            got.push(field);
        }
    }
    let wanted: Vec<_> = lines("all.txt")?
        .iter()
        .filter_map(|line| line.split('|').nth(5).map(str::to_owned))
        .collect();
    same_lines("simple query, text: the same values", &got, &wanted);

    let rows = client
        .query(
            "SELECT dimensions, dimensions->>'region', dimensions->>'dock' FROM kpi.values_day WHERE code = 'fees'",
            &[],
        )
        .await?;
    let mut as_json = Vec::new();
    let mut as_text = Vec::new();
    for row in &rows {
        let json: serde_json::Value = row.try_get(0)?;
        let dock = row.try_get::<_, Option<String>>(2)?;
        as_json.push((
            json["region"].as_str().map(str::to_owned),
            json["dock"].as_i64().map(|n| n.to_string()),
        ));
        as_text.push((row.try_get::<_, Option<String>>(1)?, dock));
    }
    equal("jsonb, binary: a serde_json::Value", as_json, as_text);

    let rows = client
        .query(
            "SELECT code, dimensions, requires, approximate, target, view::text FROM kpi.catalog WHERE code IN ('weight', 'fee') ORDER BY code",
            &[],
        )
        .await?;
    type Definition = (
        String,
        Option<Vec<String>>,
        Vec<String>,
        bool,
        Option<f64>,
        String,
    );
    let catalog = rows
        .iter()
        .map(|r| {
            Ok((
                r.try_get(0)?,
                r.try_get(1)?,
                r.try_get(2)?,
                r.try_get(3)?,
                r.try_get(4)?,
                r.try_get(5)?,
            ))
        })
        .collect::<Result<Vec<Definition>, tokio_postgres::Error>>()?;
    let list = |of: &[&str]| of.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    equal(
        "catalog, binary: arrays, flags and numbers",
        catalog,
        vec![
            (
                "fee".to_owned(),
                None,
                list(&["fees", "parcels"]),
                false,
                None,
                "kpi_views.fee".to_owned(),
            ),
            (
                "weight".to_owned(),
                Some(list(&["region", "dock", "express"])),
                vec![],
                false,
                Some(4.7),
                "kpi_views.weight".to_owned(),
            ),
        ],
    );
    equal(
        "scorecard, binary: the KPIs that the role may read",
        texts(&client, "SELECT code FROM kpi.scorecard").await?,
        list(&[
            "fee",
            "fees",
            "intact",
            "largest",
            "live",
            "parcels",
            "scan_time",
            "weight",
        ]),
    );

    let mut client = client;
    let transaction = client.build_transaction().read_only(true).start().await?;
    let days = transaction
        .query("SELECT ts, value FROM kpi.value('fees', 'day')", &[])
        .await?;
    equal("a read-only transaction", days.len(), 4);
    Ok(())
}

const REFUSED: [(&str, &str, &str); 9] = [
    (
        "the raw table",
        "SELECT * FROM depot.parcel",
        "permission denied for table parcel",
    ),
    (
        "the rollup",
        "SELECT * FROM kpi_rollup.parcel_day",
        "permission denied for table parcel_day",
    ),
    (
        "a view without SELECT",
        "SELECT * FROM kpi_views.secret",
        "permission denied for view secret",
    ),
    (
        "a code without SELECT",
        "SELECT * FROM kpi.value('secret', 'day')",
        "permission denied for KPI \"secret\"",
    ),
    (
        "kpi.create_kpi",
        "SELECT kpi.create_kpi('mine', 'parcel', 'count(*)')",
        "must be owner of source \"parcel\"",
    ),
    (
        "kpi.create_kpi over others",
        "SELECT kpi.create_kpi('mine', NULL, '{fees} / 2')",
        "must be owner of KPI \"fees\"",
    ),
    (
        "kpi.refresh",
        "SELECT kpi.refresh('parcel')",
        "must be owner of source \"parcel\"",
    ),
    (
        "kpi.drop_kpi",
        "SELECT kpi.drop_kpi('fees')",
        "must be owner of KPI \"fees\"",
    ),
    (
        "a write",
        "INSERT INTO kpi_views.fees (value) VALUES (1)",
        "permission denied for view fees",
    ),
];

async fn rights() -> Done {
    let client = reader().await?;
    for (what, statement, message) in REFUSED {
        let said = match client.query(statement, &[]).await {
            Ok(_) => "it was not".to_owned(),
            Err(error) => match error.as_db_error() {
                Some(error) => {
                    if what == "a code without SELECT" {
                        equal(
                            "refused: the hint says what to type",
                            error.hint(),
                            Some("Its owner can grant it: GRANT SELECT ON kpi_views.secret TO <role>."),
                        );
                    }
                    format!("{} {}", error.code().code(), error.message())
                }
                None => error.to_string(),
            },
        };
        equal(&format!("refused: {what}"), said, format!("42501 {message}"));
    }
    Ok(())
}

async fn all() -> Done {
    reflection().await?;
    prepared(&reader().await?, "binary").await?;
    let client = reader().await?;
    client
        .batch_execute("SET plan_cache_mode = force_generic_plan")
        .await?;
    prepared(&client, "generic plan").await?;
    live().await?;
    cursors().await?;
    types().await?;
    rights().await?;
    changes::all().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Err(error) = all().await {
        println!("not ok - {error:?}");
        return ExitCode::FAILURE;
    }
    if end() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
