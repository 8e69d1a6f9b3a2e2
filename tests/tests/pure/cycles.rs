//! No crate has a circular dependency between modules, so that each module can be read and moved with only its
//! dependencies.
//!
//! One file depends on another if it names something that the other defines, by `crate::`, `super::`, or `self::`,
//! in imports or in code. Reexports are resolved to the defining file. Tests are ignored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A module's path in the crate; empty for the crate root.
type Module = Vec<String>;

/// A file: its reexports, and the paths that it names.
#[derive(Default)]
struct Source {
    exports: BTreeMap<String, Vec<String>>,
    /// Modules that it reexports with `*`.
    exports_all_of: Vec<Vec<String>>,
    names: BTreeSet<Vec<String>>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// Collects the paths of a file.
struct Names<'m> {
    module: &'m [String],
    /// The inline modules around the current position.
    inside: Vec<String>,
    source: Source,
}

impl Names<'_> {
    /// A path from the crate's root; `None` if it leaves the crate or has no module.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let here: Vec<String> = self.module.iter().chain(&self.inside).cloned().collect();
        let first = path.first()?;
        Some(match first.as_str() {
            "crate" => path[1..].to_vec(),
            "self" => [&here, &path[1..]].concat(),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                [&here[..here.len().checked_sub(up)?], &path[up..]].concat()
            }
            _ => [&here, path].concat(),
        })
    }

    fn uses(&mut self, tree: &UseTree, above: &mut Vec<String>, is_exported: bool) {
        match tree {
            UseTree::Path(path) => {
                above.push(path.ident.to_string());
                self.uses(&path.tree, above, is_exported);
                above.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.uses(tree, above, is_exported));
            }
            UseTree::Glob(_) => {
                if let Some(path) = self.absolute(above) {
                    if is_exported {
                        self.source.exports_all_of.push(path.clone());
                    }
                    self.source.names.insert(path);
                }
            }
            UseTree::Name(_) | UseTree::Rename(_) => {
                let (name, known_as) = match tree {
                    UseTree::Rename(rename) => (rename.ident.to_string(), rename.rename.to_string()),
                    UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
                    _ => return,
                };
                let mut path = above.clone();
                if name != "self" {
                    path.push(name);
                }
                if let Some(path) = self.absolute(&path) {
                    self.source.names.insert(path.clone());
                    if is_exported {
                        self.source.exports.insert(known_as, path);
                    }
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() {
            self.inside.push(module.ident.to_string());
            syn::visit::visit_item_mod(self, module);
            self.inside.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_exported = !matches!(item.vis, Visibility::Inherited);
        self.uses(&item.tree, &mut Vec::new(), is_exported);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let is_local = parts.len() > 1 && path.leading_colon.is_none();
        if let Some(path) = is_local.then(|| self.absolute(&parts)).flatten() {
            self.source.names.insert(path);
        }
        syn::visit::visit_path(self, path);
    }
}

/// The files of a crate, by module.
fn modules(root: &Path) -> BTreeMap<Module, Source> {
    let mut modules = BTreeMap::new();
    let mut open: Vec<(Module, PathBuf)> = vec![(Vec::new(), root.to_owned())];
    while let Some((module, file)) = open.pop() {
        let syntax = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
        for item in &syntax.items {
            let Item::Mod(child) = item else { continue };
            if child.content.is_some() || is_test(&child.attrs) {
                continue;
            }
            let mut path = module.clone();
            path.push(child.ident.to_string());
            open.push((path.clone(), root.parent().unwrap().join(path.join("/")).with_extension("rs")));
        }
        let mut names = Names { module: &module, inside: Vec::new(), source: Source::default() };
        names.visit_file(&syntax);
        let source = names.source;
        modules.insert(module, source);
    }
    modules
}

/// The module that defines the item at a path.
fn definer<'m>(modules: &'m BTreeMap<Module, Source>, path: &[String], steps: usize) -> Option<&'m Module> {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let (module, source) = modules.get_key_value(&path[..length])?;
    let rest = &path[length..];
    let Some(name) = rest.first().filter(|_| steps < 8) else { return Some(module) };
    if let Some(elsewhere) = source.exports.get(name) {
        return definer(modules, &[elsewhere, &rest[1..]].concat(), steps + 1);
    }
    for elsewhere in &source.exports_all_of {
        let there = definer(modules, elsewhere, steps + 1).filter(|there| *there != module);
        if there.is_some() {
            return there;
        }
    }
    Some(module)
}

/// Groups of modules that depend on each other.
fn cycles(root: &Path) -> Vec<Vec<String>> {
    let modules = modules(root);
    let mut needs = DiGraphMap::<&[String], ()>::new();
    for (module, source) in &modules {
        for path in &source.names {
            // A name without a module of this crate belongs to another crate, or is defined in the same file.
            let Some(there) = definer(&modules, path, 0).filter(|there| *there != module) else { continue };
            needs.add_edge(module.as_slice(), there.as_slice(), ());
        }
    }
    let name = |module: &&[String]| if module.is_empty() { "crate".to_owned() } else { module.join("::") };
    let groups = tarjan_scc(&needs).into_iter().filter(|group| group.len() > 1);
    groups.map(|group| group.iter().map(name).collect()).collect()
}

/// The root files of the workspace's crates.
fn roots() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut roots = Vec::new();
    for folder in ["functions", "shared", "tools"] {
        for package in fs::read_dir(workspace.join(folder)).unwrap() {
            let source = package.unwrap().path().join("src");
            roots.extend(
                ["lib.rs", "main.rs"].map(|file| source.join(file)).into_iter().filter(|file| file.is_file()),
            );
        }
    }
    roots.sort();
    roots
}

#[test]
fn no_modules_depend_on_each_other() {
    let found: Vec<_> = roots()
        .iter()
        .flat_map(|root| {
            cycles(root).into_iter().map(|cycle| format!("{}: {}", root.display(), cycle.join(", ")))
        })
        .collect();
    assert!(found.is_empty(), "modules that depend on each other:\n{}", found.join("\n"));
}

#[test]
fn a_cycle_is_found_in_every_notation() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let root = folder.path().join("lib.rs");
    write("lib.rs", "mod a; mod b; pub use a::A;");
    for (a, b) in [
        ("use crate::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        ("pub struct A; fn f() -> crate::b::B {}", "pub struct B; fn f(a: crate::A) {}"),
        ("pub struct A(super::b::B);", "use crate::{self as all, A}; pub struct B;"),
    ] {
        write("a.rs", a);
        write("b.rs", b);
        assert_eq!(cycles(&root).len(), 1, "{a} {b}");
    }
    write("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }");
    write("b.rs", "use crate::A; pub struct B;");
    assert_eq!(cycles(&root), Vec::<Vec<String>>::new());
}
