//! Sums without a remainder.

/// Attempts to place a remainder: each leaves at most rounding of the one before.
const ATTEMPTS: usize = 8;

/// Moves parts by rounding only, so that they add up to `total`, one after the other from 0, to the last bit.
///
/// The remainder goes to the part of the greatest size, for which it matters least; where rounding hides it there, to the last
/// parts, whose sums round least. Where no double does (halves of the last bit that round away from it), the sum
/// stays within one unit in the last place. Parts or a total that are not finite are left as they are.
///
/// ```
/// use kpi_anomaly::contribution::settle;
/// let mut parts = [0.1, 0.2, 0.3];
/// assert_ne!(parts.iter().sum::<f64>(), 0.6);
/// settle(&mut parts, 0.6);
/// assert_eq!(parts.iter().sum::<f64>(), 0.6);
/// ```
pub fn settle(parts: &mut [f64], total: f64) {
    let sum = |parts: &[f64]| parts.iter().fold(0.0, |sum, part| sum + part);
    let greatest = (0..parts.len()).max_by(|a, b| parts[*a].abs().total_cmp(&parts[*b].abs()));
    let (Some(greatest), true) = (greatest, (total - sum(parts)).is_finite()) else {
        return;
    };
    let last_first = (0..parts.len())
        .rev()
        .filter(|place| *place != greatest)
        .take(ATTEMPTS);
    let mut best = (f64::INFINITY, parts[greatest], greatest);
    for place in std::iter::once(greatest).chain(last_first) {
        let before = parts[place];
        for attempt in 0..ATTEMPTS {
            let left = total - sum(parts);
            if left == 0.0 {
                return;
            }
            if left.abs() < best.0 {
                best = (left.abs(), parts[place], place);
            }
            let moved = parts[place] + left;
            parts[place] = if moved != parts[place] && attempt < ATTEMPTS / 2 {
                moved
            } else if left > 0.0 {
                parts[place].next_up()
            } else {
                parts[place].next_down()
            };
        }
        parts[place] = before;
        if best.2 == place {
            parts[place] = best.1;
        }
    }
}
