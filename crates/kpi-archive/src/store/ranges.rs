//! Ranges of an object that lie close together are read at once.

use std::ops::Range;

use bytes::Bytes;

/// Bytes between two ranges that are read along: they take less time than another request.
pub(crate) const GAP: u64 = 512 * 1024;
/// No request grows over this by joining ranges, so that several can be under way at the same time.
pub(crate) const LARGEST: u64 = 8 * 1024 * 1024;

/// The ranges to ask for: together they cover every one of `ranges` that is not empty, in order and apart from each other.
/// Each range lies whole within one of them.
pub(crate) fn coalesce(ranges: &[Range<u64>], gap: u64, largest: u64) -> Vec<Range<u64>> {
    let mut sorted: Vec<Range<u64>> = ranges.iter().filter(|r| r.start < r.end).cloned().collect();
    sorted.sort_by_key(|r| (r.start, r.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            // What overlaps is joined whatever its size: no byte is read twice.
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            Some(last) if range.start - last.end <= gap && range.end - last.start <= largest => {
                last.end = range.end
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Cuts `ranges` out of what was read for `joined`; none when a range lies outside of it.
pub(crate) fn cut(ranges: &[Range<u64>], joined: &[Range<u64>], read: &[Bytes]) -> Option<Vec<Bytes>> {
    ranges
        .iter()
        .map(|range| {
            if range.start >= range.end {
                return Some(Bytes::new());
            }
            let at = joined
                .partition_point(|j| j.start <= range.start)
                .checked_sub(1)?;
            let (whole, bytes) = (joined.get(at)?, read.get(at)?);
            let from = usize::try_from(range.start - whole.start).ok()?;
            let to = usize::try_from(range.end - whole.start).ok()?;
            (to <= bytes.len()).then(|| bytes.slice(from..to))
        })
        .collect()
}

#[cfg(test)]
// Lists of one range, and ranges that end before they begin, are what is tested.
#[allow(clippy::single_range_in_vec_init, clippy::reversed_empty_ranges)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_ranges_are_joined_and_far_ones_are_not() {
        assert_eq!(
            coalesce(&[0..10, 15..20, 100..110], 5, 1000),
            vec![0..20, 100..110]
        );
        assert_eq!(coalesce(&[100..110, 0..10], 5, 1000), vec![0..10, 100..110]);
        assert_eq!(coalesce(&[0..10, 10..20], 5, 15), vec![0..10, 10..20]);
        assert_eq!(coalesce(&[0..10, 5..30], 0, 15), vec![0..30]);
        assert_eq!(coalesce(&[7..7, 9..3], 5, 15), Vec::<Range<u64>>::new());
        assert_eq!(coalesce(&[], 5, 15), Vec::<Range<u64>>::new());
    }

    #[test]
    fn what_was_not_read_is_not_made_up() {
        assert_eq!(cut(&[0..4], &[0..4], &[Bytes::from_static(b"abc")]), None);
        assert_eq!(cut(&[0..4], &[], &[]), None);
        assert_eq!(cut(&[3..3], &[], &[]), Some(vec![Bytes::new()]));
    }

    proptest! {
        #[test]
        fn joined_ranges_give_back_what_was_asked_for(
            ranges in proptest::collection::vec((0u64..900, 0u64..60), 0..20),
            gap in 0u64..50,
            largest in 1u64..300,
        ) {
            let object: Vec<u8> = (0..1000u32).map(|i| (i * 7 % 251) as u8).collect();
            let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            let joined = coalesce(&ranges, gap, largest);
            for pair in joined.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            let part = |r: &Range<u64>| &object[r.start as usize..r.end as usize];
            let read: Vec<Bytes> = joined.iter().map(|r| Bytes::copy_from_slice(part(r))).collect();
            let got = cut(&ranges, &joined, &read).unwrap();
            for (range, bytes) in ranges.iter().zip(&got) {
                prop_assert_eq!(&bytes[..], part(range));
            }
        }
    }
}
