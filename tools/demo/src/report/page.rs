//! The page: bars of plain HTML, which stay readable on a phone, and one canvas for the agents' days.

use std::fmt::Write as _;

use serde_json::json;

use super::{Findings, QUARTER, Quarter};
use crate::expected::Differences;
use ledger_console::render::terminal::grouped;

const PAGE: &str = include_str!("page.html");
/// Handling times above this share the last bar.
const LAST_MINUTE: u64 = 20;

impl Findings {
    /// The page.
    pub(super) fn page(&self) -> String {
        let parts = [
            ("{{tiles}}", self.tiles()),
            ("{{verdict}}", self.verdict()),
            ("{{contacts}}", self.contacts_chart()),
            ("{{service_level}}", self.service_level_chart()),
            ("{{handle_time}}", self.handle_time_chart()),
            ("{{outcomes}}", self.outcomes_table()),
            ("{{promises}}", self.promises_table()),
            ("{{timelines}}", self.timelines_json()),
        ];
        parts.iter().fold(PAGE.to_owned(), |page, (name, part)| page.replace(name, part))
    }

    fn tiles(&self) -> String {
        let total: u64 = self.contacts.values().map(Quarter::total).sum();
        let events = self.summary.agent_events;
        [
            (total, "contacts"),
            (self.summary.rows, "rows in the lake"),
            (self.summary.agents as u64, "agents"),
            (events, "agent events"),
            (self.summary.history_entries as u64, "history entries"),
        ]
        .iter()
        .fold(String::new(), |mut tiles, (number, name)| {
            let _ = write!(tiles, "<div class=tile><b>{}</b>{name}</div>", grouped(*number));
            tiles
        })
    }

    fn contacts_chart(&self) -> String {
        let quarters = self.quarters();
        let most = quarters.iter().map(|(_, quarter)| quarter.total()).max().unwrap_or(1).max(1);
        let bars = quarters.iter().map(|(at, quarter)| {
            let Quarter { answered, abandoned, other, .. } = *quarter;
            let parts = [(other, "other"), (abandoned, "abandoned"), (answered, "answered")];
            let title = format!("{}: {answered} answered, {abandoned} abandoned, {other} other", clock(*at));
            bar(&label(*at), &title, &parts.map(|(number, class)| (percent(number, most), class)))
        });
        chart(&bars.collect::<Vec<_>>(), [0, most / 2, most].map(grouped))
    }

    fn service_level_chart(&self) -> String {
        let quarters = self.quarters();
        let bars = quarters.iter().map(|(at, quarter)| {
            let (share, title) = match quarter.queued {
                0 => (0.0, format!("{}: nobody queued", clock(*at))),
                queued => {
                    let title = format!("{}: {} of {queued} in time", clock(*at), quarter.in_time);
                    (percent(quarter.in_time, queued), title)
                }
            };
            bar(&label(*at), &title, &[(share, "level")])
        });
        let (in_time, queued) = quarters.iter().fold((0, 0), |(in_time, queued), (_, quarter)| {
            (in_time + quarter.in_time, queued + quarter.queued)
        });
        let all = percent(in_time, queued.max(1));
        let note = format!("<p class=note>The whole day: {in_time} of {queued}, {all:.1} %.</p>");
        chart(&bars.collect::<Vec<_>>(), ["0 %", "50 %", "100 %"].map(str::to_owned)) + &note
    }

    fn handle_time_chart(&self) -> String {
        let last = self.handle_minutes.keys().max().copied().unwrap_or_default().min(LAST_MINUTE);
        let contacts = |minute: u64| -> u64 {
            let range = if minute == LAST_MINUTE { minute..=u64::MAX } else { minute..=minute };
            self.handle_minutes.range(range).map(|(_, contacts)| contacts).sum()
        };
        let most = (0..=last).map(contacts).max().unwrap_or(1).max(1);
        let bars = (0..=last).map(|minute| {
            let title = format!("{} contacts took {minute} to {} minutes", contacts(minute), minute + 1);
            let label = if minute.is_multiple_of(5) { minute.to_string() } else { String::new() };
            bar(&label, &title, &[(percent(contacts(minute), most), "answered")])
        });
        chart(&bars.collect::<Vec<_>>(), [0, most / 2, most].map(grouped))
    }

    fn outcomes_table(&self) -> String {
        let outcomes = self.summary.outcomes;
        let rows = [
            ("applied", outcomes.applied, "new, and the agent's state moved"),
            ("duplicate", outcomes.duplicate, "seen before, nothing changed"),
            ("stale", outcomes.stale, "late: the state, already newer, stayed"),
            ("skipped", outcomes.skipped, "another known kind"),
            ("rejected", outcomes.rejected, "kept with the reason"),
            ("retried", outcomes.retried, "sent again, and counted above"),
        ];
        rows.iter().fold(String::new(), |mut table, (name, number, meaning)| {
            let _ = write!(
                table,
                "<tr><td><code>{name}</code></td><td class=number>{}</td><td>{meaning}</td></tr>",
                grouped(*number)
            );
            table
        })
    }

    /// What README promises, with what this run measured for it.
    fn promises_table(&self) -> String {
        let Differences { agents, history, rows, failures } = self.differences;
        let outcomes = self.summary.outcomes;
        let count = |number: u64, what: &str| format!("{} {what}", grouped(number));
        let faults = if self.is_chaos {
            format!(
                "{}; {}",
                count(outcomes.retried, "events sent again"),
                count(self.summary.given_up, "given up")
            )
        } else {
            "no faults were injected in this run; try <code>--chaos 1</code>".to_owned()
        };
        let measured = [
            (
                "same record delivered again",
                count(self.redelivered_rows, "rows came again, with the same hash"),
                count(outcomes.duplicate, "events counted as <code>duplicate</code>"),
            ),
            (
                "newer version of a contact",
                count(self.newer_versions, "newer rows, each in its contact's partition"),
                "–".to_owned(),
            ),
            (
                "older arrives after newer",
                "the newest is still the one with the greatest version".to_owned(),
                count(outcomes.stale, "events counted as <code>stale</code>"),
            ),
            (
                "malformed, truncated, wrong kind",
                format!(
                    "{}, {}",
                    count(self.summary.failed, "kept by Firehose"),
                    count(self.summary.dropped, "dropped")
                ),
                format!(
                    "{}, {}",
                    count(outcomes.rejected, "rejected and kept"),
                    count(outcomes.skipped, "skipped")
                ),
            ),
            (
                "nothing lost without a copy",
                count(self.bytes_kept, "bytes kept under errors/ and rejected/"),
                count(self.summary.given_up, "records given up"),
            ),
            ("throttling, lost answers, crashes, denied access", "–".to_owned(), faults),
            (
                "every one counts exactly once",
                format!(
                    "{} and {} differ from what was sent",
                    count(rows as u64, "rows"),
                    count(failures as u64, "failures")
                ),
                format!(
                    "{} and {} differ from the fold of the events",
                    count(agents as u64, "agents"),
                    count(history as u64, "entries")
                ),
            ),
        ];
        measured.iter().fold(String::new(), |mut table, (threat, contact_records, agent_events)| {
            let _ =
                write!(table, "<tr><td>{threat}</td><td>{contact_records}</td><td>{agent_events}</td></tr>");
            table
        })
    }

    /// The agents' spans, shortest form: begin and length in seconds, and what.
    fn timelines_json(&self) -> String {
        const WHAT: [&str; 8] = [
            "available",
            "custom",
            "after_contact_work",
            "ringing",
            "missed",
            "paused",
            "on_hold",
            "on_contact",
        ];
        let begin = self.timelines.values().flat_map(|timeline| &timeline.spans).map(|span| span.start).min();
        let begin = begin.unwrap_or_default() / 3600 * 3600;
        let mut agents: Vec<_> = self.timelines.values().collect();
        agents.sort_by(|one, other| one.username.cmp(&other.username));
        let agents: Vec<_> = agents
            .iter()
            .map(|timeline| {
                // Contacts are drawn over statuses, and the more pressing over the less.
                let place = |what: &str| WHAT.iter().position(|known| *known == what).unwrap_or_default();
                let mut spans: Vec<_> = timeline
                    .spans
                    .iter()
                    .map(|span| (place(span.what), span.start - begin, span.end - span.start))
                    .collect();
                spans.sort_unstable();
                let spans: Vec<_> = spans
                    .into_iter()
                    .flat_map(|(what, at, length)| [json!(what), json!(at), json!(length)])
                    .collect();
                json!([timeline.username, spans])
            })
            .collect();
        // A username is the only text from outside, and no script may end inside it.
        json!({"begin": begin, "what": WHAT, "agents": agents}).to_string().replace('<', "\\u003c")
    }

    /// Every quarter from the first to the last, those without contacts among them.
    fn quarters(&self) -> Vec<(i64, Quarter)> {
        let (Some(first), Some(last)) = (self.contacts.keys().next(), self.contacts.keys().next_back())
        else {
            return Vec::new();
        };
        // Data of weeks would be bars too thin to see: the first day stands for all.
        let last = (*last).min(first + 24 * 3600);
        let quarters = (0..).map(|number| first + number * QUARTER).take_while(|at| *at <= last);
        quarters.map(|at| (at, self.contacts.get(&at).copied().unwrap_or_default())).collect()
    }
}

impl Quarter {
    fn total(&self) -> u64 {
        self.answered + self.abandoned + self.other
    }
}

/// A column of parts, the last of them at the bottom.
fn bar(label: &str, title: &str, parts: &[(f64, &str)]) -> String {
    let parts =
        parts.iter().filter(|(height, _)| *height > 0.0).fold(String::new(), |mut parts, (height, class)| {
            let _ = write!(parts, "<i class={class} style=\"height:{height:.2}%\"></i>");
            parts
        });
    format!("<div class=bar title=\"{title}\"><div class=column>{parts}</div><span>{label}</span></div>")
}

fn chart(bars: &[String], scale: [String; 3]) -> String {
    if bars.is_empty() {
        return "<p class=note>Nothing to show.</p>".to_owned();
    }
    let [bottom, middle, top] = scale;
    format!(
        "<div class=chart><div class=scale><span>{top}</span><span>{middle}</span><span>{bottom}</span></div><div class=bars>{}</div></div>",
        bars.concat()
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts of a day")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

fn clock(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| String::new(), |at| at.strftime("%H:%M").to_string())
}

/// The full hours have one.
fn label(at: i64) -> String {
    if at.rem_euclid(3600) == 0 {
        clock(at).split(':').next().unwrap_or_default().to_owned()
    } else {
        String::new()
    }
}
