//! Exit codes: one table for all commands. docs/cli.md shows it from here.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and all is well.
    Done,
    /// It could not be done.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Done, and something differs, failed or was not seen.
    Differs,
    /// Data is being lost or does not arrive.
    DataLoss,
    /// Something could not be looked at.
    NotSeen,
    /// Interrupted.
    Interrupted,
}

impl Outcome {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Differs,
        Self::DataLoss,
        Self::NotSeen,
        Self::Interrupted,
    ];

    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differs => 3,
            Self::DataLoss => 4,
            Self::NotSeen => 5,
            Self::Interrupted => 130,
        }
    }

    /// What the exit code means, for the documentation.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, and all is well; also when the reader of the output closes the pipe",
            Self::Failed => "could not be done, or the output could not be written",
            Self::Usage => "wrong usage",
            Self::Differs => "done, but something differs, failed or was not seen",
            Self::DataLoss => "data is being lost or does not arrive (`doctor` only)",
            Self::NotSeen => "could not look (`doctor` only)",
            Self::Interrupted => {
                "interrupted before it was done; who watches or serves until then (`agents`, `tail`, `demo --serve`) ends with 0"
            }
        }
    }

    /// The one that counts if both apply: 4 beats 5 beats 3 beats 0.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differs => 1,
            Self::NotSeen => 2,
            Self::DataLoss => 3,
            Self::Failed | Self::Usage | Self::Interrupted => 4,
        }
    }
}

/// What a command has to print, and how it ended.
pub type Answer = anyhow::Result<(String, Outcome)>;

/// The table as Markdown.
#[must_use]
pub fn table() -> String {
    let rows = Outcome::ALL.map(|outcome| format!("| {} | {} |\n", outcome.code(), outcome.meaning()));
    format!("| code | meaning |\n|---|---|\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::Outcome::{self, DataLoss, Differs, Done, NotSeen};

    #[test]
    fn data_loss_counts_more_than_what_was_not_seen_and_that_more_than_a_difference() {
        let worst = |all: &[Outcome]| all.iter().fold(Done, |worst, outcome| worst.and(*outcome));
        for (all, expected) in [
            (&[][..], Done),
            (&[Done, Differs, Done], Differs),
            (&[NotSeen, Differs], NotSeen),
            (&[Differs, DataLoss, NotSeen], DataLoss),
        ] {
            assert_eq!(worst(all), expected, "{all:?}");
        }
    }
}
