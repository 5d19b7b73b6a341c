//! What the states over points in time promise: any order, overlap and split of the input gives the result of the sorted
//! whole, which is checked against the definitions of the results.
#![allow(clippy::unwrap_used, clippy::panic)]

use kpi_stats::{
    Candlestick, CompactStateAgg, CounterAgg, Error, Extrapolation, GaugeAgg, HeartbeatAgg, MetricAgg, State,
    StateAgg, StateValue, TimeRange, TimeUnit, TimeWeight, Weighting,
};
use proptest::prelude::*;
use proptest::sample::Index;

type Point = (i64, f64);

const SECOND: i64 = 1_000_000;

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(start, end).unwrap()
}

/// Points in any order, with some times more than once; whole values, whose sums are exact.
fn points() -> impl Strategy<Value = Vec<Point>> {
    let time = prop_oneof![(0..40i64), (-3000..3000i64)];
    prop::collection::vec((time, 0..50i32), 0..1500).prop_map(|points| {
        points
            .into_iter()
            .map(|(time, value)| (time * SECOND, f64::from(value)))
            .collect()
    })
}

/// The points as they count: in order of time, the greatest value of each.
fn sorted(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| (a.0, -a.1).partial_cmp(&(b.0, -b.1)).unwrap());
    sorted.dedup_by_key(|point| point.0);
    sorted
}

/// How points come: in parts of any size that are dealt to some workers, whose states are merged in any order.
#[derive(Debug, Clone)]
struct Dealt {
    cuts: Vec<Index>,
    workers: Vec<Index>,
    in_order: bool,
    reverse: bool,
    stored_between: bool,
}

fn dealt() -> impl Strategy<Value = Dealt> {
    (
        prop::collection::vec(any::<Index>(), 0..12),
        prop::collection::vec(any::<Index>(), 13),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(cuts, workers, in_order, reverse, stored_between)| Dealt {
            cuts,
            workers,
            in_order,
            reverse,
            stored_between,
        })
}

/// The merged state of points that came like that.
fn deal<T: Clone, S: State>(
    dealt: &Dealt,
    points: &[T],
    first: impl Fn() -> S,
    add: impl Fn(&mut S, &T),
) -> S {
    let mut bounds: Vec<usize> = dealt.cuts.iter().map(|cut| cut.index(points.len() + 1)).collect();
    bounds.extend([0, points.len()]);
    bounds.sort_unstable();
    let mut workers = vec![first(), first(), first()];
    for (index, pair) in bounds.array_windows::<2>().enumerate() {
        let worker = &mut workers[dealt.workers[index].index(3)];
        points[pair[0]..pair[1]]
            .iter()
            .for_each(|point| add(worker, point));
    }
    if dealt.reverse {
        workers.reverse();
    }
    let mut workers = workers.into_iter();
    let mut merged = workers.next().unwrap();
    for worker in workers {
        // What a worker hands to the leader.
        let worker = if dealt.stored_between {
            S::decode(&worker.encode()).unwrap()
        } else {
            worker
        };
        merged.merge(&worker);
    }
    merged
}

fn shuffled_or_in_order(dealt: &Dealt, points: &[Point]) -> Vec<Point> {
    let mut points = points.to_vec();
    if dealt.in_order {
        points.sort_by_key(|point| point.0);
    }
    points
}

fn close(a: Option<f64>, b: Option<f64>, scale: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * scale.max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Everything that a counter or gauge tells, by its definition.
fn check_metric<const RESETS: bool>(state: &MetricAgg<RESETS>, points: &[Point]) {
    let points = sorted(points);
    let rise = |a: Point, b: Point| if RESETS && b.1 < a.1 { b.1 } else { b.1 - a.1 };
    let pairs: Vec<(Point, Point)> = points.array_windows().map(|[a, b]| (*a, *b)).collect();
    let total: f64 = pairs.iter().map(|(a, b)| rise(*a, *b)).sum();
    assert_eq!(state.num_elements().unwrap(), points.len() as u64);
    assert_eq!(state.first().unwrap(), points.first().copied());
    assert_eq!(state.last().unwrap(), points.last().copied());
    assert_eq!(state.delta().unwrap(), (!points.is_empty()).then_some(total));
    let changes = pairs.iter().filter(|(a, b)| a.1 != b.1).count() as u64;
    assert_eq!(state.num_changes().unwrap(), changes);
    let resets = pairs.iter().filter(|(a, b)| RESETS && b.1 < a.1).count() as u64;
    assert_eq!(state.num_resets().unwrap(), resets);
    let seconds = |a: Point, b: Point| (b.0 - a.0) as f64 / 1e6;
    let ends = points.first().copied().zip(points.last().copied());
    assert_eq!(state.time_delta().unwrap(), ends.map(|(a, b)| seconds(a, b)));
    let first = pairs.first().copied();
    let last = pairs.last().copied();
    assert_eq!(state.idelta_left().unwrap(), first.map(|(a, b)| rise(a, b)));
    assert_eq!(state.idelta_right().unwrap(), last.map(|(a, b)| rise(a, b)));
    assert_eq!(
        state.irate_left().unwrap(),
        first.map(|(a, b)| rise(a, b) / seconds(a, b))
    );
    assert_eq!(
        state.irate_right().unwrap(),
        last.map(|(a, b)| rise(a, b) / seconds(a, b))
    );
    let rate = ends
        .filter(|_| points.len() > 1)
        .map(|(a, b)| total / seconds(a, b));
    assert_eq!(state.rate().unwrap(), rate);

    // Least squares in two passes over the values with resets made good.
    let mut risen = points.first().map_or(0.0, |first| first.1);
    let mut line = vec![];
    for (index, point) in points.iter().enumerate() {
        if let Some((a, b)) = index.checked_sub(1).map(|before| pairs[before]) {
            risen += rise(a, b);
        }
        line.push((point.0 as f64 / 1e6, risen));
    }
    let n = line.len() as f64;
    let mean = |f: fn(&Point2) -> f64| line.iter().map(f).sum::<f64>() / n;
    type Point2 = (f64, f64);
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = line.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let sxy: f64 = line.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let syy: f64 = line.iter().map(|p| (p.1 - my).powi(2)).sum();
    let slope = (points.len() > 1).then(|| sxy / sxx);
    assert!(
        close(state.slope().unwrap(), slope, (syy / sxx).sqrt()),
        "{:?} {slope:?}",
        state.slope()
    );
    let intercept = slope.map(|slope| my - slope * mx);
    assert!(
        close(state.intercept().unwrap(), intercept, 1e4 * (1.0 + syy.sqrt())),
        "{:?} {intercept:?}",
        state.intercept()
    );
    let corr = (points.len() > 1 && changes > 0).then(|| sxy / (sxx * syy).sqrt());
    assert!(
        close(state.corr().unwrap(), corr, 1.0),
        "{:?} {corr:?}",
        state.corr()
    );
}

fn metric_of<const RESETS: bool>(points: &[Point]) -> MetricAgg<RESETS> {
    let mut state = MetricAgg::default();
    points
        .iter()
        .for_each(|point| state.add(point.0, point.1).unwrap());
    state
}

/// Points in buckets of 100 seconds, at least one in each that is there.
fn buckets(points: &[Point]) -> Vec<(TimeRange, Vec<Point>)> {
    let bucket = |point: &Point| point.0.div_euclid(100 * SECOND);
    sorted(points)
        .chunk_by(|a, b| bucket(a) == bucket(b))
        .map(|points| {
            let start = bucket(&points[0]) * 100 * SECOND;
            (range(start, start + 100 * SECOND), points.to_vec())
        })
        .collect()
}

/// Each bucket between its neighbours, the empty ones left out: bounded by the first and last point, so that the parts add up.
fn with_neighbours<S: Clone>(states: &[(TimeRange, S)]) -> Vec<(TimeRange, Option<S>, S, Option<S>)> {
    (0..states.len())
        .map(|i| {
            let at = |i: Option<usize>| i.and_then(|i| states.get(i)).map(|(_, state)| state.clone());
            (
                states[i].0,
                at(i.checked_sub(1)),
                states[i].1.clone(),
                at(Some(i + 1)),
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn counters_and_gauges(points in points(), dealt in dealt()) {
        let came = shuffled_or_in_order(&dealt, &points);
        let counter = deal(&dealt, &came, CounterAgg::default, |s, p| s.add(p.0, p.1).unwrap());
        check_metric(&counter, &points);
        check_metric(&counter.finished().unwrap(), &points);
        check_metric(&counter.rolled_up().unwrap(), &points);
        let gauge = deal(&dealt, &came, GaugeAgg::default, |s, p| s.add(p.0, p.1).unwrap());
        check_metric(&gauge, &points);
        prop_assert!(counter.finished().unwrap().encode().len() < 200);
    }

    /// Rolled up from stored states of buckets, in any order.
    #[test]
    fn stored_counters_roll_up(points in points(), keys in prop::collection::vec(any::<u32>(), 100)) {
        let mut stored: Vec<(u32, Vec<u8>)> = buckets(&points).iter().zip(&keys)
            .map(|((_, points), key)| (*key, metric_of::<true>(points).finished().unwrap().encode())).collect();
        stored.sort();
        let mut rollup = CounterAgg::default();
        for (_, bytes) in &stored {
            rollup.merge(&CounterAgg::decode(bytes).unwrap());
        }
        check_metric(&rollup, &points);
    }

    /// What buckets gain between neighbours adds up to the whole where no bucket is missing.
    #[test]
    fn interpolated_deltas_add_up(values in prop::collection::vec((0..100i64, 0..50i32), 2..60)) {
        // One point in each bucket of 100 seconds.
        let points: Vec<Point> = values.iter().enumerate()
            .map(|(i, (offset, value))| ((i as i64 * 100 + offset) * SECOND, f64::from(*value))).collect();
        let states: Vec<_> = buckets(&points).into_iter().map(|(range, points)| (range, metric_of::<true>(&points))).collect();
        let mut total = 0.0;
        for (range, previous, state, next) in with_neighbours(&states) {
            total += state.interpolated_delta(range, previous.as_ref(), next.as_ref()).unwrap().unwrap();
        }
        let whole = metric_of::<true>(&points).delta().unwrap().unwrap();
        prop_assert!((total - whole).abs() <= 1e-9 * (1.0 + whole), "{total} {whole}");
    }

    #[test]
    fn time_weights(points in points(), dealt in dealt()) {
        let came = shuffled_or_in_order(&dealt, &points);
        let ordered = sorted(&points);
        for weighting in [Weighting::Locf, Weighting::Linear] {
            let state = deal(&dealt, &came, || TimeWeight::new(weighting), |s, p| s.add(p.0, p.1).unwrap());
            let area: f64 = ordered.array_windows().map(|[a, b]| {
                let height = if weighting == Weighting::Locf { a.1 } else { (a.1 + b.1) / 2.0 };
                height * (b.0 - a.0) as f64
            }).sum();
            let span = ordered.first().zip(ordered.last()).map_or(0, |(a, b)| b.0 - a.0);
            let average = (ordered.len() > 1).then(|| area / span as f64);
            for state in [&state, &state.finished().unwrap(), &state.rolled_up().unwrap()] {
                prop_assert_eq!(state.average().unwrap(), average);
                prop_assert_eq!(state.integral(TimeUnit::Minute).unwrap(), average.map(|_| area / 6e7));
                prop_assert_eq!(state.first().unwrap(), ordered.first().copied());
                prop_assert_eq!(state.last().unwrap(), ordered.last().copied());
            }
        }
    }

    /// Sums of products carry their rounding errors along: any values give the same bits in any split.
    #[test]
    fn time_weights_of_any_values(points in prop::collection::vec((0..100_000i64, -1e6..1e6f64), 2..900), dealt in dealt()) {
        let state = deal(&dealt, &points, || TimeWeight::new(Weighting::Linear), |s, p| s.add(p.0, p.1).unwrap());
        let mut whole = TimeWeight::new(Weighting::Linear);
        sorted(&points).iter().for_each(|p| whole.add(p.0, p.1).unwrap());
        let (a, b) = (state.average().unwrap(), whole.average().unwrap());
        prop_assert!(a == b || (a.unwrap() - b.unwrap()).abs() <= 1e-15 * 1e6, "{a:?} {b:?}");
    }

    #[test]
    fn interpolated_integrals_add_up(values in prop::collection::vec((0..100i64, 0..50i32), 2..60)) {
        let points: Vec<Point> = values.iter().enumerate()
            .map(|(i, (offset, value))| ((i as i64 * 100 + offset) * SECOND, f64::from(*value))).collect();
        for weighting in [Weighting::Locf, Weighting::Linear] {
            let of = |points: &[Point]| {
                let mut state = TimeWeight::new(weighting);
                points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
                state
            };
            let states: Vec<_> = buckets(&points).into_iter().map(|(range, points)| (range, of(&points))).collect();
            let total: f64 = with_neighbours(&states).into_iter().map(|(range, previous, state, next)| {
                state.interpolated_integral(range, previous.as_ref(), next.as_ref(), TimeUnit::Second).unwrap().unwrap_or(0.0)
            }).sum();
            // The last observation is carried to the end of the last bucket.
            let (last, end) = (points[points.len() - 1], states[states.len() - 1].0.end());
            let after = if weighting == Weighting::Locf { last.1 * (end - last.0) as f64 / 1e6 } else { 0.0 };
            let whole = of(&points).integral(TimeUnit::Second).unwrap().unwrap() + after;
            prop_assert!((total - whole).abs() <= 1e-9 * (1.0 + whole), "{total} {whole}");
        }
    }

    #[test]
    fn candlesticks(ticks in prop::collection::vec((0..50i64, 1..50i32, prop::option::of(0..9i32)), 0..300), dealt in dealt()) {
        let add = |s: &mut Candlestick, (time, price, volume): &(i64, i32, Option<i32>)|
            s.add(*time, f64::from(*price), volume.map(f64::from)).unwrap();
        let state = deal(&dealt, &ticks, Candlestick::default, add);
        let mut whole = Candlestick::default();
        let mut in_order = ticks.clone();
        in_order.sort_unstable();
        in_order.iter().for_each(|tick| add(&mut whole, tick));
        prop_assert_eq!(&state, &whole);
        let at = |tick: &(i64, i32, Option<i32>)| (tick.0, f64::from(tick.1));
        prop_assert_eq!(state.open(), ticks.iter().min_by_key(|t| (t.0, -t.1)).map(at));
        prop_assert_eq!(state.close(), ticks.iter().max_by_key(|t| (t.0, t.1)).map(at));
        prop_assert_eq!(state.high(), ticks.iter().min_by_key(|t| (-t.1, t.0)).map(at));
        prop_assert_eq!(state.low(), ticks.iter().min_by_key(|t| (t.1, t.0)).map(at));
        let volume: i32 = ticks.iter().filter_map(|t| t.2).sum();
        let turnover: i32 = ticks.iter().filter_map(|t| Some(t.1 * t.2?)).sum();
        let any = ticks.iter().any(|t| t.2.is_some());
        prop_assert_eq!(state.volume(), any.then(|| f64::from(volume)));
        prop_assert_eq!(state.vwap(), (volume > 0).then(|| f64::from(turnover) / f64::from(volume)));
    }

    #[test]
    fn states(points in prop::collection::vec((0..4000i64, 0..4usize), 0..1200), dealt in dealt()) {
        const NAMES: [&str; 4] = ["error", "idle", "running", "starting"];
        let mut came = points.clone();
        if dealt.in_order {
            came.sort_by_key(|point| point.0);
        }
        let mut ordered = points.clone();
        ordered.sort_by_key(|point| (point.0, std::cmp::Reverse(point.1)));
        ordered.dedup_by_key(|point| point.0);
        let timeline = deal(&dealt, &came, StateAgg::default, |s, p| s.add_text(p.0, NAMES[p.1]).unwrap());
        let compact = deal(&dealt, &came, CompactStateAgg::default, |s, p| s.add_text(p.0, NAMES[p.1]).unwrap());
        for (state, name) in NAMES.iter().enumerate() {
            let expected: i64 = ordered.array_windows().filter(|[a, _]| a.1 == state).map(|[a, b]| b.0 - a.0).sum();
            let name = StateValue::Text((*name).into());
            prop_assert_eq!(timeline.duration_in(&name).unwrap(), expected as u64);
            prop_assert_eq!(compact.duration_in(&name).unwrap(), expected as u64);
        }
        // In time order and in any order they are stored as the same bytes.
        let mut whole = StateAgg::default();
        ordered.iter().for_each(|p| whole.add_text(p.0, NAMES[p.1]).unwrap());
        prop_assert_eq!(timeline.finished().unwrap().encode(), whole.finished().unwrap().encode());
        let mut whole = CompactStateAgg::default();
        ordered.iter().for_each(|p| whole.add_text(p.0, NAMES[p.1]).unwrap());
        prop_assert_eq!(compact.finished().unwrap().encode(), whole.finished().unwrap().encode());
        prop_assert_eq!(compact.into_values().unwrap(), timeline.into_values().unwrap());
        for time in [-1, 0, 17, 2000, 3999, 4001] {
            let expected = ordered.iter().rfind(|p| p.0 <= time).map(|p| StateValue::Text(NAMES[p.1].into()));
            prop_assert_eq!(timeline.state_at(time).unwrap(), expected);
        }
        let periods = timeline.finished().unwrap().state_timeline().unwrap();
        prop_assert!(periods.array_windows().all(|[a, b]| a.end == b.start && a.state != b.state));
        prop_assert_eq!(periods.first().map(|p| p.start), ordered.first().map(|p| p.0));
        prop_assert_eq!(periods.last().map(|p| p.end), ordered.last().map(|p| p.0));
    }

    #[test]
    fn heartbeats(beats in prop::collection::vec(-50..1100i64, 0..1500), liveness in 1..60u64, dealt in dealt()) {
        let mut came = beats.clone();
        if dealt.in_order {
            came.sort_unstable();
        }
        let whole = range(0, 1000);
        let state = deal(&dealt, &came, || HeartbeatAgg::new(whole, liveness).unwrap(), |s, t| s.add(*t).unwrap());
        let live: Vec<bool> = (0..1000).map(|t| beats.iter().any(|b| *b <= t && t < b + liveness as i64)).collect();
        let uptime = live.iter().filter(|live| **live).count() as u64;
        prop_assert_eq!((state.uptime(), state.downtime()), (uptime, 1000 - uptime));
        for time in [-1, 0, 1, 333, 999, 1000] {
            prop_assert_eq!(state.live_at(time), usize::try_from(time).ok().and_then(|t| live.get(t).copied()).unwrap_or(false));
        }
        let runs = |of: bool| live.chunk_by(|a, b| a == b).filter(|run| run[0] == of).count() as u64;
        prop_assert_eq!(state.num_live_ranges(), runs(true));
        prop_assert_eq!(state.num_gaps(), runs(false));
        prop_assert_eq!(state.dead_ranges().iter().map(TimeRange::duration).sum::<u64>(), 1000 - uptime);
        // Two halves, aggregated apart, are the whole too.
        let half = |part: TimeRange| {
            let mut state = HeartbeatAgg::new(part, liveness).unwrap();
            beats.iter().filter(|t| (part.start()..part.end()).contains(t)).for_each(|t| state.add(*t).unwrap());
            state
        };
        let (left, right) = (half(range(0, 400)), half(range(400, 1000)));
        let mut merged = right.clone();
        merged.merge(&left);
        prop_assert_eq!(merged, half(whole));
        prop_assert_eq!(left.uptime() + right.interpolated_uptime(Some(&left)), half(whole).uptime());
    }
}

#[test]
fn without_points_there_is_no_result() {
    let counter = CounterAgg::default().finished().unwrap();
    assert_eq!(
        (
            counter.delta().unwrap(),
            counter.rate().unwrap(),
            counter.slope().unwrap()
        ),
        (None, None, None)
    );
    assert_eq!(
        (counter.first().unwrap(), counter.num_elements().unwrap()),
        (None, 0)
    );
    let level = TimeWeight::new(Weighting::Locf).finished().unwrap();
    assert_eq!(
        (
            level.average().unwrap(),
            level.integral(TimeUnit::Second).unwrap()
        ),
        (None, None)
    );
    let states = StateAgg::default().finished().unwrap();
    assert!(states.into_values().unwrap().is_empty() && states.state_timeline().unwrap().is_empty());
    assert_eq!(states.state_at(0).unwrap(), None);
    assert_eq!(
        (Candlestick::default().open(), Candlestick::default().vwap()),
        (None, None)
    );
    let health = HeartbeatAgg::new(range(0, 10), 1).unwrap();
    assert_eq!(
        (health.uptime(), health.num_gaps(), health.num_live_ranges()),
        (0, 1, 0)
    );
}

#[test]
fn one_point_has_no_duration() {
    let counter = metric_of::<true>(&[(5, 7.0)]);
    assert_eq!(
        (counter.delta().unwrap(), counter.time_delta().unwrap()),
        (Some(0.0), Some(0.0))
    );
    assert_eq!(
        (
            counter.rate().unwrap(),
            counter.irate_left().unwrap(),
            counter.idelta_right().unwrap()
        ),
        (None, None, None)
    );
    assert_eq!(
        (
            counter.slope().unwrap(),
            counter.corr().unwrap(),
            counter.zero_time().unwrap()
        ),
        (None, None, None)
    );
    let bounded = counter.with_bounds(range(0, 10));
    assert_eq!(
        bounded.extrapolated_delta(Extrapolation::Prometheus).unwrap(),
        None
    );
    let mut level = TimeWeight::new(Weighting::Linear);
    level.add(5, 7.0).unwrap();
    assert_eq!(
        (level.average().unwrap(), level.first().unwrap()),
        (None, Some((5, 7.0)))
    );
    // With bounds of a bucket the one observation holds until its end.
    let mut held = TimeWeight::new(Weighting::Locf);
    held.add(5, 7.0).unwrap();
    assert_eq!(
        held.interpolated_average(range(0, 10), None, None).unwrap(),
        Some(7.0)
    );
}

#[test]
fn equal_readings_are_level() {
    let counter = metric_of::<true>(&(0..1000).map(|i| (i * SECOND, 0.1)).collect::<Vec<_>>());
    assert_eq!(
        (
            counter.delta().unwrap(),
            counter.rate().unwrap(),
            counter.slope().unwrap()
        ),
        (Some(0.0), Some(0.0), Some(0.0))
    );
    assert_eq!(
        (
            counter.corr().unwrap(),
            counter.zero_time().unwrap(),
            counter.num_changes().unwrap()
        ),
        (None, None, 0)
    );
}

#[test]
fn a_line_that_is_nearly_level_was_never_at_zero() {
    let counter = metric_of::<true>(&[(0, 1e100), (SECOND, 1e100_f64.next_up())]);
    assert_eq!(counter.zero_time().unwrap(), None);
    let gauge = metric_of::<false>(&[(0, 1e100), (SECOND, -1e100)]);
    assert_eq!(gauge.zero_time().unwrap(), Some(SECOND / 2));
}

#[test]
fn a_large_count_long_after_the_epoch_costs_no_digits() {
    let start = 1_000_000_000_000_000;
    let counter = metric_of::<true>(
        &(0..5000)
            .map(|i| (start + i * SECOND, 1e15 + i as f64))
            .collect::<Vec<_>>(),
    );
    assert_eq!(counter.delta().unwrap(), Some(4999.0));
    assert!((counter.slope().unwrap().unwrap() - 1.0).abs() < 1e-12);
    assert!((counter.corr().unwrap().unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn nan_and_infinities() {
    let counter = metric_of::<true>(&[(0, 1.0), (1, f64::NAN), (2, 3.0)]);
    assert!(counter.delta().unwrap().unwrap().is_nan());
    assert!(counter.slope().unwrap().unwrap().is_nan());
    assert_eq!(
        (counter.num_changes().unwrap(), counter.num_resets().unwrap()),
        (2, 0)
    );
    let gauge = metric_of::<false>(&[(0, 1.0), (1, f64::NAN), (2, f64::NAN), (3, 4.0)]);
    assert_eq!(gauge.delta().unwrap(), Some(3.0));
    assert_eq!(gauge.num_changes().unwrap(), 2);
    assert!(gauge.corr().unwrap().unwrap().is_nan());
    let gauge = metric_of::<false>(&[(0, 1.0), (1, f64::INFINITY)]);
    assert_eq!(gauge.delta().unwrap(), Some(f64::INFINITY));
    assert!(gauge.slope().unwrap().unwrap().is_nan());

    let level = |points: &[Point]| {
        let mut state = TimeWeight::new(Weighting::Locf);
        points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
        state.average().unwrap().unwrap()
    };
    assert_eq!(level(&[(0, f64::INFINITY), (1, 1.0), (2, 1.0)]), f64::INFINITY);
    assert_eq!(
        level(&[(0, 1.0), (1, f64::NEG_INFINITY), (2, 1.0)]),
        f64::NEG_INFINITY
    );
    assert!(level(&[(0, f64::NEG_INFINITY), (1, f64::INFINITY), (2, 1.0)]).is_nan());
    // The last observation holds for no time.
    assert_eq!(level(&[(0, 1.0), (2, f64::NAN)]), 1.0);

    let mut day = Candlestick::default();
    [f64::NAN, 1.0, f64::INFINITY]
        .iter()
        .for_each(|price| day.add(0, *price, None).unwrap());
    assert!(day.high().unwrap().1.is_nan() && day.open().unwrap().1.is_nan());
    assert_eq!((day.low(), day.volume()), (Some((0, 1.0)), None));
}

#[test]
fn infinite_times_are_refused() {
    for (time, positive) in [(i64::MAX, true), (i64::MIN, false)] {
        let error = Error::InfiniteTime { positive };
        assert_eq!(CounterAgg::default().add(time, 1.0), Err(error.clone()));
        assert_eq!(
            TimeWeight::new(Weighting::Locf).add(time, 1.0),
            Err(error.clone())
        );
        assert_eq!(Candlestick::default().add(time, 1.0, None), Err(error.clone()));
        assert_eq!(StateAgg::default().add_integer(time, 1), Err(error.clone()));
        assert_eq!(
            HeartbeatAgg::new(range(0, 1), 1).unwrap().add(time),
            Err(error.clone())
        );
        assert_eq!(TimeRange::new(time, time), Err(error));
    }
}

#[test]
fn the_widest_times() {
    let (first, last) = (-211_813_488_000_000_000, 9_223_371_331_199_999_999);
    let counter = metric_of::<true>(&[(first, 0.0), (last, 1e6)]);
    let span = (last as i128 - first as i128) as f64 / 1e6;
    assert_eq!(counter.time_delta().unwrap(), Some(span));
    assert!((counter.rate().unwrap().unwrap() * span - 1e6).abs() < 1e-6);
    let mut states = StateAgg::default();
    states.add_integer(first, 1).unwrap();
    states.add_integer(last, 2).unwrap();
    assert_eq!(
        i128::from(states.duration_in(&StateValue::Integer(1)).unwrap()),
        last as i128 - first as i128
    );
    assert_eq!(
        StateAgg::decode(&states.encode()).unwrap().into_values(),
        states.into_values()
    );
}

/// The examples of Prometheus's documentation of how a rate is extrapolated, by hand.
#[test]
fn extrapolation_stops_at_zero_and_at_gaps() {
    let bounds = range(0, 100 * SECOND);
    let of = |points: &[Point]| {
        let points: Vec<Point> = points
            .iter()
            .map(|(second, value)| (second * SECOND, *value))
            .collect();
        metric_of::<true>(&points).with_bounds(bounds)
    };
    let delta = |state: &CounterAgg| {
        state
            .extrapolated_delta(Extrapolation::Prometheus)
            .unwrap()
            .unwrap()
    };
    // The start is 40 away, more than 1.1 distances of 10: half a distance is added. So is the end.
    assert_eq!(
        delta(&of(&[(40, 100.0), (50, 110.0), (60, 120.0)])),
        20.0 * (5.0 + 20.0 + 5.0) / 20.0
    );
    // The counter was zero 1 second before its first reading.
    assert_eq!(
        delta(&of(&[(90, 1.0), (95, 6.0), (100, 11.0)])),
        10.0 * (1.0 + 10.0) / 10.0
    );
    // A gauge may be below zero.
    let gauge = metric_of::<false>(&[(90 * SECOND, 1.0), (95 * SECOND, 6.0), (100 * SECOND, 11.0)])
        .with_bounds(bounds);
    assert_eq!(
        gauge.extrapolated_delta(Extrapolation::Prometheus).unwrap(),
        Some(10.0 * (2.5 + 10.0) / 10.0)
    );
    let without = metric_of::<true>(&[(0, 1.0), (1, 2.0)]);
    assert_eq!(
        without.extrapolated_rate(Extrapolation::Prometheus),
        Err(Error::NoBounds)
    );
    let outside = of(&[(-1, 1.0), (1, 2.0)]);
    assert_eq!(
        outside.extrapolated_rate(Extrapolation::Prometheus),
        Err(Error::OutsideBounds { at: -SECOND })
    );
}

#[test]
fn bounds_are_those_of_all() {
    let mut left = metric_of::<true>(&[(0, 1.0)]).with_bounds(range(0, 10));
    left.merge(&metric_of::<true>(&[(15, 1.0)]).with_bounds(range(10, 20)));
    left.merge(&metric_of::<true>(&[]));
    assert_eq!(left.bounds(), Some(range(0, 20)));
    assert_eq!(
        CounterAgg::decode(&left.encode()).unwrap().bounds(),
        Some(range(0, 20))
    );
}

#[test]
fn neighbours_must_lie_beside() {
    let (left, right) = (
        metric_of::<true>(&[(0, 1.0), (10, 2.0)]),
        metric_of::<true>(&[(10, 2.0), (20, 3.0)]),
    );
    let bucket = range(10, 30);
    assert_eq!(
        right.interpolated_delta(bucket, Some(&left), None),
        Err(Error::Neighbour { at: 10 })
    );
    assert_eq!(
        left.interpolated_delta(bucket, None, Some(&right)),
        Err(Error::Neighbour { at: 10 })
    );
    let mut states = [StateAgg::default(), StateAgg::default()];
    states
        .iter_mut()
        .for_each(|state| state.add_integer(10, 1).unwrap());
    let error = states[0].interpolated_duration_in(&StateValue::Integer(1), bucket, Some(&states[1]));
    assert_eq!(error, Err(Error::Neighbour { at: 10 }));
}

#[test]
fn time_weights_of_different_methods_do_not_mix() {
    let mut mixed = TimeWeight::new(Weighting::Locf);
    let other = TimeWeight::new(Weighting::Linear);
    assert_eq!(
        mixed.interpolated_average(range(0, 1), Some(&other), None),
        Err(Error::MixedWeighting)
    );
    assert_eq!(mixed.check_merge(&other), Err(Error::MixedWeighting));
    assert_eq!(mixed.check_merge(&mixed), Ok(()));
    mixed.merge(&other);
    assert_eq!(mixed.average(), Err(Error::MixedWeighting));
    assert_eq!(
        TimeWeight::decode(&mixed.encode()).unwrap().average(),
        Err(Error::MixedWeighting)
    );
}

#[test]
fn stored_states_that_overlap_teach_what_to_do() {
    let points: Vec<Point> = (0..100).map(|i| (i * SECOND, i as f64)).collect();
    let mut stored = metric_of::<true>(&points).finished().unwrap();
    stored.merge(&metric_of::<true>(&[(50 * SECOND + 1, 7.0)]).finished().unwrap());
    let error = stored.delta().unwrap_err();
    assert_eq!(
        error.to_string(),
        "states of overlapping times cannot be put together from their summaries"
    );
    assert_eq!(
        error.detail().unwrap(),
        "Both have points around 2000-01-01T00:00:50.000001Z, and at least one is only a summary of its points."
    );
    assert!(error.hint().unwrap().contains("ORDER BY ts"));
    // Of few points a finished state still knows them all.
    let mut few = metric_of::<true>(&points[..4]).finished().unwrap();
    few.merge(&metric_of::<true>(&[(SECOND + 1, 7.0)]).finished().unwrap());
    assert_eq!(few.num_elements().unwrap(), 5);
}

#[test]
fn too_many_states_are_refused() {
    let mut states = CompactStateAgg::default();
    let error = (0..70_000).find_map(|i| states.add_integer(i, i).err()).unwrap();
    assert_eq!(error, Error::TooManyStates(65_536));
    assert_eq!(states.into_values().unwrap().len(), 65_536);
}

#[test]
fn integers_and_texts_are_different_states() {
    let mut left = StateAgg::default();
    left.add_integer(0, 1).unwrap();
    let mut right = StateAgg::default();
    right.add_text(10, "1").unwrap();
    right.add_text(30, "0").unwrap();
    left.merge(&right);
    let text = |text: &str| StateValue::Text(text.into());
    assert_eq!(
        left.into_values().unwrap(),
        [(StateValue::Integer(1), 10), (text("0"), 0), (text("1"), 20)]
    );
}
