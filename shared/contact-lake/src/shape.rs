//! The columns of one object as a tree of source paths, so that one walk over the object finds them all.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::schema::{Column, Kind};

/// The fields of an object: of the record itself, or of a list's elements.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) columns: &'static [Column],
    pub(crate) root: Group,
    /// The shapes of the columns that are lists or maps of objects, by index.
    elements: BTreeMap<usize, Shape>,
}

/// One level of the tree. Every field of every record is looked up in one. Its keys are not user input, so the hash function
/// needs no secret.
#[derive(Debug, Default)]
pub(crate) struct Group(HashMap<&'static str, Source, FixedState>);

/// The target of a source field.
#[derive(Debug)]
pub(crate) enum Source {
    /// The column at this index.
    Column(usize),
    /// Further fields.
    Group(Group),
}

impl Source {
    /// The indexes of all columns it leads to.
    pub(crate) fn indexes(&self) -> Vec<usize> {
        match self {
            Self::Column(index) => vec![*index],
            Self::Group(group) => group.indexes(),
        }
    }
}

impl Shape {
    /// The tree of all columns that have a source.
    pub(crate) fn of(columns: &'static [Column]) -> Self {
        Self::without(&[], columns)
    }

    /// The tree without some columns, whose cells stay empty.
    pub(crate) fn without(left_out: &[&str], columns: &'static [Column]) -> Self {
        let mut shape = Self { columns, root: Group::default(), elements: BTreeMap::new() };
        let is_in = |column: &Column| !left_out.contains(&column.name);
        for (index, column) in columns.iter().enumerate().filter(|(_, column)| is_in(column)) {
            for path in column.sources() {
                shape.root.insert(path, index);
            }
            if let Kind::StructList(fields) | Kind::StructMap(fields) = column.kind {
                shape.elements.insert(index, Self::of(fields));
            }
        }
        shape
    }

    /// The shape of the elements of the column at `index`.
    pub(crate) fn elements(&self, index: usize) -> &Self {
        &self.elements[&index]
    }
}

impl Group {
    pub(crate) fn get(&self, field: &str) -> Option<&Source> {
        self.0.get(field)
    }

    /// The indexes of all columns in this group.
    pub(crate) fn indexes(&self) -> Vec<usize> {
        self.0.values().flat_map(Source::indexes).collect()
    }

    fn insert(&mut self, path: &'static str, index: usize) {
        match path.split_once('.') {
            None => {
                self.0.insert(path, Source::Column(index));
            }
            Some((group, rest)) => {
                match self.0.entry(group).or_insert_with(|| Source::Group(Self::default())) {
                    Source::Group(fields) => fields.insert(rest, index),
                    Source::Column(_) => unreachable!("{group} is both a column and a group"),
                }
            }
        }
    }
}
