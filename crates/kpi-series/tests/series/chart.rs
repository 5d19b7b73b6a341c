use crate::{any_series, any_time, any_value, any_zone, at, zone};
use kpi_series::{Chart, Error, ForecastPoint, Series, timestamp};
use proptest::prelude::*;

/// Checks that tags are balanced and that no text holds a character that would open one.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            assert!(
                ["lt;", "gt;", "amp;", "quot;", "#39;"]
                    .iter()
                    .any(|known| entity.starts_with(known)),
                "{entity}"
            );
        }
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
}

/// The numbers of all coordinates in the plot, which follows what is grouped: axes and legend.
fn coordinates(svg: &str) -> Vec<f64> {
    let svg = svg.rsplit_once("</g>").map_or(svg, |parts| parts.1);
    let paths = svg
        .split(" d=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    paths
        .flat_map(|path| path.split(['M', 'L', ' ', 'Z']))
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().unwrap())
        .collect()
}

fn any_forecast() -> impl Strategy<Value = Vec<ForecastPoint>> {
    let point = (any_time(), any_value(), any_value(), any_value());
    prop::collection::vec(
        point.prop_map(|(time, value, lower, upper)| ForecastPoint {
            time,
            value,
            lower,
            upper,
        }),
        0..12,
    )
}

proptest! {
    #[test]
    fn any_series_can_be_drawn(
        series in any_series(),
        forecast in any_forecast(),
        (width, height) in (16i64..900, 16i64..500),
        title in prop::option::of(any::<String>()),
        zone in any_zone(),
    ) {
        let chart = Chart { width, height, title: title.as_deref(), forecast: &forecast, model: title.as_deref(), ..Chart::new(&series, &zone) };
        let svg = chart.svg().unwrap();
        assert_well_formed(&svg);
        prop_assert!(!svg.contains("NaN") || title.as_ref().is_some_and(|t| t.contains("NaN")));
        for number in coordinates(&svg) {
            prop_assert!((-1.0..=901.0).contains(&number), "{number} in {svg}");
        }
    }
}

#[test]
fn gaps_break_the_line_and_single_points_are_dots() {
    let s = Series::parse(
        r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", null], ["2026-01-04T00:00:00Z", 3]]"#,
    )
    .unwrap();
    let svg = Chart::new(&s, &zone("UTC")).svg().unwrap();
    assert_eq!(svg.matches("<path").count(), 1);
    assert_eq!(svg.matches("<circle").count(), 3);
    assert!(!svg.contains("forecast"));
}

#[test]
fn a_forecast_goes_on_from_the_last_value_with_band_and_legend() {
    let s = at(&["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]);
    let time = timestamp::parse("2026-01-03T00:00:00Z").unwrap();
    let forecast = [ForecastPoint {
        time,
        value: Some(3.0),
        lower: Some(2.0),
        upper: Some(4.0),
    }];
    let utc = zone("UTC");
    let chart = Chart {
        forecast: &forecast,
        model: Some("theta"),
        ..Chart::new(&s, &utc)
    };
    let svg = chart.svg().unwrap();
    assert!(
        svg.contains(">forecast (theta)<")
            && svg.contains(">prediction interval<")
            && svg.contains("stroke-dasharray")
    );
    // After the three keys of the legend: the line of the series ends where band and forecast start.
    let paths: Vec<&str> = svg
        .split(" d=\"")
        .skip(4)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let [band, line, dashed] = paths[..] else {
        panic!("{paths:?}")
    };
    let end = line.split('L').next_back().unwrap();
    assert!(
        dashed.starts_with(&format!("M{end}L"))
            && band.starts_with(&format!("M{end}L"))
            && band.ends_with('Z')
    );
    let without = Chart {
        forecast: &[ForecastPoint {
            lower: None,
            ..forecast[0]
        }],
        ..chart
    };
    assert!(!without.svg().unwrap().contains("prediction interval"));
}

#[test]
fn what_has_no_values_says_so() {
    let gaps = Series::from_points(vec![(0, None), (1, Some(f64::INFINITY))]).unwrap();
    for series in [Series::default(), gaps] {
        let svg = Chart::new(&series, &zone("UTC")).svg().unwrap();
        assert!(svg.contains(">no data<") && !svg.contains("<path"));
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let (series, utc) = (Series::default(), zone("UTC"));
    let error = Chart {
        height: 15,
        ..Chart::new(&series, &utc)
    }
    .svg()
    .unwrap_err();
    assert_eq!(
        error,
        Error::NumberOutOfRange {
            name: "height",
            given: 15,
            least: 16,
            most: 10_000
        }
    );
}
