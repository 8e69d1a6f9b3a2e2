//! The functions' start times, memory, and size.

use std::path::Path;
use std::time::Duration;

use record_paths::{contact_events, events_of_different_agents, firehose_event, kinesis_event, sqs_event};

use crate::figures::{Figures, Target};
use crate::input::{float, generated, median};
use crate::latency::LatencyServer;
use crate::process::{CpuShare, Program, Run};

const PART: &str = "cold start";
const RUNS: usize = 61;
const RUNS_PER_CPU_SHARE: usize = 5;
/// Bundles of TLS roots of Amazon Linux 2023, where functions find nothing else, and of Debian, where the client also reads a
/// folder that has each root once more.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// Lambda's payload limit for synchronous invocations.
const EVENT_BYTES: usize = 6_000_000;

pub(crate) fn measure(figures: &mut Figures) {
    let server = LatencyServer::start(Duration::from_millis(5));
    let idle = Program { name: "idle-function", environment: Vec::new() };
    let normalizer = Program { name: "contact-record-normalizer", environment: Vec::new() };
    let upserter = Program {
        name: "agent-event-upserter",
        environment: vec![
            ("AGENT_STATE_TABLE", "AgentState".to_owned()),
            ("AGENT_HISTORY_TABLE", "AgentHistory".to_owned()),
            ("REJECTED_BUCKET", "bucket".to_owned()),
            ("AWS_ENDPOINT_URL", server.endpoint.clone()),
        ],
    };
    let contact_event_upserter = Program {
        name: "contact-event-upserter",
        environment: vec![
            ("CONTACT_STATE_TABLE", "ContactState".to_owned()),
            ("REJECTED_BUCKET", "bucket".to_owned()),
            ("ENDED_RETENTION_DAYS", "36500".to_owned()),
            ("UNENDED_RETENTION_DAYS", "36500".to_owned()),
            ("AWS_ENDPOINT_URL", server.endpoint.clone()),
        ],
    };
    let contact_records = firehose_event(&generated("contact-records", 10));
    let agent_events = kinesis_event(&events_of_different_agents(10, None), 0);
    let ten_contact_events = sqs_event(&contact_events(2, 5));
    let programs = [
        (&idle, &b"{}"[..], None),
        (&normalizer, &contact_records[..], Some(1.3)),
        (&upserter, &agent_events[..], Some(2.5)),
        (&contact_event_upserter, &ten_contact_events[..], Some(2.5)),
    ];
    start(&programs, "", None, figures);
    match BUNDLES.iter().find(|bundle| Path::new(bundle).is_file()) {
        Some(bundle) => {
            let of_bundle = |program: &Program| {
                let mut environment = program.environment.clone();
                environment.push(("SSL_CERT_FILE", (*bundle).to_owned()));
                Program { name: program.name, environment }
            };
            let all = programs.map(|(program, event, bound)| (of_bundle(program), event, bound));
            let all = all.each_ref().map(|(program, event, bound)| (program, *event, *bound));
            start(&all, ", roots of the bundle alone", None, figures);
        }
        None => eprintln!("no bundle of TLS roots: the start with a bundle alone is not measured"),
    }
    for megabytes in [512, 256, 128] {
        match CpuShare::of_megabytes(megabytes) {
            Some(share) => {
                start(&programs, &format!(", CPU share of {megabytes} MB"), Some(&share), figures);
            }
            None => eprintln!(
                "no permission to create a cgroup: start with the CPU share of {megabytes} MB not measured"
            ),
        }
    }
    memory(&normalizer, &upserter, &contact_event_upserter, figures);
    sizes([(&normalizer, 1.0), (&upserter, 5.0), (&contact_event_upserter, 5.0)], figures);
}

fn start(
    programs: &[(&Program, &[u8], Option<f64>)],
    with: &str,
    share: Option<&CpuShare>,
    figures: &mut Figures,
) {
    let runs = if share.is_some() { RUNS_PER_CPU_SHARE } else { RUNS };
    // Interleaved, so that other load on the machine affects all programs equally.
    let mut all: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for ((program, event, _), runs) in programs.iter().zip(&mut all) {
            runs.push(program.run(event, share));
        }
    }
    let mut idle = None;
    for ((program, _, bound), runs) in programs.iter().zip(&all) {
        let name = program.name;
        let next = median(runs.iter().map(|run| run.to_first_next.as_secs_f64()).collect());
        let response = median(runs.iter().map(|run| run.to_first_response.as_secs_f64()).collect());
        figures.add(PART, format!("{name}: first `/next`{with}"), next * 1e3, "ms");
        figures.add(PART, format!("{name}: first response{with}"), response * 1e3, "ms");
        let idle = *idle.get_or_insert(next);
        if let Some(bound) = bound.filter(|_| share.is_none()) {
            let figure = format!("{name}: first `/next` compared with a function that does nothing{with}");
            figures.compare(PART, figure, next / idle, "×", Target::AtMost(bound));
        }
    }
}

fn memory(normalizer: &Program, upserter: &Program, contact_event_upserter: &Program, figures: &mut Figures) {
    let filled_event = |records: &[Vec<u8>], event: &dyn Fn(&[Vec<u8>]) -> Vec<u8>| {
        let bytes_each = event(records).len() / records.len();
        let count = EVENT_BYTES / bytes_each;
        event(&records.iter().cycle().take(count).cloned().collect::<Vec<_>>())
    };
    let small: Vec<_> =
        generated("contact-records", 500).into_iter().filter(|record| record.len() < 1500).collect();
    let (small_event, large_event) = (
        firehose_event(&small.iter().cycle().take(10_000).cloned().collect::<Vec<_>>()[..]),
        filled_event(&generated("contact-records", 500), &|records| firehose_event(records)),
    );
    let agent_events =
        filled_event(&events_of_different_agents(4000, None), &|records| kinesis_event(records, 0));
    let messages = filled_event(&contact_events(800, 5), &|bodies| sqs_event(bodies));
    for (program, input, event) in [
        (normalizer, "6 MB event", &large_event),
        (normalizer, "10,000 records", &small_event),
        (upserter, "6 MB event, all agents different", &agent_events),
        (contact_event_upserter, "6 MB event", &messages),
    ] {
        let run = program.run(event, None);
        let above_idle = float(run.peak_bytes.saturating_sub(run.idle_bytes)) / 1e6;
        let figure = format!("{}: memory above idle, {input}", program.name);
        if input.starts_with("6 MB") {
            figures.compare("size", figure, above_idle, "MB", Target::AtMost(48.0));
        } else {
            figures.add("size", figure, above_idle, "MB");
        }
        figures.add("size", format!("{}: memory when idle", program.name), float(run.idle_bytes) / 1e6, "MB");
    }
}

fn sizes(programs: [(&Program, f64); 3], figures: &mut Figures) {
    for (program, bound) in programs {
        let binary = std::fs::read(program.path()).unwrap();
        let mut zipped = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut zipped, &binary).unwrap();
        let zipped = float(zipped.finish().unwrap().len()) / 1e6;
        figures.compare("size", format!("{}: zipped", program.name), zipped, "MB", Target::AtMost(bound));
    }
}
