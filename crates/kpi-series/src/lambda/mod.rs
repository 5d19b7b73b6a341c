//! Small expressions over the time and the value of a point: what `map` and `filter` take.

mod expression;
mod lexer;
mod literal;
mod parser;

use crate::{Error, Series, interrupt};
use expression::Value;
use parser::Result_;

impl Series {
    /// The series with another value for each point, or another time and value.
    ///
    /// `lambda` is an expression in `$value` and `$time`: a number, or a pair `($time, $value)`. There are `+ - * / % ^`, the
    /// comparisons, `and`, `or`, `not`, functions such as `sqrt(x)` and `power(x, y)`, times `'2026-01-01't`, spans
    /// `'1 day'i`, and names: `let $x = $value * 2; $x + 1`. Arithmetic is that of doubles: a division by zero is an infinity
    /// or NaN. What is computed of the value of a gap is a gap; of a point whose time is, nothing is left. Of equal times the
    /// last one wins.
    ///
    /// # Errors
    /// [`Error::BadLambda`], and those of [`Series::from_points`] for times.
    ///
    /// ```
    /// use kpi_series::Series;
    /// let series = Series::from_points(vec![(10, Some(1.0)), (20, None), (30, Some(3.0))])?;
    /// let squares = series.map("$value ^ 2 + 1")?;
    /// assert_eq!(squares.points().collect::<Vec<_>>(), [(10, Some(2.0)), (20, None), (30, Some(10.0))]);
    /// let later = series.map("let $step = '1 second'i; ($time + $step, -$value)")?;
    /// assert_eq!(later.points().next(), Some((1_000_010, Some(-1.0))));
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn map(&self, lambda: &str) -> Result<Self, Error> {
        let lambda = parser::parse(lambda, parser::Wanted::Point)?;
        if let Result_::One(_) = &lambda.result {
            return Ok(
                self.with_values(|time, value| match lambda.first(time, Some(value)) {
                    Some(Value::Number(number)) => number,
                    _ => f64::NAN,
                }),
            );
        }
        let mut points = Vec::with_capacity(self.len());
        for (index, (time, value)) in self.points().enumerate() {
            interrupt::at(index);
            let (new_time, new_value) = lambda.pair(time, value);
            if let Some(Value::Time(new_time)) = new_time {
                let number = match new_value {
                    Some(Value::Number(number)) => Some(number),
                    _ => None,
                };
                points.push((new_time, number));
            }
        }
        Self::from_points(points)
    }

    /// The points for which a condition is true. As in SQL it is not true where it is unknown, because it needs the value of
    /// a gap. See [`Series::map`] for what it is made of.
    ///
    /// # Errors
    /// [`Error::BadLambda`].
    ///
    /// ```
    /// use kpi_series::Series;
    /// let series = Series::from_points(vec![(10, Some(1.0)), (20, None), (30, Some(3.0))])?;
    /// assert_eq!(series.filter("$value > 2 or $value < 0")?.times(), [30]);
    /// assert_eq!(series.filter("$time < '2000-01-01 00:00:00.00003't")?.times(), [10, 20]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn filter(&self, condition: &str) -> Result<Self, Error> {
        let condition = parser::parse(condition, parser::Wanted::Condition)?;
        let mut kept = Vec::new();
        for (index, (time, value)) in self.points().enumerate() {
            interrupt::at(index);
            if let Some(Value::Bool(true)) = condition.first(time, value) {
                kept.push((time, value));
            }
        }
        Self::from_points(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lambda: &str, value: f64) -> f64 {
        let series = Series::from_points(vec![(86_400_000_000, Some(value))]).unwrap();
        series.map(lambda).unwrap().values()[0]
    }

    #[test]
    fn precedence_and_association() {
        for (lambda, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("10 - 4 - 3", 3.0),
            ("2 ^ 3 ^ 2", 64.0),
            ("-2 ^ 2", 4.0),
            ("2 * -3", -6.0),
            ("7 % 4 + 1.5e1", 18.0),
            ("$value * 2 + $value", 15.0),
            ("let $a = $value; let $b = $a * 2; $b - 1", 9.0),
            ("power($value, 2) + abs(-1) + pi() * 0", 26.0),
            ("logn(8, 2) + log10(100) + round(2.5) + trunc(-2.7)", 5.0),
            ("($time - '2000-01-01't) / '1 hour'i", 24.0),
            ("'1 day 02:30:00'i / '30 minutes'i", 53.0),
            ("($time + 2 * '1 day'i - '2000-01-02 01:00+01't) / '1d'i", 2.0),
            ("1 / 0", f64::INFINITY),
        ] {
            assert_eq!(of(lambda, 5.0), expected, "{lambda}");
        }
        assert!(of("sqrt($value)", -1.0).is_nan());
        assert_eq!(of("SIGN($value)", -0.5), -1.0);
    }

    #[test]
    fn conditions_are_those_of_sql() {
        let series = Series::from_points(vec![(1, Some(1.0)), (2, None), (3, Some(f64::NAN))]).unwrap();
        for (condition, times) in [
            ("$value = 1", vec![1]),
            ("$value <> 1", vec![3]),
            ("$value > 5", vec![3]),
            ("not $value = 1", vec![3]),
            ("$value = 1 or true", vec![1, 2, 3]),
            ("$value = 1 and false", vec![]),
            (
                "$value >= 1 and $value <= 2 or $time > '2000-01-01't",
                vec![1, 2, 3],
            ),
        ] {
            assert_eq!(series.filter(condition).unwrap().times(), times, "{condition}");
        }
    }

    #[test]
    fn errors_say_where_and_what() {
        for (lambda, position, expected, found) in [
            ("", 1, "a value", ""),
            ("$value +", 9, "a value", ""),
            (
                "$valu * 2",
                1,
                "$value, $time or a name that let has made",
                "$valu",
            ),
            (
                "$value * $time",
                10,
                "numbers, or a span and a number",
                "a number and a time",
            ),
            ("sqr($value)", 1, "a function", "sqr"),
            ("sqrt($value, 2)", 12, "\")\"", ","),
            (
                "$value > 2",
                1,
                "a number, or a pair ($time, $value)",
                "a condition",
            ),
            (
                "'yesterday't",
                1,
                "a time such as '2026-01-01 00:00:00't",
                "'yesterday'",
            ),
            (
                "'1 month'i",
                1,
                "a span of days and time such as '1 day'i",
                "'1 month'",
            ),
            ("$value 2", 8, "an operator", "2"),
            ("$value # 2", 8, "an operator", "#"),
            ("($time, $value", 15, "\")\"", ""),
            ("let $x = 1", 11, "\";\"", ""),
            ("let $value = 1; 2", 5, "a name of your own", "$value"),
        ] {
            match Series::default().map(lambda).unwrap_err() {
                Error::BadLambda {
                    position: at,
                    expected: wanted,
                    found: there,
                } => {
                    assert_eq!(
                        (at, wanted.as_str(), there.as_str()),
                        (position, expected, found),
                        "{lambda}"
                    );
                }
                error => assert_eq!(error.to_string(), "", "{lambda}"),
            }
        }
        assert!(Series::default().filter("$value").is_err());
        assert!(Series::default().map(&"(".repeat(100_000)).is_err());
        assert!(Series::default().map(&"-".repeat(100_000)).is_err());
        assert!(Series::default().map(&"1+".repeat(100_000)).is_err());
    }

    proptest! {
        /// Any text is an answer or an error.
        #[test]
        fn no_text_is_a_crash(text in "[$a-z0-9(),;=<>'+*/^% .é-]{0,40}") {
            let series = Series::from_points(vec![(1, Some(1.0)), (2, None)]).unwrap();
            let _ = series.map(&text);
            let _ = series.filter(&text);
        }

        #[test]
        fn arithmetic_is_that_of_doubles(x in any::<f64>(), y in -1e3..1e3f64) {
            for (operator, expected) in [("+", x + y), ("-", x - y), ("*", x * y), ("/", x / y)] {
                let given = of(&format!("$value {operator} ({y})"), x);
                prop_assert!(given == expected || given.is_nan() && expected.is_nan());
            }
        }
    }
}
