//! Stretches of time as a person writes them, for messages.

const DAY: i64 = 86_400_000_000;

/// An interval as PostgreSQL reads it back: months, days of 24 hours where the microseconds are that many, hours, minutes
/// and seconds; `0 seconds` for no time.
///
/// ```
/// use kpi_stats::interval_text;
/// assert_eq!(interval_text(1, -2, 5_400_000_000), "1 month -2 days 1 hour 30 minutes");
/// assert_eq!(interval_text(0, 0, 86_401_500_000), "1 day 1.5 seconds");
/// assert_eq!(interval_text(0, 0, -5), "-0.000005 seconds");
/// assert_eq!(interval_text(0, 0, 0), "0 seconds");
/// ```
pub fn interval_text(months: i32, days: i32, micros: i64) -> String {
    let days = i64::from(days) + micros / DAY;
    let micros = micros % DAY;
    let (hours, minutes) = (micros / 3_600_000_000, micros / 60_000_000 % 60);
    let parts = [
        (i64::from(months), "month"),
        (days, "day"),
        (hours, "hour"),
        (minutes, "minute"),
    ];
    let mut words: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number != 0)
        .map(|(number, unit)| counted(*number, unit))
        .collect();
    let rest = micros % 60_000_000;
    if rest != 0 || words.is_empty() {
        words.push(match (rest / 1_000_000, rest % 1_000_000) {
            (whole, 0) => counted(whole, "second"),
            (whole, fraction) => {
                let sign = if rest < 0 { "-" } else { "" };
                let fraction = format!("{:06}", fraction.abs());
                format!("{sign}{}.{} seconds", whole.abs(), fraction.trim_end_matches('0'))
            }
        });
    }
    words.join(" ")
}

/// A number and its unit, in the plural where the number asks for it.
pub(crate) fn counted(number: i64, unit: &str) -> String {
    let plural = if matches!(number, 1 | -1) { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// A number of microseconds as [`interval_text`] writes it.
pub(crate) fn micros_text(micros: i64) -> String {
    interval_text(0, 0, micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_any_length() {
        assert_eq!(micros_text(3_600_000_000), "1 hour");
        assert_eq!(micros_text(-5_400_000_000), "-1 hour -30 minutes");
        assert_eq!(micros_text(1_000_000), "1 second");
        assert_eq!(micros_text(-61_250_000), "-1 minute -1.25 seconds");
        assert_eq!(
            micros_text(i64::MIN),
            "-106751991 days -4 hours -54.775808 seconds"
        );
        assert_eq!(interval_text(-1, 0, 0), "-1 month");
        assert_eq!(
            interval_text(i32::MAX, i32::MAX, 0),
            "2147483647 months 2147483647 days"
        );
    }
}
