//! What a person sees, on a terminal, of a work that takes long: how much of it is written, or that it goes on. Elsewhere nothing is shown.

use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often it is drawn anew.
const LOOK: Duration = Duration::from_millis(200);

/// Does that work, and shows meanwhile how many of so many bytes are done. Zero in all: nobody knows how much there is.
pub(super) async fn shown<T>(
    what: &'static str,
    whole: u64,
    done: impl Fn() -> u64,
    work: impl Future<Output = T>,
) -> T {
    let bar = bar(what, whole, ProgressDrawTarget::stderr());
    // By a thread of its own: a work that holds this one goes on before the eyes all the same.
    bar.enable_steady_tick(LOOK);
    let (mut look, mut work) = (tokio::time::interval(LOOK), pin!(work));
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            // What was written may have another name already.
            _ = look.tick() => bar.set_position(done().min(whole).max(bar.position())),
        }
    };
    bar.finish_and_clear();
    outcome
}

fn bar(what: &'static str, whole: u64, target: ProgressDrawTarget) -> ProgressBar {
    let (length, template) = match whole {
        0 => (None, "{spinner} {msg} ({elapsed})"),
        whole => (Some(whole), "{spinner} {msg} {wide_bar} {percent} % ({elapsed})"),
    };
    let bar = ProgressBar::with_draw_target(length, target).with_message(what);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn the_work_is_done_and_looked_at_meanwhile() {
        let looks = Cell::new(0);
        let done = || {
            looks.set(looks.get() + 1);
            looks.get()
        };
        // Done once it was looked at often enough.
        let work = std::future::poll_fn(|_| if looks.get() < 4 { Poll::Pending } else { Poll::Ready("fait") });
        assert_eq!(shown("copie", 3, done, work).await, "fait");
        assert!(looks.get() >= 4, "{looks:?}");
    }

    #[test]
    fn both_ways_of_showing_it_can_be_drawn() {
        for template in [0, 100].map(|whole| bar("copie", whole, ProgressDrawTarget::hidden())) {
            template.tick();
            assert_eq!(template.message(), "copie");
        }
        assert!(ProgressStyle::with_template("{spinner} {msg} {wide_bar} {percent} % ({elapsed})").is_ok());
    }
}
