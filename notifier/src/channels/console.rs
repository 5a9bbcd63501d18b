//! Console: the message as a mail would say it, on standard output. For the demo, and to try a configuration.

use std::io::Write;

use vigie_domain::delivery::Outcome;

use super::Envelope;

/// Writes messages to standard output.
#[derive(Debug, Default, Clone, Copy)]
pub struct Console;

impl Console {
    /// Writes one message, framed.
    #[must_use]
    pub fn send(self, envelope: &Envelope<'_>) -> Outcome {
        let rule = "─".repeat(78);
        let reply =
            if envelope.thread.is_empty() { "" } else { "\nRéponse à : message précédent sur cette procédure" };
        let resend = if envelope.resend { "\n(renvoi)" } else { "" };
        let text = format!(
            "{rule}\nObjet : {}{reply}{resend}\n{rule}\n{}\n",
            envelope.message.subject,
            envelope.message.text()
        );
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Outcome::Accepted("affiché".to_owned()),
            Err(e) => Outcome::Transient { why: format!("sortie standard : {e}"), retry_after: None },
        }
    }
}
