//! `demo --live`: a contact center around the present moment, whose records are sent when they happen.

use std::sync::OnceLock;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lambda_io::telemetry::now;
use ledger_console::arguments::demo::DemoArguments;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::print;
use local_aws::stack::Stack;
use synthetic_center::Sent;
use tokio::sync::mpsc;

use crate::put::put_record;

/// Records that are generated ahead.
const AHEAD: usize = 1000;

/// Sends what has happened so far, and then each record at its time. Returns only if something fails.
pub(crate) async fn live(
    stack: &mut Stack,
    arguments: &DemoArguments,
    endpoints: &str,
    served: &OnceLock<Outcome>,
) -> anyhow::Result<Outcome> {
    let begin = now().epoch_milliseconds();
    let mut records = generated(arguments, begin);
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{msg}, {elapsed}").expect("the template names known parts"));
    let (mut sent, mut next) = (0, None);
    while let Some(record) = records.recv().await {
        if record.at > begin {
            next = Some(record);
            break;
        }
        put_record(stack, record).await?;
        sent += 1;
        bar.set_message(format!("the last hours: {sent} records"));
    }
    stack.settle(sent).await?;
    bar.finish_and_clear();
    stack.publish()?;
    // From here on, an interruption is the normal end. It is set only here.
    let _ = served.set(Outcome::Done);
    print(&format!(
        "The contact center is live: {sent} records of its last hours have arrived.\n{endpoints}"
    ))?;
    while let Some(record) = next.take() {
        let ahead = record.at - now().epoch_milliseconds();
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or_default());
        tokio::select! {
            ended = stack.run() => return ended.map(|()| Outcome::Done),
            () = tokio::time::sleep(ahead) => {}
        }
        put_record(stack, record).await?;
        next = records.recv().await;
    }
    Ok(Outcome::Done)
}

/// The records of the center, generated in a thread.
fn generated(arguments: &DemoArguments, begin: i64) -> mpsc::Receiver<Sent> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let records = arguments.center.live_records(begin, arguments.pace);
    tokio::task::spawn_blocking(move || {
        for record in records {
            // The receiver is dropped when the demo ends.
            if sender.blocking_send(record).is_err() {
                break;
            }
        }
    });
    receiver
}
