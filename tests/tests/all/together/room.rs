//! The member of the story who answers in a room of her own: a real homeserver, an encrypted room, a second person on her device.

use tokio::task::JoinHandle;
use vigie_bot::roles::matrix_listener::{Listener, listen};
use vigie_delivery::channels::matrix;
use vigie_delivery::worker;
use vigie_tests::homeserver::Synapse;

use super::{Pages, plain};
use crate::matrix::{Claire, USERS, account, holds};

/// What is said in clear in the story, and by nobody in a room.
const NEVER_IN_CLEAR: [&str; 3] = ["GIE Nord", "cotraitant", "gymnases"];

/// A homeserver with an encrypted room that Vigie is asked into.
pub(super) struct Room {
    server: Synapse,
    claire: Claire,
    salon: matrix_sdk::Room,
    _dir: tempfile::TempDir,
    /// What the settings say of the account.
    pub(super) settings: String,
    listening: Option<JoinHandle<()>>,
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(task) = &self.listening {
            task.abort();
        }
    }
}

impl Room {
    /// `None` where no homeserver is at hand.
    pub(super) async fn open() -> Option<Self> {
        let server = Synapse::start(&USERS)?;
        let dir = tempfile::tempdir().unwrap();
        let settings = format!("[matrix]\n{}", account(&server, dir.path(), "'localhost'"));
        let claire = Claire::sign_in(&server).await;
        let salon = claire.room(true, true).await;
        Some(Self { server, claire, salon, _dir: dir, settings, listening: None })
    }

    pub(super) fn id(&self) -> String {
        self.salon.room_id().to_string()
    }

    /// Vigie enters and listens.
    pub(super) async fn entered(&mut self, pages: &Pages) {
        assert!(matrix::opened(&pages.app.delivery).await);
        let listener = Listener::new(std::sync::Arc::clone(&pages.app.delivery));
        self.listening = Some(tokio::spawn(async move { while listen(&listener).await.is_ok() {} }));
        self.claire.reads("ici Vigie").await;
    }

    /// She reads what she is asked, answers under it, and reads what is noted.
    pub(super) async fn answers(&self, pages: &Pages, words: &str) -> String {
        worker::drain(&pages.app.delivery).await.unwrap();
        let asked = self.claire.reads("GIE Nord").await;
        assert!(asked.encrypted && asked.body.contains("Réunion mardi"), "{}", asked.body);
        self.claire.says(&self.salon, words, Some(&asked.event)).await;
        let said = self.claire.reads("Noté pour").await;
        assert!(said.encrypted);
        plain(&said.body)
    }

    /// The homeserver read nothing of it all.
    pub(super) fn stays_shut(&self) {
        let kept = self.server.kept();
        assert!(holds(&kept, "m.room.encrypted"));
        for said in NEVER_IN_CLEAR {
            assert!(!holds(&kept, said), "the server can read « {said} »");
        }
    }
}
