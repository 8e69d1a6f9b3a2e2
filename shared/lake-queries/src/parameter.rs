//! The parameters of queries.

/// All grains. A query may accept fewer, as the note at its parameter says.
pub const GRAINS: [&str; 5] = ["15", "30", "60", "day", "week"];

/// A parameter. It has the same meaning in every query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// The IANA name of a time zone.
    TimeZone,
    /// The length of the intervals.
    Grain,
    /// The first local day.
    FirstDay,
    /// The last local day, included.
    LastDay,
    /// A queue's name or ID, or `*`.
    Queue,
    /// A routing profile's name or ID, or `*`.
    RoutingProfile,
    /// Whether simulated contacts count.
    IncludeSimulated,
    /// The number of days read before the first day, for contacts that began then.
    LookBack,
    /// The threshold of a service level, in seconds.
    Threshold,
    /// Whether a service level counts times below the threshold (LT), or also at the threshold (LTE).
    Comparison,
    /// An instance's ID, or `*`.
    Instance,
    /// The number of days within which a contact counts as a repeat.
    Days,
}

impl Parameter {
    /// All parameters.
    pub const ALL: [Self; 12] = [
        Self::TimeZone,
        Self::Grain,
        Self::FirstDay,
        Self::LastDay,
        Self::Queue,
        Self::RoutingProfile,
        Self::IncludeSimulated,
        Self::LookBack,
        Self::Threshold,
        Self::Comparison,
        Self::Instance,
        Self::Days,
    ];

    /// Its name in SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimeZone => "time_zone",
            Self::Grain => "grain",
            Self::FirstDay => "first_day",
            Self::LastDay => "last_day",
            Self::Queue => "queue",
            Self::RoutingProfile => "routing_profile",
            Self::IncludeSimulated => "include_simulated",
            Self::LookBack => "look_back",
            Self::Threshold => "threshold",
            Self::Comparison => "comparison",
            Self::Instance => "instance",
            Self::Days => "days",
        }
    }

    /// Its name in a query's header comment.
    const fn in_head(self) -> &'static str {
        match self {
            Self::TimeZone => "time zone",
            Self::FirstDay => "first day",
            Self::LastDay => "last day",
            Self::RoutingProfile => "routing profile",
            Self::IncludeSimulated => "include simulated contacts",
            Self::LookBack => "look-back in days",
            Self::Threshold => "threshold in seconds",
            Self::Grain | Self::Queue | Self::Comparison | Self::Instance | Self::Days => self.name(),
        }
    }

    pub(crate) fn of_head(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|parameter| parameter.in_head() == name)
    }

    /// Its default value. The default of days depends on the data.
    #[must_use]
    pub const fn default(self) -> Option<&'static str> {
        match self {
            Self::TimeZone => Some("UTC"),
            Self::Grain => Some("day"),
            Self::FirstDay | Self::LastDay => None,
            Self::Queue | Self::RoutingProfile | Self::Instance => Some("*"),
            Self::IncludeSimulated => Some("false"),
            Self::LookBack => Some("8"),
            Self::Threshold => Some("20"),
            Self::Comparison => Some("LT"),
            Self::Days => Some("7"),
        }
    }

    /// Whether its value is text in SQL, and so needs quotation marks.
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::IncludeSimulated | Self::LookBack | Self::Threshold | Self::Days)
    }
}
