//! The header comment of a file.

use crate::parameter::Parameter;

/// The parsed header comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The title, such as `Service level`; a view has none.
    pub title: Option<String>,
    /// The question it answers, in a sentence.
    pub answer: String,
    /// The corresponding Amazon Connect metrics, with the page that defines them.
    pub amazon: Option<String>,
    /// Other notes, by paragraph.
    pub notes: Vec<String>,
    /// The columns of the answer, each with its note.
    pub columns: Vec<(String, Option<String>)>,
    /// The parameters, in the order of the query, each with its note.
    pub parameters: Vec<(Parameter, Option<String>)>,
}

impl Head {
    /// # Panics
    /// When [`Parameter`] does not know the name of a parameter.
    pub(crate) fn of(sql: &str) -> Self {
        let lines = lines(sql).collect::<Vec<_>>();
        let start =
            |label: &str| lines.iter().position(|line| line.starts_with(label)).unwrap_or(lines.len());
        let (columns, parameters) = (start("Columns: "), start("Parameters: "));
        let text = lines.get(..columns.min(parameters)).unwrap_or_default();
        let mut paragraphs = text.split(|line| line.is_empty()).map(|paragraph| paragraph.join(" "));
        let first = paragraphs.next().unwrap_or_default();
        let (title, answer) = match first.split_once(": ") {
            Some((title, answer)) if title.len() < 40 => (Some(title.to_owned()), capitalized(answer)),
            _ => (None, first),
        };
        let (amazon, notes) = paragraphs
            .filter(|paragraph| !paragraph.is_empty())
            .partition::<Vec<_>, _>(|paragraph| paragraph.starts_with("Amazon Connect"));
        let list = |from: usize, to: usize, label| {
            let list = lines.get(from..to.max(from)).unwrap_or_default().join(" ");
            entries(list.strip_prefix(label).unwrap_or_default())
        };
        let parameter = |(name, note): (String, _)| {
            let name = name.trim_start_matches(|first: char| first.is_ascii_digit() || first == ' ');
            (Parameter::of_head(name).unwrap_or_else(|| panic!("unknown parameter {name}")), note)
        };
        Self {
            title,
            answer,
            amazon: (!amazon.is_empty()).then(|| amazon.join(" ")),
            notes,
            columns: list(columns, parameters, "Columns: "),
            parameters: list(parameters, lines.len(), "Parameters: ").into_iter().map(parameter).collect(),
        }
    }

    /// The names of the corresponding Amazon Connect metrics, without the page; `None` if there are none.
    #[must_use]
    pub fn amazon_names(&self) -> Option<&str> {
        let names = self.amazon.as_deref()?.strip_prefix("Amazon Connect: ")?;
        Some(names.split(" (http").next().unwrap_or(names).trim_end_matches('.'))
    }
}

/// The lines of the header comment, without `--`.
pub(crate) fn lines(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines().map_while(|line| line.strip_prefix("--")).map(str::trim)
}

/// Splits `a, b (c, d)` into `a`, and `b` with the note `c, d`.
fn entries(list: &str) -> Vec<(String, Option<String>)> {
    let mut entries = Vec::new();
    let mut rest = list.trim();
    while !rest.is_empty() {
        let mut depth = 0;
        let end = rest.find(|character| {
            depth += i32::from(character == '(') - i32::from(character == ')');
            character == ',' && depth == 0
        });
        let (entry, after) = rest.split_at(end.unwrap_or(rest.len()));
        entries.push(match entry.split_once(" (") {
            Some((name, note)) => (name.to_owned(), Some(note.strip_suffix(')').unwrap_or(note).to_owned())),
            None => (entry.to_owned(), None),
        });
        rest = after.trim_start_matches(',').trim_start();
    }
    entries
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::Head;
    use crate::{Parameter, named, views};

    #[test]
    fn a_header_comment_is_parsed() {
        let sql = "-- Service level: of what queued,\n-- how much.\n--\n-- Amazon Connect: service level\n-- (https://x).\n--\n-- Other.\n--\n-- Columns: local_start (of the day, or week), queue_id,\n--          level (0 to 1)\n-- Parameters: 1 time zone (IANA), 2 first\n--          day, 3 queue (name, or *)\nSELECT 1\n-- not part of the header\n";
        let head = Head::of(sql);
        assert_eq!(head.title.as_deref(), Some("Service level"));
        assert_eq!(head.answer, "Of what queued, how much.");
        assert_eq!(head.amazon.as_deref(), Some("Amazon Connect: service level (https://x)."));
        assert_eq!(head.amazon_names(), Some("service level"));
        assert_eq!(head.notes, ["Other."]);
        let columns =
            [("local_start", Some("of the day, or week")), ("queue_id", None), ("level", Some("0 to 1"))];
        assert_eq!(head.columns, columns.map(|(name, note)| (name.to_owned(), note.map(str::to_owned))));
        let parameters = [
            (Parameter::TimeZone, Some("IANA")),
            (Parameter::FirstDay, None),
            (Parameter::Queue, Some("name, or *")),
        ];
        assert_eq!(head.parameters, parameters.map(|(parameter, note)| (parameter, note.map(str::to_owned))));
    }

    #[test]
    fn every_query_says_what_it_answers_and_names_each_parameter_once() {
        for query in named() {
            let head = query.head();
            assert!(
                head.title.is_some() && head.amazon.is_some() && !head.columns.is_empty(),
                "{}",
                query.name
            );
            let mut parameters: Vec<_> = head.parameters.iter().map(|(parameter, _)| *parameter).collect();
            let all = parameters.len();
            parameters.sort_unstable();
            parameters.dedup();
            assert!(all == parameters.len() && all > 0, "{}", query.name);
        }
        for view in views() {
            let head = view.head();
            assert!(!head.answer.is_empty() && !head.columns.is_empty(), "{}", view.name);
        }
    }
}
