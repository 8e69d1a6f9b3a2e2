use std::io::Cursor;

use super::*;
use lake_files::records::split;

const SMALL: Limit = Limit { bytes: 1000, service: "the test" };

/// Reads so few bytes at a time that reads end at every position of every record.
fn records(text: &[u8], broken: Broken) -> Records {
    let mut records = Records::new("f", Box::new(Cursor::new(text.to_vec())), SMALL, broken);
    records.chunk = 1;
    records
}

/// Records with their lines, and the error that ended the reading.
fn read(text: &[u8], broken: Broken) -> (Vec<(u64, String)>, Option<String>) {
    let (mut all, mut failure) = (Vec::new(), None);
    for record in records(text, broken) {
        match record {
            Ok(record) => all.push((record.place.line, String::from_utf8_lossy(&record.bytes).into_owned())),
            Err(error) => failure = Some(format!("{error:#}")),
        }
    }
    (all, failure)
}

fn texts(text: &[u8], broken: Broken) -> Vec<String> {
    let (records, failure) = read(text, broken);
    assert_eq!(failure, None);
    records.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn one_object_lists_and_concatenated_objects_are_read_with_their_lines() {
    for (text, expected) in [
        ("{\"a\": 1}\n", vec![(1, "{\"a\": 1}")]),
        ("[{\"a\":1},\n {\"b\":[2,{}]}]", vec![(1, "{\"a\":1}"), (2, "{\"b\":[2,{}]}")]),
        ("{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}", vec![(1, "{\"a\":1}"), (2, "{\"b\":2}"), (4, "{\"c\":3}")]),
        ("{\"a\":1}{\"b\":2} {\"c\":3}", vec![(1, "{\"a\":1}"), (1, "{\"b\":2}"), (1, "{\"c\":3}")]),
        ("\n{\n\"a\":1\n}\n{\"b\":2}", vec![(2, "{\n\"a\":1\n}"), (5, "{\"b\":2}")]),
        ("[]\n[{\"a\":1}]\n[ ]", vec![(2, "{\"a\":1}")]),
        ("{\"a\":1}\n{\n\"b\":2}\n", vec![(1, "{\"a\":1}"), (2, "{\n\"b\":2}")]),
        ("", vec![]),
        ("  \n ", vec![]),
    ] {
        for broken in [Broken::Ends, Broken::IsItsLine] {
            let (records, failure) = read(text.as_bytes(), broken);
            let expected: Vec<_> = expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!((records, failure), (expected, None), "{text}");
        }
    }
}

#[test]
fn a_broken_line_is_one_broken_record() {
    let good = r#"{"a":"}{"}"#;
    for broken in [
        r#"{"a":"#,
        r#"{"a":[{"b":1}"#,
        r#"{"a":["#,
        r#"{"a":"text"#,
        r#"{"a":"\"#,
        r#"{"a":1},"#,
        r#"{"a":1} and more"#,
        "[]",
        "[{}]",
        "17",
        "not JSON at all",
        "}",
        "{",
    ] {
        for text in [
            format!("{good}\n{broken}\n{good}\n"),
            format!("{good}\r\n{broken}\r\n{good}"),
            format!("{good}\n{broken}\n\n{good}\n\n"),
        ] {
            for mode in [Broken::IsItsLine, Broken::Ends] {
                assert_eq!(texts(text.as_bytes(), mode), [good, broken, good], "{text}");
            }
        }
        if !broken.starts_with('[') {
            assert_eq!(texts(format!("{broken}\n{good}\n").as_bytes(), Broken::IsItsLine), [broken, good]);
        }
        assert_eq!(texts(format!("{good}\n{broken}").as_bytes(), Broken::IsItsLine), [good, broken]);
    }
    let text = b"{\"a\":1}\n{\"a\":\"\xff\"}\n\xff\n{\"b\":2}\n";
    let read: Vec<_> = records(text, Broken::IsItsLine).map(|record| record.unwrap().bytes).collect();
    assert_eq!(read, [&b"{\"a\":1}"[..], b"{\"a\":\"\xff\"}", b"\xff", b"{\"b\":2}"]);
}

#[test]
fn a_text_without_one_record_per_line_ends_at_a_broken_record_and_names_its_line() {
    for (text, count, message) in [
        ("{\n\"a\":", 0, "f is not JSON (in the record that starts on line 1: it ends inside a record)"),
        ("{\n\"a\":1}\n{\"b\"}\n{}", 1, "line 3"),
        ("[{\"a\":1},\n{\"b\":]", 1, "line 2"),
        ("[{\"a\":1}\n{\"b\":1}]", 1, "a comma or the end of the list is missing"),
        ("[{\"a\":1}", 1, "the end of the list is missing"),
        ("[{\"a\":1},\n\n17]", 1, "f:3 is not a JSON object (it starts with '1')"),
        ("17", 0, "is not a JSON object (it starts with '1')"),
        ("[[{}]]", 0, "not a JSON object (it starts with '[')"),
    ] {
        let (records, failure) = read(text.as_bytes(), Broken::Ends);
        assert_eq!(records.len(), count, "{text}");
        assert!(failure.as_deref().is_some_and(|failure| failure.contains(message)), "{text}: {failure:?}");
    }
    let (_, failure) = read(b"{\n\"a\":\"\xff\"}", Broken::Ends);
    assert!(failure.unwrap().contains("is not UTF-8 text"));
}

#[test]
fn a_record_at_the_limit_is_read_and_a_larger_one_is_refused_before_it_is_fully_read() {
    let record = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    for broken in [Broken::Ends, Broken::IsItsLine, Broken::EndsWhereAnotherBegins] {
        assert_eq!(texts(record(1000).as_bytes(), broken), [record(1000)]);
        let (records, failure) = read(format!("{{}}\n{}", record(1001)).as_bytes(), broken);
        assert_eq!(records.len(), 1, "{broken:?}");
        assert!(
            failure.unwrap().starts_with("f:2: the record that starts here is larger than"),
            "{broken:?}"
        );
    }
    for (endless, broken) in [
        (0, Broken::IsItsLine),
        (b' ', Broken::Ends),
        (b'x', Broken::IsItsLine),
        (b'x', Broken::EndsWhereAnotherBegins),
        (b'[', Broken::Ends),
    ] {
        let source = Box::new(std::io::repeat(endless));
        let failure = Records::new("f", source, SMALL, broken).find_map(Result::err).unwrap().to_string();
        assert!(failure.starts_with('f'), "{failure}");
    }
    // A string that never ends.
    let source = Box::new(Cursor::new(b"{\"a\":\"".to_vec()).chain(std::io::repeat(b'x')));
    let failure = Records::new("f", source, SMALL, Broken::Ends).find_map(Result::err).unwrap().to_string();
    assert!(failure.contains("larger than"), "{failure}");
}

#[test]
fn a_raw_copy_has_the_same_records_as_in_a_backfill() {
    let whole = r#"{"AWSAccountId":"1","ContactId":"c"}"#;
    for broken in [
        "",
        r#"{"AWSAccountId":"1","Cont"#,
        r#"{"AWSAccountId":"1","Agent":{"ARN":"a"#,
        r#"{"AWSAccountId":"1","Agent":{"ARN":"a\"#,
        "not JSON at all",
        "{",
        "\u{0}",
        "[]",
        "17",
    ] {
        for between in ["", "\n", "\n\n"] {
            let text = [whole, broken, whole, whole].join(between);
            let expected: Vec<_> = split(text.as_bytes())
                .map(|record| String::from_utf8_lossy(record).trim_end().to_owned())
                .collect();
            assert_eq!(texts(text.as_bytes(), Broken::EndsWhereAnotherBegins), expected, "{text}");
        }
    }
}
