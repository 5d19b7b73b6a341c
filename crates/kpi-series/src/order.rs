//! Sorts the points of a series by time, stably.

use crate::interrupt;

/// Fewer points than this are sorted by comparison: the tables of digits would cost more than they save.
const RADIX_FROM: usize = 1 << 16;
/// Bits of a digit; its table of counts fits into the first-level cache.
const DIGIT: u32 = 11;

/// Sorts points by time; those of equal times stay in their order.
///
/// Comparison (Rust's stable sort) is quick where the times are made of few sorted runs, as those of parallel workers are.
/// Others are sorted by digits, least significant first (LSD radix sort).
pub(crate) fn by_time<T: Copy + Default>(points: &mut Vec<(i64, T)>) {
    let descents = points.array_windows().filter(|[a, b]| a.0 > b.0).count();
    if points.len() < RADIX_FROM || descents < points.len() / 16 {
        points.sort_by_key(|point| point.0);
    } else {
        by_digits(points);
    }
}

fn by_digits<T: Copy + Default>(points: &mut Vec<(i64, T)>) {
    let first = points.iter().map(|point| point.0).min().unwrap_or_default();
    let distance = |time: i64| time.wrapping_sub(first) as u64;
    // Only bits in which the distances differ need sorting: of whole minutes the lowest eight do not.
    let bits = points.iter().fold(0, |bits, point| bits | distance(point.0));
    let mut spare = vec![(0, T::default()); points.len()];
    let mut shift = bits.trailing_zeros();
    while shift < u64::BITS && bits >> shift != 0 {
        interrupt::now();
        let digit = |time: i64| (distance(time) >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0usize; 1 << DIGIT];
        for point in points.iter() {
            places[digit(point.0)] += 1;
        }
        let mut start = 0;
        for place in &mut places {
            start += std::mem::replace(place, start);
        }
        for &point in points.iter() {
            let place = &mut places[digit(point.0)];
            if let Some(slot) = spare.get_mut(*place) {
                *slot = point;
            }
            *place += 1;
        }
        std::mem::swap(points, &mut spare);
        shift += DIGIT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The times with their positions, by which their order can be told.
    fn numbered(times: &[i64]) -> Vec<(i64, u32)> {
        times.iter().copied().zip(0u32..).collect()
    }

    proptest! {
        #[test]
        fn digits_and_comparison_agree(
            times in prop::collection::vec(prop_oneof![any::<i64>(), 0i64..9, (-9i64..9).prop_map(|n| n << 40)], 0..300)
        ) {
            let (mut expected, mut by_digit, mut by_time_) = (numbered(&times), numbered(&times), numbered(&times));
            expected.sort();
            by_digits(&mut by_digit);
            by_time(&mut by_time_);
            prop_assert_eq!(&by_digit, &expected);
            prop_assert_eq!(&by_time_, &expected);
        }
    }

    #[test]
    fn many_scattered_times_with_duplicates() {
        let times: Vec<i64> = (0..200_000i64)
            .map(|n| n * 7_368_787 % 100_003 * 60_000_000)
            .collect();
        let mut points = numbered(&times);
        by_time(&mut points);
        // In order of time, and of position where times are equal.
        assert!(points.is_sorted());
        assert!(points.iter().all(|&(time, index)| times[index as usize] == time));
    }
}
