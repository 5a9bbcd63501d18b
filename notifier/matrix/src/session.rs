//! One login, one device, kept in an encrypted store and restored at every start.
//!
//! - The device's name is drawn and stored before the first login: a crash in between makes no second device.
//! - The session (device, token) stands in the same encrypted SQLite store as the keys; the store's key is derived from a
//!   random secret by one SHA-256, since a secret drawn at random needs no slow derivation.
//! - The device is cross-signed, so that people's clients show no warning.
//! - A server that ends the session softly lets us in again with the same device. Any other refusal of the token is a
//!   [`SessionFault`] for the operator: a new login would be a new device, which cannot read what the old one was sent.

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::DeviceId;
use matrix_sdk::ruma::api::client::uiaa::{AuthData, MatrixUserIdentifier, Password, UserIdentifier};
use matrix_sdk::ruma::api::error::ErrorKind;
use matrix_sdk::{Client, SqliteStoreConfig};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use vigie_config::secret::expose;
use vigie_config::settings;

/// Name under which people see the device.
const DEVICE_NAME: &str = "Vigie";
/// Longest wait for one answer of the server; the long poll of a sync adds its own.
const ANSWER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
const DEVICE_KEY: &[u8] = b"vigie:device";
const SESSION_KEY: &[u8] = b"vigie:session";
const LAPSE_KEY: &[u8] = b"vigie:lapse";
/// What Tchap answers once an account has reached its end (Synapse module `email_account_validity`).
const EXPIRED_ACCOUNT: &str = "ORG_MATRIX_EXPIRED_ACCOUNT";
/// Least length of the store's key, in bytes.
const MIN_STORE_KEY: usize = 32;

/// What keeps the channel from starting.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// The store's key is too short to be random.
    #[error("[matrix] store_key : au moins {MIN_STORE_KEY} caractères, tirés au hasard")]
    WeakKey,
    /// The client cannot be made: address or store unreadable.
    #[error("client Matrix : {0}")]
    Build(String),
    /// The store holds something unreadable.
    #[error("session Matrix illisible : {0}")]
    Session(String),
    /// The server refuses the token kept.
    #[error("le serveur Matrix ne reconnaît plus l’appareil de Vigie")]
    TokenLost,
    /// The server cannot be reached, or refuses.
    #[error("serveur Matrix : {0}")]
    Server(String),
}

/// What the operator must see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionFault {
    /// The session ended softly: starting again logs in with the same device.
    SoftLogout,
    /// The token is refused: the device is gone on the server.
    TokenLost,
    /// The account is closed, locked or suspended.
    Account,
}

impl SessionFault {
    /// As the operator reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::SoftLogout => "le serveur Matrix demande une nouvelle connexion : relancez Vigie",
            Self::TokenLost => {
                "le serveur Matrix ne reconnaît plus l’appareil de Vigie : déplacez le dossier [matrix] store et relancez"
            }
            Self::Account => "le compte Matrix de Vigie est fermé ou bloqué : voyez avec l’administrateur du serveur",
        }
    }

    /// What an error of the server says of the account.
    #[must_use]
    pub(crate) fn of(kind: &ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::UnknownToken(data) if data.soft_logout => Some(Self::SoftLogout),
            ErrorKind::UnknownToken(_) | ErrorKind::MissingToken => Some(Self::TokenLost),
            ErrorKind::UserDeactivated | ErrorKind::UserLocked | ErrorKind::UserSuspended => Some(Self::Account),
            other if other.errcode().as_str() == EXPIRED_ACCOUNT => Some(Self::Account),
            _ => None,
        }
    }
}

/// The channel: a device that is logged in.
pub struct Matrix {
    pub(crate) client: Client,
    pub(crate) allowed_servers: Vec<String>,
    pub(crate) clear_rooms: bool,
    /// Rooms and people whose messages could not be read and who were told so.
    pub(crate) deaf: Mutex<BTreeSet<(String, String)>>,
    fault: Mutex<Option<SessionFault>>,
}

impl Matrix {
    /// Opens the store and restores the session, or logs in for the first time.
    ///
    /// # Errors
    /// The store is unreadable, or the server refuses the account.
    pub async fn open(
        block: &settings::Matrix,
        password: &SecretString,
        store_key: &SecretString,
    ) -> Result<Self, MatrixError> {
        if expose(store_key).len() < MIN_STORE_KEY {
            return Err(MatrixError::WeakKey);
        }
        let client = client(block, store_key).await?;
        match kept(&client).await? {
            Some(session) => restore(&client, session, block, password).await?,
            None => log_in(&client, block, password).await?,
        }
        verify(&client, block, password).await?;
        Ok(Self {
            client,
            allowed_servers: block.allowed_servers.clone(),
            clear_rooms: block.clear_rooms,
            deaf: Mutex::default(),
            fault: Mutex::default(),
        })
    }

    /// What the operator must see to, if anything.
    #[must_use]
    pub fn session_fault(&self) -> Option<SessionFault> {
        *self.fault.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// When the session ends, where the server said so at the login.
    pub async fn lapse(&self) -> Option<DateTime<Utc>> {
        let kept = self.client.state_store().get_custom_value(LAPSE_KEY).await.ok().flatten()?;
        DateTime::from_timestamp_millis(String::from_utf8(kept).ok()?.parse().ok()?)
    }

    pub(crate) fn note_fault(&self, fault: SessionFault) {
        *self.fault.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(fault);
    }
}

async fn client(block: &settings::Matrix, store_key: &SecretString) -> Result<Client, MatrixError> {
    let key: [u8; 32] = Sha256::digest(expose(store_key).as_bytes()).into();
    vigie_config::private::create_dir(&block.store).map_err(|e| MatrixError::Build(e.to_string()))?;
    let store = SqliteStoreConfig::new(&block.store).key(Some(&key));
    Client::builder()
        .homeserver_url(&block.homeserver)
        .respect_login_well_known(false)
        // What waits, waits in the outbox: the client tries once.
        .request_config(RequestConfig::new().disable_retry().timeout(ANSWER_TIMEOUT))
        .sqlite_store_with_config_and_cache_path(store, None::<&std::path::Path>)
        .build()
        .await
        .map_err(|e| MatrixError::Build(e.to_string()))
}

async fn kept(client: &Client) -> Result<Option<MatrixSession>, MatrixError> {
    let unreadable = |e: &dyn std::fmt::Display| MatrixError::Session(e.to_string());
    let bytes = client.state_store().get_custom_value(SESSION_KEY).await.map_err(|e| unreadable(&e))?;
    bytes.map(|b| serde_json::from_slice(&b)).transpose().map_err(|e| unreadable(&e))
}

async fn restore(
    client: &Client,
    session: MatrixSession,
    block: &settings::Matrix,
    password: &SecretString,
) -> Result<(), MatrixError> {
    client.restore_session(session).await.map_err(|e| MatrixError::Session(e.to_string()))?;
    match client.whoami().await {
        Ok(_) => Ok(()),
        Err(e) => match e.client_api_error_kind().and_then(SessionFault::of) {
            Some(SessionFault::SoftLogout) => log_in(client, block, password).await,
            Some(SessionFault::TokenLost) => Err(MatrixError::TokenLost),
            Some(SessionFault::Account) => Err(MatrixError::Server(SessionFault::Account.in_french().to_owned())),
            // A server that is away for a moment must not keep the service from starting.
            None => {
                tracing::warn!("the Matrix server does not answer yet: {e}");
                Ok(())
            }
        },
    }
}

async fn log_in(client: &Client, block: &settings::Matrix, password: &SecretString) -> Result<(), MatrixError> {
    let store = client.state_store();
    let unreadable = |e: &dyn std::fmt::Display| MatrixError::Session(e.to_string());
    let device = match store.get_custom_value(DEVICE_KEY).await.map_err(|e| unreadable(&e))? {
        Some(bytes) => String::from_utf8(bytes).map_err(|e| unreadable(&e))?,
        None => {
            let device = DeviceId::new().to_string();
            store
                .set_custom_value_no_read(DEVICE_KEY, device.clone().into_bytes())
                .await
                .map_err(|e| unreadable(&e))?;
            device
        }
    };
    let answer = client
        .matrix_auth()
        .login_username(&block.user, expose(password))
        .device_id(&device)
        .initial_device_display_name(DEVICE_NAME)
        .send()
        .await
        .map_err(|e| MatrixError::Server(e.to_string()))?;
    let lapse = answer.expires_in.and_then(|d| chrono::Duration::from_std(d).ok()).map(|d| Utc::now() + d);
    let lapse = lapse.map_or_else(String::new, |at| at.timestamp_millis().to_string());
    store.set_custom_value_no_read(LAPSE_KEY, lapse.into_bytes()).await.map_err(|e| unreadable(&e))?;
    let session = client.matrix_auth().session().ok_or(MatrixError::TokenLost)?;
    let bytes = serde_json::to_vec(&session).map_err(|e| unreadable(&e))?;
    store.set_custom_value_no_read(SESSION_KEY, bytes).await.map_err(|e| unreadable(&e))
}

/// Cross-signs the device, where it is not. A server that is away leaves it for the next start.
async fn verify(client: &Client, block: &settings::Matrix, password: &SecretString) -> Result<(), MatrixError> {
    let Err(asked) = client.encryption().bootstrap_cross_signing_if_needed(None).await else { return Ok(()) };
    let Some(session) = asked.as_uiaa_response().map(|r| r.session.clone()) else {
        tracing::warn!("the Matrix device is not verified yet: {asked}");
        return Ok(());
    };
    let user = UserIdentifier::Matrix(MatrixUserIdentifier::new(block.user.clone()));
    let mut proof = Password::new(user, expose(password).to_owned());
    proof.session = session;
    client
        .encryption()
        .bootstrap_cross_signing(Some(AuthData::Password(proof)))
        .await
        .map_err(|e| MatrixError::Server(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_says_of_the_account_is_understood() {
        let fault = |body: serde_json::Value| SessionFault::of(&serde_json::from_value::<ErrorKind>(body).unwrap());
        assert_eq!(fault(json!({ "errcode": "M_UNKNOWN_TOKEN", "soft_logout": true })), Some(SessionFault::SoftLogout));
        assert_eq!(fault(json!({ "errcode": "M_UNKNOWN_TOKEN" })), Some(SessionFault::TokenLost));
        for code in ["M_USER_DEACTIVATED", "M_USER_LOCKED", EXPIRED_ACCOUNT] {
            assert_eq!(fault(json!({ "errcode": code })), Some(SessionFault::Account), "{code}");
        }
        assert_eq!(fault(json!({ "errcode": "M_FORBIDDEN" })), None);
    }
}
