//! By which ways messages reach people.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::words::words;

/// A channel of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Channel {
    /// E-mail over SMTP.
    Email,
    /// A Telegram chat: private, group or supergroup.
    Telegram,
    /// A Matrix room, such as one of Tchap.
    Matrix,
    /// Standard output.
    Console,
    /// A program's own address, signed as Standard Webhooks.
    Webhook,
    /// Mattermost, by an incoming webhook.
    Mattermost,
    /// Slack, by an incoming webhook.
    Slack,
    /// Teams, by a workflow that takes a webhook.
    Teams,
    /// Rocket.Chat, by an incoming webhook.
    RocketChat,
    /// A browser, by the push service that it named (Web Push).
    Browser,
}

impl Channel {
    /// Every channel of this build.
    pub const ALL: [Self; 10] = [
        Self::Email,
        Self::Telegram,
        Self::Matrix,
        Self::Console,
        Self::Webhook,
        Self::Mattermost,
        Self::Slack,
        Self::Teams,
        Self::RocketChat,
        Self::Browser,
    ];
    /// Tools that take messages at an address of their own, and answer by links alone.
    pub const HOOKS: [Self; 6] =
        [Self::Mattermost, Self::Slack, Self::Teams, Self::RocketChat, Self::Webhook, Self::Browser];
    /// Those whose address a person copies from the tool.
    pub const COPIED: [Self; 5] = [Self::Mattermost, Self::Slack, Self::Teams, Self::RocketChat, Self::Webhook];

    /// Whether messages are posted to an address that is a secret of its owner.
    #[must_use]
    pub fn is_hook(self) -> bool {
        Self::HOOKS.contains(&self)
    }

    /// An address as it may be shown: of a tool, its server alone, since whoever knows the rest can write there.
    #[must_use]
    pub fn shown(self, value: &str) -> String {
        if !self.is_hook() {
            return value.to_owned();
        }
        let server = value.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        format!("{} ({server})", self.noun())
    }

    /// How a message goes, in words.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Email => "par courriel",
            Self::Telegram => "sur Telegram",
            Self::Matrix => "sur Matrix",
            Self::Console => "à l’écran",
            Self::Webhook => "vers votre logiciel",
            Self::Mattermost => "sur Mattermost",
            Self::Slack => "sur Slack",
            Self::Teams => "sur Teams",
            Self::RocketChat => "sur Rocket.Chat",
            Self::Browser => "dans votre navigateur",
        }
    }

    /// What it is called.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Email => "courriel",
            Self::Telegram => "Telegram",
            Self::Matrix => "Matrix",
            Self::Console => "écran",
            Self::Webhook => "logiciel",
            Self::Mattermost => "Mattermost",
            Self::Slack => "Slack",
            Self::Teams => "Teams",
            Self::RocketChat => "Rocket.Chat",
            Self::Browser => "navigateur",
        }
    }
}

words!(Channel);
