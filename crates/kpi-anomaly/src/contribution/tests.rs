//! Changes that are known, and sums that have to fit.

use super::*;
use proptest::prelude::*;

fn side(numerator: f64, denominator: f64) -> Side {
    Side {
        numerator,
        denominator,
    }
}

fn sum(of: impl Iterator<Item = f64>) -> f64 {
    of.fold(0.0, |sum, part| sum + part)
}

/// By hand: shares 0.5, 0.5 to 0.75, 0.25; ratios 0.2, 0.4 to 0.3, 0.4; all 0.3 to 0.325, middle 0.3125.
/// First: mix 0.25 (0.25 - 0.3125), rate 0.625 * 0.1. Second: mix -0.25 (0.4 - 0.3125), rate 0.
#[test]
fn mix_and_rate() {
    let change = ratio(&[
        [side(20.0, 100.0), side(90.0, 300.0)],
        [side(40.0, 100.0), side(40.0, 100.0)],
    ])
    .unwrap();
    assert!((change.before - 0.3).abs() < 1e-15 && (change.after - 0.325).abs() < 1e-15);
    let expected = [(-0.015_625, 0.0625), (-0.021_875, 0.0)];
    for (effect, (mix, rate)) in change.effects.iter().zip(expected) {
        assert!(
            (effect.mix - mix).abs() < 1e-15 && (effect.rate - rate).abs() < 1e-15,
            "{effect:?}"
        );
    }
}

#[test]
fn new_and_vanished_groups_act_through_the_mix() {
    let change = ratio(&[
        [side(10.0, 100.0), side(10.0, 100.0)],
        [side(0.0, 0.0), side(50.0, 100.0)],
        [side(30.0, 100.0), side(0.0, 0.0)],
        [side(0.0, 0.0), side(0.0, 0.0)],
    ])
    .unwrap();
    assert!((change.after - change.before - 0.1).abs() < 1e-15);
    assert!(change.effects[1].mix > 0.0 && change.effects[1].rate.abs() < 1e-15);
    assert!(change.effects[2].rate.abs() < 1e-15);
    assert_eq!(change.effects[3].contribution, 0.0);
}

#[test]
fn what_has_no_ratio_says_so() {
    let error = ratio(&[[side(1.0, 1.0), side(1.0, 0.0)]]).unwrap_err();
    assert_eq!(error, ChangeError::NoDenominator { after: true });
    assert_eq!(
        ratio(&[]).unwrap_err(),
        ChangeError::NoDenominator { after: false }
    );
    assert_eq!(
        difference(&[[side(f64::NAN, 0.0); 2]]).unwrap_err(),
        ChangeError::NotFinite
    );
    assert_eq!(difference(&[]).unwrap().after, 0.0);
}

#[test]
fn remainders_are_placed() {
    let mut parts = [1e16, 1.0, -1e16];
    settle(&mut parts, 2.0);
    assert_eq!(sum(parts.into_iter()), 2.0);
    let mut nothing: [f64; 0] = [];
    settle(&mut nothing, 1.0);
    let mut odd = [f64::NAN, 1.0];
    settle(&mut odd, 1.0);
    assert_eq!(odd[1], 1.0);
}

/// One unit in the last place of what the sum passes through.
fn rounding(parts: &[f64], total: f64) -> f64 {
    let greatest = parts
        .iter()
        .fold(total.abs(), |greatest, part| greatest.max(part.abs()));
    greatest * f64::EPSILON
}

proptest! {
    #[test]
    fn parts_add_up(parts in prop::collection::vec(-1e6..1e6f64, 1..40)) {
        let mut settled = parts.clone();
        let total = sum(parts.iter().rev().copied());
        settle(&mut settled, total);
        let off = (sum(settled.iter().copied()) - total).abs();
        prop_assert!(off <= rounding(&parts, total), "{off}");
        for (one, other) in parts.iter().zip(&settled) {
            prop_assert!((one - other).abs() <= 1e-8);
        }
    }

    #[test]
    fn differences_add_up_to_the_last_bit(groups in prop::collection::vec((0..100_000i64, 0..100_000i64), 1..40)) {
        // Cents: sums of these are seldom exact.
        let groups: Vec<[Side; 2]> = groups
            .iter()
            .map(|(a, b)| [side(*a as f64 / 100.0, 0.0), side(*b as f64 / 100.0, 0.0)])
            .collect();
        let change = difference(&groups).unwrap();
        prop_assert_eq!(sum(change.effects.iter().map(|e| e.contribution)), change.after - change.before);
    }

    #[test]
    fn ratios_add_up(groups in prop::collection::vec((0..1000i64, 0..1000i64, 0..1000i64, 0..1000i64), 1..40)) {
        let groups: Vec<[Side; 2]> = groups
            .iter()
            .map(|(a, b, c, d)| [side(*a as f64 / 100.0, *b as f64), side(*c as f64 / 100.0, *d as f64)])
            .collect();
        if let Ok(change) = ratio(&groups) {
            let ranked = change.ranked(&groups, 5);
            prop_assert!(ranked.len() <= 5);
            let parts: Vec<f64> = ranked.iter().map(|rank| rank.effect.contribution).collect();
            let off = (sum(parts.iter().copied()) - (change.after - change.before)).abs();
            prop_assert!(off <= rounding(&parts, change.after - change.before), "{off}");
            let weight = |bucket: usize| ranked.iter().map(|rank| rank.sides[bucket].denominator).sum::<f64>();
            prop_assert_eq!(weight(0), groups.iter().map(|group| group[0].denominator).sum::<f64>());
            let parts: Vec<f64> = change.effects.iter().map(|effect| effect.contribution).collect();
            let total = change.after - change.before;
            let off = (sum(parts.iter().copied()) - total).abs();
            prop_assert!(off <= rounding(&parts, total), "{off}");
            for effect in &change.effects {
                let off = (effect.mix + effect.rate - effect.contribution).abs();
                prop_assert!(off <= rounding(&[effect.mix, effect.rate], effect.contribution));
            }
            let mix = sum(change.effects.iter().map(|effect| effect.mix));
            let rate = sum(change.effects.iter().map(|effect| effect.rate));
            prop_assert!((mix + rate - total).abs() < 1e-9);
        }
    }
}
