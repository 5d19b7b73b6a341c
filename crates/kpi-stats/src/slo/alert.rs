//! Multi-window, multi-burn-rate alerts.

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// How urgent an alert is, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Someone has to look at it now.
    Page,
    /// Someone has to look at it within days.
    Ticket,
}

impl Severity {
    /// The severity as a word.
    ///
    /// ```
    /// assert_eq!(kpi_stats::Severity::Page.name(), "page");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A rule that fires while the burn rates of a long and of a short window are both above a threshold: the long window says
/// that much of the budget is gone, the short one that it is still being used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlertRule {
    /// How urgent it is.
    pub severity: Severity,
    /// The long window in microseconds.
    pub long: i64,
    /// The short window in microseconds: a twelfth of the long one.
    pub short: i64,
    /// The burn rate that both windows have to exceed.
    pub burn_rate: f64,
}

impl AlertRule {
    /// The parameters that the workbook recommends (chapter 5, table 5-8) for a budget of 30 days: 2% of it in an hour and
    /// 5% in six hours are worth a page, 10% in three days a ticket.
    pub const WORKBOOK: [Self; 3] = [
        Self {
            severity: Severity::Page,
            long: HOUR,
            short: 5 * MINUTE,
            burn_rate: 14.4,
        },
        Self {
            severity: Severity::Page,
            long: 6 * HOUR,
            short: 30 * MINUTE,
            burn_rate: 6.0,
        },
        Self {
            severity: Severity::Ticket,
            long: 72 * HOUR,
            short: 6 * HOUR,
            burn_rate: 1.0,
        },
    ];

    pub(super) fn evaluate(self, long: Option<f64>, short: Option<f64>) -> Alert {
        let exceeds = |rate: Option<f64>| rate.is_some_and(|rate| rate > self.burn_rate);
        Alert {
            rule: self,
            long_burn_rate: long,
            short_burn_rate: short,
            firing: exceeds(long) && exceeds(short),
        }
    }
}

/// A rule and how it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alert {
    /// The rule.
    pub rule: AlertRule,
    /// The burn rate of the long window; `None` without events in it.
    pub long_burn_rate: Option<f64>,
    /// The burn rate of the short window; `None` without events in it.
    pub short_burn_rate: Option<f64>,
    /// Whether both exceed the rule's burn rate.
    pub firing: bool,
}
