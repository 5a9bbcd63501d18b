//! What people read holds no name of a field, no identifier and no word of English: every kind of message over the recorded notices,
//! every page of a commercial, a facilitator and an operator, and what a chat answers each of them.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;
use vigie_conversation::command::MENU;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_domain::subscription::Role;
use vigie_domain::{AlertKind, Channel, Filter, Notice, NoticeKind, Passage, ProcedureState};
use vigie_notifier::card::{AlertItem, Links, Why};
use vigie_notifier::digest::Shown;
use vigie_notifier::message::{Form, Templates};
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::pages::Pages;
use vigie_tests::shared;
use vigie_watcher::classify;

use super::pages::{call, said};

fn now() -> DateTime<Utc> {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// What only programs say: words in snake case or in camel case behind a dot, Rust's own, identifiers, plurals that are left to the reader.
static OF_PROGRAMS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x) \b[a-z]{2,}_[a-z]{2,}\b | \b[A-Z]{3,}\.[A-Z][a-z]+ | \bSome\( | \bNone\b | \bnull\b | \bNaN\b | \{\{ | \}\}
          | \b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{14,}\b | \bundefined\b",
    )
    .unwrap()
});
/// Words of the program's own English that have no business in a French sentence.
static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:pending|claimed|deferred|ambiguous|superseded|cancelled|outbox|baseline|overflow|digest|unconfirmed|dead|sent|awarded|planned|reserved|clause_|unknown|the|and|with|for)\b",
    )
    .unwrap()
});

/// Sentences that people stumbled over, which have better ones.
static OLD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:non vue dans l’avis|d’une liste à l’autre|\b(?:365|730) jours|on nous a demandé|intérêt pour les structures|qui la connaît|cela règle la suite|l’objet même est|fin au plus tard après|\bpresse\b|adresse arrêtée|\bincertain|\bmort\b|\(s\)|Lot 1\s?: Lot 1|aucun métier reconnu|autre \()",
    )
    .unwrap()
});

/// What stands in a text that people should not read.
fn faults(text: &str) -> Vec<String> {
    // Commands are typed as they stand: "/reprendre_source".
    let links = Regex::new(r"https?://\S+|\S+@\S+|/[a-z]+/\S*|/[a-z]+(?:_[a-z]+)+").unwrap();
    let text = links.replace_all(text, "");
    let around = |at: usize| {
        let start = text[..at].char_indices().rev().nth(40).map_or(0, |(n, _)| n);
        text[start..].chars().take(90).collect::<String>()
    };
    let all = [&OF_PROGRAMS, &ENGLISH, &OLD];
    all.into_iter().flat_map(|wrong| wrong.find_iter(&text)).map(|m| around(m.start())).collect()
}

/// A notice whose own words are these of nobody: all that is English or odd in its messages is ours.
fn like(real: &Value) -> Notice {
    let mut notice = Notice::new("boamp", real["id"].as_str().unwrap_or_default(), NoticeKind::Call);
    notice.title = "Entretien".into();
    notice.buyer.name = "Ville de Lens".into();
    let text = real["text"].as_str().unwrap_or_default().to_owned();
    notice.passages = vec![Passage { field: "EFORMS.ContractNotice.Description".into(), lot: None, text }];
    notice
}

#[test]
fn no_message_shows_a_name_of_a_field_an_identifier_or_english() {
    let Some(file) = shared::data("gold/notices.jsonl") else { return };
    let templates = Templates::load(None).unwrap().with_answers(true);
    let mut wrong = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let notice = like(&serde_json::from_str(line).unwrap());
        let mut verdict = classify::classify(&notice);
        // The buyer's own words are quoted as they are.
        verdict.provisions.iter_mut().for_each(|p| p.evidence.quote = None);
        verdict.facts.iter_mut().for_each(|f| f.evidence.quote = None);
        verdict.dates.iter_mut().for_each(|d| d.quote = None);
        verdict.lots.iter_mut().for_each(|lot| lot.title = "Entretien".into());
        let mut shown = notice.clone();
        shown.passages.clear();
        let (why, state) = (Why::default(), ProcedureState::of_verdict(&verdict, now()));
        let item = |kind| AlertItem {
            kind,
            changes: &[],
            notice: &shown,
            assessment: &verdict,
            state: &state,
            why: &why,
            noticed: now(),
            contacts: &[],
            links: Links::default(),
            stands: None,
        };
        for kind in [AlertKind::New, AlertKind::Correction, AlertKind::Award, AlertKind::Reminder] {
            for form in [Form::Mail, Form::Chat] {
                let message = templates.alert(form, &item(kind), None, now()).unwrap();
                wrong.extend(faults(message.text()).into_iter().map(|f| format!("{} {kind:?}: {f}", notice.record_id)));
                let digest = templates
                    .digest(
                        form,
                        (&[item(kind)], vec!["12 mars 2027, Lens : rencontre".to_owned()]),
                        Shown::Whole,
                        None,
                        now(),
                    )
                    .unwrap();
                wrong.extend(faults(digest.text()).into_iter().map(|f| format!("{} digest: {f}", notice.record_id)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them: {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
}

#[tokio::test]
async fn no_page_shows_a_name_of_a_field_an_identifier_or_english() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    for (id, role, siret) in [
        ("jeanne", Role::Structure, Some("21590350100017")),
        ("fatou", Role::Facilitator, None),
        ("chef", Role::Operator, None),
    ] {
        pages.person(id, "Camille", role, siret).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    vigie_delivery::worker::drain(&pages.app.delivery).await.unwrap();
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    let (mut wrong, mut read) = (Vec::new(), 0);
    for person in ["jeanne", "fatou", "chef"] {
        let visitor = pages.signed_in(person).await.unwrap();
        let subscription = pages.app.service.store.subscriptions_of(person).await.unwrap().remove(0).id;
        // The page for programmers speaks of programs, and of their words.
        for path in vigie_web::PATHS.iter().filter(|p| !p.starts_with("/api")) {
            let id = match *path {
                p if p.starts_with("/procedure") => procedure.as_str(),
                p if p.starts_with("/abonnements") => &subscription,
                p if p.contains("personnes") => "jeanne",
                _ => &delivery,
            };
            let answer = visitor.get(&path.replace("{id}", id).replace("{token}", id)).await.unwrap();
            // What an operator has to type into a file bears its name there.
            let of_files = ["/exploitation/reglages", "/exploitation/etat", "/exploitation/annuaires"].contains(path);
            if answer.status == 200 && answer.headers.contains("text/html") && !of_files {
                read += 1;
                wrong.extend(faults(&said(&answer.body)).into_iter().map(|f| format!("{person} {path}: {f}")));
            }
        }
    }
    assert!(read > 45, "{read} pages");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn no_answer_in_a_chat_shows_a_name_of_a_field_an_identifier_or_english() {
    let pages = Pages::start(now(), "[[source]]\nid = \"boamp\"\nkind = \"boamp\"\n").await.unwrap();
    let store = &pages.app.service.store;
    let people = [("jeanne", Role::Structure), ("fatou", Role::Facilitator), ("chef", Role::Operator)];
    for (id, role) in people {
        pages.person(id, "Camille", role, (role == Role::Structure).then_some("21590350100017")).await.unwrap();
        let subscriber = store.subscriber(id).await.unwrap().unwrap();
        let addresses = vec![(Channel::Telegram, format!("tg-{id}"), AddressState::Active)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let mut commands: Vec<String> = MENU.iter().map(|(name, _)| format!("/{name}")).collect();
    // What ends the conversation comes last.
    commands.retain(|c| !["/stop", "/effacer"].contains(&c.as_str()));
    let more = [
        "/pourquoi 26-1",
        "/changer 1",
        "metiers",
        "annuler",
        "/essayer 1",
        "/nommer 1 Linge",
        "/pause 1 2 semaines",
        "/reprendre 1",
        "/retirer 1",
        "annuler",
        "/suivre Ville de Lille",
        "/oublier Ville de Lille",
        "/suivre",
        "/heures recevoir",
        "/ajouter Nettoyage des bureaux, Groupe Exemple",
        "/operations a-calibrer",
        "/transmettre 26-1",
        "/sante",
        "/file",
        "/pauser boamp",
        "/reprendre_source boamp",
        "/rejouer x",
        "/absence 2 semaines",
        "/zzz",
        "bonjour",
        "/reglages resume a 7 h",
        "/stop",
        "/start",
        "/effacer",
    ];
    commands.extend(more.map(str::to_owned));
    let mut wrong = Vec::new();
    for who in people.map(|(id, _)| id).into_iter().chain(["inconnu"]) {
        for command in &commands {
            let chat =
                Chat { channel: Channel::Telegram, id: format!("tg-{who}"), private: true, title: String::new() };
            let sender = Sender { id: who.into(), name: "Camille".into() };
            let input = Input::Text { text: command.clone(), about: None, edited: false, forwarded: false };
            let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
            for reply in replies {
                let labels: Vec<String> = reply.buttons.iter().flatten().map(|b| b.label.clone()).collect();
                let text = format!("{}\n{}", conversation::in_words(&reply).bare(), labels.join("\n"));
                wrong.extend(faults(&text).into_iter().map(|f| format!("{who} {command}: {f}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_programs_say_is_found() {
    for told in [
        "motif : no_award",
        "état sent",
        "Some(3)",
        "EFORMS.ContractNotice",
        "id 3f2a9b1c4d5e6f708192",
        "the end",
        "dans 365 jours",
        "1 envoi(s)",
    ] {
        assert_eq!(faults(told).len(), 1, "{told}");
    }
    assert!(faults("Marché réservé aux EA, avis 26-131001, le 12 janvier").is_empty());
}
