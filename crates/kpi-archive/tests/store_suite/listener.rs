//! The other end of a connection, without any protocol.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kpi_archive::StoreOptions;

/// Does `talk` with every connection, each on a thread; returns the address and how many connections there were.
pub fn listener(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, talk) = (count.clone(), Arc::new(talk));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, SeqCst);
            let talk = talk.clone();
            std::thread::spawn(move || talk(stream));
        }
    });
    (address, count)
}

/// Reads what comes and never answers.
pub fn silent(mut stream: TcpStream) {
    let mut sink = [0; 65536];
    while stream.read(&mut sink).is_ok_and(|n| n > 0) {}
}

/// A store there that does not wait long.
pub fn s3_at(endpoint: &str, secret: &str) -> StoreOptions {
    let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    StoreOptions {
        url: "s3://cold/p".into(),
        values: vec![
            value("endpoint", endpoint),
            value("access_key_id", "AKIDEXAMPLE"),
            value("secret_access_key", secret),
            value("max_retries", "2"),
            value("request_timeout", "300ms"),
        ],
    }
}
