//! What commands write on standard output, and words of closed lists that they read.

use std::io::Write;

use vigie_config::settings::Settings;
use vigie_service::Failure;

use crate::setup;

/// Writes to standard output; a closed pipe (`| head`) is no failure.
///
/// # Errors
/// The output cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("sortie standard : {e}"), "sortie standard", "vérifiez la redirection"))
        }
        _ => Ok(()),
    }
}

/// Says in which database a command wrote: the service must read the same one.
///
/// # Errors
/// The output cannot be written, or the settings name no database.
pub(super) fn wrote(settings: &Settings) -> Result<(), Failure> {
    print(&format!("(base : {})\n", setup::database_name(settings)?))
}

/// Rows with aligned columns.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width =
        |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([head[i].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(c, w)| format!("{c}{}", " ".repeat(w - c.chars().count()))).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(head.to_vec());
    rows.iter().for_each(|r| out.push_str(&line(r.iter().map(String::as_str).collect())));
    out
}

/// Reads a word of a closed list, as JSON spells it.
pub(super) fn parse_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| format!("valeur inconnue « {text} »"))
}
