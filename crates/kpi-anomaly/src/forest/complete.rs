//! Trees of at most eight levels as complete ones: what comes next is arithmetic, and many rows go through a tree fast.

use super::{Forest, Tree};

/// Levels of cuts: those of trees of 256 rows.
const LEVELS: u32 = 8;
/// Rows that are walked side by side: a step of one waits for memory while the others are under way.
pub(super) const LANES: usize = 8;

/// A tree with its cuts at 1, the two below the one at i at 2i and 2i + 1, and its leaves all on the lowest level. Where the tree
/// ends earlier, what follows leads left.
pub(super) struct Complete {
    thresholds: [f64; 256],
    features: [u16; 256],
    /// The paths of the leaves, from the left.
    paths: [f64; 256],
}

impl Forest {
    /// The trees, `None` where one is deeper.
    pub(super) fn complete(&self) -> Option<Vec<Complete>> {
        if self.trees.iter().any(|tree| tree.depth > LEVELS) {
            return None;
        }
        Some(self.trees.iter().map(|tree| self.completed(tree)).collect())
    }

    fn completed(&self, tree: &Tree) -> Complete {
        let mut complete = Complete {
            thresholds: [f64::NAN; 256],
            features: [0; 256],
            paths: [0.0; 256],
        };
        let mut open = vec![(tree.root as usize, 1_usize, 0)];
        while let Some((at, place, depth)) = open.pop() {
            let node = self.nodes[at];
            if node.is_leaf() {
                let leaf = (place << (LEVELS - depth)) - 256;
                complete.paths[leaf] = self.masses[at].path;
                continue;
            }
            complete.thresholds[place] = node.threshold;
            complete.features[place] = node.feature as u16;
            let left = node.left as usize;
            open.extend([(left, 2 * place, depth + 1), (left + 1, 2 * place + 1, depth + 1)]);
        }
        complete
    }
}

impl Complete {
    /// The paths of rows whose features lie side by side.
    #[inline]
    pub(super) fn paths(&self, columns: &[[f64; LANES]]) -> [f64; LANES] {
        let mut at = [1_u8; LANES];
        for _ in 0..LEVELS {
            for (lane, at) in at.iter_mut().enumerate() {
                let place = usize::from(*at);
                let value = columns[usize::from(self.features[place])][lane];
                // On the lowest level the highest bit leaves the byte, and what stays is the leaf.
                *at = at.wrapping_shl(1) | u8::from(value >= self.thresholds[place]);
            }
        }
        at.map(|leaf| self.paths[usize::from(leaf)])
    }
}
