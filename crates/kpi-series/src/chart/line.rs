//! The drawn line of a series: unbroken stretches of pixels between gaps, thinned out where points are denser than that.

use crate::Series;

/// One stretch of line in pixels, from left to right; a single point is a dot.
pub(super) type Stretch = Vec<(f64, f64)>;

/// More points than this for each pixel of width are thinned out.
const DENSE: usize = 4;

/// The stretches of a series on a plot that is `width` pixels wide; `x` and `y` give the pixel of a time and of a value.
pub(super) fn stretches(
    series: &Series,
    width: f64,
    x: impl Fn(i64) -> f64,
    y: impl Fn(f64) -> f64,
) -> Vec<Stretch> {
    if series.len() > DENSE * (width.ceil() as usize).max(1) {
        return dense(series, x, y);
    }
    let mut stretches = Vec::new();
    let mut stretch = Stretch::new();
    for (index, &time) in series.times().iter().enumerate() {
        match series.observed(index) {
            Some(value) => stretch.push((x(time), y(value))),
            None => finish(&mut stretches, &mut stretch),
        }
    }
    finish(&mut stretches, &mut stretch);
    stretches
}

fn finish(stretches: &mut Vec<Stretch>, stretch: &mut Stretch) {
    if !stretch.is_empty() {
        stretches.push(std::mem::take(stretch));
    }
}

/// What a column of pixels shows of the values in it.
#[derive(Clone, Copy)]
struct Column {
    pixel: i64,
    first: f64,
    low: f64,
    high: f64,
    last: f64,
    // Whether a point without a value lies between this column and the one before.
    after_gap: bool,
}

/// First, lowest, highest and last value of each column of pixels give the same picture as all values: the M4
/// aggregation of U. Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014. A gap that is
/// narrower than a column cannot be seen, and is not kept.
fn dense(series: &Series, x: impl Fn(i64) -> f64, y: impl Fn(f64) -> f64) -> Vec<Stretch> {
    let mut columns: Vec<Column> = Vec::new();
    let mut gap = false;
    for (index, &time) in series.times().iter().enumerate() {
        let Some(value) = series.observed(index) else {
            gap = true;
            continue;
        };
        let (pixel, value) = (x(time).floor() as i64, y(value));
        match columns.last_mut().filter(|column| column.pixel == pixel) {
            Some(column) => {
                column.low = column.low.min(value);
                column.high = column.high.max(value);
                column.last = value;
            }
            None => {
                let apart = columns.last().is_some_and(|column| pixel > column.pixel + 1);
                let (first, low, high, last) = (value, value, value, value);
                columns.push(Column {
                    pixel,
                    first,
                    low,
                    high,
                    last,
                    after_gap: gap && apart,
                });
            }
        }
        gap = false;
    }
    let mut stretches = Vec::new();
    let mut stretch = Stretch::new();
    for column in columns {
        if column.after_gap {
            finish(&mut stretches, &mut stretch);
        }
        let x = column.pixel as f64;
        for (share, value) in [
            (0.2, column.first),
            (0.4, column.low),
            (0.6, column.high),
            (0.8, column.last),
        ] {
            if stretch.last().is_none_or(|&(_, previous)| previous != value) {
                stretch.push((x + share, value));
            }
        }
    }
    finish(&mut stretches, &mut stretch);
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(points: Vec<(i64, Option<f64>)>, width: f64) -> Vec<Stretch> {
        let series = Series::from_points(points).unwrap();
        let last = *series.times().last().unwrap() as f64;
        stretches(&series, width, |time| time as f64 / last * width, |value| value)
    }

    #[test]
    fn gaps_break_the_line() {
        let drawn = draw(
            vec![
                (0, Some(1.0)),
                (1, Some(2.0)),
                (2, None),
                (3, Some(f64::NAN)),
                (4, Some(4.0)),
            ],
            4.0,
        );
        assert_eq!(drawn, [vec![(0.0, 1.0), (1.0, 2.0)], vec![(4.0, 4.0)]]);
    }

    #[test]
    fn dense_data_keeps_spikes_and_wide_gaps() {
        let mut points: Vec<_> = (0..100_000).map(|t| (t, Some(0.0))).collect();
        points[5_000].1 = Some(9.0);
        for point in &mut points[40_000..60_000] {
            point.1 = None;
        }
        let drawn = draw(points, 100.0);
        assert_eq!(drawn.len(), 2);
        assert!(drawn.iter().map(Vec::len).sum::<usize>() < 400);
        assert!(drawn[0].iter().any(|point| point.1 == 9.0));
        assert!(drawn[0].iter().all(|point| point.0 < 40.0));
        assert!(drawn[1].iter().all(|point| point.0 >= 60.0));
    }
}
