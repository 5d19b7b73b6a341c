//! How likely two sets of registers are for sets of given sizes, and the sizes for which they are most likely.

use super::simplex::minimum;

/// How many registers are of which ranks here and there: all that the likelihood depends on.
pub(super) struct JointRegisters {
    registers: f64,
    /// The rank of a register without a limit above: 64 - precision; one more is "all bits were zero".
    q: u8,
    /// By rank: how many registers have it in A while B's is larger, in A while B's is smaller, the same for B, and in both.
    a_below: [f64; 64],
    a_above: [f64; 64],
    b_below: [f64; 64],
    b_above: [f64; 64],
    equal: [f64; 64],
}

impl JointRegisters {
    pub fn of(a: &[u8], b: &[u8], precision: u8) -> Self {
        let mut joint = Self {
            registers: a.len() as f64,
            q: 64 - precision,
            a_below: [0.0; 64],
            a_above: [0.0; 64],
            b_below: [0.0; 64],
            b_above: [0.0; 64],
            equal: [0.0; 64],
        };
        let count = |counts: &mut [f64; 64], rank: u8| {
            if let Some(count) = counts.get_mut(usize::from(rank)) {
                *count += 1.0;
            }
        };
        for (&a, &b) in a.iter().zip(b) {
            match a.cmp(&b) {
                std::cmp::Ordering::Less => {
                    count(&mut joint.a_below, a);
                    count(&mut joint.b_above, b);
                }
                std::cmp::Ordering::Greater => {
                    count(&mut joint.a_above, a);
                    count(&mut joint.b_below, b);
                }
                std::cmp::Ordering::Equal => count(&mut joint.equal, a),
            }
        }
        joint
    }

    /// The logarithm of the likelihood of these registers where each gets Poisson numbers of values with these means: only in
    /// A, only in B, in both.
    fn log_likelihood(&self, [a, b, both]: [f64; 3]) -> f64 {
        let mut sum = 0.0;
        let mut add = |count: f64, probability: f64| {
            if count > 0.0 {
                sum += count * probability.max(f64::MIN_POSITIVE).ln();
            }
        };
        for rank in 0..=self.q + 1 {
            let at = usize::from(rank);
            let counts = [
                &self.a_below,
                &self.b_below,
                &self.a_above,
                &self.b_above,
                &self.equal,
            ]
            .map(|counts| counts.get(at).copied().unwrap_or(0.0));
            if counts.iter().all(|count| *count == 0.0) {
                continue;
            }
            let [a_below, b_below, a_above, b_above, equal] = counts;
            // The smaller of two ranks has seen the shared values too; the larger one is from its own alone.
            add(a_below, self.has_rank(rank, a + both));
            add(b_below, self.has_rank(rank, b + both));
            add(a_above, self.has_rank(rank, a));
            add(b_above, self.has_rank(rank, b));
            add(equal, self.both_have_rank(rank, a, b, both));
        }
        sum
    }

    /// How many of the values of a register have a rank above `rank`, relative to all of them.
    fn share_above(&self, rank: u8) -> f64 {
        (-f64::from(rank.min(self.q))).exp2()
    }

    /// The probability that a register with a mean number of values has a rank.
    fn has_rank(&self, rank: u8, mean: f64) -> f64 {
        let above = mean * self.share_above(rank);
        match rank {
            0 => (-above).exp(),
            rank if rank > self.q => -(-above).exp_m1(),
            _ => (-above).exp() * -(-above).exp_m1(),
        }
    }

    /// The probability that both registers have a rank.
    fn both_have_rank(&self, rank: u8, a: f64, b: f64, both: f64) -> f64 {
        let share = self.share_above(rank);
        let (a, b, both) = (a * share, b * share, both * share);
        let none_above = (-(a + b + both)).exp();
        // 1 - x(a + b - ab) with the probabilities of nothing above, written without cancellation.
        let some = -(-both).exp_m1() + (-both).exp() * (-a).exp_m1() * (-b).exp_m1();
        match rank {
            0 => none_above,
            rank if rank > self.q => some,
            _ => none_above * some,
        }
    }

    /// The numbers of values only in A, only in B and in both that make the registers most likely, searched from a first
    /// guess over their logarithms; and the standard error of the last one.
    pub fn most_likely(&self, start: [f64; 3]) -> ([f64; 3], Option<f64>) {
        let total: f64 = start.iter().map(|count| count.max(0.0)).sum();
        let least = (total * 1e-3).max(1.0);
        let start = start.map(|count| (count.max(least) / self.registers).ln());
        let unlikelihood = |logs: [f64; 3]| -self.log_likelihood(logs.map(f64::exp));
        let found = minimum(start, unlikelihood).map(|log| log.exp() * self.registers);
        (found, self.standard_error(found.map(|count| count.max(least))))
    }

    /// The standard error of the number of shared values: the root of its variance in the inverse of the observed information
    /// (the curvature of the likelihood, by differences). `None` where the likelihood has no peak.
    fn standard_error(&self, counts: [f64; 3]) -> Option<f64> {
        const STEP: f64 = 0.02;
        let at = |factors: [f64; 3]| {
            let [a, b, both] = counts.map(|count| count / self.registers);
            let [f, g, h] = factors.map(|factor| 1.0 + STEP * factor);
            -self.log_likelihood([a * f, b * g, both * h])
        };
        // In units of a step, so that all are of a size.
        let second = |direction: [f64; 3]| at(direction) - 2.0 * at([0.0; 3]) + at(direction.map(|x| -x));
        let (xx, yy, zz) = (
            second([1.0, 0.0, 0.0]),
            second([0.0, 1.0, 0.0]),
            second([0.0, 0.0, 1.0]),
        );
        let xy = (second([1.0, 1.0, 0.0]) - xx - yy) / 2.0;
        let xz = (second([1.0, 0.0, 1.0]) - xx - zz) / 2.0;
        let yz = (second([0.0, 1.0, 1.0]) - yy - zz) / 2.0;
        let minor = xx * yy - xy * xy;
        let determinant = zz * minor - xx * yz * yz - yy * xz * xz + 2.0 * xy * xz * yz;
        let variance = minor / determinant;
        let [.., both] = counts;
        (minor > 0.0 && variance > 0.0 && variance.is_finite()).then(|| variance.sqrt() * STEP * both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pairs of ranks together are certain.
    #[test]
    fn probabilities_add_up_to_one() {
        let joint = JointRegisters::of(&[0; 16], &[0; 16], 4);
        let (a, b, both) = (3.0, 700.0, 0.4);
        let mut total = 0.0;
        for i in 0..=joint.q + 1 {
            for j in 0..=joint.q + 1 {
                total += match i.cmp(&j) {
                    std::cmp::Ordering::Less => joint.has_rank(i, a + both) * joint.has_rank(j, b),
                    std::cmp::Ordering::Greater => joint.has_rank(i, a) * joint.has_rank(j, b + both),
                    std::cmp::Ordering::Equal => joint.both_have_rank(i, a, b, both),
                };
            }
        }
        assert!((total - 1.0).abs() < 1e-12, "{total}");
    }
}
