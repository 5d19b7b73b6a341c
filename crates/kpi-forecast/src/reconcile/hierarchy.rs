//! Which nodes are sums of which.

use super::{HierarchyError, MAX_NODES, MAX_SUMS};
use std::collections::HashMap;

/// What stands between the names of a path.
const SEPARATOR: char = '/';
/// All values of a dimension, in a path of a crossed hierarchy.
const ALL: &str = "*";

/// Nodes of which some are sums of others: the rows of the summing matrix `S`.
///
/// ```
/// use kpi_forecast::reconcile::Hierarchy;
/// let tree = Hierarchy::from_paths(&["all/north/a".into(), "all/north/b".into(), "all/south".into()]).unwrap();
/// assert_eq!(tree.names()[3..], ["all/north", "all"]); // sums that were not given come last
/// assert_eq!((tree.leaves(), tree.parts(3), tree.parts(4)), (&[0, 1, 2][..], &[0, 1][..], &[0, 1, 2][..]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Hierarchy {
    names: Vec<String>,
    /// The number of nodes that were given; those after them follow from their paths or parents.
    given: usize,
    leaves: Vec<usize>,
    /// For each node, the places in `leaves` of which it is the sum.
    parts: Vec<Vec<usize>>,
    /// For each node, those one level below; `None` where nodes have several parents.
    children: Option<Vec<Vec<usize>>>,
}

impl Hierarchy {
    /// A hierarchy of paths such as `all/north/a`, in which `all/north` and `all` are sums, given or not. When a part of a
    /// path is `*`, the hierarchy is crossed: each path has one part for each dimension, `*` stands for all, and a path with a
    /// `*` is the sum of the paths without that agree in all other parts.
    ///
    /// # Errors
    /// A [`HierarchyError`] says what is wrong.
    ///
    /// ```
    /// use kpi_forecast::reconcile::Hierarchy;
    /// let nodes = ["*/*", "n/*", "*/x", "*/y", "n/x", "n/y", "s/y"].map(String::from);
    /// let crossed = Hierarchy::from_paths(&nodes).unwrap();
    /// assert_eq!(crossed.leaves(), [4, 5, 6]);
    /// assert_eq!((crossed.parts(1), crossed.parts(3)), (&[0, 1][..], &[1, 2][..]));
    /// ```
    pub fn from_paths(paths: &[String]) -> Result<Self, HierarchyError> {
        check_names(paths)?;
        for (place, path) in paths.iter().enumerate() {
            // Each part but the last would be a sum.
            let sums = path.matches(SEPARATOR).count();
            check_size(sums, sums)?;
            if path.split(SEPARATOR).any(str::is_empty) {
                return Err(HierarchyError::NoName {
                    element: place + 1,
                    name: path.clone(),
                });
            }
        }
        if paths
            .iter()
            .any(|path| path.split(SEPARATOR).any(|part| part == ALL))
        {
            return Self::crossed(paths);
        }
        let mut names = paths.to_vec();
        let mut parents = Vec::with_capacity(names.len());
        let mut known: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
        let mut node = 0;
        // Nodes that are found on the way up are looked at in their turn.
        while let Some(name) = names.get(node) {
            let above = name.rsplit_once(SEPARATOR).map(|(above, _)| above.to_owned());
            parents.push(above.map(|above| place_of(above, &mut names, &mut known)));
            check_size(names.len(), 0)?;
            node += 1;
        }
        Self::tree(names, paths.len(), &parents)
    }

    /// A hierarchy of names and the names of their parents, `None` for the root. A parent that is no node itself is a sum.
    ///
    /// # Errors
    /// A [`HierarchyError`] says what is wrong.
    ///
    /// ```
    /// use kpi_forecast::reconcile::Hierarchy;
    /// let all = || Some("all".to_string());
    /// let tree = Hierarchy::from_parents(&["a".into(), "b".into()], &[all(), all()]).unwrap();
    /// assert_eq!((tree.names()[2].as_str(), tree.parts(2)), ("all", &[0, 1][..]));
    /// ```
    pub fn from_parents(nodes: &[String], parents: &[Option<String>]) -> Result<Self, HierarchyError> {
        check_names(nodes)?;
        if nodes.len() != parents.len() {
            return Err(HierarchyError::Lengths {
                argument: "parent",
                elements: parents.len(),
                nodes: nodes.len(),
            });
        }
        let mut names = nodes.to_vec();
        let mut known: HashMap<String, usize> = names.iter().cloned().zip(0..).collect();
        let mut above: Vec<Option<usize>> = parents
            .iter()
            .map(|parent| Some(place_of(parent.clone()?, &mut names, &mut known)))
            .collect();
        above.resize(names.len(), None);
        Self::tree(names, nodes.len(), &above)
    }

    fn tree(names: Vec<String>, given: usize, parents: &[Option<usize>]) -> Result<Self, HierarchyError> {
        let name = |node: usize| names.get(node).cloned().unwrap_or_default();
        let mut children = vec![Vec::new(); names.len()];
        let mut root = None;
        for (node, parent) in parents.iter().enumerate() {
            match (parent, root) {
                (Some(parent), _) => children[*parent].push(node),
                (None, None) => root = Some(node),
                (None, Some(first)) => {
                    return Err(HierarchyError::Roots {
                        first: name(first),
                        second: name(node),
                    });
                }
            }
        }
        // From the root down; what is not reached goes round in a circle.
        let mut order: Vec<usize> = root.into_iter().collect();
        let mut reached = vec![false; names.len()];
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            reached[node] = true;
            order.extend(&children[node]);
            next += 1;
        }
        if reached.contains(&false) {
            return Err(HierarchyError::Cycle {
                name: name(on_cycle(parents, &reached)),
            });
        }
        let leaves: Vec<usize> = (0..names.len())
            .filter(|node| children[*node].is_empty())
            .collect();
        check_size(names.len(), names.len() - leaves.len())?;
        let mut parts = vec![Vec::new(); names.len()];
        for (place, leaf) in leaves.iter().enumerate() {
            let mut node = Some(*leaf);
            while let Some(here) = node {
                parts[here].push(place);
                node = parents[here];
            }
        }
        Ok(Self {
            names,
            given,
            leaves,
            parts,
            children: Some(children),
        })
    }

    fn crossed(paths: &[String]) -> Result<Self, HierarchyError> {
        let split: Vec<Vec<&str>> = paths.iter().map(|path| path.split(SEPARATOR).collect()).collect();
        if let Some(other) = split.iter().position(|parts| parts.len() != split[0].len()) {
            return Err(HierarchyError::Parts {
                first: paths[0].clone(),
                second: paths[other].clone(),
            });
        }
        let leaves: Vec<usize> = (0..paths.len())
            .filter(|node| !split[*node].contains(&ALL))
            .collect();
        check_size(paths.len(), paths.len() - leaves.len())?;
        let mut all_parts = Vec::with_capacity(paths.len());
        for (path, wanted) in paths.iter().zip(&split) {
            let agrees = |leaf: &usize| {
                let have = split[*leaf].iter();
                have.zip(wanted).all(|(have, want)| *want == ALL || have == want)
            };
            let parts: Vec<usize> = (0..leaves.len())
                .filter(|place| agrees(&leaves[*place]))
                .collect();
            if parts.is_empty() {
                return Err(HierarchyError::NoParts { name: path.clone() });
            }
            all_parts.push(parts);
        }
        Ok(Self {
            names: paths.to_vec(),
            given: paths.len(),
            leaves,
            parts: all_parts,
            children: None,
        })
    }

    /// The names of all nodes: those that were given, then the sums that follow from them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of nodes that were given.
    pub fn given(&self) -> usize {
        self.given
    }

    /// The nodes that are no sums.
    pub fn leaves(&self) -> &[usize] {
        &self.leaves
    }

    /// The leaves, by their places in [`leaves`](Self::leaves), of which a node is the sum; a leaf is that of itself.
    pub fn parts(&self, node: usize) -> &[usize] {
        self.parts.get(node).map_or(&[], Vec::as_slice)
    }

    /// The nodes one level below a node; `None` in a crossed hierarchy.
    pub fn children(&self, node: usize) -> Option<&[usize]> {
        let children = self.children.as_ref()?;
        Some(children.get(node).map_or(&[], Vec::as_slice))
    }

    /// The node that is above all others; `None` in a crossed hierarchy.
    pub fn root(&self) -> Option<usize> {
        let children = self.children.as_ref()?;
        let count = self.leaves.len();
        // Of a chain of only children the one on top: the one that is nobody's child.
        let mut is_child = vec![false; self.names.len()];
        for child in children.iter().flatten() {
            is_child[*child] = true;
        }
        (0..self.names.len()).find(|node| self.parts(*node).len() == count && !is_child[*node])
    }

    /// The value of each node when those of the leaves are these, in the order of [`leaves`](Self::leaves).
    pub fn sums(&self, leaf_values: &[f64]) -> Vec<f64> {
        self.parts
            .iter()
            .map(|parts| parts.iter().map(|place| leaf_values[*place]).sum())
            .collect()
    }
}

fn place_of(name: String, names: &mut Vec<String>, known: &mut HashMap<String, usize>) -> usize {
    let next = names.len();
    let place = *known.entry(name.clone()).or_insert(next);
    if place == next {
        names.push(name);
    }
    place
}

fn check_names(names: &[String]) -> Result<(), HierarchyError> {
    if names.is_empty() {
        return Err(HierarchyError::NoNode);
    }
    check_size(names.len(), 0)?;
    let mut seen = HashMap::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(HierarchyError::NoName {
                element: place + 1,
                name: String::new(),
            });
        }
        if seen.insert(name, place).is_some() {
            return Err(HierarchyError::Twice { name: name.clone() });
        }
    }
    Ok(())
}

fn check_size(nodes: usize, sums: usize) -> Result<(), HierarchyError> {
    if nodes > MAX_NODES || sums > MAX_SUMS {
        return Err(HierarchyError::TooLarge { nodes, sums });
    }
    Ok(())
}

/// A node on a cycle, above one that the root does not reach.
fn on_cycle(parents: &[Option<usize>], reached: &[bool]) -> usize {
    let mut node = reached.iter().position(|r| !r).unwrap_or(0);
    // After as many steps as there are nodes we are on the cycle, wherever we set out.
    for _ in 0..parents.len() {
        node = parents[node].unwrap_or(node);
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn refused(nodes: &[&str], parents: &[Option<&str>]) -> HierarchyError {
        let parents: Vec<Option<String>> = parents.iter().map(|p| p.map(String::from)).collect();
        Hierarchy::from_parents(&strings(nodes), &parents).unwrap_err()
    }

    #[test]
    fn levels_may_be_uneven_and_children_alone() {
        let tree = Hierarchy::from_paths(&strings(&["a/b/c/d", "a/e"])).unwrap();
        assert_eq!(tree.names()[2..], ["a/b/c", "a", "a/b"]);
        assert_eq!(
            (tree.parts(2), tree.parts(4), tree.parts(3)),
            (&[0][..], &[0][..], &[0, 1][..])
        );
        assert_eq!(tree.root(), Some(3));
        let alone = Hierarchy::from_paths(&strings(&["a"])).unwrap();
        assert_eq!((alone.leaves(), alone.root()), (&[0][..], Some(0)));
        let chain = Hierarchy::from_paths(&strings(&["a/b/c"])).unwrap();
        assert_eq!(chain.root().map(|root| chain.names()[root].as_str()), Some("a"));
    }

    #[test]
    fn what_is_no_hierarchy_says_why() {
        let a = Some("a");
        let b = Some("b");
        assert_eq!(refused(&[], &[]), HierarchyError::NoNode);
        assert!(matches!(
            refused(&["x", "y"], &[None, None]),
            HierarchyError::Roots { .. }
        ));
        assert!(matches!(
            refused(&["x", "y"], &[a, b]),
            HierarchyError::Roots { .. }
        ));
        assert_eq!(
            refused(&["a", "b"], &[b, a]),
            HierarchyError::Cycle { name: "a".into() }
        );
        let beside = refused(&["r", "x", "a", "b"], &[None, a, b, a]);
        assert!(matches!(beside, HierarchyError::Cycle { name } if name != "x"));
        assert_eq!(refused(&["a"], &[a]), HierarchyError::Cycle { name: "a".into() });
        assert_eq!(
            refused(&["x", "x"], &[a, a]),
            HierarchyError::Twice { name: "x".into() }
        );
        assert!(matches!(
            refused(&["x", ""], &[a, a]),
            HierarchyError::NoName { element: 2, .. }
        ));
        assert!(matches!(refused(&["x"], &[a, a]), HierarchyError::Lengths { .. }));
        for paths in [&["a//b"][..], &["/a"], &["a/"]] {
            let error = Hierarchy::from_paths(&strings(paths)).unwrap_err();
            assert!(
                matches!(error, HierarchyError::NoName { element: 1, .. }),
                "{paths:?}"
            );
        }
        let many: Vec<String> = (0..=MAX_NODES).map(|i| format!("a/{i}")).collect();
        assert!(matches!(
            Hierarchy::from_paths(&many),
            Err(HierarchyError::TooLarge { .. })
        ));
        let chain = vec!["a"; MAX_NODES + 2].join("/");
        assert!(matches!(
            Hierarchy::from_paths(&[chain]),
            Err(HierarchyError::TooLarge { .. })
        ));
    }

    #[test]
    fn crossed_paths_agree_in_their_parts() {
        let error = Hierarchy::from_paths(&strings(&["*/*", "n"])).unwrap_err();
        assert!(matches!(error, HierarchyError::Parts { .. }));
        let error = Hierarchy::from_paths(&strings(&["*/x", "n/y"])).unwrap_err();
        assert_eq!(error, HierarchyError::NoParts { name: "*/x".into() });
        // A star within a name is a name.
        assert!(
            Hierarchy::from_paths(&strings(&["a*/x", "a*/y"]))
                .unwrap()
                .root()
                .is_some()
        );
    }
}
