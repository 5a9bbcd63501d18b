//! No more messages than Telegram allows, whoever sends them: alerts, answers, several parts of one text.
//!
//! Alerts wait for their turn in the database, which survives a restart; here the same paces hold within this process, so
//! that an answer and an alert to one chat do not leave at one moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;
use vigie_domain::Channel;
use vigie_domain::delivery::{Pace, TELEGRAM_CALL_GAP};

/// Chats remembered before those whose wait is over are forgotten.
const MAX_CHATS: usize = 4096;

/// When each chat, and the bot, may be heard next.
#[derive(Debug, Default)]
pub struct Pacer(Mutex<Next>);

#[derive(Debug, Default)]
struct Next {
    call: Option<Instant>,
    chats: HashMap<i64, Instant>,
}

impl Pacer {
    /// Waits until a message to this chat may leave.
    pub async fn turn(&self, chat: i64) {
        let at = self.reserve(chat, Instant::now());
        tokio::time::sleep_until(at).await;
    }

    /// Waits until a call that makes no new message may leave.
    pub async fn call(&self) {
        let at = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            next.call(Instant::now())
        };
        tokio::time::sleep_until(at).await;
    }

    /// Books the next moment for a message to this chat.
    fn reserve(&self, chat: i64, now: Instant) -> Instant {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.max(next.call.unwrap_or(now)).max(next.chats.get(&chat).copied().unwrap_or(now));
        let gap = Pace::of(Channel::Telegram, &chat.to_string(), chrono::Duration::zero()).gap;
        // A chat that waits does not hold the others back.
        next.call(now);
        if next.chats.len() >= MAX_CHATS {
            next.chats.retain(|_, free| *free > now);
        }
        next.chats.insert(chat, at + gap.to_std().unwrap_or_default());
        at
    }
}

impl Next {
    fn call(&mut self, now: Instant) -> Instant {
        let at = now.max(self.call.unwrap_or(now));
        self.call = Some(at + TELEGRAM_CALL_GAP.to_std().unwrap_or_default());
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_chat_waits_for_itself_and_not_for_another() {
        let (pacer, now) = (Pacer::default(), Instant::now());
        assert_eq!(pacer.reserve(1, now), now);
        assert_eq!(pacer.reserve(1, now), now + Duration::from_secs(1));
        assert_eq!(pacer.reserve(1, now), now + Duration::from_secs(2));
        assert!(pacer.reserve(2, now) < now + Duration::from_millis(200));
        assert_eq!(pacer.reserve(-3, now + Duration::from_secs(9)), now + Duration::from_secs(9));
        assert_eq!(pacer.reserve(-3, now + Duration::from_secs(9)), now + Duration::from_secs(12));
    }

    #[test]
    fn the_bot_sends_no_more_than_thirty_messages_a_second() {
        let (pacer, now) = (Pacer::default(), Instant::now());
        let sent = (0..100).filter(|chat| pacer.reserve(*chat, now) < now + Duration::from_secs(1)).count();
        assert!((29..=30).contains(&sent), "{sent}");
    }
}
