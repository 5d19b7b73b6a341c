//! Forests as bytes: each tree from its root, a cut before its branches.

use super::{Forest, MAX_SAMPLE, MAX_TREES, Mass, Node, Tree, mean_path};
use crate::FeatureError;
use crate::reservoir::MAX_WIDTH;
use kpi_stats::frame::{Kind, Reader, Writer, from_hex, to_hex};

/// The name of the SQL type, for errors.
const TYPE_NAME: &str = "forest";

impl Forest {
    /// The versioned and checksummed bytes. A leaf is 0 and its rows, a cut its feature from 1 and its threshold.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Forest);
        writer.varint(self.width as u64);
        writer.varint(u64::from(self.sample));
        writer.varint(self.trees.len() as u64);
        for tree in &self.trees {
            let mut open = vec![tree.root as usize];
            while let Some(at) = open.pop() {
                let node = self.nodes[at];
                if node.is_leaf() {
                    writer.varint(0);
                    writer.varint(u64::from(self.masses[at].rows));
                } else {
                    writer.varint(u64::from(node.feature) + 1);
                    writer.f64(node.threshold);
                    open.extend([node.left as usize + 1, node.left as usize]);
                }
            }
        }
        writer.finish()
    }

    /// Reads what [`encode`](Forest::encode) wrote.
    ///
    /// # Errors
    /// [`FeatureError::Stored`] for anything else. Never panics, and allocates no more than a few times the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FeatureError> {
        let mut reader = Reader::new(TYPE_NAME, Kind::Forest, bytes)?;
        let (width, sample) = (reader.varint()?, reader.varint()?);
        if !(1..=MAX_WIDTH as u64).contains(&width) || !(2..=MAX_SAMPLE as u64).contains(&sample) {
            return Err(reader
                .corrupt(format!("They claim {sample} rows of {width} features."))
                .into());
        }
        let trees = reader.items(2, MAX_TREES as usize)?;
        if trees == 0 {
            return Err(reader.corrupt("They have no trees.".into()).into());
        }
        let mut forest = Self {
            width: width as usize,
            sample: sample as u32,
            trees: Vec::with_capacity(trees),
            nodes: Vec::new(),
            masses: Vec::new(),
        };
        for _ in 0..trees {
            forest.read_tree(&mut reader)?;
        }
        reader.finish()?;
        Ok(forest)
    }

    fn read_tree(&mut self, reader: &mut Reader) -> Result<(), FeatureError> {
        let limit = self.sample.next_power_of_two().trailing_zeros();
        let mut tree = Tree {
            root: self.nodes.len() as u32,
            depth: 0,
        };
        self.push();
        let mut open = vec![(tree.root as usize, 0)];
        let mut rows_of_leaves = 0;
        while let Some((at, depth)) = open.pop() {
            tree.depth = tree.depth.max(depth);
            match reader.varint()? {
                0 => {
                    let rows = reader.varint()?;
                    rows_of_leaves += rows.min(u64::from(self.sample) + 1);
                    if rows == 0 || rows_of_leaves > u64::from(self.sample) {
                        return Err(reader
                            .corrupt(format!("They claim a leaf of {rows} rows."))
                            .into());
                    }
                    let rows = rows as u32;
                    let path = f64::from(depth) + mean_path(rows);
                    self.masses[at] = Mass { rows, path };
                }
                feature if feature <= self.width as u64 && depth < limit => {
                    let threshold = reader.f64()?;
                    if !threshold.is_finite() {
                        return Err(reader.corrupt(format!("They claim a cut at {threshold}.")).into());
                    }
                    let left = self.push();
                    let right = self.push();
                    self.nodes[at] = Node {
                        threshold,
                        feature: feature as u32 - 1,
                        left: left as u32,
                    };
                    open.extend([(right, depth + 1), (left, depth + 1)]);
                }
                feature => {
                    let reason = format!("They claim a cut of feature {feature} at depth {depth}.");
                    return Err(reader.corrupt(reason).into());
                }
            }
        }
        if rows_of_leaves != u64::from(self.sample) {
            return Err(reader
                .corrupt(format!("They have a tree of {rows_of_leaves} rows."))
                .into());
        }
        for at in (tree.root as usize..self.nodes.len()).rev() {
            let node = self.nodes[at];
            if !node.is_leaf() {
                let left = node.left as usize;
                self.masses[at].rows = self.masses[left].rows + self.masses[left + 1].rows;
            }
        }
        self.settle(&tree);
        self.trees.push(tree);
        Ok(())
    }

    /// A node that is not known yet.
    fn push(&mut self) -> usize {
        let at = self.nodes.len();
        self.nodes.push(Node {
            threshold: f64::NAN,
            feature: 0,
            left: at as u32,
        });
        self.masses.push(Mass { rows: 0, path: 0.0 });
        at
    }

    /// The text form: the bytes in hexadecimal after `\x`.
    pub fn to_text(&self) -> String {
        to_hex(&self.encode())
    }

    /// Reads what [`to_text`](Forest::to_text) wrote.
    ///
    /// # Errors
    /// [`FeatureError::Stored`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, FeatureError> {
        Self::decode(&from_hex(TYPE_NAME, text)?)
    }
}
