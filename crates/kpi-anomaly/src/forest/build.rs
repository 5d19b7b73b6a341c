//! Trees grow.

use super::{Forest, ForestRequest, Mass, Node, Tree, mean_path};
use crate::FeatureError;
use kpi_forecast::random::Random;

impl Forest {
    /// A forest of `rows`, which lie one after the other, `width` features each. A feature that is not a number is missing:
    /// such a row goes either way with the chance of the others. `poll` is called between trees; true ends it.
    ///
    /// # Errors
    /// [`FeatureError`] for a request out of range, for fewer than 2 rows, for rows of another width, and when `poll` says so.
    pub fn fit(
        rows: &[f64],
        width: usize,
        request: &ForestRequest,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, FeatureError> {
        request.check(width)?;
        let count = rows.len() / width;
        if !rows.len().is_multiple_of(width) {
            return Err(FeatureError::Width {
                given: rows.len() % width,
                expected: width,
            });
        }
        if count < 2 {
            return Err(FeatureError::TooFew {
                rows: count,
                needed: 2,
            });
        }
        let sample = count.min(request.sample as usize);
        let mut forest = Self {
            width,
            sample: sample as u32,
            trees: Vec::with_capacity(request.trees as usize),
            nodes: Vec::new(),
            masses: Vec::new(),
        };
        let mut random = Random::new(request.seed as u64);
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mut columns = vec![0.0; sample * width];
        for _ in 0..request.trees {
            if poll() {
                return Err(FeatureError::Canceled);
            }
            // The first places of a shuffle (Fisher & Yates) are a sample without replacement.
            for place in 0..sample {
                let other = place + below(&mut random, count - place);
                order.swap(place, other);
            }
            for (place, row) in order.iter().take(sample).enumerate() {
                let row = *row as usize * width;
                let values = rows.get(row..row + width).unwrap_or_default();
                for (feature, value) in values.iter().enumerate() {
                    columns[feature * sample + place] = *value;
                }
            }
            Growth::new(&mut forest, &columns, &mut random).grow();
        }
        Ok(forest)
    }
}

/// Uniform among 0 to `count` - 1.
fn below(random: &mut Random, count: usize) -> usize {
    ((random.uniform() * count as f64) as usize).min(count.saturating_sub(1))
}

struct Growth<'a> {
    forest: &'a mut Forest,
    /// The sample, feature after feature.
    columns: &'a [f64],
    random: &'a mut Random,
    /// Rows of the sample, those of a node side by side.
    rows: Vec<u16>,
    candidates: Vec<u32>,
    limit: u32,
}

/// A node whose rows are still to be cut.
struct Open {
    node: usize,
    from: usize,
    until: usize,
    depth: u32,
}

impl<'a> Growth<'a> {
    fn new(forest: &'a mut Forest, columns: &'a [f64], random: &'a mut Random) -> Self {
        let sample = forest.sample;
        Self {
            rows: (0..sample).map(|row| row as u16).collect(),
            candidates: (0..forest.width as u32).collect(),
            // As deep as a balanced tree: beyond, the mean path of the rows that are left says enough.
            limit: sample.next_power_of_two().trailing_zeros(),
            forest,
            columns,
            random,
        }
    }

    fn grow(mut self) {
        let root = self.leaf(self.rows.len(), 0);
        let mut tree = Tree {
            root: root as u32,
            depth: 0,
        };
        let mut open = vec![Open {
            node: root,
            from: 0,
            until: self.rows.len(),
            depth: 0,
        }];
        while let Some(next) = open.pop() {
            tree.depth = tree.depth.max(next.depth);
            if next.depth >= self.limit || next.until - next.from < 2 {
                continue;
            }
            let Some((feature, threshold)) = self.cut(&next) else {
                continue;
            };
            let middle = self.partition(&next, feature, threshold);
            let left = self.leaf(middle - next.from, next.depth + 1);
            let right = self.leaf(next.until - middle, next.depth + 1);
            self.forest.nodes[next.node] = Node {
                threshold,
                feature,
                left: left as u32,
            };
            let sides = [(right, middle, next.until), (left, next.from, middle)];
            open.extend(sides.map(|(node, from, until)| Open {
                node,
                from,
                until,
                depth: next.depth + 1,
            }));
        }
        self.forest.settle(&tree);
        self.forest.trees.push(tree);
    }

    /// A node that is not cut, so far.
    fn leaf(&mut self, rows: usize, depth: u32) -> usize {
        let node = self.forest.nodes.len();
        self.forest.nodes.push(Node {
            threshold: f64::NAN,
            feature: 0,
            left: node as u32,
        });
        let rows = rows as u32;
        self.forest.masses.push(Mass {
            rows,
            path: f64::from(depth) + mean_path(rows),
        });
        node
    }

    /// A random place on a random feature, of those that vary; `None` where none does.
    fn cut(&mut self, open: &Open) -> Option<(u32, f64)> {
        let sample = self.rows.len();
        let rows = self.rows.get(open.from..open.until)?;
        let mut left = self.candidates.len();
        while left > 0 {
            let chosen = below(self.random, left);
            left -= 1;
            self.candidates.swap(chosen, left);
            let feature = *self.candidates.get(left)?;
            let column = self
                .columns
                .get(feature as usize * sample..(feature as usize + 1) * sample)?;
            let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            for row in rows {
                let value = column[usize::from(*row)];
                if value.is_finite() {
                    least = least.min(value);
                    greatest = greatest.max(value);
                }
            }
            if least < greatest {
                let share = self.random.uniform();
                let place = least * (1.0 - share) + greatest * share;
                // Rounding must not leave a side empty.
                let place = if place > least {
                    place.min(greatest)
                } else {
                    greatest
                };
                return Some((feature, place));
            }
        }
        None
    }

    /// Puts the rows of the left branch before those of the right one, and says where these begin.
    fn partition(&mut self, open: &Open, feature: u32, threshold: f64) -> usize {
        let sample = self.rows.len();
        let column = &self.columns[feature as usize * sample..(feature as usize + 1) * sample];
        let rows = &mut self.rows[open.from..open.until];
        let known = rows
            .iter()
            .map(|row| column[usize::from(*row)])
            .filter(|value| !value.is_nan());
        let (mut below, mut all) = (0_u32, 0_u32);
        for value in known {
            below += u32::from(value < threshold);
            all += 1;
        }
        let share = f64::from(below) / f64::from(all);
        let mut middle = 0;
        for place in 0..rows.len() {
            let value = column[usize::from(rows[place])];
            let goes_left = if value.is_nan() {
                self.random.uniform() < share
            } else {
                value < threshold
            };
            if goes_left {
                rows.swap(place, middle);
                middle += 1;
            }
        }
        open.from + middle
    }
}

impl Forest {
    /// The mean paths of the cuts of the newest tree, from the leaves up: children come after their parents.
    pub(super) fn settle(&mut self, tree: &Tree) {
        for node in (tree.root as usize..self.nodes.len()).rev() {
            if self.nodes[node].is_leaf() {
                continue;
            }
            let left = self.nodes[node].left as usize;
            let (a, b) = (self.masses[left], self.masses[left + 1]);
            let rows = a.rows + b.rows;
            self.masses[node].path =
                (f64::from(a.rows) * a.path + f64::from(b.rows) * b.path) / f64::from(rows);
        }
    }
}
