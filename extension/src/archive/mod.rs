//! The archive: old rows of a table as Parquet objects in a store, read through a foreign table in their old place.

mod cancel;
mod cast;
mod check;
mod chunk;
mod divide;
mod export;
mod hold;
mod kinds;
mod lock;
mod manifest;
mod mark;
mod numeric;
mod objects;
mod only;
mod options;
mod overrides;
mod owner;
mod partition;
mod read;
mod rebuild;
mod receiver;
mod restore;
mod retention;
mod scan;
mod steps;
mod store;
mod utility;
mod write;

pub use cancel::{is_canceled, raise_cancel};
pub use check::apply as apply_retention;
pub use scan::install_planner_hook;
pub use steps::begin_job;
pub use utility::install as install_utility_hook;

pgrx::extension_sql_file!(
    "../../../sql/archive.sql",
    name = "archive",
    requires = ["catalog", "dependencies"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/parts.sql",
    name = "archive_parts",
    requires = ["archive", "jobs"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/switch.sql",
    name = "archive_switch",
    requires = ["archive_parts"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/ranges.sql",
    name = "archive_ranges",
    requires = ["archive_switch"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/overrides.sql",
    name = "archive_overrides",
    requires = ["archive_ranges"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/retention.sql",
    name = "archive_retention",
    requires = ["archive_overrides"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/steps.sql",
    name = "archive_steps",
    requires = ["archive_retention"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/partition.sql",
    name = "archive_partition",
    requires = ["archive_steps"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/divide.sql",
    name = "archive_divide",
    requires = ["archive_partition"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/hold.sql",
    name = "archive_hold",
    requires = ["archive_divide"]
);
pgrx::extension_sql_file!(
    "../../../sql/archive/follow.sql",
    name = "archive_follow",
    requires = ["archive_hold"]
);
