//! Questions on the terminal. Where nobody is there to answer, nothing is taken as agreed.

use std::io::{BufRead, IsTerminal, Write};

/// Asks a question that is answered by yes or no; anything but « oui » is no.
pub(super) fn agreed(question: &str) -> bool {
    matches!(line(&format!("{question} (oui/non) ")).as_deref().map(str::to_lowercase).as_deref(), Some("oui" | "o"))
}

/// Whether somebody is there to answer.
pub(super) fn somebody() -> bool {
    std::io::stdin().is_terminal()
}

/// Says something to whoever answers.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Asks for a secret, which is not shown; `None` where nobody is there.
pub(super) fn secret(question: &str) -> Option<String> {
    somebody().then(|| rpassword::prompt_password(question).ok()).flatten()
}

/// Asks, and gives what is typed, trimmed; `None` where nobody is there.
pub(super) fn line(question: &str) -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let mut err = std::io::stderr();
    write!(err, "{question}").and_then(|()| err.flush()).ok()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok().filter(|n| *n > 0)?;
    Some(answer.trim().to_owned())
}
