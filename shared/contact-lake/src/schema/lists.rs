//! Lists of columns, one after the other, as one table. It is put together when the code is compiled, so a rule knows the
//! place of a column as a constant, and a name that is no column does not compile.

use super::column::Column;

/// Columns in all lists.
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
    let (mut place, mut list) = (0, 0);
    while list < lists.len() {
        let mut column = 0;
        while column < lists[list].len() {
            columns[place] = lists[list][column];
            place += 1;
            column += 1;
        }
        list += 1;
    }
    assert!(place == COUNT, "the count is that of these lists");
    columns
}

/// The place of a column.
pub(super) const fn place(columns: &[Column], name: &str) -> usize {
    place_in(&[columns], name)
}

/// The place of a column in the table that these lists make.
pub(super) const fn place_in(lists: &[&[Column]], name: &str) -> usize {
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
