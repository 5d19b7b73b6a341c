//! Handing the forecast of the root down.

use super::Hierarchy;

/// The reconciled forecast of each node of a tree: that of the root is kept, and each parent's is shared among its children in the
/// proportions of their base forecasts (Athanasopoulos, Ahmed & Hyndman 2009, *International Journal of Forecasting*
/// 25:146-166), in equal parts where these come to 0. `None` where nodes have several parents.
///
/// ```
/// use kpi_forecast::reconcile::{Hierarchy, top_down};
/// let tree = Hierarchy::from_paths(&["all".into(), "all/a".into(), "all/b".into()]).unwrap();
/// assert_eq!(top_down(&tree, &[20.0, 4.0, 6.0]).unwrap(), [20.0, 8.0, 12.0]);
/// assert_eq!(top_down(&tree, &[20.0, 0.0, 0.0]).unwrap(), [20.0, 10.0, 10.0]);
/// ```
pub fn top_down(hierarchy: &Hierarchy, base: &[f64]) -> Option<Vec<f64>> {
    let root = hierarchy.root()?;
    let mut values = vec![0.0; base.len()];
    values[root] = base[root];
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let children = hierarchy.children(node)?;
        let whole: f64 = children.iter().map(|child| base[*child]).sum();
        for child in children {
            let share = if whole == 0.0 {
                1.0 / children.len() as f64
            } else {
                base[*child] / whole
            };
            values[*child] = values[node] * share;
            open.push(*child);
        }
    }
    // The sums again, so that rounding is on the same side everywhere.
    let leaves: Vec<f64> = hierarchy.leaves().iter().map(|leaf| values[*leaf]).collect();
    let sums = hierarchy.sums(&leaves);
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_shares() {
        let paths = ["t", "t/a", "t/b", "t/a/x", "t/a/y"].map(String::from);
        let tree = Hierarchy::from_paths(&paths).unwrap();
        // a has 6 of 8, x 1 of 4 of that.
        let values = top_down(&tree, &[16.0, 6.0, 2.0, 1.0, 3.0]).unwrap();
        assert_eq!(values, [16.0, 12.0, 4.0, 3.0, 9.0]);
        let crossed = Hierarchy::from_paths(&["*/*", "a/b"].map(String::from)).unwrap();
        assert_eq!(top_down(&crossed, &[1.0, 1.0]), None);
    }
}
