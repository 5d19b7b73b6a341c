use super::*;
use proptest::prelude::*;

/// Counts points and sums values: enough to see which points are in a summary.
#[derive(Debug, Clone, Copy, Default)]
struct Counting;

#[derive(Debug, Clone, PartialEq)]
struct Counted {
    count: u64,
    sum: f64,
    first: Point,
    last: Point,
}

impl Fold for Counting {
    type Summary = Counted;

    const SORTED: &'static str = "counting(ts ORDER BY ts)";

    fn summarise(&self, times: &[i64], values: &[f64]) -> Option<Counted> {
        assert!(times.is_sorted_by(|a, b| a < b) && times.len() <= BLOCK && times.len() == values.len());
        Some(Counted {
            count: times.len() as u64,
            sum: values.iter().sum(),
            first: (*times.first()?, *values.first()?),
            last: (*times.last()?, *values.last()?),
        })
    }

    fn join(left: &mut Counted, right: &Counted) {
        assert!(left.last.0 <= right.first.0);
        let shared = left.last.0 == right.first.0;
        assert!(!shared || left.last.1 == right.first.1);
        left.count += right.count - u64::from(shared);
        left.sum += right.sum - if shared { right.first.1 } else { 0.0 };
        left.last = right.last;
    }

    fn first(summary: &Counted) -> Point {
        summary.first
    }

    fn last(summary: &Counted) -> Point {
        summary.last
    }

    fn points(summary: &Counted, points: &mut Vec<Point>) -> bool {
        if summary.count == 1 {
            points.push(summary.first);
        }
        summary.count == 1
    }

    fn write(_: &Counted, _: &mut Writer) {}

    fn read(&self, reader: &mut Reader) -> Result<Counted, Error> {
        Err(reader.corrupt(String::new()))
    }
}

fn overlap(at: i64) -> Error {
    Error::Overlap {
        at,
        sorted: Counting::SORTED,
    }
}

fn of(points: &[Point]) -> Ordered<Counting> {
    let mut ordered = Ordered::default();
    points.iter().for_each(|point| ordered.add(point.0, point.1));
    ordered
}

fn count_of(points: &[Point]) -> u64 {
    of(points).whole().unwrap().map_or(0, |whole| whole.count)
}

/// What the whole must be, by its definition.
fn expected(points: &[Point]) -> Option<Counted> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| (a.0, -a.1).partial_cmp(&(b.0, -b.1)).unwrap());
    sorted.dedup_by_key(|point| point.0);
    Some(Counted {
        count: sorted.len() as u64,
        sum: sorted.iter().map(|point| point.1).sum(),
        first: *sorted.first()?,
        last: *sorted.last()?,
    })
}

fn points(most: usize) -> impl Strategy<Value = Vec<Point>> {
    let point = prop_oneof![
        (-50..50i64, 0..9u8),
        (-5000..5000i64, 0..9u8),
        (0..1_000_000_000_000i64, 0..9u8)
    ];
    prop::collection::vec(point.prop_map(|(time, value)| (time, f64::from(value))), 0..most)
}

proptest! {
    /// Parts of any sizes, in any order, sorted within themselves or not.
    #[test]
    fn parts_make_the_whole(points in points(3000), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
                            sort in any::<bool>(), reverse in any::<bool>()) {
        let expected = expected(&points);
        let mut points = points;
        if sort {
            points.sort_by_key(|point| point.0);
        }
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut.index(points.len() + 1)).collect();
        bounds.extend([0, points.len()]);
        bounds.sort_unstable();
        if reverse {
            bounds.reverse();
        }
        let mut merged = Ordered::<Counting>::default();
        for pair in bounds.array_windows::<2>() {
            let [low, high] = if reverse { [pair[1], pair[0]] } else { *pair };
            merged.merge(&of(&points[low..high]));
        }
        prop_assert_eq!(merged.whole().unwrap().map(Cow::into_owned), expected);
    }

    /// As workers see it: blocks of rows of an ordered table, dealt out.
    #[test]
    fn interleaved_runs_make_the_whole(n in 1..4000i64, block in 1..700i64, workers in 1..4usize) {
        let points: Vec<Point> = (0..n).map(|i| (i * 10, (i % 7) as f64)).collect();
        let mut states = vec![Ordered::<Counting>::default(); workers];
        for (index, block) in points.chunks(block as usize).enumerate() {
            block.iter().for_each(|point| states[index % workers].add(point.0, point.1));
        }
        let mut merged = Ordered::default();
        states.iter().for_each(|state| merged.merge(state));
        prop_assert_eq!(merged.whole().unwrap().map(Cow::into_owned), expected(&points));
    }

    /// Rows that come a little late, as they do, in one process and in two.
    #[test]
    fn points_that_are_a_little_late(jitter in prop::collection::vec((0..900i64, 0..9u8), 0..5000), workers in 1..3usize) {
        let points: Vec<Point> = jitter.iter().enumerate()
            .map(|(i, (jitter, value))| (i as i64 * 10 + jitter, f64::from(*value))).collect();
        let mut states = vec![Ordered::<Counting>::default(); workers];
        for (index, rows) in points.chunks(700).enumerate() {
            rows.iter().for_each(|point| states[index % workers].add(point.0, point.1));
        }
        let mut merged = Ordered::default();
        states.iter().for_each(|state| merged.merge(state));
        prop_assert_eq!(merged.whole().unwrap().map(Cow::into_owned), expected(&points));
        // In order, the stretches are apart from each other.
        let stretches = merged.disentangled().unwrap();
        prop_assert!(stretches.array_windows().all(|[a, b]| a.summary.last.0 < b.summary.first.0));
    }

    /// Finished parts that do not overlap join in any order, and again after a rollup of some of them.
    #[test]
    fn finished_parts_join_in_any_order(order in Just((0..9i64).collect::<Vec<_>>()).prop_shuffle(), split in 0..9usize) {
        let day = |day: i64| of(&(0..50).map(|i| (day * 1000 + i * 20, i as f64)).collect::<Vec<_>>()).finished().unwrap();
        let (left, right) = order.split_at(split);
        let rollup = |days: &[i64]| {
            let mut merged = Ordered::<Counting>::default();
            days.iter().for_each(|number| merged.merge(&day(*number)));
            merged.rolled_up().unwrap()
        };
        let mut merged = rollup(left);
        merged.merge(&rollup(right));
        let whole = merged.whole().unwrap().unwrap();
        prop_assert_eq!((whole.count, whole.sum, whole.first.0, whole.last.0), (450, 9.0 * 1225.0, 0, 8980));
        // Days that follow each other leave no hole.
        prop_assert_eq!(merged.rolled_up().unwrap().stretches.len(), 1);
    }

    /// Folding when memory runs short: ordered input has its result; other input has it, or an error.
    #[test]
    fn memory_is_bounded_and_no_result_is_wrong(points in points(6000), sort in any::<bool>()) {
        let mut points = points;
        if sort {
            points.sort_by_key(|point| point.0);
        }
        let most = 8 << 10;
        let mut ordered = Ordered::<Counting> { most_bytes: most, ..Ordered::default() };
        for point in &points {
            ordered.add(point.0, point.1);
            prop_assert!(ordered.bytes <= most, "{} bytes", ordered.bytes);
        }
        match ordered.whole() {
            Ok(whole) => prop_assert_eq!(whole.map(Cow::into_owned), expected(&points)),
            Err(error) => {
                prop_assert!(!sort, "{error}");
                let overlaps = matches!(error, Error::Overlap { .. });
                prop_assert!(overlaps);
            }
        }
    }
}

#[test]
fn a_point_that_is_delivered_twice_counts_once() {
    assert_eq!(count_of(&[(1, 5.0), (1, 5.0), (2, 1.0), (1, 7.0), (2, 1.0)]), 2);
    for points in [[(1, f64::NAN), (1, 7.0)], [(1, 7.0), (1, f64::NAN)]] {
        assert!(of(&points).whole().unwrap().unwrap().sum.is_nan());
    }
    for points in [[(1, -0.0), (1, 0.0)], [(1, 0.0), (1, -0.0)]] {
        assert!(of(&points).whole().unwrap().unwrap().first.1.is_sign_positive());
    }
}

#[test]
fn nothing_has_no_summary() {
    assert_eq!(of(&[]).whole().unwrap(), None);
    assert!(of(&[]).finished().unwrap().stretches.is_empty());
    assert!(of(&[]).rolled_up().unwrap().stretches.is_empty());
}

fn line(from: i64, to: i64) -> Ordered<Counting> {
    of(&(from..=to).map(|time| (time, time as f64)).collect::<Vec<_>>())
}

#[test]
fn finished_states_that_overlap_have_no_result() {
    let mut merged = line(0, 10).finished().unwrap();
    merged.merge(&line(5, 15).finished().unwrap());
    assert_eq!(merged.whole().unwrap_err(), overlap(5));
    assert_eq!(merged.finished().unwrap_err(), overlap(5));
    // What stays known is what was merged: a clone with the points has the result.
    let mut known = line(0, 10);
    known.merge(&line(5, 15));
    assert_eq!(known.whole().unwrap().unwrap().count, 16);
}

#[test]
fn finished_states_may_touch_in_one_point() {
    let mut merged = line(0, 10).finished().unwrap();
    merged.merge(&line(10, 15).finished().unwrap());
    merged.merge(&of(&[(10, 10.0), (15, 15.0), (17, 17.0)]));
    let whole = merged.whole().unwrap().unwrap();
    assert_eq!((whole.count, whole.sum), (17, 120.0 + 17.0));
    merged.merge(&of(&[(15, 99.0)]));
    assert_eq!(merged.whole().unwrap_err(), overlap(15));
}

#[test]
fn points_fit_between_finished_states() {
    let mut merged = line(20, 30).finished().unwrap();
    merged.merge(&line(0, 10).finished().unwrap());
    merged.merge(&of(&[(35, 35.0), (5, 5.0), (15, 15.0), (31, 31.0)]));
    assert_eq!(merged.whole().unwrap_err(), overlap(5));
    let mut merged = line(20, 30).finished().unwrap();
    merged.merge(&line(0, 10).finished().unwrap());
    merged.merge(&of(&[
        (35, 35.0),
        (10, 10.0),
        (15, 15.0),
        (-1, -1.0),
        (31, 31.0),
        (20, 20.0),
    ]));
    assert_eq!(merged.whole().unwrap().unwrap().count, 11 + 11 + 4);
}

#[test]
fn a_rollup_keeps_the_largest_holes_only() {
    let mut merged = Ordered::<Counting>::default();
    for day in [0, 1, 2, 10, 11, 30, 60, 100, 150, 210, 280, 360, 450] {
        merged.merge(&line(day * 100, day * 100 + 99).finished().unwrap());
    }
    let rolled_up = merged.rolled_up().unwrap();
    assert_eq!(rolled_up.stretches.len(), MOST_STRETCHES);
    assert_eq!(rolled_up.whole().unwrap(), merged.whole().unwrap());
    let mut late = rolled_up.clone();
    late.merge(&line(40_000, 40_099).finished().unwrap());
    assert_eq!(late.whole().unwrap().unwrap().count, 1400);
    // The hole between day 2 and day 10 was among the smallest.
    let mut too_late = rolled_up;
    too_late.merge(&line(500, 599).finished().unwrap());
    assert!(too_late.whole().is_err());
}

#[test]
fn blocks_of_two_workers_do_not_overlap() {
    let points: Vec<Point> = (0..20_000).map(|i| (i * 10, i as f64)).collect();
    let mut workers = [of(&[]), of(&[])];
    for (index, rows) in points.chunks(1000).enumerate() {
        rows.iter()
            .for_each(|point| workers[index % 2].add(point.0, point.1));
    }
    let [mut left, right] = workers;
    left.merge(&right);
    left.stretches.sort_by_key(|stretch| stretch.summary.first.0);
    assert!(
        left.stretches
            .array_windows()
            .all(|[a, b]| a.summary.last.0 < b.summary.first.0)
    );
    // A block for each 64 rows, and one more for each hole.
    assert!(left.stretches.len() <= 20_000 / SHORT_BLOCK + 2 + 20);
}

#[test]
fn blocks_of_many_points_are_long() {
    let points: Vec<Point> = (0..100_000).map(|i| (i * 10, i as f64)).collect();
    let many = of(&points);
    let short = SHORT_BLOCKS * SHORT_BLOCK;
    let long = (100_000 - short).div_ceil(BLOCK);
    // The last block is still open.
    assert!((SHORT_BLOCKS + long - 1..=SHORT_BLOCKS + long).contains(&many.stretches.len()));
    assert_eq!(many.whole().unwrap().unwrap().count, 100_000);
}
