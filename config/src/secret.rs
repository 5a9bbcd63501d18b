//! Secrets: named in the file, read from the environment or from another file, never printed.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vigie_domain::french;

/// Where a secret is kept. Written `{ env = "NAME" }` or `{ file = "/path" }`; the value itself may not stand in the
/// settings file. Written out, it is its place again, never its value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "toml::Value", rename_all = "lowercase")]
pub enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file whose content, without its last line break, is the secret.
    File(PathBuf),
}

impl TryFrom<toml::Value> for Secret {
    type Error = &'static str;

    /// Refuses a secret in clear without repeating it, as a derived reader's error message would.
    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        let table = value.as_table().filter(|t| t.len() == 1);
        let entry = |key: &str| table.and_then(|t| t.get(key)).and_then(toml::Value::as_str);
        match (entry("env"), entry("file")) {
            (Some(name), _) => Ok(Self::Env(name.to_owned())),
            (_, Some(path)) => Ok(Self::File(path.into())),
            _ => Err("Secret mal écrit"),
        }
    }
}

/// A secret that could not be read. The message names the place and never the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("la variable d’environnement {0} n’est pas définie")]
    Unset(String),
    /// The file cannot be read.
    #[error("le fichier de secret {} est illisible : {}", path.display(), french::of_system(source))]
    Unreadable { path: PathBuf, source: std::io::Error },
}

impl Secret {
    /// Reads the secret.
    ///
    /// # Errors
    /// The variable is not set, or the file is unreadable.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => {
                std::env::var(name).map(SecretString::from).map_err(|_| SecretError::Unset(name.clone()))
            }
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| SecretString::from(text.trim_end_matches(['\n', '\r']).to_owned()))
                .map_err(|source| SecretError::Unreadable { path: path.clone(), source }),
        }
    }
}

/// Hands out the value, at the one place where it is sent.
#[must_use]
pub fn expose(secret: &SecretString) -> &str {
    secret.expose_secret()
}
