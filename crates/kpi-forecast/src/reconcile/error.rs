//! What can be wrong with a hierarchy.

use super::{MAX_NODES, MAX_SUMS, Method};

/// Why forecasts of a hierarchy cannot be reconciled; [`crate::Error::Hierarchy`] carries it.
///
/// ```
/// use kpi_forecast::reconcile::Hierarchy;
/// let error = Hierarchy::from_paths(&["north/a".into(), "south/b".into()]).unwrap_err();
/// assert_eq!(error.to_string(), "hierarchy has more than one root");
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HierarchyError {
    /// There is no node at all.
    #[error("there is no node to reconcile")]
    NoNode,
    /// Arrays that go together have different lengths.
    #[error("arrays of a hierarchy differ in length")]
    Lengths {
        /// The argument that differs.
        argument: &'static str,
        /// Its elements.
        elements: usize,
        /// Elements of `nodes`.
        nodes: usize,
    },
    /// A name, or a part of a path, is NULL or empty.
    #[error("node has no name")]
    NoName {
        /// The element of the array, counted from 1.
        element: usize,
        /// What it says.
        name: String,
    },
    /// Two elements have one name.
    #[error("node is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Two nodes are part of nothing.
    #[error("hierarchy has more than one root")]
    Roots {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// A node is part of itself.
    #[error("hierarchy has a cycle")]
    Cycle {
        /// One of the nodes on it.
        name: String,
    },
    /// Paths with a `*` have different numbers of parts.
    #[error("paths of a crossed hierarchy differ in their number of parts")]
    Parts {
        /// A path.
        first: String,
        /// One with more or fewer parts.
        second: String,
    },
    /// No leaf is part of a sum.
    #[error("sum has no parts")]
    NoParts {
        /// The sum.
        name: String,
    },
    /// More nodes or more sums than can be computed with.
    #[error("hierarchy is too large")]
    TooLarge {
        /// All nodes.
        nodes: usize,
        /// Those that are sums of others.
        sums: usize,
    },
    /// A leaf has neither a series nor a forecast.
    #[error("leaf of the hierarchy has no {what}")]
    NoSeries {
        /// The leaf.
        name: String,
        /// `series` or `forecast`.
        what: &'static str,
    },
    /// A forecast or a standard error that cannot be computed with.
    #[error("{what} is out of range")]
    OutOfRange {
        /// The node.
        name: String,
        /// `forecast` or `standard error`.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// Two series have different steps.
    #[error("series of a hierarchy have different steps")]
    Steps {
        /// A node, and its step in words.
        first: (String, String),
        /// Another, and its step.
        second: (String, String),
    },
    /// Two series have the same step at other times.
    #[error("series of a hierarchy have points at different times")]
    Times {
        /// A node.
        first: String,
        /// Another.
        second: String,
    },
    /// A series ends so long before the others that its forecast would not reach their end.
    #[error("series ends too early for the others")]
    Late {
        /// The node.
        name: String,
        /// The most steps that it may end before the others.
        steps: usize,
    },
    /// No method has this name.
    #[error("unknown method of reconciliation \"{name}\"")]
    UnknownMethod {
        /// The name as it was typed.
        name: String,
    },
    /// Shares are handed down from a parent, and here are nodes with several.
    #[error("method \"top_down\" needs a hierarchy in which each node has one parent")]
    Crossed,
    /// The root has no forecast of its own to hand down.
    #[error("method \"top_down\" needs a forecast of the root")]
    NoRoot {
        /// The root.
        name: String,
    },
    /// The method needs what was not given.
    #[error("method \"{method}\" needs {needs}")]
    Needs {
        /// The method.
        method: Method,
        /// What it needs.
        needs: &'static str,
        /// What to type instead.
        hint: &'static str,
    },
}

impl HierarchyError {
    /// The offending value, in words.
    pub fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoNode => "the array nodes is empty".into(),
            Self::Lengths {
                argument,
                elements,
                nodes,
            } => format!("{argument} has {elements} elements, and nodes has {nodes}"),
            Self::NoName { element, name } => format!("element {element} of nodes is \"{name}\""),
            Self::Twice { name } | Self::NoParts { name } | Self::NoSeries { name, .. } => {
                format!("node is \"{name}\"")
            }
            Self::Roots { first, second } => format!("neither \"{first}\" nor \"{second}\" has a parent"),
            Self::Cycle { name } => format!("\"{name}\" is above itself"),
            Self::Parts { first, second } | Self::Times { first, second } => {
                format!("nodes are \"{first}\" and \"{second}\"")
            }
            Self::TooLarge { nodes, sums } => format!("there are {nodes} nodes, of which {sums} are sums"),
            Self::OutOfRange { name, what, value } => format!("{what} of node \"{name}\" is {value}"),
            Self::Steps { first, second } => format!(
                "the step of \"{}\" is {}, that of \"{}\" is {}",
                first.0, first.1, second.0, second.1
            ),
            Self::Late { name, steps } => {
                format!("the series of \"{name}\" ends more than {steps} steps before the last point of all")
            }
            Self::UnknownMethod { name } => format!("method is \"{name}\""),
            Self::NoRoot { name } => format!("the root is \"{name}\""),
            Self::Crossed | Self::Needs { .. } => return None,
        })
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoNode => "make the arrays of rows, e.g. array_agg(node), array_agg(s)".into(),
            Self::Lengths { .. } => "make all arrays in one query, e.g. array_agg(node), array_agg(s)".into(),
            Self::NoName { .. } => {
                "a path is names with '/' between them, e.g. concat_ws('/', 'all', region, shop); for a name that is \
                 missing write coalesce(region, 'none')"
                    .into()
            }
            Self::Twice { .. } => "give each node once: GROUP BY its name".into(),
            Self::Roots { .. } => "put one name above all, e.g. array_agg('all/' || node)".into(),
            Self::Cycle { .. } => "the parent of a node is the node one level up, NULL for the root".into(),
            Self::Parts { .. } => {
                "write each dimension in each path, '*' for all, e.g. coalesce(region, '*') || '/' || coalesce(product, '*')"
                    .into()
            }
            Self::NoParts { .. } => "add the nodes that it is the sum of, or leave it out".into(),
            Self::TooLarge { .. } => format!(
                "at most {MAX_NODES} nodes, and of these {MAX_SUMS} sums; leave out a level, or reconcile each branch by itself"
            ),
            Self::NoSeries { .. } => "only what has parts below it may be left to their sum".into(),
            Self::OutOfRange { what: "forecast", .. } => "leave out the node, or give it a finite value".into(),
            Self::OutOfRange { .. } => {
                "give a finite number above 0, e.g. upper - lower of the forecast: only the ratios count".into()
            }
            Self::Steps { .. } => "make all series of the same period, e.g. date_trunc('day', ts)".into(),
            Self::Times { .. } => {
                "make all series of the same period, e.g. date_trunc('day', ts), or kpi.regularize them".into()
            }
            Self::Late { .. } => {
                "leave out what has ended, or add points of value 0 up to the end, or ask for a longer horizon".into()
            }
            Self::UnknownMethod { .. } => format!("use one of {}", Method::names().join(", ")),
            Self::Crossed => "use 'mint_shrink', 'wls_struct' or 'bottom_up'".into(),
            Self::NoRoot { .. } => "give its forecast, or use 'bottom_up'".into(),
            Self::Needs { hint, .. } => (*hint).into(),
        })
    }
}
