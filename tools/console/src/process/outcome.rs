//! Exit codes of all commands. The table in docs/cli.md is generated from here.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Succeeded.
    Done,
    /// Failed.
    Failed,
    /// Invalid command line.
    Usage,
    /// Finished, but something differed from what was expected, failed, or did not arrive.
    Differs,
    /// Data is being lost or is not arriving.
    DataLoss,
    /// A check could not run, or a place could not be looked at.
    NotSeen,
    /// Interrupted before it finished.
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
            Self::Done => "success, even if the process that reads the output closes the pipe early",
            Self::Failed => "failure, or the output could not be written",
            Self::Usage => "usage error",
            Self::Differs => {
                "finished, but something failed, did not arrive, or differed from what was expected"
            }
            Self::DataLoss => "data is being lost or is not arriving (`doctor` only)",
            Self::NotSeen => {
                "a check could not run, or a place could not be looked at (`doctor` and `trace` only)"
            }
            Self::Interrupted => {
                "the command was interrupted before it finished. Commands that run until you interrupt them (`agents`, `board`, `contacts`, `tail`, `demo --serve`, `demo --live`) exit with 0 instead."
            }
        }
    }

    /// The more severe of two outcomes: 4 beats 5 beats 3 beats 0.
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

/// The text a command prints, and its outcome.
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
    fn data_loss_outranks_a_failed_check_which_outranks_a_difference() {
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
