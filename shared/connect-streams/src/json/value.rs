//! A document, and the values in it.

/// A parsed JSON text.
#[derive(Debug, Clone)]
pub struct Document<'a>(pub(super) Vec<Node<'a>>);

/// A value without parts, or one end of a list or an object.
#[derive(Debug, Clone)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    /// A string without escapes, with its quotes: it can be copied to any JSON as it is.
    Quoted(&'a str),
    /// A string that had escapes, without them.
    Unescaped(Box<str>),
    /// The number of nodes that follow, up to its [`End`](Self::End).
    Array(u32),
    /// The number of nodes that follow, up to its [`End`](Self::End); keys and values alternate.
    Object(u32),
    /// The number of nodes before it, back to its beginning.
    End(u32),
}

/// A JSON value in a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'t str),
    /// A string.
    String(&'t str),
    /// An array.
    Array(Array<'t>),
    /// An object.
    Object(Object<'t>),
}

/// The elements of a JSON array.
#[derive(Debug, Clone, Copy)]
pub struct Array<'t>(&'t [Node<'t>]);

/// The members of a JSON object in their original order, repeated keys included.
#[derive(Debug, Clone, Copy)]
pub struct Object<'t>(pub(super) &'t [Node<'t>]);

/// Consecutive values, from both ends.
struct Nodes<'t>(&'t [Node<'t>]);

impl Document<'_> {
    /// The root value.
    ///
    /// # Panics
    /// Never: a document holds one value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Nodes(&self.0).next().expect("a document holds one value")
    }

    /// The members, if the text is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<Object<'_>> {
        self.root().as_object()
    }
}

impl<'t> Node<'t> {
    /// The value that starts at this node; `between` has the nodes between its ends.
    fn value(&'t self, between: &'t [Self]) -> Value<'t> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(text) => Value::Number(text),
            Self::Quoted(quoted) => Value::String(unquoted(quoted)),
            Self::Unescaped(text) => Value::String(text),
            Self::Array(_) => Value::Array(Array(between)),
            Self::Object(_) => Value::Object(Object(between)),
            Self::End(_) => unreachable!("an end follows its beginning"),
        }
    }

    /// The number of nodes of the value that starts at this node.
    fn span(&self) -> usize {
        match self {
            Self::Array(between) | Self::Object(between) => *between as usize + 2,
            _ => 1,
        }
    }

    pub(super) fn key(&'t self) -> &'t str {
        match self {
            Self::Quoted(quoted) => unquoted(quoted),
            Self::Unescaped(text) => text,
            _ => unreachable!("a key is a string"),
        }
    }
}

fn unquoted(quoted: &str) -> &str {
    &quoted[1..quoted.len() - 1]
}

/// Splits off the nodes of the first value.
pub(super) fn split_value<'t>(nodes: &'t [Node<'t>]) -> Option<(&'t [Node<'t>], &'t [Node<'t>])> {
    Some(nodes.split_at(nodes.first()?.span()))
}

/// The nodes between both ends of a list or an object.
pub(super) fn between<'t>(nodes: &'t [Node<'t>]) -> &'t [Node<'t>] {
    nodes.get(1..nodes.len() - 1).unwrap_or_default()
}

impl<'t> Iterator for Nodes<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        let (value, rest) = split_value(self.0)?;
        self.0 = rest;
        Some(value[0].value(between(value)))
    }
}

impl DoubleEndedIterator for Nodes<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (last, rest) = self.0.split_last()?;
        let (first, between, rest) = match last {
            Node::End(nodes) => {
                let (rest, between) = rest.split_at(rest.len() - *nodes as usize);
                let (first, rest) = rest.split_last()?;
                (first, between, rest)
            }
            leaf => (leaf, &[][..], rest),
        };
        self.0 = rest;
        Some(first.value(between))
    }
}

/// Members from both ends.
struct Members<'t>(Nodes<'t>);

impl<'t> Iterator for Members<'t> {
    type Item = (&'t str, Value<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = self.0.0.split_first()?;
        self.0 = Nodes(rest);
        Some((key.key(), self.0.next()?))
    }
}

impl DoubleEndedIterator for Members<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.0.next_back()?;
        let (key, rest) = self.0.0.split_last()?;
        self.0 = Nodes(rest);
        Some((key.key(), value))
    }
}

impl<'t> Array<'t> {
    /// The elements.
    #[must_use]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'t>> {
        Nodes(self.0)
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl<'t> Object<'t> {
    /// The value of `key`; the last one if the key is repeated.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'t>> {
        self.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The values of several keys, found in one pass; the last one if a key is repeated.
    #[must_use]
    pub fn get_each<const N: usize>(self, keys: [&str; N]) -> [Option<Value<'t>>; N] {
        let mut found = [None; N];
        for (name, value) in self.iter() {
            if let Some(index) = keys.iter().position(|key| *key == name) {
                found[index] = Some(value);
            }
        }
        found
    }

    /// The values of several keys whose spelling may differ in ASCII case, found in one pass. A key in the spelling of
    /// `keys` counts before every other one, then the last one counts.
    #[must_use]
    pub fn get_each_in_any_case<const N: usize>(self, keys: [&str; N]) -> [Option<Value<'t>>; N] {
        let mut found = [None; N];
        let mut is_exact = [false; N];
        for (name, value) in self.iter() {
            let Some(index) = keys.iter().position(|key| key.eq_ignore_ascii_case(name)) else { continue };
            let exact = keys[index] == name;
            if exact || !is_exact[index] {
                found[index] = Some(value);
                is_exact[index] = exact;
            }
        }
        found
    }

    /// All members in their original order.
    #[must_use]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = (&'t str, Value<'t>)> {
        Members(Nodes(self.0))
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'t> Value<'t> {
    /// The members, if this is an object.
    #[must_use]
    pub fn as_object(self) -> Option<Object<'t>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(self) -> Option<Array<'t>> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is absent. For the same absence, Amazon Connect writes `null`, `{}`, `[]`, an object of such
    /// values, or no key at all.
    #[must_use]
    pub fn is_absent(self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            Self::Object(object) => object.iter().all(|(_, value)| value.is_absent()),
            _ => false,
        }
    }
}
