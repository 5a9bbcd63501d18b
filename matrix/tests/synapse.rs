//! The channel against a real homeserver (Synapse) and a second person on a device of their own.
#![expect(clippy::unwrap_used, reason = "tests may panic: that is how they fail")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use matrix_sdk::config::SyncSettings;
use matrix_sdk::deserialized_responses::TimelineEventKind;
use matrix_sdk::ruma::UserId;
use matrix_sdk::ruma::api::client::room::create_room::v3::Request as CreateRoom;
use matrix_sdk::ruma::events::{EmptyStateKey, InitialStateEvent, room::encryption::RoomEncryptionEventContent};
use matrix_sdk::{Client, Room};
use secrecy::SecretString;
use vigie_config::secret::Secret;
use vigie_config::settings;
use vigie_domain::delivery::Outcome;
use vigie_matrix::{Matrix, What};
use vigie_notifier::channels::Envelope;
use vigie_notifier::chat::Rich;
use vigie_notifier::message::Message;

/// Longest wait for anything in this test.
const PATIENCE: Duration = Duration::from_secs(120);
const TITLE: &str = "Nettoyage des écoles maternelles zyzomys";
const PASSWORD: &str = "mot-de-passe-d-essai";

struct Synapse {
    process: Child,
    dir: PathBuf,
    url: String,
}

impl Drop for Synapse {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Synapse {
    /// Starts a homeserver with two accounts, or says why not.
    fn start() -> Option<Self> {
        let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-servers/venv/bin");
        if !venv.join("synapse_homeserver").exists() {
            let required = std::env::var("VIGIE_REQUIRE").is_ok_and(|r| r.split(',').any(|n| n == "matrix"));
            assert!(!required, "VIGIE_REQUIRE names matrix, but Synapse is missing (run scripts/test-setup)");
            eprintln!("skipped: no Synapse (run scripts/test-setup)");
            return None;
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("synapse-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let generated = Command::new(venv.join("synapse_homeserver"))
            .args([
                "--server-name",
                "localhost",
                "--config-path",
                "homeserver.yaml",
                "--generate-config",
                "--report-stats=no",
            ])
            .current_dir(&dir)
            .output()
            .unwrap();
        assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
        let limit = "{per_second: 1000, burst_count: 1000}";
        std::fs::write(
            dir.join("extra.yaml"),
            format!(
                "listeners:\n  - {{port: {port}, tls: false, type: http, bind_addresses: ['127.0.0.1'], resources: [{{names: [client]}}]}}\n\
                 registration_shared_secret: essai\ntrusted_key_servers: []\nrc_message: {limit}\nrc_registration: {limit}\n\
                 rc_login: {{address: {limit}, account: {limit}, failed_attempts: {limit}}}\n\
                 rc_invites: {{per_room: {limit}, per_user: {limit}, per_issuer: {limit}}}\n"
            ),
        )
        .unwrap();
        let process = Command::new(venv.join("synapse_homeserver"))
            .args(["-c", "homeserver.yaml", "-c", "extra.yaml"])
            .current_dir(&dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, dir, url: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "Synapse does not listen");
            std::thread::yield_now();
        }
        for user in ["vigie", "claire"] {
            let made = Command::new(venv.join("register_new_matrix_user"))
                .args(["-u", user, "-p", PASSWORD, "--no-admin", "-k", "essai", &server.url])
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        }
        Some(server)
    }

    async fn vigie(&self) -> Matrix {
        let block = settings::Matrix {
            homeserver: self.url.clone(),
            user: "@vigie:localhost".to_owned(),
            password: Secret::Env("UNUSED".to_owned()),
            store: self.dir.join("vigie-store"),
            store_key: Secret::Env("UNUSED".to_owned()),
            allowed_servers: vec!["localhost".to_owned()],
            clear_rooms: false,
        };
        let key = SecretString::from("0123456789abcdef0123456789abcdef");
        Matrix::open(&block, &SecretString::from(PASSWORD), &key).await.unwrap()
    }

    /// Everything the server keeps of its events.
    fn kept(&self) -> Vec<u8> {
        ["homeserver.db", "homeserver.db-wal"]
            .iter()
            .flat_map(|f| std::fs::read(self.dir.join(f)).unwrap_or_default())
            .collect()
    }
}

fn sync() -> SyncSettings {
    SyncSettings::default().timeout(Duration::from_secs(2))
}

async fn room(claire: &Client, encrypted: bool) -> Room {
    let mut request = CreateRoom::new();
    request.invite = vec![UserId::parse("@vigie:localhost").unwrap()];
    if encrypted {
        let on = RoomEncryptionEventContent::with_recommended_defaults();
        request.initial_state = vec![InitialStateEvent::new(EmptyStateKey, on).to_raw_any()];
    }
    claire.create_room(request).await.unwrap()
}

/// What happens until `wanted` does.
async fn until(vigie: &Matrix, wanted: impl Fn(&What) -> bool) -> What {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "it never happened");
        if let Some(event) = vigie.next().await.unwrap().into_iter().find(|e| wanted(&e.what)) {
            return event.what;
        }
    }
}

/// The message Claire reads that holds `words`: its event, its thread, and whether it came encrypted.
async fn reads(claire: &Client, words: &str) -> (String, serde_json::Value, bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "« {words} » never arrived");
        for update in claire.sync_once(sync()).await.unwrap().rooms.joined.into_values() {
            for event in update.timeline.events {
                let encrypted = matches!(event.kind, TimelineEventKind::Decrypted(_));
                let value: serde_json::Value = serde_json::from_str(event.raw().json().get()).unwrap();
                if value["content"]["body"].as_str().is_some_and(|b| b.contains(words)) {
                    return (
                        value["event_id"].as_str().unwrap().to_owned(),
                        value["content"]["m.relates_to"].clone(),
                        encrypted,
                    );
                }
            }
        }
    }
}

async fn send(vigie: &Matrix, room: &Room, key: &str, thread: &[String], text: &str) -> Outcome {
    let message = Message {
        subject: TITLE.to_owned(),
        text: text.to_owned(),
        html: String::new(),
        chat: Rich::plain(format!("{TITLE}\n{text}")),
        unsubscribe: None,
    };
    let to = room.room_id().as_str();
    vigie.send(&Envelope { to, key, thread, resend: false, message: &message, buttons: &[] }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_room_is_read_answered_and_survives_a_restart() {
    let Some(server) = Synapse::start() else { return };
    let claire = Client::builder().homeserver_url(&server.url).build().await.unwrap();
    claire.matrix_auth().login_username("claire", PASSWORD).send().await.unwrap();
    claire.sync_once(sync()).await.unwrap();
    let vigie = server.vigie().await;
    let salon = room(&claire, true).await;
    until(&vigie, |w| *w == What::Joined).await;

    let sent = send(&vigie, &salon, "livraison-1", &[], "Date limite\u{a0}: 12 janvier 2027").await;
    let Outcome::Accepted(event) = sent else { panic!("{sent:?}") };
    let again = send(&vigie, &salon, "livraison-1", &[], "Date limite\u{a0}: 12 janvier 2027").await;
    assert_eq!(again, Outcome::Accepted(event.clone()), "sent twice, arrived once");
    let (read, _, encrypted) = reads(&claire, TITLE).await;
    assert!(read == event && encrypted);

    let reaction =
        serde_json::json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "👍" } });
    salon.send_raw("m.reaction", reaction).await.unwrap();
    let seen = until(&vigie, |w| matches!(w, What::Reaction { .. })).await;
    assert_eq!(seen, What::Reaction { emoji: "👍".to_owned(), event: event.clone() });
    assert_eq!(vigie.delivery_of(&event).await.as_deref(), Some("livraison-1"));

    drop(vigie);
    let vigie = server.vigie().await;
    salon.send_raw("m.room.message", serde_json::json!({ "msgtype": "m.text", "body": "/aide" })).await.unwrap();
    until(&vigie, |w| matches!(w, What::Text { text, .. } if text == "/aide")).await;
    let thread = ["livraison-1".to_owned()];
    let sent = send(&vigie, &salon, "livraison-2", &thread, "La date limite est reportée").await;
    assert!(matches!(sent, Outcome::Accepted(_)), "{sent:?}");
    let (_, relation, encrypted) = reads(&claire, "reportée").await;
    assert!(encrypted && relation["rel_type"] == "m.thread" && relation["event_id"] == event.as_str(), "{relation}");

    let vigie_id = UserId::parse("@vigie:localhost").unwrap();
    claire.encryption().request_user_identity(&vigie_id).await.unwrap();
    let devices: Vec<_> = claire.encryption().get_user_devices(&vigie_id).await.unwrap().devices().collect();
    assert!(devices.len() == 1 && devices[0].is_cross_signed_by_owner(), "one device, verified, across the restart");

    let clear = room(&claire, false).await;
    until(&vigie, |w| *w == What::Joined).await;
    let refused = send(&vigie, &clear, "livraison-3", &[], "en clair").await;
    assert!(matches!(refused, Outcome::Permanent(_)), "{refused:?}");

    let kept = server.kept();
    let holds = |text: &str| kept.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(holds("m.room.encrypted") && !holds("zyzomys") && !holds("reportée"));
}
