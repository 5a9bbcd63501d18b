//! Why the store could not do something.

use std::path::PathBuf;

use crate::sql::SqlError;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is none that this program knows.
    #[error("adresse de base « {0} » inconnue ; écrivez sqlite:CHEMIN ou postgres://…")]
    Url(String),
    /// The file cannot be opened, is none of SQLite, or may only be read.
    #[error("base {} : {source}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: SqlError,
    },
    /// The server cannot be reached, or lets nobody in.
    #[error("base {server} : {source}")]
    Server {
        /// Where it is, without its user and password.
        server: String,
        /// Why.
        source: SqlError,
    },
    /// The database refused.
    #[error("base de données : {0}")]
    Database(#[from] SqlError),
    /// The database was made by a newer program.
    #[error(
        "la base est à l’étape {found}, ce programme ne connaît que l’étape {newest} ; installez une version plus récente de Vigie"
    )]
    Newer {
        /// Step of the database.
        found: usize,
        /// Newest step of this program.
        newest: usize,
    },
    /// A file is damaged, or is none of ours.
    #[error("fichier abîmé {} : {why}", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The copy that is made before the schema changes could not be made: nothing was changed.
    #[error("la base doit changer d’étape, et sa copie {} n’a pas pu être faite : {source}", path.display())]
    NoCopy {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: Box<StoreError>,
    },
    /// Subscriptions changed at every look.
    #[error("les abonnements changent sans cesse ; la veille reprendra à la prochaine passe")]
    TooManyRetries,
    /// The file that is written to is not at its address any more: what is written is lost with the process.
    #[error(
        "le fichier de la base n’est plus à {} : il a été effacé ou remplacé ; arrêtez Vigie et remettez-le, ou une sauvegarde",
        path.display()
    )]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// What was committed a moment ago is not there.
    #[error("une écriture validée n’est pas relue")]
    NotReadBack,
    /// What was stored cannot be read back.
    #[error("donnée illisible dans {place} : {source}")]
    Unreadable {
        /// Table and key.
        place: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether the database is away for now: it is reached again without anything being mended in the program.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Server { .. } | Self::Gone { .. } => true,
            Self::Database(source) | Self::File { source, .. } => source.is_away(),
            _ => false,
        }
    }

    /// Whether the server of the database does not take connections, or not yet; one that lets this account in no more is there.
    #[must_use]
    pub fn is_silent_server(&self) -> bool {
        matches!(self, Self::Server { source, .. } if source.is_away())
    }

    /// Whether there is no room left where the database is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(source) | Self::File { source, .. } | Self::Server { source, .. } => source.is_full(),
            Self::NoCopy { source, .. } => source.is_full(),
            _ => false,
        }
    }

    /// Says at which server a database failed while it was being opened.
    pub(crate) fn of_server(self, url: &str) -> Self {
        match self {
            Self::Database(source @ SqlError::Postgres(_)) => {
                let server =
                    url.split(['@', '/']).filter(|part| !part.is_empty()).nth(if url.contains('@') { 2 } else { 1 });
                Self::Server { server: server.unwrap_or_default().to_owned(), source }
            }
            other => other,
        }
    }
}
