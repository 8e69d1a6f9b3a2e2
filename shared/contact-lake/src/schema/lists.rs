//! Joins lists of columns into one table at compile time. A rule knows the index of a column as a constant, and a name that is
//! not a column does not compile.

use super::column::Column;

/// The number of columns in all lists.
pub(super) const fn count(lists: &[&[Column]]) -> usize {
    let (mut count, mut list) = (0, 0);
    while list < lists.len() {
        count += lists[list].len();
        list += 1;
    }
    count
}

/// All columns, in order.
pub(super) const fn joined<const COUNT: usize>(lists: &[&[Column]]) -> [Column; COUNT] {
    let mut columns = [lists[0][0]; COUNT];
    let (mut index, mut list) = (0, 0);
    while list < lists.len() {
        let mut column = 0;
        while column < lists[list].len() {
            columns[index] = lists[list][column];
            index += 1;
            column += 1;
        }
        list += 1;
    }
    assert!(index == COUNT, "COUNT is not the number of columns in these lists");
    columns
}

/// The index of a column in a list.
pub(super) const fn index(columns: &[Column], name: &str) -> usize {
    index_in(&[columns], name)
}

/// The index of a column in the table that joins these lists.
pub(super) const fn index_in(lists: &[&[Column]], name: &str) -> usize {
    let (mut before, mut list) = (0, 0);
    while list < lists.len() {
        let mut column = 0;
        while column < lists[list].len() {
            if is_equal(lists[list][column].name.as_bytes(), name.as_bytes()) {
                return before + column;
            }
            column += 1;
        }
        before += lists[list].len();
        list += 1;
    }
    panic!("no column has this name");
}

const fn is_equal(left: &[u8], right: &[u8]) -> bool {
    let mut byte = 0;
    while byte < left.len() && byte < right.len() && left[byte] == right[byte] {
        byte += 1;
    }
    byte == left.len() && byte == right.len()
}
