//! The columns of one object as a tree of source paths, so that one walk over the object finds them all.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// One level of the tree. Every field of every record is looked up in one.
///
/// Records of one producer have their fields in nearly the same order. So a group remembers which field followed which, and a
/// field is usually found by one comparison.
#[derive(Debug, Default)]
pub(crate) struct Group {
    fields: Vec<(&'static str, Source)>,
    /// The index of each field. The names are not user input, so the hash function needs no secret.
    indexes: HashMap<&'static str, usize, FixedState>,
    /// The index of the field that was last seen first, and of those that were last seen after each field. A guess: threads
    /// may overwrite each other's.
    following: Vec<AtomicUsize>,
}

/// Finds the fields of one object in a group.
pub(crate) struct Finder<'g> {
    group: &'g Group,
    /// Where the guess for the next field is.
    place: usize,
}

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
    /// Finds the fields of one object.
    pub(crate) fn finder(&self) -> Finder<'_> {
        Finder { group: self, place: 0 }
    }

    /// The indexes of all columns in this group.
    pub(crate) fn indexes(&self) -> Vec<usize> {
        self.fields.iter().flat_map(|(_, source)| source.indexes()).collect()
    }

    fn insert(&mut self, path: &'static str, index: usize) {
        let (name, rest) = path.split_once('.').map_or((path, None), |(group, rest)| (group, Some(rest)));
        let place = *self.indexes.entry(name).or_insert_with(|| {
            let source = if rest.is_some() { Source::Group(Self::default()) } else { Source::Column(index) };
            self.fields.push((name, source));
            self.following.resize_with(self.fields.len() + 1, AtomicUsize::default);
            self.fields.len() - 1
        });
        match (&mut self.fields[place].1, rest) {
            (Source::Group(fields), Some(rest)) => fields.insert(rest, index),
            (Source::Column(column), None) => *column = index,
            _ => unreachable!("{name} is both a column and a group"),
        }
    }
}

impl<'g> Finder<'g> {
    /// The target of the next field.
    pub(crate) fn find(&mut self, name: &str) -> Option<&'g Source> {
        let Group { fields, indexes, following } = self.group;
        let guess = following.get(self.place)?;
        let mut index = guess.load(Ordering::Relaxed);
        if fields[index].0 != name {
            index = *indexes.get(name)?;
            guess.store(index, Ordering::Relaxed);
        }
        self.place = index + 1;
        Some(&fields[index].1)
    }
}
