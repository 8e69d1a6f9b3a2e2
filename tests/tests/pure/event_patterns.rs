//! The local stack's event patterns, and the deployed rule's, against the verdicts of Amazon's Event Ruler.
//! `tests/event-ruler/run` checks these files with the library itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ledger_tests::template::Template;
use local_aws::pattern::Pattern;
use serde_json::{Map, Value};

const EXAMPLES: &str = include_str!("../../event-ruler/examples.jsonl");
const AGREED: &str = include_str!("../../event-ruler/agreed.jsonl");

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

#[test]
fn the_rule_selects_exactly_the_contact_events() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let pattern = template.properties("ContactEventRule")["EventPattern"].clone();
    let pattern = Pattern::of(object(&pattern).clone()).unwrap();
    let mut counts = [0, 0];
    for example in lines(EXAMPLES) {
        let matches = example["matches"].as_bool().unwrap();
        assert_eq!(pattern.matches(object(&example["event"])), matches, "{}", example["why"]);
        counts[usize::from(matches)] += 1;
    }
    assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
}

#[test]
fn patterns_match_as_in_event_ruler() {
    let mut judged = 0;
    let mut different = Vec::new();
    for line in lines(AGREED).filter(|line| line["shape"] != "refused") {
        let pattern = Pattern::of(object(&line["pattern"]).clone()).unwrap();
        for (verdict, matches) in [("matching", true), ("other", false)] {
            for event in line[verdict].as_array().unwrap() {
                judged += 1;
                if pattern.matches(object(event)) != matches {
                    different.push(format!("{} on {event}: Event Ruler says {matches}", line["pattern"]));
                }
            }
        }
    }
    assert!(judged >= 2_000, "{judged}");
    assert!(different.is_empty(), "{} of {judged} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn patterns_that_event_ruler_refuses_are_refused() {
    let refused: Vec<_> = lines(AGREED).filter(|line| line["shape"] == "refused").collect();
    assert!(refused.len() > 20);
    for line in refused {
        assert!(Pattern::of(object(&line["pattern"]).clone()).is_err(), "{} is accepted", line["pattern"]);
    }
}
