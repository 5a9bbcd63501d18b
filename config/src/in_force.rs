//! The settings in force, a line each, and where each comes from: a line of the file, or what holds where the file says nothing.
//!
//! Sources and people are not listed: they have pages of their own. A secret is told by its place, never by its value.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::load::line_of;
use crate::secret::Secret;
use crate::settings::Settings;

/// The file that settings were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Empty where no file was read.
    pub file: PathBuf,
    /// What it says.
    pub(crate) text: Arc<str>,
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

/// Every setting in force, in the order of their paths.
#[must_use]
pub fn lines(settings: &Settings) -> Vec<Line> {
    let (text, mut places, mut out) = (&settings.origin.text, BTreeMap::new(), Vec::new());
    if let Ok(table) = DeTable::parse(text) {
        for (key, value) in table.get_ref() {
            locate(key.get_ref(), value, text, &mut places);
        }
    }
    each(settings, &mut |key, value| {
        let line = places.get(&key).copied();
        out.push(Line { value: value.to_string(), line, key });
    });
    out.sort_by(|a, b| a.key.cmp(&b.key));
    out
}

/// Every secret that the settings name, by the path of its key.
#[must_use]
pub fn secrets(settings: &Settings) -> Vec<(String, Secret)> {
    let mut out = Vec::new();
    each(settings, &mut |key, value| out.extend(Secret::try_from(value.clone()).ok().map(|secret| (key, secret))));
    // People of the file are shown nowhere; where their tools are is a secret like another.
    for (i, subscriber) in settings.subscriber.iter().enumerate() {
        let tools = subscriber.tool.iter().enumerate();
        out.extend(tools.map(|(n, tool)| (format!("subscriber.{i}.tool.{n}.url"), tool.url.clone())));
    }
    out
}

/// The line of each value, by its path.
fn locate(path: &str, value: &toml::Spanned<DeValue<'_>>, text: &str, places: &mut BTreeMap<String, usize>) {
    places.insert(path.to_owned(), line_of(text, value.span().start));
    if let Some(table) = value.get_ref().as_table() {
        for (key, value) in table {
            locate(&format!("{path}.{}", key.get_ref()), value, text, places);
        }
    }
}

/// Shows every setting, by its path; the place of a secret is one.
fn each(settings: &Settings, look: &mut impl FnMut(String, &toml::Value)) {
    // What was read from TOML can be written so; a value that cannot is not shown.
    if let Ok(table) = toml::Table::try_from(settings) {
        for (key, value) in table {
            walk(key, &value, look);
        }
    }
}

fn walk(path: String, value: &toml::Value, look: &mut impl FnMut(String, &toml::Value)) {
    match value {
        toml::Value::Table(table) if Secret::try_from(value.clone()).is_err() => {
            for (key, value) in table {
                walk(format!("{path}.{key}"), value, look);
            }
        }
        value => look(path, value),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
