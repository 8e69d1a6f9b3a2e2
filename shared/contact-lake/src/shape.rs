//! The columns of one object as a tree of its source paths, so that one walk over the object finds them all.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::schema::{Column, Kind};

/// The fields of an object: of the record itself, or of a list's elements.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) columns: &'static [Column],
    pub(crate) root: Group,
    /// The shapes of those columns that are lists or maps of objects, by place.
    elements: BTreeMap<usize, Shape>,
}

/// One level of the tree. Every field of every record is looked up in one; what is in it does not come from outside, so its
/// hashes need no secret.
#[derive(Debug, Default)]
pub(crate) struct Group(HashMap<&'static str, Source, FixedState>);

/// What a field of the source leads to.
#[derive(Debug)]
pub(crate) enum Source {
    /// The column at this place.
    Column(usize),
    /// Further fields.
    Group(Group),
}

impl Source {
    /// The places of all columns that it leads to.
    pub(crate) fn places(&self) -> Vec<usize> {
        match self {
            Self::Column(place) => vec![*place],
            Self::Group(group) => group.places(),
        }
    }
}

impl Shape {
    /// The tree of all columns that have a source.
    pub(crate) fn of(columns: &'static [Column]) -> Self {
        Self::without(&[], columns)
    }

    /// The tree without some columns, whose places stay empty.
    pub(crate) fn without(left_out: &[&str], columns: &'static [Column]) -> Self {
        let mut shape = Self { columns, root: Group::default(), elements: BTreeMap::new() };
        let is_in = |column: &Column| !left_out.contains(&column.name);
        for (place, column) in columns.iter().enumerate().filter(|(_, column)| is_in(column)) {
            for path in column.sources() {
                shape.root.insert(path, place);
            }
            if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                shape.elements.insert(place, Self::of(fields));
            }
        }
        shape
    }

    /// The shape of the elements of the column at `place`.
    pub(crate) fn elements(&self, place: usize) -> &Self {
        &self.elements[&place]
    }
}

impl Group {
    pub(crate) fn get(&self, field: &str) -> Option<&Source> {
        self.0.get(field)
    }

    /// The places of all columns in this group.
    pub(crate) fn places(&self) -> Vec<usize> {
        self.0.values().flat_map(Source::places).collect()
    }

    fn insert(&mut self, path: &'static str, place: usize) {
        match path.split_once('.') {
            None => {
                self.0.insert(path, Source::Column(place));
            }
            Some((group, rest)) => {
                match self.0.entry(group).or_insert_with(|| Source::Group(Self::default())) {
                    Source::Group(fields) => fields.insert(rest, place),
                    Source::Column(_) => unreachable!("{group} is a column and a group, too"),
                }
            }
        }
    }
}
