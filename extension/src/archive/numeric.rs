//! Exact numbers of a file as PostgreSQL's numeric, without a detour over text.

/// Bytes of the largest numeric that a file's decimal can become: header, scale and weight, and eleven groups of digits.
pub const MAX_SIZE: usize = 4 + 2 + 2 * 11;

const SHORT: u16 = 0x8000;
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_SCALE_SHIFT: u32 = 7;
const SHORT_WEIGHT_NEGATIVE: u16 = 0x0040;
const SHORT_WEIGHT: u16 = 0x003f;

const POWERS: [u64; 4] = [1, 10, 100, 1000];

/// Writes `unscaled / 10^scale` in the layout of a numeric (the short one, since the scale is at most 38) and returns its
/// length. `out` has room for [`MAX_SIZE`] bytes.
pub fn write(unscaled: i128, scale: u8, out: &mut [u8]) -> usize {
    // Groups of four decimal digits, the least significant first; the point lies between two groups.
    let mut groups = [0_u16; 12];
    let mut count = 0;
    let mut push = |group: u64| {
        if let Some(place) = groups.get_mut(count) {
            *place = group as u16;
        }
        count += 1;
    };
    let rest = usize::from(scale % 4);
    let fractions = usize::from(scale).div_ceil(4);
    let magnitude = unscaled.unsigned_abs();
    if let Ok(mut left) = u64::try_from(magnitude) {
        if rest > 0 {
            push(left % POWERS[rest] * POWERS[4 - rest]);
            left /= POWERS[rest];
        }
        while left > 0 {
            push(left % 10_000);
            left /= 10_000;
        }
    } else {
        let mut left = magnitude;
        if rest > 0 {
            let power = u128::from(POWERS[rest]);
            push((left % power) as u64 * POWERS[4 - rest]);
            left /= power;
        }
        while left > 0 {
            push((left % 10_000) as u64);
            left /= 10_000;
        }
    }
    let digits = groups.get(..count.min(groups.len())).unwrap_or(&[]);
    let low = digits
        .iter()
        .position(|group| *group != 0)
        .unwrap_or(digits.len());
    let digits = digits.get(low..).unwrap_or(&[]);
    let high = digits.iter().rposition(|group| *group != 0).map_or(0, |i| i + 1);
    let digits = digits.get(..high).unwrap_or(&[]);
    let weight = if digits.is_empty() {
        0
    } else {
        (low + high) as i32 - fractions as i32 - 1
    };
    let mut header = SHORT | u16::from(scale) << SHORT_SCALE_SHIFT | (weight as u16 & SHORT_WEIGHT);
    if unscaled < 0 {
        header |= SHORT_NEGATIVE;
    }
    if weight < 0 {
        header |= SHORT_WEIGHT_NEGATIVE;
    }
    let size = 6 + 2 * digits.len();
    let parts = std::iter::once(header).chain(digits.iter().rev().copied());
    if let Some((length, body)) = out.split_first_chunk_mut::<4>() {
        *length = varlena_header(size);
        for (place, part) in body.chunks_exact_mut(2).zip(parts) {
            place.copy_from_slice(&part.to_ne_bytes());
        }
    }
    size
}

/// The four bytes in front of a varlena of `size` bytes, these included.
#[inline]
pub fn varlena_header(size: usize) -> [u8; 4] {
    if cfg!(target_endian = "big") {
        (size as u32 & 0x3fff_ffff).to_ne_bytes()
    } else {
        ((size as u32) << 2).to_ne_bytes()
    }
}
