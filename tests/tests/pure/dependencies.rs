//! Dependencies have allowed licenses, come from one registry, and have one version each: the lists of deny.toml,
//! checked with the library that cargo-deny uses for licenses. `make licenses` runs cargo-deny itself, which takes
//! minutes to build.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, LicenseReq, ParseMode};

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    skip: Vec<Crate>,
    deny: Vec<Crate>,
}

#[derive(Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    allow_registry: Vec<String>,
}

/// `name`, or `name@version` with a prefix of the version.
#[derive(Deserialize)]
struct Crate {
    #[serde(rename = "crate")]
    spec: String,
}

impl Crate {
    fn is(&self, package: &Package) -> bool {
        let (name, version) = self.spec.split_once('@').unwrap_or((&self.spec, ""));
        let rest = package.version.strip_prefix(version);
        name == package.name
            && rest.is_some_and(|rest| version.is_empty() || rest.is_empty() || rest.starts_with('.'))
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    description: Option<String>,
    repository: Option<String>,
    keywords: Vec<String>,
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The third-party packages that are compiled for Linux.
fn packages() -> Vec<Package> {
    let mut compiled = BTreeSet::new();
    for target in ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"] {
        let tree =
            ["tree", "--locked", "--workspace", "--target", target, "--prefix", "none", "--format", "{p}"];
        let lines = String::from_utf8(cargo(&tree)).unwrap();
        compiled.extend(lines.lines().filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
        }));
    }
    let metadata = cargo(&["metadata", "--locked", "--format-version", "1"]);
    let Metadata { packages } = serde_json::from_slice(&metadata).unwrap();
    let is_compiled = |package: &Package| {
        package.source.is_some() && compiled.contains(&(package.name.clone(), package.version.clone()))
    };
    packages.into_iter().filter(is_compiled).collect()
}

fn policy() -> Policy {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Our own packages.
fn members() -> Vec<Package> {
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let Metadata { packages } = serde_json::from_slice(&metadata).unwrap();
    packages
}

#[test]
fn every_package_says_what_it_is_and_where_it_comes_from() {
    let members = members();
    assert!(members.len() > 20);
    let descriptions: BTreeSet<_> =
        members.iter().filter_map(|package| package.description.as_ref()).collect();
    assert_eq!(descriptions.len(), members.len(), "a package has no description, or that of another");
    for package in members {
        assert!(package.repository.is_some() && !package.keywords.is_empty(), "{}", package.name);
    }
}

#[test]
fn every_license_is_allowed_and_every_allowed_license_is_used() {
    let allowed: BTreeSet<_> = policy().licenses.allow.into_iter().collect();
    let mut used = BTreeSet::new();
    for Package { name, version, license, .. } in packages() {
        let license = license.unwrap_or_else(|| panic!("{name} {version} has no license"));
        let expression = Expression::parse_mode(&license, ParseMode::LAX).unwrap();
        let is_allowed = |license: &LicenseReq| allowed.contains(&license.to_string());
        assert!(
            expression.evaluate(is_allowed),
            "{name} {version}: {license} is not on the list of deny.toml"
        );
        used.extend(expression.requirements().map(|requirement| requirement.req.to_string()));
    }
    let unused: Vec<_> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "no package has {unused:?}: remove it from deny.toml");
}

#[test]
fn every_dependency_comes_from_one_registry() {
    let registries: Vec<_> =
        policy().sources.allow_registry.iter().map(|url| format!("registry+{url}")).collect();
    for Package { name, version, source, .. } in packages() {
        assert!(
            source.is_none_or(|source| registries.contains(&source)),
            "{name} {version} has another source"
        );
    }
}

#[test]
fn every_dependency_has_one_version_unless_deny_toml_lists_it() {
    let Bans { skip, deny } = policy().bans;
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        assert!(!deny.iter().any(|denied| denied.is(&package)), "{} {}", package.name, package.version);
        if !skip.iter().any(|skipped| skipped.is(&package)) {
            versions.entry(package.name).or_default().push(package.version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert!(
        versions.is_empty(),
        "several versions: {versions:?}; remove one, or list it in deny.toml with the reason"
    );
}
