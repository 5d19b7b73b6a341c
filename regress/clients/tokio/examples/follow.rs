use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, NoTls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, mut connection) = tokio_postgres::connect(&std::env::var("DATABASE")?, NoTls).await?;
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = tell.send(notification);
            }
        }
    });
    client
        .batch_execute("LISTEN \"kpi.updates.scan_time.minute\"")
        .await?;
    loop {
        let rows = client
            .query("SELECT number, bucket, value FROM kpi.poll('wallboard')", &[])
            .await?;
        for row in &rows {
            let (number, bucket, value): (i64, Timestamp, f64) = (row.get(0), row.get(1), row.get(2));
            println!("{number} {} {value:.2}", bucket.as_second());
        }
        if let Some(row) = rows.last() {
            let last: i64 = row.get(0);
            client.query("SELECT kpi.ack('wallboard', $1)", &[&last]).await?;
        } else if let Ok(None) = timeout(Duration::from_secs(60), heard.recv()).await {
            return Err("the connection is lost".into()); // and a minute at most: who does not poll counts as away
        }
    }
}
