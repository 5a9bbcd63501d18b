//! Calls for partners from end to end: the story of a network whose members answer from chats, mails and pages; what stays in its
//! circle; what is refused.

mod circles;
mod room;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender, by_mail};
use vigie_domain::directory::Structure;
use vigie_domain::partner_call::{CallState, PartnerRole, Turn};
use vigie_domain::subscription::{Profile, QuietHours, Rhythm, Role};
use vigie_domain::{
    AlertKind, Channel, DateKind, Decision, Department, Lot, Notice, NoticeKind, Place, Stage, StructureKind,
    Subscriber, TypedDate,
};
use vigie_notifier::typeset::typeset;
use vigie_service::after_award::messages;
use vigie_service::partner_calls::{closing, proposing};
use vigie_store::choices::Choice;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Pages, Visitor};
use vigie_tests::servers::Postgres;

use crate::matrix::Salon;

const MEMBERS: usize = 23;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap().with_timezone(&Utc)
}

fn call(id: &str, published: (i32, u32, u32), closes: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = "Nettoyage des écoles et des gymnases".into();
    notice.buyer.name = "Ville de Lille".into();
    notice.buyer.siret = Some("21590350100017".into());
    notice.departments.extend(Department::parse("59"));
    notice.published = NaiveDate::from_ymd_opt(published.0, published.1, published.2);
    let closes = DateTime::parse_from_rfc3339(closes).unwrap();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "dateReceptionOffres"));
    for (n, title) in ["Écoles du centre", "Gymnases", "Écoles du sud"].into_iter().enumerate() {
        notice.lots.push(Lot { id: (n + 1).to_string(), title: title.into(), ..Lot::default() });
    }
    notice
}

fn siret(n: usize) -> String {
    format!("{:014}", 31_000_000_000_000_u64 + n as u64)
}

fn name(n: usize) -> String {
    format!("Structure {n:02}")
}

fn member(n: usize) -> String {
    format!("m{n:02}")
}

fn chat_of(person: &str, channel: Channel) -> String {
    if channel == Channel::Matrix { format!("!{person}:vigie.example") } else { format!("tg-{person}") }
}

/// A network and its members: two of them in Telegram, one in a Matrix room, the others by mail.
async fn network(pages: &Pages) {
    network_in(pages, None).await;
}

/// The same, with the room of the one who is in Matrix.
async fn network_in(pages: &Pages, room: Option<String>) {
    let store = &pages.app.service.store;
    pages.person("gie", "GIE Nord", Role::Network, None).await.unwrap();
    for n in 1..=MEMBERS {
        let id = member(n);
        let profile = Profile {
            kind: Some(StructureKind::Ei),
            siret: Some(siret(n)),
            networks: vec!["GIE Nord".into()],
            ..Profile::default()
        };
        let subscriber = Subscriber { id: id.clone(), name: name(n), role: Role::Structure, profile };
        let channel = match n {
            1 | 2 => Channel::Telegram,
            5 => Channel::Matrix,
            _ => Channel::Email,
        };
        let value = match (channel, &room) {
            (Channel::Email, _) => format!("{id}@structure.example"),
            (Channel::Matrix, Some(room)) => room.clone(),
            _ => chat_of(&id, channel),
        };
        // A mail as well, by which each may sign in.
        let addresses = vec![
            (channel, value, AddressState::Active),
            (Channel::Email, format!("{id}@structure.example"), AddressState::Active),
        ];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    }
}

async fn opened(pages: &Pages, coordinator: &Visitor, procedure: &str, closes: &str) -> String {
    let fields = [("marche", procedure), ("cloture", closes), ("membres", "oui"), ("mot", "Réunion mardi à Lille")];
    let answer = coordinator.post_form("/groupements/nouveau", &fields).await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.body);
    let location = answer.location.unwrap();
    let id = location.strip_prefix("/groupements/").unwrap().split('?').next().unwrap().to_owned();
    assert!(pages.app.service.store.partner_call(&id).await.unwrap().is_some());
    id
}

/// The latest message about a call for partners on that channel.
async fn delivery(pages: &Pages, person: &str, channel: Channel) -> String {
    let store = &pages.app.service.store;
    let all = store.deliveries(None, 1000).await.unwrap();
    let mut mine: Vec<_> = all.into_iter().filter(|d| d.subscriber == person && d.channel == channel).collect();
    mine.sort_by_key(|d| d.created);
    let one = mine.pop().unwrap();
    if channel != Channel::Email {
        let chat = chat_of(person, channel);
        store.remember_message(&one.id, channel, &chat, "7", pages.app.service.clock.now()).await.unwrap();
    }
    one.id
}

async fn says(pages: &Pages, person: &str, channel: Channel, input: Input) -> String {
    let chat = Chat { channel, id: chat_of(person, channel), private: true, title: String::new() };
    let sender = Sender { id: person.into(), name: format!("Voix de {person}") };
    let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
    plain(&replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n"))
}

fn text(words: &str, about: &str) -> Input {
    Input::Text { text: words.into(), about: Some(about.into()), edited: false, forwarded: false }
}

/// Words without the spaces of French, to look for.
fn plain(text: &str) -> String {
    typeset(text).replace(['\u{a0}', '\u{202f}'], " ")
}

async fn mails(pages: &Pages, person: &str, word: &str) -> String {
    let id = delivery(pages, person, Channel::Email).await;
    let sent = pages.app.service.store.mail_sent(&id).await.unwrap().unwrap();
    plain(&by_mail::say(&pages.app.service, &sent, word).await.unwrap().join("\n"))
}

/// Who was told of a turn of a call.
async fn told(pages: &Pages, turn: Turn) -> Vec<String> {
    let store = &pages.app.service.store;
    let mut out = Vec::new();
    let mark = format!("\"turn\":\"{}\"", turn.as_str());
    for person in store.subscribers().await.unwrap() {
        let mine = store.own_alerts(&person.id, 200).await.unwrap();
        let of = mine.iter().filter(|a| a.kind == AlertKind::PartnerCall);
        for alert in of {
            for share in store.notifications(&person.id, &alert.procedure).await.unwrap() {
                if share.reasons.contains(&mark) && !out.contains(&person.id) {
                    out.push(person.id.clone());
                }
            }
        }
    }
    out.sort();
    out
}

async fn page(visitor: &Visitor, path: &str) -> String {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    plain(&answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_asks_its_members_and_closes_the_call_into_a_line_up_that_the_renewal_starts_from() {
    let room = Salon::open().await;
    let settings = room.as_ref().map(|r| r.settings.clone()).unwrap_or_default();
    story(Pages::start(now(), &settings).await.unwrap(), room).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let clock = vigie_service::Clock::fixed(now());
        story(Pages::start_on(dir, &postgres.url, clock, "").await.unwrap(), None).await;
    }
}

async fn story(pages: Pages, mut room: Option<Salon>) {
    let service = &pages.app.service;
    let store = &service.store;
    network_in(&pages, room.as_ref().map(Salon::id)).await;
    if let Some(room) = &mut room {
        room.entered(&pages.app.delivery).await;
    }
    let procedure = pages.take(&call("26-1", (2026, 11, 18), "2026-12-21T12:00:00+01:00")).await.unwrap();
    let gie = pages.signed_in("gie").await.unwrap();
    let form = page(&gie, &format!("/groupements/nouveau?marche={procedure}")).await;
    assert!(form.contains("(23)") && form.contains("entente"), "{form}");
    // Too late to prepare anything.
    let late = [("marche", procedure.as_str()), ("cloture", "21/12/2026 à 18h"), ("membres", "oui")];
    let refused = gie.post_form("/groupements/nouveau", &late).await.unwrap();
    assert_eq!(refused.status, 422);
    assert!(plain(&refused.body).contains("avant la remise des offres"), "{}", refused.body);
    let id = opened(&pages, &gie, &procedure, "01/12/2026 à 18h").await;
    assert_eq!(told(&pages, Turn::Asked).await.len(), MEMBERS);

    // Two in Telegram, by a button and by words.
    let first = delivery(&pages, "m01", Channel::Telegram).await;
    let shown = messages::chat_of(service, &first).await.unwrap().unwrap().1.text;
    assert!(shown.contains("GIE Nord") && shown.contains("Réunion mardi") && shown.contains("Gymnases"), "{shown}");
    let pressed = Input::Pressed { data: format!("joins:{first}"), about: None };
    let said = says(&pages, "m01", Channel::Telegram, pressed).await;
    assert!(said.contains("cotraitant"), "{said}");
    let said = says(&pages, "m01", Channel::Telegram, text("Mandataire lot 1 ; cotraitant lot 2, 40 %", &first)).await;
    assert!(said.contains("mandataire : lot 1"), "{said}");
    let second = delivery(&pages, "m02", Channel::Telegram).await;
    let said = says(&pages, "m02", Channel::Telegram, text("oui", &second)).await;
    assert!(said.contains("En quel rôle"), "{said}");
    says(&pages, "m02", Channel::Telegram, text("cotraitant lots 1 et 2, 300 heures", &second)).await;
    let said = says(&pages, "m02", Channel::Telegram, text("mandataire lot 9", &second)).await;
    assert!(said.contains("pas de lot 9"), "{said}");
    // Two by mail: by words, and by the link of the message.
    let said = mails(&pages, "m03", "sous-traitant lot 2, 6 personnes").await;
    assert!(said.contains("sous-traitant"), "{said}");
    let link = service.answer_url(&delivery(&pages, "m04", Channel::Email).await, service.clock.now()).unwrap();
    let link = link.strip_prefix(&pages.base).unwrap().to_owned();
    let stranger = pages.stranger().unwrap();
    assert!(page(&stranger, &link).await.contains("Gymnases"), "each lot can be ticked");
    let bound = stranger.post(&link, &[("mot", "lead")]).await.unwrap();
    assert!(
        bound.status == 422 && bound.body.contains("cochez au moins un lot"),
        "one tap binds no lot: {}",
        bound.body
    );
    let one = stranger.post(&link, &[("mot", "co_contractor"), ("lot", "3")]).await.unwrap();
    assert!(one.status == 200 && one.body.contains("Changer ma réponse"), "{}", one.body);
    assert!(plain(&one.body).contains("cotraitant : lot 3"), "{}", one.body);
    let answered = stranger.post(&link, &[("mot", "declined")]).await.unwrap();
    assert_eq!(answered.status, 200, "{}", answered.body);
    // One in a room.
    let words = "cotraitant lot 1, 30 %";
    let said = match &room {
        Some(room) => room::answers(room, &pages, words).await,
        None => {
            let about = delivery(&pages, "m05", Channel::Matrix).await;
            says(&pages, "m05", Channel::Matrix, text(words, &about)).await
        }
    };
    assert!(said.contains("30 %"), "{said}");

    // The coordinator sees who is where; what is read is noted for those whose answers were read.
    let table = page(&gie, &format!("/groupements/{id}")).await;
    assert!(table.contains("5 réponses sur 23") || table.contains("<strong>5</strong> réponses sur 23"), "{table}");
    assert!(table.contains("non couvert") && table.contains("Structure 04") && table.contains("C<br>40"), "{table}");
    let looks = store.looks("m04", 20).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "gie" && l.what.contains(&id)), "{looks:?}");
    assert!(store.looks("m06", 20).await.unwrap().is_empty(), "who answered nothing was not read");
    // A member sees its own line and what is uncovered, nobody's name, and no refusal.
    let m05 = pages.signed_in("m05").await.unwrap();
    let own = page(&m05, &format!("/groupements/{id}")).await;
    assert!(own.contains("cotraitant, 30 %") && own.contains("1 lot que personne"), "{own}");
    for other in [1, 2, 3, 4] {
        assert!(!own.contains(&name(other)) && !own.contains("Voix de m0"), "{own}");
    }
    for path in ["repartition.csv", "repartition.docx"] {
        assert_eq!(m05.get(&format!("/groupements/{id}/{path}")).await.unwrap().status, 404);
    }
    let conduct = format!("/groupements/{id}/conduite");
    assert_eq!(m05.post_form(&conduct, &[("do", "clore")]).await.unwrap().status, 404);
    // Two people of one structure: the second, on a page opened before, overrules nobody unawares.
    let m06 = pages.signed_in("m06").await.unwrap();
    let answer = format!("/groupements/{id}/reponse");
    let fields = [("vu", ""), ("role", "co_contractor"), ("tous", "oui"), ("par-lot", "oui")];
    assert_eq!(m06.post_form(&answer, &fields).await.unwrap().status, 200);
    let again = m06.post_form(&answer, &[("vu", ""), ("role", "declined"), ("tous", "oui")]).await.unwrap();
    assert_eq!(again.status, 409);
    assert!(plain(&again.body).contains("vient de répondre"), "{}", again.body);

    // A second answer for one lot that is ticked leaves the others as they were answered, all together.
    let seen = |page: &str| page.split("name=\"vu\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mark = seen(&page(&m06, &format!("/groupements/{id}")).await);
    let fields = [("vu", mark.as_str()), ("role", "lead"), ("lot", "2"), ("par-lot", "oui")];
    let one = plain(&m06.post_form(&answer, &fields).await.unwrap().body);
    assert!(one.contains("cotraitant : lots 1 et 3 ; mandataire : lot 2"), "{one}");
    let mark = seen(&page(&m06, &format!("/groupements/{id}")).await);
    let fields = [("vu", mark.as_str()), ("role", "co_contractor"), ("tous", "oui"), ("par-lot", "oui")];
    assert_eq!(m06.post_form(&answer, &fields).await.unwrap().status, 200);

    // The date moves; those who refused hear nothing of it.
    let moved = call("26-1", (2026, 11, 18), "2026-12-28T12:00:00+01:00");
    pages.take(&moved).await.unwrap();
    closing::run(service, service.clock.now()).await.unwrap();
    let heard = told(&pages, Turn::Moved).await;
    assert!(heard.contains(&"gie".to_owned()) && heard.contains(&"m01".to_owned()), "{heard:?}");
    assert!(!heard.contains(&"m04".to_owned()), "{heard:?}");
    // Half time: those who did not answer, once.
    service.clock.set(now() + Duration::days(6));
    for _ in 0..2 {
        closing::run(service, service.clock.now()).await.unwrap();
    }
    let reminded = told(&pages, Turn::HalfTime).await;
    assert_eq!(reminded.len(), MEMBERS - 6, "{reminded:?}");
    service.clock.set(now() + Duration::days(10));
    closing::run(service, service.clock.now()).await.unwrap();
    assert_eq!(told(&pages, Turn::LastDay).await.len(), MEMBERS - 6);
    // One withdraws.
    let said = says(&pages, "m02", Channel::Telegram, text("non", &second)).await;
    assert!(said.contains("non"), "{said}");
    let kept = store.positions_of(&id, &siret(2)).await.unwrap();
    assert!(kept.iter().all(|p| p.role == PartnerRole::Declined), "{kept:?}");

    // It closes by its moment: the line-up, the recap, the file, the decisions.
    service.clock.set(now() + Duration::days(11));
    closing::run(service, service.clock.now()).await.unwrap();
    let closed = store.partner_call(&id).await.unwrap().unwrap();
    assert_eq!(closed.state, CallState::Closed);
    assert_eq!(told(&pages, Turn::LineUp).await, ["gie", "m01", "m03", "m05", "m06"]);
    let recap = delivery(&pages, "m01", Channel::Telegram).await;
    let recap = plain(&messages::chat_of(service, &recap).await.unwrap().unwrap().1.text);
    assert!(recap.contains("Structure 05 (cotraitant)"), "{recap}");
    for never in ["Structure 02", "Structure 04", "30 %", "6 personnes"] {
        assert!(!recap.contains(never), "{never}: {recap}");
    }
    if let Some(room) = &room {
        room.stays_shut(&room::NEVER_IN_CLEAR);
    }
    let said = says(&pages, "m02", Channel::Telegram, text("cotraitant lot 1", &second)).await;
    assert!(said.contains("est clos depuis"), "{said}");
    let csv = page(&gie, &format!("/groupements/{id}/repartition.csv")).await;
    assert!(csv.contains(&siret(1)) && csv.contains("mandataire") && !csv.contains(&siret(4)), "{csv}");
    let docx = gie.get(&format!("/groupements/{id}/repartition.docx")).await.unwrap();
    assert_eq!(docx.status, 200);
    assert!(docx.headers.contains("wordprocessingml"), "{}", docx.headers);
    let decided = store.decisions_on(&siret(5), &procedure).await.unwrap();
    assert!(
        decided.iter().any(|d| d.lot == "1" && d.stage == Stage::Preparing && d.joint == Some(true)),
        "{decided:?}"
    );
    assert!(store.decisions_on(&siret(4), &procedure).await.unwrap().iter().all(|d| d.stage != Stage::Preparing));

    // A year later the market comes back: the line-up of before is where it starts.
    service.clock.set(now() + Duration::days(365));
    let next = pages.take(&call("27-1", (2027, 11, 18), "2027-12-21T12:00:00+01:00")).await.unwrap();
    assert_ne!(next, procedure);
    let gie = pages.signed_in("gie").await.unwrap();
    let id = opened(&pages, &gie, &next, "01/12/2027 à 18h").await;
    let renewed = store.partner_call(&id).await.unwrap().unwrap();
    assert_eq!(renewed.follows, closed.id);
    let message = delivery(&pages, "m01", Channel::Telegram).await;
    let message = plain(&messages::chat_of(service, &message).await.unwrap().unwrap().1.text);
    assert!(message.contains("La fois précédente, vous aviez répondu : mandataire : lot 1"), "{message}");
    let m05 = pages.signed_in("m05").await.unwrap();
    let own = page(&m05, &format!("/groupements/{id}")).await;
    assert!(own.contains("La fois précédente") && own.contains("cotraitant, 30 %"), "{own}");
}

/// Two calls on one procedure, by two networks of which one structure is a member: neither learns anything of the other.
#[tokio::test(flavor = "multi_thread")]
async fn competing_calls_know_nothing_of_each_other() {
    let pages = Pages::start(now(), "").await.unwrap();
    let store = &pages.app.service.store;
    network(&pages).await;
    pages.person("rival", "Inter-réseau", Role::Network, None).await.unwrap();
    for n in [1, 2] {
        let mut subscriber = store.subscriber(&member(n)).await.unwrap().unwrap();
        subscriber.profile.networks.push("Inter-réseau".into());
        store
            .put_subscriber(&NewSubscriber { subscriber, addresses: Vec::new(), declared: false }, now())
            .await
            .unwrap();
    }
    let procedure = pages.take(&call("26-1", (2026, 11, 18), "2026-12-21T12:00:00+01:00")).await.unwrap();
    let gie = pages.signed_in("gie").await.unwrap();
    let rival = pages.signed_in("rival").await.unwrap();
    let one = opened(&pages, &gie, &procedure, "01/12/2026 à 18h").await;
    let other = opened(&pages, &rival, &procedure, "02/12/2026 à 18h").await;
    let m01 = pages.signed_in("m01").await.unwrap();
    let secret = "mot-pour-le-seul-coordinateur";
    let fields = [("vu", ""), ("role", "lead"), ("lot", "1"), ("mot", secret), ("par-lot", "oui")];
    assert_eq!(m01.post_form(&format!("/groupements/{one}/reponse"), &fields).await.unwrap().status, 200);
    let answered = m01.post_form(&format!("/groupements/{other}/reponse"), &fields[..3]).await.unwrap();
    assert!(plain(&answered.body).contains("déjà dans un autre groupement"), "it alone is warned: {}", answered.body);
    assert!(page(&gie, &format!("/groupements/{one}")).await.contains(secret));
    let theirs = page(&rival, &format!("/groupements/{other}")).await;
    assert!(!theirs.contains(secret) && !theirs.contains("autre groupement"), "{theirs}");
    for visitor in [&rival, &pages.signed_in("m02").await.unwrap(), &pages.stranger().unwrap()] {
        for path in ["", "/repartition.csv", "/repartition.docx"] {
            let answer = visitor.get(&format!("/groupements/{one}{path}")).await.unwrap();
            assert!(!answer.body.contains(secret) && !answer.body.contains("Structure 01"), "{path}: {}", answer.body);
        }
    }
    // Programs read what their owners read, and no more.
    for (who, sees) in [("gie", true), ("m01", true), ("m02", false), ("rival", false)] {
        let program = pages.program(who, &[Scope::Decisions]).await.unwrap();
        let answer = program.get(&format!("/api/v1/partner-calls/{one}")).await.unwrap();
        assert_eq!(answer.body.contains(secret), sees, "{who}: {}", answer.body);
        assert_eq!(answer.status == 200, who != "rival", "{who}");
        assert_eq!(answer.body.contains("\"asked\""), who == "gie", "{who}: {}", answer.body);
        let listed = program.get("/api/v1/partner-calls").await.unwrap().body;
        assert_eq!((listed.contains(&one), listed.contains(secret)), (who != "rival", false), "{who}: {listed}");
    }
    // A decision is shown where its structure says so, for this call alone.
    let shown = async || page(&gie, &format!("/groupements/{one}")).await.contains("on y va");
    m01.post_form(&format!("/procedure/{procedure}/decision"), &[("stage", "go")]).await.unwrap();
    assert!(!shown().await, "not without consent");
    let seen = vigie_store::partner_calls::positions_mark(&store.positions_of(&one, &siret(1)).await.unwrap());
    let fields = [("vu", seen.as_str()), ("role", "lead"), ("lot", "1"), ("montrer", "oui")];
    assert_eq!(m01.post_form(&format!("/groupements/{one}/reponse"), &fields).await.unwrap().status, 200);
    assert!(shown().await, "with it");
    // An answer without a lot is not noted, and loses nothing of what was typed.
    let fields = [("vu", ""), ("role", "lead"), ("par-lot", "oui"), ("heures", "350"), ("mot", "avec notre équipe")];
    let refused = m01.post_form(&format!("/groupements/{one}/reponse"), &fields).await.unwrap();
    assert_eq!(refused.status, 409);
    for kept in ["value=\"lead\" checked", "value=\"350\"", "avec notre équipe"] {
        assert!(refused.body.contains(kept), "« {kept} » is missing: {}", refused.body);
    }
    assert!(!page(&rival, &format!("/groupements/{other}")).await.contains("on y va"), "for this call alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structure_asks_only_those_who_agreed_and_a_call_ends_with_its_market() {
    let pages = Pages::start(now(), "").await.unwrap();
    let service = &pages.app.service;
    let store = &service.store;
    for (id, siret) in [("ana", "21590350100017"), ("bob", "26590671900017"), ("zoe", "33333333300017")] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", (2026, 11, 18), "2026-12-21T12:00:00+01:00")).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let open = async |structure: &str| {
        let fields = [("marche", procedure.as_str()), ("cloture", "01/12/2026 à 18h"), ("structure", structure)];
        ana.post_form("/groupements/nouveau", &fields).await.unwrap()
    };
    assert_eq!(open("33333333300017").await.status, 422, "zoe never agreed");
    let bob = pages.signed_in("bob").await.unwrap();
    assert_eq!(bob.post_form("/compte/partenaires", &[("choix", "oui")]).await.unwrap().status, 303);
    assert!(store.chose("26590671900017", Choice::Proposed, "").await.unwrap());
    assert!(page(&ana, &format!("/groupements/nouveau?marche={procedure}")).await.contains("bob"));
    let answer = open("26590671900017").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let id = answer.location.unwrap().split(['/', '?']).nth(2).unwrap().to_owned();
    let decided = store.decisions_on("21590350100017", &procedure).await.unwrap();
    assert!(decided.iter().any(|d| d.stage == Stage::Preparing && d.joint == Some(true)), "{decided:?}");
    // A lead of one's own goes nowhere.
    let fields = [("role", "co_contractor"), ("lot", "1"), ("lot", "3"), ("part", "120")];
    let answer = bob.post_form(&format!("/groupements/{id}/reponse"), &fields).await.unwrap();
    assert_eq!(answer.status, 409);
    assert!(plain(&answer.body).contains("1 à 100 %"), "{}", answer.body);
    // The market is called off: the call ends with it, and says so to both.
    let mut gone = Notice::new("boamp", "26-2", NoticeKind::Cancellation);
    gone.title = "Nettoyage des écoles et des gymnases".into();
    gone.links.earlier = vec!["26-1".into()];
    pages.take(&gone).await.unwrap();
    closing::run(service, service.clock.now()).await.unwrap();
    assert_eq!(store.partner_call(&id).await.unwrap().unwrap().state, CallState::Cancelled);
    assert_eq!(told(&pages, Turn::Cancelled).await, ["ana", "bob"]);
    assert_eq!(bob.post_form("/compte/partenaires", &[("choix", "jamais")]).await.unwrap().status, 303);
    assert_eq!(bob.post_form("/compte/partenaires", &[("choix", "oui")]).await.unwrap().status, 303);
    assert!(!store.chose("26590671900017", Choice::Proposed, "").await.unwrap(), "for good");
}

/// A call for partners is answered by its closing, long before that of its market: the first is what presses.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_closes_soon_comes_in_the_quiet_hours_of_who_lets_that_pass() {
    let night = DateTime::parse_from_rfc3339("2026-11-21T22:23:00+01:00").unwrap().with_timezone(&Utc);
    let pages = Pages::start(night, "").await.unwrap();
    let store = &pages.app.service.store;
    network(&pages).await;
    for (n, urgent_passes) in [(3, true), (4, false)] {
        let quiet = Some(QuietHours { from: 20, to: 6 });
        store.set_rhythm(&member(n), &Rhythm { quiet, urgent_passes, ..Rhythm::default() }).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", (2026, 11, 18), "2026-12-21T12:00:00+01:00")).await.unwrap();
    let gie = pages.signed_in("gie").await.unwrap();
    opened(&pages, &gie, &procedure, "23/11/2026 à 10h").await;
    let queued = store.deliveries(None, 1000).await.unwrap();
    let told = |n: usize| queued.iter().any(|d| d.subscriber == member(n));
    assert_eq!((told(3), told(4), told(6)), (true, false, true), "four waits for six o'clock");
}

/// A network asks by a table; what it reads is the same of a stranger and of somebody who is here; whoever says yes is a member.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_asks_people_by_a_table_and_they_say_yes_or_no() {
    let pages = Pages::start(now(), "").await.unwrap();
    let store = &pages.app.service.store;
    pages.person("gie", "GIE Nord", Role::Network, None).await.unwrap();
    pages.person("ana", "Atelier Ana", Role::Structure, Some("21590350100017")).await.unwrap();
    let gie = pages.signed_in("gie").await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    assert_eq!(ana.get("/reseau").await.unwrap().status, 404, "only networks have one");
    let table =
        "courriel;nom;siret\nana@structure.example;Ana;\nnouvelle@ailleurs.example;Nouvelle;\npas une adresse;X;\n";
    let files = [("fichier", "membres.csv", table.as_bytes())];
    let answer = plain(&gie.post_files("/reseau/membres", &[("membres", "")], &files).await.unwrap().body);
    assert!(answer.contains("2 demandes envoyées") && answer.contains("Ligne 4"), "{answer}");
    let waiting = plain(&page(&gie, "/reseau").await);
    assert!(waiting.contains("Aucun membre"), "nobody is one before they say so");
    assert!(waiting.contains("2 demandes sans accord à ce jour, la dernière partie le 21 novembre 2026"), "{waiting}");
    assert!(!waiting.contains("Atelier Ana"), "nor does the network learn who uses Vigie");
    let asked = store.own_alerts("ana", 9).await.unwrap();
    assert_eq!(asked.len(), 0, "no market is told");
    assert!(page(&ana, "/groupements").await.contains("GIE Nord"), "she reads who asks");
    let fields = [("reseau", "gie"), ("do", "rejoindre")];
    assert_eq!(ana.post_form("/reseaux", &fields).await.unwrap().status, 303);
    assert!(store.subscriber("ana").await.unwrap().unwrap().profile.is_member_of("GIE Nord"));
    assert!(page(&gie, "/reseau").await.contains("Atelier Ana"));
    assert_eq!(ana.post_form("/reseaux", &fields).await.unwrap().status, 400, "asked once, answered once");
    let again = gie.post_form("/reseau", &[]).await.unwrap().status;
    assert_eq!(again, 405);
    assert_eq!(ana.post_form("/reseaux", &[("reseau", "GIE Nord"), ("do", "quitter")]).await.unwrap().status, 303);
    assert!(page(&gie, "/reseau").await.contains("Aucun membre"));
    // Asked again, she answers by a button of the mail, without entering; a refusal is shown to nobody.
    assert!(plain(&page(&gie, "/reseau").await).contains("1 demande sans accord"));
    let files = [("fichier", "membres.csv", b"ana@structure.example\n".as_slice())];
    gie.post_files("/reseau/membres", &[("membres", "")], &files).await.unwrap();
    let me = store.subscriber("ana").await.unwrap().unwrap();
    let question = vigie_service::questions::waiting(&pages.app.service, &me).await.unwrap().remove(0);
    assert!(page(&ana, "/").await.contains("GIE Nord vous compte parmi ses membres"), "her first page asks too");
    let link = pages.app.service.question_url(&question.id, "ana", now()).unwrap();
    let link = link.strip_prefix(&pages.base).unwrap();
    let stranger = pages.stranger().unwrap();
    assert!(page(&stranger, &format!("{link}?mot=non")).await.contains("Je suis membre"));
    let said = stranger.post(link, &[("mot", "non")]).await.unwrap();
    assert!(said.status == 200 && said.body.contains("ne vous compte pas parmi ses membres"), "{}", said.body);
    assert_eq!(stranger.post(link, &[("mot", "oui")]).await.unwrap().status, 404, "answered once");
    assert!(!store.subscriber("ana").await.unwrap().unwrap().profile.is_member_of("GIE Nord"));
    let waiting = plain(&page(&gie, "/reseau").await);
    assert!(waiting.contains("2 demandes sans accord") && waiting.contains("Aucun membre"), "{waiting}");
}

/// « 55 analysés → 15 répondus → 80 % gagnés »; of a network, nothing of fewer than five; the report of what was won.
#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_counted_for_a_structure_and_for_a_network_of_five_or_more() {
    let pages = Pages::start(now(), "").await.unwrap();
    let store = &pages.app.service.store;
    network(&pages).await;
    let decide = async |structure: &str, n: usize, stage: Stage| {
        let at = now() - Duration::days(300) + Duration::hours(i64::try_from(n).unwrap() * 24);
        let decision = Decision::new(structure, &format!("p{n}"), stage, "Ana", at + Duration::hours(stage as i64));
        store.decide(&decision).await.unwrap();
    };
    for n in 0..55 {
        decide(&siret(1), n, if n < 15 { Stage::Go } else { Stage::NoGo }).await;
        if n < 15 {
            decide(&siret(1), n, Stage::Submitted).await;
            decide(&siret(1), n, if n < 12 { Stage::Won } else { Stage::Lost }).await;
        }
    }
    let m01 = pages.signed_in("m01").await.unwrap();
    let year = page(&m01, "/annee").await;
    assert!(year.contains("12 gagnés sur 15 répondus : 80 %"), "{year}");
    assert!(year.contains("aria-label=\"Analysés : 55\""), "{year}");
    let csv = page(&m01, "/tableaux/annee.csv?par=mois").await;
    assert!(csv.contains("Ensemble;55;55;55;15;12;3;0;0;40"), "{csv}");
    // The network: members agree one by one; with four nothing is shown, with five the sum is.
    let gie = pages.signed_in("gie").await.unwrap();
    for n in 1..=5 {
        let member = pages.signed_in(&member(n)).await.unwrap();
        let fields = [("reseau", "GIE Nord"), ("do", "compter")];
        assert_eq!(member.post_form("/annee/compter", &fields).await.unwrap().status, 303);
        if n > 1 {
            decide(&siret(n), n, Stage::Submitted).await;
        }
        let csv = page(&gie, "/tableaux/annee.csv?par=acheteur").await;
        let total = csv.lines().find(|l| l.starts_with("Ensemble")).unwrap().to_owned();
        assert_eq!(total.contains(";59;"), n == 5, "{n}: {total}");
        assert_eq!(total.starts_with("Ensemble;moins de 5"), n < 5, "{n}: {total}");
        assert!(!total.contains(";12;"), "what one alone won is never shown: {total}");
    }
    let shown = page(&gie, "/annee").await;
    assert!(shown.contains("5 membres sur 23") && !shown.contains("Structure 01"), "{shown}");
    // What was won: figures are typed, added up, and given as a table.
    let fields = [("marche", "p3"), ("lot", ""), ("annee", "2026"), ("montant", "40 000"), ("faites", "900")];
    assert_eq!(m01.post_form("/bilan/chiffres", &fields).await.unwrap().status, 303);
    let report = page(&m01, "/bilan?annee=2026").await;
    assert!(report.contains("<strong>12</strong> contrats") && report.contains("40000"), "{report}");
    assert!(page(&m01, "/tableaux/bilan.csv?annee=2026").await.contains(";40000;"));
    let not_won = [("marche", "p30"), ("lot", ""), ("montant", "1")];
    assert_eq!(m01.post_form("/bilan/chiffres", &not_won).await.unwrap().status, 404);
    let m02 = pages.signed_in("m02").await.unwrap();
    assert!(!page(&m02, "/bilan?annee=2026").await.contains("40000"));
}

/// Fifty written lots against the real directory: six at most a lot, near enough, able to bid, each with its reasons.
#[tokio::test(flavor = "multi_thread")]
async fn proposals_on_the_real_directory_are_near_able_and_explained() {
    let Some(file) = vigie_tests::shared::data("data/directory/siae_real_2021.jsonl") else { return };
    let pages = Pages::start(now(), "").await.unwrap();
    let store = &pages.app.service.store;
    network(&pages).await;
    let mut entries: Vec<Structure> = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let Some(kind) = StructureKind::parse(&text("kind")) else { continue };
        let brand = if text("brand").is_empty() { text("name") } else { text("brand") };
        entries.push(Structure {
            siret: text("siret"),
            name: brand,
            kind,
            sectors: Vec::new(),
            departments: Department::parse(&text("department")).into_iter().collect(),
            place: Some(Place { city: Some(text("city")), postcode: Some(text("post_code")), nuts: None }),
            naf: Some(text("naf")).filter(|n| !n.is_empty()),
        });
    }
    store.put_entries(&entries, now()).await.unwrap();
    let trades = [
        "Entretien des espaces verts",
        "Nettoyage des locaux",
        "Blanchisserie du linge",
        "Collecte et traitement des déchets",
        "Travaux de peinture",
        "Traiteur et plateaux-repas",
        "Mise à disposition de personnel d’entretien",
        "Livraison de fruits et légumes, maraîchage",
        "Réparation de vélos",
        "Déménagement de bureaux",
    ];
    let towns = [("Lille", "59"), ("Toulouse", "31"), ("Lyon", "69"), ("Bordeaux", "33"), ("Strasbourg", "67")];
    let (mut lots, mut with, mut proposals) = (0, 0, 0);
    for (t, (town, department)) in towns.into_iter().enumerate() {
        let mut notice = call(&format!("26-{t}"), (2026, 11, 18), "2026-12-21T12:00:00+01:00");
        notice.title = format!("Services à {town}");
        notice.departments = Department::parse(department).into_iter().collect();
        notice.buyer.name = format!("Ville de {town}");
        notice.lots = (1..)
            .zip(trades)
            .map(|(n, trade)| Lot { id: n.to_string(), title: format!("{trade} à {town}"), ..Lot::default() })
            .collect();
        let procedure = pages.take(&notice).await.unwrap();
        let gie = pages.signed_in("gie").await.unwrap();
        let id = opened(&pages, &gie, &procedure, "01/12/2026 à 18h").await;
        let coordinator = store.subscriber("gie").await.unwrap().unwrap();
        let found = proposing::for_call(&pages.app.service, &coordinator, &id).await.unwrap().unwrap();
        for (lot, proposed) in found {
            lots += 1;
            with += usize::from(!proposed.is_empty());
            assert!(proposed.len() <= proposing::MOST);
            for one in proposed {
                proposals += 1;
                let title = trades[lot.parse::<usize>().unwrap() - 1];
                eprintln!("{town} | {title} | {} | {} | {}", one.kind, one.name, one.reasons.join(" ; "));
                assert!(one.reasons.len() >= 2, "{one:?}");
                let entry = entries.iter().find(|e| e.siret == one.siret).unwrap();
                if let Some(code) = one.reasons[0].split("code d’activité ").nth(1) {
                    assert_eq!(entry.naf.as_deref(), Some(code.trim_end_matches(')')), "the reason is true");
                }
                let km =
                    one.reasons.iter().find_map(|r| r.split(", ").nth(1)?.split(" km").next()?.parse::<f64>().ok());
                assert!(km.is_none_or(|km| km <= 90.0), "{one:?}");
            }
        }
        assert_eq!(page(&gie, &format!("/groupements/{id}/partenaires")).await.matches("<h2").count(), trades.len());
    }
    eprintln!("{proposals} proposals, {with} of {lots} lots have some");
    // Where neither an activity nor a name says the trade, nobody is proposed: fewer lots have some, and those who are proposed can.
    assert!(with * 5 >= lots * 2, "{with} of {lots} lots have proposals");
}
