#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use super::*;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;

/// Uniform numbers in (0, 1) (Steele, Lea & Flood 2014), the same on every run.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Hours with a daily season and normal noise of standard deviation 1; the noise too.
fn days(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random(seed);
    let noise: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let season = |t: usize| 100.0 + 10.0 * (std::f64::consts::TAU * t as f64 / 24.0).sin();
    let values = noise.iter().enumerate().map(|(t, e)| season(t) + e).collect();
    (values, noise)
}

fn detector() -> Detector {
    Detector::new(Settings::default()).unwrap()
}

fn watch(values: &[f64]) -> Vec<Observation> {
    let mut detector = detector();
    let observe = |(t, value): (usize, &f64)| detector.observe(t as i64 * HOUR, *value);
    values.iter().enumerate().map(observe).collect()
}

fn alarms(values: &[f64]) -> Vec<usize> {
    let seen = watch(values);
    (0..values.len()).filter(|t| seen[*t].is_anomaly).collect()
}

#[test]
fn a_season_that_is_given_serves_as_well_as_one_that_is_found() {
    let (mut rang, mut found) = (0, 0);
    for seed in 0..40 {
        let mut values = days(1000, seed).0;
        values[900] += 12.0;
        let mut detector = Detector::new(Settings {
            season: Some(24),
            ..Settings::default()
        })
        .unwrap();
        let observe = |(t, value): (usize, &f64)| detector.observe(t as i64 * HOUR, *value).is_anomaly;
        let seen: Vec<bool> = values.iter().enumerate().map(observe).collect();
        assert_eq!(detector.season(), 24);
        found += usize::from(seen[900]);
        rang += seen[..900].iter().filter(|rang| **rang).count();
    }
    // Of 36,000 usual points, 36 are expected to ring.
    assert!(found >= 38 && rang <= 72, "{found} found, {rang} rang");
}

#[test]
fn false_alarms_are_as_rare_as_asked_for() {
    let (mut points, mut rang) = (0, 0);
    for seed in 0..100 {
        let seen = watch(&days(2000, seed).0);
        points += 1600;
        rang += seen.iter().skip(400).filter(|o| o.is_anomaly).count();
    }
    let rate = f64::from(rang as u32) / f64::from(points);
    assert!((0.0005..0.002).contains(&rate), "{rate}");
}

#[test]
fn shifts_and_large_spikes_are_found() {
    let (mut spikes, mut shifts) = (0, 0);
    for seed in 0..50 {
        let (mut values, noise) = days(2000, seed);
        values[1500] += 6.0 - noise[1500];
        spikes += usize::from(watch(&values)[1500].is_anomaly);
        let (mut values, _) = days(2000, seed + 500);
        values.iter_mut().skip(1500).for_each(|v| *v += 4.0);
        shifts += usize::from(watch(&values)[1500..1510].iter().any(|o| o.is_anomaly));
    }
    assert!(spikes >= 45 && shifts >= 45, "{spikes} {shifts}");
}

#[test]
fn the_season_is_found() {
    let mut detector = detector();
    for (t, value) in days(400, 7).0.iter().enumerate() {
        detector.observe(t as i64 * HOUR, *value);
    }
    assert_eq!(detector.season(), 24);
    assert_eq!(detector.step(), Some(HOUR));
}

#[test]
fn a_constant_is_quiet_and_its_first_change_rings() {
    let mut values = vec![7.0; 400];
    assert_eq!(alarms(&values), []);
    values[300] = 7.5;
    assert_eq!(alarms(&values), [300]);
}

#[test]
fn a_spike_every_day_stops_to_ring() {
    let (mut values, _) = days(2400, 3);
    values.iter_mut().skip(15).step_by(24).for_each(|v| *v += 30.0);
    assert!(
        alarms(&values)
            .iter()
            .filter(|t| **t > 1200 && **t % 24 == 15)
            .count()
            < 5
    );
}

#[test]
fn an_event_rings_once() {
    let (mut values, _) = days(1000, 11);
    values[800..806].fill(10.0);
    let rang = alarms(&values);
    assert!(rang.contains(&800));
    assert!(
        rang.iter().filter(|t| (800..806).contains(*t)).count() <= 2,
        "{rang:?}"
    );
}

#[test]
fn a_direction_leaves_the_other_side_out() {
    let (mut values, _) = days(1000, 5);
    values[700] -= 30.0;
    for (direction, rings) in [(Direction::Down, true), (Direction::Up, false)] {
        let settings = Settings {
            direction,
            ..Settings::default()
        };
        let mut detector = Detector::new(settings).unwrap();
        let seen: Vec<Observation> = (0..1000)
            .map(|t| detector.observe(t as i64 * HOUR, values[t]))
            .collect();
        assert_eq!(seen[700].is_anomaly, rings);
    }
}

#[test]
fn gaps_have_no_score_and_teach_nothing() {
    let mut detector = detector();
    for (t, value) in days(200, 1).0.iter().enumerate() {
        detector.observe(t as i64 * HOUR, *value);
    }
    let before = detector.seen();
    for (i, value) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300]
        .into_iter()
        .enumerate()
    {
        let seen = detector.observe((200 + i as i64) * HOUR, value);
        assert_eq!(
            (seen.score, seen.is_anomaly, seen.reason(value)),
            (None, false, None)
        );
    }
    assert_eq!(detector.seen(), before);
}

#[test]
fn the_season_stays_in_its_place_over_points_left_out() {
    let values = days(1300, 9).0;
    let mut detector = detector();
    let mut rang = 0;
    for (t, value) in values
        .iter()
        .enumerate()
        .filter(|(t, _)| !(1000..1007).contains(t))
    {
        rang += usize::from(detector.observe(t as i64 * HOUR, *value).is_anomaly && t > 1000);
    }
    assert!(rang <= 2, "{rang}");
}

#[test]
fn the_clock_does_not_go_back() {
    let mut detector = detector();
    for t in [1, 2, 3, 4, 5, 2, 5, 6] {
        detector.observe(t * HOUR, 1.0);
    }
    assert_eq!(detector.last(), Some(6 * HOUR));
    assert_eq!(detector.seen(), 8);
}

#[test]
fn bytes_are_bounded() {
    let mut detector = Detector::new(Settings {
        season: Some(MAX_SEASON),
        ..Settings::default()
    })
    .unwrap();
    let mut found = self::detector();
    for t in 0..9000 {
        detector.observe(t * HOUR, (t % 17) as f64);
        found.observe(t * HOUR / 12, (t as f64 * std::f64::consts::TAU / 288.0).sin());
        if t % 100 == 0 {
            assert!(detector.encode().len() <= MAX_BYTES);
            assert!(found.encode().len() <= MAX_BYTES, "{}", found.encode().len());
        }
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    for threshold in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
        let settings = Settings {
            threshold,
            ..Settings::default()
        };
        assert!(matches!(Detector::new(settings), Err(Error::Threshold { .. })));
    }
    for season in [0, MAX_SEASON + 1, usize::MAX] {
        let settings = Settings {
            season: Some(season),
            ..Settings::default()
        };
        assert!(matches!(
            Detector::new(settings),
            Err(Error::DetectorSeason { .. })
        ));
    }
}

#[test]
fn altered_bytes_are_refused() {
    let mut detector = detector();
    for (t, value) in days(300, 2).0.iter().enumerate() {
        detector.observe(t as i64 * HOUR, *value);
    }
    let bytes = detector.encode();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(Detector::decode(&altered).is_err());
        assert!(Detector::decode(&bytes[..at]).is_err());
    }
}

/// Hours of a week of seven values, with a season of 7 that was asked for and one that was found, as the first layout stored them.
#[test]
fn bytes_of_the_first_layout_are_read() {
    let given: &[u8] = include_bytes!("stored/layout_1_given.bin");
    let found: &[u8] = include_bytes!("stored/layout_1_found.bin");
    for (bytes, season, seen) in [(given, 7, 150), (found, 7, 100)] {
        let mut detector = Detector::decode(bytes).unwrap();
        assert_eq!((detector.season(), detector.seen()), (season, seen));
        assert_eq!(Detector::decode(&detector.encode()).unwrap(), detector);
        let first = seen as i64;
        for t in first..first + 40 {
            let week = [0.0, 3.0, 6.0, 4.0, 1.0, -5.0, -9.0][(t % 7) as usize];
            let value = 50.0 + week + (t * 37 % 11) as f64 / 10.0;
            assert!(!detector.observe(t * HOUR, value).is_anomaly, "{t}");
        }
        assert!(detector.observe((first + 40) * HOUR, 150.0).is_anomaly);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_stream_is_scored_and_what_is_stored_goes_on_alike(
        points in prop::collection::vec((any::<i64>(), prop_oneof![any::<f64>(), -10.0..10.0_f64]), 1..300),
        split in 0..300_usize,
    ) {
        let mut whole = detector();
        let mut stored = detector();
        for (i, (ts, value)) in points.iter().enumerate() {
            if i == split {
                stored = Detector::decode(&stored.encode()).unwrap();
            }
            let (a, b) = (whole.observe(*ts, *value), stored.observe(*ts, *value));
            prop_assert_eq!(a, b);
            prop_assert!(a.score.is_none_or(|score| (0.0..=1.0).contains(&score)));
            prop_assert!(a.expected.is_none_or(f64::is_finite));
            prop_assert_eq!(a.is_anomaly, a.reason(*value).is_some());
        }
        prop_assert_eq!(Detector::from_text(&whole.to_text()).unwrap(), whole);
    }

    #[test]
    fn later_points_change_nothing(seed in any::<u64>(), cut in 100..400_usize) {
        let (values, _) = days(500, seed);
        prop_assert_eq!(&watch(&values)[..cut], &watch(&values[..cut])[..]);
    }
}
