//! `[[source]]`: what is watched. A block's own keys belong to its reader, which refuses what it does not know.

use serde::Deserialize;

use crate::fault::{BlockFault, Step, hint, translate};

/// What the first poll of a source does with what it finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// Stored, nobody told.
    #[default]
    Quiet,
    /// One grouped message a person.
    Digest,
    /// Told like anything new.
    Deliver,
}

/// Who may see what a source brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceVisibility {
    /// Anybody: it is published.
    Public,
    /// Those who were told of it.
    Told,
}

/// `[[source]]`: what every source has, and the keys of its own reader.
#[derive(Debug, Clone, Deserialize)]
pub struct Source {
    /// Name, unique, kept for ever: it is part of each notice's identity.
    pub id: String,
    /// Which reader: see `vigie sources list`.
    pub kind: String,
    /// Address of the API, feed or page; documented APIs have a default.
    #[serde(default)]
    pub url: Option<String>,
    /// Cron expression with seconds; the reader's own default when absent.
    #[serde(default)]
    pub schedule: Option<String>,
    /// What the first poll does.
    #[serde(default)]
    pub baseline: Baseline,
    /// Who may see what it brings; the reader's own default when absent: `told` behind a login, by mail, of a private company.
    #[serde(default)]
    pub visibility: Option<SourceVisibility>,
    /// `false` leaves the block in place and stops the watch.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The keys of the reader, read by [`Source::options`].
    #[serde(flatten)]
    pub options: toml::Table,
}

impl Source {
    /// A block with this name, reader and address, and defaults for the rest.
    #[must_use]
    pub fn new(id: &str, kind: &str, url: Option<&str>, baseline: Baseline) -> Self {
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            url: url.map(str::to_owned),
            schedule: None,
            baseline,
            visibility: None,
            enabled: true,
            options: toml::Table::new(),
        }
    }

    /// The same block with one more key of its reader.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.options.insert(key.to_owned(), value.into());
        self
    }

    /// The keys of the reader, in the reader's own shape (which refuses unknown ones).
    ///
    /// # Errors
    /// A key that is unknown, missing or of another type, and where it stands.
    pub fn options<T: serde::de::DeserializeOwned>(&self) -> Result<T, BlockFault> {
        serde_path_to_error::deserialize(self.options.clone()).map_err(|e| {
            let mut path: Vec<Step> = e
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(Step::At(*index)),
                    serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
                    _ => None,
                })
                .collect();
            let message = e.inner().message();
            let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
            if let Some(key) = unknown.filter(|key| !matches!(path.last(), Some(Step::Key(last)) if last == key)) {
                path.push(Step::Key(key.to_owned()));
            }
            BlockFault { path, what: translate(message), fix: hint(message) }
        })
    }

    /// The address, where the reader needs one.
    ///
    /// # Errors
    /// There is none, or it is unreadable.
    pub fn needed_url(&self) -> Result<url::Url, BlockFault> {
        let text = self.url.as_deref().ok_or_else(|| {
            let what = format!("la source « {} » n’a pas d’adresse", self.id);
            BlockFault::at("kind", what, "ajoutez url = \"https://…\"")
        })?;
        self.url_or(text)
    }

    /// The address, or the reader's default.
    ///
    /// # Errors
    /// It is unreadable.
    pub fn url_or(&self, default: &str) -> Result<url::Url, BlockFault> {
        let text = self.url.as_deref().unwrap_or(default);
        url::Url::parse(text).map_err(|e| {
            // The line is shown: what is written there may hold an account.
            BlockFault::at("url", format!("adresse illisible : {e}"), "écrivez une adresse complète")
        })
    }
}

fn yes() -> bool {
    true
}
