//! What commands write on standard output: sentences, and lists as a table or as JSON; and words of closed lists that they read.

use std::io::Write;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Europe::Paris;
use serde_json::{Map, Value};
use vigie_config::settings::Settings;
use vigie_domain::french;
use vigie_notifier::card::short;
use vigie_service::Failure;

use crate::setup;

/// Writes to standard output; a closed pipe (`| head`) is no failure.
///
/// # Errors
/// The output cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            format!("sortie standard : {}", french::of_system(&e)),
            "sortie standard",
            "vérifiez la redirection",
        )),
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

/// How a list is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// Un tableau à lire
    #[default]
    Text,
    /// Du JSON, pour un programme
    Json,
}

/// `--output`
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct OutputArg {
    /// Forme du résultat
    #[arg(long = "output", value_enum, default_value_t = Output::Text)]
    pub(super) form: Output,
}

/// A value of a list: people read it in French, programs as what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    /// A text of which a table shows the first signs, so many.
    Long(String, usize),
    Number(i64),
    /// A moment; none is a dash for people.
    Moment(Option<DateTime<Utc>>),
    Day(Option<NaiveDate>),
    /// A word of a closed list: in French, and as programs write it.
    Word(&'static str, &'static str),
    /// What a table shows, and what a program reads.
    Both(String, Value),
}

impl Cell {
    fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Both(text, _) => text.clone(),
            Self::Long(text, most) => short(text, *most),
            Self::Number(n) => n.to_string(),
            Self::Moment(at) => at.map_or_else(|| "–".to_owned(), local),
            Self::Day(day) => day.map_or_else(|| "–".to_owned(), |d| d.format("%d/%m/%Y").to_string()),
            Self::Word(french, _) => (*french).to_owned(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(text) | Self::Long(text, _) => Value::from(text.as_str()),
            Self::Number(n) => Value::from(*n),
            Self::Moment(at) => at.map_or(Value::Null, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true).into()),
            Self::Day(day) => day.map_or(Value::Null, |day| day.to_string().into()),
            Self::Word(_, word) => Value::from(*word),
            Self::Both(_, value) => value.clone(),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A moment as people read it in a table.
pub(super) fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).format("%d/%m/%Y %H:%M").to_string()
}

/// A list with its columns: the key that a program reads, and the head that people read.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) columns: &'static [(&'static str, &'static str)],
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Listing {
    /// An array of objects, one a row.
    pub(super) fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let pairs = self.columns.iter().zip(row).map(|((key, _), cell)| ((*key).to_owned(), cell.value()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// Rows with aligned columns.
    pub(super) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|r| r.iter().map(Cell::shown).collect()).collect();
        let heads: Vec<&str> = self.columns.iter().map(|(_, head)| *head).collect();
        let width =
            |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([heads[i].chars().count()]).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let line = |cells: Vec<&str>| {
            let padded: Vec<String> =
                cells.iter().zip(&widths).map(|(c, w)| format!("{c}{}", " ".repeat(w - c.chars().count()))).collect();
            format!("{}\n", padded.join("  ").trim_end())
        };
        let mut out = line(heads.clone());
        rows.iter().for_each(|r| out.push_str(&line(r.iter().map(String::as_str).collect())));
        out
    }

    /// Writes it as asked.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn print(&self, output: OutputArg) -> Result<(), Failure> {
        match output.form {
            Output::Text => print(&self.table()),
            Output::Json => print_json(&self.json()),
        }
    }
}

/// Writes JSON for a program.
///
/// # Errors
/// The output cannot be written.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}

/// Reads a word of a closed list, as JSON spells it.
pub(super) fn parse_word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| format!("valeur inconnue « {text} »"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_read_the_same_list_each_in_their_way() {
        let at = DateTime::from_timestamp(1_795_000_000, 0);
        let list = Listing {
            columns: &[("when", "quand"), ("state", "état"), ("title", "titre")],
            rows: vec![vec![Cell::Moment(at), Cell::Word("envoyé", "sent"), Cell::Long("été ".repeat(30), 10)]],
        };
        let table = list.table();
        assert!(table.contains("18/11/2026 12:06  envoyé") && table.contains('…'), "{table}");
        let json = list.json();
        assert_eq!(json[0]["when"], "2026-11-18T11:06:40Z");
        assert_eq!(json[0]["state"], "sent");
        assert_eq!(json[0]["title"], "été ".repeat(30));
        let none = Listing { columns: &[("when", "quand")], rows: vec![vec![Cell::Moment(None)]] };
        assert!(none.table().contains('–') && none.json()[0]["when"].is_null());
    }
}
