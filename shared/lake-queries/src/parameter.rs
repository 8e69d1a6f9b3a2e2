//! What queries ask for.

/// The grains there are. A query may take fewer of them, which the note at its parameter says.
pub const GRAINS: [&str; 5] = ["15", "30", "60", "day", "week"];

/// A parameter: the same in every query that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// IANA name of a time zone.
    TimeZone,
    /// How long the intervals are.
    Grain,
    /// The first local day.
    FirstDay,
    /// The last local day, taken whole.
    LastDay,
    /// A queue's name or id, or `*`.
    Queue,
    /// A routing profile's name or id, or `*`.
    RoutingProfile,
    /// Whether simulated contacts count.
    IncludeSimulated,
    /// How many days before the first are read for contacts that began then.
    LookBack,
    /// Of a service level, in seconds.
    Threshold,
    /// Whether a service level is below the threshold (LT), or at it as well (LTE).
    Comparison,
    /// An instance's id, or `*`.
    Instance,
    /// Within how many days a customer comes again.
    Days,
}

impl Parameter {
    /// All of them.
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

    /// Its name in the head of a query.
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

    /// Its value unless somebody says another; of days it depends on the data.
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

    /// Whether its value is text in SQL, in quotation marks.
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::IncludeSimulated | Self::LookBack | Self::Threshold | Self::Days)
    }
}
