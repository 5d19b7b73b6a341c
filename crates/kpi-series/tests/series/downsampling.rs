use crate::any_series;
use kpi_series::{Error, Series};
use proptest::prelude::*;

fn observed(series: &Series) -> Vec<(i64, u64)> {
    (0..series.len())
        .filter_map(|i| Some((series.times()[i], series.observed(i)?.to_bits())))
        .collect()
}

proptest! {
    #[test]
    fn lttb_chooses_from_what_is_there(series in any_series(), n in 2i64..30) {
        let small = series.lttb(n).unwrap();
        let (all, chosen) = (observed(&series), observed(&small));
        prop_assert_eq!(chosen.len(), all.len().min(n as usize));
        prop_assert!(chosen.iter().all(|point| all.contains(point)));
        prop_assert_eq!((chosen.first(), chosen.last()), (all.first(), all.last()));
        if all.len() > n as usize {
            prop_assert!(small.gap_count() < n as usize);
            for pair in chosen.windows(2) {
                let broken = |s: &Series| (0..s.len()).any(|i| (pair[0].0 + 1..pair[1].0).contains(&s.times()[i]) && s.observed(i).is_none());
                prop_assert_eq!(broken(&small), broken(&series));
            }
        } else {
            prop_assert_eq!(small, series);
        }
    }

    #[test]
    fn a_sparkline_has_a_character_for_each_point_or_column(series in any_series(), width in 1i64..80) {
        let line = series.sparkline(width).unwrap();
        prop_assert_eq!(line.chars().count(), series.len().min(width as usize));
        prop_assert!(line.chars().all(|c| " ▁▂▃▄▅▆▇█".contains(c)));
        let any = (0..series.len()).any(|i| series.observed(i).is_some());
        prop_assert_eq!(line.trim().is_empty(), !any);
    }
}

#[test]
fn lttb_of_a_wave_keeps_its_peaks() {
    let wave = (0..1000)
        .map(|t| (t, Some((t as f64 / 50.0 * std::f64::consts::PI).sin())))
        .collect();
    let small = Series::from_points(wave).unwrap().lttb(102).unwrap();
    let high = small.values().iter().filter(|value| **value > 0.95).count();
    let low = small.values().iter().filter(|value| **value < -0.95).count();
    assert_eq!(small.len(), 102);
    assert!(high >= 10 && low >= 10, "{high} {low}");
}

fn drawn(values: &[Option<f64>], width: i64) -> String {
    let points = values
        .iter()
        .enumerate()
        .map(|(i, &value)| (i as i64, value))
        .collect();
    Series::from_points(points).unwrap().sparkline(width).unwrap()
}

#[test]
fn sparklines_of_the_odd_kind() {
    assert_eq!(drawn(&[], 24), "");
    assert_eq!(drawn(&[Some(7.0)], 24), "▄");
    assert_eq!(drawn(&[Some(7.0), Some(7.0), None], 24), "▄▄ ");
    assert_eq!(drawn(&[None, Some(f64::NAN), Some(f64::INFINITY)], 24), "   ");
    assert_eq!(drawn(&[Some(-1e308), Some(0.0), Some(1e308)], 24), "▁▅█");
    // Columns are means of equal spans of time.
    assert_eq!(
        drawn(
            &[Some(0.0), Some(2.0), Some(1.0), Some(1.0), Some(9.0), Some(7.0)],
            3
        ),
        "▁▁█"
    );
    assert_eq!(
        drawn(&[Some(0.0), Some(2.0), None, None, Some(9.0), Some(7.0)], 3),
        "▁ █"
    );
}

#[test]
fn sizes_out_of_range_are_refused() {
    let s = Series::default();
    for width in [0, -1, 1001] {
        let error = s.sparkline(width).unwrap_err();
        assert_eq!(error.to_string(), "width must be from 1 to 1000");
        assert_eq!(error.detail().unwrap(), format!("width is {width}"));
    }
    assert!(matches!(s.lttb(1), Err(Error::NumberOutOfRange { given: 1, .. })));
}
