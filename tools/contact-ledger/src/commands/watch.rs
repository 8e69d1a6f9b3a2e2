//! Shows a page on a terminal, and refreshes it until the user quits.

use std::time::Duration;

use console::Term;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::keys::Keys;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::print;

/// Shows a page, and the next one every `refresh` seconds.
///
/// # Errors
/// When the next page cannot be read, or the output cannot be written.
pub(crate) async fn watch(
    term: &Term,
    refresh: u32,
    interruption: &Interruption,
    first: String,
    mut next: impl AsyncFnMut() -> anyhow::Result<String>,
) -> anyhow::Result<Outcome> {
    let mut keys = Keys::of_terminal();
    let mut page = first;
    let watched = async {
        loop {
            show(term, &page, refresh)?;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(refresh.into())) => {}
                () = keys.quit() => return anyhow::Ok(()),
            }
            page = next().await?;
        }
    };
    let watched = interruption.unless(watched).await.unwrap_or(Ok(()));
    print("\n")?;
    // Quitting is a success.
    watched.map(|()| Outcome::Done)
}

/// Shows as much of the page as fits the window.
fn show(term: &Term, page: &str, refresh: u32) -> anyhow::Result<()> {
    term.clear_screen()?;
    let lines = usize::from(term.size().0).saturating_sub(3);
    let more = page.lines().count().saturating_sub(lines);
    let hint =
        if more > 0 { format!("{more} more lines; enlarge the window to see them. ") } else { String::new() };
    print(&page.split_inclusive('\n').take(lines).collect::<String>())?;
    print(&format!("\n{hint}q quits; refreshes every {refresh} s"))
}
