//! A conversation in a real Matrix room, from the invitation to a decision that shows on both channels.

use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::{Value, json};
use vigie_bot::app::App;
use vigie_bot::clock::Clock;
use vigie_bot::ingest::{self, Audience};
use vigie_bot::talk::{self, Chat, Heard, Said, Sender, refresh};
use vigie_bot::{deliver, rooms};
use vigie_config::secret::Secret;
use vigie_config::settings::{self, Settings};
use vigie_domain::subscription::Role;
use vigie_domain::{Cadence, Channel, Filter, Notice, NoticeKind};
use vigie_store::invitations::NewInvitation;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::homeserver::{Reader, Synapse};
use vigie_watcher::fetch::Fetcher;

/// Longest wait for anything in this test.
const PATIENCE: Duration = Duration::from_secs(90);

async fn service(dir: &tempfile::TempDir, server: &Synapse) -> std::sync::Arc<App> {
    std::fs::write(dir.path().join("password"), Synapse::PASSWORD).unwrap();
    std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    let matrix = settings::Matrix {
        homeserver: server.url.clone(),
        user: "@vigie:localhost".to_owned(),
        password: Secret::File(dir.path().join("password")),
        store: dir.path().join("store"),
        store_key: Secret::File(dir.path().join("key")),
        allowed_servers: vec!["localhost".to_owned()],
        clear_rooms: true,
    };
    let url = Some(format!("sqlite:{}", dir.path().join("t.sqlite").display()));
    let store = settings::Store { url, password: None };
    let settings = Settings { store, matrix: Some(matrix), ..Settings::default() };
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let app = App::start(settings, fetcher, Clock::default()).await.unwrap();
    assert!(rooms::opened(&app).await, "the account opens");
    std::sync::Arc::new(app)
}

/// Listens until a message of the room holds these words; gives its content.
async fn reads(app: &App, claire: &Reader, room: &str, words: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let messages = claire.messages(room).await.unwrap();
        let body = |m: &Value| m["body"].as_str().unwrap_or_default().to_owned();
        if let Some(found) = messages.iter().rev().find(|m| body(m).contains(words)) {
            return found.clone();
        }
        assert!(
            Instant::now() < deadline,
            "« {words} » never came: {:?}",
            messages.iter().map(body).collect::<Vec<_>>()
        );
        rooms::listen(app).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_invitation_to_a_decision_that_shows_on_both_channels() {
    let Some(server) = Synapse::start(&["vigie", "claire"]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let app = service(&dir, &server).await;
    let claire = Reader::sign_in(&server, "claire").await.unwrap();
    let room = claire.room("@vigie:localhost", false).await.unwrap();
    reads(&app, &claire, &room, "personnes invitées").await;
    let new = NewInvitation {
        role: Role::Structure,
        name: "Ateliers".into(),
        siret: Some("33333333300017".into()),
        subscriber: None,
        expires: Utc::now() + chrono::Duration::days(1),
    };
    let code = app.store.invite(&new, Utc::now()).await.unwrap();
    let text = |body: &str| json!({ "msgtype": "m.text", "body": body });
    claire.send(&room, "m.room.message", &text(&format!("/start {code}"))).await.unwrap();
    reads(&app, &claire, &room, "Bienvenue Ateliers").await;
    claire.send(&room, "m.room.message", &text("/abonnements")).await.unwrap();
    let listed = reads(&app, &claire, &room, "aucun abonnement").await;
    assert!(listed["body"].as_str().unwrap().contains("«\u{a0}M’abonner\u{a0}»"), "buttons are words: {listed}");
    claire.send(&room, "m.room.message", &text("m’abonner")).await.unwrap();
    reads(&app, &claire, &room, "Quel est le SIRET").await;
    claire.send(&room, "m.room.message", &text("annuler")).await.unwrap();
    reads(&app, &claire, &room, "abandonné").await;

    // The same person has a Telegram chat too.
    let (person, _) = app.store.people_of_chat(Channel::Matrix, &room).await.unwrap().remove(0);
    let addresses = vec![(Channel::Telegram, "77".to_owned(), AddressState::Active)];
    let again = NewSubscriber { subscriber: person.clone(), addresses, declared: false };
    app.store.put_subscriber(&again, Utc::now()).await.unwrap();
    app.store.put_subscription(&person.id, &Filter::default(), Cadence::Instant, Utc::now()).await.unwrap();
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.title = "Nettoyage des écoles zyzomys".into();
    ingest::ingest(&app, &mut Audience::default(), &notice, None).await.unwrap();
    deliver::drain(&app).await.unwrap();
    let alert = reads(&app, &claire, &room, "zyzomys").await;
    assert!(alert["body"].as_str().unwrap().contains("répondez\u{a0}: 👍 On y va · 👎 Écarter"), "{alert}");
    let all = app.store.deliveries(None, 10).await.unwrap();
    let on = |channel: &str| all.iter().find(|d| d.channel == channel).unwrap().clone();
    let (matrix, telegram) = (on("matrix"), on("telegram"));
    app.store.remember_message(&telegram.id, Channel::Telegram, "77", "5", Utc::now()).await.unwrap();

    // Decided in the room, shown there and on Telegram.
    let event = matrix.why.unwrap();
    let reaction = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "👍" } });
    claire.send(&room, "m.reaction", &reaction).await.unwrap();
    let state = reads(&app, &claire, &room, "s’en occupe\u{a0}: on y va").await;
    assert_eq!(state["m.relates_to"]["event_id"], event.as_str(), "in the thread of the alert: {state}");
    let stale = refresh::stale(&app, Channel::Telegram).await.unwrap();
    assert!(stale.len() == 1 && stale[0].line.contains("s’en occupe"), "{stale:?}");

    // Decided on Telegram, shown in the room within one delivery pass: the note is edited, no second one is made.
    let heard = Heard {
        chat: Chat { channel: Channel::Telegram, id: "77".into(), private: true, title: String::new() },
        sender: Sender { id: "9".into(), name: "Ana".into() },
        said: Said::Pressed { data: format!("no:{}", telegram.id), about: None },
    };
    talk::hear(&app, heard).await.unwrap();
    deliver::drain(&app).await.unwrap();
    let edited = claire.messages(&room).await.unwrap().pop().unwrap();
    assert_eq!(edited["m.relates_to"]["rel_type"], "m.replace", "{edited}");
    assert_eq!(edited["m.new_content"]["body"], "👎 Écarté par Ana");
    deliver::drain(&app).await.unwrap();
    assert_eq!(claire.messages(&room).await.unwrap().pop().unwrap(), edited, "shown once");
}
