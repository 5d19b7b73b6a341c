//! Stores across the network when nobody proper is at the other end: silence, closed connections and cancel. The listeners here
//! speak no protocol.

mod store_suite;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kpi_archive::{ErrorKind, Store, StoreOptions, interrupt};
use store_suite::listener::{listener, s3_at, silent};
use store_suite::{keeps, noise, text, with};

const SECRET: &str = "s3cr3t-n0b0dy-may-see/+=";

static STOP: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The interrupt belongs to the whole process, so the tests that wait go one by one.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    interrupt::set(|| {
        ASKED.fetch_add(1, SeqCst);
        STOP.load(SeqCst)
    });
    STOP.store(false, SeqCst);
    guard
}

fn s3(endpoint: &str) -> StoreOptions {
    s3_at(endpoint, SECRET)
}

#[test]
fn silence_ends_after_the_time_out_and_its_repetitions() {
    let _alone = alone();
    let (address, _) = listener(silent);
    let store = Store::open(&s3(&address)).unwrap();
    let error = store.get("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", text(&error));
    assert!(
        error.hint().unwrap().contains("request_timeout"),
        "{}",
        text(&error)
    );
    assert!(error.detail().unwrap().contains("3 attempts"), "{}", text(&error));
    assert_eq!((store.requests().gets, store.requests().retries), (3, 2));
    let error = store.put("a", &noise(5_000_000, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", text(&error));
    keeps(&error, &[SECRET]);
}

#[test]
fn no_repetition_begins_after_the_retry_time_out() {
    let _alone = alone();
    let (address, _) = listener(silent);
    let options = with(
        &with(&s3(&address), "max_retries", "20"),
        "retry_timeout",
        "400ms",
    );
    let store = Store::open(&options).unwrap();
    assert_eq!(store.get("a").unwrap_err().kind(), ErrorKind::Unavailable);
    assert!((1..=3).contains(&store.requests().gets), "{:?}", store.requests());
}

#[test]
fn an_answer_that_trickles_is_not_silent_and_one_that_stops_half_way_is() {
    let _alone = alone();
    // 2 s in all, never 300 ms without a byte.
    let (address, _) = listener(|mut stream| {
        let _ = stream.read(&mut [0; 65536]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\nETag: \"1\"\r\n\r\n");
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(100));
            let _ = stream.write_all(b"x");
        }
    });
    assert_eq!(
        Store::open(&s3(&address)).unwrap().get("a").unwrap(),
        "x".repeat(20)
    );
    for half in [0, 10] {
        let (address, connections) = listener(move |mut stream| {
            let _ = stream.read(&mut [0; 65536]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\nETag: \"1\"\r\n\r\n");
            let _ = stream.write_all(&vec![b'x'; half]);
            silent(stream);
        });
        let error = Store::open(&s3(&address)).unwrap().get("a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", text(&error));
        assert_eq!(connections.load(SeqCst), 3);
    }
}

#[test]
fn a_connection_that_breaks_is_tried_again_wherever_it_breaks() {
    let _alone = alone();
    for part in [
        &b""[..],
        b"HTT",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\nETag: \"1\"\r\n\r\nhalf",
        b"this is not HTTP at all\r\n\r\n",
        b"HTTP/1.1 503 Slow Down\r\nContent-Length: 100\r\n\r\n<Error><Code>SlowDown</Code>",
    ] {
        let (address, connections) = listener(move |mut stream| {
            let _ = stream.read(&mut [0; 65536]);
            let _ = stream.write_all(part);
        });
        let store = Store::open(&s3(&address)).unwrap();
        let error = store.get("a/b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{part:?}: {}", text(&error));
        assert!(text(&error).contains("s3://cold/p/a/b"), "{}", text(&error));
        assert_eq!(connections.load(SeqCst), 3, "{part:?}");
        assert_eq!(store.requests().retries, 2);
        keeps(&error, &[SECRET]);
    }
}

#[test]
fn a_wait_of_any_kind_can_be_cancelled() {
    let _alone = alone();
    let (address, _) = listener(silent);
    let options = with(
        &with(&s3(&address), "request_timeout", "60s"),
        "retry_timeout",
        "10min",
    );
    let refused = with(
        &with(&options, "endpoint", "http://127.0.0.1:1"),
        "max_retries",
        "20",
    );
    for options in [options, refused] {
        let store = Store::open(&options).unwrap();
        let calls: [&dyn Fn() -> ErrorKind; 5] = [
            &|| store.put("a", &noise(30_000_000, 1)).unwrap_err().kind(),
            &|| store.get("a").unwrap_err().kind(),
            &|| {
                store
                    .get_ranges("a", &[0..1, 20_000_000..20_000_001])
                    .unwrap_err()
                    .kind()
            },
            &|| store.list("").unwrap_err().kind(),
            &|| store.delete("a").unwrap_err().kind(),
        ];
        for call in calls {
            STOP.store(false, SeqCst);
            ASKED.store(0, SeqCst);
            let stopper = std::thread::spawn(|| {
                // The store looks up at least every 50 ms, so this is reached whatever else the machine does.
                while ASKED.load(SeqCst) < 5 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                STOP.store(true, SeqCst);
            });
            let kind = call();
            stopper.join().unwrap();
            assert_eq!(kind, ErrorKind::Canceled);
        }
    }
    STOP.store(false, SeqCst);
}

#[test]
fn the_interrupt_is_asked_often_while_waiting() {
    let _alone = alone();
    let (address, _) = listener(silent);
    let store = Store::open(&with(
        &with(&s3(&address), "request_timeout", "1s"),
        "max_retries",
        "0",
    ))
    .unwrap();
    ASKED.store(0, SeqCst);
    let started = Instant::now();
    store.get("a").unwrap_err();
    let (asked, waited) = (ASKED.load(SeqCst) as u128, started.elapsed().as_millis());
    // Every 20 ms on a machine that is not busy; the bound is the mean that was promised, twice over.
    assert!(asked * 100 >= waited, "{asked} times in {waited} ms");
}

#[test]
fn a_check_that_fails_says_why_for_each_step() {
    let _alone = alone();
    let store = Store::open(&s3("http://127.0.0.1:1")).unwrap();
    let checks = store.check();
    assert_eq!(
        checks.iter().map(|c| (c.step.as_str(), c.ok)).collect::<Vec<_>>(),
        [("write", false), ("list", false)]
    );
    assert!(
        checks[0].message.contains("refuses the connection") && checks[0].message.contains("endpoint"),
        "{checks:?}"
    );
}

#[test]
fn a_cancelled_write_into_a_folder_leaves_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let store = Store::open(&StoreOptions { url, values: vec![] }).unwrap();
    store.put("a/old", &noise(10_000_000, 1)).unwrap();
    STOP.store(true, SeqCst);
    assert_eq!(
        store.put("a/new", &noise(10_000_000, 1)).unwrap_err().kind(),
        ErrorKind::Canceled
    );
    assert_eq!(store.get("a/old").unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(
        store.get_ranges("a/old", &[0..1, 2..3]).unwrap_err().kind(),
        ErrorKind::Canceled
    );
    assert_eq!(store.list("").unwrap_err().kind(), ErrorKind::Canceled);
    STOP.store(false, SeqCst);
    let keys: Vec<String> = store
        .list("")
        .unwrap()
        .into_iter()
        .map(|entry| entry.key)
        .collect();
    assert_eq!(keys, ["a/old"]);
}

/// Runs as a process of its own, which a signal ends.
#[test]
#[ignore = "started by the test of signals, as a process of its own"]
fn waits_for_an_answer() {
    let _alone = alone();
    let options = with(
        &s3(&std::env::var("KPI_TEST_WAIT_FOR").unwrap()),
        "request_timeout",
        "30min",
    );
    let _ = Store::open(&options).unwrap().get("a");
}

#[test]
fn a_signal_is_handled_while_a_request_waits() {
    use std::os::unix::process::ExitStatusExt;
    let (address, connections) = listener(silent);
    let mut waiting = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["waits_for_an_answer", "--exact", "--ignored"])
        .env("KPI_TEST_WAIT_FOR", &address)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while connections.load(SeqCst) == 0 {
        assert!(waiting.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = waiting.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(waiting.wait().unwrap().signal(), Some(15));
}
