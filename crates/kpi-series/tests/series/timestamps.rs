use crate::{any_zone, zone};
use kpi_series::{Step, timestamp};
use proptest::prelude::*;
use timestamp::{DAY, Date, END, HOUR, MIN};

fn parse(text: &str) -> i64 {
    timestamp::parse(text).unwrap()
}

proptest! {
    #[test]
    fn text_and_time_go_both_ways(time in MIN..END) {
        prop_assert_eq!(timestamp::parse(&timestamp::format(time)), Some(time));
    }

    #[test]
    fn dates_agree_with_another_implementation(days in -4_000_000i64..2_900_000) {
        let date = Date::from_days(days);
        prop_assert_eq!(date.to_days(), days);
        let peer = jiff::civil::date(2000, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        prop_assert_eq!((date.year, date.month, date.day), (peer.year().into(), peer.month() as u8, peer.day() as u8));
        prop_assert_eq!(date.days_in_month(), peer.days_in_month() as u8);
    }

    #[test]
    fn steps_lead_forward_and_never_panic(
        time in MIN..END,
        (months, days, micros) in (0i32..30, 0i32..40, 0i64..100 * DAY),
        n in 1i64..1000,
        zone in any_zone(),
    ) {
        prop_assume!(months + days > 0 || micros > 0);
        let step = Step::new(months, days, micros).unwrap();
        if let Ok(later) = step.add(time, n, &zone) {
            // A day that the zone skips is as good as none.
            prop_assert!(later > time || (later == time && months == 0 && micros == 0));
        }
        let _ = step.add(time, i64::MAX, &zone);
        let _ = step.add(time, i64::MIN, &zone);
        let _ = Step::months(i32::MAX).add(time, n, &zone);
    }
}

#[test]
fn only_rfc_3339_is_a_time() {
    for text in [
        "",
        "2026",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-1-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+01",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00Z ",
        "02026-01-01T00:00:00Z",
        "+1000000-01-01T00:00:00Z",
        "+294277-01-01T00:00:00Z",
        "-004713-11-23T23:59:59Z",
        "2026-01-01T00:00:00é",
    ] {
        assert_eq!(timestamp::parse(text), None, "{text}");
    }
    assert_eq!(parse("2026-01-01T00:00:60Z"), parse("2026-01-01T00:01:00Z"));
    assert_eq!(
        parse("2026-01-01T00:00:00.1234567Z"),
        parse("2026-01-01T00:00:00.123457Z")
    );
    assert_eq!(
        parse("2026-01-01T00:00:00.9999999Z"),
        parse("2026-01-01T00:00:01Z")
    );
    assert_eq!(parse("2026-01-01T00:00:00-11:30"), parse("2026-01-01T11:30:00Z"));
}

#[test]
fn a_skipped_hour_and_a_repeated_one_are_taken_as_postgresql_takes_them() {
    let berlin = zone("Europe/Berlin");
    let day = Step::days(1);
    // 02:30 does not exist on 2026-03-29: it is 03:30.
    assert_eq!(
        day.add(parse("2026-03-28T02:30:00+01:00"), 1, &berlin),
        Ok(parse("2026-03-29T03:30:00+02:00"))
    );
    assert_eq!(
        day.add(parse("2026-03-28T02:30:00+01:00"), 2, &berlin),
        Ok(parse("2026-03-30T02:30:00+02:00"))
    );
    // 02:30 exists twice on 2026-10-25: it is the second.
    assert_eq!(
        day.add(parse("2026-10-24T02:30:00+02:00"), 1, &berlin),
        Ok(parse("2026-10-25T02:30:00+01:00"))
    );
}

#[test]
fn steps_can_go_back_and_are_taken_in_utc_beyond_known_rules() {
    let berlin = zone("Europe/Berlin");
    let month_ends = Step {
        day_of_month: Some(31),
        ..Step::months(1)
    };
    assert_eq!(
        month_ends.add(parse("2026-02-28T00:00:00+01:00"), -2, &berlin),
        Ok(parse("2025-12-31T00:00:00+01:00"))
    );
    assert_eq!(
        Step::days(1).add(parse("+020000-07-01T00:00:00Z"), 2, &berlin),
        Ok(parse("+020000-07-03T00:00:00Z"))
    );
    let error = Step::months(1)
        .add(parse("+294276-12-01T00:00:00Z"), 1, &berlin)
        .unwrap_err();
    assert_eq!(
        error.detail().unwrap(),
        "1 steps from +294276-12-01T00:00:00Z are too many"
    );
}

#[test]
fn a_step_is_positive_in_all_its_parts() {
    assert!(Step::new(0, 0, 0).is_err());
    assert!(Step::new(1, -1, 0).is_err());
    assert_eq!(
        Step::new(0, 1, HOUR).unwrap(),
        Step {
            micros: HOUR,
            ..Step::days(1)
        }
    );
}
