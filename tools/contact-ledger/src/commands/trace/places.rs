//! The places where a contact or an agent leaves a trace, what was seen there, and what follows from it.

use std::fmt::Write as _;

use ledger_console::process::outcome::Outcome;
use ledger_console::render::terminal::{safe, wrapped};
use serde::Serialize;

use super::period::Period;

/// Lines of one place on a terminal.
const SHOWN: usize = 5;
const INDENT: usize = 24;
/// An object's key is longer than a line, so it has one of its own.
const DEEPER: usize = 2;

/// One place, and what is there.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) place: &'static str,
    #[serde(flatten)]
    pub(super) look: Look,
}

/// What a look at a place gave.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(super) enum Look {
    /// It was looked at. Nothing is there if the list is empty.
    Searched { found: Vec<Sighting> },
    /// The place does not exist, or does not matter here.
    NotThere { why: String },
    /// It could not be looked at.
    Refused { why: String },
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Sighting {
    /// Its own time, not that of the look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    pub(super) what: String,
    /// The key of the object in the lake bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
}

/// What follows from what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Conclusion {
    /// Whether something did not arrive.
    pub(super) stopped: bool,
    /// Whether it stopped because nothing was found.
    #[serde(skip)]
    pub(super) is_absence: bool,
    pub(super) text: String,
}

impl Conclusion {
    pub(super) fn arrived(text: impl Into<String>) -> Self {
        Self { stopped: false, is_absence: false, text: text.into() }
    }

    pub(super) fn stopped(text: impl Into<String>) -> Self {
        Self { stopped: true, is_absence: false, text: text.into() }
    }

    /// Something stopped, because nothing was found.
    pub(super) fn absence(text: impl Into<String>) -> Self {
        Self { is_absence: true, ..Self::stopped(text) }
    }
}

/// Everything about one contact or agent.
#[derive(Debug, Serialize)]
pub(super) struct Trace {
    pub(super) kind: &'static str,
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) period: Period,
    pub(super) places: Vec<Place>,
    pub(super) conclusions: Vec<Conclusion>,
    pub(super) objects_read: u64,
    pub(super) bytes_read: u64,
}

impl Place {
    /// What was found, or why nothing could be.
    pub(super) fn searched<T>(
        place: &'static str,
        look: &Result<Vec<T>, String>,
        sighting: impl Fn(&T) -> Sighting,
    ) -> Self {
        let look = match look {
            Ok(found) => Look::Searched { found: found.iter().map(sighting).collect() },
            Err(why) => Look::Refused { why: why.clone() },
        };
        Self { place, look }
    }

    pub(super) fn not_there(place: &'static str, why: impl Into<String>) -> Self {
        Self { place, look: Look::NotThere { why: why.into() } }
    }

    fn lines(&self) -> Vec<String> {
        match &self.look {
            Look::NotThere { why } => vec![format!("– {why}")],
            Look::Refused { why } => vec![format!("? {why}")],
            Look::Searched { found } if found.is_empty() => vec!["nothing".to_owned()],
            Look::Searched { found } => {
                let mut lines = Vec::new();
                for (index, sighting) in found.iter().take(SHOWN).enumerate() {
                    lines.push(sighting.line());
                    // An object with several of them is shown once, after the last.
                    let next = found.get(index + 1).filter(|_| index + 1 < SHOWN);
                    let object = sighting.object.as_ref();
                    let object =
                        object.filter(|key| next.is_none_or(|next| next.object.as_ref() != Some(key)));
                    lines.extend(object.map(|key| format!("{:DEEPER$}{key}", "")));
                }
                if found.len() > SHOWN {
                    lines.push(format!("… and {} more; --json shows all", found.len() - SHOWN));
                }
                lines
            }
        }
    }
}

impl Sighting {
    pub(super) fn of(time: Option<impl ToString>, what: impl Into<String>) -> Self {
        Self { time: time.map(|time| time.to_string()), what: what.into(), object: None }
    }

    pub(super) fn in_object(self, key: &str) -> Self {
        Self { object: Some(key.to_owned()), ..self }
    }

    fn line(&self) -> String {
        let seen = [self.time.as_deref(), Some(&self.what)];
        seen.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Trace {
    /// Whether something stopped, or could not be looked at.
    pub(super) fn outcome(&self) -> Outcome {
        let stopped = self.conclusions.iter().any(|conclusion| conclusion.stopped);
        let refused = self.places.iter().any(|place| matches!(place.look, Look::Refused { .. }));
        let outcome = if stopped { Outcome::Differs } else { Outcome::Done };
        outcome.and(if refused { Outcome::NotSeen } else { Outcome::Done })
    }

    /// Whether any place has something of it, or could not be looked at. What is in no table and in no object counts as a
    /// contact, but may be a mistyped agent.
    fn is_known(&self) -> bool {
        self.places.iter().any(|place| match &place.look {
            Look::Searched { found } => !found.is_empty(),
            Look::NotThere { .. } => false,
            Look::Refused { .. } => true,
        })
    }

    pub(super) fn text(&self, width: usize) -> String {
        let kind = if self.is_known() { self.kind } else { "Contact or agent" };
        let mut text = format!("{kind} {}, {}\n\n", safe(&self.id), self.period.text());
        for place in &self.places {
            for (index, line) in place.lines().iter().enumerate() {
                let title = if index == 0 { place.place } else { "" };
                let line = safe(line);
                let deeper = INDENT + line.len() - line.trim_start().len();
                let wrapped = wrapped(&line, width, INDENT);
                let _ = writeln!(text, "{title:<deeper$}{wrapped}");
            }
        }
        text.push('\n');
        for conclusion in &self.conclusions {
            text.push_str(&wrapped(&conclusion.text, width, 0));
            text.push('\n');
        }
        text
    }
}

/// The kind of an event as it is shown. A record can have any text there.
pub(super) fn shown_kind(kind: Option<&str>) -> String {
    let is_plain = |kind: &&str| {
        !kind.is_empty()
            && kind.len() <= 40
            && kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    kind.filter(is_plain).unwrap_or("event of an unknown kind").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Conclusion, Look, Outcome, Period, Place, Sighting, Trace};

    fn trace(look: Look, conclusion: Conclusion) -> Trace {
        Trace {
            kind: "Contact",
            id: "c-1".to_owned(),
            period: Period::ALL,
            places: vec![Place { place: "Rows", look }],
            conclusions: vec![conclusion],
            objects_read: 0,
            bytes_read: 0,
        }
    }

    #[test]
    fn a_place_that_could_not_be_looked_at_outranks_a_record_that_stopped() {
        let searched = || Look::Searched { found: Vec::new() };
        let refused = || Look::Refused { why: "denied".to_owned() };
        let (arrived, stopped) = (|| Conclusion::arrived("a"), || Conclusion::stopped("b"));
        assert_eq!(trace(searched(), arrived()).outcome(), Outcome::Done);
        assert_eq!(trace(searched(), stopped()).outcome(), Outcome::Differs);
        assert_eq!(trace(refused(), arrived()).outcome(), Outcome::NotSeen);
        assert_eq!(trace(refused(), stopped()).outcome(), Outcome::NotSeen);
        let absent = Look::NotThere { why: "off".to_owned() };
        assert_eq!(trace(absent, arrived()).outcome(), Outcome::Done);
    }

    #[test]
    fn the_heading_says_what_it_is_and_text_from_records_cannot_change_the_terminal() {
        let nothing = trace(Look::Searched { found: Vec::new() }, Conclusion::stopped("a")).text(80);
        assert!(nothing.starts_with("Contact or agent c-1"), "{nothing}");
        let found = vec![Sighting::of(None::<String>, "\u{1b}[31mred")];
        let text = trace(Look::Searched { found }, Conclusion::arrived("a")).text(80);
        assert!(text.starts_with("Contact c-1") && !text.contains('\u{1b}'), "{text:?}");
    }
}
