use jiff::Timestamp;
use tokio_postgres::NoTls;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // host=... dbname=... user=... password=...
    let (mut client, connection) = tokio_postgres::connect(&std::env::var("DATABASE")?, NoTls).await?;
    tokio::spawn(connection);

    let days = client
        .prepare(
            "SELECT ts, region, value FROM kpi_views.fees \
             WHERE period = $1 AND ts >= $2 AND region = 'north' AND dock = 1 ORDER BY ts, value",
        )
        .await?;
    let since: Timestamp = "2025-03-29T23:00:00Z".parse()?;
    for row in client.query(&days, &[&"day", &since]).await? {
        let (ts, region, value): (Timestamp, &str, f64) = (row.get(0), row.get(1), row.get(2));
        println!("{} {region} {value:.2}", ts.as_second());
    }

    let transaction = client.transaction().await?;
    let minutes = "SELECT ts, value FROM kpi_views.fees WHERE period = 'minute'";
    let portal = transaction.bind(minutes, &[]).await?;
    let mut count = 0;
    loop {
        let rows = transaction.query_portal(&portal, 500).await?;
        if rows.is_empty() {
            break;
        }
        count += rows.len();
    }
    println!("{count} minutes");
    Ok(())
}
