//! The bot: its token, its client, what the server says of it.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use teloxide_core::payloads::SetMyCommandsSetters as _;
use teloxide_core::prelude::Requester as _;
use teloxide_core::types::{AllowedUpdate, BotCommand};
use teloxide_core::{Bot, RequestError};
use tokio::sync::OnceCell;
use vigie_config::secret::expose;
use vigie_config::settings::{self, TelegramUpdate};

use crate::pace::Pacer;
use crate::refusal::Refusal;
use crate::scrub::Scrub;

/// Longest wait of the server for something new (Bot API, `getUpdates`: "timeout").
pub const LONG_POLL: Duration = Duration::from_secs(25);
/// Longest wait for an answer, a long poll included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What keeps the channel from starting.
#[derive(Debug, thiserror::Error)]
pub enum TelegramError {
    /// The token has not the shape of one.
    #[error("[telegram] token : un jeton s’écrit 123456:ABC… (celui que donne @BotFather)")]
    Token,
    /// The address leads nowhere.
    #[error("[telegram] api_url : adresse http ou https attendue")]
    Address,
    /// The client cannot be made.
    #[error("client HTTP de Telegram : {0}")]
    Client(String),
}

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its name, without `@`.
    pub username: String,
    /// Its name as people see it.
    pub name: String,
    /// Whether it may be added to groups.
    pub joins_groups: bool,
}

/// The channel. A clone shares its paces.
#[derive(Clone)]
pub struct Telegram {
    pub(crate) bot: Bot,
    pub(crate) scrub: Scrub,
    pub(crate) pacer: Arc<Pacer>,
    pub(crate) updates: Vec<AllowedUpdate>,
    me: Arc<OnceCell<Me>>,
}

impl Telegram {
    /// Makes the channel; nothing is asked of the server.
    ///
    /// # Errors
    /// The token or the address is unreadable.
    pub fn new(block: &settings::Telegram, token: &SecretString) -> Result<Self, TelegramError> {
        let well_formed = |t: &str| {
            t.split_once(':').is_some_and(|(id, key)| {
                !id.is_empty()
                    && id.bytes().all(|b| b.is_ascii_digit())
                    && !key.is_empty()
                    && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            })
        };
        if !well_formed(expose(token)) {
            return Err(TelegramError::Token);
        }
        let scrub = Scrub(token.clone());
        // The TLS of every other channel: the system's authorities, one provider in the binary.
        let tls = vigie_config::tls::client(None).map_err(|e| TelegramError::Client(e.to_string()))?;
        let client = teloxide_core::net::default_reqwest_settings()
            .use_preconfigured_tls(rustls::ClientConfig::clone(&tls))
            .timeout(ANSWER_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|e| TelegramError::Client(scrub.clean(&e.to_string())))?;
        let mut bot = Bot::with_client(expose(token), client);
        if let Some(address) = &block.api_url {
            if !matches!(address.scheme(), "http" | "https") {
                return Err(TelegramError::Address);
            }
            let mut address = address.clone();
            // The method's path is added as further segments: a last, empty one must go.
            if let Ok(mut path) = address.path_segments_mut() {
                path.pop_if_empty();
            }
            bot = bot.set_api_url(address);
        }
        let updates = block.updates.iter().map(|u| allowed(*u)).collect();
        Ok(Self { bot, scrub, pacer: Arc::default(), updates, me: Arc::default() })
    }

    /// Who the bot is: asked once.
    ///
    /// # Errors
    /// What the server said.
    pub async fn me(&self) -> Result<&Me, Refusal> {
        self.me
            .get_or_try_init(|| async {
                let me = self.bot.get_me().await.map_err(|e| self.refusal(&e))?;
                Ok(Me {
                    username: me.user.username.clone().unwrap_or_default(),
                    name: me.user.full_name(),
                    joins_groups: me.can_join_groups,
                })
            })
            .await
    }

    /// Says which commands clients propose: name and what it does.
    ///
    /// # Errors
    /// What the server said.
    pub async fn set_menu(&self, commands: &[(&str, &str)]) -> Result<(), Refusal> {
        let commands: Vec<BotCommand> =
            commands.iter().map(|(name, does)| BotCommand::new(name.trim_start_matches('/'), *does)).collect();
        self.bot.set_my_commands(commands.clone()).await.map_err(|e| self.refusal(&e))?;
        // A client in French asks for these; elsewhere the ones above serve.
        self.bot.set_my_commands(commands).language_code("fr").await.map(|_| ()).map_err(|e| self.refusal(&e))
    }

    pub(crate) fn refusal(&self, error: &RequestError) -> Refusal {
        Refusal::of(error, &self.scrub)
    }
}

fn allowed(update: TelegramUpdate) -> AllowedUpdate {
    match update {
        TelegramUpdate::Message => AllowedUpdate::Message,
        TelegramUpdate::EditedMessage => AllowedUpdate::EditedMessage,
        TelegramUpdate::CallbackQuery => AllowedUpdate::CallbackQuery,
        TelegramUpdate::MyChatMember => AllowedUpdate::MyChatMember,
        TelegramUpdate::MessageReaction => AllowedUpdate::MessageReaction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456:AAF7-g0gYncWnm5IyfZlpPRqRRv6kNAGlao";

    fn telegram(address: &str) -> Telegram {
        let block: settings::Telegram =
            toml::from_str(&format!("token = {{ env = \"X\" }}\napi_url = \"{address}\"")).unwrap();
        Telegram::new(&block, &SecretString::from(TOKEN)).unwrap()
    }

    #[tokio::test]
    async fn no_error_shows_the_token_whatever_the_address() {
        // Nobody listens there; and the second path is one that the library does not clean by itself.
        for address in ["http://127.0.0.1:1", "http://127.0.0.1:1/deep/path/"] {
            let refusal = telegram(address).me().await.unwrap_err();
            let said = format!("{refusal:?} {refusal}");
            assert!(matches!(refusal, Refusal::Unreachable(_)), "{said}");
            assert!(!said.contains("AAF7"), "{said}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        let block: settings::Telegram = toml::from_str("token = { env = \"X\" }").unwrap();
        for wrong in ["", "abc", "12:", ":abc", "12:a b", "12:a/../b"] {
            let error = Telegram::new(&block, &SecretString::from(wrong)).err().unwrap();
            assert!(matches!(error, TelegramError::Token));
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
    }
}
