//! A host can end long calls. In a process of its own, since a host is set once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use kpi_series::{Builder, Fill, Series, Step};

/// Polls that are let through before one panics.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn poll() {
    assert_ne!(LEFT.fetch_sub(1, Ordering::Relaxed), 0, "cancelled");
}

/// Whether the call ends when its first poll says so, and runs through when none does.
fn ends(call: impl Fn()) -> bool {
    LEFT.store(0, Ordering::Relaxed);
    let ended = catch_unwind(AssertUnwindSafe(&call)).is_err();
    LEFT.store(usize::MAX, Ordering::Relaxed);
    call();
    ended
}

#[test]
fn long_calls_can_be_ended() {
    kpi_series::interrupt::set(poll);
    const POINTS: i64 = 200_000;
    let points = |step: i64| -> Vec<(i64, Option<f64>)> {
        (0..POINTS)
            .map(|i| (i * step % (POINTS * 1_000_003), Some(i as f64)))
            .collect()
    };
    let series = Series::from_points(points(1_000_000)).unwrap();
    assert!(ends(|| drop(series.to_text())));
    let text = series.to_text();
    assert!(ends(|| drop(Series::parse(&text).unwrap())));
    let every = Step::new(0, 0, 500_000).unwrap();
    assert!(ends(|| drop(
        series.regularize(every, Fill::Linear, &TimeZone::UTC).unwrap()
    )));
    assert!(ends(|| drop(series.lttb(100_000))));
    let scattered = points(99_991 * 1_000_003);
    assert!(ends(|| {
        let mut builder = Builder::default();
        for &(time, value) in &scattered {
            builder.push(time, value).unwrap();
        }
        drop(builder.finish().unwrap());
    }));
}
