//! The foreign-data wrapper `kpi_archive`: planning and running scans of archived rows.
//!
//! | module | what it does |
//! |---|---|
//! | `handler` | the callbacks that PostgreSQL finds |
//! | `plan`, `estimate`, `join` | paths, their rows and costs |
//! | `predicate`, `value`, `collation` | which conditions rule out rows of files |
//! | `prune` | which files a scan needs not open |
//! | `execute` | units one after the other, with late rows |
//! | `reading`, `columns` | the rows of a unit, batch by batch |
//! | `sorted` | the order that a plan counts on, where files are not in it any more |
//! | `late` | rows that came after their range was archived |
//! | `modify` | what INSERT, COPY, UPDATE and DELETE do |
//! | `analyze` | the sample for ANALYZE |
//! | `aggregate`, `function`, `bucket`, `partitionwise` | which aggregates a scan computes itself |
//! | `tally`, `groups`, `transition` | running them, from the manifest or batch by batch |
//! | `parallel` | what the processes of one scan share |
//! | `explain` | what EXPLAIN shows |

mod aggregate;
mod analyze;
mod bucket;
mod collation;
mod columns;
mod estimate;
mod execute;
mod explain;
mod function;
mod groups;
mod handler;
mod join;
mod late;
mod modify;
pub mod nodes;
mod parallel;
mod partitionwise;
mod plan;
mod predicate;
mod prune;
mod reading;
mod sorted;
mod tally;
mod transition;
mod value;

pub use partitionwise::install as install_planner_hook;
