//! The settings in force, a line each, and where each comes from: a line of the file, or what holds where the file says nothing.
//!
//! Sources and people are not listed: they have pages of their own. A secret is told by its place, never by its value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::load::line_of;
use crate::secret::Secret;
use crate::settings::Settings;

/// The file that settings were read from, and the line of each of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Empty where no file was read.
    pub file: PathBuf,
    /// Lines, from 1, by the path of the value: `email.host`.
    lines: BTreeMap<String, usize>,
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its path: `email.host`.
    pub key: String,
    /// Its value, as the file writes it.
    pub value: String,
    /// The line of the file that gives it; `None` where the file says nothing.
    pub line: Option<usize>,
}

impl Origin {
    /// Where the values of a file that could be read stand.
    pub(crate) fn of(text: &str, file: &Path) -> Self {
        let mut lines = BTreeMap::new();
        if let Ok(table) = DeTable::parse(text) {
            for (key, value) in table.get_ref() {
                walk(key.get_ref(), value, text, &mut lines);
            }
        }
        Self { file: file.to_owned(), lines }
    }
}

fn walk(path: &str, value: &toml::Spanned<DeValue<'_>>, text: &str, lines: &mut BTreeMap<String, usize>) {
    lines.insert(path.to_owned(), line_of(text, value.span().start));
    if let Some(table) = value.get_ref().as_table() {
        for (key, value) in table {
            walk(&format!("{path}.{}", key.get_ref()), value, text, lines);
        }
    }
}

/// Every setting in force, in the order of their paths.
#[must_use]
pub fn lines(settings: &Settings) -> Vec<Line> {
    let mut out = Vec::new();
    // What was read from TOML can be written so; a value that cannot is not shown.
    if let Ok(table) = toml::Table::try_from(settings) {
        for (key, value) in table {
            flatten(key, &value, settings, &mut out);
        }
    }
    out.sort_by(|a, b| a.key.cmp(&b.key));
    out
}

/// Every secret that the settings name, by the path of its key.
#[must_use]
pub fn secrets(settings: &Settings) -> Vec<(String, Secret)> {
    let mut out = Vec::new();
    if let Ok(table) = toml::Table::try_from(settings) {
        collect("", &toml::Value::Table(table), &mut out);
    }
    out
}

fn collect(path: &str, value: &toml::Value, out: &mut Vec<(String, Secret)>) {
    let Some(table) = value.as_table() else { return };
    if is_secret(table)
        && let Ok(secret) = Secret::try_from(value.clone())
    {
        out.push((path.to_owned(), secret));
        return;
    }
    for (key, value) in table {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        collect(&path, value, out);
    }
}

fn flatten(path: String, value: &toml::Value, settings: &Settings, out: &mut Vec<Line>) {
    match value {
        toml::Value::Table(table) if !is_secret(table) => {
            for (key, value) in table {
                flatten(format!("{path}.{key}"), value, settings, out);
            }
        }
        value => {
            let line = settings.origin.lines.get(&path).copied();
            out.push(Line { key: path, value: value.to_string(), line });
        }
    }
}

/// The place of a secret: one setting.
fn is_secret(table: &toml::Table) -> bool {
    table.len() == 1 && (table.contains_key("env") || table.contains_key("file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_says_where_it_comes_from_and_no_secret_its_value() {
        let text = "[operator]\nname = \"A\"\ncontact = \"a@b.fr\"\norganisation = \"B\"\n\n[email]\nhost = \"mail.example\"\nfrom = \"a@b.fr\"\npassword = { file = \"/run/secret\" }\nusername = \"a\"\n";
        let settings = crate::load::parse(text, Path::new("vigie.toml"), &[]).unwrap();
        let shown = lines(&settings);
        let of = |key: &str| shown.iter().find(|l| l.key == key).unwrap_or_else(|| panic!("{key}: {shown:#?}"));
        assert_eq!((of("email.host").value.as_str(), of("email.host").line), ("\"mail.example\"", Some(7)));
        assert_eq!(
            (of("email.password").value.as_str(), of("email.password").line),
            ("{ file = \"/run/secret\" }", Some(9))
        );
        assert_eq!(of("fetch.timeout_s").line, None);
        assert!(!shown.iter().any(|l| l.key.starts_with("source") || l.key.starts_with("subscriber")));
        let secrets = secrets(&settings);
        assert_eq!(secrets, [("email.password".to_owned(), Secret::File("/run/secret".into()))]);
        assert!(shown.is_sorted_by(|a, b| a.key < b.key), "each once");
    }
}
