//! Each reading and writing that the story from end to end does not reach, on both engines: they differ in what they infer of a
//! parameter and in the type of a sum.

use chrono::{Duration, NaiveDate};
use vigie_domain::procedure::Snapshot;
use vigie_domain::subscription::Rhythm;
use vigie_domain::{
    Alert, AlertKind, BuyerType, Cadence, Cause, Channel, Decision, Filter, Phase, ProvisionKind, Stage,
};

use super::{Empty, at, enqueue, person, stores};
use crate::address::AddressState;
use crate::consent::Asked;
use crate::digests::DueDigest;
use crate::incoming::IncomingRow;
use crate::invitations::{NewInvitation, Taken};
use crate::messages::SentPart;
use crate::people::NewSubscriber;
use crate::quarantine::Quarantined;
use crate::retention::Keep;
use crate::search::{Query, SearchRow};
use crate::sources::PollEnd;
use crate::tokens::Scope;
use crate::{Store, ids};
use vigie_domain::subscription::{Profile, Role, Subscriber};

fn word(kind: AlertKind, id: &str) -> Alert {
    Alert { id: id.into(), kind, procedure: String::new(), notice: String::new(), changes: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_what_they_set() {
    for (_empty, store) in stores().await {
        let address = person(&store, "p").await;
        store.set_rhythm("p", &Rhythm { per_hour: Some(3), ..Rhythm::default() }).await.unwrap();
        assert_eq!(store.rhythms().await.unwrap()["p"].per_hour, Some(3));
        let id = store.put_subscription("p", &Filter::default(), Cadence::Instant, at(0)).await.unwrap();
        assert!(store.set_filter(&id, &Filter::default()).await.unwrap());
        assert!(store.pause_subscription(&id, Some(at(5))).await.unwrap());
        assert_eq!(store.subscriptions_of("p").await.unwrap()[0].paused_until, Some(at(5)));
        assert!(store.change_own_subscription("p", &id, &Filter::default(), Cadence::Instant).await.unwrap());
        assert!(!store.change_own_subscription("other", &id, &Filter::default(), Cadence::Instant).await.unwrap());
        assert_eq!(store.members("p").await.unwrap(), ["p"]);
        assert_eq!(store.people_after("EXEMPLE", "", 5).await.unwrap().len(), 1);
        assert!(store.set_role("p", Role::Facilitator).await.unwrap());
        assert!(!store.is_declared("p").await.unwrap());
        assert!(store.set_address_state(&address, AddressState::Suspended, "550").await.unwrap());
        assert!(store.active_addresses("p").await.unwrap().is_empty());
        assert_eq!(store.find_subscribers("P@exemple.FR").await.unwrap()[0].role, Role::Facilitator);
        store.keep_only_declared(&[]).await.unwrap();
        assert!(store.remove_subscription(&id).await.unwrap());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_sessions_tokens_and_invitations() {
    for (_empty, store) in stores().await {
        let subscriber =
            Subscriber { id: "n".into(), name: "n".into(), role: Role::Subscriber, profile: Profile::default() };
        let addresses = vec![(Channel::Email, "n@exemple.fr".to_owned(), AddressState::Unconfirmed)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, at(0)).await.unwrap();
        let address = store.addresses("n").await.unwrap().remove(0);
        let pace = (Duration::hours(1), 3);
        assert_eq!(store.ask_to_confirm(&address.id, false, pace, at(0)).await.unwrap(), Asked::Yes);
        assert_eq!(store.ask_to_confirm(&address.id, false, pace, at(1)).await.unwrap(), Asked::TooSoon);
        assert_eq!(store.unanswered(at(5), 3).await.unwrap(), std::slice::from_ref(&address.id));
        assert_eq!(store.asks(&address.id).await.unwrap(), 1);
        assert!(store.confirm(&address.id, "page", at(6)).await.unwrap());
        assert_eq!(store.consent(&address.id).await.unwrap(), (Some(at(0)), Some(at(6))));
        store.saw("op", "n", "fiche", at(7)).await.unwrap();
        assert_eq!(store.looks("n", 5).await.unwrap().len(), 1);
        store.tell("n", &word(AlertKind::Account, "t1"), "Bonjour", at(7)).await.unwrap();
        store.answer(&address, &word(AlertKind::Account, "t2"), "", "Réponse", at(7)).await.unwrap();

        let used = store.addresses_in_use(Channel::Email, "n@exemple.fr").await.unwrap();
        assert!(store.send_sign_in(&used[0], "/abonnements", at(30), at(8)).await.unwrap());
        let sent = store.deliveries(None, 1).await.unwrap().remove(0);
        let Cause::SignIn(link) = sent.cause else { panic!("{sent:?}") };
        assert_eq!(store.sign_in_until(&link, at(9)).await.unwrap(), Some(at(30)));
        assert_eq!(store.open_session(&link, "secret", at(99), at(9)).await.unwrap().as_deref(), Some("/abonnements"));
        assert_eq!(store.open_session(&link, "secret", at(99), at(9)).await.unwrap(), None, "once");
        let session = store.session("secret", at(10)).await.unwrap().unwrap();
        assert_eq!((session.person.id.as_str(), store.session_count("n", at(10)).await.unwrap()), ("n", 1));
        store.close_session(&session.secret_hash).await.unwrap();
        assert_eq!(store.close_sessions("n").await.unwrap(), 0);
        store.forget_ended_sessions(at(5_000)).await.unwrap();

        let id = store.put_token("n", "tableur", &[Scope::Procedures], "jeton", None, at(0)).await.unwrap().unwrap();
        let (token, owner) = store.token_by_secret("jeton", at(1)).await.unwrap().unwrap();
        assert_eq!((token.id, owner.id), (id.clone(), "n".to_owned()));
        assert!(store.token_by_id(&id, at(1)).await.unwrap().is_some());
        assert!(store.tokens("n").await.unwrap()[0].used.is_some());
        assert!(store.remove_token("n", &id).await.unwrap());

        let what =
            NewInvitation { role: Role::Structure, name: "Ana".into(), siret: None, subscriber: None, expires: at(60) };
        let code = store.invite(&what, at(0)).await.unwrap();
        let taken = store.take_invitation(&code, Channel::Telegram, "42", "Ana", at(1)).await.unwrap();
        assert!(matches!(taken, Taken::Welcome(_)), "{taken:?}");
        assert!(store.invitations().await.unwrap()[0].used.is_some());
        store.invite(&what, at(0)).await.unwrap();
        let name = store.invitations().await.unwrap().into_iter().find(|i| i.used.is_none()).unwrap().name;
        assert!(store.revoke_invitation(&name).await.unwrap());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_messages_and_mailboxes() {
    for (_empty, store) in stores().await {
        let address = person(&store, "p").await;
        let delivery = enqueue(&store, "p", &address, "a").await;
        let part = SentPart { part: 0, chat: "42".into(), message: "7".into() };
        store.keep_part(&delivery, &part).await.unwrap();
        assert_eq!(store.parts(&delivery).await.unwrap(), [part]);
        assert_eq!(store.carried_by("42", "7").await.unwrap(), Some(delivery.clone()));
        assert!(!store.is_doubtful(&delivery).await.unwrap());
        assert_eq!(store.listening_from("bot", at(0)).await.unwrap(), None);
        let said = |number, chat: &str| IncomingRow { number, chat: chat.into(), raw: vec![1] };
        store.keep_incoming("bot", &[said(4, "a"), said(5, "b")], 6, at(0)).await.unwrap();
        store.keep_incoming("bot", &[said(5, "b")], 6, at(0)).await.unwrap();
        assert_eq!(store.chats_waiting("bot").await.unwrap().len(), 2);
        assert_eq!(store.begin_incoming("bot", "b").await.unwrap(), Some((said(5, "b"), 1)));
        assert_eq!(store.begin_incoming("bot", "b").await.unwrap(), Some((said(5, "b"), 2)));
        store.end_incoming("bot", 5).await.unwrap();
        assert!(!store.waits_in("bot", "b").await.unwrap() && store.waits_in("bot", "a").await.unwrap());
        assert_eq!(store.begin_incoming("bot", "b").await.unwrap(), None);
        for word in ["x", "y"] {
            store.append_incoming("rooms", vec![("r".into(), word.as_bytes().to_vec())], at(0)).await.unwrap();
        }
        let (first, _) = store.begin_incoming("rooms", "r").await.unwrap().unwrap();
        assert_eq!((first.number, first.raw), (0, b"x".to_vec()));
        assert_eq!(store.listening_from("bot", at(1)).await.unwrap(), Some(6));
        store.note_limit(Channel::Telegram, at(9)).await.unwrap();
        assert_eq!(store.limited(Channel::Telegram, at(1)).await.unwrap(), Some(at(9)));
        store.forget_limits(Channel::Telegram).await.unwrap();
        store.rest_channel(Channel::Telegram, at(2)).await.unwrap();

        assert!(store.received(&delivery, Channel::Email, "p@exemple.fr").await.unwrap().is_some());
        store.remember_message(&delivery, Channel::Email, "p@exemple.fr", "7", at(1)).await.unwrap();
        assert!(store.messages_to_refresh(Channel::Email, 5).await.unwrap().is_empty());
        assert_eq!(store.delivery_of_message(Channel::Email, "c", "7").await.unwrap(), None);
        assert_eq!(store.people_of_chat(Channel::Email, "p@exemple.fr").await.unwrap().len(), 1);
        assert_eq!(store.move_chat(Channel::Email, "p@exemple.fr", "q@exemple.fr").await.unwrap(), 1);
        assert_eq!(store.count_heard(Channel::Matrix, "c", Duration::minutes(1), at(0)).await.unwrap(), 1);
        assert!(store.greet_once(Channel::Matrix, "c", at(0)).await.unwrap());
        assert!(!store.greet_once(Channel::Matrix, "c", at(0)).await.unwrap());
        assert!(store.set_dialogue(Channel::Matrix, "c", 0, "{}", at(9), at(0)).await.unwrap());
        assert_eq!(store.dialogue(Channel::Matrix, "c", at(1)).await.unwrap().text, "{}");
        store.note_name(Channel::Matrix, "c", "Bruno", at(0)).await.unwrap();

        assert_eq!(store.inbox("boite").await.unwrap(), (0, 0));
        store.set_inbox("boite", (3, 4)).await.unwrap();
        assert_eq!(store.inbox("boite").await.unwrap(), (3, 4));
        store.set_read("m1", "lead", at(0)).await.unwrap();
        assert!(store.was_read("m1").await.unwrap());
        assert_eq!(store.mails_read(at(0), at(1)).await.unwrap(), [("lead".to_owned(), 1)]);
        assert_eq!(store.mail_sent(&delivery).await.unwrap().unwrap().address.value, "q@exemple.fr");
        let soft = store.count_soft(&address, ("m2", "soft"), Duration::days(7), at(0)).await.unwrap().unwrap();
        assert_eq!(soft.count, 1);
        store.put_lead("n", "p", at(0)).await.unwrap();
        assert_eq!(store.leads_since("p", at(0)).await.unwrap(), 1);
        assert!(store.mail_address_in_use("Q@exemple.fr").await.unwrap().is_some());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_counted_and_due() {
    for (_empty, store) in stores().await {
        let row = |n: i64| SearchRow {
            procedure: format!("p{n}"),
            title: "Nettoyage".into(),
            buyer: "Ville".into(),
            siren: String::new(),
            buyer_type: BuyerType::Other,
            verdict: "réservé".into(),
            sectors: vec!["nettoyage".into()],
            departments: vec![vigie_domain::Department::parse("59").unwrap()],
            provisions: vec![ProvisionKind::Reserved],
            published: Snapshot::default(),
            score: 80,
            closes: Some(at(500)),
            until: at(500),
            at: at(n),
            words: "nettoyage ville".into(),
            restricted: false,
        };
        store.put_search_rows(&(0..5).map(row).collect::<Vec<_>>()).await.unwrap();
        let query = Query {
            words: vec!["ville".into()],
            provisions: vec![ProvisionKind::Reserved],
            departments: vec![vigie_domain::Department::parse("59").unwrap()],
            state: Some(Phase::Open),
            min_score: 10,
            between: Some((at(0), at(100))),
            ..Query::default()
        };
        let page = store.search(&query, None, 2, at(1)).await.unwrap();
        assert_eq!(page.rows.iter().map(|r| r.procedure.as_str()).collect::<Vec<_>>(), ["p4", "p3"]);
        let (moment, place) = page.next.unwrap();
        assert_eq!(store.search(&query, Some((moment, &place)), 9, at(1)).await.unwrap().rows.len(), 3);
        assert_eq!(store.search_count(&query, 4, at(1)).await.unwrap(), 4);
        assert_eq!(store.search_rows(&["p1".into(), "px".into()]).await.unwrap().len(), 1);
        assert!(store.unsearchable(5).await.unwrap().is_empty());

        person(&store, "p").await;
        store.put_subscription("p", &Filter::default(), Cadence::Instant, at(0)).await.unwrap();
        assert_eq!(store.unheard(at(1), 5).await.unwrap().len(), 1);
        assert!(store.closing_between(at(0), at(9)).await.unwrap().is_empty());
        assert!(store.take_chore("ménage", Duration::hours(1), at(0)).await.unwrap());
        assert!(!store.take_chore("ménage", Duration::hours(1), at(1)).await.unwrap());
        assert!(store.due_digests(at(1), at(0)).await.unwrap().is_empty());
        let digest = DueDigest { subscriber: "p".into(), due: at(1) };
        assert_eq!(store.make_digest(&digest, (crate::digests::Lines::All, &[]), 5, at(0), at(1)).await.unwrap(), 0);
        assert_eq!(store.next_digest_of("p").await.unwrap(), None);
        assert!(store.spotted(&["p".into()], at(0), at(9)).await.unwrap().is_empty());
        assert!(store.told_by_subscription("p", at(0)).await.unwrap().is_empty());
        assert!(store.own_alerts("p", 5).await.unwrap().is_empty());
        store.decide(&Decision::new("p", "p1", Stage::Go, "Ana", at(1))).await.unwrap();
        assert_eq!(store.own_decisions("p", 5).await.unwrap().len(), 1);
        assert_eq!(store.decisions_at(&[Stage::Go]).await.unwrap().len(), 1);
        assert!(store.decisions_to_remind(at(2)).await.unwrap().is_empty());
        assert_eq!(store.decision_steps("p", at(0)).await.unwrap().len(), 1);
        assert!(store.notices_since(at(0)).next().await.unwrap().is_none());
        assert!(store.notice("x").await.unwrap().is_none());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_their_days_and_what_is_put_aside() {
    for (_empty, store) in stores().await {
        let lease = Duration::minutes(5);
        let (first, second) = tokio::join!(
            store.claim_source("a", "one", lease, false, at(0)),
            store.claim_source("b", "one", lease, false, at(0))
        );
        assert!(first.unwrap().is_some() && second.unwrap().is_some());
        assert!(store.claim_source("a", "two", lease, true, at(1)).await.unwrap().is_none(), "another holds it");
        let day = NaiveDate::from_ymd_opt(2026, 11, 29).unwrap();
        let failed =
            PollEnd { error: Some("503"), trouble: Some("unreachable"), quota: Some((9, 10)), ..PollEnd::default() };
        let good = PollEnd { items: 3, ..PollEnd::default() };
        let (one, two) = tokio::join!(
            store.poll_done("a", &failed, at(9), day, at(1)),
            store.poll_done("b", &good, at(9), day, at(1))
        );
        one.unwrap();
        two.unwrap();
        let states = store.source_states().await.unwrap();
        assert_eq!((states["a"].failures, states["a"].quota, states["a"].last_success), (1, Some((9, 10)), None));
        assert_eq!((states["b"].failures, states["b"].last_success, states["b"].next_due), (0, Some(at(1)), at(9)));
        assert_eq!(store.source_days(day).await.unwrap()["b"][0].items, 3);
        assert_eq!(store.days_of_source("a", day).await.unwrap()[0].failures, 1);
        assert!(store.claim_source("b", "two", lease, false, at(2)).await.unwrap().is_none(), "not due");
        assert!(store.claim_source("b", "two", lease, true, at(2)).await.unwrap().is_some(), "asked for");
        store.pause_source("a", true).await.unwrap();
        assert!(store.source("a").await.unwrap().paused);
        let record = Quarantined {
            source: "a".into(),
            record_id: None,
            place: "p".into(),
            reason: "r".into(),
            raw: vec![0, 159, 255],
            at: at(0),
        };
        assert!(store.quarantine(&record).await.unwrap() && !store.quarantine(&record).await.unwrap());
        assert_eq!(store.quarantined(5).await.unwrap()[0].raw, [0, 159, 255]);
        assert!(store.hold_lease("l", "one", lease, at(0)).await.unwrap());
        assert!(!store.hold_lease("l", "two", lease, at(1)).await.unwrap());
        store.release_gone(|holder| holder == "one", at(1)).await.unwrap();
        assert!(store.hold_lease("l", "two", lease, at(1)).await.unwrap());
        assert_eq!(store.alarm_count().await.unwrap(), 0);
        assert!(store.all_open_alarms().await.unwrap().is_empty());
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_shown_and_erased_and_what_is_old_goes() {
    for (_empty, store) in stores().await {
        let address = person(&store, "pers").await;
        enqueue(&store, "pers", &address, "a").await;
        store.note("address", &address, "pers@exemple.fr suspendue", at(0)).await.unwrap();
        let held = store.held_on("pers").await.unwrap().unwrap();
        let tables: Vec<&str> = held.iter().map(|(held, _)| held.table).collect();
        assert!(
            tables.contains(&"address") && tables.contains(&"delivery") && tables.contains(&"journal"),
            "{tables:?}"
        );
        let erased = store.erase("pers", true, at(1)).await.unwrap().unwrap();
        assert!(erased.deleted > 0 && erased.pseudonymised > 0, "{erased:?}");
        assert!(store.is_suppressed(Channel::Email, "pers@exemple.fr").await.unwrap());
        assert!(store.scrub().await.unwrap());
        store.lift_suppression(Channel::Email, "pers@exemple.fr").await.unwrap();
        assert!(!store.is_suppressed(Channel::Email, "pers@exemple.fr").await.unwrap());
        assert_eq!(store.journal("", 5).await.unwrap().len(), 0);
        let keep = Keep {
            unconfirmed: 1,
            idle: 1,
            messages: 1,
            journal: 1,
            access: 1,
            quarantine: 1,
            attachments: 1,
            consultations: 1,
        };
        let later = at(0) + Duration::days(30);
        assert!(store.delete_outdated(&keep, later).await.unwrap() > 0);
        person(&store, "idle").await;
        assert!(store.outdated_persons(&keep, later).await.unwrap().is_empty());
        assert_eq!(store.delete_unconfirmed(&keep, later).await.unwrap(), 0);
        assert_eq!(store.mend_lanes(later).await.unwrap(), 0);
        assert_eq!(ids::derived_id(&["a", "b"]).len(), 24);
        store.close().await;
    }
}

/// B2: the identifier of a message (and its Message-ID) cannot be told from what is public: whom it goes to and what it tells.
#[tokio::test(flavor = "multi_thread")]
async fn the_identifier_of_a_message_is_told_by_nothing_that_others_know() {
    let mut seen = Vec::new();
    for empty in [Empty::sqlite(), Empty::sqlite()].into_iter().chain(Empty::postgres()) {
        let store = Store::open(&empty.url).await.unwrap();
        let address = person(&store, "p").await;
        let first = enqueue(&store, "p", &address, "a").await;
        assert_eq!(enqueue(&store, "p", &address, "a").await, first, "made once");
        seen.extend([first, enqueue(&store, "p", &address, "b").await]);
        store.close().await;
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count, "the same person and alert, elsewhere another identifier");
    assert!(seen.iter().all(|id| id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit())), "{seen:?}");
}
