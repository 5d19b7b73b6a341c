//! The search for a minimum by simplex (J. A. Nelder and R. Mead, "A simplex method for function minimization", 1965).

/// Where a function of three variables is smallest, near `start`.
pub(super) fn minimum(start: [f64; 3], value_of: impl Fn([f64; 3]) -> f64) -> [f64; 3] {
    const STEP: f64 = 0.25;
    const TOLERANCE: f64 = 1e-6;
    const MOST_STEPS: usize = 500;
    let along = |from: [f64; 3], to: [f64; 3], way: f64| -> [f64; 3] {
        std::array::from_fn(|i| {
            let (from, to) = (from.get(i).copied(), to.get(i).copied());
            let (from, to) = (from.unwrap_or(0.0), to.unwrap_or(0.0));
            from + way * (to - from)
        })
    };
    let vertex = |point: [f64; 3]| (value_of(point), point);
    let [x, y, z] = start;
    let mut simplex = [
        vertex(start),
        vertex([x + STEP, y, z]),
        vertex([x, y + STEP, z]),
        vertex([x, y, z + STEP]),
    ];
    for _ in 0..MOST_STEPS {
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [best, second, third, worst] = simplex;
        let size = [second, third, worst]
            .iter()
            .flat_map(|vertex| vertex.1.iter().zip(best.1))
            .fold(0.0, |size: f64, (a, b)| size.max((a - b).abs()));
        if size < TOLERANCE {
            break;
        }
        let opposite: [f64; 3] = {
            let ([a, b, c], [d, e, f], [g, h, i]) = (best.1, second.1, third.1);
            [(a + d + g) / 3.0, (b + e + h) / 3.0, (c + f + i) / 3.0]
        };
        let reflected = vertex(along(opposite, worst.1, -1.0));
        let replacement = if reflected.0 < best.0 {
            let expanded = vertex(along(opposite, worst.1, -2.0));
            Some(if expanded.0 < reflected.0 {
                expanded
            } else {
                reflected
            })
        } else if reflected.0 < third.0 {
            Some(reflected)
        } else {
            let way = if reflected.0 < worst.0 { -0.5 } else { 0.5 };
            let contracted = vertex(along(opposite, worst.1, way));
            (contracted.0 < worst.0.min(reflected.0)).then_some(contracted)
        };
        simplex = match replacement {
            Some(vertex) => [best, second, third, vertex],
            None => [
                best,
                vertex(along(best.1, second.1, 0.5)),
                vertex(along(best.1, third.1, 0.5)),
                vertex(along(best.1, worst.1, 0.5)),
            ],
        };
    }
    simplex
        .iter()
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(start, |best| best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplex_finds_the_bottom_of_a_bowl() {
        let bowl = |[x, y, z]: [f64; 3]| (x - 1.0).powi(2) + 10.0 * (y + x).powi(2) + (z - 3.0).powi(4);
        let [x, y, z] = minimum([0.0, 0.0, 0.0], bowl);
        assert!((x - 1.0).abs() < 1e-3 && (y + 1.0).abs() < 1e-3 && (z - 3.0).abs() < 0.05);
    }
}
