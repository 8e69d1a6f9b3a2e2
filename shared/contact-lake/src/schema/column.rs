//! What a column is, and the short forms that it is declared in.

use crate::facts::{Computed, Facts};

/// A column of the row, or a field of a list's elements. Everything that is known of it stands here, once.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in the lake.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where its value comes from.
    pub origin: Origin,
    /// What it means, with the unit.
    pub meaning: &'static str,
    /// What it may say about a person.
    pub privacy: Privacy,
}

/// What a column holds, and how its source is read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text as it came.
    Text,
    /// A whole number, written as it came.
    Integer,
    /// A number, written as it came.
    Double,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DDTHH:MM:SS.sssZ`
    Timestamp,
    /// Text by key; numbers and booleans become text, anything nested JSON text.
    TextMap,
    /// A map whose values are unions such as `{"ValueString": "x"}`; written as text by key.
    UnionMap,
    /// A list of texts.
    TextList,
    /// A list of objects with these fields. One object instead of a list counts as a list of one.
    StructList(&'static [Column]),
    /// A map of objects with these fields; the key becomes the first field.
    StructMap(&'static [Column]),
    /// Any JSON, written as JSON text.
    Json,
}

impl Kind {
    /// Whether it may hold text of the record's.
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
        /// Another spelling of the path that Amazon Connect uses, too.
        alias: Option<&'static str>,
    },
    /// Computed from columns with a source.
    Computed(Compute),
    /// Not of the record but of the row itself.
    Row(RowValue),
}

/// A rule that a column is computed by.
pub type Compute = for<'c, 'a> fn(&Facts<'c, 'a>) -> Computed<'a>;

/// A value of the row itself, which the writer of the row knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowValue {
    /// What has no column of its own, as JSON text.
    Extra,
    /// Which kind of record became the row.
    RecordKind,
    /// The version of the schema.
    SchemaVersion,
    /// The hash of the record's content.
    ContentHash,
    /// When the record came.
    ArrivalTimestamp,
    /// Its place in the copy that it was read from.
    ArrivalPlace,
}

/// What a column may say about a person. It decides what a policy may do to the column, and whether tools show its value
/// without being asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// It distinguishes the versions of a contact: shown, and a policy can only keep it.
    Identity,
    /// Made by this code, of what says nothing about a person: shown, and no policy names it.
    NotPersonal,
    /// An id, a type, a status or a name of the center's own: shown, though a policy may change it.
    Open,
    /// It may say anything about a person, so its text is hidden. A number, a truth or a time is shown.
    Personal,
    /// It describes a person in every type: hidden.
    Sensitive,
}

impl Column {
    const fn of(name: &'static str, kind: Kind, origin: Origin, meaning: &'static str) -> Self {
        let is_own = !matches!(origin, Origin::Field { .. }) && !kind.has_text();
        let privacy = if is_own { Privacy::NotPersonal } else { Privacy::Personal };
        Self { name, kind, origin, meaning, privacy }
    }

    /// The path of the source field, if there is one.
    #[must_use]
    pub const fn source(&self) -> Option<&'static str> {
        match self.origin {
            Origin::Field { path, .. } => Some(path),
            Origin::Computed(_) | Origin::Row(_) => None,
        }
    }

    /// The path of the source field, empty for a column without one.
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

    /// Whether tools show its value without being asked for it. The fields of a list of objects say it for themselves; what
    /// has keys of the record's, or any structure, is not shown.
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
            _ => panic!("only a source field has another spelling, and one only"),
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

/// A column that is computed.
pub(super) const fn computed(
    name: &'static str,
    kind: Kind,
    compute: Compute,
    meaning: &'static str,
) -> Column {
    Column::of(name, kind, Origin::Computed(compute), meaning)
}

/// A column with a value of the row itself.
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
