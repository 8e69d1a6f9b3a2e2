//! Runs every fuzz target on the corpus and on damaged copies of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use fastrand::Rng;
use ledger_fuzz::TARGETS;

/// Damaged copies per file.
const COPIES: usize = 2000;
/// Tokens of the formats.
const TOKENS: [&[u8]; 16] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"\x00",
    b"\xf3\x89\x9a\xc2",
    b"9999-12-31T23:59:60Z",
];

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files.map(|file| file.unwrap().path()).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn damaged(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for _ in 0..rng.usize(1..4) {
        let place = rng.usize(..=damaged.len());
        let end = (place + rng.usize(..12)).min(damaged.len());
        match rng.u8(..5) {
            0 => damaged.truncate(place),
            1 => drop(damaged.drain(place..end)),
            2 => {
                let token = TOKENS[rng.usize(..TOKENS.len())];
                drop(damaged.splice(place..place, token.iter().copied()));
            }
            3 => damaged.extend_from_within(place..end),
            _ => {
                if let Some(byte) = damaged.get_mut(place) {
                    *byte ^= 1 << rng.u8(..8);
                }
            }
        }
    }
    damaged
}

#[test]
fn every_target_holds_for_the_corpus_and_for_damaged_copies_of_it() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no corpus");
        for (place, (path, bytes)) in files.iter().enumerate() {
            println!("{}", path.display());
            target(bytes);
            let mut rng = Rng::with_seed(place as u64);
            for _ in 0..COPIES {
                let damaged = damaged(bytes, &mut rng);
                let outcome = std::panic::catch_unwind(|| target(&damaged));
                assert!(outcome.is_ok(), "{name} fails for {}", String::from_utf8_lossy(&damaged));
            }
        }
    }
}
