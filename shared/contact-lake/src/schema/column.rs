//! The type of a column, and short functions to declare one.

use crate::facts::{Computed, Facts};

/// A column of the row, or a field of a list's elements, with everything known about it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the lake.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where its value comes from.
    pub origin: Origin,
    /// What it means, with the unit.
    pub meaning: &'static str,
    /// What it may reveal about a person.
    pub privacy: Privacy,
}

/// What a column holds, and how its source is read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text, unchanged.
    Text,
    /// A whole number, written unchanged.
    Integer,
    /// A number, written unchanged.
    Double,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DDTHH:MM:SS.sssZ`
    Timestamp,
    /// Text by key. Numbers and booleans become text, anything nested becomes JSON text.
    TextMap,
    /// A map whose values are unions such as `{"ValueString": "x"}`. Written as text by key.
    UnionMap,
    /// A list of texts.
    TextList,
    /// A list of objects with these fields. A single object counts as a list of one.
    StructList(&'static [Column]),
    /// A map of objects with these fields. The key becomes the first field.
    StructMap(&'static [Column]),
    /// Any JSON, written as JSON text.
    Json,
}

impl Kind {
    /// Whether it may hold text from the record.
    pub(crate) const fn has_text(self) -> bool {
        !matches!(self, Self::Integer | Self::Double | Self::Boolean | Self::Timestamp)
    }
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin {
    /// A field of the source.
    Field {
        /// Its path, levels separated by dots.
        path: &'static str,
        /// Another spelling of the path that Amazon Connect also uses.
        alias: Option<&'static str>,
    },
    /// Computed from columns with a source.
    Computed(Compute),
    /// About the row itself, not from the record.
    Row(RowValue),
}

/// The rule that computes a column.
pub type Compute = for<'c, 'a> fn(&Facts<'c, 'a>) -> Computed<'a>;

/// A value about the row itself, known to the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowValue {
    /// Everything without a column of its own, as JSON text.
    Extra,
    /// The kind of record that became the row.
    RecordKind,
    /// The version of the schema.
    SchemaVersion,
    /// The hash of the record's content.
    ContentHash,
    /// When the record arrived.
    ArrivalTimestamp,
    /// The position of the record in the raw copy it was read from.
    ArrivalPlace,
}

/// What a column may reveal about a person. Decides what a policy may do to the column, and whether tools show its value
/// by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Identifies a version of a contact. Shown, and a policy can only keep it.
    Identity,
    /// Made by this code from data that says nothing about a person. Shown, and no policy may name it.
    NotPersonal,
    /// An ID, a type, a status, or a name that the center chose. Shown, but a policy may change it.
    Open,
    /// May say anything about a person, so text is hidden. Numbers, booleans, and times are shown.
    Personal,
    /// Describes a person, even as a number or boolean. Hidden.
    Sensitive,
}

impl Column {
    const fn of(name: &'static str, kind: Kind, origin: Origin, meaning: &'static str) -> Self {
        let is_own = !matches!(origin, Origin::Field { .. }) && !kind.has_text();
        let privacy = if is_own { Privacy::NotPersonal } else { Privacy::Personal };
        Self { name, kind, origin, meaning, privacy }
    }

    /// The path of the source field, if any.
    #[must_use]
    pub const fn source(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Field { path, .. } => Some(path),
            Origin::Computed(_) | Origin::Row(_) => None,
        }
    }

    /// The path of the source field; empty for a column without one.
    pub(crate) fn path(&self) -> &'static str {
        self.source().unwrap_or_default()
    }

    /// Every spelling of the path of the source field; none for a column without one.
    pub fn sources(&self) -> impl Iterator<Item = &'static str> + use<> {
        let alias = match self.origin {
            Origin::Field { alias, .. } => alias,
            Origin::Computed(_) | Origin::Row(_) => None,
        };
        self.source().into_iter().chain(alias)
    }

    /// Whether tools show its value by default. For a list of objects, each field decides for itself. Maps with keys from the
    /// record, and free-form JSON, are not shown.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        match (self.privacy, self.kind) {
            (Privacy::Sensitive, _) | (_, Kind::TextMap | Kind::UnionMap | Kind::Json) => false,
            (_, Kind::StructList(_) | Kind::StructMap(_)) => true,
            (Privacy::Identity | Privacy::NotPersonal | Privacy::Open, _) => true,
            (Privacy::Personal, kind) => !kind.has_text(),
        }
    }

    /// Another spelling of the source path.
    pub(super) const fn or(mut self, another: &'static str) -> Self {
        match self.origin {
            Origin::Field { path, alias: None } => {
                self.origin = Origin::Field { path, alias: Some(another) };
            }
            _ => panic!("only a source field can have another spelling, and only one"),
        }
        self
    }

    pub(super) const fn identity(self) -> Self {
        self.with(Privacy::Identity)
    }

    pub(super) const fn not_personal(self) -> Self {
        self.with(Privacy::NotPersonal)
    }

    pub(super) const fn open(self) -> Self {
        self.with(Privacy::Open)
    }

    pub(super) const fn sensitive(self) -> Self {
        self.with(Privacy::Sensitive)
    }

    const fn with(mut self, privacy: Privacy) -> Self {
        self.privacy = privacy;
        self
    }
}

/// A column with a source field.
pub(super) const fn field(
    name: &'static str,
    kind: Kind,
    path: &'static str,
    meaning: &'static str,
) -> Column {
    Column::of(name, kind, Origin::Field { path, alias: None }, meaning)
}

/// A computed column.
pub(super) const fn computed(
    name: &'static str,
    kind: Kind,
    compute: Compute,
    meaning: &'static str,
) -> Column {
    Column::of(name, kind, Origin::Computed(compute), meaning)
}

/// A column about the row itself.
pub(super) const fn of_the_row(
    name: &'static str,
    kind: Kind,
    value: RowValue,
    meaning: &'static str,
) -> Column {
    Column::of(name, kind, Origin::Row(value), meaning)
}

pub(super) const fn text(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Text, path, meaning)
}

pub(super) const fn integer(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Integer, path, meaning)
}

pub(super) const fn double(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Double, path, meaning)
}

pub(super) const fn boolean(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Boolean, path, meaning)
}

pub(super) const fn timestamp(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Timestamp, path, meaning)
}

pub(super) const fn text_list(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::TextList, path, meaning)
}

pub(super) const fn json(name: &'static str, path: &'static str, meaning: &'static str) -> Column {
    field(name, Kind::Json, path, meaning)
}
