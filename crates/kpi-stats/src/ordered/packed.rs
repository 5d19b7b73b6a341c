//! A block of points in few bytes, packed and unpacked at a few nanoseconds a point.
//!
//! Times are kept as steps, each as its excess over the smallest. Values that are decimals of up to four digits after the
//! point are kept as the steps of whole numbers, which is exact (the idea of ALP: Afroozeh, Kuffo and Boncz, SIGMOD 2023), all
//! others by the bits in which each differs from the one before. Either kind of step has one width for the whole block
//! ("frame of reference"): no branch depends on the data.

use std::cell::RefCell;

use super::elapsed;

/// Most points of a block: it fits the first-level cache, and the number less one fits a byte.
pub(crate) const BLOCK: usize = 256;

/// The values are whole numbers of 10^-mode.
const MAX_DECIMALS: u8 = 4;
const SCALES: [f64; MAX_DECIMALS as usize + 1] = [1.0, 1e1, 1e2, 1e3, 1e4];
/// The values are kept by the bits that differ.
const BITS: u8 = 5;
/// Adding and subtracting this rounds a double below 2^51 to a whole number.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
const EXACT: f64 = 1e15;

/// What packing writes to before it knows how long a block becomes: growing and shrinking would be dearer than packing.
struct Scratch {
    bytes: Vec<u8>,
    steps: [u64; BLOCK],
    whole: [i64; BLOCK],
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const {
        RefCell::new(Scratch {
            bytes: Vec::new(),
            steps: [0; BLOCK],
            whole: [0; BLOCK],
        })
    };
}

/// Packs 1 to [`BLOCK`] points in strict time order; of none it makes no bytes.
pub(crate) fn pack(times: &[i64], values: &[f64]) -> Box<[u8]> {
    let (Some(&first_time), Some(&first_value)) = (times.first(), values.first()) else {
        return Box::default();
    };
    SCRATCH.with_borrow_mut(|Scratch { bytes, steps, whole }| {
        bytes.clear();
        bytes.push((times.len() - 1) as u8);
        bytes.extend(first_time.to_le_bytes());
        let steps_of_times = fill(steps, times.array_windows().map(|[a, b]| elapsed(*a, *b)));
        let least = steps_of_times.iter().copied().min().unwrap_or(0);
        steps_of_times.iter_mut().for_each(|step| *step -= least);
        bytes.extend(least.to_le_bytes());
        put_steps(bytes, steps_of_times);
        if let Some((decimals, whole)) = decimals(values, whole) {
            bytes.push(decimals);
            bytes.extend(whole.first().copied().unwrap_or_default().to_le_bytes());
            let differences = whole.array_windows().map(|[a, b]| zigzag(b.wrapping_sub(*a)));
            put_steps(bytes, fill(steps, differences));
        } else {
            bytes.push(BITS);
            bytes.extend(first_value.to_le_bytes());
            let differences = values.array_windows().map(|[a, b]| a.to_bits() ^ b.to_bits());
            put_steps(bytes, fill(steps, differences));
        }
        bytes.as_slice().into()
    })
}

/// Appends the points of one block to `points`; `None` if the bytes are none that [`pack`] makes.
pub(crate) fn unpack(bytes: &[u8], points: &mut Vec<(i64, f64)>) -> Option<()> {
    let (&last, rest) = bytes.split_first()?;
    let count = usize::from(last);
    let (time, rest) = rest.split_first_chunk()?;
    let (least, rest) = rest.split_first_chunk()?;
    let (mut time, least) = (i64::from_le_bytes(*time), u64::from_le_bytes(*least));
    let mut steps = [0u64; BLOCK];
    let (steps_of_times, rest) = take_steps(rest, &mut steps, count)?;
    let (&mode, rest) = rest.split_first()?;
    let (first, rest) = rest.split_first_chunk()?;
    let mut differences = [0u64; BLOCK];
    let (differences, rest) = take_steps(rest, &mut differences, count)?;
    if !rest.is_empty() || mode > BITS {
        return None;
    }
    points.reserve(count + 1);
    if let Some(scale) = SCALES.get(usize::from(mode)) {
        let mut whole = i64::from_le_bytes(*first);
        points.push((time, whole as f64 / scale));
        for (step, difference) in steps_of_times.iter().zip(differences) {
            time = time.wrapping_add_unsigned(step.wrapping_add(least));
            whole = whole.wrapping_add(unzigzag(*difference));
            points.push((time, whole as f64 / scale));
        }
    } else {
        let mut bits = u64::from_le_bytes(*first);
        points.push((time, f64::from_bits(bits)));
        for (step, difference) in steps_of_times.iter().zip(differences) {
            time = time.wrapping_add_unsigned(step.wrapping_add(least));
            bits ^= difference;
            points.push((time, f64::from_bits(bits)));
        }
    }
    Some(())
}

/// The values as whole numbers of 10^-decimals, for the fewest decimals that give every value back, bit for bit.
fn decimals<'a>(values: &[f64], whole: &'a mut [i64; BLOCK]) -> Option<(u8, &'a [i64])> {
    let samples = [values.first(), values.get(values.len() / 2), values.last()];
    for (decimals, &scale) in SCALES.iter().enumerate() {
        let fits = samples.iter().flatten().all(|value| scaled(**value, scale).1);
        if fits && fill_scaled(values, scale, whole) {
            return Some((decimals as u8, whole.get(..values.len())?));
        }
    }
    None
}

/// Whether all values are whole numbers of 1 / scale, which are then filled in.
fn fill_scaled(values: &[f64], scale: f64, whole: &mut [i64; BLOCK]) -> bool {
    // Without a way out of the loop and without conversions, several values are taken at a time.
    let mut fits = true;
    for (slot, value) in whole.iter_mut().zip(values) {
        let (number, fit) = scaled(*value, scale);
        *slot = number;
        fits &= fit;
    }
    fits
}

/// The value as a whole number of 1 / scale, and whether it is one.
#[inline]
fn scaled(value: f64, scale: f64) -> (i64, bool) {
    let shifted = value * scale + ROUNDING;
    let rounded = shifted - ROUNDING;
    // The doubles around this constant are one apart, so the whole number is the difference of the bits.
    let number = shifted.to_bits().wrapping_sub(ROUNDING.to_bits()) as i64;
    // Comparing bits tells zeros of different sign apart; a NaN and what is too large fail the second condition.
    let fits = ((rounded / scale).to_bits() == value.to_bits()) & (rounded.abs() < EXACT);
    (number, fits)
}

fn fill(slots: &mut [u64; BLOCK], numbers: impl Iterator<Item = u64>) -> &mut [u64] {
    let mut count = 0;
    for (slot, number) in slots.iter_mut().zip(numbers) {
        *slot = number;
        count += 1;
    }
    slots.split_at_mut(count).0
}

/// The number of low bits that are zero in all, the number of bits above them that are needed, and these bits.
fn put_steps(bytes: &mut Vec<u8>, steps: &[u64]) {
    let used = steps.iter().fold(0, |used, step| used | step);
    let shift = if used == 0 { 0 } else { used.trailing_zeros() };
    let width = u64::BITS - (used >> shift).leading_zeros();
    bytes.extend([shift as u8, width as u8]);
    if width == 0 {
        return;
    }
    let (mut word, mut filled) = (0u64, 0);
    for step in steps {
        let step = step >> shift;
        word |= step << filled;
        filled += width;
        if filled >= u64::BITS {
            bytes.extend(word.to_le_bytes());
            filled -= u64::BITS;
            word = if filled == 0 { 0 } else { step >> (width - filled) };
        }
    }
    if filled > 0 {
        bytes.extend(word.to_le_bytes());
    }
}

fn take_steps<'a, 'b>(
    bytes: &'a [u8],
    slots: &'b mut [u64; BLOCK],
    count: usize,
) -> Option<(&'b [u64], &'a [u8])> {
    let ([shift, width], rest) = bytes.split_first_chunk()?;
    let (shift, width) = (u32::from(*shift), u32::from(*width));
    if shift + width > u64::BITS {
        return None;
    }
    let (words, rest) = rest.split_at_checked((count * width as usize).div_ceil(64) * 8)?;
    let slots = slots.get_mut(..count)?;
    if width == 0 {
        return Some((slots, rest));
    }
    let mut words = words
        .as_chunks::<8>()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word));
    let mask = u64::MAX >> (u64::BITS - width);
    let (mut word, mut left) = (0u64, 0);
    for slot in slots.iter_mut() {
        let mut step = word;
        if left < width {
            let next = words.next()?;
            step |= next << left;
            let taken = width - left;
            word = if taken == u64::BITS { 0 } else { next >> taken };
            left = u64::BITS - taken;
        } else {
            word = if width == u64::BITS { 0 } else { word >> width };
            left -= width;
        }
        *slot = (step & mask) << shift;
    }
    Some((slots, rest))
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, ...
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            any::<u64>().prop_map(f64::from_bits),
            Just(-0.0),
            (-1_000_000..1_000_000i64).prop_map(|n| n as f64),
            (-1_000_000..1_000_000i64).prop_map(|n| n as f64 / 100.0),
        ]
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop_oneof![
            prop::collection::vec(value(), 1..=BLOCK),
            (0..10_000i64, 0..5u32, 1..=BLOCK).prop_map(|(start, decimals, n)| {
                let scale = 10f64.powi(decimals as i32);
                (0..n as i64).map(|i| (start + i * i) as f64 / scale).collect()
            }),
        ]
    }

    proptest! {
        #[test]
        fn points_come_back_bit_for_bit(values in values(), start in any::<i64>(), steps in prop::collection::vec(
            prop_oneof![Just(1u64), Just(60_000_000), 1..5000u64, 1..u64::MAX / 512], BLOCK)) {
            let mut time = start;
            let times: Vec<i64> = values.iter().zip(&steps).map(|(_, step)| {
                time = time.wrapping_add_unsigned(*step);
                time
            }).collect();
            let mut read = Vec::new();
            unpack(&pack(&times, &values), &mut read).unwrap();
            prop_assert_eq!(read.len(), values.len());
            for ((time, value), read) in times.iter().zip(&values).zip(read) {
                prop_assert_eq!((*time, value.to_bits()), (read.0, read.1.to_bits()));
            }
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut points = Vec::new();
            let _ = unpack(&bytes, &mut points);
            prop_assert!(points.len() <= BLOCK);
        }

        #[test]
        fn cut_off_bytes_are_refused(values in values(), at in any::<prop::sample::Index>()) {
            let times: Vec<i64> = (0..values.len() as i64).map(|i| i * i + i).collect();
            let bytes = pack(&times, &values);
            prop_assert!(unpack(&bytes[..at.index(bytes.len())], &mut Vec::new()).is_none());
        }
    }

    #[test]
    fn regular_points_take_little_room() {
        let times: Vec<i64> = (0..256).map(|i| i * 10_000_000).collect();
        let hundredths: Vec<f64> = (0..256).map(|i| f64::from(i % 64) / 100.0).collect();
        // Header and the steps of the times, then 7 bits a value.
        assert!(pack(&times, &hundredths).len() <= 30 + 256 * 7 / 8);
        assert_eq!(pack(&times, &[0.1 + 0.2; 256]).len(), 30);
    }
}
